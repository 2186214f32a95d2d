/* Toeplitz system by Levinson and Durbin: short loops over vectors, forwards and backwards. */
#include "bench.h"

enum { N = 2000, PASSES = 32 };

static double r[N], y[N], z[N];

static void solve(void)
{
    double alpha = -r[0], beta = 1;
    y[0] = -r[0];
    for (int k = 1; k < N; k++) {
        double sum = 0;
        beta *= 1 - alpha * alpha;
        for (int i = 0; i < k; i++) {
            sum += r[k - i - 1] * y[i];
        }
        alpha = -(r[k] + sum) / beta;
        for (int i = 0; i < k; i++) {
            z[i] = y[i] + alpha * y[k - i - 1];
        }
        for (int i = 0; i < k; i++) {
            y[i] = z[i];
        }
        y[k] = alpha;
    }
}

static uint64_t kernel(void)
{
    double check = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        for (int i = 0; i < N; i++) {
            r[i] = 1.0 / (i + 2 + pass);
        }
        solve();
        check += y[0] + y[N - 1];
    }
    return bench_bits(check);
}

int main(void)
{
    return bench_main(kernel);
}
