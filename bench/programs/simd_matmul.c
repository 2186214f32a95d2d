/* Matrix product in v128: 4 by 8 blocks of sums in registers. Vector types of the compiler, so that
 * the native twin is the same source; for wasm they are simd128. */
#include "bench.h"

enum { SIDE = 512, PASSES = 12 };

typedef float f32x4 __attribute__((vector_size(16)));

static _Alignas(16) float a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

static inline f32x4 load(const float *p)
{
    return *(const f32x4 *) (const void *) p;
}

static inline void store(float *p, f32x4 v)
{
    *(f32x4 *) (void *) p = v;
}

static inline f32x4 splat(float v)
{
    return (f32x4){v, v, v, v};
}

static void block(int row, int column)
{
    f32x4 sum[4][2] = {{{0}}};
    for (int k = 0; k < SIDE; k++) {
        f32x4 low = load(&b[k][column]), high = load(&b[k][column + 4]);
        for (int i = 0; i < 4; i++) {
            f32x4 v = splat(a[row + i][k]);
            sum[i][0] += v * low;
            sum[i][1] += v * high;
        }
    }
    for (int i = 0; i < 4; i++) {
        store(&c[row + i][column], load(&c[row + i][column]) + sum[i][0]);
        store(&c[row + i][column + 4], load(&c[row + i][column + 4]) + sum[i][1]);
    }
}

static uint64_t kernel(void)
{
    uint64_t state = 7;
    double check = 0;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            a[i][j] = (float) bench_random_double(&state);
            b[i][j] = (float) bench_random_double(&state);
            c[i][j] = 0;
        }
    }
    for (int pass = 0; pass < PASSES; pass++) {
        for (int row = 0; row < SIDE; row += 4) {
            for (int column = 0; column < SIDE; column += 8) {
                block(row, column);
            }
        }
    }
    for (int i = 0; i < SIDE; i++) {
        check += (double) c[i][(i * 7) % SIDE];
    }
    return bench_bits(check);
}

int main(void)
{
    return bench_main(kernel);
}
