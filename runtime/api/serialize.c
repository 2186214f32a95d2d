// Modules with their machine code as bytes and as files.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pages.h"
#include "runtime/api/internal.h"

static uint32_t threads_of(const struct wj_settings *settings)
{
    return settings->compile_mode == WJ_COMPILE_PARALLEL ? settings->threads : 1;
}

// Code of this machine, with all its features, is the code that the module runs.
static bool serialize_own(struct wj_image *image, struct wj_blob *out, struct wj_err *err)
{
    const struct wj_settings *settings = &image->engine->settings;
    struct wj_code *code;
    return wj_image_code_as_is(image, settings->explicit_bounds, &code, err) &&
           wj_code_serialize(code, threads_of(settings), out, err);
}

static bool serialize_for(struct wj_image *image, const char *target, struct wj_blob *out,
                          struct wj_err *err)
{
    const struct wj_backend *backend = wj_ports_backend(target);
    if (backend == NULL) {
        return wj_err_set(err, WJ_ERR_USAGE, WJ_NO_OFFSET,
                          "no compiler for %s: x86-64 or aarch64 was expected", target);
    }
    return wj_image_compile_for(image, backend, threads_of(&image->engine->settings), out, err);
}

bool wjit_module_serialize(const wasm_module_t *module, const char *target, wasm_byte_vec_t *out,
                           wjit_error_t *error)
{
    struct wj_image *image = module->ref.object;
    struct wj_blob blob;
    struct wj_err err;
    wj_err_clear(&err);
    *out = (wasm_byte_vec_t){0, NULL};
    bool is_written = target == NULL ? serialize_own(image, &blob, &err)
                                     : serialize_for(image, target, &blob, &err);
    if (!is_written) {
        wj_api_error_out(&err, error);
        return false;
    }
    *out = (wasm_byte_vec_t){blob.size_bytes, (char *) blob.bytes};
    return true;
}

void wasm_module_serialize(const wasm_module_t *module, wasm_byte_vec_t *out)
{
    wjit_module_serialize(module, NULL, out, NULL);
}

static wasm_module_t *load(wasm_store_t *store, struct wj_blob *blob, wjit_error_t *error)
{
    struct wj_err err;
    wj_err_clear(&err);
    struct wj_image *image;
    bool is_made = false;
    if (wj_cwasm_is(blob->bytes, blob->size_bytes)) {
        is_made = wj_image_load(store->store->engine, blob, true, &image, &err);
    } else {
        wj_blob_clear(blob);
        wj_err_set(&err, WJ_ERR_MALFORMED, WJ_NO_OFFSET,
                   "this is no compiled module: what wjit compile wrote was expected");
    }
    return wj_api_module_or_error(store, is_made ? image : NULL, &err, error);
}

wasm_module_t *wjit_module_deserialize(wasm_store_t *store, const wasm_byte_vec_t *bytes,
                                       wjit_error_t *error)
{
    // As aligned as the rows in it.
    struct wj_blob blob = {.bytes = wj_pages_alloc(bytes->size), .size_bytes = bytes->size};
    if (blob.bytes == NULL) {
        struct wj_err err;
        wj_err_clear(&err);
        wj_err_set(&err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
        wj_api_error_out(&err, error);
        return NULL;
    }
    if (bytes->size != 0) {
        memcpy(blob.bytes, bytes->data, bytes->size);
    }
    return load(store, &blob, error);
}

wasm_module_t *wasm_module_deserialize(wasm_store_t *store, const wasm_byte_vec_t *bytes)
{
    return wjit_module_deserialize(store, bytes, NULL);
}

static bool map_file(const char *path, struct wj_blob *blob)
{
    *blob = (struct wj_blob){.is_mapped = true, .file = open(path, O_RDONLY | O_CLOEXEC)};
    struct stat st;
    bool is_mapped = blob->file >= 0 && fstat(blob->file, &st) == 0;
    if (is_mapped && !S_ISREG(st.st_mode)) {
        errno = EINVAL;
        is_mapped = false;
    }
    if (is_mapped && st.st_size > 0) {
        void *bytes = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, blob->file, 0);
        is_mapped = bytes != MAP_FAILED;
        blob->bytes = is_mapped ? bytes : NULL;
        blob->size_bytes = is_mapped ? (size_t) st.st_size : 0;
    }
    int number = errno;
    if (!is_mapped) {
        wj_blob_close_file(blob);
    }
    errno = number;
    return is_mapped;
}

wasm_module_t *wjit_module_deserialize_file(wasm_store_t *store, const char *path,
                                            wjit_error_t *error)
{
    struct wj_blob blob;
    if (map_file(path, &blob)) {
        return load(store, &blob, error);
    }
    struct wj_err err;
    wj_err_clear(&err);
    wj_err_set(&err, WJ_ERR_IO, WJ_NO_OFFSET, "%s", strerror(errno));
    wj_api_error_out(&err, error);
    return NULL;
}
