// Items on all cores: each worker has a copy of the instance, its own stack, its own slice of the
// shadow stack, and takes items from one counter. The first trap stops all.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/vm/call.h"
#include "runtime/vm/code.h"
#include "runtime/vm/kernel_state.h"

// A dispatch that is done by then needs no other threads: waking one costs as much.
#define ALONE_NS 30000u
// Parts per thread that the rest is cut into.
#define PARTS 32u
#define WAIT_NS 5000000u

struct cpu_job {
    const struct wj_dispatch *dispatch;
    wj_enter_fn *enter;
    void *code;
    uint64_t count; // of items
    uint64_t part;  // items that are taken at a time
    _Atomic uint64_t next;
    _Atomic uint32_t stop;
    pthread_mutex_t lock; // of trap
    struct wj_trap *trap;
    uint32_t stack_pointer; // of the dispatching frame
    uint32_t stack_bytes;   // of a worker's slice; 0: the kernel uses none
};

static void record_trap(struct cpu_job *job, struct wj_trap *trap)
{
    if (trap == NULL) {
        return;
    }
    atomic_store(&job->stop, 1);
    pthread_mutex_lock(&job->lock);
    // Workers that were stopped because of another's trap report an interruption.
    if (job->trap == NULL ||
        (job->trap->kind == WJ_TRAP_INTERRUPTED && trap->kind != WJ_TRAP_INTERRUPTED)) {
        struct wj_trap *old = job->trap;
        job->trap = trap;
        trap = old;
    }
    pthread_mutex_unlock(&job->lock);
    wj_trap_release(trap);
}

// Items [first, end). True: trapped.
static bool run_items(const struct cpu_job *job, struct wj_activation *activation,
                      struct wj_instance *instance, uint64_t first, uint64_t end)
{
    const struct wj_dispatch *dispatch = job->dispatch;
    uint32_t x = (uint32_t) (first % dispatch->nx);
    uint64_t row = first / dispatch->nx;
    uint32_t y = (uint32_t) (row % dispatch->ny), z = (uint32_t) (row / dispatch->ny);
    uint64_t wasm_sp = activation->wasm_sp;
    for (uint64_t i = first; i < end; i++) {
        union wj_cell cells[4] = {
            {.i64 = x},
            {.i64 = y},
            {.i64 = z},
            {.i64 = dispatch->args},
        };
        if (job->enter(activation, job->code, instance, cells) != 0) {
            return true;
        }
        activation->wasm_sp = wasm_sp; // calls into the runtime move it
        if (++x == dispatch->nx) {
            x = 0;
            if (++y == dispatch->ny) {
                y = 0;
                z++;
            }
        }
    }
    return false;
}

// Takes parts until none is left, something trapped, or `limit_ns` of time is over.
static void take_parts(struct cpu_job *job, struct wj_lane *lane, struct wj_instance *instance,
                       uint64_t limit_ns)
{
    struct wj_activation activation;
    struct wj_activation *previous;
    struct wj_trap *trap = wj_call_begin(lane, &activation, &previous);
    if (trap != NULL) {
        record_trap(job, trap);
        return;
    }
    uint64_t start_ns = limit_ns == UINT64_MAX ? 0 : wj_now_ns();
    uint64_t part = limit_ns == UINT64_MAX ? job->part : 1;
    bool is_trapped = false;
    while (!is_trapped && atomic_load_explicit(&job->stop, memory_order_relaxed) == 0) {
        uint64_t first = atomic_fetch_add(&job->next, part);
        if (first >= job->count) {
            break;
        }
        uint64_t end = job->count - first < part ? job->count : first + part;
        is_trapped = run_items(job, &activation, instance, first, end);
        if (limit_ns != UINT64_MAX) {
            if (wj_now_ns() - start_ns > limit_ns) {
                break;
            }
            part = part * 2 < job->part ? part * 2 : job->part;
        }
    }
    record_trap(job, wj_call_end(lane, &activation, previous, is_trapped));
}

static void run_worker(void *context, uint32_t worker, struct wj_lane *lane)
{
    struct cpu_job *job = context;
    const struct wj_instance *original = job->dispatch->instance;
    struct wj_instance_layout layout = wj_instance_layout(original->module);
    struct wj_instance *copy = aligned_alloc(64, (layout.size_bytes + 63u) & ~63u);
    if (copy == NULL) {
        return; // the others do its part
    }
    memcpy(copy, original, layout.size_bytes);
    copy->activation_slot = &lane->activation;
    if (job->stack_bytes != 0) {
        union wj_cell *globals = (union wj_cell *) (void *) ((char *) copy + layout.globals);
        globals[WJ_STACK_POINTER_GLOBAL].i32 = job->stack_pointer - (worker + 1) * job->stack_bytes;
    }
    take_parts(job, lane, copy, UINT64_MAX);
    free(copy);
}

// How many workers have room for their slices of the shadow stack, below the dispatching frame.
static uint32_t fit_stacks(struct cpu_job *job, uint32_t workers)
{
    const struct wj_dispatch *dispatch = job->dispatch;
    if (!dispatch->kernel->facts.uses_stack) {
        return workers;
    }
    struct wj_instance_layout layout = wj_instance_layout(dispatch->instance->module);
    const union wj_cell *globals =
        (const union wj_cell *) (void *) ((char *) dispatch->instance + layout.globals);
    job->stack_pointer = globals[WJ_STACK_POINTER_GLOBAL].i32;
    job->stack_bytes = (dispatch->kernel->facts.stack_bytes + 15u) & ~15u;
    uint64_t slices = job->stack_pointer / job->stack_bytes;
    // The dispatching thread needs a slice too; the lowest is left as a margin.
    if (!dispatch->plan->stack_is_first || slices < 3) {
        return 0;
    }
    return slices - 2 < workers ? (uint32_t) (slices - 2) : workers;
}

static void run_on_pool(struct cpu_job *job, uint32_t workers)
{
    const struct wj_dispatch *dispatch = job->dispatch;
    struct wj_pool *pool = dispatch->kernels->pool;
    wj_pool_start(pool, dispatch->instance->store, workers, run_worker, job);
    take_parts(job, dispatch->lane, dispatch->instance, UINT64_MAX);
    bool is_stopped = false;
    while (!wj_pool_wait(pool, is_stopped ? UINT32_MAX : WAIT_NS)) {
        if (!is_stopped &&
            (atomic_load(&job->stop) != 0 || atomic_load(&dispatch->lane->interrupt) != 0)) {
            is_stopped = true;
            atomic_store(&job->stop, 1);
            wj_pool_interrupt(pool);
        }
    }
}

static bool prepare(struct cpu_job *job, struct wj_err *err)
{
    const struct wj_dispatch *dispatch = job->dispatch;
    uint64_t code, enter;
    if (!wj_code_compile(dispatch->instance->code, dispatch->func->func_index, &code, err) ||
        !wj_engine_enter_code(dispatch->kernels->engine, dispatch->func->type, &enter, err)) {
        return false;
    }
    job->code = (void *) (uintptr_t) code;
    job->enter = (wj_enter_fn *) (uintptr_t) enter;
    return true;
}

bool wj_kernel_run_cpu(const struct wj_dispatch *dispatch, struct wj_trap **trap)
{
    struct wj_kernels *kernels = dispatch->kernels;
    uint64_t plane = (uint64_t) dispatch->nx * dispatch->ny;
    if (!dispatch->kernel->facts.is_parallel || kernels->pool == NULL ||
        plane > UINT64_MAX / 2 / dispatch->nz) {
        return false;
    }
    struct cpu_job job = {.dispatch = dispatch, .count = plane * dispatch->nz};
    uint32_t workers = fit_stacks(&job, kernels->engine->settings.threads - 1);
    struct wj_err err;
    wj_err_clear(&err);
    if (workers == 0) {
        return false;
    }
    if (!prepare(&job, &err)) {
        *trap = wj_trap_new(WJ_TRAP_HOST, err.message, strlen(err.message));
        return true;
    }
    job.part = job.count / ((uint64_t) (workers + 1) * PARTS) + 1;
    pthread_mutex_init(&job.lock, NULL);
    take_parts(&job, dispatch->lane, dispatch->instance, ALONE_NS);
    if (atomic_load(&job.next) < job.count && job.trap == NULL) {
        uint32_t available = wj_pool_take(kernels->pool);
        if (available != 0) {
            run_on_pool(&job, available < workers ? available : workers);
            wj_pool_give(kernels->pool);
        } else {
            take_parts(&job, dispatch->lane, dispatch->instance, UINT64_MAX);
        }
    }
    pthread_mutex_destroy(&job.lock);
    *trap = job.trap;
    return true;
}
