// What a store owns, and the lane that its wasm code runs on.
#include "runtime/vm/store.h"

#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/vm/code.h"
#include "runtime/vm/kernel.h"
#include "runtime/vm/libcalls.h"
#include "runtime/vm/memory.h"
#include "runtime/vm/signals.h"
#include "runtime/vm/stack.h"
#include "runtime/vm/trap.h"
#include "runtime/vm/ucontext.h"

// Generated code touches a frame in steps of 32 KiB at most, and reaches a little below SP.
#define STACK_GUARD_BYTES (128u * 1024u)
#define STACK_ALIGN 65536u
// How often an interruption is repeated until it is seen.
#define INTERRUPT_PERIOD_NS 2000000
#define FENCE_PAUSE_NS 1000000

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static bool fail_nomem(struct wj_err *err)
{
    return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
}

static uint8_t *map_stack(size_t bytes)
{
    uint8_t *mapping = mmap(NULL, bytes, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mapping == MAP_FAILED) {
        return NULL;
    }
    if (mprotect(mapping + STACK_GUARD_BYTES, bytes - STACK_GUARD_BYTES, PROT_READ | PROT_WRITE) !=
        0) {
        munmap(mapping, bytes);
        return NULL;
    }
    return mapping;
}

bool wj_lane_init(struct wj_lane *lane, struct wj_store *store, size_t stack_bytes,
                  struct wj_err *err)
{
    memset(lane, 0, sizeof *lane);
    size_t bytes =
        ((stack_bytes + STACK_ALIGN - 1) & ~(size_t) (STACK_ALIGN - 1)) + STACK_GUARD_BYTES;
    uint8_t *mapping = store == NULL ? NULL : wj_stack_take(store->engine);
    mapping = mapping == NULL ? map_stack(bytes) : mapping;
    if (mapping == NULL) {
        return fail_nomem(err);
    }
    lane->store = store;
    lane->is_of_store = store != NULL;
    lane->mapping = mapping;
    lane->mapping_bytes = bytes;
    lane->stack_low = mapping + STACK_GUARD_BYTES;
    lane->stack_high = mapping + bytes;
    pthread_mutex_init(&lane->timer_lock, NULL);
    atomic_init(&lane->thread_id, -1); // not even of a thread that is not ready, which has 0
    wj_lane_reset(lane);
    return true;
}

void wj_lane_reset(struct wj_lane *lane)
{
    lane->outermost = (struct wj_activation){
        .wasm_sp = (uint64_t) (uintptr_t) lane->stack_high,
        .host_fp = WJ_FP_CONTROL_DEFAULT,
        .lane = lane,
    };
}

void wj_lane_clear(struct wj_lane *lane)
{
    if (lane->mapping == NULL) {
        return;
    }
    wj_lane_interrupt_clear(lane);
    wj_trap_release(lane->pending);
    if (!lane->is_of_store || !wj_stack_keep(lane->store)) {
        munmap(lane->mapping, lane->mapping_bytes);
    }
    pthread_mutex_destroy(&lane->timer_lock);
    memset(lane, 0, sizeof *lane);
}

// A signal that comes while the thread is in a stub or in C does nothing but set EINTR, so it is
// sent again and again until the thread has left wasm.
static void start_timer(struct wj_lane *lane, int32_t thread_id)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD_ID,
        .sigev_signo = wj_signals_interrupt_number(),
    };
    event.sigev_notify_thread_id = thread_id;
    if (timer_create(CLOCK_MONOTONIC, &event, &lane->timer) != 0) {
        return;
    }
    lane->has_timer = true;
    struct itimerspec period = {
        .it_interval.tv_nsec = INTERRUPT_PERIOD_NS,
        .it_value.tv_nsec = INTERRUPT_PERIOD_NS,
    };
    timer_settime(lane->timer, 0, &period, NULL);
}

// The other half of a fence that calls into wasm do without: they store the activation, then load
// the flag, by plain instructions. After this, a call that has not seen the flag is itself seen.
static void fence_all_threads(void)
{
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) {
        return;
    }
    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
        // An old kernel, or one that refuses it: no processor holds a store back for so long.
        struct timespec pause = {.tv_nsec = FENCE_PAUSE_NS};
        nanosleep(&pause, NULL);
    }
}

void wj_lane_interrupt(struct wj_lane *lane)
{
    atomic_store(&lane->interrupt, 1);
    fence_all_threads();
    wj_waits_interrupt(&lane->store->engine->waits, &lane->interrupt);
    pthread_mutex_lock(&lane->timer_lock);
    int32_t thread_id = atomic_load(&lane->thread_id);
    if (__atomic_load_n(&lane->activation, __ATOMIC_RELAXED) != NULL) {
        wj_signals_interrupt(thread_id);
        if (!lane->has_timer) {
            start_timer(lane, thread_id);
        }
    }
    pthread_mutex_unlock(&lane->timer_lock);
}

void wj_lane_interrupt_clear(struct wj_lane *lane)
{
    pthread_mutex_lock(&lane->timer_lock);
    if (lane->has_timer) {
        timer_delete(lane->timer);
        lane->has_timer = false;
    }
    atomic_store(&lane->interrupt, 0);
    pthread_mutex_unlock(&lane->timer_lock);
}

bool wj_store_new(struct wj_engine *engine, struct wj_store **out, struct wj_err *err)
{
    struct wj_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return fail_nomem(err);
    }
    store->engine = wj_engine_retain(engine);
    wj_arena_init(&store->arena);
    if (wj_signals_install(err) &&
        wj_lane_init(&store->lane, store, engine->settings.stack_bytes, err)) {
        store->host_context = wj_store_context(store, NULL, err);
        if (store->host_context != NULL) {
            *out = store;
            return true;
        }
    }
    wj_store_free(store);
    return false;
}

void wj_store_free(struct wj_store *store)
{
    if (store == NULL) {
        return;
    }
    for (struct wj_host_func *func = store->host_funcs; func != NULL; func = func->next) {
        if (func->finalizer != NULL) {
            func->finalizer(func->env);
        }
    }
    for (struct wj_instance *instance = store->instances; instance != NULL;
         instance = instance->next) {
        wj_image_release(instance->image);
    }
    for (uint32_t i = 0; i < store->memory_count; i++) {
        wj_kernels_forget(store->engine->kernels, store->memories[i]);
        wj_memory_release(store->memories[i]);
    }
    for (uint32_t i = 0; i < store->table_count; i++) {
        wj_table_free(store->tables[i]);
    }
    free(store->memories);
    free(store->tables);
    wj_lane_clear(&store->lane);
    wj_arena_clear(&store->arena);
    wj_engine_release(store->engine);
    free(store);
}

// Makes room for one more pointer in an array.
static bool reserve(void *items, uint32_t count, uint32_t *capacity, struct wj_err *err)
{
    if (count < *capacity) {
        return true;
    }
    uint32_t wanted = *capacity == 0 ? 4 : *capacity * 2;
    void **array;
    memcpy(&array, items, sizeof array);
    void **grown = realloc(array, wanted * sizeof *grown);
    if (grown == NULL) {
        return fail_nomem(err);
    }
    memcpy(items, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}

bool wj_store_memory(struct wj_store *store, const struct wj_memory_type *type,
                     struct wj_memory **out, struct wj_err *err)
{
    if (!reserve(&store->memories, store->memory_count, &store->memory_capacity, err) ||
        !wj_memory_new(&store->engine->settings, type, out, err)) {
        return false;
    }
    store->memories[store->memory_count++] = *out;
    return true;
}

bool wj_store_adopt_memory(struct wj_store *store, struct wj_memory *memory, struct wj_err *err)
{
    for (uint32_t i = 0; i < store->memory_count; i++) {
        if (store->memories[i] == memory) {
            return true;
        }
    }
    return wj_store_adopt_new_memory(store, memory, err);
}

bool wj_store_adopt_new_memory(struct wj_store *store, struct wj_memory *memory, struct wj_err *err)
{
    if (!reserve(&store->memories, store->memory_count, &store->memory_capacity, err)) {
        return false;
    }
    store->memories[store->memory_count++] = wj_memory_retain(memory);
    return true;
}

bool wj_store_table(struct wj_store *store, const struct wj_table_type *type, void *init,
                    struct wj_table **out, struct wj_err *err)
{
    if (!reserve(&store->tables, store->table_count, &store->table_capacity, err) ||
        !wj_table_new(type, init, out, err)) {
        return false;
    }
    store->tables[store->table_count++] = *out;
    return true;
}

struct wj_global *wj_store_global(struct wj_store *store, const struct wj_global_type *type,
                                  struct wj_err *err)
{
    struct wj_global *global = WJ_ARENA_NEW(&store->arena, struct wj_global);
    if (global == NULL) {
        fail_nomem(err);
        return NULL;
    }
    global->type = *type;
    global->cell = &global->own;
    return global;
}

struct wj_instance *wj_store_context(struct wj_store *store, struct wj_instance *importer,
                                     struct wj_err *err)
{
    struct wj_instance *context = WJ_ARENA_NEW(&store->arena, struct wj_instance);
    if (context == NULL) {
        fail_nomem(err);
        return NULL;
    }
    context->store = store;
    context->activation_slot = &store->lane.activation;
    context->importer = importer;
    memcpy(context->stubs, store->engine->stubs, sizeof context->stubs);
    wj_libcalls_fill(context->libcalls);
    return context;
}

bool wj_store_host_func(struct wj_store *store, const struct wj_functype *type,
                        const struct wj_host_func *func, struct wj_host_func **out,
                        struct wj_err *err)
{
    struct wj_host_func *made = WJ_ARENA_NEW(&store->arena, struct wj_host_func);
    uint32_t type_id;
    uint64_t entry;
    if (made == NULL) {
        return fail_nomem(err);
    }
    if (!wj_types_intern_func(store->engine->types, type, &type_id, err)) {
        return false;
    }
    const struct wj_type *canonical = wj_types_get(store->engine->types, type_id);
    if (!wj_engine_host_entry(store->engine, canonical, &entry, err)) {
        return false;
    }
    *made = *func;
    made->funcref = (struct wj_funcref){
        .code = (void *) (uintptr_t) entry,
        .instance = store->host_context,
        .type_id = type_id,
        .func_index = UINT32_MAX,
        .type = canonical,
        .host = made,
    };
    made->next = store->host_funcs;
    store->host_funcs = made;
    *out = made;
    return true;
}
