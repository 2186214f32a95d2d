// Kernels: the dispatch functions of wjit/gpu.h, recognised in a module and replaced by the
// runtime's own, which run the items on all cores or on a GPU.
#ifndef RUNTIME_VM_KERNEL_H
#define RUNTIME_VM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/vm/engine.h"
#include "runtime/vm/gpu.h"
#include "runtime/vm/instance.h"
#include "wasm/module.h"

struct wj_kernels;     // of an engine: GPU, threads
struct wj_kernel_plan; // of a module: what was recognised, and the kernels met so far

bool wj_kernels_new(struct wj_engine *engine, struct wj_kernels **out, struct wj_err *err);
void wj_kernels_free(struct wj_kernels *kernels);
// The open device; false when there is none.
bool wj_kernels_device(const struct wj_kernels *kernels, struct wj_gpu_info *info);

// Whether making the plan looks at function bodies.
bool wj_kernel_plan_reads_bodies(const struct wj_engine *engine, const struct wj_module *module);
// *out is NULL for a module without dispatch functions.
bool wj_kernel_plan_new(struct wj_engine *engine, const struct wj_module *module,
                        struct wj_kernel_plan **out, struct wj_err *err);
void wj_kernel_plan_free(struct wj_engine *engine, struct wj_kernel_plan *plan);
// A bit per function whose calls go through instance->funcrefs; NULL for none.
const uint64_t *wj_kernel_plan_replaced(const struct wj_kernel_plan *plan);
// Puts the runtime's functions into a new instance.
bool wj_kernel_bind(struct wj_instance *instance, struct wj_err *err);

// The memory is about to go: no device may know it any more.
void wj_kernels_forget(struct wj_kernels *kernels, const struct wj_memory *memory);

// What became of a kernel, or why a dispatch function was not recognised.
struct wj_kernel_report {
    char name[128];
    uint32_t func_index;
    bool is_dispatcher;
    bool is_unused;   // a dispatch function that nothing called
    bool on_gpu;      // its last dispatch
    bool is_parallel; // on the CPU
    char reason[240];
    size_t reason_offset;
    uint32_t lanes; // items that its code for the CPU does at a time; 0: no such code was asked for
    char why_single[240]; // why they run one at a time
    size_t why_single_offset;
    uint64_t dispatches;
    uint64_t gpu_dispatches;
    uint64_t checked;        // dispatches that were compared in every order
    uint64_t verified;       // items, or groups, that were computed by the CPU too
    char why_unchecked[240]; // why the last one could not be
    uint64_t gpu_ns;
    uint64_t cpu_ns;
};

// Every kernel of every module of the engine so far, those of freed modules too.
void wj_kernels_visit(struct wj_kernels *kernels,
                      void (*visit)(void *env, const struct wj_kernel_report *report), void *env);

#endif
