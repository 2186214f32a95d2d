// AArch64 verbs on scalar floats: arithmetic, comparison, conversions.
#ifndef EMIT_A64_MASM_FLOAT_H
#define EMIT_A64_MASM_FLOAT_H

#include "emit/a64_masm_int.h"

// A vector with only the sign bits set.
static inline void a64_sign_mask(struct wj_masm *m, enum wj_num num, wj_reg d)
{
    if (num == NUM_F32) {
        a64_put(m, A64_MOVI_4S_24 | a64_vector_imm8(0x80) | (d & 31));
    } else {
        a64_put(m, A64_MOVI_2D | (d & 31));
        a64_put(m, A64_FNEG_V | a64_lane_ft(SHAPE_F64X2) | a64_rr(d, d));
    }
}

static inline void a64_copysign(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg a, wj_reg b)
{
    a64_sign_mask(m, num, A64_VTMP);
    if (d == a) {
        a64_put(m, A64_BIT | a64_rrr(d, b, A64_VTMP));
        return;
    }
    a64_put(m, A64_BSL | a64_rrr(A64_VTMP, b, a));
    masm_mov(m, num, d, A64_VTMP);
}

// fmin and fmax order -0 below +0 and return quiet NaNs, as the specification wants.
static inline void masm_fbin(struct wj_masm *m, enum wj_fbinop op, enum wj_num num, wj_reg d,
                             wj_reg a, wj_reg b)
{
    static const uint32_t words[] = {
        [FBIN_ADD] = A64_FADD, [FBIN_SUB] = A64_FSUB, [FBIN_MUL] = A64_FMUL,
        [FBIN_DIV] = A64_FDIV, [FBIN_MIN] = A64_FMIN, [FBIN_MAX] = A64_FMAX,
    };
    if (op == FBIN_COPYSIGN) {
        a64_copysign(m, num, d, a, b);
        return;
    }
    a64_put(m, words[op] | a64_ft(num) | a64_rrr(d, a, b));
}

static inline void masm_fbin_slot(struct wj_masm *m, enum wj_fbinop op, enum wj_num num, wj_reg d,
                                  wj_reg a, struct wj_slot b)
{
    masm_load_slot(m, num, A64_VTMP2, b);
    masm_fbin(m, op, num, d, a, A64_VTMP2);
}

static inline void masm_fbin_addr(struct wj_masm *m, enum wj_fbinop op, enum wj_num num, wj_reg d,
                                  wj_reg a, struct wj_addr b)
{
    a64_load_num(m, num, A64_VTMP2, b);
    masm_fbin(m, op, num, d, a, A64_VTMP2);
}

static inline void masm_fun(struct wj_masm *m, enum wj_funop op, enum wj_num num, wj_reg d,
                            wj_reg a)
{
    static const uint32_t words[] = {
        [FUN_ABS] = A64_FABS,     [FUN_NEG] = A64_FNEG,     [FUN_CEIL] = A64_FRINTP,
        [FUN_FLOOR] = A64_FRINTM, [FUN_TRUNC] = A64_FRINTZ, [FUN_NEAREST] = A64_FRINTN,
        [FUN_SQRT] = A64_FSQRT,
    };
    a64_put(m, words[op] | a64_ft(num) | a64_rr(d, a));
}

static inline void masm_fcmp(struct wj_masm *m, enum wj_num num, wj_reg a, wj_reg b)
{
    a64_put(m, A64_FCMP | a64_ft(num) | a64_rrr(0, a, b));
}

// ---- Conversions --------------------------------------------------------------------------------

// One row for each conversion: its operand, its result, its instruction.
struct a64_cvt_row {
    enum a64_cvt_class { A64_CVT_MOVE, A64_CVT_TRAPPING, A64_CVT_PLAIN } class;
    uint32_t word; // complete but for the registers
    bool is_f64;   // operand of A64_CVT_TRAPPING
    bool is_i64;   // result of A64_CVT_TRAPPING
    bool is_unsigned;
};

#define A64_F64_BIT 0x400000u
#define A64_X_BIT 0x80000000u
#define A64_TRUNC(is_f64, is_i64, is_unsigned)           \
    {                                                    \
        A64_CVT_TRAPPING, 0, is_f64, is_i64, is_unsigned \
    }
#define A64_PLAIN(word)                          \
    {                                            \
        A64_CVT_PLAIN, word, false, false, false \
    }
static const struct a64_cvt_row A64_CONVERSIONS[] __attribute__((unused)) = {
    [CVT_I32_WRAP_I64] = A64_PLAIN(A64_ORR),
    [CVT_I32_TRUNC_F32_S] = A64_TRUNC(false, false, false),
    [CVT_I32_TRUNC_F32_U] = A64_TRUNC(false, false, true),
    [CVT_I32_TRUNC_F64_S] = A64_TRUNC(true, false, false),
    [CVT_I32_TRUNC_F64_U] = A64_TRUNC(true, false, true),
    [CVT_I64_EXTEND_I32_S] = A64_PLAIN(A64_SBFM | A64_X_BIT | A64_BIT_N | 31 << 10),
    [CVT_I64_EXTEND_I32_U] = {A64_CVT_MOVE, 0, false, false, false},
    [CVT_I64_TRUNC_F32_S] = A64_TRUNC(false, true, false),
    [CVT_I64_TRUNC_F32_U] = A64_TRUNC(false, true, true),
    [CVT_I64_TRUNC_F64_S] = A64_TRUNC(true, true, false),
    [CVT_I64_TRUNC_F64_U] = A64_TRUNC(true, true, true),
    [CVT_F32_CONVERT_I32_S] = A64_PLAIN(A64_SCVTF),
    [CVT_F32_CONVERT_I32_U] = A64_PLAIN(A64_UCVTF),
    [CVT_F32_CONVERT_I64_S] = A64_PLAIN(A64_SCVTF | A64_X_BIT),
    [CVT_F32_CONVERT_I64_U] = A64_PLAIN(A64_UCVTF | A64_X_BIT),
    [CVT_F32_DEMOTE_F64] = A64_PLAIN(A64_FCVT_S_D),
    [CVT_F64_CONVERT_I32_S] = A64_PLAIN(A64_SCVTF | A64_F64_BIT),
    [CVT_F64_CONVERT_I32_U] = A64_PLAIN(A64_UCVTF | A64_F64_BIT),
    [CVT_F64_CONVERT_I64_S] = A64_PLAIN(A64_SCVTF | A64_F64_BIT | A64_X_BIT),
    [CVT_F64_CONVERT_I64_U] = A64_PLAIN(A64_UCVTF | A64_F64_BIT | A64_X_BIT),
    [CVT_F64_PROMOTE_F32] = A64_PLAIN(A64_FCVT_D_S),
    [CVT_I32_REINTERPRET_F32] = A64_PLAIN(A64_FMOV_W_S),
    [CVT_I64_REINTERPRET_F64] = A64_PLAIN(A64_FMOV_X_D),
    [CVT_F32_REINTERPRET_I32] = A64_PLAIN(A64_FMOV_S_W),
    [CVT_F64_REINTERPRET_I64] = A64_PLAIN(A64_FMOV_D_X),
    [CVT_I32_TRUNC_SAT_F32_S] = A64_PLAIN(A64_FCVTZS),
    [CVT_I32_TRUNC_SAT_F32_U] = A64_PLAIN(A64_FCVTZU),
    [CVT_I32_TRUNC_SAT_F64_S] = A64_PLAIN(A64_FCVTZS | A64_F64_BIT),
    [CVT_I32_TRUNC_SAT_F64_U] = A64_PLAIN(A64_FCVTZU | A64_F64_BIT),
    [CVT_I64_TRUNC_SAT_F32_S] = A64_PLAIN(A64_FCVTZS | A64_X_BIT),
    [CVT_I64_TRUNC_SAT_F32_U] = A64_PLAIN(A64_FCVTZU | A64_X_BIT),
    [CVT_I64_TRUNC_SAT_F64_S] = A64_PLAIN(A64_FCVTZS | A64_X_BIT | A64_F64_BIT),
    [CVT_I64_TRUNC_SAT_F64_U] = A64_PLAIN(A64_FCVTZU | A64_X_BIT | A64_F64_BIT),
};
#undef A64_TRUNC
#undef A64_PLAIN
#undef A64_F64_BIT
#undef A64_X_BIT

// 64 bits hold every i32 exactly: what 32 bits do not give back was out of range.
//   fcmp a, a ; b.vs invalid ; fcvtzs x16, a ; cmp x16, w16, sxtw (uxtw) ; b.ne overflow
static inline void a64_trunc_i32(struct wj_masm *m, enum wj_num from, bool is_unsigned, wj_reg d,
                                 wj_reg a)
{
    masm_fcmp(m, from, a, a);
    a64_trap_branch(m, A64_BCOND | A64_OVERFLOW_SET, WJ_TRAP_INVALID_CONVERSION);
    a64_put(m, A64_FCVTZS | a64_sf(NUM_I64) | a64_ft(from) | a64_rr(A64_TMP, a));
    a64_put(m, (is_unsigned ? A64_SUBS_UXTW : A64_SUBS_SXTW) | a64_rrr(A64_ZR, A64_TMP, A64_TMP));
    masm_trap_if(m, COND_NE, WJ_TRAP_INTEGER_OVERFLOW);
    a64_put(m, A64_ORR | a64_rrr(d, A64_ZR, A64_TMP));
}

// No float is INT64_MAX or UINT64_MAX: the upper limit shows as a saturated result. The lower one
// is compared with: trap at -1 or less (unsigned), at less than -2^63 (signed).
static inline void a64_trunc_i64(struct wj_masm *m, enum wj_num from, bool is_unsigned, wj_reg d,
                                 wj_reg a)
{
    uint64_t limit = from == NUM_F32 ? UINT64_C(0xdf000000) : UINT64_C(0xc3e0000000000000);
    if (is_unsigned) {
        limit = from == NUM_F32 ? UINT64_C(0xbf800000) : UINT64_C(0xbff0000000000000);
    }
    masm_mov_fimm(m, from, A64_VTMP, limit);
    masm_fcmp(m, from, a, A64_VTMP);
    a64_trap_branch(m, A64_BCOND | A64_OVERFLOW_SET, WJ_TRAP_INVALID_CONVERSION);
    masm_trap_if(m, is_unsigned ? COND_LE_S : COND_LT_S, WJ_TRAP_INTEGER_OVERFLOW);
    uint32_t word = is_unsigned ? A64_FCVTZU : A64_FCVTZS;
    a64_put(m, word | a64_sf(NUM_I64) | a64_ft(from) | a64_rr(d, a));
    a64_put(m, A64_ADDS_IMM | a64_sf(NUM_I64) | a64_rr(A64_ZR, d) | 1 << 10);
    uint32_t is_saturated = is_unsigned ? A64_CARRY_SET : A64_OVERFLOW_SET;
    a64_trap_branch(m, A64_BCOND | is_saturated, WJ_TRAP_INTEGER_OVERFLOW);
}

static inline void masm_cvt(struct wj_masm *m, enum wj_cvt op, wj_reg d, wj_reg a)
{
    const struct a64_cvt_row *row = &A64_CONVERSIONS[op];
    enum wj_num from = row->is_f64 ? NUM_F64 : NUM_F32;
    switch (row->class) {
    case A64_CVT_MOVE: // the upper half of an i32 is zero already
        masm_mov(m, NUM_I64, d, a);
        break;
    case A64_CVT_TRAPPING:
        if (row->is_i64) {
            a64_trunc_i64(m, from, row->is_unsigned, d, a);
        } else {
            a64_trunc_i32(m, from, row->is_unsigned, d, a);
        }
        break;
    case A64_CVT_PLAIN:
        if (op == CVT_I32_WRAP_I64) {
            a64_put(m, row->word | a64_rrr(d, A64_ZR, a));
        } else {
            a64_put(m, row->word | a64_rr(d, a));
        }
        break;
    }
}

#endif
