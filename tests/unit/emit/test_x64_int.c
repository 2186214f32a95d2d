// Integer verbs of the x86-64 target against the oracle, on edges times edges.
#include "x64_harness.h"

static void set_operands(struct x64_run *run, const wj_reg *regs, uint64_t a, uint64_t *b)
{
    run->before.gpr[regs[1]] = a;
    run->before.gpr[regs[2]] = *b;
    *b = run->before.gpr[regs[2]];
}

static void check_ibin(struct x64_run *run, enum wj_ibinop op, enum wj_num num, const wj_reg *regs)
{
    masm_ibin(x64_run_begin(run), op, num, regs[0], regs[1], regs[2]);
    x64_run_end(run);
    for (unsigned i = 0; i < ORACLE_INT_COUNT; i++) {
        for (unsigned j = 0; j < ORACLE_INT_COUNT; j++) {
            uint64_t a = oracle_operand(num, i), b = oracle_operand(num, j);
            set_operands(run, regs, a, &b);
            if (regs[1] == regs[2]) {
                a = b;
            }
            x64_run_go(run);
            enum wj_trap_kind trap;
            uint64_t expected = oracle_ibin(op, num, a, b, &trap);
            if (run->after.gpr[regs[0]] != expected) {
                fail_msg("ibin %d num %d: %llx, %llx gives %llx, not %llx", op, num,
                         (unsigned long long) a, (unsigned long long) b,
                         (unsigned long long) run->after.gpr[regs[0]],
                         (unsigned long long) expected);
            }
            x64_run_check_kept(run, X64_BIT(regs[0]));
        }
    }
}

static void test_ibin(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int op = IBIN_ADD; op <= IBIN_ROTR; op++) {
        for (unsigned t = 0; t < X64_TRIPLES; t++) {
            check_ibin(&run, (enum wj_ibinop) op, NUM_I32, x64_triples[t]);
            check_ibin(&run, (enum wj_ibinop) op, NUM_I64, x64_triples[t]);
        }
    }
    x64_run_clear(&run);
}

static void check_ibin_imm(struct x64_run *run, enum wj_ibinop op, enum wj_num num, wj_reg d,
                           wj_reg a, int64_t imm)
{
    masm_ibin_imm(x64_run_begin(run), op, num, d, a, imm);
    x64_run_end(run);
    for (unsigned i = 0; i < ORACLE_INT_COUNT; i++) {
        uint64_t value = oracle_operand(num, i);
        run->before.gpr[a] = value;
        x64_run_go(run);
        enum wj_trap_kind trap;
        uint64_t expected = oracle_ibin(op, num, value, oracle_wrap(num, (uint64_t) imm), &trap);
        if (run->after.gpr[d] != expected) {
            fail_msg("ibin_imm %d num %d: %llx, %llx gives %llx, not %llx", op, num,
                     (unsigned long long) value, (unsigned long long) imm,
                     (unsigned long long) run->after.gpr[d], (unsigned long long) expected);
        }
        x64_run_check_kept(run, X64_BIT(d));
    }
}

static void test_ibin_imm(void **unused)
{
    (void) unused;
    static const int64_t more[] = {4,   5,    6,    9,    10, 12, 24, 27,         40,        127,
                                   128, -128, -129, 1000, -1, -2, -5, 0xffffffff, 0xfffffff0};
    static const wj_reg pairs[][2] = {{RAX, RDX}, {RSI, RSI}, {R12, RBP}, {R13, R13}};
    struct x64_run run;
    x64_run_init(&run);
    for (int op = IBIN_ADD; op <= IBIN_ROTR; op++) {
        for (unsigned t = 0; t < 4; t++) {
            for (unsigned i = 0; i < ORACLE_INT_COUNT + sizeof more / sizeof more[0]; i++) {
                int64_t imm =
                    i < ORACLE_INT_COUNT ? (int64_t) ORACLE_INTS[i] : more[i - ORACLE_INT_COUNT];
                check_ibin_imm(&run, (enum wj_ibinop) op, NUM_I32, pairs[t][0], pairs[t][1], imm);
                check_ibin_imm(&run, (enum wj_ibinop) op, NUM_I64, pairs[t][0], pairs[t][1], imm);
            }
        }
    }
    x64_run_clear(&run);
}

static void check_idiv(struct x64_run *run, enum wj_ibinop op, enum wj_num num, wj_reg b)
{
    bool is_rem = op == IBIN_REM_S || op == IBIN_REM_U;
    wj_reg d = is_rem ? MASM_DIV_HIGH : MASM_DIV_LOW;
    struct wj_masm *m = x64_run_begin(run);
    m->wasm_offset = 1234;
    masm_idiv(m, op, num, d, MASM_DIV_LOW, b);
    x64_run_end(run);
    for (unsigned i = 0; i < ORACLE_INT_COUNT; i++) {
        for (unsigned j = 0; j < ORACLE_INT_COUNT; j++) {
            uint64_t x = oracle_operand(num, i), y = oracle_operand(num, j);
            run->before.gpr[MASM_DIV_LOW] = x;
            run->before.gpr[b] = y;
            x64_run_go(run);
            enum wj_trap_kind trap;
            uint64_t expected = oracle_ibin(op, num, x, y, &trap);
            assert_int_equal(run->trap, trap);
            if (trap == WJ_TRAP_NONE) {
                assert_int_equal(run->after.gpr[d], expected);
                x64_run_check_kept(run, X64_BIT(RAX) | X64_BIT(RDX));
            }
        }
    }
}

static void test_idiv(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int op = IBIN_DIV_S; op <= IBIN_REM_U; op++) {
        for (int num = NUM_I32; num <= NUM_I64; num++) {
            check_idiv(&run, (enum wj_ibinop) op, (enum wj_num) num, RSI);
            check_idiv(&run, (enum wj_ibinop) op, (enum wj_num) num, R13);
        }
    }
    x64_run_clear(&run);
}

static void check_idiv_imm(struct x64_run *run, enum wj_ibinop op, enum wj_num num, wj_reg d,
                           wj_reg a, int64_t divisor)
{
    uint64_t b = oracle_wrap(num, (uint64_t) divisor);
    bool is_signed = op == IBIN_DIV_S || op == IBIN_REM_S;
    if (b == 0 || (is_signed && oracle_signed(num, b) == -1)) {
        return;
    }
    masm_idiv_imm(x64_run_begin(run), op, num, d, a, divisor);
    x64_run_end(run);
    uint64_t state = b;
    for (unsigned i = 0; i < ORACLE_INT_COUNT + 40; i++) {
        // Edges, neighbours of multiples, and random dividends.
        uint64_t x = i < ORACLE_INT_COUNT ? ORACLE_INTS[i] : oracle_random(&state);
        if (i >= ORACLE_INT_COUNT + 20) {
            x = x / (b | 1) * b + i % 3 - 1;
        }
        x = oracle_wrap(num, x);
        run->before.gpr[a] = x;
        x64_run_go(run);
        enum wj_trap_kind trap;
        uint64_t expected = oracle_ibin(op, num, x, b, &trap);
        if (run->after.gpr[d] != expected) {
            fail_msg("idiv_imm %d num %d: %llx, %lld gives %llx, not %llx", op, num,
                     (unsigned long long) x, (long long) divisor,
                     (unsigned long long) run->after.gpr[d], (unsigned long long) expected);
        }
        x64_run_check_kept(run, X64_BIT(d) | X64_BIT(RAX) | X64_BIT(RDX));
    }
}

static void check_divisor(struct x64_run *run, int64_t divisor)
{
    for (int op = IBIN_DIV_S; op <= IBIN_REM_U; op++) {
        check_idiv_imm(run, (enum wj_ibinop) op, NUM_I32, RSI, R12, divisor);
        check_idiv_imm(run, (enum wj_ibinop) op, NUM_I64, R13, RDI, divisor);
    }
}

static void test_idiv_imm(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int64_t divisor = -130; divisor <= 300; divisor++) {
        check_divisor(&run, divisor);
    }
    uint64_t state = 99;
    for (unsigned bit = 0; bit < 64; bit++) {
        int64_t power = (int64_t) ((uint64_t) 1 << bit);
        check_divisor(&run, power);
        check_divisor(&run, (int64_t) ((uint64_t) power - 1));
        check_divisor(&run, (int64_t) ((uint64_t) power + 1));
        check_divisor(&run, (int64_t) - (uint64_t) power);
        check_divisor(&run, (int64_t) (oracle_random(&state) >> bit));
        check_divisor(&run, (int64_t) (oracle_random(&state) >> bit & ~(uint64_t) 7));
    }
    for (unsigned i = 0; i < ORACLE_INT_COUNT; i++) {
        check_divisor(&run, (int64_t) ORACLE_INTS[i]);
    }
    x64_run_clear(&run);
}

static void test_iun(void **unused)
{
    (void) unused;
    static const wj_reg pairs[][2] = {{RAX, RDX}, {RSI, RDI}, {RBP, RBP}, {R12, R13}};
    struct x64_run run;
    x64_run_init(&run);
    for (int op = IUN_CLZ; op <= IUN_EXTEND32_S; op++) {
        for (int num = NUM_I32; num <= NUM_I64; num++) {
            for (unsigned t = 0; t < 4; t++) {
                if (op == IUN_EXTEND32_S && num == NUM_I32) {
                    continue;
                }
                masm_iun(x64_run_begin(&run), (enum wj_iunop) op, (enum wj_num) num, pairs[t][0],
                         pairs[t][1]);
                x64_run_end(&run);
                for (unsigned i = 0; i < ORACLE_INT_COUNT; i++) {
                    uint64_t a = oracle_operand((enum wj_num) num, i);
                    run.before.gpr[pairs[t][1]] = a;
                    x64_run_go(&run);
                    assert_int_equal(run.after.gpr[pairs[t][0]],
                                     oracle_iun((enum wj_iunop) op, (enum wj_num) num, a));
                    x64_run_check_kept(&run, X64_BIT(pairs[t][0]));
                }
            }
        }
    }
    x64_run_clear(&run);
}

// Each condition by setcc, csel and a branch, after each kind of comparison.
static void emit_conditions(struct wj_masm *m, enum wj_cond cond)
{
    masm_setcc(m, cond, R8);
    masm_csel(m, cond, NUM_I64, R9, R12, R13);
    masm_csel(m, cond, NUM_I64, R12, R12, R13);
    masm_csel(m, cond, NUM_F64, XMM1, XMM2, XMM9);
    masm_csel(m, cond, NUM_V128, XMM2, XMM2, XMM9);
    masm_mov_imm(m, NUM_I32, R14, 1);
    wj_label taken = wj_codebuf_label(&m->buf);
    masm_jcc(m, cond, taken);
    masm_mov_imm(m, NUM_I32, R14, 0);
    masm_bind(m, taken);
}

static void check_conditions(const struct x64_run *run, bool expected)
{
    const struct x64_state *before = &run->before, *after = &run->after;
    assert_int_equal(after->gpr[R8], expected);
    assert_int_equal(after->gpr[R14], expected);
    assert_int_equal(after->gpr[R9], before->gpr[expected ? R12 : R13]);
    assert_int_equal(after->gpr[R12], before->gpr[expected ? R12 : R13]);
    assert_memory_equal(after->vec[1], before->vec[expected ? 2 : 9], 16);
    assert_memory_equal(after->vec[2], before->vec[expected ? 2 : 9], 16);
}

enum { BY_REG, BY_IMM, BY_SLOT, BY_ADDR, BY_ZERO, BY_KINDS };

static void check_icmp(struct x64_run *run, enum wj_icmp op, enum wj_num num, unsigned by,
                       uint64_t b)
{
    struct wj_masm *m = x64_run_begin(run);
    switch (by) {
    case BY_REG: masm_icmp(m, num, RSI, RDX); break;
    case BY_IMM: masm_icmp_imm(m, num, RSI, (int64_t) b); break;
    case BY_SLOT: masm_icmp_slot(m, num, RSI, (struct wj_slot){RBP, 8}); break;
    default: masm_icmp_addr(m, num, RSI, (struct wj_addr){RBP, RDI, 16}); break;
    }
    emit_conditions(m, (enum wj_cond) op);
    x64_run_end(run);
    for (unsigned i = 0; i < ORACLE_INT_COUNT; i++) {
        uint64_t a = oracle_operand(num, i);
        run->before.gpr[RSI] = a;
        run->before.gpr[RDX] = b;
        run->before.gpr[RBP] = (uint64_t) (uintptr_t) run->before.memory;
        run->before.gpr[RDI] = 100;
        memcpy(run->before.memory + 8, &b, 8);
        memcpy(run->before.memory + 116, &b, 8);
        x64_run_go(run);
        check_conditions(run, oracle_icmp(op, num, a, b));
    }
}

static void test_icmp(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int op = ICMP_EQ; op <= ICMP_GE_U; op++) {
        for (unsigned by = BY_REG; by <= BY_ADDR; by++) {
            for (unsigned j = 0; j < ORACLE_INT_COUNT; j++) {
                check_icmp(&run, (enum wj_icmp) op, NUM_I32, by, oracle_operand(NUM_I32, j));
                check_icmp(&run, (enum wj_icmp) op, NUM_I64, by, ORACLE_INTS[j]);
            }
        }
    }
    x64_run_clear(&run);
}

static void check_itest(struct x64_run *run, enum wj_num num, bool by_imm, enum wj_icmp op,
                        uint64_t b)
{
    struct wj_masm *m = x64_run_begin(run);
    if (by_imm) {
        masm_itest_imm(m, num, RSI, (int64_t) b);
    } else {
        masm_itest(m, num, RSI, RDX);
    }
    emit_conditions(m, (enum wj_cond) op);
    x64_run_end(run);
    for (unsigned i = 0; i < ORACLE_INT_COUNT; i++) {
        uint64_t a = oracle_operand(num, i);
        run->before.gpr[RSI] = a;
        run->before.gpr[RDX] = b;
        x64_run_go(run);
        check_conditions(run, oracle_icmp(op, num, a & b, 0));
    }
}

static void test_itest(void **unused)
{
    (void) unused;
    static const uint8_t ops[] = {ICMP_EQ, ICMP_NE, ICMP_LT_S, ICMP_GE_S, ICMP_GT_S, ICMP_LE_S};
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned i = 0; i < sizeof ops; i++) {
        for (unsigned j = 0; j < ORACLE_INT_COUNT; j++) {
            for (int num = NUM_I32; num <= NUM_I64; num++) {
                uint64_t b = oracle_operand((enum wj_num) num, j);
                check_itest(&run, (enum wj_num) num, false, (enum wj_icmp) ops[i], b);
                check_itest(&run, (enum wj_num) num, true, (enum wj_icmp) ops[i], b);
            }
        }
    }
    x64_run_clear(&run);
}

static void test_ibin_memory(void **unused)
{
    (void) unused;
    static const wj_reg pairs[][2] = {{RAX, RDX}, {RSI, RSI}, {RBP, R12}, {RDI, R12}, {RBP, RBP}};
    struct x64_run run;
    x64_run_init(&run);
    for (int op = IBIN_ADD; op <= IBIN_XOR; op++) {
        for (int kind = 0; kind < 3 * 2; kind++) {
            for (unsigned t = 0; t < 5; t++) {
                enum wj_num num = kind & 1 ? NUM_I64 : NUM_I32;
                wj_reg d = pairs[t][0], a = pairs[t][1];
                struct wj_masm *m = x64_run_begin(&run);
                uint64_t base = (uint64_t) (uintptr_t) run.after.memory;
                uint64_t offset = 24;
                if (kind / 2 == 0) {
                    masm_ibin_slot(m, (enum wj_ibinop) op, num, d, a, (struct wj_slot){RBP, 24});
                } else {
                    offset = kind / 2 == 1 ? 16 : 0x180000000u;
                    masm_ibin_addr(m, (enum wj_ibinop) op, num, d, a,
                                   (struct wj_addr){RBP, RDI, offset});
                    base -= offset - 16;
                }
                x64_run_end(&run);
                uint64_t x = 0x8123456789abcdefu, y = 0xfedcba9876543217u;
                run.before.gpr[a] = oracle_wrap(num, x);
                run.before.gpr[RBP] = base;
                run.before.gpr[RDI] = 8;
                memcpy(run.before.memory + 24, &y, 8);
                x = oracle_wrap(num, run.before.gpr[a]);
                x64_run_go(&run);
                enum wj_trap_kind trap;
                assert_int_equal(run.after.gpr[d], oracle_ibin((enum wj_ibinop) op, num, x,
                                                               oracle_wrap(num, y), &trap));
                x64_run_check_kept(&run, X64_BIT(d));
            }
        }
    }
    x64_run_clear(&run);
}

static void test_ibin_to_slot(void **unused)
{
    (void) unused;
    static const int32_t imms[] = {0, 1, -1, 127, -128, 128, -129, INT32_MAX, INT32_MIN};
    static const enum wj_ibinop ops[] = {IBIN_ADD, IBIN_SUB, IBIN_AND, IBIN_OR, IBIN_XOR};
    static const wj_reg regs[] = {RAX, R12, RBP};
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned i = 0; i < 5 * 2 * (3 + 9); i++) {
        enum wj_ibinop op = ops[i % 5];
        enum wj_num num = i / 5 % 2 ? NUM_I64 : NUM_I32;
        unsigned which = i / 10;
        struct wj_slot slot = {RBP, 24};
        struct wj_masm *m = x64_run_begin(&run);
        if (which < 3) {
            masm_ibin_to_slot(m, op, num, slot, regs[which]);
        } else {
            masm_ibin_imm_to_slot(m, op, num, slot, imms[which - 3]);
        }
        x64_run_end(&run);
        uint64_t x = 0x8123456789abcdefu, y = 0xfedcba9876543217u, got = 0;
        run.before.gpr[RAX] = run.before.gpr[R12] = y;
        run.before.gpr[RBP] = (uint64_t) (uintptr_t) run.after.memory;
        memcpy(run.before.memory + 24, &x, 8);
        y = which < 3 ? run.before.gpr[regs[which]] : (uint64_t) (int64_t) imms[which - 3];
        x64_run_go(&run);
        enum wj_trap_kind trap;
        uint64_t result = oracle_ibin(op, num, oracle_wrap(num, x), oracle_wrap(num, y), &trap);
        memcpy(&got, run.after.memory + 24, 8);
        // Half of a slot stays what it was.
        assert_int_equal(got, num == NUM_I64 ? result : (x & ~(uint64_t) UINT32_MAX) | result);
        x64_run_check_kept(&run, 0);
    }
    x64_run_clear(&run);
}

static void test_wide(void **unused)
{
    (void) unused;
    // lo, hi, alo, ahi, blo, bhi
    static const wj_reg sets[][6] = {
        {RAX, RDX, RSI, RDI, R8, R9},   {RSI, RDI, RSI, RDI, R8, R9},
        {R8, R9, RSI, RDI, R8, R9},     {RSI, R9, RSI, RDI, R8, R9},
        {R8, RDI, RSI, RDI, R8, R9},    {RAX, RSI, RSI, RDI, R8, R9},
        {RAX, R8, RSI, RDI, R8, R9},    {RSI, RDI, RSI, RDI, RSI, RDI},
        {RAX, RDX, RSI, RSI, RSI, RSI},
    };
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned s = 0; s < 2 * sizeof sets / sizeof sets[0]; s++) {
        const wj_reg *r = sets[s / 2];
        masm_add128(x64_run_begin(&run), s & 1, r[0], r[1], r[2], r[3], r[4], r[5]);
        x64_run_end(&run);
        for (unsigned i = 0; i < 400; i++) {
            uint64_t state = i;
            for (unsigned k = 2; k < 6; k++) {
                run.before.gpr[r[k]] = ORACLE_INTS[oracle_random(&state) % ORACLE_INT_COUNT];
            }
            const uint64_t *g = run.before.gpr;
            unsigned __int128 a = (unsigned __int128) g[r[3]] << 64 | g[r[2]];
            unsigned __int128 b = (unsigned __int128) g[r[5]] << 64 | g[r[4]];
            unsigned __int128 c = s & 1 ? a - b : a + b;
            x64_run_go(&run);
            assert_int_equal(run.after.gpr[r[0]], (uint64_t) c);
            assert_int_equal(run.after.gpr[r[1]], (uint64_t) (c >> 64));
            x64_run_check_kept(&run, X64_BIT(r[0]) | X64_BIT(r[1]));
        }
    }
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        masm_mul_wide(x64_run_begin(&run), is_signed, RAX, RDX, RAX, R12);
        x64_run_end(&run);
        for (unsigned i = 0; i < ORACLE_INT_COUNT * ORACLE_INT_COUNT; i++) {
            uint64_t a = ORACLE_INTS[i % ORACLE_INT_COUNT], b = ORACLE_INTS[i / ORACLE_INT_COUNT];
            run.before.gpr[RAX] = a;
            run.before.gpr[R12] = b;
            x64_run_go(&run);
            unsigned __int128 c = is_signed
                                      ? (unsigned __int128) ((__int128) (int64_t) a * (int64_t) b)
                                      : (unsigned __int128) a * b;
            assert_int_equal(run.after.gpr[RAX], (uint64_t) c);
            assert_int_equal(run.after.gpr[RDX], (uint64_t) (c >> 64));
        }
    }
    x64_run_clear(&run);
}

static void test_lea(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned t = 0; t < X64_TRIPLES; t++) {
        for (unsigned shift = 0; shift < 4; shift++) {
            for (int num = NUM_I32; num <= NUM_I64; num++) {
                const wj_reg *r = x64_triples[t];
                masm_lea(x64_run_begin(&run), (enum wj_num) num, r[0], r[1], r[2], shift);
                x64_run_end(&run);
                run.before.gpr[r[1]] = 0x87654321;
                run.before.gpr[r[2]] = 0x23456789;
                uint64_t expected = run.before.gpr[r[1]] + (run.before.gpr[r[2]] << shift);
                x64_run_go(&run);
                assert_int_equal(run.after.gpr[r[0]], oracle_wrap((enum wj_num) num, expected));
            }
        }
    }
    x64_run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ibin),         cmocka_unit_test(test_ibin_imm),
        cmocka_unit_test(test_idiv),         cmocka_unit_test(test_idiv_imm),
        cmocka_unit_test(test_iun),          cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_itest),        cmocka_unit_test(test_ibin_memory),
        cmocka_unit_test(test_ibin_to_slot), cmocka_unit_test(test_wide),
        cmocka_unit_test(test_lea),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
