// Which object may stand for which import: the specification's matching of external types.
#include "runtime/vm/link.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "runtime/vm/memory.h"

enum {
    NAME_BYTES_MAX = 48, // of each name in a message
    TYPE_BYTES_MAX = 56, // of each type
};

// The object's size now, and the maximum of its type, against what the import asks for.
static bool limits_match(uint64_t size, const struct wj_limits *given,
                         const struct wj_limits *wanted)
{
    return given->is_64 == wanted->is_64 && given->is_shared == wanted->is_shared &&
           size >= wanted->min &&
           (!wanted->has_max || (given->has_max && given->max <= wanted->max));
}

bool wj_link_matches(const struct wj_module *module, const struct wj_import *import,
                     const struct wj_extern *given)
{
    const struct wj_types *types = module->types;
    if (given->kind != import->kind || given->object == NULL) {
        return false;
    }
    switch (import->kind) {
    case WJ_EXTERN_FUNC:
        return wj_types_is_subtype_id(types, given->func->type_id,
                                      module->funcs[import->index].type_id);
    case WJ_EXTERN_TABLE: {
        const struct wj_table_type *wanted = &module->tables[import->index].type;
        return given->table->type.element == wanted->element &&
               limits_match(given->table->size, &given->table->type.limits, &wanted->limits);
    }
    case WJ_EXTERN_MEMORY: {
        const struct wj_memory_type *wanted = &module->memories[import->index].type;
        return given->memory->type.page_size_log2 == wanted->page_size_log2 &&
               limits_match(wj_memory_pages(given->memory), &given->memory->type.limits,
                            &wanted->limits);
    }
    case WJ_EXTERN_GLOBAL: {
        const struct wj_global_type *wanted = &module->globals[import->index].type;
        const struct wj_global_type *type = &given->global->type;
        return type->is_mutable == wanted->is_mutable &&
               (wanted->is_mutable ? type->type == wanted->type
                                   : wj_types_is_subtype(types, type->type, wanted->type));
    }
    case WJ_EXTERN_TAG: return given->tag->type_id == module->tags[import->index].type_id;
    }
    return false;
}

// ---- Messages ---------------------------------------------------------------------------------

struct words {
    size_t used;
    char text[TYPE_BYTES_MAX];
};

static __attribute__((format(printf, 2, 3))) void put(struct words *words, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = sizeof words->text - words->used;
    int length = vsnprintf(words->text + words->used, room, format, args);
    va_end(args);
    words->used += (size_t) length < room ? (size_t) length : room - 1;
}

static void put_types(struct words *words, const wj_valtype *types, uint32_t count)
{
    char text[32];
    put(words, "(");
    for (uint32_t i = 0; i < count; i++) {
        put(words, "%s%s", i == 0 ? "" : " ", wj_valtype_print(types[i], text, sizeof text));
    }
    put(words, ")");
}

static void put_func(struct words *words, const struct wj_types *types, uint32_t type_id)
{
    const struct wj_functype *func = &wj_types_get(types, type_id)->func;
    put_types(words, func->types, func->param_count);
    put(words, " -> ");
    put_types(words, func->types + func->param_count, func->result_count);
}

static void put_limits(struct words *words, uint64_t size, const struct wj_limits *limits)
{
    put(words, "%s%" PRIu64, limits->is_64 ? "i64 " : "", size);
    if (limits->has_max) {
        put(words, " %" PRIu64, limits->max);
    }
    put(words, "%s", limits->is_shared ? " shared" : "");
}

static void put_memory(struct words *words, uint64_t size, const struct wj_memory_type *type)
{
    put(words, "memory ");
    put_limits(words, size, &type->limits);
    put(words, "%s", type->page_size_log2 == 0 ? " of bytes" : "");
}

static void put_table(struct words *words, uint64_t size, const struct wj_table_type *type)
{
    char text[32];
    put(words, "table ");
    put_limits(words, size, &type->limits);
    put(words, " %s", wj_valtype_print(type->element, text, sizeof text));
}

static void put_global(struct words *words, const struct wj_global_type *type)
{
    char text[32];
    put(words, "global %s%s", type->is_mutable ? "mut " : "",
        wj_valtype_print(type->type, text, sizeof text));
}

static void put_given(struct words *words, const struct wj_types *types,
                      const struct wj_extern *given)
{
    switch (given->kind) {
    case WJ_EXTERN_FUNC: put_func(words, types, given->func->type_id); return;
    case WJ_EXTERN_TABLE: put_table(words, given->table->size, &given->table->type); return;
    case WJ_EXTERN_MEMORY:
        put_memory(words, wj_memory_pages(given->memory), &given->memory->type);
        return;
    case WJ_EXTERN_GLOBAL: put_global(words, &given->global->type); return;
    case WJ_EXTERN_TAG:
        put(words, "tag ");
        put_func(words, types, given->tag->type_id);
        return;
    }
}

static void put_wanted(struct words *words, const struct wj_module *module,
                       const struct wj_import *import)
{
    uint32_t index = import->index;
    switch (import->kind) {
    case WJ_EXTERN_FUNC: put_func(words, module->types, module->funcs[index].type_id); return;
    case WJ_EXTERN_TABLE: {
        const struct wj_table_type *type = &module->tables[index].type;
        put_table(words, type->limits.min, type);
        return;
    }
    case WJ_EXTERN_MEMORY: {
        const struct wj_memory_type *type = &module->memories[index].type;
        put_memory(words, type->limits.min, type);
        return;
    }
    case WJ_EXTERN_GLOBAL: put_global(words, &module->globals[index].type); return;
    case WJ_EXTERN_TAG:
        put(words, "tag ");
        put_func(words, module->types, module->tags[index].type_id);
        return;
    }
}

static int name_bytes(const struct wj_name *name)
{
    uint32_t bytes = name->size_bytes;
    if (bytes > NAME_BYTES_MAX) {
        // Whole characters: what follows must not go on with one.
        for (bytes = NAME_BYTES_MAX; bytes > 0 && (name->bytes[bytes] & 0xc0) == 0x80; bytes--) {
        }
    }
    return (int) bytes;
}

bool wj_link_fail(const struct wj_module *module, const struct wj_import *import,
                  const struct wj_extern *given, struct wj_err *err)
{
    const struct wj_name *from = &import->module, *name = &import->name;
    bool is_known = given != NULL && given->object != NULL;
    struct words is = {0}, wanted = {0};
    put_wanted(&wanted, module, import);
    if (is_known) {
        put_given(&is, module->types, given);
    }
    return wj_err_set(err, WJ_ERR_LINK, WJ_NO_OFFSET, "%s: \"%.*s\" \"%.*s\"%s%s: %s was expected",
                      is_known ? "incompatible import type" : "unknown import", name_bytes(from),
                      from->bytes, name_bytes(name), name->bytes, is_known ? " is " : "", is.text,
                      wanted.text);
}
