// Modules that tests write byte by byte: the buffers' owner makes them large enough.
#ifndef TESTS_UNIT_RUNTIME_BUILD_H
#define TESTS_UNIT_RUNTIME_BUILD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    uint8_t *data;
    size_t size;
};

static inline void put(struct bytes *b, const void *data, size_t size)
{
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

#define PUT(b, ...) put(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void put_u32(struct bytes *b, uint32_t value)
{
    for (; value >= 0x80; value >>= 7) {
        PUT(b, (uint8_t) (value | 0x80));
    }
    PUT(b, (uint8_t) value);
}

// A part with its size before it; the part is empty then.
static inline void put_sized(struct bytes *b, struct bytes *part)
{
    put_u32(b, (uint32_t) part->size);
    put(b, part->data, part->size);
    part->size = 0;
}

#endif
