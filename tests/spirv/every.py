#!/usr/bin/env python3
"""Every pure operation of wasm/opcodes.def on edge values, on the GPU and on the CPU: same bytes.

    tests/spirv/every.py [--wjit "COMMAND..."] [--device any | --lanes] [--allow REASON]
                         [--match REGEX]

Each kernel holds some operations of one family; each item applies them to one pair of operands.
--lanes: several items at a time on the CPU, and one, in place of the GPU and the CPU.
--allow: a reason (a regular expression) for which a kernel may stay on the CPU.
"""
import argparse
import os
import re
import struct
import subprocess
import sys
import tempfile

OPS_PER_KERNEL = 12
EDGES = {
    "I32": [0, 1, -1, 2, -2, 7, 31, 32, 33, 255, -128, 32767, -32768, 65536, 0x7fffffff, -2**31,
            -2**31 + 1, 0x55555555, 0x12345678, 16777217, -16777217, 0x7fffffc0, 127, 0x80ff7f01],
    "I64": [0, 1, -1, 2, -2, 31, 32, 33, 63, 64, 65, 127, -128, 0x80000000, 0xffffffff,
            0x100000000, 2**63 - 1, -2**63, -2**63 + 1, 0x123456789abcdef0, 2**53 + 1,
            0x7fffff4000000001, 0x8000008000000001, 0xffffff8000000000],
    "F32": [0x00000000, 0x80000000, 0x00000001, 0x807fffff, 0x00800000, 0x3f800000, 0xbf800000,
            0x3f000000, 0x3f7fffff, 0x40200000, 0xc0600000, 0x4b000001, 0x4effffff, 0x4f000000,
            0xcf000000, 0x4f7fffff, 0x5effffff, 0xdf000000, 0x5f7fffff, 0x7f7fffff, 0x7f800000,
            0xff800000, 0x7fc00000, 0x40490fdb],
    "F64": [0x0, 1 << 63, 1, 0x800fffffffffffff, 0x0010000000000000, 0x3ff0000000000000,
            0xbff0000000000000, 0x3fe0000000000000, 0x4004000000000000, 0xc00c000000000000,
            0x41dfffffffffffff, 0x41e0000000000000, 0xc1e0000000000000, 0x41efffffffffffff,
            0x43dfffffffffffff, 0xc3e0000000000000, 0x43efffffffffffff, 0x7fefffffffffffff,
            0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0x36a0000000000001,
            0x47efffffe0000000, 0x400921fb54442d18],
}
COUNT = 24
# With --deterministic: signalling ones, signs, payloads.
NANS = {
    "F32": [0x00000000, 0x80000000, 0x00000001, 0x3f800000, 0xbf800000, 0x3f7fffff, 0x40200000,
            0x4effffff, 0xcf000000, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000,
            0x7fa00000, 0xff800001, 0x7f800001, 0x7fffffff, 0xffffffff, 0x7fc12345, 0xffc54321,
            0x7fbfffff, 0x40490fdb, 0x5f7fffff],
    "F64": [0x0, 1 << 63, 1, 0x3ff0000000000000, 0xbff0000000000000, 0x3fe0000000000000,
            0x4004000000000000, 0x41e0000000000000, 0xc3e0000000000000, 0x7fefffffffffffff,
            0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000,
            0x7ff4000000000000, 0xfff0000000000001, 0x7ff0000000000001, 0x7fffffffffffffff,
            0xffffffffffffffff, 0x7ff8123456789abc, 0xfff8fedcba987654, 0x7ff7ffffffffffff,
            0x400921fb54442d18, 0x47efffffe0000000],
}
is_open = {"F32", "F64", "f32x4", "f64x2"}  # of these the bits of NaNs are open
SIZES = {"I32": 4, "I64": 8, "F32": 4, "F64": 8, "V128": 16}
FAMILIES = """IUNARY IBINARY IEQZ ICOMPARE FUNARY FBINARY FCOMPARE CONVERT WIDE VSHUFFLE VSPLAT
VEXTRACT VREPLACE VUNARY VBINARY VTERNARY VTEST VSHIFT LOAD STORE LOAD_LANE STORE_LANE ATOMIC_LOAD
ATOMIC_STORE ATOMIC_RMW""".split()
MEMORY = {"LOAD", "STORE", "LOAD_LANE", "STORE_LANE", "ATOMIC_LOAD", "ATOMIC_STORE", "ATOMIC_RMW"}
TABLES = {kind: 4096 + i * 1024 for i, kind in enumerate(["I32", "I64", "F32", "F64", "V128"])}
OUT = 65536
SCRATCH = 32  # bytes of its own that a store of an item has, behind its result
LANES = {"I8X16": 16, "I16X8": 8, "I32X4": 4, "I64X2": 2, "F32X4": 4, "F64X2": 2}
WIDE = {"i64.add128": 0x13, "i64.sub128": 0x14, "i64.mul_wide_s": 0x15, "i64.mul_wide_u": 0x16}


def operations(path):
    row = re.compile(r'^OP\w*\((\w+), 0x\w+, "([^"]+)", (\w+), (P\d(?:\([^)]*\))?), '
                     r"(P\d(?:\([^)]*\))?), FAM_(\w+), (\w+), (\w+), (\d)")
    for line in open(path, encoding="ascii"):
        found = row.match(line)
        if found and found[6] in FAMILIES:
            operands = re.findall(r"I32|I64|F32|F64|V128|ADDR", found[4])
            results = re.findall(r"I32|I64|F32|F64|V128", found[5])
            shape = found[8].removeprefix("SHAPE_")
            name = found[2].replace("relaxed_dot", "dot")  # as older assemblers call them
            yield name, found[3], operands, results, found[6], shape, int(found[9])


def vectors():
    """The edges of every lane type, as vectors."""
    out = []
    for kind, letter in (("I32", "<4I"), ("F32", "<4I"), ("I64", "<2Q"), ("F64", "<2Q")):
        lanes = 4 if letter == "<4I" else 2
        mask = 2**32 - 1 if lanes == 4 else 2**64 - 1
        for i in range(6):
            values = [EDGES[kind][(i * 4 + j * (1 if lanes == 4 else 2)) % COUNT] & mask
                      for j in range(lanes)]
            out.append(struct.pack(letter, *values))
    return b"".join(out)


def data():
    text = []
    for kind, at in TABLES.items():
        if kind == "V128":
            raw = vectors()
        else:
            code = "<I" if SIZES[kind] == 4 else "<Q"
            mask = 2**(8 * SIZES[kind]) - 1
            raw = b"".join(struct.pack(code, v & mask) for v in EDGES[kind])
        text.append(f'(data (i32.const {at}) "{"".join(f"{chr(92)}{b:02x}" for b in raw)}")')
    return "\n".join(text)


def operand(kind, which):
    """The item's first, second or third operand: $a, $b, $c number the edges."""
    size = SIZES[kind]
    at = f"(i32.mul (local.get ${which}) (i32.const {size}))"
    return f"({kind.lower()}.load (i32.add (i32.const {TABLES[kind]}) {at}))"


def canonical(kind, text, name):
    """Replaces NaNs, whose bits are open, by one."""
    if kind in ("F32", "F64") and kind in is_open:
        low = kind.lower()
        return f"(local.set ${low} {text}) (select ({low}.const nan) (local.get ${low}) " \
               f"({low}.ne (local.get ${low}) (local.get ${low})))"
    shape = name.split(".")[0]
    if kind == "V128" and shape in is_open:
        nan = "f32x4 nan nan nan nan" if shape == "f32x4" else "f64x2 nan nan"
        return f"(local.set $v {text}) (v128.bitselect (local.get $v) (v128.const {nan}) " \
               f"({shape}.eq (local.get $v) (local.get $v)))"
    return text


def guarded(name, texts, kinds):
    """Operands for which the operation does not trap."""
    if re.search(r"\.(div|rem)_[su]$", name):
        kind = kinds[0].lower()
        least = -2**31 if kind == "i32" else -2**63
        set_b = f"(local.set ${kind}b {texts[1]})"
        safe = f"(select ({kind}.const 1) (local.get ${kind}b) (i32.or ({kind}.eqz (local.get " \
               f"${kind}b)) (i32.and ({kind}.eq (local.get ${kind}b) ({kind}.const -1)) " \
               f"({kind}.eq {texts[0]} ({kind}.const {least})))))"
        return set_b, [texts[0], safe]
    if re.search(r"i(32|64)\.trunc_f", name):
        kind = kinds[0].lower()
        low = "-2147483648" if name.endswith("_s") else "-0.9"
        return f"(local.set ${kind} {texts[0]})", [
            f"(select (local.get ${kind}) ({kind}.const 2.5) (i32.and ({kind}.ge (local.get "
            f"${kind}) ({kind}.const {low})) ({kind}.lt (local.get ${kind}) "
            f"({kind}.const 2147483520))))"]
    return "", texts


def body(op, index):
    name, immediate, operands, results, family, shape, log2 = op
    at = index * COUNT * COUNT * SCRATCH
    address = f"(i32.add (local.get $out) (i32.const {at}))"
    lanes = [""]
    if immediate == "LANE" or family in ("LOAD_LANE", "STORE_LANE"):
        lanes = [str(LANES[shape] - 1)]
    if family == "VSHUFFLE":
        lanes = ["31 0 5 17 3 3 16 8 15 30 1 29 2 18 12 7"]
    which = iter("abc")
    if family in MEMORY:
        return memory_body(op, address, at, lanes[0])
    texts = [operand(kind, next(which)) for kind in operands[:3]]
    if family == "WIDE":
        texts = [operand("I64", w) for w in "abca"[:len(operands)]]
        # The text format of old assemblers lacks these: the opcode's place is patched.
        call = f"{' '.join(texts)} i64.const {0x77777700 + WIDE[name]} drop"
        return f"{address} {call} local.set $i64 i64.store {address} local.get $i64 i64.store " \
               "offset=8"
    before, texts = guarded(name, texts, operands)
    value = f"({name} {lanes[0]} {' '.join(texts)})"
    result = results[0]
    value = canonical(result, value, name)
    return f"{before} {address} {value} {result.lower()}.store"


def memory_body(op, address, at, lane):
    name, _, operands, results, family, shape, log2 = op
    size = 1 << log2
    if family in ("LOAD_LANE", "STORE_LANE"):
        size = 16 // LANES[shape]
    kind = next((k for k in operands if k != "ADDR"), None)
    is_atomic = family.startswith("ATOMIC")
    align = 1 if not is_atomic else size
    # Every alignment, from the table of bytes; or, of atomics, every place in a word.
    if family in ("LOAD", "ATOMIC_LOAD", "LOAD_LANE"):
        mask = f"(i32.const {-size if is_atomic else -1})"
        where = f"(i32.and (i32.add (i32.const {TABLES['V128']}) (local.get $x)) {mask})"
        where = f"(i32.and {where} (i32.const 8191))"
        value = operand("V128", "b") if family == "LOAD_LANE" else ""
        text = f"({name} offset=2 {lane} {where} {value})" if family == "LOAD_LANE" else \
               f"({name} align={align} {where})"
        return f"{address} {canonical(results[0], text, name)} {results[0].lower()}.store"
    # Into the item's own bytes, at a place that moves.
    step = size if is_atomic else 1
    places = 16 // step - size // step + 1
    place = f"(i32.mul (i32.rem_u (local.get $x) (i32.const {places})) (i32.const {step}))"
    where = f"(i32.add {address} {place})"
    fill = f"{address} (v128.const i32x4 0x03020100 0x07060504 0x0b0a0908 0x0f0e0d0c) v128.store"
    if family == "ATOMIC_RMW":
        values = " ".join(operand(kind, w) for w in "ab"[:len(operands) - 1])
        if "cmpxchg" in name and len(operands) == 3:
            same = f"({kind.lower()}.load{'' if size == SIZES[kind] else str(size * 8) + '_u'} " \
                   f"{where})"
            values = f"(select {same} {operand(kind, 'a')} (i32.and (local.get $x) " \
                     f"(i32.const 1))) {operand(kind, 'b')}"
        text = f"({name} {where} {values})"
        return f"{fill} {address} {text} {results[0].lower()}.store offset=16"
    if family == "STORE_LANE":
        return f"{fill} ({name} {lane} {where} {operand('V128', 'a')})"
    return f"{fill} ({name} align={align} {where} {canonical(kind, operand(kind, 'a'), '')})"


def kernel(index, ops):
    bodies = "\n".join(body(op, i) for i, op in enumerate(ops))
    # A local of a type that the device lacks would keep the kernel from it.
    kinds = {"i32b": "i32", "i64b": "i64", "i64": "i64", "f32": "f32", "f64": "f64", "v": "v128"}
    locals_ = " ".join(f"(local ${name} {kind})" for name, kind in kinds.items()
                       if re.search(rf"\${name}\b", bodies))
    return f"""(func $k{index} (param $x i32) (param i32 i32) (param $args i32)
(local $a i32) (local $b i32) (local $c i32) (local $out i32)
{locals_}
(local.set $a (i32.div_u (local.get $x) (i32.const {COUNT})))
(local.set $b (i32.rem_u (local.get $x) (i32.const {COUNT})))
(local.set $c (i32.rem_u (i32.add (i32.mul (local.get $x) (i32.const 7)) (i32.const 3))
  (i32.const {COUNT})))
(local.set $out (i32.add (local.get $args) (i32.mul (local.get $x) (i32.const {SCRATCH}))))
{bodies})"""


def module(groups):
    items = COUNT * COUNT
    step = OPS_PER_KERNEL * items * SCRATCH
    size = OUT + len(groups) * step
    kernels = "\n".join(kernel(i, ops) for i, ops in enumerate(groups))
    calls = "\n".join(f"(call $for (i32.const {items}) (i32.const 1) (i32.const 1) (i32.const {i})"
                      f" (i32.const {OUT + i * step}))" for i in range(len(groups)))
    return f"""(module
(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
(memory (export "memory") {size // 65536 + 1})
(table funcref (elem {" ".join(f"$k{i}" for i in range(len(groups)))}))
{data()}
{kernels}
(func $for (export "wjit.parallel_for.v1")
  (param $nx i32) (param $ny i32) (param $nz i32) (param $k i32) (param $args i32) (local $x i32)
  (loop $again
    (call_indirect (param i32 i32 i32 i32) (local.get $x) (i32.const 0) (i32.const 0)
                   (local.get $args) (local.get $k))
    (local.set $x (i32.add (local.get $x) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $x) (local.get $nx)))))
(func (export "_start")
  {calls}
  (i32.store (i32.const 0) (i32.const {OUT}))
  (i32.store (i32.const 4) (i32.const {size - OUT}))
  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""


def assemble(text, path):
    with open(path + ".wat", "w", encoding="ascii") as file:
        file.write(text)
    subprocess.run(["wat2wasm", "--enable-all", "--no-check", path + ".wat", "-o", path],
                   check=True)
    with open(path, "rb") as file:
        raw = file.read()
    for code in WIDE.values():
        # i64.const 0x777777NN, drop: five bytes of LEB128 make room for two and nops.
        value, leb = 0x77777700 + code, b""
        while True:
            leb += bytes([value & 0x7f | (0x80 if value > 0x3f else 0)])
            value >>= 7
            if leb[-1] < 0x80:
                break
        place = b"\x42" + leb + b"\x1a"
        raw = raw.replace(place, b"\xfc" + bytes([code]) + b"\x01" * (len(place) - 2))
    with open(path, "wb") as file:
        file.write(raw)


def grouped(rows):
    """Operations of a kind together, so that what a device lacks keeps few others from it."""
    by_kind = {}
    for row in rows:
        kinds = tuple(sorted(set(row[2] + row[3]) & {"I64", "F64", "F32"}))
        shape = row[5] if row[5] in LANES else ""
        by_kind.setdefault((row[4], kinds, shape), []).append(row)
    for ops in sorted(by_kind.values(), key=str):
        for i in range(0, len(ops), OPS_PER_KERNEL):
            yield ops[i:i + OPS_PER_KERNEL]


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600,
                          check=False)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def compare(groups, cpu, gpu):
    failures = 0
    items = COUNT * COUNT
    for i, ops in enumerate(groups):
        for j, op in enumerate(ops):
            at = (i * OPS_PER_KERNEL + j) * items * SCRATCH
            for item in range(items):
                mine = slice(at + item * SCRATCH, at + (item + 1) * SCRATCH)
                if cpu[mine] != gpu[mine]:
                    print(f"{op[0]} item {item}: cpu {cpu[mine].hex()} gpu {gpu[mine].hex()}")
                    failures += 1
                    break
    return failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wjit", default="build/release/wjit")
    parser.add_argument("--device", default="any")
    parser.add_argument("--lanes", action="store_true")
    parser.add_argument("--allow", default="^$")
    parser.add_argument("--match", default="")
    parser.add_argument("--deterministic", action="store_true", help="NaNs have their bits, too")
    options = parser.parse_args()
    more = []
    if options.deterministic:
        more.append("--deterministic")
        EDGES.update(NANS)
        is_open.clear()
    here = os.path.dirname(os.path.abspath(__file__))
    rows = [op for op in operations(os.path.join(here, "../../wasm/opcodes.def"))
            if re.search(options.match, op[0])]
    groups = list(grouped(rows))
    with tempfile.TemporaryDirectory() as folder:
        wasm = os.path.join(folder, "every.wasm")
        assemble(module(groups), wasm)
        wjit = options.wjit.split() + more + ["--gpu=off"]
        cpu = run(wjit + ["--lanes=off", wasm])
        if options.lanes:
            gpu = run(wjit + ["--lanes=all", "--stats=json", wasm])
        else:
            gpu = run(wjit + ["--gpu-explain", f"--gpu={options.device}", wasm])
    failures = 0
    on_cpu = 0
    for code, _, err in (cpu, gpu):
        if code != 0:
            print(f"exit code {code}: {err[:300]}")
            failures += 1
    reasons = re.findall(r"kernel func (\d+): not translated[^:]*: (.*)", gpu[2])
    if options.lanes:
        reasons = re.findall(r'"name": "func (\d+)"[^}]*"why_single": "([^"]+)"', gpu[2])
    for func, reason in reasons:
        ops = groups[int(func) - 1]
        on_cpu += len(ops)
        if not re.search(options.allow, reason):
            print(f"{', '.join(op[0] for op in ops)}: not translated: {reason}")
            failures += 1
    if failures == 0 or cpu[1] and gpu[1]:
        failures += compare(groups, cpu[1], gpu[1])
    print(f"{len(rows) - on_cpu - failures} passed, {failures} failed, {on_cpu} skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
