// Scalar verbs against the oracle: all operands, with registers that coincide.
#ifndef TESTS_EMIT_A64_RUN_SCALAR_H
#define TESTS_EMIT_A64_RUN_SCALAR_H

#include "a64_harness.h"
#include "oracle.h"

static wj_reg reg_of(enum wj_num num, unsigned n)
{
    return num <= NUM_I64 ? (wj_reg) n : WJ_VREG(n);
}

static void put_in(struct io *io, wj_reg reg, uint64_t bits)
{
    if (wj_reg_is_vec(reg)) {
        io->in.v[reg & 31].u64[0] = bits;
    } else {
        io->in.x[reg] = bits;
    }
}

static uint64_t get_out(const struct io *io, enum wj_num num, wj_reg reg)
{
    if (!wj_reg_is_vec(reg)) {
        return io->out.x[reg]; // whole: the upper half of an i32 has to be zero
    }
    uint64_t bits = io->out.v[reg & 31].u64[0];
    return num == NUM_F32 ? (uint32_t) bits : bits;
}

// What a case computes: op(a, b) -> d.
struct scalar_case {
    const char *what;
    int op;
    enum wj_num num, result;
    struct alias alias;
    uint64_t (*oracle)(const struct scalar_case *s, uint64_t a, uint64_t b,
                       enum wj_trap_kind *trap);
    bool is_float_result;
};

static void run_scalar(struct code_case *c, const struct scalar_case *s, uint64_t a, uint64_t b)
{
    struct io io;
    io_fill(&io);
    put_in(&io, reg_of(s->num, s->alias.b), b);
    put_in(&io, reg_of(s->num, s->alias.a), a);
    if (s->alias.a == s->alias.b) {
        b = a;
    }
    enum wj_trap_kind expected_trap = WJ_TRAP_NONE;
    uint64_t expected = s->oracle(s, a, b, &expected_trap);
    uint32_t trap = case_run(c, &io);
    harness.checks++;
    wj_reg d = reg_of(s->result, s->alias.d);
    if (trap != (uint32_t) expected_trap) {
        fail("%s op %d num %d d%u a%u b%u (%llx, %llx): trap %u, wanted %u", s->what, s->op, s->num,
             s->alias.d, s->alias.a, s->alias.b, (unsigned long long) a, (unsigned long long) b,
             trap, expected_trap);
        return;
    }
    if (trap != 0) {
        check(harness.trap_wasm_offset == 77, "wasm offset of a trap");
        return;
    }
    uint64_t got = get_out(&io, s->result, d);
    bool strict = oracle_is_strict(s->num, a) && oracle_is_strict(s->num, b);
    bool ok = s->is_float_result && !harness.has_default_nan
                  ? oracle_float_matches(s->result, expected, got, strict)
                  : expected == got;
    if (!ok) {
        fail("%s op %d num %d d%u a%u b%u (%llx, %llx): %llx, wanted %llx", s->what, s->op, s->num,
             s->alias.d, s->alias.a, s->alias.b, (unsigned long long) a, (unsigned long long) b,
             (unsigned long long) got, (unsigned long long) expected);
    }
    check_unchanged(&io, d, WJ_REG_NONE, s->what);
}

static void run_pairs(struct code_case *c, const struct scalar_case *s)
{
    unsigned count = oracle_operand_count(s->num);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 0; k < (s->alias.a == s->alias.b ? 1 : count); k++) {
            run_scalar(c, s, oracle_operand(s->num, i), oracle_operand(s->num, k));
        }
    }
    case_clear(c);
}

// ---- Integers -----------------------------------------------------------------------------------

static uint64_t of_ibin(const struct scalar_case *s, uint64_t a, uint64_t b,
                        enum wj_trap_kind *trap)
{
    return oracle_ibin((enum wj_ibinop) s->op, s->num, a, b, trap);
}

static void test_ibin(void)
{
    for (int op = IBIN_ADD; op <= IBIN_REM_U; op++) {
        for (enum wj_num num = NUM_I32; num <= NUM_I64; num++) {
            for (unsigned i = 0; i < ALIAS_COUNT; i++) {
                struct scalar_case s = {"ibin", op, num, num, ALIASES[i], of_ibin, false};
                struct code_case c;
                struct wj_masm *m = case_begin(&c);
                if (op >= IBIN_DIV_S) {
                    masm_idiv(m, op, num, s.alias.d, s.alias.a, s.alias.b);
                } else {
                    masm_ibin(m, op, num, s.alias.d, s.alias.a, s.alias.b);
                }
                case_end(&c);
                run_pairs(&c, &s);
            }
        }
    }
}

static const int64_t IMMEDIATES[] = {
    0,
    1,
    -1,
    2,
    3,
    -3,
    5,
    7,
    9,
    10,
    -10,
    31,
    32,
    63,
    64,
    100,
    255,
    256,
    1000,
    4095,
    4096,
    0x12000,
    0x12345,
    0xfff123,
    -0x10001,
    -0x123000,
    -4095,
    -4096,
    4097,
    65535,
    65536,
    0x12345,
    0xfff000,
    0x1000000,
    0x7fffffff,
    -0x7fffffff,
    INT32_MIN,
    0x55555555,
    0xffff0000,
    0x80000001,
    0xffffffff,
    641,
    6700417,
    0x123456789abcdef,
    INT64_MAX,
    INT64_MIN,
    INT64_MIN + 1,
    0x5555555555555555,
    1000000007,
    -1000000007,
    0x100000001,
};
enum { IMMEDIATE_COUNT = sizeof IMMEDIATES / sizeof IMMEDIATES[0] };

struct ibin_imm {
    struct scalar_case s;
    int64_t imm;
};

static uint64_t of_ibin_imm(const struct scalar_case *s, uint64_t a, uint64_t b,
                            enum wj_trap_kind *trap)
{
    (void) b;
    int64_t imm = ((const struct ibin_imm *) s)->imm;
    uint64_t operand = oracle_wrap(s->num, (uint64_t) imm);
    return oracle_ibin((enum wj_ibinop) s->op, s->num, a, operand, trap);
}

static void test_ibin_imm(void)
{
    for (int op = IBIN_ADD; op <= IBIN_REM_U; op++) {
        for (unsigned n = 0; n < 2 * IMMEDIATE_COUNT; n++) {
            enum wj_num num = n & 1 ? NUM_I64 : NUM_I32;
            struct ibin_imm t = {{"ibin_imm", op, num, num, {2, 3, 3}, of_ibin_imm, false},
                                 IMMEDIATES[n / 2]};
            int64_t divisor = oracle_signed(num, oracle_wrap(num, (uint64_t) t.imm));
            bool is_division = op >= IBIN_DIV_S;
            if (is_division && (divisor == 0 || divisor == -1)) {
                continue;
            }
            for (t.s.alias.d = 2; t.s.alias.d <= (is_division ? 2 : 3); t.s.alias.d++) {
                struct code_case c;
                struct wj_masm *m = case_begin(&c);
                if (is_division) {
                    masm_idiv_imm(m, op, num, t.s.alias.d, 3, t.imm);
                } else {
                    masm_ibin_imm(m, op, num, t.s.alias.d, 3, t.imm);
                }
                case_end(&c);
                uint64_t state = n;
                for (unsigned i = 0; i < 30 && is_division; i++) {
                    run_scalar(&c, &t.s, oracle_wrap(num, oracle_random(&state)), 0);
                    uint64_t multiple = (oracle_random(&state) & 0xfffff) * (uint64_t) divisor;
                    run_scalar(&c, &t.s, oracle_wrap(num, multiple), 0);
                    run_scalar(&c, &t.s, oracle_wrap(num, multiple - 1), 0);
                }
                run_pairs(&c, &t.s);
            }
        }
    }
}

static uint64_t of_iun(const struct scalar_case *s, uint64_t a, uint64_t b, enum wj_trap_kind *trap)
{
    (void) b;
    (void) trap;
    return oracle_iun((enum wj_iunop) s->op, s->num, a);
}

static void test_iun(void)
{
    for (int op = IUN_CLZ; op <= IUN_EXTEND32_S; op++) {
        for (unsigned n = 0; n < 4; n++) {
            enum wj_num num = n & 1 ? NUM_I64 : NUM_I32;
            if (op == IUN_EXTEND32_S && num == NUM_I32) {
                continue;
            }
            uint8_t d = n & 2 ? 3 : 2;
            struct scalar_case s = {"iun", op, num, num, {d, 3, 3}, of_iun, false};
            struct code_case c;
            masm_iun(case_begin(&c), op, num, d, 3);
            case_end(&c);
            run_pairs(&c, &s);
        }
    }
}

// Compare, then: setcc, csel, a branch over a move; flags survive the first two.
static void test_compare(enum wj_num num, enum wj_cond cond, int op)
{
    bool is_float = num >= NUM_F32;
    struct code_case c;
    struct wj_masm *m = case_begin(&c);
    if (is_float) {
        masm_fcmp(m, num, WJ_VREG(3), WJ_VREG(4));
    } else {
        masm_icmp(m, num, 3, 4);
    }
    wj_label skip = wj_codebuf_label(&m->buf);
    masm_setcc(m, cond, 5);
    masm_csel(m, cond, NUM_I64, 6, 7, 8);
    masm_mov_imm(m, NUM_I32, 9, 1);
    masm_jcc(m, cond, skip);
    masm_mov_imm(m, NUM_I32, 9, 0);
    masm_bind(m, skip);
    masm_csel(m, cond, NUM_F64, WJ_VREG(16), WJ_VREG(17), WJ_VREG(18));
    masm_csel(m, cond, NUM_V128, WJ_VREG(17), WJ_VREG(17), WJ_VREG(18));
    masm_trap_if(m, wj_cond_not(cond), WJ_TRAP_UNREACHABLE);
    case_end(&c);
    unsigned count = oracle_operand_count(num);
    for (unsigned i = 0; i < count * count; i++) {
        struct io io;
        io_fill(&io);
        uint64_t a = oracle_operand(num, i / count), b = oracle_operand(num, i % count);
        put_in(&io, reg_of(num, 3), a);
        put_in(&io, reg_of(num, 4), b);
        uint64_t v17 = io.in.v[17].u64[0];
        bool expected = is_float ? oracle_fcmp((enum wj_fcmp) op, num, a, b)
                                 : oracle_icmp((enum wj_icmp) op, num, a, b);
        if ((int) cond >= COND_F_NGT && (cond == COND_F_NGT || cond == COND_F_NGE)) {
            expected = !expected;
        }
        uint32_t trap = case_run(&c, &io);
        check(trap == (expected ? 0u : WJ_TRAP_UNREACHABLE), "trap_if");
        if (trap == 0) {
            check(io.out.x[5] == expected && io.out.x[9] == expected, "setcc and jcc");
            check(io.out.x[6] == (expected ? io.in.x[7] : io.in.x[8]), "csel");
            check(io.out.v[16].u64[0] == v17, "csel of f64");
            check(io.out.v[17].u64[1] == io.in.v[17].u64[1], "csel of v128");
        }
    }
    case_clear(&c);
    // The other outcome of the selections.
    m = case_begin(&c);
    masm_icmp_imm(m, NUM_I64, 3, 5);
    masm_csel(m, COND_EQ, NUM_F32, WJ_VREG(16), WJ_VREG(17), WJ_VREG(18));
    masm_icmp_imm(m, NUM_I64, 3, 5);
    masm_csel(m, COND_EQ, NUM_V128, WJ_VREG(19), WJ_VREG(17), WJ_VREG(18));
    case_end(&c);
    struct io io;
    io_fill(&io);
    case_run(&c, &io);
    check(io.out.v[16].u32[0] == io.in.v[18].u32[0], "csel of f32, false");
    check(memcmp(&io.out.v[19], &io.in.v[18], 16) == 0, "csel of v128, false");
    case_clear(&c);
}

static void test_conditions(void)
{
    for (int op = ICMP_EQ; op <= ICMP_GE_U; op++) {
        test_compare(NUM_I32, (enum wj_cond) op, op);
        test_compare(NUM_I64, (enum wj_cond) op, op);
    }
    static const uint8_t float_ops[][2] = {
        {COND_F_EQ, FCMP_EQ},  {COND_F_NE, FCMP_NE}, {COND_F_GT, FCMP_GT},
        {COND_F_NGT, FCMP_GT}, {COND_F_GE, FCMP_GE}, {COND_F_NGE, FCMP_GE},
    };
    for (unsigned i = 0; i < 6; i++) {
        test_compare(NUM_F32, (enum wj_cond) float_ops[i][0], float_ops[i][1]);
        test_compare(NUM_F64, (enum wj_cond) float_ops[i][0], float_ops[i][1]);
    }
}

static void test_compare_imm(void)
{
    for (unsigned n = 0; n < IMMEDIATE_COUNT * 2; n++) {
        enum wj_num num = n & 1 ? NUM_I64 : NUM_I32;
        int64_t imm = IMMEDIATES[n / 2];
        uint64_t b = oracle_wrap(num, (uint64_t) imm);
        struct code_case c;
        struct wj_masm *m = case_begin(&c);
        masm_icmp_imm(m, num, 3, imm);
        masm_setcc(m, COND_LT_S, 4);
        masm_setcc(m, COND_LE_U, 5);
        masm_setcc(m, COND_EQ, 6);
        masm_itest_imm(m, num, 3, imm);
        masm_setcc(m, COND_NE, 7);
        masm_setcc(m, COND_LT_S, 8);
        masm_setcc(m, COND_GT_S, 9);
        case_end(&c);
        for (unsigned i = 0; i < oracle_operand_count(num); i++) {
            struct io io;
            io_fill(&io);
            uint64_t a = oracle_operand(num, i);
            io.in.x[3] = a;
            case_run(&c, &io);
            check(io.out.x[4] == oracle_icmp(ICMP_LT_S, num, a, b), "icmp_imm lt_s");
            check(io.out.x[5] == oracle_icmp(ICMP_LE_U, num, a, b), "icmp_imm le_u");
            check(io.out.x[6] == (a == b), "icmp_imm eq");
            int64_t both = oracle_signed(num, a & b);
            check(io.out.x[7] == (both != 0), "itest_imm ne");
            check(io.out.x[8] == (both < 0), "itest_imm lt_s");
            check(io.out.x[9] == (both > 0), "itest_imm gt_s");
        }
        case_clear(&c);
    }
}

static void test_wide(void)
{
    for (unsigned n = 0; n < 8; n++) {
        bool flag = n & 1;
        struct code_case c;
        struct wj_masm *m = case_begin(&c);
        wj_reg lo = n & 2 ? 2 : 9, hi = n & 4 ? 4 : 10;
        masm_add128(m, flag, lo == 2 ? 2 : 9, hi == 4 ? 4 : 10, 2, 3, 4, 5);
        masm_mul_wide(m, flag, n & 2 ? 6 : 11, n & 4 ? 7 : 12, 6, 7);
        masm_lea(m, NUM_I64, 13, 8, 8, n & 3);
        masm_lea(m, NUM_I32, 14, 8, 8, n & 3);
        case_end(&c);
        for (unsigned i = 0; i < ORACLE_INT_COUNT; i++) {
            for (unsigned k = 0; k < ORACLE_INT_COUNT; k++) {
                struct io io;
                io_fill(&io);
                uint64_t a = ORACLE_INTS[i], b = ORACLE_INTS[k];
                io.in.x[2] = io.in.x[6] = io.in.x[8] = a;
                io.in.x[4] = io.in.x[7] = b;
                case_run(&c, &io);
                unsigned __int128 wa = (unsigned __int128) io.in.x[3] << 64 | a;
                unsigned __int128 wb = (unsigned __int128) io.in.x[5] << 64 | b;
                unsigned __int128 sum = flag ? wa - wb : wa + wb;
                check(io.out.x[lo] == (uint64_t) sum, "add128 lo");
                check(io.out.x[hi] == (uint64_t) (sum >> 64), "add128 hi");
                unsigned __int128 product =
                    flag ? (unsigned __int128) ((__int128) (int64_t) a * (int64_t) b)
                         : (unsigned __int128) a * b;
                check(io.out.x[n & 2 ? 6 : 11] == (uint64_t) product, "mul_wide lo");
                check(io.out.x[n & 4 ? 7 : 12] == (uint64_t) (product >> 64), "mul_wide hi");
                check(io.out.x[13] == a + (a << (n & 3)), "lea");
                check(io.out.x[14] == (uint32_t) (a + (a << (n & 3))), "lea of i32");
            }
        }
        case_clear(&c);
    }
}

// ---- Floats -------------------------------------------------------------------------------------

static uint64_t of_fbin(const struct scalar_case *s, uint64_t a, uint64_t b,
                        enum wj_trap_kind *trap)
{
    (void) trap;
    return oracle_fbin((enum wj_fbinop) s->op, s->num, a, b);
}

static uint64_t of_fun(const struct scalar_case *s, uint64_t a, uint64_t b, enum wj_trap_kind *trap)
{
    (void) trap;
    (void) b;
    return oracle_fun((enum wj_funop) s->op, s->num, a);
}

static uint64_t of_cvt(const struct scalar_case *s, uint64_t a, uint64_t b, enum wj_trap_kind *trap)
{
    (void) b;
    return oracle_cvt((enum wj_cvt) s->op, a, trap);
}

static void test_fbin(void)
{
    for (int op = FBIN_ADD; op <= FBIN_COPYSIGN; op++) {
        for (enum wj_num num = NUM_F32; num <= NUM_F64; num++) {
            for (unsigned i = 0; i < ALIAS_COUNT; i++) {
                struct scalar_case s = {
                    "fbin", op, num, num, ALIASES[i], of_fbin, op != FBIN_COPYSIGN};
                struct code_case c;
                masm_fbin(case_begin(&c), op, num, WJ_VREG(s.alias.d), WJ_VREG(s.alias.a),
                          WJ_VREG(s.alias.b));
                case_end(&c);
                run_pairs(&c, &s);
            }
        }
    }
}

static void test_fun(void)
{
    for (int op = FUN_ABS; op <= FUN_SQRT; op++) {
        for (unsigned n = 0; n < 4; n++) {
            enum wj_num num = n & 1 ? NUM_F64 : NUM_F32;
            uint8_t d = n & 2 ? 3 : 2;
            bool is_arithmetic = op > FUN_NEG;
            struct scalar_case s = {"fun", op, num, num, {d, 3, 3}, of_fun, is_arithmetic};
            struct code_case c;
            masm_fun(case_begin(&c), op, num, WJ_VREG(d), WJ_VREG(3));
            case_end(&c);
            run_pairs(&c, &s);
        }
    }
}

static void test_cvt(void)
{
    for (int op = CVT_I32_WRAP_I64; op <= CVT_I64_TRUNC_SAT_F64_U; op++) {
        for (uint8_t d = 2; d <= 3; d++) {
            struct scalar_case s = {"cvt", op, NUM_I32, NUM_I32, {d, 3, 3}, of_cvt, false};
            oracle_cvt_types((enum wj_cvt) op, &s.num, &s.result);
            s.is_float_result = op == CVT_F32_DEMOTE_F64 || op == CVT_F64_PROMOTE_F32;
            struct code_case c;
            masm_cvt(case_begin(&c), op, reg_of(s.result, d), reg_of(s.num, 3));
            case_end(&c);
            uint64_t state = 5;
            for (unsigned i = 0; i < 200; i++) {
                uint64_t a = oracle_random(&state) >> (i % 64);
                run_scalar(&c, &s, s.num == NUM_I32 || s.num == NUM_F32 ? (uint32_t) a : a, 0);
            }
            run_pairs(&c, &s);
        }
    }
}

#endif
