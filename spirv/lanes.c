// SIMD on lanes of 8 and 16 bits. A word holds four or two; each operation is done on one of them
// in all words at a time, widened to 32 bits, and the results are packed again.
#include "spirv/translate.h"

#include <spirv/unified1/GLSL.std.450.h>

static uint32_t splat(struct wj_spv_translator *t, uint32_t value)
{
    return wj_spv_int(t, REPR_U32X4, value);
}

static uint32_t vec_op(struct wj_spv_translator *t, SpvOp op, uint32_t a, uint32_t b)
{
    return WJ_SPV_OP(&t->b, op, t->types[REPR_U32X4], a, b);
}

static unsigned lane_bits(const struct wj_op *op)
{
    return op->type == SHAPE_I8X16 ? 8 : 16;
}

// Lane `part` of every word, extended.
static uint32_t unpack(struct wj_spv_translator *t, uint32_t a, unsigned bits, unsigned part,
                       bool is_signed)
{
    const unsigned left = 32 - bits * (part + 1);
    const uint32_t high = left == 0 ? a : vec_op(t, SpvOpShiftLeftLogical, a, splat(t, left));
    return vec_op(t, is_signed ? SpvOpShiftRightArithmetic : SpvOpShiftRightLogical, high,
                  splat(t, 32 - bits));
}

static uint32_t pack(struct wj_spv_translator *t, uint32_t packed, uint32_t lane, unsigned bits,
                     unsigned part)
{
    lane = vec_op(t, SpvOpBitwiseAnd, lane, splat(t, (1u << bits) - 1));
    if (part == 0) {
        return lane;
    }
    lane = vec_op(t, SpvOpShiftLeftLogical, lane, splat(t, bits * part));
    return vec_op(t, SpvOpBitwiseOr, packed, lane);
}

static uint32_t choose(struct wj_spv_translator *t, enum wj_icmp cmp, uint32_t a, uint32_t b,
                       uint32_t yes, uint32_t no)
{
    const uint32_t holds = wj_spv_icompare(t, REPR_U32X4, cmp, a, b);
    return WJ_SPV_OP(&t->b, SpvOpSelect, t->types[REPR_U32X4], holds, yes, no);
}

static uint32_t clamp(struct wj_spv_translator *t, uint32_t a, int32_t low, int32_t high)
{
    const uint32_t min = splat(t, (uint32_t) low);
    const uint32_t max = splat(t, (uint32_t) high);
    a = choose(t, ICMP_LT_S, a, min, min, a);
    return choose(t, ICMP_GT_S, a, max, max, a);
}

bool wj_spv_lanes_unary(struct wj_spv_translator *t, const struct wj_op *op)
{
    const unsigned bits = lane_bits(op);
    if ((op->type != SHAPE_I8X16 && op->type != SHAPE_I16X8) ||
        (op->sub != VUN_ABS && op->sub != VUN_NEG && op->sub != VUN_POPCNT)) {
        return wj_spv_refuse(t, op, "this operation on v128 lanes");
    }
    const uint32_t a = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
    uint32_t packed = 0;
    for (unsigned part = 0; part < 32 / bits; part++) {
        const uint32_t x = unpack(t, a, bits, part, op->sub == VUN_ABS);
        uint32_t lane;
        if (op->sub == VUN_POPCNT) {
            lane = wj_spv_popcnt(t, REPR_U32X4, x);
        } else {
            lane = vec_op(t, SpvOpISub, splat(t, 0), x);
            if (op->sub == VUN_ABS) {
                lane = choose(t, ICMP_LT_S, x, splat(t, 0), lane, x);
            }
        }
        packed = pack(t, packed, lane, bits, part);
    }
    wj_spv_push(t, wj_spv_value(packed, REPR_U32X4));
    return true;
}

static bool is_signed_op(enum wj_vbinop sub)
{
    switch (sub) {
    case VBIN_ADD_SAT_S:
    case VBIN_SUB_SAT_S:
    case VBIN_MIN_S:
    case VBIN_MAX_S:
    case VBIN_LT_S:
    case VBIN_GT_S:
    case VBIN_LE_S:
    case VBIN_GE_S:
    case VBIN_Q15MULR_SAT_S:
    case VBIN_RELAXED_Q15MULR_S: return true;
    default: return false;
    }
}

// One lane of each word; 0: not an operation on lanes of one place.
static uint32_t lane_op(struct wj_spv_translator *t, enum wj_vbinop sub, unsigned bits, uint32_t a,
                        uint32_t b)
{
    const int32_t top = (1 << (bits - 1)) - 1;
    const uint32_t ones = splat(t, UINT32_MAX);
    const uint32_t zero = splat(t, 0);
    switch (sub) {
    case VBIN_ADD: return vec_op(t, SpvOpIAdd, a, b);
    case VBIN_SUB: return vec_op(t, SpvOpISub, a, b);
    case VBIN_MUL: return vec_op(t, SpvOpIMul, a, b);
    case VBIN_ADD_SAT_S: return clamp(t, vec_op(t, SpvOpIAdd, a, b), -top - 1, top);
    case VBIN_SUB_SAT_S: return clamp(t, vec_op(t, SpvOpISub, a, b), -top - 1, top);
    case VBIN_ADD_SAT_U: return clamp(t, vec_op(t, SpvOpIAdd, a, b), 0, 2 * top + 1);
    case VBIN_SUB_SAT_U: return clamp(t, vec_op(t, SpvOpISub, a, b), 0, 2 * top + 1);
    case VBIN_MIN_S:
    case VBIN_MIN_U: return choose(t, ICMP_LT_S, a, b, a, b);
    case VBIN_MAX_S:
    case VBIN_MAX_U: return choose(t, ICMP_GT_S, a, b, a, b);
    case VBIN_AVGR_U: {
        const uint32_t one = splat(t, 1);
        const uint32_t sum = vec_op(t, SpvOpIAdd, vec_op(t, SpvOpIAdd, a, b), one);
        return vec_op(t, SpvOpShiftRightLogical, sum, one);
    }
    case VBIN_Q15MULR_SAT_S:
    case VBIN_RELAXED_Q15MULR_S: {
        const uint32_t product = vec_op(t, SpvOpIMul, a, b);
        const uint32_t rounded = vec_op(t, SpvOpIAdd, product, splat(t, 0x4000));
        return clamp(t, vec_op(t, SpvOpShiftRightArithmetic, rounded, splat(t, 15)), -top - 1, top);
    }
    case VBIN_EQ: return choose(t, ICMP_EQ, a, b, ones, zero);
    case VBIN_NE: return choose(t, ICMP_NE, a, b, ones, zero);
    case VBIN_LT_S:
    case VBIN_LT_U: return choose(t, ICMP_LT_S, a, b, ones, zero);
    case VBIN_GT_S:
    case VBIN_GT_U: return choose(t, ICMP_GT_S, a, b, ones, zero);
    case VBIN_LE_S:
    case VBIN_LE_U: return choose(t, ICMP_LE_S, a, b, ones, zero);
    case VBIN_GE_S:
    case VBIN_GE_U: return choose(t, ICMP_GE_S, a, b, ones, zero);
    default: return 0;
    }
}

// i32x4.dot_i16x8_s: each word from its own two lanes.
static void dot(struct wj_spv_translator *t, uint32_t a, uint32_t b)
{
    uint32_t sum = 0;
    for (unsigned part = 0; part < 2; part++) {
        const uint32_t y = unpack(t, b, 16, part, true);
        const uint32_t x = unpack(t, a, 16, part, true);
        const uint32_t product = vec_op(t, SpvOpIMul, x, y);
        sum = part == 0 ? product : vec_op(t, SpvOpIAdd, sum, product);
    }
    wj_spv_push(t, wj_spv_value(sum, REPR_U32X4));
}

bool wj_spv_lanes_binary(struct wj_spv_translator *t, const struct wj_op *op)
{
    const unsigned bits = lane_bits(op);
    const bool is_narrow = op->type == SHAPE_I8X16 || op->type == SHAPE_I16X8;
    const bool is_dot = op->sub == VBIN_DOT && op->type == SHAPE_I32X4;
    const uint32_t b = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
    const uint32_t a = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
    if (is_dot) {
        dot(t, a, b);
        return true;
    }
    uint32_t packed = 0;
    for (unsigned part = 0; is_narrow && part < 32 / bits; part++) {
        const bool is_signed = is_signed_op(op->sub);
        const uint32_t x = unpack(t, a, bits, part, is_signed);
        const uint32_t y = unpack(t, b, bits, part, is_signed);
        const uint32_t lane = lane_op(t, op->sub, bits, x, y);
        if (lane == 0) {
            break;
        }
        packed = pack(t, packed, lane, bits, part);
    }
    if (packed == 0) {
        return wj_spv_refuse(t, op, "this operation on v128 lanes");
    }
    wj_spv_push(t, wj_spv_value(packed, REPR_U32X4));
    return true;
}

bool wj_spv_lanes_shift(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    static const SpvOp ops[] = {SpvOpShiftLeftLogical, SpvOpShiftRightArithmetic,
                                SpvOpShiftRightLogical};
    const unsigned bits = lane_bits(op);
    const uint32_t count = wj_spv_as(t, wj_spv_pop(t), REPR_U32);
    const uint32_t a = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
    const uint32_t low =
        WJ_SPV_OP(b, SpvOpBitwiseAnd, t->types[REPR_U32], count, wj_spv_const_u32(b, bits - 1));
    const uint32_t counts =
        WJ_SPV_OP(b, SpvOpCompositeConstruct, t->types[REPR_U32X4], low, low, low, low);
    uint32_t packed = 0;
    for (unsigned part = 0; part < 32 / bits; part++) {
        const uint32_t x = unpack(t, a, bits, part, op->sub == VSHIFT_SHR_S);
        packed = pack(t, packed, vec_op(t, ops[op->sub], x, counts), bits, part);
    }
    wj_spv_push(t, wj_spv_value(packed, REPR_U32X4));
    return true;
}
