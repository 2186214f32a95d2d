// Items and groups on all cores: each worker has a copy of the instance, its own stack, its own
// slice of the shadow stack, and takes items from one counter. The first trap stops all.
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
    void *lanes;                // for WJ_LANES items at a time, or NULL
    uint64_t count;             // of items, or groups
    enum wj_kernel_order order; // of the items of a phase, and of parts of one
    uint64_t part;              // how many are taken at a time
    _Atomic uint64_t next;
    _Atomic uint32_t stop;
    pthread_mutex_t lock; // of trap
    struct wj_trap *trap;
    // A thread's slice of the shadow stack: scratch memory of its group, frames of the kernel. The
    // dispatching thread has the first, workers those below it.
    bool uses_stack;
    uint32_t stack_top; // below the dispatching frame
    uint32_t scratch_bytes;
    uint32_t slice_bytes;
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

// A permutation of [0, 2^(2 * bits)): four rounds of a Feistel network.
static uint64_t permute(uint64_t value, unsigned bits)
{
    uint64_t mask = (1ull << bits) - 1;
    uint64_t left = value >> bits, right = value & mask;
    for (uint64_t round = 1; round <= 4; round++) {
        uint64_t mixed = (right + round) * 0x9e3779b97f4a7c15u;
        mixed = (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9u;
        uint64_t next = left ^ ((mixed ^ mixed >> 32) & mask);
        left = right;
        right = next;
    }
    return left << bits | right;
}

// Which of [0, count) comes as number i.
static uint64_t nth(enum wj_kernel_order order, uint64_t i, uint64_t count)
{
    if (order == WJ_ORDER_PORTABLE || order == WJ_ORDER_LANES) {
        return i;
    }
    if (order == WJ_ORDER_REVERSED) {
        return count - 1 - i;
    }
    unsigned bits = 1;
    while (bits < 31 && count > 1ull << (2 * bits)) {
        bits++;
    }
    do { // the cycle that starts in the range comes back to it
        i = permute(i, bits);
    } while (i >= count);
    return i;
}

// A thread at work on the job.
struct cpu_thread {
    struct cpu_job *job;
    struct wj_lane *lane;
    struct wj_instance *instance;
    uint32_t scratch; // address of the group's memory
    struct wj_activation activation;
    uint64_t wasm_sp;
};

// One item, or as many as the code does, from x on. True: trapped.
static bool run_items(struct cpu_thread *thread, void *code, uint32_t x, uint32_t y, uint32_t z)
{
    union wj_cell cells[4] = {
        {.i64 = x},
        {.i64 = y},
        {.i64 = z},
        {.i64 = thread->job->dispatch->args},
    };
    bool is_trapped = thread->job->enter(&thread->activation, code, thread->instance, cells) != 0;
    thread->activation.wasm_sp = thread->wasm_sp; // calls into the runtime move it
    return is_trapped;
}

// All items of a group finish a phase before any starts the next. True: trapped.
static bool run_group(struct cpu_thread *thread, uint32_t x, uint32_t y, uint32_t z)
{
    const struct wj_dispatch *dispatch = thread->job->dispatch;
    const struct wj_gpu_shape *shape = &dispatch->shape;
    uint32_t own = thread->scratch + ((shape->shared_bytes + 15u) & ~15u);
    uint32_t own_stride = wj_kernel_own_stride(shape);
    memset(thread->instance->memory0_base + thread->scratch, 0, thread->job->scratch_bytes);
    for (uint32_t phase = 0; phase < dispatch->phases; phase++) {
        for (uint32_t i = 0, count; i < shape->items; i += count) {
            count = thread->job->lanes != NULL && shape->items - i >= WJ_LANES ? WJ_LANES : 1;
            uint32_t item = (uint32_t) nth(thread->job->order, i, shape->items);
            union wj_cell cells[8] = {
                {.i64 = x},
                {.i64 = y},
                {.i64 = z},
                {.i64 = item},
                {.i64 = phase},
                {.i64 = thread->scratch},
                {.i64 = own + item * own_stride},
                {.i64 = dispatch->args},
            };
            void *code = count == 1 ? thread->job->code : thread->job->lanes;
            if (thread->job->enter(&thread->activation, code, thread->instance, cells) != 0) {
                return true;
            }
            thread->activation.wasm_sp = thread->wasm_sp;
        }
    }
    return false;
}

// Items, or groups, [first, end). True: trapped.
static bool run_part(struct cpu_thread *thread, uint64_t first, uint64_t end)
{
    const struct wj_dispatch *dispatch = thread->job->dispatch;
    bool has_groups = dispatch->shape.items != 0;
    uint32_t x = (uint32_t) (first % dispatch->nx);
    uint64_t row = first / dispatch->nx;
    uint32_t y = (uint32_t) (row % dispatch->ny), z = (uint32_t) (row / dispatch->ny);
    void *code = thread->job->code, *lanes = has_groups ? NULL : thread->job->lanes;
    for (uint64_t i = first, count; i < end; i += count) {
        bool are_several = lanes != NULL && x % WJ_LANES == 0 && end - i >= WJ_LANES &&
                           dispatch->nx - x >= WJ_LANES;
        count = are_several ? WJ_LANES : 1;
        if (has_groups ? run_group(thread, x, y, z)
                       : run_items(thread, are_several ? lanes : code, x, y, z)) {
            return true;
        }
        x += (uint32_t) count;
        if (x == dispatch->nx) {
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
static void take_parts(struct cpu_thread *thread, uint64_t limit_ns)
{
    struct cpu_job *job = thread->job;
    struct wj_activation *previous;
    struct wj_trap *trap = wj_call_begin(thread->lane, &thread->activation, &previous);
    if (trap != NULL) {
        record_trap(job, trap);
        return;
    }
    thread->wasm_sp = thread->activation.wasm_sp;
    uint64_t start_ns = limit_ns == UINT64_MAX ? 0 : wj_now_ns();
    uint64_t part = limit_ns == UINT64_MAX ? job->part : job->part < WJ_LANES ? 1 : WJ_LANES;
    bool is_trapped = false;
    while (!is_trapped && atomic_load_explicit(&job->stop, memory_order_relaxed) == 0) {
        uint64_t first = atomic_fetch_add(&job->next, part);
        if (first >= job->count) {
            break;
        }
        uint64_t end = job->count - first < part ? job->count : first + part;
        if (job->order == WJ_ORDER_REVERSED || job->order == WJ_ORDER_SHUFFLED) {
            first = nth(job->order, first, job->count);
            end = first + 1;
        }
        is_trapped = run_part(thread, first, end);
        if (limit_ns != UINT64_MAX) {
            if (wj_now_ns() - start_ns > limit_ns) {
                break;
            }
            part = part * 2 < job->part ? part * 2 : job->part;
        }
    }
    record_trap(job, wj_call_end(thread->lane, &thread->activation, previous, is_trapped));
}

static union wj_cell *stack_pointer_of(struct wj_instance *instance)
{
    struct wj_instance_layout layout = wj_instance_layout(instance->module);
    union wj_cell *globals = (union wj_cell *) (void *) ((char *) instance + layout.globals);
    return &globals[WJ_STACK_POINTER_GLOBAL];
}

uint64_t wj_kernel_stack_pointer(const struct wj_instance *instance)
{
    const union wj_cell *cell = stack_pointer_of((struct wj_instance *) instance);
    return wj_kernel_is_64(instance->module) ? cell->i64 : cell->i32;
}

static void set_stack_pointer(struct wj_instance *instance, uint64_t value)
{
    union wj_cell *cell = stack_pointer_of(instance);
    if (wj_kernel_is_64(instance->module)) {
        cell->i64 = value;
    } else {
        cell->i32 = (uint32_t) value;
    }
}

// Gives the thread its slice, with the group's memory on top of it.
static void use_slice(struct cpu_thread *thread, uint32_t number)
{
    const struct cpu_job *job = thread->job;
    if (job->uses_stack) {
        thread->scratch = job->stack_top - number * job->slice_bytes - job->scratch_bytes;
        set_stack_pointer(thread->instance, thread->scratch);
    }
}

// The dispatching thread's part.
static void take_own_parts(struct cpu_job *job, uint64_t limit_ns)
{
    struct wj_instance *instance = job->dispatch->instance;
    struct cpu_thread thread = {
        .job = job,
        .lane = job->dispatch->lane,
        .instance = instance,
    };
    uint64_t saved = job->uses_stack ? wj_kernel_stack_pointer(instance) : 0;
    use_slice(&thread, 0);
    take_parts(&thread, limit_ns);
    if (job->uses_stack) {
        set_stack_pointer(instance, saved);
    }
}

static void run_worker(void *context, uint32_t worker, struct wj_lane *lane)
{
    struct cpu_job *job = context;
    struct wj_instance *copy = wj_kernel_instance_copy(job->dispatch);
    if (copy == NULL) {
        return; // the others do its part
    }
    copy->activation_slot = &lane->activation;
    struct cpu_thread thread = {.job = job, .lane = lane, .instance = copy};
    use_slice(&thread, worker + 1);
    take_parts(&thread, UINT64_MAX);
    free(copy);
}

// Lays out the slices of the shadow stack, below the dispatching frame, and counts them. False:
// the stack is not as it should be.
static bool lay_out_stack(struct cpu_job *job, uint32_t *slices)
{
    const struct wj_dispatch *dispatch = job->dispatch;
    const struct wj_gpu_shape *shape = &dispatch->shape;
    *slices = UINT32_MAX;
    job->uses_stack = dispatch->kernel->facts.uses_stack && dispatch->plan->has_stack;
    // Where the group's memory is to lie, the dispatch function itself must keep its own.
    if (shape->items != 0 && !(job->uses_stack && dispatch->dispatcher->moves_stack)) {
        return false;
    }
    if (!job->uses_stack) {
        return true;
    }
    const struct wj_memory *memory = dispatch->instance->memory0;
    const uint64_t stack_top = wj_kernel_stack_pointer(dispatch->instance) & ~(uint64_t) 15;
    if (stack_top > UINT32_MAX) {
        return false;
    }
    job->stack_top = (uint32_t) stack_top;
    job->scratch_bytes =
        ((shape->shared_bytes + 15u) & ~15u) + wj_kernel_own_stride(shape) * shape->items;
    job->slice_bytes = job->scratch_bytes + ((dispatch->kernel->facts.stack_bytes + 15u) & ~15u);
    *slices = job->stack_top / job->slice_bytes;
    return memory != NULL && job->stack_top <= atomic_load(&memory->size_bytes);
}

// How many workers have room for their slices.
static uint32_t fit_stacks(struct cpu_job *job, uint32_t workers)
{
    uint32_t slices;
    if (!lay_out_stack(job, &slices)) {
        return 0;
    }
    if (!job->uses_stack) {
        return workers;
    }
    // A stack that is not the first one is a thread's own. The dispatching thread needs a slice
    // too; the lowest is left as a margin.
    if (job->stack_top > job->dispatch->plan->stack_top || slices < 3) {
        return 0;
    }
    return slices - 2 < workers ? slices - 2 : workers;
}

static void run_on_pool(struct cpu_job *job, uint32_t workers)
{
    const struct wj_dispatch *dispatch = job->dispatch;
    struct wj_pool *pool = dispatch->kernels->pool;
    wj_pool_start(pool, dispatch->instance->store, workers, run_worker, job);
    take_own_parts(job, UINT64_MAX);
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

// A copy of the dispatching instance that has the views in place of its memories.
static struct wj_instance *instance_on(const struct wj_dispatch *dispatch,
                                       struct wj_memory *const *views)
{
    struct wj_instance_layout layout = wj_instance_layout(dispatch->instance->module);
    struct wj_instance *copy = wj_kernel_instance_copy(dispatch);
    if (copy != NULL) {
        copy->memory0 = views[0];
        copy->memory0_base = views[0]->base;
        memcpy((char *) copy + layout.memories, views,
               dispatch->instance->module->memory_count * sizeof *views);
    }
    return copy;
}

bool wj_kernel_run_numbers(const struct wj_dispatch *dispatch, struct wj_memory *const *views,
                           const uint64_t *numbers, uint64_t count, struct wj_trap **trap)
{
    struct cpu_job job = {.dispatch = dispatch};
    uint32_t slices;
    struct wj_err err;
    wj_err_clear(&err);
    if (!lay_out_stack(&job, &slices) || slices == 0 || !prepare(&job, &err)) {
        return false;
    }
    struct cpu_thread thread = {
        .job = &job,
        .lane = dispatch->lane,
        .instance = instance_on(dispatch, views),
    };
    if (thread.instance == NULL) {
        return false;
    }
    use_slice(&thread, 0);
    struct wj_activation *previous;
    *trap = wj_call_begin(thread.lane, &thread.activation, &previous);
    if (*trap == NULL) {
        thread.wasm_sp = thread.activation.wasm_sp;
        bool is_trapped = false;
        for (uint64_t i = 0; !is_trapped && i < count; i++) {
            is_trapped = run_part(&thread, numbers[i], numbers[i] + 1);
        }
        *trap = wj_call_end(thread.lane, &thread.activation, previous, is_trapped);
    }
    free(thread.instance);
    return true;
}

void wj_kernel_dead_stack(const struct wj_dispatch *dispatch, uint64_t *first, uint64_t *end)
{
    struct cpu_job job = {.dispatch = dispatch};
    uint32_t slices;
    *first = *end = 0;
    if (lay_out_stack(&job, &slices) && job.uses_stack) {
        *end = wj_kernel_stack_pointer(dispatch->instance);
        *first = slices == 0 ? 0 : job.stack_top - job.slice_bytes;
    }
}

bool wj_kernel_run_ordered(const struct wj_dispatch *dispatch, enum wj_kernel_order order,
                           struct wj_trap **trap)
{
    uint64_t plane = (uint64_t) dispatch->nx * dispatch->ny;
    struct cpu_job job = {.dispatch = dispatch, .order = order, .part = 1};
    uint32_t slices;
    struct wj_err err;
    wj_err_clear(&err);
    if (plane > INT64_MAX / dispatch->nz || !lay_out_stack(&job, &slices) || slices == 0) {
        return false;
    }
    if (!prepare(&job, &err)) {
        *trap = wj_trap_new(WJ_TRAP_HOST, err.message, strlen(err.message));
        return true;
    }
    job.count = plane * dispatch->nz;
    if (order == WJ_ORDER_LANES) {
        job.part = job.count;
        job.lanes = wj_kernel_lanes_code(dispatch);
        if (job.lanes == NULL) {
            return false;
        }
    }
    pthread_mutex_init(&job.lock, NULL);
    take_own_parts(&job, UINT64_MAX);
    pthread_mutex_destroy(&job.lock);
    *trap = job.trap;
    return true;
}

// Without other threads, lanes make it worth not to leave all to the portable body.
static bool is_alone_in_lanes(struct cpu_job *job)
{
    uint32_t slices;
    job->lanes =
        lay_out_stack(job, &slices) && slices != 0 ? wj_kernel_lanes_code(job->dispatch) : NULL;
    return job->lanes != NULL;
}

static void run_all(struct cpu_job *job, uint32_t workers)
{
    struct wj_pool *pool = job->dispatch->kernels->pool;
    job->part = job->count / ((uint64_t) (workers + 1) * PARTS) + 1;
    if (job->lanes != NULL && job->dispatch->shape.items == 0) {
        job->part = (job->part + WJ_LANES - 1) / WJ_LANES * WJ_LANES;
    }
    take_own_parts(job, workers != 0 ? ALONE_NS : UINT64_MAX);
    if (atomic_load(&job->next) >= job->count || job->trap != NULL) {
        return;
    }
    uint32_t available = wj_pool_take(pool);
    if (available != 0) {
        run_on_pool(job, available < workers ? available : workers);
        wj_pool_give(pool);
    } else {
        take_own_parts(job, UINT64_MAX);
    }
}

bool wj_kernel_run_cpu(const struct wj_dispatch *dispatch, struct wj_trap **trap)
{
    struct wj_kernels *kernels = dispatch->kernels;
    uint64_t plane = (uint64_t) dispatch->nx * dispatch->ny;
    if (!dispatch->kernel->facts.is_parallel || plane > UINT64_MAX / 2 / dispatch->nz) {
        return false;
    }
    struct cpu_job job = {.dispatch = dispatch, .count = plane * dispatch->nz};
    uint32_t workers =
        kernels->pool == NULL ? 0 : fit_stacks(&job, kernels->engine->settings.threads - 1);
    struct wj_err err;
    wj_err_clear(&err);
    if (workers == 0 && !is_alone_in_lanes(&job)) {
        return false;
    }
    if (!prepare(&job, &err)) {
        *trap = wj_trap_new(WJ_TRAP_HOST, err.message, strlen(err.message));
        return true;
    }
    job.lanes = wj_kernel_lanes_code(dispatch);
    pthread_mutex_init(&job.lock, NULL);
    run_all(&job, workers);
    pthread_mutex_destroy(&job.lock);
    *trap = job.trap;
    return true;
}
