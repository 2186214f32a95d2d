// What the files share in which WASI is an embedder of the public interface.
#ifndef RUNTIME_WASI_EMBED_H
#define RUNTIME_WASI_EMBED_H

#include <wjit.h>
#include <wjit/wasi.h>

#include "runtime/wasi/context.h"

// What a host function is made with.
struct wj_wasi_binding {
    wjit_wasi_t *wasi;
    const struct wj_wasi_entry *entry;
};

struct wj_wasi_thread;

// The guest's threads. Each has a store and an instance of its own; the memories are shared.
struct wj_wasi_threads {
    pthread_mutex_t lock; // of the rest, from wj_wasi_threads_init on
    pthread_cond_t ended; // each time that one has ended
    wasm_store_t *main;
    wasm_shared_module_t *module; // NULL: the guest may not make threads
    const wasm_extern_vec_t *imports;
    struct wj_wasi_thread *first; // those that run, newest first
    uint32_t count;
    uint32_t next_id;
    bool is_ending;                // none is to run on
    struct wj_wasi_thread *ending; // whose trap ended the program
};

struct wjit_wasi_t {
    struct wj_wasi wasi;
    struct wj_wasi_binding bindings[WJ_WASI_FUNCTION_COUNT];
    struct wj_wasi_threads threads;
};

void wj_wasi_threads_init(struct wj_wasi_threads *threads);
void wj_wasi_threads_clear(struct wj_wasi_threads *threads);

// The function of the import "wasi" "thread-spawn", owned by the caller; NULL: no memory.
wasm_func_t *wj_wasi_spawn_func(wjit_wasi_t *wasi, wasm_store_t *store);

#endif
