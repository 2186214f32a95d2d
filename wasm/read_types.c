// Value types, limits and the types of tables, memories and globals.
#include "wasm/features.h"
#include "wasm/reader.h"

static bool heap_of_byte(uint8_t byte, enum wj_heap *heap, uint32_t *feature)
{
    *feature = WJ_FEATURE_GC;
    switch (byte) {
    case 0x70:
        *heap = WJ_HEAP_FUNC;
        *feature = WJ_FEATURE_MVP;
        return true;
    case 0x6f:
        *heap = WJ_HEAP_EXTERN;
        *feature = WJ_FEATURE_REFERENCE_TYPES;
        return true;
    case 0x6e: *heap = WJ_HEAP_ANY; return true;
    case 0x6d: *heap = WJ_HEAP_EQ; return true;
    case 0x6c: *heap = WJ_HEAP_I31; return true;
    case 0x6b: *heap = WJ_HEAP_STRUCT; return true;
    case 0x6a: *heap = WJ_HEAP_ARRAY; return true;
    case 0x69:
        *heap = WJ_HEAP_EXN;
        *feature = WJ_FEATURE_EXCEPTIONS;
        return true;
    case 0x71: *heap = WJ_HEAP_NONE; return true;
    case 0x72: *heap = WJ_HEAP_NOEXTERN; return true;
    case 0x73: *heap = WJ_HEAP_NOFUNC; return true;
    case 0x74:
        *heap = WJ_HEAP_NOEXN;
        *feature = WJ_FEATURE_EXCEPTIONS;
        return true;
    default: return false;
    }
}

static bool abstract_ref(struct wj_reader *in, uint8_t byte, wj_valtype *type, const char *what)
{
    enum wj_heap heap;
    uint32_t feature;
    if (!heap_of_byte(byte, &heap, &feature)) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "malformed %s 0x%02x", what, byte);
    }
    if (!wj_reader_has(in, feature)) {
        return wj_reader_needs(in, what, feature);
    }
    *type = WJ_TYPE_ABSTRACT_REF(heap, true);
    in->at++;
    return true;
}

bool wj_read_heaptype(struct wj_reader *in, wj_valtype *type)
{
    if (in->at < in->limit && (*in->at & 0xc0) == 0x40) {
        return abstract_ref(in, *in->at, type, "heap type");
    }
    const uint8_t *start = in->at;
    int64_t index;
    if (!wj_read_s(in, 33, &index, "heap type")) {
        return false;
    }
    if (index < 0) {
        in->at = start;
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "malformed heap type");
    }
    if (!wj_reader_has(in, WJ_FEATURE_TYPED_REFS | WJ_FEATURE_GC)) {
        in->at = start;
        return wj_reader_needs(in, "typed reference", WJ_FEATURE_TYPED_REFS);
    }
    if (index >= in->group_first && index - in->group_first < in->group_count) {
        uint32_t position = (uint32_t) index - in->group_first;
        *type = WJ_TYPE_CONCRETE_REF(WJ_TYPE_GROUP_BIT | position, true);
        return true;
    }
    if (index >= in->module->type_count) {
        in->at = start;
        return wj_reader_fail(in, WJ_ERR_INVALID, "unknown type %lld", (long long) index);
    }
    *type = WJ_TYPE_CONCRETE_REF(in->module->type_list[index]->id, true);
    return true;
}

bool wj_read_reftype(struct wj_reader *in, wj_valtype *type)
{
    if (in->at >= in->limit) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "unexpected end: reference type expected");
    }
    uint8_t byte = *in->at;
    if (byte != 0x63 && byte != 0x64) {
        return abstract_ref(in, byte, type, "reference type");
    }
    if (!wj_reader_has(in, WJ_FEATURE_TYPED_REFS | WJ_FEATURE_GC)) {
        return wj_reader_needs(in, "typed reference", WJ_FEATURE_TYPED_REFS);
    }
    in->at++;
    if (!wj_read_heaptype(in, type)) {
        return false;
    }
    if (byte == 0x64) {
        *type &= ~WJ_TYPE_NULLABLE_BIT;
    }
    return true;
}

bool wj_read_valtype(struct wj_reader *in, wj_valtype *type)
{
    if (in->at >= in->limit) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "unexpected end: value type expected");
    }
    uint8_t byte = *in->at;
    if (byte >= 0x7c && byte <= 0x7f) {
        *type = WJ_TYPE_I32 + (0x7fu - byte);
        in->at++;
        return true;
    }
    if (byte == 0x7b) {
        if (!wj_reader_has(in, WJ_FEATURE_SIMD)) {
            return wj_reader_needs(in, "v128", WJ_FEATURE_SIMD);
        }
        *type = WJ_TYPE_V128;
        in->at++;
        return true;
    }
    enum wj_heap heap;
    uint32_t feature;
    if (byte != 0x63 && byte != 0x64 && !heap_of_byte(byte, &heap, &feature)) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "malformed value type 0x%02x", byte);
    }
    if (!wj_reader_has(in, WJ_FEATURE_REFERENCE_TYPES)) {
        return wj_reader_needs(in, "reference as a value", WJ_FEATURE_REFERENCE_TYPES);
    }
    return wj_read_reftype(in, type);
}

enum { LIMITS_MAX = 1, LIMITS_SHARED = 2, LIMITS_64 = 4, LIMITS_PAGE_SIZE = 8 };

bool wj_read_limits(struct wj_reader *in, struct wj_limits *limits, uint8_t flags)
{
    *limits = (struct wj_limits){
        .has_max = (flags & LIMITS_MAX) != 0,
        .is_shared = (flags & LIMITS_SHARED) != 0,
        .is_64 = (flags & LIMITS_64) != 0,
    };
    if (limits->is_64 && !wj_reader_has(in, WJ_FEATURE_MEMORY64)) {
        return wj_reader_needs(in, "64-bit limits", WJ_FEATURE_MEMORY64);
    }
    // Wasm 3.0 encodes 32-bit limits as u64 too; their range is a matter of validation.
    return wj_read_u64(in, &limits->min, "minimum size") &&
           (!limits->has_max || wj_read_u64(in, &limits->max, "maximum size"));
}

static bool check_min_max(struct wj_reader *in, const struct wj_limits *limits, uint64_t largest,
                          const char *what)
{
    if (limits->min > largest || (limits->has_max && limits->max > largest)) {
        return wj_reader_fail(in, WJ_ERR_INVALID, "%s size must be at most %llu", what,
                              (unsigned long long) largest);
    }
    if (limits->has_max && limits->min > limits->max) {
        return wj_reader_fail(in, WJ_ERR_INVALID,
                              "size minimum must not be greater than maximum: %llu > %llu",
                              (unsigned long long) limits->min, (unsigned long long) limits->max);
    }
    return true;
}

bool wj_read_table_type(struct wj_reader *in, struct wj_table_type *type)
{
    uint8_t flags;
    if (!wj_read_reftype(in, &type->element) || !wj_read_byte(in, &flags, "limits flags")) {
        return false;
    }
    if ((flags & ~(LIMITS_MAX | LIMITS_64)) != 0) {
        in->at--;
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "malformed limits flags 0x%02x of a table",
                              flags);
    }
    return wj_read_limits(in, &type->limits, flags) &&
           check_min_max(in, &type->limits, type->limits.is_64 ? UINT64_MAX : UINT32_MAX, "table");
}

static bool read_page_size(struct wj_reader *in, uint8_t *log2)
{
    uint32_t value;
    if (!wj_read_u32(in, &value, "page size")) {
        return false;
    }
    if (value >= 64) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "invalid custom page size 2^%u", value);
    }
    if (value != 0 && value != 16) {
        return wj_reader_fail(in, WJ_ERR_INVALID,
                              "invalid custom page size 2^%u: must be 1 or 65536", value);
    }
    *log2 = (uint8_t) value;
    return true;
}

bool wj_read_memory_type(struct wj_reader *in, struct wj_memory_type *type)
{
    uint8_t flags;
    if (!wj_read_byte(in, &flags, "limits flags")) {
        return false;
    }
    if (flags > 15) {
        in->at--;
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "malformed limits flags 0x%02x of a memory",
                              flags);
    }
    type->page_size_log2 = 16;
    if ((flags & LIMITS_SHARED) && !wj_reader_has(in, WJ_FEATURE_THREADS)) {
        return wj_reader_needs(in, "shared memory", WJ_FEATURE_THREADS);
    }
    if ((flags & LIMITS_PAGE_SIZE) && !wj_reader_has(in, WJ_FEATURE_CUSTOM_PAGE_SIZES)) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED,
                              "malformed limits flags 0x%02x of a memory: the custom-page-sizes "
                              "feature is off",
                              flags);
    }
    if (!wj_read_limits(in, &type->limits, flags) ||
        ((flags & LIMITS_PAGE_SIZE) && !read_page_size(in, &type->page_size_log2))) {
        return false;
    }
    if (type->limits.is_shared && !type->limits.has_max) {
        return wj_reader_fail(in, WJ_ERR_INVALID, "shared memory must have maximum");
    }
    // As many pages as addresses reach: 2^32 or 2^64 bytes.
    unsigned address_bits = type->limits.is_64 ? 64 : 32;
    uint64_t largest = type->page_size_log2 == 0 ? (type->limits.is_64 ? UINT64_MAX : UINT32_MAX)
                                                 : (uint64_t) 1 << (address_bits - 16);
    return check_min_max(in, &type->limits, largest, "memory");
}

bool wj_read_global_type(struct wj_reader *in, struct wj_global_type *type)
{
    uint8_t mutability;
    if (!wj_read_valtype(in, &type->type) || !wj_read_byte(in, &mutability, "mutability")) {
        return false;
    }
    if (mutability > 1) {
        in->at--;
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "malformed mutability 0x%02x", mutability);
    }
    type->is_mutable = mutability == 1;
    return true;
}

bool wj_read_functype_index(struct wj_reader *in, uint32_t *index)
{
    const uint8_t *start = in->at;
    if (!wj_read_u32(in, index, "type index")) {
        return false;
    }
    if (*index >= in->module->type_count) {
        in->at = start;
        return wj_reader_fail(in, WJ_ERR_INVALID, "unknown type %u", *index);
    }
    if (in->module->type_list[*index]->composite != WJ_COMPOSITE_FUNC) {
        in->at = start;
        return wj_reader_fail(in, WJ_ERR_INVALID, "type %u is not a function type", *index);
    }
    return true;
}
