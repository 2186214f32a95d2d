// The sections with contents: element segments, code, data segments, custom sections.
#include "wasm/const_expr.h"
#include "wasm/decode.h"
#include "wasm/features.h"
#include "wasm/limits.h"

// Element segment flags, binary format, "Element Section".
enum { ELEM_NOT_ACTIVE = 1, ELEM_EXPLICIT = 2, ELEM_EXPRS = 4 };

static bool read_elem_header(struct wj_decoder *d, struct wj_elem *elem, uint32_t flags)
{
    struct wj_module *m = d->module;
    elem->mode = !(flags & ELEM_NOT_ACTIVE) ? WJ_SEGMENT_ACTIVE
                 : (flags & ELEM_EXPLICIT)  ? WJ_SEGMENT_DECLARED
                                            : WJ_SEGMENT_PASSIVE;
    if (elem->mode == WJ_SEGMENT_ACTIVE) {
        if ((flags & ELEM_EXPLICIT) && !wj_read_u32(&d->in, &elem->table, "table index")) {
            return false;
        }
        if (elem->table >= m->table_count) {
            return wj_reader_fail(&d->in, WJ_ERR_INVALID, "unknown table %u", elem->table);
        }
        wj_valtype address = m->tables[elem->table].type.limits.is_64 ? WJ_TYPE_I64 : WJ_TYPE_I32;
        if (!wj_const_expr_read(&d->in, m, address, m->global_count, &elem->offset)) {
            return false;
        }
    }
    // Without a type the references are those of functions: not null where indexes give them.
    bool has_type = (flags & (ELEM_NOT_ACTIVE | ELEM_EXPLICIT)) != 0;
    elem->type = flags & ELEM_EXPRS ? WJ_TYPE_FUNCREF : WJ_TYPE_ABSTRACT_REF(WJ_HEAP_FUNC, false);
    if (has_type && (flags & ELEM_EXPRS)) {
        return wj_read_reftype(&d->in, &elem->type);
    }
    uint8_t kind = 0;
    if (has_type && !wj_read_byte(&d->in, &kind, "element kind")) {
        return false;
    }
    if (kind != 0) {
        d->in.at--;
        return wj_reader_fail(&d->in, WJ_ERR_MALFORMED, "malformed element kind 0x%02x", kind);
    }
    return true;
}

static bool read_elem_funcs(struct wj_decoder *d, struct wj_elem *elem)
{
    struct wj_module *m = d->module;
    uint32_t *funcs = WJ_ARENA_ARRAY(&m->arena, uint32_t, elem->count);
    if (funcs == NULL) {
        return wj_decoder_fail_nomem(d);
    }
    elem->funcs = funcs;
    for (uint32_t i = 0; i < elem->count; i++) {
        if (!wj_read_u32(&d->in, &funcs[i], "function index")) {
            return false;
        }
        if (funcs[i] >= m->func_count) {
            return wj_reader_fail(&d->in, WJ_ERR_INVALID, "unknown function %u", funcs[i]);
        }
        m->funcs[funcs[i]].is_declared = true;
    }
    return true;
}

static bool read_elem_exprs(struct wj_decoder *d, struct wj_elem *elem)
{
    struct wj_module *m = d->module;
    struct wj_const_expr *exprs = WJ_ARENA_ARRAY(&m->arena, struct wj_const_expr, elem->count);
    if (exprs == NULL) {
        return wj_decoder_fail_nomem(d);
    }
    elem->exprs = exprs;
    for (uint32_t i = 0; i < elem->count; i++) {
        if (!wj_const_expr_read(&d->in, m, elem->type, m->global_count, &exprs[i])) {
            return false;
        }
    }
    return true;
}

static bool read_elem(struct wj_decoder *d, struct wj_elem *elem)
{
    uint32_t flags;
    if (!wj_read_u32(&d->in, &flags, "element segment flags")) {
        return false;
    }
    if (flags > 7) {
        return wj_reader_fail(&d->in, WJ_ERR_MALFORMED, "malformed elements segment kind %u",
                              flags);
    }
    if (!read_elem_header(d, elem, flags)) {
        return false;
    }
    if (elem->mode == WJ_SEGMENT_ACTIVE) {
        wj_valtype element = d->module->tables[elem->table].type.element;
        if (!wj_types_is_subtype(d->module->types, elem->type, element)) {
            char have[32];
            char want[32];
            return wj_reader_fail(&d->in, WJ_ERR_INVALID,
                                  "type mismatch: elements of %s in a table of %s",
                                  wj_valtype_print(elem->type, have, sizeof have),
                                  wj_valtype_print(element, want, sizeof want));
        }
    }
    if (!wj_read_count(&d->in, WJ_LIMIT_ELEM_ENTRIES, &elem->count, "elements")) {
        return false;
    }
    return flags & ELEM_EXPRS ? read_elem_exprs(d, elem) : read_elem_funcs(d, elem);
}

bool wj_decode_elems(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    uint32_t count;
    if (!wj_read_count(&d->in, WJ_LIMIT_ELEMS, &count, "element segments")) {
        return false;
    }
    m->elems = WJ_ARENA_ARRAY(&m->arena, struct wj_elem, count);
    if (m->elems == NULL) {
        return wj_decoder_fail_nomem(d);
    }
    for (; m->elem_count < count; m->elem_count++) {
        if (!read_elem(d, &m->elems[m->elem_count])) {
            return false;
        }
    }
    return true;
}

bool wj_decode_data_count(struct wj_decoder *d)
{
    d->module->has_data_count = true;
    if (!wj_read_u32(&d->in, &d->data_count_declared, "data count")) {
        return false;
    }
    if (d->data_count_declared > WJ_LIMIT_DATAS) {
        return wj_reader_fail(&d->in, WJ_ERR_LIMIT, "%u data segments, the limit is %u",
                              d->data_count_declared, WJ_LIMIT_DATAS);
    }
    return true;
}

// Sums up the local declarations, so that memory for all of them can be refused or given at once.
static bool count_locals(struct wj_decoder *d, struct wj_func *func)
{
    struct wj_reader in = d->in;
    in.at = func->code;
    in.limit = func->code + func->code_size_bytes;
    uint32_t groups;
    uint64_t total = func->type->param_count;
    if (!wj_read_count(&in, UINT32_MAX, &groups, "local declarations")) {
        return false;
    }
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t count;
        wj_valtype type;
        if (!wj_read_u32(&in, &count, "number of locals")) {
            return false;
        }
        total += count;
        if (total > UINT32_MAX) {
            return wj_reader_fail(&in, WJ_ERR_MALFORMED, "too many locals: %llu",
                                  (unsigned long long) total);
        }
        if (!wj_read_valtype(&in, &type)) {
            return false;
        }
    }
    if (total > WJ_LIMIT_LOCALS) {
        return wj_reader_fail(&in, WJ_ERR_LIMIT, "%llu locals, the limit is %u",
                              (unsigned long long) total, WJ_LIMIT_LOCALS);
    }
    func->local_count = (uint32_t) total;
    d->local_total += total;
    uint64_t allowed =
        WJ_LIMIT_LOCALS_FREE + (uint64_t) WJ_LIMIT_LOCALS_PER_BYTE * d->module->size_bytes;
    if (d->local_total > allowed) {
        return wj_reader_fail(&in, WJ_ERR_LIMIT,
                              "all functions together have more than %llu locals",
                              (unsigned long long) allowed);
    }
    return true;
}

static bool read_body(struct wj_decoder *d, struct wj_func *func)
{
    struct wj_module *m = d->module;
    uint32_t size;
    if (!wj_read_u32(&d->in, &size, "size of a function body")) {
        return false;
    }
    func->code_offset = (uint32_t) wj_reader_offset(&d->in);
    func->code_size_bytes = size;
    if (!wj_read_bytes(&d->in, size, &func->code, "function body")) {
        return false;
    }
    if (size > WJ_LIMIT_BODY_BYTES) {
        return wj_err_set(d->err, WJ_ERR_LIMIT, func->code_offset,
                          "function body of %u bytes, the limit is %u", size, WJ_LIMIT_BODY_BYTES);
    }
    if (!count_locals(d, func)) {
        return false;
    }
    m->body_bytes_max = size > m->body_bytes_max ? size : m->body_bytes_max;
    if (func->local_count > m->local_count_max) {
        m->local_count_max = func->local_count;
    }
    return true;
}

bool wj_decode_code(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    uint32_t defined = m->func_count - m->func_import_count;
    uint32_t count;
    m->code_section = d->in.at;
    m->code_section_bytes = wj_reader_left(&d->in);
    if (d->skips_bodies) {
        d->in.at = d->in.limit;
        return true;
    }
    if (!wj_read_u32(&d->in, &count, "number of function bodies")) {
        return false;
    }
    if (count != defined) {
        return wj_reader_fail(&d->in, WJ_ERR_MALFORMED,
                              "function and code section have inconsistent lengths: %u and %u",
                              defined, count);
    }
    for (; d->func_body_count < count; d->func_body_count++) {
        if (!read_body(d, &m->funcs[m->func_import_count + d->func_body_count])) {
            return false;
        }
    }
    return true;
}

static bool read_data(struct wj_decoder *d, struct wj_data *data)
{
    struct wj_module *m = d->module;
    uint32_t flags;
    if (!wj_read_u32(&d->in, &flags, "data segment flags")) {
        return false;
    }
    if (flags > 2) {
        return wj_reader_fail(&d->in, WJ_ERR_MALFORMED, "malformed data segment kind %u", flags);
    }
    data->mode = flags == 1 ? WJ_SEGMENT_PASSIVE : WJ_SEGMENT_ACTIVE;
    if (data->mode == WJ_SEGMENT_ACTIVE) {
        if (flags == 2 && !wj_read_u32(&d->in, &data->memory, "memory index")) {
            return false;
        }
        if (data->memory >= m->memory_count) {
            return wj_reader_fail(&d->in, WJ_ERR_INVALID, "unknown memory %u", data->memory);
        }
        wj_valtype address =
            m->memories[data->memory].type.limits.is_64 ? WJ_TYPE_I64 : WJ_TYPE_I32;
        if (!wj_const_expr_read(&d->in, m, address, m->global_count, &data->offset)) {
            return false;
        }
    }
    return wj_read_u32(&d->in, &data->size_bytes, "size of a data segment") &&
           wj_read_bytes(&d->in, data->size_bytes, &data->bytes, "data segment");
}

bool wj_decode_datas(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    uint32_t count;
    if (!wj_read_count(&d->in, WJ_LIMIT_DATAS, &count, "data segments")) {
        return false;
    }
    m->datas = WJ_ARENA_ARRAY(&m->arena, struct wj_data, count);
    if (m->datas == NULL) {
        return wj_decoder_fail_nomem(d);
    }
    for (; m->data_count < count; m->data_count++) {
        if (!read_data(d, &m->datas[m->data_count])) {
            return false;
        }
    }
    return true;
}

bool wj_decode_custom(struct wj_decoder *d)
{
    struct wj_module *m = d->module;
    struct wj_custom custom = {0};
    if (!wj_read_name(&d->in, &custom.name, "custom section name")) {
        return false;
    }
    custom.size_bytes = (uint32_t) wj_reader_left(&d->in);
    custom.bytes = d->in.at;
    d->in.at = d->in.limit;
    bool is_full = (m->custom_count & (m->custom_count - 1)) == 0;
    if (is_full) {
        uint32_t added = m->custom_count == 0 ? 1 : m->custom_count;
        m->customs = wj_decoder_extend(d, m->customs, m->custom_count, added, sizeof custom);
        if (m->customs == NULL) {
            return false;
        }
    }
    m->customs[m->custom_count++] = custom;
    return true;
}
