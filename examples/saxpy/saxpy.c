/* saxpy [N]: y = a * x + y on N floats, once with an item for each float and once with v128. */
#include "../checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <wasm_simd128.h>
#include <wjit/gpu.h>

struct saxpy_args {
    float a;
    const float *x;
    float *y;
    uint32_t n;
};

static void saxpy(uint32_t i, uint32_t j, uint32_t k, const void *args)
{
    const struct saxpy_args *s = args;
    (void) j, (void) k;
    s->y[i] = s->a * s->x[i] + s->y[i];
}

/* 4 floats an item; what is left over at the end goes one by one. */
static void saxpy4(uint32_t i, uint32_t j, uint32_t k, const void *args)
{
    const struct saxpy_args *s = args;
    (void) j, (void) k;
    if (i * 4 + 4 <= s->n) {
        const v128_t *x = (const v128_t *) (const void *) s->x;
        v128_t *y = (v128_t *) (void *) s->y;
        y[i] = wasm_f32x4_add(wasm_f32x4_mul(wasm_f32x4_splat(s->a), x[i]), y[i]);
    } else {
        /* At most 3: not worth the copies that unrolling makes. */
#pragma clang loop vectorize(disable) unroll(disable)
        for (uint32_t at = i * 4; at < s->n; at++) {
            s->y[at] = s->a * s->x[at] + s->y[at];
        }
    }
}

int main(int argc, char **argv)
{
    uint32_t n = argc > 1 ? (uint32_t) strtoul(argv[1], NULL, 10) : 1000003;
    float *x = n < 100000000 ? malloc((n + 4) * sizeof *x) : NULL;
    float *y = n < 100000000 ? malloc((n + 4) * sizeof *y) : NULL;
    if (x == NULL || y == NULL) {
        fprintf(stderr, "saxpy: %u floats: expected fewer than 100000000, and memory\n", n);
        return 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        x[i] = (float) (i % 1009) / 1009.0f;
        y[i] = (float) (i % 127) - 63.0f;
    }
    struct saxpy_args args = {.a = 1.0f / 3.0f, .x = x, .y = y, .n = n};
    wjit_parallel_for(n, 1, 1, saxpy, &args);
    printf("saxpy:  checksum %08x\n", checksum(y, n * sizeof *y));
    args.a = -0.7f;
    wjit_parallel_for((n + 3) / 4, 1, 1, saxpy4, &args);
    printf("saxpy4: checksum %08x\n", checksum(y, n * sizeof *y));
    return 0;
}
