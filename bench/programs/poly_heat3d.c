/* Seven-point stencil in three dimensions. */
#include "bench.h"

enum { N = 64, STEPS = 110 };

static double a[N][N][N], b[N][N][N];

typedef double plane[N][N];

static __attribute__((noinline)) void sweep(plane *restrict out, plane *restrict in)
{
    for (int i = 1; i < N - 1; i++) {
        for (int j = 1; j < N - 1; j++) {
            for (int k = 1; k < N - 1; k++) {
                double here = in[i][j][k];
                out[i][j][k] = 0.125 * (in[i + 1][j][k] - 2 * here + in[i - 1][j][k]) +
                               0.125 * (in[i][j + 1][k] - 2 * here + in[i][j - 1][k]) +
                               0.125 * (in[i][j][k + 1] - 2 * here + in[i][j][k - 1]) + here;
            }
        }
    }
}

static uint64_t kernel(void)
{
    double check = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            for (int k = 0; k < N; k++) {
                a[i][j][k] = b[i][j][k] = (double) (i + j + (N - k)) * 10 / N;
            }
        }
    }
    for (int step = 0; step < STEPS; step++) {
        sweep(b, a);
        sweep(a, b);
    }
    for (int i = 0; i < N; i++) {
        check += a[i][i][N - 1 - i];
    }
    return bench_bits(check);
}

int main(void)
{
    return bench_main(kernel);
}
