/* Five-point stencil from one array into another and back. */
#include "bench.h"

enum { N = 400, STEPS = 400 };

static double a[N][N], b[N][N];

static __attribute__((noinline)) void sweep(double (*restrict out)[N], double (*restrict in)[N])
{
    for (int i = 1; i < N - 1; i++) {
        for (int j = 1; j < N - 1; j++) {
            double sides = in[i][j - 1] + in[i][j + 1];
            out[i][j] = 0.2 * (in[i][j] + sides + in[i - 1][j] + in[i + 1][j]);
        }
    }
}

static uint64_t kernel(void)
{
    double check = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = ((double) i * (j + 2) + 2) / N;
            b[i][j] = ((double) i * (j + 3) + 3) / N;
        }
    }
    for (int step = 0; step < STEPS; step++) {
        sweep(b, a);
        sweep(a, b);
    }
    for (int i = 0; i < N; i++) {
        check += a[i][i];
    }
    return bench_bits(check);
}

int main(void)
{
    return bench_main(kernel);
}
