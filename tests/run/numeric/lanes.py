"""Every operation on lanes of 8 and 16 bits for all their values: of bytes all pairs, of halves all
values with edges, and shifts by every count. One export each gives a hash of all the results."""
HALVES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x101, 0x3fff, 0x4000, 0x5aa5, 0x7fff, 0x8000, 0x8001,
          0xfeff, 0xff00, 0xff7f, 0xff80, 0xfffe, 0xffff]
FACTOR = 0x9e3779b97f4a7c15
# The vector $b that the inner loop goes on with: its lanes hold all values in turn.
STEPS = {8: (16, "i8x16.add", "i8x16.splat", 16), 16: (8, "i16x8.add", "i16x8.splat", 8192)}
IOTA = {8: "i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", 16: "i16x8 0 1 2 3 4 5 6 7"}


def lane_bits(op):
    """The width of an operation's operands, or None where it is not one of those here."""
    shape, name = op.text.split(" ")[0].split(".")
    widths = {"i8x16": 8, "i16x8": 16, "i32x4": None, "f32x4": None, "f64x2": None}
    return widths.get(next((word for word in name.split("_") if word in widths), shape))


def mix(result):
    return f"(local.set $h (i64x2.add (i64x2.mul (local.get $h) (local.get $f)) {result}))"


def uses(op):
    """The operation applied both ways round, its results as vectors."""
    if op.params == ["v128", "v128"]:
        calls = [f"({op.text} (local.get $a) (local.get $b))",
                 f"({op.text} (local.get $b) (local.get $a))"]
    elif op.params == ["v128"]:
        calls = [f"({op.text} (local.get $b))"]
    elif op.params == ["v128", "i32"] and ".sh" in op.text:
        calls = [f"({op.text} (local.get $b) (local.get $i))"]
        calls += [f"({op.text} (local.get $b) (i32.const {count}))" for count in (1, 7, 8, 15)]
    else:
        return []
    return calls if op.result == "v128" else [f"({op.result}x{128 // int(op.result[1:])}.splat "
                                              f"{call})" for call in calls]


def function(op, bits):
    step, add, splat, rounds = STEPS[bits]
    bodies = "".join(map(mix, uses(op)))
    if not bodies:
        return None
    outer = 256 if bits == 8 else len(HALVES)
    if op.params == ["v128"]:
        outer = 1
    elif "i32" in op.params:
        outer = 2 * bits + 1
    a = "(local.get $i)" if bits == 8 else \
        "(i32.load16_u (i32.shl (local.get $i) (i32.const 1)))"
    return f"""(func (export "{op.name}/all") (result i64)
 (local $i i32) (local $n i32) (local $a v128) (local $b v128) (local $h v128) (local $f v128)
 (local.set $f (i64x2.splat (i64.const {FACTOR})))
 (loop $outer
  (local.set $a ({splat} {a}))
  (local.set $b (v128.const {IOTA[bits]}))
  (local.set $n (i32.const {rounds}))
  (loop $inner {bodies}
   (local.set $b ({add} (local.get $b) ({splat} (i32.const {step}))))
   (br_if $inner (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                          (i32.const {outer}))))
 (i64.xor (i64x2.extract_lane 0 (local.get $h)) (i64x2.extract_lane 1 (local.get $h))))"""


def module(ops):
    table = "".join(f"\\{value & 255:02x}\\{value >> 8:02x}" for value in HALVES)
    text = ["(module (memory 1)", f'(data (i32.const 0) "{table}")']
    for op in ops:
        bits = lane_bits(op)
        code = function(op, bits) if bits else None
        if code is not None:
            text.append(code)
    return "\n".join(text + [")"])
