/* A tight loop of double arithmetic whose state is six locals. */
#include "bench.h"

enum { SIDE = 1024, STEPS_MAX = 200 };

static uint64_t kernel(void)
{
    uint64_t sum = 0;
    for (int py = 0; py < SIDE; py++) {
        for (int px = 0; px < SIDE; px++) {
            double cx = px * (3.0 / SIDE) - 2.25, cy = py * (3.0 / SIDE) - 1.5, x = 0, y = 0;
            int step = 0;
            while (step < STEPS_MAX && x * x + y * y < 4) {
                double next = x * x - y * y + cx;
                y = 2 * x * y + cy;
                x = next;
                step++;
            }
            sum += (uint64_t) step * (uint64_t) (px ^ py);
        }
    }
    return sum;
}

int main(void)
{
    return bench_main(kernel);
}
