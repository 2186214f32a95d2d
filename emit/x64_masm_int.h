// x86-64: integer arithmetic, comparisons and what reads their flags.
#ifndef EMIT_X64_MASM_INT_H
#define EMIT_X64_MASM_INT_H

#include "emit/x64_masm_branch.h"
#include "emit/x64_masm_move.h"

// A place in linear memory as an operand. Offsets that no displacement holds go through r11.
X64_INLINE struct x64_mem x64_addr(struct wj_masm *m, struct wj_addr a)
{
    if (a.offset <= INT32_MAX) {
        return x64_at_index(a.base, a.index, 0, (int32_t) a.offset);
    }
    x64_mov_imm(m, X64_TMP, a.offset);
    if (a.index != WJ_REG_NONE) {
        x64_alu(m, ALU_ADD, X64_W, X64_TMP, a.index);
    }
    return x64_at_index(a.base, X64_TMP, 0, 0);
}

X64_INLINE enum x64_alu x64_alu_of(enum wj_ibinop op)
{
    static const uint8_t alus[] = {
        [IBIN_ADD] = ALU_ADD, [IBIN_SUB] = ALU_SUB, [IBIN_AND] = ALU_AND,
        [IBIN_OR] = ALU_OR,   [IBIN_XOR] = ALU_XOR,
    };
    return (enum x64_alu) alus[op];
}

// ADD .. XOR on two registers: d op= s.
X64_INLINE void x64_ibin_2(struct wj_masm *m, enum wj_ibinop op, uint32_t w, wj_reg d, wj_reg s)
{
    if (op == IBIN_MUL) {
        x64_rr(m, X64_IMUL | w, d, s);
    } else {
        x64_alu(m, x64_alu_of(op), w, d, s);
        x64_note_zero_flag(m, w, d);
    }
}

X64_INLINE void x64_ibin_mem(struct wj_masm *m, enum wj_ibinop op, uint32_t w, wj_reg d,
                             struct x64_mem b)
{
    if (op == IBIN_MUL) {
        x64_rm(m, X64_IMUL | w, d, b);
    } else {
        x64_alu_mem(m, x64_alu_of(op), w, d, b);
        x64_note_zero_flag(m, w, d);
    }
}

// ADD .. XOR on three registers.
X64_INLINE void x64_ibin_3(struct wj_masm *m, enum wj_ibinop op, uint32_t w, wj_reg d, wj_reg a,
                           wj_reg b)
{
    if (d == a) {
        x64_ibin_2(m, op, w, d, b);
    } else if (op == IBIN_ADD && d != b) {
        x64_lea(m, w, d, x64_at_index(a, b, 0, 0));
    } else if (op == IBIN_SUB && d == b) {
        x64_r(m, X64_NEG, w, d);
        x64_alu(m, ALU_ADD, w, d, a);
    } else if (d == b) {
        x64_ibin_2(m, op, w, d, a);
    } else {
        x64_mov(m, w, d, a);
        x64_ibin_2(m, op, w, d, b);
    }
}

X64_INLINE void x64_rotate(struct wj_masm *m, enum x64_shift op, uint32_t w, wj_reg d, wj_reg a,
                           wj_reg b)
{
    x64_mov(m, 0, RCX, b);
    if (d != a) {
        x64_mov(m, w, d, a);
    }
    x64_rr(m, X64_SHIFT_CL | w, op, d);
}

X64_INLINE void masm_ibin(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d, wj_reg a,
                          wj_reg b)
{
    uint32_t w = x64_w(num);
    switch (op) {
    case IBIN_ADD:
    case IBIN_SUB:
    case IBIN_MUL:
    case IBIN_AND:
    case IBIN_OR:
    case IBIN_XOR: x64_ibin_3(m, op, w, d, a, b); break;
    case IBIN_SHL: x64_vrr(m, VEX_SHLX | w, d, b, a); break;
    case IBIN_SHR_S: x64_vrr(m, VEX_SARX | w, d, b, a); break;
    case IBIN_SHR_U: x64_vrr(m, VEX_SHRX | w, d, b, a); break;
    case IBIN_ROTL: x64_rotate(m, SHIFT_ROL, w, d, a, b); break;
    case IBIN_ROTR: x64_rotate(m, SHIFT_ROR, w, d, a, b); break;
    case IBIN_DIV_S:
    case IBIN_DIV_U:
    case IBIN_REM_S:
    case IBIN_REM_U: break; // masm_idiv has them
    }
}

// An immediate that fits no instruction.
X64_INLINE void x64_ibin_imm_reg(struct wj_masm *m, enum wj_ibinop op, uint32_t w, wj_reg d,
                                 wj_reg a, int64_t imm)
{
    x64_mov_imm(m, X64_TMP, (uint64_t) imm);
    x64_ibin_3(m, op, w, d, a, X64_TMP);
}

X64_INLINE void x64_add_imm(struct wj_masm *m, uint32_t w, wj_reg d, wj_reg a, int64_t imm)
{
    if (imm == 0) {
        masm_mov(m, w ? NUM_I64 : NUM_I32, d, a);
    } else if (!x64_fits32(imm)) {
        x64_ibin_imm_reg(m, IBIN_ADD, w, d, a, imm);
    } else if (d != a) {
        x64_lea(m, w, d, x64_at(a, (int32_t) imm));
    } else {
        if (imm == 128) {
            x64_alu_imm(m, ALU_SUB, w, d, -128);
        } else {
            x64_alu_imm(m, ALU_ADD, w, d, (int32_t) imm);
        }
        x64_note_zero_flag(m, w, d);
    }
}

X64_INLINE void x64_shl_imm(struct wj_masm *m, uint32_t w, wj_reg d, wj_reg a, unsigned count)
{
    if (count == 1) {
        if (d == a) {
            x64_alu(m, ALU_ADD, w, d, d);
        } else {
            x64_lea(m, w, d, x64_at_index(a, a, 0, 0));
        }
        return;
    }
    if (d != a) {
        x64_mov(m, w, d, a);
    }
    if (count != 0) {
        x64_shift_imm(m, SHIFT_SHL, w, d, count);
    }
}

X64_INLINE void x64_mul_imm(struct wj_masm *m, uint32_t w, wj_reg d, wj_reg a, int64_t imm)
{
    uint64_t bits = w ? (uint64_t) imm : (uint32_t) imm;
    if (bits == 0) {
        x64_alu(m, ALU_XOR, 0, d, d);
        return;
    }
    unsigned shift = (unsigned) __builtin_ctzll(bits);
    uint64_t odd = bits >> shift;
    if (odd == 1) {
        x64_shl_imm(m, w, d, a, shift);
    } else if (odd == 3 || odd == 5 || odd == 9) {
        x64_lea(m, w, d, x64_at_index(a, a, odd == 3 ? 1 : odd == 5 ? 2 : 3, 0));
        x64_shl_imm(m, w, d, d, shift);
    } else if (imm == -1) {
        masm_mov(m, w ? NUM_I64 : NUM_I32, d, a);
        x64_r(m, X64_NEG, w, d);
    } else if (x64_fits8(imm)) {
        x64_rr(m, X64_IMUL_IMM8 | w, d, a);
        x64_imm8(m, imm);
    } else if (x64_fits32(imm)) {
        x64_rr(m, X64_IMUL_IMM32 | w, d, a);
        x64_imm32(m, imm);
    } else {
        x64_ibin_imm_reg(m, IBIN_MUL, w, d, a, imm);
    }
}

// AND, OR, XOR.
X64_INLINE void x64_logic_imm(struct wj_masm *m, enum wj_ibinop op, uint32_t w, wj_reg d, wj_reg a,
                              int64_t imm)
{
    if (op == IBIN_AND) {
        if (imm == 0xff) {
            x64_movzx8(m, d, a);
            return;
        }
        if (imm == 0xffff) {
            x64_rr(m, X64_MOVZX16, d, a);
            return;
        }
        if (imm == UINT32_MAX) {
            x64_mov(m, 0, d, a);
            return;
        }
        if ((uint64_t) imm < UINT32_MAX) {
            // The upper half of the result is zero either way.
            w = 0;
            imm = (int32_t) imm;
        }
    }
    if (!x64_fits32(imm)) {
        x64_ibin_imm_reg(m, op, w, d, a, imm);
        return;
    }
    if (d != a) {
        x64_mov(m, w, d, a);
    }
    if (op == IBIN_XOR && imm == -1) {
        x64_r(m, X64_NOT, w, d);
    } else {
        x64_alu_imm(m, x64_alu_of(op), w, d, (int32_t) imm);
        x64_note_zero_flag(m, w, d);
    }
}

X64_INLINE void x64_shift_right_imm(struct wj_masm *m, enum x64_shift op, uint32_t w, wj_reg d,
                                    wj_reg a, unsigned count)
{
    if (d != a) {
        x64_mov(m, w, d, a);
    }
    if (count != 0) {
        x64_shift_imm(m, op, w, d, count);
    }
}

// To the right.
X64_INLINE void x64_rotate_imm(struct wj_masm *m, uint32_t w, wj_reg d, wj_reg a, unsigned count)
{
    if (count == 0) {
        masm_mov(m, w ? NUM_I64 : NUM_I32, d, a);
    } else if (d == a) {
        x64_shift_imm(m, SHIFT_ROR, w, d, count);
    } else {
        x64_vrr_imm(m, VEX_RORX | w, d, 0, a, count);
    }
}

X64_INLINE void masm_ibin_imm(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                              wj_reg a, int64_t imm)
{
    uint32_t w = x64_w(num);
    unsigned bits = w ? 64 : 32;
    unsigned count = (unsigned) imm & (bits - 1);
    if (!w) {
        imm = (int32_t) imm;
    }
    switch (op) {
    case IBIN_ADD: x64_add_imm(m, w, d, a, imm); break;
    case IBIN_SUB: {
        int64_t negative = (int64_t) - (uint64_t) imm;
        x64_add_imm(m, w, d, a, w ? negative : (int32_t) negative);
        break;
    }
    case IBIN_MUL: x64_mul_imm(m, w, d, a, imm); break;
    case IBIN_AND:
    case IBIN_OR:
    case IBIN_XOR: x64_logic_imm(m, op, w, d, a, imm); break;
    case IBIN_SHL: x64_shl_imm(m, w, d, a, count); break;
    case IBIN_SHR_S: x64_shift_right_imm(m, SHIFT_SAR, w, d, a, count); break;
    case IBIN_SHR_U: x64_shift_right_imm(m, SHIFT_SHR, w, d, a, count); break;
    case IBIN_ROTL: x64_rotate_imm(m, w, d, a, (bits - count) & (bits - 1)); break;
    case IBIN_ROTR: x64_rotate_imm(m, w, d, a, count); break;
    case IBIN_DIV_S:
    case IBIN_DIV_U:
    case IBIN_REM_S:
    case IBIN_REM_U: break; // masm_idiv_imm has them
    }
}

// a op memory, with rcx in between where d is part of the address.
X64_INLINE void x64_ibin_rm(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                            wj_reg a, struct x64_mem b)
{
    uint32_t w = x64_w(num);
    wj_reg target = d != a && (d == b.base || d == b.index) ? X64_TMP2 : d;
    if (target != a) {
        x64_mov(m, w, target, a);
    }
    x64_ibin_mem(m, op, w, target, b);
    if (target != d) {
        x64_mov(m, w, d, target);
    }
}

X64_INLINE void masm_ibin_slot(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                               wj_reg a, struct wj_slot b)
{
    x64_ibin_rm(m, op, num, d, a, x64_slot(b));
}

X64_INLINE void masm_ibin_to_slot(struct wj_masm *m, enum wj_ibinop op, enum wj_num num,
                                  struct wj_slot d, wj_reg b)
{
    x64_rm(m, (uint32_t) x64_alu_of(op) << 3 | X64_ALU_TO | x64_w(num), b, x64_slot(d));
}

X64_INLINE void masm_ibin_imm_to_slot(struct wj_masm *m, enum wj_ibinop op, enum wj_num num,
                                      struct wj_slot d, int32_t imm)
{
    bool is_short = x64_fits8(imm);
    x64_rm_imm(m, (is_short ? X64_ALU_IMM8 : X64_ALU_IMM32) | x64_w(num), x64_alu_of(op),
               x64_slot(d), (uint32_t) imm, is_short ? 1 : 4);
}

X64_INLINE void masm_ibin_addr(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                               wj_reg a, struct wj_addr b)
{
    x64_ibin_rm(m, op, num, d, a, x64_addr(m, b));
}

X64_INLINE void masm_lea(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg a, wj_reg b,
                         unsigned shift)
{
    x64_lea(m, x64_w(num), d, x64_at_index(a, b, shift, 0));
}

X64_INLINE void masm_iun(struct wj_masm *m, enum wj_iunop op, enum wj_num num, wj_reg d, wj_reg a)
{
    uint32_t w = x64_w(num);
    switch (op) {
    case IUN_CLZ: x64_rr(m, X64_LZCNT | w, d, a); break;
    case IUN_CTZ: x64_rr(m, X64_TZCNT | w, d, a); break;
    case IUN_POPCNT: x64_rr(m, X64_POPCNT | w, d, a); break;
    case IUN_EXTEND8_S: x64_rr_rm8(m, X64_MOVSX8 | w, d, a); break;
    case IUN_EXTEND16_S: x64_rr(m, X64_MOVSX16 | w, d, a); break;
    case IUN_EXTEND32_S: x64_rr(m, X64_MOVSXD, d, a); break;
    }
}

// ---- Comparisons ------------------------------------------------------------------------------

X64_INLINE void masm_icmp(struct wj_masm *m, enum wj_num num, wj_reg a, wj_reg b)
{
    x64_alu(m, ALU_CMP, x64_w(num), a, b);
}

X64_INLINE void masm_icmp_imm(struct wj_masm *m, enum wj_num num, wj_reg a, int64_t imm)
{
    uint32_t w = x64_w(num);
    if (!w) {
        imm = (int32_t) imm;
    }
    if (imm == 0) {
        x64_test(m, w, a, a);
    } else if (x64_fits32(imm)) {
        x64_alu_imm(m, ALU_CMP, w, a, (int32_t) imm);
    } else {
        x64_mov_imm(m, X64_TMP, (uint64_t) imm);
        x64_alu(m, ALU_CMP, w, a, X64_TMP);
    }
}

X64_INLINE void masm_icmp_slot(struct wj_masm *m, enum wj_num num, wj_reg a, struct wj_slot b)
{
    x64_alu_mem(m, ALU_CMP, x64_w(num), a, x64_slot(b));
}

X64_INLINE void masm_icmp_addr(struct wj_masm *m, enum wj_num num, wj_reg a, struct wj_addr b)
{
    x64_alu_mem(m, ALU_CMP, x64_w(num), a, x64_addr(m, b));
}

X64_INLINE void masm_itest(struct wj_masm *m, enum wj_num num, wj_reg a, wj_reg b)
{
    if (a == b) {
        x64_test_zero(m, x64_w(num), a);
    } else {
        x64_test(m, x64_w(num), a, b);
    }
}

X64_INLINE void masm_itest_imm(struct wj_masm *m, enum wj_num num, wj_reg a, int64_t imm)
{
    uint32_t w = x64_w(num);
    if (!w) {
        imm = (int32_t) imm;
    }
    if (imm >= 0 && imm <= INT8_MAX) {
        x64_rr_rm8(m, X64_TEST8_IMM, 0,
                   a); // no sign bit is involved, so the narrow flags are the same
        x64_imm8(m, imm);
    } else if (x64_fits32(imm)) {
        x64_r(m, X64_TEST_IMM, imm >= 0 ? 0 : w, a);
        x64_imm32(m, imm);
    } else {
        x64_mov_imm(m, X64_TMP, (uint64_t) imm);
        x64_test(m, w, a, X64_TMP);
    }
}

// ---- What reads flags -------------------------------------------------------------------------

X64_INLINE void masm_setcc(struct wj_masm *m, enum wj_cond cond, wj_reg d)
{
    bool is_eq = cond == COND_F_EQ;
    if (is_eq || cond == COND_F_NE) {
        // setnp d; movzx d, d; mov ecx, 0; cmovne d, ecx -- and the opposite for F_NE.
        x64_setcc(m, is_eq ? CC_NP : CC_P, d);
        x64_movzx8(m, d, d);
        x64_mov_imm(m, X64_TMP2, is_eq ? 0 : 1);
        x64_cmov(m, CC_NE, 0, d, X64_TMP2);
        return;
    }
    x64_setcc(m, x64_cc_of(cond), d);
    x64_movzx8(m, d, d);
}

X64_INLINE void x64_csel_gpr(struct wj_masm *m, enum wj_cond cond, uint32_t w, wj_reg d, wj_reg a,
                             wj_reg b)
{
    if (cond == COND_F_NE) {
        x64_csel_gpr(m, COND_F_EQ, w, d, b, a);
    } else if (cond == COND_F_EQ) {
        wj_reg target = d == b ? X64_TMP : d;
        if (target != a) {
            x64_mov(m, w, target, a);
        }
        x64_cmov(m, CC_NE, w, target, b);
        x64_cmov(m, CC_P, w, target, b);
        if (target != d) {
            x64_mov(m, w, d, target);
        }
    } else if (d == a) {
        x64_cmov(m, (enum x64_cc)(x64_cc_of(cond) ^ 1), w, d, b);
    } else {
        if (d != b) {
            x64_mov(m, w, d, b);
        }
        x64_cmov(m, x64_cc_of(cond), w, d, a);
    }
}

// A branch over a move. The flags stay, too.
X64_INLINE void x64_csel_vec(struct wj_masm *m, enum wj_cond cond, wj_reg d, wj_reg a, wj_reg b)
{
    if (d == b) {
        cond = wj_cond_not(cond);
        b = a;
        a = d;
    }
    x64_vmov(m, d, a);
    // Skip when the condition holds: d is a already.
    if (cond == COND_F_EQ) {
        uint8_t *differs = x64_jcc_short(m, CC_P);
        uint8_t *skip = x64_jcc_short(m, CC_E);
        x64_here(m, differs);
        x64_vmov(m, d, b);
        x64_here(m, skip);
        return;
    }
    uint8_t *skip_unordered = cond == COND_F_NE ? x64_jcc_short(m, CC_P) : NULL;
    uint8_t *skip = x64_jcc_short(m, x64_cc_of(cond));
    x64_vmov(m, d, b);
    x64_here(m, skip);
    if (skip_unordered != NULL) {
        x64_here(m, skip_unordered);
    }
}

X64_INLINE void masm_csel(struct wj_masm *m, enum wj_cond cond, enum wj_num num, wj_reg d, wj_reg a,
                          wj_reg b)
{
    if (a == b) {
        masm_mov(m, num, d, a);
    } else if (wj_reg_is_vec(d)) {
        x64_csel_vec(m, cond, d, a, b);
    } else {
        x64_csel_gpr(m, cond, x64_w(num), d, a, b);
    }
}

// ---- 128 bits ---------------------------------------------------------------------------------

// lo is none of ahi and bhi, so it may be written first; hi may be any of the four.
X64_INLINE void masm_add128(struct wj_masm *m, bool subtract, wj_reg lo, wj_reg hi, wj_reg alo,
                            wj_reg ahi, wj_reg blo, wj_reg bhi)
{
    enum x64_alu first = subtract ? ALU_SUB : ALU_ADD;
    enum x64_alu second = subtract ? ALU_SBB : ALU_ADC;
    wj_reg low = lo != alo && lo == blo ? X64_TMP : lo;
    if (low != alo) {
        x64_mov(m, X64_W, low, alo);
    }
    x64_alu(m, first, X64_W, low, blo);
    if (low != lo) {
        x64_mov(m, X64_W, lo, low);
    }
    wj_reg high = hi != ahi && hi == bhi ? X64_TMP : hi;
    if (high != ahi) {
        x64_mov(m, X64_W, high, ahi);
    }
    x64_alu(m, second, X64_W, high, bhi);
    if (high != hi) {
        x64_mov(m, X64_W, hi, high);
    }
}

// lo:a is rax, hi is rdx.
X64_INLINE void masm_mul_wide(struct wj_masm *m, bool is_signed, wj_reg lo, wj_reg hi, wj_reg a,
                              wj_reg b)
{
    (void) lo;
    (void) hi;
    (void) a;
    x64_r(m, is_signed ? X64_IMUL_WIDE : X64_MUL, X64_W, b);
}

#endif
