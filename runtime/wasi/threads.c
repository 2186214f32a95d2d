// wasi-threads: the guest's thread-spawn instantiates the module again, in a store of its own with
// the same memories, and calls its export wasi_thread_start on a new thread of the host. The first
// trap of any thread, an exit too, ends all of them.
#include <stdio.h>
#include <stdlib.h>

#include "runtime/wasi/embed.h"

// The proposal's identifiers are positive and below this.
#define THREAD_IDS (1u << 29)
// At a time; each has a stack of the host's and one of wasm's.
#define THREADS_MAX 4096u

struct wj_wasi_thread {
    struct wj_wasi_thread *next;
    wjit_wasi_t *wasi;
    wasm_store_t *store;
    wasm_trap_t *trap; // that ended it, or NULL
    int32_t id;
    int32_t argument;
};

void wj_wasi_threads_init(struct wj_wasi_threads *threads)
{
    *threads = (struct wj_wasi_threads){.next_id = 1};
    pthread_mutex_init(&threads->lock, NULL);
    pthread_cond_init(&threads->ended, NULL);
}

void wj_wasi_threads_clear(struct wj_wasi_threads *threads)
{
    if (threads->ending) {
        wasm_trap_delete(threads->ending->trap);
        wasm_store_delete(threads->ending->store);
        free(threads->ending);
    }
    wasm_shared_module_delete(threads->module);
    pthread_cond_destroy(&threads->ended);
    pthread_mutex_destroy(&threads->lock);
}

bool wjit_wasi_enable_threads(wjit_wasi_t *wasi, wasm_store_t *store, const wasm_module_t *module,
                              const wasm_extern_vec_t *imports)
{
    struct wj_wasi_threads *threads = &wasi->threads;
    threads->main = store;
    threads->imports = imports;
    threads->module = wasm_module_share(module);
    return threads->module != NULL;
}

// With the lock held: everything is to stop.
static void end_all(struct wj_wasi_threads *threads)
{
    threads->is_ending = true;
    for (struct wj_wasi_thread *each = threads->first; each; each = each->next) {
        wjit_interrupt(each->store);
    }
}

static void unlink_thread(struct wj_wasi_threads *threads, const struct wj_wasi_thread *thread)
{
    struct wj_wasi_thread **at = &threads->first;
    while (*at != thread) {
        at = &(*at)->next;
    }
    *at = thread->next;
}

static void finish(struct wj_wasi_thread *thread)
{
    struct wj_wasi_threads *threads = &thread->wasi->threads;
    pthread_mutex_lock(&threads->lock);
    unlink_thread(threads, thread);
    bool is_first = thread->trap && !threads->is_ending;
    if (is_first) {
        threads->ending = thread;
        end_all(threads);
        wjit_interrupt(threads->main);
    }
    pthread_mutex_unlock(&threads->lock);
    if (!is_first) {
        wasm_trap_delete(thread->trap);
        wasm_store_delete(thread->store);
        free(thread);
    }
    // Whoever waits for the last one may free everything from here on.
    pthread_mutex_lock(&threads->lock);
    threads->count--;
    pthread_cond_broadcast(&threads->ended);
    pthread_mutex_unlock(&threads->lock);
}

// The thread's own handle for an import of the first instance.
static wasm_extern_t *import_for(const struct wj_wasi_thread *thread, const wasm_importtype_t *type,
                                 const wasm_extern_t *original)
{
    wasm_func_t *func = wjit_wasi_func(thread->wasi, thread->store, type);
    if (func) {
        return wasm_func_as_extern(func);
    }
    const wasm_memory_t *memory = original ? wasm_extern_as_memory_const(original) : NULL;
    return memory ? wasm_memory_as_extern(wjit_memory_obtain(thread->store, memory)) : NULL;
}

static wasm_trap_t *trap_of(wasm_store_t *store, const char *what, const wjit_error_t *error)
{
    char text[sizeof(error->message) + 64];
    wasm_message_t message;
    snprintf(text, sizeof(text), "a thread cannot be started: %s%s", what, error->message);
    wasm_name_new_from_string_nt(&message, text);
    wasm_trap_t *trap = wasm_trap_new(store, &message);
    wasm_byte_vec_delete(&message);
    return trap;
}

static wasm_trap_t *call_start(const struct wj_wasi_thread *thread, const wasm_instance_t *instance)
{
    static const char name[] = "wasi_thread_start";
    wjit_val_t args[] = {{.kind = WASM_I32, .of.i32 = thread->id},
                         {.kind = WASM_I32, .of.i32 = thread->argument}};
    wasm_extern_t *export = wjit_instance_export(instance, name, sizeof(name) - 1);
    const wasm_func_t *func = export ? wasm_extern_as_func_const(export) : NULL;
    wasm_trap_t *trap = func ? wjit_func_call(func, args, 2, NULL, 0)
                             : trap_of(thread->store, "no function wasi_thread_start is exported",
                                       &(wjit_error_t){0});
    wasm_extern_delete(export);
    return trap;
}

static wasm_trap_t *run(const struct wj_wasi_thread *thread)
{
    const struct wj_wasi_threads *threads = &thread->wasi->threads;
    wasm_module_t *module = wasm_module_obtain(thread->store, threads->module);
    wasm_trap_t *trap = NULL;
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    wasm_instance_t *instance = NULL;
    if (module) {
        wasm_importtype_vec_t types;
        wasm_extern_vec_t imports;
        wasm_module_imports(module, &types);
        wasm_extern_vec_new_uninitialized(&imports, types.size);
        for (size_t i = 0; i < imports.size; i++) {
            imports.data[i] = import_for(thread, types.data[i], threads->imports->data[i]);
        }
        instance = wjit_instance_new(thread->store, module, &imports, &trap, &error);
        wasm_extern_vec_delete(&imports);
        wasm_importtype_vec_delete(&types);
    }
    if (instance) {
        trap = call_start(thread, instance);
    } else if (!trap) {
        trap = trap_of(thread->store, "", &error);
    }
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    return trap;
}

static void *thread_main(void *env)
{
    struct wj_wasi_thread *thread = env;
    thread->trap = run(thread);
    finish(thread);
    return NULL;
}

// With the lock held.
static bool start(struct wj_wasi_threads *threads, struct wj_wasi_thread *thread)
{
    pthread_attr_t attributes;
    pthread_t id;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    thread->id = (int32_t) threads->next_id;
    bool is_started = pthread_create(&id, &attributes, thread_main, thread) == 0;
    pthread_attr_destroy(&attributes);
    if (is_started) {
        threads->next_id = threads->next_id % (THREAD_IDS - 1) + 1;
        thread->next = threads->first;
        threads->first = thread;
        threads->count++;
    }
    return is_started;
}

// The new thread's identifier, or an error number, negated.
static wasm_trap_t *spawn(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                          wjit_val_t *results)
{
    wjit_wasi_t *wasi = env;
    struct wj_wasi_threads *threads = &wasi->threads;
    (void) caller;
    results[0] = (wjit_val_t){.kind = WASM_I32, .of.i32 = -(int32_t) WASI_EAGAIN};
    if (!threads->module) {
        results[0].of.i32 = -(int32_t) WASI_ENOTSUP;
        return NULL;
    }
    struct wj_wasi_thread *thread = calloc(1, sizeof(*thread));
    wasm_store_t *store = thread ? wasm_store_new(wjit_store_engine(threads->main)) : NULL;
    if (!store) {
        free(thread);
        return NULL;
    }
    *thread = (struct wj_wasi_thread){.wasi = wasi, .store = store, .argument = args[0].of.i32};
    pthread_mutex_lock(&threads->lock);
    bool is_started = !threads->is_ending && threads->count < THREADS_MAX && start(threads, thread);
    int32_t id = is_started ? thread->id : 0; // it may be over once the lock is free
    pthread_mutex_unlock(&threads->lock);
    if (is_started) {
        results[0].of.i32 = id;
    } else {
        wasm_store_delete(store);
        free(thread);
    }
    return NULL;
}

wasm_func_t *wj_wasi_spawn_func(wjit_wasi_t *wasi, wasm_store_t *store)
{
    wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t *func = type ? wjit_func_new(store, type, spawn, wasi, NULL) : NULL;
    wasm_functype_delete(type);
    return func;
}

wasm_trap_t *wjit_wasi_end_threads(wjit_wasi_t *wasi)
{
    struct wj_wasi_threads *threads = &wasi->threads;
    pthread_mutex_lock(&threads->lock);
    end_all(threads);
    while (threads->count > 0) {
        pthread_cond_wait(&threads->ended, &threads->lock);
    }
    pthread_mutex_unlock(&threads->lock);
    return threads->ending ? wasm_trap_copy(threads->ending->trap) : NULL;
}
