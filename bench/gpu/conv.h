/* The convolution that conv.c (a guest of wjit) and twin.c (the host of conv.comp) both compute:
 * 3 * 3, 32 to 32 channels, ReLU, with the layout of examples/upscale: channel-last, a frame of one
 * zero pixel, weights by tap, input channel, output channel. */
#ifndef BENCH_GPU_CONV_H
#define BENCH_GPU_CONV_H

#include <stdint.h>
#include <string.h>

enum {
    CONV_WIDTH = 256,
    CONV_HEIGHT = 256,
    CONV_CHANNELS = 32,
    CONV_SIDE = 3,
    CONV_ROW_FLOATS = (CONV_WIDTH + 2) * CONV_CHANNELS,
    CONV_IMAGE_FLOATS = CONV_ROW_FLOATS * (CONV_HEIGHT + 2),
    CONV_ORIGIN = CONV_ROW_FLOATS + CONV_CHANNELS,
    CONV_WEIGHT_FLOATS = CONV_SIDE * CONV_SIDE * CONV_CHANNELS * CONV_CHANNELS,
    CONV_REPEATS = 5,
};

/* Values of both signs from a counter, the same everywhere. */
static inline float conv_value(uint32_t n)
{
    n = (n ^ n >> 15) * 0x2c1b3c6du;
    n = (n ^ n >> 12) * 0x297a2d39u;
    return (float) (int32_t) ((n ^ n >> 15) & 0xffff) / 65536.0f - 0.5f;
}

/* Fills the input inside of its frame, the weights and the bias; all must be zero before. */
static inline void conv_fill(float *image, float *weights, float *bias)
{
    for (uint32_t y = 0; y < CONV_HEIGHT; y++) {
        float *row = image + CONV_ORIGIN + y * CONV_ROW_FLOATS;
        for (uint32_t i = 0; i < CONV_WIDTH * CONV_CHANNELS; i++) {
            row[i] = conv_value(y * CONV_WIDTH * CONV_CHANNELS + i);
        }
    }
    for (uint32_t i = 0; i < CONV_WEIGHT_FLOATS; i++) {
        weights[i] = conv_value(~i);
    }
    for (uint32_t i = 0; i < CONV_CHANNELS; i++) {
        bias[i] = conv_value(i * 77);
    }
}

/* A hash of every bit of the result. */
static inline uint64_t conv_check(const float *image)
{
    uint64_t check = 14695981039346656037u;
    for (uint32_t i = 0; i < CONV_IMAGE_FLOATS; i++) {
        uint32_t bits;
        memcpy(&bits, &image[i], sizeof bits);
        check = (check ^ bits) * 1099511628211u;
    }
    return check;
}

#endif
