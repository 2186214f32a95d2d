// WASI as an embedder of the public interface: contexts, and host functions that hand a call over
// with the memory of the instance that made it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/wasi/embed.h"

static bool is_interrupted(void *host)
{
    return wjit_is_interrupted(host);
}

static bool fail(wjit_error_t *error, wjit_error_kind_t kind, const char *what, const char *why)
{
    if (error) {
        error->kind = kind;
        error->offset = WJIT_NO_OFFSET;
        snprintf(error->message, sizeof(error->message), "%s%s%s", what, *why ? ": " : "", why);
    }
    return false;
}

static bool add_strings(struct wj_wasi_strings *strings, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!wj_wasi_strings_add(strings, texts[i])) {
            return false;
        }
    }
    return true;
}

static bool fill_context(struct wj_wasi *wasi, const wjit_wasi_config_t *config,
                         wjit_error_t *error)
{
    static const int standard[] = {0, 1, 2};
    const int *streams = config->streams ? config->streams : standard;
    if (!add_strings(&wasi->args, config->args, config->arg_count) ||
        !add_strings(&wasi->environ, config->env, config->env_count)) {
        return fail(error, WJIT_ERROR_NOMEM, "no memory for arguments and environment", "");
    }
    for (int i = 0; i < 3; i++) {
        if (wj_wasi_fds_add_stream(&wasi->fds, streams[i])) {
            return fail(error, WJIT_ERROR_NOMEM, "no memory for the table of descriptors", "");
        }
    }
    for (size_t i = 0; i < config->dir_count; i++) {
        const wjit_wasi_dir_t *dir = &config->dirs[i];
        if (!wj_wasi_fds_add_preopen(&wasi->fds, dir->host, dir->guest ? dir->guest : dir->host,
                                     dir->is_read_only)) {
            return fail(error, WJIT_ERROR_IO, dir->host, strerror(errno));
        }
    }
    return true;
}

wjit_wasi_t *wjit_wasi_new(const wjit_wasi_config_t *config, wjit_error_t *error)
{
    wjit_wasi_t *wasi = calloc(1, sizeof(*wasi));
    if (!wasi) {
        fail(error, WJIT_ERROR_NOMEM, "memory exhausted", "");
        return NULL;
    }
    wj_wasi_init(&wasi->wasi);
    wasi->wasi.walk = config->walks_components ? WASI_WALK_COMPONENTS : WASI_WALK_AUTO;
    wasi->wasi.exits_on_closed_pipe = config->exits_on_closed_pipe;
    wasi->wasi.is_interrupted = is_interrupted;
    wj_wasi_threads_init(&wasi->threads);
    for (size_t i = 0; i < WJ_WASI_FUNCTION_COUNT; i++) {
        wasi->bindings[i] = (struct wj_wasi_binding){wasi, wj_wasi_entry_at(i)};
    }
    if (!fill_context(&wasi->wasi, config, error)) {
        wjit_wasi_delete(wasi);
        return NULL;
    }
    return wasi;
}

void wjit_wasi_delete(wjit_wasi_t *wasi)
{
    if (wasi) {
        wj_wasi_threads_clear(&wasi->threads);
        wj_wasi_clear(&wasi->wasi);
        free(wasi);
    }
}

static wasm_trap_t *call_function(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                                  wjit_val_t *results)
{
    const struct wj_wasi_binding *binding = env;
    uint64_t words[WJ_WASI_PARAMS_MAX];
    for (size_t i = 0; binding->entry->params[i]; i++) {
        bool is_i64 = binding->entry->params[i] == 'I';
        words[i] = is_i64 ? (uint64_t) args[i].of.i64 : (uint32_t) args[i].of.i32;
    }
    struct wj_wasi *wasi = &binding->wasi->wasi;
    struct wj_wasi_call call = {.wasi = wasi, .args = words, .is_locked = true};
    call.base = wjit_caller_memory(caller, &call.size_bytes);
    call.host = wjit_caller_store(caller);
    pthread_mutex_lock(&wasi->lock);
    enum wj_wasi_errno error = binding->entry->run(&call);
    uint32_t exit_code = wasi->exit_code;
    pthread_mutex_unlock(&wasi->lock);
    if (error == WASI_EXITED) {
        return wjit_trap_new_exit(wjit_caller_store(caller), (int) exit_code);
    }
    // An interruption of the store takes the guest down when this returns to it.
    error = error == WASI_INTERRUPTED ? WASI_EINTR : error;
    results[0] = (wjit_val_t){.kind = WASM_I32, .of.i32 = (int32_t) error};
    return NULL;
}

static wasm_functype_t *make_type(const struct wj_wasi_entry *entry)
{
    size_t count = strlen(entry->params);
    wasm_valtype_vec_t params, results;
    wasm_valtype_t *types[WJ_WASI_PARAMS_MAX];
    for (size_t i = 0; i < count; i++) {
        types[i] = wasm_valtype_new(entry->params[i] == 'I' ? WASM_I64 : WASM_I32);
    }
    wasm_valtype_vec_new(&params, count, types);
    wasm_valtype_t *result = entry->has_result ? wasm_valtype_new_i32() : NULL;
    wasm_valtype_vec_new(&results, result ? 1 : 0, &result);
    return wasm_functype_new(&params, &results);
}

static bool is_name(const wasm_name_t *name, const char *text)
{
    return name->size == strlen(text) && memcmp(name->data, text, name->size) == 0;
}

wasm_func_t *wjit_wasi_func(wjit_wasi_t *wasi, wasm_store_t *store, const wasm_importtype_t *import)
{
    const wasm_name_t *module = wasm_importtype_module(import);
    const wasm_name_t *name = wasm_importtype_name(import);
    if (is_name(module, "wasi") && is_name(name, "thread-spawn")) {
        return wj_wasi_spawn_func(wasi, store);
    }
    const struct wj_wasi_entry *entry =
        is_name(module, "wasi_snapshot_preview1") ? wj_wasi_find(name->data, name->size) : NULL;
    if (!entry) {
        return NULL;
    }
    struct wj_wasi_binding *binding = &wasi->bindings[entry - wj_wasi_entry_at(0)];
    wasm_functype_t *type = make_type(entry);
    wasm_func_t *func = type ? wjit_func_new(store, type, call_function, binding, NULL) : NULL;
    wasm_functype_delete(type);
    return func;
}
