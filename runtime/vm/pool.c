// The kernel threads: a job is a function that each of them calls once.
#include "runtime/vm/pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/vm/engine.h"
#include "runtime/vm/signals.h"

// Kernels do not recurse: a small stack will do.
#define WORKER_STACK_BYTES (512u * 1024u)

struct worker {
    struct wj_pool *pool;
    uint32_t number;
    pthread_t thread;
    struct wj_lane lane;
    uint64_t round_done; // the last round that it took part in
};

struct wj_pool {
    pthread_mutex_t owner; // held from take to give
    pthread_mutex_t lock;  // of the rest
    pthread_cond_t start;
    pthread_cond_t done;
    pid_t process; // threads do not survive a fork
    uint32_t worker_max;
    uint32_t worker_count; // started
    uint64_t round;
    uint32_t active_count; // workers of this round
    uint32_t running_count;
    bool is_ending;
    wj_pool_job *job;
    void *context;
    struct worker *workers;
};

struct wj_pool *wj_pool_new(uint32_t workers)
{
    struct wj_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pool->workers = calloc(workers + 1u, sizeof *pool->workers);
    if (pool->workers == NULL) {
        free(pool);
        return NULL;
    }
    pool->worker_max = workers;
    pool->process = getpid();
    pthread_mutex_init(&pool->owner, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->start, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->done, &attributes);
    pthread_condattr_destroy(&attributes);
    return pool;
}

void wj_pool_free(struct wj_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    if (getpid() == pool->process) {
        pthread_mutex_lock(&pool->lock);
        pool->is_ending = true;
        pthread_cond_broadcast(&pool->start);
        pthread_mutex_unlock(&pool->lock);
        for (uint32_t i = 0; i < pool->worker_count; i++) {
            pthread_join(pool->workers[i].thread, NULL);
        }
    }
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        wj_lane_clear(&pool->workers[i].lane);
    }
    pthread_cond_destroy(&pool->start);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->owner);
    free(pool->workers);
    free(pool);
}

static void *run_worker(void *context)
{
    struct worker *worker = context;
    struct wj_pool *pool = worker->pool;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->is_ending &&
               (pool->round == worker->round_done || worker->number >= pool->active_count)) {
            pthread_cond_wait(&pool->start, &pool->lock);
        }
        if (pool->is_ending) {
            break;
        }
        worker->round_done = pool->round;
        pthread_mutex_unlock(&pool->lock);
        pool->job(pool->context, worker->number, &worker->lane);
        pthread_mutex_lock(&pool->lock);
        if (--pool->running_count == 0) {
            pthread_cond_signal(&pool->done);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static bool start_worker(struct wj_pool *pool)
{
    struct worker *worker = &pool->workers[pool->worker_count];
    worker->pool = pool;
    worker->number = pool->worker_count;
    worker->round_done = pool->round;
    if (!wj_lane_init(&worker->lane, NULL, WORKER_STACK_BYTES, NULL)) {
        return false;
    }
    // The host's signals are for the host's threads.
    sigset_t all, saved;
    sigfillset(&all);
    const int ours[] = {
        SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, wj_signals_interrupt_number(),
    };
    for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++) {
        sigdelset(&all, ours[i]);
    }
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    int status = pthread_create(&worker->thread, NULL, run_worker, worker);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    if (status != 0) {
        wj_lane_clear(&worker->lane);
        return false;
    }
    pool->worker_count++;
    return true;
}

uint32_t wj_pool_take(struct wj_pool *pool)
{
    if (getpid() != pool->process || pthread_mutex_trylock(&pool->owner) != 0) {
        return 0;
    }
    while (pool->worker_count < pool->worker_max && start_worker(pool)) {
    }
    if (pool->worker_count == 0) {
        pthread_mutex_unlock(&pool->owner);
    }
    return pool->worker_count;
}

void wj_pool_give(struct wj_pool *pool)
{
    pthread_mutex_unlock(&pool->owner);
}

void wj_pool_start(struct wj_pool *pool, struct wj_store *store, uint32_t count, wj_pool_job *job,
                   void *context)
{
    pthread_mutex_lock(&pool->lock);
    for (uint32_t i = 0; i < count; i++) {
        pool->workers[i].lane.store = store;
        wj_lane_interrupt_clear(&pool->workers[i].lane);
    }
    pool->job = job;
    pool->context = context;
    pool->active_count = count;
    pool->running_count = count;
    pool->round++;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
}

bool wj_pool_wait(struct wj_pool *pool, uint64_t timeout_ns)
{
    uint64_t deadline_ns = wj_now_ns() + timeout_ns;
    struct timespec deadline = {
        .tv_sec = (time_t) (deadline_ns / 1000000000u),
        .tv_nsec = (long) (deadline_ns % 1000000000u),
    };
    pthread_mutex_lock(&pool->lock);
    int status = 0;
    while (pool->running_count != 0 && status != ETIMEDOUT) {
        status = pthread_cond_timedwait(&pool->done, &pool->lock, &deadline);
    }
    bool is_done = pool->running_count == 0;
    pthread_mutex_unlock(&pool->lock);
    return is_done;
}

void wj_pool_interrupt(struct wj_pool *pool)
{
    for (uint32_t i = 0; i < pool->active_count; i++) {
        wj_lane_interrupt(&pool->workers[i].lane);
    }
}
