// Conversions between integers and floats: ranges are compared before, never left to the driver.
#include "spirv/translate.h"

// The range of floats that truncate into an integer type: low < x < high, or low <= x.
struct range {
    uint64_t low;
    uint64_t high;
    bool is_low_open;
};

// [from f64][to i64][signed]; IEEE 754 bits of -2^31 - 1, -2^31, -2^63, -1, 2^31, 2^32, 2^63, 2^64.
static const struct range ranges[2][2][2] = {
    {{{0xbf800000, 0x4f800000, true}, {0xcf000000, 0x4f000000, false}},
     {{0xbf800000, 0x5f800000, true}, {0xdf000000, 0x5f000000, false}}},
    {{{0xbff0000000000000, 0x41f0000000000000, true},
      {0xc1e0000000200000, 0x41e0000000000000, true}},
     {{0xbff0000000000000, 0x43f0000000000000, true},
      {0xc3e0000000000000, 0x43e0000000000000, false}}},
};

static uint32_t float_const(struct wj_spv_translator *t, enum wj_spv_repr repr, uint64_t bits)
{
    const uint32_t scalar = wj_spv_width(repr) == 64 ? wj_spv_const_f64(&t->b, bits)
                                                     : wj_spv_const_f32(&t->b, (uint32_t) bits);
    const unsigned count = wj_spv_components(repr);
    return count == 1 ? scalar : wj_spv_const_splat(&t->b, t->types[repr], scalar, count);
}

static uint32_t test(struct wj_spv_translator *t, SpvOp op, enum wj_spv_repr repr, uint32_t a,
                     uint32_t b)
{
    return WJ_SPV_OP(&t->b, op, t->bool_types[repr], a, b);
}

struct truncation {
    uint32_t is_valid;
    uint32_t value; // 0 where it is not
};

static struct truncation truncate(struct wj_spv_translator *t, enum wj_spv_repr from,
                                  enum wj_spv_repr to, bool is_signed, uint32_t a)
{
    struct wj_spv_builder *b = &t->b;
    const struct range *range =
        &ranges[wj_spv_width(from) == 64][wj_spv_width(to) == 64][is_signed];
    const uint32_t bools = t->bool_types[from];
    const uint32_t zero = float_const(t, from, 0);
    const uint32_t above =
        test(t, range->is_low_open ? SpvOpFOrdGreaterThan : SpvOpFOrdGreaterThanEqual, from, a,
             float_const(t, from, range->low));
    const uint32_t below = test(t, SpvOpFOrdLessThan, from, a, float_const(t, from, range->high));
    const uint32_t is_valid = WJ_SPV_OP(b, SpvOpLogicalAnd, bools, above, below);
    uint32_t is_used = is_valid;
    if (!is_signed) {
        const uint32_t is_positive = test(t, SpvOpFOrdGreaterThan, from, a, zero);
        is_used = WJ_SPV_OP(b, SpvOpLogicalAnd, bools, is_valid, is_positive);
    }
    const uint32_t in = WJ_SPV_OP(b, SpvOpSelect, t->types[from], is_used, a, zero);
    if (to == REPR_U64 && t->uses_pairs) {
        const uint32_t bits = WJ_SPV_OP(b, SpvOpBitcast, t->types[REPR_U32], in);
        return (struct truncation){is_valid, wj_spv_pair_from_f32(t, bits, is_signed)};
    }
    const SpvOp op = is_signed ? SpvOpConvertFToS : SpvOpConvertFToU;
    return (struct truncation){is_valid, WJ_SPV_OP(b, op, t->types[to], in)};
}

// Lane by lane where there are lanes.
static uint32_t choose(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t condition,
                       uint32_t yes, uint32_t no)
{
    return wj_spv_components(repr) == 1
               ? wj_spv_select(t, repr, condition, yes, no)
               : WJ_SPV_OP(&t->b, SpvOpSelect, t->types[repr], condition, yes, no);
}

uint32_t wj_spv_trunc_sat(struct wj_spv_translator *t, enum wj_spv_repr from, enum wj_spv_repr to,
                          bool is_signed, uint32_t a)
{
    const uint64_t sign = UINT64_C(1) << (wj_spv_width(to) - 1);
    const uint64_t low = is_signed ? sign : 0;
    const uint64_t high = is_signed ? sign - 1 : sign | (sign - 1);
    const struct truncation trunc = truncate(t, from, to, is_signed, a);
    const uint32_t zero = float_const(t, from, 0);
    const uint32_t is_negative = test(t, SpvOpFOrdLessThan, from, a, zero);
    const uint32_t is_positive = test(t, SpvOpFOrdGreaterThan, from, a, zero);
    const uint32_t none = wj_spv_int(t, to, 0);
    uint32_t other = choose(t, to, is_positive, wj_spv_int(t, to, high), none);
    other = choose(t, to, is_negative, wj_spv_int(t, to, low), other);
    return choose(t, to, trunc.is_valid, trunc.value, other);
}

uint32_t wj_spv_from_u32(struct wj_spv_translator *t, enum wj_spv_repr to, uint32_t a)
{
    struct wj_spv_builder *b = &t->b;
    const enum wj_spv_repr from = wj_spv_components(to) == 4 ? REPR_U32X4 : REPR_U32;
    if (wj_spv_width(to) == 64 || t->caps->f32_from_u32 == WJ_GPU_NATIVE) {
        return WJ_SPV_OP(b, SpvOpConvertUToF, t->types[to], a);
    }
    // The signed conversion, of half the value with the lost bit kept for rounding where needed.
    const uint32_t one = wj_spv_int(t, from, 1);
    const uint32_t ints = t->types[from];
    const uint32_t half = WJ_SPV_OP(b, SpvOpShiftRightLogical, ints, a, one);
    const uint32_t lost = WJ_SPV_OP(b, SpvOpBitwiseAnd, ints, a, one);
    const uint32_t sticky = WJ_SPV_OP(b, SpvOpBitwiseOr, ints, half, lost);
    const uint32_t halved = WJ_SPV_OP(b, SpvOpConvertSToF, t->types[to], sticky);
    const uint32_t doubled = wj_spv_exact(t, SpvOpFAdd, to, halved, halved);
    const uint32_t plain = WJ_SPV_OP(b, SpvOpConvertSToF, t->types[to], a);
    const uint32_t is_high = test(t, SpvOpSLessThan, from, a, wj_spv_int(t, from, 0));
    return WJ_SPV_OP(b, SpvOpSelect, t->types[to], is_high, doubled, plain);
}

enum action { RESIZE_S, RESIZE_U, TRUNC_S, TRUNC_U, SAT_S, SAT_U, FROM_S, FROM_U, REAL, NOTHING };

struct conversion {
    uint8_t from; // enum wj_spv_repr
    uint8_t to;
    uint8_t action;
};

static const struct conversion conversions[] = {
    [CVT_I32_WRAP_I64] = {REPR_U64, REPR_U32, RESIZE_U},
    [CVT_I32_TRUNC_F32_S] = {REPR_F32, REPR_U32, TRUNC_S},
    [CVT_I32_TRUNC_F32_U] = {REPR_F32, REPR_U32, TRUNC_U},
    [CVT_I32_TRUNC_F64_S] = {REPR_F64, REPR_U32, TRUNC_S},
    [CVT_I32_TRUNC_F64_U] = {REPR_F64, REPR_U32, TRUNC_U},
    [CVT_I64_EXTEND_I32_S] = {REPR_U32, REPR_U64, RESIZE_S},
    [CVT_I64_EXTEND_I32_U] = {REPR_U32, REPR_U64, RESIZE_U},
    [CVT_I64_TRUNC_F32_S] = {REPR_F32, REPR_U64, TRUNC_S},
    [CVT_I64_TRUNC_F32_U] = {REPR_F32, REPR_U64, TRUNC_U},
    [CVT_I64_TRUNC_F64_S] = {REPR_F64, REPR_U64, TRUNC_S},
    [CVT_I64_TRUNC_F64_U] = {REPR_F64, REPR_U64, TRUNC_U},
    [CVT_F32_CONVERT_I32_S] = {REPR_U32, REPR_F32, FROM_S},
    [CVT_F32_CONVERT_I32_U] = {REPR_U32, REPR_F32, FROM_U},
    [CVT_F32_CONVERT_I64_S] = {REPR_U64, REPR_F32, FROM_S},
    [CVT_F32_CONVERT_I64_U] = {REPR_U64, REPR_F32, FROM_U},
    [CVT_F32_DEMOTE_F64] = {REPR_F64, REPR_F32, REAL},
    [CVT_F64_CONVERT_I32_S] = {REPR_U32, REPR_F64, FROM_S},
    [CVT_F64_CONVERT_I32_U] = {REPR_U32, REPR_F64, FROM_U},
    [CVT_F64_CONVERT_I64_S] = {REPR_U64, REPR_F64, FROM_S},
    [CVT_F64_CONVERT_I64_U] = {REPR_U64, REPR_F64, FROM_U},
    [CVT_F64_PROMOTE_F32] = {REPR_F32, REPR_F64, REAL},
    [CVT_I32_REINTERPRET_F32] = {REPR_U32, REPR_U32, NOTHING},
    [CVT_I64_REINTERPRET_F64] = {REPR_U64, REPR_U64, NOTHING},
    [CVT_F32_REINTERPRET_I32] = {REPR_U32, REPR_U32, NOTHING},
    [CVT_F64_REINTERPRET_I64] = {REPR_U64, REPR_U64, NOTHING},
    [CVT_I32_TRUNC_SAT_F32_S] = {REPR_F32, REPR_U32, SAT_S},
    [CVT_I32_TRUNC_SAT_F32_U] = {REPR_F32, REPR_U32, SAT_U},
    [CVT_I32_TRUNC_SAT_F64_S] = {REPR_F64, REPR_U32, SAT_S},
    [CVT_I32_TRUNC_SAT_F64_U] = {REPR_F64, REPR_U32, SAT_U},
    [CVT_I64_TRUNC_SAT_F32_S] = {REPR_F32, REPR_U64, SAT_S},
    [CVT_I64_TRUNC_SAT_F32_U] = {REPR_F32, REPR_U64, SAT_U},
    [CVT_I64_TRUNC_SAT_F64_S] = {REPR_F64, REPR_U64, SAT_S},
    [CVT_I64_TRUNC_SAT_F64_U] = {REPR_F64, REPR_U64, SAT_U},
};

static uint32_t trunc_trapping(struct wj_spv_translator *t, const struct wj_op *op,
                               const struct conversion *cvt, uint32_t a)
{
    struct wj_spv_builder *b = &t->b;
    const struct truncation trunc = truncate(t, cvt->from, cvt->to, cvt->action == TRUNC_S, a);
    const uint32_t bool_type = t->types[REPR_BOOL];
    const uint32_t is_nan = test(t, SpvOpFUnordNotEqual, cvt->from, a, a);
    const uint32_t is_invalid = WJ_SPV_OP(b, SpvOpLogicalNot, bool_type, trunc.is_valid);
    wj_spv_trap_if(t, op, is_nan, WJ_TRAP_INVALID_CONVERSION);
    wj_spv_trap_if(t, op, is_invalid, WJ_TRAP_INTEGER_OVERFLOW);
    return trunc.value;
}

static bool check_verdicts(struct wj_spv_translator *t, const struct wj_op *op,
                           const struct conversion *cvt)
{
    const bool is_64 = cvt->from >= REPR_U64 || cvt->to >= REPR_U64;
    switch ((enum action) cvt->action) {
    case TRUNC_S:
    case TRUNC_U:
    case SAT_S:
    case SAT_U:
        if (t->caps->i32_from_f32 == WJ_GPU_REFUSED) {
            return wj_spv_refuse(t, op, "the device converts floats to integers wrongly");
        }
        break;
    case FROM_S:
    case FROM_U:
        if (!is_64 && t->caps->f32_from_i32 != WJ_GPU_NATIVE) {
            return wj_spv_refuse(t, op, "the device converts integers to floats wrongly");
        }
        break;
    case REAL:
    case RESIZE_S:
    case RESIZE_U:
    case NOTHING: return true;
    }
    if (is_64 && (cvt->from == REPR_F64 || cvt->to == REPR_F64) &&
        t->caps->f64_convert == WJ_GPU_REFUSED) {
        return wj_spv_refuse(t, op, "the device converts f64 wrongly");
    }
    return true;
}

bool wj_spv_convert(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const struct conversion *cvt = &conversions[op->sub];
    const bool has_f64 = cvt->from == REPR_F64 || cvt->to == REPR_F64 ||
                         op->sub == CVT_I64_REINTERPRET_F64 || op->sub == CVT_F64_REINTERPRET_I64;
    const bool has_64 = cvt->from >= REPR_U64 || cvt->to >= REPR_U64;
    if ((has_f64 && !wj_spv_check_type(t, op, WJ_TYPE_F64)) ||
        (has_64 && !wj_spv_check_type(t, op, WJ_TYPE_I64)) || !check_verdicts(t, op, cvt)) {
        return false;
    }
    const struct wj_spv_value value = wj_spv_pop(t);
    if (op->sub == CVT_I32_REINTERPRET_F32 || op->sub == CVT_I64_REINTERPRET_F64) {
        wj_spv_push(t, value);
        return true;
    }
    uint32_t a = wj_spv_as(t, value, cvt->from);
    if (cvt->from == REPR_U32 || cvt->from == REPR_U64) {
        if (cvt->action == FROM_S || cvt->action == FROM_U || cvt->action == NOTHING) {
            a = wj_spv_opaque(t, cvt->from, a);
        }
    }
    const uint32_t type = t->types[cvt->to];
    uint32_t id = 0;
    switch ((enum action) cvt->action) {
    case RESIZE_S: id = wj_spv_resize(t, cvt->to, a, true); break;
    case RESIZE_U: id = wj_spv_resize(t, cvt->to, a, false); break;
    case TRUNC_S:
    case TRUNC_U: id = trunc_trapping(t, op, cvt, a); break;
    case SAT_S: id = wj_spv_trunc_sat(t, cvt->from, cvt->to, true, a); break;
    case SAT_U: id = wj_spv_trunc_sat(t, cvt->from, cvt->to, false, a); break;
    case FROM_S:
    case FROM_U:
        if (cvt->from == REPR_U64 && t->uses_pairs) {
            id = wj_spv_pair_to_f32(t, a, cvt->action == FROM_S);
            struct wj_spv_value real = wj_spv_value(id, REPR_U32);
            real.is_dynamic = true;
            wj_spv_push(t, real);
            return true;
        }
        if (cvt->action == FROM_U && cvt->from == REPR_U32) {
            id = wj_spv_from_u32(t, cvt->to, a);
            break;
        }
        id = WJ_SPV_OP(b, cvt->action == FROM_S ? SpvOpConvertSToF : SpvOpConvertUToF, type, a);
        break;
    case REAL:
        id = wj_spv_arithmetic(t, cvt->to, WJ_SPV_OP(b, SpvOpFConvert, type, a));
        if (!value.is_dynamic && cvt->to == REPR_F32) {
            // It may have become 0, with which drivers multiply and divide as they like.
            const uint32_t bits = WJ_SPV_OP(b, SpvOpBitcast, t->types[REPR_U32], id);
            id = WJ_SPV_OP(b, SpvOpBitcast, type, wj_spv_opaque(t, REPR_U32, bits));
        }
        break;
    case NOTHING: id = a; break;
    }
    struct wj_spv_value result = wj_spv_value(id, cvt->to);
    // Operands were made so, but for f64.promote_f32.
    result.is_dynamic = cvt->action != REAL || cvt->to == REPR_F32 || value.is_dynamic;
    if (t->is_64 && (op->sub == CVT_I64_EXTEND_I32_S || op->sub == CVT_I64_EXTEND_I32_U)) {
        result.roots = value.roots; // part of an address, perhaps
        result.align_log2 = value.is_const ? 0 : value.align_log2;
    } else if (op->sub == CVT_I32_WRAP_I64) {
        wj_spv_align_root(t, op, &result);
    }
    wj_spv_push(t, result);
    return true;
}
