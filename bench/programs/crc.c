/* CRC-32 by a table, then base64 there and back: byte loads, table look-ups, shifts. */
#include "bench.h"

enum { DATA_BYTES = 3 << 20, TEXT_BYTES = DATA_BYTES / 3 * 4, PASSES = 6 };

static uint8_t data[DATA_BYTES], text[TEXT_BYTES];
static uint32_t table[256];
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static __attribute__((noinline)) uint32_t crc(uint32_t sum, const uint8_t *p, size_t n)
{
    sum = ~sum;
    for (size_t i = 0; i < n; i++) {
        sum = table[(sum ^ p[i]) & 255] ^ sum >> 8;
    }
    return ~sum;
}

static __attribute__((noinline)) void encode(const uint8_t *in, uint8_t *out)
{
    for (int i = 0, o = 0; i < DATA_BYTES; i += 3, o += 4) {
        uint32_t v = (uint32_t) in[i] << 16 | (uint32_t) in[i + 1] << 8 | in[i + 2];
        out[o] = (uint8_t) letters[v >> 18];
        out[o + 1] = (uint8_t) letters[v >> 12 & 63];
        out[o + 2] = (uint8_t) letters[v >> 6 & 63];
        out[o + 3] = (uint8_t) letters[v & 63];
    }
}

static __attribute__((noinline)) void decode(const uint8_t *in, const uint8_t *from, uint8_t *out)
{
    for (int i = 0, o = 0; i < TEXT_BYTES; i += 4, o += 3) {
        uint32_t v = (uint32_t) from[in[i]] << 18 | (uint32_t) from[in[i + 1]] << 12 |
                     (uint32_t) from[in[i + 2]] << 6 | from[in[i + 3]];
        out[o] = (uint8_t) (v >> 16);
        out[o + 1] = (uint8_t) (v >> 8);
        out[o + 2] = (uint8_t) v;
    }
}

static uint64_t kernel(void)
{
    uint8_t from[256] = {0};
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++) {
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
        }
    }
    for (int i = 0; i < 64; i++) {
        from[(uint8_t) letters[i]] = (uint8_t) i;
    }
    for (int i = 0; i < DATA_BYTES; i++) {
        data[i] = (uint8_t) (i * 37 ^ i >> 9);
    }
    for (int pass = 0; pass < PASSES; pass++) {
        encode(data, text);
        decode(text, from, data);
        sum = crc(sum, data, DATA_BYTES);
    }
    return (uint64_t) sum << 32 | crc(0, text, TEXT_BYTES);
}

int main(void)
{
    return bench_main(kernel);
}
