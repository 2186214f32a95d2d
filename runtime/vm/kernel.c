// The function that stands in for the dispatch functions of wjit/gpu.h: it finds the kernel and
// decides where its items run.
#include "runtime/vm/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "runtime/vm/call.h"
#include "runtime/vm/code.h"
#include "runtime/vm/kernel_state.h"
#include "runtime/vm/link.h"
#include "runtime/vm/store.h"

static bool fail_nomem(struct wj_err *err)
{
    return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
}

// ---- Of an engine -------------------------------------------------------------------------------

bool wj_kernels_new(struct wj_engine *engine, struct wj_kernels **out, struct wj_err *err)
{
    struct wj_kernels *kernels = calloc(1, sizeof *kernels);
    if (kernels == NULL) {
        return fail_nomem(err);
    }
    kernels->engine = engine;
    pthread_mutex_init(&kernels->lock, NULL);
    pthread_mutex_init(&kernels->gpu_lock, NULL);
    uint64_t random = wj_now_ns(); // where the system has no better number yet
    ssize_t size = getrandom(&random, sizeof random, GRND_NONBLOCK);
    (void) size;
    atomic_init(&kernels->random, random);
    *out = kernels; // freed with the engine, also after a failure
    if (engine->settings.threads > 1) {
        kernels->pool = wj_pool_new(engine->settings.threads - 1);
        if (kernels->pool == NULL) {
            return fail_nomem(err);
        }
    }
    return wj_kernel_gpu_open(kernels, err);
}

void wj_kernels_free(struct wj_kernels *kernels)
{
    if (kernels == NULL) {
        return;
    }
    wj_pool_free(kernels->pool);
    wj_kernel_gpu_close(kernels);
    struct wj_kernel *next;
    for (struct wj_kernel *kernel = kernels->records; kernel != NULL; kernel = next) {
        next = kernel->next;
        free(kernel);
    }
    pthread_mutex_destroy(&kernels->lock);
    pthread_mutex_destroy(&kernels->gpu_lock);
    free(kernels);
}

bool wj_kernels_device(const struct wj_kernels *kernels, struct wj_gpu_info *info)
{
    if (kernels->device != NULL) {
        *info = kernels->info;
    }
    return kernels->device != NULL;
}

void wj_kernels_visit(struct wj_kernels *kernels,
                      void (*visit)(void *env, const struct wj_kernel_report *report), void *env)
{
    pthread_mutex_lock(&kernels->lock);
    for (struct wj_kernel *kernel = kernels->records; kernel != NULL; kernel = kernel->next) {
        struct wj_kernel_report report = kernel->report;
        if (report.is_dispatcher && report.dispatches == 0 && report.reason[0] == '\0') {
            wj_kernel_explain_idle(kernel, &report);
        }
        visit(env, &report);
    }
    pthread_mutex_unlock(&kernels->lock);
}

// ---- Dispatch -----------------------------------------------------------------------------------

// The arguments of a dispatch function.
static const struct dispatch_args {
    uint8_t kernel, args; // positions of cells
} dispatch_args[WJ_DISPATCH_COUNT] = {
    [WJ_DISPATCH_FOR] = {3, 4},
    [WJ_DISPATCH_GROUPS] = {7, 8},
};

struct binding {
    struct wj_instance *instance;
    struct wj_kernel_plan *plan;
    enum wj_dispatch_kind kind;
};

// The function's own body: one thread, the portable order.
static struct wj_trap *run_portable(const struct binding *binding, union wj_cell *cells)
{
    struct wj_instance *instance = binding->instance;
    struct wj_engine *engine = instance->store->engine;
    uint32_t func_index = binding->plan->dispatchers[binding->kind].func_index;
    const struct wj_type *type =
        wj_types_get(engine->types, instance->module->funcs[func_index].type_id);
    uint64_t code, enter;
    struct wj_err err;
    wj_err_clear(&err);
    if (!wj_code_compile(instance->code, func_index, &code, &err) ||
        !wj_engine_enter_code(engine, type, &enter, &err)) {
        return wj_trap_new(WJ_TRAP_HOST, err.message, strlen(err.message));
    }
    struct wj_callee callee = {&instance->store->lane, (wj_enter_fn *) (uintptr_t) enter,
                               (void *) (uintptr_t) code, instance};
    return wj_call_code(&callee, cells);
}

// The kernel that a table index stands for, or NULL when it is nothing that may run elsewhere than
// in the portable body (which then traps as it should).
static struct wj_funcref *find_func(const struct binding *binding, const union wj_cell *cell)
{
    const struct wj_table *table = wj_instance_table(binding->instance, 0);
    const bool is_64 = wj_kernel_is_64(binding->plan->module);
    // A table with 32-bit indexes is asked for the low half of a pointer.
    const uint64_t index = is_64 && table->type.limits.is_64 ? cell->i64 : cell->i32;
    if (index >= table->size || table->type.element != WJ_TYPE_FUNCREF) {
        return NULL;
    }
    struct wj_funcref *func = table->elements[index];
    bool is_ours = func != NULL && func->host == NULL && func->instance == binding->instance &&
                   func->func_index >= binding->plan->module->func_import_count;
    const bool is_group = binding->kind == WJ_DISPATCH_GROUPS;
    return is_ours && wj_kernel_is_kernel(&func->type->func, is_group, is_64) ? func : NULL;
}

static void report_run(struct wj_kernels *kernels, struct wj_kernel *kernel, bool on_gpu,
                       bool is_parallel, uint64_t ns)
{
    pthread_mutex_lock(&kernels->lock);
    struct wj_kernel_report *report = &kernel->report;
    report->dispatches++;
    report->on_gpu = on_gpu;
    if (!on_gpu) {
        report->is_parallel = is_parallel;
        report->cpu_ns += ns;
        if (report->reason[0] == '\0' && !is_parallel) {
            memcpy(report->reason, kernel->why_alone, sizeof report->reason);
            report->reason_offset = kernel->why_alone_offset;
        }
    }
    pthread_mutex_unlock(&kernels->lock);
}

// The limits of wjit/gpu.h: beyond them the portable body traps before any item runs.
static bool is_within_limits(const struct wj_gpu_shape *shape)
{
    enum { ITEMS_MAX = 128, BYTES_MAX = 16384 };
    return shape->items <= ITEMS_MAX && shape->shared_bytes <= BYTES_MAX &&
           shape->own_bytes <= BYTES_MAX && wj_kernel_own_stride(shape) * shape->items <= BYTES_MAX;
}

// What the cells ask for. False: nothing is to be done, or `is_portable`: by the portable body.
static bool read_work(const struct binding *binding, const union wj_cell *cells,
                      struct wj_dispatch *work, bool *is_portable)
{
    work->nx = cells[0].i32;
    work->ny = cells[1].i32;
    work->nz = cells[2].i32;
    work->phases = 1;
    const union wj_cell *args = &cells[dispatch_args[binding->kind].args];
    work->args = wj_kernel_is_64(binding->plan->module) ? args->i64 : args->i32;
    if (binding->kind == WJ_DISPATCH_GROUPS) {
        work->shape = (struct wj_gpu_shape){
            .items = cells[3].i32,
            .shared_bytes = cells[5].i32,
            .own_bytes = cells[6].i32,
        };
        work->phases = cells[4].i32;
    }
    bool is_empty = work->nx == 0 || work->ny == 0 || work->nz == 0 || work->phases == 0 ||
                    (binding->kind == WJ_DISPATCH_GROUPS && work->shape.items == 0);
    if (is_empty) {
        return false;
    }
    if (is_within_limits(&work->shape)) {
        work->func = find_func(binding, &cells[dispatch_args[binding->kind].kernel]);
    }
    if (work->func != NULL) {
        work->kernel = wj_kernel_find(work->kernels, binding->plan, work->func->func_index,
                                      work->shape.items != 0);
    }
    *is_portable = work->kernel == NULL;
    return work->kernel != NULL;
}

// On the device, with a sample computed beforehand where that is wanted.
static bool run_on_gpu(const struct wj_dispatch *work, struct wj_trap **trap)
{
    struct wj_kernel_sample *sample = NULL;
    if (work->kernels->engine->settings.gpu_verify_rate > 0 && wj_kernel_gpu_takes(work)) {
        sample = wj_kernel_sample_run(work, trap);
        if (*trap != NULL) {
            return true;
        }
    }
    bool on_gpu = wj_kernel_run_gpu(work, trap);
    if (on_gpu && sample != NULL) {
        struct wj_trap *difference = wj_kernel_sample_compare(sample, work, *trap != NULL);
        if (difference != NULL) {
            wj_trap_release(*trap);
            *trap = difference;
        }
    }
    wj_kernel_sample_free(sample);
    return on_gpu;
}

static struct wj_trap *dispatch(struct wj_host_func *host, struct wj_host_call *call,
                                union wj_cell *cells)
{
    const struct binding *binding = host->env;
    struct wj_kernels *kernels = call->store->engine->kernels;
    struct wj_dispatch work = {
        .kernels = kernels,
        .plan = binding->plan,
        .dispatcher = &binding->plan->dispatchers[binding->kind],
        .instance = binding->instance,
        .lane = &call->store->lane,
    };
    bool is_portable = false;
    bool has_work = read_work(binding, cells, &work, &is_portable);
    if (!has_work && !is_portable) {
        return NULL;
    }
    pthread_mutex_lock(&kernels->lock);
    work.dispatcher->record->report.dispatches++;
    pthread_mutex_unlock(&kernels->lock);
    if (is_portable) {
        return run_portable(binding, cells);
    }
    struct wj_trap *trap = NULL;
    uint64_t start_ns = wj_now_ns();
    bool on_gpu = false, is_parallel = false;
    if (!kernels->engine->settings.checks_kernels || !wj_kernel_check(&work, &on_gpu, &trap)) {
        on_gpu = run_on_gpu(&work, &trap);
        is_parallel = !on_gpu && wj_kernel_run_cpu(&work, &trap);
        if (!on_gpu && !is_parallel) {
            trap = run_portable(binding, cells);
        }
    }
    report_run(kernels, work.kernel, on_gpu, is_parallel && kernels->pool != NULL,
               wj_now_ns() - start_ns);
    return trap;
}

static bool bind_dispatcher(struct wj_instance *instance, enum wj_dispatch_kind kind,
                            struct wj_err *err)
{
    struct wj_store *store = instance->store;
    struct wj_kernel_plan *plan = instance->image->kernels;
    uint32_t func_index = plan->dispatchers[kind].func_index;
    const struct wj_func *func = &instance->module->funcs[func_index];
    struct binding *binding = WJ_ARENA_NEW(&store->arena, struct binding);
    if (binding == NULL) {
        return fail_nomem(err);
    }
    *binding = (struct binding){.instance = instance, .plan = plan, .kind = kind};
    struct wj_host_func stand_in = {.call = dispatch, .env = binding};
    struct wj_host_func *host;
    if (!wj_store_host_func(store, func->type, &stand_in, &host, err)) {
        return false;
    }
    host->funcref.instance = wj_store_context(store, instance, err);
    host->funcref.type_id = func->type_id;
    host->funcref.type = wj_types_get(store->engine->types, func->type_id);
    instance->funcrefs[func_index] = &host->funcref;
    return host->funcref.instance != NULL;
}

bool wj_kernel_bind(struct wj_instance *instance, struct wj_err *err)
{
    const struct wj_kernel_plan *plan = instance->image->kernels;
    for (unsigned i = 0; plan != NULL && i < WJ_DISPATCH_COUNT; i++) {
        if (plan->dispatchers[i].record != NULL &&
            !bind_dispatcher(instance, (enum wj_dispatch_kind) i, err)) {
            return false;
        }
    }
    return true;
}
