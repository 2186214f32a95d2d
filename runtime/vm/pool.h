// Threads that run kernels: started when first needed, each with a lane of its own.
#ifndef RUNTIME_VM_POOL_H
#define RUNTIME_VM_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/vm/store.h"

struct wj_pool;

// `workers` threads besides the caller's.
struct wj_pool *wj_pool_new(uint32_t workers);
void wj_pool_free(struct wj_pool *pool);

// Takes the pool for the calling thread and starts what threads are missing; returns how many
// there are. 0: it is taken by another thread, or no thread can be had; then it is not to be given
// back.
uint32_t wj_pool_take(struct wj_pool *pool);
void wj_pool_give(struct wj_pool *pool);

// Runs job(context, worker, lane) on the workers [0, count), while the caller does its own part.
typedef void wj_pool_job(void *context, uint32_t worker, struct wj_lane *lane);
void wj_pool_start(struct wj_pool *pool, struct wj_store *store, uint32_t count, wj_pool_job *job,
                   void *context);
// True when all are done; waits at most `timeout_ns`.
bool wj_pool_wait(struct wj_pool *pool, uint64_t timeout_ns);
// Stops the wasm code that workers run.
void wj_pool_interrupt(struct wj_pool *pool);

#endif
