// The self-test's f64 operations, in the lowerings of the translator: as those of f32.
#include <math.h>
#include <string.h>

#include "vk/selftest.h"

static const uint64_t SIGN = UINT64_C(1) << 63;
static const uint64_t INFINITE = UINT64_C(0x7ff) << 52;
static const uint64_t QUIET = UINT64_C(1) << 51;

static double f64_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint32_t as_f64(struct wj_vk_asm *a, uint32_t bits)
{
    return ASM_OP(a, SpvOpBitcast, a->type_f64, bits);
}

static uint32_t as_bits(struct wj_vk_asm *a, uint32_t value)
{
    return ASM_OP(a, SpvOpBitcast, a->type_u64, value);
}

static uint32_t op2(struct wj_vk_asm *a, SpvOp op, uint32_t x, uint32_t y)
{
    return ASM_OP(a, op, a->type_u64, x, y);
}

static uint32_t test2(struct wj_vk_asm *a, SpvOp op, uint32_t x, uint32_t y)
{
    return ASM_OP(a, op, a->type_bool, x, y);
}

static uint32_t pick(struct wj_vk_asm *a, uint32_t condition, uint32_t yes, uint32_t no)
{
    return ASM_OP(a, SpvOpSelect, a->type_u64, condition, yes, no);
}

static uint32_t emit_is_nan(struct wj_vk_asm *a, uint32_t bits)
{
    const uint32_t magnitude = op2(a, SpvOpBitwiseAnd, bits, wj_vk_asm_u64(a, ~SIGN));
    return test2(a, SpvOpUGreaterThan, magnitude, wj_vk_asm_u64(a, INFINITE));
}

#define ARITHMETIC(name, op, sign)                                                          \
    static uint32_t emit_##name(struct wj_vk_asm *a, uint32_t x, uint32_t y)                \
    {                                                                                       \
        return as_bits(a, wj_vk_asm_exact(a, op, a->type_f64, as_f64(a, x), as_f64(a, y))); \
    }                                                                                       \
    static uint64_t expect_##name(uint64_t x, uint64_t y)                                   \
    {                                                                                       \
        return bits_of(f64_of(x) sign f64_of(y));                                           \
    }
ARITHMETIC(add, SpvOpFAdd, +)
ARITHMETIC(sub, SpvOpFSub, -)
ARITHMETIC(mul, SpvOpFMul, *)
ARITHMETIC(div, SpvOpFDiv, /)
#undef ARITHMETIC

// x * y + x, x * y - y, and x * x + y * y: what drivers fuse.
static uint32_t emit_fused(struct wj_vk_asm *a, uint32_t x_bits, uint32_t y_bits)
{
    const uint32_t x = as_f64(a, x_bits);
    const uint32_t y = as_f64(a, y_bits);
    const uint32_t type = a->type_f64;
    const uint32_t xy = wj_vk_asm_exact(a, SpvOpFMul, type, x, y);
    const uint32_t xx = wj_vk_asm_exact(a, SpvOpFMul, type, x, x);
    const uint32_t yy = wj_vk_asm_exact(a, SpvOpFMul, type, y, y);
    const uint32_t values[] = {wj_vk_asm_exact(a, SpvOpFAdd, type, xy, x),
                               wj_vk_asm_exact(a, SpvOpFSub, type, xy, y),
                               wj_vk_asm_exact(a, SpvOpFAdd, type, xx, yy)};
    uint32_t all = x_bits;
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        const uint32_t bits = as_bits(a, values[i]);
        const uint32_t seen = pick(a, emit_is_nan(a, bits), wj_vk_asm_u64(a, INFINITE), bits);
        all = op2(a, SpvOpIAdd, op2(a, SpvOpIMul, all, wj_vk_asm_u64(a, 31)), seen);
    }
    return all;
}

static uint64_t expect_fused(uint64_t x_bits, uint64_t y_bits)
{
    const double x = f64_of(x_bits);
    const double y = f64_of(y_bits);
    // Stored, so that no compiler of ours fuses either.
    volatile double xy = x * y;
    volatile double xx = x * x;
    volatile double yy = y * y;
    const double values[] = {xy + x, xy - y, xx + yy};
    uint64_t all = x_bits;
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        all = all * 31 + (values[i] != values[i] ? INFINITE : bits_of(values[i]));
    }
    return all;
}

static uint32_t emit_sqrt(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    return as_bits(a, wj_vk_asm_glsl(a, GLSLstd450Sqrt, a->type_f64, as_f64(a, x)));
}

static uint64_t expect_sqrt(uint64_t x, uint64_t y)
{
    (void) y;
    return bits_of(sqrt(f64_of(x)));
}

static uint32_t rounding(struct wj_vk_asm *a, uint32_t instruction, uint32_t x)
{
    const uint32_t out = as_bits(a, wj_vk_asm_glsl(a, instruction, a->type_f64, as_f64(a, x)));
    const uint32_t quieted = op2(a, SpvOpBitwiseOr, x, wj_vk_asm_u64(a, QUIET));
    return pick(a, emit_is_nan(a, x), quieted, out);
}

#define ROUNDING(name, instruction, function)                                \
    static uint32_t emit_##name(struct wj_vk_asm *a, uint32_t x, uint32_t y) \
    {                                                                        \
        (void) y;                                                            \
        return rounding(a, instruction, x);                                  \
    }                                                                        \
    static uint64_t expect_##name(uint64_t x, uint64_t y)                    \
    {                                                                        \
        (void) y;                                                            \
        return bits_of(function(f64_of(x)));                                 \
    }
ROUNDING(ceil, GLSLstd450Ceil, ceil)
ROUNDING(floor, GLSLstd450Floor, floor)
ROUNDING(trunc, GLSLstd450Trunc, trunc)
ROUNDING(nearest, GLSLstd450RoundEven, rint)
#undef ROUNDING

static uint32_t gather(struct wj_vk_asm *a, const uint32_t conditions[6])
{
    uint32_t all = wj_vk_asm_u64(a, 0);
    for (unsigned i = 0; i < 6; i++) {
        const uint32_t bit =
            pick(a, conditions[i], wj_vk_asm_u64(a, UINT64_C(1) << i), wj_vk_asm_u64(a, 0));
        all = op2(a, SpvOpBitwiseOr, all, bit);
    }
    return all;
}

static uint32_t emit_compare(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    static const SpvOp ops[6] = {SpvOpFOrdEqual,         SpvOpFUnordNotEqual,
                                 SpvOpFOrdLessThan,      SpvOpFOrdGreaterThan,
                                 SpvOpFOrdLessThanEqual, SpvOpFOrdGreaterThanEqual};
    uint32_t conditions[6];
    for (unsigned i = 0; i < 6; i++) {
        conditions[i] = test2(a, ops[i], as_f64(a, x), as_f64(a, y));
    }
    return gather(a, conditions);
}

static uint32_t order_key(struct wj_vk_asm *a, uint32_t bits)
{
    const uint32_t sign = op2(a, SpvOpShiftRightArithmetic, bits, wj_vk_asm_u64(a, 63));
    return op2(a, SpvOpBitwiseXor, bits, op2(a, SpvOpBitwiseAnd, sign, wj_vk_asm_u64(a, ~SIGN)));
}

static uint32_t without_minus_zero(struct wj_vk_asm *a, uint32_t bits)
{
    return pick(a, test2(a, SpvOpIEqual, bits, wj_vk_asm_u64(a, SIGN)), wj_vk_asm_u64(a, 0), bits);
}

static uint32_t emit_compare_bits(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    static const SpvOp ops[6] = {SpvOpIEqual,       SpvOpINotEqual,      SpvOpSLessThan,
                                 SpvOpSGreaterThan, SpvOpSLessThanEqual, SpvOpSGreaterThanEqual};
    const uint32_t no_order = test2(a, SpvOpLogicalOr, emit_is_nan(a, x), emit_is_nan(a, y));
    const uint32_t order = ASM_OP(a, SpvOpLogicalNot, a->type_bool, no_order);
    const uint32_t left = order_key(a, without_minus_zero(a, x));
    const uint32_t right = order_key(a, without_minus_zero(a, y));
    uint32_t conditions[6];
    for (unsigned i = 0; i < 6; i++) {
        const uint32_t holds = test2(a, ops[i], left, right);
        conditions[i] = i == 1 ? test2(a, SpvOpLogicalOr, holds, no_order)
                               : test2(a, SpvOpLogicalAnd, holds, order);
    }
    return gather(a, conditions);
}

static uint64_t expect_compare(uint64_t x, uint64_t y)
{
    const double l = f64_of(x);
    const double r = f64_of(y);
    return (uint64_t) ((l == r) | (l != r) << 1 | (l < r) << 2 | (l > r) << 3 | (l <= r) << 4 |
                       (l >= r) << 5);
}

static uint32_t emit_promote(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    const uint32_t low = ASM_OP(a, SpvOpUConvert, a->type_u32, x);
    const uint32_t single = ASM_OP(a, SpvOpBitcast, a->type_f32, low);
    return as_bits(a, ASM_OP(a, SpvOpFConvert, a->type_f64, single));
}

static uint64_t expect_promote(uint64_t x, uint64_t y)
{
    (void) y;
    const uint32_t low = (uint32_t) x;
    float single;
    memcpy(&single, &low, sizeof single);
    return bits_of((double) single);
}

static uint32_t emit_demote(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    const uint32_t single = ASM_OP(a, SpvOpFConvert, a->type_f32, as_f64(a, x));
    return wj_vk_asm_widen(a, ASM_OP(a, SpvOpBitcast, a->type_u32, single), false);
}

static uint64_t expect_demote(uint64_t x, uint64_t y)
{
    (void) y;
    const float single = (float) f64_of(x);
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    return bits;
}

#define FROM_INTEGER(name, op, word, type)                                    \
    static uint32_t emit_##name(struct wj_vk_asm *a, uint32_t x, uint32_t y)  \
    {                                                                         \
        (void) y;                                                             \
        const uint32_t in = ASM_OP(a, SpvOpUConvert, a->type_u32, x);         \
        return as_bits(a, ASM_OP(a, op, a->type_f64, (word) == 32 ? in : x)); \
    }                                                                         \
    static uint64_t expect_##name(uint64_t x, uint64_t y)                     \
    {                                                                         \
        (void) y;                                                             \
        return bits_of((double) (type) x);                                    \
    }
FROM_INTEGER(from_i32, SpvOpConvertSToF, 32, int32_t)
FROM_INTEGER(from_u32, SpvOpConvertUToF, 32, uint32_t)
FROM_INTEGER(from_i64, SpvOpConvertSToF, 64, int64_t)
FROM_INTEGER(from_u64, SpvOpConvertUToF, 64, uint64_t)
#undef FROM_INTEGER

// In range, low <= value < high; what is outside counts as 0, as the translator feeds it.
struct range {
    uint64_t low, high;
    bool is_signed;
    unsigned bits;
};
static const struct range range_i32 = {0xc1e0000000000000, 0x41e0000000000000, true, 32};
static const struct range range_u32 = {0, 0x41f0000000000000, false, 32};
static const struct range range_i64 = {0xc3e0000000000000, 0x43e0000000000000, true, 64};
static const struct range range_u64 = {0, 0x43f0000000000000, false, 64};

static uint32_t truncation(struct wj_vk_asm *a, const struct range *range, uint32_t x)
{
    const uint32_t value = as_f64(a, x);
    const uint32_t low = as_f64(a, wj_vk_asm_u64(a, range->low));
    const uint32_t high = as_f64(a, wj_vk_asm_u64(a, range->high));
    const uint32_t is_in =
        test2(a, SpvOpLogicalAnd, test2(a, SpvOpFOrdGreaterThanEqual, value, low),
              test2(a, SpvOpFOrdLessThan, value, high));
    const uint32_t in =
        ASM_OP(a, SpvOpSelect, a->type_f64, is_in, value, as_f64(a, wj_vk_asm_u64(a, 0)));
    const uint32_t type = range->bits == 32 ? a->type_u32 : a->type_u64;
    const SpvOp op = range->is_signed ? SpvOpConvertFToS : SpvOpConvertFToU;
    const uint32_t out = ASM_OP(a, op, type, in);
    return range->bits == 32 ? wj_vk_asm_widen(a, out, false) : out;
}

static bool is_within(const struct range *range, double value)
{
    return value >= f64_of(range->low) && value < f64_of(range->high);
}

#define TRUNCATION(name, range, type, unsigned_type)                                  \
    static uint32_t emit_##name(struct wj_vk_asm *a, uint32_t x, uint32_t y)          \
    {                                                                                 \
        (void) y;                                                                     \
        return truncation(a, &(range), x);                                            \
    }                                                                                 \
    static uint64_t expect_##name(uint64_t x, uint64_t y)                             \
    {                                                                                 \
        (void) y;                                                                     \
        return is_within(&(range), f64_of(x)) ? (unsigned_type) (type) f64_of(x) : 0; \
    }
TRUNCATION(to_i32, range_i32, int32_t, uint32_t)
TRUNCATION(to_u32, range_u32, uint32_t, uint32_t)
TRUNCATION(to_i64, range_i64, int64_t, uint64_t)
TRUNCATION(to_u64, range_u64, uint64_t, uint64_t)
#undef TRUNCATION

#define CHECK(field, lowering, result, has_lanes, emit, expect)                                  \
    {                                                                                            \
#field " " #emit, WJ_VK_VERDICT(field), LOWERING_##lowering, RESULT_##result, has_lanes, \
            emit_##emit, expect_##expect                                                         \
    }
static const struct wj_vk_check checks[] = {
    CHECK(f64_arith, NATIVE, F64, true, add, add),
    CHECK(f64_arith, NATIVE, F64, true, sub, sub),
    CHECK(f64_arith, NATIVE, F64, true, mul, mul),
    CHECK(f64_arith, NATIVE, BITS64, false, fused, fused),
    CHECK(f64_div, NATIVE, F64, true, div, div),
    CHECK(f64_sqrt, NATIVE, F64, true, sqrt, sqrt),
    CHECK(f64_round, NATIVE, F64, true, ceil, ceil),
    CHECK(f64_round, NATIVE, F64, true, floor, floor),
    CHECK(f64_round, NATIVE, F64, true, trunc, trunc),
    CHECK(f64_round, NATIVE, F64, true, nearest, nearest),
    CHECK(f64_compare, NATIVE, BITS64, true, compare, compare),
    CHECK(f64_compare, REPAIRED, BITS64, false, compare_bits, compare),
    CHECK(f64_convert, NATIVE, F64, false, promote, promote),
    CHECK(f64_convert, NATIVE, F32, false, demote, demote),
    CHECK(f64_convert, NATIVE, BITS64, false, from_i32, from_i32),
    CHECK(f64_convert, NATIVE, BITS64, false, from_u32, from_u32),
    CHECK(f64_convert, NATIVE, BITS64, false, from_i64, from_i64),
    CHECK(f64_convert, NATIVE, BITS64, false, from_u64, from_u64),
    CHECK(f64_convert, NATIVE, BITS64, false, to_i32, to_i32),
    CHECK(f64_convert, NATIVE, BITS64, false, to_u32, to_u32),
    CHECK(f64_convert, NATIVE, BITS64, false, to_i64, to_i64),
    CHECK(f64_convert, NATIVE, BITS64, false, to_u64, to_u64),
};
#undef CHECK

const struct wj_vk_group wj_vk_group_f64 = {checks, sizeof checks / sizeof *checks, 64, true};
