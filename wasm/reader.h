// A cursor over module bytes with checked reads: every failure names what was read and where.
#ifndef WASM_READER_H
#define WASM_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wasm/module.h"

struct wj_reader {
    const uint8_t *at;
    const uint8_t *limit;
    const struct wj_module *module; // its bytes give offsets, its types are what indexes mean
    struct wj_err *err;
    // The recursive group being decoded: type indexes that may be used but are not canonical yet.
    uint32_t group_first;
    uint32_t group_count;
};

static inline size_t wj_reader_offset(const struct wj_reader *in)
{
    return (size_t) (in->at - in->module->bytes);
}

static inline size_t wj_reader_left(const struct wj_reader *in)
{
    return (size_t) (in->limit - in->at);
}

// Both return false.
#define wj_reader_fail(in, kind, ...) \
    wj_err_set((in)->err, (kind), wj_reader_offset(in), __VA_ARGS__)
bool wj_reader_needs(const struct wj_reader *in, const char *what, uint32_t feature);

static inline bool wj_reader_has(const struct wj_reader *in, uint32_t feature)
{
    return (in->module->features & feature) != 0;
}

bool wj_read_byte(struct wj_reader *in, uint8_t *value, const char *what);
bool wj_read_u32(struct wj_reader *in, uint32_t *value, const char *what);
bool wj_read_u64(struct wj_reader *in, uint64_t *value, const char *what);
bool wj_read_s(struct wj_reader *in, unsigned bits, int64_t *value, const char *what);
bool wj_read_bytes(struct wj_reader *in, size_t count, const uint8_t **bytes, const char *what);

// A vector's length: no more than bytes are left (an item takes one at least) and than the limit.
bool wj_read_count(struct wj_reader *in, uint32_t limit, uint32_t *count, const char *what);

// A UTF-8 name.
bool wj_read_name(struct wj_reader *in, struct wj_name *name, const char *what);
bool wj_utf8_is_valid(const uint8_t *bytes, size_t count);

// Types; references to type indexes come out canonical, or as positions in the current group.
bool wj_read_valtype(struct wj_reader *in, wj_valtype *type);
bool wj_read_reftype(struct wj_reader *in, wj_valtype *type);
// A heap type, as the nullable reference to it.
bool wj_read_heaptype(struct wj_reader *in, wj_valtype *type);
bool wj_read_limits(struct wj_reader *in, struct wj_limits *limits, uint8_t flags);
bool wj_read_table_type(struct wj_reader *in, struct wj_table_type *type);
bool wj_read_memory_type(struct wj_reader *in, struct wj_memory_type *type);
bool wj_read_global_type(struct wj_reader *in, struct wj_global_type *type);

// A type index that must name a function type.
bool wj_read_functype_index(struct wj_reader *in, uint32_t *index);

#endif
