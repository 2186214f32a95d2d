/* A checksum of memory (FNV-1a, 32 bits): by it the examples show that engines agree bit by bit. */
#ifndef EXAMPLES_CHECKSUM_H
#define EXAMPLES_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t checksum(const void *data, size_t size_bytes)
{
    const unsigned char *bytes = data;
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < size_bytes; i++) {
        sum = (sum ^ bytes[i]) * 16777619u;
    }
    return sum;
}

#endif
