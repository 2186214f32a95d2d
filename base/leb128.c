// The checked LEB128 readers: at most ceil(N / 7) bytes, unused bits are extension bits.
#include "base/leb128.h"

// Inlined with constant `bits`, so that the loops have constant bounds.
static inline __attribute__((always_inline)) bool
read_unsigned(const uint8_t **at, const uint8_t *limit, unsigned bits, uint64_t *value)
{
    const uint8_t *p = *at;
    uint64_t result = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        if (p >= limit) {
            return false;
        }
        uint64_t byte = *p++;
        result |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            unsigned room = bits - shift;
            if (room < 7 && byte >> room != 0) {
                return false;
            }
            *at = p;
            *value = result;
            return true;
        }
    }
    return false;
}

bool wj_leb_u32_slow(const uint8_t **at, const uint8_t *limit, uint32_t *value)
{
    uint64_t wide;
    if (!read_unsigned(at, limit, 32, &wide)) {
        return false;
    }
    *value = (uint32_t) wide;
    return true;
}

bool wj_leb_u64_slow(const uint8_t **at, const uint8_t *limit, uint64_t *value)
{
    return read_unsigned(at, limit, 64, value);
}

static inline __attribute__((always_inline)) bool
read_signed(const uint8_t **at, const uint8_t *limit, unsigned bits, int64_t *value)
{
    const uint8_t *p = *at;
    uint64_t result = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        if (p >= limit) {
            return false;
        }
        uint64_t byte = *p++;
        result |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            unsigned room = bits - shift; // bits of this byte that belong to the value
            if (room < 7) {
                uint64_t above = byte >> (room - 1); // the sign bit and the unused ones
                if (above != 0 && above != 0x7fu >> (room - 1)) {
                    return false;
                }
            }
            unsigned used = shift + 7 < 64 ? shift + 7 : 64;
            *at = p;
            *value = (int64_t) (result << (64 - used)) >> (64 - used);
            return true;
        }
    }
    return false;
}

bool wj_leb_s_slow(const uint8_t **at, const uint8_t *limit, unsigned bits, int64_t *value)
{
    return bits == 32   ? read_signed(at, limit, 32, value)
           : bits == 33 ? read_signed(at, limit, 33, value)
                        : read_signed(at, limit, 64, value);
}

// *shift: seven times the count of bytes.
static inline __attribute__((always_inline)) struct wj_leb read_trusted(const uint8_t *at,
                                                                        unsigned *shift)
{
    uint64_t value = 0;
    uint64_t byte;
    *shift = 0;
    do {
        byte = *at++;
        value |= (byte & 0x7f) << *shift;
        *shift += 7;
    } while (byte >= 0x80);
    return (struct wj_leb){at, value};
}

struct wj_leb wj_leb_u_trusted_slow(const uint8_t *at)
{
    if (at[1] < 0x80) {
        return (struct wj_leb){at + 2, (at[0] & 0x7fu) | (uint64_t) at[1] << 7};
    }
    unsigned shift;
    return read_trusted(at, &shift);
}

struct wj_leb wj_leb_s_trusted_slow(const uint8_t *at)
{
    unsigned shift;
    struct wj_leb leb = read_trusted(at, &shift);
    if (shift < 64) {
        leb.value = (uint64_t) ((int64_t) (leb.value << (64 - shift)) >> (64 - shift));
    }
    return leb;
}
