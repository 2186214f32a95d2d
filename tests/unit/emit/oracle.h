// What the specification says that numeric operations do, in plain C: the emitters' tests compare
// machine code with it. Values are bits; f32 and i32 are in the low half, with a zero upper half.
#ifndef TESTS_UNIT_EMIT_ORACLE_H
#define TESTS_UNIT_EMIT_ORACLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/numeric.h"
#include "base/trap.h"

#define ORACLE static inline __attribute__((unused))

ORACLE float oracle_f32(uint64_t bits)
{
    uint32_t low = (uint32_t) bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

ORACLE double oracle_f64(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

ORACLE uint64_t oracle_bits32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

ORACLE uint64_t oracle_bits64(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// ---- Integers ---------------------------------------------------------------------------------

ORACLE uint64_t oracle_wrap(enum wj_num num, uint64_t value)
{
    return num == NUM_I32 ? (uint32_t) value : value;
}

ORACLE int64_t oracle_signed(enum wj_num num, uint64_t value)
{
    return num == NUM_I32 ? (int32_t) value : (int64_t) value;
}

ORACLE uint64_t oracle_div(enum wj_ibinop op, enum wj_num num, uint64_t a, uint64_t b,
                           enum wj_trap_kind *trap)
{
    int64_t sa = oracle_signed(num, a), sb = oracle_signed(num, b);
    int64_t lowest = num == NUM_I32 ? INT32_MIN : INT64_MIN;
    if (b == 0) {
        *trap = WJ_TRAP_INTEGER_DIVIDE_BY_ZERO;
        return 0;
    }
    switch ((int) op) {
    case IBIN_DIV_U: return a / b;
    case IBIN_REM_U: return a % b;
    case IBIN_DIV_S:
        if (sa == lowest && sb == -1) {
            *trap = WJ_TRAP_INTEGER_OVERFLOW;
            return 0;
        }
        return oracle_wrap(num, (uint64_t) (sa / sb));
    default: return sb == -1 ? 0 : oracle_wrap(num, (uint64_t) (sa % sb));
    }
}

ORACLE uint64_t oracle_rotl(uint64_t a, unsigned count, unsigned bits)
{
    return count == 0 ? a : a << count | a >> (bits - count);
}

// The operands have a zero upper half when num is NUM_I32.
ORACLE uint64_t oracle_ibin(enum wj_ibinop op, enum wj_num num, uint64_t a, uint64_t b,
                            enum wj_trap_kind *trap)
{
    unsigned bits = num == NUM_I32 ? 32 : 64;
    unsigned count = (unsigned) b & (bits - 1);
    uint64_t result = 0;
    *trap = WJ_TRAP_NONE;
    switch (op) {
    case IBIN_ADD: result = a + b; break;
    case IBIN_SUB: result = a - b; break;
    case IBIN_MUL: result = a * b; break;
    case IBIN_AND: result = a & b; break;
    case IBIN_OR: result = a | b; break;
    case IBIN_XOR: result = a ^ b; break;
    case IBIN_SHL: result = a << count; break;
    case IBIN_SHR_S: result = (uint64_t) (oracle_signed(num, a) >> count); break;
    case IBIN_SHR_U: result = a >> count; break;
    case IBIN_ROTL: result = oracle_rotl(a, count, bits); break;
    case IBIN_ROTR: result = oracle_rotl(a, (bits - count) & (bits - 1), bits); break;
    case IBIN_DIV_S:
    case IBIN_DIV_U:
    case IBIN_REM_S:
    case IBIN_REM_U: return oracle_div(op, num, a, b, trap);
    }
    return oracle_wrap(num, result);
}

ORACLE uint64_t oracle_iun(enum wj_iunop op, enum wj_num num, uint64_t a)
{
    unsigned bits = num == NUM_I32 ? 32 : 64;
    unsigned count = 0;
    switch (op) {
    case IUN_CLZ:
        while (count < bits && (a >> (bits - 1 - count) & 1) == 0) {
            count++;
        }
        return count;
    case IUN_CTZ:
        while (count < bits && (a >> count & 1) == 0) {
            count++;
        }
        return count;
    case IUN_POPCNT:
        for (unsigned i = 0; i < bits; i++) {
            count += a >> i & 1;
        }
        return count;
    case IUN_EXTEND8_S: return oracle_wrap(num, (uint64_t) (int64_t) (int8_t) a);
    case IUN_EXTEND16_S: return oracle_wrap(num, (uint64_t) (int64_t) (int16_t) a);
    case IUN_EXTEND32_S: return oracle_wrap(num, (uint64_t) (int64_t) (int32_t) a);
    }
    return 0;
}

ORACLE bool oracle_icmp(enum wj_icmp op, enum wj_num num, uint64_t a, uint64_t b)
{
    int64_t sa = oracle_signed(num, a), sb = oracle_signed(num, b);
    switch (op) {
    case ICMP_EQ: return a == b;
    case ICMP_NE: return a != b;
    case ICMP_LT_S: return sa < sb;
    case ICMP_LT_U: return a < b;
    case ICMP_GT_S: return sa > sb;
    case ICMP_GT_U: return a > b;
    case ICMP_LE_S: return sa <= sb;
    case ICMP_LE_U: return a <= b;
    case ICMP_GE_S: return sa >= sb;
    case ICMP_GE_U: return a >= b;
    }
    return false;
}

// ---- Floats -----------------------------------------------------------------------------------

struct oracle_format {
    unsigned fraction_bits, exponent_bits;
    uint64_t sign, infinity, quiet, canonical;
};

ORACLE struct oracle_format oracle_format(enum wj_num num)
{
    const struct oracle_format f32 = {23, 8, 0x80000000u, 0x7f800000u, 0x00400000u, 0x7fc00000u};
    const struct oracle_format f64 = {
        52, 11, 0x8000000000000000u, 0x7ff0000000000000u, 0x0008000000000000u, 0x7ff8000000000000u};
    return num == NUM_F32 ? f32 : f64;
}

ORACLE bool oracle_is_nan(enum wj_num num, uint64_t bits)
{
    struct oracle_format f = oracle_format(num);
    return (bits & ~f.sign) > f.infinity;
}

ORACLE bool oracle_is_canonical(enum wj_num num, uint64_t bits)
{
    struct oracle_format f = oracle_format(num);
    return (bits & ~f.sign) == f.canonical;
}

// Whether arithmetic may give `actual` where the oracle gives `expected`. strict: no operand was a
// NaN other than the canonical one, so a NaN has to be canonical (of either sign).
ORACLE bool oracle_float_matches(enum wj_num num, uint64_t expected, uint64_t actual, bool strict)
{
    struct oracle_format f = oracle_format(num);
    if (!oracle_is_nan(num, expected)) {
        return expected == actual;
    }
    return oracle_is_nan(num, actual) && (actual & f.quiet) != 0 &&
           (!strict || oracle_is_canonical(num, actual));
}

ORACLE bool oracle_is_strict(enum wj_num num, uint64_t a)
{
    return !oracle_is_nan(num, a) || oracle_is_canonical(num, a);
}

ORACLE uint64_t oracle_canon(enum wj_num num, uint64_t a)
{
    return oracle_is_nan(num, a) ? oracle_format(num).canonical : a;
}

ORACLE double oracle_value(enum wj_num num, uint64_t bits)
{
    return num == NUM_F32 ? (double) oracle_f32(bits) : oracle_f64(bits);
}

ORACLE uint64_t oracle_arithmetic(enum wj_fbinop op, enum wj_num num, uint64_t a, uint64_t b)
{
    if (num == NUM_F32) {
        float x = oracle_f32(a), y = oracle_f32(b);
        return oracle_bits32(op == FBIN_ADD   ? x + y
                             : op == FBIN_SUB ? x - y
                             : op == FBIN_MUL ? x * y
                                              : x / y);
    }
    double x = oracle_f64(a), y = oracle_f64(b);
    return oracle_bits64(op == FBIN_ADD   ? x + y
                         : op == FBIN_SUB ? x - y
                         : op == FBIN_MUL ? x * y
                                          : x / y);
}

// NaN results are the canonical NaN, but for copysign.
ORACLE uint64_t oracle_fbin(enum wj_fbinop op, enum wj_num num, uint64_t a, uint64_t b)
{
    struct oracle_format f = oracle_format(num);
    if (op == FBIN_COPYSIGN) {
        return (a & ~f.sign) | (b & f.sign);
    }
    if (oracle_is_nan(num, a) || oracle_is_nan(num, b)) {
        return f.canonical;
    }
    double x = oracle_value(num, a), y = oracle_value(num, b);
    switch (op) {
    case FBIN_MIN: return x < y ? a : y < x ? b : a | b;
    case FBIN_MAX: return x > y ? a : y > x ? b : a & b;
    case FBIN_ADD:
    case FBIN_SUB:
    case FBIN_MUL:
    case FBIN_DIV:
    case FBIN_COPYSIGN: break;
    }
    return oracle_canon(num, oracle_arithmetic(op, num, a, b));
}

// To an integral value, in integer arithmetic on the bits of the significand.
ORACLE uint64_t oracle_round(enum wj_funop op, enum wj_num num, uint64_t a)
{
    struct oracle_format f = oracle_format(num);
    uint64_t sign = a & f.sign, size = a & ~f.sign;
    int bias = (1 << (f.exponent_bits - 1)) - 1;
    int exponent = (int) (size >> f.fraction_bits) - bias;
    uint64_t one = (uint64_t) bias << f.fraction_bits;
    if (exponent >= (int) f.fraction_bits || size == 0) {
        return a;
    }
    uint64_t floor_size, rest, half;
    uint64_t unit = 0;
    if (exponent < 0) {
        floor_size = 0;
        rest = size;
        half = one - ((uint64_t) 1 << f.fraction_bits); // 0.5
    } else {
        unit = (uint64_t) 1 << (f.fraction_bits - (unsigned) exponent);
        floor_size = size & ~(unit - 1);
        rest = size - floor_size;
        half = unit >> 1;
    }
    bool is_odd = exponent >= 0 && (exponent == 0 || (floor_size & unit) != 0);
    bool up = op == FUN_CEIL      ? sign == 0 && rest != 0
              : op == FUN_FLOOR   ? sign != 0 && rest != 0
              : op == FUN_NEAREST ? rest > half || (rest == half && is_odd)
                                  : false;
    uint64_t result = !up ? floor_size : exponent < 0 ? one : floor_size + unit;
    return sign | result;
}

// The square root of an integer, bit by bit; rounded by the remainder.
ORACLE uint64_t oracle_sqrt(enum wj_num num, uint64_t a)
{
    struct oracle_format f = oracle_format(num);
    if ((a & ~f.sign) == 0 || a == f.infinity) {
        return a;
    }
    if (a & f.sign) {
        return f.canonical;
    }
    int bias = (1 << (f.exponent_bits - 1)) - 1;
    int exponent = (int) (a >> f.fraction_bits);
    uint64_t fraction = a & (((uint64_t) 1 << f.fraction_bits) - 1);
    if (exponent == 0) {
        exponent = 1;
        while ((fraction >> f.fraction_bits) == 0) {
            fraction <<= 1;
            exponent--;
        }
    } else {
        fraction |= (uint64_t) 1 << f.fraction_bits;
    }
    exponent -= bias;
    // An even exponent, and a significand wide enough for a root of fraction_bits + 2 bits.
    unsigned shift = f.fraction_bits + 2;
    unsigned __int128 n = (unsigned __int128) fraction << (shift + ((unsigned) exponent & 1));
    unsigned __int128 root = 0;
    for (int bit = (int) f.fraction_bits + 2; bit >= 0; bit--) {
        unsigned __int128 trial = root | (unsigned __int128) 1 << bit;
        if (trial * trial <= n) {
            root = trial;
        }
    }
    exponent = (exponent - (exponent & 1)) / 2;
    uint64_t rounded = (uint64_t) (root >> 1) + (uint64_t) (root & 1); // never halfway exactly
    return ((uint64_t) (exponent + bias - 1) << f.fraction_bits) + rounded;
}

ORACLE uint64_t oracle_fun(enum wj_funop op, enum wj_num num, uint64_t a)
{
    struct oracle_format f = oracle_format(num);
    if (op == FUN_ABS) {
        return a & ~f.sign;
    }
    if (op == FUN_NEG) {
        return a ^ f.sign;
    }
    if (oracle_is_nan(num, a)) {
        return f.canonical;
    }
    return op == FUN_SQRT ? oracle_sqrt(num, a) : oracle_round(op, num, a);
}

ORACLE bool oracle_fcmp(enum wj_fcmp op, enum wj_num num, uint64_t a, uint64_t b)
{
    double x = oracle_value(num, a), y = oracle_value(num, b);
    switch (op) {
    case FCMP_EQ: return x == y;
    case FCMP_NE: return x != y;
    case FCMP_LT: return x < y;
    case FCMP_GT: return x > y;
    case FCMP_LE: return x <= y;
    case FCMP_GE: return x >= y;
    }
    return false;
}

// ---- Conversions ------------------------------------------------------------------------------

struct oracle_trunc {
    enum wj_num from, to;
    bool is_signed, saturates;
};

ORACLE uint64_t oracle_trunc(struct oracle_trunc t, uint64_t a, enum wj_trap_kind *trap)
{
    double x = oracle_value(t.from, a);
    bool is_i32 = t.to == NUM_I32;
    double above = is_i32 ? (t.is_signed ? 2147483648.0 : 4294967296.0)
                          : (t.is_signed ? 9223372036854775808.0 : 18446744073709551616.0);
    uint64_t highest =
        t.is_signed ? (is_i32 ? INT32_MAX : INT64_MAX) : (is_i32 ? UINT32_MAX : UINT64_MAX);
    uint64_t lowest = !t.is_signed ? 0 : is_i32 ? 0x80000000u : 0x8000000000000000u;
    if (x != x) {
        *trap = t.saturates ? WJ_TRAP_NONE : WJ_TRAP_INVALID_CONVERSION;
        return 0;
    }
    bool is_below = !t.is_signed ? x <= -1.0
                    : is_i32     ? x <= -2147483649.0
                                 : x < -9223372036854775808.0;
    if (is_below || x >= above) {
        *trap = t.saturates ? WJ_TRAP_NONE : WJ_TRAP_INTEGER_OVERFLOW;
        return is_below ? lowest : highest;
    }
    uint64_t result =
        !t.is_signed && x >= 9223372036854775808.0 ? (uint64_t) x : (uint64_t) (int64_t) x;
    return oracle_wrap(t.to, result);
}

ORACLE uint64_t oracle_cvt(enum wj_cvt op, uint64_t a, enum wj_trap_kind *trap)
{
    *trap = WJ_TRAP_NONE;
    switch (op) {
    case CVT_I32_WRAP_I64: return (uint32_t) a;
    case CVT_I64_EXTEND_I32_S: return (uint64_t) (int64_t) (int32_t) a;
    case CVT_I64_EXTEND_I32_U:
    case CVT_I32_REINTERPRET_F32:
    case CVT_F32_REINTERPRET_I32: return (uint32_t) a;
    case CVT_I64_REINTERPRET_F64:
    case CVT_F64_REINTERPRET_I64: return a;
    case CVT_F32_CONVERT_I32_S: return oracle_bits32((float) (int32_t) a);
    case CVT_F32_CONVERT_I32_U: return oracle_bits32((float) (uint32_t) a);
    case CVT_F32_CONVERT_I64_S: return oracle_bits32((float) (int64_t) a);
    case CVT_F32_CONVERT_I64_U: return oracle_bits32((float) a);
    case CVT_F64_CONVERT_I32_S: return oracle_bits64((double) (int32_t) a);
    case CVT_F64_CONVERT_I32_U: return oracle_bits64((double) (uint32_t) a);
    case CVT_F64_CONVERT_I64_S: return oracle_bits64((double) (int64_t) a);
    case CVT_F64_CONVERT_I64_U: return oracle_bits64((double) a);
    case CVT_F32_DEMOTE_F64: return oracle_canon(NUM_F32, oracle_bits32((float) oracle_f64(a)));
    case CVT_F64_PROMOTE_F32: return oracle_canon(NUM_F64, oracle_bits64((double) oracle_f32(a)));
#define TRUNC(to, from, sign, saturates) \
    oracle_trunc((struct oracle_trunc){NUM_##from, NUM_##to, sign, saturates}, a, trap)
    case CVT_I32_TRUNC_F32_S: return TRUNC(I32, F32, true, false);
    case CVT_I32_TRUNC_F32_U: return TRUNC(I32, F32, false, false);
    case CVT_I32_TRUNC_F64_S: return TRUNC(I32, F64, true, false);
    case CVT_I32_TRUNC_F64_U: return TRUNC(I32, F64, false, false);
    case CVT_I64_TRUNC_F32_S: return TRUNC(I64, F32, true, false);
    case CVT_I64_TRUNC_F32_U: return TRUNC(I64, F32, false, false);
    case CVT_I64_TRUNC_F64_S: return TRUNC(I64, F64, true, false);
    case CVT_I64_TRUNC_F64_U: return TRUNC(I64, F64, false, false);
    case CVT_I32_TRUNC_SAT_F32_S: return TRUNC(I32, F32, true, true);
    case CVT_I32_TRUNC_SAT_F32_U: return TRUNC(I32, F32, false, true);
    case CVT_I32_TRUNC_SAT_F64_S: return TRUNC(I32, F64, true, true);
    case CVT_I32_TRUNC_SAT_F64_U: return TRUNC(I32, F64, false, true);
    case CVT_I64_TRUNC_SAT_F32_S: return TRUNC(I64, F32, true, true);
    case CVT_I64_TRUNC_SAT_F32_U: return TRUNC(I64, F32, false, true);
    case CVT_I64_TRUNC_SAT_F64_S: return TRUNC(I64, F64, true, true);
    case CVT_I64_TRUNC_SAT_F64_U: return TRUNC(I64, F64, false, true);
#undef TRUNC
    }
    return 0;
}

// Types of a conversion's operand and result.
ORACLE void oracle_cvt_types(enum wj_cvt op, enum wj_num *from, enum wj_num *to)
{
    static const uint8_t types[][2] = {
        {NUM_I64, NUM_I32}, {NUM_F32, NUM_I32}, {NUM_F32, NUM_I32}, {NUM_F64, NUM_I32},
        {NUM_F64, NUM_I32}, {NUM_I32, NUM_I64}, {NUM_I32, NUM_I64}, {NUM_F32, NUM_I64},
        {NUM_F32, NUM_I64}, {NUM_F64, NUM_I64}, {NUM_F64, NUM_I64}, {NUM_I32, NUM_F32},
        {NUM_I32, NUM_F32}, {NUM_I64, NUM_F32}, {NUM_I64, NUM_F32}, {NUM_F64, NUM_F32},
        {NUM_I32, NUM_F64}, {NUM_I32, NUM_F64}, {NUM_I64, NUM_F64}, {NUM_I64, NUM_F64},
        {NUM_F32, NUM_F64}, {NUM_F32, NUM_I32}, {NUM_F64, NUM_I64}, {NUM_I32, NUM_F32},
        {NUM_I64, NUM_F64}, {NUM_F32, NUM_I32}, {NUM_F32, NUM_I32}, {NUM_F64, NUM_I32},
        {NUM_F64, NUM_I32}, {NUM_F32, NUM_I64}, {NUM_F32, NUM_I64}, {NUM_F64, NUM_I64},
        {NUM_F64, NUM_I64},
    };
    *from = (enum wj_num) types[op][0];
    *to = (enum wj_num) types[op][1];
}

// ---- Operands worth trying --------------------------------------------------------------------

static const uint64_t ORACLE_INTS[] __attribute__((unused)) = {
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    32,
    33,
    63,
    64,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x10000,
    0x12345678,
    0x7ffffffe,
    0x7fffffff,
    0x80000000,
    0x80000001,
    0xaaaaaaaa,
    0xfffffffe,
    0xffffffff,
    0x100000000,
    0x123456789abcdef0,
    0x7ffffffffffffffe,
    0x7fffffffffffffff,
    0x8000000000000000,
    0x8000000000000001,
    0xaaaaaaaaaaaaaaaa,
    0xffffffff00000000,
    0xfffffffffffffffe,
    0xffffffffffffffff,
    0xffffffff80000000,
    // Halfway between floats, and just above.
    0x01000001,
    0x01000003,
    0x0020000000000001,
    0x8000000000000400,
    0x8000000000000401,
    0x8000008000000000,
    0x8000008000000001,
};
enum { ORACLE_INT_COUNT = sizeof ORACLE_INTS / sizeof ORACLE_INTS[0] };

static const uint64_t ORACLE_F32S[] __attribute__((unused)) = {
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x33800000, 0x3effffff,
    0x3f000000, 0xbf000000, 0x3f000001, 0x3f7fffff, 0xbf7fffff, 0x3f800000, 0xbf800000, 0xbf800001,
    0x3fc00000, 0xbfc00000, 0x40200000, 0xc0200000, 0x40490fdb, 0x4affffff, 0x4b000001, 0x4b7fffff,
    0x4effffff, 0x4f000000, 0xcf000000, 0xcf000001, 0x4f7fffff, 0x4f800000, 0x5effffff, 0x5f000000,
    0xdf000000, 0xdf000001, 0x5f7fffff, 0x5f800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000,
    0x7fc00000, 0xffc00000, 0x7fa00000, 0x7f800001, 0xffffffff,
};
enum { ORACLE_F32_COUNT = sizeof ORACLE_F32S / sizeof ORACLE_F32S[0] };

static const uint64_t ORACLE_F64S[] __attribute__((unused)) = {
    0x0000000000000000, 0x8000000000000000, 0x0000000000000001, 0x8000000000000001,
    0x000fffffffffffff, 0x0010000000000000, 0x3fdfffffffffffff, 0x3fe0000000000000,
    0xbfe0000000000000, 0x3fe0000000000001, 0x3fefffffffffffff, 0xbfefffffffffffff,
    0x3ff0000000000000, 0xbff0000000000000, 0xbff0000000000001, 0x3ff8000000000000,
    0xbff8000000000000, 0x4004000000000000, 0xc004000000000000, 0x400921fb54442d18,
    0x36a0000000000000, 0x3690000000000000, 0x36a8000000000000, 0x380fffffe0000000,
    0x47efffffe0000000, 0x47effffff0000000, 0x3ff0000010000000, 0x3ff0000030000000,
    0x41dfffffffc00000, 0x41dfffffffffffff, 0x41e0000000000000, 0xc1e0000000000000,
    0xc1e00000001fffff, 0xc1e0000000200000, 0xc1e0000000400000, 0x41efffffffe00000,
    0x41efffffffffffff, 0x41f0000000000000, 0x432fffffffffffff, 0x4330000000000001,
    0x433fffffffffffff, 0x43dfffffffffffff, 0x43e0000000000000, 0xc3e0000000000000,
    0xc3e0000000000001, 0x43efffffffffffff, 0x43f0000000000000, 0x7fefffffffffffff,
    0xffefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
    0xfff8000000000000, 0x7ff4000000000000, 0x7ff0000000000001, 0xffffffffffffffff,
};
enum { ORACLE_F64_COUNT = sizeof ORACLE_F64S / sizeof ORACLE_F64S[0] };

// The i-th operand of a type, and how many there are.
ORACLE unsigned oracle_operand_count(enum wj_num num)
{
    return num == NUM_F32 ? ORACLE_F32_COUNT : num == NUM_F64 ? ORACLE_F64_COUNT : ORACLE_INT_COUNT;
}

ORACLE uint64_t oracle_operand(enum wj_num num, unsigned i)
{
    return num == NUM_F32   ? ORACLE_F32S[i]
           : num == NUM_F64 ? ORACLE_F64S[i]
                            : oracle_wrap(num, ORACLE_INTS[i]);
}

// A generator of operands beyond the edges (splitmix64).
ORACLE uint64_t oracle_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

#endif
