// LEB128 integers: checked readers for input, trusted ones for bytes that were validated.
#ifndef BASE_LEB128_H
#define BASE_LEB128_H

#include <stdbool.h>
#include <stdint.h>

// The checked readers advance *at past the integer and return true; or return false when it runs
// past `limit`, has too many bytes, or has unused bits that are no sign or zero extension.
bool wj_leb_u32_slow(const uint8_t **at, const uint8_t *limit, uint32_t *value);
bool wj_leb_u64_slow(const uint8_t **at, const uint8_t *limit, uint64_t *value);
bool wj_leb_s_slow(const uint8_t **at, const uint8_t *limit, unsigned bits, int64_t *value);

static inline bool wj_leb_u32(const uint8_t **at, const uint8_t *limit, uint32_t *value)
{
    if (*at < limit && **at < 0x80) {
        *value = *(*at)++;
        return true;
    }
    return wj_leb_u32_slow(at, limit, value);
}

static inline bool wj_leb_u64(const uint8_t **at, const uint8_t *limit, uint64_t *value)
{
    if (*at < limit && **at < 0x80) {
        *value = *(*at)++;
        return true;
    }
    return wj_leb_u64_slow(at, limit, value);
}

// `bits` is 32, 33 or 64.
static inline bool wj_leb_s(const uint8_t **at, const uint8_t *limit, unsigned bits, int64_t *value)
{
    if (*at < limit && **at < 0x80) {
        *value = (int64_t) ((uint64_t) * (*at)++ << 57) >> 57;
        return true;
    }
    return wj_leb_s_slow(at, limit, bits, value);
}

// An integer that was read by value, so that a caller's cursor stays in a register.
struct wj_leb {
    const uint8_t *next;
    uint64_t value;
};
struct wj_leb wj_leb_u_trusted_slow(const uint8_t *at);
struct wj_leb wj_leb_s_trusted_slow(const uint8_t *at); // value: sign-extended to 64 bits

static inline __attribute__((always_inline)) uint64_t wj_leb_u64_trusted(const uint8_t **at)
{
    uint64_t byte = **at;
    if (byte < 0x80) {
        *at += 1;
        return byte;
    }
    struct wj_leb leb = wj_leb_u_trusted_slow(*at);
    *at = leb.next;
    return leb.value;
}

static inline __attribute__((always_inline)) uint32_t wj_leb_u32_trusted(const uint8_t **at)
{
    return (uint32_t) wj_leb_u64_trusted(at);
}

static inline __attribute__((always_inline)) int64_t wj_leb_s_trusted(const uint8_t **at)
{
    uint64_t byte = **at;
    if (byte < 0x80) {
        *at += 1;
        return (int64_t) (byte << 57) >> 57;
    }
    struct wj_leb leb = wj_leb_s_trusted_slow(*at);
    *at = leb.next;
    return (int64_t) leb.value;
}

#endif
