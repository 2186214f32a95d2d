/* A direct call that nobody inlines: two arguments, one result, nothing else. */
#include "../programs/bench.h"

enum { CALLS = 100000000 };

static __attribute__((noinline)) uint32_t step(uint32_t x, uint32_t i)
{
#ifndef __wasm__
    __asm__ volatile(""); /* or gcc makes a call of a pure function once */
#endif
    return (x ^ i) + 1;
}

static uint64_t kernel(void)
{
    uint32_t x = 1;
    for (uint32_t i = 0; i < CALLS; i++) {
        x = step(x, i);
    }
    return x;
}

int main(void)
{
    return bench_main(kernel);
}
