// XXH3: checksums of what we wrote ourselves, hashes of tables, and keys that nobody can construct
// a collision for who does not know the secret.
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct wj_hash128 {
    uint8_t bytes[16]; // the canonical form: the same on every machine
};

#define WJ_HASH_SECRET_BYTES 192 // at least what XXH3 asks for, 136

uint64_t wj_hash64(const void *data, size_t size_bytes);
uint64_t wj_hash64_seeded(const void *data, size_t size_bytes, uint64_t seed); // for hash tables
struct wj_hash128 wj_hash128_keyed(const void *data, size_t size_bytes,
                                   const uint8_t secret[WJ_HASH_SECRET_BYTES]);

#endif
