// What the files of kernel dispatch share.
#ifndef RUNTIME_VM_KERNEL_STATE_H
#define RUNTIME_VM_KERNEL_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/vm/kernel.h"
#include "runtime/vm/kernel_scan.h"
#include "runtime/vm/pool.h"
#include "runtime/vm/trap.h"

enum wj_kernel_gpu_state { WJ_KERNEL_GPU_READY, WJ_KERNEL_GPU_REFUSED };

// A kernel on the device, for groups of one shape.
struct wj_kernel_shader {
    struct wj_gpu_shape shape;
    struct wj_gpu_kernel *gpu;
    bool has_loops;
    bool leaves_to_host;
    uint32_t memory_count, memories[WJ_GPU_MEMORIES_MAX]; // of the module
    struct wj_kernel_shader *next;
};

// A kernel's code for WJ_LANES items at a time.
struct wj_kernel_lanes {
    bool explicit_bounds;
    uint32_t own_stride_bytes;
    uint64_t code; // 0: it has none
    struct wj_kernel_lanes *next;
};

// A kernel function, or a dispatch function. Kept until the engine goes, for the report.
struct wj_kernel {
    struct wj_kernel_report report;
    struct wj_kernel_facts facts;
    char why_alone[240]; // "" when its items may run in parallel
    size_t why_alone_offset;
    enum wj_kernel_gpu_state gpu_state;
    uint32_t left_count;              // dispatches that the device began in vain
    struct wj_kernel_shader *shaders; // newest first
    uint32_t shader_count;
    struct wj_kernel_lanes *lanes; // of the plan's module, newest first
    uint32_t lanes_count;
    // Of dispatch functions: the module while it lives, and the export.
    const struct wj_module *module;
    uint32_t wrapper;
    struct wj_kernel *next;         // of the engine
    struct wj_kernel *next_in_plan; // of the module
};

struct wj_gpu_memory_entry {
    const struct wj_memory *memory;
    uint8_t *base;
    uint64_t size_bytes;
    struct wj_gpu_memory *gpu;
    uint8_t *copy; // for dispatches that may have to be undone
    uint64_t copy_bytes;
    uint64_t copy_used_bytes; // what may have been written
    struct wj_gpu_memory_entry *next;
};

struct wj_kernels {
    struct wj_engine *engine;
    pthread_mutex_t lock;      // of all lists and reports
    struct wj_kernel *records; // newest first
    struct wj_pool *pool;
    pthread_mutex_t gpu_lock; // of the device: one call at a time
    struct wj_gpu *gpu;
    struct wj_gpu_device *device; // NULL: none
    uint32_t process;             // that opened it: wj_process()
    struct wj_gpu_info info;
    struct wj_gpu_memory_entry *memories;
    _Atomic uint64_t random; // what samples are drawn from
};

enum wj_dispatch_kind { WJ_DISPATCH_FOR, WJ_DISPATCH_GROUPS, WJ_DISPATCH_COUNT };

// A dispatch function of a module.
struct wj_dispatcher {
    uint32_t func_index;      // replaced
    struct wj_kernel *record; // NULL: the module has none of this kind
    bool moves_stack;         // its own body has a frame on the shadow stack
};

struct wj_kernel_plan {
    const struct wj_module *module;
    struct wj_dispatcher dispatchers[WJ_DISPATCH_COUNT];
    uint64_t *replaced; // [func_count / 64 + 1]
    // Below this the shadow stack has all of memory to itself; 0: that is not known.
    uint32_t stack_top;
    bool is_stack_checked;
    bool has_stack; // global 0 is a stack's pointer, wherever that lies; known once it is checked
    struct wj_kernel *kernels; // by next_in_plan
};

// A dispatch, as it was called.
struct wj_dispatch {
    struct wj_kernels *kernels;
    struct wj_kernel_plan *plan;
    const struct wj_dispatcher *dispatcher;
    struct wj_kernel *kernel;
    struct wj_instance *instance;
    struct wj_lane *lane;
    struct wj_funcref *func;
    struct wj_gpu_shape shape;
    uint32_t nx, ny, nz; // items, or groups
    uint32_t phases;
    uint64_t args;
};

// Fills in why no dispatch came through a dispatch function.
void wj_kernel_explain_idle(const struct wj_kernel *dispatcher, struct wj_kernel_report *report);
// The record of a kernel function, scanned when it is first met. `has_scratch`: it works in groups,
// whose memory lies on the shadow stack. NULL: out of memory.
struct wj_kernel *wj_kernel_find(struct wj_kernels *kernels, struct wj_kernel_plan *plan,
                                 uint32_t func_index, bool has_scratch);

// Bytes from one item's own memory to the next's, as in the portable body.
static inline uint32_t wj_kernel_own_stride(const struct wj_gpu_shape *shape)
{
    return (shape->own_bytes + 15u) & ~15u;
}

// Runs all items on the CPU, in parallel. False: the items must run in the portable order instead.
bool wj_kernel_run_cpu(const struct wj_dispatch *dispatch, struct wj_trap **trap);

// The code for several items at a time, made when it is first asked for; NULL: items run one at a
// time.
void *wj_kernel_lanes_code(const struct wj_dispatch *dispatch);
void wj_kernel_lanes_free(struct wj_kernel *kernel);

// One thread, one item after the other; groups, and the items of each phase. In lanes: in the
// portable order, as many at a time as the kernel's code for that does.
enum wj_kernel_order { WJ_ORDER_PORTABLE, WJ_ORDER_REVERSED, WJ_ORDER_SHUFFLED, WJ_ORDER_LANES };
// Of a pure kernel. False: the shadow stack has no room for it, or it has no code for lanes.
bool wj_kernel_run_ordered(const struct wj_dispatch *dispatch, enum wj_kernel_order order,
                           struct wj_trap **trap);
// The part of memory 0 that holds nothing once the dispatch is over: [*first, *end) below the
// dispatching frame, empty for a kernel without a stack.
void wj_kernel_dead_stack(const struct wj_dispatch *dispatch, uint64_t *first, uint64_t *end);

// Runs a dispatch in all orders and on the device, compares the bytes, and leaves those of the
// portable order. A difference is a trap. False: this dispatch cannot be checked; nothing has run.
bool wj_kernel_check(const struct wj_dispatch *dispatch, bool *on_gpu, struct wj_trap **trap);

// A copy of the dispatching instance for another thread or for other memories, whose tables, where
// the kernel calls through them, hold functions of the copy. Ends with free. NULL: out of memory.
struct wj_instance *wj_kernel_instance_copy(const struct wj_dispatch *dispatch);

// Runs these items, or groups, of a pure kernel on private views of all memories. False: the shadow
// stack has no room for it.
bool wj_kernel_run_numbers(const struct wj_dispatch *dispatch, struct wj_memory *const *views,
                           const uint64_t *numbers, uint64_t count, struct wj_trap **trap);

// A sample of a dispatch, computed before the device does it all. NULL: it cannot be had, or *stop
// is the interruption that came.
struct wj_kernel_sample;
struct wj_kernel_sample *wj_kernel_sample_run(const struct wj_dispatch *dispatch,
                                              struct wj_trap **stop);
// After the device has run; NULL or the trap that says what differs.
struct wj_trap *wj_kernel_sample_compare(const struct wj_kernel_sample *sample,
                                         const struct wj_dispatch *dispatch, bool has_trapped);
void wj_kernel_sample_free(struct wj_kernel_sample *sample);

// Whether the device would take the kernel, for groups of this shape.
bool wj_kernel_gpu_takes(const struct wj_dispatch *dispatch);
// Runs all items on the device. False: they have to run on the CPU, on untouched memory.
bool wj_kernel_run_gpu(const struct wj_dispatch *dispatch, struct wj_trap **trap);

// Copies the pages that differ: those that nobody has touched stay without memory. The last
// `fresh_bytes` of `to` were never written.
void wj_kernel_copy_pages(uint8_t *to, const uint8_t *from, uint64_t size_bytes,
                          uint64_t fresh_bytes);
// By their index in the module.
struct wj_memory *const *wj_kernel_memories(const struct wj_instance *instance);
void wj_kernel_gpu_free(struct wj_engine *engine, struct wj_kernel *kernel);
// The shadow stack's pointer, of an instance whose module has one.
uint64_t wj_kernel_stack_pointer(const struct wj_instance *instance);

bool wj_kernel_gpu_open(struct wj_kernels *kernels, struct wj_err *err);
void wj_kernel_gpu_close(struct wj_kernels *kernels);

#endif
