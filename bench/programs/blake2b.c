/* The compression function of BLAKE2b (RFC 7693): 64-bit rotates, sixteen live 64-bit words. */
#include "bench.h"

enum { DATA_WORDS = 1 << 17, PASSES = 64, ROUNDS = 12 };

static const uint64_t iv[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static const uint8_t order[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static uint64_t data[DATA_WORDS];

static inline uint64_t ror(uint64_t v, int n)
{
    return v >> n | v << (64 - n);
}

static inline void mix(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, uint64_t x, uint64_t y)
{
    *a += *b + x;
    *d = ror(*d ^ *a, 32);
    *c += *d;
    *b = ror(*b ^ *c, 24);
    *a += *b + y;
    *d = ror(*d ^ *a, 16);
    *c += *d;
    *b = ror(*b ^ *c, 63);
}

static __attribute__((noinline)) void compress(uint64_t h[8], const uint64_t *m, uint64_t length)
{
    uint64_t v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
    uint64_t v8 = iv[0], v9 = iv[1], va = iv[2], vb = iv[3];
    uint64_t vc = iv[4] ^ length, vd = iv[5], ve = iv[6], vf = iv[7];
    for (int round = 0; round < ROUNDS; round++) {
        const uint8_t *s = order[round % 10];
        mix(&v0, &v4, &v8, &vc, m[s[0]], m[s[1]]);
        mix(&v1, &v5, &v9, &vd, m[s[2]], m[s[3]]);
        mix(&v2, &v6, &va, &ve, m[s[4]], m[s[5]]);
        mix(&v3, &v7, &vb, &vf, m[s[6]], m[s[7]]);
        mix(&v0, &v5, &va, &vf, m[s[8]], m[s[9]]);
        mix(&v1, &v6, &vb, &vc, m[s[10]], m[s[11]]);
        mix(&v2, &v7, &v8, &vd, m[s[12]], m[s[13]]);
        mix(&v3, &v4, &v9, &ve, m[s[14]], m[s[15]]);
    }
    h[0] ^= v0 ^ v8, h[1] ^= v1 ^ v9, h[2] ^= v2 ^ va, h[3] ^= v3 ^ vb;
    h[4] ^= v4 ^ vc, h[5] ^= v5 ^ vd, h[6] ^= v6 ^ ve, h[7] ^= v7 ^ vf;
}

static uint64_t kernel(void)
{
    uint64_t h[8], length = 0, check = 0;
    memcpy(h, iv, sizeof h);
    for (uint64_t i = 0; i < DATA_WORDS; i++) {
        data[i] = i * 0x9e3779b97f4a7c15;
    }
    for (int pass = 0; pass < PASSES; pass++) {
        for (int at = 0; at < DATA_WORDS; at += 16) {
            length += 128;
            compress(h, data + at, length);
        }
    }
    for (int i = 0; i < 8; i++) {
        check = check * 31 + h[i];
    }
    return check;
}

int main(void)
{
    return bench_main(kernel);
}
