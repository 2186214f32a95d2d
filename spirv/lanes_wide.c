// SIMD whose lanes change their width or place: widening, narrowing, products, swizzles, and
// conversions between lanes of 32 and 64 bits. Each lane is a scalar on the way.
#include "spirv/u32.h"

enum { LANES_MAX = 16 };

static unsigned lane_bits(unsigned shape)
{
    switch ((enum wj_shape) shape) {
    case SHAPE_I8X16: return 8;
    case SHAPE_I16X8: return 16;
    case SHAPE_I32X4:
    case SHAPE_F32X4: return 32;
    case SHAPE_I64X2:
    case SHAPE_F64X2: return 64;
    }
    return 0;
}

// `count` lanes of at most 32 bits from `first` on, extended to words.
static void unpack(struct wj_spv_translator *t, uint32_t vector, unsigned bits, unsigned first,
                   unsigned count, bool is_signed, uint32_t *lanes)
{
    for (unsigned i = 0; i < count; i++) {
        const unsigned at = (first + i) * bits;
        uint32_t lane =
            WJ_SPV_OP(&t->b, SpvOpCompositeExtract, t->types[REPR_U32], vector, at / 32);
        if (bits < 32) {
            lane = u32_op(t, SpvOpShiftLeftLogical, lane, u32_const(t, 32 - bits - at % 32));
            lane = u32_op(t, is_signed ? SpvOpShiftRightArithmetic : SpvOpShiftRightLogical, lane,
                          u32_const(t, 32 - bits));
        }
        lanes[i] = lane;
    }
}

// Pushes the low `bits` of 128 / bits words as a vector.
static void push_packed(struct wj_spv_translator *t, const uint32_t *lanes, unsigned bits)
{
    uint32_t words[4];
    const unsigned per_word = 32 / bits;
    for (unsigned i = 0; i < 4; i++) {
        words[i] = lanes[i * per_word];
        for (unsigned j = 0; bits < 32 && j < per_word; j++) {
            uint32_t lane =
                u32_op(t, SpvOpBitwiseAnd, lanes[i * per_word + j], u32_const(t, (1u << bits) - 1));
            if (j != 0) {
                lane = u32_op(t, SpvOpShiftLeftLogical, lane, u32_const(t, j * bits));
                lane = u32_op(t, SpvOpBitwiseOr, words[i], lane);
            }
            words[i] = lane;
        }
    }
    const uint32_t id =
        wj_spv_result(&t->b, SpvOpCompositeConstruct, t->types[REPR_U32X4], words, 4);
    wj_spv_push(t, wj_spv_value(id, REPR_U32X4));
}

static uint32_t pop_words(struct wj_spv_translator *t)
{
    return wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
}

static uint32_t sign_word(struct wj_spv_translator *t, uint32_t word)
{
    return u32_op(t, SpvOpShiftRightArithmetic, word, u32_const(t, 31));
}

static uint32_t clamp(struct wj_spv_translator *t, uint32_t a, int32_t low, int32_t high)
{
    const uint32_t min = u32_const(t, (uint32_t) low);
    const uint32_t max = u32_const(t, (uint32_t) high);
    const uint32_t is_low = wj_spv_icompare(t, REPR_U32, ICMP_LT_S, a, min);
    a = wj_spv_select(t, REPR_U32, is_low, min, a);
    const uint32_t is_high = wj_spv_icompare(t, REPR_U32, ICMP_GT_S, a, max);
    return wj_spv_select(t, REPR_U32, is_high, max, a);
}

static void extend(struct wj_spv_translator *t, unsigned bits, bool is_high, bool is_signed)
{
    uint32_t lanes[LANES_MAX];
    const unsigned count = 128 / bits;
    const unsigned narrow = bits / 2;
    unpack(t, pop_words(t), narrow, is_high ? count : 0, count, is_signed, lanes);
    if (bits < 64) {
        push_packed(t, lanes, bits);
        return;
    }
    const uint32_t zero = wj_spv_zero(t, REPR_U32);
    const uint32_t first_high = is_signed ? sign_word(t, lanes[0]) : zero;
    const uint32_t second_high = is_signed ? sign_word(t, lanes[1]) : zero;
    const uint32_t words[4] = {lanes[0], first_high, lanes[1], second_high};
    push_packed(t, words, 32);
}

static void extadd(struct wj_spv_translator *t, unsigned bits, bool is_signed)
{
    uint32_t lanes[LANES_MAX];
    const unsigned count = 128 / bits;
    unpack(t, pop_words(t), bits / 2, 0, 2 * count, is_signed, lanes);
    for (unsigned i = 0; i < count; i++) {
        lanes[i] = u32_op(t, SpvOpIAdd, lanes[2 * i], lanes[2 * i + 1]);
    }
    push_packed(t, lanes, bits);
}

static void extmul(struct wj_spv_translator *t, unsigned bits, bool is_high, bool is_signed)
{
    uint32_t x[LANES_MAX], y[LANES_MAX];
    const unsigned count = 128 / bits;
    const unsigned first = is_high ? count : 0;
    const uint32_t b = pop_words(t);
    const uint32_t a = pop_words(t);
    unpack(t, a, bits / 2, first, count, is_signed, x);
    unpack(t, b, bits / 2, first, count, is_signed, y);
    if (bits == 64) {
        uint32_t words[4];
        wj_spv_multiply_wide(t, x[0], y[0], is_signed, words);
        wj_spv_multiply_wide(t, x[1], y[1], is_signed, words + 2);
        push_packed(t, words, 32);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        x[i] = u32_op(t, SpvOpIMul, x[i], y[i]);
    }
    push_packed(t, x, bits);
}

static void narrow(struct wj_spv_translator *t, unsigned bits, bool is_signed)
{
    uint32_t lanes[LANES_MAX];
    const unsigned half = 64 / bits;
    const int32_t low = is_signed ? -(1 << (bits - 1)) : 0;
    const int32_t high = is_signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
    const uint32_t b = pop_words(t);
    const uint32_t a = pop_words(t);
    unpack(t, a, bits * 2, 0, half, true, lanes);
    unpack(t, b, bits * 2, 0, half, true, lanes + half);
    for (unsigned i = 0; i < 2 * half; i++) {
        lanes[i] = clamp(t, lanes[i], low, high);
    }
    push_packed(t, lanes, bits);
}

// Pairs of products of bytes, both signed; the sums saturate, as the deterministic profile has it.
static void dot_bytes(struct wj_spv_translator *t, uint32_t a, uint32_t b, uint32_t sums[8])
{
    uint32_t x[LANES_MAX], y[LANES_MAX];
    unpack(t, a, 8, 0, 16, true, x);
    unpack(t, b, 8, 0, 16, true, y);
    for (unsigned i = 0; i < 8; i++) {
        const uint32_t even = u32_op(t, SpvOpIMul, x[2 * i], y[2 * i]);
        const uint32_t odd = u32_op(t, SpvOpIMul, x[2 * i + 1], y[2 * i + 1]);
        sums[i] = clamp(t, u32_op(t, SpvOpIAdd, even, odd), INT16_MIN, INT16_MAX);
    }
}

static void relaxed_dot(struct wj_spv_translator *t)
{
    uint32_t sums[8];
    const uint32_t b = pop_words(t);
    const uint32_t a = pop_words(t);
    dot_bytes(t, a, b, sums);
    push_packed(t, sums, 16);
}

void wj_spv_relaxed_dot_add(struct wj_spv_translator *t)
{
    uint32_t sums[8], addends[4];
    const uint32_t c = pop_words(t);
    const uint32_t b = pop_words(t);
    const uint32_t a = pop_words(t);
    dot_bytes(t, a, b, sums);
    unpack(t, c, 32, 0, 4, false, addends);
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t pair = u32_op(t, SpvOpIAdd, sums[2 * i], sums[2 * i + 1]);
        addends[i] = u32_op(t, SpvOpIAdd, pair, addends[i]);
    }
    push_packed(t, addends, 32);
}

static void swizzle(struct wj_spv_translator *t)
{
    uint32_t lanes[LANES_MAX];
    const uint32_t indexes = pop_words(t);
    const uint32_t vector = pop_words(t);
    unpack(t, indexes, 8, 0, 16, false, lanes);
    for (unsigned i = 0; i < 16; i++) {
        const uint32_t index = lanes[i];
        const uint32_t low = u32_op(t, SpvOpBitwiseAnd, index, u32_const(t, 15));
        const uint32_t word =
            WJ_SPV_OP(&t->b, SpvOpVectorExtractDynamic, t->types[REPR_U32], vector,
                      u32_op(t, SpvOpShiftRightLogical, low, u32_const(t, 2)));
        const uint32_t byte = u32_op(t, SpvOpBitwiseAnd, index, u32_const(t, 3));
        const uint32_t shift = u32_op(t, SpvOpShiftLeftLogical, byte, u32_const(t, 3));
        const uint32_t found = u32_op(t, SpvOpShiftRightLogical, word, shift);
        const uint32_t is_in = wj_spv_icompare(t, REPR_U32, ICMP_LT_U, index, u32_const(t, 16));
        lanes[i] = wj_spv_select(t, REPR_U32, is_in, found, u32_const(t, 0));
    }
    push_packed(t, lanes, 8);
}

bool wj_spv_wide_binary(struct wj_spv_translator *t, const struct wj_op *op)
{
    const unsigned bits = lane_bits(op->type);
    switch ((enum wj_vbinop) op->sub) {
    case VBIN_NARROW_S: narrow(t, bits, true); return true;
    case VBIN_NARROW_U: narrow(t, bits, false); return true;
    case VBIN_EXTMUL_LOW_S: extmul(t, bits, false, true); return true;
    case VBIN_EXTMUL_LOW_U: extmul(t, bits, false, false); return true;
    case VBIN_EXTMUL_HIGH_S: extmul(t, bits, true, true); return true;
    case VBIN_EXTMUL_HIGH_U: extmul(t, bits, true, false); return true;
    case VBIN_SWIZZLE:
    case VBIN_RELAXED_SWIZZLE: swizzle(t); return true;
    case VBIN_RELAXED_DOT: relaxed_dot(t); return true;
    default: return false;
    }
}

// Conversions of the two low lanes into 64 bits, or of both lanes of 64 bits into the low half.

static uint32_t extract64(struct wj_spv_translator *t, uint32_t words, uint32_t lane)
{
    const uint32_t reals = WJ_SPV_OP(&t->b, SpvOpBitcast, t->types[REPR_F64X2], words);
    return WJ_SPV_OP(&t->b, SpvOpCompositeExtract, t->types[REPR_F64], reals, lane);
}

static void push_f64x2(struct wj_spv_translator *t, const uint32_t lanes[2])
{
    const uint32_t both =
        wj_spv_result(&t->b, SpvOpCompositeConstruct, t->types[REPR_F64X2], lanes, 2);
    const uint32_t id = WJ_SPV_OP(&t->b, SpvOpBitcast, t->types[REPR_U32X4], both);
    wj_spv_push(t, wj_spv_value(id, REPR_U32X4));
}

static bool convert(struct wj_spv_translator *t, const struct wj_op *op)
{
    const enum wj_vunop sub = op->sub;
    const bool is_up =
        sub == VUN_CONVERT_LOW_S || sub == VUN_CONVERT_LOW_U || sub == VUN_PROMOTE_LOW;
    if (!wj_spv_check_type(t, op, WJ_TYPE_F64)) {
        return false;
    }
    if (t->caps->f64_convert == WJ_GPU_REFUSED) {
        return wj_spv_refuse(t, op, "the device converts f64 wrongly");
    }
    const uint32_t a = pop_words(t);
    uint32_t lanes[4];
    unpack(t, a, 32, 0, 2, false, lanes);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t in = is_up ? lanes[i] : extract64(t, a, i);
        if (sub == VUN_CONVERT_LOW_S || sub == VUN_CONVERT_LOW_U) {
            const SpvOp code = sub == VUN_CONVERT_LOW_S ? SpvOpConvertSToF : SpvOpConvertUToF;
            lanes[i] = WJ_SPV_OP(&t->b, code, t->types[REPR_F64], in);
        } else if (sub == VUN_PROMOTE_LOW) {
            in = WJ_SPV_OP(&t->b, SpvOpBitcast, t->types[REPR_F32], in);
            in = WJ_SPV_OP(&t->b, SpvOpFConvert, t->types[REPR_F64], in);
            lanes[i] = wj_spv_arithmetic(t, REPR_F64, in);
        } else if (sub == VUN_DEMOTE_ZERO) {
            in = WJ_SPV_OP(&t->b, SpvOpFConvert, t->types[REPR_F32], in);
            const uint32_t out = wj_spv_arithmetic(t, REPR_F32, in);
            lanes[i] =
                wj_spv_opaque(t, REPR_U32, WJ_SPV_OP(&t->b, SpvOpBitcast, t->types[REPR_U32], out));
        } else {
            const bool is_signed = sub == VUN_TRUNC_SAT_S_ZERO || sub == VUN_RELAXED_TRUNC_S_ZERO;
            lanes[i] = wj_spv_trunc_sat(t, REPR_F64, REPR_U32, is_signed, in);
        }
    }
    if (is_up) {
        push_f64x2(t, lanes);
    } else {
        lanes[2] = lanes[3] = wj_spv_zero(t, REPR_U32);
        push_packed(t, lanes, 32);
    }
    return true;
}

bool wj_spv_wide_unary(struct wj_spv_translator *t, const struct wj_op *op, bool *is_good)
{
    const unsigned bits = lane_bits(op->type);
    *is_good = true;
    switch ((enum wj_vunop) op->sub) {
    case VUN_EXTADD_PAIRWISE_S: extadd(t, bits, true); return true;
    case VUN_EXTADD_PAIRWISE_U: extadd(t, bits, false); return true;
    case VUN_EXTEND_LOW_S: extend(t, bits, false, true); return true;
    case VUN_EXTEND_LOW_U: extend(t, bits, false, false); return true;
    case VUN_EXTEND_HIGH_S: extend(t, bits, true, true); return true;
    case VUN_EXTEND_HIGH_U: extend(t, bits, true, false); return true;
    case VUN_TRUNC_SAT_S_ZERO:
    case VUN_TRUNC_SAT_U_ZERO:
    case VUN_RELAXED_TRUNC_S_ZERO:
    case VUN_RELAXED_TRUNC_U_ZERO:
    case VUN_CONVERT_LOW_S:
    case VUN_CONVERT_LOW_U:
    case VUN_DEMOTE_ZERO:
    case VUN_PROMOTE_LOW: *is_good = convert(t, op); return true;
    default: return false;
    }
}
