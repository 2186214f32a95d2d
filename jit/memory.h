// Linear memory: loads, stores, bounds where no guard region checks them, bulk operations.
#ifndef JIT_MEMORY_H
#define JIT_MEMORY_H

#include "jit/numeric.h"
#include "jit/tables.h"

static bool memory_is_64(const struct jit *j, uint32_t memory)
{
    return j->module->memories[memory].type.limits.is_64;
}

// Accesses to the memory compare with its size: memories of 64-bit addresses, of other page sizes,
// and all of them when the engine has no guard regions.
static bool memory_is_explicit(const struct wj_compile_request *request, uint32_t memory)
{
    const struct wj_memory_type *type = &request->module->memories[memory].type;
    return request->settings.explicit_bounds || type->limits.is_64 || type->page_size_log2 != 16;
}

// The width in bytes of an access, as a power of two.
static unsigned load_width_log2(enum wj_load_op op)
{
    static const uint8_t widths[] = {
        [LOAD_I32] = 2,           [LOAD_I64] = 3,           [LOAD_F32] = 2,
        [LOAD_F64] = 3,           [LOAD_I32_8_S] = 0,       [LOAD_I32_8_U] = 0,
        [LOAD_I32_16_S] = 1,      [LOAD_I32_16_U] = 1,      [LOAD_I64_8_S] = 0,
        [LOAD_I64_8_U] = 0,       [LOAD_I64_16_S] = 1,      [LOAD_I64_16_U] = 1,
        [LOAD_I64_32_S] = 2,      [LOAD_I64_32_U] = 2,      [LOAD_V128] = 4,
        [LOAD_V128_8X8_S] = 3,    [LOAD_V128_8X8_U] = 3,    [LOAD_V128_16X4_S] = 3,
        [LOAD_V128_16X4_U] = 3,   [LOAD_V128_32X2_S] = 3,   [LOAD_V128_32X2_U] = 3,
        [LOAD_V128_8_SPLAT] = 0,  [LOAD_V128_16_SPLAT] = 1, [LOAD_V128_32_SPLAT] = 2,
        [LOAD_V128_64_SPLAT] = 3, [LOAD_V128_32_ZERO] = 2,  [LOAD_V128_64_ZERO] = 3,
    };
    return widths[op];
}

static unsigned store_width_log2(enum wj_store_op op)
{
    static const uint8_t widths[] = {
        [STORE_I32] = 2,    [STORE_I64] = 3,    [STORE_F32] = 2,   [STORE_F64] = 3,
        [STORE_I32_8] = 0,  [STORE_I32_16] = 1, [STORE_I64_8] = 0, [STORE_I64_16] = 1,
        [STORE_I64_32] = 2, [STORE_V128] = 4,
    };
    return widths[op];
}

static unsigned shape_width_log2(enum wj_shape shape)
{
    static const uint8_t widths[] = {[SHAPE_I8X16] = 0, [SHAPE_I16X8] = 1, [SHAPE_I32X4] = 2,
                                     [SHAPE_I64X2] = 3, [SHAPE_F32X4] = 2, [SHAPE_F64X2] = 3};
    return widths[shape];
}

// The address operand of an access, popped. Registers in it are held until address_release.
struct address {
    struct wj_addr addr;
    struct value *index; // popped
    wj_reg base;         // a scratch register, or WJ_REG_NONE
};

static void address_release(struct jit *j, const struct address *a)
{
    value_release(j, a->index);
    if (a->base != WJ_REG_NONE) {
        reg_free(j, a->base);
    }
}

// Traps unless index + offset + width <= size of the memory, without wrapping.
static void check_bounds(struct jit *j, const struct wj_memarg *memarg, wj_reg index,
                         unsigned width_log2)
{
    uint64_t width = (uint64_t) 1 << width_log2;
    uint64_t extent;
    if (__builtin_add_overflow(memarg->offset, width, &extent)) {
        // Beyond any memory, whatever the index.
        masm_icmp(&j->m, NUM_I64, index, index);
        masm_trap_if(&j->m, COND_EQ, WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
        return;
    }
    wj_reg end = reg_alloc(j, false);
    wj_reg memory = reg_alloc(j, false);
    masm_mov_imm(&j->m, NUM_I64, end, extent);
    masm_ibin(&j->m, IBIN_ADD, NUM_I64, end, end, index);
    if (memory_is_64(j, memarg->memory)) {
        masm_icmp(&j->m, NUM_I64, end, index); // a wrap leaves the sum below its terms
        masm_trap_if(&j->m, COND_LT_U, WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    struct wj_slot object = {MASM_INST,
                             (int32_t) (j->request->layout.memories + 8 * memarg->memory)};
    masm_load_slot(&j->m, NUM_I64, memory, object);
    masm_icmp_slot(&j->m, NUM_I64, end,
                   (struct wj_slot){memory, offsetof(struct wj_memory, size_bytes)});
    masm_trap_if(&j->m, COND_GT_U, WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
    reg_free(j, end);
    reg_free(j, memory);
}

// An address in another memory than the first, or of an access that compares with the size.
static __attribute__((noinline)) struct address
pop_address_slow(struct jit *j, const struct wj_memarg *memarg, unsigned width_log2)
{
    struct address a = {.base = WJ_REG_NONE};
    a.index = stack_pop(j);
    a.addr.base = MASM_MEMBASE;
    a.addr.index = WJ_REG_NONE;
    a.addr.offset = memarg->offset;
    bool is_explicit = memarg->memory == 0 ? j->memory0_is_explicit
                                           : memory_is_explicit(j->request, memarg->memory);
    if (is_const(a.index) && !is_explicit) {
        a.addr.offset += a.index->bits; // both below 2^32
    } else {
        a.addr.index = value_reg(j, a.index);
    }
    if (is_explicit) {
        check_bounds(j, memarg, a.addr.index, width_log2);
    }
    if (memarg->memory != 0) {
        a.base = reg_alloc(j, false);
        struct wj_slot object = {MASM_INST,
                                 (int32_t) (j->request->layout.memories + 8 * memarg->memory)};
        masm_load_slot(&j->m, NUM_I64, a.base, object);
        masm_load_slot(&j->m, NUM_I64, a.base,
                       (struct wj_slot){a.base, offsetof(struct wj_memory, base)});
        a.addr.base = a.base;
    }
    return a;
}

// Pops the address of an access. The fast case, memory 0 with guard regions, makes no code.
static inline __attribute__((always_inline)) struct address
pop_address(struct jit *j, const struct wj_memarg *memarg, unsigned width_log2)
{
    if (__builtin_expect(memarg->memory != 0 || j->memory0_is_explicit, 0)) {
        return pop_address_slow(j, memarg, width_log2);
    }
    struct address a = {.base = WJ_REG_NONE};
    a.index = stack_pop(j);
    a.addr.base = MASM_MEMBASE;
    a.addr.index = WJ_REG_NONE;
    a.addr.offset = memarg->offset;
    if (is_const(a.index)) {
        a.addr.offset += a.index->bits; // both below 2^32
    } else {
        a.addr.index = value_reg(j, a.index);
    }
    return a;
}

// The operation after a load takes it as its right operand from memory.
JIT_INLINE bool next_takes_addr(enum wj_load_op load, uint8_t next)
{
    switch (load) {
    case LOAD_I32: // i32.eq .. i32.ge_u, add, sub, mul, and, or, xor
        return (next >= 0x46 && next <= 0x4f) || (next >= 0x6a && next <= 0x6c) ||
               (next >= 0x71 && next <= 0x73);
    case LOAD_I64:
        return (next >= 0x51 && next <= 0x5a) || (next >= 0x7c && next <= 0x7e) ||
               (next >= 0x83 && next <= 0x85);
    case LOAD_F32: // add, sub, mul, div
        return next >= 0x92 && next <= 0x95;
    case LOAD_F64: return next >= 0xa0 && next <= 0xa3;
    default: return false;
    }
}

JIT_INLINE void load_into_stack(struct jit *j, const struct wj_op *op, enum wj_load_op load,
                                enum wj_num num)
{
    struct address a = pop_address(j, &op->memarg, load_width_log2(load));
    if (MASM_HAS_MEM_OPERANDS && next_takes_addr(load, op->next[0]) && a.base == WJ_REG_NONE &&
        j->depth > 0 &&
        (a.addr.index == WJ_REG_NONE || a.index->kind == VALUE_LOCAL ||
         a.index->kind == VALUE_REG)) {
        struct value *v = stack_push(j, VALUE_ADDRESS, num);
        v->reg = a.addr.index;
        v->aux = (uint8_t) load;
        v->bits = a.addr.offset;
        return;
    }
    wj_reg hint = dest_hint(j, op, num_is_vec(num));
    address_release(j, &a);
    wj_reg d = hint != WJ_REG_NONE ? hint : reg_alloc(j, num_is_vec(num));
    masm_load(&j->m, load, d, a.addr);
    push_reg(j, num, d);
}

JIT_NOINLINE void op_load_any(struct jit *j, const struct wj_op *op)
{
    load_into_stack(j, op, (enum wj_load_op) op->sub, (enum wj_num) op->type);
}

JIT_NOINLINE void op_load_i32(struct jit *j, const struct wj_op *op)
{
    load_into_stack(j, op, LOAD_I32, NUM_I32);
}

JIT_INLINE void op_load(struct jit *j, const struct wj_op *op)
{
    if (op->sub == LOAD_I32) {
        op_load_i32(j, op);
    } else {
        op_load_any(j, op);
    }
}

JIT_INLINE void store_from_stack(struct jit *j, const struct wj_op *op, enum wj_store_op store)
{
    struct value *v = stack_pop(j);
    bool imm = is_const(v) && !num_is_vec((enum wj_num) v->num);
    wj_reg reg = imm ? WJ_REG_NONE : value_reg(j, v);
    struct address a = pop_address(j, &op->memarg, store_width_log2(store));
    if (imm) {
        masm_store_imm(&j->m, store, v->bits, a.addr);
    } else {
        masm_store(&j->m, store, reg, a.addr);
    }
    address_release(j, &a);
    value_release(j, v);
}

JIT_NOINLINE void op_store_any(struct jit *j, const struct wj_op *op)
{
    store_from_stack(j, op, (enum wj_store_op) op->sub);
}

JIT_NOINLINE void op_store_i32(struct jit *j, const struct wj_op *op)
{
    store_from_stack(j, op, STORE_I32);
}

JIT_INLINE void op_store(struct jit *j, const struct wj_op *op)
{
    if (op->sub == STORE_I32) {
        op_store_i32(j, op);
    } else {
        op_store_any(j, op);
    }
}

JIT_COLD void op_load_lane(struct jit *j, const struct wj_op *op)
{
    enum wj_shape shape = (enum wj_shape) op->type;
    struct value *v = stack_pop(j);
    wj_reg reg = value_reg(j, v);
    struct address a = pop_address(j, &op->memarg, shape_width_log2(shape));
    wj_reg d = dest_replacing(j, op, true, v, NULL);
    masm_load_lane(&j->m, shape, op->lane, d, reg, a.addr);
    address_release(j, &a);
    push_reg(j, NUM_V128, d);
}

JIT_COLD void op_store_lane(struct jit *j, const struct wj_op *op)
{
    enum wj_shape shape = (enum wj_shape) op->type;
    struct value *v = stack_pop(j);
    wj_reg reg = value_reg(j, v);
    struct address a = pop_address(j, &op->memarg, shape_width_log2(shape));
    masm_store_lane(&j->m, shape, op->lane, reg, a.addr);
    address_release(j, &a);
    value_release(j, v);
}

static void op_memory_size(struct jit *j, const struct wj_op *op)
{
    const struct wj_memory_type *type = &j->module->memories[op->index].type;
    wj_reg d = dest_reg(j, op, false);
    struct wj_slot object = {MASM_INST, (int32_t) (j->request->layout.memories + 8 * op->index)};
    masm_load_slot(&j->m, NUM_I64, d, object);
    masm_load_slot(&j->m, NUM_I64, d, (struct wj_slot){d, offsetof(struct wj_memory, size_bytes)});
    if (type->page_size_log2 != 0) {
        masm_ibin_imm(&j->m, IBIN_SHR_U, NUM_I64, d, d, type->page_size_log2);
    }
    push_reg(j, type->limits.is_64 ? NUM_I64 : NUM_I32, d);
}

JIT_COLD void op_memory(struct jit *j, const struct wj_op *op)
{
    uint64_t pair = (uint64_t) op->index << 32 | op->index2;
    switch ((enum wj_memory_op) op->sub) {
    case MEMORY_SIZE: op_memory_size(j, op); return;
    case MEMORY_GROW:
        insert_const(j, 1, op->index);
        emit_libcall(j, WJ_LIBCALL_memory_grow, 2, true,
                     memory_is_64(j, op->index) ? NUM_I64 : NUM_I32);
        return;
    case MEMORY_FILL:
        insert_const(j, 3, op->index);
        emit_libcall(j, WJ_LIBCALL_memory_fill, 4, false, NUM_I32);
        return;
    case MEMORY_COPY:
        insert_const(j, 3, pair);
        emit_libcall(j, WJ_LIBCALL_memory_copy, 4, false, NUM_I32);
        return;
    case MEMORY_INIT:
        insert_const(j, 3, pair);
        emit_libcall(j, WJ_LIBCALL_memory_init, 4, false, NUM_I32);
        return;
    case DATA_DROP:
        insert_const(j, 0, op->index);
        emit_libcall(j, WJ_LIBCALL_data_drop, 1, false, NUM_I32);
        return;
    }
}

#endif
