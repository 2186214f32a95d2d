// Types as objects of the interface, and their way to and from the runtime's types.
#include <stdlib.h>
#include <string.h>

#include "runtime/api/internal.h"

#define MEMORY32_PAGES_MAX 65536u
#define MEMORY64_PAGES_MAX ((1ull << 37) - 1) // as on the web

static void *copy_of(const void *object, size_t size_bytes)
{
    void *copy = malloc(size_bytes);
    if (copy != NULL) {
        memcpy(copy, object, size_bytes);
    }
    return copy;
}

// ---- Value types --------------------------------------------------------------------------------

wasm_valtype_t *wasm_valtype_new(wasm_valkind_t kind)
{
    struct wasm_valtype_t made = {.kind = kind};
    switch (kind) {
    case WASM_I32: made.type = WJ_TYPE_I32; break;
    case WASM_I64: made.type = WJ_TYPE_I64; break;
    case WASM_F32: made.type = WJ_TYPE_F32; break;
    case WASM_F64: made.type = WJ_TYPE_F64; break;
    case WJIT_V128: made.type = WJ_TYPE_V128; break;
    case WASM_EXTERNREF: made.type = WJ_TYPE_EXTERNREF; break;
    case WASM_FUNCREF: made.type = WJ_TYPE_FUNCREF; break;
    default: return NULL;
    }
    return copy_of(&made, sizeof made);
}

wasm_valkind_t wj_api_kind(const struct wj_types *types, wj_valtype type)
{
    switch (type) {
    case WJ_TYPE_I32: return WASM_I32;
    case WJ_TYPE_I64: return WASM_I64;
    case WJ_TYPE_F32: return WASM_F32;
    case WJ_TYPE_F64: return WASM_F64;
    case WJ_TYPE_V128: return WJIT_V128;
    default: break;
    }
    uint32_t heap = type & WJ_TYPE_HEAP_MASK;
    if ((type & WJ_TYPE_ABSTRACT_BIT) == 0) {
        return wj_types_get(types, heap)->composite == WJ_COMPOSITE_FUNC ? WASM_FUNCREF
                                                                         : WJIT_OTHERREF;
    }
    if (heap == WJ_HEAP_FUNC || heap == WJ_HEAP_NOFUNC) {
        return WASM_FUNCREF;
    }
    return heap == WJ_HEAP_EXTERN || heap == WJ_HEAP_NOEXTERN ? WASM_EXTERNREF : WJIT_OTHERREF;
}

wasm_valtype_t *wj_api_valtype(const struct wj_types *types, wj_valtype type)
{
    struct wasm_valtype_t made = {.type = type, .kind = wj_api_kind(types, type)};
    return copy_of(&made, sizeof made);
}

wasm_valtype_t *wasm_valtype_copy(const wasm_valtype_t *type)
{
    return copy_of(type, sizeof *type);
}

void wasm_valtype_delete(wasm_valtype_t *type)
{
    free(type);
}

wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t *type)
{
    return type->kind;
}

const char *wjit_valtype_print(const wasm_valtype_t *type, char *buffer, size_t size)
{
    return wj_valtype_print(type->type, buffer, size > UINT32_MAX ? UINT32_MAX : (uint32_t) size);
}

// ---- Function and global types ------------------------------------------------------------------

wasm_functype_t *wasm_functype_new(wasm_valtype_vec_t *params, wasm_valtype_vec_t *results)
{
    struct wasm_functype_t made = {
        .base.kind = WASM_EXTERN_FUNC,
        .params = *params,
        .results = *results,
    };
    wasm_functype_t *type = copy_of(&made, sizeof made);
    if (type == NULL) {
        wasm_valtype_vec_delete(params);
        wasm_valtype_vec_delete(results);
    }
    return type;
}

wasm_functype_t *wasm_functype_copy(const wasm_functype_t *type)
{
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_copy(&params, &type->params);
    wasm_valtype_vec_copy(&results, &type->results);
    return wasm_functype_new(&params, &results);
}

void wasm_functype_delete(wasm_functype_t *type)
{
    if (type != NULL) {
        wasm_valtype_vec_delete(&type->params);
        wasm_valtype_vec_delete(&type->results);
        free(type);
    }
}

const wasm_valtype_vec_t *wasm_functype_params(const wasm_functype_t *type)
{
    return &type->params;
}

const wasm_valtype_vec_t *wasm_functype_results(const wasm_functype_t *type)
{
    return &type->results;
}

wasm_functype_t *wj_api_functype(const struct wj_types *types, const struct wj_functype *type)
{
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_new_uninitialized(&params, type->param_count);
    wasm_valtype_vec_new_uninitialized(&results, type->result_count);
    for (size_t i = 0; i < params.size; i++) {
        params.data[i] = wj_api_valtype(types, type->types[i]);
    }
    for (size_t i = 0; i < results.size; i++) {
        results.data[i] = wj_api_valtype(types, type->types[type->param_count + i]);
    }
    return wasm_functype_new(&params, &results);
}

wasm_globaltype_t *wasm_globaltype_new(wasm_valtype_t *content, wasm_mutability_t mutability)
{
    struct wasm_globaltype_t made = {
        .base.kind = WASM_EXTERN_GLOBAL,
        .content = content,
        .mutability = mutability,
    };
    wasm_globaltype_t *type = content == NULL ? NULL : copy_of(&made, sizeof made);
    if (type == NULL) {
        wasm_valtype_delete(content);
    }
    return type;
}

wasm_globaltype_t *wasm_globaltype_copy(const wasm_globaltype_t *type)
{
    return wasm_globaltype_new(wasm_valtype_copy(type->content), type->mutability);
}

void wasm_globaltype_delete(wasm_globaltype_t *type)
{
    if (type != NULL) {
        wasm_valtype_delete(type->content);
        free(type);
    }
}

const wasm_valtype_t *wasm_globaltype_content(const wasm_globaltype_t *type)
{
    return type->content;
}

wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t *type)
{
    return type->mutability;
}

wasm_globaltype_t *wj_api_globaltype(const struct wj_types *types,
                                     const struct wj_global_type *type)
{
    return wasm_globaltype_new(wj_api_valtype(types, type->type),
                               type->is_mutable ? WASM_VAR : WASM_CONST);
}

// ---- Table and memory types ---------------------------------------------------------------------

static wasm_limits_t narrow(const struct wj_limits *limits)
{
    uint32_t none = wasm_limits_max_default;
    return (wasm_limits_t){
        .min = limits->min < none ? (uint32_t) limits->min : none,
        .max = limits->has_max && limits->max < none ? (uint32_t) limits->max : none,
    };
}

static struct wj_limits widen(const wasm_limits_t *limits)
{
    return (struct wj_limits){
        .min = limits->min,
        .max = limits->max,
        .has_max = limits->max != wasm_limits_max_default,
    };
}

static bool is_ordered(const struct wj_limits *limits, uint64_t most)
{
    return limits->min <= most &&
           (!limits->has_max || (limits->max >= limits->min && limits->max <= most));
}

static wasm_tabletype_t *tabletype_new(wasm_valtype_t *element, const struct wj_limits *limits)
{
    struct wasm_tabletype_t made = {
        .base.kind = WASM_EXTERN_TABLE,
        .element = element,
        .limits = narrow(limits),
        .full = *limits,
    };
    bool is_good = element != NULL && wasm_valkind_is_ref(element->kind) &&
                   is_ordered(limits, limits->is_64 ? UINT64_MAX : UINT32_MAX);
    wasm_tabletype_t *type = is_good ? copy_of(&made, sizeof made) : NULL;
    if (type == NULL) {
        wasm_valtype_delete(element);
    }
    return type;
}

wasm_tabletype_t *wasm_tabletype_new(wasm_valtype_t *element, const wasm_limits_t *limits)
{
    struct wj_limits full = widen(limits);
    return tabletype_new(element, &full);
}

static struct wj_limits limits_in(const wjit_limits_t *limits)
{
    return (struct wj_limits){
        .min = limits->min,
        .max = limits->has_max ? limits->max : 0,
        .has_max = limits->has_max,
        .is_64 = limits->is_64,
        .is_shared = limits->is_shared,
    };
}

wasm_tabletype_t *wjit_tabletype_new(wasm_valtype_t *element, const wjit_limits_t *limits)
{
    struct wj_limits full = limits_in(limits);
    full.is_shared = false;
    return tabletype_new(element, &full);
}

static wjit_limits_t limits_out(const struct wj_limits *limits, uint8_t page_size_log2)
{
    return (wjit_limits_t){
        .min = limits->min,
        .max = limits->max,
        .has_max = limits->has_max,
        .is_64 = limits->is_64,
        .is_shared = limits->is_shared,
        .page_size_log2 = page_size_log2,
    };
}

wjit_limits_t wjit_tabletype_limits(const wasm_tabletype_t *type)
{
    return limits_out(&type->full, 0);
}

wasm_tabletype_t *wasm_tabletype_copy(const wasm_tabletype_t *type)
{
    return tabletype_new(wasm_valtype_copy(type->element), &type->full);
}

void wasm_tabletype_delete(wasm_tabletype_t *type)
{
    if (type != NULL) {
        wasm_valtype_delete(type->element);
        free(type);
    }
}

const wasm_valtype_t *wasm_tabletype_element(const wasm_tabletype_t *type)
{
    return type->element;
}

const wasm_limits_t *wasm_tabletype_limits(const wasm_tabletype_t *type)
{
    return &type->limits;
}

wasm_tabletype_t *wj_api_tabletype(const struct wj_types *types, const struct wj_table_type *type)
{
    return tabletype_new(wj_api_valtype(types, type->element), &type->limits);
}

wasm_memorytype_t *wj_api_memorytype(const struct wj_memory_type *type)
{
    struct wasm_memorytype_t made = {
        .base.kind = WASM_EXTERN_MEMORY,
        .limits = narrow(&type->limits),
        .full = *type,
    };
    return copy_of(&made, sizeof made);
}

wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *limits)
{
    struct wj_memory_type full = {.limits = widen(limits), .page_size_log2 = 16};
    return is_ordered(&full.limits, MEMORY32_PAGES_MAX) ? wj_api_memorytype(&full) : NULL;
}

wasm_memorytype_t *wjit_memorytype_new(const wjit_limits_t *limits)
{
    struct wj_memory_type full = {
        .limits = limits_in(limits),
        .page_size_log2 = limits->page_size_log2,
    };
    uint64_t most = limits->is_64 ? MEMORY64_PAGES_MAX : MEMORY32_PAGES_MAX;
    if (limits->page_size_log2 == 0) {
        most = limits->is_64 ? UINT64_MAX : UINT32_MAX;
    } else if (limits->page_size_log2 != 16) {
        return NULL;
    }
    bool is_good = is_ordered(&full.limits, most) && (!limits->is_shared || limits->has_max);
    return is_good ? wj_api_memorytype(&full) : NULL;
}

wjit_limits_t wjit_memorytype_limits(const wasm_memorytype_t *type)
{
    return limits_out(&type->full.limits, type->full.page_size_log2);
}

wasm_memorytype_t *wasm_memorytype_copy(const wasm_memorytype_t *type)
{
    return copy_of(type, sizeof *type);
}

void wasm_memorytype_delete(wasm_memorytype_t *type)
{
    free(type);
}

const wasm_limits_t *wasm_memorytype_limits(const wasm_memorytype_t *type)
{
    return &type->limits;
}

// ---- External types -----------------------------------------------------------------------------

wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t *type)
{
    return type->kind;
}

wasm_externtype_t *wasm_externtype_copy(const wasm_externtype_t *type)
{
    switch (type->kind) {
    case WASM_EXTERN_FUNC: return (void *) wasm_functype_copy((const void *) type);
    case WASM_EXTERN_GLOBAL: return (void *) wasm_globaltype_copy((const void *) type);
    case WASM_EXTERN_TABLE: return (void *) wasm_tabletype_copy((const void *) type);
    case WASM_EXTERN_MEMORY: return (void *) wasm_memorytype_copy((const void *) type);
    default: return copy_of(type, sizeof *type);
    }
}

void wasm_externtype_delete(wasm_externtype_t *type)
{
    if (type == NULL) {
        return;
    }
    switch (type->kind) {
    case WASM_EXTERN_FUNC: wasm_functype_delete((void *) type); break;
    case WASM_EXTERN_GLOBAL: wasm_globaltype_delete((void *) type); break;
    case WASM_EXTERN_TABLE: wasm_tabletype_delete((void *) type); break;
    case WASM_EXTERN_MEMORY: wasm_memorytype_delete((void *) type); break;
    default: free(type); break;
    }
}

#define EXTERNTYPE_VIEWS(name, extern_kind)                                                 \
    wasm_externtype_t *wasm_##name##_as_externtype(wasm_##name##_t *type)                   \
    {                                                                                       \
        return &type->base;                                                                 \
    }                                                                                       \
    const wasm_externtype_t *wasm_##name##_as_externtype_const(const wasm_##name##_t *type) \
    {                                                                                       \
        return &type->base;                                                                 \
    }                                                                                       \
    wasm_##name##_t *wasm_externtype_as_##name(wasm_externtype_t *type)                     \
    {                                                                                       \
        return type->kind == extern_kind ? (wasm_##name##_t *) type : NULL;                 \
    }                                                                                       \
    const wasm_##name##_t *wasm_externtype_as_##name##_const(const wasm_externtype_t *type) \
    {                                                                                       \
        return type->kind == extern_kind ? (const wasm_##name##_t *) type : NULL;           \
    }

EXTERNTYPE_VIEWS(functype, WASM_EXTERN_FUNC)
EXTERNTYPE_VIEWS(globaltype, WASM_EXTERN_GLOBAL)
EXTERNTYPE_VIEWS(tabletype, WASM_EXTERN_TABLE)
EXTERNTYPE_VIEWS(memorytype, WASM_EXTERN_MEMORY)
#undef EXTERNTYPE_VIEWS

wasm_externtype_t *wj_api_tagtype(void)
{
    const struct wasm_externtype_t made = {.kind = WJIT_EXTERN_TAG};
    return copy_of(&made, sizeof made);
}

wasm_importtype_t *wasm_importtype_new(wasm_name_t *module, wasm_name_t *name,
                                       wasm_externtype_t *type)
{
    struct wasm_importtype_t made = {.module = *module, .name = *name, .type = type};
    wasm_importtype_t *import = copy_of(&made, sizeof made);
    if (import == NULL) {
        wasm_name_delete(module);
        wasm_name_delete(name);
        wasm_externtype_delete(type);
    }
    return import;
}

wasm_importtype_t *wasm_importtype_copy(const wasm_importtype_t *import)
{
    wasm_name_t module, name;
    wasm_name_copy(&module, &import->module);
    wasm_name_copy(&name, &import->name);
    return wasm_importtype_new(&module, &name, wasm_externtype_copy(import->type));
}

void wasm_importtype_delete(wasm_importtype_t *import)
{
    if (import != NULL) {
        wasm_name_delete(&import->module);
        wasm_name_delete(&import->name);
        wasm_externtype_delete(import->type);
        free(import);
    }
}

const wasm_name_t *wasm_importtype_module(const wasm_importtype_t *import)
{
    return &import->module;
}

const wasm_name_t *wasm_importtype_name(const wasm_importtype_t *import)
{
    return &import->name;
}

const wasm_externtype_t *wasm_importtype_type(const wasm_importtype_t *import)
{
    return import->type;
}

wasm_exporttype_t *wasm_exporttype_new(wasm_name_t *name, wasm_externtype_t *type)
{
    struct wasm_exporttype_t made = {.name = *name, .type = type};
    wasm_exporttype_t *export = copy_of(&made, sizeof made);
    if (export == NULL) {
        wasm_name_delete(name);
        wasm_externtype_delete(type);
    }
    return export;
}

wasm_exporttype_t *wasm_exporttype_copy(const wasm_exporttype_t *export)
{
    wasm_name_t name;
    wasm_name_copy(&name, &export->name);
    return wasm_exporttype_new(&name, wasm_externtype_copy(export->type));
}

void wasm_exporttype_delete(wasm_exporttype_t *export)
{
    if (export != NULL) {
        wasm_name_delete(&export->name);
        wasm_externtype_delete(export->type);
        free(export);
    }
}

const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *export)
{
    return &export->name;
}

const wasm_externtype_t *wasm_exporttype_type(const wasm_exporttype_t *export)
{
    return export->type;
}
