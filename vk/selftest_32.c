// The self-test's 32-bit operations. Each lowering is the one that the translator emits: native is
// the plain instruction, float arithmetic without contraction; repaired is integer logic.
#include <math.h>
#include <string.h>

#include "vk/selftest.h"

static const uint32_t SIGN = 0x80000000, INFINITE = 0x7f800000, QUIET = 0x00400000;

static float f32_of(uint64_t bits)
{
    const uint32_t low = (uint32_t) bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static bool is_nan32(uint32_t bits)
{
    return (bits & ~SIGN) > INFINITE;
}

static uint32_t as_f32(struct wj_vk_asm *a, uint32_t bits)
{
    return ASM_OP(a, SpvOpBitcast, a->type_f32, bits);
}

static uint32_t as_bits(struct wj_vk_asm *a, uint32_t value)
{
    return ASM_OP(a, SpvOpBitcast, a->type_u32, value);
}

static uint32_t op2(struct wj_vk_asm *a, SpvOp op, uint32_t x, uint32_t y)
{
    return ASM_OP(a, op, a->type_u32, x, y);
}

static uint32_t test2(struct wj_vk_asm *a, SpvOp op, uint32_t x, uint32_t y)
{
    return ASM_OP(a, op, a->type_bool, x, y);
}

static uint32_t pick(struct wj_vk_asm *a, uint32_t condition, uint32_t yes, uint32_t no)
{
    return ASM_OP(a, SpvOpSelect, a->type_u32, condition, yes, no);
}

static uint32_t arithmetic(struct wj_vk_asm *a, SpvOp op, uint32_t x, uint32_t y)
{
    return as_bits(a, wj_vk_asm_exact(a, op, a->type_f32, as_f32(a, x), as_f32(a, y)));
}

#define ARITHMETIC(name, op, sign)                                           \
    static uint32_t emit_##name(struct wj_vk_asm *a, uint32_t x, uint32_t y) \
    {                                                                        \
        return arithmetic(a, op, x, y);                                      \
    }                                                                        \
    static uint64_t expect_##name(uint64_t x, uint64_t y)                    \
    {                                                                        \
        return bits_of(f32_of(x) sign f32_of(y));                            \
    }
ARITHMETIC(add, SpvOpFAdd, +)
ARITHMETIC(sub, SpvOpFSub, -)
ARITHMETIC(mul, SpvOpFMul, *)
ARITHMETIC(div, SpvOpFDiv, /)
#undef ARITHMETIC

static uint32_t emit_is_nan(struct wj_vk_asm *a, uint32_t bits)
{
    const uint32_t magnitude = op2(a, SpvOpBitwiseAnd, bits, wj_vk_asm_u32(a, ~SIGN));
    return test2(a, SpvOpUGreaterThan, magnitude, wj_vk_asm_u32(a, INFINITE));
}

static uint32_t emit_quieted(struct wj_vk_asm *a, uint32_t bits)
{
    return op2(a, SpvOpBitwiseOr, bits, wj_vk_asm_u32(a, QUIET));
}

// A product and a sum are fused by some drivers where they meet, so that expressions are tried too:
// GRAPH_NODES operations chosen by a generator, each on earlier values, all folded into one word.
enum { GRAPH_NODES = 14, GRAPH_SEED = 0x2545f491 };

struct graph_step {
    unsigned op; // 0 add, 1 sub, 2 mul
    unsigned left;
    unsigned right;
};

static struct graph_step next_step(uint32_t *seed, unsigned values)
{
    // A linear congruential generator: any would do, if both sides have the same.
    *seed = *seed * 1664525u + 1013904223u;
    const uint32_t r = *seed >> 8;
    return (struct graph_step){r % 3, (r >> 4) % values, (r >> 12) % values};
}

static uint32_t emit_graph(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    static const SpvOp ops[] = {SpvOpFAdd, SpvOpFSub, SpvOpFMul};
    uint32_t values[GRAPH_NODES + 2] = {as_f32(a, x), as_f32(a, y)};
    uint32_t seed = GRAPH_SEED;
    uint32_t folded = x;
    for (unsigned i = 2; i < GRAPH_NODES + 2; i++) {
        const struct graph_step step = next_step(&seed, i);
        values[i] =
            wj_vk_asm_exact(a, ops[step.op], a->type_f32, values[step.left], values[step.right]);
        const uint32_t bits = as_bits(a, values[i]);
        const uint32_t seen = pick(a, emit_is_nan(a, bits), wj_vk_asm_u32(a, INFINITE), bits);
        folded = op2(a, SpvOpIAdd, op2(a, SpvOpIMul, folded, wj_vk_asm_u32(a, 31)), seen);
    }
    return folded;
}

static uint64_t expect_graph(uint64_t x, uint64_t y)
{
    float values[GRAPH_NODES + 2] = {f32_of(x), f32_of(y)};
    uint32_t seed = GRAPH_SEED;
    uint32_t folded = (uint32_t) x;
    for (unsigned i = 2; i < GRAPH_NODES + 2; i++) {
        const struct graph_step step = next_step(&seed, i);
        // Stored, so that no compiler of ours fuses either.
        volatile float result = step.op == 0   ? values[step.left] + values[step.right]
                                : step.op == 1 ? values[step.left] - values[step.right]
                                               : values[step.left] * values[step.right];
        values[i] = result;
        const uint32_t bits = bits_of(values[i]);
        folded = folded * 31 + (is_nan32(bits) ? INFINITE : bits);
    }
    return folded;
}

static uint32_t emit_sqrt(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    return as_bits(a, wj_vk_asm_glsl(a, GLSLstd450Sqrt, a->type_f32, as_f32(a, x)));
}

static uint64_t expect_sqrt(uint64_t x, uint64_t y)
{
    (void) y;
    return bits_of(sqrtf(f32_of(x)));
}

// Drivers hand signalling NaNs on as they are: quieting belongs to the lowering.
static uint32_t rounding(struct wj_vk_asm *a, uint32_t instruction, uint32_t x)
{
    const uint32_t out = as_bits(a, wj_vk_asm_glsl(a, instruction, a->type_f32, as_f32(a, x)));
    return pick(a, emit_is_nan(a, x), emit_quieted(a, x), out);
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
        return bits_of(function(f32_of(x)));                                 \
    }
ROUNDING(ceil, GLSLstd450Ceil, ceilf)
ROUNDING(floor, GLSLstd450Floor, floorf)
ROUNDING(trunc, GLSLstd450Trunc, truncf)
ROUNDING(nearest, GLSLstd450RoundEven, rintf)
#undef ROUNDING

// The six comparisons, a bit each: eq, ne, lt, gt, le, ge.
static uint32_t gather(struct wj_vk_asm *a, const uint32_t conditions[6])
{
    uint32_t all = wj_vk_asm_u32(a, 0);
    for (unsigned i = 0; i < 6; i++) {
        const uint32_t bit = pick(a, conditions[i], wj_vk_asm_u32(a, 1u << i), wj_vk_asm_u32(a, 0));
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
        conditions[i] = test2(a, ops[i], as_f32(a, x), as_f32(a, y));
    }
    return gather(a, conditions);
}

// Bits as signed integers in the order of the floats, -0 below +0.
static uint32_t order_key(struct wj_vk_asm *a, uint32_t bits)
{
    const uint32_t sign = op2(a, SpvOpShiftRightArithmetic, bits, wj_vk_asm_u32(a, 31));
    return op2(a, SpvOpBitwiseXor, bits, op2(a, SpvOpBitwiseAnd, sign, wj_vk_asm_u32(a, ~SIGN)));
}

static uint32_t without_minus_zero(struct wj_vk_asm *a, uint32_t bits)
{
    return pick(a, test2(a, SpvOpIEqual, bits, wj_vk_asm_u32(a, SIGN)), wj_vk_asm_u32(a, 0), bits);
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
    const float l = f32_of(x);
    const float r = f32_of(y);
    return (uint64_t) ((l == r) | (l != r) << 1 | (l < r) << 2 | (l > r) << 3 | (l <= r) << 4 |
                       (l >= r) << 5);
}

static uint32_t minimum(struct wj_vk_asm *a, SpvOp op, uint32_t x, uint32_t y)
{
    const uint32_t is_x = test2(a, op, order_key(a, x), order_key(a, y));
    const uint32_t plain = pick(a, is_x, x, y);
    const uint32_t or_y = pick(a, emit_is_nan(a, y), emit_quieted(a, y), plain);
    return pick(a, emit_is_nan(a, x), emit_quieted(a, x), or_y);
}

static uint32_t emit_min(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    return minimum(a, SpvOpSLessThan, x, y);
}

static uint32_t emit_max(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    return minimum(a, SpvOpSGreaterThan, x, y);
}

static uint64_t expect_min(uint64_t x, uint64_t y)
{
    const float l = f32_of(x);
    const float r = f32_of(y);
    if (l != l || r != r) {
        return INFINITE | QUIET;
    }
    return l == r ? (uint32_t) (x | y) : l < r ? (uint32_t) x : (uint32_t) y;
}

static uint64_t expect_max(uint64_t x, uint64_t y)
{
    const float l = f32_of(x);
    const float r = f32_of(y);
    if (l != l || r != r) {
        return INFINITE | QUIET;
    }
    return l == r ? (uint32_t) (x & y) : l > r ? (uint32_t) x : (uint32_t) y;
}

static uint32_t emit_from_i32(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    return as_bits(a, ASM_OP(a, SpvOpConvertSToF, a->type_f32, x));
}

static uint64_t expect_from_i32(uint64_t x, uint64_t y)
{
    (void) y;
    return bits_of((float) (int32_t) (uint32_t) x);
}

static uint32_t emit_from_u32(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    return as_bits(a, ASM_OP(a, SpvOpConvertUToF, a->type_f32, x));
}

// By the signed conversion of half the value, with the bit lost kept for rounding.
static uint32_t emit_from_u32_halved(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    const uint32_t one = wj_vk_asm_u32(a, 1);
    const uint32_t half = op2(a, SpvOpShiftRightLogical, x, one);
    const uint32_t sticky = op2(a, SpvOpBitwiseOr, half, op2(a, SpvOpBitwiseAnd, x, one));
    const uint32_t halved = ASM_OP(a, SpvOpConvertSToF, a->type_f32, sticky);
    const uint32_t doubled = wj_vk_asm_exact(a, SpvOpFAdd, a->type_f32, halved, halved);
    const uint32_t plain = ASM_OP(a, SpvOpConvertSToF, a->type_f32, x);
    const uint32_t is_high = test2(a, SpvOpSLessThan, x, wj_vk_asm_u32(a, 0));
    return as_bits(a, ASM_OP(a, SpvOpSelect, a->type_f32, is_high, doubled, plain));
}

static uint64_t expect_from_u32(uint64_t x, uint64_t y)
{
    (void) y;
    return bits_of((float) (uint32_t) x);
}

// Ranges are compared before the conversion, never left to the driver; saturating outside.
static uint32_t truncation(struct wj_vk_asm *a, uint32_t x, bool is_signed)
{
    const uint32_t value = as_f32(a, x);
    const uint32_t zero = as_f32(a, wj_vk_asm_u32(a, 0));
    const uint32_t low = as_f32(a, wj_vk_asm_u32(a, is_signed ? 0xcf000000 : 0xbf800000));
    const uint32_t high = as_f32(a, wj_vk_asm_u32(a, is_signed ? 0x4f000000 : 0x4f800000));
    const uint32_t above =
        test2(a, is_signed ? SpvOpFOrdGreaterThanEqual : SpvOpFOrdGreaterThan, value, low);
    const uint32_t is_valid =
        test2(a, SpvOpLogicalAnd, above, test2(a, SpvOpFOrdLessThan, value, high));
    const uint32_t is_positive = test2(a, SpvOpFOrdGreaterThan, value, zero);
    const uint32_t is_used =
        is_signed ? is_valid : test2(a, SpvOpLogicalAnd, is_valid, is_positive);
    const uint32_t in = ASM_OP(a, SpvOpSelect, a->type_f32, is_used, value, zero);
    const uint32_t out =
        ASM_OP(a, is_signed ? SpvOpConvertFToS : SpvOpConvertFToU, a->type_u32, in);
    const uint32_t is_negative = test2(a, SpvOpFOrdLessThan, value, zero);
    const uint32_t top = wj_vk_asm_u32(a, is_signed ? ~SIGN : UINT32_MAX);
    const uint32_t bottom = wj_vk_asm_u32(a, is_signed ? SIGN : 0);
    const uint32_t beyond = pick(a, is_positive, top, wj_vk_asm_u32(a, 0));
    return pick(a, is_valid, out, pick(a, is_negative, bottom, beyond));
}

static uint32_t emit_trunc_s(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    return truncation(a, x, true);
}

static uint32_t emit_trunc_u(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    return truncation(a, x, false);
}

static uint64_t expect_trunc_s(uint64_t x, uint64_t y)
{
    (void) y;
    const float value = f32_of(x);
    if (value != value) {
        return 0;
    }
    return value >= 0x1p31f    ? (uint32_t) INT32_MAX
           : value <= -0x1p31f ? SIGN
                               : (uint32_t) (int32_t) value;
}

static uint64_t expect_trunc_u(uint64_t x, uint64_t y)
{
    (void) y;
    const float value = f32_of(x);
    if (value != value || value <= 0) {
        return 0;
    }
    return value >= 0x1p32f ? UINT32_MAX : (uint32_t) value;
}

// What everything is made of, the ten comparisons a bit each, folded into one word.
static uint32_t emit_words(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    static const SpvOp ops[] = {SpvOpIAdd,       SpvOpISub,      SpvOpIMul,
                                SpvOpBitwiseAnd, SpvOpBitwiseOr, SpvOpBitwiseXor};
    const uint32_t m = wj_vk_asm_u32(a, 31);
    uint32_t all = wj_vk_asm_u32(a, 0);
    for (unsigned i = 0; i < WJ_VK_COMPARES; i++) {
        const uint32_t bit = wj_vk_asm_u32(a, 1u << i);
        const uint32_t holds = test2(a, wj_vk_compares[i], x, y);
        all = op2(a, SpvOpBitwiseOr, all, pick(a, holds, bit, wj_vk_asm_u32(a, 0)));
    }
    for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++) {
        all = op2(a, SpvOpIAdd, op2(a, SpvOpIMul, all, m), op2(a, ops[i], x, y));
    }
    return op2(a, SpvOpIAdd, op2(a, SpvOpIMul, all, m), ASM_OP(a, SpvOpNot, a->type_u32, x));
}

static uint64_t expect_words(uint64_t x64, uint64_t y64)
{
    const uint32_t x = (uint32_t) x64;
    const uint32_t y = (uint32_t) y64;
    const int32_t l = (int32_t) x;
    const int32_t r = (int32_t) y;
    const bool holds[] = {x == y, x != y, l<r, x<y, l> r, x> y, l <= r, x <= y, l >= r, x >= y};
    const uint32_t words[] = {x + y, x - y, x * y, x & y, x | y, x ^ y, ~x};
    uint32_t all = 0;
    for (unsigned i = 0; i < sizeof holds / sizeof *holds; i++) {
        all |= (uint32_t) holds[i] << i;
    }
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        all = all * 31 + words[i];
    }
    return all;
}

// Fields of a word as accesses and lanes take them, and the smaller of two words.
static uint32_t emit_fields(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    const uint32_t u32 = a->type_u32;
    const uint32_t m = wj_vk_asm_u32(a, 31);
    uint32_t all = ASM_OP(a, SpvOpExtInst, u32, a->glsl, GLSLstd450UMin, x, y);
    for (uint32_t at = 0; at < 32; at += 8) {
        const uint32_t offset = wj_vk_asm_u32(a, at);
        const uint32_t count = wj_vk_asm_u32(a, at % 16 == 0 ? 16 : 8);
        const uint32_t field = ASM_OP(a, SpvOpBitFieldUExtract, u32, x, offset, count);
        const uint32_t with = ASM_OP(a, SpvOpBitFieldInsert, u32, x, y, offset, count);
        all = op2(a, SpvOpIAdd, op2(a, SpvOpIMul, all, m), field);
        all = op2(a, SpvOpIAdd, op2(a, SpvOpIMul, all, m), with);
    }
    return all;
}

static uint64_t expect_fields(uint64_t x64, uint64_t y64)
{
    const uint32_t x = (uint32_t) x64;
    const uint32_t y = (uint32_t) y64;
    uint32_t all = x < y ? x : y;
    for (unsigned at = 0; at < 32; at += 8) {
        const uint32_t ones = at % 16 == 0 ? 0xffff : 0xff;
        all = all * 31 + (x >> at & ones);
        all = all * 31 + ((x & ~(ones << at)) | (y & ones) << at);
    }
    return all;
}

static uint32_t emit_count(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    return op2(a, SpvOpIAdd, ASM_OP(a, SpvOpBitCount, a->type_u32, x), y);
}

static uint64_t expect_count(uint64_t x, uint64_t y)
{
    return (uint32_t) y + (uint32_t) __builtin_popcount((uint32_t) x);
}

// Division as the translator guards it: by 1 where WebAssembly traps.
static uint32_t emit_div_s(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    const uint32_t one = wj_vk_asm_u32(a, 1);
    const uint32_t is_zero = test2(a, SpvOpIEqual, y, wj_vk_asm_u32(a, 0));
    const uint32_t overflows =
        test2(a, SpvOpLogicalAnd, test2(a, SpvOpIEqual, x, wj_vk_asm_u32(a, SIGN)),
              test2(a, SpvOpIEqual, y, wj_vk_asm_u32(a, UINT32_MAX)));
    const uint32_t safe = pick(a, overflows, one, pick(a, is_zero, one, y));
    return op2(a, SpvOpSDiv, x, safe);
}

static uint64_t expect_div_s(uint64_t x, uint64_t y)
{
    const int32_t l = (int32_t) (uint32_t) x;
    const int32_t r = (int32_t) (uint32_t) y;
    return (uint32_t) (r == 0 || (l == INT32_MIN && r == -1) ? l : l / r);
}

static uint32_t emit_div_u(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    const uint32_t is_zero = test2(a, SpvOpIEqual, y, wj_vk_asm_u32(a, 0));
    return op2(a, SpvOpUDiv, x, pick(a, is_zero, wj_vk_asm_u32(a, 1), y));
}

static uint64_t expect_div_u(uint64_t x, uint64_t y)
{
    return (uint32_t) y == 0 ? (uint32_t) x : (uint32_t) x / (uint32_t) y;
}

// Shifts and rotates, folded into one word.
static uint32_t emit_shift(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    const uint32_t mask = wj_vk_asm_u32(a, 31);
    const uint32_t count = op2(a, SpvOpBitwiseAnd, y, mask);
    const uint32_t minus = op2(a, SpvOpBitwiseAnd, op2(a, SpvOpISub, wj_vk_asm_u32(a, 0), y), mask);
    const uint32_t left = op2(a, SpvOpShiftLeftLogical, x, count);
    const uint32_t right = op2(a, SpvOpShiftRightLogical, x, count);
    const uint32_t signed_right = op2(a, SpvOpShiftRightArithmetic, x, count);
    const uint32_t rotated = op2(a, SpvOpBitwiseOr, left, op2(a, SpvOpShiftRightLogical, x, minus));
    const uint32_t m = wj_vk_asm_u32(a, 31);
    uint32_t all = op2(a, SpvOpIAdd, op2(a, SpvOpIMul, left, m), right);
    all = op2(a, SpvOpIAdd, op2(a, SpvOpIMul, all, m), signed_right);
    return op2(a, SpvOpIAdd, op2(a, SpvOpIMul, all, m), rotated);
}

static uint64_t expect_shift(uint64_t x64, uint64_t y)
{
    const uint32_t x = (uint32_t) x64;
    const unsigned count = y & 31;
    const uint32_t signed_right = (uint32_t) ((int32_t) x >> count);
    const uint32_t rotated = x << count | x >> (-count & 31);
    return (uint32_t) ((((x << count) * 31 + (x >> count)) * 31 + signed_right) * 31 + rotated);
}

// clz, ctz and popcnt, a byte each; FindUMsb of 0 is -1.
static uint32_t emit_bits(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    (void) y;
    const uint32_t top = wj_vk_asm_glsl(a, GLSLstd450FindUMsb, a->type_u32, x);
    const uint32_t clz = op2(a, SpvOpISub, wj_vk_asm_u32(a, 31), top);
    const uint32_t low = wj_vk_asm_glsl(a, GLSLstd450FindILsb, a->type_u32, x);
    const uint32_t ctz =
        pick(a, test2(a, SpvOpIEqual, x, wj_vk_asm_u32(a, 0)), wj_vk_asm_u32(a, 32), low);
    const uint32_t popcnt = ASM_OP(a, SpvOpBitCount, a->type_u32, x);
    const uint32_t high =
        op2(a, SpvOpBitwiseOr, op2(a, SpvOpShiftLeftLogical, clz, wj_vk_asm_u32(a, 16)),
            op2(a, SpvOpShiftLeftLogical, ctz, wj_vk_asm_u32(a, 8)));
    return op2(a, SpvOpBitwiseOr, high, popcnt);
}

static uint64_t expect_bits(uint64_t x64, uint64_t y)
{
    (void) y;
    const uint32_t x = (uint32_t) x64;
    const uint32_t clz = x == 0 ? 32 : (uint32_t) __builtin_clz(x);
    const uint32_t ctz = x == 0 ? 32 : (uint32_t) __builtin_ctz(x);
    return clz << 16 | ctz << 8 | (uint32_t) __builtin_popcount(x);
}

// Operations whose results are two words, folded into one: sum and carry, difference and borrow,
// the whole products.
static uint32_t emit_wide(struct wj_vk_asm *a, uint32_t x, uint32_t y)
{
    static const SpvOp ops[] = {SpvOpIAddCarry, SpvOpISubBorrow, SpvOpUMulExtended,
                                SpvOpSMulExtended};
    const uint32_t both = a->type_pair;
    uint32_t all = wj_vk_asm_u32(a, 0);
    for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++) {
        const uint32_t result = ASM_OP(a, ops[i], both, x, y);
        for (uint32_t j = 0; j < 2; j++) {
            const uint32_t word = ASM_OP(a, SpvOpCompositeExtract, a->type_u32, result, j);
            all = op2(a, SpvOpIAdd, op2(a, SpvOpIMul, all, wj_vk_asm_u32(a, 31)), word);
        }
    }
    return all;
}

static uint64_t expect_wide(uint64_t x64, uint64_t y64)
{
    const uint32_t x = (uint32_t) x64;
    const uint32_t y = (uint32_t) y64;
    const uint64_t product = (uint64_t) x * y;
    const uint64_t with_sign = (uint64_t) ((int64_t) (int32_t) x * (int32_t) y);
    const uint32_t words[] = {x + y,
                              x + y < x,
                              x - y,
                              x < y,
                              (uint32_t) product,
                              (uint32_t) (product >> 32),
                              (uint32_t) with_sign,
                              (uint32_t) (with_sign >> 32)};
    uint32_t all = 0;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        all = all * 31 + words[i];
    }
    return all;
}

#define CHECK(field, lowering, result, has_lanes, emit, expect)                                  \
    {                                                                                            \
#field " " #emit, WJ_VK_VERDICT(field), LOWERING_##lowering, RESULT_##result, has_lanes, \
            emit_##emit, expect_##expect                                                         \
    }
static const struct wj_vk_check checks[] = {
    CHECK(f32_arith, NATIVE, F32, true, add, add),
    CHECK(f32_arith, NATIVE, F32, true, sub, sub),
    CHECK(f32_arith, NATIVE, F32, true, mul, mul),
    CHECK(f32_arith, NATIVE, BITS32, false, graph, graph),
    CHECK(f32_div, NATIVE, F32, true, div, div),
    CHECK(f32_sqrt, NATIVE, F32, true, sqrt, sqrt),
    CHECK(f32_round, NATIVE, F32, true, ceil, ceil),
    CHECK(f32_round, NATIVE, F32, true, floor, floor),
    CHECK(f32_round, NATIVE, F32, true, trunc, trunc),
    CHECK(f32_round, NATIVE, F32, true, nearest, nearest),
    CHECK(f32_compare, NATIVE, BITS32, true, compare, compare),
    CHECK(f32_compare, REPAIRED, BITS32, true, compare_bits, compare),
    CHECK(f32_min_max, NATIVE, F32, false, min, min),
    CHECK(f32_min_max, NATIVE, F32, false, max, max),
    CHECK(f32_from_i32, NATIVE, BITS32, true, from_i32, from_i32),
    CHECK(f32_from_u32, NATIVE, BITS32, true, from_u32, from_u32),
    CHECK(f32_from_u32, REPAIRED, BITS32, true, from_u32_halved, from_u32),
    CHECK(i32_from_f32, NATIVE, BITS32, true, trunc_s, trunc_s),
    CHECK(i32_from_f32, NATIVE, BITS32, true, trunc_u, trunc_u),
    CHECK(i32_arith, NATIVE, BITS32, true, words, words),
    CHECK(i32_arith, NATIVE, BITS32, false, fields, fields),
    CHECK(i32_div, NATIVE, BITS32, false, div_s, div_s),
    CHECK(i32_div, NATIVE, BITS32, false, div_u, div_u),
    CHECK(i32_shift, NATIVE, BITS32, true, shift, shift),
    CHECK(i32_bits, NATIVE, BITS32, false, bits, bits),
    CHECK(i32_bits, NATIVE, BITS32, true, count, count),
    CHECK(i32_wide, NATIVE, BITS32, false, wide, wide),
};
#undef CHECK

const struct wj_vk_group wj_vk_group_32 = {checks, sizeof checks / sizeof *checks, 32, false};
