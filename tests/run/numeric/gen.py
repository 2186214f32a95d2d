#!/usr/bin/env python3
"""Writes modules that apply every numeric operation to edge values, with its operands in all the
places that the compiler tells apart: gen.py FOLDER. An export OP/FORM hashes the results of one
operation in one form of operands; all forms of an operation have to give the same hash."""
import itertools
import os
import sys

sys.dont_write_bytecode = True
import lanes
import wide

I32 = [0, 1, 2, 7, 31, 32, 0x7f, 0xffff8000, 0x7fffffff, 0x80000000, 0xffffffff]
I64 = [0, 1, 5, 63, 64, 0xffffffff, 0x80000000, 0x123456789abcdef0, 2**63 - 1, 2**63, 2**64 - 1]
F32 = ["0", "-0", "1", "-1.5", "0.1", "0x1p-149", "0x1.fffffep+127", "-0x1p+31", "0x1.fffffep+30",
       "0x1p+63", "4294967040", "inf", "-inf", "nan"]
F64 = ["0", "-0", "1", "-1.5", "0.1", "0x1p-1074", "0x1.fffffffffffffp+1023", "-0x1p+31",
       "4294967295.5", "0x1p+63", "-0x1p+63", "inf", "-inf", "nan"]
V128 = ["i64x2 0 0", "i64x2 -1 -1", "i8x16 0 1 2 3 -1 -2 -128 127 16 31 15 64 -64 100 -100 5",
        "i16x8 0 -1 1 0x7fff 0x8000 0x00ff 0xff00 0x0180", "i32x4 0 0x7fffffff 0x80000000 -1",
        "f32x4 1.5 -0 nan -inf", "f32x4 0x1p-149 3e9 -3e9 0x1.fffffep+127",
        "f64x2 -0 nan", "f64x2 -2.5 0x1p+63", "f64x2 inf 4294967295.7"]
# What conversions to floats round, halfway between two and a bit above that.
ROUNDED = {"i32": I32 + [0x1000001, 0x1000003, 0x7fffffbf, 0x80000081, 0xffffff7f],
           "i64": I64 + [2**53 + 1, 2**53 + 3, 2**63 + 1024, 2**63 + 1025, 2**63 + 2**39,
                         2**63 + 2**39 + 1, 2**40 + 2**16, 2**40 + 2**16 + 1, 2**64 - 1024,
                         2**63 - 512, 2**63 - 511, 0x7fffff4000000001]}
EDGES = {"i32": I32, "i64": I64, "f32": F32, "f64": F64, "v128": V128}
LANES = {"i8x16": 16, "i16x8": 8, "i32x4": 4, "i64x2": 2, "f32x4": 4, "f64x2": 2}
LANE_TYPE = {"i8x16": "i32", "i16x8": "i32", "i32x4": "i32", "i64x2": "i64", "f32x4": "f32",
             "f64x2": "f64"}
PLACE = 1024 # of the bytes that loads and stores are tried on, above what forms use themselves
PLACE_BYTES = 32
DATA = "".join(f"\\{(i * 0x3b + (0x80 if i % 3 else 0)) % 256:02x}" for i in range(PLACE_BYTES))
HOMELESS = 16 # heavier locals of each type than the operands, which then get no register


class Op:
    def __init__(self, text, params, result, lanes=None, traps=None, is_condition=False,
                 edges=EDGES, writes=False):
        self.text, self.params, self.result = text, params, result
        # What to try each operand with.
        self.values = edges if isinstance(edges, list) else [edges[t] for t in params]
        self.writes = writes  # to memory, at PLACE
        self.lanes = lanes    # of a vector that may have NaNs
        self.traps = traps or (lambda *_: False)
        self.is_condition = is_condition
        self.name = text.replace(" ", "_").replace("offset=", "at")


def integer_ops(t):
    edges = {"i32": (2**31, 2**32 - 1), "i64": (2**63, 2**64 - 1)}[t]
    for name in "add sub mul and or xor shl shr_s shr_u rotl rotr".split():
        yield Op(f"{t}.{name}", [t, t], t)
    for name in "div_s div_u rem_s rem_u".split():
        yield Op(f"{t}.{name}", [t, t], t, traps=lambda a, b, name=name:
                 b == 0 or (name == "div_s" and (a, b) == edges))
    for name in "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split():
        yield Op(f"{t}.{name}", [t, t], "i32", is_condition=True)
    yield Op(f"{t}.eqz", [t], "i32", is_condition=True)
    for name in "clz ctz popcnt extend8_s extend16_s".split():
        yield Op(f"{t}.{name}", [t], t)


def float_ops(t):
    for name in "add sub mul div min max copysign".split():
        yield Op(f"{t}.{name}", [t, t], t)
    for name in "eq ne lt gt le ge".split():
        yield Op(f"{t}.{name}", [t, t], "i32", is_condition=True)
    for name in "abs neg ceil floor trunc nearest sqrt".split():
        yield Op(f"{t}.{name}", [t], t)


def truncation_traps(to, sign):
    bits = int(to[1:])
    low, high = (-2**(bits - 1), 2**(bits - 1)) if sign == "s" else (0, 2**bits)

    def traps(text):
        value = float.fromhex(text) if "0x" in text else float(text)
        return value != value or value in (float("inf"), -float("inf")) or \
            not low <= int(value) < high
    return traps


def conversions():
    yield Op("i32.wrap_i64", ["i64"], "i32")
    yield Op("i64.extend_i32_s", ["i32"], "i64")
    yield Op("i64.extend_i32_u", ["i32"], "i64")
    yield Op("i64.extend32_s", ["i64"], "i64")
    yield Op("f32.demote_f64", ["f64"], "f32")
    yield Op("f64.promote_f32", ["f32"], "f64")
    for i, f, s in itertools.product(("i32", "i64"), ("f32", "f64"), "su"):
        yield Op(f"{i}.trunc_{f}_{s}", [f], i, traps=truncation_traps(i, s))
        yield Op(f"{i}.trunc_sat_{f}_{s}", [f], i)
        yield Op(f"{f}.convert_{i}_{s}", [i], f, edges=ROUNDED)
    for i, f in (("i32", "f32"), ("i64", "f64")):
        yield Op(f"{i}.reinterpret_{f}", [f], i)
        yield Op(f"{f}.reinterpret_{i}", [i], f)


VECTOR_BINARY = {
    "v128": "and or xor andnot",
    "i8x16": "swizzle eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u narrow_i16x8_s narrow_i16x8_u "
             "add add_sat_s add_sat_u sub sub_sat_s sub_sat_u min_s min_u max_s max_u avgr_u",
    "i16x8": "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u narrow_i32x4_s narrow_i32x4_u add "
             "add_sat_s add_sat_u sub sub_sat_s sub_sat_u mul min_s min_u max_s max_u avgr_u "
             "q15mulr_sat_s extmul_low_i8x16_s extmul_high_i8x16_s extmul_low_i8x16_u "
             "extmul_high_i8x16_u",
    "i32x4": "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u add sub mul min_s min_u max_s max_u "
             "dot_i16x8_s extmul_low_i16x8_s extmul_high_i16x8_s extmul_low_i16x8_u "
             "extmul_high_i16x8_u",
    "i64x2": "eq ne lt_s gt_s le_s ge_s add sub mul extmul_low_i32x4_s extmul_high_i32x4_s "
             "extmul_low_i32x4_u extmul_high_i32x4_u",
    "f32x4": "eq ne lt gt le ge add sub mul div min max pmin pmax",
    "f64x2": "eq ne lt gt le ge add sub mul div min max pmin pmax",
}
VECTOR_UNARY = {
    "v128": "not",
    "i8x16": "abs neg popcnt",
    "i16x8": "abs neg extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u extend_low_i8x16_s "
             "extend_high_i8x16_s extend_low_i8x16_u extend_high_i8x16_u",
    "i32x4": "abs neg extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u extend_low_i16x8_s "
             "extend_high_i16x8_s extend_low_i16x8_u extend_high_i16x8_u trunc_sat_f32x4_s "
             "trunc_sat_f32x4_u trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero",
    "i64x2": "abs neg extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u "
             "extend_high_i32x4_u",
    "f32x4": "abs neg sqrt ceil floor trunc nearest convert_i32x4_s convert_i32x4_u "
             "demote_f64x2_zero",
    "f64x2": "abs neg sqrt ceil floor trunc nearest convert_low_i32x4_s convert_low_i32x4_u "
             "promote_low_f32x4",
}


def vector_ops():
    for shape, names in VECTOR_BINARY.items():
        for name in names.split():
            yield Op(f"{shape}.{name}", ["v128", "v128"], "v128", lanes=shape)
    for shape, names in VECTOR_UNARY.items():
        for name in names.split():
            yield Op(f"{shape}.{name}", ["v128"], "v128", lanes=shape)
    yield Op("v128.any_true", ["v128"], "i32", is_condition=True)
    yield Op("v128.bitselect", ["v128", "v128", "v128"], "v128")
    for lanes in ("0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
                  "16 0 17 1 18 2 19 3 20 4 21 5 22 6 23 7",
                  "31 30 29 28 27 26 25 24 23 22 21 20 19 18 17 16",
                  "4 5 6 7 4 5 6 7 20 21 22 23 0 1 2 3", "1 0 3 2 5 4 7 6 9 8 11 10 13 12 15 14",
                  "8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23", "3" + " 3" * 15):
        yield Op(f"i8x16.shuffle {lanes}", ["v128", "v128"], "v128")
    for shape, count in LANES.items():
        scalar = LANE_TYPE[shape]
        yield Op(f"{shape}.splat", [scalar], "v128", lanes=shape)
        for lane in (0, 1, count - 1):
            for suffix in ("_s", "_u") if count > 4 else ("",):
                yield Op(f"{shape}.extract_lane{suffix} {lane}", ["v128"], scalar)
            yield Op(f"{shape}.replace_lane {lane}", ["v128", scalar], "v128", lanes=shape)
        if shape[0] == "i":
            yield Op(f"{shape}.all_true", ["v128"], "i32", is_condition=True)
            yield Op(f"{shape}.bitmask", ["v128"], "i32")
            for name in ("shl", "shr_s", "shr_u"):
                yield Op(f"{shape}.{name}", ["v128", "i32"], "v128")


def relaxed_ops():
    """Engines may differ here, but one engine has to say the same each time."""
    yield Op("i8x16.relaxed_swizzle", ["v128", "v128"], "v128")
    for suffix in ("f32x4_s", "f32x4_u", "f64x2_s_zero", "f64x2_u_zero"):
        yield Op(f"i32x4.relaxed_trunc_{suffix}", ["v128"], "v128")
    for shape in ("f32x4", "f64x2"):
        for name in ("madd", "nmadd"):
            yield Op(f"{shape}.relaxed_{name}", ["v128"] * 3, "v128", lanes=shape)
        for name in ("min", "max"):
            yield Op(f"{shape}.relaxed_{name}", ["v128", "v128"], "v128", lanes=shape)
    for shape in ("i8x16", "i16x8", "i32x4", "i64x2"):
        yield Op(f"{shape}.relaxed_laneselect", ["v128"] * 3, "v128")
    yield Op("i16x8.relaxed_q15mulr_s", ["v128", "v128"], "v128")
    yield Op("i16x8.dot_i8x16_i7x16_s", ["v128", "v128"], "v128")
    yield Op("i32x4.dot_i8x16_i7x16_add_s", ["v128"] * 3, "v128")


# ---- Memory: the bytes at PLACE are the operands, addresses take the forms -----------------------

ADDRESSES = [PLACE, PLACE + 8]
ANYWHERE = [PLACE + i for i in (0, 1, 2, 5, 9, 15)]
WIDTHS = {"i32": (8, 16, 32), "i64": (8, 16, 32, 64)}
# Beside what lies at PLACE, what is that only in its lower bits.
EXPECTED = {"i32": [0, 0x80, 0x7f80, 0xff7f80, 0x80ff7f80],
            "i64": [0, 0x80, 0x7f80, 0x80ff7f80, 0x180ff7f80, 0xfedcba9880ff7f80]}


def loads():
    texts = [(f"{t}.load{bits}_{sign}", t) for t, widths in WIDTHS.items()
             for bits in widths[:-1] for sign in "su"]
    texts += [(f"v128.load{lanes}_{sign}", "v128") for lanes in ("8x8", "16x4", "32x2")
              for sign in "su"]
    texts += [(f"v128.load{bits}_splat", "v128") for bits in (8, 16, 32, 64)]
    texts += [(f"v128.load{bits}_zero", "v128") for bits in (32, 64)]
    texts += [(f"{t}.load", t) for t in ("i32", "i64", "f32", "f64", "v128")]
    for text, t in texts:
        for offset in ("", " offset=3"):
            yield Op(text + offset, ["i32"], t, edges=[ANYWHERE])
    for bits in (8, 16, 32, 64):
        for lane in sorted({0, 1, 128 // bits - 1}):
            for offset in ("", " offset=3"):
                yield Op(f"v128.load{bits}_lane{offset} {lane}", ["i32", "v128"], "v128",
                         edges=[ANYWHERE, V128[:4]])


def stores():
    texts = [(f"{t}.store{bits if bits < int(t[1:]) else ''}", t)
             for t, widths in WIDTHS.items() for bits in widths]
    texts += [("f32.store", "f32"), ("f64.store", "f64"), ("v128.store", "v128")]
    for text, t in texts:
        for offset in ("", " offset=7"):
            yield Op(text + offset, ["i32", t], None, edges=[ADDRESSES, EDGES[t]], writes=True)
    for bits in (8, 16, 32, 64):
        for lane in sorted({0, 1, 128 // bits - 1}):
            yield Op(f"v128.store{bits}_lane {lane}", ["i32", "v128"], None,
                     edges=[ADDRESSES, V128], writes=True)


def atomics():
    for t, widths in WIDTHS.items():
        operands = [ADDRESSES, EDGES[t]]
        for bits in widths:
            width, suffix = (bits, "_u") if bits < int(t[1:]) else ("", "")
            yield Op(f"{t}.atomic.load{width}{suffix}", ["i32"], t, edges=[ADDRESSES])
            yield Op(f"{t}.atomic.store{width}", ["i32", t], None, edges=operands, writes=True)
            for name in "add sub and or xor xchg".split():
                yield Op(f"{t}.atomic.rmw{width}.{name}{suffix}", ["i32", t], t, edges=operands,
                         writes=True)
            yield Op(f"{t}.atomic.rmw{width}.cmpxchg{suffix}", ["i32", t, t], t, writes=True,
                     edges=[ADDRESSES, EXPECTED[t], EXPECTED[t]])


def set_place():
    """The bytes that a writing operation finds."""
    values = [0xfedcba9880ff7f80, 0x80] * (PLACE_BYTES // 16)
    return "".join(f"(i64.store (i32.const {PLACE + 8 * i}) (i64.const {value}))"
                   for i, value in enumerate(values))


def hash_place():
    return "".join(
        f"(local.set $hash (i64.xor (i64.rotl (local.get $hash) (i64.const 7)) "
        f"(i64.load (i32.const {at}))))" for at in range(PLACE, PLACE + PLACE_BYTES, 8))


# ---- Forms ------------------------------------------------------------------------------------
# Each gives, for operand values, the code that leaves the operation's result on the stack. Locals
# $T0 $T1 $T2 of each type are for operands, $zero is the address 0 that the compiler does not know.

def const(t, value):
    return f"({t}.const {value})"


def get(op, k):
    return f"(local.get ${op.params[k]}{k})"


def set_locals(op, values):
    return "".join(f"(local.set ${t}{k} {const(t, v)})"
                   for k, (t, v) in enumerate(zip(op.params, values)))


def form_const(op, values):
    return f"({op.text} {' '.join(const(t, v) for t, v in zip(op.params, values))})"


def form_local(op, values):
    return set_locals(op, values) + \
        f"({op.text} {' '.join(get(op, k) for k in range(len(values)))})"


def form_const_left(op, values):
    return set_locals(op, values) + f"({op.text} {const(op.params[0], values[0])} " + \
        " ".join(get(op, k) for k in range(1, len(values))) + ")"


def form_const_right(op, values):
    last = len(values) - 1
    return set_locals(op, values) + f"({op.text} " + \
        " ".join(get(op, k) for k in range(last)) + f" {const(op.params[last], values[last])})"


def in_register(op, k):
    """A value that only a scratch register holds."""
    return f"(select {get(op, k)} {get(op, k)} (local.get $zero))" if op.params[k] != "v128" else \
        f"(v128.or {get(op, k)} {get(op, k)})"


def form_register(op, values):
    return set_locals(op, values) + \
        f"({op.text} {' '.join(in_register(op, k) for k in range(len(values)))})"


def form_spilled(op, values):
    return set_locals(op, values) + "".join(in_register(op, k) for k in range(len(values))) + \
        f"(call $nothing) {op.text}"


def form_memory(op, values):
    last = len(values) - 1
    t = op.params[last]
    return set_locals(op, values) + f"({t}.store offset=64 (local.get $zero) {get(op, last)})" + \
        f"({op.text} " + " ".join(in_register(op, k) for k in range(last)) + \
        f" ({t}.load offset=64 (local.get $zero)))"


def form_memory_all(op, values):
    loads = [f"({t}.load offset={64 + 16 * k} (local.get $zero))"
             for k, t in enumerate(op.params)]
    stores = [f"({t}.store offset={64 + 16 * k} (local.get $zero) {get(op, k)})"
              for k, t in enumerate(op.params)]
    return set_locals(op, values) + "".join(stores) + f"({op.text} {' '.join(loads)})"


def form_into(op, values, k):
    """The result becomes the operand's own local, of which the stack holds the old value."""
    if k >= len(values) or op.params[k] != op.result:
        return None
    old = f"${op.result}{k}"
    # The old value, here known, drops out again by a store of it.
    return set_locals(op, values) + f"(local.get $zero) (local.get {old})" + \
        f"({op.text} {' '.join(get(op, i) for i in range(len(values)))})" + \
        f"(local.set {old}) ({op.result}.store offset=128) (local.get {old})"


def form_condition(op, values, use):
    if not op.is_condition:
        return None
    condition = form_local(op, values)
    yes, no = "(i32.const 1)", "(i32.const 0)"
    return {
        "if": f"{condition} (if (result i32) (then {yes}) (else {no}))",
        "br_if": f"(block $b (result i32) {yes} {condition} (br_if $b) drop {no})",
        "select": f"(select {yes} {no} {condition})",
        "eqz": f"{condition} i32.eqz i32.eqz",
        "not_if": f"{condition} i32.eqz (if (result i32) (then {no}) (else {yes}))",
    }[use]


FORMS = {
    "const": form_const, "local": form_local, "const_left": form_const_left,
    "const_right": form_const_right, "register": form_register, "spilled": form_spilled,
    "memory": form_memory, "memory_all": form_memory_all, "homeless": form_local,
    "into_0": lambda op, values: form_into(op, values, 0),
    "into_1": lambda op, values: form_into(op, values, 1),
    **{use: lambda op, values, use=use: form_condition(op, values, use)
       for use in ("if", "br_if", "select", "eqz", "not_if")},
}


def hash_result(op):
    """Folds the value on the stack into the local $hash; all NaNs are the same there."""
    if op.result is None:
        return ""
    rotate = "(i64.rotl (i64.mul (local.get $hash) (i64.const 0x9e3779b97f4a7c15)) (i64.const 7))"
    t = op.result
    take = f"(local.set ${t}r)"
    r = f"(local.get ${t}r)"
    if t in ("f32", "f64"):
        i = "i" + t[1:]
        bits = f"(select ({t}.const nan) {r} ({t}.ne {r} {r})) {i}.reinterpret_{t}"
    elif t == "v128" and op.lanes in ("f32x4", "f64x2"):
        s = op.lanes
        nan = f"(v128.const {s}" + " nan" * LANES[s] + ")"
        take += f"(local.set $v128r (v128.bitselect {nan} {r} ({s}.ne {r} {r})))"
        bits = None
    else:
        bits = r
    if t == "v128":
        halves = [f"(i64x2.extract_lane {k} {r})" for k in (0, 1)]
        return take + f"(local.set $hash (i64.xor {rotate} {halves[0]}))" + \
            f"(local.set $hash (i64.xor {rotate} {halves[1]}))"
    widen = " i64.extend_i32_u" if t in ("i32", "f32") else ""
    return f"{take}{bits}{widen} {rotate} i64.xor (local.set $hash)"


def weigh_others(uses):
    """Uses more locals than there are registers, each more often than an operand: in a loop."""
    text = ["(loop $l"]
    for t in ("i64", "v128"):
        add = "i64.add" if t == "i64" else "i64x2.add"
        for i in range(HOMELESS):
            text.append(f"(local.set $h{t}{i} ({add} (local.get $h{t}{i}) (local.get $h{t}"
                        f"{(i + 1) % HOMELESS})))" * (2 + uses // 5))
    text.append("(br_if $l (local.get $zero)))")
    return "".join(text)


def function(op, form, tuples):
    bodies = []
    for values in tuples:
        text = FORMS[form](op, values)
        if text is None:
            return None
        bodies.append((set_place() if op.writes else "") + text + hash_result(op) +
                      (hash_place() if op.writes else ""))
    types = ("i32", "i64", "f32", "f64", "v128")
    names = [f"(local ${t}{k} {t})" for t in types for k in ("0", "1", "2", "r")]
    others = ""
    if form == "homeless":
        names += [f"(local $h{t}{i} {t})" for t in ("i64", "v128") for i in range(HOMELESS)]
        others = weigh_others(len(tuples))
    return f'(func (export "{op.name}/{form}") (result i64) (local $hash i64) ' + \
        "(local $zero i32)" + " ".join(names) + others + "\n".join(bodies) + "(local.get $hash))"


def module(ops, most):
    text = ["(module (memory 1) (func $nothing)",
            f'(data (i32.const {PLACE}) "{DATA}")']
    for op in ops:
        tuples = [values for values in itertools.product(*op.values)
                  if not op.traps(*values)]
        step = max(1, len(tuples) // most)
        tuples = tuples[::step if step % 2 else step + 1] # not always the same operand
        for form in FORMS:
            code = function(op, form, tuples)
            if code is not None:
                text.append(code)
    return "\n".join(text + [")"])


# Tuples of operands for each operation of a group, where not all edges with all.
MOST = {"vector0": 24, "vector1": 24, "vector2": 24, "vector3": 24, "relaxed": 24, "loads": 24,
        "stores": 12, "atomics": 12}


def main():
    folder = sys.argv[1]
    vectors = list(vector_ops())
    groups = {"i32": list(integer_ops("i32")), "i64": list(integer_ops("i64")),
              "f32": list(float_ops("f32")), "f64": list(float_ops("f64")),
              "convert": list(conversions())}
    groups.update({f"vector{k}": vectors[k::4] for k in range(4)})
    groups.update({"relaxed": list(relaxed_ops()), "loads": list(loads()),
                   "stores": list(stores()), "atomics": list(atomics())})
    for name, ops in groups.items():
        with open(os.path.join(folder, name + ".wat"), "w", encoding="ascii") as file:
            file.write(module(ops, MOST.get(name, 200)))
    with open(os.path.join(folder, "lanes.wat"), "w", encoding="ascii") as file:
        file.write(lanes.module(vectors))
    binary, lines = wide.module()
    with open(os.path.join(folder, "wide.wasm"), "wb") as file:
        file.write(binary)
    with open(os.path.join(folder, "wide.wanted"), "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
