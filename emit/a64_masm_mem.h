// AArch64 verbs on linear memory: plain, lane and atomic accesses.
#ifndef EMIT_A64_MASM_MEM_H
#define EMIT_A64_MASM_MEM_H

#include "emit/a64_masm_core.h"

// temp = n + offset, for any offset. n may be the temporary.
static inline void a64_add_offset(struct wj_masm *m, wj_reg temp, wj_reg n, uint64_t offset)
{
    if (offset < 1 << 24) {
        a64_add_imm(m, temp, n, (int64_t) offset);
        return;
    }
    wj_reg other = n == temp ? (temp == A64_TMP ? A64_TMP2 : A64_TMP) : temp;
    masm_mov_imm(m, NUM_I64, other, offset);
    a64_put(m, A64_ADD | a64_sf(NUM_I64) | a64_rrr(temp, n, other));
}

// One plain access, by its shortest form. Only x16 is used for the address.
static inline void a64_access_addr(struct wj_masm *m, uint32_t access, wj_reg t, struct wj_addr a)
{
    if (a.index != WJ_REG_NONE && a.offset == 0) {
        a64_put(m, A64_FORM_INDEX | access | a64_rrr(t, a.base, a.index));
        return;
    }
    unsigned scale = a64_access_scale(access);
    uint64_t units = a.offset >> scale;
    bool fits = units < 4096 && units << scale == a.offset;
    wj_reg base = a.base;
    if (fits) {
        if (a.index != WJ_REG_NONE) {
            a64_put(m, A64_ADD | a64_sf(NUM_I64) | a64_rrr(A64_TMP, a.base, a.index));
            base = A64_TMP;
        }
        a64_put(m, A64_FORM_SCALED | access | a64_rr(t, base) | (uint32_t) units << 10);
        return;
    }
    if (a.index == WJ_REG_NONE) {
        masm_mov_imm(m, NUM_I64, A64_TMP, a.offset);
    } else {
        a64_add_offset(m, A64_TMP, a.index, a.offset);
    }
    a64_put(m, A64_FORM_INDEX | access | a64_rrr(t, base, A64_TMP));
}

// The whole address in one register: x16, or the base itself.
static inline wj_reg a64_whole_addr(struct wj_masm *m, struct wj_addr a)
{
    if (a.index == WJ_REG_NONE && a.offset == 0) {
        return a.base;
    }
    if (a.index == WJ_REG_NONE) {
        a64_add_offset(m, A64_TMP, a.base, a.offset);
        return A64_TMP;
    }
    wj_reg index = a.index;
    if (a.offset != 0) {
        a64_add_offset(m, A64_TMP, index, a.offset);
        index = A64_TMP;
    }
    a64_put(m, A64_ADD | a64_sf(NUM_I64) | a64_rrr(A64_TMP, a.base, index));
    return A64_TMP;
}

// What follows the access of a load of vectors.
static inline void a64_load_finish(struct wj_masm *m, enum wj_load_op op, wj_reg d)
{
    static const uint32_t words[] = {
        [LOAD_V128_8X8_S] = A64_SSHLL,
        [LOAD_V128_8X8_U] = A64_USHLL,
        [LOAD_V128_16X4_S] = A64_SSHLL,
        [LOAD_V128_16X4_U] = A64_USHLL,
        [LOAD_V128_32X2_S] = A64_SSHLL,
        [LOAD_V128_32X2_U] = A64_USHLL,
        [LOAD_V128_8_SPLAT] = A64_DUP_LANE,
        [LOAD_V128_16_SPLAT] = A64_DUP_LANE,
        [LOAD_V128_32_SPLAT] = A64_DUP_LANE,
        [LOAD_V128_64_SPLAT] = A64_DUP_LANE,
        [LOAD_V128_64_ZERO] = 0,
    };
    static const uint8_t lane_log2[] = {
        [LOAD_V128_16X4_S] = 1,   [LOAD_V128_16X4_U] = 1,   [LOAD_V128_32X2_S] = 2,
        [LOAD_V128_32X2_U] = 2,   [LOAD_V128_16_SPLAT] = 1, [LOAD_V128_32_SPLAT] = 2,
        [LOAD_V128_64_SPLAT] = 3, [LOAD_V128_64_ZERO] = 0,
    };
    if (words[op] != 0) {
        uint32_t fields = words[op] == A64_DUP_LANE ? a64_lane(lane_log2[op], 0)
                                                    : a64_shift_left(lane_log2[op], 0);
        a64_put(m, (words[op] | a64_rr(d, d)) ^ fields);
    }
}

static inline void masm_load(struct wj_masm *m, enum wj_load_op op, wj_reg d, struct wj_addr a)
{
    static const uint32_t accesses[] = {
        [LOAD_I32] = A64_LDR_W,           [LOAD_I64] = A64_LDR_X,
        [LOAD_F32] = A64_LDR_S,           [LOAD_F64] = A64_LDR_D,
        [LOAD_I32_8_S] = A64_LDRSB_W,     [LOAD_I32_8_U] = A64_LDRB,
        [LOAD_I32_16_S] = A64_LDRSH_W,    [LOAD_I32_16_U] = A64_LDRH,
        [LOAD_I64_8_S] = A64_LDRSB_X,     [LOAD_I64_8_U] = A64_LDRB,
        [LOAD_I64_16_S] = A64_LDRSH_X,    [LOAD_I64_16_U] = A64_LDRH,
        [LOAD_I64_32_S] = A64_LDRSW,      [LOAD_I64_32_U] = A64_LDR_W,
        [LOAD_V128] = A64_LDR_Q,          [LOAD_V128_8X8_S] = A64_LDR_D,
        [LOAD_V128_8X8_U] = A64_LDR_D,    [LOAD_V128_16X4_S] = A64_LDR_D,
        [LOAD_V128_16X4_U] = A64_LDR_D,   [LOAD_V128_32X2_S] = A64_LDR_D,
        [LOAD_V128_32X2_U] = A64_LDR_D,   [LOAD_V128_8_SPLAT] = A64_LDR_B,
        [LOAD_V128_16_SPLAT] = A64_LDR_H, [LOAD_V128_32_SPLAT] = A64_LDR_S,
        [LOAD_V128_64_SPLAT] = A64_LDR_D, [LOAD_V128_32_ZERO] = A64_LDR_S,
        [LOAD_V128_64_ZERO] = A64_LDR_D,
    };
    a64_access_addr(m, accesses[op], d, a);
    if (op > LOAD_V128) {
        a64_load_finish(m, op, d);
    }
}

static const uint32_t A64_STORES[] __attribute__((unused)) = {
    [STORE_I32] = A64_STR_W,  [STORE_I64] = A64_STR_X,   [STORE_F32] = A64_STR_S,
    [STORE_F64] = A64_STR_D,  [STORE_I32_8] = A64_STRB,  [STORE_I32_16] = A64_STRH,
    [STORE_I64_8] = A64_STRB, [STORE_I64_16] = A64_STRH, [STORE_I64_32] = A64_STR_W,
    [STORE_V128] = A64_STR_Q,
};

static inline void masm_store(struct wj_masm *m, enum wj_store_op op, wj_reg s, struct wj_addr a)
{
    a64_access_addr(m, A64_STORES[op], s, a);
}

static inline void masm_store_imm(struct wj_masm *m, enum wj_store_op op, uint64_t bits,
                                  struct wj_addr a)
{
    uint32_t access = A64_STORES[op];
    unsigned scale = a64_access_scale(access);
    wj_reg source = A64_ZR;
    bits &= UINT64_MAX >> (64 - (8u << scale));
    if (bits != 0) {
        source = A64_TMP2;
        masm_mov_imm(m, scale == 3 ? NUM_I64 : NUM_I32, source, bits);
    }
    a64_access_addr(m, access, source, a);
}

// ld1 or st1 of one lane.
static inline void a64_access_lane(struct wj_masm *m, bool is_load, enum wj_shape width,
                                   unsigned lane, wj_reg v, struct wj_addr a)
{
    static const uint32_t stores[] = {A64_ST1_B, A64_ST1_H, A64_ST1_S, A64_ST1_D};
    static const uint32_t loads[] = {A64_LD1_B, A64_LD1_H, A64_LD1_S, A64_LD1_D};
    unsigned lane_log2 = a64_lane_log2(width);
    uint32_t byte = lane << lane_log2; // Q:S:size holds the number of the lane's first byte
    uint32_t fields = byte >> 3 << 30 | (byte >> 2 & 1) << 12 | (byte & 3) << 10;
    wj_reg base = a64_whole_addr(m, a);
    a64_put(m, (is_load ? loads : stores)[lane_log2] | fields | a64_rr(v, base));
}

static inline void masm_load_lane(struct wj_masm *m, enum wj_shape width, unsigned lane, wj_reg d,
                                  wj_reg v, struct wj_addr a)
{
    masm_mov(m, NUM_V128, d, v);
    a64_access_lane(m, true, width, lane, d, a);
}

static inline void masm_store_lane(struct wj_masm *m, enum wj_shape width, unsigned lane, wj_reg v,
                                   struct wj_addr a)
{
    a64_access_lane(m, false, width, lane, v, a);
}

// ---- Atomics ------------------------------------------------------------------------------------

static inline void masm_addr_check_align(struct wj_masm *m, struct wj_addr a, unsigned width_log2)
{
    if (width_log2 == 0) {
        return;
    }
    uint32_t mask = (1u << width_log2) - 1;
    wj_reg address = a.base;
    uint32_t fields = 0;
    if (a.index != WJ_REG_NONE) {
        a64_put(m, A64_ADD | a64_sf(NUM_I64) | a64_rrr(A64_TMP, a.base, a.index));
        address = A64_TMP;
    }
    if ((a.offset & mask) != 0) {
        a64_add_imm(m, A64_TMP, address, (int64_t) (a.offset & mask));
        address = A64_TMP;
    }
    a64_logical_imm(NUM_I64, mask, &fields);
    a64_put(m, A64_ANDS_IMM | a64_sf(NUM_I64) | a64_rr(A64_ZR, address) | fields);
    masm_trap_if(m, COND_NE, WJ_TRAP_UNALIGNED_ATOMIC);
}

static inline void masm_atomic_load(struct wj_masm *m, enum wj_load_op op, wj_reg d,
                                    struct wj_addr a)
{
    static const uint32_t accesses[] = {
        [LOAD_I32] = A64_LDR_W,      [LOAD_I64] = A64_LDR_X,    [LOAD_I32_8_U] = A64_LDRB,
        [LOAD_I32_16_U] = A64_LDRH,  [LOAD_I64_8_U] = A64_LDRB, [LOAD_I64_16_U] = A64_LDRH,
        [LOAD_I64_32_U] = A64_LDR_W,
    };
    wj_reg address = a64_whole_addr(m, a);
    a64_put(m, A64_LDAR | (accesses[op] & 0xc0000000u) | a64_rr(d, address));
}

static inline void masm_atomic_store(struct wj_masm *m, enum wj_store_op op, wj_reg s,
                                     struct wj_addr a)
{
    wj_reg address = a64_whole_addr(m, a);
    a64_put(m, A64_STLR | (A64_STORES[op] & 0xc0000000u) | a64_rr(s, address));
}

static inline void a64_rmw_lse(struct wj_masm *m, enum wj_rmw op, enum wj_num num, uint32_t size,
                               wj_reg d, wj_reg s, wj_reg address)
{
    static const uint32_t words[] = {
        [RMW_ADD] = A64_LDADDAL, [RMW_SUB] = A64_LDADDAL, [RMW_AND] = A64_LDCLRAL,
        [RMW_OR] = A64_LDSETAL,  [RMW_XOR] = A64_LDEORAL, [RMW_XCHG] = A64_SWPAL,
    };
    if (op == RMW_SUB) {
        a64_put(m, A64_SUB | a64_sf(num) | a64_rrr(A64_TMP2, A64_ZR, s));
        s = A64_TMP2;
    } else if (op == RMW_AND) {
        a64_put(m, A64_ORN | a64_sf(num) | a64_rrr(A64_TMP2, A64_ZR, s));
        s = A64_TMP2;
    }
    a64_put(m, words[op] | size | a64_rrr(d, address, s));
}

//   again: ldaxr d, [x] ; op x17, d, s ; stlxr w30, x17, [x] ; cbnz w30, again
// d and s differ, and x30 is free inside a body.
static inline void a64_rmw_exclusive(struct wj_masm *m, enum wj_rmw op, enum wj_num num,
                                     uint32_t size, wj_reg d, wj_reg s, wj_reg address)
{
    static const uint32_t words[] = {
        [RMW_ADD] = A64_ADD, [RMW_SUB] = A64_SUB, [RMW_AND] = A64_AND,
        [RMW_OR] = A64_ORR,  [RMW_XOR] = A64_EOR, [RMW_XCHG] = 0,
    };
    wj_reg result = s;
    int64_t back = -8;
    a64_put(m, A64_LDAXR | size | a64_rr(d, address));
    if (op != RMW_XCHG) {
        result = A64_TMP2;
        back = -12;
        a64_put(m, words[op] | a64_sf(num) | a64_rrr(result, d, s));
    }
    a64_put(m, A64_STLXR | size | a64_rrr(result, address, A64_LINK));
    a64_put(m, A64_CBNZ | a64_imm19(back) | A64_LINK);
}

static inline void masm_atomic_rmw(struct wj_masm *m, enum wj_rmw op, enum wj_num num,
                                   unsigned width_log2, wj_reg d, wj_reg s, struct wj_addr a)
{
    uint32_t size = (uint32_t) width_log2 << 30;
    wj_reg address = a64_whole_addr(m, a);
    if (m->features.has_lse) {
        a64_rmw_lse(m, op, num, size, d, s, address);
    } else {
        a64_rmw_exclusive(m, op, num, size, d, s, address);
    }
}

//   again: ldaxr x17, [x] ; cmp x17, expected, uxt* ; b.ne done
//   stlxr w30, replacement, [x] ; cbnz w30, again ; done: mov d, x17
static inline void a64_cmpxchg_exclusive(struct wj_masm *m, unsigned width_log2, wj_reg d,
                                         wj_reg expected, wj_reg replacement, wj_reg address)
{
    static const uint32_t compares[] = {A64_SUBS_UXTB, A64_SUBS_UXTH, A64_SUBS,
                                        (int) (A64_SUBS | 0x80000000u)};
    uint32_t size = (uint32_t) width_log2 << 30;
    a64_put(m, A64_LDAXR | size | a64_rr(A64_TMP2, address));
    a64_put(m, compares[width_log2] | a64_rrr(A64_ZR, A64_TMP2, expected));
    a64_put(m, A64_BCOND | a64_imm19(12) | a64_cond(COND_NE));
    a64_put(m, A64_STLXR | size | a64_rrr(replacement, address, A64_LINK));
    a64_put(m, A64_CBNZ | a64_imm19(-16) | A64_LINK);
    masm_mov(m, NUM_I64, d, A64_TMP2);
}

// Only the low bytes of `expected` count: it is wrapped to the width of the access.
static inline void masm_atomic_cmpxchg(struct wj_masm *m, enum wj_num num, unsigned width_log2,
                                       wj_reg d, wj_reg expected, wj_reg replacement,
                                       struct wj_addr a)
{
    wj_reg address = a64_whole_addr(m, a);
    if (!m->features.has_lse) {
        a64_cmpxchg_exclusive(m, width_log2, d, expected, replacement, address);
        return;
    }
    masm_mov(m, num, d, expected);
    a64_put(m, A64_CASAL | (uint32_t) width_log2 << 30 | a64_rrr(replacement, address, d));
}

static inline void masm_fence(struct wj_masm *m)
{
    a64_put(m, A64_DMB_ISH);
}

#endif
