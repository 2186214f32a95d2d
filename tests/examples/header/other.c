/* The other half of main.c, in C and in C++. */
#include <wjit/gpu.h>

#ifdef __cplusplus
extern "C"
#endif
    void
    twice(uint32_t *p, uint32_t n);

static void double_it(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    uint32_t *p = *(uint32_t *const *) args;
    p[x] = p[x] * 2 + y + z;
}

void twice(uint32_t *p, uint32_t n)
{
    wjit_parallel_for(n, 1, 1, double_it, &p);
}
