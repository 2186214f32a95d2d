// Float verbs and conversions of the x86-64 target against the oracle, on edges times edges.
#include "x64_harness.h"

static void expect_float(const struct x64_run *run, enum wj_num num, wj_reg d, uint64_t expected,
                         bool strict, bool exact)
{
    uint64_t actual = x64_get_float(run, num, d);
    bool matches = exact ? actual == expected : oracle_float_matches(num, expected, actual, strict);
    if (!matches) {
        fail_msg("float num %d gives %llx, not %llx", num, (unsigned long long) actual,
                 (unsigned long long) expected);
    }
}

enum { BY_REG, BY_SLOT, BY_ADDR };

static void emit_fbin(struct wj_masm *m, enum wj_fbinop op, enum wj_num num, unsigned by,
                      const wj_reg *r)
{
    switch (by) {
    case BY_REG: masm_fbin(m, op, num, r[0], r[1], r[2]); break;
    case BY_SLOT: masm_fbin_slot(m, op, num, r[0], r[1], (struct wj_slot){R13, 40}); break;
    default: masm_fbin_addr(m, op, num, r[0], r[1], (struct wj_addr){R13, WJ_REG_NONE, 200}); break;
    }
}

static void check_fbin(struct x64_run *run, enum wj_fbinop op, enum wj_num num, unsigned by,
                       const wj_reg *r)
{
    emit_fbin(x64_run_begin(run), op, num, by, r);
    x64_run_end(run);
    unsigned count = oracle_operand_count(num);
    for (unsigned i = 0; i < count * count; i++) {
        uint64_t a = oracle_operand(num, i / count), b = oracle_operand(num, i % count);
        x64_set_float(run, num, r[1], a);
        if (by == BY_REG) {
            x64_set_float(run, num, r[2], b);
            a = r[1] == r[2] ? b : a;
        } else {
            run->before.gpr[R13] = (uint64_t) (uintptr_t) run->before.memory;
            memcpy(run->before.memory + (by == BY_SLOT ? 40 : 200), &b, 8);
        }
        x64_run_go(run);
        expect_float(run, num, r[0], oracle_fbin(op, num, a, b),
                     oracle_is_strict(num, a) && oracle_is_strict(num, b), op == FBIN_COPYSIGN);
        x64_run_check_kept(run, X64_BIT(r[0]));
    }
}

static void test_fbin(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int op = FBIN_ADD; op <= FBIN_COPYSIGN; op++) {
        for (int num = NUM_F32; num <= NUM_F64; num++) {
            for (unsigned t = 0; t < X64_VTRIPLES; t++) {
                check_fbin(&run, (enum wj_fbinop) op, (enum wj_num) num, BY_REG, x64_vtriples[t]);
            }
            for (unsigned by = BY_SLOT; by <= BY_ADDR && op <= FBIN_DIV; by++) {
                check_fbin(&run, (enum wj_fbinop) op, (enum wj_num) num, by, x64_vtriples[0]);
                check_fbin(&run, (enum wj_fbinop) op, (enum wj_num) num, by, x64_vtriples[7]);
            }
        }
    }
    x64_run_clear(&run);
}

static void test_fun(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int op = FUN_ABS; op <= FUN_SQRT; op++) {
        for (int kind = 0; kind < 6; kind++) {
            enum wj_num num = kind & 1 ? NUM_F64 : NUM_F32;
            const wj_reg *r = x64_vtriples[kind / 2 == 0 ? 0 : kind / 2 == 1 ? 4 : 5];
            masm_fun(x64_run_begin(&run), (enum wj_funop) op, num, r[0], r[1]);
            x64_run_end(&run);
            unsigned edges = oracle_operand_count(num);
            uint64_t state = (uint64_t) op;
            for (unsigned i = 0; i < edges + 300; i++) {
                uint64_t a = i < edges ? oracle_operand(num, i) : oracle_random(&state);
                if (i >= edges + 200) { // sizes where rounding has something to do
                    a = oracle_bits64((double) (int64_t) a / 0x1p52);
                }
                a = num == NUM_F32 ? (uint32_t) a : a;
                x64_set_float(&run, num, r[1], a);
                x64_run_go(&run);
                expect_float(&run, num, r[0], oracle_fun((enum wj_funop) op, num, a),
                             oracle_is_strict(num, a), op == FUN_ABS || op == FUN_NEG);
                x64_run_check_kept(&run, X64_BIT(r[0]));
            }
        }
    }
    x64_run_clear(&run);
}

static void test_canon(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int num = NUM_F32; num <= NUM_F64; num++) {
        for (unsigned t = 0; t < X64_VTRIPLES; t++) {
            const wj_reg *r = x64_vtriples[t];
            masm_canon(x64_run_begin(&run), (enum wj_num) num, r[0], r[1]);
            x64_run_end(&run);
            for (unsigned i = 0; i < oracle_operand_count((enum wj_num) num); i++) {
                uint64_t a = oracle_operand((enum wj_num) num, i);
                x64_set_float(&run, (enum wj_num) num, r[1], a);
                x64_run_go(&run);
                expect_float(&run, (enum wj_num) num, r[0], oracle_canon((enum wj_num) num, a),
                             true, true);
            }
        }
    }
    x64_run_clear(&run);
}

// The branch is taken for every NaN that is quiet, and for nothing else.
static void test_jump_if_nan_stored(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int num = NUM_F32; num <= NUM_F64; num++) {
        struct wj_masm *m = x64_run_begin(&run);
        struct wj_slot slot = {MASM_SP, -16};
        wj_label is_nan = wj_codebuf_label(&m->buf);
        masm_store_slot(m, (enum wj_num) num, XMM4, slot);
        masm_mov_imm(m, NUM_I32, RDI, 1);
        masm_lea_slot(m, RSI, slot);
        masm_jump_if_nan_stored(m, (enum wj_num) num, (struct wj_addr){RSI, WJ_REG_NONE, 0},
                                is_nan);
        masm_mov_imm(m, NUM_I32, RDI, 0);
        masm_bind(m, is_nan);
        x64_run_end(&run);
        for (unsigned i = 0; i < oracle_operand_count((enum wj_num) num); i++) {
            uint64_t a = oracle_operand((enum wj_num) num, i);
            bool is_quiet = oracle_is_nan((enum wj_num) num, a) &&
                            (a & oracle_format((enum wj_num) num).quiet) != 0;
            if (oracle_is_nan((enum wj_num) num, a) && !is_quiet) {
                continue; // none that arithmetic makes
            }
            x64_set_float(&run, (enum wj_num) num, XMM4, a);
            x64_run_go(&run);
            assert_int_equal(run.after.gpr[RDI], is_quiet);
        }
    }
    x64_run_clear(&run);
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static void test_store_canon(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    if (!has_avx512()) {
        skip();
    }
    run.m.is_deterministic = run.m.features.has_avx512 = true;
    for (int kind = 0; kind < 4; kind++) {
        enum wj_num num = kind & 1 ? NUM_F64 : NUM_F32;
        wj_reg reg = kind & 2 ? XMM12 : XMM4;
        struct wj_masm *m = x64_run_begin(&run);
        x64_load_nans(m);
        masm_lea_slot(m, RSI, (struct wj_slot){MASM_SP, -16});
        masm_store_canon(m, num, reg, (struct wj_addr){RSI, WJ_REG_NONE, 0});
        masm_load(m, num == NUM_F32 ? LOAD_I32 : LOAD_I64, RDI,
                  (struct wj_addr){RSI, WJ_REG_NONE, 0});
        x64_run_end(&run);
        for (unsigned i = 0; i < oracle_operand_count(num) + 500; i++) {
            static uint64_t state = 1;
            uint64_t a = i < oracle_operand_count(num) ? oracle_operand(num, i)
                         : num == NUM_F32              ? (uint32_t) oracle_random(&state)
                                                       : oracle_random(&state);
            if (oracle_is_nan(num, a)) {
                a |= oracle_format(num).quiet; // arithmetic makes no others
            }
            x64_set_float(&run, num, reg, a);
            x64_run_go(&run);
            assert_int_equal(run.after.gpr[RDI], oracle_canon(num, a));
        }
    }
    x64_run_clear(&run);
}

static void test_fimm(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int num = NUM_F32; num <= NUM_F64; num++) {
        for (unsigned i = 0; i < oracle_operand_count((enum wj_num) num); i++) {
            uint64_t a = oracle_operand((enum wj_num) num, i);
            masm_mov_fimm(x64_run_begin(&run), (enum wj_num) num, i & 1 ? XMM3 : XMM11, a);
            x64_run_end(&run);
            x64_run_go(&run);
            expect_float(&run, (enum wj_num) num, i & 1 ? XMM3 : XMM11, a, true, true);
        }
    }
    x64_run_clear(&run);
}

// The conditions that masm_fcmp leaves, by setcc, csel, a branch and a trap.
static void check_fcmp(struct x64_run *run, enum wj_num num, enum wj_cond cond)
{
    struct wj_masm *m = x64_run_begin(run);
    m->wasm_offset = 7;
    masm_fcmp(m, num, XMM1, XMM9);
    masm_setcc(m, cond, RSI);
    masm_csel(m, cond, NUM_I32, R9, R12, R13);
    masm_csel(m, cond, NUM_I64, R13, R12, R13);
    masm_csel(m, cond, NUM_I64, R12, R12, R14);
    masm_mov_imm(m, NUM_I64, R8, 1);
    wj_label taken = wj_codebuf_label(&m->buf);
    masm_jcc(m, cond, taken);
    masm_mov_imm(m, NUM_I64, R8, 0);
    masm_bind(m, taken);
    masm_csel(m, cond, NUM_V128, XMM3, XMM4, XMM5);
    masm_csel(m, cond, NUM_F32, XMM4, XMM4, XMM5);
    masm_csel(m, cond, NUM_F32, XMM6, XMM7, XMM6);
    masm_trap_if(m, cond, WJ_TRAP_UNREACHABLE);
    x64_run_end(run);
    unsigned count = oracle_operand_count(num);
    for (unsigned i = 0; i < count * count; i++) {
        uint64_t a = oracle_operand(num, i / count), b = oracle_operand(num, i % count);
        static const uint8_t ops[] = {FCMP_EQ, FCMP_NE, FCMP_GT, FCMP_GT, FCMP_GE, FCMP_GE};
        bool expected = oracle_fcmp((enum wj_fcmp) ops[cond - COND_F_EQ], num, a, b);
        if (cond == COND_F_NGT || cond == COND_F_NGE) {
            expected = !expected;
        }
        x64_set_float(run, num, XMM1, a);
        x64_set_float(run, num, XMM9, b);
        run->before.gpr[R12] = 12, run->before.gpr[R13] = 13, run->before.gpr[R14] = 14;
        x64_run_go(run);
        assert_int_equal(run->trap, expected ? WJ_TRAP_UNREACHABLE : WJ_TRAP_NONE);
        if (!expected) {
            assert_int_equal(run->after.gpr[RSI], 0);
            assert_int_equal(run->after.gpr[R8], 0);
            assert_int_equal(run->after.gpr[R9], 13);
            assert_int_equal(run->after.gpr[R13], 13);
            assert_int_equal(run->after.gpr[R12], 14);
            assert_memory_equal(run->after.vec[3], run->before.vec[5], 16);
            assert_memory_equal(run->after.vec[4], run->before.vec[5], 4);
            assert_memory_equal(run->after.vec[6], run->before.vec[6], 4);
        }
    }
}

// The same without the trap, for the conditions that hold.
static void check_fcmp_true(struct x64_run *run, enum wj_num num, enum wj_cond cond)
{
    struct wj_masm *m = x64_run_begin(run);
    masm_fcmp(m, num, XMM1, XMM9);
    masm_setcc(m, cond, RSI);
    masm_csel(m, cond, NUM_I32, R9, R12, R13);
    masm_csel(m, cond, NUM_I64, R13, R12, R13);
    wj_label taken = wj_codebuf_label(&m->buf);
    masm_mov_imm(m, NUM_I64, R8, 1);
    masm_jcc(m, cond, taken);
    masm_mov_imm(m, NUM_I64, R8, 0);
    masm_bind(m, taken);
    masm_csel(m, cond, NUM_V128, XMM3, XMM4, XMM5);
    x64_run_end(run);
    unsigned count = oracle_operand_count(num);
    for (unsigned i = 0; i < count * count; i++) {
        uint64_t a = oracle_operand(num, i / count), b = oracle_operand(num, i % count);
        static const uint8_t ops[] = {FCMP_EQ, FCMP_NE, FCMP_GT, FCMP_GT, FCMP_GE, FCMP_GE};
        bool expected = oracle_fcmp((enum wj_fcmp) ops[cond - COND_F_EQ], num, a, b) !=
                        (cond == COND_F_NGT || cond == COND_F_NGE);
        x64_set_float(run, num, XMM1, a);
        x64_set_float(run, num, XMM9, b);
        x64_run_go(run);
        assert_int_equal(run->after.gpr[RSI], expected);
        assert_int_equal(run->after.gpr[R8], expected);
        assert_int_equal(run->after.gpr[R9], expected ? 12 : 13);
        assert_int_equal(run->after.gpr[R13], expected ? 12 : 13);
        assert_memory_equal(run->after.vec[3], run->before.vec[expected ? 4 : 5], 16);
    }
}

static void test_fcmp(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int num = NUM_F32; num <= NUM_F64; num++) {
        for (int cond = COND_F_EQ; cond <= COND_F_NGE; cond++) {
            check_fcmp(&run, (enum wj_num) num, (enum wj_cond) cond);
            check_fcmp_true(&run, (enum wj_num) num, (enum wj_cond) cond);
        }
    }
    x64_run_clear(&run);
}

static void check_cvt(struct x64_run *run, enum wj_cvt op, bool is_high)
{
    enum wj_num from, to;
    oracle_cvt_types(op, &from, &to);
    wj_reg a = from <= NUM_I64 ? (is_high ? R13 : RSI) : is_high ? XMM9 : XMM1;
    wj_reg d = to <= NUM_I64 ? (is_high ? R12 : RDI) : is_high ? XMM12 : XMM3;
    struct wj_masm *m = x64_run_begin(run);
    m->wasm_offset = 55;
    masm_cvt(m, op, d, a);
    x64_run_end(run);
    unsigned edges = oracle_operand_count(from);
    uint64_t state = (uint64_t) op;
    for (unsigned i = 0; i < edges + 600; i++) {
        uint64_t x = i < edges ? oracle_operand(from, i) : oracle_random(&state);
        if (i >= edges + 300) { // integers with few bits, floats of the integers' size
            x = from <= NUM_I64   ? x >> i % 64
                : from == NUM_F32 ? oracle_bits32((float) (int64_t) x / (float) (1 << i % 31))
                                  : oracle_bits64((double) (int64_t) x / (double) (1 << i % 31));
        }
        x = from == NUM_F32 ? (uint32_t) x : oracle_wrap(from, x);
        enum wj_trap_kind trap;
        uint64_t expected = oracle_cvt(op, x, &trap);
        x64_set(run, from, a, x);
        x64_run_go(run);
        if (run->trap != trap) {
            fail_msg("cvt %d of %llx: trap %d, not %d", op, (unsigned long long) x, run->trap,
                     trap);
        }
        if (trap != WJ_TRAP_NONE) {
            continue;
        }
        uint64_t actual = x64_get(run, to, d);
        bool is_arithmetic = op == CVT_F32_DEMOTE_F64 || op == CVT_F64_PROMOTE_F32;
        if (is_arithmetic ? !oracle_float_matches(to, expected, actual, oracle_is_strict(from, x))
                          : actual != expected) {
            fail_msg("cvt %d of %llx gives %llx, not %llx", op, (unsigned long long) x,
                     (unsigned long long) actual, (unsigned long long) expected);
        }
        x64_run_check_kept(run, X64_BIT(d));
    }
}

static void test_cvt(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int op = CVT_I32_WRAP_I64; op <= CVT_I64_TRUNC_SAT_F64_U; op++) {
        check_cvt(&run, (enum wj_cvt) op, false);
        check_cvt(&run, (enum wj_cvt) op, true);
    }
    x64_run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fbin),        cmocka_unit_test(test_fun),
        cmocka_unit_test(test_canon),       cmocka_unit_test(test_jump_if_nan_stored),
        cmocka_unit_test(test_store_canon), cmocka_unit_test(test_fimm),
        cmocka_unit_test(test_fcmp),        cmocka_unit_test(test_cvt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
