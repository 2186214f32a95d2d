// Value types and the canonical types of an engine. Recursive groups are compared structurally
// (iso-recursively) once, when a module is decoded; after that a type is its 32-bit id, the same
// in every module of the registry, and equality is one compare.
#ifndef WASM_TYPES_H
#define WASM_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

// A value type. Numbers and v128 are small constants. A reference is REF_BIT, nullability and a
// heap type: an abstract one (ABSTRACT_BIT and enum wj_heap) or a canonical type id.
typedef uint32_t wj_valtype;

#define WJ_TYPE_BOTTOM 0u // of unreachable code: below every type
#define WJ_TYPE_I32 1u
#define WJ_TYPE_I64 2u
#define WJ_TYPE_F32 3u
#define WJ_TYPE_F64 4u
#define WJ_TYPE_V128 5u
#define WJ_TYPE_I8 6u // packed storage types, in fields only
#define WJ_TYPE_I16 7u
#define WJ_TYPE_REF_BIT 0x80000000u
#define WJ_TYPE_NULLABLE_BIT 0x40000000u
#define WJ_TYPE_ABSTRACT_BIT 0x20000000u
#define WJ_TYPE_HEAP_MASK 0x1fffffffu

enum wj_heap {
    WJ_HEAP_FUNC,
    WJ_HEAP_NOFUNC,
    WJ_HEAP_EXTERN,
    WJ_HEAP_NOEXTERN,
    WJ_HEAP_ANY,
    WJ_HEAP_EQ,
    WJ_HEAP_I31,
    WJ_HEAP_STRUCT,
    WJ_HEAP_ARRAY,
    WJ_HEAP_NONE,
    WJ_HEAP_EXN,
    WJ_HEAP_NOEXN,
    WJ_HEAP_BOTTOM, // of unreachable code: the reference below every heap type
};

#define WJ_TYPE_ABSTRACT_REF(heap, nullable)                                             \
    (WJ_TYPE_REF_BIT | WJ_TYPE_ABSTRACT_BIT | ((nullable) ? WJ_TYPE_NULLABLE_BIT : 0u) | \
     (uint32_t) (heap))
#define WJ_TYPE_CONCRETE_REF(type_id, nullable) \
    (WJ_TYPE_REF_BIT | ((nullable) ? WJ_TYPE_NULLABLE_BIT : 0u) | (uint32_t) (type_id))
#define WJ_TYPE_FUNCREF WJ_TYPE_ABSTRACT_REF(WJ_HEAP_FUNC, true)
#define WJ_TYPE_EXTERNREF WJ_TYPE_ABSTRACT_REF(WJ_HEAP_EXTERN, true)

static inline bool wj_valtype_is_ref(wj_valtype type)
{
    return (type & WJ_TYPE_REF_BIT) != 0;
}

static inline bool wj_valtype_is_nullable(wj_valtype type)
{
    return (type & WJ_TYPE_NULLABLE_BIT) != 0;
}

// True when a local of the type has a default value.
static inline bool wj_valtype_is_defaultable(wj_valtype type)
{
    return !wj_valtype_is_ref(type) || wj_valtype_is_nullable(type);
}

enum wj_composite { WJ_COMPOSITE_FUNC, WJ_COMPOSITE_STRUCT, WJ_COMPOSITE_ARRAY };

struct wj_functype {
    uint32_t param_count;
    uint32_t result_count;
    const wj_valtype *types; // parameters, then results
};

struct wj_field {
    wj_valtype type;
    bool is_mutable;
};

// A canonical type. Immutable, owned by the registry, alive as long as it. References inside it
// are already canonical.
struct wj_type {
    uint32_t id;
    enum wj_composite composite;
    bool is_final;
    uint32_t supertype_id;  // WJ_TYPE_ID_NONE without one
    uint32_t depth;         // number of supertypes above, at most 63
    const uint32_t *supers; // supers[d] is the ancestor at depth d, supers[depth] the type itself
    struct wj_functype func;
    uint32_t field_count;
    const struct wj_field *fields; // struct: all; array: one
};

#define WJ_TYPE_ID_NONE UINT32_MAX

// The canonical types of one engine. All functions are safe to call from several threads.
struct wj_types;

struct wj_types *wj_types_new(void); // NULL: no memory
void wj_types_free(struct wj_types *types);

// The type with this id; ids come from the registry itself and are always in range.
const struct wj_type *wj_types_get(const struct wj_types *types, uint32_t id);

// The canonical id of a final function type without a supertype, made if new (host functions).
bool wj_types_intern_func(struct wj_types *types, const struct wj_functype *func, uint32_t *id,
                          struct wj_err *err);

// One type of a recursive group as it was decoded. References to types of the group itself are
// written as WJ_TYPE_CONCRETE_REF(WJ_TYPE_GROUP_BIT | position, ...).
#define WJ_TYPE_GROUP_BIT 0x10000000u
struct wj_type_draft {
    enum wj_composite composite;
    bool is_final;
    uint32_t supertype_id; // canonical, or WJ_TYPE_GROUP_BIT | position, or WJ_TYPE_ID_NONE
    struct wj_functype func;
    uint32_t field_count;
    const struct wj_field *fields;
};

// Finds or makes the canonical ids of a recursive group: ids[0 .. count).
bool wj_types_intern_group(struct wj_types *types, const struct wj_type_draft *drafts,
                           uint32_t count, uint32_t *ids, struct wj_err *err);

// Subtyping of canonical types, heap types and value types.
bool wj_types_is_subtype_id(const struct wj_types *types, uint32_t sub, uint32_t super);
bool wj_types_is_subtype(const struct wj_types *types, wj_valtype sub, wj_valtype super);

// True when the type may stand below the supertype that it declares, or declares none.
bool wj_types_matches_supertype(const struct wj_types *types, uint32_t id);

// The type as the text format writes it, for messages: "i32", "(ref null 3)", "funcref".
// Returns `buffer`.
const char *wj_valtype_print(wj_valtype type, char *buffer, uint32_t buffer_bytes);

#endif
