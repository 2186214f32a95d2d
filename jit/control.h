// Blocks, branches and merges. At a label every operand below it is a constant or in its slot, and
// homes are where they always are; so a merge moves nothing but the label's own values: one result
// in the result register, more in their slots.
#ifndef JIT_CONTROL_H
#define JIT_CONTROL_H

#include "jit/homes.h"

static inline uint32_t label_arity(const struct label *label)
{
    return label->kind == CONTROL_LOOP ? label->type.param_count : label->type.result_count;
}

static inline enum wj_num label_num(const struct label *label, uint32_t i)
{
    return num_of(label->kind == CONTROL_LOOP ? label->type.params[i] : label->type.results[i]);
}

static inline wj_reg result_reg(enum wj_num num)
{
    return num_is_vec(num) ? MASM_VEC_RESULT : MASM_GPR_RESULT;
}

static inline struct label *label_at(struct jit *j, uint32_t depth)
{
    return &j->labels[j->label_depth - 1 - depth];
}

static void label_push(struct jit *j, enum wj_control kind, const struct wj_block_type *type,
                       uint32_t height)
{
    struct label *label = &j->labels[j->label_depth++];
    label->kind = (uint8_t) kind;
    label->has_else = false;
    label->is_joined = false;
    label->has_landing = false;
    label->type = *type;
    label->height = height;
    label->merges_in_reg = kind != CONTROL_LOOP && type->result_count == 1;
    label->target = wj_codebuf_label(&j->m.buf);
    label->else_target = label->target;
}

// Stores a value into the slot of stack position `position`. Keeps flags. Uses the result
// registers as temporaries where the value is in no register; they hold nothing live then.
static void value_to_slot(struct jit *j, const struct value *v, uint32_t position)
{
    enum wj_num num = (enum wj_num) v->num;
    struct wj_slot to = spill_slot(j, position);
    if (v->kind == VALUE_SLOT && v == &j->stack[position]) {
        return;
    }
    if (value_in_reg(v)) {
        masm_store_slot(&j->m, num, v->reg, to);
        return;
    }
    if (v->kind == VALUE_CONST && num != NUM_V128) {
        masm_store_slot_imm(&j->m, num, v->bits, to);
        return;
    }
    wj_reg temp = result_reg(num);
    value_into(j, v, temp);
    masm_store_slot(&j->m, num, temp, to);
}

// More values than this are moved by a loop, so that each branch with them takes little code.
enum { WIDE_ARITY = 8 };

static inline bool label_is_wide(const struct label *label)
{
    return label_arity(label) > WIDE_ARITY;
}

// Puts the values that a wide branch takes into their own slots, for all paths from here.
static void settle_wide(struct jit *j, uint32_t arity)
{
    for (uint32_t i = j->depth - arity; i < j->depth; i++) {
        if (j->stack[i].kind != VALUE_SLOT) {
            masm_room(&j->m);
            settle_entry(j, i);
        }
    }
}

static void move_wide(struct jit *j, const struct label *label)
{
    uint32_t arity = label_arity(label);
    uint32_t first = j->depth - arity;
    settle_wide(j, arity);
    masm_room(&j->m);
    if (first != label->height) {
        masm_copy_slots(&j->m, spill_slot(j, label->height).disp, spill_slot(j, first).disp,
                        arity * j->spill_bytes);
    }
}

// Moves the top values to where the label expects them, leaving the stack's entries as they are;
// code after it on this path must not look at them again. Keeps flags.
static void move_to_label(struct jit *j, const struct label *label)
{
    uint32_t arity = label_arity(label);
    if (arity == 0) {
        return;
    }
    uint32_t first = j->depth - arity;
    if (label->merges_in_reg) {
        struct value *v = &j->stack[first];
        value_into(j, v, result_reg((enum wj_num) v->num));
        return;
    }
    if (label_is_wide(label)) {
        move_wide(j, label);
        return;
    }
    // Registers first, since slots may need the result registers as temporaries. Then ascending:
    // no slot is overwritten before it was read.
    for (uint32_t i = 0; i < arity; i++) {
        if (j->stack[first + i].kind == VALUE_REG) {
            spill_entry(j, first + i);
        }
    }
    for (uint32_t i = 0; i < arity; i++) {
        masm_room(&j->m);
        struct value *v = &j->stack[first + i];
        value_to_slot(j, v, label->height + i);
    }
}

// True when a branch to the label needs no code of its own.
static inline bool branch_is_free(const struct label *label)
{
    return label_arity(label) == 0;
}

// Forgets entries above `height` and releases what they hold.
static void stack_cut(struct jit *j, uint32_t height)
{
    while (j->depth > height) {
        struct value *v = stack_pop(j);
        value_release(j, v);
    }
}

// Makes the label's values the top of the stack, in their merge places.
static void push_merged(struct jit *j, const struct label *label)
{
    uint32_t arity = label->type.result_count;
    if (label->merges_in_reg) {
        enum wj_num num = num_of(label->type.results[0]);
        wj_reg reg = result_reg(num);
        reg_claim(j, reg);
        push_reg(j, num, reg);
        return;
    }
    for (uint32_t i = 0; i < arity; i++) {
        stack_push(j, VALUE_SLOT, num_of(label->type.results[i]));
    }
}

// A condition ready to branch on: flags, or a register that is compared with zero.
struct condition {
    bool is_flags;
    enum wj_cond cond;
    struct value *v; // popped
};

static struct condition pop_condition(struct jit *j)
{
    struct condition c = {.v = stack_pop(j)};
    c.is_flags = c.v->kind == VALUE_FLAGS;
    if (c.is_flags) {
        c.cond = (enum wj_cond) c.v->aux;
    } else {
        value_reg(j, c.v);
    }
    return c;
}

static void branch_on(struct jit *j, struct condition *c, bool if_true, wj_label target)
{
    if (c->is_flags) {
        masm_jcc(&j->m, if_true ? c->cond : wj_cond_not(c->cond), target);
    } else {
        masm_cbz(&j->m, (enum wj_num) c->v->num, !if_true, c->v->reg, target);
    }
}

JIT_NOINLINE void op_block(struct jit *j, const struct wj_op *op)
{
    flush_below(j, j->depth);
    label_push(j, CONTROL_BLOCK, &op->block, j->depth - op->block.param_count);
}

// The parameters of a loop or if are in their slots whichever way they are reached.
static void settle_params(struct jit *j, uint32_t param_count)
{
    flush_below(j, j->depth - param_count);
    for (uint32_t i = j->depth - param_count; i < j->depth; i++) {
        masm_room(&j->m);
        settle_entry(j, i);
    }
    j->settled = j->depth;
}

// A place that is reached in several ways: what one of them has kept in the frame, another may not
// have.
static void bind_join(struct jit *j, wj_label target)
{
    masm_bind(&j->m, target);
    j->homes_saved = 0;
}

JIT_NOINLINE void op_loop(struct jit *j, const struct wj_op *op)
{
    settle_params(j, op->block.param_count);
    label_push(j, CONTROL_LOOP, &op->block, j->depth - op->block.param_count);
    masm_align_loop(&j->m);
    bind_join(j, label_at(j, 0)->target);
}

JIT_NOINLINE void op_if(struct jit *j, const struct wj_op *op)
{
    struct condition c = pop_condition(j);
    settle_params(j, op->block.param_count);
    label_push(j, CONTROL_IF, &op->block, j->depth - op->block.param_count);
    struct label *label = label_at(j, 0);
    label->else_target = wj_codebuf_label(&j->m.buf);
    branch_on(j, &c, false, label->else_target);
    value_release(j, c.v);
}

JIT_NOINLINE void op_else(struct jit *j, const struct wj_op *op)
{
    struct label *label = label_at(j, 0);
    if (op->is_live) {
        move_to_label(j, label);
        masm_jmp(&j->m, label->target);
        label->is_joined = true;
    }
    stack_cut(j, label->height);
    label->has_else = true;
    bind_join(j, label->else_target);
    for (uint32_t i = 0; i < label->type.param_count; i++) {
        stack_push(j, VALUE_SLOT, num_of(label->type.params[i]));
    }
}

// An if without else: the parameters are the results, on the path where the condition was false.
static void implicit_else(struct jit *j, struct label *label, bool is_live)
{
    if (label->type.param_count == 0) {
        bind_join(j, label->else_target);
        return;
    }
    if (is_live) {
        move_to_label(j, label);
        masm_jmp(&j->m, label->target);
    }
    stack_cut(j, label->height);
    bind_join(j, label->else_target);
    for (uint32_t i = 0; i < label->type.param_count; i++) {
        stack_push(j, VALUE_SLOT, num_of(label->type.params[i]));
    }
    move_to_label(j, label);
}

static void return_values(struct jit *j);

JIT_NOINLINE void op_end(struct jit *j, const struct wj_op *op)
{
    struct label label = *label_at(j, 0);
    bool is_live = op->is_live;
    bool is_branched = op->is_branched || label.is_joined;
    if (label.kind == CONTROL_IF && !label.has_else) {
        if (label.type.param_count == 0) {
            bind_join(j, label.else_target);
        } else {
            implicit_else(j, &label, is_live);
            is_live = true;
        }
    } else if (is_branched && is_live && label.kind != CONTROL_LOOP) {
        move_to_label(j, &label);
    }
    j->label_depth--;
    if (label.kind == CONTROL_LOOP || !is_branched) {
        if (!is_live) {
            stack_cut(j, label.height);
        }
        return; // the values stay where they are
    }
    stack_cut(j, label.height);
    bind_join(j, label.target);
    push_merged(j, &label);
}

// The end of the function's body: results go to where the caller wants them.
JIT_NOINLINE void op_end_function(struct jit *j, const struct wj_op *op)
{
    struct label label = *label_at(j, 0);
    if (op->is_branched) {
        if (op->is_live) {
            move_to_label(j, &label);
        }
        stack_cut(j, label.height);
        bind_join(j, label.target);
        push_merged(j, &label);
    }
    j->label_depth--;
    if (op->is_live || op->is_branched) {
        return_values(j);
    }
}

// The results are on top of the stack: moves them to the result register and the caller's area.
static void return_values(struct jit *j)
{
    const struct wj_functype *type = j->func->type;
    uint32_t count = type->result_count;
    uint32_t first = j->depth - count;
    if (count > 1) {
        int32_t incoming = (int32_t) (j->frame_bytes + MASM_CALL_PUSH_BYTES);
        for (uint32_t i = 0; i < count; i++) {
            if (j->stack[first + i].kind == VALUE_REG) {
                spill_entry(j, first + i);
            }
        }
        for (uint32_t i = 1; i < count; i++) {
            masm_room(&j->m);
            struct value *v = &j->stack[first + i];
            enum wj_num num = (enum wj_num) v->num;
            wj_reg reg = v->reg;
            if (!value_in_reg(v)) {
                reg = result_reg(num);
                value_into(j, v, reg);
            }
            struct wj_slot to = {MASM_SP, incoming + result_offset(type, i)};
            masm_store_slot(&j->m, num, reg, to);
        }
    }
    if (count > 0) {
        struct value *v = &j->stack[first];
        value_into(j, v, result_reg((enum wj_num) v->num));
    }
}

JIT_NOINLINE void op_return(struct jit *j)
{
    struct label *body = label_at(j, j->label_depth - 1);
    if (label_is_wide(body)) {
        move_wide(j, body);
        j->has_wide_return = true;
        masm_jmp(&j->m, j->wide_return_target);
        return;
    }
    return_values(j);
    masm_jmp(&j->m, j->return_target);
}

// What all returns of many values share, behind the function's code.
static void emit_wide_return(struct jit *j)
{
    const struct wj_functype *type = j->func->type;
    if (!j->has_wide_return) {
        return;
    }
    masm_bind(&j->m, j->wide_return_target);
    stack_cut(j, 0);
    for (uint32_t i = 0; i < type->result_count; i++) {
        stack_push(j, VALUE_SLOT, num_of(type->types[type->param_count + i]));
    }
    return_values(j);
    masm_jmp(&j->m, j->return_target);
}

JIT_NOINLINE void op_br(struct jit *j, const struct wj_op *op)
{
    struct label *label = label_at(j, op->index);
    move_to_label(j, label);
    masm_jmp(&j->m, label->target);
}

// The values are in their slots on both paths before they part.
static void branch_wide(struct jit *j, struct condition *c, bool if_true, struct label *label)
{
    wj_label skip = wj_codebuf_label(&j->m.buf);
    wj_reg reg = c->is_flags ? reg_alloc(j, false) : c->v->reg;
    if (c->is_flags) {
        masm_setcc(&j->m, c->cond, reg);
    }
    flush_regs(j);
    settle_wide(j, label_arity(label));
    masm_room(&j->m);
    masm_cbz(&j->m, c->is_flags ? NUM_I32 : (enum wj_num) c->v->num, if_true, reg, skip);
    if (c->is_flags) {
        reg_free(j, reg);
    }
    move_wide(j, label);
    masm_jmp(&j->m, label->target);
    masm_bind(&j->m, skip);
}

// A conditional branch whose condition was popped.
static void branch_if(struct jit *j, struct condition *c, bool if_true, struct label *label)
{
    if (branch_is_free(label)) {
        branch_on(j, c, if_true, label->target);
        return;
    }
    if (label->merges_in_reg) {
        // The value moves to the result register for both paths; the entry lives on there.
        struct value *top = &j->stack[j->depth - 1];
        enum wj_num num = (enum wj_num) top->num;
        wj_reg reg = result_reg(num);
        if (!(top->kind == VALUE_REG && top->reg == reg)) {
            if (!c->is_flags && c->v->kind == VALUE_REG && c->v->reg == reg) {
                wj_reg other = reg_alloc(j, false);
                masm_mov(&j->m, (enum wj_num) c->v->num, other, reg);
                reg_free(j, reg);
                c->v->reg = other;
            }
            struct value *v = stack_pop(j);
            reg_claim(j, reg);
            value_into(j, v, reg);
            value_release(j, v);
            push_reg(j, num, reg);
        }
        branch_on(j, c, if_true, label->target);
        return;
    }
    if (label_is_wide(label)) {
        branch_wide(j, c, if_true, label);
        return;
    }
    // Several values: they move on the taken path alone.
    wj_label skip = wj_codebuf_label(&j->m.buf);
    flush_regs(j);
    branch_on(j, c, !if_true, skip);
    move_to_label(j, label);
    masm_jmp(&j->m, label->target);
    masm_bind(&j->m, skip);
}

JIT_NOINLINE void op_br_if(struct jit *j, const struct wj_op *op)
{
    struct condition c = pop_condition(j);
    branch_if(j, &c, true, label_at(j, op->index));
    value_release(j, c.v);
}

// Where each of a table's targets is jumped to. Labels may keep their values in different places:
// then each of them has one landing, however often the table names it.
static void find_landings(struct jit *j, const struct wj_op *op, bool has_values, wj_label *targets)
{
    const uint8_t *at = op->br_table.targets;
    for (uint32_t i = 0; i <= op->br_table.count; i++) {
        struct label *label = label_at(j, wj_leb_u32_trusted(&at));
        if (has_values && !label->has_landing) {
            label->has_landing = true;
            label->landing = wj_codebuf_label(&j->m.buf);
        }
        targets[i] = has_values ? label->landing : label->target;
    }
}

static void emit_landings(struct jit *j, const struct wj_op *op)
{
    const uint8_t *at = op->br_table.targets;
    for (uint32_t i = 0; i <= op->br_table.count; i++) {
        struct label *label = label_at(j, wj_leb_u32_trusted(&at));
        if (label->has_landing) {
            label->has_landing = false;
            masm_room(&j->m);
            masm_bind(&j->m, label->landing);
            move_to_label(j, label);
            masm_jmp(&j->m, label->target);
        }
    }
}

JIT_NOINLINE void op_br_table(struct jit *j, const struct wj_op *op)
{
    struct value *index = stack_pop(j);
    wj_reg reg = value_own(j, index);
    uint32_t count = op->br_table.count;
    wj_label *targets = WJ_ARENA_ARRAY(j->arena, wj_label, (size_t) count + 1);
    if (targets == NULL) {
        j->failed = true;
        return;
    }
    const uint8_t *at = op->br_table.targets;
    struct label *first = label_at(j, wj_leb_u32_trusted(&at));
    uint32_t arity = label_arity(first);
    if (arity != 0) {
        flush_regs(j);
    }
    if (arity > WIDE_ARITY) {
        settle_wide(j, arity);
    }
    find_landings(j, op, arity != 0, targets);
    if (count > 0) {
        masm_room(&j->m);
        masm_icmp_imm(&j->m, NUM_I32, reg, (int64_t) count);
        masm_jcc(&j->m, COND_GE_U, targets[count]);
        masm_jump_table(&j->m, reg, targets, count);
    } else {
        masm_jmp(&j->m, targets[0]);
    }
    value_release(j, index);
    if (arity != 0) {
        emit_landings(j, op);
    }
}

JIT_COLD void op_br_on_null(struct jit *j, const struct wj_op *op)
{
    struct condition c = {.v = stack_pop(j)};
    value_reg(j, c.v);
    branch_if(j, &c, false, label_at(j, op->index));
    if (c.v->kind == VALUE_LOCAL) {
        push_local(j, c.v->local);
    } else {
        push_reg(j, NUM_I64, c.v->reg);
    }
}

// The reference is the label's last value: on the branch it is there, else it is dropped.
JIT_COLD void op_br_on_non_null(struct jit *j, const struct wj_op *op)
{
    struct value *v = stack_pop(j);
    wj_reg reg = value_reg(j, v);
    masm_icmp_imm(&j->m, NUM_I64, reg, 0);
    push_reg(j, NUM_I64, reg);
    struct condition flags = {.is_flags = true, .cond = COND_NE, .v = NULL};
    branch_if(j, &flags, true, label_at(j, op->index));
    struct value *dropped = stack_pop(j);
    value_release(j, dropped);
}

JIT_INLINE void op_control(struct jit *j, const struct wj_op *op)
{
    switch ((enum wj_control) op->sub) {
    case CONTROL_UNREACHABLE: masm_trap(&j->m, WJ_TRAP_UNREACHABLE); return;
    case CONTROL_NOP: return;
    case CONTROL_BLOCK: op_block(j, op); return;
    case CONTROL_LOOP: op_loop(j, op); return;
    case CONTROL_IF: op_if(j, op); return;
    case CONTROL_ELSE: op_else(j, op); return;
    case CONTROL_END:
        if (j->label_depth == 1) {
            op_end_function(j, op);
        } else {
            op_end(j, op);
        }
        return;
    case CONTROL_BR: op_br(j, op); return;
    case CONTROL_BR_IF: op_br_if(j, op); return;
    case CONTROL_BR_TABLE: op_br_table(j, op); return;
    case CONTROL_RETURN: op_return(j); return;
    case CONTROL_BR_ON_NULL: op_br_on_null(j, op); return;
    case CONTROL_BR_ON_NON_NULL: op_br_on_non_null(j, op); return;
    }
}

#endif
