/* Nine-point stencil in place: each value needs the one made just before it. */
#include "bench.h"

enum { N = 300, STEPS = 140 };

static double a[N][N];

static uint64_t kernel(void)
{
    double check = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = ((double) i * (j + 2) + 2) / N;
        }
    }
    for (int step = 0; step < STEPS; step++) {
        for (int i = 1; i < N - 1; i++) {
            for (int j = 1; j < N - 1; j++) {
                a[i][j] = (a[i - 1][j - 1] + a[i - 1][j] + a[i - 1][j + 1] + a[i][j - 1] + a[i][j] +
                           a[i][j + 1] + a[i + 1][j - 1] + a[i + 1][j] + a[i + 1][j + 1]) /
                          9;
            }
        }
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
