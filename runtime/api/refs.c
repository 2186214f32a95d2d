// Handles of objects, their host information, and the views from one kind of handle to another.
#include <stdlib.h>
#include <string.h>

#include "runtime/api/internal.h"

#define BUCKETS_FIRST 256u

static uint32_t bucket_of(const wasm_store_t *store, const void *object)
{
    uint64_t key = (uint64_t) (uintptr_t) object;
    return (uint32_t) (key * 0x9e3779b97f4a7c15u >> 32) & (store->bucket_count - 1);
}

static bool grow_buckets(wasm_store_t *store)
{
    if (store->handle_count < store->bucket_count) {
        return true;
    }
    uint32_t count = store->bucket_count == 0 ? BUCKETS_FIRST : store->bucket_count * 4;
    struct wasm_ref_t **buckets = calloc(count, sizeof(struct wasm_ref_t *));
    if (buckets == NULL) {
        return store->bucket_count != 0;
    }
    struct wasm_ref_t **old = store->buckets;
    uint32_t old_count = store->bucket_count;
    store->buckets = buckets;
    store->bucket_count = count;
    for (uint32_t i = 0; i < old_count; i++) {
        struct wasm_ref_t *next;
        for (struct wasm_ref_t *ref = old[i]; ref != NULL; ref = next) {
            next = ref->next;
            uint32_t bucket = bucket_of(store, ref->object);
            ref->next = buckets[bucket];
            buckets[bucket] = ref;
        }
    }
    free(old);
    return true;
}

struct wasm_ref_t *wj_api_loose_handle(wasm_store_t *store, enum wj_ref_kind kind, void *object)
{
    struct wasm_ref_t *ref = calloc(1, sizeof *ref);
    if (ref != NULL) {
        ref->kind = kind;
        ref->references = 1;
        ref->store = store;
        ref->object = object;
    }
    return ref;
}

struct wasm_ref_t *wj_api_handle(wasm_store_t *store, enum wj_ref_kind kind, void *object)
{
    if (object == NULL || !grow_buckets(store)) {
        return NULL;
    }
    uint32_t bucket = bucket_of(store, object);
    for (struct wasm_ref_t *ref = store->buckets[bucket]; ref != NULL; ref = ref->next) {
        if (ref->object == object) {
            ref->references++;
            return ref;
        }
    }
    struct wasm_ref_t *ref = wj_api_loose_handle(store, kind, object);
    if (ref != NULL) {
        ref->next = store->buckets[bucket];
        store->buckets[bucket] = ref;
        store->handle_count++;
    }
    return ref;
}

struct wasm_ref_t *wj_api_pin(wasm_store_t *store, enum wj_ref_kind kind, void *object)
{
    struct wasm_ref_t *ref = wj_api_handle(store, kind, object);
    if (ref != NULL) {
        ref->is_pinned = true;
        ref->references--;
    }
    return ref;
}

static void free_handle(struct wasm_ref_t *ref)
{
    if (ref->finalizer != NULL) {
        ref->finalizer(ref->host_info);
    }
    if (ref->kind == WJ_REF_MODULE) {
        wj_image_release(ref->object);
    } else if (ref->kind == WJ_REF_TRAP) {
        wj_trap_release(ref->object);
    } else if (ref->module != NULL) {
        wasm_module_delete(ref->module);
    }
    free(ref);
}

void wasm_ref_delete(wasm_ref_t *ref)
{
    if (ref == NULL || --ref->references != 0 || ref->is_pinned) {
        return;
    }
    if (ref->kind == WJ_REF_MODULE || ref->kind == WJ_REF_TRAP) {
        free_handle(ref);
        return;
    }
    // Host information belongs to the object, which lives on.
    if (ref->kind != WJ_REF_FOREIGN && (ref->host_info != NULL || ref->finalizer != NULL)) {
        return;
    }
    wasm_store_t *store = ref->store;
    struct wasm_ref_t **link = &store->buckets[bucket_of(store, ref->object)];
    while (*link != ref) {
        link = &(*link)->next;
    }
    *link = ref->next;
    store->handle_count--;
    free_handle(ref);
}

void wj_api_handles_clear(wasm_store_t *store)
{
    for (uint32_t i = 0; i < store->bucket_count; i++) {
        struct wasm_ref_t *next;
        for (struct wasm_ref_t *ref = store->buckets[i]; ref != NULL; ref = next) {
            next = ref->next;
            free_handle(ref);
        }
    }
    free(store->buckets);
    store->buckets = NULL;
    store->bucket_count = 0;
}

wasm_foreign_t *wasm_foreign_new(wasm_store_t *store)
{
    if (!grow_buckets(store)) {
        return NULL;
    }
    struct wasm_ref_t *ref = wj_api_loose_handle(store, WJ_REF_FOREIGN, NULL);
    if (ref != NULL) {
        ref->object = ref;
        uint32_t bucket = bucket_of(store, ref);
        ref->next = store->buckets[bucket];
        store->buckets[bucket] = ref;
        store->handle_count++;
    }
    return (wasm_foreign_t *) ref;
}

// ---- The families of functions of every kind of handle
// --------------------------------------------

static struct wasm_ref_t *retain(const struct wasm_ref_t *ref)
{
    struct wasm_ref_t *same = (struct wasm_ref_t *) ref;
    if (same != NULL) {
        same->references++;
    }
    return same;
}

static bool is_same(const struct wasm_ref_t *a, const struct wasm_ref_t *b)
{
    return a == b || (a != NULL && b != NULL && a->object == b->object);
}

static void set_info(struct wasm_ref_t *ref, void *info, void (*finalizer)(void *))
{
    if (ref->finalizer != NULL) {
        ref->finalizer(ref->host_info);
    }
    ref->host_info = info;
    ref->finalizer = finalizer;
}

#define REF_BASE(name)                                                                \
    wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *x)                     \
    {                                                                                 \
        return (wasm_##name##_t *) retain((const struct wasm_ref_t *) x);             \
    }                                                                                 \
    bool wasm_##name##_same(const wasm_##name##_t *a, const wasm_##name##_t *b)       \
    {                                                                                 \
        return is_same((const struct wasm_ref_t *) a, (const struct wasm_ref_t *) b); \
    }                                                                                 \
    void *wasm_##name##_get_host_info(const wasm_##name##_t *x)                       \
    {                                                                                 \
        return ((const struct wasm_ref_t *) x)->host_info;                            \
    }                                                                                 \
    void wasm_##name##_set_host_info(wasm_##name##_t *x, void *info)                  \
    {                                                                                 \
        set_info((struct wasm_ref_t *) x, info, NULL);                                \
    }                                                                                 \
    void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t *x, void *info,   \
                                                    void (*finalizer)(void *))        \
    {                                                                                 \
        set_info((struct wasm_ref_t *) x, info, finalizer);                           \
    }

#define REF(name, first_kind, last_kind)                                            \
    REF_BASE(name)                                                                  \
    void wasm_##name##_delete(wasm_##name##_t *x)                                   \
    {                                                                               \
        wasm_ref_delete((struct wasm_ref_t *) x);                                   \
    }                                                                               \
    wasm_ref_t *wasm_##name##_as_ref(wasm_##name##_t *x)                            \
    {                                                                               \
        return (wasm_ref_t *) x;                                                    \
    }                                                                               \
    const wasm_ref_t *wasm_##name##_as_ref_const(const wasm_##name##_t *x)          \
    {                                                                               \
        return (const wasm_ref_t *) x;                                              \
    }                                                                               \
    wasm_##name##_t *wasm_ref_as_##name(wasm_ref_t *ref)                            \
    {                                                                               \
        return ref != NULL && ref->kind + 0u - first_kind <= last_kind - first_kind \
                   ? (wasm_##name##_t *) ref                                        \
                   : NULL;                                                          \
    }                                                                               \
    const wasm_##name##_t *wasm_ref_as_##name##_const(const wasm_ref_t *ref)        \
    {                                                                               \
        return wasm_ref_as_##name((wasm_ref_t *) ref);                              \
    }

REF_BASE(ref)
REF(func, WJ_REF_FUNC, WJ_REF_FUNC)
REF(global, WJ_REF_GLOBAL, WJ_REF_GLOBAL)
REF(table, WJ_REF_TABLE, WJ_REF_TABLE)
REF(memory, WJ_REF_MEMORY, WJ_REF_MEMORY)
REF(extern, WJ_REF_FUNC, WJ_REF_TAG)
REF(instance, WJ_REF_INSTANCE, WJ_REF_INSTANCE)
REF(foreign, WJ_REF_FOREIGN, WJ_REF_FOREIGN)
REF(module, WJ_REF_MODULE, WJ_REF_MODULE)
REF(trap, WJ_REF_TRAP, WJ_REF_TRAP)
#undef REF
#undef REF_BASE

wasm_externkind_t wasm_extern_kind(const wasm_extern_t *x)
{
    switch (x->ref.kind) {
    case WJ_REF_GLOBAL: return WASM_EXTERN_GLOBAL;
    case WJ_REF_TABLE: return WASM_EXTERN_TABLE;
    case WJ_REF_MEMORY: return WASM_EXTERN_MEMORY;
    case WJ_REF_TAG: return WJIT_EXTERN_TAG;
    default: return WASM_EXTERN_FUNC;
    }
}

wasm_externtype_t *wasm_extern_type(const wasm_extern_t *x)
{
    switch (x->ref.kind) {
    case WJ_REF_GLOBAL: return (void *) wasm_global_type((const void *) x);
    case WJ_REF_TABLE: return (void *) wasm_table_type((const void *) x);
    case WJ_REF_MEMORY: return (void *) wasm_memory_type((const void *) x);
    case WJ_REF_TAG: return wj_api_tagtype();
    default: return (void *) wasm_func_type((const void *) x);
    }
}

#define EXTERN_VIEWS(name, ref_kind)                                                      \
    wasm_extern_t *wasm_##name##_as_extern(wasm_##name##_t *x)                            \
    {                                                                                     \
        return (wasm_extern_t *) x;                                                       \
    }                                                                                     \
    const wasm_extern_t *wasm_##name##_as_extern_const(const wasm_##name##_t *x)          \
    {                                                                                     \
        return (const wasm_extern_t *) x;                                                 \
    }                                                                                     \
    wasm_##name##_t *wasm_extern_as_##name(wasm_extern_t *x)                              \
    {                                                                                     \
        return x != NULL && x->ref.kind == ref_kind ? (wasm_##name##_t *) x : NULL;       \
    }                                                                                     \
    const wasm_##name##_t *wasm_extern_as_##name##_const(const wasm_extern_t *x)          \
    {                                                                                     \
        return x != NULL && x->ref.kind == ref_kind ? (const wasm_##name##_t *) x : NULL; \
    }

EXTERN_VIEWS(func, WJ_REF_FUNC)
EXTERN_VIEWS(global, WJ_REF_GLOBAL)
EXTERN_VIEWS(table, WJ_REF_TABLE)
EXTERN_VIEWS(memory, WJ_REF_MEMORY)
#undef EXTERN_VIEWS
