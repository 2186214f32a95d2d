"""Random kernels as WebAssembly text: nests of control flow around integer, float and SIMD
expressions, with loads and stores of any alignment. Each item owns OWN_BYTES of memory at args."""
import random

ITEMS = 48
OWN_BYTES = 256
COUNTERS = 8  # words behind the items' own that all items count in
ARGS = 32768
POINTERS = 2
A_RMW = "add sub and or xor xchg".split()
A_COUNT = "add sub and or xor".split()
LOCALS = {"i32": 5, "i64": 2, "f32": 3, "f64": 1, "v128": 2}

I_BINARY = "add sub mul and or xor shl shr_s shr_u rotl rotr".split()
I_DIVIDE = "div_s div_u rem_s rem_u".split()
I_COMPARE = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split()
I_UNARY = "clz ctz popcnt extend8_s extend16_s".split()
F_BINARY = "add sub mul div min max copysign".split()
F_UNARY = "abs neg ceil floor trunc nearest sqrt".split()
F_COMPARE = "eq ne lt gt le ge".split()
V_BINARY = """f32x4.add f32x4.sub f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax
f32x4.eq f32x4.lt f32x4.ge i32x4.add i32x4.sub i32x4.mul i32x4.min_s i32x4.max_u i32x4.eq i32x4.lt_s
i32x4.gt_u i32x4.dot_i16x8_s v128.and v128.or v128.xor v128.andnot i16x8.add i16x8.mul
i16x8.add_sat_s i16x8.sub_sat_u i16x8.min_s i16x8.max_u i16x8.avgr_u i16x8.q15mulr_sat_s i16x8.lt_s
i16x8.ge_u i8x16.add i8x16.sub i8x16.add_sat_u i8x16.sub_sat_s i8x16.min_u i8x16.max_s i8x16.avgr_u
i8x16.eq i8x16.gt_s i64x2.add i64x2.sub i64x2.mul i64x2.eq i64x2.lt_s f64x2.add f64x2.mul f64x2.min
f64x2.max f64x2.lt i8x16.swizzle i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u i16x8.narrow_i32x4_s
i16x8.narrow_i32x4_u i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_u i32x4.extmul_low_i16x8_u
i32x4.extmul_high_i16x8_s i64x2.extmul_low_i32x4_s i64x2.extmul_high_i32x4_u""".split()
V_UNARY = """f32x4.abs f32x4.neg f32x4.sqrt f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest
f32x4.convert_i32x4_s f32x4.convert_i32x4_u i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u
i32x4.abs i32x4.neg v128.not i16x8.abs i16x8.neg i8x16.abs i8x16.neg i8x16.popcnt i64x2.abs
i64x2.neg i16x8.extadd_pairwise_i8x16_s i32x4.extadd_pairwise_i16x8_u i16x8.extend_low_i8x16_s
i32x4.extend_high_i16x8_u i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_u f64x2.ceil
f64x2.nearest f64x2.sqrt f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u f64x2.promote_low_f32x4
f32x4.demote_f64x2_zero i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero""".split()
V_SHIFT = [f"{shape}.{op}" for shape in ("i8x16", "i16x8", "i32x4", "i64x2")
           for op in ("shl", "shr_s", "shr_u")]
V_TEST = """v128.any_true i8x16.all_true i16x8.all_true i32x4.all_true i8x16.bitmask i16x8.bitmask
i32x4.bitmask i64x2.all_true i64x2.bitmask""".split()
SPECIAL_F32 = """0 -0 1 -1.5 inf -inf 2147483648 -2147483648 4294967296 1e-40 0.5 2.5 -3.5
1e30""".split()
SPECIAL_I32 = [0, 1, -1, 2, 3, 7, 31, 32, 255, 65535, -2147483648, 2147483647, 0x55555555]


class Kernel:
    keeps_nans = False  # they are the same everywhere, with --deterministic

    def __init__(self, rng, types, callee=None, traps=True):
        self.rng = rng
        self.types = types
        self.callee = callee
        self.traps = traps
        self.out = []
        self.labels = []
        self.loops = 0
        self.budget = 60
        self.atomics = False
        self.a = "i32"  # the type of addresses
        self.b = None  # that of another memory's, where there is one

    def emit(self, *words):
        self.out.append(" ".join(str(w) for w in words))

    def local(self, kind):
        return f"${kind}{self.rng.randrange(LOCALS[kind])}"

    def canonical(self, kind):
        """Replaces a NaN, whose payload is open, by a fixed one."""
        if self.keeps_nans:
            return
        temp = f"$t{kind}"
        self.emit(f"local.set {temp} local.get {temp} {kind}.const nan")
        self.emit(f"local.get {temp} local.get {temp} {kind}.eq select")

    def canonical_v128(self, shape):
        if self.keeps_nans:
            return
        self.emit(f"local.set $tv local.get $tv {self.nan(shape)} local.get $tv local.get $tv")
        self.emit(f"{shape}.eq v128.bitselect")

    @staticmethod
    def nan(shape):
        return ("v128.const f32x4 nan nan nan nan" if shape == "f32x4"
                else "v128.const f64x2 nan nan")

    def widen(self):
        """What is on the stack becomes part of an address."""
        if self.a == "i64":
            self.emit("i64.extend_i32_u")

    def memory(self):
        """Which memory an access is made to, whose address in the first is on the stack."""
        if self.b is None or self.rng.random() < 0.5:
            return ""
        if self.a != self.b:
            self.emit("i32.wrap_i64" if self.b == "i32" else "i64.extend_i32_u")
        return "1"

    def address(self, size, is_store):
        """The memory that an access is made to, and its offset and alignment; see place()."""
        offset, align = self.place(size, is_store).split()
        return self.memory(), offset, align

    def place(self, size, is_store):
        """An address for an access: mostly in the item's own part, or anywhere for loads."""
        r = self.rng
        roll = r.random()
        align = 0
        while (1 << align) < size:
            align += 1
        if not is_store and r.random() < 0.15:
            self.emit("local.get", f"$p{r.randrange(POINTERS)}")
            offset = r.choice([0, 0, 16, 1024, 4])
        elif roll < 0.5:
            self.emit("local.get $own")
            offset = r.randrange(0, OWN_BYTES - 16)
            if r.random() < 0.7:
                offset &= -min(size, 16)
            else:
                align = 0
        elif roll < 0.8 or is_store:
            self.emit("local.get $own")
            self.expr("i32", 1)
            mask = 0x7f if r.random() < 0.3 else 0x7f & -size
            align = 0 if mask == 0x7f else align
            self.emit(f"i32.const {mask} i32.and")
            self.widen()
            self.emit(f"{self.a}.add")
            offset = r.choice([0, 4, 16])
        else:
            self.expr("i32", 2)
            mask = 0x3fff if r.random() < 0.3 else 0x3fff & -size
            align = 0 if mask == 0x3fff else align
            self.emit(f"i32.const {mask} i32.and")
            self.widen()
            offset = r.choice([0, 16, 1024])
            if self.traps and r.random() < 0.01:
                offset = 65536 - r.randrange(64)
                if self.a == "i64" and r.random() < 0.5:
                    offset = 2**32 - r.choice([1, 8, 65536])
        return f"offset={offset} align={1 << min(align, r.choice([0, 4, 4, 4]))}"

    def expr(self, kind, depth):
        r = self.rng
        if depth <= 0 or r.random() < 0.2:
            return self.leaf(kind)
        getattr(self, "expr_" + kind)(depth)

    def leaf(self, kind):
        r = self.rng
        if r.random() < 0.6:
            self.emit("local.get", self.local(kind))
        elif kind == "i32":
            self.emit("i32.const", r.choice(SPECIAL_I32 + [r.randrange(-2**31, 2**31)]))
        elif kind == "i64":
            self.emit("i64.const", r.choice(SPECIAL_I32 + [r.randrange(-2**63, 2**63)]))
        elif kind == "v128":
            self.emit("v128.const i32x4", *[r.choice(SPECIAL_I32) for _ in range(4)])
        else:
            self.emit(f"{kind}.const", r.choice(SPECIAL_F32 + [r.uniform(-1e4, 1e4)]))

    def pick(self):
        return self.rng.choice(self.types)

    def expr_int(self, kind, depth):
        r = self.rng
        d = depth - 1
        roll = r.random()
        if roll < 0.45:
            self.expr(kind, d)
            self.expr(kind, d)
            self.emit(f"{kind}.{r.choice(I_BINARY)}")
        elif roll < 0.52:
            self.expr(kind, d)
            self.expr(kind, d)
            if not self.traps or r.random() < 0.95:
                self.emit(f"{kind}.const 1 {kind}.or {kind}.const {2**30 - 1} {kind}.and")
            self.emit(f"{kind}.{r.choice(I_DIVIDE)}")
        elif roll < 0.6:
            self.expr(kind, d)
            self.emit(f"{kind}.{r.choice(I_UNARY)}")
        elif roll < 0.75:
            self.load(kind)
        elif roll < 0.8:
            self.select(kind, d)
        elif roll < 0.84 and self.atomics:
            self.atomic(kind, d)
        else:
            return False
        return True

    def atomic(self, kind, depth):
        """An atomic operation on the item's own bytes: the result is the same in any order."""
        r = self.rng
        sizes = [1, 2, 4] + [8] * (kind == "i64")
        size = r.choice(sizes)
        narrow = "" if size * 8 == int(kind[1:]) else str(size * 8)
        suffix = "_u" if narrow else ""
        self.emit("local.get $own")
        self.expr("i32", 1)
        low = 0 if self.traps and r.random() < 0.01 else -size
        self.emit(f"i32.const {0x78 & low if low else 0x7f} i32.and")
        self.widen()
        self.emit(f"{self.a}.add", f"{self.a}.const {-size} {self.a}.and" if low else "")
        memory = self.memory()
        offset = r.choice([0, 8, 64])
        roll = r.random()
        if roll < 0.2:
            self.emit(f"{kind}.atomic.load{narrow}{suffix} {memory} offset={offset}")
        elif roll < 0.75:
            self.expr(kind, depth)
            name = f"{kind}.atomic.rmw{narrow}.{r.choice(A_RMW)}{suffix}"
            self.emit(f"{name} {memory} offset={offset}")
        else:
            self.expr(kind, depth)
            self.expr(kind, depth)
            self.emit(f"{kind}.atomic.rmw{narrow}.cmpxchg{suffix} {memory} offset={offset}")

    def count(self):
        """Counts in a word of all items, each by one operation."""
        r = self.rng
        counter = r.randrange(COUNTERS)
        kind = "i64" if "i64" in self.types and r.random() < 0.5 else "i32"
        place = {0: (1, 0), 1: (2, 2), 2: (4, 0), 3: (1, 3)}[counter % 4]
        narrow = "" if place[0] == 4 and kind == "i32" else str(8 * place[0])
        self.emit(f"{self.a}.const", ARGS + ITEMS * OWN_BYTES + 256 + 4 * counter + place[1])
        self.expr(kind, 2)
        self.emit(f"{kind}.atomic.rmw{narrow}.{A_COUNT[counter % 5]}{'_u' if narrow else ''} drop")

    def expr_i32(self, depth):
        r = self.rng
        d = depth - 1
        if self.expr_int("i32", depth):
            return
        roll = r.random()
        kind = self.pick()
        if roll < 0.4:
            if kind == "v128":
                self.expr("v128", d)
                self.emit(r.choice(V_TEST))
            elif kind[0] == "i":
                self.expr(kind, d)
                if r.random() < 0.3:
                    self.emit(f"{kind}.eqz")
                else:
                    self.expr(kind, d)
                    self.emit(f"{kind}.{r.choice(I_COMPARE)}")
            else:
                self.expr(kind, d)
                self.expr(kind, d)
                self.emit(f"{kind}.{r.choice(F_COMPARE)}")
        elif roll < 0.6 and kind in ("f32", "f64"):
            self.expr(kind, d)
            sat = "" if self.traps and r.random() < 0.03 else "_sat"
            self.emit(f"i32.trunc{sat}_{kind}_{r.choice('su')}")
        elif roll < 0.7 and kind == "i64":
            self.expr("i64", d)
            self.emit("i32.wrap_i64")
        elif roll < 0.8 and "v128" in self.types:
            self.expr("v128", d)
            self.emit(r.choice([f"i8x16.extract_lane_{r.choice('su')} {r.randrange(16)}",
                                f"i16x8.extract_lane_{r.choice('su')} {r.randrange(8)}",
                                f"i32x4.extract_lane {r.randrange(4)}"]))
        elif roll < 0.9 and self.callee:
            self.expr("i32", d)
            self.expr("f32", d)
            self.emit("local.get $own")
            if r.random() < 0.4:
                self.emit("call", self.callee)
            elif self.traps and r.random() < 0.05:
                self.expr("i32", 1)
                self.emit("i32.const 7 i32.and call_indirect $table (type $callee)")
            else:  # one of the three functions in the table
                self.expr("i32", 1)
                self.emit("i32.const 1 i32.and i32.const", r.choice([1, 2]), "i32.add")
                self.emit("call_indirect $table (type $callee)")
        else:
            self.expr("f32", d)
            self.canonical("f32")
            self.emit("i32.reinterpret_f32")

    def expr_i64(self, depth):
        d = depth - 1
        if self.expr_int("i64", depth):
            return
        kind = self.pick()
        if kind in ("f32", "f64"):
            self.expr(kind, d)
            self.emit(f"i64.trunc_sat_{kind}_{self.rng.choice('su')}")
        elif kind == "v128":
            self.expr("v128", d)
            self.emit(f"i64x2.extract_lane {self.rng.randrange(2)}")
        else:
            self.expr("i32", d)
            self.emit(f"i64.extend_i32_{self.rng.choice('su')}")

    def expr_float(self, kind, depth):
        r = self.rng
        d = depth - 1
        roll = r.random()
        if roll < 0.5:
            self.expr(kind, d)
            self.expr(kind, d)
            self.emit(f"{kind}.{r.choice(F_BINARY)}")
        elif roll < 0.65:
            self.expr(kind, d)
            self.emit(f"{kind}.{r.choice(F_UNARY)}")
        elif roll < 0.75:
            self.load(kind)
        elif roll < 0.8:
            self.select(kind, d)
        else:
            other = self.pick()
            if other in ("i32", "i64"):
                self.expr(other, d)
                self.emit(f"{kind}.convert_{other}_{r.choice('su')}")
            elif other == "v128":
                self.expr("v128", d)
                self.emit(f"{'f32x4' if kind == 'f32' else 'f64x2'}.extract_lane {r.randrange(2)}")
            elif other == "f32" and kind == "f64":
                self.expr("f32", d)
                self.emit("f64.promote_f32")
            elif other == "f64" and kind == "f32":
                self.expr("f64", d)
                self.emit("f32.demote_f64")
            else:
                self.leaf(kind)
        if roll >= 0.5 or r.random() < 0.3:
            self.canonical(kind)

    def expr_f32(self, depth):
        self.expr_float("f32", depth)
        self.canonical("f32")

    def expr_f64(self, depth):
        self.expr_float("f64", depth)
        self.canonical("f64")

    def pick_vector(self, ops):
        """Lanes of types that the kernel has: a device may lack f64."""
        return self.rng.choice([op for op in ops if "f64" in self.types or "f64" not in op])

    def expr_v128(self, depth):
        r = self.rng
        d = depth - 1
        roll = r.random()
        op = None
        if roll < 0.4:
            op = self.pick_vector(V_BINARY)
            self.expr("v128", d)
            self.expr("v128", d)
            self.emit(op)
        elif roll < 0.55:
            op = self.pick_vector(V_UNARY)
            self.expr("v128", d)
            self.emit(op)
        elif roll < 0.65:
            self.expr("v128", d)
            self.expr("i32", d)
            self.emit(r.choice(V_SHIFT))
        elif roll < 0.75:
            kind, shape, lanes = r.choice([("i32", "i8x16", 16), ("i32", "i16x8", 8),
                                           ("i32", "i32x4", 4), ("i64", "i64x2", 2),
                                           ("f32", "f32x4", 4), ("f64", "f64x2", 2)]
                                          if "f64" in self.types else
                                          [("i32", "i8x16", 16), ("i32", "i16x8", 8),
                                           ("i32", "i32x4", 4), ("f32", "f32x4", 4)])
            if r.random() < 0.5:
                self.expr(kind, d)
                self.emit(f"{shape}.splat")
            else:
                self.expr("v128", d)
                self.expr(kind, d)
                self.emit(f"{shape}.replace_lane {r.randrange(lanes)}")
        elif roll < 0.85:
            self.expr("v128", d)
            self.expr("v128", d)
            if r.random() < 0.5:
                lanes = [4 * w + j for w in [r.randrange(8) for _ in range(4)] for j in range(4)]
            else:
                lanes = [r.randrange(32) for _ in range(16)]
            self.emit("i8x16.shuffle", *lanes)
        elif roll < 0.9:
            for _ in range(3):
                self.expr("v128", d)
            self.emit("v128.bitselect")
        elif roll < 0.95:
            size, lane = r.choice([(1, 16), (2, 8), (4, 4), (8, 2)])
            # The text format of assemblers takes no memory beside a lane.
            offset = self.place(size, False).split()[0]
            self.expr("v128", d)
            self.emit(f"v128.load{size * 8}_lane {offset} {r.randrange(lane)}")
        else:
            self.load("v128")
        if op and op[:5] in ("f32x4", "f64x2") and op[6:] not in ("eq", "lt", "ge"):
            self.canonical_v128(op[:5])

    def select(self, kind, depth):
        self.expr(kind, depth)
        self.expr(kind, depth)
        self.expr("i32", depth)
        self.emit("select")

    def load(self, kind):
        r = self.rng
        if kind == "v128":
            name, size = r.choice([("load", 16)] * 6 + [
                ("load8x8_s", 8), ("load8x8_u", 8), ("load16x4_s", 8), ("load16x4_u", 8),
                ("load32x2_s", 8), ("load32x2_u", 8), ("load8_splat", 1), ("load16_splat", 2),
                ("load32_splat", 4), ("load64_splat", 8), ("load32_zero", 4), ("load64_zero", 8)])
        elif kind[0] == "i":
            names = [("load", int(kind[1:]) // 8), ("load8_s", 1), ("load8_u", 1),
                     ("load16_s", 2), ("load16_u", 2)]
            name, size = r.choice(names + ([("load32_s", 4), ("load32_u", 4)]
                                           if kind == "i64" else [names[0]]))
        else:
            name, size = "load", int(kind[1:]) // 8
        memory, offset, align = self.address(size, False)
        align = f"align={min(int(align[6:]), size)}"
        self.emit(f"{kind}.{name} {memory} {offset} {align}")
        if kind in ("f32", "f64"):
            self.canonical(kind)

    def store(self):
        r = self.rng
        kind = self.pick()
        if kind == "v128":
            name, size = r.choice([("store", 16)] * 4 + [("store8_lane", 1), ("store16_lane", 2),
                                                         ("store32_lane", 4), ("store64_lane", 8)])
        elif kind[0] == "i":
            name, size = r.choice([("store", int(kind[1:]) // 8), ("store8", 1), ("store16", 2)])
        else:
            name, size = "store", int(kind[1:]) // 8
        if self.b and r.random() < 0.1:
            self.copy()
            return
        offset, align = self.place(size, True).split()
        memory = "" if "lane" in name else self.memory()
        self.expr(kind, 2)
        if "lane" in name:
            self.emit(f"{kind}.{name} {offset} {r.randrange(16 // size)}")
        else:
            self.emit(f"{kind}.{name} {memory} {offset} align={min(int(align[6:]), size)}")

    def copy(self):
        """Of the item's own bytes, from one memory to the other."""
        r = self.rng
        to = r.randrange(2)
        types = [self.a, self.b]
        for kind in (types[to], types[1 - to]):
            self.emit("local.get $own")
            if kind != self.a:
                self.emit("i32.wrap_i64" if kind == "i32" else "i64.extend_i32_u")
            self.emit(f"{kind}.const {r.choice([0, 4, 16, r.randrange(100)])} {kind}.add")
        self.emit(f"{min(types)}.const {r.choice([0, 4, 32, r.randrange(64)])}")
        self.emit(f"memory.copy {to} {1 - to}")

    # Statements. A label is (name, kind of its value or None, loop's counter or None).

    def branch_value(self, label):
        if label[1]:
            self.expr(label[1], 1)

    def branch(self):
        """A branch to any label around; ends the block when it is not conditional."""
        r = self.rng
        roll = r.random()
        if roll < 0.15:
            plain = [l for l in self.labels if l[1] is None]
            if len(plain) > 1:
                self.expr("i32", 2)
                self.emit("i32.const 7 i32.and")
                names = [r.choice(plain)[0] for _ in range(r.randrange(1, 7))]
                self.emit("br_table", *names)
                return True
        label = r.choice(self.labels)
        if roll < 0.75:
            self.branch_value(label)
            self.expr("i32", 2)
            self.emit("br_if", label[0])
            if label[1]:
                self.emit("drop")
            return False
        if roll < 0.78 and self.traps:
            self.expr("i32", 2)
            self.emit("i32.const 63 i32.and i32.eqz if unreachable end")
            return False
        if roll < 0.84:
            self.expr("i32", 2)
            self.emit("if")
            if self.callee is None and self.is_callee:
                self.expr("i32", 1)
            self.emit("return end")
            return False
        self.branch_value(label)
        self.emit("br", label[0])
        return True

    is_callee = False

    def statements(self, depth):
        """True when the end is not reached."""
        for _ in range(self.rng.randrange(1, 5)):
            if self.budget <= 0:
                return False
            self.budget -= 1
            if self.statement(depth):
                return True
        return False

    def pointer(self):
        """A step of a local that loads go through; it stays in the part that nobody stores to."""
        r = self.rng
        name = f"$p{r.randrange(POINTERS)}"
        roll = r.random()
        if roll < 0.35:
            item = "local.get $a i32.const 63 i32.and" if self.is_callee else "local.get $x"
            self.emit(f"{self.a}.const", r.randrange(4096) & -r.choice([1, 4, 16, 16, 16]))
            self.emit(item)
            self.widen()
            self.emit(f"{self.a}.const",
                      r.choice(["16 A.mul", "4 A.shl", "12 A.mul", "2 A.shl", "64 A.mul"])
                      .replace("A", self.a))
            self.emit(f"{self.a}.add local.set", name)
        elif roll < 0.9:
            self.emit(f"local.get {name} {self.a}.const 12000 {self.a}.gt_u if")
            self.emit(f"{self.a}.const {r.randrange(64) & -r.choice([1, 16])} local.set {name} end")
            step = r.choice([16, 16, 16, 32, 8, 4, 1])
            self.emit(f"local.get {name} {self.a}.const {step} {self.a}.add local.set {name}")
        else:
            self.emit(f"local.get $p{r.randrange(POINTERS)} local.set {name}")

    def statement(self, depth):
        r = self.rng
        if r.random() < 0.12:
            self.pointer()
            return False
        roll = r.random()
        if depth <= 0 or roll < 0.35:
            kind = self.pick()
            self.expr(kind, 3)
            self.emit("local.set", self.local(kind))
            return False
        if roll < 0.45:
            if self.atomics and r.random() < 0.4:
                self.count()
            else:
                self.store()
            return False
        if roll < 0.62 and self.labels:
            return self.branch()
        if roll < 0.75:
            return self.block(depth)
        if roll < 0.87:
            return self.loop(depth)
        return self.conditional(depth)

    def body(self, label, depth):
        self.labels.append(label)
        is_dead = self.statements(depth - 1)
        self.labels.pop()
        if label[1] and not is_dead:
            self.expr(label[1], 2)
        return is_dead

    def name(self):
        self.label_count = getattr(self, "label_count", 0) + 1
        return f"$l{self.label_count}"

    def finish(self, kind):
        if kind:
            self.emit("local.set", self.local(kind))
        return False

    def block(self, depth):
        kind = self.rng.choice([None, None, None] + self.types)
        name = self.name()
        self.emit("block", name, f"(result {kind})" if kind else "")
        self.body((name, kind, None), depth)
        self.emit("end")
        return self.finish(kind)

    def conditional(self, depth):
        kind = self.rng.choice([None, None, None] + self.types)
        name = self.name()
        self.expr("i32", 2)
        self.emit("if", name, f"(result {kind})" if kind else "")
        self.body((name, kind, None), depth)
        if kind or self.rng.random() < 0.5:
            self.emit("else")
            self.body((name, kind, None), depth)
        self.emit("end")
        return self.finish(kind)

    def loop(self, depth):
        if self.loops >= 6:
            return False
        counter = f"$c{self.loops}"
        self.loops += 1
        name = self.name()
        outer = self.name()
        kind = self.rng.choice([None, None, None] + self.types)
        has_block = self.rng.random() < 0.7
        self.emit(f"i32.const {self.rng.randrange(1, 4)} local.set {counter}")
        if has_block:
            self.emit("block", outer)
            self.labels.append((outer, None, None))
        self.emit("loop", name, f"(result {kind})" if kind else "")
        # Whoever goes back to the loop passes here; after some rounds nobody gets through.
        self.emit(f"local.get {counter} i32.const 1 i32.sub local.tee {counter}")
        self.emit("i32.const 0 i32.lt_s if")
        if self.is_callee:
            self.expr("i32", 1)
        self.emit("return end" if self.rng.random() < 0.3 or not has_block or self.is_callee
                  else f"br {outer} end")
        self.labels.append((name, None, None))
        is_dead = self.statements(depth - 1)
        if not is_dead and self.rng.random() < 0.8:
            self.emit(f"local.get {counter} i32.const 0 i32.gt_s br_if {name}")
        elif not is_dead and self.rng.random() < 0.3:
            self.emit(f"br {name}")
            is_dead = True
        self.labels.pop()
        if kind and not is_dead:
            self.expr(kind, 2)
        self.emit("end")
        if kind:
            self.emit("local.set", self.local(kind))
        if has_block:
            self.labels.pop()
            self.emit("end")
        return False


def declare(types, a):
    out = []
    for kind, count in LOCALS.items():
        if kind in types or kind == "f32":
            out += [f"(local ${kind}{i} {kind})" for i in range(count)]
    out += [f"(local $c{i} i32)" for i in range(6)]
    out += [f"(local $p{i} {a})" for i in range(POINTERS)]
    out += ["(local $tf32 f32)"] + ["(local $tf64 f64)"] * ("f64" in types)
    out += ["(local $tv v128)"] * ("v128" in types)
    return "\n".join(out)


def callee(rng, types, traps, name, a, b):
    k = Kernel(rng, types, None, traps)
    k.is_callee = True
    k.a = a
    k.b = b
    k.budget = 15
    k.emit("local.get $a local.set $i320 local.get $b local.set $f320")
    k.statements(3)
    text = "\n".join(k.out)
    return f"""(func {name} (type $callee)
(param $a i32) (param $b f32) (param $own {a}) (result i32)
{declare(types, a)}
{text}
local.get $i321)"""


def kernel(rng, types, with_call, traps, has_atomics, a, b):
    k = Kernel(rng, types, "$callee" if with_call else None, traps)
    k.atomics = rng.random() < 0.4 and has_atomics
    k.a = a
    k.b = b
    k.emit("local.get $args local.get $x")
    k.widen()
    k.emit(f"{a}.const {OWN_BYTES} {a}.mul {a}.add local.set $own")
    k.emit("local.get $x local.set $i320")
    k.emit("local.get $own i32.load local.set $i321")
    k.emit("local.get $own f32.load offset=4")
    k.canonical("f32")
    k.emit("local.set $f320")
    if "v128" in types:
        k.emit("local.get $own v128.load offset=16 local.set $v1280")
    k.emit("block $all")
    k.labels.append(("$all", None, None))
    while k.budget > 0:
        if k.statements(rng.randrange(2, 6)):
            break
    k.emit("end")
    at = OWN_BYTES - 96
    for kind in ("i32", "f32") + (("i64", "v128") if "i64" in types else ()):
        if kind == "v128" and kind not in types:
            continue
        for i in range(LOCALS[kind]):
            k.emit(f"local.get $own local.get ${kind}{i}")
            if kind == "f32":
                k.canonical("f32")
            k.emit(f"{kind}.store offset={at}")
            at += {"i32": 4, "f32": 4, "i64": 8, "v128": 16}[kind]
    text = "\n".join(k.out)
    return f"""(func $k (export "k") (type $kernel)
(param $x i32) (param $y i32) (param $z i32) (param $args {a})
(local $own {a})
{declare(types, a)}
{text})"""


# Entry 0 is null, 4 of another type, 5 null, 6 and 7 are none.
CALLEES = "(elem (table $table) (i32.const 1) func $callee $callee2 $callee $k)"


def module(seed, traps=True, args=ARGS, given=None, items=ITEMS, a="i32", b=None):
    """A program: _start fills memory, runs the kernel by wjit.parallel_for.v1, prints memory.
    `given`: the types of a kernel without calls and atomics. `a`: the type of addresses; `b`:
    that of a second memory."""
    rng = random.Random(seed)
    chosen = rng.choice([["i32"], ["i32", "f32"], ["i32", "f32", "i64", "f64", "v128"],
                         ["i32", "f32", "v128"]])
    with_call = rng.random() < 0.4 and given is None
    types = given or chosen
    body = kernel(rng, types, with_call, traps, given is None, a, b)
    wide = "i64" if a == "i64" else ""
    wrap = "i32.wrap_i64" if a == "i64" else ""
    # The second memory begins as a copy of the first, which its part of the items ends behind.
    second = f"(memory {'i64' if b == 'i64' else ''} 1)" if b else ""
    count = min(a, b or a)
    begin = f"{b}.const 0 {a}.const 0 {count}.const 65536 memory.copy 1 0" if b else ""
    size = ITEMS * OWN_BYTES + 512
    end = f"{a}.const {args + size} {b}.const {args} {count}.const {size} memory.copy 0 1" \
        if b else ""
    return f"""(module
(type $kernel (func (param $x i32) (param $y i32) (param $z i32) (param $args {a})))
(import "wasi_snapshot_preview1" "fd_write"
  (func $fd_write (param i32 i32 i32 i32) (result i32)))
(memory (export "memory") {wide} 1)
{second}
(table 1 funcref)
(elem (i32.const 0) func $k)
(type $callee (func (param i32 f32 {a}) (result i32)))
(table $table 6 funcref)
{CALLEES if with_call else ""}
{callee(rng, types, traps, "$callee", a, b) if with_call else ""}
{callee(rng, types, traps, "$callee2", a, b) if with_call else ""}
{body}
(func $for (export "wjit.parallel_for.v1") (param $nx i32) (param $ny i32) (param $nz i32)
  (param $f {a}) (param $args {a}) (local $x i32) (local $y i32) (local $z i32)
  block $none
  local.get $nx i32.eqz br_if $none
  local.get $ny i32.eqz br_if $none
  local.get $nz i32.eqz br_if $none
  loop $zs
    i32.const 0 local.set $y
    loop $ys
      i32.const 0 local.set $x
      loop $xs
        local.get $x local.get $y local.get $z local.get $args local.get $f {wrap}
        call_indirect (type $kernel)
        local.get $x i32.const 1 i32.add local.tee $x local.get $nx i32.lt_u br_if $xs
      end
      local.get $y i32.const 1 i32.add local.tee $y local.get $ny i32.lt_u br_if $ys
    end
    local.get $z i32.const 1 i32.add local.tee $z local.get $nz i32.lt_u br_if $zs
  end
  end)
(func $fill (export "fill") (local $at {a}) (local $state i32)
  i32.const {seed & 0x7fffffff} local.set $state
  loop $next
    local.get $at
    local.get $state i32.const 1664525 i32.mul i32.const 1013904223 i32.add local.tee $state
    local.get $state i32.const 15 i32.shr_u i32.xor i32.store
    local.get $at {a}.const 4 {a}.add local.tee $at {a}.const 65536 {a}.lt_u br_if $next
  end)
(func (export "_start")
  call $fill
  {begin}
  i32.const {items} i32.const 1 i32.const 1 {a}.const 0 {a}.const {args} call $for
  {end}
  {a}.const 0 i32.const {args} i32.store
  {a}.const 4 i32.const {size * 2 if b else size} i32.store
  i32.const 1 i32.const 0 i32.const 1 i32.const 8 call $fd_write drop)
)
"""
