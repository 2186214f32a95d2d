// Globals, tables and memories of the host.
#include <string.h>

#include "runtime/api/internal.h"
#include "runtime/vm/libcalls.h"
#include "runtime/vm/memory.h"

// ---- Globals ------------------------------------------------------------------------------------

static struct wj_global *global_of(const wasm_global_t *global)
{
    return global->ref.object;
}

wasm_global_t *wjit_global_new(wasm_store_t *store, const wasm_globaltype_t *type,
                               const wjit_val_t *value)
{
    struct wj_global_type full = {
        .type = type->content->type,
        .is_mutable = type->mutability == WASM_VAR,
    };
    union wj_cell cell;
    if (!wj_api_to_cell(store, full.type, value, &cell)) {
        return NULL;
    }
    struct wj_global *global = wj_store_global(store->store, &full, NULL);
    if (global == NULL) {
        return NULL;
    }
    *global->cell = cell;
    return (wasm_global_t *) wj_api_handle(store, WJ_REF_GLOBAL, global);
}

wasm_global_t *wasm_global_new(wasm_store_t *store, const wasm_globaltype_t *type,
                               const wasm_val_t *value)
{
    wjit_val_t wide;
    wj_api_val_widen(value, &wide);
    return wjit_global_new(store, type, &wide);
}

wasm_globaltype_t *wasm_global_type(const wasm_global_t *global)
{
    return wj_api_globaltype(global->ref.store->store->engine->types, &global_of(global)->type);
}

void wjit_global_get(const wasm_global_t *global, wjit_val_t *out)
{
    wj_api_from_cell(global->ref.store, global_of(global)->type.type, global_of(global)->cell, out);
}

void wasm_global_get(const wasm_global_t *global, wasm_val_t *out)
{
    wjit_val_t wide;
    wjit_global_get(global, &wide);
    wj_api_val_narrow(&wide, out);
}

bool wjit_global_set(wasm_global_t *handle, const wjit_val_t *value)
{
    struct wj_global *global = global_of(handle);
    union wj_cell cell;
    if (!global->type.is_mutable ||
        !wj_api_to_cell(handle->ref.store, global->type.type, value, &cell)) {
        return false;
    }
    *global->cell = cell;
    return true;
}

void wasm_global_set(wasm_global_t *global, const wasm_val_t *value)
{
    wjit_val_t wide;
    wj_api_val_widen(value, &wide);
    wjit_global_set(global, &wide);
}

// ---- Tables -------------------------------------------------------------------------------------

static struct wj_table *table_of(const wasm_table_t *table)
{
    return table->ref.object;
}

wasm_table_t *wasm_table_new(wasm_store_t *store, const wasm_tabletype_t *type, wasm_ref_t *init)
{
    struct wj_table_type full = {.element = type->element->type, .limits = type->full};
    void *element;
    struct wj_table *table;
    if (!wj_api_ref_to_cell(store, full.element, init, &element) ||
        !wj_store_table(store->store, &full, element, &table, NULL)) {
        return NULL;
    }
    return (wasm_table_t *) wj_api_handle(store, WJ_REF_TABLE, table);
}

wasm_tabletype_t *wasm_table_type(const wasm_table_t *table)
{
    struct wj_table_type type = table_of(table)->type;
    type.limits.min = table_of(table)->size;
    return wj_api_tabletype(table->ref.store->store->engine->types, &type);
}

bool wjit_table_get(const wasm_table_t *handle, uint64_t index, wasm_ref_t **out)
{
    const struct wj_table *table = table_of(handle);
    if (index >= table->size) {
        return false;
    }
    union wj_cell cell = {.ref = table->elements[index]};
    wjit_val_t value;
    wj_api_from_cell(handle->ref.store, table->type.element, &cell, &value);
    *out = value.of.ref;
    return true;
}

wasm_ref_t *wasm_table_get(const wasm_table_t *table, wasm_table_size_t index)
{
    wasm_ref_t *ref = NULL;
    wjit_table_get(table, index, &ref);
    return ref;
}

bool wjit_table_set(wasm_table_t *handle, uint64_t index, wasm_ref_t *ref)
{
    struct wj_table *table = table_of(handle);
    void *element;
    if (index >= table->size ||
        !wj_api_ref_to_cell(handle->ref.store, table->type.element, ref, &element)) {
        return false;
    }
    table->elements[index] = element;
    return true;
}

bool wasm_table_set(wasm_table_t *table, wasm_table_size_t index, wasm_ref_t *ref)
{
    return wjit_table_set(table, index, ref);
}

uint64_t wjit_table_size(const wasm_table_t *table)
{
    return table_of(table)->size;
}

wasm_table_size_t wasm_table_size(const wasm_table_t *table)
{
    return (wasm_table_size_t) table_of(table)->size;
}

bool wjit_table_grow(wasm_table_t *handle, uint64_t delta, wasm_ref_t *init)
{
    struct wj_table *table = table_of(handle);
    void *element;
    return wj_api_ref_to_cell(handle->ref.store, table->type.element, init, &element) &&
           wj_table_grow(table, delta, element) != UINT64_MAX;
}

bool wasm_table_grow(wasm_table_t *table, wasm_table_size_t delta, wasm_ref_t *init)
{
    return wjit_table_grow(table, delta, init);
}

// ---- Memories -----------------------------------------------------------------------------------

static struct wj_memory *memory_of(const wasm_memory_t *memory)
{
    return memory->ref.object;
}

wasm_memory_t *wjit_memory_new(wasm_store_t *store, const wasm_memorytype_t *type,
                               wjit_error_t *error)
{
    struct wj_err err;
    wj_err_clear(&err);
    struct wj_memory *memory;
    if (!wj_store_memory(store->store, &type->full, &memory, &err)) {
        wj_api_error_out(&err, error);
        return NULL;
    }
    return (wasm_memory_t *) wj_api_handle(store, WJ_REF_MEMORY, memory);
}

wasm_memory_t *wasm_memory_new(wasm_store_t *store, const wasm_memorytype_t *type)
{
    return wjit_memory_new(store, type, NULL);
}

wasm_memory_t *wjit_memory_obtain(wasm_store_t *store, const wasm_memory_t *handle)
{
    struct wj_memory *memory = memory_of(handle);
    if (!memory->type.limits.is_shared ||
        handle->ref.store->store->engine != store->store->engine ||
        !wj_store_adopt_memory(store->store, memory, NULL)) {
        return NULL;
    }
    return (wasm_memory_t *) wj_api_handle(store, WJ_REF_MEMORY, memory);
}

wasm_memorytype_t *wasm_memory_type(const wasm_memory_t *memory)
{
    struct wj_memory_type type = memory_of(memory)->type;
    type.limits.min = wj_memory_pages(memory_of(memory));
    return wj_api_memorytype(&type);
}

uint8_t *wjit_memory_view(const wasm_memory_t *memory, uint64_t *size_bytes)
{
    *size_bytes = atomic_load(&memory_of(memory)->size_bytes);
    return memory_of(memory)->base;
}

byte_t *wasm_memory_data(wasm_memory_t *memory)
{
    return (byte_t *) memory_of(memory)->base;
}

size_t wasm_memory_data_size(const wasm_memory_t *memory)
{
    return atomic_load(&memory_of(memory)->size_bytes);
}

uint64_t wjit_memory_pages(const wasm_memory_t *memory)
{
    return wj_memory_pages(memory_of(memory));
}

wasm_memory_pages_t wasm_memory_size(const wasm_memory_t *memory)
{
    return (wasm_memory_pages_t) wj_memory_pages(memory_of(memory));
}

bool wjit_memory_grow(wasm_memory_t *handle, uint64_t delta_pages)
{
    struct wj_memory *memory = memory_of(handle);
    bool is_grown = wj_memory_grow(memory, delta_pages) != UINT64_MAX;
    wj_memory_moved(handle->ref.store->store, memory);
    return is_grown;
}

bool wasm_memory_grow(wasm_memory_t *memory, wasm_memory_pages_t delta)
{
    return wjit_memory_grow(memory, delta);
}
