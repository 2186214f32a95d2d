// The engine: settings, canonical types, the code that all modules share (stubs, entries into wasm
// by type, entries of host functions by type), the lists that other threads may walk, figures.
#ifndef RUNTIME_VM_ENGINE_H
#define RUNTIME_VM_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/vm/backend.h"
#include "runtime/vm/gpu.h"
#include "runtime/vm/lanes.h"
#include "runtime/vm/region.h"
#include "runtime/vm/wait.h"
#include "wasm/types.h"

enum wj_compile_mode { WJ_COMPILE_LAZY, WJ_COMPILE_EAGER, WJ_COMPILE_PARALLEL };

struct wj_settings {
    uint32_t features; // enum wj_feature bits
    bool is_deterministic;
    bool explicit_bounds;
    bool runs_kernels; // recognises dispatch functions
    bool checks_kernels;
    enum wj_lanes_mode lanes_mode;
    double gpu_verify_rate; // 0: no items are computed twice
    bool uses_gpu;
    char gpu_device[256];     // "" for the best
    char gpu_command[4096];   // of the process that does the GPU work; "": this one
    unsigned gpu_memory_mode; // as the driver numbers them: 0 lets it choose
    enum wj_compile_mode compile_mode;
    uint64_t memory_bytes_max; // of one memory; UINT64_MAX without a limit
    size_t stack_bytes;
    uint32_t threads; // at least 1
    // NULL: no cache. "": the user's folder, which need not be there. Lent until the engine is
    // made.
    const char *cache_folder;
    size_t cache_module_bytes_min; // smaller modules are compiled each time
};

// What is plugged into the runtime. The gpu half may be absent.
struct wj_ports {
    const struct wj_backend *backend;
    wj_lanes_fn *lanes; // NULL: items run one at a time
    const struct wj_gpu_driver *gpu_driver;
    wj_gpu_translate_fn *gpu_translate;
    // Chooses a device by the user's words; "" for the best one that is no software.
    bool (*gpu_select)(const struct wj_gpu_driver *driver, const struct wj_gpu *gpu,
                       const char *selector, uint32_t *index, struct wj_err *err);
    bool (*gpu_set_up)(struct wj_gpu *gpu, const struct wj_gpu_setup *setup, struct wj_err *err);
    // The same driver in a process of its own, which the command starts.
    const struct wj_gpu_driver *gpu_remote_driver;
    bool (*gpu_remote_load)(const char *command, const struct wj_gpu_setup *setup,
                            struct wj_gpu **gpu, struct wj_err *err);
};

// Machine code by canonical type id.
struct wj_type_code {
    uint32_t type_id;
    uint64_t address; // 0: free slot
};

struct wj_type_code_map {
    struct wj_type_code *slots; // open addressing, a power of two
    uint32_t capacity;
    uint32_t count;
};

// Sums for --stats; times in nanoseconds.
struct wj_engine_stats {
    _Atomic uint64_t validate_ns;
    _Atomic uint64_t compile_ns;
    _Atomic uint64_t instantiate_ns;
    _Atomic uint64_t wasm_bytes;
    _Atomic uint64_t code_bytes;
    _Atomic uint64_t funcs_compiled;
    _Atomic uint64_t cache_hits;
    _Atomic uint64_t cache_misses;
    _Atomic uint64_t dispatches;
    _Atomic uint64_t gpu_ns;
    _Atomic uint64_t pipeline_ns;
};

// Stacks of stores that are no more, cleared: with one of them a store is made and freed without
// system calls and page faults for its stack. No lock: a child forked meanwhile would find it
// taken.
#define WJ_STACKS_KEPT 8u
struct wj_stacks {
    uint8_t *_Atomic mappings[WJ_STACKS_KEPT]; // or NULL
    _Atomic size_t mapping_bytes;              // of each: the engine's size
};

struct wj_cache;
struct wj_pool;
struct wj_kernels;

struct wj_engine {
    _Atomic uint32_t references;
    struct wj_settings settings;
    struct wj_ports ports;
    struct wj_types *types;
    struct wj_region region;           // stubs and entries
    struct wj_region_registry regions; // this one and those of all modules
    void *stubs[WJ_STUB_COUNT];
    // The largest frame of the code that there is so far, and whether its tail calls may keep
    // things far below the stack pointer.
    _Atomic uint32_t frame_bytes_max;
    _Atomic bool has_tail_room;
    pthread_mutex_t lock; // of the rest
    struct wj_code_chunk *chunk;
    struct wj_type_code_map enters;
    struct wj_type_code_map host_entries;
    struct wj_stacks stacks;
    struct wj_waits waits;
    struct wj_bulk_spare spare; // memory of modules that were
    struct wj_engine_stats stats;
    struct wj_kernels *kernels; // GPU, thread pool, what was dispatched
    struct wj_cache *cache;     // or NULL
    bool opens_cache;           // the user's, when the first module asks for it
};

bool wj_engine_new(const struct wj_settings *settings, const struct wj_ports *ports,
                   struct wj_engine **out, struct wj_err *err);
struct wj_engine *wj_engine_retain(struct wj_engine *engine);
void wj_engine_release(struct wj_engine *engine);

// The enter function of a type, and the entry that host functions of a type have in the wasm
// convention; made when first asked for. From any thread.
bool wj_engine_enter_code(struct wj_engine *engine, const struct wj_type *type, uint64_t *address,
                          struct wj_err *err);
bool wj_engine_host_entry(struct wj_engine *engine, const struct wj_type *type, uint64_t *address,
                          struct wj_err *err);

// There is code now with frames of that size.
static inline void wj_engine_note_frame(struct wj_engine *engine, uint32_t frame_bytes)
{
    uint32_t most = atomic_load_explicit(&engine->frame_bytes_max, memory_order_relaxed);
    while (most < frame_bytes &&
           !atomic_compare_exchange_weak(&engine->frame_bytes_max, &most, frame_bytes)) {
    }
}

// The cache for a module of this size, or NULL. From any thread.
struct wj_cache *wj_engine_cache(struct wj_engine *engine, size_t module_bytes);

// Monotonic time in nanoseconds.
uint64_t wj_now_ns(void);

#endif
