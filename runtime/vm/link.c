// Which object may stand for which import: the specification's matching of external types.
#include "runtime/vm/link.h"

#include "runtime/vm/memory.h"

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
