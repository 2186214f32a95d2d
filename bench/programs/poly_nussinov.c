/* Folding of an RNA sequence (after Nussinov): dynamic programming over a triangle of integers,
 * branches on what the letters are. */
#include "bench.h"

enum { N = 900 };

static int32_t best[N][N];
static uint8_t letter[N];

static inline int32_t max(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static uint64_t kernel(void)
{
    uint64_t state = 4711, check = 0;
    for (int i = 0; i < N; i++) {
        letter[i] = (uint8_t) (bench_random(&state) >> 62);
        memset(best[i], 0, sizeof best[i]);
    }
    for (int i = N - 1; i >= 0; i--) {
        for (int j = i + 1; j < N; j++) {
            int32_t value = max(best[i][j], best[i][j - 1]);
            if (i + 1 < N) {
                value = max(value, best[i + 1][j]);
                /* Neighbours cannot pair; others do where their letters add up to 3. */
                int32_t pair = i < j - 1 && letter[i] + letter[j] == 3;
                value = max(value, best[i + 1][j - 1] + pair);
            }
            for (int k = i + 1; k < j; k++) {
                value = max(value, best[i][k] + best[k + 1][j]);
            }
            best[i][j] = value;
        }
    }
    for (int i = 0; i < N; i++) {
        check = check * 31 + (uint64_t) best[i][N - 1];
    }
    return check;
}

int main(void)
{
    return bench_main(kernel);
}
