/* Cholesky decomposition of a symmetric positive definite matrix, in place. */
#include <math.h>

#include "bench.h"

enum { N = 960 };

static double a[N][N];

static uint64_t kernel(void)
{
    double check = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = 1.0 / (1 + (i > j ? i - j : j - i)) + (i == j ? 8 : 0);
        }
    }
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++) {
                a[i][j] -= a[i][k] * a[j][k];
            }
            a[i][j] /= a[j][j];
        }
        for (int k = 0; k < i; k++) {
            a[i][i] -= a[i][k] * a[i][k];
        }
        a[i][i] = sqrt(a[i][i]);
    }
    for (int i = 0; i < N; i++) {
        check += a[i][i] + a[N - 1][i];
    }
    return bench_bits(check);
}

int main(void)
{
    return bench_main(kernel);
}
