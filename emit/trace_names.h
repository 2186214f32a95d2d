// The names of operands and operations as emit/trace_masm.h prints them.
#ifndef EMIT_TRACE_NAMES_H
#define EMIT_TRACE_NAMES_H

#include "emit/masm.h"

#define TRACE_INLINE static inline __attribute__((unused))
#define TRACE_NAMES(function, type, ...)                                               \
    TRACE_INLINE const char *function(type value)                                      \
    {                                                                                  \
        static const char *const names[] = {__VA_ARGS__};                              \
        return (unsigned) value < sizeof names / sizeof names[0] ? names[value] : "?"; \
    }

TRACE_NAMES(trace_num, enum wj_num, "i32", "i64", "f32", "f64", "v128")
TRACE_NAMES(trace_shape, enum wj_shape, "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2")
TRACE_NAMES(trace_cond, enum wj_cond, "eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u",
            "ge_s", "ge_u", "f_eq", "f_ne", "f_gt", "f_ngt", "f_ge", "f_nge")
TRACE_NAMES(trace_ibinop, enum wj_ibinop, "add", "sub", "mul", "and", "or", "xor", "shl", "shr_s",
            "shr_u", "rotl", "rotr", "div_s", "div_u", "rem_s", "rem_u")
TRACE_NAMES(trace_iunop, enum wj_iunop, "clz", "ctz", "popcnt", "extend8_s", "extend16_s",
            "extend32_s")
TRACE_NAMES(trace_fbinop, enum wj_fbinop, "add", "sub", "mul", "div", "min", "max", "copysign")
TRACE_NAMES(trace_funop, enum wj_funop, "abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt")
TRACE_NAMES(trace_cvt, enum wj_cvt, "i32.wrap_i64", "i32.trunc_f32_s", "i32.trunc_f32_u",
            "i32.trunc_f64_s", "i32.trunc_f64_u", "i64.extend_i32_s", "i64.extend_i32_u",
            "i64.trunc_f32_s", "i64.trunc_f32_u", "i64.trunc_f64_s", "i64.trunc_f64_u",
            "f32.convert_i32_s", "f32.convert_i32_u", "f32.convert_i64_s", "f32.convert_i64_u",
            "f32.demote_f64", "f64.convert_i32_s", "f64.convert_i32_u", "f64.convert_i64_s",
            "f64.convert_i64_u", "f64.promote_f32", "i32.reinterpret_f32", "i64.reinterpret_f64",
            "f32.reinterpret_i32", "f64.reinterpret_i64", "i32.trunc_sat_f32_s",
            "i32.trunc_sat_f32_u", "i32.trunc_sat_f64_s", "i32.trunc_sat_f64_u",
            "i64.trunc_sat_f32_s", "i64.trunc_sat_f32_u", "i64.trunc_sat_f64_s",
            "i64.trunc_sat_f64_u")
TRACE_NAMES(trace_load, enum wj_load_op, "i32.load", "i64.load", "f32.load", "f64.load",
            "i32.load8_s", "i32.load8_u", "i32.load16_s", "i32.load16_u", "i64.load8_s",
            "i64.load8_u", "i64.load16_s", "i64.load16_u", "i64.load32_s", "i64.load32_u",
            "v128.load", "v128.load8x8_s", "v128.load8x8_u", "v128.load16x4_s", "v128.load16x4_u",
            "v128.load32x2_s", "v128.load32x2_u", "v128.load8_splat", "v128.load16_splat",
            "v128.load32_splat", "v128.load64_splat", "v128.load32_zero", "v128.load64_zero")
TRACE_NAMES(trace_store, enum wj_store_op, "i32.store", "i64.store", "f32.store", "f64.store",
            "i32.store8", "i32.store16", "i64.store8", "i64.store16", "i64.store32", "v128.store")
TRACE_NAMES(trace_vunop, enum wj_vunop, "not", "abs", "neg", "popcnt", "extadd_pairwise_s",
            "extadd_pairwise_u", "extend_low_s", "extend_high_s", "extend_low_u", "extend_high_u",
            "ceil", "floor", "trunc", "nearest", "sqrt", "trunc_sat_s", "trunc_sat_u",
            "trunc_sat_s_zero", "trunc_sat_u_zero", "convert_s", "convert_u", "convert_low_s",
            "convert_low_u", "demote_zero", "promote_low", "relaxed_trunc_s", "relaxed_trunc_u",
            "relaxed_trunc_s_zero", "relaxed_trunc_u_zero")
TRACE_NAMES(trace_vbinop, enum wj_vbinop, "and", "andnot", "or", "xor", "add", "sub", "mul",
            "add_sat_s", "add_sat_u", "sub_sat_s", "sub_sat_u", "min_s", "min_u", "max_s", "max_u",
            "avgr_u", "narrow_s", "narrow_u", "dot", "q15mulr_sat_s", "extmul_low_s",
            "extmul_high_s", "extmul_low_u", "extmul_high_u", "swizzle", "div", "min", "max",
            "pmin", "pmax", "eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s",
            "ge_u", "relaxed_swizzle", "relaxed_min", "relaxed_max", "relaxed_q15mulr_s",
            "relaxed_dot")
TRACE_NAMES(trace_vternop, enum wj_vternop, "bitselect", "relaxed_madd", "relaxed_nmadd",
            "relaxed_laneselect", "relaxed_dot_add")
TRACE_NAMES(trace_vtest, enum wj_vtest, "any_true", "all_true", "bitmask")
TRACE_NAMES(trace_vshift, enum wj_vshift, "shl", "shr_s", "shr_u")
TRACE_NAMES(trace_rmw, enum wj_rmw, "add", "sub", "and", "or", "xor", "xchg", "cmpxchg")
TRACE_NAMES(trace_trap, enum wj_trap_kind, "none", "unreachable", "memory out of bounds",
            "table out of bounds", "undefined element", "uninitialized element",
            "indirect call mismatch", "integer overflow", "integer divide by zero",
            "invalid conversion", "null reference", "unaligned atomic", "call stack exhausted",
            "unshared wait", "interrupted", "host", "out of memory")
#undef TRACE_NAMES

// Every name has its place: the last of each enumeration is the last of its list.
_Static_assert(COND_F_NGE == 15 && IBIN_REM_U == 14 && IUN_EXTEND32_S == 5, "names");
_Static_assert(FBIN_COPYSIGN == 6 && FUN_SQRT == 6 && CVT_I64_TRUNC_SAT_F64_U == 32, "names");
_Static_assert(LOAD_V128_64_ZERO == 26 && STORE_V128 == 9, "names");
_Static_assert(VUN_RELAXED_TRUNC_U_ZERO == 28 && VBIN_RELAXED_DOT == 44, "names");
_Static_assert(VTERN_RELAXED_DOT_ADD == 4 && RMW_CMPXCHG == 6, "names");
_Static_assert(WJ_TRAP_OUT_OF_MEMORY == 16, "names");

#endif
