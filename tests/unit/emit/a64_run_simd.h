// Vector verbs against the oracle.
#ifndef TESTS_EMIT_A64_RUN_SIMD_H
#define TESTS_EMIT_A64_RUN_SIMD_H

#include "a64_harness.h"
#include "oracle_simd.h"

enum { VECTORS = 40 };

static void print_vectors(const uint8_t *expected, const uint8_t *got)
{
    for (unsigned i = 0; i < 16 && harness.failures < 60; i++) {
        printf("%02x/%02x ", got[i], expected[i]);
    }
    printf("(got/wanted)\n");
}

static void check_vector(const char *what, int op, enum wj_shape shape, bool is_arithmetic,
                         const uint8_t expected[16], const uint8_t got[16])
{
    harness.checks++;
    bool is_loose = is_arithmetic && !harness.has_default_nan;
    if (!oracle_vector_matches(shape, is_loose, expected, got)) {
        fail("%s op %d shape %d", what, op, shape);
        print_vectors(expected, got);
    }
}

static void test_vun_op(int op, enum wj_shape shape, uint8_t d)
{
    bool is_arithmetic = op != VUN_NOT && op != VUN_ABS && op != VUN_NEG;
    struct code_case c;
    masm_vun(case_begin(&c), op, shape, WJ_VREG(d), WJ_VREG(3));
    case_end(&c);
    for (unsigned i = 0; i < 4 * VECTORS; i++) {
        struct io io;
        uint8_t a[16], expected[16];
        io_fill(&io);
        oracle_vector(oracle_vun_operand((enum wj_vunop) op, shape), i, a);
        memcpy(&io.in.v[3], a, 16);
        oracle_vun((enum wj_vunop) op, shape, expected, a);
        case_run(&c, &io);
        check_vector("vun", op, shape, is_arithmetic, expected, io.out.v[d].u8);
        check_unchanged(&io, WJ_VREG(d), WJ_REG_NONE, "vun");
    }
    case_clear(&c);
}

static void test_vun(void)
{
    for (int op = VUN_NOT; op <= VUN_RELAXED_TRUNC_U_ZERO; op++) {
        for (int shape = SHAPE_I8X16; shape <= SHAPE_F64X2; shape++) {
            if ((oracle_vun_shapes((enum wj_vunop) op) >> shape & 1) != 0) {
                test_vun_op(op, (enum wj_shape) shape, 2);
                test_vun_op(op, (enum wj_shape) shape, 3);
            }
        }
    }
}

enum source { FROM_REGISTER, FROM_SLOT, FROM_MEMORY };

static void test_vbin_op(int op, enum wj_shape shape, struct alias alias, enum source source)
{
    bool is_arithmetic = op < VBIN_EQ || op > VBIN_GE_U;
    is_arithmetic = is_arithmetic && op != VBIN_PMIN && op != VBIN_PMAX;
    struct code_case c;
    struct wj_masm *m = case_begin(&c);
    wj_reg d = WJ_VREG(alias.d), a = WJ_VREG(alias.a);
    struct wj_slot slot = {IO_BASE, (int32_t) offsetof(struct io, in.v[4])};
    if (source == FROM_SLOT) {
        masm_vbin_slot(m, op, shape, d, a, slot);
    } else if (source == FROM_MEMORY) {
        struct wj_addr address = {IO_BASE, WJ_REG_NONE, (uint64_t) slot.disp};
        masm_vbin_addr(m, op, shape, d, a, address);
    } else {
        masm_vbin(m, op, shape, d, a, WJ_VREG(alias.b));
    }
    case_end(&c);
    for (unsigned i = 0; i < VECTORS * VECTORS / 4; i++) {
        struct io io;
        uint8_t x[16] = {0}, y[16] = {0}, expected[16];
        io_fill(&io);
        oracle_vector(shape, i % VECTORS, x);
        oracle_vector(shape, i * 7 / VECTORS, y);
        if (op == VBIN_SWIZZLE || op == VBIN_RELAXED_SWIZZLE) {
            y[i % 16] = (uint8_t) (i * 5 % 20);
        }
        memcpy(&io.in.v[alias.b], y, 16);
        memcpy(&io.in.v[alias.a], x, 16);
        oracle_vbin((enum wj_vbinop) op, shape, expected, x, alias.a == alias.b ? x : y);
        case_run(&c, &io);
        check_vector("vbin", op, shape, is_arithmetic, expected, io.out.v[alias.d].u8);
        check_unchanged(&io, d, WJ_REG_NONE, "vbin");
    }
    case_clear(&c);
}

static void test_vbin(void)
{
    for (int op = VBIN_AND; op <= VBIN_RELAXED_DOT; op++) {
        for (int shape = SHAPE_I8X16; shape <= SHAPE_F64X2; shape++) {
            if ((oracle_vbin_shapes((enum wj_vbinop) op) >> shape & 1) == 0) {
                continue;
            }
            for (unsigned i = 0; i < ALIAS_COUNT; i++) {
                test_vbin_op(op, (enum wj_shape) shape, ALIASES[i], FROM_REGISTER);
            }
            if (masm_vbin_takes_mem(op, shape)) {
                test_vbin_op(op, (enum wj_shape) shape, ALIASES[0], FROM_SLOT);
                test_vbin_op(op, (enum wj_shape) shape, ALIASES[1], FROM_MEMORY);
            }
        }
    }
}

static void test_vtern(void)
{
    static const uint8_t places[][4] = {
        {2, 3, 4, 5}, {3, 3, 4, 5}, {3, 3, 4, 3}, {3, 3, 3, 5}, {3, 3, 3, 3}, {2, 4, 4, 4},
    };
    for (int n = 0; n < 5 * 6 * 6; n++) {
        enum wj_vternop op = (enum wj_vternop)(n / 36);
        enum wj_shape shape = (enum wj_shape)(n / 6 % 6);
        const uint8_t *p = places[n % 6];
        if ((oracle_vtern_shapes(op) >> shape & 1) == 0) {
            continue;
        }
        struct code_case c;
        masm_vtern(case_begin(&c), op, shape, WJ_VREG(p[0]), WJ_VREG(p[1]), WJ_VREG(p[2]),
                   WJ_VREG(p[3]));
        case_end(&c);
        for (unsigned i = 0; i < 300; i++) {
            struct io io;
            uint8_t expected[16];
            io_fill(&io);
            enum wj_shape bytes = op == VTERN_RELAXED_DOT_ADD ? SHAPE_I8X16 : shape;
            oracle_vector(bytes, i, io.in.v[3].u8);
            oracle_vector(bytes, i * 3 + 1, io.in.v[4].u8);
            oracle_vector(shape, i * 5 + 2, io.in.v[5].u8);
            oracle_vtern(op, shape, expected, io.in.v[p[1]].u8, io.in.v[p[2]].u8, io.in.v[p[3]].u8);
            case_run(&c, &io);
            check_vector("vtern", (int) op, shape, true, expected, io.out.v[p[0]].u8);
            check_unchanged(&io, WJ_VREG(p[0]), WJ_REG_NONE, "vtern");
        }
        case_clear(&c);
    }
}

static void test_vshift(void)
{
    static const uint32_t counts[] = {0,  1,  3,  7,  8,   9,   15,  16,  17,         31,        32,
                                      33, 63, 64, 65, 127, 128, 255, 256, 0x80000000, UINT32_MAX};
    for (unsigned n = 0; n < 3 * 4 * 2; n++) {
        enum wj_vshift op = (enum wj_vshift)(n / 8);
        enum wj_shape shape = (enum wj_shape)(n / 2 % 4);
        wj_reg d = n & 1 ? 3 : 2;
        for (unsigned k = 0; k < sizeof counts / sizeof counts[0]; k++) {
            struct code_case c;
            struct wj_masm *m = case_begin(&c);
            masm_vshift_imm(m, op, shape, WJ_VREG(16), WJ_VREG(3), counts[k]);
            masm_vshift(m, op, shape, WJ_VREG(d), WJ_VREG(3), 5);
            case_end(&c);
            for (unsigned i = 0; i < VECTORS; i++) {
                struct io io;
                uint8_t expected[16];
                io_fill(&io);
                io.in.x[5] = counts[k];
                oracle_vector(shape, i, io.in.v[3].u8);
                oracle_vshift(op, shape, expected, io.in.v[3].u8, counts[k]);
                case_run(&c, &io);
                check_vector("vshift", (int) op, shape, false, expected, io.out.v[d].u8);
                check_vector("vshift_imm", (int) op, shape, false, expected, io.out.v[16].u8);
                check_unchanged(&io, WJ_VREG(d), WJ_VREG(16), "vshift");
            }
            case_clear(&c);
        }
    }
}

static void test_vtest(void)
{
    for (int n = 0; n < 3 * 4; n++) {
        enum wj_vtest op = (enum wj_vtest)(n / 4);
        enum wj_shape shape = (enum wj_shape)(n % 4);
        struct code_case c;
        masm_vtest(case_begin(&c), op, shape, 5, WJ_VREG(3));
        case_end(&c);
        for (unsigned i = 0; i < 300; i++) {
            struct io io;
            io_fill(&io);
            oracle_vector(shape, i, io.in.v[3].u8);
            if (i >= 200) {
                memset(&io.in.v[3], i & 1 ? 0xff : 0, 16);
                io.in.v[3].u8[i / 2 % 16] ^= (uint8_t) (i % 3 == 0 ? 0 : i);
            }
            uint32_t expected = oracle_vtest(op, shape, io.in.v[3].u8);
            case_run(&c, &io);
            harness.checks++;
            if (io.out.x[5] != expected) {
                fail("vtest %d shape %d: %llx, wanted %x", (int) op, (int) shape,
                     (unsigned long long) io.out.x[5], expected);
            }
            check_unchanged(&io, 5, WJ_REG_NONE, "vtest");
        }
        case_clear(&c);
    }
}

static void test_lanes_of(enum wj_shape shape, unsigned lane)
{
    bool is_float = oracle_is_float(shape);
    wj_reg scalar = is_float ? WJ_VREG(6) : 6;
    wj_reg s_out = is_float ? WJ_VREG(7) : 7, u_out = is_float ? WJ_VREG(16) : 8;
    struct code_case c;
    struct wj_masm *m = case_begin(&c);
    masm_vextract(m, shape, false, lane, s_out, WJ_VREG(3));
    masm_vextract(m, shape, true, lane, u_out, WJ_VREG(3));
    masm_vreplace(m, shape, lane, WJ_VREG(4), WJ_VREG(3), scalar);
    masm_vreplace(m, shape, lane, WJ_VREG(3), WJ_VREG(3), scalar);
    masm_vsplat(m, shape, WJ_VREG(5), scalar);
    case_end(&c);
    for (unsigned i = 0; i < VECTORS; i++) {
        struct io io;
        uint8_t expected[16];
        io_fill(&io);
        oracle_vector(shape, i, io.in.v[3].u8);
        uint64_t value = oracle_lane(shape, io.in.v[3].u8, lane);
        uint64_t signed_value = (uint64_t) oracle_lane_s(shape, io.in.v[3].u8, lane);
        case_run(&c, &io);
        if (is_float) {
            check(oracle_lane(shape, io.out.v[7].u8, 0) == value, "vextract of floats");
        } else {
            signed_value = shape == SHAPE_I64X2 ? signed_value : (uint32_t) signed_value;
            check(io.out.x[7] == signed_value, "vextract, signed");
            check(io.out.x[8] == value, "vextract");
        }
        uint64_t replacement = is_float ? io.in.v[6].u64[0] : io.in.x[6];
        memcpy(expected, &io.in.v[3], 16);
        oracle_set_lane(shape, expected, lane, replacement);
        check_vector("vreplace", (int) lane, shape, false, expected, io.out.v[3].u8);
        check_vector("vreplace", (int) lane, shape, false, expected, io.out.v[4].u8);
        for (unsigned k = 0; k < 16 / oracle_lane_bytes(shape); k++) {
            oracle_set_lane(shape, expected, k, replacement);
        }
        check_vector("vsplat", 0, shape, false, expected, io.out.v[5].u8);
    }
    case_clear(&c);
}

static void test_lanes(void)
{
    for (int shape = SHAPE_I8X16; shape <= SHAPE_F64X2; shape++) {
        for (unsigned lane = 0; lane < 16 / oracle_lane_bytes((enum wj_shape) shape); lane++) {
            test_lanes_of((enum wj_shape) shape, lane);
        }
    }
}

static void test_shuffle_of(const uint8_t lanes[16])
{
    for (unsigned i = 0; i < ALIAS_COUNT; i++) {
        const struct alias *p = &ALIASES[i];
        struct code_case c;
        masm_vshuffle(case_begin(&c), WJ_VREG(p->d), WJ_VREG(p->a), WJ_VREG(p->b), lanes);
        case_end(&c);
        struct io io;
        io_fill(&io);
        uint8_t expected[16];
        for (unsigned k = 0; k < 16; k++) {
            wj_reg from = lanes[k] < 16 ? p->a : p->b;
            expected[k] = io.in.v[from].u8[lanes[k] & 15];
        }
        case_run(&c, &io);
        check_vector("vshuffle", (int) i, SHAPE_I8X16, false, expected, io.out.v[p->d].u8);
        check_unchanged(&io, WJ_VREG(p->d), WJ_REG_NONE, "vshuffle");
        case_clear(&c);
    }
}

static void test_shuffle(void)
{
    uint8_t lanes[16];
    uint64_t state = 9;
    for (unsigned n = 0; n < 60; n++) {
        for (unsigned k = 0; k < 16; k++) {
            lanes[k] = (uint8_t) (oracle_random(&state) % (n % 3 == 0 ? 32 : 16));
            lanes[k] += n % 3 == 1 ? 16 : 0;
        }
        test_shuffle_of(lanes);
    }
    for (unsigned start = 0; start <= 16; start++) { // ext, moves
        for (unsigned k = 0; k < 16; k++) {
            lanes[k] = (uint8_t) (start + k) & 31;
        }
        test_shuffle_of(lanes);
    }
    for (unsigned log2 = 0; log2 < 4; log2++) { // dup and the permutations
        unsigned bytes = 1u << log2, count = 16 / bytes;
        for (unsigned kind = 0; kind < 6 + 2 * count; kind++) {
            for (unsigned k = 0; k < 16; k++) {
                unsigned e = k / bytes, from = kind - 6;
                switch (kind) {
                case 0: from = e / 2 + e % 2 * count; break;
                case 1: from = e / 2 + count / 2 + e % 2 * count; break;
                case 2: from = 2 * e; break;
                case 3: from = 2 * e + 1; break;
                case 4: from = e - e % 2 + e % 2 * count; break;
                case 5: from = e - e % 2 + 1 + e % 2 * count; break;
                }
                lanes[k] = (uint8_t) (from * bytes + k % bytes);
            }
            test_shuffle_of(lanes);
        }
    }
}

#endif
