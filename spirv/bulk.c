// memory.fill and memory.copy: functions with a loop, by words where everything is aligned, made at
// the end when they were called.
#include "spirv/u32.h"

// [address, address + count) leaves memory, which may be of 4 GiB.
static uint32_t is_outside(struct wj_spv_translator *t, uint32_t address, uint32_t count)
{
    const uint32_t bool_type = t->types[REPR_BOOL];
    const uint32_t zero = u32_const(t, 0);
    const uint32_t behind = u32_test(t, SpvOpUGreaterThan, address, t->m->bytes_low);
    const uint32_t left = u32_op(t, SpvOpISub, t->m->bytes_low, address);
    const uint32_t longer = u32_test(t, SpvOpUGreaterThan, count, left);
    const uint32_t usual = WJ_SPV_OP(&t->b, SpvOpLogicalOr, bool_type, behind, longer);
    const uint32_t has_start = u32_test(t, SpvOpINotEqual, address, zero);
    const uint32_t beyond =
        u32_test(t, SpvOpUGreaterThan, count, u32_op(t, SpvOpISub, zero, address));
    const uint32_t full = WJ_SPV_OP(&t->b, SpvOpLogicalAnd, bool_type, has_start, beyond);
    const uint32_t is_full = u32_test(t, SpvOpINotEqual, t->m->bytes_high, zero);
    return WJ_SPV_OP(&t->b, SpvOpSelect, bool_type, is_full, full, usual);
}

// In 32 bits. *is_beyond: whether this one or one before has more, a bool, or 0 for never.
static uint32_t pop_address(struct wj_spv_translator *t, bool is_64, uint32_t *is_beyond)
{
    const struct wj_spv_value value = wj_spv_pop(t);
    if (!is_64) {
        return wj_spv_as(t, value, REPR_U32);
    }
    uint32_t is_more;
    const uint32_t low = wj_spv_narrow(t, wj_spv_as(t, value, REPR_U64), &is_more);
    *is_beyond = *is_beyond == 0
                     ? is_more
                     : WJ_SPV_OP(&t->b, SpvOpLogicalOr, t->types[REPR_BOOL], *is_beyond, is_more);
    return low;
}

bool wj_spv_bulk(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const bool is_copy = op->sub == MEMORY_COPY;
    // The one that is written, and that is read.
    if ((is_copy && !wj_spv_use_memory(t, op, op->index2)) ||
        !wj_spv_use_memory(t, op, op->index)) {
        return false;
    }
    struct wj_spv_memory *target = t->m;
    wj_spv_use_memory(t, op, is_copy ? op->index2 : op->index);
    struct wj_spv_memory *source = t->m;
    wj_spv_effect(t);
    t->has_memory = true;
    t->has_loops = true;
    t->load_count++;
    t->loop_count++;        // passed by once in each call
    uint32_t is_beyond = 0; // an address or the count has more than 32 bits
    uint32_t count = pop_address(t, target->is_64 && source->is_64, &is_beyond);
    const uint32_t from = pop_address(t, is_copy && source->is_64, &is_beyond); // or the byte
    const uint32_t to = pop_address(t, target->is_64, &is_beyond);
    if (is_beyond != 0) {
        wj_spv_trap_if(t, op, is_beyond, WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    t->m = target;
    wj_spv_trap_if(t, op, is_outside(t, to, count), WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
    if (is_copy) {
        t->m = source;
        wj_spv_trap_if(t, op, is_outside(t, from, count), WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    const uint32_t stop = WJ_SPV_OP(b, SpvOpLoad, t->types[REPR_U32], t->stop);
    const uint32_t zero = u32_const(t, 0);
    count = wj_spv_select(t, REPR_U32, u32_test(t, SpvOpIEqual, stop, zero), count, zero);
    uint32_t *helper = is_copy ? &target->copies[source - t->memories] : &target->fill;
    if (*helper == 0) {
        *helper = wj_spv_id(b);
    }
    WJ_SPV_OP(b, SpvOpFunctionCall, wj_spv_type_void(b), *helper, to, from, count);
    return true;
}

// Pays for all iterations at once; what cannot be paid for is not done, and the item stops.
static uint32_t pay(struct wj_spv_translator *t, uint32_t rounds)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t fuel = WJ_SPV_OP(b, SpvOpLoad, u32, t->fuel);
    const uint32_t is_short = u32_test(t, SpvOpULessThan, fuel, rounds);
    const uint32_t zero = u32_const(t, 0);
    const uint32_t left = u32_op(t, SpvOpISub, fuel, rounds);
    WJ_SPV_DO(b, SpvOpStore, t->fuel, wj_spv_select(t, REPR_U32, is_short, zero, left));
    const uint32_t stop = WJ_SPV_OP(b, SpvOpLoad, u32, t->stop);
    const uint32_t site = u32_const(t, (uint32_t) WJ_TRAP_INTERRUPTED << 28);
    WJ_SPV_DO(b, SpvOpStore, t->stop, wj_spv_select(t, REPR_U32, is_short, site, stop));
    return wj_spv_select(t, REPR_U32, is_short, zero, rounds);
}

// One round: a word or a byte, at `offset` from both addresses. `source` NULL: it is no copy.
static void move(struct wj_spv_translator *t, struct wj_spv_memory *source,
                 const uint32_t params[3], uint32_t offset, uint32_t is_words)
{
    struct wj_spv_memory *target = t->m;
    const bool is_copy = source != NULL;
    struct wj_spv_builder *b = &t->b;
    const uint32_t to = u32_op(t, SpvOpIAdd, params[0], offset);
    const uint32_t words = wj_spv_id(b), bytes = wj_spv_id(b), merge = wj_spv_id(b);
    uint32_t value = params[1];
    if (is_copy) {
        const uint32_t from = u32_op(t, SpvOpIAdd, params[1], offset);
        t->m = source;
        value = wj_spv_load_word_at(t, from);
        t->m = target;
        const uint32_t three = u32_const(t, 3);
        const uint32_t byte = u32_op(t, SpvOpBitwiseAnd, from, three);
        const uint32_t shift = u32_op(t, SpvOpShiftLeftLogical, byte, three);
        value = u32_op(t, SpvOpShiftRightLogical, value, shift); // 0 for words
    }
    wj_spv_selection(b, merge);
    wj_spv_branch_if(b, is_words, words, bytes);
    wj_spv_label(b, words);
    uint32_t word = value;
    if (!is_copy) {
        const uint32_t byte = u32_op(t, SpvOpBitwiseAnd, value, u32_const(t, 0xff));
        word = u32_op(t, SpvOpIMul, byte, u32_const(t, 0x01010101));
    }
    wj_spv_store_word_at(t, to, word);
    wj_spv_branch(b, merge);
    wj_spv_label(b, bytes);
    wj_spv_store_byte_at(t, to, value);
    wj_spv_branch(b, merge);
    wj_spv_label(b, merge);
}

// In the memory t->m.
static void make_helper(struct wj_spv_translator *t, uint32_t id, struct wj_spv_memory *source)
{
    const bool is_copy = source != NULL;
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t void_type = wj_spv_type_void(b);
    const uint32_t type = wj_spv_type(b, SpvOpTypeFunction, WJ_SPV_ARGS(void_type, u32, u32, u32));
    uint32_t params[3];
    wj_spv_function_begin(b, id, type, void_type);
    for (unsigned i = 0; i < 3; i++) {
        params[i] = wj_spv_function_parameter(b, u32);
    }
    const uint32_t zero = u32_const(t, 0);
    uint32_t all = u32_op(t, SpvOpBitwiseOr, params[0], params[2]);
    if (is_copy) {
        all = u32_op(t, SpvOpBitwiseOr, all, params[1]);
    }
    const uint32_t is_words =
        u32_test(t, SpvOpIEqual, u32_op(t, SpvOpBitwiseAnd, all, u32_const(t, 3)), zero);
    const uint32_t log2 = wj_spv_select(t, REPR_U32, is_words, u32_const(t, 2), zero);
    const uint32_t rounds = pay(t, u32_op(t, SpvOpShiftRightLogical, params[2], log2));
    const uint32_t variable = wj_spv_function_variable(b, u32);
    WJ_SPV_DO(b, SpvOpStore, variable, zero);
    const uint32_t header = wj_spv_id(b), check = wj_spv_id(b), body = wj_spv_id(b);
    const uint32_t next = wj_spv_id(b), merge = wj_spv_id(b);
    wj_spv_branch(b, header);
    wj_spv_label(b, header);
    WJ_SPV_DO(b, SpvOpLoopMerge, merge, next, SpvLoopControlMaskNone);
    wj_spv_branch(b, check);
    wj_spv_label(b, check);
    const uint32_t i = WJ_SPV_OP(b, SpvOpLoad, u32, variable);
    wj_spv_branch_if(b, u32_test(t, SpvOpULessThan, i, rounds), body, merge);
    wj_spv_label(b, body);
    uint32_t at = i;
    if (is_copy) {
        // Backwards where forwards would overtake what is still to be read.
        const uint32_t is_up = u32_test(t, SpvOpULessThanEqual, params[0], params[1]);
        const uint32_t last = u32_op(t, SpvOpISub, rounds, u32_const(t, 1));
        at = wj_spv_select(t, REPR_U32, is_up, i, u32_op(t, SpvOpISub, last, i));
    }
    move(t, source, params, u32_op(t, SpvOpShiftLeftLogical, at, log2), is_words);
    wj_spv_branch(b, next);
    wj_spv_label(b, next);
    WJ_SPV_DO(b, SpvOpStore, variable, u32_op(t, SpvOpIAdd, i, u32_const(t, 1)));
    wj_spv_branch(b, header);
    wj_spv_label(b, merge);
    wj_spv_raw(&b->body, SpvOpReturn, NULL, 0);
    b->is_terminated = true;
    wj_spv_function_end(b);
}

void wj_spv_bulk_helpers(struct wj_spv_translator *t)
{
    for (uint32_t slot = 0; slot < t->memory_count; slot++) {
        struct wj_spv_memory *target = &t->memories[slot];
        t->m = target;
        if (target->fill != 0) {
            make_helper(t, target->fill, NULL);
        }
        for (uint32_t from = 0; from < t->memory_count; from++) {
            if (target->copies[from] != 0) {
                make_helper(t, target->copies[from], &t->memories[from]);
            }
        }
    }
}
