/* Calls through a table of functions of one type, whose targets change in a short pattern. */
#include "../programs/bench.h"

enum { CALLS = 100000000 };

typedef uint32_t step_fn(uint32_t x, uint32_t i);

static uint32_t add(uint32_t x, uint32_t i)
{
    return x + i;
}

static uint32_t mix(uint32_t x, uint32_t i)
{
    return (x ^ i) + 1;
}

static uint32_t take(uint32_t x, uint32_t i)
{
    return x - i;
}

static uint32_t turn(uint32_t x, uint32_t i)
{
    return (x << 1 | x >> 31) ^ i;
}

/* Volatile, or the compiler sees which function it is. */
static step_fn *volatile steps[4] = {add, mix, take, turn};

static uint64_t kernel(void)
{
    uint32_t x = 1;
    for (uint32_t i = 0; i < CALLS; i++) {
        x = steps[i & 3](x, i);
    }
    return x;
}

int main(void)
{
    return bench_main(kernel);
}
