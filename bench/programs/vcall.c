/* Objects with tables of functions: indirect calls whose target changes from call to call. */
#include "bench.h"

enum { SHAPES = 512, ROUNDS = 30000 };

struct shape;

struct methods {
    uint32_t (*area)(const struct shape *s);
    void (*grow)(struct shape *s, uint32_t by);
};

struct shape {
    const struct methods *methods;
    uint32_t a, b;
};

static uint32_t square_area(const struct shape *s)
{
    return s->a * s->a;
}

static uint32_t rectangle_area(const struct shape *s)
{
    return s->a * s->b;
}

static uint32_t triangle_area(const struct shape *s)
{
    return s->a * s->b / 2;
}

static void grow_a(struct shape *s, uint32_t by)
{
    s->a += by;
}

static void grow_both(struct shape *s, uint32_t by)
{
    s->a += by;
    s->b ^= by;
}

static const struct methods kinds[4] = {
    {square_area, grow_a},
    {rectangle_area, grow_both},
    {triangle_area, grow_both},
    {rectangle_area, grow_a},
};

static struct shape shapes[SHAPES];

static uint64_t kernel(void)
{
    uint64_t state = 42, check = 0;
    for (int i = 0; i < SHAPES; i++) {
        uint64_t r = bench_random(&state);
        shapes[i] = (struct shape){&kinds[r >> 62], r & 1023, r >> 20 & 1023};
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct shape *s = &shapes[round % SHAPES];
        s->methods->grow(s, round & 7);
        for (int i = 0; i < SHAPES; i++) {
            check += shapes[i].methods->area(&shapes[i]);
        }
    }
    return check;
}

int main(void)
{
    return bench_main(kernel);
}
