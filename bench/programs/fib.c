/* Recursive calls, and next to nothing else. */
#include "bench.h"

static __attribute__((noinline)) uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint64_t kernel(void)
{
    return fib(38);
}

int main(void)
{
    return bench_main(kernel);
}
