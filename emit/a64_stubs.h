// The AArch64 stubs, made once per engine: from C into wasm code and back, from wasm code to C on
// the host's stack, lazy compilation, unwinding. The host side is AAPCS64: x19 to x30 and the low
// halves of v8 to v15 are the caller's.
#ifndef EMIT_A64_STUBS_H
#define EMIT_A64_STUBS_H

#include "emit/a64_masm_call.h"

// The frame of the enter function on the host's stack; activation->host_sp points to its start.
enum {
    A64_HOST_FLOATS = 96, // after x19 to x30
    A64_HOST_FPCR = 160,
    A64_HOST_BYTES = 176,
};

static inline void a64_slot_store(struct wj_masm *m, wj_reg s, wj_reg base, uint32_t disp)
{
    masm_store_slot(m, NUM_I64, s, (struct wj_slot){base, (int32_t) disp});
}

static inline void a64_slot_load(struct wj_masm *m, wj_reg d, wj_reg base, uint32_t disp)
{
    masm_load_slot(m, NUM_I64, d, (struct wj_slot){base, (int32_t) disp});
}

// stp or ldp of the registers first and first + 1, then the next two, and so on; disp in bytes
// from SP. `unit` is the size of a register.
static inline void a64_pairs(struct wj_masm *m, uint32_t word, wj_reg first, unsigned count,
                             uint32_t disp, uint32_t unit)
{
    for (unsigned i = 0; i < count; i += 2) {
        uint32_t units = disp / unit + i;
        a64_put(m, word | a64_rrra((wj_reg) (first + i), MASM_SP, 0, (wj_reg) (first + i + 1)) |
                       units << 15);
    }
}

// Wasm code runs with FPCR zero: round to nearest even, no flushing, NaNs propagate. Writing the
// register is slow, hence only where the host's differs.
static inline void a64_host_restore(struct wj_masm *m)
{
    a64_slot_load(m, A64_TMP, MASM_SP, A64_HOST_FPCR);
    a64_put(m, A64_CBZ | a64_sf(NUM_I64) | a64_imm19(8) | A64_TMP);
    a64_put(m, A64_MSR_FPCR | A64_TMP);
    a64_pairs(m, A64_LDP_X, 19, 12, 0, 8);
    a64_pairs(m, A64_LDP_D, 8, 8, A64_HOST_FLOATS, 8);
    a64_add_imm(m, MASM_SP, MASM_SP, A64_HOST_BYTES);
    a64_put(m, A64_RET);
}

// x0 activation, x1 code, x2 instance, x3 values.
static inline void masm_enter_begin(struct wj_masm *m, uint32_t outgoing_bytes,
                                    const struct wj_stub_layout *layout)
{
    a64_put(m, A64_BTI_C);
    a64_add_imm(m, MASM_SP, MASM_SP, -A64_HOST_BYTES);
    a64_pairs(m, A64_STP_X, 19, 12, 0, 8);
    a64_pairs(m, A64_STP_D, 8, 8, A64_HOST_FLOATS, 8);
    a64_put(m, A64_MRS_FPCR | A64_TMP);
    a64_slot_store(m, A64_TMP, MASM_SP, A64_HOST_FPCR);
    a64_put(m, A64_CBZ | a64_sf(NUM_I64) | a64_imm19(8) | A64_TMP);
    a64_put(m, A64_MSR_FPCR | A64_ZR);

    masm_mov(m, NUM_I64, A64_TMP, MASM_SP);
    a64_slot_store(m, A64_TMP, 0, layout->activation_host_sp);
    a64_slot_load(m, A64_TMP, 0, layout->activation_wasm_sp);
    a64_add_imm(m, A64_TMP, A64_TMP, -((int64_t) outgoing_bytes + 32));
    masm_mov(m, NUM_I64, MASM_SP, A64_TMP);
    a64_slot_store(m, 3, MASM_SP, outgoing_bytes);
    a64_slot_store(m, 1, MASM_SP, outgoing_bytes + 8);
    a64_slot_store(m, 0, MASM_SP, outgoing_bytes + 16);
    masm_mov(m, NUM_I64, MASM_INST, 2);
    a64_slot_load(m, MASM_MEMBASE, MASM_INST, layout->instance_memory0_base);
}

static inline void masm_enter_end(struct wj_masm *m, uint32_t outgoing_bytes,
                                  const struct wj_stub_layout *layout)
{
    a64_slot_load(m, A64_TMP2, MASM_SP, outgoing_bytes + 16);
    a64_slot_load(m, A64_TMP, A64_TMP2, layout->activation_host_sp);
    masm_mov(m, NUM_I64, MASM_SP, A64_TMP);
    masm_mov_imm(m, NUM_I64, 0, 0);
    a64_host_restore(m);
}

// Reached by a jump, or by a signal handler that changed the program counter.
static inline void masm_stub_unwind(struct wj_masm *m, const struct wj_stub_layout *layout)
{
    a64_put(m, A64_BTI_JC);
    a64_slot_load(m, A64_TMP, 0, layout->activation_host_sp);
    masm_mov(m, NUM_I64, MASM_SP, A64_TMP);
    masm_mov_imm(m, NUM_I64, 0, 1);
    a64_host_restore(m);
}

// Saved on the host's stack, not on wasm's: a nested entry uses the latter from wasm_sp on.
enum {
    A64_SWITCH_VECTORS = 0, // v8 to v15, whole
    A64_SWITCH_WASM_SP = 128,
    A64_SWITCH_ACTIVATION = 136,
    A64_SWITCH_LINK = 144,
    A64_SWITCH_BYTES = 160,
};

// Leaves the activation in x16, having switched to the host's stack. The instance is in `instance`;
// x10 is clobbered.
static inline void a64_switch_to_host(struct wj_masm *m, wj_reg instance,
                                      const struct wj_stub_layout *layout)
{
    const wj_reg host_sp = 10;
    a64_slot_load(m, A64_TMP, instance, layout->instance_activation_slot);
    a64_slot_load(m, A64_TMP, A64_TMP, 0);
    masm_mov(m, NUM_I64, A64_TMP2, MASM_SP);
    a64_slot_store(m, A64_TMP2, A64_TMP, layout->activation_wasm_sp);
    a64_slot_store(m, A64_LINK, A64_TMP, layout->activation_wasm_pc);
    a64_slot_load(m, host_sp, A64_TMP, layout->activation_host_sp);
    a64_add_imm(m, MASM_SP, host_sp, -A64_SWITCH_BYTES);
    a64_pairs(m, A64_STP_Q, 8, 8, A64_SWITCH_VECTORS, 16);
    a64_slot_store(m, A64_TMP2, MASM_SP, A64_SWITCH_WASM_SP);
    a64_slot_store(m, A64_TMP, MASM_SP, A64_SWITCH_ACTIVATION);
    a64_slot_store(m, A64_LINK, MASM_SP, A64_SWITCH_LINK);
}

// Back to wasm's stack. When the activation holds a trap, unwinds instead. Clobbers x10.
static inline void a64_switch_to_wasm(struct wj_masm *m, const struct wj_stub_layout *layout)
{
    const wj_reg trap = 10;
    a64_slot_load(m, A64_TMP, MASM_SP, A64_SWITCH_ACTIVATION);
    a64_slot_load(m, A64_LINK, MASM_SP, A64_SWITCH_LINK);
    a64_slot_load(m, A64_TMP2, MASM_SP, A64_SWITCH_WASM_SP);
    a64_pairs(m, A64_LDP_Q, 8, 8, A64_SWITCH_VECTORS, 16);
    masm_load_slot(m, NUM_I32, trap, (struct wj_slot){A64_TMP, (int32_t) layout->activation_trap});
    masm_mov(m, NUM_I64, MASM_SP, A64_TMP2);
    wj_label no_trap = wj_codebuf_label(&m->buf);
    masm_cbz(m, NUM_I32, true, trap, no_trap);
    masm_mov(m, NUM_I64, 0, A64_TMP);
    masm_jmp_addr(m, layout->unwind_stub);
    masm_bind(m, no_trap);
}

static inline void masm_stub_call_c(struct wj_masm *m, const struct wj_stub_layout *layout)
{
    a64_put(m, A64_BTI_C);
    a64_switch_to_host(m, 0, layout);
    a64_put(m, A64_BLR | a64_rr(0, MASM_GPR_TARGET));
    masm_mov(m, NUM_I64, MASM_GPR_RESULT, 0);
    a64_switch_to_wasm(m, layout);
    a64_put(m, A64_RET);
}

// The argument registers, below what a64_switch_to_host saved.
enum {
    A64_LAZY_VECTORS = 0,
    A64_LAZY_GENERAL = 128, // x0 to x9
    A64_LAZY_BYTES = 208,
};

static inline void masm_stub_lazy(struct wj_masm *m, bool is_indirect,
                                  const struct wj_stub_layout *layout)
{
    const wj_reg code = 11;
    a64_put(m, A64_BTI_C);
    a64_switch_to_host(m, MASM_INST, layout);
    a64_add_imm(m, MASM_SP, MASM_SP, -A64_LAZY_BYTES);
    a64_pairs(m, A64_STP_Q, 0, 8, A64_LAZY_VECTORS, 16);
    a64_pairs(m, A64_STP_X, 0, 10, A64_LAZY_GENERAL, 8);
    masm_mov(m, NUM_I64, 0, MASM_INST);
    masm_mov(m, NUM_I64, 1, MASM_GPR_TARGET);
    masm_mov_imm(m, NUM_I64, A64_TMP,
                 is_indirect ? layout->compile_indirect : layout->compile_direct);
    a64_put(m, A64_BLR | a64_rr(0, A64_TMP));
    masm_mov(m, NUM_I64, code, 0);
    a64_pairs(m, A64_LDP_Q, 0, 8, A64_LAZY_VECTORS, 16);
    a64_pairs(m, A64_LDP_X, 0, 10, A64_LAZY_GENERAL, 8);
    a64_add_imm(m, MASM_SP, MASM_SP, A64_LAZY_BYTES);
    a64_switch_to_wasm(m, layout);
    masm_jmp_reg(m, code);
}

#endif
