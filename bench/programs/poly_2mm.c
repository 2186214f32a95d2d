/* D = alpha A B C + beta D as two products: each sum in a local, the right side by columns. */
#include "bench.h"

enum { N = 400 };

static double a[N][N], b[N][N], c[N][N], d[N][N], t[N][N];

static void product(double (*out)[N], double (*x)[N], double (*y)[N], double alpha, double beta)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++) {
                sum += alpha * x[i][k] * y[k][j];
            }
            out[i][j] = beta * out[i][j] + sum;
        }
    }
}

static uint64_t kernel(void)
{
    double check = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = (double) ((i * j + 1) % N) / N;
            b[i][j] = (double) (i * (j + 1) % N) / N;
            c[i][j] = (double) ((i * (j + 3) + 1) % N) / N;
            d[i][j] = (double) (i * (j + 2) % N) / N;
            t[i][j] = 0;
        }
    }
    product(t, a, b, 1.5, 0);
    product(d, t, c, 1, 1.25);
    for (int i = 0; i < N; i++) {
        check += d[i][N - 1 - i];
    }
    return bench_bits(check);
}

int main(void)
{
    return bench_main(kernel);
}
