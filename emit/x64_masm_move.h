// x86-64: moves between registers, immediates and slots. All of them keep the flags but
// masm_zero_slots.
#ifndef EMIT_X64_MASM_MOVE_H
#define EMIT_X64_MASM_MOVE_H

#include "emit/x64_regs.h"

X64_INLINE void x64_vmov(struct wj_masm *m, wj_reg d, wj_reg s)
{
    if (d != s) {
        x64_vrr(m, VEX_MOVAPS, d, 0, s);
    }
}

X64_INLINE void masm_mov(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg s)
{
    if (wj_reg_is_vec(d)) {
        x64_vmov(m, d, s);
    } else if (d != s) {
        x64_mov(m, x64_w(num), d, s);
    }
}

X64_INLINE void masm_mov_imm(struct wj_masm *m, enum wj_num num, wj_reg d, uint64_t bits)
{
    x64_mov_imm(m, d, num == NUM_I32 ? (uint32_t) bits : bits);
}

// xmm0 as the sources makes the short form for high registers too, and still breaks dependencies.
X64_INLINE void x64_vzero(struct wj_masm *m, wj_reg d)
{
    x64_vrr(m, VEX_XORPS, d, XMM0, XMM0);
}

X64_INLINE void masm_mov_fimm(struct wj_masm *m, enum wj_num num, wj_reg d, uint64_t bits)
{
    if (num == NUM_F32) {
        bits = (uint32_t) bits;
    }
    if (bits == 0) {
        x64_vzero(m, d);
    } else if (num == NUM_F32) {
        x64_vrm(m, VEX_MOVSS_LOAD, d, 0, x64_const32(m, (uint32_t) bits));
    } else {
        x64_vrm(m, VEX_MOVSD_LOAD, d, 0, x64_const64(m, bits, bits));
    }
}

X64_INLINE void masm_mov_vimm(struct wj_masm *m, wj_reg d, const uint8_t bytes[16])
{
    uint64_t low;
    uint64_t high;
    memcpy(&low, bytes, 8);
    memcpy(&high, bytes + 8, 8);
    if ((low | high) == 0) {
        x64_vzero(m, d);
    } else if ((low & high) == UINT64_MAX) {
        x64_vrr(m, VEX_PCMPEQD, d, d, d);
    } else {
        x64_vrm(m, VEX_MOVAPS, d, 0, x64_const16(m, bytes));
    }
}

// Integers, which are most, go to and from slots without these two.
X64_NOINLINE void x64_load(struct wj_masm *m, enum wj_num num, wj_reg d, struct x64_mem a)
{
    switch (num) {
    case NUM_I32: x64_rm(m, X64_MOV, d, a); break;
    case NUM_I64: x64_rm(m, X64_MOV | X64_W, d, a); break;
    case NUM_F32: x64_vrm(m, VEX_MOVSS_LOAD, d, 0, a); break;
    case NUM_F64: x64_vrm(m, VEX_MOVSD_LOAD, d, 0, a); break;
    case NUM_V128: x64_vrm(m, VEX_MOVUPS_LOAD, d, 0, a); break;
    }
}

X64_NOINLINE void x64_store(struct wj_masm *m, enum wj_num num, wj_reg s, struct x64_mem a)
{
    switch (num) {
    case NUM_I32: x64_rm(m, X64_MOV_TO, s, a); break;
    case NUM_I64: x64_rm(m, X64_MOV_TO | X64_W, s, a); break;
    case NUM_F32: x64_vrm(m, VEX_MOVSS_STORE, s, 0, a); break;
    case NUM_F64: x64_vrm(m, VEX_MOVSD_STORE, s, 0, a); break;
    case NUM_V128: x64_vrm(m, VEX_MOVUPS_STORE, s, 0, a); break;
    }
}

X64_INLINE void masm_load_slot(struct wj_masm *m, enum wj_num num, wj_reg d, struct wj_slot s)
{
    if (num > NUM_I64) {
        x64_load(m, num, d, x64_slot(s));
    } else if (s.base == RSP) {
        x64_rm_sp(m, X64_MOV | x64_w(num), d, s.disp);
    } else {
        x64_rm_base(m, X64_MOV | x64_w(num), d, s.base, s.disp);
    }
}

X64_INLINE void masm_store_slot(struct wj_masm *m, enum wj_num num, wj_reg s, struct wj_slot d)
{
    if (num > NUM_I64) {
        x64_store(m, num, s, x64_slot(d));
    } else if (d.base == RSP) {
        x64_rm_sp(m, X64_MOV_TO | x64_w(num), s, d.disp);
    } else {
        x64_rm_base(m, X64_MOV_TO | x64_w(num), s, d.base, d.disp);
    }
}

// Four or eight bytes. The second temporary holds what no immediate can: r11 may be in the address.
X64_INLINE void x64_store_imm(struct wj_masm *m, bool is_wide, uint64_t bits, struct x64_mem a)
{
    if (is_wide && !x64_fits32((int64_t) bits)) {
        x64_mov_imm(m, X64_TMP2, bits);
        x64_rm(m, X64_MOV_TO | X64_W, X64_TMP2, a);
    } else {
        x64_m_imm(m, is_wide ? X64_MOV_IMM_TO | X64_W : X64_MOV_IMM_TO, a, bits, 4);
    }
}

X64_INLINE void masm_store_slot_imm(struct wj_masm *m, enum wj_num num, uint64_t bits,
                                    struct wj_slot d)
{
    x64_store_imm(m, num == NUM_I64 || num == NUM_F64, bits, x64_slot(d));
}

X64_INLINE void masm_lea_slot(struct wj_masm *m, wj_reg d, struct wj_slot s)
{
    if (s.disp == 0) {
        masm_mov(m, NUM_I64, d, s.base);
    } else {
        x64_lea(m, X64_W, d, x64_slot(s));
    }
}

enum { X64_ZERO_INLINE_BYTES = 256 };

X64_INLINE void masm_zero_slots(struct wj_masm *m, int32_t disp, uint32_t size_bytes)
{
    if (size_bytes == 8) {
        x64_store_imm(m, true, 0, x64_at(RSP, disp));
        return;
    }
    x64_vzero(m, X64_VTMP);
    if (size_bytes > X64_ZERO_INLINE_BYTES) {
        // lea r11, [end of the blocks]; mov rcx, -size; loop: vmovups [r11 + rcx], ymm; add; jnz
        uint32_t blocks_bytes = size_bytes & ~31u;
        x64_lea(m, X64_W, R11, x64_at(RSP, disp + (int32_t) blocks_bytes));
        x64_mov_imm(m, RCX, (uint64_t) - (int64_t) blocks_bytes);
        const uint8_t *loop = m->buf.cursor;
        x64_vrm(m, VEX_MOVUPS_STORE | X64_L256, X64_VTMP, 0, x64_at_index(R11, RCX, 0, 0));
        x64_alu_imm(m, ALU_ADD, X64_W, RCX, 32);
        x64_jcc_back(m, CC_NE, loop);
        disp += (int32_t) blocks_bytes;
        size_bytes -= blocks_bytes;
    }
    for (; size_bytes >= 32; size_bytes -= 32, disp += 32) {
        x64_vrm(m, VEX_MOVUPS_STORE | X64_L256, X64_VTMP, 0, x64_at(RSP, disp));
    }
    if (size_bytes >= 16) {
        x64_vrm(m, VEX_MOVUPS_STORE, X64_VTMP, 0, x64_at(RSP, disp));
        size_bytes -= 16;
        disp += 16;
    }
    if (size_bytes >= 8) {
        x64_vrm(m, VEX_MOVSD_STORE, X64_VTMP, 0, x64_at(RSP, disp));
    }
}

X64_INLINE void masm_copy_slots(struct wj_masm *m, int32_t to, int32_t from, uint32_t size_bytes)
{
    int32_t size = (int32_t) size_bytes;
    x64_mov_imm(m, RCX, (uint64_t) - (int64_t) size_bytes);
    const uint8_t *again = m->buf.cursor;
    x64_rm(m, X64_MOV | X64_W, R11, x64_at_index(RSP, RCX, 0, from + size));
    x64_rm(m, X64_MOV_TO | X64_W, R11, x64_at_index(RSP, RCX, 0, to + size));
    x64_alu_imm(m, ALU_ADD, X64_W, RCX, 8);
    x64_jcc_back(m, CC_NE, again);
}

#endif
