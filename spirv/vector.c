// SIMD on lanes of 32 and 64 bits, which are SPIR-V vectors, and what moves lanes about.
#include "spirv/u32.h"

#include <string.h>

static const uint8_t shape_reprs[] = {
    [SHAPE_I8X16] = REPR_U32X4, [SHAPE_I16X8] = REPR_U32X4, [SHAPE_I32X4] = REPR_U32X4,
    [SHAPE_I64X2] = REPR_U64X2, [SHAPE_F32X4] = REPR_F32X4, [SHAPE_F64X2] = REPR_F64X2,
};

static bool is_narrow(const struct wj_op *op)
{
    return op->type == SHAPE_I8X16 || op->type == SHAPE_I16X8;
}

static uint32_t vec_op(struct wj_spv_translator *t, SpvOp op, enum wj_spv_repr repr, uint32_t a,
                       uint32_t b)
{
    return WJ_SPV_OP(&t->b, op, t->types[repr], a, b);
}

static void push_vector(struct wj_spv_translator *t, uint32_t id, enum wj_spv_repr repr)
{
    // Other vectors than those of words live only inside an operation or as floats of 32 bits.
    if (repr == REPR_U64X2 || repr == REPR_F64X2) {
        id = WJ_SPV_OP(&t->b, SpvOpBitcast, t->types[REPR_U32X4], id);
        repr = REPR_U32X4;
    }
    wj_spv_push(t, wj_spv_value(id, repr));
}

static void push_result(struct wj_spv_translator *t, struct wj_spv_value result)
{
    push_vector(t, result.id, (enum wj_spv_repr) result.repr);
    if (!t->has_failed) {
        t->stack[t->stack_count - 1].is_dynamic = result.is_dynamic;
    }
}

static bool refuse(struct wj_spv_translator *t, const struct wj_op *op)
{
    return wj_spv_refuse(t, op, "this operation on v128 lanes");
}

// True when the device has what the shape's lanes need.
static bool check_shape(struct wj_spv_translator *t, const struct wj_op *op)
{
    if (op->type == SHAPE_I64X2) {
        return wj_spv_check_type(t, op, WJ_TYPE_I64);
    }
    return op->type != SHAPE_F64X2 || wj_spv_check_type(t, op, WJ_TYPE_F64);
}

// Lanes in and out.

static uint32_t extract_word(struct wj_spv_translator *t, uint32_t vector, uint32_t word)
{
    return WJ_SPV_OP(&t->b, SpvOpCompositeExtract, t->types[REPR_U32], vector, word);
}

// The byte of a vector, in the low byte of a word whose other bytes are 0.
static uint32_t extract_byte(struct wj_spv_translator *t, uint32_t vector, uint32_t byte)
{
    const uint32_t word = extract_word(t, vector, byte / 4);
    const uint32_t at = u32_const(t, byte % 4 * 8);
    return WJ_SPV_OP(&t->b, SpvOpBitFieldUExtract, t->types[REPR_U32], word, at, u32_const(t, 8));
}

static bool shuffle(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t second = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
    const uint32_t first = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
    uint32_t lanes[4];
    bool is_words = true;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *bytes = op->v128 + 4 * i;
        lanes[i] = bytes[0] / 4;
        for (unsigned j = 0; j < 4; j++) {
            is_words &= bytes[j] == lanes[i] * 4 + j;
        }
    }
    const uint32_t type = t->types[REPR_U32X4];
    if (is_words) {
        push_vector(t,
                    WJ_SPV_OP(b, SpvOpVectorShuffle, type, first, second, lanes[0], lanes[1],
                              lanes[2], lanes[3]),
                    REPR_U32X4);
        return true;
    }
    uint32_t words[4];
    for (unsigned i = 0; i < 4; i++) {
        words[i] = 0;
        for (unsigned j = 0; j < 4; j++) {
            const uint8_t lane = op->v128[4 * i + j];
            uint32_t byte = extract_byte(t, lane < 16 ? first : second, lane % 16);
            byte = vec_op(t, SpvOpShiftLeftLogical, REPR_U32, byte, u32_const(t, 8 * j));
            words[i] = j == 0 ? byte : vec_op(t, SpvOpBitwiseOr, REPR_U32, words[i], byte);
        }
    }
    push_vector(t, wj_spv_result(b, SpvOpCompositeConstruct, type, words, 4), REPR_U32X4);
    return true;
}

// A scalar that becomes a lane. An integer 0 may become a float in there: see wj_spv_zero().
static uint32_t as_lane(struct wj_spv_translator *t, struct wj_spv_value value,
                        enum wj_spv_repr repr)
{
    const bool is_zero = value.is_const && value.bits == 0;
    return is_zero && (repr == REPR_U32 || repr == REPR_U64) ? wj_spv_zero(t, repr)
                                                             : wj_spv_as(t, value, repr);
}

// i64x2 where i64 is a pair of words.
static void split_pairs(struct wj_spv_translator *t, struct wj_spv_value value, uint32_t lanes[2])
{
    const uint32_t vector = wj_spv_as(t, value, REPR_U32X4);
    for (uint32_t i = 0; i < 2; i++) {
        lanes[i] = WJ_SPV_OP(&t->b, SpvOpVectorShuffle, t->types[REPR_U64], vector, vector, 2 * i,
                             2 * i + 1);
    }
}

static void push_pairs(struct wj_spv_translator *t, const uint32_t lanes[2])
{
    push_vector(t, wj_spv_result(&t->b, SpvOpCompositeConstruct, t->types[REPR_U32X4], lanes, 2),
                REPR_U32X4);
}

static bool splat(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const struct wj_spv_value value = wj_spv_pop(t);
    if (op->type == SHAPE_I64X2 && t->uses_pairs) {
        const uint32_t lane = as_lane(t, value, REPR_U64);
        const uint32_t lanes[2] = {lane, lane};
        push_pairs(t, lanes);
        return true;
    }
    if (op->type == SHAPE_I64X2 || op->type == SHAPE_F64X2) {
        const uint32_t lane = as_lane(t, value, REPR_U64);
        push_vector(t, WJ_SPV_OP(b, SpvOpCompositeConstruct, t->types[REPR_U64X2], lane, lane),
                    REPR_U64X2);
        return true;
    }
    const bool is_float = op->type == SHAPE_F32X4 && value.repr == REPR_F32;
    uint32_t lane = as_lane(t, value, is_float ? REPR_F32 : REPR_U32);
    if (is_narrow(op)) {
        const uint32_t mask = op->type == SHAPE_I8X16 ? 0xff : 0xffff;
        lane = vec_op(t, SpvOpBitwiseAnd, REPR_U32, lane, u32_const(t, mask));
        lane = vec_op(t, SpvOpIMul, REPR_U32, lane, u32_const(t, UINT32_MAX / mask));
    }
    const enum wj_spv_repr repr = is_float ? REPR_F32X4 : REPR_U32X4;
    struct wj_spv_value result = wj_spv_value(
        WJ_SPV_OP(b, SpvOpCompositeConstruct, t->types[repr], lane, lane, lane, lane), repr);
    result.is_dynamic = value.is_dynamic;
    push_result(t, result);
    return true;
}

static bool extract(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    struct wj_spv_value value = wj_spv_pop(t);
    if (!value.is_dynamic && (op->type == SHAPE_F32X4 || op->type == SHAPE_F64X2)) {
        // A float that was made of known integers could be a known 0: see wj_spv_zero().
        const uint32_t words = wj_spv_as(t, value, REPR_U32X4);
        value = wj_spv_value(wj_spv_opaque(t, REPR_U32X4, words), REPR_U32X4);
        value.is_dynamic = true;
    }
    if (op->type == SHAPE_F32X4 && value.repr == REPR_F32X4) {
        const uint32_t id =
            WJ_SPV_OP(b, SpvOpCompositeExtract, t->types[REPR_F32], value.id, op->lane);
        struct wj_spv_value lane = wj_spv_value(id, REPR_F32);
        lane.is_dynamic = value.is_dynamic;
        wj_spv_push(t, lane);
        return true;
    }
    if (op->type == SHAPE_I64X2 && t->uses_pairs) {
        uint32_t lanes[2];
        split_pairs(t, value, lanes);
        wj_spv_push(t, wj_spv_value(lanes[op->lane], REPR_U64));
        return true;
    }
    if (op->type == SHAPE_I64X2 || op->type == SHAPE_F64X2) {
        const uint32_t vector = wj_spv_as(t, value, REPR_U64X2);
        const uint32_t id =
            WJ_SPV_OP(b, SpvOpCompositeExtract, t->types[REPR_U64], vector, op->lane);
        wj_spv_push(t, wj_spv_value(id, REPR_U64));
        return true;
    }
    const uint32_t vector = wj_spv_as(t, value, REPR_U32X4);
    if (!is_narrow(op)) {
        struct wj_spv_value lane = wj_spv_value(extract_word(t, vector, op->lane), REPR_U32);
        lane.is_dynamic = value.is_dynamic;
        wj_spv_push(t, lane);
        return true;
    }
    const uint32_t size = op->type == SHAPE_I8X16 ? 1 : 2;
    const uint32_t word = extract_word(t, vector, op->lane * size / 4);
    const uint32_t at = u32_const(t, op->lane * size % 4 * 8);
    const uint32_t id =
        WJ_SPV_OP(b, SpvOpBitFieldUExtract, t->types[REPR_U32], word, at, u32_const(t, size * 8));
    wj_spv_push(
        t, wj_spv_value(op->sub == 1 ? id : wj_spv_extend(t, REPR_U32, id, size * 8), REPR_U32));
    return true;
}

static bool replace(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const struct wj_spv_value lane = wj_spv_pop(t);
    const struct wj_spv_value value = wj_spv_pop(t);
    if (op->type == SHAPE_I64X2 && t->uses_pairs) {
        uint32_t lanes[2];
        split_pairs(t, value, lanes);
        lanes[op->lane] = as_lane(t, lane, REPR_U64);
        push_pairs(t, lanes);
        return true;
    }
    if (op->type == SHAPE_I64X2 || op->type == SHAPE_F64X2) {
        const uint32_t vector = wj_spv_as(t, value, REPR_U64X2);
        push_vector(t,
                    WJ_SPV_OP(b, SpvOpCompositeInsert, t->types[REPR_U64X2],
                              as_lane(t, lane, REPR_U64), vector, op->lane),
                    REPR_U64X2);
        return true;
    }
    if (op->type == SHAPE_F32X4 && value.repr == REPR_F32X4) {
        push_vector(t,
                    WJ_SPV_OP(b, SpvOpCompositeInsert, t->types[REPR_F32X4],
                              wj_spv_as(t, lane, REPR_F32), value.id, op->lane),
                    REPR_F32X4);
        return true;
    }
    const uint32_t vector = wj_spv_as(t, value, REPR_U32X4);
    uint32_t word = as_lane(t, lane, REPR_U32);
    uint32_t at = op->lane;
    if (is_narrow(op)) {
        const uint32_t size = op->type == SHAPE_I8X16 ? 1 : 2;
        at = op->lane * size / 4;
        const uint32_t old = extract_word(t, vector, at);
        const uint32_t bit = u32_const(t, op->lane * size % 4 * 8);
        word = WJ_SPV_OP(b, SpvOpBitFieldInsert, t->types[REPR_U32], old, word, bit,
                         u32_const(t, size * 8));
    }
    push_vector(t, WJ_SPV_OP(b, SpvOpCompositeInsert, t->types[REPR_U32X4], word, vector, at),
                REPR_U32X4);
    return true;
}

// Arithmetic.

// True lanes are all ones.
static uint32_t mask_of(struct wj_spv_translator *t, enum wj_spv_repr bits, uint32_t condition)
{
    const uint32_t ones = wj_spv_int(t, bits, UINT64_MAX);
    return WJ_SPV_OP(&t->b, SpvOpSelect, t->types[bits], condition, ones, wj_spv_int(t, bits, 0));
}

static bool float_unary(struct wj_spv_translator *t, const struct wj_op *op)
{
    const enum wj_spv_repr repr = shape_reprs[op->type];
    enum wj_funop sub = FUN_ABS;
    switch ((enum wj_vunop) op->sub) {
    case VUN_ABS: sub = FUN_ABS; break;
    case VUN_NEG: sub = FUN_NEG; break;
    case VUN_CEIL: sub = FUN_CEIL; break;
    case VUN_FLOOR: sub = FUN_FLOOR; break;
    case VUN_TRUNC: sub = FUN_TRUNC; break;
    case VUN_NEAREST: sub = FUN_NEAREST; break;
    case VUN_SQRT: sub = FUN_SQRT; break;
    case VUN_CONVERT_S:
    case VUN_CONVERT_U: {
        if (t->caps->f32_from_i32 != WJ_GPU_NATIVE) {
            return wj_spv_refuse(t, op, "the device converts integers to floats wrongly");
        }
        const uint32_t a = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
        const uint32_t id = op->sub == VUN_CONVERT_U
                                ? wj_spv_from_u32(t, REPR_F32X4, a)
                                : WJ_SPV_OP(&t->b, SpvOpConvertSToF, t->types[REPR_F32X4], a);
        push_vector(t, id, REPR_F32X4);
        return true;
    }
    default: return refuse(t, op);
    }
    struct wj_spv_value result;
    if (!wj_spv_funary(t, op, repr, sub, wj_spv_pop(t), &result)) {
        return false;
    }
    push_result(t, result);
    return true;
}

static bool pair_unary(struct wj_spv_translator *t, const struct wj_op *op)
{
    uint32_t lanes[2];
    if (op->sub != VUN_ABS && op->sub != VUN_NEG) {
        return refuse(t, op);
    }
    split_pairs(t, wj_spv_pop(t), lanes);
    const uint32_t zero = wj_spv_int(t, REPR_U64, 0);
    for (unsigned i = 0; i < 2; i++) {
        const uint32_t minus = wj_spv_pair_op(t, SpvOpISub, zero, lanes[i]);
        const uint32_t is_negative = wj_spv_pair_test(t, SpvOpSLessThan, lanes[i], zero);
        lanes[i] =
            op->sub == VUN_NEG ? minus : wj_spv_select(t, REPR_U64, is_negative, minus, lanes[i]);
    }
    push_pairs(t, lanes);
    return true;
}

static bool pair_binary(struct wj_spv_translator *t, const struct wj_op *op)
{
    uint32_t a[2], b[2];
    const bool is_compare = op->sub >= VBIN_EQ && op->sub <= VBIN_GE_U;
    if (!is_compare && (op->sub < VBIN_ADD || op->sub > VBIN_MUL)) {
        return refuse(t, op);
    }
    split_pairs(t, wj_spv_pop(t), b);
    split_pairs(t, wj_spv_pop(t), a);
    const SpvOp code = op->sub == VBIN_ADD   ? SpvOpIAdd
                       : op->sub == VBIN_SUB ? SpvOpISub
                                             : SpvOpIMul;
    for (unsigned i = 0; i < 2; i++) {
        if (!is_compare) {
            a[i] = wj_spv_pair_op(t, code, a[i], b[i]);
            continue;
        }
        const enum wj_icmp cmp = (enum wj_icmp)(op->sub - VBIN_EQ);
        const uint32_t holds = wj_spv_icompare(t, REPR_U64, cmp, a[i], b[i]);
        const uint32_t zero = wj_spv_int(t, REPR_U64, 0);
        const uint32_t ones = wj_spv_int(t, REPR_U64, UINT64_MAX);
        a[i] = wj_spv_select(t, REPR_U64, holds, ones, zero);
    }
    push_pairs(t, a);
    return true;
}

static bool unary(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const enum wj_spv_repr repr = shape_reprs[op->type];
    if (op->sub == VUN_NOT) {
        const uint32_t a = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
        push_vector(t, WJ_SPV_OP(b, SpvOpNot, t->types[REPR_U32X4], a), REPR_U32X4);
        return true;
    }
    bool is_good;
    if (wj_spv_wide_unary(t, op, &is_good)) {
        return is_good;
    }
    if (!check_shape(t, op)) {
        return false;
    }
    if (op->type == SHAPE_I64X2 && t->uses_pairs) {
        return pair_unary(t, op);
    }
    if (op->type == SHAPE_F32X4 || op->type == SHAPE_F64X2) {
        return float_unary(t, op);
    }
    const bool is_signed = op->sub == VUN_TRUNC_SAT_S || op->sub == VUN_RELAXED_TRUNC_S;
    if (is_signed || op->sub == VUN_TRUNC_SAT_U || op->sub == VUN_RELAXED_TRUNC_U) {
        if (t->caps->i32_from_f32 == WJ_GPU_REFUSED) {
            return wj_spv_refuse(t, op, "the device converts floats to integers wrongly");
        }
        const uint32_t a = wj_spv_as(t, wj_spv_pop(t), REPR_F32X4);
        push_vector(t, wj_spv_trunc_sat(t, REPR_F32X4, REPR_U32X4, is_signed, a), REPR_U32X4);
        return true;
    }
    if (op->sub != VUN_ABS && op->sub != VUN_NEG) {
        return wj_spv_lanes_unary(t, op);
    }
    if (is_narrow(op)) {
        return wj_spv_lanes_unary(t, op);
    }
    const uint32_t a = wj_spv_as(t, wj_spv_pop(t), repr);
    const uint32_t zero = wj_spv_int(t, repr, 0);
    uint32_t id = vec_op(t, SpvOpISub, repr, zero, a);
    if (op->sub == VUN_ABS) {
        const uint32_t is_negative = wj_spv_icompare(t, repr, ICMP_LT_S, a, zero);
        id = WJ_SPV_OP(b, SpvOpSelect, t->types[repr], is_negative, id, a);
    }
    push_vector(t, id, repr);
    return true;
}

static bool float_binary(struct wj_spv_translator *t, const struct wj_op *op)
{
    const enum wj_spv_repr repr = shape_reprs[op->type];
    const enum wj_spv_repr bits = wj_spv_bits_of(repr);
    const struct wj_spv_value b = wj_spv_pop(t);
    const struct wj_spv_value a = wj_spv_pop(t);
    enum wj_fbinop arithmetic = FBIN_ADD;
    enum wj_fcmp cmp = FCMP_EQ;
    bool is_compare = false;
    switch ((enum wj_vbinop) op->sub) {
    case VBIN_ADD: arithmetic = FBIN_ADD; break;
    case VBIN_SUB: arithmetic = FBIN_SUB; break;
    case VBIN_MUL: arithmetic = FBIN_MUL; break;
    case VBIN_DIV: arithmetic = FBIN_DIV; break;
    case VBIN_MIN:
    case VBIN_RELAXED_MIN: arithmetic = FBIN_MIN; break;
    case VBIN_MAX:
    case VBIN_RELAXED_MAX: arithmetic = FBIN_MAX; break;
    case VBIN_PMIN:
    case VBIN_PMAX: {
        const bool is_min = op->sub == VBIN_PMIN;
        const uint32_t is_b = wj_spv_fcompare(t, repr, FCMP_LT, is_min ? b : a, is_min ? a : b);
        const uint32_t yes = wj_spv_as(t, b, bits);
        const uint32_t no = wj_spv_as(t, a, bits);
        push_vector(t, WJ_SPV_OP(&t->b, SpvOpSelect, t->types[bits], is_b, yes, no), bits);
        return true;
    }
    case VBIN_EQ: cmp = FCMP_EQ, is_compare = true; break;
    case VBIN_NE: cmp = FCMP_NE, is_compare = true; break;
    case VBIN_LT_S: cmp = FCMP_LT, is_compare = true; break;
    case VBIN_GT_S: cmp = FCMP_GT, is_compare = true; break;
    case VBIN_LE_S: cmp = FCMP_LE, is_compare = true; break;
    case VBIN_GE_S: cmp = FCMP_GE, is_compare = true; break;
    default: return refuse(t, op);
    }
    if (is_compare) {
        push_vector(t, mask_of(t, bits, wj_spv_fcompare(t, repr, cmp, a, b)), bits);
        return true;
    }
    struct wj_spv_value result;
    if (!wj_spv_fbinary(t, op, repr, arithmetic, a, b, &result)) {
        return false;
    }
    push_result(t, result);
    return true;
}

static bool bitwise(struct wj_spv_translator *t, const struct wj_op *op)
{
    uint32_t b = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
    const uint32_t a = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
    if (op->sub == VBIN_ANDNOT) {
        b = WJ_SPV_OP(&t->b, SpvOpNot, t->types[REPR_U32X4], b);
    }
    const SpvOp op_code = op->sub == VBIN_OR    ? SpvOpBitwiseOr
                          : op->sub == VBIN_XOR ? SpvOpBitwiseXor
                                                : SpvOpBitwiseAnd;
    push_vector(t, vec_op(t, op_code, REPR_U32X4, a, b), REPR_U32X4);
    return true;
}

static bool int_minimum(struct wj_spv_translator *t, enum wj_spv_repr repr, enum wj_icmp cmp,
                        uint32_t a, uint32_t b)
{
    const uint32_t is_a = wj_spv_icompare(t, repr, cmp, a, b);
    push_vector(t, WJ_SPV_OP(&t->b, SpvOpSelect, t->types[repr], is_a, a, b), repr);
    return true;
}

// i32x4 and i64x2.
static bool int_binary(struct wj_spv_translator *t, const struct wj_op *op)
{
    const enum wj_spv_repr repr = shape_reprs[op->type];
    if (op->sub >= VBIN_EQ && op->sub <= VBIN_GE_U) {
        const uint32_t b = wj_spv_as(t, wj_spv_pop(t), repr);
        const uint32_t a = wj_spv_as(t, wj_spv_pop(t), repr);
        const enum wj_icmp cmp = (enum wj_icmp)(op->sub - VBIN_EQ);
        _Static_assert(VBIN_GE_U - VBIN_EQ == (int) ICMP_GE_U &&
                           VBIN_LT_S - VBIN_EQ == (int) ICMP_LT_S,
                       "comparisons of lanes are in the order of those of integers");
        push_vector(t, mask_of(t, repr, wj_spv_icompare(t, repr, cmp, a, b)), repr);
        return true;
    }
    if (op->sub > VBIN_MAX_U || op->sub < VBIN_ADD ||
        (op->sub >= VBIN_ADD_SAT_S && op->sub <= VBIN_SUB_SAT_U)) {
        return wj_spv_lanes_binary(t, op);
    }
    const uint32_t b = wj_spv_as(t, wj_spv_pop(t), repr);
    const uint32_t a = wj_spv_as(t, wj_spv_pop(t), repr);
    switch ((enum wj_vbinop) op->sub) {
    case VBIN_ADD: push_vector(t, vec_op(t, SpvOpIAdd, repr, a, b), repr); return true;
    case VBIN_SUB: push_vector(t, vec_op(t, SpvOpISub, repr, a, b), repr); return true;
    case VBIN_MUL: push_vector(t, vec_op(t, SpvOpIMul, repr, a, b), repr); return true;
    case VBIN_MIN_S: return int_minimum(t, repr, ICMP_LT_S, a, b);
    case VBIN_MIN_U: return int_minimum(t, repr, ICMP_LT_U, a, b);
    case VBIN_MAX_S: return int_minimum(t, repr, ICMP_GT_S, a, b);
    case VBIN_MAX_U: return int_minimum(t, repr, ICMP_GT_U, a, b);
    default: return refuse(t, op);
    }
}

static bool binary(struct wj_spv_translator *t, const struct wj_op *op)
{
    if (op->sub <= VBIN_XOR) {
        return bitwise(t, op);
    }
    if (wj_spv_wide_binary(t, op)) {
        return true;
    }
    if (!check_shape(t, op)) {
        return false;
    }
    if (op->type == SHAPE_I64X2 && t->uses_pairs) {
        return pair_binary(t, op);
    }
    if (op->type == SHAPE_F32X4 || op->type == SHAPE_F64X2) {
        return float_binary(t, op);
    }
    return is_narrow(op) ? wj_spv_lanes_binary(t, op) : int_binary(t, op);
}

// Rounded twice, as the deterministic profile has it and the CPU does.
static bool multiply_add(struct wj_spv_translator *t, const struct wj_op *op, enum wj_fbinop sum)
{
    const enum wj_spv_repr repr = shape_reprs[op->type];
    if (!check_shape(t, op)) {
        return false;
    }
    const struct wj_spv_value c = wj_spv_pop(t);
    const struct wj_spv_value b = wj_spv_pop(t);
    const struct wj_spv_value a = wj_spv_pop(t);
    struct wj_spv_value product, result;
    if (!wj_spv_fbinary(t, op, repr, FBIN_MUL, a, b, &product) ||
        !wj_spv_fbinary(t, op, repr, sum, c, product, &result)) {
        return false;
    }
    push_result(t, result);
    return true;
}

static bool ternary(struct wj_spv_translator *t, const struct wj_op *op)
{
    const enum wj_spv_repr words = REPR_U32X4;
    switch ((enum wj_vternop) op->sub) {
    case VTERN_BITSELECT:
    case VTERN_RELAXED_LANESELECT: {
        const uint32_t mask = wj_spv_as(t, wj_spv_pop(t), words);
        const uint32_t no = wj_spv_as(t, wj_spv_pop(t), words);
        const uint32_t yes = wj_spv_as(t, wj_spv_pop(t), words);
        const uint32_t differ = vec_op(t, SpvOpBitwiseXor, words, yes, no);
        const uint32_t chosen = vec_op(t, SpvOpBitwiseAnd, words, differ, mask);
        push_vector(t, vec_op(t, SpvOpBitwiseXor, words, no, chosen), words);
        return true;
    }
    case VTERN_RELAXED_MADD: return multiply_add(t, op, FBIN_ADD);
    case VTERN_RELAXED_NMADD: return multiply_add(t, op, FBIN_SUB);
    case VTERN_RELAXED_DOT_ADD: wj_spv_relaxed_dot_add(t); return true;
    }
    return false;
}

// i64x2, by its words.
static void test_wide(struct wj_spv_translator *t, const struct wj_op *op, uint32_t a)
{
    struct wj_spv_builder *b = &t->b;
    uint32_t lanes[2];
    const bool is_bitmask = op->sub == VTEST_BITMASK;
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t high = extract_word(t, a, 2 * i + 1);
        const uint32_t any = vec_op(t, SpvOpBitwiseOr, REPR_U32, extract_word(t, a, 2 * i), high);
        lanes[i] = is_bitmask
                       ? vec_op(t, SpvOpShiftRightLogical, REPR_U32, high, u32_const(t, 31))
                       : WJ_SPV_OP(b, SpvOpINotEqual, t->types[REPR_BOOL], any, u32_const(t, 0));
    }
    if (is_bitmask) {
        lanes[1] = vec_op(t, SpvOpShiftLeftLogical, REPR_U32, lanes[1], u32_const(t, 1));
        wj_spv_push(
            t, wj_spv_value(vec_op(t, SpvOpBitwiseOr, REPR_U32, lanes[0], lanes[1]), REPR_U32));
        return;
    }
    const uint32_t all = WJ_SPV_OP(b, SpvOpLogicalAnd, t->types[REPR_BOOL], lanes[0], lanes[1]);
    wj_spv_push(t, wj_spv_value(all, REPR_BOOL));
}

static bool test(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t bool_type = t->types[REPR_BOOL];
    const uint32_t a = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
    const uint32_t zero = wj_spv_int(t, REPR_U32X4, 0);
    if (op->sub == VTEST_ANY_TRUE || (op->sub == VTEST_ALL_TRUE && op->type == SHAPE_I32X4)) {
        const uint32_t lanes = wj_spv_icompare(t, REPR_U32X4, ICMP_NE, a, zero);
        const SpvOp op_code = op->sub == VTEST_ANY_TRUE ? SpvOpAny : SpvOpAll;
        wj_spv_push(t, wj_spv_value(WJ_SPV_OP(b, op_code, bool_type, lanes), REPR_BOOL));
        return true;
    }
    if (op->type == SHAPE_I64X2) {
        test_wide(t, op, a);
        return true;
    }
    const unsigned bits = op->type == SHAPE_I8X16 ? 8 : op->type == SHAPE_I16X8 ? 16 : 32;
    const unsigned count = 32 / bits;
    uint32_t result = 0;
    for (uint32_t i = 0; i < 4 * count; i++) {
        const bool is_bitmask = op->sub == VTEST_BITMASK;
        const uint32_t word = extract_word(t, a, i / count);
        const uint32_t at = u32_const(t, i % count * bits + (is_bitmask ? bits - 1 : 0));
        const uint32_t lane = WJ_SPV_OP(b, SpvOpBitFieldUExtract, t->types[REPR_U32], word, at,
                                        u32_const(t, is_bitmask ? 1 : bits));
        if (is_bitmask) {
            const uint32_t bit = vec_op(t, SpvOpShiftLeftLogical, REPR_U32, lane, u32_const(t, i));
            result = i == 0 ? bit : vec_op(t, SpvOpBitwiseOr, REPR_U32, result, bit);
        } else {
            const uint32_t is_set = WJ_SPV_OP(b, SpvOpINotEqual, bool_type, lane, u32_const(t, 0));
            result = i == 0 ? is_set : WJ_SPV_OP(b, SpvOpLogicalAnd, bool_type, result, is_set);
        }
    }
    wj_spv_push(t, wj_spv_value(result, op->sub == VTEST_BITMASK ? REPR_U32 : REPR_BOOL));
    return true;
}

static bool shift(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const enum wj_spv_repr repr = shape_reprs[op->type];
    static const SpvOp ops[] = {SpvOpShiftLeftLogical, SpvOpShiftRightArithmetic,
                                SpvOpShiftRightLogical};
    if (is_narrow(op)) {
        return wj_spv_lanes_shift(t, op);
    }
    if (!check_shape(t, op)) {
        return false;
    }
    uint32_t count = wj_spv_as(t, wj_spv_pop(t), REPR_U32);
    const uint32_t a =
        wj_spv_as(t, wj_spv_pop(t), t->uses_pairs && repr == REPR_U64X2 ? REPR_U32X4 : repr);
    count = vec_op(t, SpvOpBitwiseAnd, REPR_U32, count, u32_const(t, wj_spv_width(repr) - 1));
    if (repr == REPR_U64X2 && t->uses_pairs) {
        uint32_t lanes[2];
        split_pairs(t, wj_spv_value(a, REPR_U32X4), lanes);
        const uint32_t pair = wj_spv_resize(t, REPR_U64, count, false);
        for (unsigned i = 0; i < 2; i++) {
            lanes[i] = wj_spv_pair_op(t, ops[op->sub], lanes[i], pair);
        }
        push_pairs(t, lanes);
        return true;
    }
    uint32_t counts[4] = {count, count, count, count};
    if (repr == REPR_U64X2) {
        counts[0] = counts[1] = WJ_SPV_OP(b, SpvOpUConvert, t->types[REPR_U64], count);
    }
    const uint32_t vector =
        wj_spv_result(b, SpvOpCompositeConstruct, t->types[repr], counts, wj_spv_components(repr));
    push_vector(t, vec_op(t, ops[op->sub], repr, a, vector), repr);
    return true;
}

bool wj_spv_vector(struct wj_spv_translator *t, const struct wj_op *op)
{
    switch ((enum wj_family) op->family) {
    case FAM_VSHUFFLE: return shuffle(t, op);
    case FAM_VSPLAT: return check_shape(t, op) && splat(t, op);
    case FAM_VEXTRACT: return check_shape(t, op) && extract(t, op);
    case FAM_VREPLACE: return check_shape(t, op) && replace(t, op);
    case FAM_VUNARY: return unary(t, op);
    case FAM_VBINARY: return binary(t, op);
    case FAM_VTERNARY: return ternary(t, op);
    case FAM_VTEST: return test(t, op);
    default: return shift(t, op);
    }
}
