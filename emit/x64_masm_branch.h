// x86-64: labels, branches, traps, and what is put behind the code at the end of a function. The
// references to a label that is not bound yet are threaded through their rel32 fields.
#ifndef EMIT_X64_MASM_BRANCH_H
#define EMIT_X64_MASM_BRANCH_H

#include "emit/x64_regs.h"

// Branches reach everything, so room is all there is to ask for.
X64_INLINE void masm_room(struct wj_masm *m)
{
    wj_codebuf_room(&m->buf);
}

// The condition code of an integer condition, or of a float condition that needs only one.
X64_INLINE enum x64_cc x64_cc_of(enum wj_cond cond)
{
    static const uint8_t codes[] = {
        [COND_EQ] = CC_E,    [COND_NE] = CC_NE,    [COND_LT_S] = CC_L,  [COND_LT_U] = CC_B,
        [COND_GT_S] = CC_G,  [COND_GT_U] = CC_A,   [COND_LE_S] = CC_LE, [COND_LE_U] = CC_BE,
        [COND_GE_S] = CC_GE, [COND_GE_U] = CC_AE,  [COND_F_EQ] = CC_E,  [COND_F_NE] = CC_NE,
        [COND_F_GT] = CC_A,  [COND_F_NGT] = CC_BE, [COND_F_GE] = CC_AE, [COND_F_NGE] = CC_B,
    };
    return (enum x64_cc) codes[cond];
}

X64_INLINE uint32_t x64_read32(const uint8_t *place)
{
    uint32_t value;
    memcpy(&value, place, sizeof value);
    return value;
}

X64_INLINE void x64_write32(uint8_t *place, uint32_t value)
{
    memcpy(place, &value, sizeof value);
}

// A rel32 field at the cursor that leads to a label.
X64_INLINE void x64_rel32(struct wj_masm *m, wj_label label)
{
    struct wj_codebuf *buf = &m->buf;
    uint32_t here = wj_codebuf_offset(buf);
    if (buf->overflow) {
        x64_imm32(m, 0);
        return;
    }
    struct wj_codebuf_label *l = &buf->labels[label];
    if (l->position != WJ_LABEL_UNBOUND) {
        x64_imm32(m, (int64_t) l->position - (int64_t) (here + 4));
    } else {
        x64_imm32(m, l->fixups);
        l->fixups = here;
    }
}

X64_INLINE void masm_bind(struct wj_masm *m, wj_label label)
{
    struct wj_codebuf *buf = &m->buf;
    m->zero_flag_at = NULL; // another path may arrive here
    // After an overflow the threads may lead through code that was written over.
    if (buf->overflow) {
        return;
    }
    struct wj_codebuf_label *l = &buf->labels[label];
    uint32_t here = wj_codebuf_offset(buf);
    uint32_t place = l->fixups;
    l->position = here;
    l->fixups = WJ_FIXUP_NONE;
    while (place != WJ_FIXUP_NONE) {
        uint32_t next = x64_read32(buf->start + place);
        x64_write32(buf->start + place, here - (place + 4));
        place = next;
    }
}

// The distance of a short branch back to the label, when it is one.
X64_INLINE bool x64_is_short(const struct wj_masm *m, wj_label label, int64_t *distance)
{
    if (m->buf.overflow || m->buf.labels[label].position == WJ_LABEL_UNBOUND) {
        return false;
    }
    *distance = (int64_t) m->buf.labels[label].position - (wj_codebuf_offset(&m->buf) + 2);
    return x64_fits8(*distance);
}

X64_INLINE void masm_jmp(struct wj_masm *m, wj_label label)
{
    int64_t distance;
    if (x64_is_short(m, label, &distance)) {
        x64_bytes(m, X64_JMP8 | (uint64_t) (uint8_t) distance << 8, 2);
    } else {
        *m->buf.cursor++ = X64_JMP32;
        x64_rel32(m, label);
    }
}

X64_INLINE void x64_jcc(struct wj_masm *m, enum x64_cc cc, wj_label label)
{
    int64_t distance;
    if (x64_is_short(m, label, &distance)) {
        x64_bytes(m, (uint64_t) (X64_JCC8 | cc) | (uint64_t) (uint8_t) distance << 8, 2);
    } else {
        x64_bytes(m, X64_JCC32 | (uint64_t) cc << 8, 2);
        x64_rel32(m, label);
    }
}

X64_INLINE void masm_jcc(struct wj_masm *m, enum wj_cond cond, wj_label label)
{
    if (cond == COND_F_EQ) {
        // jp over; je label; over: -- unordered operands set ZF too.
        uint8_t *over = x64_jcc_short(m, CC_P);
        x64_jcc(m, CC_E, label);
        x64_here(m, over);
        return;
    }
    if (cond == COND_F_NE) {
        x64_jcc(m, CC_P, label);
    }
    x64_jcc(m, x64_cc_of(cond), label);
}

X64_INLINE void masm_cbz(struct wj_masm *m, enum wj_num num, bool if_zero, wj_reg a, wj_label label)
{
    x64_test_zero(m, x64_w(num), a);
    x64_jcc(m, if_zero ? CC_E : CC_NE, label);
}

// lea r11, [table]; movsxd rcx, [r11 + index * 4]; add r11, rcx; notrack jmp r11
X64_INLINE void masm_jump_table(struct wj_masm *m, wj_reg index, const wj_label *labels,
                                uint32_t count)
{
    x64_bytes(m, X64_LEA_R11_NEAR, 3);
    struct wj_codebuf_fixup head = {wj_codebuf_offset(&m->buf), 0, count, X64_FIXUP_TABLE, 0};
    x64_imm32(m, 0);
    x64_rm(m, X64_MOVSXD, RCX, x64_at_index(R11, index, 2, 0));
    x64_alu(m, ALU_ADD, X64_W, R11, RCX);
    x64_bytes(m, (uint32_t) X64_NOTRACK_JMP_R11, 4);
    wj_codebuf_fixup(&m->buf, head);
    for (uint32_t i = 0; i < count; i++) {
        struct wj_codebuf_fixup entry = {0, 0, labels[i], X64_FIXUP_TABLE_ENTRY, 0};
        wj_codebuf_fixup(&m->buf, entry);
    }
}

// Records that the next instruction traps, or faults where the operation traps.
X64_INLINE void x64_trap_site(struct wj_masm *m, enum wj_trap_kind kind)
{
    struct wj_trap_site site = {wj_codebuf_offset(&m->buf), m->wasm_offset, kind};
    wj_codebuf_trap(&m->buf, site);
}

X64_INLINE void masm_trap(struct wj_masm *m, enum wj_trap_kind kind)
{
    x64_trap_site(m, kind);
    x64_bytes(m, X64_UD2, 2);
}

X64_INLINE void x64_trap_cc(struct wj_masm *m, enum x64_cc cc, enum wj_trap_kind kind)
{
    x64_bytes(m, X64_JCC32 | (uint64_t) cc << 8, 2);
    struct wj_codebuf_fixup fixup = {wj_codebuf_offset(&m->buf), 0, kind, X64_FIXUP_TRAP,
                                     m->wasm_offset};
    x64_imm32(m, 0);
    wj_codebuf_fixup(&m->buf, fixup);
}

X64_INLINE void masm_trap_if(struct wj_masm *m, enum wj_cond cond, enum wj_trap_kind kind)
{
    if (cond == COND_F_EQ) {
        uint8_t *over = x64_jcc_short(m, CC_P);
        x64_trap_cc(m, CC_E, kind);
        x64_here(m, over);
        return;
    }
    if (cond == COND_F_NE) {
        x64_trap_cc(m, CC_P, kind);
    }
    x64_trap_cc(m, x64_cc_of(cond), kind);
}

X64_INLINE void x64_nops(struct wj_masm *m, unsigned count)
{
    // The recommended forms of one to eight bytes (Intel SDM, NOP).
    static const uint64_t nops[] = {
        0,
        0x90,
        0x9066,
        0x001f0f,
        0x00401f0f,
        0x0000441f0f,
        0x0000441f0f66,
        0x00000000801f0f,
        0x0000000000841f0f,
    };
    while (count > 0) {
        unsigned part = count > 8 ? 8 : count;
        x64_bytes(m, nops[part], part);
        count -= part;
    }
}

// To 16 bytes, of the address that the code will have, but not to the start of a cache line: Zen 5
// fetches a line of more than 12 instructions slowly, and a small loop that starts with a line is
// mostly one such line and a bit of the next: 5 cycles where 3 would do.
X64_INLINE void masm_align_loop(struct wj_masm *m)
{
    uint64_t address = m->buf.address + wj_codebuf_offset(&m->buf);
    unsigned padding = (unsigned) (-address & 15);
    if (((address + padding) & 63) == 0) {
        padding += 16;
    }
    x64_nops(m, padding);
}

// ---- The end of a function --------------------------------------------------------------------

// One ud2 for neighbouring branches that mean the same trap of the same operation.
X64_INLINE void x64_finish_traps(struct wj_masm *m)
{
    struct wj_codebuf *buf = &m->buf;
    const struct wj_codebuf_fixup *last = NULL;
    uint32_t target = 0;
    for (uint32_t i = 0; i < buf->fixup_count; i++) {
        const struct wj_codebuf_fixup *f = &buf->fixups[i];
        if (f->kind != X64_FIXUP_TRAP) {
            continue;
        }
        if (last == NULL || last->value != f->value || last->wasm_offset != f->wasm_offset) {
            target = wj_codebuf_offset(buf);
            m->wasm_offset = f->wasm_offset;
            masm_trap(m, (enum wj_trap_kind) f->value);
        }
        last = f;
        x64_write32(buf->start + f->position, target - (f->position + 4));
    }
}

// Jump tables: entries are relative to their table's start. Then the constants.
X64_INLINE void x64_finish_data(struct wj_masm *m)
{
    struct wj_codebuf *buf = &m->buf;
    while ((buf->address + wj_codebuf_offset(buf)) % 16 != 0) {
        *buf->cursor++ = X64_INT3;
    }
    uint32_t constants = wj_codebuf_offset(buf);
    if (buf->constant_count > 0) {
        memcpy(buf->cursor, buf->constants, (size_t) buf->constant_count * 16);
        buf->cursor += (size_t) buf->constant_count * 16;
    }
    uint32_t table = 0;
    for (uint32_t i = 0; i < buf->fixup_count; i++) {
        const struct wj_codebuf_fixup *f = &buf->fixups[i];
        if (f->kind == X64_FIXUP_TABLE) {
            table = wj_codebuf_offset(buf);
            x64_write32(buf->start + f->position, table - (f->position + 4));
        } else if (f->kind == X64_FIXUP_TABLE_ENTRY) {
            x64_imm32(m, (int64_t) buf->labels[f->value].position - (int64_t) table);
        } else if (f->kind == X64_FIXUP_CONST) {
            uint32_t target = constants + f->value * 16;
            x64_write32(buf->start + f->position, target - (f->position + 4 + f->next));
        }
    }
}

// Rows come in order but for those of idiv and trap, which lie before the ones just made: an
// insertion sort has almost nothing to do.
X64_INLINE void x64_sort_traps(struct wj_codebuf *buf)
{
    for (uint32_t i = 1; i < buf->trap_count; i++) {
        struct wj_trap_site site = buf->traps[i];
        uint32_t at = i;
        for (; at > 0 && buf->traps[at - 1].code_offset > site.code_offset; at--) {
            buf->traps[at] = buf->traps[at - 1];
        }
        buf->traps[at] = site;
    }
}

X64_INLINE void masm_finish(struct wj_masm *m)
{
    struct wj_codebuf *buf = &m->buf;
    // A fix-up makes at most four bytes; the padding is covered by the slack.
    size_t needed = (size_t) buf->fixup_count * 4 + (size_t) buf->constant_count * 16;
    if (buf->overflow || buf->cursor >= buf->limit ||
        needed > (size_t) (buf->limit - buf->cursor) + WJ_CODEBUF_SLACK / 2) {
        buf->overflow = true;
        buf->cursor = buf->start;
        return;
    }
    x64_finish_traps(m);
    x64_finish_data(m);
    x64_sort_traps(buf);
}

#endif
