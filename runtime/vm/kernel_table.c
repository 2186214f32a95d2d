// Tables that nobody writes: defined in the module, not exported, filled by segments at constant
// places, and in no function the destination of a table operation.
#include "runtime/vm/kernel_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/leb128.h"
#include "wasm/walk.h"

#define ENTRIES_MAX 65536u

enum { OP_I32_CONST = 0x41, OP_I64_CONST = 0x42, OP_REF_NULL = 0xd0, OP_REF_FUNC = 0xd2 };

static bool refuse(struct wj_err *reason, const char *why)
{
    return wj_err_set(reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET, "%s", why);
}

struct writes_scan {
    const struct wj_module *module;
    uint32_t table;
    struct wj_err *reason;
};

static bool on_op(void *context, const struct wj_op *op)
{
    const struct writes_scan *scan = context;
    const bool is_write = op->family == FAM_TABLE && op->index == scan->table &&
                          op->sub != TABLE_GET && op->sub != TABLE_SIZE && op->sub != ELEM_DROP;
    return !is_write ||
           wj_err_set(scan->reason, WJ_ERR_UNSUPPORTED, (size_t) (op->at - scan->module->bytes),
                      "the program writes to the table");
}

static bool is_written(const struct wj_module *module, uint32_t table, struct wj_err *reason)
{
    static const struct wj_sink sink = {NULL, on_op, NULL};
    struct writes_scan context = {module, table, reason};
    struct wj_walk_scratch scratch;
    wj_walk_scratch_init(&scratch);
    bool is_good = true;
    for (uint32_t i = module->func_import_count; is_good && i < module->func_count; i++) {
        const struct wj_walk_request request = {
            .module = module, .func_index = i, .scratch = &scratch};
        is_good = wj_walk_func_body(&request, &sink, &context, reason, false);
    }
    wj_walk_scratch_clear(&scratch);
    return !is_good;
}

static bool read_offset(const struct wj_const_expr *expr, uint64_t *offset)
{
    const uint8_t *at = expr->code;
    const uint8_t opcode = *at++;
    if (opcode != OP_I32_CONST && opcode != OP_I64_CONST) {
        return false;
    }
    const uint64_t value = (uint64_t) wj_leb_s_trusted(&at);
    *offset = opcode == OP_I32_CONST ? (uint32_t) value : value;
    return at == expr->code + expr->size_bytes - 1;
}

static bool read_entry(const struct wj_elem *elem, uint32_t i, uint32_t *func)
{
    if (elem->funcs != NULL) {
        *func = elem->funcs[i];
        return true;
    }
    const uint8_t *at = elem->exprs[i].code;
    const uint8_t opcode = *at++;
    *func = WJ_TABLE_ENTRY_NULL;
    if (opcode == OP_REF_FUNC) {
        *func = wj_leb_u32_trusted(&at);
        return at == elem->exprs[i].code + elem->exprs[i].size_bytes - 1;
    }
    return opcode == OP_REF_NULL;
}

static bool fill(const struct wj_module *module, uint32_t table, struct wj_kernel_table *out,
                 struct wj_err *reason)
{
    for (uint32_t i = 0; i < module->elem_count; i++) {
        const struct wj_elem *elem = &module->elems[i];
        uint64_t offset;
        if (elem->mode != WJ_SEGMENT_ACTIVE || elem->table != table) {
            continue;
        }
        if (!read_offset(&elem->offset, &offset) || offset > out->count ||
            elem->count > out->count - offset) {
            return refuse(reason, "the table is filled at a place that only an instance knows");
        }
        for (uint32_t k = 0; k < elem->count; k++) {
            if (!read_entry(elem, k, &out->funcs[offset + k])) {
                return refuse(reason, "the table has an entry that only an instance knows");
            }
        }
    }
    return true;
}

bool wj_kernel_table_read(const struct wj_module *module, uint32_t table,
                          struct wj_kernel_table *out, struct wj_err *reason)
{
    const struct wj_table_def *def = &module->tables[table];
    *out = (struct wj_kernel_table){.module = module};
    for (uint32_t i = 0; i < module->export_count; i++) {
        const struct wj_export *export = &module->exports[i];
        if (export->kind == WJ_EXTERN_TABLE && export->index == table) {
            return refuse(reason, "the table is exported: the host may change it");
        }
    }
    if (def->is_imported) {
        return refuse(reason, "the table is imported: the host may change it");
    }
    if (def->has_init || !wj_valtype_is_nullable(def->type.element)) {
        return refuse(reason, "the table has entries that only an instance knows");
    }
    if (def->type.limits.min > ENTRIES_MAX) {
        return wj_err_set(reason, WJ_ERR_LIMIT, WJ_NO_OFFSET, "a table of %llu entries, %u at most",
                          (unsigned long long) def->type.limits.min, ENTRIES_MAX);
    }
    if (is_written(module, table, reason)) {
        return false;
    }
    out->count = (uint32_t) def->type.limits.min;
    out->funcs = malloc((out->count + 1) * sizeof *out->funcs);
    if (out->funcs == NULL) {
        return wj_err_set(reason, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    memset(out->funcs, 0xff, (out->count + 1) * sizeof *out->funcs); // WJ_TABLE_ENTRY_NULL
    return fill(module, table, out, reason);
}

void wj_kernel_table_clear(struct wj_kernel_table *table)
{
    free(table->funcs);
    *table = (struct wj_kernel_table){.count = 0};
}

bool wj_kernel_table_matches(const struct wj_kernel_table *table, uint32_t entry,
                             uint32_t type_index)
{
    const struct wj_module *module = table->module;
    const uint32_t func = table->funcs[entry];
    return func != WJ_TABLE_ENTRY_NULL &&
           wj_types_is_subtype_id(module->types, module->funcs[func].type_id,
                                  module->type_list[type_index]->id);
}

bool wj_kernel_table_repeats(const struct wj_kernel_table *table, uint32_t entry)
{
    for (uint32_t i = 0; i < entry; i++) {
        if (table->funcs[i] == table->funcs[entry]) {
            return true;
        }
    }
    return false;
}
