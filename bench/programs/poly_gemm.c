/* C = beta C + alpha A B, row by row. */
#include "bench.h"

enum { NI = 560, NJ = 600, NK = 640 };

static double a[NI][NK], b[NK][NJ], c[NI][NJ];

static uint64_t kernel(void)
{
    const double alpha = 1.5, beta = 1.25;
    double check = 0;
    for (int i = 0; i < NI; i++) {
        for (int k = 0; k < NK; k++) {
            a[i][k] = (double) (i * (k + 1) % NK) / NK;
        }
        for (int j = 0; j < NJ; j++) {
            c[i][j] = (double) ((i * j + 1) % NI) / NI;
        }
    }
    for (int k = 0; k < NK; k++) {
        for (int j = 0; j < NJ; j++) {
            b[k][j] = (double) (k * (j + 2) % NJ) / NJ;
        }
    }
    for (int i = 0; i < NI; i++) {
        for (int j = 0; j < NJ; j++) {
            c[i][j] *= beta;
        }
        for (int k = 0; k < NK; k++) {
            for (int j = 0; j < NJ; j++) {
                c[i][j] += alpha * a[i][k] * b[k][j];
            }
        }
    }
    for (int i = 0; i < NI; i++) {
        check += c[i][i];
    }
    return bench_bits(check);
}

int main(void)
{
    return bench_main(kernel);
}
