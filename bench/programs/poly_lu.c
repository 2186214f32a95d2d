/* LU decomposition in place: inner products of a row and a column. */
#include "bench.h"

enum { N = 760 };

static double a[N][N];

static uint64_t kernel(void)
{
    double check = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = (double) ((i * 13 + j * 7) % N) / N + (i == j ? N : 0);
        }
    }
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++) {
                a[i][j] -= a[i][k] * a[k][j];
            }
            a[i][j] /= a[j][j];
        }
        for (int j = i; j < N; j++) {
            for (int k = 0; k < i; k++) {
                a[i][j] -= a[i][k] * a[k][j];
            }
        }
    }
    for (int i = 0; i < N; i++) {
        check += a[i][i] + a[i][N - 1 - i];
    }
    return bench_bits(check);
}

int main(void)
{
    return bench_main(kernel);
}
