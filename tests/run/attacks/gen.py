#!/usr/bin/env python3
"""Writes modules after vulnerabilities of other runtimes: gen.py FOLDER. An export's expected
outcome stands in a comment: `;; NAME -> R VALUE`, `T KIND` for a trap, `R *` for any value. The
numbers that names begin with tell the kinds of attack apart."""
import os
import sys

PAGE = 65536


class Module:
    def __init__(self, fields):
        self.text, self.wanted = [fields], []

    def add(self, name, body, wanted, result="i32", local=""):
        type_ = f" (result {result})" if result else ""
        self.text.append(f'(func (export "{name}"){type_} {local} {body})')
        self.wanted.append(f";; {name} -> {wanted}")

    def write(self, folder, name, first=""):
        with open(os.path.join(folder, name + ".wat"), "w", encoding="ascii") as file:
            file.write(first + "\n".join(self.wanted + ["(module"] + self.text + [")\n"]))


# ---- 1, 2, 3, 5, 6: an i32 as an address ------------------------------------------------------

FIELDS = r"""
(type $i (func (result i32)))
(memory 1 1) (table $t 4 4 funcref) (elem (i32.const 0) $sixteen $minus)
(global $g (mut i32) (i32.const 16)) (global $w (mut i64) (i64.const -1))
(data (i32.const 0) "\ff\80\ff\ff\ff\ff\ff\ff\e0\ff\ff\ff\10\00\00\80")
(data (i32.const 16) "\78\56\34\12\01\02\03\04\05\06\07\08\09\0a\0b\0c")
(func $sixteen (result i32) (i32.wrap_i64 (i64.const 0x7fffffff00000010)))
(func $minus (result i32) (i32.const -32))
(func $pick (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i32 i32) (result i32) (local.get 10))
(func $dirty (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64) (local.get 10))
"""
ONES = "(i64.const -1) " * 9
# Name, code, the value that it has.
PRODUCERS = [
    ("load8_s", "(i32.load8_s (i32.const 0))", 2**32 - 1),
    ("load8_s_80", "(i32.load8_s (i32.const 1))", 2**32 - 128),
    ("load16_s", "(i32.load16_s (i32.const 2))", 2**32 - 1),
    ("load", "(i32.load (i32.const 8))", 2**32 - 32),
    ("load_of_i64", "(i32.wrap_i64 (i64.load8_s (i32.const 0)))", 2**32 - 1),
    ("extend8", "(i32.extend8_s (i32.const 0xe0))", 2**32 - 32),
    ("extend16", "(i32.extend16_s (i32.load16_u (i32.const 8)))", 2**32 - 32),
    ("wrap", "(i32.wrap_i64 (global.get $w))", 2**32 - 1),
    ("wrap_small", "(i32.wrap_i64 (i64.xor (global.get $w) (i64.const 0x123456789fffffef)))",
     0x60000010),
    ("wrap_16", "(i32.wrap_i64 (i64.sub (global.get $w) (i64.const 0x7fffffffffffffef)))", 16),
    ("wrap_shift", "(i32.wrap_i64 (i64.shl (i64.const 0x1000000000000001) (i64.load8_u offset=16 "
     "(i32.const 14))))", 2048),
    ("select", "(select (i32.const 16) (i32.wrap_i64 (global.get $w)) (i32.const 1))", 16),
    ("select_wrap", "(select (i32.wrap_i64 (i64.const 0xffffffff00000010)) (i32.const -1) "
     "(global.get $g))", 16),
    ("call", "(call $sixteen)", 16),
    ("call_minus", "(call $minus)", 2**32 - 32),
    ("call_indirect", "(call_indirect (type $i) (i32.const 1))", 2**32 - 32),
    ("global", "(global.set $g (i32.wrap_i64 (i64.const 0x5500000010))) (global.get $g)", 16),
    ("memory_size", "(memory.size)", 1),
    ("memory_grow", "(memory.grow (i32.const 1))", 2**32 - 1),
    ("memory_grow_0", "(memory.grow (i32.const 0))", 1),
    ("table_size", "(table.size $t)", 4),
    ("table_grow", "(table.grow $t (ref.null func) (i32.const 1))", 2**32 - 1),
    ("sub", "(i32.sub (i32.load8_u offset=12 (i32.const 0)) (i32.const 32))", 2**32 - 16),
    ("add_wraps", "(i32.add (i32.const -16) (global.get $g))", 0),
    ("xor", "(i32.xor (i32.const -17) (i32.const -1))", 16),
    ("shl", "(i32.shl (i32.const 0xf0000001) (i32.const 4))", 16),
    ("rotl", "(i32.rotl (i32.const 0x10000001) (i32.const 4))", 17),
    ("shr_s", "(i32.shr_s (i32.const -512) (i32.const 4))", 2**32 - 32),
    ("mul", "(i32.mul (i32.const 0x10001) (i32.const 0x10010))", 0x10001 * 0x10010 & 0xffffffff),
    ("div_s", "(i32.div_s (i32.const -64) (i32.load8_u (i32.const 20)))", 2**32 - 64),
    ("rem_s", "(i32.rem_s (i32.const -33) (i32.const 64))", 2**32 - 33),
    ("clz", "(i32.clz (i32.const 1))", 31),
    ("trunc", "(i32.trunc_f64_s (f64.const -32))", 2**32 - 32),
    ("trunc_sat_u", "(i32.trunc_sat_f32_u (f32.const 1e20))", 2**32 - 1),
    ("reinterpret", "(i32.reinterpret_f32 (f32.const -0))", 2**31),
    ("extract_s", "(i8x16.extract_lane_s 3 (v128.const i64x2 -1 -1))", 2**32 - 1),
    ("extract", "(i32x4.extract_lane 2 (v128.const i32x4 -1 -1 16 -1))", 16),
    ("bitmask", "(i8x16.bitmask (v128.const i32x4 0 0x80000000 0 0))", 128),
    ("compare", "(i64.eq (global.get $w) (i64.const -1))", 1),
    ("block", "(block (result i32) (br 0 (i32.wrap_i64 (i64.const 0x700000010))))", 16),
    ("stack_arg", f"(drop (call $dirty {ONES} (i64.const -1) (i64.const -1))) "
     f"(call $pick {ONES} (i32.const 0) (i32.const 16))", 16),
    ("stack_arg_minus", f"(call $pick {ONES} (i32.const 0) (i32.const -32))", 2**32 - 32),
    ("stack_arg_dirty", f"(drop (call $dirty {ONES} (i64.const -1) (i64.const -1))) (call $pick "
     f"{ONES} (i32.const 0) (i32.wrap_i64 (i64.const 0x5500000010)))", 16),
]
OFFSETS = [0, 1, 100, 0xfff, 0x1000, 0x7ff8, 0xffff0000, 2**32 - 1]


def fits(address, width):
    return address + width <= PAGE


def addresses(folder):
    module = Module(FIELDS)
    for name, code, value in PRODUCERS:
        signed = value - 2**32 if value >= 2**31 else value
        module.add(f"1-value-{name}", code, f"R {signed}")
        for offset in OFFSETS:
            end = value + offset
            load = "R *" if fits(end, 4) else "T memory"
            code_local = f"(local.set 0 {code})" if "set" not in code else f"{code} (local.set 0)"
            both = f"{code}" if "set" not in code and "drop" not in code else None
            at = f"offset={offset}"
            module.add(f"1-local-{name}-{offset}", f"{code_local} (i32.load {at} (local.get 0))",
                       load, local="(local i32)")
            if both is None:
                continue
            module.add(f"1-load-{name}-{offset}", f"(i32.load {at} {both})", load)
            module.add(f"1-load8-{name}-{offset}", f"(i32.load8_u {at} {both})",
                       "R *" if fits(end, 1) else "T memory")
            module.add(f"1-vector-{name}-{offset}",
                       f"(i32x4.extract_lane 0 (v128.load {at} {both}))",
                       "R *" if fits(end, 16) else "T memory")
            module.add(f"1-store-{name}-{offset}",
                       f"(if (i32.eqz (i32.const 0)) (then (i64.store {at} {both} "
                       "(i64.load (i32.const 65528)))))" if end > PAGE else f"(drop {both})",
                       "T memory" if end > PAGE else "R", result=None)
    module.write(folder, "addresses")


def matrix(folder):
    module = Module('(memory 1 1) (data (i32.const 65532) "\\01\\02\\03\\04")')
    for offset in [0, 1, 0xfff, 0x1000, 0x7ff8, 65532, 65533, 65535, 65536, 2**32 - 1]:
        for index in [0, 1, 32764, 65532, 65533, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1]:
            for op, width in (("i32.load8_u", 1), ("i32.load16_s", 2), ("i32.load", 4),
                              ("i64.load", 8), ("f64.load", 8), ("v128.load", 16)):
                for how in ("const", "local"):
                    name = f"3-{op}-{offset}-{index}-{how}"
                    address = f"({'i32.const %d' % index if how == 'const' else 'local.get 0'})"
                    before = f"(local.set 0 (i32.const {index}))" if how == "local" else ""
                    wanted = "R" if fits(offset + index, width) else "T memory"
                    module.add(name, f"{before} (drop ({op} offset={offset} {address}))", wanted,
                               result=None, local="(local i32)")
            store = f"(i32.store offset={offset} (local.get 0) (i32.const 5))"
            module.add(f"3-store-{offset}-{index}", f"(local.set 0 (i32.const {index})) {store}",
                       "R" if fits(offset + index, 4) else "T memory", result=None,
                       local="(local i32)")
    for k in (1, 2, 3):
        for x in (0x80000004, 0xe0000004, 0x20000004, 0x7fffffff, 0xffffffff):
            value = x << k & 0xffffffff
            wanted = "R *" if fits(value, 4) else "T memory"
            module.add(f"4-shl-{k}-{x}", f"(i32.load (i32.shl (local.tee 0 (i32.const {x})) "
                       f"(i32.const {k})))", wanted, local="(local i32)")
            value = (x << k) + 16 & 0xffffffff
            wanted = "R *" if fits(value, 4) else "T memory"
            module.add(f"4-shl-add-{k}-{x}", f"(local.set 0 (i32.const {x})) (i32.load (i32.add "
                       f"(i32.const 16) (i32.shl (local.get 0) (i32.const {k}))))", wanted,
                       local="(local i32)")
            module.add(f"4-shl-add-local-{k}-{x}", f"(local.set 0 (i32.const {x})) (local.set 1 "
                       f"(i32.const 16)) (i32.load (i32.add (local.get 1) (i32.shl (local.get 0) "
                       f"(i32.const {k}))))", wanted, local="(local i32 i32)")
    deep = "".join(f"(i32.add (local.get 0) (i32.const {i}))" for i in range(40))
    for value in (2**31, 2**32 - 64, 16):
        wanted = "R *" if value == 16 else "T memory"
        module.add(f"5-spilled-{value}", f"(local.set 0 (i32.const {value})) {deep} " +
                   "drop " * 39 + "i32.load", wanted, local="(local i32)")
    module.write(folder, "matrix")


# ---- 7: operands at the end of memory ---------------------------------------------------------

def last_bytes(folder):
    module = Module("(memory 1 1)")
    floats = {"f32": 4, "f64": 8}
    for t, width in floats.items():
        at = f"({t}.load (i32.const {{}}))"
        uses = {f"{op}-right": f"({t}.{op} ({t}.const 1) {at})"
                for op in "add sub mul div min max copysign".split()}
        uses.update({f"{op}-left": f"({t}.{op} {at} ({t}.const 1))"
                     for op in "add sub mul div min max copysign".split()})
        uses.update({op: f"({t}.{op} {at})"
                     for op in "abs neg ceil floor trunc nearest sqrt".split()})
        lanes = {"f32": "f32x4", "f64": "f64x2"}[t]
        uses["splat"] = f"({lanes}.extract_lane 0 ({lanes}.splat {at}))"
        uses["replace"] = f"({lanes}.extract_lane 1 ({lanes}.replace_lane 1 " \
                          f"(v128.const i64x2 0 0) {at}))"
        uses["zero"] = f"({lanes}.extract_lane 0 (v128.load{width * 8}_zero (i32.const {{}})))"
        uses["load_splat"] = f"({lanes}.extract_lane 0 (v128.load{width * 8}_splat " \
                             "(i32.const {})))"
        uses["lane"] = f"({lanes}.extract_lane 1 (v128.load{width * 8}_lane 1 (i32.const {{}}) " \
                       "(v128.const i64x2 0 0)))"
        for name, code in uses.items():
            for address in (PAGE - width, PAGE - width + 1):
                module.add(f"7-{t}-{name}-{address}", code.format(address),
                           "R *" if fits(address, width) else "T memory", result=t)
    for t, width in {"i32": 4, "i64": 8}.items():
        at = f"({t}.load (i32.const {{}}))"
        for op in "add sub mul and or xor shl rotl eq lt_s gt_u".split():
            result = "i32" if op in ("eq", "lt_s", "gt_u") else t
            for address in (PAGE - width, PAGE - width + 1):
                module.add(f"7-{t}-{op}-{address}",
                           f"({t}.{op} ({t}.const 3) {at})".format(address),
                           "R *" if fits(address, width) else "T memory", result=result)
    for op in "i8x16.add i16x8.mul i32x4.eq f32x4.add f64x2.min v128.and i8x16.swizzle".split():
        for address in (PAGE - 16, PAGE - 15):
            module.add(f"7-{op}-{address}", f"(i32x4.extract_lane 0 ({op} (v128.const i64x2 1 2) "
                       f"(v128.load (i32.const {address}))))",
                       "R *" if fits(address, 16) else "T memory")
    module.write(folder, "last_bytes")


# ---- 10, 20: sizes ----------------------------------------------------------------------------

def sizes(folder):
    for name, limits in (("none", "0 0"), ("empty", "0 1")):
        module = Module(f"(memory {limits})")
        for address in (0, 1, PAGE - 1, PAGE, 2**32 - 1):
            module.add(f"10-load-{address}", f"(i32.load8_u (i32.const {address}))", "T memory")
        module.add("10-zero-length", "(memory.fill (i32.const 0) (i32.const 1) (i32.const 0))", "R",
                   result=None)
        module.add("10-past-end", "(memory.fill (i32.const 1) (i32.const 1) (i32.const 0))",
                   "T memory", result=None)
        if limits == "0 1":
            module.add("10-grow", "(memory.grow (i32.const 1))", "R 0")
            module.add("10-grown-last", "(i32.load8_u (i32.const 65535))", "R 0")
            module.add("10-grown-next", "(i32.load8_u (i32.const 65536))", "T memory")
            module.add("10-grown-store", "(i32.store8 (i32.const 65535) (i32.const 7)) "
                       "(i32.load8_u (i32.const 65535))", "R 7")
        module.add("10-grow-more", "(memory.grow (i32.const 1))", "R -1")
        module.write(folder, "memory_" + name)


# ---- 11, 12, 15: tables and bulk operations ---------------------------------------------------

BAD = [4, 5, 2**31 - 1, 2**31, 2**32 - 1]


def tables(folder):
    module = Module("""(type $v (func (result i32))) (type $w (func (result i64)))
(table $a 4 10 funcref) (table $b 4 4 externref) (table $c 0 0 funcref)
(memory 1 1) (data (i32.const 0) "abcd") (data $d "wxyz")
(elem (table $a) (i32.const 0) func $one $two) (elem $e func $one $two)
(func $one (result i32) (i32.const 1)) (func $two (result i64) (i64.const 2))""")
    for i in BAD:
        wrapped = f"(i32.wrap_i64 (i64.const {i + (0x55 << 32)}))"
        for how, index in (("const", f"(i32.const {i})"), ("wrapped", wrapped)):
            tail = f"{i}-{how}"
            module.add(f"11-call-{tail}", f"(call_indirect $a (type $v) {index})", "T table")
            module.add(f"11-call-none-{tail}", f"(call_indirect $c (type $v) {index})", "T table")
            for t, null in (("a", "func"), ("b", "extern")):
                module.add(f"11-get-{t}-{tail}", f"(ref.is_null (table.get ${t} {index}))",
                           "T table")
                module.add(f"11-set-{t}-{tail}", f"(table.set ${t} {index} (ref.null {null}))",
                           "T table", result=None)
                for n in (0, 1, 2**32 - 1):
                    wanted = "R" if n == 0 and i == 4 else "T table"
                    module.add(f"12-fill-{t}-{tail}-{n}", f"(table.fill ${t} {index} (ref.null "
                               f"{null}) (i32.const {n}))", wanted, result=None)
                    module.add(f"12-copy-{t}-{tail}-{n}", f"(table.copy ${t} ${t} {index} "
                               f"(i32.const 0) (i32.const {n}))", wanted, result=None)
            module.add(f"12-init-{tail}", f"(table.init $a $e {index} (i32.const 0) (i32.const 1))",
                       "T table", result=None)
    module.add("11-call", "(call_indirect $a (type $v) (i32.const 0))", "R 1")
    module.add("11-call-wrong", "(call_indirect $a (type $v) (i32.const 1))", "T signature")
    module.add("11-call-null", "(call_indirect $a (type $v) (i32.const 3))", "T signature")
    # An operation that goes out of bounds in the middle has done nothing.
    for name, code, trap in (
            ("fill", "(memory.fill (i32.const 65530) (i32.const 9) (i32.const 7))", "memory"),
            ("copy", "(memory.copy (i32.const 65530) (i32.const 0) (i32.const 7))", "memory"),
            ("init", "(memory.init $d (i32.const 65530) (i32.const 0) (i32.const 5))", "memory"),
            ("init-end", "(memory.init $d (i32.const 65534) (i32.const 0) (i32.const 4))",
             "memory"),
            ("table-fill", "(table.fill $a (i32.const 2) (ref.func $one) (i32.const 3))", "table"),
            ("table-copy", "(table.copy $a $a (i32.const 2) (i32.const 0) (i32.const 3))", "table"),
            ("table-init", "(table.init $a $e (i32.const 1) (i32.const 1) (i32.const 2))",
             "table")):
        module.add(f"15-{name}", code, f"T {trap}", result=None)
        module.add(f"15-{name}-memory", "(i32.load (i32.const 65530))", "R 0")
        module.add(f"15-{name}-table", "(ref.is_null (table.get $a (i32.const 2)))", "R 1")
        module.add(f"15-{name}-call", "(call_indirect $a (type $v) (i32.const 0))", "R 1")
    module.add("15-grow", "(table.grow $a (ref.func $one) (i32.const 6))", "R 4")
    module.add("15-grow-more", "(table.grow $a (ref.func $one) (i32.const 1))", "R -1")
    module.add("15-grown", "(call_indirect $a (type $v) (i32.const 9))", "R 1")
    module.add("15-grown-past", "(call_indirect $a (type $v) (i32.const 10))", "T table")
    module.write(folder, "tables")


def wide_tables(folder):
    """Tables whose indexes have 64 bits: the lower half of one may be good."""
    module = Module("""(type $v (func (result i32)))
(table $a 4 10 funcref) (table $b 4 10 externref) (table $c 4 4 funcref)
(elem $e func $one $two) (func $one (result i32) (i32.const 1))
(func $two (result i32) (i32.const 2)) (func (export "fill") (table.init $a $e
(i64.const 0) (i32.const 0) (i32.const 2)) (table.set $c (i64.const 1) (ref.func $two)))""")
    for i in [4, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**33, 2**61, 2**63, 2**63 + 1, 2**64 - 4,
              2**64 - 1]:
        for how, index in (("const", f"(i64.const {i})"),
                           ("local", f"(local.set 0 (i64.const {i})) (local.get 0)"),
                           ("sum", f"(i64.add (i64.const {i - 4}) (table.size $c))")):
            tail, local = f"{i}-{how}", "(local i64)"
            module.add(f"11-wide-call-{tail}", f"{index} (call_indirect $a (type $v))", "T table",
                       local=local)
            for t, null in (("a", "func"), ("b", "extern")):
                module.add(f"11-wide-get-{t}-{tail}", f"{index} (table.get ${t}) ref.is_null",
                           "T table", local=local)
                module.add(f"11-wide-set-{t}-{tail}", f"{index} (ref.null {null}) "
                           f"(table.set ${t})", "T table", result=None, local=local)
                for n in sorted({0, 1, 2**32, 2**64 - i}):
                    wanted = "R" if (i, n) == (4, 0) else "T table"
                    module.add(f"12-wide-fill-{t}-{tail}-{n}", f"{index} (ref.null {null}) "
                               f"(i64.const {n}) (table.fill ${t})", wanted, result=None,
                               local=local)
                    module.add(f"12-wide-copy-to-{t}-{tail}-{n}", f"{index} (i64.const 0) "
                               f"(i64.const {n}) (table.copy ${t} ${t})", wanted, result=None,
                               local=local)
                    module.add(f"12-wide-copy-from-{t}-{tail}-{n}", "(i64.const 0) "
                               f"{index} (i64.const {n}) (table.copy ${t} ${t})", wanted,
                               result=None, local=local)
            module.add(f"12-wide-init-{tail}", f"{index} (i32.const 0) (i32.const 1) "
                       "(table.init $a $e)", "T table", result=None, local=local)
            # It fails, for so many there cannot be, and gives -1 of 64 bits.
            if i > 10:
                module.add(f"2-wide-grow-{tail}", f"(ref.null func) {index} (table.grow $c)",
                           "R -1", result="i64", local=local)
    module.add("11-wide-good", "(call_indirect $a (type $v) (i64.const 1))", "R 2")
    module.add("11-wide-other", "(call_indirect $c (type $v) (i64.const 1))", "R 2")
    module.add("11-wide-size", "(table.size $a)", "R 4", result="i64")
    module.write(folder, "wide_tables", ";; tables of i64\n")


def wide_memory(folder):
    """Addresses of 64 bits: sums with offsets that go beyond them, lower halves that are good."""
    module = Module('(memory i64 1 1) (data (i64.const 65532) "\\01\\02\\03\\04")')
    indexes = [0, 65528, 65532, 65533, 65536, 2**31, 2**32 - 4, 2**32, 2**32 + 8, 2**33, 2**47,
               2**63 - 1, 2**63, 2**64 - 65536, 2**64 - 16, 2**64 - 8, 2**64 - 1]
    for offset in (0, 1, 8, 4096, 65528, 65536, 2**31, 2**32 - 1):
        for index in indexes:
            for op, width in (("i32.load8_u", 1), ("i32.load", 4), ("i64.load", 8),
                              ("v128.load", 16)):
                wanted = "R" if fits(index + offset, width) else "T memory"
                for how, before, address in (
                        ("const", "", f"(i64.const {index})"),
                        ("local", f"(local.set 0 (i64.const {index}))", "(local.get 0)"),
                        ("sum", f"(local.set 0 (i64.const {(index - 24) % 2**64}))",
                         "(i64.add (local.get 0) (i64.const 24))"),
                        ("shift", f"(local.set 0 (i64.const {index >> 3}))",
                         "(i64.shl (local.get 0) (i64.const 3))")):
                    if how == "shift" and index % 8:
                        continue
                    module.add(f"3-wide-{op}-{offset}-{index}-{how}",
                               f"{before} (drop ({op} offset={offset} {address}))", wanted,
                               result=None, local="(local i64)")
            wanted = "R" if fits(index + offset, 8) else "T memory"
            module.add(f"3-wide-store-{offset}-{index}", f"(local.set 0 (i64.const {index})) "
                       f"(i64.store offset={offset} (local.get 0) (i64.const 5))", wanted,
                       result=None, local="(local i64)")
            if offset == 0:
                for n in sorted({0, 1, 2**32, -index % 2**64}):
                    wanted = "R" if index + n <= PAGE else "T memory"
                    module.add(f"15-wide-fill-{index}-{n}", f"(memory.fill (i64.const {index}) "
                               f"(i32.const 0) (i64.const {n}))", wanted, result=None)
                    module.add(f"15-wide-copy-{index}-{n}", "(memory.copy (i64.const 0) "
                               f"(i64.const {index}) (i64.const {n}))", wanted, result=None)
    for n in (1, 2**16, 2**32, 2**48, 2**63, 2**64 - 1):
        module.add(f"2-wide-grow-{n}", f"(memory.grow (i64.const {n}))", "R -1", result="i64")
    module.write(folder, "wide_memory")


# ---- 9: what the last tenant left -------------------------------------------------------------

def tenants(folder):
    sum_of = """(local $i i32) (local $s i64)
(loop $l (local.set $s (i64.or (local.get $s) (i64.load (local.get $i))))
 (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8)))
                     (i32.mul (memory.size) (i32.const 65536)))))"""
    first = Module("(memory 20 40) (table $t 50 60 funcref) (global $g (mut i64) (i64.const -1)) "
                   "(func $f) (elem declare func $f)")
    first.add("9-fill", "(memory.fill (i32.const 0) (i32.const 0xaa) (i32.const 1310720)) "
              "(drop (memory.grow (i32.const 10))) (memory.fill (i32.const 0) (i32.const 0xbb) "
              "(i32.const 1966080)) (table.fill $t (i32.const 0) (ref.func $f) (i32.const 50)) "
              "(drop (table.grow $t (ref.func $f) (i32.const 10)))", "R", result=None)
    first.write(folder, "tenants1")
    for number, pages in ((2, 1), (3, 20), (4, 40)):
        module = Module(f"(memory {pages} 60) (table $t 20 60 funcref) "
                        "(global $g (mut i64) (i64.const 0)) (type $v (func))")
        module.add("9-zero", f"{sum_of} (local.get $s)", "R 0", result="i64")
        module.add("9-grow", f"(memory.grow (i32.const {60 - pages}))", f"R {pages}")
        module.add("9-zero-grown", f"{sum_of} (local.get $s)", "R 0", result="i64")
        module.add("9-table", "(ref.is_null (table.get $t (i32.const 19)))", "R 1")
        module.add("9-table-grow", "(table.grow $t (ref.null func) (i32.const 40))", "R 20")
        module.add("9-table-grown", "(call_indirect (type $v) (i32.const 55))", "T signature",
                   result=None)
        module.add("9-global", "(global.get $g)", "R 0", result="i64")
        module.add("9-locals", "(i64.or (local.get 0) (local.get 39))", "R 0", result="i64",
                   local="(local" + " i64" * 40 + ")")
        module.write(folder, f"tenants{number}")


# ---- 14, 19: tail calls -----------------------------------------------------------------------

def tail_calls(folder):
    module = Module("""(type $n (func (param i32) (result i32))) (table 3 funcref)
(elem (i32.const 0) $count $trap $mixed) (memory 1)
(func $count (param i32) (result i32)
 (if (i32.eqz (local.get 0)) (then (return_call $trap (i32.const 3))))
 (return_call_indirect (type $n) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
(func $mixed (param i32) (result i32)
 (if (result i32) (local.get 0)
  (then (return_call $mixed (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 77))))
(func $trap (param i32) (result i32) unreachable)""")
    module.add("14-chain", "(call $count (i32.const 100000))", "T unreachable")
    module.add("14-again", "(call $mixed (i32.const 100000))", "R 77")
    module.add("14-null", "(return_call_indirect (type $n) (i32.const 1) (i32.const 9))", "T table")
    for count in list(range(0, 20)) + [31, 32, 33, 63, 64]:
        for t in ("i32", "f64", "i64", "v128"):
            params = f" {t}" * count
            take = {"i32": "", "i64": " i32.wrap_i64", "f64": " i32.trunc_f64_s",
                    "v128": " (i32x4.extract_lane 0)"}[t]
            value = {"v128": "(v128.const i32x4 {} -1 -1 -1)"}.get(t, f"({t}.const {{}})")
            total = "(i32.const 0)" + "".join(
                f" (local.get {i}){take if t != 'v128' else ' i32x4.extract_lane 0'} "
                f"(i32.const {i + 1}) i32.mul i32.add" for i in range(count))
            module.text.append(f"(func $sum_{t}_{count} (param{params}) (result i32) {total})")
            args = " ".join(value.format(i + 3) for i in range(count))
            module.text.append(f"(func $small_{t}_{count} (param i32) (result i32) "
                               f"(return_call $sum_{t}_{count} {args}))")
            wanted = sum((i + 3) * (i + 1) for i in range(count))
            # The caller's own values around the call must be unharmed.
            module.add(f"19-{t}-{count}", "(local.set 0 (i32.const 1000000)) (i32.add (local.get 0)"
                       f" (i32.add (i32.load (i32.const 0)) (call $small_{t}_{count} "
                       "(i32.const 1))))", f"R {1000000 + wanted}", local="(local i32)")
    module.write(folder, "tail_calls")


def deep_tail_calls(folder):
    """A million tail calls that each want another size of stack arguments; the results after the
    first come by way of the caller's stack."""
    module = Module('(memory 1) (table 16 funcref) (type $n (func (param i32) (result i32)))')
    results = "(result i64 i32 v128 f64)"
    counts = [1, 7, 8, 9, 14, 15, 16, 40, 200, 1, 990, 3]
    for k, count in enumerate(counts):
        module.text.append(f"(type $t{k} (func (param i32) (param{' i64' * count}) {results}))")
        module.text.append(f"(elem (i32.const {k}) $f{k})")
        total = "(i64.const 0)" + "".join(
            f" (i64.mul (local.get {i + 1}) (i64.const {i + 1})) i64.add" for i in range(count))
        # The argument that each function gets, times its place, must be what its caller gave.
        wanted = sum((i + k) * (i + 1) for i in range(count))
        to = (k + 1) % len(counts)
        args = "(i32.sub (local.get 0) (i32.const 1))"
        args += "".join(f"(i64.const {i + to})" for i in range(counts[to]))
        call = (f"(return_call $f{to} {args})" if k % 2 == 0 else
                f"(return_call_indirect (type $t{to}) {args} (i32.const {to}))")
        module.text.append(
            f"(func $f{k} (type $t{k}) {total} (i64.const {wanted}) i64.ne (if (then unreachable))"
            f" (if (i32.eqz (local.get 0)) (then (return (i64.const {k}) "
            f"(i32.const -7) (v128.const i64x2 3 -3) (f64.const 1.5)))) {call})")
    for depth in (0, 1, 2, 5, 11, 12, 999999):
        for i, (check, want) in enumerate((
                ("drop drop drop", depth % len(counts)),
                ("drop drop i64.extend_i32_s local.set 1 drop (local.get 1)", -7),
                ("drop i64x2.extract_lane 1 local.set 1 drop drop (local.get 1)", -3),
                ("(f64.const 2) f64.mul i64.trunc_f64_s local.set 1 drop drop drop (local.get 1)",
                 3))):
            module.add(f"31-{depth}-result{i}",
                       f"(call $f0 (i32.const {depth}) (i64.const 0)) {check}", f"R {want}",
                       result="i64", local="(local i32 i64)")
    # At each level of a recursion that does grow the stack.
    module.text.append("(func $nest (param i32) (result i32) (if (i32.eqz (local.get 0)) (then "
                       "(return (i32.const 0)))) (call $f0 (i32.const 12) (i64.const 0)) "
                       "drop drop drop (if (i32.wrap_i64) (then unreachable)) (i32.add "
                       "(i32.const 1) (call $nest (i32.sub (local.get 0) (i32.const 1)))))")
    module.text.append("(func $endless (param i32) (result i32) (call $f0 (i32.const 12) "
                       "(i64.const 0)) drop drop drop drop (call $endless (local.get 0)) (i32.add "
                       "(i32.const 1)))")
    module.add("31-nested", "(call $nest (i32.const 1000))", "R 1000")
    module.add("14-deep-trap", "(call $f0 (i32.const 12) (i64.const 5)) drop drop drop",
               "T unreachable", result="i64")
    module.add("29-endless", "(call $endless (i32.const 0))", "T stack")
    module.write(folder, "deep_tail_calls")


# ---- Branches that carry many values ----------------------------------------------------------

WIDE = ["i32", "i64", "f64", "f32", "v128"]


def wide_value(i, base):
    """Value number i, whose size is base + i: a constant, a local, a register, a loaded value."""
    t, value = WIDE[i % 5], base + i
    if t == "v128":
        return f"(i64x2.splat (i64.const {value}))" if i % 2 else f"(v128.const i64x2 {value} 9)"
    code = {0: f"({t}.const {value})",
            1: f"(local.set ${t} ({t}.const {value})) (local.get ${t})",
            2: f"({t}.add ({t}.const 1) (local.tee ${t} ({t}.const {value - 1})))",
            3: f"({t}.store (i32.const 8) ({t}.const {value})) ({t}.load (i32.const 8))"}[i % 4]
    return code


def wide_branches(folder):
    module = Module("(memory 1)")
    for count in (2, 8, 9, 25, 100):
        types = " ".join(WIDE[i % 5] for i in range(count))
        collect = []
        for i in reversed(range(count)):
            to_i64 = {"i32": "i64.extend_i32_s", "i64": "", "f64": "i64.trunc_f64_s",
                      "f32": "i64.trunc_f32_s", "v128": "i64x2.extract_lane 0"}[WIDE[i % 5]]
            collect.append(f"{to_i64} (i64.const {i + 1}) i64.mul (global.get $sum) i64.add "
                           "(global.set $sum)")
        fold = f"(global.set $sum (i64.const 0)) {' '.join(collect)} (global.get $sum)"

        def total(base):
            return sum((base + i) * (i + 1) for i in range(count))

        values = {base: " ".join(wide_value(i, base) for i in range(count)) for base in (5, 1000)}
        drops = "drop " * count
        local = "(local $i32 i32) (local $i64 i64) (local $f32 f32) (local $f64 f64)"
        bodies = {
            "br": (f"(block (result {types}) {values[5]} (br 0))", 5, 5),
            "br_if": (f"(block (result {types}) {values[5]} (local.get 0) (br_if 0) {drops} "
                      f"{values[1000]})", 1000, 5),
            "br_if_flags": (f"(block (result {types}) {values[5]} (i32.gt_s (local.get 0) "
                            f"(i32.const 0)) (br_if 0) {drops} {values[1000]})", 1000, 5),
            # What lies below the values must not be carried along.
            "br_if_deep": (f"(block (result {types}) (i32.const 7) (f64.const 7) {values[5]} "
                           f"(i32.eqz (local.get 0)) (br_if 0) {drops} drop drop {values[1000]})",
                           5, 1000),
            "kept": (f"(block (result {types}) (i64.const 7) {values[5]} (local.get 0) (br_if 0) "
                     f"{drops} drop {values[5]} (local.get 0) (br_if 0) {drops} {values[1000]})",
                     1000, 5),
            "loop": (f"(block (result {types}) {values[5]} (loop (param {types}) (result {types}) "
                     "(local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0) i32.gt_s "
                     "(br_if 0)))", 5, 5),
            "br_table": (f"(block (result {types}) (block (result {types}) (i32.const 3) "
                         f"{values[5]} (local.get 0) (br_table 0 1 0 1 0)) {drops} "
                         f"{values[1000]})", 1000, 5),
            "return": (f"{values[5]} (local.get 0) (if (param {types}) (result {types}) (then "
                       f"return) (else {drops} {values[1000]}))", 1000, 5),
            "to_body": (f"{values[5]} (local.get 0) (br_if 0) {drops} {values[1000]} (i32.eqz "
                        "(local.get 0)) (br_if 0) unreachable", 1000, 5),
            "if_else": (f"{values[5]} (local.get 0) (if (param {types}) (result {types}) (then "
                        f"(br 0)) (else {drops} {values[1000]}))", 1000, 5),
        }
        for name, (code, if_zero, if_one) in bodies.items():
            module.text.append(f"(func ${name}_{count} (param i32) (result {types}) {local} "
                               f"{code})")
            for arg, base in ((0, if_zero), (1, if_one)):
                module.add(f"wide-{name}-{count}-{arg}", f"(call ${name}_{count} (i32.const {arg}))"
                           f" {fold}", f"R {total(base)}", result="i64")
    module.text.append("(global $sum (mut i64) (i64.const 0))")
    module.write(folder, "wide_branches")


# ---- 21: distances ----------------------------------------------------------------------------

def far(folder):
    module = Module("(memory 3)")
    filler = "(i64.store offset=5000 (local.get $a) (i64.const 0x123456789abcdef))" * 60000
    module.add("21-branch", "(local $a i32) (block $out (loop $in (br_if $out (i32.ge_u (local.get "
               f"$a) (i32.const 24))) {filler} (local.set $a (i32.add (local.get $a) "
               "(i32.const 8))) (br $in))) (i32.wrap_i64 (i64.load offset=5000 (i32.const 16)))",
               f"R {0x89abcdef - 2**32}")
    module.add("21-trap", "(local $a i32) (if (i32.eqz (local.get $a)) (then (i64.store "
               f"offset=65529 (i32.const 131072) (i64.const 1)))) {filler} (i32.const 1)",
               "T memory")
    for offset in (4095, 4096, 4097, 32760, 32761, 65535, 100000, 2**24, 2**31, 2**32 - 1):
        for op in ("i32.store8", "i32.store", "i64.store", "f32.store", "f64.store"):
            width = {"i32.store8": 1, "i32.store": 4, "f32.store": 4}.get(op, 8)
            wanted = "R" if offset + width <= 3 * PAGE else "T memory"
            t = op.split(".", maxsplit=1)[0]
            # Values that are live over a store with a large offset stay what they are.
            module.add(f"21-{op}-{offset}", f"(local.set 0 ({t}.const 77)) ({op} offset={offset} "
                       f"(i32.const 0) (local.get 0)) ({op} offset={offset} (i32.const 0) "
                       f"({t}.const 5)) "
                       f"(if ({t}.ne (local.get 0) ({t}.const 77)) (then unreachable))", wanted,
                       result=None, local=f"(local {t})")
    module.write(folder, "far")


def main():
    folder = sys.argv[1]
    for each in (addresses, matrix, last_bytes, sizes, tables, wide_tables, wide_memory, tenants,
                 tail_calls, deep_tail_calls, wide_branches, far):
        each(folder)


if __name__ == "__main__":
    main()
