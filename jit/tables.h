// Tables, references and globals.
#ifndef JIT_TABLES_H
#define JIT_TABLES_H

#include "jit/calls.h"

static void op_table_get(struct jit *j, const struct wj_op *op)
{
    wj_reg t = pop_element_address(j, op->index, WJ_TRAP_TABLE_OUT_OF_BOUNDS);
    masm_load_slot(&j->m, NUM_I64, t, (struct wj_slot){t, 0});
    push_reg(j, NUM_I64, t);
}

static void op_table_set(struct jit *j, const struct wj_op *op)
{
    struct value *v = stack_pop(j);
    wj_reg reg = value_reg(j, v);
    wj_reg t = pop_element_address(j, op->index, WJ_TRAP_TABLE_OUT_OF_BOUNDS);
    masm_store_slot(&j->m, NUM_I64, reg, (struct wj_slot){t, 0});
    reg_free(j, t);
    value_release(j, v);
}

// Puts a constant below the top `count` entries, as a libcall's first argument.
static void insert_const(struct jit *j, uint32_t count, uint64_t bits)
{
    struct value *at = &j->stack[j->depth - count];
    for (uint32_t i = j->depth - count; i < j->depth; i++) {
        if (j->stack[i].kind == VALUE_SLOT) {
            // Its slot is its position: it moves up in a register.
            wj_reg reg = reg_alloc(j, num_is_vec((enum wj_num) j->stack[i].num));
            struct value *v = &j->stack[i];
            value_into(j, v, reg);
            j->stack[i].kind = VALUE_REG;
            j->stack[i].reg = reg;
        }
    }
    if (j->settled > j->depth - count) {
        j->settled = j->depth - count;
    }
    for (uint32_t k = 0; k < 2; k++) {
        if (j->first_reg[k] > j->depth - count) {
            j->first_reg[k] = j->depth - count;
        }
    }
    memmove(at + 1, at, count * sizeof *at);
    at->kind = VALUE_CONST;
    at->num = NUM_I64;
    at->reg = WJ_REG_NONE;
    at->bits = bits;
    j->depth++;
}

JIT_COLD void op_table(struct jit *j, const struct wj_op *op)
{
    uint64_t pair = (uint64_t) op->index << 32 | op->index2;
    switch ((enum wj_table_op) op->sub) {
    case TABLE_GET: op_table_get(j, op); return;
    case TABLE_SET: op_table_set(j, op); return;
    case TABLE_SIZE: {
        enum wj_num num = j->module->tables[op->index].type.limits.is_64 ? NUM_I64 : NUM_I32;
        wj_reg t = load_table(j, op->index);
        masm_load_slot(&j->m, num, t, (struct wj_slot){t, offsetof(struct wj_table, size)});
        push_reg(j, num, t);
        return;
    }
    case TABLE_GROW: {
        enum wj_num num = j->module->tables[op->index].type.limits.is_64 ? NUM_I64 : NUM_I32;
        insert_const(j, 2, op->index);
        emit_libcall(j, WJ_LIBCALL_table_grow, 3, true, num);
        return;
    }
    case TABLE_FILL:
        insert_const(j, 3, op->index);
        emit_libcall(j, WJ_LIBCALL_table_fill, 4, false, NUM_I32);
        return;
    case TABLE_COPY:
        insert_const(j, 3, pair);
        emit_libcall(j, WJ_LIBCALL_table_copy, 4, false, NUM_I32);
        return;
    case TABLE_INIT:
        insert_const(j, 3, pair);
        emit_libcall(j, WJ_LIBCALL_table_init, 4, false, NUM_I32);
        return;
    case ELEM_DROP:
        insert_const(j, 0, op->index);
        emit_libcall(j, WJ_LIBCALL_elem_drop, 1, false, NUM_I32);
        return;
    }
}

JIT_COLD void op_ref(struct jit *j, const struct wj_op *op)
{
    switch ((enum wj_ref_op) op->sub) {
    case REF_NULL: push_const(j, NUM_I64, 0); return;
    case REF_FUNC:
        insert_const(j, 0, op->index);
        emit_libcall(j, WJ_LIBCALL_ref_func, 1, true, NUM_I64);
        return;
    case REF_IS_NULL: {
        struct value *v = stack_pop(j);
        masm_icmp_imm(&j->m, NUM_I64, value_reg(j, v), 0);
        value_release(j, v);
        if (next_takes_flags(op)) {
            push_flags(j, COND_EQ);
        } else {
            wj_reg d = dest_reg(j, op, false);
            masm_setcc(&j->m, COND_EQ, d);
            push_reg(j, NUM_I32, d);
        }
        return;
    }
    case REF_AS_NON_NULL: {
        struct value *v = stack_pop(j);
        wj_reg reg = value_reg(j, v);
        masm_icmp_imm(&j->m, NUM_I64, reg, 0);
        masm_trap_if(&j->m, COND_EQ, WJ_TRAP_NULL_REFERENCE);
        if (v->kind == VALUE_LOCAL) {
            push_local(j, v->local);
        } else {
            push_reg(j, NUM_I64, reg);
        }
        return;
    }
    case REF_EQ: j->unsupported = "garbage collection"; return;
    }
}

// Where a global is: in the instance, or behind a pointer that is loaded into *temp.
static struct wj_slot global_slot(struct jit *j, uint32_t index, wj_reg *temp)
{
    const struct wj_instance_layout *layout = &j->request->layout;
    *temp = WJ_REG_NONE;
    if (index >= j->module->global_import_count) {
        uint32_t own = index - j->module->global_import_count;
        return (struct wj_slot){MASM_INST,
                                (int32_t) (layout->globals + own * sizeof(union wj_cell))};
    }
    *temp = reg_alloc(j, false);
    masm_load_slot(&j->m, NUM_I64, *temp,
                   (struct wj_slot){MASM_INST, (int32_t) (layout->imported_globals + 8 * index)});
    return (struct wj_slot){*temp, 0};
}

static void op_global(struct jit *j, const struct wj_op *op)
{
    enum wj_num num = num_of(j->module->globals[op->index].type.type);
    wj_reg temp;
    if (op->sub == GLOBAL_GET) {
        struct wj_slot slot = global_slot(j, op->index, &temp);
        if (temp != WJ_REG_NONE) {
            reg_free(j, temp);
        }
        wj_reg d = dest_reg(j, op, num_is_vec(num));
        masm_load_slot(&j->m, num, d, slot);
        push_reg(j, num, d);
        return;
    }
    struct value *v = stack_pop(j);
    if (v->kind == VALUE_CONST && num != NUM_V128) {
        struct wj_slot slot = global_slot(j, op->index, &temp);
        masm_store_slot_imm(&j->m, num, v->bits, slot);
    } else {
        wj_reg reg = value_reg(j, v);
        struct wj_slot slot = global_slot(j, op->index, &temp);
        masm_store_slot(&j->m, num, reg, slot);
        value_release(j, v);
    }
    if (temp != WJ_REG_NONE) {
        reg_free(j, temp);
    }
}

#endif
