// Modules: made from bytes, asked for their imports and exports, moved between stores.
#include <stdlib.h>
#include <string.h>

#include "runtime/api/internal.h"

static struct wj_image *image_of(const wasm_module_t *module)
{
    return module->ref.object;
}

wasm_module_t *wj_api_module(wasm_store_t *store, struct wj_image *image)
{
    struct wasm_ref_t *ref = wj_api_loose_handle(store, WJ_REF_MODULE, image);
    if (ref == NULL) {
        wj_image_release(image);
    }
    return (wasm_module_t *) ref;
}

wasm_module_t *wj_api_module_or_error(wasm_store_t *store, struct wj_image *image,
                                      struct wj_err *err, wjit_error_t *error)
{
    wasm_module_t *module = image != NULL ? wj_api_module(store, image) : NULL;
    if (module == NULL) {
        wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory"); // unless there is one
        wj_api_error_out(err, error);
    }
    return module;
}

wasm_module_t *wjit_module_new(wasm_store_t *store, const wasm_byte_vec_t *binary,
                               wjit_error_t *error)
{
    struct wj_err err;
    wj_err_clear(&err);
    struct wj_image *image;
    bool is_made = wj_image_new(store->store->engine, (const uint8_t *) binary->data, binary->size,
                                &image, &err);
    return wj_api_module_or_error(store, is_made ? image : NULL, &err, error);
}

// Bytes of the host, used where they are. Nobody writes to a module's bytes. Of none, there may be
// no place.
static struct wj_blob host_bytes(const char *bytes, size_t size_bytes)
{
    bytes = size_bytes == 0 ? "" : bytes;
    return (struct wj_blob){
        .bytes = (uint8_t *) (uintptr_t) bytes, .size_bytes = size_bytes, .is_host = true};
}

wasm_module_t *wjit_module_new_in_place(wasm_store_t *store, const char *bytes, size_t size_bytes,
                                        void (*release)(void *), void *env, wjit_error_t *error)
{
    struct wj_err err;
    wj_err_clear(&err);
    struct wj_image *image;
    struct wj_blob blob = host_bytes(bytes, size_bytes);
    blob.release = release;
    blob.env = env;
    bool is_made = wj_image_adopt(store->store->engine, &blob, &image, &err);
    return wj_api_module_or_error(store, is_made ? image : NULL, &err, error);
}

wasm_module_t *wjit_module_new_file(wasm_store_t *store, const char *path, wjit_error_t *error)
{
    struct wj_err err;
    wj_err_clear(&err);
    struct wj_image *image;
    bool is_made = wj_image_open(store->store->engine, path, &image, &err);
    return wj_api_module_or_error(store, is_made ? image : NULL, &err, error);
}

void wjit_module_keep(const wasm_module_t *module)
{
    wj_image_keep(image_of(module));
}

wasm_module_t *wasm_module_new(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    return wjit_module_new(store, binary, NULL);
}

bool wjit_validate(wasm_engine_t *engine, const wasm_byte_vec_t *binary, wjit_error_t *error)
{
    struct wj_err err;
    wj_err_clear(&err);
    struct wj_image *image;
    struct wj_blob blob = host_bytes(binary->data, binary->size);
    if (!wj_image_adopt(engine->engine, &blob, &image, &err)) {
        wj_api_error_out(&err, error);
        return false;
    }
    wj_image_release(image);
    return true;
}

bool wasm_module_validate(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    return wjit_validate(store->engine, binary, NULL);
}

bool wjit_module_has_start(const wasm_module_t *module)
{
    return image_of(module)->module->has_start;
}

bool wjit_module_compile(const wasm_module_t *module, wjit_error_t *error)
{
    struct wj_image *image = image_of(module);
    const struct wj_settings *settings = &image->engine->settings;
    uint32_t threads = settings->compile_mode == WJ_COMPILE_PARALLEL ? settings->threads : 1;
    struct wj_err err;
    wj_err_clear(&err);
    struct wj_code *code;
    if (wj_image_code(image, settings->explicit_bounds, &code, &err) &&
        wj_code_compile_all(code, threads, &err)) {
        return true;
    }
    wj_api_error_out(&err, error);
    return false;
}

static wasm_externtype_t *externtype(const struct wj_module *module, enum wj_extern_kind kind,
                                     uint32_t index)
{
    const struct wj_types *types = module->types;
    switch (kind) {
    case WJ_EXTERN_FUNC: return (void *) wj_api_functype(types, module->funcs[index].type);
    case WJ_EXTERN_TABLE: return (void *) wj_api_tabletype(types, &module->tables[index].type);
    case WJ_EXTERN_MEMORY: return (void *) wj_api_memorytype(&module->memories[index].type);
    case WJ_EXTERN_GLOBAL: return (void *) wj_api_globaltype(types, &module->globals[index].type);
    case WJ_EXTERN_TAG: break;
    }
    return wj_api_tagtype();
}

static void copy_name(wasm_name_t *out, const struct wj_name *name)
{
    wasm_byte_vec_new(out, name->size_bytes, name->bytes);
}

void wasm_module_imports(const wasm_module_t *handle, wasm_importtype_vec_t *out)
{
    const struct wj_module *module = image_of(handle)->module;
    wasm_importtype_vec_new_uninitialized(out, module->import_count);
    for (size_t i = 0; i < out->size; i++) {
        const struct wj_import *import = &module->imports[i];
        wasm_name_t from, name;
        copy_name(&from, &import->module);
        copy_name(&name, &import->name);
        out->data[i] =
            wasm_importtype_new(&from, &name, externtype(module, import->kind, import->index));
    }
}

void wasm_module_exports(const wasm_module_t *handle, wasm_exporttype_vec_t *out)
{
    const struct wj_module *module = image_of(handle)->module;
    wasm_exporttype_vec_new_uninitialized(out, module->export_count);
    for (size_t i = 0; i < out->size; i++) {
        const struct wj_export *export = &module->exports[i];
        wasm_name_t name;
        copy_name(&name, &export->name);
        out->data[i] = wasm_exporttype_new(&name, externtype(module, export->kind, export->index));
    }
}

wasm_shared_module_t *wasm_module_share(const wasm_module_t *module)
{
    wasm_shared_module_t *shared = calloc(1, sizeof *shared);
    if (shared != NULL) {
        shared->image = wj_image_retain(image_of(module));
    }
    return shared;
}

wasm_module_t *wasm_module_obtain(wasm_store_t *store, const wasm_shared_module_t *shared)
{
    if (shared->image->engine != store->store->engine) {
        return NULL;
    }
    return wj_api_module(store, wj_image_retain(shared->image));
}

void wasm_shared_module_delete(wasm_shared_module_t *shared)
{
    if (shared != NULL) {
        wj_image_release(shared->image);
        free(shared);
    }
}

static wasm_name_t name_out(const struct wj_name *name)
{
    return (wasm_name_t){.size = name->size_bytes, .data = (char *) name->bytes};
}

wasm_name_t wjit_module_name(const wasm_module_t *module)
{
    return name_out(&image_of(module)->module->module_name);
}

wasm_name_t wjit_module_func_name(const wasm_module_t *handle, uint32_t func_index)
{
    const struct wj_module *module = image_of(handle)->module;
    if (module->func_names == NULL || func_index >= module->func_count) {
        return (wasm_name_t){0, NULL};
    }
    return name_out(&module->func_names[func_index]);
}

bool wjit_module_custom(const wasm_module_t *handle, size_t i, wasm_name_t *name,
                        wasm_byte_vec_t *contents)
{
    const struct wj_module *module = image_of(handle)->module;
    if (i >= module->custom_count) {
        return false;
    }
    *name = name_out(&module->customs[i].name);
    *contents = (wasm_byte_vec_t){
        .size = module->customs[i].size_bytes,
        .data = (char *) module->customs[i].bytes,
    };
    return true;
}
