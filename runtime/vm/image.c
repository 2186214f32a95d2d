// Modules as an engine keeps them: decoded and validated, or loaded with their code.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pages.h"
#include "runtime/vm/cache.h"
#include "runtime/vm/code.h"
#include "runtime/vm/kernel.h"
#include "runtime/vm/validate.h"

// In an entry of the cache below this size all checksums are looked at at once; in a larger one
// that of function bodies, which are read only to compile another function, is when that happens.
#define BODIES_CHECKED_BYTES_MAX (4u << 20)
// An entry is written anew when its code has grown, if it is not small by more than one part in
// these many.
#define KEEP_GROWTH 8u
#define SMALL_BYTES_MAX (1u << 20)
// Bytes of a module from which on it has a bulk (base/bulk.h) of its own: with what is made of them
// and of their code they fill a quarter of a huge page, whose one fault costs less than one for
// each page. Such a module holds 2 MiB at least.
#define BULK_BYTES_MIN (128u << 10)
// Likewise for functions of a compiled module, whose code is in the file.
#define BULK_FUNCS_MIN 4096u

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

// Counts the time of other threads; the caller counts that of its own.
static bool validate(struct wj_image *image, struct wj_err *err)
{
    struct wj_engine *engine = image->engine;
    uint64_t start_ns = wj_now_ns(), busy_ns;
    bool is_valid = wj_validate_bodies(image->module, engine->settings.threads, &busy_ns, err);
    uint64_t own_ns = wj_now_ns() - start_ns;
    if (busy_ns > own_ns) {
        atomic_fetch_add(&engine->stats.validate_ns, busy_ns - own_ns);
    }
    return is_valid;
}

// Decodes and validates; the blob is taken over in any case.
static bool image_new(struct wj_engine *engine, struct wj_blob *blob, struct wj_image **out,
                      struct wj_err *err)
{
    uint64_t start_ns = wj_now_ns();
    size_t size_bytes = blob->size_bytes;
    struct wj_image *image = image_alloc(engine, blob);
    if (image == NULL) {
        wj_blob_clear(blob);
        return fail_nomem(err);
    }
    if (wj_module_decode_in(blob->bulk, engine->types, engine->settings.features, blob->bytes,
                            size_bytes, &image->module, err) &&
        validate(image, err) && wj_kernel_plan_new(engine, image->module, &image->kernels, err)) {
        count_validation(engine, start_ns);
        atomic_fetch_add(&engine->stats.wasm_bytes, size_bytes);
        *out = image;
        return true;
    }
    wj_image_release(image);
    return false;
}

static bool alloc_blob(struct wj_engine *engine, size_t size_bytes, struct wj_blob *out,
                       struct wj_err *err)
{
    *out = (struct wj_blob){.size_bytes = size_bytes};
    if (size_bytes >= BULK_BYTES_MIN) {
        out->bulk = wj_bulk_new(size_bytes, &engine->spare);
        out->is_in_bulk = out->bulk != NULL;
    }
    // Where there is no room for that, the module does without.
    out->bytes =
        out->bulk == NULL ? wj_pages_alloc(size_bytes) : wj_bulk_alloc(out->bulk, size_bytes);
    if (out->bytes == NULL) {
        wj_blob_clear(out);
        return fail_nomem(err);
    }
    return true;
}

// ---- Modules in the cache -----------------------------------------------------------------------

static struct wj_hash128 key_of(const struct wj_engine *engine, const struct wj_hash128 *hash)
{
    struct wj_compile_settings settings =
        wj_code_settings(engine, engine->settings.explicit_bounds);
    struct wj_cache_terms terms = {
        .settings = wj_cwasm_settings(engine, &settings),
        .features = engine->settings.features,
        .machine = engine->ports.backend->name,
    };
    return wj_cache_key(engine->cache, hash, &terms);
}

static uint64_t code_bytes_of(const struct wj_image *image)
{
    const struct wj_code *code = image->codes[image->engine->settings.explicit_bounds];
    return code == NULL ? 0 : atomic_load(&code->compiled_bytes);
}

static bool load_cached(struct wj_engine *engine, const struct wj_hash128 *hash,
                        struct wj_image **out)
{
    struct wj_hash128 key = key_of(engine, hash);
    struct wj_blob blob;
    struct wj_err err;
    wj_err_clear(&err);
    if (!wj_cache_find(engine->cache, &key, &blob)) {
        return false;
    }
    if (!wj_image_load(engine, &blob, blob.size_bytes < BODIES_CHECKED_BYTES_MAX, out, &err)) {
        if (err.kind == WJ_ERR_MALFORMED || err.kind == WJ_ERR_UNSUPPORTED) {
            wj_cache_drop(engine->cache, &key);
        }
        return false;
    }
    (*out)->is_cacheable = true;
    (*out)->key = key;
    (*out)->cached_bytes = code_bytes_of(*out);
    atomic_fetch_add(&engine->stats.cache_hits, 1);
    return true;
}

// A module that is not in the cache yet. The blob is what its name is made of: it is ours.
static bool new_cacheable(struct wj_engine *engine, struct wj_blob *blob,
                          const struct wj_hash128 *hash, struct wj_image **out, struct wj_err *err)
{
    atomic_fetch_add(&engine->stats.cache_misses, 1);
    if (!image_new(engine, blob, out, err)) {
        return false;
    }
    (*out)->is_cacheable = true;
    (*out)->key = key_of(engine, hash);
    return true;
}

bool wj_image_new(struct wj_engine *engine, const uint8_t *bytes, size_t size_bytes,
                  struct wj_image **out, struct wj_err *err)
{
    if (!wj_module_check_size(size_bytes, err)) {
        return false;
    }
    struct wj_cache *cache = wj_engine_cache(engine, size_bytes);
    if (cache != NULL) {
        struct wj_hash128 hash = wj_cache_hash(cache, bytes, size_bytes);
        if (load_cached(engine, &hash, out)) {
            return true;
        }
    }
    struct wj_blob blob;
    if (!alloc_blob(engine, size_bytes, &blob, err)) {
        return false;
    }
    if (size_bytes != 0) {
        memcpy(blob.bytes, bytes, size_bytes);
    }
    if (cache == NULL) {
        return image_new(engine, &blob, out, err);
    }
    // Of the copy: nobody writes to it meanwhile.
    struct wj_hash128 hash = wj_cache_hash(cache, blob.bytes, size_bytes);
    return new_cacheable(engine, &blob, &hash, out, err);
}

bool wj_image_adopt(struct wj_engine *engine, struct wj_blob *blob, struct wj_image **out,
                    struct wj_err *err)
{
    if (!wj_module_check_size(blob->size_bytes, err)) {
        wj_blob_clear(blob);
        return false;
    }
    struct wj_cache *cache = wj_engine_cache(engine, blob->size_bytes);
    struct wj_hash128 hash;
    if (cache != NULL) {
        hash = wj_cache_hash(cache, blob->bytes, blob->size_bytes);
        if (load_cached(engine, &hash, out)) {
            wj_blob_clear(blob);
            return true;
        }
    }
    if (blob->size_bytes >= BULK_BYTES_MIN) {
        blob->bulk = wj_bulk_new(0, &engine->spare); // or NULL: without
    }
    return cache == NULL ? image_new(engine, blob, out, err)
                         : new_cacheable(engine, blob, &hash, out, err);
}

static bool fail_read(struct wj_err *err, int number)
{
    return wj_err_set(err, WJ_ERR_IO, WJ_NO_OFFSET, "%s", strerror(number));
}

// The file's bytes, which are as many as `st` says or it changes at this moment.
static bool read_file(struct wj_engine *engine, int fd, const struct stat *st, struct wj_blob *out,
                      struct wj_err *err)
{
    if (!alloc_blob(engine, (size_t) st->st_size, out, err)) {
        return false;
    }
    size_t done = 0;
    while (done < out->size_bytes) {
        ssize_t got = pread(fd, out->bytes + done, out->size_bytes - done, (off_t) done);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            fail_read(err, got == 0 ? EIO : errno);
            wj_blob_clear(out);
            return false;
        }
        done += got > 0 ? (size_t) got : 0;
    }
    return true;
}

static bool open_file(struct wj_engine *engine, int fd, const struct stat *st,
                      struct wj_image **out, struct wj_err *err)
{
    if (!wj_module_check_size((size_t) st->st_size, err)) {
        return false; // before any of it is read
    }
    struct wj_cache *cache = wj_engine_cache(engine, (size_t) st->st_size);
    struct wj_hash128 hash;
    struct wj_blob blob;
    if (cache != NULL && wj_cache_recall(cache, st, &hash) && load_cached(engine, &hash, out)) {
        return true;
    }
    if (!read_file(engine, fd, st, &blob, err)) {
        return false;
    }
    if (cache == NULL) {
        return image_new(engine, &blob, out, err);
    }
    hash = wj_cache_hash(cache, blob.bytes, blob.size_bytes);
    struct stat after;
    if (fstat(fd, &after) == 0 && after.st_ctim.tv_sec == st->st_ctim.tv_sec &&
        after.st_ctim.tv_nsec == st->st_ctim.tv_nsec && after.st_size == st->st_size) {
        wj_cache_remember(cache, st, &hash);
    }
    if (load_cached(engine, &hash, out)) {
        wj_blob_clear(&blob);
        return true;
    }
    return new_cacheable(engine, &blob, &hash, out, err);
}

bool wj_image_open(struct wj_engine *engine, const char *path, struct wj_image **out,
                   struct wj_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    bool is_opened = false;
    if (fd < 0 || fstat(fd, &st) != 0) {
        fail_read(err, errno);
    } else if (!S_ISREG(st.st_mode)) {
        wj_err_set(err, WJ_ERR_IO, WJ_NO_OFFSET, "it is no file: one was expected");
    } else {
        is_opened = open_file(engine, fd, &st, out, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    return is_opened;
}

void wj_image_keep(struct wj_image *image)
{
    struct wj_code *code = image->codes[image->engine->settings.explicit_bounds];
    uint64_t bytes = code_bytes_of(image);
    uint64_t grown = bytes - image->cached_bytes;
    bool is_small = image->blob.size_bytes < SMALL_BYTES_MAX;
    if (!image->is_cacheable || code == NULL || grown == 0 ||
        (!is_small && grown <= image->cached_bytes / KEEP_GROWTH)) {
        return;
    }
    struct wj_blob blob;
    pthread_mutex_lock(&code->lock);
    bool is_written = wj_cwasm_write(code, &image->key, &blob, NULL);
    image->cached_bytes = bytes;
    pthread_mutex_unlock(&code->lock);
    if (is_written) {
        wj_cache_store(image->engine->cache, &image->key, &blob);
        wj_blob_clear(&blob);
    }
}

// ---- Modules with their code --------------------------------------------------------------------

static bool prepare_locked(struct wj_image *image, uint32_t func_index, struct wj_err *err)
{
    struct wj_module *module = image->module;
    uint32_t first = module->func_import_count;
    if (!image->has_bodies) {
        if (!wj_cwasm_check_bodies(image->blob.bytes, err) || !wj_module_find_bodies(module, err)) {
            if (image->is_cacheable) {
                wj_cache_drop(image->engine->cache, &image->key);
            }
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
    wj_image_keep(image);
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

bool wj_image_code_as_is(struct wj_image *image, bool explicit_bounds, struct wj_code **out,
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
    return true;
}

bool wj_image_code(struct wj_image *image, bool explicit_bounds, struct wj_code **out,
                   struct wj_err *err)
{
    if (!wj_image_code_as_is(image, explicit_bounds, out, err)) {
        return false;
    }
    switch (image->engine->settings.compile_mode) {
    case WJ_COMPILE_LAZY: return true;
    case WJ_COMPILE_EAGER: return wj_code_compile_all(*out, 1, err);
    case WJ_COMPILE_PARALLEL:
        return wj_code_compile_all(*out, image->engine->settings.threads, err);
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
    if (header->func_count >= BULK_FUNCS_MIN) {
        image->blob.bulk = wj_bulk_new(0, &engine->spare); // or NULL: without
    }
    if (!wj_module_decode_outline(image->blob.bulk, engine->types, engine->settings.features,
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
    if (!wj_kernel_plan_new(engine, image->module, &image->kernels, err) ||
        !wj_code_new(image, is_explicit, &image->codes[is_explicit], err)) {
        return false;
    }
    wj_region_close(image->codes[is_explicit]->region); // little is compiled, and later
    return wj_code_adopt(image->codes[is_explicit], &image->blob, err);
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
    *blob = (struct wj_blob){.bytes = NULL};
    if (wj_cwasm_check(engine, image->blob.bytes, image->blob.size_bytes, err) &&
        (!checks_bodies || wj_cwasm_check_bodies(image->blob.bytes, err)) && load(image, err)) {
        wj_blob_close_file(&image->blob);
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
    bool is_written = wj_code_serialize(code, threads, out, err);
    wj_code_free(code);
    return is_written;
}
