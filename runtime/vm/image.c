// Modules as an engine keeps them: decoded and validated, or loaded with their code.
#include <stdlib.h>
#include <string.h>

#include "runtime/vm/code.h"
#include "runtime/vm/kernel.h"

static bool fail_nomem(struct wj_err *err)
{
    return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
}

// An image without a module; it owns the blob from now on.
static struct wj_image *image_alloc(struct wj_engine *engine, const struct wj_blob *blob)
{
    struct wj_image *image = calloc(1, sizeof *image);
    if (image != NULL) {
        atomic_init(&image->references, 1);
        image->engine = wj_engine_retain(engine);
        image->blob = *blob;
        pthread_mutex_init(&image->lock, NULL);
    }
    return image;
}

static void count_validation(struct wj_engine *engine, uint64_t start_ns)
{
    atomic_fetch_add(&engine->stats.validate_ns, wj_now_ns() - start_ns);
}

bool wj_image_new(struct wj_engine *engine, const uint8_t *bytes, size_t size_bytes,
                  struct wj_image **out, struct wj_err *err)
{
    uint64_t start_ns = wj_now_ns();
    struct wj_blob blob = {malloc(size_bytes != 0 ? size_bytes : 1), size_bytes, false};
    struct wj_image *image = blob.bytes == NULL ? NULL : image_alloc(engine, &blob);
    if (image == NULL) {
        wj_blob_clear(&blob);
        return fail_nomem(err);
    }
    if (size_bytes != 0) {
        memcpy(blob.bytes, bytes, size_bytes);
    }
    if (wj_module_decode(engine->types, engine->settings.features, blob.bytes, size_bytes,
                         &image->module, err) &&
        wj_module_validate(image->module, err) &&
        wj_kernel_plan_new(engine, image->module, &image->kernels, err)) {
        count_validation(engine, start_ns);
        atomic_fetch_add(&engine->stats.wasm_bytes, size_bytes);
        *out = image;
        return true;
    }
    wj_image_release(image);
    return false;
}

static bool prepare_locked(struct wj_image *image, uint32_t func_index, struct wj_err *err)
{
    struct wj_module *module = image->module;
    uint32_t first = module->func_import_count;
    if (!image->has_bodies) {
        if (!wj_cwasm_check_bodies(image->blob.bytes, err) || !wj_module_find_bodies(module, err)) {
            return false;
        }
        image->has_bodies = true;
    }
    bool is_for_all = func_index == UINT32_MAX;
    uint32_t end = is_for_all ? module->func_count : func_index + 1;
    for (uint32_t i = is_for_all ? first : func_index; i < end; i++) {
        if (module->funcs[i].census.locals == NULL &&
            !wj_module_validate_funcs(module, i - first, 1, err)) {
            return false;
        }
    }
    return true;
}

bool wj_image_prepare(struct wj_image *image, uint32_t func_index, struct wj_err *err)
{
    if (!image->is_loaded) {
        return true;
    }
    uint64_t start_ns = wj_now_ns();
    pthread_mutex_lock(&image->lock);
    bool is_prepared = prepare_locked(image, func_index, err);
    pthread_mutex_unlock(&image->lock);
    count_validation(image->engine, start_ns);
    return is_prepared;
}

struct wj_image *wj_image_retain(struct wj_image *image)
{
    atomic_fetch_add(&image->references, 1);
    return image;
}

void wj_image_release(struct wj_image *image)
{
    if (image == NULL || atomic_fetch_sub(&image->references, 1) != 1) {
        return;
    }
    wj_code_free(image->codes[0]);
    wj_code_free(image->codes[1]);
    wj_kernel_plan_free(image->engine, image->kernels);
    if (image->module != NULL) {
        wj_module_free(image->module);
    }
    wj_blob_clear(&image->blob);
    pthread_mutex_destroy(&image->lock);
    wj_engine_release(image->engine);
    free(image);
}

bool wj_image_code(struct wj_image *image, bool explicit_bounds, struct wj_code **out,
                   struct wj_err *err)
{
    struct wj_code *code = NULL;
    pthread_mutex_lock(&image->lock);
    if (image->codes[explicit_bounds] != NULL ||
        wj_code_new(image, explicit_bounds, &image->codes[explicit_bounds], err)) {
        code = image->codes[explicit_bounds];
    }
    pthread_mutex_unlock(&image->lock);
    if (code == NULL) {
        return false;
    }
    *out = code;
    switch (image->engine->settings.compile_mode) {
    case WJ_COMPILE_LAZY: return true;
    case WJ_COMPILE_EAGER: return wj_code_compile_all(code, 1, err);
    case WJ_COMPILE_PARALLEL:
        return wj_code_compile_all(code, image->engine->settings.threads, err);
    }
    return true;
}

static bool load(struct wj_image *image, struct wj_err *err)
{
    struct wj_engine *engine = image->engine;
    const uint8_t *file = image->blob.bytes;
    const struct wj_cwasm_header *header = wj_cwasm_header(file);
    bool is_explicit = (header->settings & WJ_CWASM_EXPLICIT_BOUNDS) != 0;
    image->is_loaded = true;
    if (!wj_module_decode_outline(engine->types, engine->settings.features,
                                  wj_cwasm_part(file, WJ_CWASM_MODULE),
                                  header->parts[WJ_CWASM_MODULE].size_bytes, &image->module, err)) {
        return false;
    }
    image->module->has_tail_ref_calls = header->has_tail_ref_calls != 0;
    if (image->module->func_count != header->func_count) {
        return wj_err_set(err, WJ_ERR_MALFORMED, WJ_NO_OFFSET,
                          "the compiled module is damaged: its header has %u functions: %u were "
                          "expected",
                          header->func_count, image->module->func_count);
    }
    if (wj_kernel_plan_reads_bodies(engine, image->module) &&
        !wj_image_prepare(image, UINT32_MAX, err)) {
        return false;
    }
    return wj_kernel_plan_new(engine, image->module, &image->kernels, err) &&
           wj_code_new_for(image, is_explicit, &image->codes[is_explicit], err) &&
           wj_code_adopt(image->codes[is_explicit], file, err);
}

bool wj_image_load(struct wj_engine *engine, struct wj_blob *blob, bool checks_bodies,
                   struct wj_image **out, struct wj_err *err)
{
    uint64_t start_ns = wj_now_ns();
    struct wj_image *image = image_alloc(engine, blob);
    if (image == NULL) {
        wj_blob_clear(blob);
        return fail_nomem(err);
    }
    *blob = (struct wj_blob){NULL, 0, false};
    if (wj_cwasm_check(engine, image->blob.bytes, image->blob.size_bytes, err) &&
        (!checks_bodies || wj_cwasm_check_bodies(image->blob.bytes, err)) && load(image, err)) {
        count_validation(engine, start_ns);
        atomic_fetch_add(&engine->stats.wasm_bytes, image->module->size_bytes);
        *out = image;
        return true;
    }
    wj_image_release(image);
    return false;
}

bool wj_image_compile_for(struct wj_image *image, const struct wj_backend *backend,
                          uint32_t threads, struct wj_blob *out, struct wj_err *err)
{
    struct wj_compile_settings settings = {
        .is_deterministic = image->engine->settings.is_deterministic,
        .explicit_bounds = image->engine->settings.explicit_bounds,
    };
    struct wj_code *code;
    if (!wj_code_new_for(image, backend, &settings, &code, err)) {
        return false;
    }
    bool is_written =
        wj_code_compile_all(code, threads, err) && wj_cwasm_write(code, NULL, out, err);
    wj_code_free(code);
    return is_written;
}
