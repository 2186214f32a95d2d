// What the runtime learns of functions by walking them: which function a dispatch export stands
// for, and whether a kernel's items may run at the same time.
#ifndef RUNTIME_VM_KERNEL_SCAN_H
#define RUNTIME_VM_KERNEL_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wasm/module.h"

// The global that compilers keep the shadow stack's pointer in.
#define WJ_STACK_POINTER_GLOBAL 0u
// What leaf functions may use below the pointer without moving it: LLVM's red zone.
#define WJ_STACK_RED_ZONE_BYTES 128u

// Whether addresses are 64 bits: those of memory 0, which pointers are.
bool wj_kernel_is_64(const struct wj_module *module);
// A function without results whose parameters are words (i32), then pointers.
bool wj_kernel_takes(const struct wj_functype *type, uint32_t words, uint32_t pointers, bool is_64);
// A kernel of a parallel_for, or of groups.
bool wj_kernel_is_kernel(const struct wj_functype *type, bool is_group, bool is_64);

// The function behind a dispatch export: the export itself, or the only call in it that gets
// exactly its parameters in order (linkers wrap the exports of commands). `moves_stack`: it has a
// frame on the shadow stack.
bool wj_kernel_scan_inner(const struct wj_module *module, uint32_t func_index, uint32_t *inner,
                          bool *moves_stack, struct wj_err *err);

// How the whole module treats that global; walks every function. `has_frames`: some function moves
// it down by a frame. `is_other`: it is written in a way that no stack pointer is.
bool wj_kernel_scan_stack(const struct wj_module *module, bool *has_frames, bool *is_other,
                          struct wj_err *err);

// Who uses a dispatch function.
struct wj_kernel_uses {
    uint32_t call_count; // direct calls, but for that of the export's wrapper
    bool is_inlined;     // no calls, and another function calls kernels of its type
    size_t inlined_at;   // byte offset of that call
    uint32_t inlined_func;
};

// Walks every function but `inner`, the dispatch function, and the wrapper.
bool wj_kernel_scan_uses(const struct wj_module *module, uint32_t inner, uint32_t wrapper,
                         bool is_group, struct wj_kernel_uses *uses, struct wj_err *err);

struct wj_kernel_facts {
    bool is_pure;           // nothing but memory changes: items may run in any order, and again
    bool is_parallel;       // and on several threads
    bool uses_stack;        // the shadow stack
    uint64_t called_tables; // a bit for each table that it calls through; from 63 on they share one
    bool uses_atomics;      // what an item finds may depend on the others
    uint32_t stack_bytes;   // at most, of one item
    // The same where functions that do what kernels may not are never called through a table.
    bool is_for_device;
    uint32_t device_stack_bytes;
};

static inline uint64_t wj_kernel_table_bit(uint32_t table)
{
    return 1ull << (table < 63 ? table : 63);
}

// Walks the kernel and all that it calls. When it is not parallel, `reason` says why. False: out
// of memory.
bool wj_kernel_scan(const struct wj_module *module, uint32_t func_index,
                    const uint64_t *replaced_funcs, struct wj_kernel_facts *facts,
                    struct wj_err *reason);

// Whether the function by itself, whatever it calls, does what a kernel may; else `reason` says
// what it does.
bool wj_kernel_scan_func(const struct wj_module *module, uint32_t func_index,
                         struct wj_err *reason);

#endif
