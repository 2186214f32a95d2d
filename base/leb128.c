// The checked LEB128 readers: at most ceil(N / 7) bytes, unused bits are extension bits.
#include "base/leb128.h"

#include <string.h>

// An integer of up to five bytes, without a branch for each. Linkers pad indexes and addresses to
// five. The first four bytes may be read, and the fifth if none of these is the last. False: it is
// longer.
static inline __attribute__((always_inline)) bool read_five(const uint8_t *at, uint64_t *value,
                                                            unsigned *count)
{
    uint32_t word; // little-endian, as all machines that this is for
    memcpy(&word, at, sizeof word);
    uint32_t ends = ~word & 0x80808080u;
    uint64_t last = 0;
    *count = 5;
    if (ends != 0) {
        *count = ((unsigned) __builtin_ctz(ends) >> 3) + 1;
        word &= ends ^ (ends - 1); // up to the first end
    } else {
        last = at[4];
    }
    *value = (word & 0x7fu) | (word >> 1 & 0x3f80u) | (word >> 2 & 0x1fc000u) |
             (word >> 3 & 0xfe00000u) | last << 28;
    return last < 0x80;
}

static inline __attribute__((always_inline)) int64_t sign_extend(uint64_t value, unsigned bits)
{
    return (int64_t) (value << (64 - bits)) >> (64 - bits);
}

// Inlined with constant `bits`, so that the loops have constant bounds.
static inline __attribute__((always_inline)) bool
read_unsigned(const uint8_t **at, const uint8_t *limit, unsigned bits, uint64_t *value)
{
    const uint8_t *p = *at;
    unsigned count;
    uint64_t result;
    if (limit - p >= 5 && read_five(p, &result, &count)) {
        if (bits < 35 && result >> bits != 0) {
            return false;
        }
        *at = p + count;
        *value = result;
        return true;
    }
    result = 0;
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
    unsigned count;
    uint64_t result;
    if (limit - p >= 5 && read_five(p, &result, &count)) {
        int64_t wide = sign_extend(result, 7 * count);
        if (bits < 35 && wide != sign_extend((uint64_t) wide, bits)) {
            return false;
        }
        *at = p + count;
        *value = wide;
        return true;
    }
    result = 0;
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
            *value = sign_extend(result, used);
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

// Behind an integer there is at least one byte more: the `end` of its expression. So one of three
// bytes may be read as four.
static inline __attribute__((always_inline)) bool
read_trusted_five(const uint8_t *at, uint64_t *value, unsigned *count)
{
    if (at[1] < 0x80) {
        *value = (at[0] & 0x7fu) | (uint64_t) at[1] << 7;
        *count = 2;
        return true;
    }
    return read_five(at, value, count);
}

struct wj_leb wj_leb_u_trusted_slow(const uint8_t *at)
{
    uint64_t value;
    unsigned count;
    if (read_trusted_five(at, &value, &count)) {
        return (struct wj_leb){at + count, value};
    }
    unsigned shift;
    return read_trusted(at, &shift);
}

struct wj_leb wj_leb_s_trusted_slow(const uint8_t *at)
{
    uint64_t value;
    unsigned count;
    if (read_trusted_five(at, &value, &count)) {
        return (struct wj_leb){at + count, (uint64_t) sign_extend(value, 7 * count)};
    }
    unsigned shift;
    struct wj_leb leb = read_trusted(at, &shift);
    if (shift < 64) {
        leb.value = (uint64_t) sign_extend(leb.value, shift);
    }
    return leb;
}
