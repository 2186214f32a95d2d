// Linear memory as the shader sees it: arrays of words, vectors, bytes and pairs in one bound
// buffer, or, of memories that no binding takes, elements at device addresses. Nothing here checks:
// what comes in has been found to lie in memory.
#include "spirv/u32.h"

static const uint8_t element_log2[WJ_SPV_VIEWS] = {
    [VIEW_WORDS] = 2, [VIEW_VECTORS] = 4, [VIEW_BYTES] = 0, [VIEW_PAIRS] = 3};

static void decorate(struct wj_spv_builder *b, uint32_t id, SpvDecoration decoration)
{
    WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpDecorate, id, (uint32_t) decoration);
}

// A block that holds one runtime array, at binding 0 of set 0.
static void bind(struct wj_spv_translator *t, struct wj_spv_view *view, uint32_t element,
                 uint32_t stride)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t array = wj_spv_type(b, SpvOpTypeRuntimeArray, WJ_SPV_ARGS(element));
    view->block = wj_spv_type(b, SpvOpTypeStruct, WJ_SPV_ARGS(array));
    WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpDecorate, array, SpvDecorationArrayStride, stride);
    const uint32_t type = wj_spv_type_pointer(b, SpvStorageClassStorageBuffer, view->block);
    view->variable = wj_spv_id(b);
    WJ_SPV_IN(b, WJ_SPV_GLOBALS, SpvOpVariable, type, view->variable, SpvStorageClassStorageBuffer);
    WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpDecorate, view->variable, SpvDecorationDescriptorSet, 0);
    WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpDecorate, view->variable, SpvDecorationBinding, 0);
    decorate(b, view->variable, SpvDecorationAliased);
    view->pointer = wj_spv_type_pointer(b, SpvStorageClassStorageBuffer, element);
}

void wj_spv_view_make(struct wj_spv_translator *t, enum wj_spv_view_kind kind, uint32_t element)
{
    struct wj_spv_builder *b = &t->b;
    struct wj_spv_view *view = &t->views[kind];
    if (!t->uses_addresses) {
        bind(t, view, element, 1u << element_log2[kind]);
    } else {
        const SpvStorageClass class = SpvStorageClassPhysicalStorageBuffer;
        view->block = wj_spv_type(b, SpvOpTypeStruct, WJ_SPV_ARGS(element));
        view->block_pointer = wj_spv_type_pointer(b, class, view->block);
        view->pointer = wj_spv_type_pointer(b, class, element);
    }
    decorate(b, view->block, SpvDecorationBlock);
    WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpMemberDecorate, view->block, 0, SpvDecorationOffset, 0);
}

void wj_spv_view_decorate(struct wj_spv_translator *t, SpvDecoration decoration)
{
    for (unsigned i = 0; i < WJ_SPV_VIEWS; i++) {
        const struct wj_spv_view *view = &t->views[i];
        if (view->variable != 0) {
            decorate(&t->b, view->variable, decoration);
        } else if (view->block != 0) {
            WJ_SPV_IN(&t->b, WJ_SPV_ANNOTATIONS, SpvOpMemberDecorate, view->block, 0,
                      (uint32_t) decoration);
        }
    }
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
    const struct wj_spv_view *view = &t->views[kind];
    const uint32_t zero = u32_const(t, 0);
    if (!t->uses_addresses) {
        return WJ_SPV_OP(b, SpvOpAccessChain, view->pointer, view->variable, zero, index);
    }
    const uint32_t u64 = t->types[REPR_U64];
    const uint32_t words[2] = {load_push(t, WJ_SPV_PUSH_ADDRESS),
                               load_push(t, WJ_SPV_PUSH_ADDRESS + 1)};
    const uint32_t wide = WJ_SPV_OP(b, SpvOpUConvert, u64, index);
    const uint32_t offset =
        WJ_SPV_OP(b, SpvOpShiftLeftLogical, u64, wide, wj_spv_const_u64(b, element_log2[kind]));
    const uint32_t address = WJ_SPV_OP(b, SpvOpIAdd, u64, wj_spv_join64(t, words), offset);
    const uint32_t block = WJ_SPV_OP(b, SpvOpConvertUToPtr, view->block_pointer, address);
    return WJ_SPV_OP(b, SpvOpAccessChain, view->pointer, block, zero);
}

uint32_t wj_spv_view_read(struct wj_spv_translator *t, enum wj_spv_view_kind kind, uint32_t type,
                          uint32_t pointer)
{
    if (!t->uses_addresses) {
        return WJ_SPV_OP(&t->b, SpvOpLoad, type, pointer);
    }
    return WJ_SPV_OP(&t->b, SpvOpLoad, type, pointer, SpvMemoryAccessAlignedMask,
                     1u << element_log2[kind]);
}

void wj_spv_view_write(struct wj_spv_translator *t, enum wj_spv_view_kind kind, uint32_t pointer,
                       uint32_t value)
{
    if (!t->uses_addresses) {
        WJ_SPV_DO(&t->b, SpvOpStore, pointer, value);
        return;
    }
    WJ_SPV_DO(&t->b, SpvOpStore, pointer, value, SpvMemoryAccessAlignedMask,
              1u << element_log2[kind]);
}
