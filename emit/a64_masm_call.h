// AArch64 verbs for calls and frames.
#ifndef EMIT_A64_MASM_CALL_H
#define EMIT_A64_MASM_CALL_H

#include "emit/a64_masm_core.h"

enum {
    A64_PROBE_BYTES = 32 * 1024,
    A64_PROBES_UNROLLED = 4,
};

// SP -= bytes, touching every 32 KiB on the way, by a register of its own: SP moves only by
// wj_backend.sp_moved's instructions, the last of them when all is touched.
static inline void a64_push_probed(struct wj_masm *m, uint32_t bytes)
{
    uint32_t probes = bytes / A64_PROBE_BYTES;
    uint32_t touch = A64_FORM_SCALED | A64_STR_X | a64_rr(A64_ZR, A64_TMP2);
    if (probes > A64_PROBES_UNROLLED) {
        masm_mov_imm(m, NUM_I64, A64_TMP, probes);
        a64_add_imm(m, A64_TMP2, MASM_SP, 0);
        a64_add_imm(m, A64_TMP2, A64_TMP2, -A64_PROBE_BYTES);
        a64_put(m, touch);
        a64_put(m, A64_SUBS_IMM | a64_sf(NUM_I64) | a64_rr(A64_TMP, A64_TMP) | 1 << 10);
        a64_put(m, A64_BCOND | a64_imm19(-12) | a64_cond(COND_NE));
    } else {
        for (uint32_t i = 1; i <= probes; i++) {
            a64_add_imm(m, A64_TMP2, MASM_SP, -(int64_t) (i * A64_PROBE_BYTES));
            a64_put(m, touch);
        }
    }
    a64_add_imm(m, MASM_SP, MASM_SP, -(int64_t) bytes);
}

// The link register goes to the top 8 bytes of the frame, which is at least 16 bytes long.
static inline void masm_prologue(struct wj_masm *m, uint32_t frame_bytes)
{
    struct wj_slot link = {MASM_SP, (int32_t) frame_bytes - 8};
    a64_put(m, A64_BTI_C);
    if (frame_bytes == 0) {
        return; // a body that neither calls nor uses atomics: x30 stays
    }
    if (frame_bytes <= A64_PROBE_BYTES) {
        a64_add_imm(m, MASM_SP, MASM_SP, -(int64_t) frame_bytes);
        masm_store_slot(m, NUM_I64, A64_LINK, link);
        return;
    }
    link.disp = 8;
    a64_add_imm(m, MASM_SP, MASM_SP, -16);
    masm_store_slot(m, NUM_I64, A64_LINK, link);
    a64_push_probed(m, frame_bytes - 16);
}

static inline void masm_epilogue(struct wj_masm *m, uint32_t frame_bytes)
{
    if (frame_bytes == 0) {
        return;
    }
    uint32_t rest = frame_bytes;
    if (frame_bytes > A64_PROBE_BYTES) {
        a64_add_imm(m, MASM_SP, MASM_SP, (int64_t) frame_bytes - 16);
        rest = 16;
    }
    masm_load_slot(m, NUM_I64, A64_LINK, (struct wj_slot){MASM_SP, (int32_t) rest - 8});
    a64_add_imm(m, MASM_SP, MASM_SP, rest);
}

static inline void masm_ret(struct wj_masm *m)
{
    a64_put(m, A64_RET);
}

static inline void masm_call_reg(struct wj_masm *m, wj_reg r)
{
    a64_put(m, A64_BLR | a64_rr(0, r));
}

// Landing pads of functions (bti c) accept br only by way of x16 or x17.
static inline void masm_jmp_reg(struct wj_masm *m, wj_reg r)
{
    masm_mov(m, NUM_I64, A64_TMP, r);
    a64_put(m, A64_BR | a64_rr(0, A64_TMP));
}

static inline void masm_call_slot(struct wj_masm *m, struct wj_slot s)
{
    masm_load_slot(m, NUM_I64, A64_TMP, s);
    masm_call_reg(m, A64_TMP);
}

static inline void masm_jmp_slot(struct wj_masm *m, struct wj_slot s)
{
    masm_load_slot(m, NUM_I64, A64_TMP, s);
    masm_jmp_reg(m, A64_TMP);
}

// adrp x16, address: relative to the page of this instruction, so that the code region can be
// mapped at any page.
static inline void a64_page_of(struct wj_masm *m, uint64_t address)
{
    uint64_t here = m->buf.address + wj_codebuf_offset(&m->buf);
    int64_t pages = (int64_t) ((address >> 12) - (here >> 12));
    m->buf.overflow |= pages < -(1 << 20) || pages >= 1 << 20;
    uint32_t fields = ((uint32_t) pages & 3) << 29 | ((uint32_t) (pages >> 2) & 0x7ffff) << 5;
    a64_put(m, A64_ADRP | fields | A64_TMP);
}

// bl or b, or by way of x16 where that does not reach.
static inline void a64_branch_addr(struct wj_masm *m, uint64_t address, bool is_call)
{
    int64_t delta = (int64_t) (address - (m->buf.address + wj_codebuf_offset(&m->buf)));
    if (a64_fits26(delta)) {
        a64_put(m, (is_call ? A64_BL : A64_B) | a64_imm26(delta));
        return;
    }
    a64_page_of(m, address);
    a64_put(m, A64_ADD_IMM | a64_sf(NUM_I64) | a64_rr(A64_TMP, A64_TMP) |
                   (uint32_t) (address & 0xfff) << 10);
    a64_put(m, (is_call ? A64_BLR : A64_BR) | a64_rr(0, A64_TMP));
}

static inline void masm_call_addr(struct wj_masm *m, uint64_t address)
{
    a64_branch_addr(m, address, true);
}

static inline void masm_jmp_addr(struct wj_masm *m, uint64_t address)
{
    a64_branch_addr(m, address, false);
}

static inline void masm_far_entry(struct wj_masm *m)
{
    a64_put(m, A64_BTI_C);
}

// x16 = the 8-aligned entry of the region's table.
static inline void a64_load_entry(struct wj_masm *m, uint64_t entry_address)
{
    int64_t delta = (int64_t) (entry_address - (m->buf.address + wj_codebuf_offset(&m->buf)));
    if (a64_fits19(delta)) {
        a64_put(m, A64_LDR_LIT_X | a64_imm19(delta) | A64_TMP);
        return;
    }
    a64_page_of(m, entry_address);
    uint32_t units = (uint32_t) (entry_address & 0xfff) / 8;
    a64_put(m, A64_FORM_SCALED | A64_LDR_X | a64_rr(A64_TMP, A64_TMP) | units << 10);
}

static inline void masm_call_table(struct wj_masm *m, uint64_t entry_address)
{
    a64_load_entry(m, entry_address);
    a64_put(m, A64_BLR | a64_rr(0, A64_TMP));
}

static inline void masm_jmp_table(struct wj_masm *m, uint64_t entry_address)
{
    a64_load_entry(m, entry_address);
    a64_put(m, A64_BR | a64_rr(0, A64_TMP));
}

// The link register lies where a tail call's record keeps it: below the caller's SP.
static inline void masm_tail_room(struct wj_masm *m, uint32_t frame_bytes, uint32_t words,
                                  struct wj_slot stub)
{
    a64_add_imm(m, 10, MASM_SP, frame_bytes);
    masm_mov_imm(m, NUM_I32, 11, words);
    masm_call_slot(m, stub);
}

#endif
