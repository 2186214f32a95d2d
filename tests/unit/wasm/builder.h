// Builds binary modules for tests: sections are appended in order, lengths are filled in.
#ifndef TESTS_UNIT_WASM_BUILDER_H
#define TESTS_UNIT_WASM_BUILDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/features.h"
#include "wasm/module.h"

#define ALL_FEATURES UINT32_MAX

struct builder {
    uint8_t bytes[1 << 16];
    size_t size;
};

static inline void put(struct builder *b, const uint8_t *bytes, size_t count)
{
    assert_true(b->size + count <= sizeof b->bytes);
    memcpy(b->bytes + b->size, bytes, count);
    b->size += count;
}

static inline void put_byte(struct builder *b, uint8_t byte)
{
    put(b, &byte, 1);
}

static inline void put_u32(struct builder *b, uint32_t value)
{
    for (; value >= 0x80; value >>= 7) {
        put_byte(b, (uint8_t) (value | 0x80));
    }
    put_byte(b, (uint8_t) value);
}

#define PUT(b, ...) put((b), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void begin_module(struct builder *b)
{
    b->size = 0;
    PUT(b, 0, 'a', 's', 'm', 1, 0, 0, 0);
}

static inline void put_section(struct builder *b, uint8_t id, const uint8_t *bytes, size_t count)
{
    put_byte(b, id);
    put_u32(b, (uint32_t) count);
    put(b, bytes, count);
}

#define SECTION(b, id, ...) \
    put_section((b), (id), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

// The code section with one body; `bytes` are its local declarations and instructions.
static inline void put_body(struct builder *b, const uint8_t *bytes, size_t count)
{
    struct builder section = {.size = 0};
    put_byte(&section, 1);
    put_u32(&section, (uint32_t) count);
    put(&section, bytes, count);
    put_section(b, 10, section.bytes, section.size);
}

#define BODY(b, ...) \
    put_body((b), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

// A module with a memory and one function of this type.
#define FUNC_MODULE(b, param_count, result_count, ...)    \
    do {                                                  \
        begin_module(b);                                  \
        put_functype((b), (param_count), (result_count)); \
        SECTION((b), 3, 1, 0);                            \
        SECTION((b), 5, 1, 0, 1);                         \
        BODY((b), __VA_ARGS__);                           \
    } while (0)

// The type section with one function type of i32s.
static inline void put_functype(struct builder *b, uint8_t param_count, uint8_t result_count)
{
    struct builder section = {.size = 0};
    PUT(&section, 1, 0x60, param_count);
    for (unsigned i = 0; i < param_count; i++) {
        put_byte(&section, 0x7f);
    }
    put_byte(&section, result_count);
    for (unsigned i = 0; i < result_count; i++) {
        put_byte(&section, 0x7f);
    }
    put_section(b, 1, section.bytes, section.size);
}

// Decodes and validates; NULL when refused, with the error.
static inline struct wj_module *load(struct wj_types *types, uint32_t features,
                                     const uint8_t *bytes, size_t size, struct wj_err *err)
{
    struct wj_module *module = NULL;
    wj_err_clear(err);
    if (!wj_module_decode(types, features, bytes, size, &module, err)) {
        return NULL;
    }
    if (!wj_module_validate(module, err)) {
        wj_module_free(module);
        return NULL;
    }
    return module;
}

#endif
