// Kernels on a device through the port of gpu.h: which memories it knows, pipelines, and the copy
// to fall back on where the driver cannot be trusted with loops.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/vm/code.h"
#include "runtime/vm/kernel_state.h"
#include "runtime/vm/signals.h"
#include "runtime/vm/store.h"

// Loads the driver, in this process or in one of its own.
static bool load_driver(struct wj_kernels *kernels, struct wj_err *err)
{
    const struct wj_settings *settings = &kernels->engine->settings;
    const struct wj_ports *ports = &kernels->engine->ports;
    const struct wj_gpu_setup setup = {settings->gpu_memory_mode, settings->cache_folder};
    if (settings->gpu_command[0] != '\0') {
        return ports->gpu_remote_load(settings->gpu_command, &setup, &kernels->gpu, err);
    }
    return ports->gpu_driver->load(&kernels->gpu, err) &&
           ports->gpu_set_up(kernels->gpu, &setup, err);
}

// A child has the device's memory, but neither the driver's threads nor, with a driver in a process
// of its own, a connection that is not its parent's: it leaves all of it alone.
static bool is_ours(const struct wj_kernels *kernels)
{
    return kernels->process == wj_process();
}

bool wj_kernel_gpu_open(struct wj_kernels *kernels, struct wj_err *err)
{
    const struct wj_settings *settings = &kernels->engine->settings;
    const struct wj_ports *ports = &kernels->engine->ports;
    const struct wj_gpu_driver *driver = ports->gpu_driver;
    kernels->process = wj_process();
    if (!settings->uses_gpu) {
        return true;
    }
    // Where any device will do, having none is no error.
    struct wj_err failure;
    wj_err_clear(&failure);
    uint32_t index = 0;
    if (driver == NULL) {
        wj_err_set(&failure, WJ_ERR_DEVICE, WJ_NO_OFFSET, "this build has no GPU driver");
    } else if (load_driver(kernels, &failure) &&
               ports->gpu_select(driver, kernels->gpu, settings->gpu_device, &index, &failure) &&
               driver->open(kernels->gpu, index, &kernels->device, &failure)) {
        driver->device_info(kernels->gpu, index, &kernels->info);
        return true;
    }
    if (settings->gpu_device[0] == '\0') {
        return true;
    }
    return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "%s", failure.message);
}

static void entry_free(struct wj_gpu_memory_entry *entry)
{
    if (entry != NULL && entry->copy != NULL) {
        munmap(entry->copy, entry->copy_bytes);
    }
    free(entry);
}

void wj_kernel_gpu_close(struct wj_kernels *kernels)
{
    const struct wj_gpu_driver *driver = kernels->engine->ports.gpu_driver;
    struct wj_gpu_memory_entry *next;
    bool has_device = is_ours(kernels);
    for (struct wj_gpu_memory_entry *entry = kernels->memories; entry != NULL; entry = next) {
        next = entry->next;
        if (has_device) {
            driver->memory_forget(entry->gpu);
        }
        entry_free(entry);
    }
    if (kernels->device != NULL && has_device) {
        driver->close(kernels->device);
    }
    if (kernels->gpu != NULL && has_device) {
        driver->unload(kernels->gpu);
    }
}

void wj_kernels_forget(struct wj_kernels *kernels, const struct wj_memory *memory)
{
    if (kernels == NULL || kernels->device == NULL) {
        return;
    }
    pthread_mutex_lock(&kernels->gpu_lock);
    struct wj_gpu_memory_entry **link = &kernels->memories;
    while (*link != NULL && (*link)->memory != memory) {
        link = &(*link)->next;
    }
    struct wj_gpu_memory_entry *entry = *link;
    if (entry != NULL) {
        *link = entry->next;
        if (is_ours(kernels)) {
            kernels->engine->ports.gpu_driver->memory_forget(entry->gpu);
        }
        entry_free(entry);
    }
    pthread_mutex_unlock(&kernels->gpu_lock);
}

static bool add_memory(struct wj_kernels *kernels, struct wj_gpu_memory_entry *entry,
                       struct wj_memory *memory, struct wj_err *err)
{
    const struct wj_gpu_driver *driver = kernels->engine->ports.gpu_driver;
    entry->size_bytes = atomic_load(&memory->size_bytes);
    entry->memory = memory;
    entry->base = memory->base;
    return driver->memory_add_file != NULL && memory->file >= 0
               ? driver->memory_add_file(kernels->device, memory->file, entry->size_bytes,
                                         &entry->gpu, err)
               : driver->memory_add(kernels->device, memory->base, entry->size_bytes, &entry->gpu,
                                    err);
}

// The memory as the device knows it, in its present size. NULL: it does not.
static struct wj_gpu_memory_entry *find_memory(struct wj_kernels *kernels, struct wj_memory *memory,
                                               struct wj_err *err)
{
    const struct wj_gpu_driver *driver = kernels->engine->ports.gpu_driver;
    uint64_t size_bytes = atomic_load(&memory->size_bytes);
    struct wj_gpu_memory_entry **link = &kernels->memories;
    while (*link != NULL && (*link)->memory != memory) {
        link = &(*link)->next;
    }
    struct wj_gpu_memory_entry *entry = *link;
    if (entry != NULL && entry->base == memory->base) {
        if (entry->size_bytes != size_bytes) {
            if (!driver->memory_resize(entry->gpu, size_bytes, err)) {
                return NULL;
            }
            entry->size_bytes = size_bytes;
        }
        return entry;
    }
    if (entry != NULL) { // the memory has moved
        driver->memory_forget(entry->gpu);
        *link = entry->next;
    } else {
        entry = calloc(1, sizeof *entry);
    }
    if (entry == NULL) {
        wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
        return NULL;
    }
    if (!add_memory(kernels, entry, memory, err)) {
        entry_free(entry);
        return NULL;
    }
    entry->next = kernels->memories;
    kernels->memories = entry;
    return entry;
}

static bool refuse(struct wj_kernel *kernel, const struct wj_err *reason)
{
    kernel->gpu_state = WJ_KERNEL_GPU_REFUSED;
    snprintf(kernel->report.reason, sizeof kernel->report.reason, "%s", reason->message);
    kernel->report.reason_offset = reason->offset;
    return false;
}

static bool refuse_because(struct wj_kernel *kernel, const char *why)
{
    struct wj_err reason;
    wj_err_clear(&reason);
    wj_err_set(&reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET, "%s", why);
    return refuse(kernel, &reason);
}

// This dispatch goes to the CPU; the next one is asked anew.
static bool decline(struct wj_kernel *kernel, const char *why)
{
    snprintf(kernel->report.reason, sizeof kernel->report.reason, "%s", why);
    kernel->report.reason_offset = WJ_NO_OFFSET;
    return false;
}

static bool translate(const struct wj_dispatch *dispatch, const struct wj_gpu_shape *shape,
                      struct wj_gpu_code *code, struct wj_err *reason)
{
    struct wj_engine *engine = dispatch->kernels->engine;
    struct wj_gpu_caps caps = *engine->ports.gpu_driver->caps(dispatch->kernels->device);
    caps.wants_canonical_nans = engine->settings.is_deterministic;
    return engine->ports.gpu_translate(dispatch->plan->module, dispatch->func->func_index, shape,
                                       &caps, code, reason);
}

// What keeps the function off the device that an item called, by translating the kernel once more.
static void explain_left(const struct wj_dispatch *dispatch, const struct wj_gpu_shape *shape,
                         const struct wj_gpu_trap *record)
{
    struct wj_gpu_left left = {.call_at = record->wasm_offset, .entry = record->address};
    struct wj_gpu_code code = {.left = &left};
    struct wj_err why;
    char at[32] = "";
    wj_err_clear(&why);
    if (!translate(dispatch, shape, &code, &why) || left.why.kind == WJ_ERR_NONE) {
        left.why = why;
    }
    free((void *) code.words);
    if (left.why.offset != WJ_NO_OFFSET) {
        snprintf(at, sizeof at, " (byte %zu)", left.why.offset);
    }
    wj_err_clear(&why);
    wj_err_set(&why, WJ_ERR_UNSUPPORTED, record->wasm_offset,
               "an item called entry %u of a table, which cannot run on the device: %.120s%s",
               left.entry, left.why.message, at);
    refuse(dispatch->kernel, &why);
}

// An item called what the device cannot run. A kernel that does so again and again is not tried any
// more; what is said of it is said of the first time.
static bool leave_to_host(const struct wj_dispatch *dispatch, const struct wj_gpu_shape *shape,
                          const struct wj_gpu_trap *record)
{
    enum { TIMES_MAX = 3 };
    struct wj_kernel *kernel = dispatch->kernel;
    if (kernel->left_count == 0) {
        explain_left(dispatch, shape, record);
    }
    bool is_over = ++kernel->left_count == TIMES_MAX;
    kernel->gpu_state = is_over ? WJ_KERNEL_GPU_REFUSED : WJ_KERNEL_GPU_READY;
    return false;
}

// Whether another thread may be using the memory: the device would not see what it stores, and
// what it stores could be lost when a dispatch is undone or its blocks come back.
static bool is_shared_now(const struct wj_memory *memory)
{
    return memory->type.limits.is_shared && atomic_load(&memory->references) > 1;
}

// Kernels reckon in addresses of 32 bits, and one of 64 bits that has more is outside.
#define BYTES_64_MAX ((1ull << 32) - 65536)
// How many shapes of group a kernel is made for.
#define SHADERS_MAX 16u

void wj_kernel_gpu_free(struct wj_engine *engine, struct wj_kernel *kernel)
{
    struct wj_kernel_shader *next;
    for (struct wj_kernel_shader *shader = kernel->shaders; shader != NULL; shader = next) {
        next = shader->next;
        if (is_ours(engine->kernels)) {
            engine->ports.gpu_driver->kernel_free(shader->gpu);
        }
        free(shader);
    }
    kernel->shaders = NULL;
    kernel->shader_count = 0;
}

// Translates the kernel and makes its pipeline.
static bool make_shader(const struct wj_dispatch *dispatch, struct wj_kernel_shader *shader,
                        struct wj_err *reason)
{
    struct wj_engine *engine = dispatch->kernels->engine;
    const struct wj_gpu_driver *driver = engine->ports.gpu_driver;
    struct wj_gpu_code code = {0};
    if (!translate(dispatch, &shader->shape, &code, reason)) {
        return false;
    }
    shader->has_loops = code.has_loops;
    shader->leaves_to_host = code.leaves_to_host;
    shader->memory_count = code.memory_count;
    memcpy(shader->memories, code.memories, sizeof shader->memories);
    double pipeline_ms = 0;
    bool is_made = false;
    if (driver->caps(dispatch->kernels->device)->loop_iterations_max != 0 && code.has_loops &&
        !code.counts_fuel) {
        wj_err_set(reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                   "has loops, which this driver ends silently");
    } else {
        is_made = driver->kernel_new(dispatch->kernels->device, &code, &shader->gpu, &pipeline_ms,
                                     reason);
    }
    free((void *) code.words);
    atomic_fetch_add(&engine->stats.pipeline_ns, (uint64_t) (pipeline_ms * 1e6));
    return is_made;
}

// The kernel for this shape of group, made when it is first met. NULL: it stays on the CPU.
static struct wj_kernel_shader *find_shader(const struct wj_dispatch *dispatch,
                                            const struct wj_gpu_shape *shape)
{
    struct wj_kernel *kernel = dispatch->kernel;
    struct wj_kernel_shader *shader = kernel->shaders;
    while (shader != NULL && memcmp(&shader->shape, shape, sizeof shader->shape) != 0) {
        shader = shader->next;
    }
    if (shader != NULL) {
        return shader;
    }
    struct wj_err reason;
    wj_err_clear(&reason);
    shader = calloc(1, sizeof *shader);
    if (shader == NULL || kernel->shader_count == SHADERS_MAX) {
        free(shader);
        refuse_because(kernel, "is dispatched in too many shapes of group");
        return NULL;
    }
    shader->shape = *shape;
    if (!make_shader(dispatch, shader, &reason)) {
        free(shader);
        refuse(kernel, &reason);
        return NULL;
    }
    shader->next = kernel->shaders;
    kernel->shaders = shader;
    kernel->shader_count++;
    return shader;
}

static struct wj_trap *trap_out(const struct wj_dispatch *dispatch, const struct wj_gpu_trap *from)
{
    enum wj_trap_kind kind =
        from->kind <= WJ_TRAP_OUT_OF_MEMORY ? (enum wj_trap_kind) from->kind : WJ_TRAP_HOST;
    struct wj_trap *trap = wj_trap_new(kind, NULL, 0);
    struct wj_trap_frame *frame = calloc(1, sizeof *frame);
    if (frame != NULL && trap->kind == kind && kind != WJ_TRAP_OUT_OF_MEMORY) {
        *frame = (struct wj_trap_frame){
            .instance = dispatch->instance,
            .func_index = dispatch->func->func_index,
            .wasm_offset = from->wasm_offset,
        };
        trap->frames = frame;
        trap->frame_count = 1;
        trap->has_frames = true;
    } else {
        free(frame);
    }
    return trap;
}

#define PAGE_BYTES 4096u

void wj_kernel_copy_pages(uint8_t *to, const uint8_t *from, uint64_t size_bytes,
                          uint64_t fresh_bytes)
{
    static const uint8_t zeros[PAGE_BYTES];
    uint64_t used_bytes = size_bytes - fresh_bytes;
    for (uint64_t at = 0; at < size_bytes; at += PAGE_BYTES) {
        uint64_t bytes = size_bytes - at < PAGE_BYTES ? size_bytes - at : PAGE_BYTES;
        // Reading a fresh page would map it, and writing it then fault once more.
        const uint8_t *now = at < used_bytes ? to + at : zeros;
        if (memcmp(now, from + at, bytes) != 0) {
            memcpy(to + at, from + at, bytes);
        }
    }
}

// Makes entry->copy a copy of the memory. It is kept from dispatch to dispatch, since few pages
// differ from one to the next.
static bool copy_memory(struct wj_gpu_memory_entry *entry)
{
    uint64_t size_bytes = entry->size_bytes;
    if (entry->copy_bytes < size_bytes) {
        // Room to grow costs nothing until it is touched.
        uint64_t wanted = size_bytes < UINT64_MAX / 2 ? size_bytes * 2 : size_bytes;
        if (entry->copy != NULL) {
            munmap(entry->copy, entry->copy_bytes);
        }
        entry->copy = NULL;
        entry->copy_bytes = entry->copy_used_bytes = 0;
        void *copy = mmap(NULL, wanted, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (copy == MAP_FAILED) {
            return false;
        }
        entry->copy = copy;
        entry->copy_bytes = wanted;
    }
    uint64_t used_bytes = entry->copy_used_bytes;
    wj_kernel_copy_pages(entry->copy, entry->base, size_bytes,
                         size_bytes > used_bytes ? size_bytes - used_bytes : 0);
    entry->copy_used_bytes = size_bytes > used_bytes ? size_bytes : used_bytes;
    return true;
}

// A bit for each memory of the module that is reached by its address.
static uint32_t find_far(const struct wj_dispatch *dispatch)
{
    struct wj_kernels *kernels = dispatch->kernels;
    const struct wj_gpu_caps *caps = kernels->engine->ports.gpu_driver->caps(kernels->device);
    struct wj_memory *const *memories = wj_kernel_memories(dispatch->instance);
    uint32_t far = 0;
    for (uint32_t i = 0; i < dispatch->plan->module->memory_count && i < 32; i++) {
        const bool is_far = wj_gpu_needs_address(caps, atomic_load(&memories[i]->size_bytes));
        far |= (uint32_t) is_far << i;
    }
    return far;
}

// The addresses below the dispatching frame that are the items' own. The kernel's stack is known
// when its items may run in parallel.
static bool lay_out_window(const struct wj_dispatch *dispatch, struct wj_gpu_shape *shape,
                           uint32_t *window)
{
    const struct wj_kernel_facts *facts = &dispatch->kernel->facts;
    struct wj_memory *memory = dispatch->instance->memory0;
    *shape = dispatch->shape;
    *window = 0;
    shape->far_memories = find_far(dispatch);
    if (!facts->is_for_device || !facts->uses_stack || !dispatch->plan->has_stack) {
        return shape->items == 0 ||
               refuse_because(dispatch->kernel, "has group memory, and no stack to lay it on");
    }
    shape->stack_bytes = (facts->device_stack_bytes + 15u) & ~15u;
    const uint64_t pointer = wj_kernel_stack_pointer(dispatch->instance);
    const uint32_t top = pointer > UINT32_MAX ? 0 : (uint32_t) pointer & ~15u;
    uint64_t bytes = (uint64_t) shape->stack_bytes + ((shape->shared_bytes + 15u) & ~15u) +
                     ((shape->own_bytes + 15u) & ~15u);
    if (memory == NULL || bytes > top || top > atomic_load(&memory->size_bytes)) {
        return refuse_because(dispatch->kernel, "has no room on the stack");
    }
    *window = top - (uint32_t) bytes;
    return true;
}

// Whether the device may work on the memory now.
static bool check_memory(struct wj_kernel *kernel, const struct wj_memory *memory)
{
    if (memory == NULL || memory->type.page_size_log2 != 16 ||
        atomic_load(&memory->size_bytes) == 0) {
        return refuse_because(kernel, "has no memory of ordinary pages");
    }
    if (memory->type.limits.is_64 && atomic_load(&memory->size_bytes) > BYTES_64_MAX) {
        return decline(kernel, "its memory has 4 GiB or more");
    }
    return !is_shared_now(memory) ||
           decline(kernel, "other threads may be using its shared memory");
}

// A dispatch on its way to the device.
struct gpu_run {
    const struct wj_dispatch *dispatch;
    const struct wj_kernel_shader *shader;
    struct wj_gpu_memory_entry *entries[WJ_GPU_MEMORIES_MAX];
    bool has_copies;
    struct wj_gpu_work work;
};

static bool find_memories(struct gpu_run *run)
{
    const struct wj_dispatch *dispatch = run->dispatch;
    struct wj_memory *const *memories = wj_kernel_memories(dispatch->instance);
    struct wj_err err;
    wj_err_clear(&err);
    if (dispatch->plan->module->memory_count == 0) {
        return check_memory(dispatch->kernel, NULL);
    }
    for (uint32_t i = 0; i < run->shader->memory_count; i++) {
        struct wj_memory *memory = memories[run->shader->memories[i]];
        if (!check_memory(dispatch->kernel, memory)) {
            return false;
        }
        run->entries[i] = find_memory(dispatch->kernels, memory, &err);
        if (run->entries[i] == NULL) {
            return refuse(dispatch->kernel, &err);
        }
    }
    return true;
}

// Loop iterations of an item, and copies where the dispatch may have to be undone: a driver in a
// process of its own may go half way, and so may a kernel that calls through tables.
static bool prepare(struct gpu_run *run)
{
    const struct wj_kernels *kernels = run->dispatch->kernels;
    const struct wj_gpu_caps *caps = kernels->engine->ports.gpu_driver->caps(kernels->device);
    const bool is_limited = caps->loop_iterations_max != 0 && run->shader->has_loops;
    run->work.fuel = UINT32_MAX;
    if (is_limited) {
        uint32_t group = caps->loop_group_size == 0 ? 1 : caps->loop_group_size;
        uint32_t most = caps->loop_iterations_max / group;
        run->work.fuel = most == 0 ? 0 : most - 1;
    }
    run->has_copies = is_limited || run->shader->leaves_to_host ||
                      kernels->engine->settings.gpu_command[0] != '\0';
    bool is_good = !run->has_copies || run->work.fuel != 0;
    for (uint32_t i = 0; run->has_copies && is_good && i < run->shader->memory_count; i++) {
        is_good = copy_memory(run->entries[i]);
    }
    return is_good ||
           refuse_because(run->dispatch->kernel, "there is no room for a copy of memory");
}

static void undo(const struct gpu_run *run)
{
    for (uint32_t i = 0; i < run->shader->memory_count; i++) {
        const struct wj_gpu_memory_entry *entry = run->entries[i];
        wj_kernel_copy_pages(entry->base, entry->copy, entry->size_bytes, 0);
    }
}

static bool run_prepared(const struct gpu_run *run, struct wj_trap **trap)
{
    const struct wj_dispatch *dispatch = run->dispatch;
    struct wj_kernel *kernel = dispatch->kernel;
    struct wj_engine *engine = dispatch->kernels->engine;
    struct wj_gpu_memory *memories[WJ_GPU_MEMORIES_MAX] = {NULL};
    for (uint32_t i = 0; i < run->shader->memory_count; i++) {
        memories[i] = run->entries[i]->gpu;
    }
    struct wj_gpu_trap record = {0};
    struct wj_err err;
    wj_err_clear(&err);
    double gpu_ms = 0;
    bool is_run = engine->ports.gpu_driver->dispatch(run->shader->gpu, memories, &run->work,
                                                     &record, &gpu_ms, &err);
    bool is_out_of_fuel = is_run && record.kind == WJ_TRAP_INTERRUPTED;
    bool is_left = is_run && record.kind == WJ_GPU_LEFT_TO_HOST;
    bool is_undone = run->has_copies && (!is_run || is_out_of_fuel || is_left);
    if (is_undone) {
        undo(run);
    }
    if (is_out_of_fuel && is_undone) {
        return refuse_because(kernel, "its loops make more iterations than this driver allows");
    }
    if (is_left && is_undone) {
        return leave_to_host(dispatch, &run->shader->shape, &record);
    }
    if (!is_run) {
        refuse(kernel, &err);
        if (is_undone) {
            return false;
        }
        *trap = wj_trap_new(WJ_TRAP_HOST, err.message, strlen(err.message));
        return true;
    }
    atomic_fetch_add(&engine->stats.dispatches, 1);
    atomic_fetch_add(&engine->stats.gpu_ns, (uint64_t) (gpu_ms * 1e6));
    kernel->report.gpu_dispatches++;
    kernel->report.reason[0] = '\0'; // of a dispatch that was declined before
    kernel->report.gpu_ns += (uint64_t) (gpu_ms * 1e6);
    if (record.kind != WJ_TRAP_NONE) {
        *trap = trap_out(dispatch, &record);
    }
    return true;
}

static bool run_locked(const struct wj_dispatch *dispatch, struct wj_trap **trap)
{
    struct gpu_run run = {
        .dispatch = dispatch,
        .work = {.nx = dispatch->nx,
                 .ny = dispatch->ny,
                 .nz = dispatch->nz,
                 .phases = dispatch->phases,
                 .args = dispatch->args},
    };
    if (dispatch->kernel->gpu_state == WJ_KERNEL_GPU_REFUSED) {
        return false;
    }
    if (!is_ours(dispatch->kernels)) {
        return refuse_because(dispatch->kernel,
                              "the device stays with the process that forked this one");
    }
    uint64_t items = (uint64_t) dispatch->nx * dispatch->ny;
    if (__builtin_mul_overflow(items, dispatch->nz, &items) || items > UINT32_MAX) {
        return decline(dispatch->kernel, "has more items than a device numbers, 4294967295");
    }
    struct wj_gpu_shape shape;
    if (!lay_out_window(dispatch, &shape, &run.work.window)) {
        return false;
    }
    run.shader = find_shader(dispatch, &shape);
    return run.shader != NULL && find_memories(&run) && prepare(&run) && run_prepared(&run, trap);
}

bool wj_kernel_run_gpu(const struct wj_dispatch *dispatch, struct wj_trap **trap)
{
    if (dispatch->kernels->device == NULL) {
        return false;
    }
    pthread_mutex_lock(&dispatch->kernels->gpu_lock);
    bool is_run = run_locked(dispatch, trap);
    pthread_mutex_unlock(&dispatch->kernels->gpu_lock);
    return is_run;
}

bool wj_kernel_gpu_takes(const struct wj_dispatch *dispatch)
{
    struct wj_gpu_shape shape;
    uint32_t window;
    if (dispatch->kernels->device == NULL) {
        return false;
    }
    pthread_mutex_lock(&dispatch->kernels->gpu_lock);
    bool is_taken = dispatch->kernel->gpu_state != WJ_KERNEL_GPU_REFUSED &&
                    is_ours(dispatch->kernels) && lay_out_window(dispatch, &shape, &window) &&
                    find_shader(dispatch, &shape) != NULL;
    pthread_mutex_unlock(&dispatch->kernels->gpu_lock);
    return is_taken;
}
