// The proposals that opcode rows and decoding rules belong to, as bits of a mask.
#ifndef WASM_FEATURES_H
#define WASM_FEATURES_H

#include <stdint.h>

enum wj_feature {
    WJ_FEATURE_MVP = 1u << 0, // with mutable globals, sign extension, saturating conversion,
                              // multi-value and bulk memory
    WJ_FEATURE_SIMD = 1u << 1,
    WJ_FEATURE_RELAXED_SIMD = 1u << 2,
    WJ_FEATURE_TYPED_REFS = 1u << 3,
    WJ_FEATURE_TAIL_CALLS = 1u << 4,
    WJ_FEATURE_EXTENDED_CONST = 1u << 5,
    WJ_FEATURE_MULTI_MEMORY = 1u << 6,
    WJ_FEATURE_MEMORY64 = 1u << 7,
    WJ_FEATURE_THREADS = 1u << 8,
    WJ_FEATURE_CUSTOM_PAGE_SIZES = 1u << 9,
    WJ_FEATURE_WIDE_ARITHMETIC = 1u << 10,
    WJ_FEATURE_EXCEPTIONS = 1u << 11,
    WJ_FEATURE_GC = 1u << 12,
    WJ_FEATURE_REFERENCE_TYPES = 1u << 13, // references as values, several tables
    WJ_FEATURE_BRANCH_HINTS = 1u << 14,    // their section is checked: a wrong one is an error
};

#endif
