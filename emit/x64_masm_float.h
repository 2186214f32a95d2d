// x86-64: scalar floating point.
#ifndef EMIT_X64_MASM_FLOAT_H
#define EMIT_X64_MASM_FLOAT_H

#include "emit/x64_masm_int.h"
#include "emit/x64_masm_mem.h"

enum {
    // Predicates of cmpps.
    X64_CMP_EQ = 0,
    X64_CMP_LT = 1,
    X64_CMP_LE = 2,
    X64_CMP_UNORD = 3,
    X64_CMP_NE = 4,
    // Immediates of roundps, with the inexact exception masked.
    X64_ROUND_NEAREST = 8,
    X64_ROUND_FLOOR = 9,
    X64_ROUND_CEIL = 10,
    X64_ROUND_TRUNC = 11,
    // vrange: the greater one, as it is. Of a number and a quiet NaN it is the number, of two NaNs
    // the first.
    X64_RANGE_MAX = 5,
};

#define X64_F32_SIGN 0x80000000u
#define X64_F64_SIGN 0x8000000000000000u
#define X64_F32_NAN 0x7fc00000u
#define X64_F64_NAN 0x7ff8000000000000u

// The prefix of scalar arithmetic.
X64_INLINE uint32_t x64_scalar(enum wj_num num)
{
    return num == NUM_F32 ? X64_F3 : X64_F2;
}

// The prefix of packed arithmetic, and of ucomiss and ucomisd.
X64_INLINE uint32_t x64_packed(enum wj_num num)
{
    return num == NUM_F32 ? 0 : X64_66;
}

// A constant with all its lanes of this type the same.
X64_INLINE struct x64_mem x64_lanes(struct wj_masm *m, enum wj_num num, uint32_t f32, uint64_t f64)
{
    return num == NUM_F32 ? x64_const32(m, f32) : x64_const64(m, f64, f64);
}

X64_INLINE void x64_ucomi(struct wj_masm *m, enum wj_num num, wj_reg a, wj_reg b)
{
    x64_vrr(m, VEX_UCOMI | x64_packed(num), a, 0, b);
}

// minss gives its second operand when the operands are zeros or one is a NaN: both orders, joined,
// give the right zero. The sum of unordered operands is the quiet NaN.
//   vucomiss a, b; jp nan; vminss t, a, b; vminss u, b, a; vorps d, t, u; jmp end
//   nan: vaddss d, a, b; end:
X64_INLINE void x64_fminmax(struct wj_masm *m, bool is_max, enum wj_num num, wj_reg d, wj_reg a,
                            wj_reg b)
{
    uint32_t op = (is_max ? VEX_MAX_F : VEX_MIN_F) | x64_scalar(num);
    x64_ucomi(m, num, a, b);
    uint8_t *unordered = x64_jcc_short(m, CC_P);
    x64_vrr(m, op, X64_VTMP, a, b);
    x64_vrr(m, op, X64_VTMP2, b, a);
    x64_vrr(m, is_max ? VEX_ANDPS : VEX_ORPS, d, X64_VTMP, X64_VTMP2);
    uint8_t *done = x64_jmp_short(m);
    x64_here(m, unordered);
    x64_vrr(m, VEX_ADD_F | x64_scalar(num), d, a, b);
    x64_here(m, done);
}

X64_INLINE uint32_t x64_fbin_op(enum wj_fbinop op)
{
    static const uint32_t ops[] = {
        [FBIN_ADD] = VEX_ADD_F,
        [FBIN_SUB] = VEX_SUB_F,
        [FBIN_MUL] = VEX_MUL_F,
        [FBIN_DIV] = VEX_DIV_F,
    };
    return ops[op];
}

X64_INLINE void masm_fbin(struct wj_masm *m, enum wj_fbinop op, enum wj_num num, wj_reg d, wj_reg a,
                          wj_reg b)
{
    switch (op) {
    case FBIN_ADD:
    case FBIN_SUB:
    case FBIN_MUL:
    case FBIN_DIV: x64_vrr(m, x64_fbin_op(op) | x64_scalar(num), d, a, b); break;
    case FBIN_MIN: x64_fminmax(m, false, num, d, a, b); break;
    case FBIN_MAX: x64_fminmax(m, true, num, d, a, b); break;
    case FBIN_COPYSIGN:
        x64_vrm(m, VEX_ANDPS, X64_VTMP, b, x64_lanes(m, num, X64_F32_SIGN, X64_F64_SIGN));
        x64_vrm(m, VEX_ANDPS, d, a, x64_lanes(m, num, ~X64_F32_SIGN, ~X64_F64_SIGN));
        x64_vrr(m, VEX_ORPS, d, d, X64_VTMP);
        break;
    }
}

X64_INLINE void masm_fbin_slot(struct wj_masm *m, enum wj_fbinop op, enum wj_num num, wj_reg d,
                               wj_reg a, struct wj_slot b)
{
    x64_vrm(m, x64_fbin_op(op) | x64_scalar(num), d, a, x64_slot(b));
}

X64_INLINE void masm_fbin_addr(struct wj_masm *m, enum wj_fbinop op, enum wj_num num, wj_reg d,
                               wj_reg a, struct wj_addr b)
{
    x64_vrm(m, x64_fbin_op(op) | x64_scalar(num), d, a, x64_addr(m, b));
}

X64_INLINE void masm_fun(struct wj_masm *m, enum wj_funop op, enum wj_num num, wj_reg d, wj_reg a)
{
    // The first source fills the rest of the register: a, so that nothing old is waited for.
    uint32_t round = num == NUM_F32 ? VEX_ROUNDSS : VEX_ROUNDSD;
    switch (op) {
    case FUN_ABS:
        x64_vrm(m, VEX_ANDPS, d, a, x64_lanes(m, num, ~X64_F32_SIGN, ~X64_F64_SIGN));
        break;
    case FUN_NEG: x64_vrm(m, VEX_XORPS, d, a, x64_lanes(m, num, X64_F32_SIGN, X64_F64_SIGN)); break;
    case FUN_CEIL: x64_vrr_imm(m, round, d, a, a, X64_ROUND_CEIL); break;
    case FUN_FLOOR: x64_vrr_imm(m, round, d, a, a, X64_ROUND_FLOOR); break;
    case FUN_TRUNC: x64_vrr_imm(m, round, d, a, a, X64_ROUND_TRUNC); break;
    case FUN_NEAREST: x64_vrr_imm(m, round, d, a, a, X64_ROUND_NEAREST); break;
    case FUN_SQRT: x64_vrr(m, VEX_SQRT_S | x64_scalar(num), d, a, a); break;
    }
}

X64_INLINE void masm_fcmp(struct wj_masm *m, enum wj_num num, wj_reg a, wj_reg b)
{
    x64_ucomi(m, num, a, b);
}

// vcmpunord t, a, a; vblendv d, a, [nan], t -- all lanes, of which a scalar has one.
X64_INLINE void x64_canon(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg a)
{
    uint32_t blend = num == NUM_F32 ? VEX_BLENDVPS : VEX_BLENDVPD;
    x64_vrr_imm(m, VEX_CMP_P | x64_packed(num), X64_VTMP, a, a, X64_CMP_UNORD);
    x64_vrm_imm(m, blend, d, a, x64_lanes(m, num, X64_F32_NAN, X64_F64_NAN), (X64_VTMP & 15) << 4);
}

X64_INLINE void masm_canon(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg a)
{
    x64_canon(m, num, d, a);
}

X64_INLINE void masm_jump_if_nan(struct wj_masm *m, enum wj_num num, wj_reg a, wj_label label)
{
    x64_ucomi(m, num, a, a);
    x64_jcc(m, CC_P, label);
}

// The top 16 bits hold all that tells a quiet NaN. Read again as an integer they cost next to
// nothing; a comparison of floats waits, with the stores of floats, for the way out of that unit.
//   movzx ecx, word [addr + 6] ; not ecx ; test ecx, 0x7ff8 ; je label
X64_INLINE void masm_jump_if_nan_stored(struct wj_masm *m, enum wj_num num, struct wj_addr a,
                                        wj_label label)
{
    a.offset += num == NUM_F32 ? 2 : 6;
    masm_load(m, LOAD_I32_16_U, X64_TMP2, a);
    masm_ibin_imm(m, IBIN_XOR, NUM_I32, X64_TMP2, X64_TMP2, -1);
    masm_itest_imm(m, NUM_I32, X64_TMP2, num == NUM_F32 ? 0x7fc0 : 0x7ff8);
    x64_jcc(m, CC_E, label);
}

// Wherever C code returns to wasm code or enters it: C may use these registers.
X64_INLINE void x64_load_nans(struct wj_masm *m)
{
    if (m->is_deterministic && m->features.has_avx512) {
        x64_vrm(m, VEX_MOVUPS_LOAD, X64_VTMP, 0, x64_const32(m, X64_F32_NAN));
        x64_evex_rr(m, EVEX_MOVUPS, X64_F32_NANS, 0, X64_VTMP);
        x64_vrm(m, VEX_MOVUPS_LOAD, X64_VTMP, 0, x64_const64(m, X64_F64_NAN, X64_F64_NAN));
        x64_evex_rr(m, EVEX_MOVUPS, X64_F64_NANS, 0, X64_VTMP);
    }
}

X64_INLINE bool masm_has_store_canon(const struct wj_masm *m)
{
    return m->features.has_avx512;
}

//   vrangesd t, nans, a, 5 ; vmovsd [addr], t
X64_INLINE void masm_store_canon(struct wj_masm *m, enum wj_num num, wj_reg a, struct wj_addr to)
{
    bool is_f32 = num == NUM_F32;
    x64_evex_rr(m, is_f32 ? EVEX_RANGESS : EVEX_RANGESD, X64_VTMP,
                is_f32 ? X64_F32_NANS : X64_F64_NANS, a);
    x64_imm8(m, X64_RANGE_MAX);
    masm_store(m, is_f32 ? STORE_F32 : STORE_F64, X64_VTMP, to);
}

X64_INLINE void masm_vcanon(struct wj_masm *m, enum wj_shape shape, wj_reg d, wj_reg a)
{
    x64_canon(m, shape == SHAPE_F32X4 ? NUM_F32 : NUM_F64, d, a);
}

#endif
