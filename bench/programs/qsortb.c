/* Quicksort over elements of unknown size: byte-wise swaps and an indirect call per comparison. */
#include <stddef.h>

#include "bench.h"

enum { COUNT = 600000 };

typedef int compare_fn(const void *a, const void *b);

static uint32_t values[COUNT];

static void swap_bytes(char *a, char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

static __attribute__((noinline)) void sort(char *base, size_t n, size_t size, compare_fn *compare)
{
    while (n > 1) {
        swap_bytes(base, base + n / 2 * size, size);
        size_t low = 0, high = n;
        for (;;) {
            do {
                low++;
            } while (low < n && compare(base + low * size, base) < 0);
            do {
                high--;
            } while (compare(base + high * size, base) > 0);
            if (low >= high) {
                break;
            }
            swap_bytes(base + low * size, base + high * size, size);
        }
        swap_bytes(base, base + high * size, size);
        /* The smaller part by recursion bounds the depth by log2(n). */
        if (high < n - high - 1) {
            sort(base, high, size, compare);
            base += (high + 1) * size;
            n -= high + 1;
        } else {
            sort(base + (high + 1) * size, n - high - 1, size, compare);
            n = high;
        }
    }
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
    return (x > y) - (x < y);
}

static uint64_t kernel(void)
{
    uint64_t state = 88172645463325252ull, check = 0;
    for (int i = 0; i < COUNT; i++) {
        values[i] = (uint32_t) bench_random(&state);
    }
    compare_fn *volatile compare = compare_u32;
    sort((char *) values, COUNT, sizeof values[0], compare);
    for (int i = 0; i < COUNT; i++) {
        check = check * 1099511628211u + values[i];
    }
    return check;
}

int main(void)
{
    return bench_main(kernel);
}
