// wjit's own interface, on top of the standard one in wasm.h: settings, errors that say what and
// where, v128 and 64-bit types, traps by code, interruption, figures, GPU devices, dumps.
//
// Ownership, lifetimes and threads are as in wasm.h unless a function says otherwise. Strings that
// come out are UTF-8 and terminated; those with a length may hold zeros.
//
// A process that forks, even inside a host function, may go on in both: the child has what its
// parent had, on the one thread that forked, and neither sees what the other does. Modules that
// another thread compiled or instantiated at that moment may be locked for good in the child, as
// whatever else other threads were at. Devices stay with the parent: the child's kernels run on the
// CPU. Where the driver has a process of its own (wjit_config_set_gpu_isolate) linear memories are
// shared with it, and so with the child, which must not use them.
#ifndef WJIT_H
#define WJIT_H

#include <stdio.h>

#include "wasm.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WJIT_API WASM_API_EXTERN

// "0.1.0"
WJIT_API const char *wjit_version(void);

// ---- Errors -----------------------------------------------------------------------------------

typedef enum wjit_error_kind_t {
    WJIT_ERROR_NONE,
    WJIT_ERROR_MALFORMED,   // the bytes are no module
    WJIT_ERROR_INVALID,     // the module breaks a validation rule
    WJIT_ERROR_UNSUPPORTED, // valid WebAssembly that this build or these settings do not run
    WJIT_ERROR_LIMIT,       // a limit is exceeded, memory_max_bytes among them
    WJIT_ERROR_LINK,        // an import is missing or of another type
    WJIT_ERROR_NOMEM,       // memory or address space is exhausted
    WJIT_ERROR_IO,          // a file or the system refused
    WJIT_ERROR_DEVICE,      // no such GPU, or its driver refused
    WJIT_ERROR_USAGE,       // the caller's arguments are off
} wjit_error_kind_t;

// The enumerations of this interface are ints on both sides of it.
#ifdef __cplusplus
static_assert(sizeof(wjit_error_kind_t) == sizeof(int), "wjit.h: not with -fshort-enums");
#define WJIT_ALIGNAS alignas
#else
_Static_assert(sizeof(wjit_error_kind_t) == sizeof(int), "wjit.h: not with -fshort-enums");
#define WJIT_ALIGNAS _Alignas
#endif

#define WJIT_NO_OFFSET SIZE_MAX

// Filled in by functions that fail; untouched by functions that do not. Every `wjit_error_t *`
// parameter may be NULL.
typedef struct wjit_error_t {
    wjit_error_kind_t kind;
    size_t offset;     // of the byte in the module, or WJIT_NO_OFFSET
    char message[240]; // one line, terminated, without the offset
} wjit_error_t;

// ---- Settings ---------------------------------------------------------------------------------
// Of an engine, made with wasm_config_new and given to wjit_engine_new.

enum wjit_feature {
    WJIT_FEATURE_MVP = 1 << 0, // Wasm 2.0 without SIMD and reference types
    WJIT_FEATURE_SIMD = 1 << 1,
    WJIT_FEATURE_RELAXED_SIMD = 1 << 2,
    WJIT_FEATURE_TYPED_REFS = 1 << 3,
    WJIT_FEATURE_TAIL_CALLS = 1 << 4,
    WJIT_FEATURE_EXTENDED_CONST = 1 << 5,
    WJIT_FEATURE_MULTI_MEMORY = 1 << 6,
    WJIT_FEATURE_MEMORY64 = 1 << 7,
    WJIT_FEATURE_THREADS = 1 << 8,
    WJIT_FEATURE_CUSTOM_PAGE_SIZES = 1 << 9,
    WJIT_FEATURE_WIDE_ARITHMETIC = 1 << 10,
    WJIT_FEATURE_EXCEPTIONS = 1 << 11, // decoded and validated, refused when compiled
    WJIT_FEATURE_GC = 1 << 12,         // the same
    WJIT_FEATURE_REFERENCE_TYPES = 1 << 13,
    // The custom section of branch hints is checked; off, it is skipped like any other.
    WJIT_FEATURE_BRANCH_HINTS = 1 << 14,
    WJIT_FEATURES_DEFAULT = ((1 << 11) - 1) | WJIT_FEATURE_REFERENCE_TYPES,
    WJIT_FEATURES_ALL = (1 << 15) - 1,
};

typedef enum wjit_compile_mode_t {
    WJIT_COMPILE_LAZY,     // each function when it is first called
    WJIT_COMPILE_EAGER,    // all when the module is instantiated, on the calling thread
    WJIT_COMPILE_PARALLEL, // the same on `threads` threads
} wjit_compile_mode_t;

// Bits of enum wjit_feature; default WJIT_FEATURES_DEFAULT.
WJIT_API void wjit_config_set_features(wasm_config_t *, uint32_t features);
// The name of a feature bit, "multi-memory" say; NULL when `feature` is not one of them.
WJIT_API const char *wjit_feature_name(uint32_t feature);
// Switches features on and off by their names, in order: "-multi-memory,+threads"; a name alone is
// switched on, "all" is every one of them. False with *error and *features as it was:
// WJIT_ERROR_USAGE for an unknown name, or -mvp.
WJIT_API bool wjit_features_switch(uint32_t *features, const char *switches, wjit_error_t *error);
// The specification's deterministic profile: canonical NaNs, fixed relaxed operations. Default off.
WJIT_API void wjit_config_set_deterministic(wasm_config_t *, bool);
// Bounds are checked by instructions, never by guard pages (they are anyway where address space is
// short, for 64-bit memories and for odd page sizes). Slower; for tests. Default off.
WJIT_API void wjit_config_set_explicit_bounds(wasm_config_t *, bool);
// Default WJIT_COMPILE_LAZY.
WJIT_API void wjit_config_set_compile_mode(wasm_config_t *, wjit_compile_mode_t);
// Keeps compiled code in a folder, from which the same module starts without being validated or
// compiled again: NULL, none (the default); "", the user's ($XDG_CACHE_HOME/wjit or
// ~/.cache/wjit), where it can be used; else a folder, made if need be, that must be usable and
// writable by this user alone (else the engine fails with WJIT_ERROR_IO). Modules of less than
// `module_bytes_min` bytes are compiled each time. What is kept is named by a keyed hash of the
// module's bytes, the settings, the CPU's features and this build, is written whole or not at all,
// and is checked before it runs; what is damaged is compiled anew. The folder holds at most 1 GiB.
// What a GPU's self-test found and what its driver made of kernels is kept there too; without a
// cache the self-test runs whenever an engine opens the device (software drivers: up to a second).
// False: out of memory.
WJIT_API bool wjit_config_set_cache(wasm_config_t *, const char *folder, size_t module_bytes_min);
// The most bytes that one linear memory may have. A larger initial size fails to instantiate with
// WJIT_ERROR_LIMIT, growth beyond it gives -1. 0: no limit but the type's. Default 0.
WJIT_API void wjit_config_set_memory_max_bytes(wasm_config_t *, uint64_t);
// The stack of wasm code of one store, in bytes, 64 KiB to 1 GiB (others are clamped). Its pages
// are committed when touched. Default 8 MiB.
WJIT_API void wjit_config_set_stack_bytes(wasm_config_t *, size_t);
// Recognise the dispatch functions of wjit/gpu.h. Off: their portable bodies run. Default on.
WJIT_API void wjit_config_set_kernels(wasm_config_t *, bool);
typedef enum wjit_lanes_t {
    WJIT_LANES_AUTO, // where that pays
    WJIT_LANES_OFF,
    WJIT_LANES_ALL, // wherever it can be done, for tests
} wjit_lanes_t;
// Whether kernels on the CPU do eight neighbouring items at a time in vector instructions (see
// wjit_engine_kernels). The bits are the same; only payloads of NaNs may differ, as they may anyway
// without wjit_config_set_deterministic. Default WJIT_LANES_AUTO.
WJIT_API void wjit_config_set_lanes(wasm_config_t *, wjit_lanes_t);
// Run every dispatch of a kernel on one thread in the portable, the reversed and a shuffled order,
// and on the GPU where there is one, and compare the memory: for tests, many times slower. The
// program goes on with the bytes of the portable order; the first kernel that leaves others ends it
// with a trap (WJIT_TRAP_HOST) that names kernel, address and bytes. Kernels that change more than
// memory, and memories shared with other threads, are not checked (see wjit_engine_kernels).
// Default off.
WJIT_API void wjit_config_set_check_kernels(wasm_config_t *, bool);
// Compute this part of each dispatch's items (0 to 1) on the CPU too before the GPU runs it, on a
// private view of the memory, and compare what they wrote afterwards: a trap (WJIT_TRAP_HOST) that
// names kernel, address and bytes when they differ. At least one item of a dispatch; which ones is
// random, in runs of up to 16 neighbours. Default 0: none.
WJIT_API void wjit_config_set_gpu_verify(wasm_config_t *, double rate);
// Do the GPU work in a process of its own, so that a driver that crashes, or loses its device, does
// not take this one with it: that dispatch is done again on the CPU, which its kernel then stays
// on, and the next kernel finds a new process. `command` is the path of a program that calls
// wjit_gpu_serve when its first argument is "gpu-server"; the wjit command does. NULL: this
// process (the default). The string is copied, up to 4095 bytes.
WJIT_API void wjit_config_set_gpu_isolate(wasm_config_t *, const char *command);
// The whole work of such a process: serves descriptor 3 until the other end is gone.
WJIT_API void wjit_gpu_serve(void);
// Threads that run kernels, validate modules of several megabytes and compile in parallel, 1 to
// 256. 0: the CPUs of this process.
// Default 0.
WJIT_API void wjit_config_set_threads(wasm_config_t *, uint32_t);
// The GPU for kernels. NULL: none (the default). "": the best hardware device, or none where there
// is none. Else a device that must be there: its index, "pci:...", part of its name, or "any" for
// the best device with software drivers among them. The string is copied.
WJIT_API void wjit_config_set_gpu(wasm_config_t *, const char *device);

typedef enum wjit_gpu_memory_t {
    WJIT_GPU_MEMORY_AUTO,   // import where device and host share their memory, else mirror
    WJIT_GPU_MEMORY_IMPORT, // kernels work on linear memory in place
    WJIT_GPU_MEMORY_MIRROR, // on a copy that the device holds
} wjit_gpu_memory_t;
// How kernels see linear memory. Default WJIT_GPU_MEMORY_AUTO.
WJIT_API void wjit_config_set_gpu_memory(wasm_config_t *, wjit_gpu_memory_t);

// ---- Engine, store ----------------------------------------------------------------------------

// As wasm_engine_new_with_config, with the reason: WJIT_ERROR_DEVICE when the named GPU is not
// there, WJIT_ERROR_UNSUPPORTED when the CPU lacks what generated code uses (on x86-64 that is
// x86-64-v3: AVX2, FMA, BMI1 and 2, LZCNT, MOVBE), WJIT_ERROR_NOMEM. The configuration is consumed
// also on failure; NULL: all defaults.
WJIT_API wasm_engine_t *wjit_engine_new(wasm_config_t *config, wjit_error_t *error);

WJIT_API wasm_engine_t *wjit_store_engine(const wasm_store_t *);

// Stops the wasm code that runs in the store, at whatever instruction, with the trap
// WJIT_TRAP_INTERRUPTED; when none runs (or a host function does), the code that runs next. From
// any thread, while the store lives; it does not wait. A host function that blocks is not woken,
// but its thread gets a signal (EINTR).
WJIT_API void wjit_interrupt(wasm_store_t *);
// Takes back an interruption that has not come to pass.
WJIT_API void wjit_interrupt_clear(wasm_store_t *);
// Whether an interruption waits to come to pass: for host functions that wait or work long.
WJIT_API bool wjit_is_interrupted(const wasm_store_t *);

// The runtime turns faults of wasm code into traps by handlers of SIGSEGV, SIGBUS, SIGFPE, SIGILL
// and SIGTRAP, and interrupts by the real-time signal SIGRTMAX - 3. All that is not its own it
// hands to the handlers that were there when an engine or a store was made. A host that installs
// such handlers afterwards calls this, to have the runtime's in front again. The first store that a
// thread makes or enters unblocks the signals of faults on it. From any thread;
// false: the system refused.
WJIT_API bool wjit_signals_claim(void);

// ---- Modules ----------------------------------------------------------------------------------

// Decodes and validates; copies the bytes. NULL with *error.
WJIT_API wasm_module_t *wjit_module_new(wasm_store_t *, const wasm_byte_vec_t *binary,
                                        wjit_error_t *error);
// The same without a copy, of `size_bytes` bytes that stay where and what they are until
// `release(env)` is called: once, when nothing needs them any more (the module's last handle is
// gone and so are the stores that it was instantiated in; or the cache has the module), from any
// thread; on failure, too, before this returns. A forked child calls it for its own copy, too.
// `release` may be NULL, and calls nothing of this header. Bytes that change meanwhile break the
// sandbox: what is compiled would not be what was validated. For large modules, or a file that the
// host has mapped and nobody writes to.
WJIT_API wasm_module_t *wjit_module_new_in_place(wasm_store_t *, const char *bytes,
                                                 size_t size_bytes, void (*release)(void *env),
                                                 void *env, wjit_error_t *error);
// The same for a file. With a cache, a file is known again by its place, size and times without
// being read. WJIT_ERROR_IO as well.
WJIT_API wasm_module_t *wjit_module_new_file(wasm_store_t *, const char *path, wjit_error_t *error);
// Puts what was compiled of the module into the engine's cache, if it is to be there. Deleting the
// module's last handle does it too; this is for hosts that end without deleting. It may take as
// long as writing the module to the disk.
WJIT_API void wjit_module_keep(const wasm_module_t *);
// Decodes and validates only.
WJIT_API bool wjit_validate(wasm_engine_t *, const wasm_byte_vec_t *binary, wjit_error_t *error);
// Compiles every function that is not compiled yet, in the engine's mode (lazy counts as eager).
WJIT_API bool wjit_module_compile(const wasm_module_t *, wjit_error_t *error);

// Whether it has a start function, which instantiation runs.
WJIT_API bool wjit_module_has_start(const wasm_module_t *);

// ---- Compiled modules -------------------------------------------------------------------------
// A module together with its machine code, complete: loading it neither validates nor compiles.
// Damage is found by checksums, and so is code of another machine, build or setting, before any of
// it runs. But machine code is not sandboxed: like an executable file, a compiled module is loaded
// only from where nobody else can write.

// `target` NULL: for this machine and all its features. "x86-64" or "aarch64": for every machine of
// the kind (x86-64-v3, ARMv8.0), whatever this one is. Functions that are not compiled yet are, in
// the engine's mode (lazy counts as eager). *out is the caller's; empty on failure.
// wasm_module_serialize is this with NULL.
WJIT_API bool wjit_module_serialize(const wasm_module_t *, const char *target, wasm_byte_vec_t *out,
                                    wjit_error_t *error);
// Copies the bytes. NULL with *error: WJIT_ERROR_MALFORMED for damaged bytes, _UNSUPPORTED for code
// that is not for this machine, this build or these settings, _NOMEM.
WJIT_API wasm_module_t *wjit_module_deserialize(wasm_store_t *, const wasm_byte_vec_t *bytes,
                                                wjit_error_t *error);
// The same from a file, which is mapped: it is not to be written while the module lives (replaced
// it may be). WJIT_ERROR_IO as well.
WJIT_API wasm_module_t *wjit_module_deserialize_file(wasm_store_t *, const char *path,
                                                     wjit_error_t *error);

// The name section's names: not terminated, alive as long as the module. Size 0: none.
WJIT_API wasm_name_t wjit_module_name(const wasm_module_t *);
WJIT_API wasm_name_t wjit_module_func_name(const wasm_module_t *, uint32_t func_index);

// The custom section number `i` in the order of the module; false when there are fewer. What comes
// out points into the module.
WJIT_API bool wjit_module_custom(const wasm_module_t *, size_t i, wasm_name_t *name,
                                 wasm_byte_vec_t *contents);

typedef enum wjit_dump_t {
    WJIT_DUMP_OPS,   // the operations as the validator hands them out
    WJIT_DUMP_MASM,  // the compiler's verbs
    WJIT_DUMP_CODE,  // machine code: function, address, bytes in hexadecimal
    WJIT_DUMP_SPIRV, // functions that could be kernels: words, or the reason why not
    WJIT_DUMP_LANES, // the same: operations on several items at a time, or the reason why not
} wjit_dump_t;

// Prints what a stage makes of the module. UINT32_MAX: all functions.
WJIT_API bool wjit_dump(const wasm_module_t *, wjit_dump_t what, uint32_t func_index, FILE *file,
                        wjit_error_t *error);

// ---- Types beyond wasm.h ----------------------------------------------------------------------

#define WJIT_V128 ((wasm_valkind_t) 4)
// References that are neither func nor extern (of GC and exceptions), in types only.
#define WJIT_OTHERREF ((wasm_valkind_t) 192)

// Tags of exceptions, among imports and exports: they can be linked and nothing else.
#define WJIT_EXTERN_TAG ((wasm_externkind_t) 4)

typedef struct wjit_limits_t {
    uint64_t min;
    uint64_t max; // when has_max
    bool has_max;
    bool is_64;             // addresses are i64
    bool is_shared;         // memories
    uint8_t page_size_log2; // memories: 16 or 0
} wjit_limits_t;

// NULL for limits that break the specification's bounds.
WJIT_API wasm_memorytype_t *wjit_memorytype_new(const wjit_limits_t *);
WJIT_API wjit_limits_t wjit_memorytype_limits(const wasm_memorytype_t *);
// Takes over the element type.
WJIT_API wasm_tabletype_t *wjit_tabletype_new(wasm_valtype_t *element, const wjit_limits_t *);
WJIT_API wjit_limits_t wjit_tabletype_limits(const wasm_tabletype_t *);
// The type in the text format's words ("i32", "externref", "(ref 3)"), cut to `size` bytes with the
// terminating zero. Returns `buffer`.
WJIT_API const char *wjit_valtype_print(const wasm_valtype_t *, char *buffer, size_t size);

// ---- Values and calls -------------------------------------------------------------------------

// A value of any type. References are owned as in wasm_val_t: NULL is the null reference.
typedef struct wjit_val_t {
    wasm_valkind_t kind; // WASM_I32 ... or WJIT_V128
    union {
        int32_t i32;
        int64_t i64;
        float32_t f32;
        float64_t f64;
        wasm_ref_t *ref;
        uint8_t v128[16]; // lane 0 first
    } of;
} wjit_val_t;

// Calls with arguments whose kinds are checked against the type, as are both counts: a mistake
// gives a trap with WJIT_TRAP_HOST. NULL: results[0 .. result_count) are there, references in them
// owned by the caller.
WJIT_API wasm_trap_t *wjit_func_call(const wasm_func_t *, const wjit_val_t *args, size_t arg_count,
                                     wjit_val_t *results, size_t result_count);

// ---- Calls prepared once: a few nanoseconds each ------------------------------------------------

// An argument or a result as the call finds it in memory.
typedef union wjit_cell_t {
    int32_t i32;
    int64_t i64;
    float32_t f32;
    float64_t f64;
    WJIT_ALIGNAS(16) uint8_t v128[16]; // lane 0 first
} wjit_cell_t;

// A function that is called often. It is compiled and its type is looked at here, and never again.
typedef struct wjit_call_t wjit_call_t;
// `signature` is the function's type as the caller believes it to be: a letter for each parameter,
// a colon, a letter for each result; i is i32, l i64, f f32, d f64, v v128: "ll:i". NULL with
// *error: WJIT_ERROR_USAGE when it is another type or has references, or what compilation says.
// Good until it is deleted, and no longer than the store. Also for host functions.
WJIT_API wjit_call_t *wjit_call_new(const wasm_func_t *, const char *signature,
                                    wjit_error_t *error);
WJIT_API void wjit_call_delete(wjit_call_t *);
// cells[] has room for the arguments and for the results, whichever are more: arguments before,
// results after. NULL, or a trap that the caller owns. On the threads that may use the store; calls
// may nest. The floating-point environment must be the default one (FE_DFL_ENV): it is not looked
// at, and wasm code would round as the host does. The other ways to call look, and restore it.
WJIT_API wasm_trap_t *wjit_call_run(const wjit_call_t *, wjit_cell_t *cells);

// What a host function may ask for while it runs.
typedef struct wjit_caller_t wjit_caller_t;
WJIT_API wasm_store_t *wjit_caller_store(const wjit_caller_t *);
// The memory of the instance that imported the function: its export "memory", else its memory 0.
// Base and size in bytes, valid until the memory grows; base NULL and size 0 when there is none.
WJIT_API uint8_t *wjit_caller_memory(const wjit_caller_t *, uint64_t *size_bytes);
// The instance that imported the function; lent for the call. NULL when it was called by the host.
WJIT_API const wasm_instance_t *wjit_caller_instance(const wjit_caller_t *);

// Results come preset to zero of their kinds; args[] and references in it are lent. A trap that
// the function returns ends the calling wasm code.
typedef wasm_trap_t *(*wjit_func_callback_t)(void *env, wjit_caller_t *caller,
                                             const wjit_val_t *args, wjit_val_t *results);
// `finalizer` may be NULL; it runs when the store is deleted.
WJIT_API wasm_func_t *wjit_func_new(wasm_store_t *, const wasm_functype_t *, wjit_func_callback_t,
                                    void *env, void (*finalizer)(void *));

// ---- Instances --------------------------------------------------------------------------------

// As wasm_instance_new, with the reason: WJIT_ERROR_LINK, _LIMIT, _NOMEM, _UNSUPPORTED or a
// failure of compilation in *error; or a trap of a segment or the start function in *trap (error
// untouched). `trap` must not be NULL.
WJIT_API wasm_instance_t *wjit_instance_new(wasm_store_t *, const wasm_module_t *,
                                            const wasm_extern_vec_t *imports, wasm_trap_t **trap,
                                            wjit_error_t *error);
// The export with this name, owned by the caller; NULL: there is none.
WJIT_API wasm_extern_t *wjit_instance_export(const wasm_instance_t *, const char *name,
                                             size_t name_bytes);
WJIT_API const wasm_module_t *wjit_instance_module(const wasm_instance_t *); // lent

// ---- Pools of instances -----------------------------------------------------------------------

// Instances of one module that are made once and then taken, called and given back, each as new for
// its next tenant: memory, tables, globals, segments and stack hold nothing of the one before. A
// pool belongs to a store and is used as the store is: a server has one of each for every thread.
typedef struct wjit_pool_t wjit_pool_t;

typedef struct wjit_pool_config_t {
    uint32_t instances;        // at most so many are out at once, 1 to 1,000,000
    uint64_t memory_max_bytes; // that an instance can grow to; 0: its initial size
    // With guard regions an instance takes 8 GiB of address space and two mappings: 10,000 fit into
    // a process. Without, it takes memory_max_bytes, its accesses are checked one by one, and its
    // data is copied whenever it is made new: 100,000 fit. So it is, too, where the system has no
    // address space for the other.
    bool explicit_checks;
} wjit_pool_config_t;

// The module imports functions only, and has at most one memory, which is not shared; the engine
// has no GPU: else NULL with WJIT_ERROR_UNSUPPORTED. Imports are as in wjit_instance_new, for all
// instances of the pool, and must outlive it.
WJIT_API wjit_pool_t *wjit_pool_new(wasm_store_t *, const wasm_module_t *,
                                    const wasm_extern_vec_t *imports, const wjit_pool_config_t *,
                                    wjit_error_t *error);
// Before the store. Its instances and all that came out of them may not be used afterwards.
WJIT_API void wjit_pool_delete(wjit_pool_t *);
// A new instance; the start function, if any, has run. As wjit_instance_new; WJIT_ERROR_LIMIT when
// all are out. `trap` must not be NULL.
WJIT_API wasm_instance_t *wjit_pool_take(wjit_pool_t *, wasm_trap_t **trap, wjit_error_t *error);
// Ends a tenant: the instance is deleted and made new for the next. Its exports, and references to
// its functions that have got out, mean the next tenant from here on: delete them before. False
// (and nothing happens) while wasm code of the store runs, or when it is not out of this pool. An
// interruption that has not come to pass waits for the next tenant: see wjit_interrupt_clear.
WJIT_API bool wjit_pool_give(wjit_pool_t *, wasm_instance_t *);

// ---- Memories, tables, globals ----------------------------------------------------------------

// False with *error (WJIT_ERROR_LIMIT, _NOMEM).
WJIT_API wasm_memory_t *wjit_memory_new(wasm_store_t *, const wasm_memorytype_t *,
                                        wjit_error_t *error);
// Base and size in bytes at this moment. The base of a memory with guard pages never moves.
WJIT_API uint8_t *wjit_memory_view(const wasm_memory_t *, uint64_t *size_bytes);
WJIT_API uint64_t wjit_memory_pages(const wasm_memory_t *);
WJIT_API bool wjit_memory_grow(wasm_memory_t *, uint64_t delta_pages);
// The same shared memory in another store of the engine; NULL when it is not shared.
WJIT_API wasm_memory_t *wjit_memory_obtain(wasm_store_t *, const wasm_memory_t *);

WJIT_API uint64_t wjit_table_size(const wasm_table_t *);
WJIT_API bool wjit_table_grow(wasm_table_t *, uint64_t delta, wasm_ref_t *init);
// True: *out is the element, NULL for the null reference. False: out of bounds.
WJIT_API bool wjit_table_get(const wasm_table_t *, uint64_t index, wasm_ref_t **out);
WJIT_API bool wjit_table_set(wasm_table_t *, uint64_t index, wasm_ref_t *);

// NULL when value and type differ, or memory is exhausted. The value is lent.
WJIT_API wasm_global_t *wjit_global_new(wasm_store_t *, const wasm_globaltype_t *,
                                        const wjit_val_t *);
WJIT_API void wjit_global_get(const wasm_global_t *, wjit_val_t *out); // references are owned
WJIT_API bool wjit_global_set(wasm_global_t *, const wjit_val_t *);

// ---- Traps ------------------------------------------------------------------------------------

typedef enum wjit_trap_code_t {
    WJIT_TRAP_NONE, // no trap of ours: never of a wasm_trap_t
    WJIT_TRAP_UNREACHABLE,
    WJIT_TRAP_MEMORY_OUT_OF_BOUNDS,
    WJIT_TRAP_TABLE_OUT_OF_BOUNDS,
    WJIT_TRAP_UNDEFINED_ELEMENT,
    WJIT_TRAP_UNINITIALIZED_ELEMENT,
    WJIT_TRAP_INDIRECT_CALL_MISMATCH,
    WJIT_TRAP_INTEGER_OVERFLOW,
    WJIT_TRAP_INTEGER_DIVIDE_BY_ZERO,
    WJIT_TRAP_INVALID_CONVERSION,
    WJIT_TRAP_NULL_REFERENCE,
    WJIT_TRAP_UNALIGNED_ATOMIC,
    WJIT_TRAP_CALL_STACK_EXHAUSTED,
    WJIT_TRAP_UNSHARED_WAIT,
    WJIT_TRAP_INTERRUPTED,
    WJIT_TRAP_HOST, // made by wasm_trap_new or a wrong call
    WJIT_TRAP_OUT_OF_MEMORY,
    WJIT_TRAP_EXIT, // made by wjit_trap_new_exit
} wjit_trap_code_t;

// The message of a trap of the specification is the specification's: "integer divide by zero",
// "out of bounds memory access", "undefined element", ...
WJIT_API wjit_trap_code_t wjit_trap_code(const wasm_trap_t *);
// A trap that ends the program as a call of exit does.
WJIT_API wasm_trap_t *wjit_trap_new_exit(wasm_store_t *, int status);
// True and *status for a trap of wjit_trap_new_exit.
WJIT_API bool wjit_trap_exit_status(const wasm_trap_t *, int *status);

// The frame's function and module, by the name section, else by an export's name. Not terminated,
// alive as long as the store. Size 0: none.
WJIT_API wasm_name_t wjit_frame_func_name(const wasm_frame_t *);
WJIT_API wasm_name_t wjit_frame_module_name(const wasm_frame_t *);

// ---- Figures ----------------------------------------------------------------------------------

typedef struct wjit_stats_t {
    double validate_ms; // decoding and validation, or loading, summed over threads
    double compile_ms;  // summed over threads
    double instantiate_us;
    uint64_t wasm_bytes;
    uint64_t code_bytes; // machine code of functions
    uint64_t functions_compiled;
    uint64_t cache_hits;   // modules that were found in the cache
    uint64_t cache_misses; // modules that were looked for and not found
    // Of all GPU dispatches:
    uint64_t dispatches;
    double gpu_ms;
    double pipeline_ms;
    uint64_t bytes_to_device;
    uint64_t bytes_from_device;
} wjit_stats_t;

// Of the engine since it was made: sums over all modules and stores. From any thread.
WJIT_API void wjit_engine_stats(const wasm_engine_t *, wjit_stats_t *);

// A kernel that was dispatched, or an export that names a dispatch function.
typedef struct wjit_kernel_info_t {
    const char *name; // of the function, or "func N"
    uint32_t func_index;
    bool is_dispatcher;   // the dispatch function itself; `reason` is why it was not recognised
    bool is_unused;       // a dispatch function that was recognised, and not called: `reason`
    bool on_gpu;          // where its last dispatch ran
    bool is_parallel;     // on the CPU: on several threads
    const char *reason;   // why not on the GPU (or not in parallel); "" without one
    size_t reason_offset; // byte offset in the module, or WJIT_NO_OFFSET
    uint64_t dispatches;
    uint64_t gpu_dispatches;
    double gpu_ms;
    double cpu_ms;
    uint64_t checked;          // dispatches that wjit_config_set_check_kernels found right
    uint64_t verified;         // items, or groups, that wjit_config_set_gpu_verify computed
    const char *why_unchecked; // why neither could be done to the last one; "" when it was
    uint32_t lanes;            // items that the CPU does at a time; 0: one
    const char *why_single;    // why they run one at a time; "" when they do not, or none ran
    size_t why_single_offset;  // byte offset in the module, or WJIT_NO_OFFSET
} wjit_kernel_info_t;

// Calls `visit` for every kernel of every module of the engine; strings last for the call. Not
// while kernels run.
WJIT_API void wjit_engine_kernels(const wasm_engine_t *,
                                  void (*visit)(void *env, const wjit_kernel_info_t *), void *env);

// ---- GPU devices ------------------------------------------------------------------------------

typedef enum wjit_gpu_kind_t {
    WJIT_GPU_DISCRETE,
    WJIT_GPU_INTEGRATED,
    WJIT_GPU_VIRTUAL,
    WJIT_GPU_SOFTWARE,
    WJIT_GPU_OTHER,
} wjit_gpu_kind_t;

typedef struct wjit_gpu_info_t {
    uint32_t index; // what wjit_config_set_gpu takes
    char name[256];
    char driver[256]; // name and version
    char pci[32];     // "pci:0000:01:00.0", or empty
    wjit_gpu_kind_t kind;
    bool can_import;  // the device reads host memory in place
    bool is_mirrored; // of an open device: the mode in use, where meaningful
} wjit_gpu_info_t;

// All devices, without opening one. *list is freed by wjit_gpu_list_free. No Vulkan is no error:
// the list is empty.
WJIT_API bool wjit_gpu_list(wjit_gpu_info_t **list, size_t *count, wjit_error_t *error);
WJIT_API void wjit_gpu_list_free(wjit_gpu_info_t *list);

// How a device computes an operation exactly, as its self-test found.
typedef enum wjit_gpu_exactness_t {
    WJIT_GPU_NATIVE,   // by its own instruction
    WJIT_GPU_REPAIRED, // by others
    WJIT_GPU_REFUSED,  // not at all: kernels that need it run on the CPU
} wjit_gpu_exactness_t;

typedef struct wjit_gpu_verdict_t {
    const char *operation; // like "f32_div"; lives as long as the library
    wjit_gpu_exactness_t exactness;
} wjit_gpu_verdict_t;

enum { WJIT_GPU_VERDICTS_MAX = 64 };

typedef struct wjit_gpu_probe_t {
    bool has_i64, has_f64, has_storage8; // native ones
    uint32_t group_items_max;
    uint32_t shared_bytes_max;
    uint64_t memory_bytes_max;
    uint32_t loop_iterations_max; // of a SIMD group, after which loops end silently; 0: no limit
    size_t verdict_count;
    wjit_gpu_verdict_t verdicts[WJIT_GPU_VERDICTS_MAX];
} wjit_gpu_probe_t;

// Opens the device, tests it (or finds its kept verdicts) and closes it: up to some seconds.
WJIT_API bool wjit_gpu_probe(uint32_t index, wjit_gpu_probe_t *probe, wjit_error_t *error);
// The engine's device; false when it has none.
WJIT_API bool wjit_engine_gpu(const wasm_engine_t *, wjit_gpu_info_t *info);

#ifdef __cplusplus
}
#endif

#endif
