// The module as a whole: header, sections and their order, and what must agree between them.
#include "wasm/decode.h"

#include <stdlib.h>
#include <string.h>

#include "wasm/features.h"
#include "wasm/limits.h"

enum section {
    SECTION_CUSTOM,
    SECTION_TYPE,
    SECTION_IMPORT,
    SECTION_FUNC,
    SECTION_TABLE,
    SECTION_MEMORY,
    SECTION_GLOBAL,
    SECTION_EXPORT,
    SECTION_START,
    SECTION_ELEM,
    SECTION_CODE,
    SECTION_DATA,
    SECTION_DATA_COUNT,
    SECTION_TAG,
    SECTION_COUNT,
};

struct section_info {
    const char *name;
    uint8_t order; // sections appear in ascending order
    bool (*decode)(struct wj_decoder *decoder);
};

static const struct section_info sections[SECTION_COUNT] = {
    [SECTION_CUSTOM] = {"custom", 0, wj_decode_custom},
    [SECTION_TYPE] = {"type", 1, wj_decode_types},
    [SECTION_IMPORT] = {"import", 2, wj_decode_imports},
    [SECTION_FUNC] = {"function", 3, wj_decode_funcs},
    [SECTION_TABLE] = {"table", 4, wj_decode_tables},
    [SECTION_MEMORY] = {"memory", 5, wj_decode_memories},
    [SECTION_TAG] = {"tag", 6, wj_decode_tags},
    [SECTION_GLOBAL] = {"global", 7, wj_decode_globals},
    [SECTION_EXPORT] = {"export", 8, wj_decode_exports},
    [SECTION_START] = {"start", 9, wj_decode_start},
    [SECTION_ELEM] = {"element", 10, wj_decode_elems},
    [SECTION_DATA_COUNT] = {"data count", 11, wj_decode_data_count},
    [SECTION_CODE] = {"code", 12, wj_decode_code},
    [SECTION_DATA] = {"data", 13, wj_decode_datas},
};

bool wj_decoder_fail_nomem(struct wj_decoder *d)
{
    return wj_err_set(d->err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
}

void *wj_decoder_extend(struct wj_decoder *d, const void *items, uint32_t count, uint32_t added,
                        size_t item_bytes)
{
    size_t total = (size_t) count + added;
    void *extended = wj_arena_alloc_array(&d->module->arena, total, item_bytes);
    if (extended == NULL) {
        wj_decoder_fail_nomem(d);
        return NULL;
    }
    if (count != 0) {
        memcpy(extended, items, count * item_bytes);
    }
    return extended;
}

static bool check_header(struct wj_reader *in)
{
    static const uint8_t magic[4] = {0, 'a', 's', 'm'};
    static const uint8_t version[4] = {1, 0, 0, 0};
    const uint8_t *bytes = in->at;
    size_t left = wj_reader_left(in);
    if (memcmp(bytes, magic, left < 4 ? left : 4) != 0) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED,
                              "magic header not detected: this is no WebAssembly module");
    }
    if (left < 8) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED,
                              "unexpected end: the header takes 8 bytes, %zu are there", left);
    }
    in->at += 4;
    if ((bytes[4] | bytes[5]) != 0 && bytes[6] == 1 && bytes[7] == 0) {
        return wj_reader_fail(in, WJ_ERR_UNSUPPORTED,
                              "this is a component, not a core module: build for wasm32-wasip1");
    }
    if (memcmp(bytes + 4, version, 4) != 0) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED,
                              "unknown binary version %u.%u.%u.%u, expected 1.0.0.0", bytes[4],
                              bytes[5], bytes[6], bytes[7]);
    }
    in->at += 4;
    return true;
}

static bool fail_section_size(struct wj_decoder *d, const char *name)
{
    return wj_reader_fail(&d->in, WJ_ERR_MALFORMED,
                          "section size mismatch: %zu bytes are left of the %s section",
                          wj_reader_left(&d->in), name);
}

static bool decode_section(struct wj_decoder *d, struct wj_reader *all, unsigned *last_order)
{
    size_t start = wj_reader_offset(all);
    uint8_t id;
    uint32_t size;
    if (!wj_read_byte(all, &id, "section id")) {
        return false;
    }
    if (id >= SECTION_COUNT) {
        return wj_err_set(d->err, WJ_ERR_MALFORMED, start, "malformed section id %u", id);
    }
    const struct section_info *info = &sections[id];
    if (!wj_read_u32(all, &size, "section size")) {
        return false;
    }
    const uint8_t *contents;
    if (!wj_read_bytes(all, size, &contents, info->name)) {
        return false;
    }
    if (info->order != 0) {
        if (info->order <= *last_order) {
            return wj_err_set(d->err, WJ_ERR_MALFORMED, start,
                              "unexpected content after last section: %s section is repeated or "
                              "out of order",
                              info->name);
        }
        *last_order = info->order;
    }
    d->in.at = contents;
    d->in.limit = contents + size;
    if (!info->decode(d)) {
        return false;
    }
    return d->in.at == d->in.limit || fail_section_size(d, info->name);
}

static bool check_body_count(struct wj_decoder *d)
{
    uint32_t defined = d->module->func_count - d->module->func_import_count;
    return defined == d->func_body_count ||
           wj_err_set(d->err, WJ_ERR_MALFORMED, d->module->size_bytes,
                      "function and code section have inconsistent lengths: %u and %u", defined,
                      d->func_body_count);
}

static bool check_agreement(struct wj_decoder *d)
{
    struct wj_module *module = d->module;
    if (!d->skips_bodies && !check_body_count(d)) {
        return false;
    }
    if (module->has_data_count && d->data_count_declared != module->data_count) {
        return wj_err_set(d->err, WJ_ERR_MALFORMED, module->size_bytes,
                          "data count and data section have inconsistent lengths: %u and %u",
                          d->data_count_declared, module->data_count);
    }
    return true;
}

// Gives each body its part of the census.
static bool allot_census(struct wj_decoder *d)
{
    struct wj_module *module = d->module;
    struct wj_local_census *locals =
        WJ_ARENA_ARRAY(&module->arena, struct wj_local_census, d->local_total);
    if (locals == NULL) {
        return wj_decoder_fail_nomem(d);
    }
    for (uint32_t i = module->func_import_count; i < module->func_count; i++) {
        module->funcs[i].census_locals = locals;
        locals += module->funcs[i].local_count;
    }
    return true;
}

bool wj_module_check_size(size_t size_bytes, struct wj_err *err)
{
    return size_bytes <= WJ_LIMIT_MODULE_BYTES ||
           wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET, "the module has %zu bytes, the limit is %u",
                      size_bytes, WJ_LIMIT_MODULE_BYTES);
}

static bool decode_module(struct wj_decoder *d)
{
    struct wj_module *module = d->module;
    if (!wj_module_check_size(module->size_bytes, d->err)) {
        return false;
    }
    struct wj_reader all = d->in;
    if (!check_header(&all)) {
        return false;
    }
    unsigned last_order = 0;
    while (all.at < all.limit) {
        if (!decode_section(d, &all, &last_order)) {
            return false;
        }
    }
    if (!check_agreement(d) || (!d->skips_bodies && !allot_census(d))) {
        return false;
    }
    wj_decode_names(module);
    return true;
}

static bool decode(const struct wj_module *blank, struct wj_bulk *bulk, bool skips_bodies,
                   struct wj_module **out, struct wj_err *err)
{
    struct wj_module *module = calloc(1, sizeof *module);
    if (module == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    *module = *blank;
    wj_arena_init_in(&module->arena, bulk);
    const uint8_t *bytes = module->bytes;
    struct wj_decoder decoder = {
        .module = module,
        .in = {.at = bytes, .limit = bytes + module->size_bytes, .module = module, .err = err},
        .err = err,
        .skips_bodies = skips_bodies,
    };
    if (!decode_module(&decoder)) {
        wj_module_free(module);
        return false;
    }
    *out = module;
    return true;
}

bool wj_module_decode_in(struct wj_bulk *bulk, struct wj_types *types, uint32_t features,
                         const uint8_t *bytes, size_t size_bytes, struct wj_module **out,
                         struct wj_err *err)
{
    struct wj_module blank = {.types = types,
                              .features = features | WJ_FEATURE_MVP,
                              .bytes = bytes,
                              .size_bytes = size_bytes};
    return decode(&blank, bulk, false, out, err);
}

bool wj_module_decode(struct wj_types *types, uint32_t features, const uint8_t *bytes,
                      size_t size_bytes, struct wj_module **out, struct wj_err *err)
{
    return wj_module_decode_in(NULL, types, features, bytes, size_bytes, out, err);
}

bool wj_module_decode_outline(struct wj_bulk *bulk, struct wj_types *types, uint32_t features,
                              const uint8_t *bytes, size_t size_bytes, struct wj_module **out,
                              struct wj_err *err)
{
    struct wj_module blank = {.types = types,
                              .features = features | WJ_FEATURE_MVP,
                              .bytes = bytes,
                              .size_bytes = size_bytes};
    return decode(&blank, bulk, true, out, err);
}

bool wj_module_find_bodies(struct wj_module *module, struct wj_err *err)
{
    const uint8_t *at = module->code_section;
    struct wj_decoder d = {.module = module, .err = err};
    if (at != NULL) {
        d.in = (struct wj_reader){
            .at = at, .limit = at + module->code_section_bytes, .module = module, .err = err};
        if (!wj_decode_code(&d)) {
            return false;
        }
        if (d.in.at != d.in.limit) {
            return fail_section_size(&d, sections[SECTION_CODE].name);
        }
    }
    return check_body_count(&d) && allot_census(&d);
}

void wj_module_free(struct wj_module *module)
{
    if (module != NULL) {
        wj_arena_clear(&module->arena);
        free(module);
    }
}
