/* The guest side: the convolution of examples/upscale (its kernels.c is linked in), dispatched
 * CONV_REPEATS times; the seconds are those of the fastest dispatch. */
#include "kernels.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "conv.h"

int main(void)
{
    float *in = aligned_alloc(16, CONV_IMAGE_FLOATS * sizeof(float));
    float *out = aligned_alloc(16, CONV_IMAGE_FLOATS * sizeof(float));
    float *weights = aligned_alloc(16, CONV_WEIGHT_FLOATS * sizeof(float));
    float *bias = aligned_alloc(16, CONV_CHANNELS * sizeof(float));
    if (in == NULL || out == NULL || weights == NULL || bias == NULL) {
        fputs("conv: out of memory\n", stderr);
        return 1;
    }
    memset(in, 0, CONV_IMAGE_FLOATS * sizeof(float));
    memset(out, 0, CONV_IMAGE_FLOATS * sizeof(float));
    conv_fill(in, weights, bias);
    struct tensor from = {.data = in,
                          .origin = in + CONV_ORIGIN,
                          .width = CONV_WIDTH,
                          .height = CONV_HEIGHT,
                          .channels = CONV_CHANNELS,
                          .pixel_floats = CONV_CHANNELS,
                          .row_floats = CONV_ROW_FLOATS};
    struct tensor to = from;
    to.data = out;
    to.origin = out + CONV_ORIGIN;
    const struct conv_weights kernel = {.data = weights,
                                        .bias = bias,
                                        .kernel_width = CONV_SIDE,
                                        .kernel_height = CONV_SIDE,
                                        .in_floats = CONV_CHANNELS,
                                        .out_floats = CONV_CHANNELS};
    double best = 1e30;
    for (int i = 0; i < CONV_REPEATS; i++) {
        double start = bench_wall_seconds();
        run_conv(&from, &kernel, true, false, &to);
        double seconds = bench_wall_seconds() - start;
        best = seconds < best ? seconds : best;
    }
    printf("KERNEL_SECONDS %.6f\nCHECK %016" PRIx64 "\n", best, conv_check(out));
    return 0;
}
