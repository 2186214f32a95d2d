// Pools of instances.
#include <stdlib.h>

#include "runtime/api/internal.h"
#include "runtime/vm/tenants.h"

struct wjit_pool_t {
    wasm_store_t *store;
    struct wj_tenants *tenants;
};

wjit_pool_t *wjit_pool_new(wasm_store_t *store, const wasm_module_t *module,
                           const wasm_extern_vec_t *imports, const wjit_pool_config_t *config,
                           wjit_error_t *error)
{
    struct wj_image *image = module->ref.object;
    struct wj_tenants_settings settings = {
        .count_max = config->instances,
        .memory_bytes_max = config->memory_max_bytes,
        .explicit_bounds = config->explicit_checks,
    };
    struct wj_err err;
    wj_err_clear(&err);
    size_t count = imports == NULL ? 0 : imports->size;
    struct wj_extern *externs = calloc(count + 1, sizeof *externs);
    wjit_pool_t *pool = calloc(1, sizeof *pool);
    bool is_made = false;
    if (externs == NULL || pool == NULL) {
        wj_err_set(&err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    } else if (image->engine != store->store->engine) {
        wj_err_set(&err, WJ_ERR_USAGE, WJ_NO_OFFSET, "the module belongs to another engine");
    } else {
        for (size_t i = 0; i < count; i++) {
            externs[i] = wj_api_extern_in(store, imports->data[i]);
        }
        pool->store = store;
        is_made = wj_tenants_new(store->store, image, externs, (uint32_t) count, &settings,
                                 &pool->tenants, &err);
    }
    free(externs);
    if (is_made) {
        return pool;
    }
    free(pool);
    wj_api_error_out(&err, error);
    return NULL;
}

void wjit_pool_delete(wjit_pool_t *pool)
{
    if (pool != NULL) {
        wj_tenants_free(pool->tenants);
        free(pool);
    }
}

wasm_instance_t *wjit_pool_take(wjit_pool_t *pool, wasm_trap_t **trap, wjit_error_t *error)
{
    struct wj_err err;
    wj_err_clear(&err);
    struct wj_instance *instance;
    struct wj_trap *inner = NULL;
    *trap = NULL;
    if (wj_tenants_take(pool->tenants, &instance, &inner, &err)) {
        return (wasm_instance_t *) wj_api_handle(pool->store, WJ_REF_INSTANCE, instance);
    }
    if (inner != NULL) {
        *trap = wj_api_trap(pool->store, inner);
    } else {
        wj_api_error_out(&err, error);
    }
    return NULL;
}

bool wjit_pool_give(wjit_pool_t *pool, wasm_instance_t *instance)
{
    if (instance == NULL || instance->ref.store != pool->store ||
        !wj_tenants_give(pool->tenants, instance->ref.object)) {
        return false;
    }
    wasm_instance_delete(instance);
    return true;
}
