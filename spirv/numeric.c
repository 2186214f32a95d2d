// Integer and float operations, on scalars and on vectors alike. What drivers are known to get
// wrong is made of integer operations: signs, minimum and maximum, comparisons where the caps say
// so.
#include "spirv/translate.h"

#include <spirv/unified1/GLSL.std.450.h>

static uint64_t ones(enum wj_spv_repr repr)
{
    return wj_spv_width(repr) == 64 ? UINT64_MAX : UINT32_MAX;
}

static uint64_t sign_bit(enum wj_spv_repr repr)
{
    return UINT64_C(1) << (wj_spv_width(repr) - 1);
}

// The bits of infinity, and the bit that makes a NaN quiet.
static uint64_t infinity(enum wj_spv_repr repr)
{
    return wj_spv_width(repr) == 64 ? UINT64_C(0x7ff) << 52 : UINT64_C(0xff) << 23;
}

static uint64_t quiet_bit(enum wj_spv_repr repr)
{
    return wj_spv_width(repr) == 64 ? UINT64_C(1) << 51 : UINT64_C(1) << 22;
}

uint32_t wj_spv_int(struct wj_spv_translator *t, enum wj_spv_repr repr, uint64_t value)
{
    if (repr == REPR_U64) {
        return wj_spv_const_i64(t, value);
    }
    const uint32_t scalar = wj_spv_width(repr) == 64 ? wj_spv_const_u64(&t->b, value)
                                                     : wj_spv_const_u32(&t->b, (uint32_t) value);
    const unsigned count = wj_spv_components(repr);
    return count == 1 ? scalar : wj_spv_const_splat(&t->b, t->types[repr], scalar, count);
}

static uint32_t two(struct wj_spv_translator *t, SpvOp op, enum wj_spv_repr repr, uint32_t a,
                    uint32_t b)
{
    if (repr == REPR_U64 && t->uses_pairs) {
        return wj_spv_pair_op(t, op, a, b);
    }
    return WJ_SPV_OP(&t->b, op, t->types[repr], a, b);
}

static uint32_t test(struct wj_spv_translator *t, SpvOp op, enum wj_spv_repr repr, uint32_t a,
                     uint32_t b)
{
    if (repr == REPR_U64 && t->uses_pairs) {
        return wj_spv_pair_test(t, op, a, b);
    }
    return WJ_SPV_OP(&t->b, op, t->bool_types[repr], a, b);
}

uint32_t wj_spv_select(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t condition,
                       uint32_t yes, uint32_t no)
{
    const bool is_pair = repr == REPR_U64 && t->uses_pairs;
    const unsigned count = is_pair ? 2 : wj_spv_components(repr);
    // A scalar condition for a vector needs SPIR-V 1.4; drivers know the vector form best.
    if (count > 1) {
        const uint32_t scalars[4] = {condition, condition, condition, condition};
        const uint32_t type = is_pair ? t->bool_types[REPR_U64X2] : t->bool_types[repr];
        condition = wj_spv_result(&t->b, SpvOpCompositeConstruct, type, scalars, count);
    }
    return WJ_SPV_OP(&t->b, SpvOpSelect, t->types[repr], condition, yes, no);
}

static uint32_t select_each(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t condition,
                            uint32_t yes, uint32_t no)
{
    if (repr == REPR_U64) {
        return wj_spv_select(t, repr, condition, yes, no);
    }
    return WJ_SPV_OP(&t->b, SpvOpSelect, t->types[repr], condition, yes, no);
}

uint32_t wj_spv_icompare(struct wj_spv_translator *t, enum wj_spv_repr repr, enum wj_icmp cmp,
                         uint32_t a, uint32_t b)
{
    static const SpvOp ops[] = {
        [ICMP_EQ] = SpvOpIEqual,
        [ICMP_NE] = SpvOpINotEqual,
        [ICMP_LT_S] = SpvOpSLessThan,
        [ICMP_LT_U] = SpvOpULessThan,
        [ICMP_GT_S] = SpvOpSGreaterThan,
        [ICMP_GT_U] = SpvOpUGreaterThan,
        [ICMP_LE_S] = SpvOpSLessThanEqual,
        [ICMP_LE_U] = SpvOpULessThanEqual,
        [ICMP_GE_S] = SpvOpSGreaterThanEqual,
        [ICMP_GE_U] = SpvOpUGreaterThanEqual,
    };
    return test(t, ops[cmp], repr, a, b);
}

// Integer operations.

uint32_t wj_spv_popcnt(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t a)
{
    return WJ_SPV_OP(&t->b, SpvOpBitCount, t->types[repr], a);
}

uint32_t wj_spv_clz32(struct wj_spv_translator *t, uint32_t a)
{
    // FindUMsb of 0 is -1, so that 31 - it is right for 0 too.
    const uint32_t top = WJ_SPV_GLSL(&t->b, GLSLstd450FindUMsb, t->types[REPR_U32], a);
    return two(t, SpvOpISub, REPR_U32, wj_spv_const_u32(&t->b, 31), top);
}

static uint32_t ctz32(struct wj_spv_translator *t, uint32_t a)
{
    const uint32_t low = WJ_SPV_GLSL(&t->b, GLSLstd450FindILsb, t->types[REPR_U32], a);
    const uint32_t is_zero = test(t, SpvOpIEqual, REPR_U32, a, wj_spv_const_u32(&t->b, 0));
    return wj_spv_select(t, REPR_U32, is_zero, wj_spv_const_u32(&t->b, 32), low);
}

uint32_t wj_spv_extend(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t a,
                       unsigned bits)
{
    const uint32_t shift = wj_spv_int(t, repr, wj_spv_width(repr) - bits);
    const uint32_t high = two(t, SpvOpShiftLeftLogical, repr, a, shift);
    return two(t, SpvOpShiftRightArithmetic, repr, high, shift);
}

// The counts of 64 bits from those of the halves: Vulkan has them for 32 bits alone.
static uint32_t count64(struct wj_spv_translator *t, enum wj_iunop sub, uint32_t a)
{
    struct wj_spv_builder *b = &t->b;
    uint32_t words[2];
    wj_spv_split64(t, a, words);
    const uint32_t low = words[0];
    const uint32_t high = words[1];
    uint32_t count;
    if (sub == IUN_POPCNT) {
        const uint32_t in_high = wj_spv_popcnt(t, REPR_U32, high);
        count = two(t, SpvOpIAdd, REPR_U32, wj_spv_popcnt(t, REPR_U32, low), in_high);
    } else {
        const bool is_clz = sub == IUN_CLZ;
        const uint32_t near = is_clz ? high : low;
        const uint32_t far = is_clz ? low : high;
        const uint32_t is_zero = test(t, SpvOpIEqual, REPR_U32, near, wj_spv_const_u32(b, 0));
        const uint32_t in_far = is_clz ? wj_spv_clz32(t, far) : ctz32(t, far);
        const uint32_t in_near = is_clz ? wj_spv_clz32(t, near) : ctz32(t, near);
        const uint32_t beyond = two(t, SpvOpIAdd, REPR_U32, in_far, wj_spv_const_u32(b, 32));
        count = wj_spv_select(t, REPR_U32, is_zero, beyond, in_near);
    }
    return wj_spv_resize(t, REPR_U64, count, false);
}

static bool iunary(struct wj_spv_translator *t, const struct wj_op *op)
{
    const enum wj_spv_repr repr = op->type == NUM_I64 ? REPR_U64 : REPR_U32;
    const uint32_t a = wj_spv_as(t, wj_spv_pop(t), repr);
    uint32_t result = 0;
    switch ((enum wj_iunop) op->sub) {
    case IUN_CLZ:
    case IUN_CTZ:
    case IUN_POPCNT:
        if (t->caps->i32_bits == WJ_GPU_REFUSED) {
            return wj_spv_refuse(t, op, "the device counts bits wrongly");
        }
        if (repr == REPR_U64) {
            result = count64(t, op->sub, a);
        } else {
            result = op->sub == IUN_CLZ   ? wj_spv_clz32(t, a)
                     : op->sub == IUN_CTZ ? ctz32(t, a)
                                          : wj_spv_popcnt(t, repr, a);
        }
        break;
    case IUN_EXTEND8_S: result = wj_spv_extend(t, repr, a, 8); break;
    case IUN_EXTEND16_S: result = wj_spv_extend(t, repr, a, 16); break;
    case IUN_EXTEND32_S: result = wj_spv_extend(t, repr, a, 32); break;
    }
    wj_spv_push(t, wj_spv_value(result, repr));
    return true;
}

// The remainder is made of the quotient: Vulkan leaves OpSRem of negative operands undefined.
static bool divide(struct wj_spv_translator *t, const struct wj_op *op, enum wj_spv_repr repr,
                   const struct wj_spv_value *divisor, uint32_t a, uint32_t b, uint32_t *result)
{
    const enum wj_ibinop sub = op->sub;
    const bool is_signed = sub == IBIN_DIV_S || sub == IBIN_REM_S;
    const uint32_t zero = wj_spv_int(t, repr, 0);
    const uint32_t one = wj_spv_int(t, repr, 1);
    if (t->caps->i32_div == WJ_GPU_REFUSED) {
        return wj_spv_refuse(t, op, "the device divides integers wrongly");
    }
    if (repr == REPR_U64 && t->uses_pairs && t->caps->loop_iterations_max != 0) {
        return wj_spv_refuse(t, op, "i64 division, a loop here: the device ends loops early");
    }
    uint32_t safe = b;
    if (!divisor->is_const || divisor->bits == 0) {
        const uint32_t is_zero = test(t, SpvOpIEqual, repr, b, zero);
        wj_spv_trap_if(t, op, is_zero, WJ_TRAP_INTEGER_DIVIDE_BY_ZERO);
        safe = select_each(t, repr, is_zero, one, safe);
    }
    if (is_signed && (!divisor->is_const || divisor->bits == ones(repr))) {
        const uint32_t is_min = test(t, SpvOpIEqual, repr, a, wj_spv_int(t, repr, sign_bit(repr)));
        const uint32_t is_minus_one =
            test(t, SpvOpIEqual, repr, b, wj_spv_int(t, repr, ones(repr)));
        const uint32_t overflows = test(t, SpvOpLogicalAnd, REPR_U32, is_min, is_minus_one);
        if (sub == IBIN_DIV_S) {
            wj_spv_trap_if(t, op, overflows, WJ_TRAP_INTEGER_OVERFLOW);
        }
        safe = select_each(t, repr, overflows, one, safe);
    }
    const uint32_t quotient = two(t, is_signed ? SpvOpSDiv : SpvOpUDiv, repr, a, safe);
    if (sub == IBIN_DIV_S || sub == IBIN_DIV_U) {
        *result = quotient;
    } else {
        *result = two(t, SpvOpISub, repr, a, two(t, SpvOpIMul, repr, quotient, safe));
    }
    return true;
}

static uint32_t rotate(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t a,
                       uint32_t count, bool is_left)
{
    const uint32_t mask = wj_spv_int(t, repr, wj_spv_width(repr) - 1);
    const uint32_t near = two(t, SpvOpBitwiseAnd, repr, count, mask);
    const uint32_t minus = two(t, SpvOpISub, repr, wj_spv_int(t, repr, 0), count);
    const uint32_t far = two(t, SpvOpBitwiseAnd, repr, minus, mask);
    const uint32_t left = two(t, SpvOpShiftLeftLogical, repr, a, is_left ? near : far);
    const uint32_t right = two(t, SpvOpShiftRightLogical, repr, a, is_left ? far : near);
    return two(t, SpvOpBitwiseOr, repr, left, right);
}

static uint32_t shift_count(struct wj_spv_translator *t, enum wj_spv_repr repr,
                            const struct wj_spv_value *value, uint32_t count)
{
    const uint64_t mask = wj_spv_width(repr) - 1;
    if (value->is_const) {
        return wj_spv_int(t, repr, value->bits & mask);
    }
    return two(t, SpvOpBitwiseAnd, repr, count, wj_spv_int(t, repr, mask));
}

static bool ibinary(struct wj_spv_translator *t, const struct wj_op *op)
{
    const enum wj_spv_repr repr = op->type == NUM_I64 ? REPR_U64 : REPR_U32;
    const struct wj_spv_value right = wj_spv_pop(t);
    const struct wj_spv_value left = wj_spv_pop(t);
    const uint32_t b = wj_spv_as(t, right, repr);
    const uint32_t a = wj_spv_as(t, left, repr);
    uint32_t id = 0;
    switch ((enum wj_ibinop) op->sub) {
    case IBIN_ADD: id = two(t, SpvOpIAdd, repr, a, b); break;
    case IBIN_SUB: id = two(t, SpvOpISub, repr, a, b); break;
    case IBIN_MUL: id = two(t, SpvOpIMul, repr, a, b); break;
    case IBIN_AND: id = two(t, SpvOpBitwiseAnd, repr, a, b); break;
    case IBIN_OR: id = two(t, SpvOpBitwiseOr, repr, a, b); break;
    case IBIN_XOR: id = two(t, SpvOpBitwiseXor, repr, a, b); break;
    case IBIN_SHL:
        id = two(t, SpvOpShiftLeftLogical, repr, a, shift_count(t, repr, &right, b));
        break;
    case IBIN_SHR_S:
        id = two(t, SpvOpShiftRightArithmetic, repr, a, shift_count(t, repr, &right, b));
        break;
    case IBIN_SHR_U:
        id = two(t, SpvOpShiftRightLogical, repr, a, shift_count(t, repr, &right, b));
        break;
    case IBIN_ROTL: id = rotate(t, repr, a, b, true); break;
    case IBIN_ROTR: id = rotate(t, repr, a, b, false); break;
    case IBIN_DIV_S:
    case IBIN_DIV_U:
    case IBIN_REM_S:
    case IBIN_REM_U:
        if (!divide(t, op, repr, &right, a, b, &id)) {
            return false;
        }
        break;
    }
    struct wj_spv_value result = wj_spv_value(id, repr);
    if (repr == REPR_U32 || t->is_64) {
        wj_spv_align_binary(t, op, &left, &right, &result);
    }
    wj_spv_push(t, result);
    return true;
}

static void ieqz(struct wj_spv_translator *t, const struct wj_op *op)
{
    const struct wj_spv_value a = wj_spv_pop(t);
    if (a.repr == REPR_BOOL) {
        const uint32_t no = WJ_SPV_OP(&t->b, SpvOpLogicalNot, t->types[REPR_BOOL], a.id);
        wj_spv_push(t, wj_spv_value(no, REPR_BOOL));
        return;
    }
    const enum wj_spv_repr repr = op->type == NUM_I64 ? REPR_U64 : REPR_U32;
    const uint32_t zero = wj_spv_int(t, repr, 0);
    const uint32_t is_zero = test(t, SpvOpIEqual, repr, wj_spv_as(t, a, repr), zero);
    wj_spv_push(t, wj_spv_value(is_zero, REPR_BOOL));
}

// Floats.

// Without contraction or reassociation: the decoration makes the operation exact for the driver.
uint32_t wj_spv_exact(struct wj_spv_translator *t, SpvOp op, enum wj_spv_repr repr, uint32_t a,
                      uint32_t b)
{
    const uint32_t id = two(t, op, repr, a, b);
    WJ_SPV_IN(&t->b, WJ_SPV_ANNOTATIONS, SpvOpDecorate, id, SpvDecorationNoContraction);
    return id;
}

static uint32_t is_nan_bits(struct wj_spv_translator *t, enum wj_spv_repr bits, uint32_t a)
{
    const uint32_t magnitude =
        two(t, SpvOpBitwiseAnd, bits, a, wj_spv_int(t, bits, sign_bit(bits) - 1));
    return test(t, SpvOpUGreaterThan, bits, magnitude, wj_spv_int(t, bits, infinity(bits)));
}

static uint32_t quieted(struct wj_spv_translator *t, enum wj_spv_repr bits, uint32_t a)
{
    return two(t, SpvOpBitwiseOr, bits, a, wj_spv_int(t, bits, quiet_bit(bits)));
}

// Bits as integers that are ordered as the floats are, -0 below +0.
static uint32_t order_key(struct wj_spv_translator *t, enum wj_spv_repr bits, uint32_t a)
{
    const uint32_t shift = wj_spv_int(t, bits, wj_spv_width(bits) - 1);
    const uint32_t sign = two(t, SpvOpShiftRightArithmetic, bits, a, shift);
    const uint32_t flip =
        two(t, SpvOpBitwiseAnd, bits, sign, wj_spv_int(t, bits, sign_bit(bits) - 1));
    return two(t, SpvOpBitwiseXor, bits, a, flip);
}

static uint32_t minimum(struct wj_spv_translator *t, enum wj_spv_repr bits, uint32_t a, uint32_t b,
                        bool is_max)
{
    const uint32_t key_b = order_key(t, bits, b);
    const uint32_t key_a = order_key(t, bits, a);
    const uint32_t is_a = test(t, is_max ? SpvOpSGreaterThan : SpvOpSLessThan, bits, key_a, key_b);
    const uint32_t plain = select_each(t, bits, is_a, a, b);
    const uint32_t quiet_b = quieted(t, bits, b);
    const uint32_t or_b = select_each(t, bits, is_nan_bits(t, bits, b), quiet_b, plain);
    const uint32_t quiet_a = quieted(t, bits, a);
    return select_each(t, bits, is_nan_bits(t, bits, a), quiet_a, or_b);
}

static uint32_t compare_bits(struct wj_spv_translator *t, enum wj_spv_repr bits, enum wj_fcmp cmp,
                             uint32_t a, uint32_t b)
{
    static const SpvOp ops[] = {
        [FCMP_EQ] = SpvOpIEqual,         [FCMP_NE] = SpvOpINotEqual,
        [FCMP_LT] = SpvOpSLessThan,      [FCMP_GT] = SpvOpSGreaterThan,
        [FCMP_LE] = SpvOpSLessThanEqual, [FCMP_GE] = SpvOpSGreaterThanEqual,
    };
    const uint32_t zero = wj_spv_int(t, bits, 0);
    const uint32_t minus_zero = wj_spv_int(t, bits, sign_bit(bits));
    const uint32_t bool_type = t->bool_types[bits];
    const uint32_t is_nan_a = is_nan_bits(t, bits, a);
    const uint32_t is_unordered =
        WJ_SPV_OP(&t->b, SpvOpLogicalOr, bool_type, is_nan_a, is_nan_bits(t, bits, b));
    a = select_each(t, bits, test(t, SpvOpIEqual, bits, a, minus_zero), zero, a);
    b = select_each(t, bits, test(t, SpvOpIEqual, bits, b, minus_zero), zero, b);
    const uint32_t key_b = order_key(t, bits, b);
    const uint32_t holds = test(t, ops[cmp], bits, order_key(t, bits, a), key_b);
    if (cmp == FCMP_NE) {
        return WJ_SPV_OP(&t->b, SpvOpLogicalOr, bool_type, holds, is_unordered);
    }
    const uint32_t is_ordered = WJ_SPV_OP(&t->b, SpvOpLogicalNot, bool_type, is_unordered);
    return WJ_SPV_OP(&t->b, SpvOpLogicalAnd, bool_type, holds, is_ordered);
}

uint32_t wj_spv_fcompare(struct wj_spv_translator *t, enum wj_spv_repr repr, enum wj_fcmp cmp,
                         struct wj_spv_value a, struct wj_spv_value b)
{
    static const SpvOp ops[] = {
        [FCMP_EQ] = SpvOpFOrdEqual,         [FCMP_NE] = SpvOpFUnordNotEqual,
        [FCMP_LT] = SpvOpFOrdLessThan,      [FCMP_GT] = SpvOpFOrdGreaterThan,
        [FCMP_LE] = SpvOpFOrdLessThanEqual, [FCMP_GE] = SpvOpFOrdGreaterThanEqual,
    };
    const enum wj_gpu_verdict verdict =
        wj_spv_width(repr) == 64 ? t->caps->f64_compare : t->caps->f32_compare;
    if (verdict != WJ_GPU_NATIVE) {
        const enum wj_spv_repr bits = wj_spv_bits_of(repr);
        const uint32_t bits_b = wj_spv_as(t, b, bits);
        return compare_bits(t, bits, cmp, wj_spv_as(t, a, bits), bits_b);
    }
    const uint32_t x = wj_spv_as(t, a, repr);
    const uint32_t y = wj_spv_as(t, b, repr);
    return test(t, ops[cmp], repr, x, y);
}

// f32 has repairs. False: refused.
static bool needs_exact(struct wj_spv_translator *t, const struct wj_op *op, bool is_64,
                        enum wj_gpu_verdict verdict, const char *what)
{
    if (verdict == WJ_GPU_REFUSED || (is_64 && verdict != WJ_GPU_NATIVE)) {
        return wj_spv_refuse(t, op, "%s is not exact on the device", what);
    }
    return true;
}

static struct wj_spv_value soft_result(struct wj_spv_translator *t, enum wj_spv_repr bits,
                                       enum wj_spv_soft what, uint32_t a, uint32_t b)
{
    struct wj_spv_value result = wj_spv_value(wj_spv_soft(t, bits, what, a, b), bits);
    result.is_dynamic = true; // known or not, integers are computed right
    return result;
}

static uint32_t canonical(struct wj_spv_translator *t, enum wj_spv_repr bits, uint32_t a)
{
    const uint32_t nan = wj_spv_int(t, bits, infinity(bits) | quiet_bit(bits));
    return select_each(t, bits, is_nan_bits(t, bits, a), nan, a);
}

uint32_t wj_spv_arithmetic(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t id)
{
    if (!t->caps->wants_canonical_nans) {
        return id;
    }
    const enum wj_spv_repr bits = wj_spv_bits_of(repr);
    const uint32_t a = WJ_SPV_OP(&t->b, SpvOpBitcast, t->types[bits], id);
    return WJ_SPV_OP(&t->b, SpvOpBitcast, t->types[repr], canonical(t, bits, a));
}

// The same of a value of this form, or of its bits.
static void make_canonical(struct wj_spv_translator *t, enum wj_spv_repr repr,
                           struct wj_spv_value *value)
{
    const enum wj_spv_repr bits = wj_spv_bits_of(repr);
    const bool is_dynamic = value->is_dynamic;
    if (t->caps->wants_canonical_nans) {
        *value = wj_spv_value(canonical(t, bits, wj_spv_as(t, *value, bits)), bits);
        value->is_dynamic = is_dynamic;
    }
}

static bool funary(struct wj_spv_translator *t, const struct wj_op *op, enum wj_spv_repr repr,
                   enum wj_funop sub, struct wj_spv_value a, struct wj_spv_value *result)
{
    const enum wj_spv_repr bits = wj_spv_bits_of(repr);
    const bool is_64 = wj_spv_width(repr) == 64;
    uint32_t instruction = GLSLstd450Sqrt;
    switch (sub) {
    case FUN_ABS: {
        const uint32_t mask = wj_spv_int(t, bits, sign_bit(bits) - 1);
        *result = wj_spv_value(two(t, SpvOpBitwiseAnd, bits, wj_spv_as(t, a, bits), mask), bits);
        result->is_dynamic = a.is_dynamic;
        return true;
    }
    case FUN_NEG: {
        const uint32_t sign = wj_spv_int(t, bits, sign_bit(bits));
        *result = wj_spv_value(two(t, SpvOpBitwiseXor, bits, wj_spv_as(t, a, bits), sign), bits);
        result->is_dynamic = a.is_dynamic;
        return true;
    }
    case FUN_SQRT:
        if (!needs_exact(t, op, is_64, is_64 ? t->caps->f64_sqrt : t->caps->f32_sqrt, "sqrt")) {
            return false;
        }
        if (!is_64 && t->caps->f32_sqrt == WJ_GPU_REPAIRED) {
            const uint32_t in = wj_spv_as(t, a, bits);
            *result = soft_result(t, bits, SOFT_SQRT, in, in);
            return true;
        }
        *result = wj_spv_value(
            WJ_SPV_GLSL(&t->b, GLSLstd450Sqrt, t->types[repr], wj_spv_as(t, a, repr)), repr);
        result->is_dynamic = a.is_dynamic;
        return true;
    case FUN_CEIL: instruction = GLSLstd450Ceil; break;
    case FUN_FLOOR: instruction = GLSLstd450Floor; break;
    case FUN_TRUNC: instruction = GLSLstd450Trunc; break;
    case FUN_NEAREST: instruction = GLSLstd450RoundEven; break;
    }
    if (!needs_exact(t, op, is_64, is_64 ? t->caps->f64_round : t->caps->f32_round, "rounding")) {
        return false;
    }
    const uint32_t in = wj_spv_as(t, a, bits);
    if (!is_64 && t->caps->f32_round == WJ_GPU_REPAIRED) {
        _Static_assert(FUN_NEAREST - FUN_CEIL == (int) SOFT_NEAREST - (int) SOFT_CEIL,
                       "roundings are in the same order");
        *result = soft_result(t, bits, (enum wj_spv_soft)(SOFT_CEIL + (sub - FUN_CEIL)), in, in);
        return true;
    }
    // Drivers hand signalling NaNs on as they are.
    const uint32_t rounded = WJ_SPV_GLSL(&t->b, instruction, t->types[repr], wj_spv_as(t, a, repr));
    // A constant may round to 0, with which drivers multiply and divide as they like.
    const uint32_t out =
        wj_spv_opaque(t, bits, WJ_SPV_OP(&t->b, SpvOpBitcast, t->types[bits], rounded));
    const uint32_t quiet = quieted(t, bits, in);
    *result = wj_spv_value(select_each(t, bits, is_nan_bits(t, bits, in), quiet, out), bits);
    result->is_dynamic = a.is_dynamic;
    return true;
}

bool wj_spv_funary(struct wj_spv_translator *t, const struct wj_op *op, enum wj_spv_repr repr,
                   enum wj_funop sub, struct wj_spv_value a, struct wj_spv_value *result)
{
    if (!funary(t, op, repr, sub, a, result)) {
        return false;
    }
    if (sub != FUN_ABS && sub != FUN_NEG) {
        make_canonical(t, repr, result);
    }
    return true;
}

static bool fbinary(struct wj_spv_translator *t, const struct wj_op *op, enum wj_spv_repr repr,
                    enum wj_fbinop sub, struct wj_spv_value a, struct wj_spv_value b,
                    struct wj_spv_value *result)
{
    const enum wj_spv_repr bits = wj_spv_bits_of(repr);
    const bool is_64 = wj_spv_width(repr) == 64;
    SpvOp arithmetic = SpvOpFAdd;
    switch (sub) {
    case FBIN_ADD: arithmetic = SpvOpFAdd; break;
    case FBIN_SUB: arithmetic = SpvOpFSub; break;
    case FBIN_MUL: arithmetic = SpvOpFMul; break;
    case FBIN_DIV:
        if (!needs_exact(t, op, is_64, is_64 ? t->caps->f64_div : t->caps->f32_div, "division")) {
            return false;
        }
        if (!is_64 && t->caps->f32_div == WJ_GPU_REPAIRED) {
            const uint32_t divisor = wj_spv_as(t, b, bits);
            *result = soft_result(t, bits, SOFT_DIV, wj_spv_as(t, a, bits), divisor);
            return true;
        }
        arithmetic = SpvOpFDiv;
        break;
    case FBIN_MIN:
    case FBIN_MAX: {
        const uint32_t y = wj_spv_as(t, b, bits);
        const uint32_t x = wj_spv_as(t, a, bits);
        *result = wj_spv_value(minimum(t, bits, x, y, sub == FBIN_MAX), bits);
        result->is_dynamic = a.is_dynamic && b.is_dynamic;
        return true;
    }
    case FBIN_COPYSIGN: {
        const uint32_t rest_bits = wj_spv_int(t, bits, sign_bit(bits) - 1);
        const uint32_t magnitude = two(t, SpvOpBitwiseAnd, bits, wj_spv_as(t, a, bits), rest_bits);
        const uint32_t first_bit = wj_spv_int(t, bits, sign_bit(bits));
        const uint32_t sign = two(t, SpvOpBitwiseAnd, bits, wj_spv_as(t, b, bits), first_bit);
        *result = wj_spv_value(two(t, SpvOpBitwiseOr, bits, magnitude, sign), bits);
        result->is_dynamic = a.is_dynamic;
        return true;
    }
    }
    if (!needs_exact(t, op, is_64, is_64 ? t->caps->f64_arith : t->caps->f32_arith, "arithmetic")) {
        return false;
    }
    if (!is_64 && sub != FBIN_DIV && t->caps->f32_arith == WJ_GPU_REPAIRED) {
        const enum wj_spv_soft soft = sub == FBIN_ADD   ? SOFT_ADD
                                      : sub == FBIN_SUB ? SOFT_SUB
                                                        : SOFT_MUL;
        const uint32_t bits_b = wj_spv_as(t, b, bits);
        *result = soft_result(t, bits, soft, wj_spv_as(t, a, bits), bits_b);
        return true;
    }
    // The result could be known, and 0; a lane of integers, too: see wj_spv_zero().
    const bool has_lanes = wj_spv_components(repr) > 1;
    if (!a.is_dynamic && (has_lanes || !b.is_dynamic)) {
        a = wj_spv_value(wj_spv_opaque(t, bits, wj_spv_as(t, a, bits)), bits);
    }
    if (!b.is_dynamic && has_lanes) {
        b = wj_spv_value(wj_spv_opaque(t, bits, wj_spv_as(t, b, bits)), bits);
    }
    const uint32_t x = wj_spv_as(t, a, repr);
    const uint32_t y = wj_spv_as(t, b, repr);
    *result = wj_spv_value(wj_spv_exact(t, arithmetic, repr, x, y), repr);
    result->is_dynamic = true;
    return true;
}

bool wj_spv_fbinary(struct wj_spv_translator *t, const struct wj_op *op, enum wj_spv_repr repr,
                    enum wj_fbinop sub, struct wj_spv_value a, struct wj_spv_value b,
                    struct wj_spv_value *result)
{
    if (!fbinary(t, op, repr, sub, a, b, result)) {
        return false;
    }
    if (sub != FBIN_COPYSIGN) {
        make_canonical(t, repr, result);
    }
    return true;
}

bool wj_spv_numeric(struct wj_spv_translator *t, const struct wj_op *op)
{
    const bool is_64 = op->type == NUM_I64 || op->type == NUM_F64;
    const bool is_float = op->type == NUM_F32 || op->type == NUM_F64;
    const enum wj_spv_repr bits = is_64 ? REPR_U64 : REPR_U32;
    const wj_valtype type =
        is_float ? (is_64 ? WJ_TYPE_F64 : WJ_TYPE_F32) : (is_64 ? WJ_TYPE_I64 : WJ_TYPE_I32);
    if (!wj_spv_check_type(t, op, type)) {
        return false;
    }
    struct wj_spv_value result;
    switch ((enum wj_family) op->family) {
    case FAM_IUNARY: return iunary(t, op);
    case FAM_IBINARY: return ibinary(t, op);
    case FAM_IEQZ: ieqz(t, op); return true;
    case FAM_ICOMPARE: {
        const uint32_t b = wj_spv_as(t, wj_spv_pop(t), bits);
        const uint32_t a = wj_spv_as(t, wj_spv_pop(t), bits);
        wj_spv_push(t, wj_spv_value(wj_spv_icompare(t, bits, op->sub, a, b), REPR_BOOL));
        return true;
    }
    case FAM_FUNARY: {
        const struct wj_spv_value a = wj_spv_pop(t);
        if (!wj_spv_funary(t, op, wj_spv_float_of(bits), op->sub, a, &result)) {
            return false;
        }
        break;
    }
    case FAM_FBINARY: {
        const struct wj_spv_value b = wj_spv_pop(t);
        const struct wj_spv_value a = wj_spv_pop(t);
        if (!wj_spv_fbinary(t, op, wj_spv_float_of(bits), op->sub, a, b, &result)) {
            return false;
        }
        break;
    }
    default: {
        const struct wj_spv_value b = wj_spv_pop(t);
        const struct wj_spv_value a = wj_spv_pop(t);
        const uint32_t id = wj_spv_fcompare(t, wj_spv_float_of(bits), op->sub, a, b);
        result = wj_spv_value(id, REPR_BOOL);
        break;
    }
    }
    wj_spv_push(t, result);
    return true;
}
