// The vector operations of the specification in plain C, lane by lane. Relaxed operations are
// those of the deterministic profile.
#ifndef TESTS_UNIT_EMIT_ORACLE_SIMD_H
#define TESTS_UNIT_EMIT_ORACLE_SIMD_H

#include "oracle.h"

ORACLE unsigned oracle_lane_bytes(enum wj_shape shape)
{
    static const uint8_t bytes[] = {1, 2, 4, 8, 4, 8};
    return bytes[shape];
}

ORACLE bool oracle_is_float(enum wj_shape shape)
{
    return shape == SHAPE_F32X4 || shape == SHAPE_F64X2;
}

ORACLE enum wj_num oracle_float_num(enum wj_shape shape)
{
    return shape == SHAPE_F32X4 ? NUM_F32 : NUM_F64;
}

// Lane 0 comes first in memory, and so does the lowest byte of a lane, as on both machines. Sizes
// are constants here: exhaustive tests read lanes by the hundred million.
ORACLE uint64_t oracle_lane(enum wj_shape shape, const uint8_t v[16], unsigned i)
{
    uint64_t lane = 0;
    switch (oracle_lane_bytes(shape)) {
    case 1: return v[i];
    case 2: memcpy(&lane, v + i * 2, 2); break;
    case 4: memcpy(&lane, v + i * 4, 4); break;
    case 8: memcpy(&lane, v + i * 8, 8); break;
    }
    return lane;
}

ORACLE int64_t oracle_lane_s(enum wj_shape shape, const uint8_t v[16], unsigned i)
{
    unsigned unused = 64 - 8 * oracle_lane_bytes(shape);
    return (int64_t) (oracle_lane(shape, v, i) << unused) >> unused;
}

ORACLE void oracle_set_lane(enum wj_shape shape, uint8_t v[16], unsigned i, uint64_t lane)
{
    switch (oracle_lane_bytes(shape)) {
    case 1: v[i] = (uint8_t) lane; break;
    case 2: memcpy(v + i * 2, &lane, 2); break;
    case 4: memcpy(v + i * 4, &lane, 4); break;
    case 8: memcpy(v + i * 8, &lane, 8); break;
    }
}

ORACLE int64_t oracle_clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

ORACLE enum wj_shape oracle_narrower(enum wj_shape shape)
{
    return (enum wj_shape)(shape - 1);
}

// ---- One operand ------------------------------------------------------------------------------

ORACLE uint64_t oracle_vun_int(enum wj_vunop op, enum wj_shape shape, const uint8_t a[16],
                               unsigned i)
{
    int64_t s = oracle_lane_s(shape, a, i);
    uint64_t u = oracle_lane(shape, a, i);
    enum wj_shape from = shape == SHAPE_I8X16 ? shape : oracle_narrower(shape);
    unsigned half = 16 / oracle_lane_bytes(shape);
    enum wj_trap_kind trap;
    struct oracle_trunc t = {NUM_F32, NUM_I32, true, true};
    switch ((int) op) {
    case VUN_NOT: return ~u;
    case VUN_ABS: return s < 0 ? -(uint64_t) s : (uint64_t) s;
    case VUN_NEG: return -u;
    case VUN_POPCNT: return oracle_iun(IUN_POPCNT, NUM_I32, u);
    case VUN_EXTADD_PAIRWISE_S:
        return (uint64_t) (oracle_lane_s(from, a, 2 * i) + oracle_lane_s(from, a, 2 * i + 1));
    case VUN_EXTADD_PAIRWISE_U:
        return oracle_lane(from, a, 2 * i) + oracle_lane(from, a, 2 * i + 1);
    case VUN_EXTEND_LOW_S: return (uint64_t) oracle_lane_s(from, a, i);
    case VUN_EXTEND_HIGH_S: return (uint64_t) oracle_lane_s(from, a, i + half);
    case VUN_EXTEND_LOW_U: return oracle_lane(from, a, i);
    case VUN_EXTEND_HIGH_U: return oracle_lane(from, a, i + half);
    case VUN_TRUNC_SAT_S:
    case VUN_RELAXED_TRUNC_S: return oracle_trunc(t, u, &trap);
    case VUN_TRUNC_SAT_U:
    case VUN_RELAXED_TRUNC_U: t.is_signed = false; return oracle_trunc(t, u, &trap);
    case VUN_TRUNC_SAT_S_ZERO:
    case VUN_RELAXED_TRUNC_S_ZERO:
    case VUN_TRUNC_SAT_U_ZERO:
    case VUN_RELAXED_TRUNC_U_ZERO:
        t.from = NUM_F64;
        t.is_signed = op == VUN_TRUNC_SAT_S_ZERO || op == VUN_RELAXED_TRUNC_S_ZERO;
        return i >= 2 ? 0 : oracle_trunc(t, oracle_lane(SHAPE_F64X2, a, i), &trap);
    }
    return 0;
}

ORACLE uint64_t oracle_vun_float(enum wj_vunop op, enum wj_shape shape, const uint8_t a[16],
                                 unsigned i)
{
    enum wj_num num = oracle_float_num(shape);
    uint64_t u = oracle_lane(shape, a, i);
    enum wj_trap_kind trap;
    switch ((int) op) {
    case VUN_NOT: return ~u;
    case VUN_ABS: return oracle_fun(FUN_ABS, num, u);
    case VUN_NEG: return oracle_fun(FUN_NEG, num, u);
    case VUN_CEIL: return oracle_fun(FUN_CEIL, num, u);
    case VUN_FLOOR: return oracle_fun(FUN_FLOOR, num, u);
    case VUN_TRUNC: return oracle_fun(FUN_TRUNC, num, u);
    case VUN_NEAREST: return oracle_fun(FUN_NEAREST, num, u);
    case VUN_SQRT: return oracle_fun(FUN_SQRT, num, u);
    case VUN_CONVERT_S: return oracle_cvt(CVT_F32_CONVERT_I32_S, u, &trap);
    case VUN_CONVERT_U: return oracle_cvt(CVT_F32_CONVERT_I32_U, u, &trap);
    case VUN_CONVERT_LOW_S:
        return oracle_cvt(CVT_F64_CONVERT_I32_S, oracle_lane(SHAPE_I32X4, a, i), &trap);
    case VUN_CONVERT_LOW_U:
        return oracle_cvt(CVT_F64_CONVERT_I32_U, oracle_lane(SHAPE_I32X4, a, i), &trap);
    case VUN_DEMOTE_ZERO:
        return i >= 2 ? 0 : oracle_cvt(CVT_F32_DEMOTE_F64, oracle_lane(SHAPE_F64X2, a, i), &trap);
    case VUN_PROMOTE_LOW:
        return oracle_cvt(CVT_F64_PROMOTE_F32, oracle_lane(SHAPE_F32X4, a, i), &trap);
    }
    return 0;
}

ORACLE void oracle_vun(enum wj_vunop op, enum wj_shape shape, uint8_t out[16], const uint8_t a[16])
{
    uint8_t result[16];
    for (unsigned i = 0; i < 16 / oracle_lane_bytes(shape); i++) {
        oracle_set_lane(shape, result, i,
                        oracle_is_float(shape) ? oracle_vun_float(op, shape, a, i)
                                               : oracle_vun_int(op, shape, a, i));
    }
    memcpy(out, result, 16);
}

// Operands of conversions have another shape than the result.
ORACLE enum wj_shape oracle_vun_operand(enum wj_vunop op, enum wj_shape shape)
{
    switch ((int) op) {
    case VUN_TRUNC_SAT_S:
    case VUN_TRUNC_SAT_U:
    case VUN_RELAXED_TRUNC_S:
    case VUN_RELAXED_TRUNC_U:
    case VUN_PROMOTE_LOW: return SHAPE_F32X4;
    case VUN_TRUNC_SAT_S_ZERO:
    case VUN_TRUNC_SAT_U_ZERO:
    case VUN_RELAXED_TRUNC_S_ZERO:
    case VUN_RELAXED_TRUNC_U_ZERO:
    case VUN_DEMOTE_ZERO: return SHAPE_F64X2;
    case VUN_CONVERT_S:
    case VUN_CONVERT_U:
    case VUN_CONVERT_LOW_S:
    case VUN_CONVERT_LOW_U: return SHAPE_I32X4;
    }
    return shape;
}

// What a load from p gives: a number, or else the vector.
ORACLE uint64_t oracle_load(enum wj_load_op op, const uint8_t *p, uint8_t vector[16])
{
    uint64_t bits = oracle_lane(SHAPE_I64X2, p, 0);
    memset(vector, 0, 16);
    switch (op) {
    case LOAD_I32:
    case LOAD_F32:
    case LOAD_I64_32_U: return (uint32_t) bits;
    case LOAD_I64:
    case LOAD_F64: return bits;
    case LOAD_I32_8_S: return (uint32_t) (int8_t) bits;
    case LOAD_I32_8_U:
    case LOAD_I64_8_U: return (uint8_t) bits;
    case LOAD_I32_16_S: return (uint32_t) (int16_t) bits;
    case LOAD_I32_16_U:
    case LOAD_I64_16_U: return (uint16_t) bits;
    case LOAD_I64_8_S: return (uint64_t) (int8_t) bits;
    case LOAD_I64_16_S: return (uint64_t) (int16_t) bits;
    case LOAD_I64_32_S: return (uint64_t) (int32_t) bits;
    case LOAD_V128: memcpy(vector, p, 16); break;
    case LOAD_V128_8X8_S: oracle_vun(VUN_EXTEND_LOW_S, SHAPE_I16X8, vector, p); break;
    case LOAD_V128_8X8_U: oracle_vun(VUN_EXTEND_LOW_U, SHAPE_I16X8, vector, p); break;
    case LOAD_V128_16X4_S: oracle_vun(VUN_EXTEND_LOW_S, SHAPE_I32X4, vector, p); break;
    case LOAD_V128_16X4_U: oracle_vun(VUN_EXTEND_LOW_U, SHAPE_I32X4, vector, p); break;
    case LOAD_V128_32X2_S: oracle_vun(VUN_EXTEND_LOW_S, SHAPE_I64X2, vector, p); break;
    case LOAD_V128_32X2_U: oracle_vun(VUN_EXTEND_LOW_U, SHAPE_I64X2, vector, p); break;
    case LOAD_V128_8_SPLAT:
    case LOAD_V128_16_SPLAT:
    case LOAD_V128_32_SPLAT:
    case LOAD_V128_64_SPLAT: {
        enum wj_shape shape = (enum wj_shape)(op - LOAD_V128_8_SPLAT);
        for (unsigned i = 0; i < 16 / oracle_lane_bytes(shape); i++) {
            oracle_set_lane(shape, vector, i, bits);
        }
        break;
    }
    case LOAD_V128_32_ZERO: memcpy(vector, p, 4); break;
    case LOAD_V128_64_ZERO: memcpy(vector, p, 8); break;
    }
    return 0;
}

// The shapes that an operation exists for, as bits; the result's shape where they differ.
ORACLE unsigned oracle_vun_shapes(enum wj_vunop op)
{
    enum { B = 1, W = 2, D = 4, Q = 8, F = 16, G = 32 };
    switch (op) {
    case VUN_NOT: return B;
    case VUN_ABS:
    case VUN_NEG: return B | W | D | Q | F | G;
    case VUN_POPCNT: return B;
    case VUN_EXTADD_PAIRWISE_S:
    case VUN_EXTADD_PAIRWISE_U: return W | D;
    case VUN_EXTEND_LOW_S:
    case VUN_EXTEND_HIGH_S:
    case VUN_EXTEND_LOW_U:
    case VUN_EXTEND_HIGH_U: return W | D | Q;
    case VUN_CEIL:
    case VUN_FLOOR:
    case VUN_TRUNC:
    case VUN_NEAREST:
    case VUN_SQRT: return F | G;
    case VUN_TRUNC_SAT_S:
    case VUN_TRUNC_SAT_U:
    case VUN_TRUNC_SAT_S_ZERO:
    case VUN_TRUNC_SAT_U_ZERO:
    case VUN_RELAXED_TRUNC_S:
    case VUN_RELAXED_TRUNC_U:
    case VUN_RELAXED_TRUNC_S_ZERO:
    case VUN_RELAXED_TRUNC_U_ZERO: return D;
    case VUN_CONVERT_S:
    case VUN_CONVERT_U:
    case VUN_DEMOTE_ZERO: return F;
    case VUN_CONVERT_LOW_S:
    case VUN_CONVERT_LOW_U:
    case VUN_PROMOTE_LOW: return G;
    }
    return 0;
}

// ---- Two operands -----------------------------------------------------------------------------

ORACLE int64_t oracle_q15mulr(int64_t a, int64_t b)
{
    return oracle_clamp((a * b + 0x4000) >> 15, INT16_MIN, INT16_MAX);
}

ORACLE uint64_t oracle_vcompare(enum wj_vbinop op, int64_t sa, int64_t sb, uint64_t a, uint64_t b)
{
    bool result = false;
    switch ((int) op) {
    case VBIN_EQ: result = a == b; break;
    case VBIN_NE: result = a != b; break;
    case VBIN_LT_S: result = sa < sb; break;
    case VBIN_LT_U: result = a < b; break;
    case VBIN_GT_S: result = sa > sb; break;
    case VBIN_GT_U: result = a > b; break;
    case VBIN_LE_S: result = sa <= sb; break;
    case VBIN_LE_U: result = a <= b; break;
    case VBIN_GE_S: result = sa >= sb; break;
    case VBIN_GE_U: result = a >= b; break;
    }
    return result ? UINT64_MAX : 0;
}

// Operations whose lane i of the result comes from the lanes i of the operands.
ORACLE uint64_t oracle_vbin_lane(enum wj_vbinop op, enum wj_shape shape, const uint8_t a[16],
                                 const uint8_t b[16], unsigned i)
{
    int64_t sx = oracle_lane_s(shape, a, i), sy = oracle_lane_s(shape, b, i);
    uint64_t x = oracle_lane(shape, a, i), y = oracle_lane(shape, b, i);
    unsigned bits = 8 * oracle_lane_bytes(shape);
    int64_t s_max = bits >= 32 ? 0 : ((int64_t) 1 << (bits - 1)) - 1, s_min = -s_max - 1;
    int64_t u_max = 2 * s_max + 1;
    switch ((int) op) {
    case VBIN_AND: return x & y;
    case VBIN_ANDNOT: return x & ~y;
    case VBIN_OR: return x | y;
    case VBIN_XOR: return x ^ y;
    case VBIN_ADD: return x + y;
    case VBIN_SUB: return x - y;
    case VBIN_MUL: return x * y;
    case VBIN_ADD_SAT_S: return (uint64_t) oracle_clamp(sx + sy, s_min, s_max);
    case VBIN_ADD_SAT_U: return (uint64_t) oracle_clamp((int64_t) (x + y), 0, u_max);
    case VBIN_SUB_SAT_S: return (uint64_t) oracle_clamp(sx - sy, s_min, s_max);
    case VBIN_SUB_SAT_U: return (uint64_t) oracle_clamp((int64_t) (x - y), 0, u_max);
    case VBIN_MIN_S: return sx < sy ? x : y;
    case VBIN_MIN_U: return x < y ? x : y;
    case VBIN_MAX_S: return sx > sy ? x : y;
    case VBIN_MAX_U: return x > y ? x : y;
    case VBIN_AVGR_U: return (x + y + 1) / 2;
    case VBIN_Q15MULR_SAT_S:
    case VBIN_RELAXED_Q15MULR_S: return (uint64_t) oracle_q15mulr(sx, sy);
    case VBIN_SWIZZLE:
    case VBIN_RELAXED_SWIZZLE: return y < 16 ? a[y] : 0;
    }
    return oracle_vcompare(op, sx, sy, x, y);
}

// Operations that change the lanes' width.
ORACLE uint64_t oracle_vbin_mixed(enum wj_vbinop op, enum wj_shape shape, const uint8_t a[16],
                                  const uint8_t b[16], unsigned i)
{
    unsigned count = 16 / oracle_lane_bytes(shape);
    enum wj_shape narrow = oracle_narrower(shape), wide = (enum wj_shape)(shape + 1);
    int64_t max = (int64_t) (((uint64_t) 1 << (8 * oracle_lane_bytes(shape) - 1)) - 1);
    switch ((int) op) {
    case VBIN_NARROW_S:
    case VBIN_NARROW_U: {
        int64_t lane =
            i < count / 2 ? oracle_lane_s(wide, a, i) : oracle_lane_s(wide, b, i - count / 2);
        return (uint64_t) (op == VBIN_NARROW_S ? oracle_clamp(lane, -max - 1, max)
                                               : oracle_clamp(lane, 0, 2 * max + 1));
    }
    case VBIN_DOT:
    case VBIN_RELAXED_DOT: {
        int64_t sum = oracle_lane_s(narrow, a, 2 * i) * oracle_lane_s(narrow, b, 2 * i) +
                      oracle_lane_s(narrow, a, 2 * i + 1) * oracle_lane_s(narrow, b, 2 * i + 1);
        // The relaxed one saturates (numerics, ivdot_sat).
        return (uint64_t) (op == VBIN_DOT ? sum : oracle_clamp(sum, INT16_MIN, INT16_MAX));
    }
    case VBIN_EXTMUL_LOW_S:
        return (uint64_t) (oracle_lane_s(narrow, a, i) * oracle_lane_s(narrow, b, i));
    case VBIN_EXTMUL_HIGH_S:
        return (uint64_t) (oracle_lane_s(narrow, a, i + count) *
                           oracle_lane_s(narrow, b, i + count));
    case VBIN_EXTMUL_LOW_U: return oracle_lane(narrow, a, i) * oracle_lane(narrow, b, i);
    }
    return oracle_lane(narrow, a, i + count) * oracle_lane(narrow, b, i + count);
}

ORACLE uint64_t oracle_vbin_float(enum wj_vbinop op, enum wj_num num, uint64_t x, uint64_t y)
{
    double a = oracle_value(num, x), b = oracle_value(num, y);
    switch ((int) op) {
    case VBIN_ADD: return oracle_fbin(FBIN_ADD, num, x, y);
    case VBIN_SUB: return oracle_fbin(FBIN_SUB, num, x, y);
    case VBIN_MUL: return oracle_fbin(FBIN_MUL, num, x, y);
    case VBIN_DIV: return oracle_fbin(FBIN_DIV, num, x, y);
    case VBIN_MIN:
    case VBIN_RELAXED_MIN: return oracle_fbin(FBIN_MIN, num, x, y);
    case VBIN_MAX:
    case VBIN_RELAXED_MAX: return oracle_fbin(FBIN_MAX, num, x, y);
    case VBIN_PMIN: return b < a ? y : x;
    case VBIN_PMAX: return a < b ? y : x;
    case VBIN_EQ: return a == b ? UINT64_MAX : 0;
    case VBIN_NE: return a != b ? UINT64_MAX : 0;
    case VBIN_LT_S: return a < b ? UINT64_MAX : 0;
    case VBIN_GT_S: return a > b ? UINT64_MAX : 0;
    case VBIN_LE_S: return a <= b ? UINT64_MAX : 0;
    case VBIN_GE_S: return a >= b ? UINT64_MAX : 0;
    }
    return 0;
}

ORACLE bool oracle_vbin_is_mixed(enum wj_vbinop op)
{
    return op == VBIN_NARROW_S || op == VBIN_NARROW_U || op == VBIN_DOT || op == VBIN_RELAXED_DOT ||
           (op >= VBIN_EXTMUL_LOW_S && op <= VBIN_EXTMUL_HIGH_U);
}

ORACLE void oracle_vbin(enum wj_vbinop op, enum wj_shape shape, uint8_t out[16],
                        const uint8_t a[16], const uint8_t b[16])
{
    uint8_t result[16];
    for (unsigned i = 0; i < 16 / oracle_lane_bytes(shape); i++) {
        uint64_t lane = oracle_is_float(shape)
                            ? oracle_vbin_float(op, oracle_float_num(shape),
                                                oracle_lane(shape, a, i), oracle_lane(shape, b, i))
                        : oracle_vbin_is_mixed(op) ? oracle_vbin_mixed(op, shape, a, b, i)
                                                   : oracle_vbin_lane(op, shape, a, b, i);
        oracle_set_lane(shape, result, i, lane);
    }
    memcpy(out, result, 16);
}

ORACLE unsigned oracle_vbin_shapes(enum wj_vbinop op)
{
    enum { B = 1, W = 2, D = 4, Q = 8, F = 16, G = 32 };
    switch (op) {
    case VBIN_AND:
    case VBIN_ANDNOT:
    case VBIN_OR:
    case VBIN_XOR: return B;
    case VBIN_ADD:
    case VBIN_SUB: return B | W | D | Q | F | G;
    case VBIN_MUL: return W | D | Q | F | G;
    case VBIN_ADD_SAT_S:
    case VBIN_ADD_SAT_U:
    case VBIN_SUB_SAT_S:
    case VBIN_SUB_SAT_U: return B | W;
    case VBIN_MIN_S:
    case VBIN_MIN_U:
    case VBIN_MAX_S:
    case VBIN_MAX_U: return B | W | D;
    case VBIN_AVGR_U:
    case VBIN_NARROW_S:
    case VBIN_NARROW_U: return B | W;
    case VBIN_DOT: return D;
    case VBIN_Q15MULR_SAT_S:
    case VBIN_RELAXED_Q15MULR_S:
    case VBIN_RELAXED_DOT: return W;
    case VBIN_EXTMUL_LOW_S:
    case VBIN_EXTMUL_HIGH_S:
    case VBIN_EXTMUL_LOW_U:
    case VBIN_EXTMUL_HIGH_U: return W | D | Q;
    case VBIN_SWIZZLE:
    case VBIN_RELAXED_SWIZZLE: return B;
    case VBIN_DIV:
    case VBIN_MIN:
    case VBIN_MAX:
    case VBIN_PMIN:
    case VBIN_PMAX:
    case VBIN_RELAXED_MIN:
    case VBIN_RELAXED_MAX: return F | G;
    case VBIN_EQ:
    case VBIN_NE:
    case VBIN_LT_S:
    case VBIN_GT_S:
    case VBIN_LE_S:
    case VBIN_GE_S: return B | W | D | Q | F | G;
    case VBIN_LT_U:
    case VBIN_GT_U:
    case VBIN_LE_U:
    case VBIN_GE_U: return B | W | D;
    }
    return 0;
}

// ---- Three operands, shifts, tests ------------------------------------------------------------

ORACLE uint64_t oracle_madd(bool is_negated, enum wj_num num, uint64_t a, uint64_t b, uint64_t c)
{
    if (oracle_is_nan(num, a) || oracle_is_nan(num, b) || oracle_is_nan(num, c)) {
        return oracle_format(num).canonical;
    }
    if (is_negated) {
        a ^= oracle_format(num).sign;
    }
    return oracle_fbin(FBIN_ADD, num, oracle_fbin(FBIN_MUL, num, a, b), c);
}

ORACLE void oracle_vtern(enum wj_vternop op, enum wj_shape shape, uint8_t out[16],
                         const uint8_t a[16], const uint8_t b[16], const uint8_t c[16])
{
    uint8_t result[16], dot[16];
    oracle_vbin(VBIN_RELAXED_DOT, SHAPE_I16X8, dot, a, b);
    for (unsigned i = 0; i < 16 / oracle_lane_bytes(shape); i++) {
        uint64_t x = oracle_lane(shape, a, i), y = oracle_lane(shape, b, i);
        uint64_t z = oracle_lane(shape, c, i), lane = 0;
        switch (op) {
        case VTERN_BITSELECT:
        case VTERN_RELAXED_LANESELECT: lane = (x & z) | (y & ~z); break;
        case VTERN_RELAXED_MADD:
        case VTERN_RELAXED_NMADD:
            lane = oracle_madd(op == VTERN_RELAXED_NMADD, oracle_float_num(shape), x, y, z);
            break;
        case VTERN_RELAXED_DOT_ADD:
            lane = (uint64_t) (oracle_lane_s(SHAPE_I16X8, dot, 2 * i) +
                               oracle_lane_s(SHAPE_I16X8, dot, 2 * i + 1)) +
                   z;
            break;
        }
        oracle_set_lane(shape, result, i, lane);
    }
    memcpy(out, result, 16);
}

ORACLE unsigned oracle_vtern_shapes(enum wj_vternop op)
{
    return op == VTERN_BITSELECT            ? 1
           : op == VTERN_RELAXED_LANESELECT ? 15
           : op == VTERN_RELAXED_DOT_ADD    ? 4
                                            : 48;
}

ORACLE void oracle_vshift(enum wj_vshift op, enum wj_shape shape, uint8_t out[16],
                          const uint8_t a[16], uint32_t count)
{
    unsigned n = count & (8 * oracle_lane_bytes(shape) - 1);
    uint8_t result[16];
    for (unsigned i = 0; i < 16 / oracle_lane_bytes(shape); i++) {
        uint64_t x = oracle_lane(shape, a, i);
        oracle_set_lane(shape, result, i,
                        op == VSHIFT_SHL     ? x << n
                        : op == VSHIFT_SHR_U ? x >> n
                                             : (uint64_t) (oracle_lane_s(shape, a, i) >> n));
    }
    memcpy(out, result, 16);
}

ORACLE uint32_t oracle_vtest(enum wj_vtest op, enum wj_shape shape, const uint8_t a[16])
{
    uint32_t any = 0, all = 1, mask = 0;
    for (unsigned i = 0; i < 16 / oracle_lane_bytes(shape); i++) {
        bool is_set = oracle_lane(shape, a, i) != 0;
        any |= is_set;
        all &= is_set;
        mask |= (uint32_t) (oracle_lane_s(shape, a, i) < 0) << i;
    }
    return op == VTEST_ANY_TRUE ? any : op == VTEST_ALL_TRUE ? all : mask;
}

// Whether a vector of the shape is a right result: floats as arithmetic allows when is_arithmetic.
ORACLE bool oracle_vector_matches(enum wj_shape shape, bool is_arithmetic,
                                  const uint8_t expected[16], const uint8_t actual[16])
{
    if (!is_arithmetic || !oracle_is_float(shape)) {
        return memcmp(expected, actual, 16) == 0;
    }
    for (unsigned i = 0; i < 16 / oracle_lane_bytes(shape); i++) {
        if (!oracle_float_matches(oracle_float_num(shape), oracle_lane(shape, expected, i),
                                  oracle_lane(shape, actual, i), false)) {
            return false;
        }
    }
    return true;
}

// The i-th vector worth trying: edges of the shape's lanes in changing places, then random bits.
ORACLE void oracle_vector(enum wj_shape shape, unsigned i, uint8_t v[16])
{
    static const uint64_t edges[] = {
        0,
        1,
        0x7f,
        0x80,
        0x81,
        0xff,
        0x7fff,
        0x8000,
        0x8001,
        0xffff,
        0x7fffffff,
        0x80000000,
        0xffffffff,
        0x7fffffffffffffff,
        0x8000000000000000,
        0xffffffffffffffff,
        2,
        15,
        16,
        17,
    };
    enum { EDGES = sizeof edges / sizeof edges[0] };
    unsigned bytes = oracle_lane_bytes(shape), count = 16 / bytes;
    uint64_t state = i * 77u + (unsigned) shape;
    for (unsigned k = 0; k < count; k++) {
        uint64_t r = oracle_random(&state);
        uint64_t lane = r;
        if (shape == SHAPE_F32X4) {
            lane = i % 8 == 7 ? r : ORACLE_F32S[(i * 4 + k * 7 + r % 3) % ORACLE_F32_COUNT];
        } else if (shape == SHAPE_F64X2) {
            lane = i % 8 == 7 ? r : ORACLE_F64S[(i * 2 + k * 7 + r % 3) % ORACLE_F64_COUNT];
        } else if (i % 4 != 3) {
            lane = edges[r % EDGES];
        }
        oracle_set_lane(shape, v, k, lane);
    }
}

#endif
