// Configuration, engines, stores.
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/api/internal.h"
#include "runtime/vm/signals.h"
#include "wasm/features.h"

#define STACK_BYTES_DEFAULT (8u * 1024u * 1024u)
#define STACK_BYTES_MIN (128u * 1024u)
#define STACK_BYTES_MAX (1u << 30)
#define THREADS_MAX 256u

// The public enumerations are the internal ones by value.
_Static_assert(WJIT_ERROR_NONE == (int) WJ_ERR_NONE && WJIT_ERROR_USAGE == (int) WJ_ERR_USAGE &&
                   WJIT_ERROR_LINK == (int) WJ_ERR_LINK && WJIT_ERROR_DEVICE == (int) WJ_ERR_DEVICE,
               "error kinds are converted by value");
_Static_assert(WJIT_FEATURE_GC == (int) WJ_FEATURE_GC && WJIT_FEATURE_MVP == (int) WJ_FEATURE_MVP &&
                   WJIT_FEATURE_WIDE_ARITHMETIC == (int) WJ_FEATURE_WIDE_ARITHMETIC &&
                   WJIT_FEATURE_REFERENCE_TYPES == (int) WJ_FEATURE_REFERENCE_TYPES &&
                   WJIT_FEATURE_BRANCH_HINTS == (int) WJ_FEATURE_BRANCH_HINTS,
               "features are converted by value");
_Static_assert(WJIT_COMPILE_PARALLEL == (int) WJ_COMPILE_PARALLEL, "modes are converted by value");

const char *wjit_version(void)
{
#ifdef WJIT_VERSION
    return WJIT_VERSION;
#else
    return "0";
#endif
}

void wj_api_error_out(const struct wj_err *from, wjit_error_t *to)
{
    if (to != NULL) {
        to->kind = (wjit_error_kind_t) from->kind;
        to->offset = from->offset;
        _Static_assert(sizeof to->message == sizeof from->message, "messages are copied whole");
        memcpy(to->message, from->message, sizeof to->message);
    }
}

static struct wj_settings default_settings(void)
{
    return (struct wj_settings){
        .features = WJIT_FEATURES_DEFAULT,
        .runs_kernels = true,
        .memory_bytes_max = UINT64_MAX,
        .stack_bytes = STACK_BYTES_DEFAULT,
    };
}

wasm_config_t *wasm_config_new(void)
{
    wasm_config_t *config = calloc(1, sizeof *config);
    if (config != NULL) {
        config->settings = default_settings();
    }
    return config;
}

void wasm_config_delete(wasm_config_t *config)
{
    if (config != NULL) {
        free(config->cache_folder);
        free(config);
    }
}

bool wjit_config_set_cache(wasm_config_t *config, const char *folder, size_t module_bytes_min)
{
    char *copy = folder == NULL ? NULL : strdup(folder);
    if (folder != NULL && copy == NULL) {
        return false;
    }
    free(config->cache_folder);
    config->cache_folder = copy;
    config->settings.cache_folder = copy;
    config->settings.cache_module_bytes_min = module_bytes_min;
    return true;
}

void wjit_config_set_features(wasm_config_t *config, uint32_t features)
{
    config->settings.features = features | WJIT_FEATURE_MVP;
}

void wjit_config_set_deterministic(wasm_config_t *config, bool is_on)
{
    config->settings.is_deterministic = is_on;
}

void wjit_config_set_explicit_bounds(wasm_config_t *config, bool is_on)
{
    config->settings.explicit_bounds = is_on;
}

void wjit_config_set_compile_mode(wasm_config_t *config, wjit_compile_mode_t mode)
{
    config->settings.compile_mode = (enum wj_compile_mode) mode;
}

void wjit_config_set_memory_max_bytes(wasm_config_t *config, uint64_t bytes)
{
    config->settings.memory_bytes_max = bytes == 0 ? UINT64_MAX : bytes;
}

void wjit_config_set_stack_bytes(wasm_config_t *config, size_t bytes)
{
    bytes = bytes < STACK_BYTES_MIN ? STACK_BYTES_MIN : bytes;
    config->settings.stack_bytes = bytes > STACK_BYTES_MAX ? STACK_BYTES_MAX : bytes;
}

void wjit_config_set_kernels(wasm_config_t *config, bool is_on)
{
    config->settings.runs_kernels = is_on;
}

void wjit_config_set_lanes(wasm_config_t *config, wjit_lanes_t lanes)
{
    _Static_assert((int) WJIT_LANES_AUTO == (int) WJ_LANES_AUTO &&
                       (int) WJIT_LANES_OFF == (int) WJ_LANES_OFF &&
                       (int) WJIT_LANES_ALL == (int) WJ_LANES_ALL,
                   "the modes are the runtime's");
    config->settings.lanes_mode = (enum wj_lanes_mode) lanes;
}

void wjit_config_set_check_kernels(wasm_config_t *config, bool is_on)
{
    config->settings.checks_kernels = is_on;
}

void wjit_config_set_gpu_verify(wasm_config_t *config, double rate)
{
    config->settings.gpu_verify_rate = rate > 1 ? 1 : rate > 0 ? rate : 0;
}

void wjit_config_set_gpu_isolate(wasm_config_t *config, const char *command)
{
    char *to = config->settings.gpu_command;
    size_t room = sizeof config->settings.gpu_command - 1;
    size_t length = command == NULL ? 0 : strnlen(command, room);
    memcpy(to, command == NULL ? "" : command, length);
    to[length] = '\0';
}

void wjit_gpu_serve(void)
{
    wj_ports_serve_gpu(3);
}

void wjit_config_set_threads(wasm_config_t *config, uint32_t threads)
{
    config->settings.threads = threads > THREADS_MAX ? THREADS_MAX : threads;
}

void wjit_config_set_gpu(wasm_config_t *config, const char *device)
{
    config->settings.uses_gpu = device != NULL;
    size_t length = device == NULL ? 0 : strlen(device);
    size_t room = sizeof config->settings.gpu_device - 1;
    length = length < room ? length : room;
    memcpy(config->settings.gpu_device, device == NULL ? "" : device, length);
    config->settings.gpu_device[length] = '\0';
}

void wjit_config_set_gpu_memory(wasm_config_t *config, wjit_gpu_memory_t mode)
{
    config->settings.gpu_memory_mode = (unsigned) mode;
}

// CPUs that this process may use.
static uint32_t cpu_count(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > (int) THREADS_MAX ? THREADS_MAX : (uint32_t) count;
}

wasm_engine_t *wjit_engine_new(wasm_config_t *config, wjit_error_t *error)
{
    struct wj_settings settings = config == NULL ? default_settings() : config->settings;
    if (settings.threads == 0) {
        settings.threads = cpu_count();
    }
    struct wj_ports ports;
    wj_ports_fill(&ports);
    struct wj_err err;
    wj_err_clear(&err);
    wasm_engine_t *engine = calloc(1, sizeof *engine);
    bool is_made = engine != NULL && wj_engine_new(&settings, &ports, &engine->engine, &err);
    wasm_config_delete(config);
    if (is_made) {
        return engine;
    }
    wj_err_set(&err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory"); // unless it is something else
    free(engine);
    wj_api_error_out(&err, error);
    return NULL;
}

wasm_engine_t *wasm_engine_new(void)
{
    return wjit_engine_new(NULL, NULL);
}

wasm_engine_t *wasm_engine_new_with_config(wasm_config_t *config)
{
    return wjit_engine_new(config, NULL);
}

void wasm_engine_delete(wasm_engine_t *engine)
{
    if (engine != NULL) {
        wj_engine_release(engine->engine);
        free(engine);
    }
}

wasm_store_t *wasm_store_new(wasm_engine_t *engine)
{
    wasm_store_t *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return NULL;
    }
    store->engine = engine;
    struct wj_err err;
    wj_err_clear(&err);
    if (!wj_store_new(engine->engine, &store->store, &err)) {
        free(store);
        return NULL;
    }
    store->last_trap = (struct wasm_ref_t){
        .kind = WJ_REF_TRAP,
        .references = 1, // the store's own
        .store = store,
        .object = wj_trap_new(WJ_TRAP_OUT_OF_MEMORY, NULL, 0),
    };
    return store;
}

void wasm_store_delete(wasm_store_t *store)
{
    if (store != NULL) {
        wj_api_handles_clear(store);
        wj_trap_release(store->last_trap.object);
        wj_store_free(store->store);
        free(store);
    }
}

wasm_engine_t *wjit_store_engine(const wasm_store_t *store)
{
    return store->engine;
}

bool wjit_signals_claim(void)
{
    return wj_signals_install(NULL);
}

void wjit_interrupt(wasm_store_t *store)
{
    wj_lane_interrupt(&store->store->lane);
}

void wjit_interrupt_clear(wasm_store_t *store)
{
    wj_lane_interrupt_clear(&store->store->lane);
}

bool wjit_is_interrupted(const wasm_store_t *store)
{
    return atomic_load(&store->store->lane.interrupt) != 0;
}
