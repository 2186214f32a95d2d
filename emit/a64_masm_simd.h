// AArch64 verbs on v128: tables of the operations that are one instruction, functions for the rest.
#ifndef EMIT_A64_MASM_SIMD_H
#define EMIT_A64_MASM_SIMD_H

#include "emit/a64_masm_int.h"
#include "emit/a64_masm_mem.h"

// An operation that is one instruction. A word of zero: there is none for these lanes.
struct a64_vector_row {
    uint32_t ints;
    uint32_t floats;
    enum a64_row_form {
        A64_LANES,   // the size field is that of the shape
        A64_HALF,    // of lanes half as wide
        A64_BITS,    // no size field
        A64_SHIFTED, // a shift by zero of lanes half as wide
    } form;
    bool is_swapped;  // operands the other way round
    bool is_inverted; // followed by not
};

static inline bool a64_is_float_shape(enum wj_shape shape)
{
    return shape >= SHAPE_F32X4;
}

// The instruction with its size field.
static inline uint32_t a64_vector_word(const struct a64_vector_row *row, enum wj_shape shape)
{
    if (row->form == A64_BITS) {
        return row->ints;
    }
    if (a64_is_float_shape(shape)) {
        return row->floats | a64_lane_ft(shape);
    }
    unsigned lane_log2 = a64_lane_log2(shape);
    if (row->form == A64_SHIFTED) {
        return row->ints ^ a64_shift_left(lane_log2 - 1, 0);
    }
    return row->ints | (uint32_t) (row->form == A64_HALF ? lane_log2 - 1 : lane_log2) << 22;
}

static inline bool a64_has_row(const struct a64_vector_row *row, enum wj_shape shape)
{
    bool is_int = row->form == A64_BITS || !a64_is_float_shape(shape);
    return (is_int ? row->ints : row->floats) != 0;
}

// ---- One operand --------------------------------------------------------------------------------

// clang-format off
static const struct a64_vector_row A64_VUN[] __attribute__((unused)) = {
    [VUN_NOT]               = {A64_NOT_V,  0,            A64_BITS,    false, false},
    [VUN_ABS]               = {A64_ABS_V,  A64_FABS_V,   A64_LANES,   false, false},
    [VUN_NEG]               = {A64_NEG_V,  A64_FNEG_V,   A64_LANES,   false, false},
    [VUN_POPCNT]            = {A64_CNT,    0,            A64_BITS,    false, false},
    [VUN_EXTADD_PAIRWISE_S] = {A64_SADDLP, 0,            A64_HALF,    false, false},
    [VUN_EXTADD_PAIRWISE_U] = {A64_UADDLP, 0,            A64_HALF,    false, false},
    [VUN_EXTEND_LOW_S]      = {A64_SSHLL,  0,            A64_SHIFTED, false, false},
    [VUN_EXTEND_HIGH_S]     = {A64_SSHLL2, 0,            A64_SHIFTED, false, false},
    [VUN_EXTEND_LOW_U]      = {A64_USHLL,  0,            A64_SHIFTED, false, false},
    [VUN_EXTEND_HIGH_U]     = {A64_USHLL2, 0,            A64_SHIFTED, false, false},
    [VUN_CEIL]              = {0,          A64_FRINTP_V, A64_LANES,   false, false},
    [VUN_FLOOR]             = {0,          A64_FRINTM_V, A64_LANES,   false, false},
    [VUN_TRUNC]             = {0,          A64_FRINTZ_V, A64_LANES,   false, false},
    [VUN_NEAREST]           = {0,          A64_FRINTN_V, A64_LANES,   false, false},
    [VUN_SQRT]              = {0,          A64_FSQRT_V,  A64_LANES,   false, false},
    // Of the next, all lanes are 4s in the instruction, whichever shape names the operation.
    [VUN_TRUNC_SAT_S]       = {A64_FCVTZS_V, 0,          A64_BITS,    false, false},
    [VUN_TRUNC_SAT_U]       = {A64_FCVTZU_V, 0,          A64_BITS,    false, false},
    [VUN_CONVERT_S]         = {A64_SCVTF_V,  0,          A64_BITS,    false, false},
    [VUN_CONVERT_U]         = {A64_UCVTF_V,  0,          A64_BITS,    false, false},
    [VUN_DEMOTE_ZERO]       = {A64_FCVTN,    0,          A64_BITS,    false, false},
    [VUN_PROMOTE_LOW]       = {A64_FCVTL,    0,          A64_BITS,    false, false},
    [VUN_RELAXED_TRUNC_S]   = {A64_FCVTZS_V, 0,          A64_BITS,    false, false},
    [VUN_RELAXED_TRUNC_U]   = {A64_FCVTZU_V, 0,          A64_BITS,    false, false},
    [VUN_RELAXED_TRUNC_U_ZERO] = {0,         0,          A64_BITS,    false, false},
};
// clang-format on

// From and to f64x2 by way of 64-bit integers.
static inline void a64_vun_f64(struct wj_masm *m, enum wj_vunop op, wj_reg d, wj_reg a)
{
    bool is_unsigned =
        op == VUN_TRUNC_SAT_U_ZERO || op == VUN_RELAXED_TRUNC_U_ZERO || op == VUN_CONVERT_LOW_U;
    uint32_t type = a64_lane_ft(SHAPE_F64X2);
    if (op == VUN_CONVERT_LOW_S || op == VUN_CONVERT_LOW_U) {
        uint32_t widen = is_unsigned ? A64_USHLL : A64_SSHLL;
        a64_put(m, (widen | a64_rr(d, a)) ^ a64_shift_left(2, 0));
        a64_put(m, (is_unsigned ? A64_UCVTF_V : A64_SCVTF_V) | type | a64_rr(d, d));
        return;
    }
    a64_put(m, (is_unsigned ? A64_FCVTZU_V : A64_FCVTZS_V) | type | a64_rr(d, a));
    a64_put(m, (is_unsigned ? A64_UQXTN : A64_SQXTN) | 2u << 22 | a64_rr(d, d));
}

static inline void masm_vun(struct wj_masm *m, enum wj_vunop op, enum wj_shape shape, wj_reg d,
                            wj_reg a)
{
    const struct a64_vector_row *row = &A64_VUN[op];
    if (a64_has_row(row, shape)) {
        a64_put(m, a64_vector_word(row, shape) | a64_rr(d, a));
    } else {
        a64_vun_f64(m, op, d, a);
    }
}

// ---- Two operands -------------------------------------------------------------------------------

// clang-format off
static const struct a64_vector_row A64_VBIN[] __attribute__((unused)) = {
    [VBIN_AND]             = {A64_AND_V,    0,          A64_BITS,  false, false},
    [VBIN_ANDNOT]          = {A64_BIC_V,    0,          A64_BITS,  false, false},
    [VBIN_OR]              = {A64_ORR_V,    0,          A64_BITS,  false, false},
    [VBIN_XOR]             = {A64_EOR_V,    0,          A64_BITS,  false, false},
    [VBIN_ADD]             = {A64_ADD_V,    A64_FADD_V, A64_LANES, false, false},
    [VBIN_SUB]             = {A64_SUB_V,    A64_FSUB_V, A64_LANES, false, false},
    [VBIN_MUL]             = {A64_MUL_V,    A64_FMUL_V, A64_LANES, false, false},
    [VBIN_ADD_SAT_S]       = {A64_SQADD,    0,          A64_LANES, false, false},
    [VBIN_ADD_SAT_U]       = {A64_UQADD,    0,          A64_LANES, false, false},
    [VBIN_SUB_SAT_S]       = {A64_SQSUB,    0,          A64_LANES, false, false},
    [VBIN_SUB_SAT_U]       = {A64_UQSUB,    0,          A64_LANES, false, false},
    [VBIN_MIN_S]           = {A64_SMIN,     0,          A64_LANES, false, false},
    [VBIN_MIN_U]           = {A64_UMIN,     0,          A64_LANES, false, false},
    [VBIN_MAX_S]           = {A64_SMAX,     0,          A64_LANES, false, false},
    [VBIN_MAX_U]           = {A64_UMAX,     0,          A64_LANES, false, false},
    [VBIN_AVGR_U]          = {A64_URHADD,   0,          A64_LANES, false, false},
    [VBIN_Q15MULR_SAT_S]   = {A64_SQRDMULH, 0,          A64_LANES, false, false},
    [VBIN_EXTMUL_LOW_S]    = {A64_SMULL_V,  0,          A64_HALF,  false, false},
    [VBIN_EXTMUL_HIGH_S]   = {A64_SMULL2_V, 0,          A64_HALF,  false, false},
    [VBIN_EXTMUL_LOW_U]    = {A64_UMULL_V,  0,          A64_HALF,  false, false},
    [VBIN_EXTMUL_HIGH_U]   = {A64_UMULL2_V, 0,          A64_HALF,  false, false},
    [VBIN_SWIZZLE]         = {A64_TBL1,     0,          A64_BITS,  false, false},
    [VBIN_DIV]             = {0,            A64_FDIV_V, A64_LANES, false, false},
    [VBIN_MIN]             = {0,            A64_FMIN_V, A64_LANES, false, false},
    [VBIN_MAX]             = {0,            A64_FMAX_V, A64_LANES, false, false},
    [VBIN_EQ]              = {A64_CMEQ,     A64_FCMEQ,  A64_LANES, false, false},
    [VBIN_NE]              = {A64_CMEQ,     A64_FCMEQ,  A64_LANES, false, true},
    [VBIN_LT_S]            = {A64_CMGT,     A64_FCMGT,  A64_LANES, true,  false},
    [VBIN_LT_U]            = {A64_CMHI,     0,          A64_LANES, true,  false},
    [VBIN_GT_S]            = {A64_CMGT,     A64_FCMGT,  A64_LANES, false, false},
    [VBIN_GT_U]            = {A64_CMHI,     0,          A64_LANES, false, false},
    [VBIN_LE_S]            = {A64_CMGE,     A64_FCMGE,  A64_LANES, true,  false},
    [VBIN_LE_U]            = {A64_CMHS,     0,          A64_LANES, true,  false},
    [VBIN_GE_S]            = {A64_CMGE,     A64_FCMGE,  A64_LANES, false, false},
    [VBIN_GE_U]            = {A64_CMHS,     0,          A64_LANES, false, false},
    [VBIN_RELAXED_SWIZZLE] = {A64_TBL1,     0,          A64_BITS,  false, false},
    [VBIN_RELAXED_MIN]     = {0,            A64_FMIN_V, A64_LANES, false, false},
    [VBIN_RELAXED_MAX]     = {0,            A64_FMAX_V, A64_LANES, false, false},
    [VBIN_RELAXED_Q15MULR_S] = {A64_SQRDMULH, 0,        A64_LANES, false, false},
    [VBIN_RELAXED_DOT]     = {0,            0,          A64_LANES, false, false},
};
// clang-format on

static inline const struct a64_vector_row *a64_vbin_row(enum wj_vbinop op, enum wj_shape shape)
{
    const struct a64_vector_row *row = &A64_VBIN[op];
    bool is_long_mul = op == VBIN_MUL && shape == SHAPE_I64X2;
    return a64_has_row(row, shape) && !is_long_mul ? row : NULL;
}

//   rev64 v30.4s, b ; mul v30.4s, v30, a ; uaddlp v30.2d, v30.4s ; shl v30.2d, #32
//   xtn v31.2s, a ; xtn d.2s, b ; umlal v30.2d, v31.2s, d.2s ; mov d, v30
// The sum of the two cross products, as the upper half, then the product of the lower halves.
static inline void a64_mul_i64x2(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b)
{
    uint32_t words = 2u << 22;
    a64_put(m, A64_REV64 | words | a64_rr(A64_VTMP, b));
    a64_put(m, A64_MUL_V | words | a64_rrr(A64_VTMP, A64_VTMP, a));
    a64_put(m, A64_UADDLP | words | a64_rr(A64_VTMP, A64_VTMP));
    a64_put(m, (A64_SHL | a64_rr(A64_VTMP, A64_VTMP)) ^ a64_shift_left(3, 32));
    a64_put(m, A64_XTN | words | a64_rr(A64_VTMP2, a));
    a64_put(m, A64_XTN | words | a64_rr(d, b));
    a64_put(m, A64_UMLAL_V | words | a64_rrr(A64_VTMP, A64_VTMP2, d));
    masm_mov(m, NUM_V128, d, A64_VTMP);
}

static inline void a64_narrow(struct wj_masm *m, bool is_signed, enum wj_shape shape, wj_reg d,
                              wj_reg a, wj_reg b)
{
    uint32_t size = (uint32_t) a64_lane_log2(shape) << 22;
    wj_reg target = d == b ? A64_VTMP : d;
    a64_put(m, (is_signed ? A64_SQXTN : A64_SQXTUN) | size | a64_rr(target, a));
    a64_put(m, (is_signed ? A64_SQXTN2 : A64_SQXTUN2) | size | a64_rr(target, b));
    masm_mov(m, NUM_V128, d, target);
}

// v30 and v31: the products of the lower and upper lanes, which are 1 << lane_log2 bytes wide.
static inline void a64_products(struct wj_masm *m, unsigned lane_log2, wj_reg a, wj_reg b)
{
    uint32_t size = (uint32_t) lane_log2 << 22;
    a64_put(m, A64_SMULL_V | size | a64_rrr(A64_VTMP, a, b));
    a64_put(m, A64_SMULL2_V | size | a64_rrr(A64_VTMP2, a, b));
}

// i16x8.relaxed_dot_i8x16_i7x16_s into v30: signed by signed, and the sum of two products
// saturates, as the deterministic profile has it.
static inline void a64_relaxed_dot(struct wj_masm *m, wj_reg a, wj_reg b)
{
    a64_products(m, 0, a, b);
    a64_put(m, A64_SADDLP | 1u << 22 | a64_rr(A64_VTMP, A64_VTMP));
    a64_put(m, A64_SADDLP | 1u << 22 | a64_rr(A64_VTMP2, A64_VTMP2));
    a64_put(m, A64_SQXTN | 1u << 22 | a64_rr(A64_VTMP, A64_VTMP));
    a64_put(m, A64_SQXTN2 | 1u << 22 | a64_rr(A64_VTMP, A64_VTMP2));
}

// pmin is b < a ? b : a, pmax is a < b ? b : a: both keep a when unordered.
static inline void a64_pseudo_min(struct wj_masm *m, bool is_max, enum wj_shape shape, wj_reg d,
                                  wj_reg a, wj_reg b)
{
    uint32_t compare = A64_FCMGT | a64_lane_ft(shape);
    a64_put(m, compare | (is_max ? a64_rrr(A64_VTMP, b, a) : a64_rrr(A64_VTMP, a, b)));
    if (d == a) {
        a64_put(m, A64_BIT | a64_rrr(d, b, A64_VTMP));
        return;
    }
    a64_put(m, A64_BSL | a64_rrr(A64_VTMP, b, a));
    masm_mov(m, NUM_V128, d, A64_VTMP);
}

static inline void masm_vbin(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape, wj_reg d,
                             wj_reg a, wj_reg b)
{
    const struct a64_vector_row *row = a64_vbin_row(op, shape);
    if (row != NULL) {
        uint32_t word = a64_vector_word(row, shape);
        a64_put(m, word | (row->is_swapped ? a64_rrr(d, b, a) : a64_rrr(d, a, b)));
        if (row->is_inverted) {
            a64_put(m, A64_NOT_V | a64_rr(d, d));
        }
    } else if (op == VBIN_MUL) {
        a64_mul_i64x2(m, d, a, b);
    } else if (op == VBIN_NARROW_S || op == VBIN_NARROW_U) {
        a64_narrow(m, op == VBIN_NARROW_S, shape, d, a, b);
    } else if (op == VBIN_DOT) {
        a64_products(m, 1, a, b);
        a64_put(m, A64_ADDP | 2u << 22 | a64_rrr(d, A64_VTMP, A64_VTMP2));
    } else if (op == VBIN_PMIN || op == VBIN_PMAX) {
        a64_pseudo_min(m, op == VBIN_PMAX, shape, d, a, b);
    } else if (op == VBIN_RELAXED_DOT) {
        a64_relaxed_dot(m, a, b);
        masm_mov(m, NUM_V128, d, A64_VTMP);
    }
}

// One instruction leaves v31 free for the operand from memory.
static inline bool masm_vbin_takes_mem(enum wj_vbinop op, enum wj_shape shape)
{
    return a64_vbin_row(op, shape) != NULL;
}

static inline void masm_vbin_slot(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape,
                                  wj_reg d, wj_reg a, struct wj_slot b)
{
    masm_load_slot(m, NUM_V128, A64_VTMP2, b);
    masm_vbin(m, op, shape, d, a, A64_VTMP2);
}

static inline void masm_vbin_addr(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape,
                                  wj_reg d, wj_reg a, struct wj_addr b)
{
    masm_load(m, LOAD_V128, A64_VTMP2, b);
    masm_vbin(m, op, shape, d, a, A64_VTMP2);
}

// ---- Three operands -----------------------------------------------------------------------------

// The product is rounded, as in the deterministic profile (numerics, frelaxed_madd), so that all
// machines agree.
static inline void a64_vmadd(struct wj_masm *m, bool is_negated, enum wj_shape shape, wj_reg d,
                             wj_reg a, wj_reg b, wj_reg c)
{
    uint32_t type = a64_lane_ft(shape);
    a64_put(m, A64_FMUL_V | type | a64_rrr(A64_VTMP, a, b));
    if (is_negated) {
        a64_put(m, A64_FSUB_V | type | a64_rrr(d, c, A64_VTMP));
    } else {
        a64_put(m, A64_FADD_V | type | a64_rrr(d, A64_VTMP, c));
    }
}

static inline void masm_vtern(struct wj_masm *m, enum wj_vternop op, enum wj_shape shape, wj_reg d,
                              wj_reg a, wj_reg b, wj_reg c)
{
    switch (op) {
    case VTERN_BITSELECT:
    case VTERN_RELAXED_LANESELECT:
        masm_mov(m, NUM_V128, d, a);
        a64_put(m, A64_BIF | a64_rrr(d, b, c));
        break;
    case VTERN_RELAXED_MADD: a64_vmadd(m, false, shape, d, a, b, c); break;
    case VTERN_RELAXED_NMADD: a64_vmadd(m, true, shape, d, a, b, c); break;
    case VTERN_RELAXED_DOT_ADD:
        a64_relaxed_dot(m, a, b);
        a64_put(m, A64_SADDLP | 1u << 22 | a64_rr(A64_VTMP, A64_VTMP));
        a64_put(m, A64_ADD_V | 2u << 22 | a64_rrr(d, A64_VTMP, c));
        break;
    }
}

// ---- Shifts -------------------------------------------------------------------------------------

// sshl and ushl shift left by the low byte of each lane, right where it is negative.
static inline void masm_vshift(struct wj_masm *m, enum wj_vshift op, enum wj_shape shape, wj_reg d,
                               wj_reg a, wj_reg count)
{
    unsigned lane_log2 = a64_lane_log2(shape);
    uint32_t fields = 0;
    a64_logical_imm(NUM_I32, (8u << lane_log2) - 1, &fields);
    a64_put(m, A64_AND_IMM | a64_rr(A64_TMP, count) | fields);
    if (op != VSHIFT_SHL) {
        a64_put(m, A64_SUB | a64_rrr(A64_TMP, A64_ZR, A64_TMP));
    }
    a64_put(m, (uint32_t) A64_DUP_GPR | a64_rr(A64_VTMP, A64_TMP));
    uint32_t word = op == VSHIFT_SHR_U ? A64_USHL : A64_SSHL;
    a64_put(m, word | (uint32_t) lane_log2 << 22 | a64_rrr(d, a, A64_VTMP));
}

static inline void masm_vshift_imm(struct wj_masm *m, enum wj_vshift op, enum wj_shape shape,
                                   wj_reg d, wj_reg a, unsigned count)
{
    unsigned lane_log2 = a64_lane_log2(shape);
    count &= (8u << lane_log2) - 1;
    if (count == 0) {
        masm_mov(m, NUM_V128, d, a);
    } else if (op == VSHIFT_SHL) {
        a64_put(m, (A64_SHL | a64_rr(d, a)) ^ a64_shift_left(lane_log2, count));
    } else {
        uint32_t word = op == VSHIFT_SHR_S ? A64_SSHR : A64_USHR;
        a64_put(m, (word | a64_rr(d, a)) ^ a64_shift_right(lane_log2, count));
    }
}

// ---- Lanes --------------------------------------------------------------------------------------

static inline void masm_vsplat(struct wj_masm *m, enum wj_shape shape, wj_reg d, wj_reg s)
{
    uint32_t word = wj_reg_is_vec(s) ? A64_DUP_LANE : A64_DUP_GPR;
    a64_put(m, (word | a64_rr(d, s)) ^ a64_lane(a64_lane_log2(shape), 0));
}

static inline void masm_vextract(struct wj_masm *m, enum wj_shape shape, bool zero_extend,
                                 unsigned lane, wj_reg d, wj_reg a)
{
    unsigned lane_log2 = a64_lane_log2(shape);
    uint32_t fields = a64_lane(lane_log2, lane);
    if (a64_is_float_shape(shape)) {
        a64_put(m, (A64_DUP_SCALAR | a64_rr(d, a)) ^ fields);
    } else if (shape == SHAPE_I64X2) {
        a64_put(m, A64_UMOV_X | a64_rr(d, a) | (uint32_t) lane << 20);
    } else if (zero_extend || shape == SHAPE_I32X4) {
        a64_put(m, (A64_UMOV_W | a64_rr(d, a)) ^ fields);
    } else {
        a64_put(m, (A64_SMOV_W | a64_rr(d, a)) ^ fields);
    }
}

static inline void masm_vreplace(struct wj_masm *m, enum wj_shape shape, unsigned lane, wj_reg d,
                                 wj_reg a, wj_reg s)
{
    uint32_t word = wj_reg_is_vec(s) ? A64_INS_LANE : A64_INS_GPR;
    masm_mov(m, NUM_V128, d, a);
    a64_put(m, (word | a64_rr(d, s)) ^ a64_lane(a64_lane_log2(shape), lane));
}

// ---- Shuffles -----------------------------------------------------------------------------------

// The lane of the pair (a, b), of n lanes each, that a permutation puts at place i.
static inline unsigned a64_permuted(uint32_t word, unsigned n, unsigned i)
{
    switch (word) {
    case A64_ZIP1: return i / 2 + (i & 1) * n;
    case A64_ZIP2: return i / 2 + n / 2 + (i & 1) * n;
    case A64_UZP1: return i * 2;
    case A64_UZP2: return i * 2 + 1;
    case A64_TRN1: return (i & 1) != 0 ? i - 1 + n : i;
    default: // A64_TRN2
        return (i & 1) != 0 ? i + n : i + 1;
    }
}

// A permutation instruction with this effect, its size field included, or 0. With `is_single`
// the second operand is the first one again, and lanes are below 16.
static inline uint32_t a64_find_permutation(const uint8_t lanes[16], bool is_single)
{
    static const uint32_t words[] = {A64_ZIP1, A64_ZIP2, A64_UZP1, A64_UZP2, A64_TRN1, A64_TRN2};
    unsigned lane_mask = is_single ? 15 : 31;
    for (unsigned w = 0; w < sizeof words / sizeof words[0]; w++) {
        for (unsigned lane_log2 = 0; lane_log2 < 4; lane_log2++) {
            unsigned n = 16u >> lane_log2;
            unsigned i = 0;
            while (i < 16) {
                unsigned from = a64_permuted(words[w], n, i >> lane_log2) << lane_log2;
                if (lanes[i] != ((from + (i & ((1u << lane_log2) - 1))) & lane_mask)) {
                    break;
                }
                i++;
            }
            if (i == 16) {
                return words[w] | (uint32_t) lane_log2 << 22;
            }
        }
    }
    return 0;
}

// dup of a lane, its field included; or 0.
static inline uint32_t a64_find_dup(const uint8_t lanes[16])
{
    for (unsigned lane_log2 = 0; lane_log2 < 4; lane_log2++) {
        unsigned low_mask = (1u << lane_log2) - 1;
        unsigned i = 0;
        while (i < 16 && lanes[i] == (lanes[0] & ~low_mask) + (i & low_mask)) {
            i++;
        }
        if (i == 16) {
            return A64_DUP_LANE ^ a64_lane(lane_log2, (lanes[0] & 15u) >> lane_log2);
        }
    }
    return 0;
}

// One instruction on two registers, x and y (which may be the same), if there is one.
static inline bool a64_shuffle_short(struct wj_masm *m, wj_reg d, wj_reg x, wj_reg y,
                                     const uint8_t lanes[16])
{
    bool is_single = x == y;
    unsigned lane_mask = is_single ? 15 : 31;
    unsigned i = 0;
    while (i < 16 && lanes[i] == ((lanes[0] + i) & lane_mask)) {
        i++;
    }
    if (i == 16 && lanes[0] < 16) {
        if (lanes[0] == 0) {
            masm_mov(m, NUM_V128, d, x);
        } else {
            a64_put(m, A64_EXT | a64_rrr(d, x, y) | (uint32_t) lanes[0] << 11);
        }
        return true;
    }
    uint32_t word = is_single ? a64_find_dup(lanes) : 0;
    if (word != 0) {
        a64_put(m, word | a64_rr(d, x));
        return true;
    }
    word = a64_find_permutation(lanes, is_single);
    if (word != 0) {
        a64_put(m, word | a64_rrr(d, x, y));
    }
    return word != 0;
}

static inline void masm_vshuffle(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b,
                                 const uint8_t lanes[16])
{
    bool uses_a = a == b;
    bool uses_b = false;
    for (unsigned i = 0; i < 16; i++) {
        uses_a |= lanes[i] < 16;
        uses_b |= lanes[i] >= 16;
    }
    bool is_single = a == b || !uses_a || !uses_b;
    wj_reg x = uses_a ? a : b;
    wj_reg y = is_single ? x : b;
    uint8_t folded[16];
    for (unsigned i = 0; i < 16; i++) {
        folded[i] = lanes[i] & (is_single ? 15 : 31);
    }
    if (a64_shuffle_short(m, d, x, y, folded)) {
        return;
    }
    if (is_single) {
        masm_mov_vimm(m, A64_VTMP, folded);
        a64_put(m, A64_TBL1 | a64_rrr(d, x, A64_VTMP));
        return;
    }
    masm_mov(m, NUM_V128, A64_VTMP, a);
    masm_mov(m, NUM_V128, A64_VTMP2, b);
    masm_mov_vimm(m, d, folded);
    a64_put(m, A64_TBL2 | a64_rrr(d, A64_VTMP, d));
}

// ---- Tests --------------------------------------------------------------------------------------

// Byte and half lanes: the signs, ANDed with the bit of each lane's place, are added up.
static inline void a64_bitmask(struct wj_masm *m, enum wj_shape shape, wj_reg d, wj_reg a)
{
    static const uint8_t places[][16] = {
        {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128},
        {1, 0, 2, 0, 4, 0, 8, 0, 16, 0, 32, 0, 64, 0, 128, 0},
        {1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0},
    };
    unsigned lane_log2 = a64_lane_log2(shape);
    if (lane_log2 == 3) {
        a64_put(m, (A64_USHR | a64_rr(A64_VTMP, a)) ^ a64_shift_right(3, 63));
        a64_put(m, A64_FMOV_X_D | a64_rr(A64_TMP, A64_VTMP));
        a64_put(m, A64_UMOV_X | a64_rr(A64_TMP2, A64_VTMP) | 1 << 20);
        masm_lea(m, NUM_I32, d, A64_TMP, A64_TMP2, 1);
        return;
    }
    unsigned sign = (8u << lane_log2) - 1;
    a64_put(m, (A64_SSHR | a64_rr(A64_VTMP, a)) ^ a64_shift_right(lane_log2, sign));
    a64_load_constant(m, A64_LDR_LIT_Q, A64_VTMP2, places[lane_log2]);
    a64_put(m, A64_AND_V | a64_rrr(A64_VTMP, A64_VTMP, A64_VTMP2));
    if (lane_log2 == 0) {
        // The upper 8 lanes count 256 times as much: as high bytes of 16-bit lanes.
        a64_put(m, A64_EXT | a64_rrr(A64_VTMP2, A64_VTMP, A64_VTMP) | 8 << 11);
        a64_put(m, A64_ZIP1 | a64_rrr(A64_VTMP, A64_VTMP, A64_VTMP2));
    }
    a64_put(m, (lane_log2 == 2 ? A64_ADDV_4S : A64_ADDV_8H) | a64_rr(A64_VTMP, A64_VTMP));
    a64_put(m, A64_FMOV_W_S | a64_rr(d, A64_VTMP));
}

static inline void masm_vtest(struct wj_masm *m, enum wj_vtest op, enum wj_shape shape, wj_reg d,
                              wj_reg a)
{
    if (op == VTEST_BITMASK) {
        a64_bitmask(m, shape, d, a);
        return;
    }
    wj_reg source = a;
    if (op == VTEST_ALL_TRUE) {
        uint32_t size = (uint32_t) a64_lane_log2(shape) << 22;
        a64_put(m, A64_CMEQ_ZERO | size | a64_rr(A64_VTMP, a));
        source = A64_VTMP;
    }
    a64_put(m, A64_UMAXP | 2u << 22 | a64_rrr(A64_VTMP, source, source));
    a64_put(m, A64_FMOV_X_D | a64_rr(A64_TMP, A64_VTMP));
    masm_icmp_imm(m, NUM_I64, A64_TMP, 0);
    masm_setcc(m, op == VTEST_ALL_TRUE ? COND_EQ : COND_NE, d);
}

#endif
