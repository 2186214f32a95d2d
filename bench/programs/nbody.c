/* Five bodies under gravity: double arithmetic with divisions and square roots on a small array. */
#include <math.h>

#include "bench.h"

enum { BODIES = 5, STEPS = 1500000 };

struct body {
    double x, y, z, vx, vy, vz, mass;
};

static void attract(struct body *b, double dt)
{
    for (int i = 0; i < BODIES; i++) {
        for (int j = i + 1; j < BODIES; j++) {
            double dx = b[i].x - b[j].x, dy = b[i].y - b[j].y, dz = b[i].z - b[j].z;
            double square = dx * dx + dy * dy + dz * dz;
            double pull = dt / (square * sqrt(square));
            b[i].vx -= dx * b[j].mass * pull;
            b[i].vy -= dy * b[j].mass * pull;
            b[i].vz -= dz * b[j].mass * pull;
            b[j].vx += dx * b[i].mass * pull;
            b[j].vy += dy * b[i].mass * pull;
            b[j].vz += dz * b[i].mass * pull;
        }
    }
}

static uint64_t kernel(void)
{
    struct body b[BODIES];
    for (int i = 0; i < BODIES; i++) {
        double r = i * 3.0;
        b[i] = (struct body){.x = r, .y = r * 0.25, .z = -r * 0.125, .mass = i == 0 ? 40 : 0.01};
        b[i].vy = i == 0 ? 0 : sqrt(40 / r);
    }
    for (int step = 0; step < STEPS; step++) {
        attract(b, 0.001);
        for (int i = 0; i < BODIES; i++) {
            b[i].x += 0.001 * b[i].vx;
            b[i].y += 0.001 * b[i].vy;
            b[i].z += 0.001 * b[i].vz;
        }
    }
    return bench_bits(b[0].x + b[1].y + b[4].z);
}

int main(void)
{
    return bench_main(kernel);
}
