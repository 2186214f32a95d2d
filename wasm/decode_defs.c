// The sections that declare what a module has: imports, functions, tables, memories, tags, globals,
// exports, the start function.
#include <string.h>

#include "base/hash.h"
#include "base/pages.h"
#include "wasm/const_expr.h"
#include "wasm/decode.h"
#include "wasm/features.h"
#include "wasm/limits.h"

static void set_func_type(const struct wj_module *module, struct wj_func *func, uint32_t type_index)
{
    const struct wj_type *type = module->type_list[type_index];
    func->type_index = type_index;
    func->type_id = type->id;
    func->type = &type->func;
}

static bool read_tag(struct wj_decoder *d, struct wj_tag *tag)
{
    uint8_t attribute;
    if (!wj_reader_has(&d->in, WJ_FEATURE_EXCEPTIONS)) {
        return wj_reader_needs(&d->in, "tag", WJ_FEATURE_EXCEPTIONS);
    }
    if (!wj_read_byte(&d->in, &attribute, "tag attribute")) {
        return false;
    }
    if (attribute != 0) {
        d->in.at--;
        return wj_reader_fail(&d->in, WJ_ERR_MALFORMED, "malformed tag attribute 0x%02x",
                              attribute);
    }
    if (!wj_read_functype_index(&d->in, &tag->type_index)) {
        return false;
    }
    const struct wj_type *type = d->module->type_list[tag->type_index];
    if (type->func.result_count != 0) {
        return wj_reader_fail(&d->in, WJ_ERR_INVALID, "non-empty tag result type");
    }
    tag->type_id = type->id;
    return true;
}

// Imports come before everything else of their kind, so that each list grows by doubling here and
// by its final size later.
static bool reserve_import(struct wj_decoder *d, void **items, uint32_t count, size_t item_bytes)
{
    bool is_full = (count & (count - 1)) == 0; // 0, 1, 2, 4, ...
    if (!is_full) {
        return true;
    }
    *items = wj_decoder_extend(d, *items, count, count == 0 ? 1 : count, item_bytes);
    return *items != NULL;
}

static bool read_func_import(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    uint32_t type_index;
    if (m->func_count >= WJ_LIMIT_FUNCS) {
        return wj_reader_fail(&d->in, WJ_ERR_LIMIT, "more than %u functions", WJ_LIMIT_FUNCS);
    }
    if (!wj_read_functype_index(&d->in, &type_index) ||
        !reserve_import(d, (void **) &m->funcs, m->func_count, sizeof *m->funcs)) {
        return false;
    }
    m->funcs[m->func_count].is_imported = true;
    set_func_type(m, &m->funcs[m->func_count], type_index);
    m->func_import_count = ++m->func_count;
    return true;
}

static bool check_table_count(struct wj_decoder *d)
{
    if (d->module->table_count >= 1 && !wj_reader_has(&d->in, WJ_FEATURE_REFERENCE_TYPES)) {
        return wj_reader_needs(&d->in, "multiple tables", WJ_FEATURE_REFERENCE_TYPES);
    }
    if (d->module->table_count >= WJ_LIMIT_TABLES) {
        return wj_reader_fail(&d->in, WJ_ERR_LIMIT, "more than %u tables", WJ_LIMIT_TABLES);
    }
    return true;
}

static bool read_table_import(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    if (!check_table_count(d) ||
        !reserve_import(d, (void **) &m->tables, m->table_count, sizeof *m->tables) ||
        !wj_read_table_type(&d->in, &m->tables[m->table_count].type)) {
        return false;
    }
    m->tables[m->table_count].is_imported = true;
    m->table_import_count = ++m->table_count;
    return true;
}

static bool check_memory_count(struct wj_decoder *d)
{
    if (d->module->memory_count >= 1 && !wj_reader_has(&d->in, WJ_FEATURE_MULTI_MEMORY)) {
        return wj_reader_needs(&d->in, "multiple memories", WJ_FEATURE_MULTI_MEMORY);
    }
    if (d->module->memory_count >= WJ_LIMIT_MEMORIES) {
        return wj_reader_fail(&d->in, WJ_ERR_LIMIT, "more than %u memories", WJ_LIMIT_MEMORIES);
    }
    return true;
}

static bool read_memory_import(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    if (!check_memory_count(d) ||
        !reserve_import(d, (void **) &m->memories, m->memory_count, sizeof *m->memories) ||
        !wj_read_memory_type(&d->in, &m->memories[m->memory_count].type)) {
        return false;
    }
    m->memories[m->memory_count].is_imported = true;
    m->memory_import_count = ++m->memory_count;
    return true;
}

static bool read_global_import(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    if (!reserve_import(d, (void **) &m->globals, m->global_count, sizeof *m->globals) ||
        !wj_read_global_type(&d->in, &m->globals[m->global_count].type)) {
        return false;
    }
    m->globals[m->global_count].is_imported = true;
    m->global_import_count = ++m->global_count;
    return true;
}

static bool read_tag_import(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    if (!reserve_import(d, (void **) &m->tags, m->tag_count, sizeof *m->tags) ||
        !read_tag(d, &m->tags[m->tag_count])) {
        return false;
    }
    m->tags[m->tag_count].is_imported = true;
    m->tag_import_count = ++m->tag_count;
    return true;
}

static bool read_import(struct wj_decoder *d, struct wj_import *import)
{
    struct wj_module *m = d->module;
    uint8_t kind;
    if (!wj_read_name(&d->in, &import->module, "import module name") ||
        !wj_read_name(&d->in, &import->name, "import name") ||
        !wj_read_byte(&d->in, &kind, "import kind")) {
        return false;
    }
    import->kind = (enum wj_extern_kind) kind;
    switch (kind) {
    case WJ_EXTERN_FUNC: import->index = m->func_count; return read_func_import(d);
    case WJ_EXTERN_TABLE: import->index = m->table_count; return read_table_import(d);
    case WJ_EXTERN_MEMORY: import->index = m->memory_count; return read_memory_import(d);
    case WJ_EXTERN_GLOBAL: import->index = m->global_count; return read_global_import(d);
    case WJ_EXTERN_TAG: import->index = m->tag_count; return read_tag_import(d);
    default:
        d->in.at--;
        return wj_reader_fail(&d->in, WJ_ERR_MALFORMED, "malformed import kind 0x%02x", kind);
    }
}

bool wj_decode_imports(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    uint32_t count;
    if (!wj_read_count(&d->in, WJ_LIMIT_IMPORTS, &count, "imports")) {
        return false;
    }
    m->imports = WJ_ARENA_ARRAY(&m->arena, struct wj_import, count);
    if (m->imports == NULL) {
        return wj_decoder_fail_nomem(d);
    }
    for (; m->import_count < count; m->import_count++) {
        if (!read_import(d, &m->imports[m->import_count])) {
            return false;
        }
    }
    return true;
}

bool wj_decode_funcs(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    uint32_t count;
    if (!wj_read_count(&d->in, WJ_LIMIT_FUNCS - m->func_count, &count, "functions")) {
        return false;
    }
    m->funcs = wj_decoder_extend(d, m->funcs, m->func_count, count, sizeof *m->funcs);
    if (m->funcs == NULL) {
        return false;
    }
    wj_pages_populate(m->funcs + m->func_count, count * sizeof *m->funcs);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t type_index;
        if (!wj_read_functype_index(&d->in, &type_index)) {
            return false;
        }
        set_func_type(m, &m->funcs[m->func_count++], type_index);
    }
    return true;
}

static bool read_table(struct wj_decoder *d, struct wj_table_def *table)
{
    struct wj_module *m = d->module;
    bool has_init = d->in.at < d->in.limit && *d->in.at == 0x40;
    if (has_init) {
        uint8_t zero;
        d->in.at++;
        if (!wj_read_byte(&d->in, &zero, "zero byte")) {
            return false;
        }
        if (zero != 0) {
            d->in.at--;
            return wj_reader_fail(&d->in, WJ_ERR_MALFORMED, "zero byte expected, not 0x%02x", zero);
        }
        if (!wj_reader_has(&d->in, WJ_FEATURE_TYPED_REFS)) {
            return wj_reader_needs(&d->in, "table initialiser", WJ_FEATURE_TYPED_REFS);
        }
    }
    if (!wj_read_table_type(&d->in, &table->type)) {
        return false;
    }
    table->has_init = has_init;
    if (has_init) {
        return wj_const_expr_read(&d->in, m, table->type.element, m->global_import_count,
                                  &table->init);
    }
    if (!wj_valtype_is_nullable(table->type.element)) {
        return wj_reader_fail(&d->in, WJ_ERR_INVALID,
                              "type mismatch: a table of non-nullable references needs an "
                              "initialiser");
    }
    return true;
}

bool wj_decode_tables(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    uint32_t count;
    if (!wj_read_count(&d->in, WJ_LIMIT_TABLES - m->table_count, &count, "tables")) {
        return false;
    }
    m->tables = wj_decoder_extend(d, m->tables, m->table_count, count, sizeof *m->tables);
    if (m->tables == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++, m->table_count++) {
        if (!check_table_count(d) || !read_table(d, &m->tables[m->table_count])) {
            return false;
        }
    }
    return true;
}

bool wj_decode_memories(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    uint32_t count;
    if (!wj_read_count(&d->in, WJ_LIMIT_MEMORIES, &count, "memories")) {
        return false;
    }
    m->memories = wj_decoder_extend(d, m->memories, m->memory_count, count, sizeof *m->memories);
    if (m->memories == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++, m->memory_count++) {
        if (!check_memory_count(d) ||
            !wj_read_memory_type(&d->in, &m->memories[m->memory_count].type)) {
            return false;
        }
    }
    return true;
}

bool wj_decode_tags(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    uint32_t count;
    if (!wj_reader_has(&d->in, WJ_FEATURE_EXCEPTIONS)) {
        return wj_reader_needs(&d->in, "tag section", WJ_FEATURE_EXCEPTIONS);
    }
    if (!wj_read_count(&d->in, WJ_LIMIT_TAGS - m->tag_count, &count, "tags")) {
        return false;
    }
    m->tags = wj_decoder_extend(d, m->tags, m->tag_count, count, sizeof *m->tags);
    if (m->tags == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++, m->tag_count++) {
        if (!read_tag(d, &m->tags[m->tag_count])) {
            return false;
        }
    }
    return true;
}

bool wj_decode_globals(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    uint32_t count;
    if (!wj_read_count(&d->in, WJ_LIMIT_GLOBALS - m->global_count, &count, "globals")) {
        return false;
    }
    m->globals = wj_decoder_extend(d, m->globals, m->global_count, count, sizeof *m->globals);
    if (m->globals == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++, m->global_count++) {
        struct wj_global_def *global = &m->globals[m->global_count];
        if (!wj_read_global_type(&d->in, &global->type) ||
            !wj_const_expr_read(&d->in, m, global->type.type, m->global_count, &global->init)) {
            return false;
        }
    }
    return true;
}

static uint32_t *find_export_slot(const struct wj_module *m, uint32_t *slots, const char *name,
                                  size_t name_bytes)
{
    uint32_t mask = m->export_slot_count - 1;
    // The seed is an address: nobody can prepare names that collide.
    uint64_t hash = wj_hash64_seeded(name, name_bytes, (uintptr_t) m);
    for (uint32_t i = (uint32_t) hash & mask;; i = (i + 1) & mask) {
        if (slots[i] == 0) {
            return &slots[i];
        }
        const struct wj_name *other = &m->exports[slots[i] - 1].name;
        if (other->size_bytes == name_bytes && memcmp(other->bytes, name, name_bytes) == 0) {
            return &slots[i];
        }
    }
}

const struct wj_export *wj_module_find_export(const struct wj_module *module, const char *name,
                                              size_t name_bytes)
{
    if (module->export_count == 0) {
        return NULL;
    }
    // The search alone does not write.
    uint32_t slot = *find_export_slot(module, (uint32_t *) module->export_slots, name, name_bytes);
    return slot != 0 ? &module->exports[slot - 1] : NULL;
}

static bool read_export(struct wj_decoder *d, struct wj_export *export)
{
    struct wj_module *m = d->module;
    static const char *const kinds[] = {"function", "table", "memory", "global", "tag"};
    const uint32_t counts[] = {
        m->func_count, m->table_count, m->memory_count, m->global_count, m->tag_count,
    };
    uint8_t kind;
    if (!wj_read_name(&d->in, &export->name, "export name") ||
        !wj_read_byte(&d->in, &kind, "export kind")) {
        return false;
    }
    if (kind > WJ_EXTERN_TAG) {
        d->in.at--;
        return wj_reader_fail(&d->in, WJ_ERR_MALFORMED, "malformed export kind 0x%02x", kind);
    }
    if (!wj_read_u32(&d->in, &export->index, "export index")) {
        return false;
    }
    if (export->index >= counts[kind]) {
        return wj_reader_fail(&d->in, WJ_ERR_INVALID, "unknown %s %u", kinds[kind], export->index);
    }
    export->kind = (enum wj_extern_kind) kind;
    if (export->kind == WJ_EXTERN_FUNC) {
        m->funcs[export->index].is_declared = true;
    }
    return true;
}

bool wj_decode_exports(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    uint32_t count;
    if (!wj_read_count(&d->in, WJ_LIMIT_EXPORTS, &count, "exports")) {
        return false;
    }
    m->export_slot_count = 16;
    while (m->export_slot_count < 2 * count) {
        m->export_slot_count *= 2;
    }
    uint32_t *slots = WJ_ARENA_ARRAY(&m->arena, uint32_t, m->export_slot_count);
    m->exports = WJ_ARENA_ARRAY(&m->arena, struct wj_export, count);
    if (m->exports == NULL || slots == NULL) {
        return wj_decoder_fail_nomem(d);
    }
    m->export_slots = slots;
    for (; m->export_count < count; m->export_count++) {
        struct wj_export *export = &m->exports[m->export_count];
        if (!read_export(d, export)) {
            return false;
        }
        uint32_t *slot = find_export_slot(m, slots, export->name.bytes, export->name.size_bytes);
        if (*slot != 0) {
            return wj_reader_fail(&d->in, WJ_ERR_INVALID, "duplicate export name \"%.*s\"",
                                  export->name.size_bytes < 80 ? (int) export->name.size_bytes : 80,
                                  export->name.bytes);
        }
        *slot = m->export_count + 1;
    }
    return true;
}

bool wj_decode_start(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    if (!wj_read_u32(&d->in, &m->start_func, "start function")) {
        return false;
    }
    if (m->start_func >= m->func_count) {
        return wj_reader_fail(&d->in, WJ_ERR_INVALID, "unknown function %u as start function",
                              m->start_func);
    }
    const struct wj_functype *type = m->funcs[m->start_func].type;
    if (type->param_count != 0 || type->result_count != 0) {
        return wj_reader_fail(&d->in, WJ_ERR_INVALID,
                              "start function must have no parameters and no results");
    }
    m->has_start = true;
    return true;
}
