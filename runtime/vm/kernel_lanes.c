// A kernel's code for several items at a time: asked of the port once, and kept with the kernel.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/vm/code.h"
#include "runtime/vm/kernel_state.h"

// Bodies of one kernel, one for each distance of what items of its groups own.
#define BODIES_MAX 8u
// To make a body takes as long as many items do: half a millisecond. Dispatches of fewer come often
// before they are worth it.
#define ITEMS_MIN 1024u
#define DISPATCHES_MIN 16u
// In a larger memory an address near its end could be in bounds for the first of several items and
// wrap around for the next.
#define MEMORY_BYTES_MAX ((1ull << 32) - 65536u)

static struct wj_lanes_shape shape_of(const struct wj_dispatch *dispatch)
{
    bool is_group = dispatch->shape.items != 0;
    return (struct wj_lanes_shape){
        .is_group = is_group,
        .own_stride_bytes = is_group ? wj_kernel_own_stride(&dispatch->shape) : 0,
        .must_pay = dispatch->kernels->engine->settings.lanes_mode == WJ_LANES_AUTO,
    };
}

// With the lock held.
static const struct wj_kernel_lanes *find(const struct wj_dispatch *dispatch,
                                          const struct wj_lanes_shape *shape)
{
    bool is_explicit = dispatch->instance->code->settings.explicit_bounds;
    struct wj_kernel_lanes *lanes = dispatch->kernel->lanes;
    while (lanes != NULL && (lanes->explicit_bounds != is_explicit ||
                             lanes->own_stride_bytes != shape->own_stride_bytes)) {
        lanes = lanes->next;
    }
    return lanes;
}

// The code's address, or 0 and the reason.
static uint64_t make(const struct wj_dispatch *dispatch, const struct wj_lanes_shape *shape,
                     struct wj_err *reason)
{
    struct wj_lanes_code body;
    uint64_t address = 0;
    uint32_t func_index = dispatch->func->func_index;
    if (!wj_image_prepare(dispatch->instance->image, func_index, reason) ||
        !dispatch->kernels->engine->ports.lanes(dispatch->plan->module, func_index, shape, &body,
                                                reason)) {
        return 0;
    }
    wj_code_compile_lanes(dispatch->instance->code, func_index, &body, &address, reason);
    free(body.body);
    free(body.places);
    return address;
}

// With the lock held: what the report says.
static void report(struct wj_kernel *kernel, uint64_t code, const struct wj_err *reason)
{
    kernel->report.lanes = code != 0 ? WJ_LANES : 0;
    snprintf(kernel->report.why_single, sizeof kernel->report.why_single, "%s", reason->message);
    kernel->report.why_single_offset = reason->offset;
}

static bool is_worth_it(const struct wj_dispatch *dispatch)
{
    uint64_t items = dispatch->shape.items != 0 ? dispatch->shape.items : 1;
    const struct wj_settings *settings = &dispatch->kernels->engine->settings;
    return settings->lanes_mode == WJ_LANES_ALL || settings->checks_kernels ||
           items * dispatch->nx * dispatch->ny >= ITEMS_MIN || dispatch->nz >= ITEMS_MIN ||
           dispatch->kernel->report.dispatches >= DISPATCHES_MIN;
}

static uint64_t find_or_make(const struct wj_dispatch *dispatch)
{
    struct wj_kernel *kernel = dispatch->kernel;
    struct wj_lanes_shape shape = shape_of(dispatch);
    const struct wj_kernel_lanes *found = find(dispatch, &shape);
    if (found != NULL || !is_worth_it(dispatch)) {
        return found != NULL ? found->code : 0;
    }
    struct wj_kernel_lanes *lanes = calloc(1, sizeof *lanes);
    if (lanes == NULL || kernel->lanes_count == BODIES_MAX) {
        free(lanes);
        return 0;
    }
    struct wj_err reason;
    wj_err_clear(&reason);
    *lanes = (struct wj_kernel_lanes){
        .explicit_bounds = dispatch->instance->code->settings.explicit_bounds,
        .own_stride_bytes = shape.own_stride_bytes,
        .code = make(dispatch, &shape, &reason),
        .next = kernel->lanes,
    };
    kernel->lanes = lanes;
    kernel->lanes_count++;
    report(kernel, lanes->code, &reason);
    return lanes->code;
}

void *wj_kernel_lanes_code(const struct wj_dispatch *dispatch)
{
    struct wj_kernels *kernels = dispatch->kernels;
    const struct wj_memory *memory = dispatch->instance->memory0;
    if (kernels->engine->settings.lanes_mode == WJ_LANES_OFF ||
        kernels->engine->ports.lanes == NULL || memory == NULL ||
        atomic_load(&memory->size_bytes) > MEMORY_BYTES_MAX) {
        return NULL;
    }
    pthread_mutex_lock(&kernels->lock);
    uint64_t code = find_or_make(dispatch);
    pthread_mutex_unlock(&kernels->lock);
    return (void *) (uintptr_t) code;
}

void wj_kernel_lanes_free(struct wj_kernel *kernel)
{
    struct wj_kernel_lanes *next;
    for (struct wj_kernel_lanes *lanes = kernel->lanes; lanes != NULL; lanes = next) {
        next = lanes->next;
        free(lanes);
    }
    kernel->lanes = NULL;
}
