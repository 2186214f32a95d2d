/* mandelbrot [SIZE [OUT.ppm]]: the set in SIZE * SIZE pixels, an item each. */
#include "../checksum.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wjit/gpu.h>

#define ITERATIONS 255u

struct mandelbrot_args {
    uint32_t *counts;
    uint32_t size;
    float left, top, step;
};

static void mandelbrot(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    const struct mandelbrot_args *a = args;
    const float cr = a->left + (float) x * a->step, ci = a->top + (float) y * a->step;
    float r = 0, i = 0, rr = 0, ii = 0;
    uint32_t count = 0;
    (void) z;
    while (count < ITERATIONS && rr + ii <= 4.0f) {
        i = 2.0f * r * i + ci;
        r = rr - ii + cr;
        rr = r * r;
        ii = i * i;
        count++;
    }
    a->counts[y * a->size + x] = count;
}

static int write_ppm(const char *path, const uint32_t *counts, uint32_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        fprintf(stderr, "mandelbrot: %s: %s: expected a file that can be written\n", path,
                strerror(errno));
        return 1;
    }
    fprintf(file, "P6 %u %u 255\n", size, size);
    for (uint32_t at = 0; at < size * size; at++) {
        uint32_t c = ITERATIONS - counts[at];
        unsigned char rgb[3] = {(unsigned char) (c * 5), (unsigned char) (c * 3),
                                (unsigned char) c};
        fwrite(rgb, 1, sizeof rgb, file);
    }
    int failed = ferror(file);
    if (fclose(file) != 0 || failed) {
        remove(path);
        fprintf(stderr, "mandelbrot: %s: %s: expected room for it\n", path, strerror(errno));
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint32_t size = argc > 1 ? (uint32_t) strtoul(argv[1], NULL, 10) : 512;
    uint32_t *counts = size > 0 && size <= 8192 ? malloc(size * size * sizeof *counts) : NULL;
    if (counts == NULL) {
        fprintf(stderr, "mandelbrot: size %u: expected 1 to 8192, and memory for it\n", size);
        return 1;
    }
    struct mandelbrot_args args = {counts, size, -2.0f, -1.25f, 2.5f / (float) size};
    wjit_parallel_for(size, size, 1, mandelbrot, &args);
    printf("mandelbrot: checksum %08x\n", checksum(counts, size * size * sizeof *counts));
    return argc > 2 ? write_ppm(argv[2], counts, size) : 0;
}
