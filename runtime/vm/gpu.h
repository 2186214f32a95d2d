// The port to a GPU: devices, kernels in SPIR-V, dispatch on linear memory. The runtime calls it;
// vk/ implements it. It says nothing that ties the implementation to this process: memories are
// ranges that the implementation imports or mirrors, kernels are words.
#ifndef RUNTIME_VM_GPU_H
#define RUNTIME_VM_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/trap.h"

struct wj_gpu;        // the loaded driver interface
struct wj_gpu_device; // an open device
struct wj_gpu_memory; // a linear memory known to a device
struct wj_gpu_kernel; // a pipeline

enum wj_gpu_kind {
    WJ_GPU_DISCRETE,
    WJ_GPU_INTEGRATED,
    WJ_GPU_VIRTUAL,
    WJ_GPU_SOFTWARE,
    WJ_GPU_OTHER
};

// What the self-test at device open found of one operation.
enum wj_gpu_verdict {
    WJ_GPU_NATIVE,   // the plain lowering gives the specification's bits
    WJ_GPU_REPAIRED, // only the repaired lowering does
    WJ_GPU_REFUSED,  // neither: kernels that use it stay on the CPU
};

// Operations that drivers are known to get wrong, each judged by the self-test.
#define WJ_GPU_QUIRKS(X)                                                                \
    X(f32_arith) /* add, sub, mul with denormals and NaN */                             \
    X(f32_div)                                                                          \
    X(f32_sqrt)                                                                         \
    X(f32_round) /* ceil, floor, trunc, nearest */                                      \
    X(f32_compare)                                                                      \
    X(f32_min_max)                                                                      \
    X(f32_from_i32)                                                                     \
    X(f32_from_u32)                                                                     \
    X(i32_from_f32)                                                                     \
    X(i32_arith) /* sums, products, logic, comparisons, fields of a word */             \
    X(i32_div)                                                                          \
    X(i32_shift)                                                                        \
    X(i32_bits)     /* clz, ctz, popcnt */                                              \
    X(loop_values)  /* loaded in a loop, used behind it, by items that left it early */ \
    X(i32_wide)     /* carries, products of two words */                                \
    X(memory_order) /* acquire and release, by items that leave a loop one by one */    \
    X(i64) X(f64_arith) X(f64_div) X(f64_sqrt) X(f64_round) X(f64_compare) X(f64_convert)

#define WJ_GPU_MEMORIES_MAX 4u // as many descriptor sets as every device takes

struct wj_gpu_caps {
    bool has_int64, has_float64, has_storage8, has_storage16;
    bool has_atomic64;     // on memory
    bool has_addresses;    // of buffers, for memories that no binding takes
    uint32_t memories_max; // that one kernel reaches, WJ_GPU_MEMORIES_MAX at most
    uint32_t subgroup_size;
    uint64_t storage_range_max_bytes; // of one binding
    uint32_t workgroup_count_max[3];
    uint32_t workgroup_size_max;
    uint32_t shared_bytes_max;
    // The device silently ends loops when a group of invocations has made this many iterations in
    // all; 0: it does not.
    uint32_t loop_iterations_max;
    uint32_t loop_group_size; // invocations counted together
    // Of the engine, not the device: NaNs that arithmetic makes are the canonical one.
    bool wants_canonical_nans;
#define WJ_GPU_QUIRK_FIELD(name) enum wj_gpu_verdict name;
    WJ_GPU_QUIRKS(WJ_GPU_QUIRK_FIELD)
#undef WJ_GPU_QUIRK_FIELD
};

struct wj_gpu_info {
    uint32_t index;
    char name[256];
    char driver[256]; // name and version
    char pci[32];     // "pci:0000:01:00.0", or empty
    uint8_t device_uuid[16];
    uint8_t driver_uuid[16];
    enum wj_gpu_kind kind;
    bool can_import;  // host memory
    bool is_mirrored; // the mode that was picked
};

// How the driver is to work.
struct wj_gpu_setup {
    unsigned memory_mode;     // as the driver numbers them: 0 lets it choose
    const char *cache_folder; // for what takes time to find out or to make: "" for the user's;
                              // NULL: nothing is kept
};

// What a kernel has for itself, and the group of a group kernel; the first three are zero for the
// kernels of a parallel_for, which have no groups.
struct wj_gpu_shape {
    uint32_t items;        // at least 1
    uint32_t shared_bytes; // scratch memory of the group
    uint32_t own_bytes;    // and of each item
    uint32_t stack_bytes;  // of the shadow stack, at most, of each item; 0: it has none
    // Of all kernels: a bit for each memory of the module that is reached by its address, and not
    // by a binding.
    uint32_t far_memories;
};

// Whether a memory of that size is reached by its address.
static inline bool wj_gpu_needs_address(const struct wj_gpu_caps *caps, uint64_t size_bytes)
{
    return caps->has_addresses && size_bytes > caps->storage_range_max_bytes;
}

// An entry of a table that a call leaves to the CPU; `why` is the translator's answer.
struct wj_gpu_left {
    size_t call_at; // byte offset
    uint32_t entry;
    struct wj_err why;
};

// A kernel as the translator made it: a compute shader with one entry point "main" and this
// interface:
//   set 0, binding 0  memory 0, a block of uint words; further memories in binding 0 of sets 1, ...
//   set 0, binding 1  the trap record: struct wj_gpu_trap
//   push constants: struct wj_gpu_push
//   specialisation constant 0: the workgroup size along x (y and z are 1)
// Items are numbered i = ((group.y * group_count.x + group.x) * workgroup size + local) +
// push.first; item i is (x, y, z) = (i % nx, i / nx % ny, i / nx / ny); i >= push.item_end exits.
//
// A group kernel has a workgroup for each group: `shape.items` is the workgroup size, what the
// above says of items and (x, y, z) goes for groups, the invocation is the item in its group. The
// translator refuses shapes beyond the device's limits.
struct wj_gpu_code {
    const uint32_t *words;
    size_t word_count;
    struct wj_gpu_shape shape;
    bool has_loops;
    bool counts_fuel; // ends with WJ_TRAP_INTERRUPTED in the record when push.fuel runs out
    // May end with WJ_GPU_LEFT_TO_HOST in the record: the dispatch is void, and the memory's old
    // contents are to be had from a copy.
    bool leaves_to_host;
    struct wj_gpu_left *left; // what is asked of such a call; NULL: nothing
    // Of the module, in the order of their sets. The first is memory 0, used or not.
    uint32_t memory_count, memories[WJ_GPU_MEMORIES_MAX];
};

// In the place of a trap: an item came to a call of what the device cannot run, through the entry
// of a table that the record's address says.
#define WJ_GPU_LEFT_TO_HOST WJ_TRAP_HOST

struct wj_gpu_push {
    uint32_t nx, ny, nz;
    uint32_t args;             // of the kernel: the low word
    uint32_t first;            // number of the first item of this part
    uint32_t item_end;         // nx * ny * nz at most
    uint32_t memory_bytes_low; // size of linear memory in bytes: accesses end below it
    uint32_t memory_bytes_high;
    uint32_t fuel; // loop iterations an item may make
    // Where the item's own addresses begin: its stack, `own`, then the group's `shared`, each of
    // its size in the shape rounded up to 16 bytes. Accesses to these go to no memory. The item's
    // stack pointer is the end of its stack; what is above the window is everyone's.
    uint32_t window;
    uint32_t phases;
    uint32_t address_low, address_high; // of memory on the device, for shape.far_memories
    uint32_t args_high;                 // where memory has 64-bit addresses
    struct wj_gpu_place {
        uint32_t bytes_low, bytes_high, address_low, address_high;
    } more[WJ_GPU_MEMORIES_MAX - 1]; // the same of further memories
};

// Zeroed before a dispatch. The first invocation that traps fills it in.
struct wj_gpu_trap {
    uint32_t kind;        // enum wj_trap_kind, 0: none
    uint32_t wasm_offset; // of the operation that trapped
    uint32_t item;
    uint32_t address; // of the access
};

// A dispatch.
struct wj_gpu_work {
    uint32_t nx, ny, nz; // items, or groups
    uint32_t phases;     // of a group kernel
    uint64_t args;       // of the kernel
    uint32_t fuel;
    uint32_t window;
};

// Translates a kernel function for groups of this shape; `reason` says why not (message and byte
// offset). The words are malloc'ed, the caller frees them. Of *code only `left` is read.
typedef bool wj_gpu_translate_fn(const void *module, uint32_t func_index,
                                 const struct wj_gpu_shape *shape, const struct wj_gpu_caps *caps,
                                 struct wj_gpu_code *code, struct wj_err *reason);

// Functions of one implementation. All may be called from any thread, one call at a time a device.
struct wj_gpu_driver {
    // Loads the driver interface; false with a message when there is none.
    bool (*load)(struct wj_gpu **gpu, struct wj_err *err);
    void (*unload)(struct wj_gpu *gpu);
    uint32_t (*device_count)(const struct wj_gpu *gpu);
    void (*device_info)(const struct wj_gpu *gpu, uint32_t index, struct wj_gpu_info *info);

    // Opens a device and tests it.
    bool (*open)(struct wj_gpu *gpu, uint32_t index, struct wj_gpu_device **device,
                 struct wj_err *err);
    void (*close)(struct wj_gpu_device *device);
    const struct wj_gpu_caps *(*caps)(const struct wj_gpu_device *device);

    // Makes [base, base + size_bytes) known to the device; the range stays mapped until forget.
    // A memory that grew is resized. base and size are multiples of the page size.
    bool (*memory_add)(struct wj_gpu_device *device, void *base, uint64_t size_bytes,
                       struct wj_gpu_memory **memory, struct wj_err *err);
    // NULL, or in place of memory_add for an implementation in another process: the first
    // size_bytes of a file, which stays open until forget.
    bool (*memory_add_file)(struct wj_gpu_device *device, int file, uint64_t size_bytes,
                            struct wj_gpu_memory **memory, struct wj_err *err);
    bool (*memory_resize)(struct wj_gpu_memory *memory, uint64_t size_bytes, struct wj_err *err);
    void (*memory_forget)(struct wj_gpu_memory *memory);

    bool (*kernel_new)(struct wj_gpu_device *device, const struct wj_gpu_code *code,
                       struct wj_gpu_kernel **kernel, double *pipeline_ms, struct wj_err *err);
    void (*kernel_free)(struct wj_gpu_kernel *kernel);

    // Runs items, or groups, [0, nx * ny * nz) and waits. Splits what exceeds the device's limits.
    // On return the memory holds the kernel's stores. A trap is no error: it is in *trap. An error
    // means that nothing may be assumed of the memory's written parts; the device may be lost.
    // `memories`: those of the kernel's code, in its order; two may be the same.
    bool (*dispatch)(struct wj_gpu_kernel *kernel, struct wj_gpu_memory *const *memories,
                     const struct wj_gpu_work *work, struct wj_gpu_trap *trap, double *gpu_ms,
                     struct wj_err *err);
};

#endif
