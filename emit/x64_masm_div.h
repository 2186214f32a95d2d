// x86-64: division, by registers and by constants. Constants are divided by multiplication with a
// rounded-up reciprocal (Granlund and Montgomery 1994; Warren, Hacker's Delight, chapter 10).
#ifndef EMIT_X64_MASM_DIV_H
#define EMIT_X64_MASM_DIV_H

#include "emit/x64_masm_int.h"

X64_INLINE bool x64_is_rem(enum wj_ibinop op)
{
    return op == IBIN_REM_S || op == IBIN_REM_U;
}

X64_INLINE bool x64_is_signed_div(enum wj_ibinop op)
{
    return op == IBIN_DIV_S || op == IBIN_REM_S;
}

// xor edx, edx; div b -- only a zero divisor faults.
X64_INLINE void x64_div_unsigned(struct wj_masm *m, uint32_t w, wj_reg b)
{
    x64_alu(m, ALU_XOR, 0, RDX, RDX);
    x64_trap_site(m, WJ_TRAP_INTEGER_DIVIDE_BY_ZERO);
    x64_r(m, X64_DIV, w, b);
}

// The divisor is checked for zero before, so that a fault of idiv is an overflow. The remainder by
// -1 is zero without dividing.
X64_INLINE void x64_div_signed(struct wj_masm *m, enum wj_ibinop op, uint32_t w, wj_reg b)
{
    x64_test(m, w, b, b);
    x64_trap_cc(m, CC_E, WJ_TRAP_INTEGER_DIVIDE_BY_ZERO);
    uint8_t *is_zero = NULL;
    if (op == IBIN_REM_S) {
        x64_alu(m, ALU_XOR, 0, RDX, RDX);
        x64_alu_imm(m, ALU_CMP, w, b, -1);
        is_zero = x64_jcc_short(m, CC_E);
    }
    x64_bytes(m, w ? X64_CQO : X64_CDQ, w ? 2 : 1);
    x64_trap_site(m, WJ_TRAP_INTEGER_OVERFLOW);
    x64_r(m, X64_IDIV, w, b);
    if (is_zero != NULL) {
        x64_here(m, is_zero);
    }
}

X64_INLINE void masm_idiv(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d, wj_reg a,
                          wj_reg b)
{
    (void) d;
    (void) a;
    uint32_t w = x64_w(num);
    uint8_t *is_short = NULL;
    if (w) {
        // When both operands have 32 bits, the narrow division gives the same and is faster.
        x64_mov(m, X64_W, X64_TMP, RAX);
        x64_alu(m, ALU_OR, X64_W, X64_TMP, b);
        x64_shift_imm(m, SHIFT_SHR, X64_W, X64_TMP, 32);
        is_short = x64_jcc_short(m, CC_E);
    }
    if (x64_is_signed_div(op)) {
        x64_div_signed(m, op, w, b);
    } else {
        x64_div_unsigned(m, w, b);
    }
    if (is_short != NULL) {
        uint8_t *done = x64_jmp_short(m);
        x64_here(m, is_short);
        x64_div_unsigned(m, 0, b);
        x64_here(m, done);
    }
}

// ---- Constant divisors ------------------------------------------------------------------------
// Each of these leaves the quotient of a in q, which is neither a nor a temporary but may be rdx.

X64_INLINE unsigned x64_log2_ceil(uint64_t divisor)
{
    return divisor <= 1 ? 0 : 64 - (unsigned) __builtin_clzll(divisor - 1);
}

// The reciprocal has 33 bits; with 64 by 64 bits the product's high half is the quotient.
X64_INLINE void x64_quotient_u32(struct wj_masm *m, wj_reg q, wj_reg a, uint32_t divisor)
{
    unsigned log2 = x64_log2_ceil(divisor);
    unsigned __int128 one = 1;
    uint64_t reciprocal = (uint64_t) ((one << (32 + log2)) / divisor + 1) << (32 - log2);
    x64_mov_imm(m, RDX, reciprocal);
    x64_vrr(m, VEX_MULX | X64_W, q, q, a);
}

// mov rdx, reciprocal; mulx high, high, n; shr high, shift
X64_INLINE void x64_mulx_shift(struct wj_masm *m, wj_reg q, wj_reg n, uint64_t reciprocal,
                               unsigned shift)
{
    x64_mov_imm(m, RDX, reciprocal);
    x64_vrr(m, VEX_MULX | X64_W, q, q, n);
    if (shift != 0) {
        x64_shift_imm(m, SHIFT_SHR, X64_W, q, shift);
    }
}

X64_INLINE void x64_quotient_u64(struct wj_masm *m, wj_reg q, wj_reg a, uint64_t divisor)
{
    unsigned log2 = x64_log2_ceil(divisor);
    unsigned __int128 one = 1;
    // A reciprocal of 64 bits does when its error, times the largest dividend, stays below one.
    unsigned __int128 power = one << (63 + log2);
    uint64_t error = divisor - (uint64_t) (power % divisor);
    if (error <= (uint64_t) 1 << (log2 - 1)) {
        x64_mulx_shift(m, q, a, (uint64_t) (power / divisor) + 1, log2 - 1);
        return;
    }
    unsigned even = (unsigned) __builtin_ctzll(divisor);
    if (even != 0) {
        // A dividend of fewer bits leaves room for the error.
        uint64_t odd = divisor >> even;
        unsigned odd_log2 = x64_log2_ceil(odd);
        power = one << (63 + odd_log2);
        x64_mov(m, X64_W, X64_TMP, a);
        x64_shift_imm(m, SHIFT_SHR, X64_W, X64_TMP, even);
        x64_mulx_shift(m, q, X64_TMP, (uint64_t) (power / odd) + 1, odd_log2 - 1);
        return;
    }
    // 65 bits: t = high(n * low part); q = (((n - t) >> 1) + t) >> (log2 - 1).
    uint64_t rest = log2 == 64 ? -divisor : ((uint64_t) 1 << log2) - divisor;
    uint64_t low = (uint64_t) (((unsigned __int128) rest << 64) / divisor) + 1;
    x64_mulx_shift(m, q, a, low, 0);
    x64_mov(m, X64_W, X64_TMP, a);
    x64_alu(m, ALU_SUB, X64_W, X64_TMP, q);
    x64_shift_imm(m, SHIFT_SHR, X64_W, X64_TMP, 1);
    x64_alu(m, ALU_ADD, X64_W, q, X64_TMP);
    x64_shift_imm(m, SHIFT_SHR, X64_W, q, log2 - 1);
}

// size is the divisor's absolute value.
X64_INLINE void x64_quotient_s32(struct wj_masm *m, wj_reg q, wj_reg a, uint32_t size)
{
    unsigned log2 = x64_log2_ceil(size);
    uint64_t reciprocal = ((uint64_t) 1 << (31 + log2)) / size + 1;
    x64_rr(m, X64_MOVSXD, q, a);
    x64_mov_imm(m, RCX, reciprocal);
    x64_rr(m, X64_IMUL | X64_W, q, RCX);
    x64_mov(m, X64_W, RCX, q);
    x64_shift_imm(m, SHIFT_SHR, X64_W, RCX, 63);
    x64_shift_imm(m, SHIFT_SAR, X64_W, q, 31 + log2);
    x64_alu(m, ALU_ADD, 0, q, RCX);
}

X64_INLINE void x64_quotient_s64(struct wj_masm *m, wj_reg q, wj_reg a, uint64_t size)
{
    unsigned log2 = x64_log2_ceil(size);
    unsigned __int128 power = (unsigned __int128) 1 << (62 + log2);
    unsigned shift = log2 - 2;
    bool is_small = log2 >= 2 && size - (uint64_t) (power % size) <= (uint64_t) 1 << (log2 - 1);
    if (!is_small) {
        power <<= 1;
        shift = log2 - 1;
    }
    // imul by a reciprocal of 64 bits, taken as negative: add the dividend back.
    x64_mov_imm(m, RAX, (uint64_t) (power / size) + 1);
    x64_r(m, X64_IMUL_WIDE, X64_W, a);
    if (!is_small) {
        x64_alu(m, ALU_ADD, X64_W, RDX, a);
    }
    if (shift != 0) {
        x64_shift_imm(m, SHIFT_SAR, X64_W, RDX, shift);
    }
    x64_mov(m, X64_W, RCX, a);
    x64_shift_imm(m, SHIFT_SHR, X64_W, RCX, 63);
    x64_alu(m, ALU_ADD, X64_W, RDX, RCX);
    masm_mov(m, NUM_I64, q, RDX);
}

X64_INLINE void x64_idiv_power_u(struct wj_masm *m, bool is_rem, uint32_t w, wj_reg d, wj_reg a,
                                 unsigned log2)
{
    enum wj_num num = w ? NUM_I64 : NUM_I32;
    if (is_rem) {
        masm_ibin_imm(m, IBIN_AND, num, d, a, (int64_t) (((uint64_t) 1 << log2) - 1));
    } else {
        masm_ibin_imm(m, IBIN_SHR_U, num, d, a, log2);
    }
}

// Rounds toward zero by adding 2^log2 - 1 to negative dividends.
X64_INLINE void x64_idiv_power_s(struct wj_masm *m, bool is_rem, uint32_t w, wj_reg d, wj_reg a,
                                 unsigned log2, bool negate)
{
    unsigned bits = w ? 64 : 32;
    enum wj_num num = w ? NUM_I64 : NUM_I32;
    if (log2 == 0) {
        if (is_rem) {
            x64_alu(m, ALU_XOR, 0, d, d);
            return;
        }
        masm_mov(m, num, d, a);
    } else {
        x64_mov(m, w, X64_TMP, a);
        if (log2 > 1) {
            x64_shift_imm(m, SHIFT_SAR, w, X64_TMP, bits - 1);
        }
        x64_shift_imm(m, SHIFT_SHR, w, X64_TMP, bits - log2);
        x64_alu(m, ALU_ADD, w, X64_TMP, a);
        if (is_rem) {
            x64_shift_imm(m, SHIFT_SHR, w, X64_TMP, log2);
            x64_shl_imm(m, w, X64_TMP, X64_TMP, log2);
            x64_mov(m, w, d, a);
            x64_alu(m, ALU_SUB, w, d, X64_TMP);
            return;
        }
        x64_shift_imm(m, SHIFT_SAR, w, X64_TMP, log2);
        x64_mov(m, w, d, X64_TMP);
    }
    if (negate) {
        x64_r(m, X64_NEG, w, d);
    }
}

// d = a - q * divisor, in the temporaries.
X64_INLINE void x64_remainder(struct wj_masm *m, uint32_t w, wj_reg d, wj_reg a, wj_reg q,
                              uint64_t divisor)
{
    if (!w) {
        divisor = (uint64_t) (int64_t) (int32_t) divisor;
    }
    if (x64_fits32((int64_t) divisor)) {
        x64_mul_imm(m, w, RCX, q, (int64_t) divisor);
    } else {
        x64_mov_imm(m, RCX, divisor);
        x64_rr(m, X64_IMUL | w, RCX, q);
    }
    x64_mov(m, w, d, a);
    x64_alu(m, ALU_SUB, w, d, RCX);
}

X64_INLINE void masm_idiv_imm(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                              wj_reg a, int64_t divisor)
{
    uint32_t w = x64_w(num);
    bool is_rem = x64_is_rem(op);
    bool is_signed = x64_is_signed_div(op);
    if (!w) {
        divisor = is_signed ? (int32_t) divisor : (int64_t) (uint32_t) divisor;
    }
    bool negate = is_signed && divisor < 0;
    uint64_t size = negate ? -(uint64_t) divisor : (uint64_t) divisor;
    if ((size & (size - 1)) == 0) {
        unsigned log2 = (unsigned) __builtin_ctzll(size);
        if (is_signed) {
            x64_idiv_power_s(m, is_rem, w, d, a, log2, negate);
        } else {
            x64_idiv_power_u(m, is_rem, w, d, a, log2);
        }
        return;
    }
    wj_reg q = is_rem ? X64_TMP : d;
    if (is_signed) {
        if (w) {
            x64_quotient_s64(m, q, a, size);
        } else {
            x64_quotient_s32(m, q, a, (uint32_t) size);
        }
    } else if (w) {
        // The remainder keeps r11 free for the quotient's own steps.
        q = is_rem ? RDX : d;
        x64_quotient_u64(m, q, a, size);
    } else {
        x64_quotient_u32(m, q, a, (uint32_t) size);
    }
    if (is_rem) {
        x64_remainder(m, w, d, a, q, size);
    } else if (negate) {
        x64_r(m, X64_NEG, w, d);
    }
}

#endif
