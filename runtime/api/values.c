// Values between the host's form and cells. References that enter wasm keep their handle alive as
// long as the store: nobody counts what tables, globals and stacks of wasm hold.
#include <stdlib.h>
#include <string.h>

#include "runtime/api/internal.h"

// The function that a handle or cell stands for, without the context of an importer.
static struct wj_funcref *origin_of(struct wj_funcref *func)
{
    return func != NULL && func->host != NULL ? &func->host->funcref : func;
}

bool wj_api_ref_to_cell(wasm_store_t *store, wj_valtype type, wasm_ref_t *ref, void **out)
{
    *out = NULL;
    if (ref == NULL) {
        return wj_valtype_is_nullable(type);
    }
    const struct wj_types *types = store->store->engine->types;
    if (ref->store != store) {
        return false;
    }
    switch (wj_api_kind(types, type)) {
    case WASM_FUNCREF: {
        if (ref->kind != WJ_REF_FUNC) {
            return false;
        }
        struct wj_funcref *func = ref->object;
        *out = func;
        return (type & WJ_TYPE_ABSTRACT_BIT) != 0
                   ? (type & WJ_TYPE_HEAP_MASK) == WJ_HEAP_FUNC
                   : wj_types_is_subtype_id(types, func->type_id, type & WJ_TYPE_HEAP_MASK);
    }
    case WASM_EXTERNREF:
        if (ref->kind == WJ_REF_MODULE || ref->kind == WJ_REF_TRAP) {
            return false; // these do not live as long as the store
        }
        ref->is_pinned = true;
        *out = ref;
        return (type & WJ_TYPE_HEAP_MASK) == WJ_HEAP_EXTERN;
    default: return false;
    }
}

bool wj_api_to_cell(wasm_store_t *store, wj_valtype type, const wjit_val_t *value,
                    union wj_cell *cell)
{
    memset(cell, 0, sizeof *cell);
    if (value->kind != wj_api_kind(store->store->engine->types, type)) {
        return false;
    }
    switch (value->kind) {
    case WASM_I32: cell->i32 = (uint32_t) value->of.i32; return true;
    case WASM_I64: cell->i64 = (uint64_t) value->of.i64; return true;
    case WASM_F32: memcpy(&cell->f32, &value->of.f32, 4); return true;
    case WASM_F64: memcpy(&cell->f64, &value->of.f64, 8); return true;
    case WJIT_V128: memcpy(cell->v128, value->of.v128, 16); return true;
    default: return wj_api_ref_to_cell(store, type, value->of.ref, &cell->ref);
    }
}

void wj_api_from_cell(wasm_store_t *store, wj_valtype type, const union wj_cell *cell,
                      wjit_val_t *value)
{
    memset(value, 0, sizeof *value);
    value->kind = wj_api_kind(store->store->engine->types, type);
    switch (value->kind) {
    case WASM_I32: value->of.i32 = (int32_t) cell->i32; break;
    case WASM_I64: value->of.i64 = (int64_t) cell->i64; break;
    case WASM_F32: memcpy(&value->of.f32, &cell->f32, 4); break;
    case WASM_F64: memcpy(&value->of.f64, &cell->f64, 8); break;
    case WJIT_V128: memcpy(value->of.v128, cell->v128, 16); break;
    case WASM_FUNCREF:
        value->of.ref = wj_api_handle(store, WJ_REF_FUNC, origin_of(cell->ref));
        break;
    case WASM_EXTERNREF: value->of.ref = wasm_ref_copy(cell->ref); break;
    default: break;
    }
}

void wj_api_val_widen(const wasm_val_t *from, wjit_val_t *to)
{
    memset(to, 0, sizeof *to);
    to->kind = from->kind;
    memcpy(&to->of, &from->of, sizeof from->of);
}

void wj_api_val_narrow(const wjit_val_t *from, wasm_val_t *to)
{
    memset(to, 0, sizeof *to);
    if (from->kind == WJIT_V128) {
        to->kind = WASM_I64;
        return;
    }
    to->kind = from->kind;
    memcpy(&to->of, &from->of, sizeof to->of);
}

void wasm_val_delete(wasm_val_t *value)
{
    if (wasm_valkind_is_ref(value->kind)) {
        wasm_ref_delete(value->of.ref);
        value->of.ref = NULL;
    }
}

void wasm_val_copy(wasm_val_t *out, const wasm_val_t *value)
{
    *out = *value;
    if (wasm_valkind_is_ref(value->kind)) {
        out->of.ref = wasm_ref_copy(value->of.ref);
    }
}
