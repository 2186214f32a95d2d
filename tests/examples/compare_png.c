/* compare_png A B [MAX_DIFFERENCE MAX_SAMPLES]: compares two pictures sample by sample. Prints how
 * many samples differ and by how much; exit code 1 where it is more than allowed (0 0). */
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#include <stb/stb_image.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    int width[2], height[2], channels[2];
    unsigned char *rgb[2];
    if (argc != 3 && argc != 5) {
        fputs("usage: compare_png A B [MAX_DIFFERENCE MAX_SAMPLES]\n", stderr);
        return 2;
    }
    for (int i = 0; i < 2; i++) {
        rgb[i] = stbi_load(argv[1 + i], &width[i], &height[i], &channels[i], 3);
        if (rgb[i] == NULL) {
            fprintf(stderr, "compare_png: %s: %s\n", argv[1 + i], stbi_failure_reason());
            return 2;
        }
    }
    if (width[0] != width[1] || height[0] != height[1]) {
        printf("%dx%d and %dx%d pixels\n", width[0], height[0], width[1], height[1]);
        return 1;
    }
    long allowed_difference = argc == 5 ? atol(argv[3]) : 0,
         allowed_samples = argc == 5 ? atol(argv[4]) : 0;
    long n_off = 0, largest = 0, n_samples = 3L * width[0] * height[0];
    for (long i = 0; i < n_samples; i++) {
        long difference = labs((long) rgb[0][i] - rgb[1][i]);
        n_off += difference != 0;
        largest = difference > largest ? difference : largest;
    }
    printf("%ld of %ld samples off, by at most %ld\n", n_off, n_samples, largest);
    return largest > allowed_difference || n_off > allowed_samples;
}
