// Code that stands between C and wasm: the engine's stubs, the enter function of a type, and the
// entry of host functions of a type.
#ifndef JIT_STUBS_H
#define JIT_STUBS_H

#include "jit/calls.h"

static void masm_begin(struct wj_masm *m, const struct wj_codebuf *side_arrays,
                       const struct wj_code_window *window,
                       const struct wj_compile_settings *settings);

static struct wj_stub_layout stub_layout(uint64_t unwind, const struct wj_stub_targets *targets)
{
    return (struct wj_stub_layout){
        .activation_host_sp = offsetof(struct wj_activation, host_sp),
        .activation_wasm_sp = offsetof(struct wj_activation, wasm_sp),
        .activation_wasm_pc = offsetof(struct wj_activation, wasm_pc),
        .activation_trap = offsetof(struct wj_activation, trap),
        .instance_memory0_base = offsetof(struct wj_instance, memory0_base),
        .instance_activation_slot = offsetof(struct wj_instance, activation_slot),
        .unwind_stub = unwind,
        .compile_direct = targets->compile_direct,
        .compile_indirect = targets->compile_indirect,
    };
}

static bool finish_stub(struct wj_masm *m, size_t *used_bytes, struct wj_err *err)
{
    masm_finish(m);
    *used_bytes = wj_codebuf_offset(&m->buf);
    bool ok = !m->buf.overflow;
    wj_codebuf_clear(&m->buf);
    return ok ? true : wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET, "stub window is too small");
}

static uint64_t masm_here(const struct wj_masm *m)
{
    return m->buf.address + wj_codebuf_offset(&m->buf);
}

static bool emit_tail_return(struct wj_code_window *window, unsigned index,
                             struct wj_code_info *info, struct wj_err *err)
{
    struct wj_masm masm;
    struct wj_masm *m = &masm;
    uint32_t area_bytes = 1u << (WJ_TAIL_AREA_LOG2 + index);
    masm_begin(m, NULL, window, NULL);
    masm_stub_tail_return(m, area_bytes);
    size_t used_bytes = 0;
    bool ok = finish_stub(m, &used_bytes, err);
    assert(used_bytes > WJ_TAIL_RETURN_BYTES / 2 && used_bytes <= WJ_TAIL_RETURN_BYTES);
    *info = (struct wj_code_info){
        .func_index = UINT32_MAX,
        .code_bytes = (uint32_t) used_bytes,
        .frame_bytes = area_bytes + WJ_TAIL_RECORD_BYTES - MASM_CALL_PUSH_BYTES,
    };
    return ok;
}

static bool emit_stubs(struct wj_code_window *window, const struct wj_stub_targets *targets,
                       uint64_t stubs[WJ_STUB_COUNT], size_t *used_bytes, struct wj_err *err)
{
    struct wj_masm masm;
    struct wj_masm *m = &masm;
    masm_begin(m, NULL, window, &targets->settings);
    struct wj_stub_layout layout = stub_layout(masm_here(m), targets);
    stubs[WJ_STUB_UNWIND] = masm_here(m);
    masm_stub_unwind(m, &layout);
    stubs[WJ_STUB_CALL_C] = masm_here(m);
    masm_stub_call_c(m, &layout);
    stubs[WJ_STUB_LAZY_DIRECT] = masm_here(m);
    masm_stub_lazy(m, false, &layout);
    stubs[WJ_STUB_LAZY_INDIRECT] = masm_here(m);
    masm_stub_lazy(m, true, &layout);
    stubs[WJ_STUB_TAIL_ROOM] = masm_here(m);
    masm_stub_tail_room(m, targets->tail_return + WJ_TAIL_RETURN_ENTRY);
    return finish_stub(m, used_bytes, err);
}

static void emit_jumps(const struct wj_code_window *window, const uint64_t *targets, uint32_t count)
{
    struct wj_masm masm;
    struct wj_masm *m = &masm;
    masm_begin(m, NULL, window, NULL);
    for (uint32_t i = 0; i < count; i++) {
        m->buf.cursor = m->buf.start + (size_t) i * MASM_JUMP_BYTES;
        masm_far_entry(m);
        if (targets[i] != 0) {
            masm_jmp_addr(m, targets[i]);
        } else {
            masm_mov_imm(m, NUM_I32, MASM_GPR_TARGET, i);
            masm_jmp_table(m, window->table_address + 8 * (uint64_t) i);
        }
        assert(m->buf.cursor <= m->buf.start + (size_t) (i + 1) * MASM_JUMP_BYTES);
    }
    wj_codebuf_clear(&m->buf);
}

// The places of a type's values, in a small arena of its own.
static bool layout_alloc(struct wj_arena *arena, const struct wj_functype *type,
                         struct call_layout *layout, struct wj_err *err)
{
    size_t count = (size_t) type->param_count + 1;
    wj_reg *regs = WJ_ARENA_ARRAY(arena, wj_reg, count);
    int32_t *offsets = WJ_ARENA_ARRAY(arena, int32_t, count);
    if (regs == NULL || offsets == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory while compiling");
    }
    call_layout_make(type, regs, offsets, layout);
    return true;
}

// Room for one value's code, asked for before each value: types may have a thousand.
static wj_reg temp_for(enum wj_num num)
{
    return num_is_vec(num) ? MASM_VEC_RESULT : MASM_GPR_RESULT;
}

static void enter_values(struct wj_masm *m, const struct wj_functype *type,
                         const struct call_layout *layout, uint32_t outgoing)
{
    struct wj_slot values = {MASM_SP, (int32_t) outgoing};
    struct wj_slot code = {MASM_SP, (int32_t) outgoing + 8};
    masm_load_slot(m, NUM_I64, MASM_GPR_TARGET, values);
    for (uint32_t i = 0; i < type->param_count; i++) {
        enum wj_num num = num_of(type->types[i]);
        struct wj_slot cell = {MASM_GPR_TARGET, (int32_t) (16 * i)};
        masm_room(m);
        if (layout->regs[i] != WJ_REG_NONE) {
            continue;
        }
        // Stack arguments go first: their temporary may be an argument register.
        wj_reg temp = num_is_vec(num) ? MASM_VEC_RESULT : MASM_GPR_ARGS[0];
        masm_load_slot(m, num, temp, cell);
        masm_store_slot(m, num, temp, (struct wj_slot){MASM_SP, layout->offsets[i]});
    }
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (layout->regs[i] != WJ_REG_NONE) {
            struct wj_slot cell = {MASM_GPR_TARGET, (int32_t) (16 * i)};
            masm_load_slot(m, num_of(type->types[i]), layout->regs[i], cell);
        }
    }
    masm_call_slot(m, code);
}

static bool emit_enter(struct wj_code_window *window, const struct wj_functype *type,
                       const struct wj_compile_settings *settings, size_t *used_bytes,
                       struct wj_err *err)
{
    struct wj_arena arena;
    wj_arena_init(&arena);
    struct call_layout call;
    if (!layout_alloc(&arena, type, &call, err)) {
        wj_arena_clear(&arena);
        return false;
    }
    struct wj_masm masm;
    struct wj_masm *m = &masm;
    masm_begin(m, NULL, window, settings);
    struct wj_stub_layout layout = stub_layout(0, &(struct wj_stub_targets){0});
    uint32_t outgoing = ((uint32_t) call.size_bytes + 15) & ~15u;
    masm_enter_begin(m, outgoing, &layout);
    enter_values(m, type, &call, outgoing);
    // The first result is in its register, the others in the outgoing area.
    struct wj_slot values = {MASM_SP, (int32_t) outgoing};
    wj_reg base = MASM_GPR_ARGS[0];
    wj_reg temp = MASM_GPR_ARGS[1];
    masm_load_slot(m, NUM_I64, base, values);
    for (uint32_t i = 0; i < type->result_count; i++) {
        enum wj_num num = num_of(type->types[type->param_count + i]);
        struct wj_slot cell = {base, (int32_t) (16 * i)};
        masm_room(m);
        if (i == 0) {
            masm_store_slot(m, num, temp_for(num), cell);
            continue;
        }
        wj_reg reg = num_is_vec(num) ? MASM_VEC_RESULT : temp;
        masm_load_slot(m, num, reg, (struct wj_slot){MASM_SP, result_offset(type, i)});
        masm_store_slot(m, num, reg, cell);
    }
    masm_enter_end(m, outgoing, &layout);
    wj_arena_clear(&arena);
    return finish_stub(m, used_bytes, err);
}

// The entry of host functions of a type. Its frame: cells for the values, the function reference.
static void host_entry_body(struct wj_masm *m, const struct wj_functype *type,
                            const struct call_layout *call, uint32_t frame_bytes)
{
    int32_t incoming = (int32_t) (frame_bytes + MASM_CALL_PUSH_BYTES);
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < type->param_count; i++) {
            enum wj_num num = num_of(type->types[i]);
            struct wj_slot cell = {MASM_SP, (int32_t) (16 * i)};
            masm_room(m);
            // Registers first: the others need one as a temporary.
            if (pass == 0 && call->regs[i] != WJ_REG_NONE) {
                masm_store_slot(m, num, call->regs[i], cell);
            } else if (pass == 1 && call->regs[i] == WJ_REG_NONE) {
                wj_reg temp = num_is_vec(num) ? MASM_VEC_RESULT : MASM_GPR_ARGS[0];
                masm_load_slot(m, num, temp,
                               (struct wj_slot){MASM_SP, incoming + call->offsets[i]});
                masm_store_slot(m, num, temp, cell);
            }
        }
    }
    // C function: host_call(instance, reference, cells).
    masm_mov(m, NUM_I64, MASM_C_ARGS[1], MASM_GPR_TARGET);
    masm_lea_slot(m, MASM_C_ARGS[2], (struct wj_slot){MASM_SP, 0});
    masm_mov(m, NUM_I64, MASM_C_ARGS[0], MASM_INST);
    struct wj_slot function = {MASM_INST, INSTANCE_OFFSET(libcalls) + 8 * WJ_LIBCALL_host_call};
    masm_load_slot(m, NUM_I64, MASM_GPR_TARGET, function);
    masm_call_slot(m, (struct wj_slot){MASM_INST, INSTANCE_OFFSET(stubs) + 8 * WJ_STUB_CALL_C});
    for (uint32_t i = type->result_count; i-- > 0;) {
        enum wj_num num = num_of(type->types[type->param_count + i]);
        struct wj_slot cell = {MASM_SP, (int32_t) (16 * i)};
        masm_room(m);
        masm_load_slot(m, num, temp_for(num), cell);
        if (i != 0) {
            struct wj_slot to = {MASM_SP, incoming + result_offset(type, i)};
            masm_store_slot(m, num, temp_for(num), to);
        }
    }
}

static bool emit_host_entry(struct wj_code_window *window, const struct wj_functype *type,
                            struct wj_code_info *info, struct wj_err *err)
{
    struct wj_arena arena;
    wj_arena_init(&arena);
    struct call_layout call;
    if (!layout_alloc(&arena, type, &call, err)) {
        wj_arena_clear(&arena);
        return false;
    }
    uint32_t cells =
        type->param_count > type->result_count ? type->param_count : type->result_count;
    uint32_t frame = cells * 16 + 16; // the link register, where a target keeps it there
    frame = ((frame + MASM_CALL_PUSH_BYTES + 15) & ~15u) - MASM_CALL_PUSH_BYTES;
    struct wj_masm masm;
    struct wj_masm *m = &masm;
    masm_begin(m, NULL, window, NULL);
    memset(info, 0, sizeof *info);
    masm_prologue(m, frame);
    info->prologue_bytes = wj_codebuf_offset(&m->buf);
    host_entry_body(m, type, &call, frame);
    masm_epilogue(m, frame);
    masm_ret(m);
    size_t used = 0;
    bool ok = finish_stub(m, &used, err);
    info->func_index = UINT32_MAX;
    info->frame_bytes = frame;
    info->code_bytes = (uint32_t) used;
    wj_arena_clear(&arena);
    return ok;
}

#endif
