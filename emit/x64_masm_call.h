// x86-64: frames and calls inside wasm code.
#ifndef EMIT_X64_MASM_CALL_H
#define EMIT_X64_MASM_CALL_H

#include "emit/x64_masm_int.h"

enum {
    // The guard below a stack is at least this large, so a frame must not step over it unseen.
    X64_PROBE_BYTES = 32768,
    X64_PROBES_INLINE = 8,
};

X64_INLINE void x64_endbr(struct wj_masm *m)
{
    x64_bytes(m, (uint32_t) X64_ENDBR64, 4);
}

// test [rsp - n * 32 KiB], eax -- a read is enough to fault.
X64_INLINE void x64_probe_stack(struct wj_masm *m, uint32_t frame_bytes)
{
    uint32_t probes = frame_bytes / X64_PROBE_BYTES;
    if (probes <= X64_PROBES_INLINE) {
        for (uint32_t i = 1; i <= probes; i++) {
            x64_rm(m, X64_TEST, RAX, x64_at(RSP, -(int32_t) (i * X64_PROBE_BYTES)));
        }
        return;
    }
    x64_mov(m, X64_W, R11, RSP);
    x64_mov_imm(m, RCX, probes);
    const uint8_t *loop = m->buf.cursor;
    x64_alu_imm(m, ALU_SUB, X64_W, R11, X64_PROBE_BYTES);
    x64_rm(m, X64_TEST, RAX, x64_at(R11, 0));
    x64_alu_imm(m, ALU_SUB, 0, RCX, 1);
    x64_jcc_back(m, CC_NE, loop);
}

X64_INLINE void masm_prologue(struct wj_masm *m, uint32_t frame_bytes)
{
    x64_endbr(m);
    if (frame_bytes >= X64_PROBE_BYTES) {
        x64_probe_stack(m, frame_bytes);
    }
    x64_add_imm(m, X64_W, RSP, RSP, -(int64_t) frame_bytes);
}

X64_INLINE void masm_epilogue(struct wj_masm *m, uint32_t frame_bytes)
{
    x64_add_imm(m, X64_W, RSP, RSP, frame_bytes);
}

X64_INLINE void masm_ret(struct wj_masm *m)
{
    *m->buf.cursor++ = X64_RET;
}

X64_INLINE void masm_call_slot(struct wj_masm *m, struct wj_slot s)
{
    x64_m(m, X64_CALL, x64_slot(s));
}

X64_INLINE void masm_jmp_slot(struct wj_masm *m, struct wj_slot s)
{
    x64_m(m, X64_JMP, x64_slot(s));
}

X64_INLINE void masm_call_reg(struct wj_masm *m, wj_reg r)
{
    x64_r(m, X64_CALL, 0, r);
}

X64_INLINE void masm_jmp_reg(struct wj_masm *m, wj_reg r)
{
    x64_r(m, X64_JMP, 0, r);
}

// A rel32 field at the cursor that leads to an address.
X64_INLINE void x64_rel32_address(struct wj_masm *m, uint64_t address)
{
    x64_imm32(m, (int64_t) (address - (m->buf.address + wj_codebuf_offset(&m->buf) + 4)));
}

X64_INLINE void masm_call_addr(struct wj_masm *m, uint64_t address)
{
    *m->buf.cursor++ = X64_CALL32;
    x64_rel32_address(m, address);
}

X64_INLINE void masm_jmp_addr(struct wj_masm *m, uint64_t address)
{
    *m->buf.cursor++ = X64_JMP32;
    x64_rel32_address(m, address);
}

// They reach all of the region directly.
X64_INLINE void masm_far_entry(struct wj_masm *m)
{
    (void) m;
}

X64_INLINE void masm_call_table(struct wj_masm *m, uint64_t entry_address)
{
    x64_bytes(m, X64_CALL_NEAR, 2);
    x64_rel32_address(m, entry_address);
}

X64_INLINE void masm_jmp_table(struct wj_masm *m, uint64_t entry_address)
{
    x64_bytes(m, X64_JMP_NEAR, 2);
    x64_rel32_address(m, entry_address);
}

X64_INLINE void masm_tail_room(struct wj_masm *m, uint32_t frame_bytes, uint32_t words,
                               struct wj_slot stub)
{
    x64_lea(m, X64_W, RCX, x64_at(RSP, (int32_t) frame_bytes + MASM_CALL_PUSH_BYTES));
    x64_mov_imm(m, R11, words);
    masm_call_slot(m, stub);
}

#endif
