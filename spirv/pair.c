// i64 where the device has no 64-bit integers: a pair of words, the low one first, and operations
// on 32 bits. Also the operations on 128 bits, which take their operands apart everywhere.
#include "spirv/u32.h"

enum { WORDS_MAX = 4 };

static uint32_t member(struct wj_spv_translator *t, uint32_t composite, uint32_t index)
{
    return WJ_SPV_OP(&t->b, SpvOpCompositeExtract, t->types[REPR_U32], composite, index);
}

static uint32_t pair_type(struct wj_spv_translator *t)
{
    return wj_spv_type_vector(&t->b, t->types[REPR_U32], 2);
}

void wj_spv_split64(struct wj_spv_translator *t, uint32_t a, uint32_t words[2])
{
    if (!t->uses_pairs) {
        a = WJ_SPV_OP(&t->b, SpvOpBitcast, pair_type(t), a);
    }
    words[0] = member(t, a, 0);
    words[1] = member(t, a, 1);
}

uint32_t wj_spv_join64(struct wj_spv_translator *t, const uint32_t words[2])
{
    const uint32_t pair = wj_spv_result(&t->b, SpvOpCompositeConstruct, pair_type(t), words, 2);
    return t->uses_pairs ? pair : WJ_SPV_OP(&t->b, SpvOpBitcast, t->types[REPR_U64], pair);
}

// An operation with a result of two words: the sum and its carry, the words of a product.
static void both_words(struct wj_spv_translator *t, SpvOp op, uint32_t a, uint32_t b,
                       uint32_t words[2])
{
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t both = wj_spv_type(&t->b, SpvOpTypeStruct, WJ_SPV_ARGS(u32, u32));
    const uint32_t result = WJ_SPV_OP(&t->b, op, both, a, b);
    words[0] = member(t, result, 0);
    words[1] = member(t, result, 1);
}

void wj_spv_multiply_wide(struct wj_spv_translator *t, uint32_t a, uint32_t b, bool is_signed,
                          uint32_t words[2])
{
    both_words(t, is_signed ? SpvOpSMulExtended : SpvOpUMulExtended, a, b, words);
}

// a += b or a -= b, of `count` words.
static void add_words(struct wj_spv_translator *t, bool is_sub, uint32_t *a, const uint32_t *b,
                      unsigned count)
{
    const SpvOp op = is_sub ? SpvOpISubBorrow : SpvOpIAddCarry;
    uint32_t carry = 0;
    for (unsigned i = 0; i < count; i++) {
        uint32_t sum[2] = {0}, next[2] = {0};
        if (i + 1 == count) {
            sum[0] = u32_op(t, is_sub ? SpvOpISub : SpvOpIAdd, a[i], b[i]);
            a[i] = carry == 0 ? sum[0] : u32_op(t, is_sub ? SpvOpISub : SpvOpIAdd, sum[0], carry);
            return;
        }
        both_words(t, op, a[i], b[i], sum);
        if (carry != 0) {
            both_words(t, op, sum[0], carry, next);
            sum[0] = next[0];
            sum[1] = u32_op(t, SpvOpBitwiseOr, sum[1], next[1]);
        }
        a[i] = sum[0];
        carry = sum[1];
    }
}

// The low 64 bits of a product.
static void multiply(struct wj_spv_translator *t, const uint32_t a[2], const uint32_t b[2],
                     uint32_t out[2])
{
    wj_spv_multiply_wide(t, a[0], b[0], false, out);
    out[1] = u32_op(t, SpvOpIAdd, out[1], u32_op(t, SpvOpIMul, a[0], b[1]));
    out[1] = u32_op(t, SpvOpIAdd, out[1], u32_op(t, SpvOpIMul, a[1], b[0]));
}

// Shifts by count & 63, of which `count` is the low word.
static void shift(struct wj_spv_translator *t, SpvOp op, const uint32_t a[2], uint32_t count,
                  uint32_t out[2])
{
    const bool is_left = op == SpvOpShiftLeftLogical;
    const unsigned near = is_left ? 0 : 1; // the word that bits leave for the other
    const uint32_t by = u32_op(t, SpvOpBitwiseAnd, count, u32_const(t, 31));
    const uint32_t back = u32_op(t, SpvOpISub, u32_const(t, 31), by);
    const uint32_t zero = u32_const(t, 0);
    const uint32_t words = u32_op(t, SpvOpBitwiseAnd, count, u32_const(t, 32));
    const uint32_t is_far = u32_test(t, SpvOpINotEqual, words, zero);
    const SpvOp other = is_left ? SpvOpShiftRightLogical : SpvOpShiftLeftLogical;
    const SpvOp same = is_left ? SpvOpShiftLeftLogical : SpvOpShiftRightLogical;
    const uint32_t moved = u32_op(t, op, a[near], by);
    const uint32_t crossing = u32_op(t, other, u32_op(t, other, a[near], u32_const(t, 1)), back);
    const uint32_t kept = u32_op(t, same, a[1 - near], by);
    const uint32_t fill =
        op == SpvOpShiftRightArithmetic ? u32_op(t, op, a[1], u32_const(t, 31)) : zero;
    out[near] = u32_choose(t, is_far, fill, moved);
    out[1 - near] = u32_choose(t, is_far, moved, u32_op(t, SpvOpBitwiseOr, kept, crossing));
}

static void negate_if(struct wj_spv_translator *t, uint32_t condition, uint32_t words[2])
{
    const uint32_t zero = u32_const(t, 0);
    uint32_t minus[2] = {zero, zero};
    add_words(t, true, minus, words, 2);
    words[0] = u32_choose(t, condition, minus[0], words[0]);
    words[1] = u32_choose(t, condition, minus[1], words[1]);
}

static uint32_t is_negative(struct wj_spv_translator *t, uint32_t word)
{
    return u32_test(t, SpvOpSLessThan, word, u32_const(t, 0));
}

static void divide(struct wj_spv_translator *t, bool is_signed, uint32_t a[2], uint32_t b[2],
                   uint32_t out[2])
{
    uint32_t sign = 0;
    if (is_signed) {
        sign = is_negative(t, u32_op(t, SpvOpBitwiseXor, a[1], b[1]));
        negate_if(t, is_negative(t, a[1]), a);
        negate_if(t, is_negative(t, b[1]), b);
    }
    if (t->divide_pairs == 0) {
        t->divide_pairs = wj_spv_id(&t->b);
    }
    const uint32_t quotient = WJ_SPV_OP(&t->b, SpvOpFunctionCall, t->types[REPR_U64],
                                        t->divide_pairs, a[0], a[1], b[0], b[1]);
    out[0] = member(t, quotient, 0);
    out[1] = member(t, quotient, 1);
    if (is_signed) {
        negate_if(t, sign, out);
    }
}

uint32_t wj_spv_pair_op(struct wj_spv_translator *t, SpvOp op, uint32_t a, uint32_t b)
{
    uint32_t x[2], y[2], out[2];
    if (op == SpvOpBitwiseAnd || op == SpvOpBitwiseOr || op == SpvOpBitwiseXor) {
        return WJ_SPV_OP(&t->b, op, t->types[REPR_U64], a, b);
    }
    wj_spv_split64(t, a, x);
    wj_spv_split64(t, b, y);
    switch (op) {
    case SpvOpIAdd:
    case SpvOpISub: add_words(t, op == SpvOpISub, x, y, 2); return wj_spv_join64(t, x);
    case SpvOpIMul: multiply(t, x, y, out); break;
    case SpvOpSDiv: divide(t, true, x, y, out); break;
    case SpvOpUDiv: divide(t, false, x, y, out); break;
    default: shift(t, op, x, y[0], out); break;
    }
    return wj_spv_join64(t, out);
}

uint32_t wj_spv_pair_test(struct wj_spv_translator *t, SpvOp op, uint32_t a, uint32_t b)
{
    uint32_t x[2], y[2];
    const uint32_t bools = t->types[REPR_BOOL];
    wj_spv_split64(t, a, x);
    wj_spv_split64(t, b, y);
    if (op == SpvOpIEqual || op == SpvOpINotEqual) {
        const uint32_t low = u32_test(t, op, x[0], y[0]);
        const uint32_t high = u32_test(t, op, x[1], y[1]);
        return WJ_SPV_OP(&t->b, op == SpvOpIEqual ? SpvOpLogicalAnd : SpvOpLogicalOr, bools, low,
                         high);
    }
    // By the high words, unless they are equal; then by the low ones, unsigned.
    SpvOp strict = op, loose = op;
    switch (op) {
    case SpvOpSLessThan: loose = SpvOpULessThan; break;
    case SpvOpSLessThanEqual: strict = SpvOpSLessThan, loose = SpvOpULessThanEqual; break;
    case SpvOpULessThanEqual: strict = SpvOpULessThan; break;
    case SpvOpSGreaterThan: loose = SpvOpUGreaterThan; break;
    case SpvOpSGreaterThanEqual: strict = SpvOpSGreaterThan, loose = SpvOpUGreaterThanEqual; break;
    case SpvOpUGreaterThanEqual: strict = SpvOpUGreaterThan; break;
    default: break;
    }
    const uint32_t above = u32_test(t, strict, x[1], y[1]);
    const uint32_t level = u32_test(t, SpvOpIEqual, x[1], y[1]);
    const uint32_t below = u32_test(t, loose, x[0], y[0]);
    return WJ_SPV_OP(&t->b, SpvOpLogicalOr, bools, above,
                     WJ_SPV_OP(&t->b, SpvOpLogicalAnd, bools, level, below));
}

// Conversions.

static uint32_t count_zeros(struct wj_spv_translator *t, const uint32_t words[2])
{
    const uint32_t is_small = u32_test(t, SpvOpIEqual, words[1], u32_const(t, 0));
    const uint32_t word_bits = u32_const(t, 32);
    const uint32_t in_low = u32_op(t, SpvOpIAdd, wj_spv_clz32(t, words[0]), word_bits);
    return u32_choose(t, is_small, in_low, wj_spv_clz32(t, words[1]));
}

// The f32 nearest to a pair, as bits: 24 bits below the first one, rounded by those that follow.
uint32_t wj_spv_pair_to_f32(struct wj_spv_translator *t, uint32_t a, bool is_signed)
{
    uint32_t words[2], top[2];
    wj_spv_split64(t, a, words);
    uint32_t sign = 0;
    if (is_signed) {
        sign = u32_op(t, SpvOpBitwiseAnd, words[1], u32_const(t, 0x80000000));
        negate_if(t, is_negative(t, words[1]), words);
    }
    const uint32_t zero = u32_const(t, 0);
    const uint32_t zeros = count_zeros(t, words);
    shift(t, SpvOpShiftLeftLogical, words, zeros, top);
    const uint32_t mantissa = u32_op(t, SpvOpShiftRightLogical, top[1], u32_const(t, 8));
    const uint32_t one = u32_const(t, 1);
    const uint32_t lost = u32_choose(t, u32_test(t, SpvOpINotEqual, top[0], zero), one, zero);
    uint32_t rest = u32_op(t, SpvOpBitwiseAnd, top[1], u32_const(t, 0xff));
    rest = u32_op(t, SpvOpBitwiseOr, u32_op(t, SpvOpShiftLeftLogical, rest, one), lost);
    // Up when the rest is above one half, or is one half and the mantissa odd.
    const uint32_t odd = u32_op(t, SpvOpBitwiseAnd, mantissa, one);
    const uint32_t limit = u32_op(t, SpvOpISub, u32_const(t, 0x100), odd);
    const uint32_t up = u32_choose(t, u32_test(t, SpvOpUGreaterThan, rest, limit), one, zero);
    // The mantissa's first bit adds one to the exponent.
    const uint32_t exponent = u32_op(t, SpvOpISub, u32_const(t, 127 + 62), zeros);
    uint32_t bits = u32_op(t, SpvOpShiftLeftLogical, exponent, u32_const(t, 23));
    bits = u32_op(t, SpvOpIAdd, u32_op(t, SpvOpIAdd, bits, mantissa), up);
    const uint32_t any = u32_op(t, SpvOpBitwiseOr, words[0], words[1]);
    bits = u32_choose(t, u32_test(t, SpvOpIEqual, any, zero), zero, bits);
    return is_signed ? u32_op(t, SpvOpBitwiseOr, bits, sign) : bits;
}

// A pair from an f32, as bits, whose magnitude is below 2^64.
uint32_t wj_spv_pair_from_f32(struct wj_spv_translator *t, uint32_t bits, bool is_signed)
{
    const uint32_t zero = u32_const(t, 0);
    uint32_t exponent = u32_op(t, SpvOpShiftRightLogical, bits, u32_const(t, 23));
    exponent = u32_op(t, SpvOpBitwiseAnd, exponent, u32_const(t, 0xff));
    const uint32_t fraction = u32_op(t, SpvOpBitwiseAnd, bits, u32_const(t, 0x7fffff));
    const uint32_t whole = u32_op(t, SpvOpBitwiseOr, fraction, u32_const(t, 0x800000));
    const uint32_t words[2] = {whole, zero};
    uint32_t left[2], out[2];
    const uint32_t up = u32_op(t, SpvOpISub, exponent, u32_const(t, 127 + 23));
    shift(t, SpvOpShiftLeftLogical, words, up, left);
    uint32_t down = u32_op(t, SpvOpISub, u32_const(t, 127 + 23), exponent);
    const uint32_t is_small = u32_test(t, SpvOpULessThan, exponent, u32_const(t, 127));
    down = u32_choose(t, is_small, u32_const(t, 24), down);
    const uint32_t right = u32_op(t, SpvOpShiftRightLogical, whole,
                                  u32_op(t, SpvOpBitwiseAnd, down, u32_const(t, 31)));
    const uint32_t is_big = u32_test(t, SpvOpUGreaterThanEqual, exponent, u32_const(t, 127 + 23));
    out[0] = u32_choose(t, is_big, left[0], right);
    out[1] = u32_choose(t, is_big, left[1], zero);
    if (is_signed) {
        negate_if(t, is_negative(t, bits), out);
    }
    return wj_spv_join64(t, out);
}

uint32_t wj_spv_resize(struct wj_spv_translator *t, enum wj_spv_repr to, uint32_t a, bool is_signed)
{
    if (to == REPR_U32) {
        return t->uses_pairs ? member(t, a, 0) : WJ_SPV_OP(&t->b, SpvOpUConvert, t->types[to], a);
    }
    // By words, never by SConvert: Mesa 22.3.6 compares what that gives with constants wrongly.
    const uint32_t words[2] = {
        a, is_signed ? u32_op(t, SpvOpShiftRightArithmetic, a, u32_const(t, 31)) : u32_const(t, 0)};
    return wj_spv_join64(t, words);
}

// Wide arithmetic.

static void pop_split(struct wj_spv_translator *t, uint32_t words[2])
{
    wj_spv_split64(t, wj_spv_as(t, wj_spv_pop(t), REPR_U64), words);
}

static void push_joined(struct wj_spv_translator *t, const uint32_t words[2])
{
    wj_spv_push(t, wj_spv_value(wj_spv_join64(t, words), REPR_U64));
}

// The product of two pairs, by the four products of their words.
static void multiply_pairs(struct wj_spv_translator *t, bool is_signed, const uint32_t a[2],
                           const uint32_t b[2], uint32_t out[WORDS_MAX])
{
    const uint32_t zero = u32_const(t, 0);
    wj_spv_multiply_wide(t, a[0], b[0], false, out);
    wj_spv_multiply_wide(t, a[1], b[1], false, out + 2);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t cross[3];
        wj_spv_multiply_wide(t, a[i], b[1 - i], false, cross);
        cross[2] = zero;
        add_words(t, false, out + 1, cross, 3);
    }
    // A negative operand was taken for itself plus 2^64.
    for (unsigned i = 0; is_signed && i < 2; i++) {
        const uint32_t *with_sign = i == 0 ? a : b;
        const uint32_t *other = i == 0 ? b : a;
        const uint32_t minus = is_negative(t, with_sign[1]);
        uint32_t words[2];
        words[0] = u32_choose(t, minus, other[0], zero);
        words[1] = u32_choose(t, minus, other[1], zero);
        add_words(t, true, out + 2, words, 2);
    }
}

bool wj_spv_wide(struct wj_spv_translator *t, const struct wj_op *op)
{
    uint32_t x[WORDS_MAX], y[WORDS_MAX], out[WORDS_MAX];
    if (!wj_spv_check_type(t, op, WJ_TYPE_I64)) {
        return false;
    }
    if (t->caps->i32_wide == WJ_GPU_REFUSED) {
        return wj_spv_refuse(t, op, "the device carries or multiplies wide integers wrongly");
    }
    switch ((enum wj_wide) op->sub) {
    case WIDE_ADD128:
    case WIDE_SUB128:
        pop_split(t, y + 2);
        pop_split(t, y);
        pop_split(t, x + 2);
        pop_split(t, x);
        add_words(t, op->sub == WIDE_SUB128, x, y, WORDS_MAX);
        push_joined(t, x);
        push_joined(t, x + 2);
        return true;
    case WIDE_MUL_S:
    case WIDE_MUL_U:
        pop_split(t, y);
        pop_split(t, x);
        multiply_pairs(t, op->sub == WIDE_MUL_S, x, y, out);
        push_joined(t, out);
        push_joined(t, out + 2);
        return true;
    }
    return false;
}

// Division: a function, made at the end when it was called. Bit by bit, the highest first.

static void divide_step(struct wj_spv_translator *t, const uint32_t vars[WORDS_MAX],
                        const uint32_t divisor[2])
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    uint32_t words[WORDS_MAX]; // the quotient so far and bits to come, the remainder
    for (unsigned i = 0; i < WORDS_MAX; i++) {
        words[i] = WJ_SPV_OP(b, SpvOpLoad, u32, vars[i]);
    }
    const uint32_t out = u32_op(t, SpvOpShiftRightLogical, words[3], u32_const(t, 31));
    for (unsigned i = WORDS_MAX; i-- > 0;) {
        uint32_t moved = u32_op(t, SpvOpShiftLeftLogical, words[i], u32_const(t, 1));
        if (i != 0) {
            const uint32_t in = u32_op(t, SpvOpShiftRightLogical, words[i - 1], u32_const(t, 31));
            moved = u32_op(t, SpvOpBitwiseOr, moved, in);
        }
        words[i] = moved;
    }
    uint32_t less[2] = {words[2], words[3]};
    add_words(t, true, less, divisor, 2);
    const uint32_t rest = wj_spv_join64(t, words + 2);
    const uint32_t fits =
        wj_spv_pair_test(t, SpvOpUGreaterThanEqual, rest, wj_spv_join64(t, divisor));
    const uint32_t is_out = u32_test(t, SpvOpINotEqual, out, u32_const(t, 0));
    const uint32_t takes = WJ_SPV_OP(b, SpvOpLogicalOr, t->types[REPR_BOOL], fits, is_out);
    const uint32_t zero = u32_const(t, 0);
    const uint32_t bit = u32_choose(t, takes, u32_const(t, 1), zero);
    WJ_SPV_DO(b, SpvOpStore, vars[0], u32_op(t, SpvOpBitwiseOr, words[0], bit));
    WJ_SPV_DO(b, SpvOpStore, vars[1], words[1]);
    WJ_SPV_DO(b, SpvOpStore, vars[2], u32_choose(t, takes, less[0], words[2]));
    WJ_SPV_DO(b, SpvOpStore, vars[3], u32_choose(t, takes, less[1], words[3]));
}

void wj_spv_pair_helpers(struct wj_spv_translator *t)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    if (t->divide_pairs == 0) {
        return;
    }
    const uint32_t type =
        wj_spv_type(b, SpvOpTypeFunction, WJ_SPV_ARGS(t->types[REPR_U64], u32, u32, u32, u32));
    wj_spv_function_begin(b, t->divide_pairs, type, t->types[REPR_U64]);
    uint32_t params[WORDS_MAX], vars[WORDS_MAX];
    for (unsigned i = 0; i < WORDS_MAX; i++) {
        params[i] = wj_spv_function_parameter(b, u32);
    }
    for (unsigned i = 0; i < WORDS_MAX; i++) {
        vars[i] = wj_spv_function_variable(b, u32);
        WJ_SPV_DO(b, SpvOpStore, vars[i], i < 2 ? params[i] : u32_const(t, 0));
    }
    const uint32_t counter = wj_spv_function_variable(b, u32);
    WJ_SPV_DO(b, SpvOpStore, counter, u32_const(t, 64));
    const uint32_t header = wj_spv_id(b), body = wj_spv_id(b);
    const uint32_t next = wj_spv_id(b), merge = wj_spv_id(b);
    wj_spv_branch(b, header);
    wj_spv_label(b, header);
    WJ_SPV_DO(b, SpvOpLoopMerge, merge, next, SpvLoopControlMaskNone);
    wj_spv_branch(b, body);
    wj_spv_label(b, body);
    divide_step(t, vars, params + 2);
    wj_spv_branch(b, next);
    wj_spv_label(b, next);
    const uint32_t one = u32_const(t, 1);
    const uint32_t left = u32_op(t, SpvOpISub, WJ_SPV_OP(b, SpvOpLoad, u32, counter), one);
    WJ_SPV_DO(b, SpvOpStore, counter, left);
    wj_spv_branch_if(b, u32_test(t, SpvOpINotEqual, left, u32_const(t, 0)), header, merge);
    wj_spv_label(b, merge);
    uint32_t quotient[2];
    quotient[0] = WJ_SPV_OP(b, SpvOpLoad, u32, vars[0]);
    quotient[1] = WJ_SPV_OP(b, SpvOpLoad, u32, vars[1]);
    WJ_SPV_DO(b, SpvOpReturnValue, wj_spv_join64(t, quotient));
    b->is_terminated = true;
    wj_spv_function_end(b);
}
