// A module as the engine keeps it (struct wj_image), and its machine code: compiled function by
// function on the first call, or all at once.
#ifndef RUNTIME_VM_CODE_H
#define RUNTIME_VM_CODE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/vm/backend.h"
#include "runtime/vm/cwasm.h"
#include "runtime/vm/engine.h"
#include "runtime/vm/lanes.h"
#include "runtime/vm/region.h"
#include "wasm/module.h"

// Machine code per byte of wasm, up to which real modules go.
#define WJ_CODE_BYTES_USUAL 2u

// Code for one way to check bounds.
struct wj_code {
    struct wj_image *image;
    struct wj_engine *engine;
    const struct wj_backend *backend; // the engine's, but for code that is only written to a file
    struct wj_compile_settings settings;
    struct wj_instance_layout layout;
    pthread_mutex_t lock; // of whoever adds code
    struct wj_region *region;
    struct wj_code_chunk *chunk;        // that lazy compilation fills, or NULL
    struct wj_compile_scratch *scratch; // of lazy compilation, made on demand
    uint64_t *addresses;                // [func_count], 0: not compiled; written atomically
    bool skips_callees;                 // one of them failed to be compiled
    uint64_t jumps_address;             // wj_compile_request's, while all functions are compiled
    _Atomic uint64_t compiled_bytes;    // of code, loaded or compiled
    _Atomic bool has_tail_room;         // wj_code_info's, of some function
};

struct wj_kernel_plan;

struct wj_image {
    _Atomic uint32_t references;
    struct wj_engine *engine;
    struct wj_blob blob; // the module's bytes, or the compiled module that they are in
    struct wj_module *module;
    bool is_loaded;    // compiled before: bodies are looked at when they are needed
    bool has_bodies;   // of a loaded one: they were found
    bool is_cacheable; // `key` names it in the engine's cache
    struct wj_hash128 key;
    uint64_t cached_bytes;          // of code that is in the cache
    pthread_mutex_t lock;           // of codes, of bodies and of their census
    struct wj_code *codes[2];       // without and with explicit bounds checks; made on demand
    struct wj_kernel_plan *kernels; // dispatch functions found in the module, or NULL
};

// Decodes and validates a copy of the bytes, or finds them in the engine's cache.
bool wj_image_new(struct wj_engine *engine, const uint8_t *bytes, size_t size_bytes,
                  struct wj_image **out, struct wj_err *err);
// The same of bytes that are taken over in any case, and not copied.
bool wj_image_adopt(struct wj_engine *engine, struct wj_blob *blob, struct wj_image **out,
                    struct wj_err *err);
// The same from a file. WJ_ERR_IO: it cannot be read.
bool wj_image_open(struct wj_engine *engine, const char *path, struct wj_image **out,
                   struct wj_err *err);
// Puts the code that was compiled since into the engine's cache, when there is enough of it to be
// worth a write. Releasing the image does this too.
void wj_image_keep(struct wj_image *image);
// From a compiled module, which is taken over in any case: checked, neither validated nor compiled.
// `checks_bodies`: those of function bodies too, at once; else when some are needed.
bool wj_image_load(struct wj_engine *engine, struct wj_blob *blob, bool checks_bodies,
                   struct wj_image **out, struct wj_err *err);
// Of a loaded module: finds the bodies, and validates that of a function or, for UINT32_MAX, all.
// Nothing to do for others. From any thread.
bool wj_image_prepare(struct wj_image *image, uint32_t func_index, struct wj_err *err);
struct wj_image *wj_image_retain(struct wj_image *image);
void wj_image_release(struct wj_image *image);

// The module's code for memories with or without guard regions, as compiled as the engine's mode
// asks for.
bool wj_image_code(struct wj_image *image, bool explicit_bounds, struct wj_code **out,
                   struct wj_err *err);
// The same with nothing compiled for it.
bool wj_image_code_as_is(struct wj_image *image, bool explicit_bounds, struct wj_code **out,
                         struct wj_err *err);

// Where what belongs to the code is allocated, or NULL.
static inline struct wj_bulk *wj_code_bulk(const struct wj_code *code)
{
    return code->image->blob.bulk;
}

// How an engine's own code is compiled.
struct wj_compile_settings wj_code_settings(const struct wj_engine *engine, bool explicit_bounds);
// Code of a module that this engine runs, and code for another machine that nobody runs; none of
// its functions is compiled.
bool wj_code_new(struct wj_image *image, bool explicit_bounds, struct wj_code **out,
                 struct wj_err *err);
bool wj_code_new_for(struct wj_image *image, const struct wj_backend *backend,
                     const struct wj_compile_settings *settings, struct wj_code **out,
                     struct wj_err *err);
void wj_code_free(struct wj_code *code); // or NULL
// Takes the code of a file that was checked (wj_cwasm_check) but for its code, which is now.
bool wj_code_adopt(struct wj_code *code, const struct wj_blob *file, struct wj_err *err);

// The address of a function that the module defines, compiled if need be. From any thread.
bool wj_code_compile(struct wj_code *code, uint32_t func_index, uint64_t *address,
                     struct wj_err *err);
// A copy of the module, in the arena, in which the function has this body, validated; or NULL.
struct wj_module *wj_lanes_module(const struct wj_module *module, uint32_t func_index,
                                  const struct wj_lanes_code *lanes, struct wj_arena *arena,
                                  struct wj_err *err);
// Compiles another body of the function, which only its address leads to. From any thread.
bool wj_code_compile_lanes(struct wj_code *code, uint32_t func_index,
                           const struct wj_lanes_code *lanes, uint64_t *address,
                           struct wj_err *err);
// Compiles what is left, on `threads` threads.
bool wj_code_compile_all(struct wj_code *code, uint32_t threads, struct wj_err *err);
// The same, and makes a compiled module of it.
bool wj_code_serialize(struct wj_code *code, uint32_t threads, struct wj_blob *out,
                       struct wj_err *err);

// What wj_code_compile_all is made of: compiles one function into a chunk that this thread alone
// writes, and notes where it is in `addresses`, by which functions call each other. `needs_room`
// tells a full chunk, or stage, from other failures.
bool wj_code_compile_into(struct wj_code *code, struct wj_code_chunk *chunk,
                          struct wj_compile_scratch *scratch, uint32_t func_index,
                          uint64_t *addresses, bool *needs_room, struct wj_err *err);
// From now on the function is called there.
void wj_code_set_address(struct wj_code *code, uint32_t func_index, uint64_t address);
void wj_code_add_compile_time(struct wj_code *code, uint64_t start_ns);
bool wj_code_fail_no_room(const struct wj_code *code, struct wj_err *err); // false

// Compiles all for `backend` with no feature beyond its baseline, as the bytes of a compiled
// module.
bool wj_image_compile_for(struct wj_image *image, const struct wj_backend *backend,
                          uint32_t threads, struct wj_blob *out, struct wj_err *err);

// What the lazy stubs call: the entry of a function by its index in the instance's module, or by a
// reference. On failure the activation's trap is set.
uint64_t wj_code_compile_direct(struct wj_instance *instance, uint64_t func_index);
uint64_t wj_code_compile_indirect(struct wj_instance *instance, uint64_t funcref);

#endif
