// The one place that compiles xxHash in.
#include "base/hash.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(WJ_HASH_SECRET_BYTES >= XXH3_SECRET_SIZE_MIN, "a short secret is refused");

uint64_t wj_hash64(const void *data, size_t size_bytes)
{
    return XXH3_64bits(data, size_bytes);
}

uint64_t wj_hash64_seeded(const void *data, size_t size_bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size_bytes, seed);
}

struct wj_hash128 wj_hash128_keyed(const void *data, size_t size_bytes,
                                   const uint8_t secret[WJ_HASH_SECRET_BYTES])
{
    XXH128_hash_t hash = XXH3_128bits_withSecret(data, size_bytes, secret, WJ_HASH_SECRET_BYTES);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    struct wj_hash128 result;
    memcpy(result.bytes, canonical.digest, sizeof result.bytes);
    return result;
}
