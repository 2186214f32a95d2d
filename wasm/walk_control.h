// The handlers of the walk for blocks, branches, calls, tables and bulk memory. Included by walk.h.
#ifndef WASM_WALK_CONTROL_H
#define WASM_WALK_CONTROL_H

#include "wasm/walk_ops.h"

WJ_WALK_INLINE struct wj_walk_frame *wj_walk_top(struct wj_walk *w)
{
    return &w->frames[w->depth];
}

// The types that a branch to the frame carries.
WJ_WALK_INLINE uint32_t wj_walk_label_count(const struct wj_walk_frame *frame)
{
    return frame->control == CONTROL_LOOP ? frame->block.param_count : frame->block.result_count;
}

WJ_WALK_INLINE const wj_valtype *wj_walk_label_types(const struct wj_walk_frame *frame)
{
    return frame->control == CONTROL_LOOP ? frame->block.params : frame->block.results;
}

// What follows is dead up to the next `else` or `end` of the block.
WJ_WALK_INLINE void wj_walk_die(struct wj_walk *w, struct wj_walk_hot *h)
{
    if (h->is_checking) {
        struct wj_walk_frame *frame = wj_walk_top(w);
        frame->is_unreachable = true;
        h->sp = w->scratch->stack + frame->floor + 1;
        w->weight = 0;
    } else {
        h->p = wj_walk_skip_dead(h->p);
    }
    h->is_live = false;
}

WJ_WALK_INLINE bool wj_walk_block_type(struct wj_walk *w, struct wj_walk_hot *h)
{
    uint8_t byte = *h->p;
    if (wj_likely(byte == 0x40)) {
        w->op.block = (struct wj_block_type){0};
        h->p++;
        return true;
    }
    if (wj_likely(byte >= 0x7c && byte <= 0x7f)) {
        w->op.block = (struct wj_block_type){
            .result_count = 1,
            .results = &wj_walk_single_types[WJ_TYPE_I32 + (0x7f - byte)],
        };
        h->p++;
        return true;
    }
    h->p = wj_walk_block_type_slow(w, h->p);
    return h->p != NULL;
}

// Labels as plain branches see them (walk_plain.h): the innermost is the first. The next label is
// one of the `depth` around it; a larger first byte is none, or has others behind it.
WJ_WALK_INLINE void wj_walk_plain_enter(struct wj_walk *w, bool takes_values)
{
    struct wj_walk_slot *label = --w->plain.slots[PLAIN_LABEL];
    *label = (struct wj_walk_slot){1, takes_values ? WJ_WALK_FLOOR : 0};
    w->plain.first_max[PLAIN_LABEL] = w->depth < 0x7f ? (int32_t) w->depth : 0x7f;
}

// True when a live plain branch has gone to the innermost label.
WJ_WALK_INLINE bool wj_walk_plain_leave(struct wj_walk *w)
{
    const struct wj_walk_slot *label = w->plain.slots[PLAIN_LABEL]++;
    w->plain.first_max[PLAIN_LABEL] = w->depth <= 0x7f ? (int32_t) w->depth - 1 : 0x7f;
    return label->weight > 1;
}

// Opens a frame: its parameters are on the stack and get a floor under them.
WJ_WALK_INLINE bool wj_walk_enter(struct wj_walk *w, struct wj_walk_hot *h, unsigned control)
{
    if (wj_unlikely(w->depth + 1 >= w->scratch->frame_capacity) && !wj_walk_grow_frames(w)) {
        return false;
    }
    struct wj_walk_frame *frame = &w->frames[++w->depth];
    frame->control = (uint8_t) control;
    frame->is_unreachable = false;
    frame->is_live = h->is_live;
    frame->is_branched = false;
    if (!h->is_checking) {
        return true;
    }
    frame->block = w->op.block;
    if (wj_walk_is_validation(h)) {
        wj_walk_plain_enter(w, wj_walk_label_count(frame) != 0);
    }
    frame->init_mark = w->init_count;
    frame->weight = w->weight;
    frame->br_table = 0;
    uint32_t params = frame->block.param_count;
    frame->floor = (uint32_t) (h->sp - w->scratch->stack);
    *h->sp++ = WJ_WALK_FLOOR;
    w->stack_high++;
    if (params != 0) {
        h->sp = wj_walk_push_list(w, h->at, h->sp, frame->block.params, params);
        if (h->sp == NULL) {
            return false;
        }
    }
    if (w->depth >= w->census.label_depth_max) {
        w->census.label_depth_max = w->depth + 1;
    }
    if (control == CONTROL_LOOP && h->is_live) {
        w->census.loop_count++;
        w->weight = w->weight > UINT32_MAX / 8 ? UINT32_MAX : w->weight * 8;
    }
    return true;
}

WJ_WALK_INLINE bool wj_walk_open(struct wj_walk *w, struct wj_walk_hot *h,
                                 const struct wj_walk_row *row)
{
    if (!wj_walk_block_type(w, h)) {
        return false;
    }
    if (h->is_checking) {
        if (row->sub == CONTROL_IF && !wj_walk_pop(w, h, WJ_TYPE_I32)) {
            return false;
        }
        if (!wj_walk_pop_list(w, h, w->op.block.params, w->op.block.param_count)) {
            return false;
        }
    }
    return wj_walk_enter(w, h, row->sub) && wj_walk_emit(w, h, row);
}

// The innermost block's results, and nothing else, are on the stack; they and its floor go.
WJ_WALK_INLINE bool wj_walk_pop_block(struct wj_walk *w, struct wj_walk_hot *h)
{
    struct wj_walk_frame *frame = wj_walk_top(w);
    if (!wj_walk_pop_list(w, h, frame->block.results, frame->block.result_count)) {
        return false;
    }
    if (wj_unlikely(h->sp[-1] != WJ_WALK_FLOOR)) {
        return wj_walk_fail_height(w, h->at, h->sp);
    }
    if (wj_unlikely(w->init_count != frame->init_mark)) {
        wj_walk_reset_inits(w, frame->init_mark);
    }
    return true;
}

WJ_WALK_INLINE bool wj_walk_else(struct wj_walk *w, struct wj_walk_hot *h,
                                 const struct wj_walk_row *row)
{
    struct wj_walk_frame *frame = wj_walk_top(w);
    if (h->is_checking) {
        if (wj_unlikely(frame->control != CONTROL_IF)) {
            return wj_walk_fail(w, h->at, WJ_ERR_MALFORMED, "else without if");
        }
        if (!wj_walk_pop_block(w, h)) {
            return false;
        }
        h->sp = wj_walk_push_list(w, h->at, h->sp, frame->block.params, frame->block.param_count);
        if (h->sp == NULL) {
            return false;
        }
        frame->is_unreachable = false;
        w->weight = frame->weight;
    }
    w->op.is_live = h->is_live;
    frame->is_branched |= h->is_live; // the end is reached from here, as by a branch
    frame->control = CONTROL_ELSE;
    h->is_live = frame->is_live;
    return wj_walk_emit(w, h, row);
}

// Closes the innermost frame. After the body's own, whose depth is UINT32_MAX then, the walk stops.
WJ_WALK_INLINE bool wj_walk_end(struct wj_walk *w, struct wj_walk_hot *h,
                                const struct wj_walk_row *row)
{
    struct wj_walk_frame *frame = wj_walk_top(w);
    if (h->is_checking) {
        if (frame->control == CONTROL_IF &&
            wj_unlikely(frame->block.param_count != 0 || frame->block.result_count != 0)) {
            // The absent else passes the parameters on as results.
            if (!wj_walk_pop_block(w, h)) {
                return false;
            }
            frame->is_unreachable = false;
            h->sp =
                wj_walk_push_list(w, h->at, h->sp, frame->block.params, frame->block.param_count);
            if (h->sp == NULL) {
                return false;
            }
        }
        if (!wj_walk_pop_block(w, h)) {
            return false;
        }
        h->sp--;
        w->stack_high--;
        if (!wj_walk_push_results(w, h, frame->block.results, frame->block.result_count)) {
            return false;
        }
    }
    if (wj_walk_is_validation(h)) {
        frame->is_branched |= wj_walk_plain_leave(w);
    }
    if (frame->control == CONTROL_IF) {
        frame->is_branched = frame->is_live;
    }
    bool is_branched = frame->is_branched && frame->control != CONTROL_LOOP;
    bool was_live = frame->is_live;
    w->op.is_live = h->is_live;
    w->op.is_branched = is_branched;
    h->is_live = h->is_live || is_branched;
    if (h->is_checking) {
        w->weight = h->is_live ? frame->weight : 0;
    }
    w->depth--;
    // Pushed even when nothing reaches it: it closes a block that was pushed.
    bool is_live = h->is_live;
    h->is_live = was_live;
    bool ok = wj_walk_emit(w, h, row);
    h->is_live = is_live;
    if (wj_unlikely(w->depth == UINT32_MAX)) {
        w->depth = ok ? UINT32_MAX : 0;
        return false;
    }
    if (!h->is_checking && !is_live) {
        h->p = wj_walk_skip_dead(h->p);
    }
    return ok;
}

WJ_WALK_INLINE bool wj_walk_label(struct wj_walk *w, struct wj_walk_hot *h,
                                  struct wj_walk_frame **frame)
{
    uint32_t label;
    if (!wj_walk_u32(w, h, true, &label)) {
        return false;
    }
    if (h->is_checking && wj_unlikely(label > w->depth)) {
        return wj_walk_fail_index(w, h->at, "label", label);
    }
    if (wj_walk_has_sink(h)) {
        w->op.index = label;
    }
    *frame = &w->frames[w->depth - label];
    (*frame)->is_branched |= h->is_live;
    return true;
}

// The label's types are on the stack, and are what they are called afterwards.
WJ_WALK_INLINE bool wj_walk_label_pass(struct wj_walk *w, struct wj_walk_hot *h,
                                       const struct wj_walk_frame *frame)
{
    uint32_t count = wj_walk_label_count(frame);
    const wj_valtype *types = wj_walk_label_types(frame);
    if (!wj_walk_pop_list(w, h, types, count)) {
        return false;
    }
    if (count != 0) {
        h->sp = wj_walk_push_list(w, h->at, h->sp, types, count);
    }
    return h->sp != NULL;
}

WJ_WALK_INLINE bool wj_walk_branch(struct wj_walk *w, struct wj_walk_hot *h,
                                   const struct wj_walk_row *row)
{
    struct wj_walk_frame *frame = NULL;
    if (!wj_walk_label(w, h, &frame)) {
        return false;
    }
    if (h->is_checking) {
        if (row->sub == CONTROL_BR) {
            if (!wj_walk_pop_list(w, h, wj_walk_label_types(frame), wj_walk_label_count(frame))) {
                return false;
            }
        } else if (!wj_walk_pop(w, h, WJ_TYPE_I32) || !wj_walk_label_pass(w, h, frame)) {
            return false;
        }
    }
    if (!wj_walk_emit(w, h, row)) {
        return false;
    }
    if (row->sub == CONTROL_BR) {
        wj_walk_die(w, h);
    }
    return true;
}

WJ_WALK_INLINE bool wj_walk_branch_on_null(struct wj_walk *w, struct wj_walk_hot *h,
                                           const struct wj_walk_row *row)
{
    struct wj_walk_frame *frame = NULL;
    if (!wj_walk_label(w, h, &frame)) {
        return false;
    }
    if (h->is_checking) {
        wj_valtype type;
        h->sp = wj_walk_pop_ref(w, h->at, h->sp, &type);
        if (h->sp == NULL) {
            return false;
        }
        type &= ~WJ_TYPE_NULLABLE_BIT;
        if (row->sub == CONTROL_BR_ON_NON_NULL) {
            uint32_t count = wj_walk_label_count(frame);
            if (count == 0 || !wj_valtype_is_ref(wj_walk_label_types(frame)[count - 1])) {
                return wj_walk_fail(w, h->at, WJ_ERR_INVALID,
                                    "type mismatch: br_on_non_null to a label without reference");
            }
            wj_walk_push(w, h, type);
        }
        if (!wj_walk_label_pass(w, h, frame)) {
            return false;
        }
        if (row->sub == CONTROL_BR_ON_NON_NULL) {
            h->sp--;
        } else {
            wj_walk_push(w, h, type);
        }
    }
    return wj_walk_emit(w, h, row);
}

WJ_WALK_INLINE bool wj_walk_branch_table(struct wj_walk *w, struct wj_walk_hot *h,
                                         const struct wj_walk_row *row)
{
    if (h->is_checking && !wj_walk_pop(w, h, WJ_TYPE_I32)) {
        return false;
    }
    if (h->is_checking) {
        h->p = wj_walk_br_table(w, h->at, h->p, h->sp, h->is_live);
        if (h->p == NULL) {
            return false;
        }
    } else {
        w->op.br_table.count = (uint32_t) wj_walk_trusted_u(h);
        w->op.br_table.targets = h->p;
        for (uint32_t i = 0; i <= w->op.br_table.count; i++) {
            w->frames[w->depth - (uint32_t) wj_walk_trusted_u(h)].is_branched = true;
        }
    }
    if (!wj_walk_emit(w, h, row)) {
        return false;
    }
    wj_walk_die(w, h);
    return true;
}

WJ_WALK_INLINE bool wj_walk_return(struct wj_walk *w, struct wj_walk_hot *h,
                                   const struct wj_walk_row *row)
{
    if (h->is_checking) {
        const struct wj_functype *type = w->func->type;
        if (!wj_walk_pop_list(w, h, type->types + type->param_count, type->result_count)) {
            return false;
        }
    }
    if (!wj_walk_emit(w, h, row)) {
        return false;
    }
    wj_walk_die(w, h);
    return true;
}

WJ_WALK_INLINE bool wj_walk_control(struct wj_walk *w, struct wj_walk_hot *h,
                                    const struct wj_walk_row *row)
{
    switch ((enum wj_control) row->sub) {
    case CONTROL_UNREACHABLE:
        if (!wj_walk_emit(w, h, row)) {
            return false;
        }
        wj_walk_die(w, h);
        return true;
    case CONTROL_NOP: return wj_walk_emit(w, h, row);
    case CONTROL_BLOCK:
    case CONTROL_LOOP:
    case CONTROL_IF: return wj_walk_open(w, h, row);
    case CONTROL_ELSE: return wj_walk_else(w, h, row);
    case CONTROL_END: return wj_walk_end(w, h, row);
    case CONTROL_BR:
    case CONTROL_BR_IF: return wj_walk_branch(w, h, row);
    case CONTROL_BR_TABLE: return wj_walk_branch_table(w, h, row);
    case CONTROL_RETURN: return wj_walk_return(w, h, row);
    case CONTROL_BR_ON_NULL:
    case CONTROL_BR_ON_NON_NULL: return wj_walk_branch_on_null(w, h, row);
    }
    return false;
}

// The callee's type: of a function, or of a type index with its table.
WJ_WALK_INLINE bool wj_walk_callee(struct wj_walk *w, struct wj_walk_hot *h,
                                   const struct wj_walk_row *row, const struct wj_functype **type)
{
    uint32_t index;
    uint32_t table = 0;
    const struct wj_module *module = w->module;
    if (!wj_walk_linked_u32(w, h, true, &index)) {
        return false;
    }
    w->op.index = index;
    if (row->imm == WJ_IMM_FUNC) {
        if (h->is_checking && wj_unlikely(index >= module->func_count)) {
            return wj_walk_fail_index(w, h->at, "function", index);
        }
        *type = module->funcs[index].type;
        return true;
    }
    if (h->is_checking && wj_unlikely(index >= module->type_count)) {
        return wj_walk_fail_index(w, h->at, "type", index);
    }
    const struct wj_type *callee = module->type_list[index];
    *type = &callee->func;
    if (h->is_checking && wj_unlikely(callee->composite != WJ_COMPOSITE_FUNC)) {
        return wj_walk_fail(w, h->at, WJ_ERR_INVALID, "type %u is not a function type", index);
    }
    if (row->imm == WJ_IMM_TYPE) {
        return !h->is_checking || wj_walk_pop(w, h, WJ_TYPE_CONCRETE_REF(callee->id, true));
    }
    if (!wj_walk_linked_u32(w, h, false, &table)) {
        return false;
    }
    w->op.index2 = table;
    if (!h->is_checking) {
        return true;
    }
    if (wj_unlikely(table >= module->table_count)) {
        return wj_walk_fail_index(w, h->at, "table", table);
    }
    const struct wj_table_type *table_type = &module->tables[table].type;
    if (wj_unlikely(table_type->element != WJ_TYPE_FUNCREF) &&
        !wj_types_is_subtype(module->types, table_type->element, WJ_TYPE_FUNCREF)) {
        return wj_walk_fail(w, h->at, WJ_ERR_INVALID,
                            "type mismatch: table %u does not hold functions", table);
    }
    return wj_walk_pop(w, h, table_type->limits.is_64 ? WJ_TYPE_I64 : WJ_TYPE_I32);
}

// A direct call, in a loop if the code around it weighs more than the body.
WJ_WALK_INLINE void wj_walk_note_callee(struct wj_walk *w)
{
    uint32_t *callees = w->census.loop_callees;
    if (w->weight > 1 && callees[0] != w->op.index + 1 &&
        w->op.index >= w->module->func_import_count) {
        callees[1] = callees[0];
        callees[0] = w->op.index + 1;
    }
}

WJ_WALK_INLINE bool wj_walk_call(struct wj_walk *w, struct wj_walk_hot *h,
                                 const struct wj_walk_row *row)
{
    const struct wj_functype *type = NULL;
    if (!wj_walk_callee(w, h, row, &type)) {
        return false;
    }
    w->op.functype = type;
    bool is_tail = row->sub >= CALL_RETURN_DIRECT;
    wj_walk_note_call(w, h);
    if (h->is_checking) {
        struct wj_census *census = &w->census;
        if (row->sub == CALL_DIRECT) {
            wj_walk_note_callee(w);
        }
        if (type->param_count > census->call_params_max) {
            census->call_params_max = type->param_count;
        }
        if (type->result_count > census->call_results_max) {
            census->call_results_max = type->result_count;
        }
        if (!wj_walk_pop_list(w, h, type->types, type->param_count)) {
            return false;
        }
        for (uint32_t i = 0; i < type->result_count; i++) {
            census->uses_v128 |= type->types[type->param_count + i] == WJ_TYPE_V128;
        }
        census->has_tail_ref_call |= is_tail && (row->sub != CALL_RETURN_DIRECT ||
                                                 w->op.index < w->module->func_import_count);
        if (is_tail) {
            if (!wj_walk_check_tail_call(w, h->at, type)) {
                return false;
            }
        } else if (!wj_walk_push_results(w, h, type->types + type->param_count,
                                         type->result_count)) {
            return false;
        }
    }
    if (!wj_walk_emit(w, h, row)) {
        return false;
    }
    if (is_tail) {
        wj_walk_die(w, h);
    }
    return true;
}

// Tables and bulk memory are rare and heavy: their checks are not inlined.
wj_valtype *wj_walk_check_table(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                                enum wj_table_op sub) __attribute__((noinline));
wj_valtype *wj_walk_check_memory(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                                 enum wj_memory_op sub) __attribute__((noinline));

WJ_WALK_INLINE bool wj_walk_two_indexes(struct wj_walk *w, struct wj_walk_hot *h,
                                        const struct wj_walk_row *row)
{
    if (!wj_walk_u32(w, h, true, &w->op.index)) {
        return false;
    }
    switch (row->imm) {
    case WJ_IMM_TABLE_TABLE:
    case WJ_IMM_MEMORY_MEMORY: return wj_walk_u32(w, h, false, &w->op.index2);
    case WJ_IMM_ELEM_TABLE:
    case WJ_IMM_DATA_MEMORY:
        // The segment comes first in the bytes, and is index2.
        w->op.index2 = w->op.index;
        return wj_walk_u32(w, h, false, &w->op.index);
    default: return true;
    }
}

WJ_WALK_INLINE bool wj_walk_table(struct wj_walk *w, struct wj_walk_hot *h,
                                  const struct wj_walk_row *row)
{
    wj_walk_note_call(w, h);
    if (!wj_walk_two_indexes(w, h, row)) {
        return false;
    }
    if (h->is_checking) {
        h->sp = wj_walk_check_table(w, h->at, h->sp, (enum wj_table_op) row->sub);
        if (h->sp == NULL) {
            return false;
        }
    }
    return wj_walk_emit(w, h, row);
}

WJ_WALK_INLINE bool wj_walk_memory(struct wj_walk *w, struct wj_walk_hot *h,
                                   const struct wj_walk_row *row)
{
    if (row->sub != MEMORY_SIZE) {
        wj_walk_note_call(w, h);
    }
    if (!wj_walk_two_indexes(w, h, row)) {
        return false;
    }
    if (h->is_checking) {
        h->sp = wj_walk_check_memory(w, h->at, h->sp, (enum wj_memory_op) row->sub);
        if (h->sp == NULL) {
            return false;
        }
    }
    return wj_walk_emit(w, h, row);
}

#endif
