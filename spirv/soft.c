// f32 arithmetic by integers, for devices that flush denormals or round otherwise. Functions from
// bits to bits, made at the end when they were called; NaN results are canonical.
#include "spirv/u32.h"

// Exponents are the format's; a mantissa has its first bit at bit 30, and its last one says whether
// anything was lost below (it is sticky).

static uint32_t and (struct wj_spv_translator * t, uint32_t a, uint32_t mask)
{
    return u32_op(t, SpvOpBitwiseAnd, a, u32_const(t, mask));
}

static uint32_t shr(struct wj_spv_translator *t, uint32_t a, uint32_t count)
{
    return u32_op(t, SpvOpShiftRightLogical, a, u32_const(t, count));
}

static uint32_t shl(struct wj_spv_translator *t, uint32_t a, uint32_t count)
{
    return u32_op(t, SpvOpShiftLeftLogical, a, u32_const(t, count));
}

static uint32_t bit_if(struct wj_spv_translator *t, uint32_t condition)
{
    const uint32_t zero = u32_const(t, 0);
    return u32_choose(t, condition, u32_const(t, 1), zero);
}

static uint32_t either(struct wj_spv_translator *t, uint32_t a, uint32_t b)
{
    return WJ_SPV_OP(&t->b, SpvOpLogicalOr, t->types[REPR_BOOL], a, b);
}

static uint32_t both(struct wj_spv_translator *t, uint32_t a, uint32_t b)
{
    return WJ_SPV_OP(&t->b, SpvOpLogicalAnd, t->types[REPR_BOOL], a, b);
}

static uint32_t is_zero(struct wj_spv_translator *t, uint32_t a)
{
    return u32_test(t, SpvOpIEqual, a, u32_const(t, 0));
}

// a >> count for any count, what is lost kept in the last bit.
static uint32_t shift_sticky(struct wj_spv_translator *t, uint32_t a, uint32_t count)
{
    const uint32_t most = u32_const(t, 31);
    count = u32_choose(t, u32_test(t, SpvOpUGreaterThan, count, most), most, count);
    const uint32_t out = u32_op(t, SpvOpShiftRightLogical, a, count);
    const uint32_t back = u32_op(t, SpvOpShiftLeftLogical, out, count);
    return u32_op(t, SpvOpBitwiseOr, out, bit_if(t, u32_test(t, SpvOpINotEqual, back, a)));
}

// Rounds to the nearest, ties to even; denormal and infinite results, too.
static uint32_t pack(struct wj_spv_translator *t, uint32_t sign, uint32_t exponent,
                     uint32_t mantissa)
{
    const uint32_t is_small = u32_test(t, SpvOpSLessThanEqual, exponent, u32_const(t, 0));
    const uint32_t down = u32_op(t, SpvOpISub, u32_const(t, 1), exponent);
    mantissa = u32_choose(t, is_small, shift_sticky(t, mantissa, down), mantissa);
    uint32_t value = shr(t, mantissa, 7);
    const uint32_t rest = and(t, mantissa, 0x7f);
    const uint32_t odd = and(t, value, 1);
    const uint32_t limit = u32_op(t, SpvOpISub, u32_const(t, 65), odd);
    const uint32_t up = bit_if(t, u32_test(t, SpvOpUGreaterThanEqual, rest, limit));
    value = u32_op(t, SpvOpIAdd, value, up);
    // The mantissa's first bit adds one to the exponent.
    const uint32_t field = shl(t, u32_op(t, SpvOpISub, exponent, u32_const(t, 1)), 23);
    value = u32_choose(t, is_small, value, u32_op(t, SpvOpIAdd, value, field));
    const uint32_t infinite = u32_const(t, 0x7f800000);
    const uint32_t is_above = u32_test(t, SpvOpUGreaterThan, value, infinite);
    const uint32_t is_high = u32_test(t, SpvOpSGreaterThanEqual, exponent, u32_const(t, 255));
    value = u32_choose(t, either(t, is_high, is_above), infinite, value);
    return u32_op(t, SpvOpBitwiseOr, value, sign);
}

struct parts {
    uint32_t sign, magnitude;
    uint32_t is_nan, is_infinite, is_zero;
    uint32_t exponent, mantissa; // of finite numbers but 0, the first bit at bit 23
};

static struct parts take_apart(struct wj_spv_translator *t, uint32_t bits)
{
    struct parts p;
    p.sign = and(t, bits, 0x80000000);
    p.magnitude = and(t, bits, 0x7fffffff);
    p.is_nan = u32_test(t, SpvOpUGreaterThan, p.magnitude, u32_const(t, 0x7f800000));
    p.is_infinite = u32_test(t, SpvOpIEqual, p.magnitude, u32_const(t, 0x7f800000));
    p.is_zero = is_zero(t, p.magnitude);
    const uint32_t exponent = shr(t, p.magnitude, 23);
    const uint32_t fraction = and(t, p.magnitude, 0x7fffff);
    const uint32_t is_denormal = is_zero(t, exponent);
    const uint32_t above = u32_const(t, 8);
    const uint32_t zeros = and(t, u32_op(t, SpvOpISub, wj_spv_clz32(t, fraction), above), 31);
    p.exponent = u32_choose(t, is_denormal, u32_op(t, SpvOpISub, u32_const(t, 1), zeros), exponent);
    const uint32_t normal = u32_op(t, SpvOpBitwiseOr, fraction, u32_const(t, 0x800000));
    const uint32_t denormal = u32_op(t, SpvOpShiftLeftLogical, fraction, zeros);
    p.mantissa = u32_choose(t, is_denormal, denormal, normal);
    return p;
}

static const uint32_t quiet_nan = 0x7fc00000;

// A mantissa with its first bit at bit 30 or 31; then the exponent is one more.
static uint32_t pack_high(struct wj_spv_translator *t, uint32_t sign, uint32_t exponent,
                          uint32_t mantissa)
{
    const uint32_t is_high = u32_test(t, SpvOpSLessThan, mantissa, u32_const(t, 0));
    const uint32_t last = and(t, mantissa, 1);
    const uint32_t half = u32_op(t, SpvOpBitwiseOr, shr(t, mantissa, 1), last);
    mantissa = u32_choose(t, is_high, half, mantissa);
    return pack(t, sign, u32_op(t, SpvOpIAdd, exponent, bit_if(t, is_high)), mantissa);
}

static uint32_t multiply(struct wj_spv_translator *t, uint32_t a, uint32_t b)
{
    const struct parts x = take_apart(t, a);
    const struct parts y = take_apart(t, b);
    const uint32_t sign = u32_op(t, SpvOpBitwiseXor, x.sign, y.sign);
    uint32_t words[2];
    const uint32_t high_y = shl(t, y.mantissa, 8);
    wj_spv_multiply_wide(t, shl(t, x.mantissa, 8), high_y, false, words);
    const uint32_t lost = bit_if(t, u32_test(t, SpvOpINotEqual, words[0], u32_const(t, 0)));
    const uint32_t mantissa = u32_op(t, SpvOpBitwiseOr, words[1], lost);
    const uint32_t bias = u32_const(t, 127);
    const uint32_t exponent =
        u32_op(t, SpvOpISub, u32_op(t, SpvOpIAdd, x.exponent, y.exponent), bias);
    uint32_t out = pack_high(t, sign, exponent, mantissa);
    const uint32_t any_zero = either(t, x.is_zero, y.is_zero);
    const uint32_t any_infinite = either(t, x.is_infinite, y.is_infinite);
    out = u32_choose(t, any_zero, sign, out);
    out =
        u32_choose(t, any_infinite, u32_op(t, SpvOpBitwiseOr, sign, u32_const(t, 0x7f800000)), out);
    const uint32_t none = both(t, any_zero, any_infinite);
    const uint32_t quiet = u32_const(t, quiet_nan);
    return u32_choose(t, either(t, none, either(t, x.is_nan, y.is_nan)), quiet, out);
}

// Long division by 8, 8, 8 and 7 bits.
static uint32_t divide(struct wj_spv_translator *t, uint32_t a, uint32_t b)
{
    const struct parts x = take_apart(t, a);
    const struct parts y = take_apart(t, b);
    const uint32_t sign = u32_op(t, SpvOpBitwiseXor, x.sign, y.sign);
    const uint32_t divisor = u32_choose(t, y.is_zero, u32_const(t, 1), y.mantissa);
    uint32_t rest = x.mantissa;
    uint32_t quotient = 0;
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t bits = i < 3 ? 8 : 7;
        const uint32_t wide = shl(t, rest, bits);
        const uint32_t digits = u32_op(t, SpvOpUDiv, wide, divisor);
        rest = u32_op(t, SpvOpISub, wide, u32_op(t, SpvOpIMul, digits, divisor));
        quotient = i == 0 ? digits : u32_op(t, SpvOpIAdd, shl(t, quotient, bits), digits);
    }
    const uint32_t lost = bit_if(t, u32_test(t, SpvOpINotEqual, rest, u32_const(t, 0)));
    const uint32_t mantissa = u32_op(t, SpvOpBitwiseOr, quotient, lost);
    const uint32_t bias = u32_const(t, 126);
    const uint32_t exponent =
        u32_op(t, SpvOpIAdd, u32_op(t, SpvOpISub, x.exponent, y.exponent), bias);
    uint32_t out = pack_high(t, sign, exponent, mantissa);
    out = u32_choose(t, either(t, x.is_zero, y.is_infinite), sign, out);
    const uint32_t infinite = u32_op(t, SpvOpBitwiseOr, sign, u32_const(t, 0x7f800000));
    out = u32_choose(t, either(t, x.is_infinite, y.is_zero), infinite, out);
    const uint32_t two_infinite = both(t, x.is_infinite, y.is_infinite);
    const uint32_t none = either(t, both(t, x.is_zero, y.is_zero), two_infinite);
    const uint32_t quiet = u32_const(t, quiet_nan);
    return u32_choose(t, either(t, none, either(t, x.is_nan, y.is_nan)), quiet, out);
}

static uint32_t add(struct wj_spv_translator *t, uint32_t a, uint32_t b)
{
    const uint32_t abs_a = and(t, a, 0x7fffffff);
    const uint32_t abs_b = and(t, b, 0x7fffffff);
    const uint32_t is_less = u32_test(t, SpvOpULessThan, abs_a, abs_b);
    const uint32_t large = u32_choose(t, is_less, b, a);
    const uint32_t small = u32_choose(t, is_less, a, b);
    uint32_t exponents[2], mantissas[2];
    for (unsigned i = 0; i < 2; i++) {
        const uint32_t bits = i == 0 ? large : small;
        const uint32_t field = and(t, shr(t, bits, 23), 0xff);
        const uint32_t is_denormal = is_zero(t, field);
        const uint32_t implied = u32_const(t, 0x800000);
        const uint32_t first = u32_choose(t, is_denormal, u32_const(t, 0), implied);
        exponents[i] = u32_choose(t, is_denormal, u32_const(t, 1), field);
        mantissas[i] = shl(t, u32_op(t, SpvOpBitwiseOr, and(t, bits, 0x7fffff), first), 6);
    }
    const uint32_t down = u32_op(t, SpvOpISub, exponents[0], exponents[1]);
    const uint32_t low = shift_sticky(t, mantissas[1], down);
    const uint32_t differ = and(t, u32_op(t, SpvOpBitwiseXor, a, b), 0x80000000);
    const uint32_t is_sum = is_zero(t, differ);
    const uint32_t difference = u32_op(t, SpvOpISub, mantissas[0], low);
    const uint32_t sum = u32_choose(t, is_sum, u32_op(t, SpvOpIAdd, mantissas[0], low), difference);
    const uint32_t one = u32_const(t, 1);
    const uint32_t zeros = and(t, u32_op(t, SpvOpISub, wj_spv_clz32(t, sum), one), 31);
    const uint32_t exponent = u32_op(t, SpvOpISub, u32_op(t, SpvOpIAdd, exponents[0], one), zeros);
    const uint32_t sign = and(t, large, 0x80000000);
    uint32_t out = pack(t, sign, exponent, u32_op(t, SpvOpShiftLeftLogical, sum, zeros));
    const uint32_t nothing = u32_choose(t, is_sum, sign, u32_const(t, 0));
    out = u32_choose(t, is_zero(t, sum), nothing, out);
    const uint32_t infinite = u32_const(t, 0x7f800000);
    const uint32_t abs_large = and(t, large, 0x7fffffff);
    out = u32_choose(t, u32_test(t, SpvOpIEqual, abs_large, infinite), large, out);
    const uint32_t is_b_infinite = u32_test(t, SpvOpIEqual, abs_b, infinite);
    const uint32_t two_infinite = both(t, u32_test(t, SpvOpIEqual, abs_a, infinite), is_b_infinite);
    const uint32_t no_sum = u32_test(t, SpvOpINotEqual, differ, u32_const(t, 0));
    const uint32_t none = both(t, two_infinite, no_sum);
    const uint32_t is_nan = either(t, u32_test(t, SpvOpUGreaterThan, abs_large, infinite), none);
    return u32_choose(t, is_nan, u32_const(t, quiet_nan), out);
}

// Digit by digit: 26 bits of the root of a mantissa of 25 bits, followed by zeros.
static uint32_t square_root(struct wj_spv_translator *t, uint32_t a)
{
    const struct parts x = take_apart(t, a);
    const uint32_t exponent = u32_op(t, SpvOpISub, x.exponent, u32_const(t, 127));
    const uint32_t zero = u32_const(t, 0);
    const uint32_t is_odd = u32_test(t, SpvOpINotEqual, and(t, exponent, 1), zero);
    const uint32_t bits = u32_choose(t, is_odd, shl(t, x.mantissa, 1), x.mantissa);
    uint32_t root = zero;
    uint32_t rest = zero;
    for (int i = 0; i < 26; i++) {
        const int at = 23 - 2 * i;
        rest = shl(t, rest, 2);
        if (at >= -1) {
            const uint32_t next = at < 0 ? shl(t, bits, 1) : shr(t, bits, (uint32_t) at);
            rest = u32_op(t, SpvOpBitwiseOr, rest, and(t, next, 3));
        }
        const uint32_t one = u32_const(t, 1);
        const uint32_t trial = u32_op(t, SpvOpBitwiseOr, shl(t, root, 2), one);
        const uint32_t fits = u32_test(t, SpvOpUGreaterThanEqual, rest, trial);
        rest = u32_choose(t, fits, u32_op(t, SpvOpISub, rest, trial), rest);
        const uint32_t digit = bit_if(t, fits);
        root = u32_op(t, SpvOpBitwiseOr, shl(t, root, 1), digit);
    }
    const uint32_t lost = bit_if(t, u32_test(t, SpvOpINotEqual, rest, zero));
    const uint32_t mantissa = u32_op(t, SpvOpBitwiseOr, shl(t, root, 5), lost);
    const uint32_t half = u32_op(t, SpvOpShiftRightArithmetic, exponent, u32_const(t, 1));
    uint32_t out = pack(t, zero, u32_op(t, SpvOpIAdd, half, u32_const(t, 127)), mantissa);
    out = u32_choose(t, x.is_infinite, a, out);
    const uint32_t is_negative = u32_test(t, SpvOpINotEqual, x.sign, zero);
    const uint32_t quiet = u32_const(t, quiet_nan);
    out = u32_choose(t, either(t, x.is_nan, is_negative), quiet, out);
    return u32_choose(t, x.is_zero, a, out);
}

// ceil, floor, trunc, nearest: the whole part, or the next number of that step.
static uint32_t round_off(struct wj_spv_translator *t, enum wj_spv_soft what, uint32_t a)
{
    const uint32_t sign = and(t, a, 0x80000000);
    const uint32_t magnitude = and(t, a, 0x7fffffff);
    const uint32_t bias = u32_const(t, 127);
    const uint32_t exponent = u32_op(t, SpvOpISub, shr(t, magnitude, 23), bias);
    const uint32_t is_below_1 = u32_test(t, SpvOpSLessThan, exponent, u32_const(t, 0));
    const uint32_t count = and(t, u32_op(t, SpvOpISub, u32_const(t, 23), exponent), 31);
    const uint32_t step = u32_op(t, SpvOpShiftLeftLogical, u32_const(t, 1), count);
    const uint32_t mask = u32_op(t, SpvOpISub, step, u32_const(t, 1));
    const uint32_t rest = u32_op(t, SpvOpBitwiseAnd, magnitude, mask);
    uint32_t whole = u32_op(t, SpvOpISub, magnitude, rest);
    uint32_t next = u32_op(t, SpvOpIAdd, whole, step);
    whole = u32_choose(t, is_below_1, u32_const(t, 0), whole);
    next = u32_choose(t, is_below_1, u32_const(t, 0x3f800000), next);
    uint32_t takes_next = wj_spv_const_bool(&t->b, false);
    if (what == SOFT_NEAREST) {
        const uint32_t half = shr(t, step, 1);
        const uint32_t zero = u32_const(t, 0);
        const uint32_t last = u32_op(t, SpvOpBitwiseAnd, magnitude, step);
        const uint32_t is_odd = u32_test(t, SpvOpINotEqual, last, zero);
        const uint32_t is_tie_up = both(t, u32_test(t, SpvOpIEqual, rest, half), is_odd);
        const uint32_t above = either(t, u32_test(t, SpvOpUGreaterThan, rest, half), is_tie_up);
        const uint32_t above_half =
            u32_test(t, SpvOpUGreaterThan, magnitude, u32_const(t, 0x3f000000));
        takes_next =
            WJ_SPV_OP(&t->b, SpvOpSelect, t->types[REPR_BOOL], is_below_1, above_half, above);
    } else if (what != SOFT_TRUNC) {
        const uint32_t is_away =
            u32_test(t, what == SOFT_CEIL ? SpvOpIEqual : SpvOpINotEqual, sign, u32_const(t, 0));
        const uint32_t has_rest = u32_test(t, SpvOpINotEqual, magnitude, whole);
        takes_next = both(t, is_away, has_rest);
    }
    const uint32_t out = u32_op(t, SpvOpBitwiseOr, u32_choose(t, takes_next, next, whole), sign);
    const uint32_t is_whole = u32_test(t, SpvOpSGreaterThanEqual, exponent, u32_const(t, 23));
    const uint32_t is_nan = u32_test(t, SpvOpUGreaterThan, magnitude, u32_const(t, 0x7f800000));
    const uint32_t number = u32_choose(t, is_whole, a, out);
    return u32_choose(t, is_nan, u32_const(t, quiet_nan), number);
}

static uint32_t compute(struct wj_spv_translator *t, enum wj_spv_soft what, uint32_t a, uint32_t b)
{
    switch (what) {
    case SOFT_ADD: return add(t, a, b);
    case SOFT_SUB: return add(t, a, u32_op(t, SpvOpBitwiseXor, b, u32_const(t, 0x80000000)));
    case SOFT_MUL: return multiply(t, a, b);
    case SOFT_DIV: return divide(t, a, b);
    case SOFT_SQRT: return square_root(t, a);
    case SOFT_CEIL:
    case SOFT_FLOOR:
    case SOFT_TRUNC:
    case SOFT_NEAREST: return round_off(t, what, a);
    case SOFT_COUNT: break;
    }
    return a;
}

static uint32_t call(struct wj_spv_translator *t, enum wj_spv_soft what, uint32_t a, uint32_t b)
{
    if (t->soft[what] == 0) {
        t->soft[what] = wj_spv_id(&t->b);
    }
    return WJ_SPV_OP(&t->b, SpvOpFunctionCall, t->types[REPR_U32], t->soft[what], a, b);
}

uint32_t wj_spv_soft(struct wj_spv_translator *t, enum wj_spv_repr bits, enum wj_spv_soft what,
                     uint32_t a, uint32_t b)
{
    uint32_t lanes[4];
    if (bits == REPR_U32) {
        return call(t, what, a, b);
    }
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t u32 = t->types[REPR_U32];
        const uint32_t y = WJ_SPV_OP(&t->b, SpvOpCompositeExtract, u32, b, i);
        const uint32_t x = WJ_SPV_OP(&t->b, SpvOpCompositeExtract, u32, a, i);
        lanes[i] = call(t, what, x, y);
    }
    return wj_spv_result(&t->b, SpvOpCompositeConstruct, t->types[bits], lanes, 4);
}

void wj_spv_soft_helpers(struct wj_spv_translator *t)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    for (unsigned i = 0; i < SOFT_COUNT; i++) {
        if (t->soft[i] == 0) {
            continue;
        }
        const uint32_t type = wj_spv_type(b, SpvOpTypeFunction, WJ_SPV_ARGS(u32, u32, u32));
        wj_spv_function_begin(b, t->soft[i], type, u32);
        const uint32_t x = wj_spv_function_parameter(b, u32);
        const uint32_t y = wj_spv_function_parameter(b, u32);
        WJ_SPV_DO(b, SpvOpReturnValue, compute(t, (enum wj_spv_soft) i, x, y));
        b->is_terminated = true;
        wj_spv_function_end(b);
    }
}
