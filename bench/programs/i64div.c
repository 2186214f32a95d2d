/* Divisions and remainders: 64 and 32 bits, by variables and by constants. */
#include "bench.h"

enum { PAIRS = 700000, DIGITS = 1200000 };

static __attribute__((noinline)) uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static __attribute__((noinline)) uint32_t digit_sum(uint64_t value)
{
    uint32_t sum = 0;
    while (value != 0) {
        sum += (uint32_t) (value % 10);
        value /= 10;
    }
    return sum;
}

static uint64_t kernel(void)
{
    uint64_t state = 1234567, check = 0;
    for (int i = 0; i < PAIRS; i++) {
        uint64_t a = bench_random(&state) >> (i & 31), b = bench_random(&state) >> (i & 15);
        check += gcd(a, b | 1);
        check ^= (uint64_t) ((int64_t) a / ((int32_t) b | 1));
        check += (uint32_t) a / ((uint32_t) b | 1) + (uint32_t) a % 1000003;
    }
    for (int i = 0; i < DIGITS; i++) {
        check += digit_sum(bench_random(&state));
    }
    return check;
}

int main(void)
{
    return bench_main(kernel);
}
