// WASI preview 1 for a module's imports of "wasi_snapshot_preview1": what a program compiled for
// wasm32-wasi needs, confined to the directories that it is given.
//
// Make a context, make a function for each import that it has (wjit_wasi_func), instantiate, call
// the export "_start". A program that ends by itself does so with a trap that has an exit status
// (wjit_trap_exit_status in wjit.h). wjit_interrupt ends calls that wait, too. One context serves
// one program: an instance, and those of its threads.
#ifndef WJIT_WASI_H
#define WJIT_WASI_H

#include <wasm.h>
#include <wjit.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wjit_wasi_t wjit_wasi_t;

// A directory of the host, and what the guest calls it. NULL for `guest`: the same.
typedef struct wjit_wasi_dir_t {
    const char *host;
    const char *guest;
    bool is_read_only;
} wjit_wasi_dir_t;

typedef struct wjit_wasi_config_t {
    const char *const *args; // the first is the program's name
    size_t arg_count;
    const char *const *env; // "NAME=VALUE"
    size_t env_count;
    const wjit_wasi_dir_t *dirs;
    size_t dir_count;
    const int *streams; // three descriptors of the host, -1: closed. NULL: 0, 1 and 2
    // A standard stream whose reader is gone ends the guest with status 141, as SIGPIPE does in a
    // shell. Otherwise the guest gets an error. The host must ignore SIGPIPE in both cases.
    bool exits_on_closed_pipe;
    // Resolve paths component by component, without the kernel's openat2. For tests: it is done
    // anyway where the kernel lacks it.
    bool walks_components;
} wjit_wasi_config_t;

// Copies all it needs. NULL with *error: a directory cannot be opened, memory is exhausted.
WJIT_API wjit_wasi_t *wjit_wasi_new(const wjit_wasi_config_t *, wjit_error_t *error);
// After the store that has functions of it.
WJIT_API void wjit_wasi_delete(wjit_wasi_t *);

// The function for an import, owned by the caller. NULL: it is no function of
// wasi_snapshot_preview1 and not thread-spawn of "wasi", or memory is exhausted. Its type is the
// one that WASI gives it, so that an import of another type fails to link.
WJIT_API wasm_func_t *wjit_wasi_func(wjit_wasi_t *, wasm_store_t *, const wasm_importtype_t *);

// wasi-threads: lets the guest make threads. Before the module is instantiated in the store with
// these imports, which stay until wjit_wasi_end_threads, as do store and module. A thread runs the
// export "wasi_thread_start" of another instance, in a store of its own, with the same memories;
// these are shared, and no import is anything but a memory or a function of WASI. False: memory is
// exhausted. Not called: thread-spawn gives an error.
WJIT_API bool wjit_wasi_enable_threads(wjit_wasi_t *, wasm_store_t *, const wasm_module_t *,
                                       const wasm_extern_vec_t *imports);
// Stops the threads and waits for them: after the program's own end, by which they end, too. When
// one of them ended the program, the store was interrupted; its trap comes out, owned by the
// caller, to be deleted before wjit_wasi_delete. Else NULL.
WJIT_API wasm_trap_t *wjit_wasi_end_threads(wjit_wasi_t *);

#ifdef __cplusplus
}
#endif

#endif
