// The window: addresses below the dispatching function's frame, which are the item's own (its
// shadow stack, `own`) or its group's (`shared`). They lie in variables of the shader instead of
// memory; each access tells by its address. All is in words.
#include "spirv/u32.h"

enum {
    STACK_BYTES_MAX = 16384, // of one item: more would not stay on the chip
    PUSH_WINDOW = 9,         // member of the push constants
};

bool wj_spv_window_plan(struct wj_spv_translator *t, const struct wj_gpu_shape *shape)
{
    struct wj_spv_window *window = &t->window;
    if (shape->stack_bytes > STACK_BYTES_MAX) {
        return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                          "uses %u bytes of stack, %d is the limit", shape->stack_bytes,
                          STACK_BYTES_MAX);
    }
    if (shape->items > t->caps->workgroup_size_max) {
        return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                          "groups of %u items, the device has at most %u", shape->items,
                          t->caps->workgroup_size_max);
    }
    if (shape->shared_bytes > t->caps->shared_bytes_max) {
        return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                          "%u bytes of shared memory, the device has %u", shape->shared_bytes,
                          t->caps->shared_bytes_max);
    }
    window->stack_bytes = (shape->stack_bytes + 15u) & ~15u;
    window->private_words = (window->stack_bytes + ((shape->own_bytes + 15u) & ~15u)) / 4;
    window->shared_words = ((shape->shared_bytes + 15u) & ~15u) / 4;
    return true;
}

static uint32_t make_array(struct wj_spv_translator *t, SpvStorageClass class, uint32_t words)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t type =
        wj_spv_type(b, SpvOpTypeArray, WJ_SPV_ARGS(t->types[REPR_U32], u32_const(t, words)));
    const uint32_t pointer = wj_spv_type_pointer(b, class, type);
    const uint32_t id = wj_spv_id(b);
    if (class == SpvStorageClassPrivate) {
        // Zeroed: registers may hold what others left there.
        const uint32_t zeros = wj_spv_const_null(b, type);
        WJ_SPV_IN(b, WJ_SPV_GLOBALS, SpvOpVariable, pointer, id, (uint32_t) class, zeros);
    } else {
        WJ_SPV_IN(b, WJ_SPV_GLOBALS, SpvOpVariable, pointer, id, (uint32_t) class);
    }
    return id;
}

void wj_spv_window_declare(struct wj_spv_translator *t)
{
    struct wj_spv_window *window = &t->window;
    if (window->private_words != 0) {
        window->private_array = make_array(t, SpvStorageClassPrivate, window->private_words);
    }
    if (window->shared_words != 0) {
        window->shared_array = make_array(t, SpvStorageClassWorkgroup, window->shared_words);
    }
}

uint32_t wj_spv_window_base(struct wj_spv_translator *t)
{
    const uint32_t pointer =
        WJ_SPV_OP(&t->b, SpvOpAccessChain, t->push_pointer, t->push, u32_const(t, PUSH_WINDOW));
    return WJ_SPV_OP(&t->b, SpvOpLoad, t->types[REPR_U32], pointer);
}

uint32_t wj_spv_private_word(struct wj_spv_translator *t, uint32_t index)
{
    const uint32_t type = wj_spv_type_pointer(&t->b, SpvStorageClassPrivate, t->types[REPR_U32]);
    return WJ_SPV_OP(&t->b, SpvOpAccessChain, type, t->window.private_array, index);
}

// The shadow stack's pointer.

bool wj_spv_window_global(struct wj_spv_translator *t, const struct wj_op *op)
{
    if (op->sub == GLOBAL_SET) {
        WJ_SPV_DO(&t->b, SpvOpStore, t->window.stack_pointer, wj_spv_low(t, wj_spv_pop(t)));
        return true;
    }
    const uint32_t id = WJ_SPV_OP(&t->b, SpvOpLoad, t->types[REPR_U32], t->window.stack_pointer);
    wj_spv_push(t, t->is_64 ? wj_spv_value(wj_spv_resize(t, REPR_U64, id, false), REPR_U64)
                            : wj_spv_value(id, REPR_U32));
    return true;
}

// Accesses by words: functions, made at the end when they were called. Drivers inline them, so each
// counts as a conditional branch (translate.c): 161 of them, to an array of 16 words mostly, took
// Mesa 22.3.6's lavapipe 56 s.

bool wj_spv_has_window(const struct wj_spv_translator *t)
{
    return wj_spv_slot(t) == 0 && t->window.private_words + t->window.shared_words != 0;
}

uint32_t wj_spv_window_load(struct wj_spv_translator *t, uint32_t index)
{
    if (t->window.load == 0) {
        t->window.load = wj_spv_id(&t->b);
    }
    t->window_count++;
    return WJ_SPV_OP(&t->b, SpvOpFunctionCall, t->types[REPR_U32], t->window.load, index);
}

void wj_spv_window_store(struct wj_spv_translator *t, uint32_t index, uint32_t value)
{
    if (t->window.store == 0) {
        t->window.store = wj_spv_id(&t->b);
    }
    t->window_count++;
    WJ_SPV_OP(&t->b, SpvOpFunctionCall, wj_spv_type_void(&t->b), t->window.store, index, value);
}

static uint32_t begin_test(struct wj_spv_translator *t, uint32_t condition, uint32_t *otherwise)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t then = wj_spv_id(b);
    const uint32_t merge = wj_spv_id(b);
    *otherwise = wj_spv_id(b);
    wj_spv_selection(b, merge);
    wj_spv_branch_if(b, condition, then, *otherwise);
    wj_spv_label(b, then);
    return merge;
}

static void at_memory(struct wj_spv_translator *t, const struct wj_spv_work *work, uint32_t index)
{
    const uint32_t pointer = wj_spv_view_pointer(t, VIEW_WORDS, index);
    work->emit(t, work, &(struct wj_spv_where){PLACE_MEMORY, pointer, index});
}

// Tests the parts of the window one after the other.
void wj_spv_at_place(struct wj_spv_translator *t, const struct wj_spv_work *work, uint32_t index)
{
    struct wj_spv_builder *b = &t->b;
    const struct wj_spv_window *window = &t->window;
    const uint32_t u32 = t->types[REPR_U32];
    if (!wj_spv_has_window(t)) {
        at_memory(t, work, index);
        return;
    }
    const uint32_t two = u32_const(t, 2);
    const uint32_t first = u32_op(t, SpvOpShiftRightLogical, wj_spv_window_base(t), two);
    uint32_t at = u32_op(t, SpvOpISub, index, first);
    const uint32_t sizes[2] = {window->private_words, window->shared_words};
    const uint32_t arrays[2] = {window->private_array, window->shared_array};
    uint32_t merges[2] = {0};
    for (unsigned i = 0; i < 2; i++) {
        if (sizes[i] == 0) {
            continue;
        }
        const SpvStorageClass class = i == 0 ? SpvStorageClassPrivate : SpvStorageClassWorkgroup;
        const uint32_t pointer_type = wj_spv_type_pointer(b, class, u32);
        const uint32_t size = u32_const(t, sizes[i]);
        uint32_t otherwise;
        merges[i] =
            begin_test(t, WJ_SPV_OP(b, SpvOpULessThan, t->types[REPR_BOOL], at, size), &otherwise);
        const struct wj_spv_where where = {
            i == 0 ? PLACE_PRIVATE : PLACE_SHARED,
            WJ_SPV_OP(b, SpvOpAccessChain, pointer_type, arrays[i], at),
            at,
        };
        work->emit(t, work, &where);
        wj_spv_branch(b, merges[i]);
        wj_spv_label(b, otherwise);
        at = u32_op(t, SpvOpISub, at, size);
    }
    at_memory(t, work, index);
    for (unsigned i = 2; i-- > 0;) {
        if (merges[i] != 0) {
            wj_spv_branch(b, merges[i]);
            wj_spv_label(b, merges[i]);
        }
    }
}

static void emit_load(struct wj_spv_translator *t, const struct wj_spv_work *work,
                      const struct wj_spv_where *where)
{
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t value = where->place == PLACE_MEMORY
                               ? wj_spv_view_read(t, VIEW_WORDS, u32, where->pointer)
                               : WJ_SPV_OP(&t->b, SpvOpLoad, u32, where->pointer);
    WJ_SPV_DO(&t->b, SpvOpStore, work->result, value);
}

static void emit_store(struct wj_spv_translator *t, const struct wj_spv_work *work,
                       const struct wj_spv_where *where)
{
    if (where->place == PLACE_MEMORY) {
        wj_spv_view_write(t, VIEW_WORDS, where->pointer, work->value);
    } else {
        WJ_SPV_DO(&t->b, SpvOpStore, where->pointer, work->value);
    }
}

// Replaces the bits of `mask`; other items may own the word's other bytes.
static void emit_merge(struct wj_spv_translator *t, const struct wj_spv_work *work,
                       const struct wj_spv_where *where)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t others = WJ_SPV_OP(b, SpvOpNot, u32, work->mask);
    if (where->place == PLACE_PRIVATE) {
        const uint32_t old = WJ_SPV_OP(b, SpvOpLoad, u32, where->pointer);
        const uint32_t kept = u32_op(t, SpvOpBitwiseAnd, old, others);
        WJ_SPV_DO(b, SpvOpStore, where->pointer, u32_op(t, SpvOpBitwiseOr, kept, work->value));
        return;
    }
    if (where->place == PLACE_MEMORY && t->elements[VIEW_BYTES] != 0) {
        wj_spv_store_byte_view(t, work->address, work->byte);
        return;
    }
    const uint32_t scope =
        u32_const(t, where->place == PLACE_SHARED ? SpvScopeWorkgroup : SpvScopeDevice);
    const uint32_t relaxed = u32_const(t, SpvMemorySemanticsMaskNone);
    WJ_SPV_OP(b, SpvOpAtomicAnd, u32, where->pointer, scope, relaxed, others);
    WJ_SPV_OP(b, SpvOpAtomicOr, u32, where->pointer, scope, relaxed, work->value);
}

// The body of the function that stores a byte.
void wj_spv_window_store_byte(struct wj_spv_translator *t, uint32_t address, uint32_t byte)
{
    const uint32_t low = u32_op(t, SpvOpShiftLeftLogical, address, u32_const(t, 3));
    const uint32_t shift = u32_op(t, SpvOpBitwiseAnd, low, u32_const(t, 24));
    const uint32_t bits = u32_op(t, SpvOpBitwiseAnd, byte, u32_const(t, 0xff));
    const uint32_t value = u32_op(t, SpvOpShiftLeftLogical, bits, shift);
    const uint32_t mask = u32_op(t, SpvOpShiftLeftLogical, u32_const(t, 0xff), shift);
    const struct wj_spv_work work = {
        .emit = emit_merge,
        .value = value,
        .mask = mask,
        .address = address,
        .byte = byte,
    };
    wj_spv_at_place(t, &work, u32_op(t, SpvOpShiftRightLogical, address, u32_const(t, 2)));
}

void wj_spv_window_helpers(struct wj_spv_translator *t)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t void_type = wj_spv_type_void(b);
    t->m = &t->memories[0];
    if (t->window.load != 0) {
        const uint32_t type = wj_spv_type(b, SpvOpTypeFunction, WJ_SPV_ARGS(u32, u32));
        wj_spv_function_begin(b, t->window.load, type, u32);
        const uint32_t index = wj_spv_function_parameter(b, u32);
        const struct wj_spv_work work = {.emit = emit_load,
                                         .result = wj_spv_function_variable(b, u32)};
        wj_spv_at_place(t, &work, index);
        WJ_SPV_DO(b, SpvOpReturnValue, WJ_SPV_OP(b, SpvOpLoad, u32, work.result));
        b->is_terminated = true;
        wj_spv_function_end(b);
    }
    if (t->window.store != 0) {
        const uint32_t type = wj_spv_type(b, SpvOpTypeFunction, WJ_SPV_ARGS(void_type, u32, u32));
        wj_spv_function_begin(b, t->window.store, type, void_type);
        const uint32_t index = wj_spv_function_parameter(b, u32);
        const struct wj_spv_work work = {.emit = emit_store,
                                         .value = wj_spv_function_parameter(b, u32)};
        wj_spv_at_place(t, &work, index);
        wj_spv_raw(&b->body, SpvOpReturn, NULL, 0);
        b->is_terminated = true;
        wj_spv_function_end(b);
    }
}
