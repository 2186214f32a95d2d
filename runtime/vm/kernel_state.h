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

enum wj_kernel_gpu_state { WJ_KERNEL_GPU_UNTRIED, WJ_KERNEL_GPU_READY, WJ_KERNEL_GPU_REFUSED };

// A kernel function, or a dispatch function. Kept until the engine goes, for the report.
struct wj_kernel {
    struct wj_kernel_report report;
    struct wj_kernel_facts facts;
    char why_alone[240]; // "" when its items may run in parallel
    size_t why_alone_offset;
    enum wj_kernel_gpu_state gpu_state;
    struct wj_gpu_kernel *gpu;
    bool has_loops;
    bool counts_fuel;
    struct wj_kernel *next;         // of the engine
    struct wj_kernel *next_in_plan; // of the module
};

struct wj_gpu_memory_entry {
    const struct wj_memory *memory;
    uint8_t *base;
    uint64_t size_bytes;
    struct wj_gpu_memory *gpu;
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
    struct wj_gpu_info info;
    struct wj_gpu_memory_entry *memories;
};

struct wj_kernel_plan {
    const struct wj_module *module;
    uint32_t dispatch_func; // replaced
    uint64_t *replaced;     // [func_count / 64 + 1]
    bool stack_is_first;    // the shadow stack lies below all data
    struct wj_kernel *dispatcher;
    struct wj_kernel *kernels; // by next_in_plan
};

// A dispatch, as it was called.
struct wj_dispatch {
    struct wj_kernels *kernels;
    struct wj_kernel_plan *plan;
    struct wj_kernel *kernel;
    struct wj_instance *instance;
    struct wj_lane *lane;
    struct wj_funcref *func;
    uint32_t nx, ny, nz;
    uint32_t args;
};

// The record of a kernel function, scanned when it is first met. NULL: out of memory.
struct wj_kernel *wj_kernel_find(struct wj_kernels *kernels, struct wj_kernel_plan *plan,
                                 uint32_t func_index);

// Runs all items on the CPU, in parallel. False: the items must run in the portable order instead.
bool wj_kernel_run_cpu(const struct wj_dispatch *dispatch, struct wj_trap **trap);

// Runs all items on the device. False: they have to run on the CPU, on untouched memory.
bool wj_kernel_run_gpu(const struct wj_dispatch *dispatch, struct wj_trap **trap);

bool wj_kernel_gpu_open(struct wj_kernels *kernels, struct wj_err *err);
void wj_kernel_gpu_close(struct wj_kernels *kernels);

#endif
