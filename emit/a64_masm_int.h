// AArch64 verbs on integers: arithmetic, division, comparison, selection.
#ifndef EMIT_A64_MASM_INT_H
#define EMIT_A64_MASM_INT_H

#include "emit/a64_masm_core.h"
#include "emit/a64_masm_mem.h"

static inline unsigned a64_width(enum wj_num num)
{
    return num == NUM_I32 ? 32 : 64;
}

// ubfm, sbfm and extr carry N beside sf on x registers.
static inline uint32_t a64_sfn(enum wj_num num)
{
    return num == NUM_I32 ? 0 : 0x80000000u | A64_BIT_N;
}

static inline void a64_shift_imm(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                                 wj_reg a, unsigned count)
{
    unsigned width = a64_width(num);
    count &= width - 1;
    uint32_t rr = a64_sfn(num) | a64_rr(d, a);
    if (count == 0) {
        masm_mov(m, num, d, a);
    } else if (op == IBIN_SHL) {
        a64_put(m, A64_UBFM | rr | (width - count) << 16 | (width - 1 - count) << 10);
    } else if (op == IBIN_SHR_S || op == IBIN_SHR_U) {
        uint32_t word = op == IBIN_SHR_S ? A64_SBFM : A64_UBFM;
        a64_put(m, word | rr | count << 16 | (width - 1) << 10);
    } else {
        unsigned right = op == IBIN_ROTR ? count : width - count;
        a64_put(m, A64_EXTR | a64_sfn(num) | a64_rrr(d, a, a) | right << 10);
    }
}

static inline void masm_ibin(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                             wj_reg a, wj_reg b)
{
    static const uint32_t words[] = {
        [IBIN_ADD] = A64_ADD,   [IBIN_SUB] = A64_SUB,    [IBIN_MUL] = A64_MADD,
        [IBIN_AND] = A64_AND,   [IBIN_OR] = A64_ORR,     [IBIN_XOR] = A64_EOR,
        [IBIN_SHL] = A64_LSLV,  [IBIN_SHR_S] = A64_ASRV, [IBIN_SHR_U] = A64_LSRV,
        [IBIN_ROTL] = A64_RORV, [IBIN_ROTR] = A64_RORV,
    };
    uint32_t fields = a64_sf(num);
    if (op == IBIN_MUL) {
        fields |= A64_ZR << 10;
    } else if (op == IBIN_ROTL) {
        a64_put(m, A64_SUB | fields | a64_rrr(A64_TMP, A64_ZR, b));
        b = A64_TMP;
    }
    a64_put(m, words[op] | fields | a64_rrr(d, a, b));
}

// By an operand in x16 that holds the immediate.
static inline void a64_ibin_imm_slow(struct wj_masm *m, enum wj_ibinop op, enum wj_num num,
                                     wj_reg d, wj_reg a, int64_t imm)
{
    masm_mov_imm(m, num, A64_TMP, (uint64_t) imm);
    masm_ibin(m, op, num, d, a, A64_TMP);
}

static inline void a64_add_sub_imm(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg a,
                                   int64_t imm)
{
    uint64_t size = imm < 0 ? -(uint64_t) imm : (uint64_t) imm;
    uint32_t rr = a64_sf(num) | a64_rr(d, a);
    if (imm == 0) {
        masm_mov(m, num, d, a);
    } else if (size < 4096) {
        a64_put(m, (imm < 0 ? A64_SUB_IMM : A64_ADD_IMM) | rr | (uint32_t) size << 10);
    } else if (size < 1 << 24 && (size & 4095) == 0) {
        a64_put(m, (imm < 0 ? A64_SUB_IMM12 : A64_ADD_IMM12) | rr | (uint32_t) (size >> 12) << 10);
    } else if (size >= 1 << 16 && size < 1 << 24) { // below that a movz and a sum are no more
        uint32_t second = a64_sf(num) | a64_rr(d, d) | (uint32_t) (size & 4095) << 10;
        a64_put(m, (imm < 0 ? A64_SUB_IMM12 : A64_ADD_IMM12) | rr | (uint32_t) (size >> 12) << 10);
        a64_put(m, (imm < 0 ? A64_SUB_IMM : A64_ADD_IMM) | second);
    } else {
        a64_ibin_imm_slow(m, IBIN_ADD, num, d, a, imm);
    }
}

static inline void a64_logic_imm(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                                 wj_reg a, int64_t imm)
{
    uint32_t word = op == IBIN_AND ? A64_AND_IMM : op == IBIN_OR ? A64_ORR_IMM : A64_EOR_IMM;
    uint32_t fields;
    if (a64_logical_imm(num, (uint64_t) imm, &fields)) {
        a64_put(m, word | a64_sf(num) | a64_rr(d, a) | fields);
    } else if (imm == (op == IBIN_AND ? -1 : 0)) {
        masm_mov(m, num, d, a);
    } else if (imm == 0) {
        masm_mov_imm(m, num, d, 0);
    } else if (imm == -1 && op == IBIN_XOR) {
        a64_put(m, A64_ORN | a64_sf(num) | a64_rrr(d, A64_ZR, a));
    } else if (imm == -1) {
        masm_mov_imm(m, num, d, UINT64_MAX);
    } else {
        a64_ibin_imm_slow(m, op, num, d, a, imm);
    }
}

// Products by 2^n and 2^n + 1 are a shift, or a shifted add.
static inline void a64_mul_imm(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg a, int64_t imm)
{
    uint64_t factor = num == NUM_I32 ? (uint32_t) imm : (uint64_t) imm;
    if (factor != 0 && (factor & (factor - 1)) == 0) {
        a64_shift_imm(m, IBIN_SHL, num, d, a, (unsigned) __builtin_ctzll(factor));
    } else if (factor > 2 && ((factor - 1) & (factor - 2)) == 0) {
        uint32_t shift = (uint32_t) __builtin_ctzll(factor - 1);
        a64_put(m, A64_ADD | a64_sf(num) | a64_rrr(d, a, a) | shift << 10);
    } else if (factor == 0) {
        masm_mov_imm(m, num, d, 0);
    } else {
        a64_ibin_imm_slow(m, IBIN_MUL, num, d, a, imm);
    }
}

static inline void masm_ibin_imm(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                                 wj_reg a, int64_t imm)
{
    if (num == NUM_I32) {
        imm = (int32_t) imm;
    }
    switch (op) {
    case IBIN_ADD: a64_add_sub_imm(m, num, d, a, imm); break;
    case IBIN_SUB: {
        uint64_t negated = -(uint64_t) imm;
        a64_add_sub_imm(m, num, d, a, num == NUM_I32 ? (int32_t) negated : (int64_t) negated);
        break;
    }
    case IBIN_MUL: a64_mul_imm(m, num, d, a, imm); break;
    case IBIN_AND:
    case IBIN_OR:
    case IBIN_XOR: a64_logic_imm(m, op, num, d, a, imm); break;
    case IBIN_SHL:
    case IBIN_SHR_S:
    case IBIN_SHR_U:
    case IBIN_ROTL:
    case IBIN_ROTR: a64_shift_imm(m, op, num, d, a, (unsigned) imm); break;
    case IBIN_DIV_S:
    case IBIN_DIV_U:
    case IBIN_REM_S:
    case IBIN_REM_U: break; // masm_idiv_imm
    }
}

static inline void masm_ibin_slot(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                                  wj_reg a, struct wj_slot b)
{
    masm_load_slot(m, num, A64_TMP, b);
    masm_ibin(m, op, num, d, a, A64_TMP);
}

// The other temporary holds the address of a slot that no immediate reaches.
static inline void masm_ibin_to_slot(struct wj_masm *m, enum wj_ibinop op, enum wj_num num,
                                     struct wj_slot d, wj_reg b)
{
    masm_load_slot(m, num, A64_TMP2, d);
    masm_ibin(m, op, num, A64_TMP2, A64_TMP2, b);
    masm_store_slot(m, num, A64_TMP2, d);
}

static inline void masm_ibin_imm_to_slot(struct wj_masm *m, enum wj_ibinop op, enum wj_num num,
                                         struct wj_slot d, int32_t imm)
{
    masm_load_slot(m, num, A64_TMP2, d);
    masm_mov_imm(m, num, A64_TMP, (uint64_t) (int64_t) imm);
    masm_ibin(m, op, num, A64_TMP2, A64_TMP2, A64_TMP);
    masm_store_slot(m, num, A64_TMP2, d);
}

static inline void a64_load_num(struct wj_masm *m, enum wj_num num, wj_reg d, struct wj_addr a)
{
    static const enum wj_load_op loads[] = {LOAD_I32, LOAD_I64, LOAD_F32, LOAD_F64, LOAD_V128};
    masm_load(m, loads[num], d, a);
}

static inline void masm_ibin_addr(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                                  wj_reg a, struct wj_addr b)
{
    a64_load_num(m, num, A64_TMP, b);
    masm_ibin(m, op, num, d, a, A64_TMP);
}

static inline void masm_lea(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg a, wj_reg b,
                            unsigned shift)
{
    a64_put(m, A64_ADD | a64_sf(num) | a64_rrr(d, a, b) | shift << 10);
}

// ---- Division -----------------------------------------------------------------------------------

// The hardware gives 0 for x / 0 and INT_MIN for INT_MIN / -1: both traps are made here.
//   cbz b, trap ; cmn b, #1 ; ccmp a, #1, #0, eq ; b.vs trap ; sdiv d, a, b
// INT_MIN - INT_MIN * -1 is 0, as rem_s wants.
static inline void masm_idiv(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                             wj_reg a, wj_reg b)
{
    uint32_t sf = a64_sf(num);
    uint32_t divide = op == IBIN_DIV_S || op == IBIN_REM_S ? A64_SDIV : A64_UDIV;
    a64_trap_branch(m, A64_CBZ | sf | b, WJ_TRAP_INTEGER_DIVIDE_BY_ZERO);
    if (op == IBIN_DIV_S) {
        a64_put(m, A64_ADDS_IMM | sf | a64_rr(A64_ZR, b) | 1 << 10);
        a64_put(m, A64_CCMP_IMM | sf | a64_rr(0, a) | 1 << 16);
        a64_trap_branch(m, A64_BCOND | A64_OVERFLOW_SET, WJ_TRAP_INTEGER_OVERFLOW);
    }
    if (op == IBIN_DIV_S || op == IBIN_DIV_U) {
        a64_put(m, divide | sf | a64_rrr(d, a, b));
        return;
    }
    a64_put(m, divide | sf | a64_rrr(A64_TMP, a, b));
    a64_put(m, A64_MSUB | sf | a64_rrra(d, A64_TMP, b, a));
}

static inline unsigned a64_ceil_log2(uint64_t value)
{
    return value <= 1 ? 0 : 64 - (unsigned) __builtin_clzll(value - 1);
}

// floor(2^p / divisor) + 1; p is below 128.
static inline unsigned __int128 a64_reciprocal(unsigned p, uint64_t divisor)
{
    return ((unsigned __int128) 1 << p) / divisor + 1;
}

// q = a / divisor by multiplication (Granlund and Montgomery 1994); the divisor is no power of 2.
static inline void a64_divide_u(struct wj_masm *m, enum wj_num num, wj_reg q, wj_reg a,
                                uint64_t divisor)
{
    unsigned s = a64_ceil_log2(divisor);
    uint32_t wide = a64_sf(NUM_I64);
    if (num == NUM_I32) {
        // A reciprocal of up to 33 bits, so scaled that the quotient is the high half.
        uint64_t factor = (uint64_t) a64_reciprocal(32 + s, divisor) << (32 - s);
        masm_mov_imm(m, NUM_I64, A64_TMP2, factor);
        a64_put(m, A64_UMULH | a64_rrr(q, a, A64_TMP2));
        return;
    }
    unsigned p = 63 + s;
    unsigned __int128 factor = a64_reciprocal(p, divisor);
    unsigned __int128 error = factor * divisor - ((unsigned __int128) 1 << p);
    if (error <= (unsigned __int128) 1 << (p - 64)) {
        masm_mov_imm(m, NUM_I64, A64_TMP2, (uint64_t) factor);
        a64_put(m, A64_UMULH | a64_rrr(q, a, A64_TMP2));
        a64_shift_imm(m, IBIN_SHR_U, NUM_I64, q, q, p - 64);
        return;
    }
    // The reciprocal has 65 bits: q = (((a - t) >> 1) + t) >> (s - 1), t = high(a * low 64 bits).
    unsigned __int128 rest = ((unsigned __int128) 1 << s) - divisor;
    masm_mov_imm(m, NUM_I64, A64_TMP2, (uint64_t) ((rest << 64) / divisor + 1));
    a64_put(m, A64_UMULH | a64_rrr(A64_TMP2, a, A64_TMP2));
    a64_put(m, A64_SUB | wide | a64_rrr(q, a, A64_TMP2));
    a64_put(m, A64_ADD_LSR | wide | a64_rrr(q, A64_TMP2, q) | 1 << 10);
    a64_shift_imm(m, IBIN_SHR_U, NUM_I64, q, q, s - 1);
}

// The same for signed operands; `size` is the divisor's absolute value, is_negative its sign.
static inline void a64_divide_s(struct wj_masm *m, enum wj_num num, wj_reg q, wj_reg a,
                                uint64_t size, bool is_negative)
{
    unsigned width = a64_width(num);
    unsigned s = a64_ceil_log2(size);
    uint64_t factor = (uint64_t) a64_reciprocal(width - 1 + s, size);
    masm_mov_imm(m, NUM_I64, A64_TMP2, factor);
    if (num == NUM_I32) {
        a64_put(m, A64_SBFM | a64_sfn(NUM_I64) | a64_rr(q, a) | 31 << 10); // sxtw
        masm_ibin(m, IBIN_MUL, NUM_I64, q, q, A64_TMP2);
        a64_shift_imm(m, IBIN_SHR_S, NUM_I64, q, q, 31 + s);
    } else {
        // The factor has its top bit set: smulh takes it for factor - 2^64.
        a64_put(m, A64_SMULH | a64_rrr(q, a, A64_TMP2));
        masm_ibin(m, IBIN_ADD, NUM_I64, q, q, a);
        a64_shift_imm(m, IBIN_SHR_S, NUM_I64, q, q, s - 1);
    }
    a64_put(m, A64_ADD_LSR | a64_sf(num) | a64_rrr(q, q, a) | (width - 1) << 10);
    if (is_negative) {
        a64_put(m, A64_SUB | a64_sf(num) | a64_rrr(q, A64_ZR, q));
    }
}

// Divisors of 2^k, signed: a + (a < 0 ? 2^k - 1 : 0), then a shift or the low bits cut off.
static inline void a64_divide_s_pow2(struct wj_masm *m, enum wj_ibinop op, enum wj_num num,
                                     wj_reg d, wj_reg a, unsigned k, bool is_negative)
{
    unsigned width = a64_width(num);
    if (k == 0) {
        masm_mov_imm(m, num, d, 0); // rem by 1; div by 1 was a move
        return;
    }
    a64_shift_imm(m, IBIN_SHR_S, num, A64_TMP, a, width - 1);
    a64_put(m, A64_ADD_LSR | a64_sf(num) | a64_rrr(A64_TMP, a, A64_TMP) | (width - k) << 10);
    if (op == IBIN_REM_S) {
        int64_t mask = (int64_t) (UINT64_MAX << k);
        a64_logic_imm(m, IBIN_AND, num, A64_TMP, A64_TMP, mask);
        masm_ibin(m, IBIN_SUB, num, d, a, A64_TMP);
        return;
    }
    a64_shift_imm(m, IBIN_SHR_S, num, d, A64_TMP, k);
    if (is_negative) {
        a64_put(m, A64_SUB | a64_sf(num) | a64_rrr(d, A64_ZR, d));
    }
}

static inline void masm_idiv_imm(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                                 wj_reg a, int64_t divisor)
{
    bool is_signed = op == IBIN_DIV_S || op == IBIN_REM_S;
    bool is_rem = op == IBIN_REM_S || op == IBIN_REM_U;
    uint64_t size = num == NUM_I32 ? (uint32_t) divisor : (uint64_t) divisor;
    bool is_negative = is_signed && (num == NUM_I32 ? (int32_t) divisor < 0 : divisor < 0);
    if (is_negative) {
        size = num == NUM_I32 ? (uint32_t) - (uint32_t) size : -size;
    }
    if (size == 1 && !is_rem) {
        masm_mov(m, num, d, a);
        return;
    }
    if ((size & (size - 1)) == 0) {
        unsigned k = (unsigned) __builtin_ctzll(size);
        if (is_signed) {
            a64_divide_s_pow2(m, op, num, d, a, k, is_negative);
        } else if (is_rem) {
            masm_ibin_imm(m, IBIN_AND, num, d, a, (int64_t) (size - 1));
        } else {
            a64_shift_imm(m, IBIN_SHR_U, num, d, a, k);
        }
        return;
    }
    wj_reg quotient = is_rem ? A64_TMP : d;
    if (is_signed) {
        a64_divide_s(m, num, quotient, a, size, is_negative && !is_rem);
    } else {
        a64_divide_u(m, num, quotient, a, size);
    }
    if (is_rem) {
        // a - a / |divisor| * |divisor|: the sign of the divisor does not matter.
        masm_mov_imm(m, num, A64_TMP2, size);
        a64_put(m, A64_MSUB | a64_sf(num) | a64_rrra(d, A64_TMP, A64_TMP2, a));
    }
}

// ---- One operand --------------------------------------------------------------------------------

static inline void a64_popcnt(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg a)
{
    a64_put(m, (num == NUM_I32 ? A64_FMOV_S_W : A64_FMOV_D_X) | a64_rr(A64_VTMP, a));
    a64_put(m, A64_CNT_8B | a64_rr(A64_VTMP, A64_VTMP));
    a64_put(m, A64_ADDV_8B | a64_rr(A64_VTMP, A64_VTMP));
    a64_put(m, A64_FMOV_W_S | a64_rr(d, A64_VTMP));
}

static inline void masm_iun(struct wj_masm *m, enum wj_iunop op, enum wj_num num, wj_reg d,
                            wj_reg a)
{
    uint32_t sf = a64_sf(num);
    switch (op) {
    case IUN_CLZ: a64_put(m, A64_CLZ | sf | a64_rr(d, a)); break;
    case IUN_CTZ:
        a64_put(m, A64_RBIT | sf | a64_rr(d, a));
        a64_put(m, A64_CLZ | sf | a64_rr(d, d));
        break;
    case IUN_POPCNT: a64_popcnt(m, num, d, a); break;
    case IUN_EXTEND8_S: a64_put(m, A64_SBFM | a64_sfn(num) | a64_rr(d, a) | 7 << 10); break;
    case IUN_EXTEND16_S: a64_put(m, A64_SBFM | a64_sfn(num) | a64_rr(d, a) | 15 << 10); break;
    case IUN_EXTEND32_S: a64_put(m, A64_SBFM | a64_sfn(num) | a64_rr(d, a) | 31 << 10); break;
    }
}

// ---- Comparison and selection -------------------------------------------------------------------

static inline void masm_icmp(struct wj_masm *m, enum wj_num num, wj_reg a, wj_reg b)
{
    a64_put(m, A64_SUBS | a64_sf(num) | a64_rrr(A64_ZR, a, b));
}

static inline void masm_icmp_imm(struct wj_masm *m, enum wj_num num, wj_reg a, int64_t imm)
{
    if (num == NUM_I32) {
        imm = (int32_t) imm;
    }
    uint32_t rr = a64_sf(num) | a64_rr(A64_ZR, a);
    if (imm >= 0 && imm < 4096) {
        a64_put(m, A64_SUBS_IMM | rr | (uint32_t) imm << 10);
    } else if (imm < 0 && imm > -4096) {
        a64_put(m, A64_ADDS_IMM | rr | (uint32_t) -imm << 10);
    } else if (imm > 0 && imm < 1 << 24 && (imm & 4095) == 0) {
        a64_put(m, A64_SUBS_IMM12 | rr | (uint32_t) (imm >> 12) << 10);
    } else if (imm < 0 && imm > -(1 << 24) && (imm & 4095) == 0) {
        a64_put(m, A64_ADDS_IMM12 | rr | (uint32_t) (-imm >> 12) << 10);
    } else {
        masm_mov_imm(m, num, A64_TMP, (uint64_t) imm);
        masm_icmp(m, num, a, A64_TMP);
    }
}

static inline void masm_icmp_slot(struct wj_masm *m, enum wj_num num, wj_reg a, struct wj_slot b)
{
    masm_load_slot(m, num, A64_TMP, b);
    masm_icmp(m, num, a, A64_TMP);
}

static inline void masm_icmp_addr(struct wj_masm *m, enum wj_num num, wj_reg a, struct wj_addr b)
{
    a64_load_num(m, num, A64_TMP, b);
    masm_icmp(m, num, a, A64_TMP);
}

static inline void masm_itest(struct wj_masm *m, enum wj_num num, wj_reg a, wj_reg b)
{
    a64_put(m, A64_ANDS | a64_sf(num) | a64_rrr(A64_ZR, a, b));
}

static inline void masm_itest_imm(struct wj_masm *m, enum wj_num num, wj_reg a, int64_t imm)
{
    uint32_t fields;
    if (a64_logical_imm(num, (uint64_t) imm, &fields)) {
        a64_put(m, A64_ANDS_IMM | a64_sf(num) | a64_rr(A64_ZR, a) | fields);
    } else {
        masm_mov_imm(m, num, A64_TMP, (uint64_t) imm);
        masm_itest(m, num, a, A64_TMP);
    }
}

static inline void masm_setcc(struct wj_masm *m, enum wj_cond cond, wj_reg d)
{
    a64_put(m, A64_CSINC | a64_rrr(d, A64_ZR, A64_ZR) | (a64_cond(cond) ^ 1) << 12);
}

// For v128 the condition becomes a mask of 128 bits.
static inline void a64_csel_v128(struct wj_masm *m, enum wj_cond cond, wj_reg d, wj_reg a, wj_reg b)
{
    uint32_t none = A64_CSINV | a64_sf(NUM_I64) | a64_rrr(A64_TMP, A64_ZR, A64_ZR);
    a64_put(m, none | (a64_cond(cond) ^ 1) << 12); // csetm
    a64_put(m, (A64_DUP_GPR | a64_rr(A64_VTMP, A64_TMP)) ^ a64_lane(3, 0));
    a64_put(m, A64_BSL | a64_rrr(A64_VTMP, a, b));
    masm_mov(m, NUM_V128, d, A64_VTMP);
}

static inline void masm_csel(struct wj_masm *m, enum wj_cond cond, enum wj_num num, wj_reg d,
                             wj_reg a, wj_reg b)
{
    uint32_t fields = a64_cond(cond) << 12 | a64_rrr(d, a, b);
    if (num == NUM_V128) {
        a64_csel_v128(m, cond, d, a, b);
    } else if (num == NUM_F32 || num == NUM_F64) {
        a64_put(m, A64_FCSEL | a64_ft(num) | fields);
    } else {
        a64_put(m, A64_CSEL | a64_sf(num) | fields);
    }
}

// ---- 128 bits -----------------------------------------------------------------------------------

static inline void masm_add128(struct wj_masm *m, bool subtract, wj_reg lo, wj_reg hi, wj_reg alo,
                               wj_reg ahi, wj_reg blo, wj_reg bhi)
{
    uint32_t wide = a64_sf(NUM_I64);
    a64_put(m, (subtract ? A64_SUBS : A64_ADDS) | wide | a64_rrr(lo, alo, blo));
    a64_put(m, (subtract ? A64_SBC : A64_ADC) | wide | a64_rrr(hi, ahi, bhi));
}

static inline void masm_mul_wide(struct wj_masm *m, bool is_signed, wj_reg lo, wj_reg hi, wj_reg a,
                                 wj_reg b)
{
    bool hi_is_free = hi != a && hi != b;
    wj_reg high = hi_is_free ? hi : A64_TMP;
    a64_put(m, (is_signed ? A64_SMULH : A64_UMULH) | a64_rrr(high, a, b));
    masm_ibin(m, IBIN_MUL, NUM_I64, lo, a, b);
    masm_mov(m, NUM_I64, hi, high);
}

#endif
