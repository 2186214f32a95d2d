// f32 arithmetic by integers, for devices that flush denormals or round otherwise. Functions from
// bits to bits, made at the end when they were called; NaN results are canonical.
#include "spirv/translate.h"

// Exponents are the format's; a mantissa has its first bit at bit 30, and its last one says whether
// anything was lost below (it is sticky).

static uint32_t k(struct wj_spv_translator *t, uint32_t value)
{
    return wj_spv_const_u32(&t->b, value);
}

static uint32_t op(struct wj_spv_translator *t, SpvOp code, uint32_t a, uint32_t b)
{
    return WJ_SPV_OP(&t->b, code, t->types[REPR_U32], a, b);
}

static uint32_t test(struct wj_spv_translator *t, SpvOp code, uint32_t a, uint32_t b)
{
    return WJ_SPV_OP(&t->b, code, t->types[REPR_BOOL], a, b);
}

static uint32_t choose(struct wj_spv_translator *t, uint32_t condition, uint32_t yes, uint32_t no)
{
    return WJ_SPV_OP(&t->b, SpvOpSelect, t->types[REPR_U32], condition, yes, no);
}

static uint32_t and (struct wj_spv_translator * t, uint32_t a, uint32_t mask)
{
    return op(t, SpvOpBitwiseAnd, a, k(t, mask));
}

static uint32_t shr(struct wj_spv_translator *t, uint32_t a, uint32_t count)
{
    return op(t, SpvOpShiftRightLogical, a, k(t, count));
}

static uint32_t shl(struct wj_spv_translator *t, uint32_t a, uint32_t count)
{
    return op(t, SpvOpShiftLeftLogical, a, k(t, count));
}

static uint32_t bit_if(struct wj_spv_translator *t, uint32_t condition)
{
    return choose(t, condition, k(t, 1), k(t, 0));
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
    return test(t, SpvOpIEqual, a, k(t, 0));
}

// a >> count for any count, what is lost kept in the last bit.
static uint32_t shift_sticky(struct wj_spv_translator *t, uint32_t a, uint32_t count)
{
    count = choose(t, test(t, SpvOpUGreaterThan, count, k(t, 31)), k(t, 31), count);
    const uint32_t out = op(t, SpvOpShiftRightLogical, a, count);
    const uint32_t back = op(t, SpvOpShiftLeftLogical, out, count);
    return op(t, SpvOpBitwiseOr, out, bit_if(t, test(t, SpvOpINotEqual, back, a)));
}

// Rounds to the nearest, ties to even; denormal and infinite results, too.
static uint32_t pack(struct wj_spv_translator *t, uint32_t sign, uint32_t exponent,
                     uint32_t mantissa)
{
    const uint32_t is_small = test(t, SpvOpSLessThanEqual, exponent, k(t, 0));
    const uint32_t down = op(t, SpvOpISub, k(t, 1), exponent);
    mantissa = choose(t, is_small, shift_sticky(t, mantissa, down), mantissa);
    uint32_t value = shr(t, mantissa, 7);
    const uint32_t rest = and(t, mantissa, 0x7f);
    const uint32_t limit = op(t, SpvOpISub, k(t, 65), and(t, value, 1));
    const uint32_t up = bit_if(t, test(t, SpvOpUGreaterThanEqual, rest, limit));
    value = op(t, SpvOpIAdd, value, up);
    // The mantissa's first bit adds one to the exponent.
    const uint32_t field = shl(t, op(t, SpvOpISub, exponent, k(t, 1)), 23);
    value = choose(t, is_small, value, op(t, SpvOpIAdd, value, field));
    const uint32_t is_large = either(t, test(t, SpvOpSGreaterThanEqual, exponent, k(t, 255)),
                                     test(t, SpvOpUGreaterThan, value, k(t, 0x7f800000)));
    value = choose(t, is_large, k(t, 0x7f800000), value);
    return op(t, SpvOpBitwiseOr, value, sign);
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
    p.is_nan = test(t, SpvOpUGreaterThan, p.magnitude, k(t, 0x7f800000));
    p.is_infinite = test(t, SpvOpIEqual, p.magnitude, k(t, 0x7f800000));
    p.is_zero = is_zero(t, p.magnitude);
    const uint32_t exponent = shr(t, p.magnitude, 23);
    const uint32_t fraction = and(t, p.magnitude, 0x7fffff);
    const uint32_t is_denormal = is_zero(t, exponent);
    const uint32_t zeros = and(t, op(t, SpvOpISub, wj_spv_clz32(t, fraction), k(t, 8)), 31);
    p.exponent = choose(t, is_denormal, op(t, SpvOpISub, k(t, 1), zeros), exponent);
    p.mantissa = choose(t, is_denormal, op(t, SpvOpShiftLeftLogical, fraction, zeros),
                        op(t, SpvOpBitwiseOr, fraction, k(t, 0x800000)));
    return p;
}

static const uint32_t quiet_nan = 0x7fc00000;

// A mantissa with its first bit at bit 30 or 31; then the exponent is one more.
static uint32_t pack_high(struct wj_spv_translator *t, uint32_t sign, uint32_t exponent,
                          uint32_t mantissa)
{
    const uint32_t is_high = test(t, SpvOpSLessThan, mantissa, k(t, 0));
    const uint32_t half = op(t, SpvOpBitwiseOr, shr(t, mantissa, 1), and(t, mantissa, 1));
    return pack(t, sign, op(t, SpvOpIAdd, exponent, bit_if(t, is_high)),
                choose(t, is_high, half, mantissa));
}

static uint32_t multiply(struct wj_spv_translator *t, uint32_t a, uint32_t b)
{
    const struct parts x = take_apart(t, a);
    const struct parts y = take_apart(t, b);
    const uint32_t sign = op(t, SpvOpBitwiseXor, x.sign, y.sign);
    uint32_t words[2];
    wj_spv_multiply_wide(t, shl(t, x.mantissa, 8), shl(t, y.mantissa, 8), false, words);
    const uint32_t lost = bit_if(t, test(t, SpvOpINotEqual, words[0], k(t, 0)));
    const uint32_t mantissa = op(t, SpvOpBitwiseOr, words[1], lost);
    const uint32_t exponent = op(t, SpvOpISub, op(t, SpvOpIAdd, x.exponent, y.exponent), k(t, 127));
    uint32_t out = pack_high(t, sign, exponent, mantissa);
    const uint32_t any_zero = either(t, x.is_zero, y.is_zero);
    const uint32_t any_infinite = either(t, x.is_infinite, y.is_infinite);
    out = choose(t, any_zero, sign, out);
    out = choose(t, any_infinite, op(t, SpvOpBitwiseOr, sign, k(t, 0x7f800000)), out);
    const uint32_t none = both(t, any_zero, any_infinite);
    return choose(t, either(t, none, either(t, x.is_nan, y.is_nan)), k(t, quiet_nan), out);
}

// Long division by 8, 8, 8 and 7 bits.
static uint32_t divide(struct wj_spv_translator *t, uint32_t a, uint32_t b)
{
    const struct parts x = take_apart(t, a);
    const struct parts y = take_apart(t, b);
    const uint32_t sign = op(t, SpvOpBitwiseXor, x.sign, y.sign);
    const uint32_t divisor = choose(t, y.is_zero, k(t, 1), y.mantissa);
    uint32_t rest = x.mantissa;
    uint32_t quotient = 0;
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t bits = i < 3 ? 8 : 7;
        const uint32_t wide = shl(t, rest, bits);
        const uint32_t digits = op(t, SpvOpUDiv, wide, divisor);
        rest = op(t, SpvOpISub, wide, op(t, SpvOpIMul, digits, divisor));
        quotient = i == 0 ? digits : op(t, SpvOpIAdd, shl(t, quotient, bits), digits);
    }
    const uint32_t lost = bit_if(t, test(t, SpvOpINotEqual, rest, k(t, 0)));
    const uint32_t mantissa = op(t, SpvOpBitwiseOr, quotient, lost);
    const uint32_t exponent = op(t, SpvOpIAdd, op(t, SpvOpISub, x.exponent, y.exponent), k(t, 126));
    uint32_t out = pack_high(t, sign, exponent, mantissa);
    out = choose(t, either(t, x.is_zero, y.is_infinite), sign, out);
    out = choose(t, either(t, x.is_infinite, y.is_zero),
                 op(t, SpvOpBitwiseOr, sign, k(t, 0x7f800000)), out);
    const uint32_t none =
        either(t, both(t, x.is_zero, y.is_zero), both(t, x.is_infinite, y.is_infinite));
    return choose(t, either(t, none, either(t, x.is_nan, y.is_nan)), k(t, quiet_nan), out);
}

static uint32_t add(struct wj_spv_translator *t, uint32_t a, uint32_t b)
{
    const uint32_t abs_a = and(t, a, 0x7fffffff);
    const uint32_t abs_b = and(t, b, 0x7fffffff);
    const uint32_t is_less = test(t, SpvOpULessThan, abs_a, abs_b);
    const uint32_t large = choose(t, is_less, b, a);
    const uint32_t small = choose(t, is_less, a, b);
    uint32_t exponents[2], mantissas[2];
    for (unsigned i = 0; i < 2; i++) {
        const uint32_t bits = i == 0 ? large : small;
        const uint32_t field = and(t, shr(t, bits, 23), 0xff);
        const uint32_t is_denormal = is_zero(t, field);
        const uint32_t first = choose(t, is_denormal, k(t, 0), k(t, 0x800000));
        exponents[i] = choose(t, is_denormal, k(t, 1), field);
        mantissas[i] = shl(t, op(t, SpvOpBitwiseOr, and(t, bits, 0x7fffff), first), 6);
    }
    const uint32_t down = op(t, SpvOpISub, exponents[0], exponents[1]);
    const uint32_t low = shift_sticky(t, mantissas[1], down);
    const uint32_t differ = and(t, op(t, SpvOpBitwiseXor, a, b), 0x80000000);
    const uint32_t is_sum = is_zero(t, differ);
    const uint32_t sum =
        choose(t, is_sum, op(t, SpvOpIAdd, mantissas[0], low), op(t, SpvOpISub, mantissas[0], low));
    const uint32_t zeros = and(t, op(t, SpvOpISub, wj_spv_clz32(t, sum), k(t, 1)), 31);
    const uint32_t exponent = op(t, SpvOpISub, op(t, SpvOpIAdd, exponents[0], k(t, 1)), zeros);
    const uint32_t sign = and(t, large, 0x80000000);
    uint32_t out = pack(t, sign, exponent, op(t, SpvOpShiftLeftLogical, sum, zeros));
    out = choose(t, is_zero(t, sum), choose(t, is_sum, sign, k(t, 0)), out);
    const uint32_t infinite = k(t, 0x7f800000);
    const uint32_t abs_large = and(t, large, 0x7fffffff);
    out = choose(t, test(t, SpvOpIEqual, abs_large, infinite), large, out);
    const uint32_t two_infinite =
        both(t, test(t, SpvOpIEqual, abs_a, infinite), test(t, SpvOpIEqual, abs_b, infinite));
    const uint32_t no_sum = test(t, SpvOpINotEqual, differ, k(t, 0));
    const uint32_t is_nan =
        either(t, test(t, SpvOpUGreaterThan, abs_large, infinite), both(t, two_infinite, no_sum));
    return choose(t, is_nan, k(t, quiet_nan), out);
}

// Digit by digit: 26 bits of the root of a mantissa of 25 bits, followed by zeros.
static uint32_t square_root(struct wj_spv_translator *t, uint32_t a)
{
    const struct parts x = take_apart(t, a);
    const uint32_t exponent = op(t, SpvOpISub, x.exponent, k(t, 127));
    const uint32_t is_odd = test(t, SpvOpINotEqual, and(t, exponent, 1), k(t, 0));
    const uint32_t bits = choose(t, is_odd, shl(t, x.mantissa, 1), x.mantissa);
    uint32_t root = k(t, 0);
    uint32_t rest = k(t, 0);
    for (int i = 0; i < 26; i++) {
        const int at = 23 - 2 * i;
        rest = shl(t, rest, 2);
        if (at >= -1) {
            const uint32_t next = at < 0 ? shl(t, bits, 1) : shr(t, bits, (uint32_t) at);
            rest = op(t, SpvOpBitwiseOr, rest, and(t, next, 3));
        }
        const uint32_t trial = op(t, SpvOpBitwiseOr, shl(t, root, 2), k(t, 1));
        const uint32_t fits = test(t, SpvOpUGreaterThanEqual, rest, trial);
        rest = choose(t, fits, op(t, SpvOpISub, rest, trial), rest);
        root = op(t, SpvOpBitwiseOr, shl(t, root, 1), bit_if(t, fits));
    }
    const uint32_t lost = bit_if(t, test(t, SpvOpINotEqual, rest, k(t, 0)));
    const uint32_t mantissa = op(t, SpvOpBitwiseOr, shl(t, root, 5), lost);
    const uint32_t half = op(t, SpvOpShiftRightArithmetic, exponent, k(t, 1));
    uint32_t out = pack(t, k(t, 0), op(t, SpvOpIAdd, half, k(t, 127)), mantissa);
    out = choose(t, x.is_infinite, a, out);
    const uint32_t is_negative = test(t, SpvOpINotEqual, x.sign, k(t, 0));
    out = choose(t, either(t, x.is_nan, is_negative), k(t, quiet_nan), out);
    return choose(t, x.is_zero, a, out);
}

// ceil, floor, trunc, nearest: the whole part, or the next number of that step.
static uint32_t round_off(struct wj_spv_translator *t, enum wj_spv_soft what, uint32_t a)
{
    const uint32_t sign = and(t, a, 0x80000000);
    const uint32_t magnitude = and(t, a, 0x7fffffff);
    const uint32_t exponent = op(t, SpvOpISub, shr(t, magnitude, 23), k(t, 127));
    const uint32_t is_below_1 = test(t, SpvOpSLessThan, exponent, k(t, 0));
    const uint32_t count = and(t, op(t, SpvOpISub, k(t, 23), exponent), 31);
    const uint32_t step = op(t, SpvOpShiftLeftLogical, k(t, 1), count);
    const uint32_t mask = op(t, SpvOpISub, step, k(t, 1));
    const uint32_t rest = op(t, SpvOpBitwiseAnd, magnitude, mask);
    uint32_t whole = op(t, SpvOpISub, magnitude, rest);
    uint32_t next = op(t, SpvOpIAdd, whole, step);
    whole = choose(t, is_below_1, k(t, 0), whole);
    next = choose(t, is_below_1, k(t, 0x3f800000), next);
    uint32_t takes_next = wj_spv_const_bool(&t->b, false);
    if (what == SOFT_NEAREST) {
        const uint32_t half = shr(t, step, 1);
        const uint32_t is_odd =
            test(t, SpvOpINotEqual, op(t, SpvOpBitwiseAnd, magnitude, step), k(t, 0));
        const uint32_t above = either(t, test(t, SpvOpUGreaterThan, rest, half),
                                      both(t, test(t, SpvOpIEqual, rest, half), is_odd));
        const uint32_t above_half = test(t, SpvOpUGreaterThan, magnitude, k(t, 0x3f000000));
        takes_next =
            WJ_SPV_OP(&t->b, SpvOpSelect, t->types[REPR_BOOL], is_below_1, above_half, above);
    } else if (what != SOFT_TRUNC) {
        const uint32_t is_away =
            test(t, what == SOFT_CEIL ? SpvOpIEqual : SpvOpINotEqual, sign, k(t, 0));
        const uint32_t has_rest = test(t, SpvOpINotEqual, magnitude, whole);
        takes_next = both(t, is_away, has_rest);
    }
    const uint32_t out = op(t, SpvOpBitwiseOr, choose(t, takes_next, next, whole), sign);
    const uint32_t is_whole = test(t, SpvOpSGreaterThanEqual, exponent, k(t, 23));
    const uint32_t is_nan = test(t, SpvOpUGreaterThan, magnitude, k(t, 0x7f800000));
    return choose(t, is_nan, k(t, quiet_nan), choose(t, is_whole, a, out));
}

static uint32_t compute(struct wj_spv_translator *t, enum wj_spv_soft what, uint32_t a, uint32_t b)
{
    switch (what) {
    case SOFT_ADD: return add(t, a, b);
    case SOFT_SUB: return add(t, a, op(t, SpvOpBitwiseXor, b, k(t, 0x80000000)));
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
        lanes[i] = call(t, what, WJ_SPV_OP(&t->b, SpvOpCompositeExtract, u32, a, i),
                        WJ_SPV_OP(&t->b, SpvOpCompositeExtract, u32, b, i));
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
