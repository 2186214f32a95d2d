// The registry of canonical types: a hash table of recursive groups in draft form, where references
// inside the group are positions, so that equality of groups is equality of words.
#include "wasm/types.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/hash.h"

// Ids are looked up without the lock: pages of pointers never move once they are published. Each
// has room for twice as many as the one before, so that a process with few types touches little.
enum {
    PAGE_BITS_MIN = 6,
    PAGE_COUNT = 20,
    DEPTH_MAX = 63, // subtyping depth, JS API specification, "Implementation-defined Limits"
    TABLE_MIN = 64,
};
#define TYPES_MAX ((1u << (PAGE_BITS_MIN + PAGE_COUNT)) - (1u << PAGE_BITS_MIN))

_Static_assert(TYPES_MAX <= WJ_TYPE_GROUP_BIT,
               "ids must not run into the bit that marks positions in a group");

struct group {
    uint32_t hash;
    uint32_t first_id;
    uint32_t count; // 0: a free slot
};

struct wj_types {
    const struct wj_type **_Atomic pages[PAGE_COUNT];
    pthread_mutex_t mutex; // for all that follows
    struct wj_arena arena;
    uint32_t type_count;
    uint32_t group_count;
    uint32_t slot_count; // a power of two
    struct group *slots;
    uint64_t seed;   // so that nobody can prepare types that collide
    uint32_t *words; // the key being built
    size_t words_capacity;
};

struct wj_types *wj_types_new(void)
{
    struct wj_types *types = calloc(1, sizeof *types);
    if (types == NULL) {
        return NULL;
    }
    types->slots = calloc(TABLE_MIN, sizeof *types->slots);
    if (types->slots == NULL) {
        free(types);
        return NULL;
    }
    types->slot_count = TABLE_MIN;
    pthread_mutex_init(&types->mutex, NULL);
    wj_arena_init(&types->arena);
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    types->seed = (uint64_t) now.tv_nsec << 32 ^ (uint64_t) now.tv_sec ^ (uintptr_t) types;
    return types;
}

void wj_types_free(struct wj_types *types)
{
    if (types == NULL) {
        return;
    }
    for (uint32_t i = 0; i < PAGE_COUNT; i++) {
        free((void *) atomic_load_explicit(&types->pages[i], memory_order_relaxed));
    }
    wj_arena_clear(&types->arena);
    pthread_mutex_destroy(&types->mutex);
    free(types->slots);
    free(types->words);
    free(types);
}

// The number of an id's page, and the id's slot in there.
static uint32_t page_of(uint32_t id, uint32_t *slot)
{
    uint32_t position = id + (1u << PAGE_BITS_MIN);
    uint32_t bits = 31 - (uint32_t) __builtin_clz(position);
    *slot = position - (1u << bits);
    return bits - PAGE_BITS_MIN;
}

const struct wj_type *wj_types_get(const struct wj_types *types, uint32_t id)
{
    uint32_t slot, page = page_of(id, &slot);
    return atomic_load_explicit(&types->pages[page], memory_order_acquire)[slot];
}

// The words of a draft: header, supertype, counts, then value types; a field's mutability goes
// before its type.
static size_t draft_word_count(const struct wj_type_draft *draft)
{
    return 4 + (size_t) draft->func.param_count + draft->func.result_count +
           2 * (size_t) draft->field_count;
}

static uint32_t *write_draft(uint32_t *at, const struct wj_type_draft *draft)
{
    *at++ = (uint32_t) draft->composite << 1 | draft->is_final;
    *at++ = draft->supertype_id;
    *at++ = draft->composite == WJ_COMPOSITE_FUNC ? draft->func.param_count : draft->field_count;
    *at++ = draft->func.result_count;
    size_t types = (size_t) draft->func.param_count + draft->func.result_count;
    for (size_t i = 0; i < types; i++) {
        *at++ = draft->func.types[i];
    }
    for (uint32_t i = 0; i < draft->field_count; i++) {
        *at++ = draft->fields[i].is_mutable;
        *at++ = draft->fields[i].type;
    }
    return at;
}

static bool build_key(struct wj_types *types, const struct wj_type_draft *drafts, uint32_t count,
                      uint32_t *word_count)
{
    size_t words = 0;
    for (uint32_t i = 0; i < count; i++) {
        words += draft_word_count(&drafts[i]);
    }
    if (words > UINT32_MAX / sizeof(uint32_t)) {
        return false;
    }
    if (words > types->words_capacity) {
        uint32_t *grown = realloc(types->words, 2 * words * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        types->words = grown;
        types->words_capacity = 2 * words;
    }
    uint32_t *at = types->words;
    for (uint32_t i = 0; i < count; i++) {
        at = write_draft(at, &drafts[i]);
    }
    *word_count = (uint32_t) words;
    return true;
}

// A canonical value type or supertype as a draft of its group writes it.
static uint32_t unresolve_id(const struct group *group, uint32_t id)
{
    return id - group->first_id < group->count ? WJ_TYPE_GROUP_BIT | (id - group->first_id) : id;
}

static wj_valtype unresolve(const struct group *group, wj_valtype type)
{
    if (!wj_valtype_is_ref(type) || (type & WJ_TYPE_ABSTRACT_BIT)) {
        return type;
    }
    return (type & ~WJ_TYPE_HEAP_MASK) | unresolve_id(group, type & WJ_TYPE_HEAP_MASK);
}

// Compares a canonical type with the words of a draft; returns what follows them, or NULL.
static const uint32_t *match_type(const struct group *group, const struct wj_type *type,
                                  const uint32_t *at)
{
    bool is_func = type->composite == WJ_COMPOSITE_FUNC;
    if (*at++ != ((uint32_t) type->composite << 1 | type->is_final) ||
        *at++ != unresolve_id(group, type->supertype_id) ||
        *at++ != (is_func ? type->func.param_count : type->field_count) ||
        *at++ != type->func.result_count) {
        return NULL;
    }
    size_t count = (size_t) type->func.param_count + type->func.result_count;
    for (size_t i = 0; i < count; i++) {
        if (*at++ != unresolve(group, type->func.types[i])) {
            return NULL;
        }
    }
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (*at++ != type->fields[i].is_mutable ||
            *at++ != unresolve(group, type->fields[i].type)) {
            return NULL;
        }
    }
    return at;
}

static bool matches(const struct wj_types *types, const struct group *group)
{
    const uint32_t *at = types->words;
    for (uint32_t i = 0; at != NULL && i < group->count; i++) {
        at = match_type(group, wj_types_get(types, group->first_id + i), at);
    }
    return at != NULL;
}

// The slot of the group whose key has been built, or the free one where it belongs.
static struct group *find_slot(const struct wj_types *types, uint32_t hash, uint32_t count)
{
    uint32_t mask = types->slot_count - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        struct group *slot = &types->slots[i];
        if (slot->count == 0 ||
            (slot->hash == hash && slot->count == count && matches(types, slot))) {
            return slot;
        }
    }
}

static bool grow_table(struct wj_types *types)
{
    uint32_t slot_count = types->slot_count * 2;
    struct group *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < types->slot_count; i++) {
        struct group group = types->slots[i];
        if (group.count == 0) {
            continue;
        }
        uint32_t at = group.hash & (slot_count - 1);
        while (slots[at].count != 0) {
            at = (at + 1) & (slot_count - 1);
        }
        slots[at] = group;
    }
    free(types->slots);
    types->slots = slots;
    types->slot_count = slot_count;
    return true;
}

// A reference to a position in the group becomes one to a canonical id.
static wj_valtype resolve(wj_valtype type, uint32_t first_id)
{
    if (wj_valtype_is_ref(type) && !(type & WJ_TYPE_ABSTRACT_BIT) && (type & WJ_TYPE_GROUP_BIT)) {
        return (type & ~(WJ_TYPE_HEAP_MASK)) | (first_id + (type & (WJ_TYPE_GROUP_BIT - 1)));
    }
    return type;
}

static bool fill_contents(struct wj_types *types, struct wj_type *type,
                          const struct wj_type_draft *draft, uint32_t first_id)
{
    size_t count = (size_t) draft->func.param_count + draft->func.result_count;
    wj_valtype *valtypes = WJ_ARENA_ARRAY(&types->arena, wj_valtype, count);
    struct wj_field *fields = WJ_ARENA_ARRAY(&types->arena, struct wj_field, draft->field_count);
    if (valtypes == NULL || fields == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        valtypes[i] = resolve(draft->func.types[i], first_id);
    }
    for (uint32_t i = 0; i < draft->field_count; i++) {
        fields[i] = draft->fields[i];
        fields[i].type = resolve(fields[i].type, first_id);
    }
    type->func = draft->func;
    type->func.types = valtypes;
    type->field_count = draft->field_count;
    type->fields = fields;
    return true;
}

static bool fill_supertypes(struct wj_types *types, struct wj_type *type, uint32_t supertype_id,
                            struct wj_err *err)
{
    type->supertype_id = supertype_id;
    if (supertype_id == WJ_TYPE_ID_NONE) {
        type->supers = &type->id;
        return true;
    }
    const struct wj_type *above = wj_types_get(types, supertype_id);
    type->depth = above->depth + 1;
    if (type->depth > DEPTH_MAX) {
        return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET, "subtyping hierarchy is deeper than %d",
                          DEPTH_MAX);
    }
    uint32_t *supers = WJ_ARENA_ARRAY(&types->arena, uint32_t, type->depth + 1);
    if (supers == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    memcpy(supers, above->supers, type->depth * sizeof *supers);
    supers[type->depth] = type->id;
    type->supers = supers;
    return true;
}

static bool add_type(struct wj_types *types, const struct wj_type_draft *draft, uint32_t id,
                     uint32_t first_id, struct wj_err *err)
{
    uint32_t slot, number = page_of(id, &slot);
    const struct wj_type **page = atomic_load_explicit(&types->pages[number], memory_order_relaxed);
    struct wj_type *type = WJ_ARENA_NEW(&types->arena, struct wj_type);
    if (page == NULL && type != NULL) {
        // Not zeroed: no id is looked up before its slot is written.
        page = malloc(((size_t) 1 << (number + PAGE_BITS_MIN)) * sizeof(const struct wj_type *));
        atomic_store_explicit(&types->pages[number], page, memory_order_release);
    }
    if (page == NULL || type == NULL || !fill_contents(types, type, draft, first_id)) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    type->id = id;
    type->composite = draft->composite;
    type->is_final = draft->is_final;
    uint32_t supertype_id = draft->supertype_id;
    if (supertype_id != WJ_TYPE_ID_NONE && (supertype_id & WJ_TYPE_GROUP_BIT)) {
        supertype_id = first_id + (supertype_id & (WJ_TYPE_GROUP_BIT - 1));
    }
    if (!fill_supertypes(types, type, supertype_id, err)) {
        return false;
    }
    page[slot] = type;
    return true;
}

static bool add_group(struct wj_types *types, const struct wj_type_draft *drafts, uint32_t count,
                      struct group *slot, uint32_t hash, struct wj_err *err)
{
    if (count > TYPES_MAX - types->type_count) {
        return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET, "more than %u types", TYPES_MAX);
    }
    uint32_t first_id = types->type_count;
    for (uint32_t i = 0; i < count; i++) {
        if (!add_type(types, &drafts[i], first_id + i, first_id, err)) {
            return false; // the ids stay free: type_count has not moved
        }
    }
    *slot = (struct group){hash, first_id, count};
    types->group_count++;
    types->type_count += count;
    return true;
}

bool wj_types_intern_group(struct wj_types *types, const struct wj_type_draft *drafts,
                           uint32_t count, uint32_t *ids, struct wj_err *err)
{
    if (count == 0) {
        return true;
    }
    pthread_mutex_lock(&types->mutex);
    uint32_t word_count = 0;
    bool has_room = types->group_count < types->slot_count / 2 || grow_table(types);
    bool ok = has_room && build_key(types, drafts, count, &word_count);
    if (!ok) {
        wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    } else {
        uint32_t hash = (uint32_t) wj_hash64_seeded(types->words, word_count * sizeof *types->words,
                                                    types->seed);
        struct group *slot = find_slot(types, hash, count);
        uint32_t first_id = types->type_count;
        if (slot->count != 0) {
            first_id = slot->first_id;
        } else {
            ok = add_group(types, drafts, count, slot, hash, err);
        }
        for (uint32_t i = 0; ok && i < count; i++) {
            ids[i] = first_id + i;
        }
    }
    pthread_mutex_unlock(&types->mutex);
    return ok;
}

bool wj_types_intern_func(struct wj_types *types, const struct wj_functype *func, uint32_t *id,
                          struct wj_err *err)
{
    struct wj_type_draft draft = {
        .composite = WJ_COMPOSITE_FUNC,
        .is_final = true,
        .supertype_id = WJ_TYPE_ID_NONE,
        .func = *func,
    };
    return wj_types_intern_group(types, &draft, 1, id, err);
}

bool wj_types_is_subtype_id(const struct wj_types *types, uint32_t sub, uint32_t super)
{
    if (sub == super) {
        return true;
    }
    const struct wj_type *below = wj_types_get(types, sub);
    const struct wj_type *above = wj_types_get(types, super);
    return below->depth > above->depth && below->supers[above->depth] == super;
}

// supers[heap]: the abstract heap types above it, itself included.
#define BIT(heap) (1u << WJ_HEAP_##heap)
static const uint32_t heap_supers[WJ_HEAP_BOTTOM] = {
    [WJ_HEAP_FUNC] = BIT(FUNC),
    [WJ_HEAP_NOFUNC] = BIT(NOFUNC) | BIT(FUNC),
    [WJ_HEAP_EXTERN] = BIT(EXTERN),
    [WJ_HEAP_NOEXTERN] = BIT(NOEXTERN) | BIT(EXTERN),
    [WJ_HEAP_ANY] = BIT(ANY),
    [WJ_HEAP_EQ] = BIT(EQ) | BIT(ANY),
    [WJ_HEAP_I31] = BIT(I31) | BIT(EQ) | BIT(ANY),
    [WJ_HEAP_STRUCT] = BIT(STRUCT) | BIT(EQ) | BIT(ANY),
    [WJ_HEAP_ARRAY] = BIT(ARRAY) | BIT(EQ) | BIT(ANY),
    [WJ_HEAP_NONE] = BIT(NONE) | BIT(I31) | BIT(STRUCT) | BIT(ARRAY) | BIT(EQ) | BIT(ANY),
    [WJ_HEAP_EXN] = BIT(EXN),
    [WJ_HEAP_NOEXN] = BIT(NOEXN) | BIT(EXN),
};
#undef BIT

static enum wj_heap abstract_of(const struct wj_types *types, uint32_t id)
{
    switch (wj_types_get(types, id)->composite) {
    case WJ_COMPOSITE_FUNC: return WJ_HEAP_FUNC;
    case WJ_COMPOSITE_STRUCT: return WJ_HEAP_STRUCT;
    case WJ_COMPOSITE_ARRAY: return WJ_HEAP_ARRAY;
    }
    return WJ_HEAP_BOTTOM;
}

static bool is_heap_subtype(const struct wj_types *types, wj_valtype sub, wj_valtype super)
{
    uint32_t below = sub & WJ_TYPE_HEAP_MASK;
    uint32_t above = super & WJ_TYPE_HEAP_MASK;
    bool sub_is_abstract = (sub & WJ_TYPE_ABSTRACT_BIT) != 0;
    bool super_is_abstract = (super & WJ_TYPE_ABSTRACT_BIT) != 0;
    if (sub_is_abstract && below == WJ_HEAP_BOTTOM) {
        return true;
    }
    if (super_is_abstract && above == WJ_HEAP_BOTTOM) {
        return false;
    }
    if (!sub_is_abstract && !super_is_abstract) {
        return wj_types_is_subtype_id(types, below, above);
    }
    if (super_is_abstract) {
        enum wj_heap heap = sub_is_abstract ? (enum wj_heap) below : abstract_of(types, below);
        return (heap_supers[heap] >> above & 1) != 0;
    }
    enum wj_heap bottom = abstract_of(types, above) == WJ_HEAP_FUNC ? WJ_HEAP_NOFUNC : WJ_HEAP_NONE;
    return below == (uint32_t) bottom;
}

bool wj_types_is_subtype(const struct wj_types *types, wj_valtype sub, wj_valtype super)
{
    if (sub == super || sub == WJ_TYPE_BOTTOM) {
        return true;
    }
    if (!wj_valtype_is_ref(sub) || !wj_valtype_is_ref(super) ||
        (wj_valtype_is_nullable(sub) && !wj_valtype_is_nullable(super))) {
        return false;
    }
    return is_heap_subtype(types, sub, super);
}

static bool is_field_subtype(const struct wj_types *types, const struct wj_field *sub,
                             const struct wj_field *super)
{
    if (sub->is_mutable != super->is_mutable) {
        return false;
    }
    return super->is_mutable ? sub->type == super->type
                             : wj_types_is_subtype(types, sub->type, super->type);
}

static bool is_func_subtype(const struct wj_types *types, const struct wj_functype *sub,
                            const struct wj_functype *super)
{
    if (sub->param_count != super->param_count || sub->result_count != super->result_count) {
        return false;
    }
    for (uint32_t i = 0; i < sub->param_count; i++) {
        if (!wj_types_is_subtype(types, super->types[i], sub->types[i])) {
            return false;
        }
    }
    for (uint32_t i = sub->param_count; i < sub->param_count + sub->result_count; i++) {
        if (!wj_types_is_subtype(types, sub->types[i], super->types[i])) {
            return false;
        }
    }
    return true;
}

bool wj_types_matches_supertype(const struct wj_types *types, uint32_t id)
{
    const struct wj_type *sub = wj_types_get(types, id);
    if (sub->supertype_id == WJ_TYPE_ID_NONE) {
        return true;
    }
    const struct wj_type *super = wj_types_get(types, sub->supertype_id);
    if (super->is_final || sub->composite != super->composite) {
        return false;
    }
    if (sub->composite == WJ_COMPOSITE_FUNC) {
        return is_func_subtype(types, &sub->func, &super->func);
    }
    if (sub->field_count < super->field_count) {
        return false;
    }
    for (uint32_t i = 0; i < super->field_count; i++) {
        if (!is_field_subtype(types, &sub->fields[i], &super->fields[i])) {
            return false;
        }
    }
    return true;
}

static const char *const heap_names[] = {
    [WJ_HEAP_FUNC] = "func",         [WJ_HEAP_NOFUNC] = "nofunc", [WJ_HEAP_EXTERN] = "extern",
    [WJ_HEAP_NOEXTERN] = "noextern", [WJ_HEAP_ANY] = "any",       [WJ_HEAP_EQ] = "eq",
    [WJ_HEAP_I31] = "i31",           [WJ_HEAP_STRUCT] = "struct", [WJ_HEAP_ARRAY] = "array",
    [WJ_HEAP_NONE] = "none",         [WJ_HEAP_EXN] = "exn",       [WJ_HEAP_NOEXN] = "noexn",
    [WJ_HEAP_BOTTOM] = "bottom",
};

const char *wj_valtype_print(wj_valtype type, char *buffer, uint32_t buffer_bytes)
{
    static const char *const numbers[] = {
        "unknown", "i32", "i64", "f32", "f64", "v128", "i8", "i16",
    };
    uint32_t heap = type & WJ_TYPE_HEAP_MASK;
    const char *null = wj_valtype_is_nullable(type) ? "null " : "";
    if (type < sizeof numbers / sizeof numbers[0]) {
        snprintf(buffer, buffer_bytes, "%s", numbers[type]);
    } else if ((type & WJ_TYPE_ABSTRACT_BIT) && heap <= WJ_HEAP_BOTTOM) {
        bool is_short = wj_valtype_is_nullable(type) && heap != WJ_HEAP_BOTTOM;
        bool is_bottom_heap = heap == WJ_HEAP_NOFUNC || heap == WJ_HEAP_NOEXTERN ||
                              heap == WJ_HEAP_NONE || heap == WJ_HEAP_NOEXN;
        if (is_short && is_bottom_heap) {
            // nofunc is nullfuncref, none is nullref.
            snprintf(buffer, buffer_bytes, "null%sref",
                     heap == WJ_HEAP_NONE ? "" : heap_names[heap] + strlen("no"));
        } else if (is_short) {
            snprintf(buffer, buffer_bytes, "%sref", heap_names[heap]);
        } else {
            snprintf(buffer, buffer_bytes, "(ref %s%s)", null, heap_names[heap]);
        }
    } else if (wj_valtype_is_ref(type) && !(type & WJ_TYPE_ABSTRACT_BIT)) {
        snprintf(buffer, buffer_bytes, "(ref %s%u)", null, heap);
    } else {
        snprintf(buffer, buffer_bytes, "invalid");
    }
    return buffer;
}
