// The operations that the self-test judges: how each is lowered, and what its result must be.
#ifndef VK_SELFTEST_H
#define VK_SELFTEST_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/vm/gpu.h"
#include "vk/asm.h"

// A result and how it is compared: bit by bit, or with any quiet NaN for a NaN.
enum wj_vk_result { RESULT_BITS32, RESULT_F32, RESULT_BITS64, RESULT_F64 };

// Which lowering a check is of. The translator takes the native one where it is right, else the
// repaired one where there is one.
enum wj_vk_lowering { LOWERING_NATIVE, LOWERING_REPAIRED };

struct wj_vk_check {
    const char *name;
    size_t verdict; // offset in struct wj_gpu_caps
    enum wj_vk_lowering lowering;
    enum wj_vk_result result;
    bool has_lanes; // it is made on vectors too, which must give each lane the same
    // Emits the operation on two operands, and its result, as integers of the group's width.
    uint32_t (*emit)(struct wj_vk_asm *a, uint32_t x, uint32_t y);
    uint64_t (*expect)(uint64_t x, uint64_t y);
};

// Checks that are made by one kernel.
struct wj_vk_group {
    const struct wj_vk_check *checks;
    size_t check_count;
    unsigned bits; // 32 or 64, of the operands
    bool has_float64;
};

extern const struct wj_vk_group wj_vk_group_32;
extern const struct wj_vk_group wj_vk_group_i64;
extern const struct wj_vk_group wj_vk_group_f64;

// Of integers, all that shaders have.
enum { WJ_VK_COMPARES = 10 };
extern const SpvOp wj_vk_compares[WJ_VK_COMPARES];

#define WJ_VK_VERDICT(field) offsetof(struct wj_gpu_caps, field)

#endif
