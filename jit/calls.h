// Calls: to functions of the module, through references, and to the runtime's C functions.
#ifndef JIT_CALLS_H
#define JIT_CALLS_H

#include "jit/control.h"

#define INSTANCE_OFFSET(field) ((int32_t) offsetof(struct wj_instance, field))

// ---- Around every call ------------------------------------------------------------------------

// Homes that the callee clobbers are kept in the frame.
static void save_clobbered_homes(struct jit *j)
{
    for (uint32_t i = 0; i < j->home_local_clobbered_count; i++) {
        uint32_t index = j->home_locals[i];
        struct local *local = &j->locals[index];
        if ((j->homes_saved & reg_bit(local->home)) == 0) {
            masm_store_slot(&j->m, (enum wj_num) local->num, local->home, local_slot(j, index));
        }
        j->homes_saved |= reg_bit(local->home);
    }
}

// `next_set` is a local that is written before it is read again, or UINT32_MAX.
static void restore_clobbered_homes(struct jit *j, uint32_t next_set)
{
    for (uint32_t i = 0; i < j->home_local_clobbered_count; i++) {
        uint32_t index = j->home_locals[i];
        if (index != next_set || j->locals[index].aliases != 0) {
            struct local *local = &j->locals[index];
            masm_load_slot(&j->m, (enum wj_num) local->num, local->home, local_slot(j, index));
        }
    }
}

static void reload_memory_base(struct jit *j)
{
    struct wj_slot base = {MASM_INST, INSTANCE_OFFSET(memory0_base)};
    masm_load_slot(&j->m, NUM_I64, MASM_MEMBASE, base);
}

// Moves the top `count` stack entries into registers that are given for each (or none: then the
// caller took care of that entry), and drops them all. Everything else in scratch registers goes
// to its slot.
static void move_args(struct jit *j, uint32_t count, const wj_reg *regs)
{
    uint32_t first = j->depth - count;
    marks_update(j);
    for (uint32_t i = j->settled; i < first; i++) {
        if (j->stack[i].kind == VALUE_REG) {
            spill_entry(j, i);
        }
    }
    struct value *args = &j->stack[first];
    struct reg_moves moves;
    moves.count = 0;
    uint32_t load_count = 0; // what is in no register waits until those that are have moved
    uint64_t released = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct value *v = &args[i];
        if (v->kind == VALUE_LOCAL) {
            j->locals[v->local].aliases--;
        }
        if (!value_in_reg(v)) {
            load_count++;
            continue;
        }
        released |= v->kind == VALUE_REG ? reg_bit(v->reg) : 0;
        if (regs[i] != WJ_REG_NONE) {
            reg_moves_add(&moves, (enum wj_num) v->num, regs[i], v->reg);
        }
    }
    if (moves.count != 0) {
        reg_moves_emit(j, &moves, spill_slot(j, j->func->census.stack_slots_max));
    }
    for (uint32_t i = 0; load_count != 0; i++) {
        if (!value_in_reg(&args[i])) {
            load_count--;
            if (regs[i] != WJ_REG_NONE) {
                value_into(j, &args[i], regs[i]);
            }
        }
    }
    j->free |= released & j->pool;
    j->depth = first;
    j->depth_low = first < j->depth_low ? first : j->depth_low;
}

// ---- C functions of the runtime ---------------------------------------------------------------

// Calls a libcall with the top `count` stack entries as its arguments after the instance. When
// has_result, pushes the result as a value of type `num`.
static void emit_libcall(struct jit *j, enum wj_libcall which, uint32_t count, bool has_result,
                         enum wj_num num)
{
    save_clobbered_homes(j);
    move_args(j, count, &MASM_C_ARGS[1]);
    masm_mov(&j->m, NUM_I64, MASM_C_ARGS[0], MASM_INST);
    struct wj_slot function = {MASM_INST, INSTANCE_OFFSET(libcalls) + 8 * (int32_t) which};
    masm_load_slot(&j->m, NUM_I64, MASM_GPR_TARGET, function);
    struct wj_slot stub = {MASM_INST, INSTANCE_OFFSET(stubs) + 8 * WJ_STUB_CALL_C};
    masm_call_slot(&j->m, stub);
    restore_clobbered_homes(j, UINT32_MAX);
    if (j->memory0_is_explicit) {
        reload_memory_base(j);
    }
    if (has_result) {
        reg_claim(j, MASM_GPR_RESULT);
        if (num == NUM_I32) {
            // C answers in 64 bits: -1 must not reach an address as such.
            masm_cvt(&j->m, CVT_I32_WRAP_I64, MASM_GPR_RESULT, MASM_GPR_RESULT);
        }
        push_reg(j, num, MASM_GPR_RESULT);
    }
}

// ---- Calls to wasm functions ------------------------------------------------------------------

enum callee_kind { CALLEE_INDEX, CALLEE_REF };

struct callee {
    enum callee_kind kind;
    uint32_t func_index; // CALLEE_INDEX; CALLEE_REF: the reference is in
                         // MASM_GPR_TARGET, which is taken
    const struct wj_functype *type;
    bool null_traps; // the reference may be null
};

// `area` is the SP offset of the callee's incoming area.
static void store_stack_args(struct jit *j, const struct wj_functype *type,
                             const struct call_layout *layout, int32_t area)
{
    uint32_t first = j->depth - type->param_count;
    for (uint32_t i = layout->stack_first; i < type->param_count; i++) {
        if (layout->regs[i] != WJ_REG_NONE) {
            continue;
        }
        masm_room(&j->m);
        struct value *v = &j->stack[first + i];
        enum wj_num num = (enum wj_num) v->num;
        struct wj_slot to = {MASM_SP, area + layout->offsets[i]};
        if (value_in_reg(v)) {
            masm_store_slot(&j->m, num, v->reg, to);
            continue;
        }
        wj_reg temp = reg_alloc(j, num_is_vec(num)); // which may spill the value itself
        value_into(j, v, temp);
        masm_store_slot(&j->m, num, temp, to);
        reg_free(j, temp);
    }
}

// The reference in MASM_GPR_TARGET runs with its own instance and memory.
static void load_callee_instance(struct jit *j, const struct callee *callee)
{
    if (callee->null_traps) {
        struct wj_trap_site site = {wj_codebuf_offset(&j->m.buf), j->m.wasm_offset,
                                    WJ_TRAP_NULL_REFERENCE};
        wj_codebuf_trap(&j->m.buf, site);
    }
    struct wj_slot instance = {MASM_GPR_TARGET, offsetof(struct wj_funcref, instance)};
    masm_load_slot(&j->m, NUM_I64, MASM_INST, instance);
    reload_memory_base(j);
}

// Where a direct call goes; 0: to what the table has.
static uint64_t known_address(const struct jit *j, uint32_t func_index)
{
    const struct wj_compile_request *request = j->request;
    uint64_t address =
        func_index == request->func_index
            ? request->window.address
            : __atomic_load_n(&request->func_addresses[func_index], __ATOMIC_RELAXED);
    if (address == 0 && request->jumps_address != 0) {
        address = request->jumps_address + (uint64_t) func_index * MASM_JUMP_BYTES;
    }
    return address;
}

static uint64_t table_entry(const struct jit *j, uint32_t func_index)
{
    return j->request->window.table_address + 8 * (uint64_t) func_index;
}

static void emit_call_instruction(struct jit *j, const struct callee *callee)
{
    struct wj_slot kept = {MASM_SP, j->instance_slot};
    // A callee that ends in a tail call through a reference returns with another instance.
    bool keeps_instance = callee->kind == CALLEE_REF || j->module->has_tail_ref_calls;
    if (keeps_instance) {
        masm_store_slot(&j->m, NUM_I64, MASM_INST, kept);
    }
    if (callee->kind == CALLEE_REF) {
        load_callee_instance(j, callee);
        struct wj_slot code = {MASM_GPR_TARGET, offsetof(struct wj_funcref, code)};
        masm_call_slot(&j->m, code);
    } else {
        uint64_t address = known_address(j, callee->func_index);
        if (address != 0) {
            masm_call_addr(&j->m, address);
        } else {
            // The lazy stub reads the index, once.
            masm_mov_imm(&j->m, NUM_I32, MASM_GPR_TARGET, callee->func_index);
            masm_call_table(&j->m, table_entry(j, callee->func_index));
        }
    }
    if (keeps_instance) {
        masm_load_slot(&j->m, NUM_I64, MASM_INST, kept);
    }
    if (keeps_instance || j->memory0_is_explicit) {
        reload_memory_base(j);
    }
}

static void push_results(struct jit *j, const struct wj_functype *type)
{
    if (type->result_count == 0) {
        return;
    }
    enum wj_num num = num_of(type->types[type->param_count]);
    reg_claim(j, result_reg(num));
    push_reg(j, num, result_reg(num));
    for (uint32_t i = 1; i < type->result_count; i++) {
        masm_room(&j->m);
        enum wj_num each = num_of(type->types[type->param_count + i]);
        wj_reg temp = reg_alloc(j, num_is_vec(each));
        struct wj_slot from = {MASM_SP, result_offset(type, i)};
        masm_load_slot(&j->m, each, temp, from);
        masm_store_slot(&j->m, each, temp, spill_slot(j, j->depth));
        reg_free(j, temp);
        stack_push(j, VALUE_SLOT, each);
    }
}

enum { LAYOUT_INLINE_PARAMS = 64 };

struct layout_storage {
    wj_reg regs[LAYOUT_INLINE_PARAMS];
    int32_t offsets[LAYOUT_INLINE_PARAMS];
};

// The layout of a type, in the caller's storage or, for long ones, in the arena.
static bool make_layout(struct jit *j, const struct wj_functype *type,
                        struct layout_storage *storage, struct call_layout *layout)
{
    if (params_are_gprs(type)) {
        int32_t size_bytes = result_offset(type, type->result_count);
        *layout = (struct call_layout){MASM_GPR_ARGS, NULL, size_bytes, type->param_count};
        return true;
    }
    wj_reg *regs = storage->regs;
    int32_t *offsets = storage->offsets;
    if (type->param_count > LAYOUT_INLINE_PARAMS) {
        struct wj_arena *arena = j->arena;
        regs = WJ_ARENA_ARRAY(arena, wj_reg, type->param_count);
        offsets = WJ_ARENA_ARRAY(arena, int32_t, type->param_count);
        if (regs == NULL || offsets == NULL) {
            j->failed = true;
            return false;
        }
    }
    call_layout_make(type, regs, offsets, layout);
    return true;
}

static void emit_call(struct jit *j, const struct wj_op *op, const struct callee *callee)
{
    const struct wj_functype *type = callee->type;
    struct layout_storage storage;
    struct call_layout layout;
    if (!make_layout(j, type, &storage, &layout)) {
        return;
    }
    save_clobbered_homes(j);
    store_stack_args(j, type, &layout, 0);
    move_args(j, type->param_count, layout.regs);
    emit_call_instruction(j, callee);
    if (callee->kind == CALLEE_REF) {
        reg_free(j, MASM_GPR_TARGET);
    }
    bool sets = type->result_count == 1 && op->next[0] == NEXT_LOCAL_SET && op->next[1] < 0x80;
    restore_clobbered_homes(j, sets ? op->next[1] : UINT32_MAX);
    push_results(j, type);
}

// Leaves the frame, with the callee's stack arguments where it looks for them. Those that do not
// fit where this function's own came in wait at the frame's bottom for a stub to make room.
static void leave_for_tail_call(struct jit *j, const struct wj_functype *type,
                                const struct call_layout *layout)
{
    if (layout->size_bytes <= j->incoming_bytes) {
        masm_epilogue(&j->m, j->frame_bytes);
        return;
    }
    uint32_t result_bytes = (uint32_t) result_offset(type, type->result_count);
    j->has_tail_room = true;
    masm_tail_room(&j->m, j->frame_bytes,
                   masm_tail_words((uint32_t) layout->size_bytes, result_bytes),
                   (struct wj_slot){MASM_INST, INSTANCE_OFFSET(stubs) + 8 * WJ_STUB_TAIL_ROOM});
}

static void emit_tail_call(struct jit *j, const struct callee *callee)
{
    struct layout_storage storage;
    struct call_layout layout;
    if (!make_layout(j, callee->type, &storage, &layout)) {
        return;
    }
    bool fits = layout.size_bytes <= j->incoming_bytes;
    store_stack_args(j, callee->type, &layout,
                     fits ? (int32_t) (j->frame_bytes + MASM_CALL_PUSH_BYTES) : 0);
    move_args(j, callee->type->param_count, layout.regs);
    save_callee_regs(j, true);
    if (callee->kind == CALLEE_REF) {
        load_callee_instance(j, callee);
        leave_for_tail_call(j, callee->type, &layout);
        masm_jmp_slot(&j->m, (struct wj_slot){MASM_GPR_TARGET, offsetof(struct wj_funcref, code)});
        reg_free(j, MASM_GPR_TARGET);
        return;
    }
    leave_for_tail_call(j, callee->type, &layout);
    uint64_t address = known_address(j, callee->func_index);
    if (address != 0) {
        masm_jmp_addr(&j->m, address);
    } else {
        masm_mov_imm(&j->m, NUM_I32, MASM_GPR_TARGET, callee->func_index);
        masm_jmp_table(&j->m, table_entry(j, callee->func_index));
    }
}

static void emit_any_call(struct jit *j, const struct wj_op *op, const struct callee *callee)
{
    if (op->sub >= CALL_RETURN_DIRECT) {
        emit_tail_call(j, callee);
    } else {
        emit_call(j, op, callee);
    }
}

static void op_call_direct(struct jit *j, const struct wj_op *op)
{
    uint32_t index = op->index;
    struct callee callee = {CALLEE_INDEX, index, op->functype, false};
    const uint64_t *replaced = j->request->replaced_funcs;
    if (index < j->module->func_import_count) {
        reg_claim(j, MASM_GPR_TARGET);
        struct wj_slot slot = {MASM_INST,
                               (int32_t) (j->request->layout.imported_funcs + 8 * index)};
        callee.kind = CALLEE_REF;
        masm_load_slot(&j->m, NUM_I64, MASM_GPR_TARGET, slot);
    } else if (replaced != NULL && (replaced[index / 64] >> (index % 64) & 1) != 0) {
        reg_claim(j, MASM_GPR_TARGET);
        struct wj_slot refs = {MASM_INST, INSTANCE_OFFSET(funcrefs)};
        callee.kind = CALLEE_REF;
        masm_load_slot(&j->m, NUM_I64, MASM_GPR_TARGET, refs);
        masm_load_slot(&j->m, NUM_I64, MASM_GPR_TARGET,
                       (struct wj_slot){MASM_GPR_TARGET, (int32_t) (8 * index)});
    }
    emit_any_call(j, op, &callee);
}

// Takes MASM_GPR_TARGET for a value that is on top of the stack, and puts it there.
static void pop_into_target(struct jit *j)
{
    struct value *v = stack_pop(j);
    if (v->kind == VALUE_REG && v->reg == MASM_GPR_TARGET) {
        return;
    }
    reg_claim(j, MASM_GPR_TARGET);
    value_into(j, v, MASM_GPR_TARGET);
    value_release(j, v);
}

// The address of a table's structure, in a new register.
static wj_reg load_table(struct jit *j, uint32_t table)
{
    wj_reg t = reg_alloc(j, false);
    struct wj_slot slot = {MASM_INST, (int32_t) (j->request->layout.tables + 8 * table)};
    masm_load_slot(&j->m, NUM_I64, t, slot);
    return t;
}

// Checks the index on top of the stack, pops it, and gives a register with its element's address.
static wj_reg pop_element_address(struct jit *j, uint32_t table, enum wj_trap_kind kind)
{
    bool is_64 = j->module->tables[table].type.limits.is_64;
    struct value *index = stack_pop(j);
    wj_reg i = value_reg(j, index);
    wj_reg t = load_table(j, table);
    struct wj_slot size = {t, offsetof(struct wj_table, size)};
    masm_icmp_slot(&j->m, is_64 ? NUM_I64 : NUM_I32, i, size);
    masm_trap_if(&j->m, COND_GE_U, kind);
    masm_load_slot(&j->m, NUM_I64, t, (struct wj_slot){t, offsetof(struct wj_table, elements)});
    masm_lea(&j->m, NUM_I64, t, t, i, 3);
    value_release(j, index);
    return t;
}

static void op_call_indirect(struct jit *j, const struct wj_op *op)
{
    // The type's canonical id is the engine's own: code that is kept for other engines finds it in
    // the instance.
    struct wj_slot wanted = {MASM_INST, (int32_t) (j->request->layout.type_ids + 4 * op->index)};
    const struct wj_type *type = j->module->type_list[op->index];
    wj_reg t = pop_element_address(j, op->index2, WJ_TRAP_UNDEFINED_ELEMENT);
    masm_load_slot(&j->m, NUM_I64, t, (struct wj_slot){t, 0});
    push_reg(j, NUM_I64, t);
    if (type->is_final) {
        pop_into_target(j);
        wj_reg id = reg_alloc(j, false);
        wj_codebuf_trap(&j->m.buf,
                        (struct wj_trap_site){wj_codebuf_offset(&j->m.buf), j->m.wasm_offset,
                                              WJ_TRAP_UNINITIALIZED_ELEMENT});
        struct wj_slot type_id = {MASM_GPR_TARGET, offsetof(struct wj_funcref, type_id)};
        masm_load_slot(&j->m, NUM_I32, id, type_id);
        masm_icmp_slot(&j->m, NUM_I32, id, wanted);
        masm_trap_if(&j->m, COND_NE, WJ_TRAP_INDIRECT_CALL_MISMATCH);
        reg_free(j, id);
    } else {
        push_const(j, NUM_I64, op->index);
        emit_libcall(j, WJ_LIBCALL_type_check, 2, true, NUM_I64);
        pop_into_target(j);
    }
    struct callee callee = {CALLEE_REF, 0, op->functype, false};
    emit_any_call(j, op, &callee);
}

static void op_call_ref(struct jit *j, const struct wj_op *op)
{
    pop_into_target(j);
    struct callee callee = {CALLEE_REF, 0, op->functype, true};
    emit_any_call(j, op, &callee);
}

static void op_call(struct jit *j, const struct wj_op *op)
{
    switch ((enum wj_call) op->sub) {
    case CALL_DIRECT:
    case CALL_RETURN_DIRECT: op_call_direct(j, op); return;
    case CALL_INDIRECT:
    case CALL_RETURN_INDIRECT: op_call_indirect(j, op); return;
    case CALL_REF:
    case CALL_RETURN_REF: op_call_ref(j, op); return;
    }
}

#endif
