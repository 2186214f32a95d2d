// The words for numeric operations that the format, the emitters and the SPIR-V translator share.
// They are the specification's operations, without the operand type, which stands beside them.
#ifndef BASE_NUMERIC_H
#define BASE_NUMERIC_H

#include <stdint.h>

// Operand types of machine operations. References travel as NUM_I64.
enum wj_num { NUM_I32, NUM_I64, NUM_F32, NUM_F64, NUM_V128 };

// Lane shapes of a v128.
enum wj_shape { SHAPE_I8X16, SHAPE_I16X8, SHAPE_I32X4, SHAPE_I64X2, SHAPE_F32X4, SHAPE_F64X2 };

// Integer: one operand.
enum wj_iunop { IUN_CLZ, IUN_CTZ, IUN_POPCNT, IUN_EXTEND8_S, IUN_EXTEND16_S, IUN_EXTEND32_S };

// Integer: two operands. From IBIN_DIV_S to IBIN_REM_U they can trap.
enum wj_ibinop {
    IBIN_ADD,
    IBIN_SUB,
    IBIN_MUL,
    IBIN_AND,
    IBIN_OR,
    IBIN_XOR,
    IBIN_SHL,
    IBIN_SHR_S,
    IBIN_SHR_U,
    IBIN_ROTL,
    IBIN_ROTR,
    IBIN_DIV_S,
    IBIN_DIV_U,
    IBIN_REM_S,
    IBIN_REM_U,
};

// Integer comparisons; also the conditions that a machine's integer flags answer.
enum wj_icmp {
    ICMP_EQ,
    ICMP_NE,
    ICMP_LT_S,
    ICMP_LT_U,
    ICMP_GT_S,
    ICMP_GT_U,
    ICMP_LE_S,
    ICMP_LE_U,
    ICMP_GE_S,
    ICMP_GE_U,
};

enum wj_fcmp { FCMP_EQ, FCMP_NE, FCMP_LT, FCMP_GT, FCMP_LE, FCMP_GE };

enum wj_funop { FUN_ABS, FUN_NEG, FUN_CEIL, FUN_FLOOR, FUN_TRUNC, FUN_NEAREST, FUN_SQRT };

enum wj_fbinop {
    FBIN_ADD,
    FBIN_SUB,
    FBIN_MUL,
    FBIN_DIV,
    FBIN_MIN,
    FBIN_MAX,
    FBIN_COPYSIGN,
};

// Conversions, in the order of their opcodes (0xa7 to 0xbf, then 0xfc 0 to 7).
enum wj_cvt {
    CVT_I32_WRAP_I64,
    CVT_I32_TRUNC_F32_S,
    CVT_I32_TRUNC_F32_U,
    CVT_I32_TRUNC_F64_S,
    CVT_I32_TRUNC_F64_U,
    CVT_I64_EXTEND_I32_S,
    CVT_I64_EXTEND_I32_U,
    CVT_I64_TRUNC_F32_S,
    CVT_I64_TRUNC_F32_U,
    CVT_I64_TRUNC_F64_S,
    CVT_I64_TRUNC_F64_U,
    CVT_F32_CONVERT_I32_S,
    CVT_F32_CONVERT_I32_U,
    CVT_F32_CONVERT_I64_S,
    CVT_F32_CONVERT_I64_U,
    CVT_F32_DEMOTE_F64,
    CVT_F64_CONVERT_I32_S,
    CVT_F64_CONVERT_I32_U,
    CVT_F64_CONVERT_I64_S,
    CVT_F64_CONVERT_I64_U,
    CVT_F64_PROMOTE_F32,
    CVT_I32_REINTERPRET_F32,
    CVT_I64_REINTERPRET_F64,
    CVT_F32_REINTERPRET_I32,
    CVT_F64_REINTERPRET_I64,
    CVT_I32_TRUNC_SAT_F32_S,
    CVT_I32_TRUNC_SAT_F32_U,
    CVT_I32_TRUNC_SAT_F64_S,
    CVT_I32_TRUNC_SAT_F64_U,
    CVT_I64_TRUNC_SAT_F32_S,
    CVT_I64_TRUNC_SAT_F32_U,
    CVT_I64_TRUNC_SAT_F64_S,
    CVT_I64_TRUNC_SAT_F64_U,
};

// Loads, in the order of their opcodes (0x28 to 0x35), then those of 0xfd: 0 to 10, 92, 93.
enum wj_load_op {
    LOAD_I32,
    LOAD_I64,
    LOAD_F32,
    LOAD_F64,
    LOAD_I32_8_S,
    LOAD_I32_8_U,
    LOAD_I32_16_S,
    LOAD_I32_16_U,
    LOAD_I64_8_S,
    LOAD_I64_8_U,
    LOAD_I64_16_S,
    LOAD_I64_16_U,
    LOAD_I64_32_S,
    LOAD_I64_32_U,
    LOAD_V128,
    LOAD_V128_8X8_S,
    LOAD_V128_8X8_U,
    LOAD_V128_16X4_S,
    LOAD_V128_16X4_U,
    LOAD_V128_32X2_S,
    LOAD_V128_32X2_U,
    LOAD_V128_8_SPLAT,
    LOAD_V128_16_SPLAT,
    LOAD_V128_32_SPLAT,
    LOAD_V128_64_SPLAT,
    LOAD_V128_32_ZERO,
    LOAD_V128_64_ZERO,
};

// Stores, in the order of their opcodes (0x36 to 0x3e), then v128.store.
enum wj_store_op {
    STORE_I32,
    STORE_I64,
    STORE_F32,
    STORE_F64,
    STORE_I32_8,
    STORE_I32_16,
    STORE_I64_8,
    STORE_I64_16,
    STORE_I64_32,
    STORE_V128,
};

// SIMD, one operand. The shape stands beside it; not every pair exists (opcodes.def has them).
enum wj_vunop {
    VUN_NOT,
    VUN_ABS,
    VUN_NEG,
    VUN_POPCNT,
    VUN_EXTADD_PAIRWISE_S,
    VUN_EXTADD_PAIRWISE_U, // shape of the result
    VUN_EXTEND_LOW_S,
    VUN_EXTEND_HIGH_S,
    VUN_EXTEND_LOW_U,
    VUN_EXTEND_HIGH_U, // shape of result
    VUN_CEIL,
    VUN_FLOOR,
    VUN_TRUNC,
    VUN_NEAREST,
    VUN_SQRT,
    VUN_TRUNC_SAT_S,
    VUN_TRUNC_SAT_U, // i32x4 from f32x4
    VUN_TRUNC_SAT_S_ZERO,
    VUN_TRUNC_SAT_U_ZERO, // i32x4 from f64x2
    VUN_CONVERT_S,
    VUN_CONVERT_U, // f32x4 from i32x4
    VUN_CONVERT_LOW_S,
    VUN_CONVERT_LOW_U, // f64x2 from i32x4
    VUN_DEMOTE_ZERO,   // f32x4 from f64x2
    VUN_PROMOTE_LOW,   // f64x2 from f32x4
    VUN_RELAXED_TRUNC_S,
    VUN_RELAXED_TRUNC_U, // i32x4 from f32x4
    VUN_RELAXED_TRUNC_S_ZERO,
    VUN_RELAXED_TRUNC_U_ZERO, // i32x4 from f64x2
};

// SIMD, two operands.
enum wj_vbinop {
    VBIN_AND,
    VBIN_ANDNOT,
    VBIN_OR,
    VBIN_XOR,
    VBIN_ADD,
    VBIN_SUB,
    VBIN_MUL,
    VBIN_ADD_SAT_S,
    VBIN_ADD_SAT_U,
    VBIN_SUB_SAT_S,
    VBIN_SUB_SAT_U,
    VBIN_MIN_S,
    VBIN_MIN_U,
    VBIN_MAX_S,
    VBIN_MAX_U,
    VBIN_AVGR_U,
    VBIN_NARROW_S,
    VBIN_NARROW_U, // shape of the result
    VBIN_DOT,
    VBIN_Q15MULR_SAT_S,
    VBIN_EXTMUL_LOW_S,
    VBIN_EXTMUL_HIGH_S,
    VBIN_EXTMUL_LOW_U,
    VBIN_EXTMUL_HIGH_U, // of result
    VBIN_SWIZZLE,
    VBIN_DIV,
    VBIN_MIN,
    VBIN_MAX,
    VBIN_PMIN,
    VBIN_PMAX, // floats
    VBIN_EQ,
    VBIN_NE,
    VBIN_LT_S,
    VBIN_LT_U,
    VBIN_GT_S,
    VBIN_GT_U,
    VBIN_LE_S,
    VBIN_LE_U,
    VBIN_GE_S,
    VBIN_GE_U, // integer lanes; _S also for float lanes
    VBIN_RELAXED_SWIZZLE,
    VBIN_RELAXED_MIN,
    VBIN_RELAXED_MAX,
    VBIN_RELAXED_Q15MULR_S,
    VBIN_RELAXED_DOT, // i16x8 from i8x16 and i7x16
};

// SIMD, three operands.
enum wj_vternop {
    VTERN_BITSELECT,
    VTERN_RELAXED_MADD,
    VTERN_RELAXED_NMADD,
    VTERN_RELAXED_LANESELECT,
    VTERN_RELAXED_DOT_ADD, // i32x4 from i8x16, i7x16, i32x4
};

// SIMD to scalar tests: i32 results.
enum wj_vtest { VTEST_ANY_TRUE, VTEST_ALL_TRUE, VTEST_BITMASK };

enum wj_vshift { VSHIFT_SHL, VSHIFT_SHR_S, VSHIFT_SHR_U };

// Atomic read-modify-write.
enum wj_rmw { RMW_ADD, RMW_SUB, RMW_AND, RMW_OR, RMW_XOR, RMW_XCHG, RMW_CMPXCHG };

#endif
