// Atomic accesses: sequentially consistent, trapping when unaligned.
#ifndef JIT_ATOMICS_H
#define JIT_ATOMICS_H

#include "jit/memory.h"

static struct address pop_aligned_address(struct jit *j, const struct wj_memarg *memarg,
                                          unsigned width_log2)
{
    struct address a = pop_address(j, memarg, width_log2);
    if (width_log2 != 0) {
        masm_addr_check_align(&j->m, a.addr, width_log2);
    }
    return a;
}

JIT_COLD void op_atomic_load(struct jit *j, const struct wj_op *op)
{
    enum wj_load_op load = (enum wj_load_op) op->sub;
    struct address a = pop_aligned_address(j, &op->memarg, load_width_log2(load));
    wj_reg d = reg_alloc(j, false);
    masm_atomic_load(&j->m, load, d, a.addr);
    address_release(j, &a);
    push_reg(j, (enum wj_num) op->type, d);
}

JIT_COLD void op_atomic_store(struct jit *j, const struct wj_op *op)
{
    enum wj_store_op store = (enum wj_store_op) op->sub;
    struct value *v = stack_pop(j);
    wj_reg reg = value_own(j, v); // an exchange may write it
    struct address a = pop_aligned_address(j, &op->memarg, store_width_log2(store));
    masm_atomic_store(&j->m, store, reg, a.addr);
    address_release(j, &a);
    value_release(j, v);
}

// Takes the register that atomic loops return the old value in. The popped operands move out, and
// so does the base of a memory that is not pinned.
static wj_reg claim_atomic_result(struct jit *j, struct value *operands[], uint32_t count,
                                  struct address *a)
{
#if MASM_CMPXCHG_FIXED
    bool held = false;
    if (a->base == MASM_CMPXCHG_REG) {
        a->base = a->addr.base = reg_alloc(j, false);
        masm_mov(&j->m, NUM_I64, a->base, MASM_CMPXCHG_REG);
        held = true;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct value *v = operands[i];
        if (v->kind == VALUE_REG && v->reg == MASM_CMPXCHG_REG) {
            wj_reg other = reg_alloc(j, false);
            masm_mov(&j->m, (enum wj_num) v->num, other, v->reg);
            v->reg = other;
            held = true;
        }
    }
    if (!held) {
        reg_claim(j, MASM_CMPXCHG_REG);
    }
    return MASM_CMPXCHG_REG;
#else
    (void) operands;
    (void) count;
    (void) a;
    return reg_alloc(j, false);
#endif
}

JIT_COLD void op_atomic_rmw(struct jit *j, const struct wj_op *op)
{
    enum wj_num num = (enum wj_num) op->type;
    bool is_cmpxchg = op->sub == RMW_CMPXCHG;
    struct value none = {.kind = VALUE_CONST, .reg = WJ_REG_NONE};
    struct value *replacement = &none;
    if (is_cmpxchg) {
        replacement = stack_pop(j);
        value_reg(j, replacement);
    }
    struct value *operand = stack_pop(j);
    value_reg(j, operand);
    struct address a = pop_aligned_address(j, &op->memarg, op->width_log2);
    struct value *held[] = {operand, replacement, a.index};
    wj_reg d = claim_atomic_result(j, held, 3, &a);
    if (a.addr.index != WJ_REG_NONE) {
        a.addr.index = a.index->reg;
    }
    if (is_cmpxchg) {
        masm_atomic_cmpxchg(&j->m, num, op->width_log2, d, operand->reg, replacement->reg, a.addr);
        value_release(j, replacement);
    } else {
        masm_atomic_rmw(&j->m, (enum wj_rmw) op->sub, num, op->width_log2, d, operand->reg, a.addr);
    }
    address_release(j, &a);
    value_release(j, operand);
    push_reg(j, num, d);
}

// Adds the offset to the address at stack position `position`, in 64 bits.
static void add_offset(struct jit *j, uint32_t position, const struct wj_memarg *memarg)
{
    if (memarg->offset == 0) {
        return;
    }
    struct value *v = &j->stack[position];
    wj_reg reg = reg_alloc(j, false); // which may spill the value itself
    value_into(j, v, reg);
    masm_ibin_imm(&j->m, IBIN_ADD, NUM_I64, reg, reg, (int64_t) memarg->offset);
    if (memory_is_64(j, memarg->memory)) {
        wj_reg offset = reg_alloc(j, false);
        masm_mov_imm(&j->m, NUM_I64, offset, memarg->offset);
        masm_icmp(&j->m, NUM_I64, reg, offset); // a wrap leaves the sum below its terms
        masm_trap_if(&j->m, COND_LT_U, WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
        reg_free(j, offset);
    }
    if (v->kind == VALUE_LOCAL) {
        j->locals[v->local].aliases--;
    } else if (v->kind == VALUE_REG) {
        reg_free(j, v->reg);
    }
    v->kind = VALUE_REG;
    v->num = NUM_I64;
    v->reg = reg;
    if (position < j->settled) {
        j->settled = position;
    }
    if (position < j->first_reg[0]) {
        j->first_reg[0] = position;
    }
}

JIT_COLD void op_atomic_other(struct jit *j, const struct wj_op *op)
{
    if (op->sub == ATOMIC_FENCE) {
        masm_fence(&j->m);
        return;
    }
    uint32_t count = op->sub == ATOMIC_NOTIFY ? 2 : 3;
    add_offset(j, j->depth - count, &op->memarg);
    insert_const(j, count, op->memarg.memory);
    enum wj_libcall which = op->sub == ATOMIC_NOTIFY   ? WJ_LIBCALL_atomic_notify
                            : op->sub == ATOMIC_WAIT32 ? WJ_LIBCALL_atomic_wait32
                                                       : WJ_LIBCALL_atomic_wait64;
    emit_libcall(j, which, count + 1, true, NUM_I32);
}

#endif
