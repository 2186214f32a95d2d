// Values as words: TYPE:VALUE, numbers as decimal bit patterns or a class of NaNs,
// v128:LANES:N,N,…, references "null", a host's number or, without a value, any that is not null;
// either:COUNT and the words of COUNT alternatives.
#include "tests/spec/values.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wjit.h>

struct lanes {
    const char *name;
    unsigned bytes;
    bool is_float;
};

static const struct lanes all_lanes[] = {
    {"i8", 1, false},  {"i16", 2, false}, {"i32", 4, false},
    {"i64", 8, false}, {"f32", 4, true},  {"f64", 8, true},
};

static const struct lanes *find_lanes(const char *name)
{
    for (size_t i = 0; i < sizeof all_lanes / sizeof *all_lanes; i++) {
        if (strcmp(all_lanes[i].name, name) == 0) {
            return &all_lanes[i];
        }
    }
    return NULL;
}

// Cuts the word at its next separator; returns what follows, or NULL.
static char *cut(char *word, char separator)
{
    char *end = strchr(word, separator);
    if (!end) {
        return NULL;
    }
    *end = '\0';
    return end + 1;
}

static bool float_matches(const char *expected, uint64_t bits, unsigned bytes)
{
    uint64_t quiet = bytes == 4 ? UINT64_C(0x7fc00000) : UINT64_C(0x7ff8000000000000);
    uint64_t sign = UINT64_C(1) << (bytes * 8 - 1);
    if (strcmp(expected, "nan:canonical") == 0) {
        return (bits & ~sign) == quiet;
    }
    if (strcmp(expected, "nan:arithmetic") == 0) {
        return (bits & quiet) == quiet;
    }
    return bits == strtoull(expected, NULL, 10);
}

static bool vector_matches(char *expected, const uint8_t *actual)
{
    char *at = cut(expected, ':');
    const struct lanes *lanes = find_lanes(expected);
    for (unsigned i = 0; lanes && i < 16; i += lanes->bytes) {
        uint64_t bits = 0;
        memcpy(&bits, actual + i, lanes->bytes); // all machines that wjit knows are little-endian
        char *next = at ? cut(at, ',') : NULL;
        if (!at || !(lanes->is_float ? float_matches(at, bits, lanes->bytes)
                                     : bits == strtoull(at, NULL, 10))) {
            return false;
        }
        at = next;
    }
    return lanes != NULL;
}

static void vector_make(char *word, uint8_t *out)
{
    char *at = cut(word, ':');
    const struct lanes *lanes = find_lanes(word);
    for (unsigned i = 0; lanes && at && i < 16; i += lanes->bytes) {
        char *next = cut(at, ',');
        uint64_t bits = strtoull(at, NULL, 10);
        memcpy(out + i, &bits, lanes->bytes);
        at = next;
    }
}

// A host's reference is a foreign object that knows its number. NULL info is of other objects.
static void *host_info_of(uint32_t number)
{
    return (void *) ((uintptr_t) number + 1);
}

static bool reference_make(const char *type, const char *value, wasm_store_t *store,
                           wjit_val_t *out)
{
    bool is_null = strcmp(value, "null") == 0;
    if (strcmp(type, "funcref") == 0 || strcmp(type, "nullfuncref") == 0) {
        out->kind = WASM_FUNCREF;
        return is_null;
    }
    bool is_extern = strcmp(type, "externref") == 0 || strcmp(type, "nullexternref") == 0;
    out->kind = is_extern ? WASM_EXTERNREF : WJIT_OTHERREF;
    if (is_null) {
        return true;
    }
    wasm_foreign_t *foreign = is_extern ? wasm_foreign_new(store) : NULL;
    if (!foreign) {
        return false;
    }
    wasm_foreign_set_host_info(foreign, host_info_of((uint32_t) strtoul(value, NULL, 10)));
    out->of.ref = wasm_foreign_as_ref(foreign);
    return true;
}

bool value_make(struct words *words, wasm_store_t *store, wjit_val_t *out)
{
    char *type = words_next(words);
    char *value = cut(type, ':');
    *out = (wjit_val_t){.kind = WASM_I32};
    if (!value) {
        return false;
    }
    if (strcmp(type, "v128") == 0) {
        out->kind = WJIT_V128;
        vector_make(value, out->of.v128);
        return true;
    }
    uint64_t bits = strtoull(value, NULL, 10);
    if (strcmp(type, "i32") == 0 || strcmp(type, "f32") == 0) {
        out->kind = type[0] == 'i' ? WASM_I32 : WASM_F32;
        out->of.i32 = (int32_t) (uint32_t) bits;
        return true;
    }
    if (strcmp(type, "i64") == 0 || strcmp(type, "f64") == 0) {
        out->kind = type[0] == 'i' ? WASM_I64 : WASM_F64;
        out->of.i64 = (int64_t) bits;
        return true;
    }
    return reference_make(type, value, store, out);
}

void value_clear(wjit_val_t *value)
{
    if (wasm_valkind_is_ref(value->kind) && value->of.ref) {
        wasm_ref_delete(value->of.ref);
    }
}

static bool reference_matches(const char *type, const char *value, const wjit_val_t *actual)
{
    if (!wasm_valkind_is_ref(actual->kind)) {
        return false;
    }
    if (strcmp(type, "refnull") == 0 || (value && strcmp(value, "null") == 0)) {
        return !actual->of.ref;
    }
    if (strcmp(type, "funcref") == 0 && actual->kind != WASM_FUNCREF) {
        return false;
    }
    if (strcmp(type, "externref") == 0 && actual->kind != WASM_EXTERNREF) {
        return false;
    }
    if (!actual->of.ref || !value) {
        return actual->of.ref;
    }
    return wasm_ref_get_host_info(actual->of.ref) ==
           host_info_of((uint32_t) strtoul(value, NULL, 10));
}

// The bits of a number of the named type; false: the value has another type.
static bool number_bits(const char *type, const wjit_val_t *actual, uint64_t *bits)
{
    static const struct {
        const char *name;
        wasm_valkind_t kind;
    } kinds[] = {{"i32", WASM_I32}, {"i64", WASM_I64}, {"f32", WASM_F32}, {"f64", WASM_F64}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, type) == 0 && kinds[i].kind == actual->kind) {
            bool is_wide = actual->kind == WASM_I64 || actual->kind == WASM_F64;
            *bits = is_wide ? (uint64_t) actual->of.i64 : (uint32_t) actual->of.i32;
            return true;
        }
    }
    return false;
}

bool value_matches(struct words *words, const wjit_val_t *actual)
{
    char *type = words_next(words);
    char *value = cut(type, ':');
    if (strcmp(type, "either") == 0) {
        bool matches = false;
        for (unsigned long n = value ? strtoul(value, NULL, 10) : 0; n > 0; n--) {
            matches |= value_matches(words, actual);
        }
        return matches;
    }
    if (strcmp(type, "v128") == 0) {
        return actual->kind == WJIT_V128 && value && vector_matches(value, actual->of.v128);
    }
    if (strchr("if", type[0]) && type[1] >= '3' && type[1] <= '6' && type[3] == '\0') {
        uint64_t bits;
        return value && number_bits(type, actual, &bits) &&
               float_matches(value, bits, type[1] == '3' ? 4 : 8);
    }
    return reference_matches(type, value, actual);
}

const char *value_print(const wjit_val_t *value, char *buffer, size_t buffer_bytes)
{
    uint64_t lanes[2];
    memcpy(lanes, value->of.v128, sizeof lanes);
    switch (value->kind) {
    case WASM_I32: snprintf(buffer, buffer_bytes, "i32:%" PRIu32, (uint32_t) value->of.i32); break;
    case WASM_I64: snprintf(buffer, buffer_bytes, "i64:%" PRIu64, (uint64_t) value->of.i64); break;
    case WASM_F32: snprintf(buffer, buffer_bytes, "f32:%" PRIu32, (uint32_t) value->of.i32); break;
    case WASM_F64: snprintf(buffer, buffer_bytes, "f64:%" PRIu64, (uint64_t) value->of.i64); break;
    case WJIT_V128:
        snprintf(buffer, buffer_bytes, "v128:i64:%" PRIu64 ",%" PRIu64, lanes[0], lanes[1]);
        break;
    default:
        snprintf(buffer, buffer_bytes, "kind %u:%s", value->kind,
                 value->of.ref ? "not null" : "null");
        break;
    }
    return buffer;
}
