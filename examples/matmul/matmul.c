/* matmul [SIZE]: the product of two matrices, tile by tile. A group of 64 items makes a tile of 8
 * by 8: in even phases each item brings an element of either matrix into the group's memory, in odd
 * ones it adds the products of a row and a column of what they brought. */
#include "../checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <wjit/gpu.h>

#define TILE 8u

struct tiles {
    float a[TILE][TILE];
    float b[TILE][TILE];
};

struct matmul_args {
    const float *a, *b;
    float *product;
    uint32_t n; /* a multiple of TILE */
};

static void matmul(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase,
                   void *shared, void *own, const void *args)
{
    const struct matmul_args *m = args;
    struct tiles *tiles = shared;
    float *sum = own;
    const uint32_t x = item % TILE, y = item / TILE;
    const uint32_t column = gx * TILE + x, row = gy * TILE + y, at = phase / 2 * TILE;
    (void) gz;
    if (phase % 2 == 0) {
        tiles->a[y][x] = m->a[row * m->n + at + x];
        tiles->b[y][x] = m->b[(at + y) * m->n + column];
        return;
    }
    float so_far = *sum;
    for (uint32_t i = 0; i < TILE; i++) {
        so_far += tiles->a[y][i] * tiles->b[i][x];
    }
    *sum = so_far;
    if (at + TILE == m->n) {
        m->product[row * m->n + column] = so_far;
    }
}

static float next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float) (*state >> 8) / 16777216.0f - 0.5f;
}

int main(int argc, char **argv)
{
    const uint32_t wanted = argc > 1 ? (uint32_t) strtoul(argv[1], NULL, 10) : 128;
    const uint32_t n = (wanted + TILE - 1) / TILE * TILE;
    const size_t count = (size_t) n * n;
    float *a = malloc(count * sizeof *a), *b = malloc(count * sizeof *b);
    float *product = malloc(count * sizeof *product);
    if (n == 0 || n > 8192 || a == NULL || b == NULL || product == NULL) {
        fprintf(stderr, "matmul: no memory for matrices of %u by %u\n", n, n);
        return 1;
    }
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        a[i] = next_random(&state);
        b[i] = next_random(&state);
    }
    wjit_parallel_groups(n / TILE, n / TILE, 1, TILE * TILE, n / TILE * 2, sizeof(struct tiles),
                         sizeof(float), matmul, &(struct matmul_args){a, b, product, n});
    printf("matmul: checksum %08x\n", checksum(product, count * sizeof *product));
    return 0;
}
