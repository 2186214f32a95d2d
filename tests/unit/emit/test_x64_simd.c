// Vector verbs of the x86-64 target against the oracle.
#include "x64_harness.h"

enum { VECTORS = 48 };

static void show(const char *name, const uint8_t v[16])
{
    print_message("%s ", name);
    for (unsigned i = 0; i < 16; i++) {
        print_message("%02x", v[i]);
    }
    print_message("\n");
}

static void expect_vector(const struct x64_run *run, enum wj_shape shape, bool is_arithmetic,
                          wj_reg d, const uint8_t expected[16], int op)
{
    const uint8_t *actual = run->after.vec[d & 15];
    if (!oracle_vector_matches(shape, is_arithmetic, expected, actual)) {
        show("expected", expected);
        show("actual  ", actual);
        fail_msg("operation %d shape %d", op, shape);
    }
    x64_run_check_kept(run, X64_BIT(d));
}

static void test_vun(void **unused)
{
    (void) unused;
    static const wj_reg pairs[][2] = {{XMM0, XMM1}, {XMM2, XMM2}, {XMM9, XMM12}, {XMM13, XMM13}};
    struct x64_run run;
    x64_run_init(&run);
    for (int op = VUN_NOT; op <= VUN_RELAXED_TRUNC_U_ZERO; op++) {
        for (unsigned k = 0; k < 6 * 4; k++) {
            enum wj_shape shape = (enum wj_shape)(k % 6);
            if ((oracle_vun_shapes((enum wj_vunop) op) >> shape & 1) == 0) {
                continue;
            }
            const wj_reg *r = pairs[k / 6];
            masm_vun(x64_run_begin(&run), (enum wj_vunop) op, shape, r[0], r[1]);
            x64_run_end(&run);
            enum wj_shape from = oracle_vun_operand((enum wj_vunop) op, shape);
            for (unsigned i = 0; i < 4 * VECTORS; i++) {
                uint8_t *a = run.before.vec[r[1] & 15], expected[16];
                oracle_vector(from, i, a);
                x64_run_go(&run);
                oracle_vun((enum wj_vunop) op, shape, expected, a);
                expect_vector(&run, shape, op >= VUN_CEIL, r[0], expected, op);
            }
        }
    }
    x64_run_clear(&run);
}

static bool vbin_is_arithmetic(int op)
{
    return op == VBIN_ADD || op == VBIN_SUB || op == VBIN_MUL || op == VBIN_DIV || op == VBIN_MIN ||
           op == VBIN_MAX || op == VBIN_RELAXED_MIN || op == VBIN_RELAXED_MAX;
}

static void check_vbin(struct x64_run *run, enum wj_vbinop op, enum wj_shape shape, unsigned by,
                       const wj_reg *r)
{
    struct wj_masm *m = x64_run_begin(run);
    if (by == 0) {
        masm_vbin(m, op, shape, r[0], r[1], r[2]);
    } else if (by == 1) {
        masm_vbin_slot(m, op, shape, r[0], r[1], (struct wj_slot){R12, 33});
    } else {
        masm_vbin_addr(m, op, shape, r[0], r[1], (struct wj_addr){R12, RSI, 400});
    }
    x64_run_end(run);
    bool is_narrow = op == VBIN_NARROW_S || op == VBIN_NARROW_U;
    bool is_mixed = !is_narrow && oracle_vbin_is_mixed(op);
    enum wj_shape from = (enum wj_shape)((int) shape + (is_narrow ? 1 : is_mixed ? -1 : 0));
    for (unsigned i = 0; i < VECTORS; i++) {
        for (unsigned j = 0; j < VECTORS; j++) {
            uint8_t a[16], b[16], expected[16];
            oracle_vector(from, i, a);
            oracle_vector(from, j + 1000, b);
            memcpy(run->before.vec[r[1] & 15], a, 16);
            if (by == 0) {
                memcpy(run->before.vec[r[2] & 15], b, 16);
                memcpy(a, run->before.vec[r[1] & 15], 16);
            } else {
                run->before.gpr[R12] = (uint64_t) (uintptr_t) run->before.memory;
                run->before.gpr[RSI] = 20;
                memcpy(run->before.memory + (by == 1 ? 33 : 420), b, 16);
            }
            x64_run_go(run);
            oracle_vbin(op, shape, expected, a, b);
            expect_vector(run, shape, vbin_is_arithmetic(op), r[0], expected, op);
        }
    }
}

static void test_vbin(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int op = VBIN_AND; op <= VBIN_RELAXED_DOT; op++) {
        for (int shape = SHAPE_I8X16; shape <= SHAPE_F64X2; shape++) {
            if ((oracle_vbin_shapes((enum wj_vbinop) op) >> shape & 1) == 0) {
                continue;
            }
            for (unsigned t = 0; t < X64_VTRIPLES; t++) {
                check_vbin(&run, (enum wj_vbinop) op, (enum wj_shape) shape, 0, x64_vtriples[t]);
            }
            if (masm_vbin_takes_mem((enum wj_vbinop) op, (enum wj_shape) shape)) {
                check_vbin(&run, (enum wj_vbinop) op, (enum wj_shape) shape, 1, x64_vtriples[0]);
                check_vbin(&run, (enum wj_vbinop) op, (enum wj_shape) shape, 2, x64_vtriples[5]);
            }
        }
    }
    x64_run_clear(&run);
}

static void test_vtern(void **unused)
{
    (void) unused;
    static const wj_reg sets[][4] = {
        {XMM0, XMM1, XMM2, XMM3}, {XMM1, XMM1, XMM2, XMM3}, {XMM8, XMM9, XMM9, XMM10},
        {XMM4, XMM4, XMM4, XMM5}, {XMM4, XMM4, XMM5, XMM4}, {XMM12, XMM12, XMM12, XMM12},
        {XMM0, XMM9, XMM5, XMM5},
    };
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned k = 0; k < 5 * 6 * 7; k++) {
        enum wj_vternop op = (enum wj_vternop)(k % 5);
        enum wj_shape shape = (enum wj_shape)(k / 5 % 6);
        const wj_reg *r = sets[k / 30];
        if ((oracle_vtern_shapes(op) >> shape & 1) == 0) {
            continue;
        }
        masm_vtern(x64_run_begin(&run), op, shape, r[0], r[1], r[2], r[3]);
        x64_run_end(&run);
        for (unsigned i = 0; i < 1000; i++) {
            uint8_t expected[16];
            enum wj_shape from = op == VTERN_RELAXED_DOT_ADD ? SHAPE_I8X16 : shape;
            for (unsigned n = 1; n < 4; n++) {
                oracle_vector(from, i + n * i / 7 + 100 * n, run.before.vec[r[n] & 15]);
            }
            oracle_vtern(op, shape, expected, run.before.vec[r[1] & 15], run.before.vec[r[2] & 15],
                         run.before.vec[r[3] & 15]);
            x64_run_go(&run);
            expect_vector(&run, shape, true, r[0], expected, op);
        }
    }
    x64_run_clear(&run);
}

static void test_vshift(void **unused)
{
    (void) unused;
    static const wj_reg pairs[][2] = {{XMM0, XMM1}, {XMM2, XMM2}, {XMM9, XMM12}};
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned k = 0; k < 3 * 4 * 3; k++) {
        enum wj_vshift op = (enum wj_vshift)(k % 3);
        enum wj_shape shape = (enum wj_shape)(k / 3 % 4);
        const wj_reg *r = pairs[k / 12];
        for (unsigned count = 0; count < 140; count++) {
            bool is_imm = count < 70;
            uint32_t n = count % 70 == 69 ? 0xffffffffu : count % 70;
            struct wj_masm *m = x64_run_begin(&run);
            if (is_imm) {
                masm_vshift_imm(m, op, shape, r[0], r[1], n);
            } else {
                masm_vshift(m, op, shape, r[0], r[1], R13);
            }
            x64_run_end(&run);
            for (unsigned i = 0; i < 16; i++) {
                uint8_t expected[16];
                oracle_vector(shape, i, run.before.vec[r[1] & 15]);
                run.before.gpr[R13] = n;
                oracle_vshift(op, shape, expected, run.before.vec[r[1] & 15], n);
                x64_run_go(&run);
                expect_vector(&run, shape, false, r[0], expected, op);
            }
        }
    }
    x64_run_clear(&run);
}

static void test_vtest(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned k = 0; k < 3 * 4 * 2; k++) {
        enum wj_vtest op = (enum wj_vtest)(k % 3);
        enum wj_shape shape = (enum wj_shape)(k / 3 % 4);
        wj_reg d = k / 12 ? R13 : RSI, a = k / 12 ? XMM11 : XMM3;
        masm_vtest(x64_run_begin(&run), op, shape, d, a);
        x64_run_end(&run);
        for (unsigned i = 0; i < 200; i++) {
            uint8_t *v = run.before.vec[a & 15];
            oracle_vector(shape, i, v);
            if (i % 5 == 0) {
                memset(v, i % 2 ? 0xff : 0, 16);
            }
            x64_run_go(&run);
            assert_int_equal(run.after.gpr[d], oracle_vtest(op, shape, v));
            x64_run_check_kept(&run, X64_BIT(d));
        }
    }
    x64_run_clear(&run);
}

static void check_shuffle(struct x64_run *run, const wj_reg *r, const uint8_t lanes[16])
{
    masm_vshuffle(x64_run_begin(run), r[0], r[1], r[2], lanes);
    x64_run_end(run);
    uint8_t both[32], expected[16];
    memcpy(both, run->before.vec[r[1] & 15], 16);
    memcpy(both + 16, run->before.vec[r[2] & 15], 16);
    for (unsigned i = 0; i < 16; i++) {
        expected[i] = both[lanes[i]];
    }
    x64_run_go(run);
    expect_vector(run, SHAPE_I8X16, false, r[0], expected, lanes[0]);
}

// Lanes of 1 << log2 bytes: unpacks, blends, runs, random ones.
static void make_shuffle(unsigned kind, unsigned log2, uint64_t *state, uint8_t lanes[16])
{
    unsigned count = 16u >> log2;
    uint64_t r = oracle_random(state);
    for (unsigned i = 0; i < count; i++) {
        unsigned first = r & 1 ? count : 0, second = r & 2 ? count : 0,
                 half = r & 4 ? count / 2 : 0;
        unsigned lane = kind == 0   ? (i & 1 ? second : first) + half + i / 2
                        : kind == 1 ? i + (r >> (8 + i) & 1 ? count : 0)
                        : kind == 2 ? (unsigned) (r >> 8) % (count + 1) + i
                        : kind == 3 ? (unsigned) oracle_random(state) % count
                        : kind == 4 ? (unsigned) oracle_random(state) % count + count
                                    : (unsigned) oracle_random(state) % (2 * count);
        for (unsigned k = 0; k < 1u << log2; k++) {
            lanes[(i << log2) + k] = (uint8_t) ((lane << log2) + k);
        }
    }
}

static void test_vshuffle(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    uint64_t state = 5;
    for (unsigned i = 0; i < 6 * 4 * 100; i++) {
        uint8_t lanes[16];
        make_shuffle(i % 6, i / 6 % 4, &state, lanes);
        for (unsigned t = 0; t < X64_VTRIPLES; t++) {
            check_shuffle(&run, x64_vtriples[t], lanes);
        }
    }
    x64_run_clear(&run);
}

static void test_lanes(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned k = 0; k < 6 * 16 * 4; k++) {
        enum wj_shape shape = (enum wj_shape)(k % 6);
        unsigned lane = k / 6 % 16, high = k / 96 & 1, zero_extend = k / 192;
        if (lane >= 16 / oracle_lane_bytes(shape)) {
            continue;
        }
        bool is_float = oracle_is_float(shape);
        wj_reg scalar = is_float ? (high ? XMM10 : XMM5) : high ? R12 : RSI;
        wj_reg out = is_float ? (high ? XMM13 : XMM0) : high ? R13 : RDI;
        wj_reg a = high ? XMM9 : XMM1, d = high ? XMM12 : XMM2, d2 = high ? XMM9 : XMM1;
        struct wj_masm *m = x64_run_begin(&run);
        masm_vextract(m, shape, zero_extend, lane, out, a);
        masm_vreplace(m, shape, lane, d, a, scalar);
        masm_vreplace(m, shape, lane, d2, a, scalar);
        masm_vsplat(m, shape, XMM7, scalar);
        x64_run_end(&run);
        const uint8_t *v = run.before.vec[a & 15];
        uint64_t old = oracle_lane(shape, v, lane), new = 0;
        if (oracle_lane_bytes(shape) <= 2 && !zero_extend) {
            old = (uint32_t) oracle_lane_s(shape, v, lane);
        }
        if (is_float) {
            memcpy(&new, run.before.vec[scalar & 15], 8);
        } else {
            run.before.gpr[scalar] =
                oracle_wrap(shape == SHAPE_I64X2 ? NUM_I64 : NUM_I32, run.before.gpr[scalar]);
            new = run.before.gpr[scalar];
        }
        x64_run_go(&run);
        enum wj_num num = is_float ? oracle_float_num(shape) : NUM_I64;
        assert_int_equal(x64_get(&run, num, out), old);
        uint8_t expected[16];
        memcpy(expected, v, 16);
        oracle_set_lane(shape, expected, lane, new);
        assert_memory_equal(run.after.vec[d & 15], expected, 16);
        assert_memory_equal(run.after.vec[d2 & 15], expected, 16);
        for (unsigned i = 0; i < 16 / oracle_lane_bytes(shape); i++) {
            oracle_set_lane(shape, expected, i, new);
        }
        assert_memory_equal(run.after.vec[7], expected, 16);
    }
    x64_run_clear(&run);
}

static void test_vcanon_vimm(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned i = 0; i < 200; i++) {
        enum wj_shape shape = i & 1 ? SHAPE_F64X2 : SHAPE_F32X4;
        uint8_t v[16], expected[16];
        oracle_vector(shape, i, v);
        if (i % 10 < 2) {
            memset(v, i % 10 ? 0xff : 0, 16);
        }
        struct wj_masm *m = x64_run_begin(&run);
        masm_mov_vimm(m, XMM10, v);
        masm_vcanon(m, shape, XMM3, XMM10);
        x64_run_end(&run);
        x64_run_go(&run);
        assert_memory_equal(run.after.vec[10], v, 16);
        for (unsigned k = 0; k < 16 / oracle_lane_bytes(shape); k++) {
            oracle_set_lane(shape, expected, k,
                            oracle_canon(oracle_float_num(shape), oracle_lane(shape, v, k)));
        }
        assert_memory_equal(run.after.vec[3], expected, 16);
    }
    x64_run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vun),   cmocka_unit_test(test_vbin),
        cmocka_unit_test(test_vtern), cmocka_unit_test(test_vshift),
        cmocka_unit_test(test_vtest), cmocka_unit_test(test_vshuffle),
        cmocka_unit_test(test_lanes), cmocka_unit_test(test_vcanon_vimm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
