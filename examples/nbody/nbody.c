/* nbody [STEPS]: 1024 bodies under gravity. Groups of 64 items take the bodies in tiles through
 * shared memory: in even phases each item brings a body, in odd ones it adds the pull of all 64. */
#include "../checksum.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <wjit/gpu.h>

#define BODIES 1024u
#define ITEMS 64u
#define TILES (BODIES / ITEMS)

struct body {
    float x, y, z, mass;
};

struct nbody_args {
    const struct body *from;
    struct body *to;
    struct body *speed; /* mass unused */
    float dt;
};

static void pull(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase, void *shared,
                 void *own, const void *args)
{
    const struct nbody_args *a = args;
    struct body *tile = shared, *sum = own;
    const uint32_t me = gx * ITEMS + item;
    const struct body at = a->from[me];
    (void) gy, (void) gz;
    if (phase % 2 == 0) {
        tile[item] = a->from[phase / 2 * ITEMS + item];
        return;
    }
    float fx = sum->x, fy = sum->y, fz = sum->z;
    for (uint32_t i = 0; i < ITEMS; i++) {
        float dx = tile[i].x - at.x, dy = tile[i].y - at.y, dz = tile[i].z - at.z;
        float square = dx * dx + dy * dy + dz * dz + 0.01f;
        float factor = tile[i].mass / (square * sqrtf(square));
        fx += dx * factor;
        fy += dy * factor;
        fz += dz * factor;
    }
    sum->x = fx;
    sum->y = fy;
    sum->z = fz;
    if (phase == 2 * TILES - 1) {
        struct body *speed = &a->speed[me], *to = &a->to[me];
        speed->x += fx * a->dt;
        speed->y += fy * a->dt;
        speed->z += fz * a->dt;
        to->x = at.x + speed->x * a->dt;
        to->y = at.y + speed->y * a->dt;
        to->z = at.z + speed->z * a->dt;
        to->mass = at.mass;
    }
}

static float next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float) (*state >> 8) / 16777216.0f - 0.5f;
}

int main(int argc, char **argv)
{
    static struct body bodies[2][BODIES], speed[BODIES];
    uint32_t steps = argc > 1 ? (uint32_t) strtoul(argv[1], NULL, 10) : 10;
    uint32_t state = 1;
    for (uint32_t i = 0; i < BODIES; i++) {
        struct body *b = &bodies[0][i];
        b->x = next_random(&state);
        b->y = next_random(&state);
        b->z = next_random(&state);
        b->mass = next_random(&state) + 1.0f;
    }
    for (uint32_t step = 0; step < steps; step++) {
        struct nbody_args args = {bodies[step % 2], bodies[(step + 1) % 2], speed, 0.0001f};
        wjit_parallel_groups(BODIES / ITEMS, 1, 1, ITEMS, 2 * TILES, ITEMS * sizeof(struct body),
                             sizeof(struct body), pull, &args);
    }
    const struct body *last = bodies[steps % 2];
    printf("nbody: first body at %.6f %.6f %.6f\n", (double) last->x, (double) last->y,
           (double) last->z);
    printf("nbody: checksum %08x\n", checksum(last, sizeof bodies[0]));
    return 0;
}
