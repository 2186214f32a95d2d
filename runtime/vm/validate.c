// Threads that take the next bodies, some at a time.
#include "runtime/vm/validate.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "runtime/vm/engine.h"
#include "wasm/hints.h"

// What a thread takes at a time, a fraction of a millisecond; and what is worth a thread, which
// takes some 50 microseconds to start.
#define BATCH_WASM_BYTES (128u * 1024u)
#define THREAD_WASM_BYTES (1024u * 1024u)
#define THREADS_MAX 64u

struct validation {
    struct wj_module *module;
    pthread_mutex_t lock; // of the rest
    uint32_t next_func;
    uint32_t failed_func; // the first of the batch that failed, or UINT32_MAX
    struct wj_err err;
    _Atomic uint64_t busy_ns;
};

// Batches are handed out in order: once one has failed, no later one matters.
static bool take_batch(struct validation *job, uint32_t *first, uint32_t *end)
{
    const struct wj_module *module = job->module;
    pthread_mutex_lock(&job->lock);
    *first = job->next_func;
    uint32_t bytes = 0;
    while (job->next_func < module->func_count && bytes < BATCH_WASM_BYTES) {
        bytes += module->funcs[job->next_func++].code_size_bytes + 16;
    }
    *end = job->next_func;
    bool has_work = *first < *end && job->failed_func == UINT32_MAX;
    pthread_mutex_unlock(&job->lock);
    return has_work;
}

static void *run(void *context)
{
    struct validation *job = context;
    uint64_t start_ns = wj_now_ns();
    uint32_t first, end;
    while (take_batch(job, &first, &end)) {
        struct wj_err err;
        wj_err_clear(&err);
        if (!wj_module_validate_funcs(job->module, first - job->module->func_import_count,
                                      end - first, &err)) {
            pthread_mutex_lock(&job->lock);
            if (first < job->failed_func) {
                job->failed_func = first;
                job->err = err;
            }
            pthread_mutex_unlock(&job->lock);
        }
    }
    atomic_fetch_add(&job->busy_ns, wj_now_ns() - start_ns);
    return NULL;
}

bool wj_validate_bodies(struct wj_module *module, uint32_t threads, uint64_t *busy_ns,
                        struct wj_err *err)
{
    struct validation job = {
        .module = module, .next_func = module->func_import_count, .failed_func = UINT32_MAX};
    pthread_mutex_init(&job.lock, NULL);
    uint64_t wanted = module->code_section_bytes / THREAD_WASM_BYTES;
    wanted = wanted < threads ? wanted : threads;
    wanted = wanted < THREADS_MAX ? wanted : THREADS_MAX;
    pthread_t ids[THREADS_MAX];
    uint32_t started = 0;
    if (wanted > 1) {
        // Signals of the process are for its own threads.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        while (started + 1 < wanted && pthread_create(&ids[started], NULL, run, &job) == 0) {
            started++;
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    run(&job);
    for (uint32_t i = 0; i < started; i++) {
        pthread_join(ids[i], NULL);
    }
    pthread_mutex_destroy(&job.lock);
    *busy_ns = atomic_load(&job.busy_ns);
    if (job.failed_func != UINT32_MAX) {
        return wj_err_set(err, job.err.kind, job.err.offset, "%s", job.err.message);
    }
    return wj_module_check_hints(module, err);
}
