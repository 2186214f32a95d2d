// Shorthands for operations on 32-bit words, which most lowerings are made of.
#ifndef SPIRV_U32_H
#define SPIRV_U32_H

#include "spirv/translate.h"

static inline uint32_t u32_const(struct wj_spv_translator *t, uint32_t value)
{
    return wj_spv_const_u32(&t->b, value);
}

static inline uint32_t u32_op(struct wj_spv_translator *t, SpvOp op, uint32_t a, uint32_t b)
{
    return WJ_SPV_OP(&t->b, op, t->types[REPR_U32], a, b);
}

static inline uint32_t u32_test(struct wj_spv_translator *t, SpvOp op, uint32_t a, uint32_t b)
{
    return WJ_SPV_OP(&t->b, op, t->types[REPR_BOOL], a, b);
}

static inline uint32_t u32_choose(struct wj_spv_translator *t, uint32_t condition, uint32_t yes,
                                  uint32_t no)
{
    return WJ_SPV_OP(&t->b, SpvOpSelect, t->types[REPR_U32], condition, yes, no);
}

#endif
