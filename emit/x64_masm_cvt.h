// x86-64: conversions between integers and floats. cvttss2si answers every operand that it cannot
// convert with the lowest integer; what that means is found out behind a branch not taken.
#ifndef EMIT_X64_MASM_CVT_H
#define EMIT_X64_MASM_CVT_H

#include "emit/x64_masm_float.h"

// One of the truncations: from a float type to an integer of 32 bits, or of 64 (w is X64_W).
struct x64_trunc {
    enum wj_num from;
    uint32_t w;
    wj_reg d;
    wj_reg a;
};

X64_INLINE void x64_cvtt(struct wj_masm *m, enum wj_num from, uint32_t w, wj_reg d, wj_reg a)
{
    x64_vrr(m, VEX_CVTT2SI | x64_scalar(from) | w, d, 0, a);
}

// vucomiss a, [bound] -- a bound that both types hold exactly, or the f64 alone.
X64_INLINE void x64_compare_bound(struct wj_masm *m, struct x64_trunc t, uint32_t f32, uint64_t f64)
{
    x64_vrm(m, VEX_UCOMI | x64_packed(t.from), t.a, 0, x64_lanes(m, t.from, f32, f64));
}

X64_INLINE void x64_compare_zero(struct wj_masm *m, struct x64_trunc t)
{
    x64_vzero(m, X64_VTMP);
    x64_ucomi(m, t.from, t.a, X64_VTMP);
}

// cvttss2si d, a; cmp d, 1; jno done; ... done:
X64_INLINE void x64_trunc_s(struct wj_masm *m, struct x64_trunc t)
{
    x64_cvtt(m, t.from, t.w, t.d, t.a);
    x64_alu_imm(m, ALU_CMP, t.w, t.d, 1);
    uint8_t *done = x64_jcc_short(m, CC_NO);
    if (t.from == NUM_F64 && t.w == 0) {
        // Between -2147483649 and -2147483648 there are doubles, and they round up.
        x64_compare_bound(m, t, 0, 0xc1e0000000200000u);
        x64_trap_cc(m, CC_P, WJ_TRAP_INVALID_CONVERSION);
        x64_trap_cc(m, CC_BE, WJ_TRAP_INTEGER_OVERFLOW);
        x64_compare_zero(m, t);
        x64_trap_cc(m, CC_A, WJ_TRAP_INTEGER_OVERFLOW);
    } else {
        // The lowest integer is right for one operand: itself.
        x64_compare_bound(m, t, t.w ? 0xdf000000u : 0xcf000000u, 0xc3e0000000000000u);
        x64_trap_cc(m, CC_P, WJ_TRAP_INVALID_CONVERSION);
        x64_trap_cc(m, CC_NE, WJ_TRAP_INTEGER_OVERFLOW);
    }
    x64_here(m, done);
}

// NaN is an invalid conversion, all else overflows.
X64_INLINE void x64_trunc_failed(struct wj_masm *m, struct x64_trunc t)
{
    x64_ucomi(m, t.from, t.a, t.a);
    x64_trap_cc(m, CC_P, WJ_TRAP_INVALID_CONVERSION);
    masm_trap(m, WJ_TRAP_INTEGER_OVERFLOW);
}

// Converts to 64 bits; the flags say whether the upper half is zero.
X64_INLINE uint8_t *x64_trunc_u32_try(struct wj_masm *m, struct x64_trunc t)
{
    x64_cvtt(m, t.from, X64_W, t.d, t.a);
    x64_mov(m, X64_W, X64_TMP, t.d);
    x64_shift_imm(m, SHIFT_SHR, X64_W, X64_TMP, 32);
    return x64_jcc_short(m, CC_E);
}

// Operands from 2^63 on are converted less 2^63. Both branches lead to the end: `done` from below
// 2^63, with d ready, `*upper` when the top bit is still to be set.
X64_INLINE uint8_t *x64_trunc_u64_try(struct wj_masm *m, struct x64_trunc t, uint8_t **upper)
{
    x64_cvtt(m, t.from, X64_W, t.d, t.a);
    x64_test(m, X64_W, t.d, t.d);
    uint8_t *done = x64_jcc_short(m, CC_NS);
    x64_vrm(m, VEX_SUB_F | x64_scalar(t.from), X64_VTMP, t.a,
            x64_lanes(m, t.from, 0x5f000000u, 0x43e0000000000000u));
    x64_cvtt(m, t.from, X64_W, t.d, X64_VTMP);
    x64_test(m, X64_W, t.d, t.d);
    *upper = x64_jcc_short(m, CC_NS);
    return done;
}

X64_INLINE void x64_set_top_bit(struct wj_masm *m, wj_reg d)
{
    x64_r(m, X64_BTS_IMM, 0, d);
    x64_imm8(m, 63);
}

X64_INLINE void x64_trunc_u(struct wj_masm *m, struct x64_trunc t)
{
    if (t.w == 0) {
        uint8_t *done = x64_trunc_u32_try(m, t);
        x64_trunc_failed(m, t);
        x64_here(m, done);
        return;
    }
    uint8_t *upper;
    uint8_t *done = x64_trunc_u64_try(m, t, &upper);
    x64_trunc_failed(m, t);
    x64_here(m, upper);
    x64_set_top_bit(m, t.d);
    x64_here(m, done);
}

// The lowest integer stays for negative operands; the highest for positive ones, zero for NaN.
X64_INLINE void x64_trunc_sat_s(struct wj_masm *m, struct x64_trunc t)
{
    x64_cvtt(m, t.from, t.w, t.d, t.a);
    x64_alu_imm(m, ALU_CMP, t.w, t.d, 1);
    uint8_t *done = x64_jcc_short(m, CC_NO);
    x64_compare_zero(m, t);
    x64_mov_imm(m, X64_TMP, t.w ? INT64_MAX : INT32_MAX);
    x64_cmov(m, CC_A, t.w, t.d, X64_TMP);
    x64_mov_imm(m, X64_TMP, 0);
    x64_cmov(m, CC_P, t.w, t.d, X64_TMP);
    x64_here(m, done);
}

// Zero for negative operands and NaN, all ones for positive ones.
X64_INLINE void x64_saturate_u(struct wj_masm *m, struct x64_trunc t)
{
    x64_compare_zero(m, t);
    x64_mov_imm(m, t.d, 0);
    x64_mov_imm(m, X64_TMP, t.w ? UINT64_MAX : UINT32_MAX);
    x64_cmov(m, CC_A, X64_W, t.d, X64_TMP);
}

X64_INLINE void x64_trunc_sat_u(struct wj_masm *m, struct x64_trunc t)
{
    if (t.w == 0) {
        uint8_t *done = x64_trunc_u32_try(m, t);
        x64_saturate_u(m, t);
        x64_here(m, done);
        return;
    }
    uint8_t *upper;
    uint8_t *done = x64_trunc_u64_try(m, t, &upper);
    x64_saturate_u(m, t);
    uint8_t *end = x64_jmp_short(m);
    x64_here(m, upper);
    x64_set_top_bit(m, t.d);
    x64_here(m, done);
    x64_here(m, end);
}

X64_INLINE void x64_convert_s(struct wj_masm *m, enum wj_num to, uint32_t w, wj_reg d, wj_reg a)
{
    x64_vzero(m, X64_VTMP); // cvtsi2ss keeps the rest of its first source
    x64_vrr(m, VEX_CVTSI2 | x64_scalar(to) | w, d, X64_VTMP, a);
}

// Operands with the top bit are halved, with the lost bit kept as a sticky one, and doubled: that
// rounds once.
X64_INLINE void x64_convert_u64(struct wj_masm *m, enum wj_num to, wj_reg d, wj_reg a)
{
    x64_test(m, X64_W, a, a);
    uint8_t *is_large = x64_jcc_short(m, CC_S);
    x64_convert_s(m, to, X64_W, d, a);
    uint8_t *done = x64_jmp_short(m);
    x64_here(m, is_large);
    x64_mov(m, X64_W, X64_TMP, a);
    x64_mov(m, 0, X64_TMP2, a);
    x64_shift_imm(m, SHIFT_SHR, X64_W, X64_TMP, 1);
    x64_alu_imm(m, ALU_AND, 0, X64_TMP2, 1);
    x64_alu(m, ALU_OR, X64_W, X64_TMP, X64_TMP2);
    x64_convert_s(m, to, X64_W, d, X64_TMP);
    x64_vrr(m, VEX_ADD_F | x64_scalar(to), d, d, d);
    x64_here(m, done);
}

X64_INLINE void masm_cvt(struct wj_masm *m, enum wj_cvt op, wj_reg d, wj_reg a)
{
    const struct x64_trunc f32_i32 = {NUM_F32, 0, d, a}, f64_i32 = {NUM_F64, 0, d, a};
    const struct x64_trunc f32_i64 = {NUM_F32, X64_W, d, a}, f64_i64 = {NUM_F64, X64_W, d, a};
    switch (op) {
    case CVT_I32_WRAP_I64: x64_mov(m, 0, d, a); break;
    case CVT_I32_TRUNC_F32_S: x64_trunc_s(m, f32_i32); break;
    case CVT_I32_TRUNC_F32_U: x64_trunc_u(m, f32_i32); break;
    case CVT_I32_TRUNC_F64_S: x64_trunc_s(m, f64_i32); break;
    case CVT_I32_TRUNC_F64_U: x64_trunc_u(m, f64_i32); break;
    case CVT_I64_EXTEND_I32_S: x64_rr(m, X64_MOVSXD, d, a); break;
    case CVT_I64_EXTEND_I32_U: masm_mov(m, NUM_I32, d, a); break;
    case CVT_I64_TRUNC_F32_S: x64_trunc_s(m, f32_i64); break;
    case CVT_I64_TRUNC_F32_U: x64_trunc_u(m, f32_i64); break;
    case CVT_I64_TRUNC_F64_S: x64_trunc_s(m, f64_i64); break;
    case CVT_I64_TRUNC_F64_U: x64_trunc_u(m, f64_i64); break;
    case CVT_F32_CONVERT_I32_S: x64_convert_s(m, NUM_F32, 0, d, a); break;
    case CVT_F32_CONVERT_I32_U: x64_convert_s(m, NUM_F32, X64_W, d, a); break;
    case CVT_F32_CONVERT_I64_S: x64_convert_s(m, NUM_F32, X64_W, d, a); break;
    case CVT_F32_CONVERT_I64_U: x64_convert_u64(m, NUM_F32, d, a); break;
    case CVT_F32_DEMOTE_F64: x64_vrr(m, VEX_CVTSD2SS, d, a, a); break;
    case CVT_F64_CONVERT_I32_S: x64_convert_s(m, NUM_F64, 0, d, a); break;
    case CVT_F64_CONVERT_I32_U: x64_convert_s(m, NUM_F64, X64_W, d, a); break;
    case CVT_F64_CONVERT_I64_S: x64_convert_s(m, NUM_F64, X64_W, d, a); break;
    case CVT_F64_CONVERT_I64_U: x64_convert_u64(m, NUM_F64, d, a); break;
    case CVT_F64_PROMOTE_F32: x64_vrr(m, VEX_CVTSS2SD, d, a, a); break;
    case CVT_I32_REINTERPRET_F32: x64_vrr(m, VEX_MOVD_FROM_VEC, a, 0, d); break;
    case CVT_I64_REINTERPRET_F64: x64_vrr(m, VEX_MOVQ_FROM_VEC, a, 0, d); break;
    case CVT_F32_REINTERPRET_I32: x64_vrr(m, VEX_MOVD_TO_VEC, d, 0, a); break;
    case CVT_F64_REINTERPRET_I64: x64_vrr(m, VEX_MOVQ_TO_VEC, d, 0, a); break;
    case CVT_I32_TRUNC_SAT_F32_S: x64_trunc_sat_s(m, f32_i32); break;
    case CVT_I32_TRUNC_SAT_F32_U: x64_trunc_sat_u(m, f32_i32); break;
    case CVT_I32_TRUNC_SAT_F64_S: x64_trunc_sat_s(m, f64_i32); break;
    case CVT_I32_TRUNC_SAT_F64_U: x64_trunc_sat_u(m, f64_i32); break;
    case CVT_I64_TRUNC_SAT_F32_S: x64_trunc_sat_s(m, f32_i64); break;
    case CVT_I64_TRUNC_SAT_F32_U: x64_trunc_sat_u(m, f32_i64); break;
    case CVT_I64_TRUNC_SAT_F64_S: x64_trunc_sat_s(m, f64_i64); break;
    case CVT_I64_TRUNC_SAT_F64_U: x64_trunc_sat_u(m, f64_i64); break;
    }
}

#endif
