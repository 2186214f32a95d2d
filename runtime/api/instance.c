// Instances.
#include <stdlib.h>
#include <string.h>

#include "runtime/api/internal.h"

static struct wj_instance *instance_of(const wasm_instance_t *instance)
{
    return instance->ref.object;
}

struct wj_extern wj_api_extern_in(const wasm_store_t *store, const wasm_extern_t *handle)
{
    struct wj_extern result = {.kind = WJ_EXTERN_FUNC};
    if (handle == NULL || handle->ref.store != store) {
        return result;
    }
    switch (wasm_extern_kind(handle)) {
    case WASM_EXTERN_GLOBAL: result.kind = WJ_EXTERN_GLOBAL; break;
    case WASM_EXTERN_TABLE: result.kind = WJ_EXTERN_TABLE; break;
    case WASM_EXTERN_MEMORY: result.kind = WJ_EXTERN_MEMORY; break;
    case WJIT_EXTERN_TAG: result.kind = WJ_EXTERN_TAG; break;
    default: break;
    }
    result.object = handle->ref.object;
    return result;
}

wasm_instance_t *wjit_instance_new(wasm_store_t *store, const wasm_module_t *module,
                                   const wasm_extern_vec_t *imports, wasm_trap_t **trap,
                                   wjit_error_t *error)
{
    *trap = NULL;
    struct wj_image *image = module->ref.object;
    struct wj_err err;
    wj_err_clear(&err);
    size_t count = imports == NULL ? 0 : imports->size;
    struct wj_extern *externs = calloc(count + 1, sizeof *externs);
    struct wj_instance *instance = NULL;
    struct wj_trap *inner = NULL;
    bool is_made = false;
    if (externs == NULL) {
        wj_err_set(&err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    } else if (image->engine != store->store->engine) {
        wj_err_set(&err, WJ_ERR_USAGE, WJ_NO_OFFSET, "the module belongs to another engine");
    } else {
        for (size_t i = 0; i < count; i++) {
            externs[i] = wj_api_extern_in(store, imports->data[i]);
        }
        is_made = wj_instance_new(store->store, image, externs, (uint32_t) count, &instance, &inner,
                                  &err);
    }
    free(externs);
    if (is_made) {
        return (wasm_instance_t *) wj_api_handle(store, WJ_REF_INSTANCE, instance);
    }
    if (inner != NULL) {
        *trap = wj_api_trap(store, inner);
    } else {
        wj_api_error_out(&err, error);
    }
    return NULL;
}

wasm_instance_t *wasm_instance_new(wasm_store_t *store, const wasm_module_t *module,
                                   const wasm_extern_vec_t *imports, wasm_trap_t **trap)
{
    wasm_trap_t *inner = NULL;
    wasm_instance_t *instance = wjit_instance_new(store, module, imports, &inner, NULL);
    if (trap != NULL) {
        *trap = inner;
    } else {
        wasm_trap_delete(inner);
    }
    return instance;
}

static wasm_extern_t *export_out(const wasm_instance_t *handle, const struct wj_export *export)
{
    struct wj_extern made = wj_instance_export(instance_of(handle), export);
    wasm_store_t *store = handle->ref.store;
    switch (made.kind) {
    case WJ_EXTERN_FUNC: {
        struct wj_funcref *func = made.func;
        if (func != NULL && func->host != NULL) {
            func = &func->host->funcref; // a host function that is exported again is itself
        }
        return (wasm_extern_t *) wj_api_handle(store, WJ_REF_FUNC, func);
    }
    case WJ_EXTERN_TABLE: return (wasm_extern_t *) wj_api_handle(store, WJ_REF_TABLE, made.table);
    case WJ_EXTERN_MEMORY:
        return (wasm_extern_t *) wj_api_handle(store, WJ_REF_MEMORY, made.memory);
    case WJ_EXTERN_GLOBAL:
        return (wasm_extern_t *) wj_api_handle(store, WJ_REF_GLOBAL, made.global);
    case WJ_EXTERN_TAG: return (wasm_extern_t *) wj_api_handle(store, WJ_REF_TAG, made.tag);
    }
    return NULL;
}

void wasm_instance_exports(const wasm_instance_t *instance, wasm_extern_vec_t *out)
{
    const struct wj_module *module = instance_of(instance)->module;
    wasm_extern_vec_new_uninitialized(out, module->export_count);
    for (size_t i = 0; i < out->size; i++) {
        out->data[i] = export_out(instance, &module->exports[i]);
    }
}

wasm_extern_t *wjit_instance_export(const wasm_instance_t *instance, const char *name,
                                    size_t name_bytes)
{
    const struct wj_export *export =
        wj_module_find_export(instance_of(instance)->module, name, name_bytes);
    return export == NULL ? NULL : export_out(instance, export);
}

const wasm_module_t *wjit_instance_module(const wasm_instance_t *handle)
{
    struct wasm_ref_t *ref = (struct wasm_ref_t *) &handle->ref;
    if (ref->module == NULL) {
        struct wj_image *image = wj_image_retain(instance_of(handle)->image);
        ref->module = (wasm_module_t *) wj_api_loose_handle(ref->store, WJ_REF_MODULE, image);
        if (ref->module == NULL) {
            wj_image_release(image);
        }
    }
    return ref->module;
}
