// Instructions that compute. What SPIR-V leaves open gives a number that nobody expects, so that a
// result that depends on it shows.
#include <math.h>
#include <string.h>

#include <spirv/unified1/GLSL.std.450.h>
#include <spirv/unified1/spirv.h>

#include "tests/spirv/check/shader.h"

#define OPEN UINT64_C(0x5aa5c33c5aa5c33c)

static float f32_of(uint64_t bits)
{
    const uint32_t low = (uint32_t) bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

static double f64_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t f64_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static int64_t extend(uint64_t value, unsigned bits)
{
    return bits >= 64 ? (int64_t) value : (int64_t) (value << (64 - bits)) >> (64 - bits);
}

static uint64_t shift(uint16_t op, uint64_t a, uint64_t by, unsigned bits)
{
    if (by >= bits) {
        return OPEN;
    }
    switch (op) {
    case SpvOpShiftLeftLogical: return a << by;
    case SpvOpShiftRightLogical: return a >> by;
    default: return (uint64_t) (extend(a, bits) >> by);
    }
}

static uint64_t divide(uint16_t op, uint64_t a, uint64_t b, unsigned bits)
{
    if (b == 0 || (op == SpvOpSDiv && extend(b, bits) == -1)) {
        return b == 0 || a == (uint64_t) 1 << (bits - 1) ? OPEN : 0 - a;
    }
    switch (op) {
    case SpvOpUDiv: return a / b;
    case SpvOpUMod: return a % b;
    default: return (uint64_t) (extend(a, bits) / extend(b, bits));
    }
}

static uint64_t float_op(uint16_t op, uint64_t a, uint64_t b, unsigned bits)
{
    if (bits == 32) {
        switch (op) {
        case SpvOpFAdd: return f32_bits(f32_of(a) + f32_of(b));
        case SpvOpFSub: return f32_bits(f32_of(a) - f32_of(b));
        case SpvOpFMul: return f32_bits(f32_of(a) * f32_of(b));
        default: return f32_bits(f32_of(a) / f32_of(b));
        }
    }
    switch (op) {
    case SpvOpFAdd: return f64_bits(f64_of(a) + f64_of(b));
    case SpvOpFSub: return f64_bits(f64_of(a) - f64_of(b));
    case SpvOpFMul: return f64_bits(f64_of(a) * f64_of(b));
    default: return f64_bits(f64_of(a) / f64_of(b));
    }
}

static bool binary(uint16_t op, uint64_t a, uint64_t b, unsigned bits, uint64_t *to)
{
    switch (op) {
    case SpvOpIAdd: *to = a + b; return true;
    case SpvOpISub: *to = a - b; return true;
    case SpvOpIMul: *to = a * b; return true;
    case SpvOpUDiv:
    case SpvOpUMod:
    case SpvOpSDiv: *to = divide(op, a, b, bits); return true;
    case SpvOpBitwiseAnd:
    case SpvOpLogicalAnd: *to = a & b; return true;
    case SpvOpBitwiseOr:
    case SpvOpLogicalOr: *to = a | b; return true;
    case SpvOpBitwiseXor: *to = a ^ b; return true;
    case SpvOpShiftLeftLogical:
    case SpvOpShiftRightLogical:
    case SpvOpShiftRightArithmetic: *to = shift(op, a, b, bits); return true;
    case SpvOpFAdd:
    case SpvOpFSub:
    case SpvOpFMul:
    case SpvOpFDiv: *to = float_op(op, a, b, bits); return true;
    default: return false;
    }
}

static bool compare(uint16_t op, uint64_t a, uint64_t b, unsigned bits, uint64_t *to)
{
    const double x = bits == 32 ? f32_of(a) : f64_of(a), y = bits == 32 ? f32_of(b) : f64_of(b);
    switch (op) {
    case SpvOpIEqual: *to = a == b; return true;
    case SpvOpINotEqual: *to = a != b; return true;
    case SpvOpUGreaterThan: *to = a > b; return true;
    case SpvOpUGreaterThanEqual: *to = a >= b; return true;
    case SpvOpULessThan: *to = a < b; return true;
    case SpvOpULessThanEqual: *to = a <= b; return true;
    case SpvOpSGreaterThan: *to = extend(a, bits) > extend(b, bits); return true;
    case SpvOpSGreaterThanEqual: *to = extend(a, bits) >= extend(b, bits); return true;
    case SpvOpSLessThan: *to = extend(a, bits) < extend(b, bits); return true;
    case SpvOpSLessThanEqual: *to = extend(a, bits) <= extend(b, bits); return true;
    case SpvOpFOrdEqual: *to = x == y; return true;
    case SpvOpFUnordNotEqual: *to = x != y; return true;
    case SpvOpFOrdLessThan: *to = x < y; return true;
    case SpvOpFOrdLessThanEqual: *to = x <= y; return true;
    case SpvOpFOrdGreaterThan: *to = x > y; return true;
    case SpvOpFOrdGreaterThanEqual: *to = x >= y; return true;
    default: return false;
    }
}

static uint64_t to_integer(double value, unsigned bits, bool is_signed)
{
    const double end = ldexp(1, (int) bits - is_signed);
    const double first = is_signed ? -end : 0;
    if (!(trunc(value) >= first && trunc(value) < end)) {
        return OPEN;
    }
    return is_signed ? (uint64_t) (int64_t) value : (uint64_t) value;
}

static uint64_t to_float(uint64_t value, unsigned from, unsigned bits, bool is_signed)
{
    if (bits == 32) {
        return f32_bits(is_signed ? (float) extend(value, from) : (float) value);
    }
    return f64_bits(is_signed ? (double) extend(value, from) : (double) value);
}

// `from` bits of the operand.
static bool unary(uint16_t op, uint64_t a, unsigned from, unsigned bits, uint64_t *to)
{
    const double value = from == 32 ? f32_of(a) : f64_of(a);
    switch (op) {
    case SpvOpNot: *to = ~a; return true;
    case SpvOpLogicalNot: *to = a == 0; return true;
    case SpvOpBitCount: *to = (uint64_t) __builtin_popcountll(a); return true;
    case SpvOpUConvert: *to = a; return true;
    case SpvOpSConvert: *to = (uint64_t) extend(a, from); return true;
    case SpvOpConvertFToS:
    case SpvOpConvertFToU: *to = to_integer(value, bits, op == SpvOpConvertFToS); return true;
    case SpvOpConvertSToF:
    case SpvOpConvertUToF: *to = to_float(a, from, bits, op == SpvOpConvertSToF); return true;
    case SpvOpFConvert:
        *to = bits == 32 ? f32_bits((float) f64_of(a)) : f64_bits((double) f32_of(a));
        return true;
    default: return false;
    }
}

static uint64_t glsl(const struct check_invocation *in, const struct check_inst *inst, unsigned i)
{
    const uint64_t a = in->values[inst->operands[2]].c[i];
    const bool is_32 = inst->bits == 32;
    switch (inst->operands[1]) {
    case GLSLstd450UMin: {
        const uint64_t b = in->values[inst->operands[3]].c[i];
        return a < b || inst->word == in->run->shader->without ? a : b;
    }
    case GLSLstd450FindILsb: return a == 0 ? UINT64_MAX : (uint64_t) __builtin_ctzll(a);
    case GLSLstd450FindUMsb: return a == 0 ? UINT64_MAX : (uint64_t) (63 - __builtin_clzll(a));
    case GLSLstd450Sqrt: return is_32 ? f32_bits(sqrtf(f32_of(a))) : f64_bits(sqrt(f64_of(a)));
    case GLSLstd450Ceil: return is_32 ? f32_bits(ceilf(f32_of(a))) : f64_bits(ceil(f64_of(a)));
    case GLSLstd450Floor: return is_32 ? f32_bits(floorf(f32_of(a))) : f64_bits(floor(f64_of(a)));
    case GLSLstd450Trunc: return is_32 ? f32_bits(truncf(f32_of(a))) : f64_bits(trunc(f64_of(a)));
    case GLSLstd450RoundEven: return is_32 ? f32_bits(rintf(f32_of(a))) : f64_bits(rint(f64_of(a)));
    default: check_fail("extended instruction %u is not known", inst->operands[1]);
    }
}

static uint64_t bit_field(const struct check_invocation *in, const struct check_inst *inst,
                          unsigned i)
{
    const bool is_insert = inst->op == SpvOpBitFieldInsert;
    const uint64_t base = in->values[inst->operands[0]].c[i];
    const uint64_t at = in->values[inst->operands[is_insert ? 2 : 1]].c[0];
    const uint64_t count = in->values[inst->operands[is_insert ? 3 : 2]].c[0];
    if (at + count > inst->bits) {
        return OPEN;
    }
    const uint64_t mask = check_mask((unsigned) count) & (count == 0 ? 0 : UINT64_MAX);
    if (!is_insert) {
        return base >> (at & 63) & mask;
    }
    const uint64_t inserted = in->values[inst->operands[1]].c[i];
    return (base & ~(mask << (at & 63))) | (inserted & mask) << (at & 63);
}

// The same for every component.
static bool each_component(struct check_invocation *in, const struct check_inst *inst)
{
    const struct check_shader *s = in->run->shader;
    const struct check_value a = in->values[inst->operands[0]];
    const struct check_value b = inst->count > 1 && inst->op != SpvOpExtInst
                                     ? in->values[inst->operands[1]]
                                     : (struct check_value){0};
    const unsigned from = s->types[s->type_of[inst->operands[0]]].bits;
    struct check_value result = {0};
    for (unsigned i = 0; i < inst->n; i++) {
        uint64_t *to = &result.c[i];
        switch (inst->op) {
        case SpvOpExtInst: *to = glsl(in, inst, i); break;
        case SpvOpBitFieldInsert:
        case SpvOpBitFieldUExtract: *to = bit_field(in, inst, i); break;
        case SpvOpSelect: {
            const unsigned of = s->types[s->type_of[inst->operands[0]]].count == 1 ? 0 : i;
            *to = a.c[of] != 0 ? b.c[i] : in->values[inst->operands[2]].c[i];
            break;
        }
        default:
            if (inst->count > 1 ? !binary(inst->op, a.c[i], b.c[i], inst->bits, to) &&
                                      !compare(inst->op, a.c[i], b.c[i], from, to)
                                : !unary(inst->op, a.c[i], from, inst->bits, to)) {
                return false;
            }
        }
        *to &= check_mask(inst->bits);
    }
    if (inst->op != SpvOpExtInst && inst->word == s->without) {
        result.c[0] = 0;
    }
    in->values[inst->result] = result;
    return true;
}

// Composites, and what crosses components.

static void bitcast(struct check_invocation *in, const struct check_inst *inst)
{
    const struct check_shader *s = in->run->shader;
    const struct check_type *from = &s->types[s->type_of[inst->operands[0]]];
    const struct check_value value = in->values[inst->operands[0]];
    uint8_t bytes[32] = {0};
    struct check_value result = {0};
    for (unsigned i = 0; i < from->count; i++) {
        memcpy(bytes + i * from->bits / 8, &value.c[i], from->bits / 8);
    }
    for (unsigned i = 0; i < inst->n; i++) {
        memcpy(&result.c[i], bytes + i * inst->bits / 8, inst->bits / 8);
    }
    in->values[inst->result] = result;
}

static void construct(struct check_invocation *in, const struct check_inst *inst)
{
    const struct check_shader *s = in->run->shader;
    struct check_value result = {0};
    unsigned n = 0;
    for (unsigned i = 0; i < inst->count; i++) {
        const unsigned count = s->types[s->type_of[inst->operands[i]]].count;
        for (unsigned k = 0; k < count && n < CHECK_COMPONENTS_MAX; k++) {
            result.c[n++] = in->values[inst->operands[i]].c[k];
        }
    }
    in->values[inst->result] = result;
}

static void shuffle(struct check_invocation *in, const struct check_inst *inst)
{
    const struct check_shader *s = in->run->shader;
    const struct check_value a = in->values[inst->operands[0]], b = in->values[inst->operands[1]];
    const uint32_t first = s->types[s->type_of[inst->operands[0]]].count;
    struct check_value result = {0};
    for (unsigned i = 0; i < inst->n; i++) {
        const uint32_t from = inst->operands[2 + i];
        result.c[i] = from < first ? a.c[from] : b.c[(from - first) % CHECK_COMPONENTS_MAX];
    }
    in->values[inst->result] = result;
}

// Two words: a sum and its carry, a difference and its borrow, a product.
static bool wide(struct check_invocation *in, const struct check_inst *inst)
{
    const uint32_t a = (uint32_t) in->values[inst->operands[0]].c[0];
    const uint32_t b = inst->count > 1 ? (uint32_t) in->values[inst->operands[1]].c[0] : 0;
    uint64_t both;
    switch (inst->op) {
    case SpvOpIAddCarry: both = (uint64_t) a + b; break;
    case SpvOpISubBorrow: both = (uint32_t) (a - b) | (uint64_t) (a < b) << 32; break;
    case SpvOpUMulExtended: both = (uint64_t) a * b; break;
    case SpvOpSMulExtended: both = (uint64_t) ((int64_t) (int32_t) a * (int32_t) b); break;
    default: return false;
    }
    in->values[inst->result] = (struct check_value){{both & UINT32_MAX, both >> 32}};
    return true;
}

static bool composite(struct check_invocation *in, const struct check_inst *inst)
{
    const struct check_shader *s = in->run->shader;
    struct check_value value = in->values[inst->operands[0]];
    bool any = false, all = true;
    switch (inst->op) {
    case SpvOpBitcast: bitcast(in, inst); return true;
    case SpvOpCompositeConstruct: construct(in, inst); return true;
    case SpvOpVectorShuffle: shuffle(in, inst); return true;
    case SpvOpCompositeExtract:
        value.c[0] = value.c[inst->operands[1] % CHECK_COMPONENTS_MAX];
        break;
    case SpvOpVectorExtractDynamic: {
        const uint64_t index = in->values[inst->operands[1]].c[0];
        value.c[0] = index < s->types[s->type_of[inst->operands[0]]].count ? value.c[index] : OPEN;
        break;
    }
    case SpvOpCompositeInsert: {
        const uint64_t inserted = value.c[0];
        value = in->values[inst->operands[1]];
        value.c[inst->operands[2] % CHECK_COMPONENTS_MAX] = inserted;
        break;
    }
    case SpvOpAny:
    case SpvOpAll:
        for (unsigned i = 0; i < s->types[s->type_of[inst->operands[0]]].count; i++) {
            any |= value.c[i] != 0;
            all &= value.c[i] != 0;
        }
        value.c[0] = inst->op == SpvOpAny ? any : all;
        break;
    default: return false;
    }
    in->values[inst->result] = value;
    return true;
}

bool check_compute(struct check_invocation *in, const struct check_inst *inst)
{
    if (inst->type == 0 || inst->op == SpvOpLoad || inst->op == SpvOpAccessChain) {
        return false;
    }
    return composite(in, inst) || wide(in, inst) || each_component(in, inst);
}
