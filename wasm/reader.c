// Checked reads of integers, names and vector lengths.
#include "wasm/reader.h"

#include "base/leb128.h"
#include "wasm/opcode.h"

bool wj_reader_needs(const struct wj_reader *in, const char *what, uint32_t feature)
{
    return wj_reader_fail(in, WJ_ERR_INVALID, "%s: the %s feature is off", what,
                          wj_feature_name(feature));
}

bool wj_read_byte(struct wj_reader *in, uint8_t *value, const char *what)
{
    if (in->at >= in->limit) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "unexpected end: %s expected", what);
    }
    *value = *in->at++;
    return true;
}

// Tells why an integer of `bits` could not be read.
static bool fail_leb(const struct wj_reader *in, unsigned bits, const char *what)
{
    size_t bytes_max = (bits + 6) / 7;
    for (size_t i = 0; i < bytes_max; i++) {
        if (i >= wj_reader_left(in)) {
            return wj_reader_fail(in, WJ_ERR_MALFORMED, "unexpected end: %s expected", what);
        }
        if (in->at[i] < 0x80) {
            return wj_reader_fail(in, WJ_ERR_MALFORMED, "%s: integer too large for %u bits", what,
                                  bits);
        }
    }
    return wj_reader_fail(in, WJ_ERR_MALFORMED, "%s: integer representation longer than %zu bytes",
                          what, bytes_max);
}

bool wj_read_u32(struct wj_reader *in, uint32_t *value, const char *what)
{
    return wj_leb_u32(&in->at, in->limit, value) || fail_leb(in, 32, what);
}

bool wj_read_u64(struct wj_reader *in, uint64_t *value, const char *what)
{
    return wj_leb_u64(&in->at, in->limit, value) || fail_leb(in, 64, what);
}

bool wj_read_s(struct wj_reader *in, unsigned bits, int64_t *value, const char *what)
{
    return wj_leb_s(&in->at, in->limit, bits, value) || fail_leb(in, bits, what);
}

bool wj_read_bytes(struct wj_reader *in, size_t count, const uint8_t **bytes, const char *what)
{
    if (count > wj_reader_left(in)) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED,
                              "length out of bounds: %s takes %zu bytes, %zu are left", what, count,
                              wj_reader_left(in));
    }
    *bytes = in->at;
    in->at += count;
    return true;
}

bool wj_read_count(struct wj_reader *in, uint32_t limit, uint32_t *count, const char *what)
{
    if (!wj_read_u32(in, count, what)) {
        return false;
    }
    if (*count > wj_reader_left(in)) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "length out of bounds: %u %s in %zu bytes",
                              *count, what, wj_reader_left(in));
    }
    if (*count > limit) {
        return wj_reader_fail(in, WJ_ERR_LIMIT, "%u %s, the limit is %u", *count, what, limit);
    }
    return true;
}

bool wj_read_name(struct wj_reader *in, struct wj_name *name, const char *what)
{
    const uint8_t *bytes = NULL;
    if (!wj_read_u32(in, &name->size_bytes, what) ||
        !wj_read_bytes(in, name->size_bytes, &bytes, what)) {
        return false;
    }
    if (!wj_utf8_is_valid(bytes, name->size_bytes)) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "%s: malformed UTF-8 encoding", what);
    }
    name->bytes = (const char *) bytes;
    return true;
}

// Unicode, table 3-7: well-formed byte sequences, without surrogates and overlong forms.
bool wj_utf8_is_valid(const uint8_t *bytes, size_t count)
{
    size_t i = 0;
    while (i < count) {
        uint8_t lead = bytes[i++];
        if (lead < 0x80) {
            continue;
        }
        unsigned more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        if (lead < 0xc2 || lead > 0xf4 || more > count - i) {
            return false;
        }
        uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (bytes[i] < low || bytes[i] > high) {
            return false;
        }
        for (i++, more--; more > 0; i++, more--) {
            if (bytes[i] < 0x80 || bytes[i] > 0xbf) {
                return false;
            }
        }
    }
    return true;
}
