// Structured control flow. A block is an OpSwitch with nothing but a default, so that branches to
// loops around it stay legal; a branch that must leave more than one construct stores its label in
// `brk` and leaves the innermost, and behind each construct so left the branch goes on.
#include "spirv/translate.h"

#include <assert.h>
#include <string.h>

static uint32_t offset_in_func(const struct wj_spv_translator *t, const struct wj_op *op)
{
    return (uint32_t) (op->at - t->func->code);
}

void wj_spv_open(struct wj_spv_translator *t, uint32_t label, bool keeps_locals)
{
    wj_spv_label(&t->b, label);
    if (!keeps_locals) {
        t->epoch++;
    }
}

// Traps. They do not leave: `stop` keeps the item from storing anything more and ends its loops.

static uint32_t load_u32(struct wj_spv_translator *t, uint32_t variable)
{
    return WJ_SPV_OP(&t->b, SpvOpLoad, t->types[REPR_U32], variable);
}

static uint32_t trap_site(const struct wj_spv_translator *t, const struct wj_op *op,
                          enum wj_trap_kind kind)
{
    return (uint32_t) kind << 28 | (wj_spv_offset(t, op) - t->offset_base);
}

void wj_spv_trap_if(struct wj_spv_translator *t, const struct wj_op *op, uint32_t condition,
                    enum wj_trap_kind kind)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t bool_type = t->types[REPR_BOOL];
    const uint32_t stop = load_u32(t, t->stop);
    const uint32_t is_first = WJ_SPV_OP(b, SpvOpIEqual, bool_type, stop, wj_spv_const_u32(b, 0));
    const uint32_t is_now = WJ_SPV_OP(b, SpvOpLogicalAnd, bool_type, condition, is_first);
    const uint32_t site = wj_spv_const_u32(b, trap_site(t, op, kind));
    WJ_SPV_DO(b, SpvOpStore, t->stop, WJ_SPV_OP(b, SpvOpSelect, u32, is_now, site, stop));
}

void wj_spv_restart_if(struct wj_spv_translator *t, uint32_t condition)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t stop = load_u32(t, t->stop);
    const uint32_t all = wj_spv_const_u32(b, UINT32_MAX);
    WJ_SPV_DO(b, SpvOpStore, t->stop, WJ_SPV_OP(b, SpvOpSelect, u32, condition, all, stop));
}

void wj_spv_effect(struct wj_spv_translator *t)
{
    t->has_effects = true;
}

// Labels.

static bool test_flag(const struct wj_spv_translator *t, uint32_t at, enum wj_spv_flag flag)
{
    return (t->facts->flags[at] & flag) != 0;
}

static void set_flag(struct wj_spv_translator *t, uint32_t at, enum wj_spv_flag flag)
{
    if (!test_flag(t, at, flag)) {
        t->facts->flags[at] |= (uint8_t) flag;
        t->facts->has_changed = true;
    }
}

static struct wj_spv_label *push_label(struct wj_spv_translator *t, enum wj_spv_label_kind kind,
                                       uint32_t at)
{
    struct wj_spv_label *labels =
        wj_spv_grow(t, t->labels, &t->label_capacity, t->label_count, sizeof *labels);
    if (labels == NULL) {
        return NULL;
    }
    t->labels = labels;
    struct wj_spv_label *label = &t->labels[t->label_count++];
    *label = (struct wj_spv_label){.kind = (uint8_t) kind,
                                   .at = at,
                                   .height = t->stack_count,
                                   .loops_before = t->loop_count,
                                   .checked_count = t->checked_count,
                                   .had_effects = t->has_effects};
    return label;
}

static const uint32_t *make_vars(struct wj_spv_translator *t, const wj_valtype *types,
                                 uint32_t count)
{
    uint32_t *vars = WJ_ARENA_ARRAY(&t->pass_arena, uint32_t, count);
    if (vars == NULL) {
        t->has_failed = true;
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        vars[i] = wj_spv_function_variable(&t->b, t->types[wj_spv_repr_of(types[i])]);
    }
    return vars;
}

// Stores the top of the operand stack; it stays there.
static void store_top(struct wj_spv_translator *t, const uint32_t *vars, const wj_valtype *types,
                      uint32_t count)
{
    for (uint32_t i = 0; i < count && !t->has_failed; i++) {
        const struct wj_spv_value value = t->stack[t->stack_count - count + i];
        WJ_SPV_DO(&t->b, SpvOpStore, vars[i], wj_spv_as(t, value, wj_spv_repr_of(types[i])));
    }
}

static void push_vars(struct wj_spv_translator *t, const uint32_t *vars, const wj_valtype *types,
                      uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const enum wj_spv_repr repr = wj_spv_repr_of(types[i]);
        const uint32_t id = WJ_SPV_OP(&t->b, SpvOpLoad, t->types[repr], vars[i]);
        wj_spv_push(t, wj_spv_value(id, repr));
    }
}

static void push_nulls(struct wj_spv_translator *t, const wj_valtype *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const enum wj_spv_repr repr = wj_spv_repr_of(types[i]);
        wj_spv_push(t, wj_spv_value(wj_spv_const_null(&t->b, t->types[repr]), repr));
    }
}

static void open_switch(struct wj_spv_translator *t, struct wj_spv_label *label)
{
    struct wj_spv_builder *b = &t->b;
    label->is_breakable = true;
    label->merge = wj_spv_id(b);
    label->result_vars = make_vars(t, label->block.results, label->block.result_count);
    const uint32_t body = wj_spv_id(b);
    wj_spv_selection(b, label->merge);
    WJ_SPV_DO(b, SpvOpSwitch, wj_spv_const_u32(b, 0), body);
    b->is_terminated = true;
    wj_spv_open(t, body, true);
}

void wj_spv_control_begin(struct wj_spv_translator *t)
{
    struct wj_spv_label *label = push_label(t, LABEL_FUNCTION, 0);
    if (label == NULL) {
        return;
    }
    const struct wj_functype *type = t->func->type;
    label->block = (struct wj_block_type){type->param_count, type->result_count, type->types,
                                          type->types + type->param_count};
    if (test_flag(t, 0, FLAG_BRANCHED)) {
        open_switch(t, label);
    }
}

static bool check_block(struct wj_spv_translator *t, const struct wj_op *op)
{
    for (uint32_t i = 0; i < op->block.param_count; i++) {
        if (!wj_spv_check_type(t, op, op->block.params[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < op->block.result_count; i++) {
        if (!wj_spv_check_type(t, op, op->block.results[i])) {
            return false;
        }
    }
    return true;
}

// Some drivers lose what was loaded in a loop when it is used behind it: for items that left early
// the load is done again, masked, as long as others go on. It takes a value that differs by the
// way out: then each item keeps its own.

static bool loses_values(const struct wj_spv_translator *t)
{
    return t->caps->loop_values != WJ_GPU_NATIVE;
}

void wj_spv_note_local(struct wj_spv_translator *t, uint32_t local)
{
    for (uint32_t i = t->label_count; loses_values(t) && i-- > 0;) {
        if (t->labels[i].assigned != NULL) {
            t->labels[i].assigned[local] = 1;
        }
    }
}

static void store_zeros(struct wj_spv_translator *t, const struct wj_spv_label *label)
{
    for (uint32_t i = 0; i < label->block.result_count && label->result_vars != NULL; i++) {
        const enum wj_spv_repr repr = wj_spv_repr_of(label->block.results[i]);
        WJ_SPV_DO(&t->b, SpvOpStore, label->result_vars[i], wj_spv_zero(t, repr));
    }
}

static bool begin_keeping(struct wj_spv_translator *t, struct wj_spv_label *label)
{
    if (!loses_values(t)) {
        return true;
    }
    label->assigned = WJ_ARENA_ARRAY(&t->pass_arena, uint8_t, t->local_count);
    if (label->assigned == NULL) {
        t->has_failed = true;
        return false;
    }
    for (uint32_t i = 0; i < t->label_count; i++) {
        store_zeros(t, &t->labels[i]);
    }
    return true;
}

static void keep_value(struct wj_spv_translator *t, uint32_t variable, enum wj_spv_repr repr)
{
    const uint32_t value = WJ_SPV_OP(&t->b, SpvOpLoad, t->types[repr], variable);
    WJ_SPV_DO(&t->b, SpvOpStore, variable, wj_spv_opaque(t, repr, value));
}

// In the loop's continue target: other values for the way out from here, though equal ones.
static void keep_values(struct wj_spv_translator *t, const struct wj_spv_label *label)
{
    if (label->assigned == NULL || t->load_count == label->loads_before) {
        return;
    }
    for (uint32_t i = 0; i < t->local_count; i++) {
        if (label->assigned[i] != 0) {
            const enum wj_spv_repr repr = wj_spv_repr_of(t->local_types[i]);
            keep_value(t, t->local_vars[i], repr);
        }
    }
    keep_value(t, t->stop_address, REPR_U32);
}

// Leaves an endless loop if 0 is not 0.
static void pretend_to_leave(struct wj_spv_translator *t, struct wj_spv_label *label)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t next = wj_spv_id(b);
    const uint32_t leaves =
        WJ_SPV_OP(b, SpvOpINotEqual, t->types[REPR_BOOL], t->zero, wj_spv_const_u32(b, 0));
    wj_spv_selection(b, next);
    wj_spv_branch_if(b, leaves, label->merge, next);
    wj_spv_open(t, next, true);
}

static void open_loop(struct wj_spv_translator *t, struct wj_spv_label *label)
{
    struct wj_spv_builder *b = &t->b;
    const struct wj_block_type *block = &label->block;
    label->is_breakable = true;
    label->tail = (uint32_t) t->facts->extents[label->at];
    label->header = wj_spv_id(b);
    label->merge = wj_spv_id(b);
    label->target = wj_spv_id(b);
    label->param_vars = make_vars(t, block->params, block->param_count);
    label->result_vars = make_vars(t, block->results, block->result_count);
    store_top(t, label->param_vars, block->params, block->param_count);
    t->stack_count -= block->param_count;
    label->has_region = wj_spv_align_enter(t, label->at);
    label->loads_before = t->load_count;
    if (!begin_keeping(t, label)) {
        return;
    }
    const uint32_t body = wj_spv_id(b);
    wj_spv_branch(b, label->header);
    wj_spv_open(t, label->header, false);
    WJ_SPV_DO(b, SpvOpLoopMerge, label->merge, label->target, SpvLoopControlMaskNone);
    wj_spv_branch(b, body);
    wj_spv_open(t, body, true);
    if (loses_values(t) && test_flag(t, label->at, FLAG_ENDLESS)) {
        pretend_to_leave(t, label);
    }
    push_vars(t, label->param_vars, block->params, block->param_count);
    t->loop_count++;
    t->has_loops = true;
}

static bool open_op(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t at = offset_in_func(t, op);
    const bool is_branched = test_flag(t, at, FLAG_BRANCHED);
    if (!check_block(t, op)) {
        return false;
    }
    uint32_t condition = 0;
    if (op->sub == CONTROL_IF) {
        condition = wj_spv_as(t, wj_spv_pop(t), REPR_BOOL);
    }
    const enum wj_spv_label_kind kind = op->sub == CONTROL_LOOP ? LABEL_LOOP
                                        : op->sub == CONTROL_IF ? LABEL_IF
                                                                : LABEL_BLOCK;
    struct wj_spv_label *label = push_label(t, kind, at);
    if (label == NULL) {
        return false;
    }
    const uint32_t params = op->block.param_count;
    label->block = op->block;
    label->height = t->stack_count - params;
    if (kind == LABEL_LOOP) {
        if (test_flag(t, at, FLAG_EFFECTS)) {
            t->has_effects = true;
        }
        if (is_branched) {
            open_loop(t, label);
        }
        return true;
    }
    if (is_branched) {
        open_switch(t, label);
    }
    if (kind == LABEL_IF) {
        struct wj_spv_value *saved = WJ_ARENA_ARRAY(&t->pass_arena, struct wj_spv_value, params);
        if (saved == NULL) {
            t->has_failed = true;
            return false;
        }
        if (params != 0) {
            memcpy(saved, t->stack + label->height, params * sizeof *saved);
        }
        label->params = saved;
        if (label->result_vars == NULL) {
            label->result_vars = make_vars(t, op->block.results, op->block.result_count);
        }
        label->if_merge = wj_spv_id(b);
        label->else_label = wj_spv_id(b);
        const uint32_t then = wj_spv_id(b);
        wj_spv_selection(b, label->if_merge);
        wj_spv_branch_if(b, condition, then, label->else_label);
        wj_spv_open(t, then, true);
    }
    return true;
}

// Branches.

static bool is_loop(const struct wj_spv_label *label)
{
    return label->kind == LABEL_LOOP;
}

// The innermost construct that a branch can leave; the innermost loop. UINT32_MAX: none.
static void find_innermost(const struct wj_spv_translator *t, uint32_t *breakable, uint32_t *loop)
{
    *breakable = UINT32_MAX;
    *loop = UINT32_MAX;
    for (uint32_t i = t->label_count; i-- > 0;) {
        if (!t->labels[i].is_breakable) {
            continue;
        }
        if (*breakable == UINT32_MAX) {
            *breakable = i;
        }
        if (is_loop(&t->labels[i])) {
            *loop = i;
            return;
        }
    }
}

// Ends the current block with a branch to the label; what it carries has been stored.
// `is_under_way`: `brk` holds it.
static void leave_to(struct wj_spv_translator *t, uint32_t target, bool is_under_way)
{
    struct wj_spv_builder *b = &t->b;
    struct wj_spv_label *label = &t->labels[target];
    uint32_t breakable;
    uint32_t loop;
    find_innermost(t, &breakable, &loop);
    uint32_t to = 0;
    if (loop != UINT32_MAX && target < loop && target + t->labels[loop].tail >= loop &&
        label->block.result_count == 0) {
        // Nothing but ends of blocks lies between the end of the loop and that of the label.
        to = t->labels[loop].merge;
        t->labels[loop].is_left = true;
        t->labels[loop].is_exit_used = true;
    } else {
        if (!label->is_breakable) {
            set_flag(t, label->at, FLAG_BRANCHED);
            wj_spv_unreachable(b); // this pass counts no more
            return;
        }
        if (is_loop(label) && loop == target) {
            to = label->target;
        } else if (!is_loop(label) && breakable == target) {
            to = label->merge;
        }
    }
    if (to != 0) {
        if (is_under_way) {
            WJ_SPV_DO(b, SpvOpStore, t->brk, wj_spv_const_u32(b, 0));
        }
        wj_spv_branch(b, to);
        return;
    }
    if (!is_under_way) {
        WJ_SPV_DO(b, SpvOpStore, t->brk, wj_spv_const_u32(b, target + 1));
    }
    const uint32_t via = loop != UINT32_MAX && target < loop ? loop : breakable;
    struct wj_spv_label *left = &t->labels[via];
    left->is_left = true;
    for (struct wj_spv_exit *exit = left->exits; exit != NULL; exit = exit->next) {
        if (exit->label == target) {
            wj_spv_branch(b, left->merge);
            return;
        }
    }
    struct wj_spv_exit *exit = WJ_ARENA_NEW(&t->pass_arena, struct wj_spv_exit);
    if (exit == NULL) {
        t->has_failed = true;
        return;
    }
    *exit = (struct wj_spv_exit){left->exits, target};
    left->exits = exit;
    wj_spv_branch(b, left->merge);
}

// Behind a construct's merge, its label popped: branches under way go on.
static void continue_exits(struct wj_spv_translator *t, const struct wj_spv_exit *exits)
{
    struct wj_spv_builder *b = &t->b;
    for (const struct wj_spv_exit *exit = exits; exit != NULL; exit = exit->next) {
        const uint32_t leave = wj_spv_id(b);
        const uint32_t next = wj_spv_id(b);
        const uint32_t brk = load_u32(t, t->brk);
        const uint32_t is_it = WJ_SPV_OP(b, SpvOpIEqual, t->types[REPR_BOOL], brk,
                                         wj_spv_const_u32(b, exit->label + 1));
        wj_spv_selection(b, next);
        wj_spv_branch_if(b, is_it, leave, next);
        wj_spv_open(t, leave, true);
        leave_to(t, exit->label, true);
        wj_spv_open(t, next, true);
    }
}

static void branch(struct wj_spv_translator *t, uint32_t depth)
{
    const uint32_t target = t->label_count - 1 - depth;
    const struct wj_spv_label *label = &t->labels[target];
    if (label->is_breakable) {
        if (is_loop(label)) {
            store_top(t, label->param_vars, label->block.params, label->block.param_count);
        } else {
            store_top(t, label->result_vars, label->block.results, label->block.result_count);
        }
    }
    leave_to(t, target, false);
}

void wj_spv_return(struct wj_spv_translator *t)
{
    branch(t, t->label_count - 1);
}

static void branch_if(struct wj_spv_translator *t, uint32_t depth)
{
    t->branch_count++;
    struct wj_spv_builder *b = &t->b;
    const uint32_t condition = wj_spv_as(t, wj_spv_pop(t), REPR_BOOL);
    const uint32_t leave = wj_spv_id(b);
    const uint32_t next = wj_spv_id(b);
    wj_spv_selection(b, next);
    wj_spv_branch_if(b, condition, leave, next);
    wj_spv_open(t, leave, true);
    branch(t, depth);
    wj_spv_open(t, next, true);
}

// A run of table entries with one target.
struct run {
    uint32_t last;
    uint32_t depth;
};

// A tree of comparisons over runs [first, end), then the branch.
static void branch_runs(struct wj_spv_translator *t, uint32_t index, const struct run *runs,
                        uint32_t first, uint32_t end)
{
    struct wj_spv_builder *b = &t->b;
    if (end - first == 1) {
        branch(t, runs[first].depth);
        return;
    }
    const uint32_t middle = first + (end - first) / 2;
    const uint32_t low = wj_spv_id(b);
    const uint32_t high = wj_spv_id(b);
    const uint32_t merge = wj_spv_id(b);
    const uint32_t is_low = WJ_SPV_OP(b, SpvOpULessThanEqual, t->types[REPR_BOOL], index,
                                      wj_spv_const_u32(b, runs[middle - 1].last));
    wj_spv_selection(b, merge);
    wj_spv_branch_if(b, is_low, low, high);
    wj_spv_open(t, low, true);
    branch_runs(t, index, runs, first, middle);
    wj_spv_open(t, high, true);
    branch_runs(t, index, runs, middle, end);
    wj_spv_open(t, merge, true);
    wj_spv_unreachable(b);
}

static bool branch_table(struct wj_spv_translator *t, const struct wj_op *op)
{
    const uint32_t count = op->br_table.count;
    struct run *runs = WJ_ARENA_ARRAY(&t->pass_arena, struct run, (size_t) count + 1);
    if (runs == NULL) {
        t->has_failed = true;
        return false;
    }
    const uint32_t index = wj_spv_as(t, wj_spv_pop(t), REPR_U32);
    const uint8_t *at = op->br_table.targets;
    uint32_t run_count = 0;
    for (uint32_t i = 0; i <= count; i++) {
        const uint32_t depth = wj_leb_u32_trusted(&at);
        if (run_count != 0 && runs[run_count - 1].depth == depth) {
            runs[run_count - 1].last = i;
        } else {
            runs[run_count++] = (struct run){i, depth};
        }
    }
    branch_runs(t, index, runs, 0, run_count);
    return true;
}

// Ends.

static void finish_arm(struct wj_spv_translator *t, const struct wj_spv_label *label)
{
    if (!t->b.is_terminated) {
        store_top(t, label->result_vars, label->block.results, label->block.result_count);
        wj_spv_branch(&t->b, label->if_merge);
    }
}

static void begin_else(struct wj_spv_translator *t, struct wj_spv_label *label)
{
    finish_arm(t, label);
    wj_spv_open(t, label->else_label, false);
    t->checked_count = label->checked_count;
    t->stack_count = label->height;
    for (uint32_t i = 0; i < label->block.param_count; i++) {
        wj_spv_push(t, label->params[i]);
    }
    label->kind = LABEL_ELSE;
}

// The loop's continue target: counts fuel and goes back, unless the item has stopped.
static void finish_loop(struct wj_spv_translator *t, const struct wj_spv_label *label)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t bool_type = t->types[REPR_BOOL];
    const uint32_t zero = wj_spv_const_u32(b, 0);
    // A device that counts iterations of groups also counts loops passed by without entering.
    uint32_t cost = 1;
    if (t->caps->loop_iterations_max != 0) {
        cost += (uint32_t) (t->facts->extents[label->at] >> 32);
    }
    wj_spv_open(t, label->target, false);
    const uint32_t fuel = load_u32(t, t->fuel);
    const uint32_t is_empty =
        WJ_SPV_OP(b, SpvOpULessThan, bool_type, fuel, wj_spv_const_u32(b, cost));
    const uint32_t left = WJ_SPV_OP(b, SpvOpISub, u32, fuel, wj_spv_const_u32(b, cost));
    WJ_SPV_DO(b, SpvOpStore, t->fuel, WJ_SPV_OP(b, SpvOpSelect, u32, is_empty, zero, left));
    const uint32_t stop = load_u32(t, t->stop);
    const uint32_t site =
        (uint32_t) WJ_TRAP_INTERRUPTED << 28 | (t->func->code_offset + label->at - t->offset_base);
    const uint32_t is_first = WJ_SPV_OP(b, SpvOpIEqual, bool_type, stop, zero);
    const uint32_t is_now = WJ_SPV_OP(b, SpvOpLogicalAnd, bool_type, is_empty, is_first);
    WJ_SPV_DO(b, SpvOpStore, t->stop,
              WJ_SPV_OP(b, SpvOpSelect, u32, is_now, wj_spv_const_u32(b, site), stop));
    const uint32_t has_fuel = WJ_SPV_OP(b, SpvOpLogicalNot, bool_type, is_empty);
    const uint32_t goes_on = WJ_SPV_OP(b, SpvOpLogicalAnd, bool_type, has_fuel, is_first);
    keep_values(t, label);
    wj_spv_branch_if(b, goes_on, label->header, label->merge);
}

static void note_fact(struct wj_spv_translator *t, uint32_t at, uint64_t fact)
{
    if (t->facts->extents[at] != fact) {
        t->facts->extents[at] = fact;
        t->facts->has_changed = true;
    }
}

// How many ends of blocks without results follow right behind the loop's.
static uint32_t count_tail(const struct wj_spv_translator *t, const struct wj_op *op)
{
    uint32_t tail = 0;
    const uint32_t top = t->label_count - 1;
    const uint8_t *end = t->func->code + t->func->code_size_bytes;
    if (t->labels[top].block.result_count != 0) {
        return 0;
    }
    for (const uint8_t *at = op->next; at < end && *at == 0x0b && tail < top; at++) {
        const struct wj_spv_label *label = &t->labels[top - tail - 1];
        if (label->kind != LABEL_BLOCK || label->block.result_count != 0) {
            break;
        }
        tail++;
    }
    return tail;
}

static bool end_loop(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    struct wj_spv_label *label = &t->labels[t->label_count - 1];
    if (t->has_effects && !label->had_effects) {
        set_flag(t, label->at, FLAG_EFFECTS);
    }
    if (!label->is_breakable) {
        t->label_count--;
        return true;
    }
    const uint32_t inside = t->loop_count - label->loops_before - 1;
    note_fact(t, label->at, (uint64_t) inside << 32 | count_tail(t, op));
    if (!b->is_terminated) {
        store_top(t, label->result_vars, label->block.results, label->block.result_count);
        wj_spv_branch(b, label->merge);
        label->is_left = true;
    }
    if (!label->is_left) {
        set_flag(t, label->at, FLAG_ENDLESS);
    }
    if (t->caps->loop_values == WJ_GPU_REFUSED && t->load_count != label->loads_before) {
        return wj_spv_refuse(t, op, "loads in a loop: the device loses what they loaded");
    }
    finish_loop(t, label);
    t->region = label->has_region ? t->region->outer : t->region;
    wj_spv_open(t, label->merge, false);
    t->checked_count = label->checked_count;
    t->stack_count = label->height;
    const struct wj_spv_label ended = *label;
    t->label_count--;
    continue_exits(t, ended.exits);
    if (!op->is_live && !ended.is_exit_used) {
        // Only a stopped item comes here.
        leave_to(t, 0, false);
        return true;
    }
    if (op->is_live) {
        push_vars(t, ended.result_vars, ended.block.results, ended.block.result_count);
    }
    return true;
}

static bool end_if(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    struct wj_spv_label *label = &t->labels[t->label_count - 1];
    if (label->kind == LABEL_IF) {
        begin_else(t, label);
    }
    finish_arm(t, label);
    wj_spv_open(t, label->if_merge, false);
    t->checked_count = label->checked_count;
    t->stack_count = label->height;
    const struct wj_spv_label ended = *label;
    if (ended.is_breakable) {
        // Results are in the variables of both.
        if (op->is_live || op->is_branched) {
            wj_spv_branch(b, ended.merge);
        } else {
            wj_spv_unreachable(b);
        }
        wj_spv_open(t, ended.merge, false);
    }
    t->label_count--;
    continue_exits(t, ended.exits);
    if (!op->is_live && !op->is_branched) {
        wj_spv_unreachable(b);
        return true;
    }
    push_vars(t, ended.result_vars, ended.block.results, ended.block.result_count);
    return true;
}

static bool end_block(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const struct wj_spv_label ended = t->labels[t->label_count - 1];
    if (!ended.is_breakable) {
        t->label_count--;
        if (b->is_terminated && op->is_branched) {
            // The flag of this block was found out in this pass: go on anyhow.
            wj_spv_open(t, wj_spv_id(b), false);
            t->stack_count = ended.height;
            push_nulls(t, ended.block.results, ended.block.result_count);
        }
        return true;
    }
    if (!b->is_terminated) {
        store_top(t, ended.result_vars, ended.block.results, ended.block.result_count);
        wj_spv_branch(b, ended.merge);
    }
    wj_spv_open(t, ended.merge, false);
    t->checked_count = ended.checked_count;
    t->stack_count = ended.height;
    t->label_count--;
    continue_exits(t, ended.exits);
    if (!op->is_live && !op->is_branched) {
        wj_spv_unreachable(b);
        return true;
    }
    push_vars(t, ended.result_vars, ended.block.results, ended.block.result_count);
    return true;
}

static bool end_function(struct wj_spv_translator *t)
{
    struct wj_spv_builder *b = &t->b;
    const struct wj_spv_label ended = t->labels[t->label_count - 1];
    const struct wj_block_type *block = &ended.block;
    if (ended.is_breakable) {
        if (!b->is_terminated) {
            store_top(t, ended.result_vars, block->results, block->result_count);
            wj_spv_branch(b, ended.merge);
        }
        wj_spv_open(t, ended.merge, false);
        t->stack_count = 0;
        push_vars(t, ended.result_vars, block->results, block->result_count);
    } else if (b->is_terminated) {
        wj_spv_open(t, wj_spv_id(b), false);
        t->stack_count = 0;
        push_nulls(t, block->results, block->result_count);
    }
    t->label_count--;
    if (block->result_count == 0) {
        wj_spv_raw(&b->body, SpvOpReturn, NULL, 0);
    } else {
        uint32_t *ids = WJ_ARENA_ARRAY(&t->pass_arena, uint32_t, block->result_count);
        if (ids == NULL) {
            t->has_failed = true;
            return false;
        }
        for (uint32_t i = block->result_count; i-- > 0;) {
            ids[i] = wj_spv_as(t, wj_spv_pop(t), wj_spv_repr_of(block->results[i]));
        }
        const uint32_t id =
            block->result_count == 1
                ? ids[0]
                : wj_spv_result(b, SpvOpCompositeConstruct, wj_spv_result_type(t, t->func->type),
                                ids, block->result_count);
        WJ_SPV_DO(b, SpvOpReturnValue, id);
    }
    b->is_terminated = true;
    return true;
}

static bool end_op(struct wj_spv_translator *t, const struct wj_op *op)
{
    switch ((enum wj_spv_label_kind) t->labels[t->label_count - 1].kind) {
    case LABEL_FUNCTION: return end_function(t);
    case LABEL_BLOCK: return end_block(t, op);
    case LABEL_LOOP: return end_loop(t, op);
    case LABEL_IF:
    case LABEL_ELSE: return end_if(t, op);
    }
    return false;
}

bool wj_spv_control(struct wj_spv_translator *t, const struct wj_op *op)
{
    switch ((enum wj_control) op->sub) {
    case CONTROL_NOP: return true;
    case CONTROL_BLOCK:
    case CONTROL_LOOP:
    case CONTROL_IF: return open_op(t, op);
    case CONTROL_ELSE: begin_else(t, &t->labels[t->label_count - 1]); return true;
    case CONTROL_END: return end_op(t, op);
    case CONTROL_BR: branch(t, op->index); return true;
    case CONTROL_BR_IF: branch_if(t, op->index); return true;
    case CONTROL_BR_TABLE: return branch_table(t, op);
    case CONTROL_RETURN: wj_spv_return(t); return true;
    case CONTROL_UNREACHABLE:
        wj_spv_trap_if(t, op, wj_spv_const_bool(&t->b, true), WJ_TRAP_UNREACHABLE);
        leave_to(t, 0, false);
        return true;
    case CONTROL_BR_ON_NULL:
    case CONTROL_BR_ON_NON_NULL: break;
    }
    return wj_spv_refuse(t, op, "references");
}
