// x86-64: the passages between C (System V ABI) and wasm code. Wasm code has a stack of its own;
// C runs on the host's, from the place where the activation was entered.
#ifndef EMIT_X64_STUBS_H
#define EMIT_X64_STUBS_H

#include "emit/x64_masm_call.h"
#include "emit/x64_masm_float.h"

enum {
    // What masm_enter_begin keeps above the outgoing arguments.
    X64_ENTER_BYTES = 32,
    X64_ENTER_VALUES = 0,
    X64_ENTER_CODE = 8,
    X64_ENTER_ACTIVATION = 16,
};

X64_INLINE void x64_push(struct wj_masm *m, wj_reg r)
{
    x64_bytes(m, r & 8 ? 0x41 | (uint64_t) (X64_PUSH | (r & 7)) << 8 : X64_PUSH | r, r & 8 ? 2 : 1);
}

X64_INLINE void x64_pop(struct wj_masm *m, wj_reg r)
{
    x64_bytes(m, r & 8 ? 0x41 | (uint64_t) (X64_POP | (r & 7)) << 8 : X64_POP | r, r & 8 ? 2 : 1);
}

X64_INLINE void x64_mov_load(struct wj_masm *m, wj_reg d, wj_reg base, uint32_t offset)
{
    x64_rm(m, X64_MOV | X64_W, d, x64_at(base, (int32_t) offset));
}

X64_INLINE void x64_mov_store(struct wj_masm *m, wj_reg s, wj_reg base, uint32_t offset)
{
    x64_rm(m, X64_MOV_TO | X64_W, s, x64_at(base, (int32_t) offset));
}

X64_INLINE void masm_enter_begin(struct wj_masm *m, uint32_t outgoing_bytes,
                                 const struct wj_stub_layout *layout)
{
    x64_endbr(m);
    x64_push(m, RBP);
    x64_push(m, RBX);
    x64_push(m, R12);
    x64_push(m, R13);
    x64_push(m, R14);
    x64_push(m, R15);
    // With the return address and eight bytes more the host stack is aligned for calls.
    x64_push(m, RAX);
    x64_mov_store(m, RSP, RDI, layout->activation_host_sp);
    x64_mov_load(m, R11, RDI, layout->activation_wasm_sp);
    x64_lea(m, X64_W, RSP, x64_at(R11, -(int32_t) (outgoing_bytes + X64_ENTER_BYTES)));
    x64_mov_store(m, RCX, RSP, outgoing_bytes + X64_ENTER_VALUES);
    x64_mov_store(m, RSI, RSP, outgoing_bytes + X64_ENTER_CODE);
    x64_mov_store(m, RDI, RSP, outgoing_bytes + X64_ENTER_ACTIVATION);
    x64_mov(m, X64_W, MASM_INST, RDX);
    x64_mov_load(m, MASM_MEMBASE, MASM_INST, layout->instance_memory0_base);
    x64_load_nans(m);
}

// Back to the host's stack and out of the enter function; the activation is in rdi.
X64_INLINE void x64_leave(struct wj_masm *m, uint32_t result, const struct wj_stub_layout *layout)
{
    x64_mov_load(m, RSP, RDI, layout->activation_host_sp);
    x64_pop(m, RCX);
    x64_pop(m, R15);
    x64_pop(m, R14);
    x64_pop(m, R13);
    x64_pop(m, R12);
    x64_pop(m, RBX);
    x64_pop(m, RBP);
    x64_mov_imm(m, RAX, result);
    masm_ret(m);
}

X64_INLINE void masm_enter_end(struct wj_masm *m, uint32_t outgoing_bytes,
                               const struct wj_stub_layout *layout)
{
    x64_mov_load(m, RDI, RSP, outgoing_bytes + X64_ENTER_ACTIVATION);
    x64_leave(m, 0, layout);
}

X64_INLINE void masm_stub_unwind(struct wj_masm *m, const struct wj_stub_layout *layout)
{
    x64_endbr(m);
    x64_leave(m, 1, layout);
}

// Which registers a passage to C keeps, and where: offsets on the host stack.
struct x64_host_frame {
    uint32_t bytes; // a multiple of 16
    uint32_t activation;
    uint32_t wasm_sp;
    uint32_t vectors;
    wj_reg vector_first, vector_count;
};

// Records where wasm code stopped, switches to the host stack, keeps the vector registers.
// activation_reg holds the activation; r11 or rcx, the other one is free in `spare`.
X64_INLINE void x64_to_host(struct wj_masm *m, const struct x64_host_frame *frame,
                            wj_reg activation_reg, wj_reg spare,
                            const struct wj_stub_layout *layout)
{
    x64_lea(m, X64_W, spare, x64_at(RSP, MASM_CALL_PUSH_BYTES));
    x64_mov_store(m, spare, activation_reg, layout->activation_wasm_sp);
    x64_mov_load(m, spare, RSP, 0);
    x64_mov_store(m, spare, activation_reg, layout->activation_wasm_pc);
    x64_mov(m, X64_W, spare, RSP);
    x64_mov_load(m, RSP, activation_reg, layout->activation_host_sp);
    x64_add_imm(m, X64_W, RSP, RSP, -(int64_t) frame->bytes);
    x64_mov_store(m, activation_reg, RSP, frame->activation);
    x64_mov_store(m, spare, RSP, frame->wasm_sp);
    for (unsigned i = 0; i < frame->vector_count; i++) {
        x64_vrm(m, VEX_MOVUPS_STORE, frame->vector_first + i, 0,
                x64_at(RSP, (int32_t) (frame->vectors + 16 * i)));
    }
}

// The way back: unwinds when the activation holds a trap. Uses only activation_reg and xmm15.
X64_INLINE void x64_from_host(struct wj_masm *m, const struct x64_host_frame *frame,
                              wj_reg activation_reg, const struct wj_stub_layout *layout)
{
    x64_mov_load(m, activation_reg, RSP, frame->activation);
    for (unsigned i = 0; i < frame->vector_count; i++) {
        x64_vrm(m, VEX_MOVUPS_LOAD, frame->vector_first + i, 0,
                x64_at(RSP, (int32_t) (frame->vectors + 16 * i)));
    }
    x64_mov_load(m, RSP, RSP, frame->wasm_sp);
    x64_rm_imm(m, X64_ALU_IMM8, ALU_CMP, x64_at(activation_reg, (int32_t) layout->activation_trap),
               0, 1);
    uint8_t *runs_on = x64_jcc_short(m, CC_E);
    x64_mov(m, X64_W, RDI, activation_reg);
    x64_mov_imm(m, RAX, layout->unwind_stub);
    masm_jmp_reg(m, RAX);
    x64_here(m, runs_on);
    x64_load_nans(m);
}

X64_INLINE void masm_stub_call_c(struct wj_masm *m, const struct wj_stub_layout *layout)
{
    static const struct x64_host_frame frame = {
        .bytes = 112,
        .activation = 96,
        .wasm_sp = 104,
        .vector_first = XMM8,
        .vector_count = MASM_VEC_CALLEE_COUNT,
    };
    x64_endbr(m);
    x64_mov_load(m, R10, RDI, layout->instance_activation_slot);
    x64_mov_load(m, R10, R10, 0);
    x64_to_host(m, &frame, R10, R11, layout);
    masm_call_reg(m, MASM_GPR_TARGET);
    x64_from_host(m, &frame, R10, layout);
    masm_ret(m);
}

X64_INLINE void masm_stub_lazy(struct wj_masm *m, bool is_indirect,
                               const struct wj_stub_layout *layout)
{
    enum { TARGET = 48 };
    // Six general arguments, the target, fourteen vector registers: arguments, and those that
    // wasm calls preserve.
    static const struct x64_host_frame frame = {
        .bytes = 304,
        .activation = 56,
        .wasm_sp = 64,
        .vectors = 80,
        .vector_first = XMM0,
        .vector_count = 14,
    };
    x64_endbr(m);
    x64_mov_load(m, R11, MASM_INST, layout->instance_activation_slot);
    x64_mov_load(m, R11, R11, 0);
    x64_to_host(m, &frame, R11, RCX, layout);
    for (unsigned i = 0; i < MASM_GPR_ARGS_COUNT; i++) {
        x64_mov_store(m, MASM_GPR_ARGS[i], RSP, 8 * i);
    }
    x64_mov_store(m, MASM_GPR_TARGET, RSP, TARGET);
    x64_mov(m, X64_W, RDI, MASM_INST);
    x64_mov(m, X64_W, RSI, MASM_GPR_TARGET);
    x64_mov_imm(m, RAX, is_indirect ? layout->compile_indirect : layout->compile_direct);
    masm_call_reg(m, RAX);
    x64_mov(m, X64_W, RCX, RAX);
    for (unsigned i = 0; i < MASM_GPR_ARGS_COUNT; i++) {
        x64_mov_load(m, MASM_GPR_ARGS[i], RSP, 8 * i);
    }
    x64_mov_load(m, MASM_GPR_TARGET, RSP, TARGET);
    x64_from_host(m, &frame, R11, layout);
    masm_jmp_reg(m, RCX);
}

// What the stub saves lies below whatever place the arguments may move to.
enum { X64_TAIL_GAP = (1 << (WJ_TAIL_AREA_LOG2 + WJ_TAIL_CLASSES - 1)) + 64 };

// d = the size of the areas of a class; the class is in rcx.
X64_INLINE void x64_tail_area(struct wj_masm *m, wj_reg d)
{
    x64_mov_imm(m, d, 1u << WJ_TAIL_AREA_LOG2);
    x64_rr(m, X64_SHIFT_CL, SHIFT_SHL, d);
}

// Eight bytes at a time, rcx times, from rsi to rdi; clobbers rax, rcx, r8.
X64_INLINE void x64_tail_copy(struct wj_masm *m)
{
    x64_alu(m, ALU_CMP, X64_W, RDI, RSI);
    uint8_t *is_below = x64_jcc_short(m, CC_B);
    const uint8_t *down = m->buf.cursor;
    x64_rm(m, X64_MOV | X64_W, RAX, x64_at_index(RSI, RCX, 3, -8));
    x64_rm(m, X64_MOV_TO | X64_W, RAX, x64_at_index(RDI, RCX, 3, -8));
    x64_alu_imm(m, ALU_SUB, 0, RCX, 1);
    x64_jcc_back(m, CC_NE, down);
    uint8_t *is_done = x64_jmp_short(m);
    x64_here(m, is_below);
    x64_mov_imm(m, R8, 0);
    const uint8_t *up = m->buf.cursor;
    x64_rm(m, X64_MOV | X64_W, RAX, x64_at_index(RSI, R8, 3, 0));
    x64_rm(m, X64_MOV_TO | X64_W, RAX, x64_at_index(RDI, R8, 3, 0));
    x64_alu_imm(m, ALU_ADD, 0, R8, 1);
    x64_alu(m, ALU_CMP, 0, R8, RCX);
    x64_jcc_back(m, CC_NE, up);
    x64_here(m, is_done);
}

// In: rcx the SP of the caller's call, r11 the words. Then rsi is where the arguments are, rdi
// where they go, rdx the return address to leave there, r9 where this stub returns.
X64_INLINE void masm_stub_tail_room(struct wj_masm *m, uint64_t first_return)
{
    static const wj_reg saved[] = {RAX, RDX, RSI, RDI, R8, R9};
    enum { COUNT = sizeof saved / sizeof saved[0] };
    x64_endbr(m);
    x64_lea(m, X64_W, RSP, x64_at(RSP, -X64_TAIL_GAP));
    for (unsigned i = 0; i < COUNT; i++) {
        x64_push(m, saved[i]);
    }
    x64_lea(m, X64_W, RSI, x64_at(RSP, X64_TAIL_GAP + 8 * COUNT + 8));
    x64_mov_load(m, R9, RSI, -8u);
    x64_mov_load(m, RAX, RCX, -8u);
    x64_mov_imm(m, RDX, first_return);
    x64_alu(m, ALU_SUB, X64_W, RAX, RDX);
    x64_mov(m, 0, R8, R11);
    x64_shift_imm(m, SHIFT_SHR, 0, R8, WJ_TAIL_CLASS_SHIFT);
    x64_mov(m, X64_W, RDI, RCX);
    x64_alu_imm(m, ALU_CMP, X64_W, RAX, WJ_TAIL_CLASSES * WJ_TAIL_RETURN_BYTES);
    uint8_t *is_first = x64_jcc_short(m, CC_AE);
    x64_shift_imm(m, SHIFT_SHR, 0, RAX, WJ_TAIL_RETURN_LOG2);
    x64_alu(m, ALU_CMP, 0, RAX, R8);
    uint8_t *fits = x64_jcc_short(m, CC_AE);
    // The area of an earlier tail call is too small: its record stays.
    x64_mov(m, 0, RCX, RAX);
    x64_tail_area(m, RAX);
    x64_lea(m, X64_W, RCX, x64_at_index(RDI, RAX, 0, WJ_TAIL_RECORD_BYTES));
    uint8_t *has_record = x64_jmp_short(m);
    x64_here(m, is_first);
    x64_mov(m, 0, RAX, R11);
    x64_shift_imm(m, SHIFT_SHR, 0, RAX, WJ_TAIL_SIZE_BITS);
    x64_alu_imm(m, ALU_AND, 0, RAX, (1 << WJ_TAIL_SIZE_BITS) - 1);
    x64_mov_store(m, RAX, RCX, -(uint32_t) WJ_TAIL_RECORD_BYTES);
    x64_here(m, has_record);
    x64_lea(m, X64_W, RDI, x64_at(RCX, -WJ_TAIL_RECORD_BYTES));
    x64_mov(m, 0, RCX, R8);
    x64_tail_area(m, RAX);
    x64_alu(m, ALU_SUB, X64_W, RDI, RAX);
    x64_shift_imm(m, SHIFT_SHL, 0, R8, WJ_TAIL_RETURN_LOG2);
    x64_alu(m, ALU_ADD, X64_W, RDX, R8);
    uint8_t *is_placed = x64_jmp_short(m);
    x64_here(m, fits);
    x64_mov_load(m, RDX, RDI, -8u);
    x64_here(m, is_placed);
    x64_mov(m, 0, RCX, R11);
    x64_alu_imm(m, ALU_AND, 0, RCX, (1 << WJ_TAIL_SIZE_BITS) - 1);
    x64_tail_copy(m);
    x64_mov_store(m, RDX, RDI, -8u);
    x64_mov_store(m, R9, RDI, -16u);
    x64_lea(m, X64_W, RCX, x64_at(RDI, -16));
    for (unsigned i = COUNT; i-- > 0;) {
        x64_pop(m, saved[i]);
    }
    x64_mov(m, X64_W, RSP, RCX);
    masm_ret(m);
}

X64_INLINE void masm_stub_tail_return(struct wj_masm *m, uint32_t area_bytes)
{
    x64_endbr(m);
    x64_lea(m, X64_W, R11, x64_at(RSP, (int32_t) area_bytes));
    x64_mov_load(m, RCX, R11, 0);
    x64_test(m, 0, RCX, RCX);
    uint8_t *has_none = x64_jcc_short(m, CC_E);
    const uint8_t *again = m->buf.cursor;
    x64_rm(m, X64_MOV | X64_W, RDX, x64_at_index(RSP, RCX, 3, -8));
    x64_rm(m, X64_MOV_TO | X64_W, RDX, x64_at_index(R11, RCX, 3, WJ_TAIL_RECORD_BYTES - 8));
    x64_alu_imm(m, ALU_SUB, 0, RCX, 1);
    x64_jcc_back(m, CC_NE, again);
    x64_here(m, has_none);
    x64_lea(m, X64_W, RSP, x64_at(R11, WJ_TAIL_RECORD_BYTES - MASM_CALL_PUSH_BYTES));
    masm_ret(m);
}

#endif
