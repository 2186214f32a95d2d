/* The kernels: pure functions of (x, y, z) and their arguments, without local arrays or calls, so
 * that they run on a GPU as they stand. x runs over channels: neighbouring items read the same
 * pixels and neighbouring weights. Sums are made in one order, product by product, everywhere. */
#include "kernels.h"

#include <math.h>
#include <wasm_simd128.h>
#include <wjit/gpu.h>

/* Unlike wasm_v128_load and its kin these promise alignment, which spares a GPU the slow path. */
static inline v128_t load4(const float *p)
{
    return *(const v128_t *) (const void *) p;
}

static inline v128_t load1(const float *p)
{
    return wasm_f32x4_splat(*p);
}

static inline void store4(float *p, v128_t v)
{
    *(v128_t *) (void *) p = v;
}

/* Keeps the sums of one pixel before those of the next. Compilers that sort them otherwise hold all
 * pixels at once, and need more registers than there are. */
#define IN_ORDER(a, b) __asm__ volatile("" : "+r"(a), "+r"(b))

static inline v128_t mul_add(v128_t sum, v128_t a, v128_t b)
{
    return wasm_f32x4_add(sum, wasm_f32x4_mul(a, b));
}

/* Distances are in floats, and made on the host: an item multiplies x, y and z, and no more. */
struct conv_args {
    const float *in; /* first pixel under the kernel for output pixel (0, 0) */
    const float *weights;
    const float *bias;
    float *out;
    uint32_t in_row, in_tile, in_1, in_2, in_3; /* a row; 4 pixels; 1, 2 and 3 pixels */
    uint32_t out_row, out_tile, out_1, out_2, out_3;
    uint32_t out_width;
    uint32_t taps_y;
    uint32_t taps_row;   /* floats of one input row under the kernel: kernel width * channels */
    uint32_t weight_row; /* output channels */
    float floor;         /* results below it become it: 0 for ReLU, else -infinity */
};

/* 4 pixels * 8 output channels. Under one kernel row, pixels and channels lie in one piece both
 * in the input and in the weights, so that one loop runs over both; neither loop can be empty. */
static void conv_4x8(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    const struct conv_args *a = args;
    const float *bias = a->bias + x * 8;
    v128_t sum0a = load4(bias), sum0b = load4(bias + 4);
    v128_t sum1a = sum0a, sum1b = sum0b, sum2a = sum0a, sum2b = sum0b, sum3a = sum0a, sum3b = sum0b;
    const uint32_t in_1 = a->in_1, in_2 = a->in_2, in_3 = a->in_3;
    const uint32_t weight_row = a->weight_row;
    const float *row = a->in + z * a->in_row + y * a->in_tile;
    const float *weights = a->weights + x * 8;
    uint32_t rows_left = a->taps_y;
    do {
        const float *in = row;
        uint32_t taps_left = a->taps_row;
        do {
            const v128_t wa = load4(weights), wb = load4(weights + 4);
            v128_t v = load1(in);
            sum0a = mul_add(sum0a, v, wa);
            sum0b = mul_add(sum0b, v, wb);
            IN_ORDER(sum0a, sum0b);
            v = load1(in + in_1);
            sum1a = mul_add(sum1a, v, wa);
            sum1b = mul_add(sum1b, v, wb);
            IN_ORDER(sum1a, sum1b);
            v = load1(in + in_2);
            sum2a = mul_add(sum2a, v, wa);
            sum2b = mul_add(sum2b, v, wb);
            IN_ORDER(sum2a, sum2b);
            v = load1(in + in_3);
            sum3a = mul_add(sum3a, v, wa);
            sum3b = mul_add(sum3b, v, wb);
            IN_ORDER(sum3a, sum3b);
            weights += weight_row;
            in++;
        } while (--taps_left != 0);
        row += a->in_row;
    } while (--rows_left != 0);
    float *out = a->out + z * a->out_row + y * a->out_tile + x * 8;
    const v128_t floor = load1(&a->floor);
    const uint32_t left = a->out_width - y * 4;
    store4(out, wasm_f32x4_pmax(sum0a, floor));
    store4(out + 4, wasm_f32x4_pmax(sum0b, floor));
    if (left > 1) {
        store4(out + a->out_1, wasm_f32x4_pmax(sum1a, floor));
        store4(out + a->out_1 + 4, wasm_f32x4_pmax(sum1b, floor));
    }
    if (left > 2) {
        store4(out + a->out_2, wasm_f32x4_pmax(sum2a, floor));
        store4(out + a->out_2 + 4, wasm_f32x4_pmax(sum2b, floor));
    }
    if (left > 3) {
        store4(out + a->out_3, wasm_f32x4_pmax(sum3a, floor));
        store4(out + a->out_3 + 4, wasm_f32x4_pmax(sum3b, floor));
    }
}

/* The same for 4 output channels, where their number is no multiple of 8. */
static void conv_4x4(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    const struct conv_args *a = args;
    v128_t sum0 = load4(a->bias + x * 4);
    v128_t sum1 = sum0, sum2 = sum0, sum3 = sum0;
    const uint32_t in_1 = a->in_1, in_2 = a->in_2, in_3 = a->in_3;
    const uint32_t weight_row = a->weight_row;
    const float *row = a->in + z * a->in_row + y * a->in_tile;
    const float *weights = a->weights + x * 4;
    uint32_t rows_left = a->taps_y;
    do {
        const float *in = row;
        uint32_t taps_left = a->taps_row;
        do {
            v128_t w = load4(weights);
            sum0 = mul_add(sum0, load1(in), w);
            sum1 = mul_add(sum1, load1(in + in_1), w);
            sum2 = mul_add(sum2, load1(in + in_2), w);
            sum3 = mul_add(sum3, load1(in + in_3), w);
            weights += weight_row;
            in++;
        } while (--taps_left != 0);
        row += a->in_row;
    } while (--rows_left != 0);
    float *out = a->out + z * a->out_row + y * a->out_tile + x * 4;
    const v128_t floor = load1(&a->floor);
    const uint32_t left = a->out_width - y * 4;
    store4(out, wasm_f32x4_pmax(sum0, floor));
    if (left > 1) {
        store4(out + a->out_1, wasm_f32x4_pmax(sum1, floor));
    }
    if (left > 2) {
        store4(out + a->out_2, wasm_f32x4_pmax(sum2, floor));
    }
    if (left > 3) {
        store4(out + a->out_3, wasm_f32x4_pmax(sum3, floor));
    }
}

void run_conv(const struct tensor *in, const struct conv_weights *weights, bool relu, bool valid,
              struct tensor *out)
{
    const uint32_t before_y = valid ? 0 : (weights->kernel_height - 1) / 2;
    const uint32_t before_x = valid ? 0 : (weights->kernel_width - 1) / 2;
    struct conv_args args = {
        .in = in->origin - before_y * in->row_floats - before_x * in->pixel_floats,
        .weights = weights->data,
        .bias = weights->bias,
        .out = out->origin,
        .in_row = in->row_floats,
        .in_tile = in->pixel_floats * 4,
        .in_1 = in->pixel_floats,
        .in_2 = in->pixel_floats * 2,
        .in_3 = in->pixel_floats * 3,
        .out_row = out->row_floats,
        .out_tile = out->pixel_floats * 4,
        .out_1 = out->pixel_floats,
        .out_2 = out->pixel_floats * 2,
        .out_3 = out->pixel_floats * 3,
        .out_width = out->width,
        .taps_y = weights->kernel_height,
        .taps_row = weights->kernel_width * weights->in_floats,
        .weight_row = weights->out_floats,
        .floor = relu ? 0.0f : -INFINITY,
    };
    const uint32_t tiles = (out->width + 3) / 4;
    if (weights->out_floats % 8 == 0) {
        wjit_parallel_for(weights->out_floats / 8, tiles, out->height, conv_4x8, &args);
    } else {
        wjit_parallel_for(weights->out_floats / 4, tiles, out->height, conv_4x4, &args);
    }
}

struct map_args {
    const float *a;
    const float *b;
    float *out;
    uint32_t in_pixel_floats, in_row_floats;
    uint32_t out_pixel_floats, out_row_floats;
    uint32_t count_x, count_y; /* copies of a pixel, or channels; the block of depth_to_space */
    float factor;
};

static struct map_args map_args(const struct tensor *in, const struct tensor *out)
{
    return (struct map_args){
        .a = in->origin,
        .out = out->origin,
        .in_pixel_floats = in->pixel_floats,
        .in_row_floats = in->row_floats,
        .out_pixel_floats = out->pixel_floats,
        .out_row_floats = out->row_floats,
    };
}

/* The element-wise kernels take 4 channels of 4 pixels; padding to 4 pixels is 0 and stays so. */
static void relu(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    const struct map_args *a = args;
    const uint32_t step = a->in_pixel_floats;
    const uint32_t at = z * a->in_row_floats + y * 4 * step + x * 4;
    const v128_t zero = wasm_f32x4_const_splat(0.0f);
    const float *in = a->a + at;
    float *out = a->out + at;
    store4(out, wasm_f32x4_pmax(load4(in), zero));
    store4(out + step, wasm_f32x4_pmax(load4(in + step), zero));
    store4(out + step * 2, wasm_f32x4_pmax(load4(in + step * 2), zero));
    store4(out + step * 3, wasm_f32x4_pmax(load4(in + step * 3), zero));
}

void run_relu(const struct tensor *in, struct tensor *out)
{
    struct map_args args = map_args(in, out);
    wjit_parallel_for(in->pixel_floats / 4, (in->width + 3) / 4, in->height, relu, &args);
}

static void scale(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    const struct map_args *a = args;
    const uint32_t step = a->in_pixel_floats;
    const uint32_t at = z * a->in_row_floats + y * 4 * step + x * 4;
    const v128_t factor = load1(&a->factor);
    const float *in = a->a + at;
    float *out = a->out + at;
    store4(out, wasm_f32x4_mul(load4(in), factor));
    store4(out + step, wasm_f32x4_mul(load4(in + step), factor));
    store4(out + step * 2, wasm_f32x4_mul(load4(in + step * 2), factor));
    store4(out + step * 3, wasm_f32x4_mul(load4(in + step * 3), factor));
}

void run_scale(const struct tensor *in, float factor, struct tensor *out)
{
    struct map_args args = map_args(in, out);
    args.factor = factor;
    wjit_parallel_for(in->pixel_floats / 4, (in->width + 3) / 4, in->height, scale, &args);
}

static void add(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    const struct map_args *a = args;
    const uint32_t step = a->in_pixel_floats;
    const uint32_t at = z * a->in_row_floats + y * 4 * step + x * 4;
    const float *p = a->a + at, *q = a->b + at;
    float *out = a->out + at;
    v128_t r0 = wasm_f32x4_add(load4(p), load4(q));
    v128_t r1 = wasm_f32x4_add(load4(p + step), load4(q + step));
    v128_t r2 = wasm_f32x4_add(load4(p + step * 2), load4(q + step * 2));
    v128_t r3 = wasm_f32x4_add(load4(p + step * 3), load4(q + step * 3));
    store4(out, r0);
    store4(out + step, r1);
    store4(out + step * 2, r2);
    store4(out + step * 3, r3);
}

void run_add(const struct tensor *a, const struct tensor *b, struct tensor *out)
{
    struct map_args args = map_args(a, out);
    args.b = b->origin;
    wjit_parallel_for(a->pixel_floats / 4, (a->width + 3) / 4, a->height, add, &args);
}

static void copy_channels(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    const struct map_args *a = args;
    const uint32_t in_step = a->in_pixel_floats, out_step = a->out_pixel_floats;
    const float *in = a->a + z * a->in_row_floats + y * 4 * in_step + x * 4;
    float *out = a->out + z * a->out_row_floats + y * 4 * out_step + x * 4;
    store4(out, load4(in));
    store4(out + out_step, load4(in + in_step));
    store4(out + out_step * 2, load4(in + in_step * 2));
    store4(out + out_step * 3, load4(in + in_step * 3));
}

/* The same for channels that do not lie at a multiple of 4: one pixel an item, float by float.
 * Unrolling and vectorising would only make the kernel long: it is items that run side by side. */
static void copy_channels_unaligned(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    const struct map_args *a = args;
    const float *in = a->a + y * a->in_row_floats + x * a->in_pixel_floats;
    float *out = a->out + y * a->out_row_floats + x * a->out_pixel_floats;
    (void) z;
#pragma clang loop vectorize(disable) unroll(disable)
    for (uint32_t c = 0; c < a->count_x; c++) {
        out[c] = in[c];
    }
}

void run_copy_channels(const struct tensor *in, uint32_t first_channel, struct tensor *out)
{
    struct map_args args = map_args(in, out);
    args.out += first_channel;
    if (first_channel % 4 == 0 && in->channels % 4 == 0) {
        wjit_parallel_for(in->channels / 4, (in->width + 3) / 4, in->height, copy_channels, &args);
    } else {
        args.count_x = in->channels;
        wjit_parallel_for(in->width, in->height, 1, copy_channels_unaligned, &args);
    }
}

/* Nearest neighbour: each item writes all copies of 4 channels of an input pixel. */
static void upsample(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    const struct map_args *a = args;
    const v128_t value = load4(a->a + z * a->in_row_floats + y * a->in_pixel_floats + x * 4);
    float *row = a->out + z * a->count_y * a->out_row_floats + y * a->count_x * a->out_pixel_floats;
    for (uint32_t dy = 0; dy < a->count_y; dy++) {
        float *out = row + x * 4;
#pragma clang loop vectorize(disable) unroll(disable)
        for (uint32_t dx = 0; dx < a->count_x; dx++) {
            store4(out, value);
            out += a->out_pixel_floats;
        }
        row += a->out_row_floats;
    }
}

void run_upsample(const struct tensor *in, uint32_t times_x, uint32_t times_y, struct tensor *out)
{
    struct map_args args = map_args(in, out);
    args.count_x = times_x;
    args.count_y = times_y;
    wjit_parallel_for(in->pixel_floats / 4, in->width, in->height, upsample, &args);
}

/* Channel (dy * block + dx) * count_x + c of a pixel becomes channel c of its sub-pixel (dx, dy).
 * An item is a sub-pixel in x, a pixel in y and z. */
static void depth_to_space(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    const struct map_args *a = args;
    const uint32_t block = a->count_y;
    const uint32_t channels = a->count_x;
    const float *in = a->a + z * a->in_row_floats + y * a->in_pixel_floats + x * channels;
    float *out = a->out + z * block * a->out_row_floats + (y * block + x) * a->out_pixel_floats;
    for (uint32_t dy = 0; dy < block; dy++) {
#pragma clang loop vectorize(disable) unroll(disable)
        for (uint32_t c = 0; c < channels; c++) {
            out[c] = in[c];
        }
        in += block * channels;
        out += a->out_row_floats;
    }
}

void run_depth_to_space(const struct tensor *in, uint32_t block, struct tensor *out)
{
    struct map_args args = map_args(in, out);
    args.count_x = out->channels;
    args.count_y = block;
    wjit_parallel_for(block, in->width, in->height, depth_to_space, &args);
}
