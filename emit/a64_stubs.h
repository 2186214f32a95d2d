// The AArch64 stubs, made once per engine: from C into wasm code and back, from wasm code to C on
// the host's stack, lazy compilation, unwinding. The host side is AAPCS64: x19 to x30 and the low
// halves of v8 to v15 are the caller's.
#ifndef EMIT_A64_STUBS_H
#define EMIT_A64_STUBS_H

#include "emit/a64_masm_call.h"
#include "emit/a64_masm_int.h"

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

// Wasm code runs with FPCR zero: round to nearest even, no flushing, NaNs propagate. With
// --deterministic also with FPCR.DN: the machine then makes the canonical NaN of every NaN that
// arithmetic gives or takes.
enum { A64_FPCR_DN = 1 << 25 };

// Clobbers `temp`.
static inline void a64_fpcr_of_wasm(struct wj_masm *m, wj_reg temp)
{
    if (m->is_deterministic) {
        masm_mov_imm(m, NUM_I64, temp, A64_FPCR_DN);
        a64_put(m, A64_MSR_FPCR | temp);
    } else {
        a64_put(m, A64_MSR_FPCR | A64_ZR);
    }
}

// Writing FPCR is slow, hence only where the host's differs from what wasm has.
static inline void a64_host_restore(struct wj_masm *m)
{
    a64_slot_load(m, A64_TMP, MASM_SP, A64_HOST_FPCR);
    if (!m->is_deterministic) {
        a64_put(m, A64_CBZ | a64_sf(NUM_I64) | a64_imm19(8) | A64_TMP);
    }
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
    if (!m->is_deterministic) {
        a64_put(m, A64_CBZ | a64_sf(NUM_I64) | a64_imm19(8) | A64_TMP);
    }
    a64_fpcr_of_wasm(m, A64_TMP);

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
    if (m->is_deterministic) {
        a64_slot_load(m, A64_TMP2, host_sp, A64_HOST_FPCR);
        a64_put(m, A64_MSR_FPCR | A64_TMP2);
    }
}

// Back to wasm's stack. When the activation holds a trap, unwinds instead. Clobbers x10.
static inline void a64_switch_to_wasm(struct wj_masm *m, const struct wj_stub_layout *layout)
{
    const wj_reg trap = 10;
    if (m->is_deterministic) {
        a64_fpcr_of_wasm(m, trap);
    }
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

// d = the size of the areas of a class.
static inline void a64_tail_area(struct wj_masm *m, wj_reg d, wj_reg tail_class)
{
    masm_mov_imm(m, NUM_I32, d, 1u << WJ_TAIL_AREA_LOG2);
    masm_ibin(m, IBIN_SHL, NUM_I64, d, d, tail_class);
}

static inline void a64_tail_move8(struct wj_masm *m, wj_reg target, wj_reg source, wj_reg at)
{
    const wj_reg data = 11;
    a64_put(m, A64_FORM_INDEX | A64_LDR_X | a64_rrr(data, source, at));
    a64_put(m, A64_FORM_INDEX | A64_STR_X | a64_rrr(data, target, at));
}

// Moves `size` bytes, from the last to the first; clobbers size and x11.
static inline void a64_tail_move_down(struct wj_masm *m, wj_reg target, wj_reg source, wj_reg size)
{
    wj_label again = wj_codebuf_label(&m->buf);
    masm_bind(m, again);
    a64_add_imm(m, size, size, -8);
    a64_tail_move8(m, target, source, size);
    masm_cbz(m, NUM_I64, false, size, again);
}

// SP = target, with `size` bytes from `source` on it; clobbers size, x11 and x16.
static inline void a64_tail_copy(struct wj_masm *m, wj_reg target, wj_reg source, wj_reg size)
{
    const wj_reg done = A64_TMP;
    wj_label is_below = wj_codebuf_label(&m->buf), is_done = wj_codebuf_label(&m->buf);
    wj_label up = wj_codebuf_label(&m->buf);
    masm_icmp(m, NUM_I64, target, source);
    masm_jcc(m, COND_LT_U, is_below);
    a64_tail_move_down(m, target, source, size);
    masm_mov(m, NUM_I64, MASM_SP, target);
    masm_jmp(m, is_done);
    masm_bind(m, is_below);
    // Memory below SP is not ours.
    masm_mov(m, NUM_I64, MASM_SP, target);
    masm_mov_imm(m, NUM_I64, done, 0);
    masm_bind(m, up);
    a64_tail_move8(m, target, source, done);
    a64_add_imm(m, done, done, 8);
    masm_icmp(m, NUM_I64, done, size);
    masm_jcc(m, COND_NE, up);
    masm_bind(m, is_done);
}

// In: x10 the SP of the caller's call, x11 the words.
static inline void masm_stub_tail_room(struct wj_masm *m, uint64_t first_return)
{
    const wj_reg caller_sp = 10, words = 11, target = 12, link = 13, tail_class = 14, source = 15;
    const wj_reg temp = A64_TMP2;
    const uint32_t size_mask = (1u << WJ_TAIL_SIZE_BITS) - 1;
    wj_label is_first = wj_codebuf_label(&m->buf), fits = wj_codebuf_label(&m->buf);
    wj_label has_record = wj_codebuf_label(&m->buf), is_placed = wj_codebuf_label(&m->buf);
    a64_put(m, A64_BTI_C);
    a64_slot_load(m, target, caller_sp, -8u);
    masm_mov_imm(m, NUM_I64, link, first_return);
    masm_ibin(m, IBIN_SUB, NUM_I64, target, target, link);
    masm_ibin_imm(m, IBIN_SHR_U, NUM_I32, tail_class, words, WJ_TAIL_CLASS_SHIFT);
    masm_icmp_imm(m, NUM_I64, target, WJ_TAIL_CLASSES * WJ_TAIL_RETURN_BYTES);
    masm_jcc(m, COND_GE_U, is_first);
    masm_ibin_imm(m, IBIN_SHR_U, NUM_I64, target, target, WJ_TAIL_RETURN_LOG2);
    masm_icmp(m, NUM_I64, target, tail_class);
    masm_jcc(m, COND_GE_U, fits);
    // The area of an earlier tail call is too small: its record stays.
    a64_tail_area(m, temp, target);
    masm_ibin(m, IBIN_ADD, NUM_I64, caller_sp, caller_sp, temp);
    a64_add_imm(m, caller_sp, caller_sp, WJ_TAIL_RECORD_BYTES);
    masm_jmp(m, has_record);
    masm_bind(m, is_first);
    masm_ibin_imm(m, IBIN_SHR_U, NUM_I32, target, words, WJ_TAIL_SIZE_BITS);
    masm_ibin_imm(m, IBIN_AND, NUM_I32, target, target, size_mask);
    a64_slot_store(m, target, caller_sp, -(uint32_t) WJ_TAIL_RECORD_BYTES);
    masm_bind(m, has_record);
    a64_tail_area(m, temp, tail_class);
    masm_ibin(m, IBIN_SUB, NUM_I64, target, caller_sp, temp);
    a64_add_imm(m, target, target, -WJ_TAIL_RECORD_BYTES);
    masm_ibin_imm(m, IBIN_SHL, NUM_I64, tail_class, tail_class, WJ_TAIL_RETURN_LOG2);
    masm_ibin(m, IBIN_ADD, NUM_I64, link, link, tail_class);
    masm_jmp(m, is_placed);
    masm_bind(m, fits);
    masm_mov(m, NUM_I64, target, caller_sp);
    a64_slot_load(m, link, caller_sp, -8u);
    masm_bind(m, is_placed);
    masm_mov(m, NUM_I64, source, MASM_SP);
    masm_ibin_imm(m, IBIN_AND, NUM_I32, tail_class, words, size_mask);
    masm_ibin_imm(m, IBIN_SHL, NUM_I64, tail_class, tail_class, 3);
    a64_tail_copy(m, target, source, tail_class);
    masm_mov(m, NUM_I64, A64_TMP, A64_LINK);
    masm_mov(m, NUM_I64, A64_LINK, link);
    a64_put(m, A64_RET_REG | a64_rr(0, A64_TMP)); // a return needs no landing pad
}

static inline void masm_stub_tail_return(struct wj_masm *m, uint32_t area_bytes)
{
    const wj_reg record = 10, size = 12, source = 13, target = 14;
    wj_label has_none = wj_codebuf_label(&m->buf);
    a64_put(m, A64_BTI_JC);
    a64_add_imm(m, record, MASM_SP, area_bytes);
    a64_slot_load(m, size, record, 0);
    a64_slot_load(m, A64_LINK, record, 8);
    masm_cbz(m, NUM_I64, true, size, has_none);
    masm_ibin_imm(m, IBIN_SHL, NUM_I64, size, size, 3);
    masm_mov(m, NUM_I64, source, MASM_SP);
    a64_add_imm(m, target, record, WJ_TAIL_RECORD_BYTES);
    a64_tail_move_down(m, target, source, size);
    masm_bind(m, has_none);
    a64_add_imm(m, MASM_SP, record, WJ_TAIL_RECORD_BYTES);
    a64_put(m, A64_RET);
}

#endif
