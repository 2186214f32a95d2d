// Linear memories as the shader sees them: arrays of words, vectors, bytes and pairs in a bound
// buffer each, or, of memories that no binding takes, elements at device addresses. Nothing here
// checks: what comes in has been found to lie in memory. Accesses go to the memory t->m.
#include "spirv/u32.h"

static const uint8_t element_log2[WJ_SPV_VIEWS] = {
    [VIEW_WORDS] = 2, [VIEW_VECTORS] = 4, [VIEW_BYTES] = 0, [VIEW_PAIRS] = 3};

static void decorate(struct wj_spv_builder *b, uint32_t id, SpvDecoration decoration)
{
    WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpDecorate, id, (uint32_t) decoration);
}

// Blocks of one runtime array, or of an element at an address.
static struct wj_spv_view_type *type_of(struct wj_spv_translator *t, enum wj_spv_view_kind kind)
{
    struct wj_spv_builder *b = &t->b;
    struct wj_spv_view_type *type = &t->view_types[t->m->is_far][kind];
    const SpvStorageClass class =
        t->m->is_far ? SpvStorageClassPhysicalStorageBuffer : SpvStorageClassStorageBuffer;
    const uint32_t element = t->elements[kind];
    if (type->block == 0) {
        const uint32_t member =
            t->m->is_far ? element : wj_spv_type(b, SpvOpTypeRuntimeArray, WJ_SPV_ARGS(element));
        type->block = wj_spv_type(b, SpvOpTypeStruct, WJ_SPV_ARGS(member));
        type->block_pointer = wj_spv_type_pointer(b, class, type->block);
        type->pointer = wj_spv_type_pointer(b, class, element);
    }
    return type;
}

// A bound memory is at binding 0 of the set of its slot.
static uint32_t variable_of(struct wj_spv_translator *t, enum wj_spv_view_kind kind)
{
    uint32_t *variable = &t->m->variables[kind];
    if (*variable == 0) {
        *variable = wj_spv_id(&t->b);
    }
    return *variable;
}

static void finish_type(struct wj_spv_translator *t, enum wj_spv_view_kind kind, bool is_far)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t block = t->view_types[is_far][kind].block;
    if (block == 0) {
        return;
    }
    if (!is_far) {
        const uint32_t array =
            wj_spv_type(b, SpvOpTypeRuntimeArray, WJ_SPV_ARGS(t->elements[kind]));
        WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpDecorate, array, SpvDecorationArrayStride,
                  1u << element_log2[kind]);
    }
    decorate(b, block, SpvDecorationBlock);
    WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpMemberDecorate, block, 0, SpvDecorationOffset, 0);
}

static void finish_variable(struct wj_spv_translator *t, uint32_t slot, enum wj_spv_view_kind kind)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t id = t->memories[slot].variables[kind];
    if (id == 0) {
        return;
    }
    WJ_SPV_IN(b, WJ_SPV_GLOBALS, SpvOpVariable, t->view_types[false][kind].block_pointer, id,
              SpvStorageClassStorageBuffer);
    WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpDecorate, id, SpvDecorationDescriptorSet, slot);
    WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpDecorate, id, SpvDecorationBinding, 0);
    decorate(b, id, SpvDecorationAliased); // two memories may be one, too
}

void wj_spv_view_finish(struct wj_spv_translator *t)
{
    for (unsigned kind = 0; kind < WJ_SPV_VIEWS; kind++) {
        finish_type(t, (enum wj_spv_view_kind) kind, false);
        finish_type(t, (enum wj_spv_view_kind) kind, true);
        for (uint32_t slot = 0; slot < t->memory_count; slot++) {
            finish_variable(t, slot, (enum wj_spv_view_kind) kind);
        }
    }
}

void wj_spv_view_decorate(struct wj_spv_translator *t, SpvDecoration decoration)
{
    for (unsigned kind = 0; kind < WJ_SPV_VIEWS; kind++) {
        const uint32_t block = t->view_types[true][kind].block;
        if (block != 0) {
            WJ_SPV_IN(&t->b, WJ_SPV_ANNOTATIONS, SpvOpMemberDecorate, block, 0,
                      (uint32_t) decoration);
        }
        for (uint32_t slot = 0; slot < t->memory_count; slot++) {
            const uint32_t variable = t->memories[slot].variables[kind];
            if (variable != 0) {
                decorate(&t->b, variable, decoration);
            }
        }
    }
}

static struct wj_spv_memory *add_memory(struct wj_spv_translator *t, const struct wj_op *op,
                                        uint32_t index)
{
    const struct wj_memory_type *type = &t->module->memories[index].type;
    const uint64_t bytes_min = type->limits.min << type->page_size_log2;
    const bool is_far = index < 32 && (t->far_memories >> index & 1) != 0;
    if (t->memory_count == t->caps->memories_max || t->memory_count == WJ_GPU_MEMORIES_MAX ||
        index >= 32) {
        wj_spv_refuse(t, op, "memory %u: the device takes %u memories of a kernel", index,
                      t->caps->memories_max);
        return NULL;
    }
    if (bytes_min < 16) {
        wj_spv_refuse(t, op, "memory %u may be empty", index);
        return NULL;
    }
    struct wj_spv_memory *memory = &t->memories[t->memory_count++];
    *memory = (struct wj_spv_memory){
        .index = index, .is_64 = type->limits.is_64, .is_far = is_far, .bytes_min = bytes_min};
    return memory;
}

// The size, in the function's first block.
static void load_size(struct wj_spv_translator *t)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t slot = wj_spv_slot(t);
    const uint32_t member = slot == 0 ? WJ_SPV_PUSH_BYTES : WJ_SPV_PUSH_MORE + 4 * (slot - 1);
    uint32_t words[2];
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t pointer = WJ_SPV_EARLY(b, SpvOpAccessChain, t->push_pointer, t->push,
                                              wj_spv_const_u32(b, member + i));
        words[i] = WJ_SPV_EARLY(b, SpvOpLoad, t->types[REPR_U32], pointer);
    }
    t->m->bytes_low = words[0];
    t->m->bytes_high = words[1];
}

bool wj_spv_use_memory(struct wj_spv_translator *t, const struct wj_op *op, uint32_t index)
{
    uint32_t slot = 0;
    while (slot < t->memory_count && t->memories[slot].index != index) {
        slot++;
    }
    struct wj_spv_memory *memory =
        slot < t->memory_count ? &t->memories[slot] : add_memory(t, op, index);
    if (memory == NULL) {
        return false;
    }
    t->m = memory;
    if (memory->bytes_low == 0) {
        load_size(t);
    }
    return true;
}

static uint32_t load_push(struct wj_spv_translator *t, uint32_t member)
{
    const uint32_t pointer =
        WJ_SPV_OP(&t->b, SpvOpAccessChain, t->push_pointer, t->push, u32_const(t, member));
    return WJ_SPV_OP(&t->b, SpvOpLoad, t->types[REPR_U32], pointer);
}

uint32_t wj_spv_view_pointer(struct wj_spv_translator *t, enum wj_spv_view_kind kind,
                             uint32_t index)
{
    struct wj_spv_builder *b = &t->b;
    const struct wj_spv_view_type *type = type_of(t, kind);
    const uint32_t zero = u32_const(t, 0);
    if (!t->m->is_far) {
        return WJ_SPV_OP(b, SpvOpAccessChain, type->pointer, variable_of(t, kind), zero, index);
    }
    const uint32_t slot = wj_spv_slot(t);
    const uint32_t member = slot == 0 ? WJ_SPV_PUSH_ADDRESS : WJ_SPV_PUSH_MORE + 4 * slot - 2;
    const uint32_t u64 = t->types[REPR_U64];
    uint32_t words[2];
    words[0] = load_push(t, member);
    words[1] = load_push(t, member + 1);
    const uint32_t wide = WJ_SPV_OP(b, SpvOpUConvert, u64, index);
    const uint32_t offset =
        WJ_SPV_OP(b, SpvOpShiftLeftLogical, u64, wide, wj_spv_const_u64(b, element_log2[kind]));
    const uint32_t address = WJ_SPV_OP(b, SpvOpIAdd, u64, wj_spv_join64(t, words), offset);
    const uint32_t block = WJ_SPV_OP(b, SpvOpConvertUToPtr, type->block_pointer, address);
    return WJ_SPV_OP(b, SpvOpAccessChain, type->pointer, block, zero);
}

uint32_t wj_spv_view_read(struct wj_spv_translator *t, enum wj_spv_view_kind kind, uint32_t type,
                          uint32_t pointer)
{
    if (!t->m->is_far) {
        return WJ_SPV_OP(&t->b, SpvOpLoad, type, pointer);
    }
    return WJ_SPV_OP(&t->b, SpvOpLoad, type, pointer, SpvMemoryAccessAlignedMask,
                     1u << element_log2[kind]);
}

void wj_spv_view_write(struct wj_spv_translator *t, enum wj_spv_view_kind kind, uint32_t pointer,
                       uint32_t value)
{
    if (!t->m->is_far) {
        WJ_SPV_DO(&t->b, SpvOpStore, pointer, value);
        return;
    }
    WJ_SPV_DO(&t->b, SpvOpStore, pointer, value, SpvMemoryAccessAlignedMask,
              1u << element_log2[kind]);
}
