// LEB128: lengths, unused bits and ends, on both sides of each edge.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/leb128.h"

#define READ_U32(value, ...) \
    read_u32((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), (value))
#define READ_U64(value, ...) \
    read_u64((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), (value))
#define READ_S(bits, value, ...) \
    read_s((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), (bits), (value))

// Readers look at several bytes at once where they may: each reads the whole array with its end as
// the limit and with bytes behind it, of which none must count.
struct padded {
    uint8_t bytes[32];
};

static struct padded pad(const uint8_t *bytes, size_t size, uint8_t filler)
{
    struct padded padded;
    memset(padded.bytes, filler, sizeof padded.bytes);
    memcpy(padded.bytes, bytes, size);
    return padded;
}

static bool read_u32(const uint8_t *bytes, size_t size, uint32_t *value)
{
    const uint8_t *at = bytes;
    bool is_good = wj_leb_u32(&at, bytes + size, value);
    assert_ptr_equal(at, bytes + (is_good ? size : 0));
    for (unsigned filler = 0; filler < 0x100; filler += 0x55) {
        struct padded padded = pad(bytes, size, (uint8_t) filler);
        const uint8_t *trusted = padded.bytes;
        uint32_t again = 0;
        at = padded.bytes;
        if (is_good) {
            assert_true(wj_leb_u32(&at, padded.bytes + sizeof padded.bytes, &again));
            assert_int_equal(again, *value);
            assert_ptr_equal(at, padded.bytes + size);
            assert_int_equal(wj_leb_u32_trusted(&trusted), *value);
            assert_ptr_equal(trusted, at);
        } else if (bytes[size - 1] < 0x80) {
            assert_false(wj_leb_u32(&at, padded.bytes + sizeof padded.bytes, &again));
        }
    }
    return is_good;
}

static bool read_u64(const uint8_t *bytes, size_t size, uint64_t *value)
{
    const uint8_t *at = bytes;
    struct padded padded = pad(bytes, size, 0x0b);
    const uint8_t *trusted = padded.bytes;
    if (!wj_leb_u64(&at, bytes + size, value)) {
        return false;
    }
    assert_ptr_equal(at, bytes + size);
    assert_true(wj_leb_u64_trusted(&trusted) == *value);
    return true;
}

static bool read_s(const uint8_t *bytes, size_t size, unsigned bits, int64_t *value)
{
    const uint8_t *at = bytes;
    bool is_good = wj_leb_s(&at, bytes + size, bits, value);
    assert_ptr_equal(at, bytes + (is_good ? size : 0));
    for (unsigned filler = 0; filler < 0x100; filler += 0x55) {
        struct padded padded = pad(bytes, size, (uint8_t) filler);
        const uint8_t *trusted = padded.bytes;
        int64_t again = 0;
        at = padded.bytes;
        if (is_good) {
            assert_true(wj_leb_s(&at, padded.bytes + sizeof padded.bytes, bits, &again));
            assert_true(again == *value);
            assert_ptr_equal(at, padded.bytes + size);
            assert_true(wj_leb_s_trusted(&trusted) == *value);
            assert_ptr_equal(trusted, at);
        } else if (bytes[size - 1] < 0x80) {
            assert_false(wj_leb_s(&at, padded.bytes + sizeof padded.bytes, bits, &again));
        }
    }
    return is_good;
}

static void test_unsigned(void **state)
{
    uint32_t value;
    uint64_t wide;
    (void) state;
    assert_true(READ_U32(&value, 0x00));
    assert_int_equal(value, 0);
    assert_true(READ_U32(&value, 0x7f));
    assert_int_equal(value, 127);
    assert_true(READ_U32(&value, 0x80, 0x01));
    assert_int_equal(value, 128);
    assert_true(READ_U32(&value, 0x80, 0x80, 0x80, 0x80, 0x00)); // padded
    assert_int_equal(value, 0);
    assert_true(READ_U32(&value, 0xff, 0xff, 0xff, 0xff, 0x0f));
    assert_int_equal(value, UINT32_MAX);
    assert_false(READ_U32(&value, 0xff, 0xff, 0xff, 0xff, 0x1f));       // unused bit
    assert_false(READ_U32(&value, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00)); // too long
    assert_false(READ_U32(&value, 0x80));                               // ends early
    assert_true(READ_U32(&value, 0x81, 0x82, 0x03));
    assert_int_equal(value, 0xc101);
    assert_true(READ_U32(&value, 0x81, 0x82, 0x83, 0x04));
    assert_int_equal(value, 0x80c101);
    assert_true(READ_U32(&value, 0x81, 0x82, 0x83, 0x84, 0x05));
    assert_int_equal(value, 0x5080c101);
    assert_true(READ_U64(&wide, 0x81, 0x82, 0x83, 0x84, 0x75));
    assert_true(wide == 0x75080c101);
    assert_true(READ_U64(&wide, 0x81, 0x82, 0x83, 0x84, 0x85, 0x06));
    assert_true(wide == 0x305080c101);
    assert_true(READ_U64(&wide, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01));
    assert_true(wide == UINT64_MAX);
    assert_false(READ_U64(&wide, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02));
    assert_false(READ_U64(&wide, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00));
}

static void test_signed(void **state)
{
    int64_t value;
    (void) state;
    assert_true(READ_S(32, &value, 0x7f));
    assert_int_equal(value, -1);
    assert_true(READ_S(32, &value, 0x40));
    assert_int_equal(value, -64);
    assert_true(READ_S(32, &value, 0x3f));
    assert_int_equal(value, 63);
    assert_true(READ_S(32, &value, 0xff, 0x7f)); // padded -1
    assert_int_equal(value, -1);
    assert_true(READ_S(32, &value, 0x80, 0x80, 0x80, 0x80, 0x78));
    assert_int_equal(value, INT32_MIN);
    assert_true(READ_S(32, &value, 0xff, 0xff, 0xff, 0xff, 0x07));
    assert_int_equal(value, INT32_MAX);
    assert_false(READ_S(32, &value, 0x80, 0x80, 0x80, 0x80, 0x70)); // not a sign extension
    assert_false(READ_S(32, &value, 0xff, 0xff, 0xff, 0xff, 0x0f));
    assert_true(READ_S(32, &value, 0x81, 0x82, 0x43)); // negative by its last byte
    assert_int_equal(value, 0x10c101 - 0x200000);
    assert_true(READ_S(32, &value, 0x81, 0x82, 0x83, 0x44));
    assert_int_equal(value, 0x880c101 - 0x10000000);
    assert_true(READ_S(64, &value, 0x81, 0x82, 0x83, 0x84, 0x45));
    assert_true(value == 0x45080c101 - 0x800000000);
    assert_true(READ_S(33, &value, 0xff, 0xff, 0xff, 0xff, 0x0f)); // 2^32 - 1 has 33 bits
    assert_true(value == 0xffffffff);
    assert_false(READ_S(33, &value, 0xff, 0xff, 0xff, 0xff, 0x1f));
    assert_true(READ_S(64, &value, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f));
    assert_true(value == INT64_MIN);
    assert_false(READ_S(64, &value, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7e));
    assert_false(READ_S(64, &value, 0xff, 0xff));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsigned),
        cmocka_unit_test(test_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
