// The self-test's 64-bit integer operations, and the conversions between i64 and f32.
#include <string.h>

#include "vk/selftest.h"

static const uint64_t SIGN = UINT64_C(1) << 63;

static float f32_of(uint64_t bits)
{
    const uint32_t low = (uint32_t) bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

static uint64_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
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

static uint32_t fold(struct wj_vk_asm *a, uint32_t all, uint32_t value)
{
    return op2(a, SpvOpIAdd, op2(a, SpvOpIMul, all, wj_vk_asm_u64(a, 31)), value);
}

// Sum, difference, product, logic, folded into one word.
static uint32_t emit_arith(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    static const SpvOp ops[] = {SpvOpISub, SpvOpIMul, SpvOpBitwiseAnd, SpvOpBitwiseOr,
                                SpvOpBitwiseXor};
    uint32_t all = op2(a, SpvOpIAdd, x, y);
    for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++) {
        all = fold(a, all, op2(a, ops[i], x, y));
    }
    return all;
}

static uint64_t expect_arith(uint64_t x, uint64_t y)
{
    uint64_t all = x + y;
    all = all * 31 + (x - y);
    all = all * 31 + x * y;
    all = all * 31 + (x & y);
    all = all * 31 + (x | y);
    return all * 31 + (x ^ y);
}

static uint32_t emit_div_s(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    const uint32_t one = wj_vk_asm_u64(a, 1);
    const uint32_t is_zero = test2(a, SpvOpIEqual, y, wj_vk_asm_u64(a, 0));
    const uint32_t overflows =
        test2(a, SpvOpLogicalAnd, test2(a, SpvOpIEqual, x, wj_vk_asm_u64(a, SIGN)),
              test2(a, SpvOpIEqual, y, wj_vk_asm_u64(a, UINT64_MAX)));
    return op2(a, SpvOpSDiv, x, pick(a, overflows, one, pick(a, is_zero, one, y)));
}

static uint64_t expect_div_s(uint64_t x, uint64_t y)
{
    const int64_t l = (int64_t) x;
    const int64_t r = (int64_t) y;
    return (uint64_t) (r == 0 || (l == INT64_MIN && r == -1) ? l : l / r);
}

static uint32_t emit_div_u(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    const uint32_t is_zero = test2(a, SpvOpIEqual, y, wj_vk_asm_u64(a, 0));
    return op2(a, SpvOpUDiv, x, pick(a, is_zero, wj_vk_asm_u64(a, 1), y));
}

static uint64_t expect_div_u(uint64_t x, uint64_t y)
{
    return y == 0 ? x : x / y;
}

static uint32_t emit_shift(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    const uint32_t mask = wj_vk_asm_u64(a, 63);
    const uint32_t count = op2(a, SpvOpBitwiseAnd, y, mask);
    const uint32_t minus = op2(a, SpvOpBitwiseAnd, op2(a, SpvOpISub, wj_vk_asm_u64(a, 0), y), mask);
    const uint32_t left = op2(a, SpvOpShiftLeftLogical, x, count);
    const uint32_t right = op2(a, SpvOpShiftRightLogical, x, count);
    const uint32_t rotated = op2(a, SpvOpBitwiseOr, left, op2(a, SpvOpShiftRightLogical, x, minus));
    const uint32_t all = fold(a, left, right);
    return fold(a, fold(a, all, op2(a, SpvOpShiftRightArithmetic, x, count)), rotated);
}

static uint64_t expect_shift(uint64_t x, uint64_t y)
{
    const unsigned count = y & 63;
    const uint64_t rotated = x << count | x >> (-count & 63);
    const uint64_t all = (x << count) * 31 + (x >> count);
    return (all * 31 + (uint64_t) ((int64_t) x >> count)) * 31 + rotated;
}

const SpvOp wj_vk_compares[WJ_VK_COMPARES] = {
    SpvOpIEqual,
    SpvOpINotEqual,
    SpvOpSLessThan,
    SpvOpULessThan,
    SpvOpSGreaterThan,
    SpvOpUGreaterThan,
    SpvOpSLessThanEqual,
    SpvOpULessThanEqual,
    SpvOpSGreaterThanEqual,
    SpvOpUGreaterThanEqual,
};

// The ten comparisons, a bit each.
static uint32_t emit_compare(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    uint32_t all = wj_vk_asm_u64(a, 0);
    for (unsigned i = 0; i < WJ_VK_COMPARES; i++) {
        const uint32_t bit = wj_vk_asm_u64(a, UINT64_C(1) << i);
        const uint32_t seen = pick(a, test2(a, wj_vk_compares[i], x, y), bit, wj_vk_asm_u64(a, 0));
        all = op2(a, SpvOpBitwiseOr, all, seen);
    }
    return all;
}

static uint64_t expect_compare(uint64_t x, uint64_t y)
{
    const int64_t l = (int64_t) x;
    const int64_t r = (int64_t) y;
    const bool holds[] = {x == y, x != y, l<r, x<y, l> r, x> y, l <= r, x <= y, l >= r, x >= y};
    uint64_t all = 0;
    for (unsigned i = 0; i < sizeof holds / sizeof *holds; i++) {
        all |= (uint64_t) holds[i] << i;
    }
    return all;
}

static const uint64_t constants[] = {0, UINT64_MAX, UINT64_C(1) << 31};
enum { CONSTANT_COUNT = sizeof constants / sizeof *constants };

// Wrapping to 32 bits and extending from them, signed and not.
static uint32_t emit_resize(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    const uint32_t low_x = ASM_OP(a, SpvOpUConvert, a->type_u32, x);
    const uint32_t low_y = ASM_OP(a, SpvOpUConvert, a->type_u32, y);
    return fold(a, wj_vk_asm_widen(a, low_x, true), wj_vk_asm_widen(a, low_y, false));
}

static uint64_t expect_resize(uint64_t x, uint64_t y)
{
    return (uint64_t) (int64_t) (int32_t) (uint32_t) x * 31 + (uint32_t) y;
}

// What is extended, with constants: drivers that know how many bits it has compute with fewer.
// Mesa 22.3.6 compares what OpSConvert extends wrongly, which no lowering uses since.
static uint32_t with_constants(struct wj_vk_asm *a, uint32_t all, uint32_t value)
{
    static const SpvOp ops[] = {SpvOpIAdd, SpvOpISub, SpvOpIMul, SpvOpBitwiseAnd, SpvOpBitwiseOr};
    for (unsigned i = 0; i < CONSTANT_COUNT; i++) {
        const uint32_t c = wj_vk_asm_u64(a, constants[i]);
        all = fold(a, all, emit_compare(a, value, c));
        for (unsigned j = 0; j < sizeof ops / sizeof *ops; j++) {
            all = fold(a, all, op2(a, ops[j], value, c));
        }
    }
    return all;
}

static uint64_t expect_constants(uint64_t all, uint64_t value)
{
    for (unsigned i = 0; i < CONSTANT_COUNT; i++) {
        const uint64_t c = constants[i];
        const uint64_t words[] = {
            expect_compare(value, c), value + c, value - c, value * c, value & c, value | c};
        for (unsigned j = 0; j < sizeof words / sizeof *words; j++) {
            all = all * 31 + words[j];
        }
    }
    return all;
}

static uint32_t emit_widened(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    const uint32_t low = ASM_OP(a, SpvOpUConvert, a->type_u32, x);
    const uint32_t all = with_constants(a, y, wj_vk_asm_widen(a, low, true));
    return with_constants(a, all, wj_vk_asm_widen(a, low, false));
}

static uint64_t expect_widened(uint64_t x, uint64_t y)
{
    const uint64_t all = expect_constants(y, (uint64_t) (int64_t) (int32_t) (uint32_t) x);
    return expect_constants(all, (uint32_t) x);
}

// i64.extend32_s, and the mask that does the same without a sign.
static uint32_t emit_extended(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    const uint32_t by = wj_vk_asm_u64(a, 32);
    const uint32_t high = op2(a, SpvOpShiftLeftLogical, x, by);
    const uint32_t all = with_constants(a, y, op2(a, SpvOpShiftRightArithmetic, high, by));
    return with_constants(a, all, op2(a, SpvOpBitwiseAnd, x, wj_vk_asm_u64(a, UINT32_MAX)));
}

static uint32_t from_f32(struct wj_vk_asm *a, uint32_t value)
{
    return wj_vk_asm_widen(a, ASM_OP(a, SpvOpBitcast, a->type_u32, value), false);
}

static uint32_t emit_to_f32_s(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    return from_f32(a, ASM_OP(a, SpvOpConvertSToF, a->type_f32, x));
}

static uint64_t expect_to_f32_s(uint64_t x, uint64_t y)
{
    (void) y;
    return bits_of((float) (int64_t) x);
}

static uint32_t emit_to_f32_u(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    return from_f32(a, ASM_OP(a, SpvOpConvertUToF, a->type_f32, x));
}

static uint64_t expect_to_f32_u(uint64_t x, uint64_t y)
{
    (void) y;
    return bits_of((float) x);
}

// Of the f32 in the low half; what is out of range counts as 0, as the translator feeds it.
static uint32_t truncation(struct wj_vk_asm *a, uint32_t x, bool is_signed)
{
    const uint32_t value =
        ASM_OP(a, SpvOpBitcast, a->type_f32, ASM_OP(a, SpvOpUConvert, a->type_u32, x));
    const uint32_t zero = ASM_OP(a, SpvOpBitcast, a->type_f32, wj_vk_asm_u32(a, 0));
    const uint32_t low =
        ASM_OP(a, SpvOpBitcast, a->type_f32, wj_vk_asm_u32(a, is_signed ? 0xdf000000 : 0));
    const uint32_t high =
        ASM_OP(a, SpvOpBitcast, a->type_f32, wj_vk_asm_u32(a, is_signed ? 0x5f000000 : 0x5f800000));
    const uint32_t is_in =
        test2(a, SpvOpLogicalAnd, test2(a, SpvOpFOrdGreaterThanEqual, value, low),
              test2(a, SpvOpFOrdLessThan, value, high));
    const uint32_t in = ASM_OP(a, SpvOpSelect, a->type_f32, is_in, value, zero);
    return ASM_OP(a, is_signed ? SpvOpConvertFToS : SpvOpConvertFToU, a->type_u64, in);
}

static uint32_t emit_trunc_s(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    return truncation(a, x, true);
}

static uint64_t expect_trunc_s(uint64_t x, uint64_t y)
{
    (void) y;
    const float value = f32_of(x);
    return value >= -0x1p63f && value < 0x1p63f ? (uint64_t) (int64_t) value : 0;
}

static uint32_t emit_trunc_u(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    return truncation(a, x, false);
}

static uint64_t expect_trunc_u(uint64_t x, uint64_t y)
{
    (void) y;
    const float value = f32_of(x);
    return value >= 0 && value < 0x1p64f ? (uint64_t) value : 0;
}

#define CHECK(has_lanes, name, expected)                                                          \
    {                                                                                             \
        "i64 " #name, WJ_VK_VERDICT(i64), LOWERING_NATIVE, RESULT_BITS64, has_lanes, emit_##name, \
            expect_##expected                                                                     \
    }
static const struct wj_vk_check checks[] = {
    CHECK(true, arith, arith),        CHECK(false, div_s, div_s),
    CHECK(false, div_u, div_u),       CHECK(true, shift, shift),
    CHECK(true, compare, compare),    CHECK(false, resize, resize),
    CHECK(false, widened, widened),   CHECK(false, extended, widened),
    CHECK(false, to_f32_s, to_f32_s), CHECK(false, to_f32_u, to_f32_u),
    CHECK(false, trunc_s, trunc_s),   CHECK(false, trunc_u, trunc_u),
};
#undef CHECK

const struct wj_vk_group wj_vk_group_i64 = {checks, sizeof checks / sizeof *checks, 64, false};
