// x86-64: vector operations of one operand, and of three.
#ifndef EMIT_X64_MASM_VUN_H
#define EMIT_X64_MASM_VUN_H

#include "emit/x64_masm_lane.h"

enum { X64_CMP_NLT = 5 };

// The prefix of packed arithmetic on lanes of a shape.
X64_INLINE uint32_t x64_vpacked(enum wj_shape shape)
{
    return shape == SHAPE_F32X4 ? 0 : X64_66;
}

X64_INLINE void x64_vabs(struct wj_masm *m, enum wj_shape shape, wj_reg d, wj_reg a)
{
    switch (shape) {
    case SHAPE_I8X16: x64_vrr(m, VEX_PABSB, d, 0, a); break;
    case SHAPE_I16X8: x64_vrr(m, VEX_PABSW, d, 0, a); break;
    case SHAPE_I32X4: x64_vrr(m, VEX_PABSD, d, 0, a); break;
    case SHAPE_I64X2:
        x64_vzero(m, X64_VTMP);
        x64_vrr(m, VEX_PCMPGTQ, X64_VTMP, X64_VTMP, a);
        x64_vrr(m, VEX_PXOR, d, a, X64_VTMP);
        x64_vrr(m, VEX_PSUBQ, d, d, X64_VTMP);
        break;
    case SHAPE_F32X4: masm_fun(m, FUN_ABS, NUM_F32, d, a); break;
    case SHAPE_F64X2: masm_fun(m, FUN_ABS, NUM_F64, d, a); break;
    }
}

X64_INLINE void x64_vneg(struct wj_masm *m, enum wj_shape shape, wj_reg d, wj_reg a)
{
    switch (shape) {
    case SHAPE_I8X16:
    case SHAPE_I16X8:
    case SHAPE_I32X4:
    case SHAPE_I64X2:
        x64_vzero(m, X64_VTMP);
        x64_vrr(m, VEX_PSUBB + x64_shape_log2(shape), d, X64_VTMP, a);
        break;
    case SHAPE_F32X4: masm_fun(m, FUN_NEG, NUM_F32, d, a); break;
    case SHAPE_F64X2: masm_fun(m, FUN_NEG, NUM_F64, d, a); break;
    }
}

// Counts of the two nibbles of each byte, looked up by pshufb.
X64_INLINE void x64_vpopcnt(struct wj_masm *m, wj_reg d, wj_reg a)
{
    struct x64_mem nibble = x64_const32(m, 0x0f0f0f0fu);
    x64_vshift_imm(m, VSHIFT_SHR_U, 1, X64_VTMP, a, 4);
    x64_vrm(m, VEX_PAND, X64_VTMP, X64_VTMP, nibble);
    x64_vrm(m, VEX_PAND, X64_VTMP2, a, nibble);
    x64_vrm(m, VEX_MOVAPS, d, 0, x64_const64(m, 0x0302020102010100u, 0x0403030203020201u));
    x64_vrr(m, VEX_PSHUFB, X64_VTMP2, d, X64_VTMP2);
    x64_vrr(m, VEX_PSHUFB, d, d, X64_VTMP);
    x64_vrr(m, VEX_PADDB, d, d, X64_VTMP2);
}

X64_INLINE void x64_vextadd(struct wj_masm *m, bool is_signed, enum wj_shape shape, wj_reg d,
                            wj_reg a)
{
    if (shape == SHAPE_I16X8) {
        struct x64_mem ones = x64_const32(m, 0x01010101u);
        if (is_signed) {
            // pmaddubsw takes the first operand as unsigned.
            x64_vrm(m, VEX_MOVAPS, X64_VTMP, 0, ones);
            x64_vrr(m, VEX_PMADDUBSW, d, X64_VTMP, a);
        } else {
            x64_vrm(m, VEX_PMADDUBSW, d, a, ones);
        }
    } else if (is_signed) {
        x64_vrm(m, VEX_PMADDWD, d, a, x64_const32(m, 0x00010001u));
    } else {
        x64_vshift_imm(m, VSHIFT_SHR_U, 2, X64_VTMP, a, 16);
        x64_vrm(m, VEX_PAND, d, a, x64_const32(m, 0x0000ffffu));
        x64_vrr(m, VEX_PADDD, d, d, X64_VTMP);
    }
}

// The shape is the result's. pmovsxbw and its kin read the low half.
X64_INLINE void x64_vextend(struct wj_masm *m, bool is_signed, bool is_high, enum wj_shape shape,
                            wj_reg d, wj_reg a)
{
    unsigned log2 = x64_shape_log2(shape) - 1; // of the operand's lanes
    static const uint32_t widen[] = {VEX_PMOVSXBW, VEX_PMOVSXWD, VEX_PMOVSXDQ};
    uint32_t op = is_signed ? widen[log2] : widen[log2] + 0x10;
    if (!is_high) {
        x64_vrr(m, op, d, 0, a);
    } else if (is_signed) {
        x64_vrr_imm(m, VEX_PSHUFD, X64_VTMP, 0, a, 0xee);
        x64_vrr(m, op, d, 0, X64_VTMP);
    } else {
        x64_vzero(m, X64_VTMP);
        x64_vrr(m, VEX_PUNPCKHBW + log2, d, a, X64_VTMP);
    }
}

// NaN becomes zero; cvttps2dq gives the lowest integer for all else that does not fit, which is
// inverted for operands from 2^31 on.
X64_INLINE void x64_vtrunc_sat_s(struct wj_masm *m, wj_reg d, wj_reg a)
{
    x64_vrr_imm(m, VEX_CMP_P, X64_VTMP, a, a, X64_CMP_EQ);
    x64_vrr(m, VEX_ANDPS, X64_VTMP, X64_VTMP, a);
    x64_vrr(m, VEX_CVTTPS2DQ, X64_VTMP2, 0, X64_VTMP);
    x64_vrm_imm(m, VEX_CMP_P, X64_VTMP, X64_VTMP, x64_const32(m, 0x4f000000u), X64_CMP_NLT);
    x64_vrr(m, VEX_PXOR, d, X64_VTMP2, X64_VTMP);
}

// The operand x, at least zero, is converted twice: as it is (2^31 when it is larger), and less
// 2^31, kept between 0 and 2^31 - 1. The results add up.
X64_INLINE void x64_vtrunc_sat_u(struct wj_masm *m, wj_reg d, wj_reg a)
{
    struct x64_mem two31 = x64_const32(m, 0x4f000000u);
    x64_vzero(m, X64_VTMP);
    x64_vrr(m, VEX_MAX_F, X64_VTMP, a, X64_VTMP); // the second operand when a is NaN
    x64_vrr(m, VEX_CVTTPS2DQ, X64_VTMP2, 0, X64_VTMP);
    x64_vrm(m, VEX_SUB_F, X64_VTMP, X64_VTMP, two31);
    x64_vrm_imm(m, VEX_CMP_P, d, X64_VTMP, two31, X64_CMP_NLT);
    x64_vrr(m, VEX_CVTTPS2DQ, X64_VTMP, 0, X64_VTMP);
    x64_vrr(m, VEX_PXOR, X64_VTMP, X64_VTMP, d);
    x64_vzero(m, d);
    x64_vrr(m, VEX_PMAXSD, X64_VTMP, X64_VTMP, d);
    x64_vrr(m, VEX_PADDD, d, X64_VTMP2, X64_VTMP);
}

// min(a, 2^31 - 1), where the bound is zero for NaN: minpd gives its second operand then.
X64_INLINE void x64_vtrunc_sat_s_zero(struct wj_masm *m, wj_reg d, wj_reg a)
{
    const uint64_t bound = 0x41dfffffffc00000u;
    x64_vrr_imm(m, VEX_CMP_P | X64_66, X64_VTMP, a, a, X64_CMP_EQ);
    x64_vrm(m, VEX_ANDPS, X64_VTMP, X64_VTMP, x64_const64(m, bound, bound));
    x64_vrr(m, VEX_MIN_F | X64_66, X64_VTMP, a, X64_VTMP);
    x64_vrr(m, VEX_CVTTPD2DQ, d, 0, X64_VTMP);
}

// Truncated and added to 2^52, an integer of 32 bits is the low half of the double.
X64_INLINE void x64_vtrunc_sat_u_zero(struct wj_masm *m, wj_reg d, wj_reg a)
{
    const uint64_t bound = 0x41efffffffe00000u, two52 = 0x4330000000000000u;
    x64_vzero(m, X64_VTMP2);
    x64_vrr(m, VEX_MAX_F | X64_66, X64_VTMP, a, X64_VTMP2);
    x64_vrm(m, VEX_MIN_F | X64_66, X64_VTMP, X64_VTMP, x64_const64(m, bound, bound));
    x64_vrr_imm(m, VEX_ROUNDPD, X64_VTMP, 0, X64_VTMP, X64_ROUND_TRUNC);
    x64_vrm(m, VEX_ADD_F | X64_66, X64_VTMP, X64_VTMP, x64_const64(m, two52, two52));
    x64_vrr_imm(m, VEX_SHUFPS, d, X64_VTMP, X64_VTMP2, 0x88);
}

// The halves are exact; their sum is rounded once.
X64_INLINE void x64_vconvert_u(struct wj_masm *m, wj_reg d, wj_reg a)
{
    x64_vrm(m, VEX_PAND, X64_VTMP, a, x64_const32(m, 0x0000ffffu));
    x64_vshift_imm(m, VSHIFT_SHR_U, 2, X64_VTMP2, a, 16);
    x64_vrr(m, VEX_CVTDQ2PS, X64_VTMP, 0, X64_VTMP);
    x64_vrr(m, VEX_CVTDQ2PS, X64_VTMP2, 0, X64_VTMP2);
    x64_vrm(m, VEX_MUL_F, X64_VTMP2, X64_VTMP2, x64_const32(m, 0x47800000u)); // 65536
    x64_vrr(m, VEX_ADD_F, d, X64_VTMP, X64_VTMP2);
}

X64_INLINE void x64_vconvert_low_u(struct wj_masm *m, wj_reg d, wj_reg a)
{
    const uint64_t two52 = 0x4330000000000000u;
    x64_vrm(m, VEX_PUNPCKLDQ, X64_VTMP, a, x64_const32(m, 0x43300000u));
    x64_vrm(m, VEX_SUB_F | X64_66, d, X64_VTMP, x64_const64(m, two52, two52));
}

X64_INLINE void masm_vun(struct wj_masm *m, enum wj_vunop op, enum wj_shape shape, wj_reg d,
                         wj_reg a)
{
    uint32_t round = shape == SHAPE_F32X4 ? VEX_ROUNDPS : VEX_ROUNDPD;
    switch (op) {
    case VUN_NOT:
        x64_vrr(m, VEX_PCMPEQD, X64_VTMP, X64_VTMP, X64_VTMP);
        x64_vrr(m, VEX_PXOR, d, a, X64_VTMP);
        break;
    case VUN_ABS: x64_vabs(m, shape, d, a); break;
    case VUN_NEG: x64_vneg(m, shape, d, a); break;
    case VUN_POPCNT: x64_vpopcnt(m, d, a); break;
    case VUN_EXTADD_PAIRWISE_S: x64_vextadd(m, true, shape, d, a); break;
    case VUN_EXTADD_PAIRWISE_U: x64_vextadd(m, false, shape, d, a); break;
    case VUN_EXTEND_LOW_S: x64_vextend(m, true, false, shape, d, a); break;
    case VUN_EXTEND_HIGH_S: x64_vextend(m, true, true, shape, d, a); break;
    case VUN_EXTEND_LOW_U: x64_vextend(m, false, false, shape, d, a); break;
    case VUN_EXTEND_HIGH_U: x64_vextend(m, false, true, shape, d, a); break;
    case VUN_CEIL: x64_vrr_imm(m, round, d, 0, a, X64_ROUND_CEIL); break;
    case VUN_FLOOR: x64_vrr_imm(m, round, d, 0, a, X64_ROUND_FLOOR); break;
    case VUN_TRUNC: x64_vrr_imm(m, round, d, 0, a, X64_ROUND_TRUNC); break;
    case VUN_NEAREST: x64_vrr_imm(m, round, d, 0, a, X64_ROUND_NEAREST); break;
    case VUN_SQRT: x64_vrr(m, VEX_SQRT_P | x64_vpacked(shape), d, 0, a); break;
    // Relaxed operations do what the deterministic profile says: the same as the others.
    case VUN_TRUNC_SAT_S:
    case VUN_RELAXED_TRUNC_S: x64_vtrunc_sat_s(m, d, a); break;
    case VUN_TRUNC_SAT_U:
    case VUN_RELAXED_TRUNC_U: x64_vtrunc_sat_u(m, d, a); break;
    case VUN_TRUNC_SAT_S_ZERO:
    case VUN_RELAXED_TRUNC_S_ZERO: x64_vtrunc_sat_s_zero(m, d, a); break;
    case VUN_TRUNC_SAT_U_ZERO:
    case VUN_RELAXED_TRUNC_U_ZERO: x64_vtrunc_sat_u_zero(m, d, a); break;
    case VUN_CONVERT_S: x64_vrr(m, VEX_CVTDQ2PS, d, 0, a); break;
    case VUN_CONVERT_U: x64_vconvert_u(m, d, a); break;
    case VUN_CONVERT_LOW_S: x64_vrr(m, VEX_CVTDQ2PD, d, 0, a); break;
    case VUN_CONVERT_LOW_U: x64_vconvert_low_u(m, d, a); break;
    case VUN_DEMOTE_ZERO: x64_vrr(m, VEX_CVTPD2PS, d, 0, a); break;
    case VUN_PROMOTE_LOW: x64_vrr(m, VEX_CVTPS2PD, d, 0, a); break;
    }
}

// ---- Three operands ---------------------------------------------------------------------------

// Signed products of the even bytes and of the odd ones, added with saturation (ivdot_sat).
X64_INLINE void x64_vdot_bytes(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b)
{
    x64_vshift_imm(m, VSHIFT_SHL, 1, X64_VTMP, a, 8);
    x64_vshift_imm(m, VSHIFT_SHL, 1, X64_VTMP2, b, 8);
    x64_vrr(m, VEX_PMULHW, X64_VTMP, X64_VTMP, X64_VTMP2); // even bytes
    x64_vshift_imm(m, VSHIFT_SHR_S, 1, X64_VTMP2, b, 8);
    x64_vshift_imm(m, VSHIFT_SHR_S, 1, d, a, 8);
    x64_vrr(m, VEX_PMULLW, d, d, X64_VTMP2);
    x64_vrr(m, VEX_PADDSW, d, d, X64_VTMP);
}

X64_INLINE void x64_vdot_add(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b, wj_reg c)
{
    if (c == d) {
        // The sum would be lost to the products: it waits in the general temporaries.
        x64_vrr(m, VEX_MOVQ_FROM_VEC, c, 0, X64_TMP);
        x64_vrr_imm(m, VEX_PEXTRQ, c, 0, X64_TMP2, 1);
    }
    x64_vdot_bytes(m, d, a, b);
    x64_vrm(m, VEX_PMADDWD, d, d, x64_const32(m, 0x00010001u));
    if (c == d) {
        x64_vrr(m, VEX_MOVQ_TO_VEC, X64_VTMP, 0, X64_TMP);
        x64_vrr_imm(m, VEX_PINSRQ, X64_VTMP, X64_VTMP, X64_TMP2, 1);
        c = X64_VTMP;
    }
    x64_vrr(m, VEX_PADDD, d, d, c);
}

X64_INLINE void masm_vtern(struct wj_masm *m, enum wj_vternop op, enum wj_shape shape, wj_reg d,
                           wj_reg a, wj_reg b, wj_reg c)
{
    switch (op) {
    case VTERN_BITSELECT:
    case VTERN_RELAXED_LANESELECT:
        x64_vrr(m, VEX_PAND, X64_VTMP, a, c);
        x64_vrr(m, VEX_PANDN, X64_VTMP2, c, b);
        x64_vrr(m, VEX_POR, d, X64_VTMP, X64_VTMP2);
        break;
    case VTERN_RELAXED_MADD:
        // The deterministic profile rounds the product: numerics, frelaxed_madd.
        x64_vrr(m, VEX_MUL_F | x64_vpacked(shape), X64_VTMP, a, b);
        x64_vrr(m, VEX_ADD_F | x64_vpacked(shape), d, X64_VTMP, c);
        break;
    case VTERN_RELAXED_NMADD:
        x64_vrr(m, VEX_MUL_F | x64_vpacked(shape), X64_VTMP, a, b);
        x64_vrr(m, VEX_SUB_F | x64_vpacked(shape), d, c, X64_VTMP);
        break;
    case VTERN_RELAXED_DOT_ADD: x64_vdot_add(m, d, a, b, c); break;
    }
}

#endif
