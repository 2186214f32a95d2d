// Makes and keeps what all modules of an engine share.
#include "runtime/vm/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/vm/cache.h"
#include "runtime/vm/code.h"
#include "runtime/vm/cpu.h"
#include "runtime/vm/kernel.h"
#include "runtime/vm/signals.h"
#include "runtime/vm/stack.h"

// Room for the entries of some 50,000 types; pages are committed when they are written.
#define ENGINE_REGION_BYTES (64u * 1024u * 1024u)
#define ENGINE_ENTRIES_MAX 65536u

uint64_t wj_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

// Each is an entry of its own, so that backtraces know its frame.
static bool make_tail_returns(struct wj_engine *engine, uint64_t *first, struct wj_err *err)
{
    const struct wj_backend *backend = engine->ports.backend;
    for (unsigned i = 0; i < backend->tail_return_count; i++) {
        struct wj_code_window window = wj_region_window(&engine->region, engine->chunk);
        struct wj_code_info info = {0};
        if (!backend->emit_tail_return(&window, i, &info, err)) {
            return false;
        }
        uint64_t address =
            wj_region_publish(&engine->region, engine->chunk, info.code_bytes, &info);
        *first = i == 0 ? address : *first;
        assert(address == *first + (uint64_t) i * backend->tail_return_bytes);
    }
    return true;
}

static bool make_stubs(struct wj_engine *engine, struct wj_err *err)
{
    if (!wj_region_init(&engine->region, 0, ENGINE_REGION_BYTES, err)) {
        return false;
    }
    wj_region_close(&engine->region);
    engine->chunk = wj_region_chunk(&engine->region, 4096, true, ENGINE_ENTRIES_MAX);
    if (engine->chunk == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    struct wj_stub_targets targets = {
        .settings = wj_code_settings(engine, false),
        .compile_direct = (uint64_t) (uintptr_t) wj_code_compile_direct,
        .compile_indirect = (uint64_t) (uintptr_t) wj_code_compile_indirect,
    };
    if (!make_tail_returns(engine, &targets.tail_return, err)) {
        return false;
    }
    struct wj_code_window window = wj_region_window(&engine->region, engine->chunk);
    uint64_t stubs[WJ_STUB_COUNT];
    size_t used_bytes = 0;
    if (!engine->ports.backend->emit_stubs(&window, &targets, stubs, &used_bytes, err)) {
        return false;
    }
    wj_region_publish(&engine->region, engine->chunk, used_bytes, NULL);
    for (unsigned i = 0; i < WJ_STUB_COUNT; i++) {
        engine->stubs[i] = (void *) (uintptr_t) stubs[i];
    }
    return wj_region_registry_add(&engine->regions, &engine->region, err);
}

// A folder that was named must be usable; the user's is used where it can be.
static bool open_cache(struct wj_engine *engine, struct wj_err *err)
{
    const char *folder = engine->settings.cache_folder;
    engine->settings.cache_folder = NULL;
    engine->opens_cache = folder != NULL && *folder == '\0';
    return folder == NULL || *folder == '\0' || wj_cache_open(folder, &engine->cache, err);
}

bool wj_engine_new(const struct wj_settings *settings, const struct wj_ports *ports,
                   struct wj_engine **out, struct wj_err *err)
{
    if (!wj_cpu_check(err)) {
        return false;
    }
    struct wj_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    atomic_init(&engine->references, 1);
    engine->settings = *settings;
    engine->ports = *ports;
    if (settings->gpu_command[0] != '\0') {
        engine->ports.gpu_driver = ports->gpu_remote_driver;
    }
    pthread_mutex_init(&engine->lock, NULL);
    wj_region_registry_init(&engine->regions);
    wj_waits_init(&engine->waits);
    engine->types = wj_types_new();
    if (engine->types == NULL) {
        wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    } else if (wj_signals_install(err) && make_stubs(engine, err) &&
               wj_kernels_new(engine, &engine->kernels, err) && open_cache(engine, err)) {
        *out = engine;
        return true;
    }
    wj_engine_release(engine);
    return false;
}

struct wj_cache *wj_engine_cache(struct wj_engine *engine, size_t module_bytes)
{
    if (module_bytes < engine->settings.cache_module_bytes_min) {
        return NULL;
    }
    pthread_mutex_lock(&engine->lock);
    if (engine->opens_cache && !wj_cache_open("", &engine->cache, NULL)) {
        engine->cache = NULL;
    }
    engine->opens_cache = false;
    pthread_mutex_unlock(&engine->lock);
    return engine->cache;
}

struct wj_engine *wj_engine_retain(struct wj_engine *engine)
{
    atomic_fetch_add(&engine->references, 1);
    return engine;
}

void wj_engine_release(struct wj_engine *engine)
{
    if (engine == NULL || atomic_fetch_sub(&engine->references, 1) != 1) {
        return;
    }
    wj_kernels_free(engine->kernels);
    wj_cache_close(engine->cache);
    wj_region_registry_remove(&engine->regions, &engine->region);
    wj_region_clear(&engine->region);
    wj_region_registry_clear(&engine->regions);
    wj_waits_clear(&engine->waits);
    wj_stacks_clear(engine);
    wj_bulk_spare_clear(&engine->spare);
    free(engine->enters.slots);
    free(engine->host_entries.slots);
    wj_types_free(engine->types);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

static struct wj_type_code *map_slot(struct wj_type_code *slots, uint32_t capacity,
                                     uint32_t type_id)
{
    uint32_t i = type_id * 0x9e3779b1u & (capacity - 1);
    while (slots[i].address != 0 && slots[i].type_id != type_id) {
        i = (i + 1) & (capacity - 1);
    }
    return &slots[i];
}

static uint64_t map_find(const struct wj_type_code_map *map, uint32_t type_id)
{
    return map->capacity == 0 ? 0 : map_slot(map->slots, map->capacity, type_id)->address;
}

static bool map_reserve(struct wj_type_code_map *map, struct wj_err *err)
{
    if (map->count * 2 < map->capacity) {
        return true;
    }
    uint32_t capacity = map->capacity == 0 ? 64 : map->capacity * 2;
    struct wj_type_code *slots = calloc(capacity, sizeof *slots);
    if (slots == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    for (uint32_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].address != 0) {
            *map_slot(slots, capacity, map->slots[i].type_id) = map->slots[i];
        }
    }
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return true;
}

// Emits an enter function or a host entry; the engine's lock is held.
static bool make_type_code(struct wj_engine *engine, bool is_enter, const struct wj_type *type,
                           uint64_t *address, struct wj_err *err)
{
    if (!wj_region_own(&engine->region, err)) {
        return false;
    }
    struct wj_code_window window = wj_region_window(&engine->region, engine->chunk);
    const struct wj_backend *backend = engine->ports.backend;
    struct wj_code_info info = {0};
    size_t used_bytes = 0;
    if (is_enter) {
        struct wj_compile_settings settings = wj_code_settings(engine, false);
        if (!backend->emit_enter(&window, &type->func, &settings, &used_bytes, err)) {
            return false;
        }
    } else {
        if (!backend->emit_host_entry(&window, &type->func, &info, err)) {
            return false;
        }
        used_bytes = info.code_bytes;
    }
    // Either has a cell for each value, and what it keeps.
    wj_engine_note_frame(engine, (type->func.param_count + type->func.result_count) * 16 + 64);
    *address =
        wj_region_publish(&engine->region, engine->chunk, used_bytes, is_enter ? NULL : &info);
    return *address != 0 || wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET,
                                       "more than %u types of host functions", ENGINE_ENTRIES_MAX);
}

static bool type_code(struct wj_engine *engine, bool is_enter, const struct wj_type *type,
                      uint64_t *address, struct wj_err *err)
{
    struct wj_type_code_map *map = is_enter ? &engine->enters : &engine->host_entries;
    pthread_mutex_lock(&engine->lock);
    *address = map_find(map, type->id);
    bool is_made = *address != 0;
    if (!is_made && map_reserve(map, err) && make_type_code(engine, is_enter, type, address, err)) {
        *map_slot(map->slots, map->capacity, type->id) =
            (struct wj_type_code){.type_id = type->id, .address = *address};
        map->count++;
        is_made = true;
    }
    pthread_mutex_unlock(&engine->lock);
    return is_made;
}

bool wj_engine_enter_code(struct wj_engine *engine, const struct wj_type *type, uint64_t *address,
                          struct wj_err *err)
{
    return type_code(engine, true, type, address, err);
}

bool wj_engine_host_entry(struct wj_engine *engine, const struct wj_type *type, uint64_t *address,
                          struct wj_err *err)
{
    return type_code(engine, false, type, address, err);
}
