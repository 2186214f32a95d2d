// The port to what turns a kernel function into one for several items at a time.
#ifndef RUNTIME_VM_LANES_H
#define RUNTIME_VM_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wasm/module.h"

// Items of one call.
#define WJ_LANES 8u

// Several items at a time where that pays, never, or wherever it can be done.
enum wj_lanes_mode { WJ_LANES_AUTO, WJ_LANES_OFF, WJ_LANES_ALL };

// How the kernel is called. In a parallel_for the first parameter differs from item to item, by 1;
// in groups the fourth does, and the seventh by the distance of what items own.
struct wj_lanes_shape {
    bool is_group;
    uint32_t own_stride_bytes;
    bool must_pay; // refuse where it is not expected to be faster
};

// Where code of the original function has gone.
struct wj_lanes_place {
    uint32_t at;          // offset in the new body
    uint32_t wasm_offset; // of the operation, in the module
};

// A function body of the kernel's own type. It does the work of WJ_LANES items: the parameters are
// those of the first, whose x or item number is a multiple of WJ_LANES. malloc'ed.
struct wj_lanes_code {
    uint8_t *body; // local declarations, then instructions
    uint32_t body_bytes;
    uint32_t local_count; // parameters included
    struct wj_lanes_place *places;
    uint32_t place_count; // ascending
};

// The operation of the module that an offset in the body stands for.
static inline uint32_t wj_lanes_origin(const struct wj_lanes_code *code, uint32_t at)
{
    uint32_t low = 0, high = code->place_count;
    while (low < high) { // the last place that is not behind
        uint32_t middle = (low + high) / 2;
        if (code->places[middle].at <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? 0 : code->places[low - 1].wasm_offset;
}

// The module has been validated. False: `reason` says why items run one at a time.
typedef bool wj_lanes_fn(const struct wj_module *module, uint32_t func_index,
                         const struct wj_lanes_shape *shape, struct wj_lanes_code *code,
                         struct wj_err *reason);

#endif
