/* All shortest paths (Floyd-Warshall) over integers: loads, add, compare, select. */
#include "bench.h"

enum { N = 480 };

static int32_t path[N][N];

static uint64_t kernel(void)
{
    uint64_t check = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            int far = (i + j) % 13 == 0 || (i + j) % 7 == 0 || (i + j) % 11 == 0;
            path[i][j] = far ? 999 : i * j % 7 + 1;
        }
    }
    for (int k = 0; k < N; k++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                int32_t via = path[i][k] + path[k][j];
                path[i][j] = path[i][j] < via ? path[i][j] : via;
            }
        }
    }
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            check = check * 31 + (uint64_t) path[i][j];
        }
    }
    return check;
}

int main(void)
{
    return bench_main(kernel);
}
