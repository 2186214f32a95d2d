/* Half of a program that dispatches from two translation units; the other half is other.c, which is
 * compiled as C++ too. Its output is the same on every engine. */
#include <stdio.h>
#include <wjit/gpu.h>

void twice(uint32_t *p, uint32_t n);

static void fill(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    uint32_t *p = *(uint32_t *const *) args;
    p[(z * 3 + y) * 8 + x] = x + y * 100 + z * 10000;
}

/* Phase 0: each item puts a number into shared memory, and counts in its own. Phase 1: item 7
 * adds up what is there; scratch memory that was not zeroed would show in the sum. */
static void add_up(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase,
                   void *shared, void *own, const void *args)
{
    uint32_t *sums = *(uint32_t *const *) args, *tile = shared, *count = own;
    if (phase == 0) {
        tile[item] += item + gx * 10 + gy * 100 + gz;
        count[4] += item + 1;
    } else if (item == 7) {
        uint32_t sum = count[4] * 100000 + tile[63];
        for (uint32_t i = 0; i < 8; i++) {
            sum += tile[i];
        }
        sums[gy * 3 + gx] = sum;
    }
}

int main(void)
{
    static uint32_t memory[48];
    uint32_t *p = memory;
    uint64_t sum = 0;
    wjit_parallel_for(8, 3, 2, fill, &p);
    twice(p, 48);
    wjit_parallel_for(8, 0, 2, (wjit_kernel *) 0, &p);
    for (uint32_t i = 0; i < 48; i++) {
        sum += (uint64_t) p[i] * (i + 1);
    }
    printf("%llu\n", (unsigned long long) sum);
    wjit_parallel_groups(3, 2, 1, 8, 2, 256, 20, add_up, &p);
    wjit_parallel_groups(3, 2, 1, 0, 2, 256, 20, (wjit_group_kernel *) 0, &p);
    printf("%u %u %u\n", p[0], p[1], p[5]);
    return 0;
}
