/* The layers of the network as kernels. A tensor is channel-last, its channels padded to a multiple
 * of 4, its width to one of 4, with a frame of zeros around it: so every load is an aligned v128 at
 * an address that is linear in x, y, z and the loop counters, and no kernel knows of borders. */
#ifndef UPSCALE_KERNELS_H
#define UPSCALE_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

struct tensor {
    float *data;            /* allocation: frame, rows, frame; padding channels and frame are 0 */
    float *origin;          /* pixel (0, 0), channel 0 */
    uint32_t width, height; /* in pixels, without padding and frame */
    uint32_t channels;
    uint32_t pixel_floats; /* channels rounded up to 4: the distance of two pixels */
    uint32_t row_floats;   /* the distance of two rows */
};

/* Weights of a convolution, as the kernels read them: for each tap and input channel (padded to 4)
 * a row of output channels (padded to 4), [kernel_height][kernel_width][in][out]. */
struct conv_weights {
    float *data;
    float *bias; /* output channels, padded to 4 */
    uint32_t kernel_width, kernel_height;
    uint32_t in_floats, out_floats;
};

/* `relu`: negative results become 0. `valid`: no padding, the result is smaller than the input. */
void run_conv(const struct tensor *in, const struct conv_weights *weights, bool relu, bool valid,
              struct tensor *out);
void run_relu(const struct tensor *in, struct tensor *out);
void run_scale(const struct tensor *in, float factor, struct tensor *out);
void run_add(const struct tensor *a, const struct tensor *b, struct tensor *out);
void run_copy_channels(const struct tensor *in, uint32_t first_channel, struct tensor *out);
void run_upsample(const struct tensor *in, uint32_t times_x, uint32_t times_y, struct tensor *out);
void run_depth_to_space(const struct tensor *in, uint32_t block, struct tensor *out);

#endif
