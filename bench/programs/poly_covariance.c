/* Covariance matrix of columns: two columns walked at a row's distance. */
#include "bench.h"

enum { ROWS = 600, COLUMNS = 520 };

static double data[ROWS][COLUMNS], cov[COLUMNS][COLUMNS];

static uint64_t kernel(void)
{
    double check = 0;
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLUMNS; j++) {
            data[i][j] = (double) (i * j % 97) / COLUMNS;
        }
    }
    for (int j = 0; j < COLUMNS; j++) {
        double mean = 0;
        for (int i = 0; i < ROWS; i++) {
            mean += data[i][j];
        }
        mean /= ROWS;
        for (int i = 0; i < ROWS; i++) {
            data[i][j] -= mean;
        }
    }
    for (int i = 0; i < COLUMNS; i++) {
        for (int j = i; j < COLUMNS; j++) {
            double sum = 0;
            for (int k = 0; k < ROWS; k++) {
                sum += data[k][i] * data[k][j];
            }
            cov[i][j] = cov[j][i] = sum / (ROWS - 1);
        }
    }
    for (int i = 0; i < COLUMNS; i++) {
        check += cov[i][i] + cov[0][i];
    }
    return bench_bits(check);
}

int main(void)
{
    return bench_main(kernel);
}
