// A store: instances and all they own, and the lane on which its wasm code runs.
#ifndef RUNTIME_VM_STORE_H
#define RUNTIME_VM_STORE_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "runtime/vm/engine.h"
#include "runtime/vm/instance.h"

struct wj_trap;

// Where wasm code runs: a stack of its own and the activations on it. A store has one; each worker
// of the kernel pool has one. Used by one thread at a time, but for the interruption.
struct wj_lane {
    // Innermost; instance->activation_slot points here. Other threads only ask whether it is NULL.
    struct wj_activation *activation;
    struct wj_store *store;
    uint8_t *mapping; // guard pages, then the stack
    size_t mapping_bytes;
    uint8_t *stack_low;
    uint8_t *stack_high;
    struct wj_trap *pending;    // behind WJ_TRAP_HOST in the activation
    _Atomic uint32_t interrupt; // asked to stop
    // Of the thread that runs wasm code here, or was the last to; -1: none yet.
    _Atomic int32_t thread_id;
    pthread_mutex_t timer_lock;
    timer_t timer; // repeats the interruption until it is seen
    bool has_timer;
    bool is_of_store;               // which it is a part of
    struct wj_activation outermost; // the first of those on the lane; as wj_lane_init left it
                                    // while no wasm runs
};

bool wj_lane_init(struct wj_lane *lane, struct wj_store *store, size_t stack_bytes,
                  struct wj_err *err);
void wj_lane_clear(struct wj_lane *lane);
// Makes the outermost activation what it was before a call.
void wj_lane_reset(struct wj_lane *lane);

// From any thread: stops what runs on the lane, or what runs next.
void wj_lane_interrupt(struct wj_lane *lane);
void wj_lane_interrupt_clear(struct wj_lane *lane);

// A call of a host function. `importer` is the instance that imported it, NULL for calls from the
// host itself.
struct wj_host_call {
    struct wj_store *store;
    struct wj_instance *importer;
};

// A host function. `cells` are arguments, afterwards results; a returned trap is owned by the
// caller.
struct wj_host_func {
    struct wj_trap *(*call)(struct wj_host_func *func, struct wj_host_call *call,
                            union wj_cell *cells);
    void *env;
    void (*finalizer)(void *env);
    struct wj_funcref funcref; // its identity; importers have copies of it with their own context
    struct wj_host_func *next;
};

struct wj_store {
    struct wj_engine *engine;
    struct wj_lane lane;
    struct wj_instance *instances; // newest first
    struct wj_host_func *host_funcs;
    struct wj_instance *host_context; // for calls that no instance imported
    struct wj_arena arena;            // globals, funcrefs, what lives as long as the store
    struct wj_memory **memories;
    uint32_t memory_count, memory_capacity;
    struct wj_table **tables;
    uint32_t table_count, table_capacity;
};

bool wj_store_new(struct wj_engine *engine, struct wj_store **out, struct wj_err *err);
void wj_store_free(struct wj_store *store);

// New objects, owned by the store.
bool wj_store_memory(struct wj_store *store, const struct wj_memory_type *type,
                     struct wj_memory **out, struct wj_err *err);
// Makes a memory that is there, another store's or a pool's, one of this store's.
bool wj_store_adopt_memory(struct wj_store *store, struct wj_memory *memory, struct wj_err *err);
// The same for one that the store has not seen.
bool wj_store_adopt_new_memory(struct wj_store *store, struct wj_memory *memory,
                               struct wj_err *err);
bool wj_store_table(struct wj_store *store, const struct wj_table_type *type, void *init,
                    struct wj_table **out, struct wj_err *err);
struct wj_global *wj_store_global(struct wj_store *store, const struct wj_global_type *type,
                                  struct wj_err *err);
bool wj_store_host_func(struct wj_store *store, const struct wj_functype *type,
                        const struct wj_host_func *func, struct wj_host_func **out,
                        struct wj_err *err);
// A context for host functions: an instance without a module.
struct wj_instance *wj_store_context(struct wj_store *store, struct wj_instance *importer,
                                     struct wj_err *err);

#endif
