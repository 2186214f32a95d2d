// Makes instances, and the function and global objects that leave them.
#include "runtime/vm/instance.h"

#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "runtime/vm/call.h"
#include "runtime/vm/kernel.h"
#include "runtime/vm/libcalls.h"
#include "runtime/vm/link.h"
#include "runtime/vm/memory.h"
#include "wasm/const_expr.h"

#define FUNCREF_BATCH 8u

static bool fail_nomem(struct wj_err *err)
{
    return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
}

static void *tail(struct wj_instance *instance, uint32_t offset)
{
    return (char *) instance + offset;
}

// ---- Objects of an instance
// -----------------------------------------------------------------------

struct wj_memory *wj_instance_memory(struct wj_instance *instance, uint32_t memory_index)
{
    struct wj_memory **memories = tail(instance, wj_instance_layout(instance->module).memories);
    return memories[memory_index];
}

struct wj_table *wj_instance_table(struct wj_instance *instance, uint32_t table_index)
{
    struct wj_table **tables = tail(instance, wj_instance_layout(instance->module).tables);
    return tables[table_index];
}

union wj_cell *wj_instance_global_cell(struct wj_instance *instance, uint32_t global_index)
{
    struct wj_instance_layout layout = wj_instance_layout(instance->module);
    uint32_t import_count = instance->module->global_import_count;
    if (global_index < import_count) {
        union wj_cell **imported = tail(instance, layout.imported_globals);
        return imported[global_index];
    }
    union wj_cell *globals = tail(instance, layout.globals);
    return &globals[global_index - import_count];
}

struct wj_global *wj_instance_global(struct wj_instance *instance, uint32_t global_index)
{
    struct wj_global **slot = &instance->global_objects[global_index];
    if (*slot == NULL) {
        *slot =
            wj_store_global(instance->store, &instance->module->globals[global_index].type, NULL);
        if (*slot != NULL) {
            (*slot)->cell = wj_instance_global_cell(instance, global_index);
        }
    }
    return *slot;
}

// Has `count` unused references at hand, or at least one.
static bool reserve_funcrefs(struct wj_instance *instance, uint32_t count)
{
    if (instance->funcref_pool_count >= count) {
        return true;
    }
    struct wj_funcref *pool = WJ_ARENA_ARRAY(&instance->store->arena, struct wj_funcref, count);
    if (pool == NULL) {
        return instance->funcref_pool_count != 0;
    }
    wj_pages_populate(pool, count * sizeof *pool);
    instance->funcref_pool = pool;
    instance->funcref_pool_count = count;
    return true;
}

static struct wj_funcref *take_funcref(struct wj_instance *instance)
{
    if (instance->funcref_pool_count == 0 && !reserve_funcrefs(instance, FUNCREF_BATCH)) {
        return NULL;
    }
    return &instance->funcref_pool[--instance->funcref_pool_count];
}

struct wj_funcref *wj_instance_func(struct wj_instance *instance, uint32_t func_index)
{
    struct wj_funcref **slot = &instance->funcrefs[func_index];
    if (*slot != NULL) {
        return *slot;
    }
    struct wj_funcref *made = take_funcref(instance);
    if (made == NULL) {
        return NULL;
    }
    const struct wj_func *func = &instance->module->funcs[func_index];
    uint64_t address = __atomic_load_n(&instance->code->addresses[func_index], __ATOMIC_ACQUIRE);
    *made = (struct wj_funcref){
        .code =
            address != 0 ? (void *) (uintptr_t) address : instance->stubs[WJ_STUB_LAZY_INDIRECT],
        .instance = instance,
        .type_id = func->type_id,
        .func_index = func_index,
        .type = wj_types_get(instance->module->types, func->type_id),
    };
    *slot = made;
    return made;
}

struct wj_funcref *wj_instance_bind_host(struct wj_instance *instance, struct wj_host_func *host,
                                         struct wj_err *err)
{
    if (instance->host_context == NULL) {
        instance->host_context = wj_store_context(instance->store, instance, err);
    }
    struct wj_funcref *bound = instance->host_context == NULL ? NULL : take_funcref(instance);
    if (bound == NULL) {
        fail_nomem(err);
        return NULL;
    }
    *bound = host->funcref;
    bound->instance = instance->host_context;
    return bound;
}

struct wj_extern wj_instance_export(struct wj_instance *instance, const struct wj_export *export)
{
    struct wj_extern result = {.kind = export->kind};
    switch (export->kind) {
    case WJ_EXTERN_FUNC: result.func = wj_instance_func(instance, export->index); break;
    case WJ_EXTERN_TABLE: result.table = wj_instance_table(instance, export->index); break;
    case WJ_EXTERN_MEMORY: result.memory = wj_instance_memory(instance, export->index); break;
    case WJ_EXTERN_GLOBAL: result.global = wj_instance_global(instance, export->index); break;
    case WJ_EXTERN_TAG: result.tag = instance->tags[export->index]; break;
    }
    return result;
}

// ---- Imports
// --------------------------------------------------------------------------------------

static bool bind_import(struct wj_instance *instance, const struct wj_import *import,
                        const struct wj_extern *given, struct wj_err *err)
{
    struct wj_instance_layout layout = wj_instance_layout(instance->module);
    switch (import->kind) {
    case WJ_EXTERN_FUNC: {
        struct wj_funcref **funcs = tail(instance, layout.imported_funcs);
        struct wj_funcref *func = given->func;
        if (func->host != NULL) {
            func = wj_instance_bind_host(instance, func->host, err);
        }
        funcs[import->index] = func;
        instance->funcrefs[import->index] = func;
        return func != NULL;
    }
    case WJ_EXTERN_TABLE: {
        struct wj_table **tables = tail(instance, layout.tables);
        tables[import->index] = given->table;
        return true;
    }
    case WJ_EXTERN_MEMORY: {
        struct wj_memory **memories = tail(instance, layout.memories);
        memories[import->index] = given->memory;
        return true;
    }
    case WJ_EXTERN_GLOBAL: {
        union wj_cell **globals = tail(instance, layout.imported_globals);
        globals[import->index] = given->global->cell;
        instance->global_objects[import->index] = given->global;
        return true;
    }
    case WJ_EXTERN_TAG: instance->tags[import->index] = given->tag; return true;
    }
    return false;
}

static bool check_imports(const struct wj_module *module, const struct wj_extern *imports,
                          uint32_t import_count, struct wj_err *err)
{
    for (uint32_t i = 0; i < module->import_count; i++) {
        const struct wj_import *import = &module->imports[i];
        const struct wj_extern *given = i < import_count ? &imports[i] : NULL;
        if (given == NULL || !wj_link_matches(module, import, given)) {
            return wj_link_fail(module, import, given, err);
        }
    }
    return true;
}

// ---- Definitions
// ----------------------------------------------------------------------------------

static bool make_tags(struct wj_instance *instance, struct wj_err *err)
{
    const struct wj_module *module = instance->module;
    for (uint32_t i = module->tag_import_count; i < module->tag_count; i++) {
        instance->tags[i] = WJ_ARENA_NEW(&instance->store->arena, struct wj_tag_object);
        if (instance->tags[i] == NULL) {
            return fail_nomem(err);
        }
        instance->tags[i]->type_id = module->tags[i].type_id;
    }
    return true;
}

static bool make_memories(struct wj_instance *instance, const struct wj_instance_place *place,
                          struct wj_err *err)
{
    const struct wj_module *module = instance->module;
    struct wj_memory **memories = tail(instance, wj_instance_layout(module).memories);
    for (uint32_t i = module->memory_import_count; i < module->memory_count; i++) {
        if (place->memory != NULL) {
            memories[i] = place->memory;
        } else if (!wj_store_memory(instance->store, &module->memories[i].type, &memories[i],
                                    err)) {
            return false;
        }
    }
    if (module->memory_count != 0) {
        instance->memory0 = memories[0];
        instance->memory0_base = memories[0]->base;
    }
    return true;
}

// True when some memory that could have had guard regions has none.
static bool needs_explicit_bounds(struct wj_instance *instance)
{
    const struct wj_module *module = instance->module;
    for (uint32_t i = 0; i < module->memory_count; i++) {
        const struct wj_memory *memory = wj_instance_memory(instance, i);
        if (!memory->is_guarded && !memory->type.limits.is_64 &&
            memory->type.page_size_log2 == 16) {
            return true;
        }
    }
    return instance->store->engine->settings.explicit_bounds;
}

static bool env_global_get(void *context, uint32_t global_index, struct wj_const_value *value,
                           struct wj_err *err)
{
    (void) err;
    struct wj_instance *instance = context;
    const union wj_cell *cell = wj_instance_global_cell(instance, global_index);
    value->type = instance->module->globals[global_index].type.type;
    memcpy(value->v128, cell->v128, sizeof value->v128);
    return true;
}

static bool env_func_ref(void *context, uint32_t func_index, uint64_t *bits, struct wj_err *err)
{
    struct wj_funcref *func = wj_instance_func(context, func_index);
    *bits = (uint64_t) (uintptr_t) func;
    return func != NULL || fail_nomem(err);
}

static bool evaluate(struct wj_instance *instance, const struct wj_const_expr *expr,
                     struct wj_const_value *value, struct wj_err *err)
{
    const struct wj_const_env env = {instance, env_global_get, env_func_ref};
    memset(value, 0, sizeof *value);
    return wj_const_expr_eval(instance->module, expr, &env, value, err);
}

static bool make_globals(struct wj_instance *instance, struct wj_err *err)
{
    const struct wj_module *module = instance->module;
    for (uint32_t i = module->global_import_count; i < module->global_count; i++) {
        struct wj_const_value value;
        if (!evaluate(instance, &module->globals[i].init, &value, err)) {
            return false;
        }
        memcpy(wj_instance_global_cell(instance, i), value.v128, sizeof value.v128);
    }
    return true;
}

static bool make_tables(struct wj_instance *instance, struct wj_err *err)
{
    const struct wj_module *module = instance->module;
    struct wj_table **tables = tail(instance, wj_instance_layout(module).tables);
    for (uint32_t i = module->table_import_count; i < module->table_count; i++) {
        const struct wj_table_def *def = &module->tables[i];
        struct wj_const_value value = {.bits = 0};
        if ((def->has_init && !evaluate(instance, &def->init, &value, err)) ||
            !wj_store_table(instance->store, &def->type, (void *) (uintptr_t) value.bits,
                            &tables[i], err)) {
            return false;
        }
    }
    return true;
}

// Element segments are evaluated once, at instantiation.
static bool make_elems(struct wj_instance *instance, struct wj_err *err)
{
    const struct wj_module *module = instance->module;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        const struct wj_elem *elem = &module->elems[i];
        if (elem->mode == WJ_SEGMENT_DECLARED) {
            instance->dropped_elems[i / 64] |= 1ull << (i % 64);
            continue;
        }
        void **items = WJ_ARENA_ARRAY(&instance->store->arena, void *, elem->count);
        if (items == NULL) {
            return fail_nomem(err);
        }
        instance->elem_items[i] = items;
        if (elem->funcs != NULL && elem->count > FUNCREF_BATCH &&
            elem->count < module->func_count) {
            reserve_funcrefs(instance, elem->count);
        }
        for (uint32_t k = 0; k < elem->count; k++) {
            struct wj_const_value value;
            if (elem->funcs != NULL) {
                items[k] = wj_instance_func(instance, elem->funcs[k]);
                if (items[k] == NULL) {
                    return fail_nomem(err);
                }
            } else if (!evaluate(instance, &elem->exprs[k], &value, err)) {
                return false;
            } else {
                items[k] = (void *) (uintptr_t) value.bits;
            }
        }
    }
    return true;
}

static bool set_trap(struct wj_trap **trap, enum wj_trap_kind kind)
{
    *trap = wj_trap_new(kind, NULL, 0);
    return false;
}

bool wj_instance_data_offset(struct wj_instance *instance, const struct wj_data *data, uint64_t *at,
                             struct wj_err *err)
{
    struct wj_const_value value;
    if (!evaluate(instance, &data->offset, &value, err)) {
        return false;
    }
    *at = value.bits;
    return true;
}

// Active segments in order; what the earlier ones wrote stays when a later one traps.
static bool apply_segments(struct wj_instance *instance, bool is_filled, struct wj_trap **trap,
                           struct wj_err *err)
{
    const struct wj_module *module = instance->module;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        const struct wj_elem *elem = &module->elems[i];
        struct wj_const_value at;
        if (elem->mode != WJ_SEGMENT_ACTIVE) {
            continue;
        }
        if (!evaluate(instance, &elem->offset, &at, err)) {
            return false;
        }
        if (!wj_table_init_range(wj_instance_table(instance, elem->table), at.bits,
                                 instance->elem_items[i], elem->count, 0, elem->count)) {
            return set_trap(trap, WJ_TRAP_TABLE_OUT_OF_BOUNDS);
        }
        instance->dropped_elems[i / 64] |= 1ull << (i % 64);
    }
    for (uint32_t i = 0; i < module->data_count; i++) {
        const struct wj_data *data = &module->datas[i];
        uint64_t at;
        if (data->mode != WJ_SEGMENT_ACTIVE) {
            continue;
        }
        if (is_filled) {
            instance->dropped_datas[i / 64] |= 1ull << (i % 64);
            continue;
        }
        if (!wj_instance_data_offset(instance, data, &at, err)) {
            return false;
        }
        if (!wj_memory_init_range(wj_instance_memory(instance, data->memory), at, data->bytes,
                                  data->size_bytes, 0, data->size_bytes)) {
            return set_trap(trap, WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
        }
        instance->dropped_datas[i / 64] |= 1ull << (i % 64);
    }
    return true;
}

bool wj_instance_start(struct wj_instance *instance, struct wj_trap **trap, struct wj_err *err)
{
    *trap = NULL;
    if (!instance->module->has_start) {
        return true;
    }
    struct wj_funcref *start = wj_instance_func(instance, instance->module->start_func);
    if (start == NULL) {
        return fail_nomem(err);
    }
    union wj_cell cells[1];
    *trap = wj_call(&instance->store->lane, start, cells);
    return *trap == NULL;
}

// What references take that are made now. From a quarter of a huge page on it is worth one: some
// hundred faults otherwise.
static void expect_references(struct wj_arena *arena, const struct wj_module *module)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        if (module->elems[i].mode != WJ_SEGMENT_DECLARED) {
            bytes += module->elems[i].count * (sizeof(void *) + sizeof(struct wj_funcref));
        }
    }
    if (bytes >= WJ_HUGE_BYTES / 4) {
        bytes += module->func_count * sizeof(struct wj_funcref *);
        wj_arena_expect(arena, bytes < WJ_HUGE_BYTES ? WJ_HUGE_BYTES : bytes);
    }
}

static struct wj_instance *allocate(struct wj_store *store, struct wj_image *image,
                                    struct wj_err *err)
{
    const struct wj_module *module = image->module;
    struct wj_arena *arena = &store->arena;
    expect_references(arena, module);
    struct wj_instance *instance = wj_arena_alloc(arena, wj_instance_layout(module).size_bytes);
    if (instance == NULL) {
        fail_nomem(err);
        return NULL;
    }
    uint32_t *type_ids = tail(instance, wj_instance_layout(module).type_ids);
    for (uint32_t i = 0; i < module->type_count; i++) {
        type_ids[i] = module->type_list[i]->id;
    }
    instance->activation_slot = &store->lane.activation;
    memcpy(instance->stubs, store->engine->stubs, sizeof instance->stubs);
    wj_libcalls_fill(instance->libcalls);
    instance->store = store;
    instance->module = module;
    instance->funcrefs = WJ_ARENA_ARRAY(arena, struct wj_funcref *, module->func_count);
    instance->global_objects = WJ_ARENA_ARRAY(arena, struct wj_global *, module->global_count);
    instance->tags = WJ_ARENA_ARRAY(arena, struct wj_tag_object *, module->tag_count);
    instance->dropped_elems = WJ_ARENA_ARRAY(arena, uint64_t, module->elem_count / 64 + 1);
    instance->dropped_datas = WJ_ARENA_ARRAY(arena, uint64_t, module->data_count / 64 + 1);
    instance->elem_items = WJ_ARENA_ARRAY(arena, void **, module->elem_count);
    if (instance->funcrefs == NULL || instance->global_objects == NULL || instance->tags == NULL ||
        instance->dropped_elems == NULL || instance->dropped_datas == NULL ||
        instance->elem_items == NULL) {
        fail_nomem(err);
        return NULL;
    }
    return instance;
}

bool wj_instance_build(struct wj_store *store, struct wj_image *image,
                       const struct wj_extern *imports, uint32_t import_count,
                       const struct wj_instance_place *place, struct wj_instance **out,
                       struct wj_trap **trap, struct wj_err *err)
{
    uint64_t start_ns = wj_now_ns();
    const struct wj_module *module = image->module;
    *trap = NULL;
    if (!check_imports(module, imports, import_count, err)) {
        return false;
    }
    struct wj_instance *instance = allocate(store, image, err);
    if (instance == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < module->import_count; i++) {
        if (!bind_import(instance, &module->imports[i], &imports[i], err)) {
            return false;
        }
    }
    if (!make_tags(instance, err) || !make_memories(instance, place, err) ||
        !wj_image_code(image, needs_explicit_bounds(instance), &instance->code, err)) {
        return false;
    }
    // From here on functions of the instance may be in tables of others: it lives as the store.
    instance->image = wj_image_retain(image);
    instance->next = store->instances;
    store->instances = instance;
    const struct wj_export *memory = wj_module_find_export(module, "memory", 6);
    instance->host_memory = memory != NULL && memory->kind == WJ_EXTERN_MEMORY
                                ? wj_instance_memory(instance, memory->index)
                                : instance->memory0;
    if (!wj_kernel_bind(instance, err) || !make_globals(instance, err) ||
        !make_tables(instance, err) || !make_elems(instance, err) ||
        !apply_segments(instance, place->is_filled, trap, err)) {
        return false;
    }
    atomic_fetch_add(&store->engine->stats.instantiate_ns, wj_now_ns() - start_ns);
    *out = instance;
    return true;
}

bool wj_instance_new(struct wj_store *store, struct wj_image *image,
                     const struct wj_extern *imports, uint32_t import_count,
                     struct wj_instance **out, struct wj_trap **trap, struct wj_err *err)
{
    const struct wj_instance_place anywhere = {.memory = NULL};
    return wj_instance_build(store, image, imports, import_count, &anywhere, out, trap, err) &&
           wj_instance_start(*out, trap, err);
}
