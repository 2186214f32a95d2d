#!/usr/bin/env python3
"""Kernels with hostile addresses, on the device that checks every access of a shader: near the end
of memory and past it, wrapping around, unaligned, with huge offsets, of 32 bits and of 64, in one
memory or two. No access may be outside, and bytes and traps are the CPU's.

    tests/spirv/hostile.py [--check build/release/wjit_check] [--seed N] [--count N] [--plant N]

--plant N leaves out every check in turn in the shaders of the first N kernels that trap. In most
of them one must be missed, by an access outside or by another result; not in all: what lies past
the end for every base is checked twice, and one of two checks is not missed.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

PAGES = 2
END = PAGES * 65536
END_1 = 65536  # of the second memory
TABLE = 1024  # where the kernel finds its addresses
SUM = 64      # and leaves what it has read
LOADS = [("i32.load8_u", 1, "i32"), ("i32.load8_s", 1, "i32"), ("i32.load16_s", 2, "i32"),
         ("i32.load16_u", 2, "i32"), ("i32.load", 4, "i32"), ("i64.load32_u", 4, "i64"),
         ("i64.load", 8, "i64"), ("v128.load", 16, "v128"), ("v128.load64_zero", 8, "v128"),
         ("v128.load8x8_u", 8, "v128"), ("v128.load16_splat", 2, "v128")]
STORES = [("i32.store8", 1, "i32"), ("i32.store16", 2, "i32"), ("i32.store", 4, "i32"),
          ("i64.store", 8, "i64"), ("i64.store32", 4, "i64"), ("v128.store", 16, "v128")]
BULK = [("memory.fill", "(i32.const 0x5a)"), ("memory.copy", "(i32.const 4096)")]
OFFSETS = [0, 0, 0, 1, 3, 4, 12, 16, 255, 4095, 65535, END - 4, END, 2**31, 2**32 - 16, 2**32 - 1]
OFFSETS_64 = [2**32, 2**32 + 8, 2**63, 2**64 - END, 2**64 - 16, 2**64 - 1]
PLACE = 0xf1f2f300  # of an offset among them, until the module is assembled


def fold(kind, value):
    """As an i32."""
    if kind == "i64":
        return f"(i32.wrap_i64 {value})"
    if kind == "v128":
        lanes = " ".join(f"(i32x4.extract_lane {i} (local.get $v))" for i in range(4))
        a, b, c, d = re.findall(r"\(i32x4[^)]*\)\)", lanes)
        return f"(i32.add (i32.add (block (result i32) (local.set $v {value}) {a}) {b}) " \
               f"(i32.xor {c} {d}))"
    return value


def address(rng, size, offset, is_inside, a, end):
    """A base for an access of `size` bytes at `offset`: in memory, or anywhere."""
    last = end - size - offset
    if is_inside and last >= 0:
        return max(0, last - rng.choice([0, 0, 0, 1, 2, 3, 4, 5, 8, 15, 16, 4096]))
    if is_inside:
        return None
    bases = [last + 1, last + rng.randrange(1, 32), end, end - 1, -1, -rng.randrange(1, 40),
             -offset, 2**31 - 1, -2**31, rng.randrange(2**32)]
    if a == "i64":
        bases += [2**32, 2**32 + max(0, last), 2**32 - offset, rng.randrange(2**64), 2**63,
                  2**32 * rng.randrange(2**32) + 64]
    return rng.choice(bases) & (2**int(a[1:]) - 1)


def access(rng, table, is_inside, a, second):
    """A statement, and its addresses in the table. `second`: it is made to the other memory."""
    kind = rng.random()
    end, p, memory = (END_1, "$q", "1") if second else (END, "$p", "")
    if kind < 0.1:
        name, middle = rng.choice(BULK)
        count = rng.choice([0, 1, 7, 64])
        if a == "i64" and not is_inside and rng.random() < 0.3:
            count = rng.choice([2**32, 2**32 + 7, 2**64 - 1])
        at = address(rng, count, 0, is_inside, a, end)
        table.append(at)
        middle = middle.replace("i32", a) if name == "memory.copy" else middle
        memory = "1 1" if second and name == "memory.copy" else memory
        return f"({name} {memory} (local.get {p}) {middle} ({a}.const {count}))"
    name, size, of = rng.choice(LOADS if kind < 0.6 else STORES)
    offsets = OFFSETS + OFFSETS_64 if a == "i64" else OFFSETS
    offset = rng.choice([o for o in offsets if not is_inside or o + size <= end])
    align = rng.choice([1, 1, size if "8x8" not in name and "splat" not in name else 1])
    at = address(rng, size, offset, is_inside, a, end)
    table.append(at)
    shown, room = offset, ""
    if offset >= 2**32:
        shown, room = PLACE + OFFSETS_64.index(offset), "(nop) " * 5
    where = f"{memory} offset={shown} align={align} (local.get {p})"
    if kind < 0.6:
        text = f"(block (result {of}) ({name} {where}) {room})" if room else f"({name} {where})"
        return f"(local.set $s (i32.add (i32.mul (local.get $s) (i32.const 31)) {fold(of, text)}))"
    value = {"i32": "(local.get $s)", "i64": "(i64.extend_i32_u (local.get $s))",
             "v128": "(i32x4.splat (local.get $s))"}[of]
    return f"({name} {where} {value}) {room}"


def assemble(text, wat, wasm):
    """Assemblers of today take no offset of more than 32 bits: those are put in afterwards, in the
    place of another one and nops."""
    with open(wat, "w", encoding="ascii") as file:
        file.write(text)
    subprocess.run(["wat2wasm", "--enable-memory64", "--enable-multi-memory", "--no-check", wat,
                    "-o", wasm], check=True)
    with open(wasm, "rb") as file:
        raw = file.read()
    for i, offset in enumerate(OFFSETS_64):
        raw = raw.replace(leb(PLACE + i, 5) + b"\x01" * 5, leb(offset, 10))
    with open(wasm, "wb") as file:
        file.write(raw)


def leb(value, size):
    return bytes(value >> 7 * i & 0x7f | (0x80 if i + 1 < size else 0) for i in range(size))


def module(seed):
    rng = random.Random(seed)
    a = "i64" if seed % 3 == 2 else "i32"
    wide = "i64" if a == "i64" else ""
    wrap = "(i32.wrap_i64 (local.get $k))" if a == "i64" else "(local.get $k)"
    b = {1: "i32", 3: "i64"}.get(seed % 5)
    has_trap = rng.random() < 0.5
    table, body = [], []
    count = rng.randrange(3, 9)
    bad = rng.randrange(count) if has_trap else -1
    for i in range(count):
        second = b is not None and rng.random() < 0.5
        statement = access(rng, table, i != bad, b if second else a, second)
        base = f"({b if second else a}.load ({a}.add (local.get $args) ({a}.const {8 * i})))"
        if rng.random() < 0.3:  # in a loop, where a check of before may be used again
            statement = f"(local.set $i (i32.const 3)) (loop {statement} (br_if 0 (local.tee $i " \
                        "(i32.sub (local.get $i) (i32.const 1)))))"
        body.append(f"(local.set {'$q' if second else '$p'} {base}) {statement}")
        if not second and rng.random() < 0.2:  # the same base once more
            again = rng.choice([0, 4, 8])
            body.append(f"(if ({a}.lt_u (local.get $p) ({a}.const {END - again - 4})) (then "
                        f"(local.set $s (i32.xor (local.get $s) (i32.load offset={again} align=1 "
                        "(local.get $p))))))")
    words = "".join(f"\\{b:02x}" for value in table for b in value.to_bytes(8, "little"))
    fill = "".join(f"\\{rng.randrange(256):02x}" for _ in range(256))
    count = f"({min(a, b or a)}.const {END_1})"
    copy_in = f"(memory.copy 1 0 ({b}.const 0) ({a}.const 0) {count})" if b else ""
    copy_out = f"""(memory.copy 0 1 ({a}.const 0) ({b}.const 0) {count})
  (i32.store ({a}.const 0) (i32.const 8)) (i32.store ({a}.const 4) (i32.const {END_1 - 8}))
  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))""" if b else ""
    return f"""(module
(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
(memory (export "memory") {wide} {PAGES}) (table funcref (elem $k))
{f"(memory {'i64' if b == 'i64' else ''} 1)" if b else ""}
(data ({a}.const {TABLE}) "{words}") (data ({a}.const 4096) "{fill}")
(data ({a}.const {END - 256}) "{fill}") (data ({a}.const {END - 4352}) "{fill}")
(func $k (param $x i32) (param i32 i32) (param $args {a})
  (local $p {a}) (local $q {b or a}) (local $s i32) (local $i i32) (local $v v128)
  (local.set $s (i32.const 7))
  {chr(10).join(body)}
  (i32.store ({a}.const {SUM}) (local.get $s)))
(func $for (export "wjit.parallel_for.v1")
  (param $nx i32) (param i32 i32) (param $k {a}) (param $args {a})
  (call_indirect (param i32 i32 i32 {a}) (i32.const 0) (i32.const 0) (i32.const 0)
                 (local.get $args) {wrap}))
(func (export "_start")
  {copy_in}
  (call $for (i32.const 1) (i32.const 1) (i32.const 1) ({a}.const 0) ({a}.const {TABLE}))
  (i32.store ({a}.const 0) (i32.const 0)) (i32.store ({a}.const 4) (i32.const {END}))
  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
  {copy_out}))"""


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
                          check=False, env=dict(os.environ, **more))
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def plant(check, wasm, right):
    """(checks that were left out, those of them that something noticed)"""
    planted = noticed = 0
    while planted < 1000:
        code, out, err = run([check, "--gpu=any", wasm], WJIT_CHECK_WITHOUT=str(planted + 1))
        if "no such check" in err:
            break
        planted += 1
        noticed += (code, out) != right
    return planted, noticed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", default="build/release/wjit_check")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--plant", type=int, default=0)
    options = parser.parse_args()
    failures = trapped = planted = noticed = unseen = 0
    with tempfile.TemporaryDirectory() as folder:
        wat, wasm = os.path.join(folder, "k.wat"), os.path.join(folder, "k.wasm")
        for seed in range(options.seed, options.seed + options.count):
            assemble(module(seed), wat, wasm)
            cpu = run([options.check, "--gpu=off", wasm])
            device = run([options.check, "--gpu=any", "--gpu-explain", wasm])
            trapped += cpu[0] == 134
            if cpu[:2] != device[:2] or not re.search("kernel [^:]*: translated", device[2]):
                failures += 1
                print(f"seed {seed}: cpu {cpu[0]}, device {device[0]}: {device[2][:300]}")
            if cpu[0] == 134 and trapped <= options.plant:
                more = plant(options.check, wasm, cpu[:2])
                planted, noticed = planted + more[0], noticed + more[1]
                unseen += more[1] == 0
    print(f"{trapped} trapped; {noticed} of {planted} checks that were left out were noticed, "
          f"of {unseen} kernels none")
    print(f"{options.count - failures} passed, {failures} failed, 0 skipped")
    return 1 if failures or unseen * 2 > min(trapped, options.plant) else 0


if __name__ == "__main__":
    sys.exit(main())
