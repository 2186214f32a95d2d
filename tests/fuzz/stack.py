"""Random modules in the manner of a stack machine: values lie deep, locals change under them, and
blocks take and give several values, as no compiler from trees writes it. They end without traps."""
import edges

OPS = {
    "i32": "add sub mul and or xor shl shr_s shr_u rotl rotr".split(),
    "i64": "add sub mul and or xor shl shr_s shr_u rotl rotr".split(),
    "f32": "add sub mul div min max copysign".split(),
    "f64": "add sub mul div min max copysign".split(),
}
UNARY = {"i32": "clz ctz popcnt extend8_s extend16_s".split(),
         "i64": "clz ctz popcnt extend8_s extend32_s".split(),
         "f32": "abs neg ceil floor trunc nearest sqrt".split(),
         "f64": "abs neg ceil floor trunc nearest sqrt".split()}
COMPARE = {"i32": "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split(),
           "f64": "eq ne lt gt le ge".split()}
COMPARE["i64"], COMPARE["f32"] = COMPARE["i32"], COMPARE["f64"]
# What payload a NaN has is each engine's own, so before its bits can be seen it becomes the one
# NaN: x == x ? x : NaN. All else of a float is seen, to the last bit and the sign of a zero.
ONE_NAN = {t: f"local.tee $seen_{t} {t}.const nan local.get $seen_{t} local.get $seen_{t} {t}.eq "
              "select" for t in ("f32", "f64")}
ONE_NAN.update({shape: f"local.tee $seen_v128 v128.const {shape}" + " nan" * count +
                       f" local.get $seen_v128 local.get $seen_v128 {shape}.eq v128.bitselect"
                for shape, count in (("f32x4", 4), ("f64x2", 2))})
ONE_NAN_LOCALS = "(local $seen_f32 f32) (local $seen_f64 f64) (local $seen_v128 v128)"


INTEGER_LANES = {
    "i8x16": "add sub add_sat_s add_sat_u sub_sat_s sub_sat_u min_s min_u max_s max_u avgr_u eq ne "
             "lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u narrow_i16x8_s narrow_i16x8_u swizzle",
    "i16x8": "add sub mul add_sat_s add_sat_u sub_sat_s sub_sat_u min_s min_u max_s max_u avgr_u "
             "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u narrow_i32x4_s narrow_i32x4_u "
             "q15mulr_sat_s extmul_low_i8x16_s extmul_high_i8x16_u",
    "i32x4": "add sub mul min_s min_u max_s max_u eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u "
             "dot_i16x8_s extmul_low_i16x8_u extmul_high_i16x8_s",
    "i64x2": "add sub mul eq ne lt_s gt_s le_s ge_s extmul_low_i32x4_s extmul_high_i32x4_u",
    "v128": "and or xor andnot",
}
VECTOR = [f"{shape}.{op}" for shape, ops in INTEGER_LANES.items() for op in ops.split()] + \
    [f"{shape}.{op} {ONE_NAN[shape]}" for shape in ("f32x4", "f64x2")
     for op in "add sub mul div min max pmin pmax".split()] + \
    [f"{shape}.{op}" for shape in ("f32x4", "f64x2") for op in COMPARE["f64"]]
VECTOR_UNARY = ("i8x16.abs i8x16.neg i16x8.abs i16x8.neg i32x4.abs i32x4.neg i64x2.abs i64x2.neg "
                "i8x16.popcnt v128.not i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_s "
                "i32x4.extend_low_i16x8_s i32x4.extend_high_i16x8_u i64x2.extend_low_i32x4_u "
                "i64x2.extend_high_i32x4_s i16x8.extadd_pairwise_i8x16_u "
                "i32x4.extadd_pairwise_i16x8_s i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u "
                "i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero "
                "f32x4.convert_i32x4_s f32x4.convert_i32x4_u f64x2.convert_low_i32x4_s "
                "f64x2.convert_low_i32x4_u").split() + \
    [f"{shape}.{op} {ONE_NAN[shape]}" for shape in ("f32x4", "f64x2")
     for op in UNARY["f64"]] + [f"f32x4.demote_f64x2_zero {ONE_NAN['f32x4']}",
                                f"f64x2.promote_low_f32x4 {ONE_NAN['f64x2']}"]
VECTOR_TEST = ("v128.any_true i8x16.all_true i16x8.all_true i32x4.all_true i64x2.all_true "
               "i8x16.bitmask i16x8.bitmask i32x4.bitmask i64x2.bitmask").split()
LANES = {"i8x16": ("i32", 16), "i16x8": ("i32", 8), "i32x4": ("i32", 4), "i64x2": ("i64", 2),
         "f32x4": ("f32", 4), "f64x2": ("f64", 2)}
INTEGER_SHAPES = ["i8x16", "i16x8", "i32x4", "i64x2"]
LOADS = {"i32": "load8_s load8_u load16_s load16_u load load".split(),
         "i64": "load8_s load8_u load16_s load16_u load32_s load32_u load load".split(),
         "v128": "load load load8x8_s load8x8_u load16x4_s load16x4_u load32x2_s load32x2_u "
                 "load8_splat load16_splat load32_splat load64_splat load32_zero "
                 "load64_zero".split(), "f32": ["load"], "f64": ["load"]}
STORES = {"i32": "store8 store16 store store".split(),
          "i64": "store8 store16 store32 store store".split(), "v128": ["store"],
          "f32": ["store"], "f64": ["store"]}
SHIFTS = "shl shr_s shr_u rotl rotr".split()
CONVERT = {("i32", "i64"): ["i64.extend_i32_u", "i64.extend_i32_s"],
           ("i64", "i32"): ["i32.wrap_i64"],
           ("f64", "f64"): ["f32.demote_f64 f64.promote_f32"], ("f32", "f64"): ["f64.promote_f32"],
           ("f64", "f32"): ["f32.demote_f64"],
           ("i64", "i64"): ["f32.convert_i64_u i64.trunc_sat_f32_s"],
           ("i32", "i32"): ["i64.extend_i32_s i64.const 9 i64.shr_s i32.wrap_i64"]}
for INTEGER in ("i32", "i64"):
    for FLOAT in ("f32", "f64"):
        CONVERT[INTEGER, FLOAT] = [f"{FLOAT}.convert_{INTEGER}_{sign}" for sign in "su"]
        CONVERT[FLOAT, INTEGER] = [f"{INTEGER}.trunc_sat_{FLOAT}_{sign}" for sign in "su"]
        if INTEGER[1:] == FLOAT[1:]:
            CONVERT[INTEGER, FLOAT].append(f"{FLOAT}.reinterpret_{INTEGER}")
            CONVERT[FLOAT, INTEGER].append(f"{ONE_NAN[FLOAT]} {INTEGER}.reinterpret_{FLOAT}")
# What becomes of a value that nothing else uses: each bit counts, and so does the order of values.
SEEN = {"i32": "global.get $i32 i32.const 5 i32.rotl i32.add global.set $i32",
        "i64": "global.get $i64 i64.const 7 i64.rotl i64.add global.set $i64",
        "f32": f"{ONE_NAN['f32']} i32.reinterpret_f32 global.get $i32 i32.const 5 i32.rotl i32.add "
               "global.set $i32",
        "f64": f"{ONE_NAN['f64']} i64.reinterpret_f64 global.get $i64 i64.const 7 i64.rotl i64.xor "
               "global.set $i64",
        "v128": "global.get $v128 global.get $v128 i8x16.shuffle 3 4 5 6 7 8 9 10 11 12 13 14 15 "
                "0 1 2 i8x16.add global.set $v128"}
DEPTH_MAX = 4
ROUNDS = 3
LINES_MAX = 400 # of a function that others call


class Function:
    def __init__(self, random, number, earlier, types):
        self.random, self.number, self.earlier, self.types = random, number, earlier, types
        some = lambda most: [random.choice(types) for _ in range(random.randint(0, most))]
        self.params, self.results = some(random.choice([2, 6, 12])), some(random.choice([0, 3]))
        self.results.append(random.choice(types + ["i64"]))
        # A wide function has many parameters, all worth registers, and hands them on in another
        # order: every kind of register is full across calls, and values change places before them.
        self.is_wide = random.random() < 0.3
        if self.is_wide:
            few = [random.choice(types), random.choice(types)]
            self.params = [random.choice(few) for _ in range(random.choice([5, 8, 13, 18]))]
        if earlier and random.random() < 0.5:
            self.params = list(random.choice(earlier).params)
        self.locals = self.params + some(random.choice([4, 10, 24, 60])) + list(types)
        self.counters = 0
        self.text, self.stack, self.labels = [], [], []
        self.left = random.choice([20, 60, 200])
        # Some locals are used more than others, so that they are the ones in registers.
        share = 0.9 if self.is_wide else 0.5
        self.hot = [i for i in range(len(self.locals)) if random.random() < share]
        self.calls_much = not self.is_wide and random.random() < 0.3
        self.is_dense = not self.calls_much and random.random() < 0.4

    def emit(self, text, pops=0, pushes=()):
        self.text.append(text)
        if pops:
            del self.stack[-pops:]
        self.stack += pushes

    def local_of(self, t):
        of_type = [i for i, each in enumerate(self.locals) if each == t]
        hot = [i for i in of_type if i in self.hot]
        return self.random.choice(hot if hot and self.random.random() < 0.7 else of_type)

    def push(self, t):
        choice = self.random.random()
        if choice < 0.65:
            self.emit(f"local.get {self.local_of(t)}", pushes=[t])
        elif choice < 0.72 and t != "v128":
            self.emit(f"global.get ${t}", pushes=[t])
        elif t == "v128":
            self.emit(edges.lanes(self.random), pushes=[t])
        else:
            self.constant(edges.constant(self.random, t), t)

    def constant(self, text, t):
        """In a local now and then: then it is not known, and stays for what comes later."""
        way = self.random.random()
        local = self.local_of(t)
        self.emit(f"{t}.const {text}" + (f" local.tee {local}" if way < 0.1 else
                                         f" local.set {local} local.get {local}" if way < 0.3
                                         else ""), pushes=[t])

    def second(self, t):
        """The right operand of what relates two: often the same value, or one that no order has."""
        choice = self.random.random()
        if choice < 0.15 and t[0] == "f":
            self.constant("nan", t)
        elif choice < 0.3:
            local = self.local_of(t)
            self.emit(f"local.tee {local} local.get {local}", pushes=[t])
        elif choice < 0.45 and t != "v128":
            self.constant(edges.constant(self.random, t), t)
        else:
            self.push(t)

    def available(self):
        return len(self.stack) - self.labels[-1]["height"]

    def top(self):
        return self.stack[-1]

    def want(self, types):
        """Makes these the top of the stack: from what is there, or new."""
        if self.available() >= len(types) and self.stack[len(self.stack) - len(types):] == types:
            return
        for t in types:
            self.push(t)

    def address(self):
        self.push("i32")
        self.emit(f"i32.const {self.random.choice([0xff, 0xfff0, 0x7ff])} i32.and")

    def operation(self):
        r = self.random
        choice = r.random()
        if choice < 0.22 or self.available() == 0:
            self.push(r.choice(self.types))
        elif choice < 0.36:
            t = self.top()
            self.push(t)
            if t == "v128":
                self.combine_vectors()
            else:
                self.combine(t)
        elif choice < 0.39 and self.top() in ("i32", "i64", "v128"):
            self.with_constant(self.top())
        elif choice < 0.40 and self.available() >= 2 and self.top() == self.stack[-2] != "v128":
            self.combine(self.top())
        elif choice < 0.44 and self.top() != "v128":
            self.change(self.top())
        elif choice < 0.45 and self.top() == "v128":
            self.replace_lane()
        elif choice < 0.48 and self.top() != "v128":
            self.compare(self.top())
        elif choice < 0.52:
            to = r.choice(self.types)
            self.convert(to)
        elif choice < 0.62:
            self.emit(f"local.set {self.local_of(self.top())}", 1)
        elif choice < 0.68:
            self.emit(f"local.tee {self.local_of(self.top())}")
        elif choice < 0.685 and self.top() != "v128":
            self.emit(f"global.set ${self.top()}", 1)
        elif choice < 0.71:
            self.choose()
        elif choice < 0.72:
            t = self.top()
            self.push(t)
            self.push("i32")
            self.emit(f"select (result {t})" if t == "v128" else "select", 3, [t])
        elif choice < 0.76:
            self.access(r.choice(self.types))
        elif choice < 0.79 and self.top() in ("i32", "i64"):
            self.divide(self.top())
        elif choice < (0.86 if self.calls_much else 0.81) and self.earlier:
            self.call(r.choice(self.earlier))
        elif choice < 0.90 and len(self.labels) <= DEPTH_MAX:
            self.block(r.choice(["block", "block", "loop", "if", "if"]))
        elif choice < 0.94:
            self.branch_if()
        elif choice < 0.96:
            self.give_up()
        elif choice < 0.97:
            self.heat()
        elif choice < 0.99:
            r.choice([self.update, self.update_guarded, self.accumulate])()
        else:
            self.push(r.choice(self.types))
            self.push(r.choice(self.types))

    def dense(self):
        """One operation of any kind, whose result is seen or is an operand of a later one: none of
        them is lost, as on the way that most values take."""
        r = self.random
        t = r.choice(self.types)
        choice = r.random()
        if choice < 0.2:
            self.access(t)
        elif choice < 0.3:
            self.choose()
        elif choice < 0.35:
            r.choice([self.update, self.update_guarded, self.accumulate])()
        else:
            self.push(t)
            if choice < 0.5:
                self.convert(r.choice([each for each in self.types if each != t]))
            elif choice < 0.58:
                self.change(t)
            elif choice < 0.72 and t[0] != "f":
                self.with_constant(t)
            elif choice < 0.77 and t[0] == "i":
                self.divide(t)
            elif choice < 0.85 and t != "v128":
                self.compare(t)
            else:
                self.second(t)
                if t == "v128":
                    self.combine_vectors()
                else:
                    self.combine(t)
        while self.stack:
            if r.random() < 0.3:
                self.emit(f"local.set {self.local_of(self.top())}", 1)
            else:
                self.emit(SEEN[self.top()], 1)

    def change(self, t):
        self.emit(self.random.choice(VECTOR_UNARY) if t == "v128" else
                  f"{t}.{self.random.choice(UNARY[t])}")

    def compare(self, t):
        self.second(t)
        self.emit(f"{t}.{self.random.choice(COMPARE[t])}", 2, ["i32"])
        if self.random.random() < 0.3:
            self.emit("i32.eqz")

    def access(self, t):
        r = self.random
        self.address()
        offset = r.choice([0, 4, 100, 5000])
        if t == "v128" and r.random() < 0.3:
            self.access_lane(offset)
        elif r.random() < 0.5:
            self.emit(f"{t}.{r.choice(LOADS[t])} offset={offset}", 1, [t])
        else:
            self.push(t)
            self.emit(f"{ONE_NAN.get(t, '')} {t}.{r.choice(STORES[t])} offset={offset}", 2)

    def divide(self, t):
        r = self.random
        if r.random() < 0.5:
            divisor = r.choice([1, 2, 3, 7, -5, -8, 16, -1000, 2**31 - 1])
            self.emit(f"{t}.const {divisor}", pushes=[t])
        else:
            self.push(t)
            self.emit(f"{t}.const {r.choice([1, 2**31 - 1])} {t}.and {t}.const 1 {t}.or")
        self.emit(f"{t}.{r.choice(['div_s', 'div_u', 'rem_s', 'rem_u'])}", 2, [t])

    def combine(self, t):
        """The two numbers on top."""
        op = self.random.choice(OPS[t])
        if op == "copysign":
            self.emit(ONE_NAN[t]) # the sign of a NaN that arithmetic made is not determined
        self.emit(f"{t}.{op}", 2, [t])

    def combine_vectors(self):
        """The two vectors on top."""
        r = self.random
        choice = r.random()
        if choice < 0.1:
            self.push("v128")
            self.emit("v128.bitselect", 3, ["v128"])
        elif choice < 0.2:
            lanes = " ".join(str(r.randrange(32)) for _ in range(16))
            self.emit(f"i8x16.shuffle {lanes}", 2, ["v128"])
        else:
            # The widths are what is alike: as often an operation on all as each one by itself.
            op = r.choice(VECTOR) if r.random() < 0.5 else \
                f"{r.choice(INTEGER_SHAPES)}.{r.choice(['add', 'sub', 'eq', 'gt_s'])}"
            self.emit(op, 2, ["v128"])

    def replace_lane(self):
        shape, (scalar, count) = self.random.choice(list(LANES.items()))
        if scalar in self.types:
            self.push(scalar)
            self.emit(f"{shape}.replace_lane {self.random.randrange(count)} "
                      f"{ONE_NAN.get(shape, '')}", 2, ["v128"])

    def access_lane(self, offset):
        """With an address on top."""
        r = self.random
        bits = r.choice([8, 16, 32, 64])
        lane = r.randrange(128 // bits)
        self.push("v128")
        if r.random() < 0.6:
            self.emit(f"v128.load{bits}_lane offset={offset} {lane}", 2, ["v128"])
        else:
            self.emit(f"v128.store{bits}_lane offset={offset} {lane}", 2)

    def convert(self, to):
        """What is on top, if there is a way."""
        r = self.random
        if self.top()[0] == "i" and to[0] == "f" and r.random() < 0.5:
            self.constant(edges.near_tie(r, int(self.top()[1:]), to), self.top())
        elif self.top()[0] == "f" and r.random() < 0.3:
            self.constant(edges.floating(r, self.top()), self.top())
        from_ = self.top()
        shape = r.choice([shape for shape, (scalar, _) in LANES.items()
                          if scalar in (from_, to)] or ["i64x2"])
        count = LANES[shape][1]
        if to == "v128" and from_ != "v128":
            self.emit(f"{shape}.splat {ONE_NAN.get(shape, '')}", 1, [to])
        elif from_ == "v128" and to == "i32" and r.random() < 0.3:
            self.emit(r.choice(VECTOR_TEST), 1, [to])
        elif from_ == "v128" and to != "v128":
            suffix = r.choice(["_s", "_u"]) if count > 4 else ""
            self.emit(f"{shape}.extract_lane{suffix} {r.randrange(count)}", 1, [to])
        elif (from_, to) in CONVERT:
            self.emit(r.choice(CONVERT[from_, to]), 1, [to])

    def with_constant(self, t):
        """What has a form of its own for a constant operand."""
        r = self.random
        if t == "v128":
            if r.random() < 0.4:
                return self.change(t)
            return self.emit(f"i32.const {edges.integer(r, 'i32')} "
                             f"{r.choice(INTEGER_SHAPES)}.{r.choice(SHIFTS[:3])}")
        op = r.choice(SHIFTS if r.random() < 0.6 else OPS[t])
        if r.random() < 0.2:
            divisor = r.choice([2, 4, 7, 16, -2, -3, -8, -1000, 2**30])
            return self.emit(f"{t}.const {divisor} {t}.{r.choice(['div_s', 'rem_s', 'div_u'])}")
        return self.emit(f"{t}.const {edges.integer(r, t)} {t}.{op}")

    def condition(self):
        """A comparison on top of the stack, as its user finds it."""
        t = self.random.choice([t for t in self.types if t != "v128"])
        self.push(t)
        self.second(t)
        self.emit(f"{t}.{self.random.choice(COMPARE[t])}", 2, ["i32"])
        if self.random.random() < 0.4:
            self.emit("i32.eqz")

    def choose(self):
        t = self.random.choice(self.types)
        self.push(t)
        self.push(t)
        self.condition()
        self.emit(f"select (result {t})" if t == "v128" else "select", 3, [t])

    def call(self, callee):
        r = self.random
        old = None
        if len(callee.results) == 1 and r.random() < 0.5:
            # x = f(...), with what x was before on the stack.
            old = self.local_of(callee.results[0])
            self.emit(f"local.get {old}", pushes=callee.results)
        self.arguments(callee)
        if r.random() < 0.3:
            self.emit(f"i32.const {callee.number} call_indirect (type $t{callee.number})",
                      len(callee.params), callee.results)
        else:
            self.emit(f"call $f{callee.number}", len(callee.params), callee.results)
        if old is not None:
            self.emit(f"local.set {old}", 1)

    def arguments(self, callee):
        # The arguments may lie on the stack already, among other values, or be this function's own
        # parameters in another order: registers change places then.
        if self.params and self.random.random() < (0.8 if self.is_wide else 0.4):
            order = self.random.sample(range(len(self.params)), len(self.params))
            for t in callee.params:
                own = next((i for i in order if self.params[i] == t), None)
                if own is None:
                    self.push(t)
                else:
                    self.emit(f"local.get {own}", pushes=[t])
                    order.remove(own)
        else:
            self.want(callee.params)

    def heat(self):
        """A loop over hot locals: they are worth registers then, even ones that calls clobber."""
        counter = len(self.locals) + self.counters
        self.counters += 1
        self.emit(f"i32.const 0 local.set {counter} loop")
        add = {"i32": "i32.add", "i64": "i64.xor", "f32": "f32.max", "f64": "f64.max",
               "v128": "i32x4.add"}
        for i, t in enumerate(self.locals):
            if i in self.hot:
                self.emit(f"local.get {i} local.get {self.local_of(t)} {add[t]} local.set {i}")
        self.emit(f"local.get {counter} i32.const 1 i32.add local.tee {counter} "
                  f"i32.const {ROUNDS} i32.lt_u br_if 0 end")

    def update(self):
        """x = x op y; what x was before may lie on the stack."""
        t = self.random.choice(self.types)
        x = self.local_of(t) if self.random.random() < 0.5 else \
            self.random.choice([i for i, each in enumerate(self.locals) if each == t])
        if self.random.random() < 0.5:
            self.emit(f"local.get {x}", pushes=[t])
        self.emit(f"local.get {x}", pushes=[t])
        self.push(t)
        if t == "v128":
            self.combine_vectors()
        else:
            self.combine(t)
        self.emit(f"local.set {x}", 1)

    def update_guarded(self):
        """if (a < b) x = x op y; and then a look at x."""
        t = self.random.choice(["i32", "i64"])
        x = self.local_of(t)
        self.condition()
        self.emit("if", 1)
        self.emit(f"local.get {x}", pushes=[t])
        self.push(t)
        self.emit(f"{t}.{self.random.choice(['add', 'sub', 'and', 'or', 'xor'])}", 2, [t])
        self.emit(f"local.set {x}", 1)
        self.emit("end")
        self.emit(f"local.get {x} {t}.eqz", pushes=["i32"])
        if self.random.random() < 0.5:
            self.emit("i32.eqz")
        self.emit(f"if {self.random.choice(['i64.const 11', 'i64.const 5'])} {SEEN['i64']} end", 1)

    def accumulate(self):
        """x = x op memory[p], where p may be x."""
        t = self.random.choice(["i32", "i64"])
        self.address()
        p = self.local_of("i32")
        self.emit(f"local.set {p}", 1)
        self.push(t)
        self.emit(f"local.get {p} {t}.load offset={self.random.choice([0, 8, 5000])}", pushes=[t])
        self.emit(f"{t}.{self.random.choice(['add', 'sub', 'mul', 'and', 'or', 'xor'])}", 2, [t])
        x = p if t == "i32" and self.random.random() < 0.5 else self.local_of(t)
        self.emit(f"local.set {x}", 1)

    def show_locals(self):
        for i, t in enumerate(self.locals):
            self.emit(f"local.get {i} {SEEN[t]}")

    def branch_if(self):
        label = self.random.choice(self.labels[1:] or self.labels)
        if label["is_loop"]:
            return
        depth = len(self.labels) - 1 - self.labels.index(label)
        self.want(label["results"])
        if self.random.random() < 0.5:
            self.condition()
        else:
            self.push("i32")
            if self.random.random() < 0.5:
                self.emit("i32.const 1 i32.and")
        self.emit(f"br_if {depth}", 1)

    def give_up(self):
        """Drops the top, seldom without a trace: a wrong value that nobody sees is no find."""
        self.emit("drop" if self.random.random() < 0.2 else SEEN[self.top()], 1)

    def settle(self, types):
        """The end of a block: exactly these values above its height."""
        while self.available() > len(types):
            self.give_up()
        if self.stack[self.labels[-1]["height"]:] != types:
            while self.available():
                self.give_up()
            for t in types:
                self.push(t)

    def body(self, results, most):
        for _ in range(self.random.randint(1, most)):
            if self.left <= 0:
                break
            self.left -= 1
            self.operation()
        choice = self.random.random()
        targets = [label for label in self.labels if not label["is_loop"]]
        if choice < 0.12 and targets:
            label = self.random.choice(targets)
            self.want(label["results"])
            same = [i for i, each in enumerate(reversed(self.labels))
                    if not each["is_loop"] and each["results"] == label["results"]]
            if self.random.random() < 0.5:
                self.push("i32")
                self.emit("i32.const 3 i32.and")
                chosen = [str(self.random.choice(same)) for _ in range(3)]
                self.emit("br_table " + " ".join(chosen), 1)
            else:
                self.emit(f"br {self.random.choice(same)}")
            del self.stack[self.labels[-1]["height"]:]
            self.stack += results
        elif choice < 0.15:
            self.want(self.results)
            self.emit("return")
            del self.stack[self.labels[-1]["height"]:]
            self.stack += results
        else:
            self.settle(results)

    def block(self, kind):
        r = self.random
        count = r.randint(0, min(3, self.available()))
        params = self.stack[len(self.stack) - count:]
        results = [r.choice(self.types) for _ in range(r.choice([0, 1, 1, 2, 4]))]
        counter, has_else = None, True
        if kind == "if":
            if r.random() < 0.4:
                has_else, results = False, list(params) # which it gives as it takes them
            if r.random() < 0.5:
                self.condition()
            else:
                self.push("i32")
                self.emit("i32.const 1 i32.and")
            self.stack.pop()
        elif kind == "loop":
            counter = len(self.locals) + self.counters
            self.counters += 1
            self.emit(f"i32.const 0 local.set {counter}")
        height = len(self.stack) - count
        signature = "".join(f" (param {t})" for t in params) + \
            "".join(f" (result {t})" for t in results)
        self.emit(f"{kind}{signature}")
        self.labels.append({"height": height, "is_loop": kind == "loop", "results": results})
        self.body(results, 12)
        if kind == "loop":
            # Once more with the parameters, a few times: then out with the results.
            self.settle_for_loop(params, results, counter)
        if not has_else:
            del self.stack[height:]
            self.stack += results
        elif kind == "if":
            self.emit("else")
            del self.stack[height:]
            self.stack += params
            self.body(results, 6)
        self.labels.pop()
        self.emit("end")

    def settle_for_loop(self, params, results, counter):
        for t in params:
            self.push(t)
        self.emit(f"local.get {counter} i32.const 1 i32.add local.tee {counter} "
                  f"i32.const {ROUNDS} i32.lt_u br_if 0")
        for _ in params:
            self.emit("drop", 1)
        assert self.stack[self.labels[-1]["height"]:] == results

    def write(self):
        self.labels.append({"height": 0, "is_loop": False, "results": self.results})
        calls_at = set()
        if self.is_wide and self.earlier:
            self.heat()
            calls_at = {self.random.randrange(self.left) for _ in range(2)}
        while self.left > 0:
            self.left -= 1
            if self.is_dense:
                self.dense()
            else:
                self.operation()
            if self.left in calls_at:
                self.call(self.random.choice(self.earlier))
        if self.random.random() < (0.8 if self.is_wide else 0.4):
            self.show_locals()
        self.body(self.results, 3)
        params = "".join(f" (param {t})" for t in self.params)
        results = "".join(f" (result {t})" for t in self.results)
        names = " ".join(self.locals[len(self.params):] + ["i32"] * self.counters)
        return f'(type $t{self.number} (func{params}{results}))\n' \
               f'(func $f{self.number} (export "f{self.number}") (type $t{self.number}) ' \
               f"(local {names}) {ONE_NAN_LOCALS}\n" + "\n".join(self.text) + ")"

    def write_driver(self):
        """The other engine's callers have no vectors: they call this in the function's place."""
        params = " ".join("i64" if t == "v128" else t for t in self.params)
        args = (f"local.get {i}" + (f" i64x2.splat i64.const {i - 3} i64x2.replace_lane {i % 2}"
                                    if t == "v128" else "") for i, t in enumerate(self.params))
        seen = (SEEN[t] for t in reversed(self.results))
        return f'(func (export "g{self.number}") (param {params}) (result i64) ' + \
            f"{ONE_NAN_LOCALS}\n" + \
            "\n".join(args) + f"\ncall $f{self.number}\n" + "\n".join(seen) + \
            "\nglobal.get $i64)"


def module(random):
    types = random.choice([["i32"], ["i32", "i64"], ["i32", "i64", "f64"],
                           ["i32", "i64", "f32", "f64"], ["i32", "i64", "f32", "f64", "v128"],
                           ["i32", "i64", "f64", "v128"], ["i32", "i64", "v128", "v128"],
                           ["i32", "i64", "v128", "v128", "v128", "v128"]])
    if "i64" not in types:
        types = types + ["i64"]
    functions, drivers, text = [], [], []
    for number in range(random.randint(1, 8)):
        function = Function(random, number, list(functions), types)
        text.append(function.write())
        if "v128" in function.params + function.results:
            drivers.append(function.write_driver())
        # A chain of calls that doubles at each step would not end soon.
        if sum("call" in line for line in function.text) < 4 and len(function.text) < LINES_MAX:
            functions.append(function)
    count = len(text)
    some_bytes = "".join(f"\\{byte:02x}" for byte in random.randbytes(256))
    return "\n".join(['(module (memory (export "memory") 2)', f"(table {count} funcref)",
                      *(f'(data (i32.const {at}) "{some_bytes}")' for at in range(0, 2300, 256)),
                      "(elem (i32.const 0) " + " ".join(f"$f{i}" for i in range(count)) + ")",
                      '(global $i32 (export "i32") (mut i32) (i32.const 5))',
                      '(global $i64 (export "i64") (mut i64) (i64.const -7))',
                      '(global $f32 (export "f32") (mut f32) (f32.const -2.5))',
                      '(global $f64 (export "f64") (mut f64) (f64.const 0.5))',
                      "(global $v128 (mut v128) (v128.const i64x2 1 2))"] + text + drivers + [
                          '(func (export "vector") (result i64) (i64.xor (i64x2.extract_lane 0 '
                          "(global.get $v128)) (i64x2.extract_lane 1 (global.get $v128)))))"])
