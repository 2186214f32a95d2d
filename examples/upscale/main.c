/* upscale --model FOLDER IN OUT: makes a picture larger with a neural network, whose layers are
 * kernels for wjit. The network is read as its authors published it. */
#include "fail.h"
#include "file.h"
#include "kernels.h"
#include "model.h"
#include "picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Tensors that nobody will read any more, for the next one of the same size: their frames and
 * padding are zero still. */
struct pool {
    const char *picture_path; /* for messages */
    struct tensor *free;
    uint32_t n_free;
    uint32_t frame;
};

static struct tensor take_tensor(struct pool *pool, uint64_t width, uint64_t height,
                                 uint32_t channels)
{
    for (uint32_t i = 0; i < pool->n_free; i++) {
        struct tensor t = pool->free[i];
        if (t.width == width && t.height == height && t.channels == channels) {
            pool->free[i] = pool->free[--pool->n_free];
            return t;
        }
    }
    uint64_t pixel_floats = (channels + 3) & ~3u;
    uint64_t row_floats = (((width + 3) & ~(uint64_t) 3) + 2 * pool->frame) * pixel_floats;
    uint64_t size_bytes = (height + 2 * pool->frame) * row_floats * sizeof(float);
    if (width > 1u << 20 || height > 1u << 20 || size_bytes > INT32_MAX) {
        fail(pool->picture_path, "too large: expected fewer pixels, for layers below 2 GiB");
    }
    struct tensor t = {
        .width = (uint32_t) width, .height = (uint32_t) height, .channels = channels};
    t.pixel_floats = (uint32_t) pixel_floats;
    t.row_floats = (uint32_t) row_floats;
    t.data = malloc(size_bytes);
    while (t.data == NULL && pool->n_free > 0) {
        free(pool->free[--pool->n_free].data);
        t.data = malloc(size_bytes);
    }
    if (t.data == NULL) {
        fail(pool->picture_path, "out of memory: expected a smaller picture, or %llu more bytes",
             (unsigned long long) size_bytes);
    }
    memset(t.data, 0, size_bytes);
    t.origin = t.data + pool->frame * (t.row_floats + t.pixel_floats);
    return t;
}

/* The size of what a layer makes of its inputs, and the tensor for it. */
static struct tensor take_output(struct pool *pool, const struct model *m, const struct layer *l,
                                 const struct tensor *tensors)
{
    const struct tensor *in = &tensors[l->inputs[0]];
    uint64_t width = in->width, height = in->height;
    for (uint32_t i = 1; i < l->n_inputs; i++) {
        const struct tensor *other = &tensors[l->inputs[i]];
        if (other->width != in->width || other->height != in->height) {
            fail(m->path, "layer %s: joins %u * %u and %u * %u pixels: expected the same size",
                 l->name, in->width, in->height, other->width, other->height);
        }
    }
    if (l->kind == LAYER_UPSAMPLE || l->kind == LAYER_DEPTH_TO_SPACE) {
        width *= l->times_x;
        height *= l->times_y;
    }
    if (l->kind == LAYER_CONV && l->valid) {
        if (width < l->weights.kernel_width || height < l->weights.kernel_height) {
            fail(pool->picture_path, "too small: expected at least %u * %u pixels for layer %s",
                 l->weights.kernel_width, l->weights.kernel_height, l->name);
        }
        width -= l->weights.kernel_width - 1;
        height -= l->weights.kernel_height - 1;
    }
    return take_tensor(pool, width, height, l->channels);
}

static void run_layer(const struct layer *l, const struct tensor *tensors, struct tensor *out)
{
    const struct tensor *in = &tensors[l->inputs[0]];
    uint32_t first_channel = 0;
    switch (l->kind) {
    case LAYER_INPUT:
    case LAYER_SAME: break;
    case LAYER_CONV: run_conv(in, &l->weights, l->relu, l->valid, out); break;
    case LAYER_RELU: run_relu(in, out); break;
    case LAYER_CONCAT:
        for (uint32_t i = 0; i < l->n_inputs; i++) {
            run_copy_channels(&tensors[l->inputs[i]], first_channel, out);
            first_channel += tensors[l->inputs[i]].channels;
        }
        break;
    case LAYER_ADD:
        if (l->n_inputs == 1) {
            run_copy_channels(in, 0, out);
        }
        for (uint32_t i = 1; i < l->n_inputs; i++) {
            run_add(i == 1 ? in : out, &tensors[l->inputs[i]], out);
        }
        break;
    case LAYER_SCALE: run_scale(in, l->factor, out); break;
    case LAYER_UPSAMPLE: run_upsample(in, l->times_x, l->times_y, out); break;
    case LAYER_DEPTH_TO_SPACE: run_depth_to_space(in, l->times_x, out); break;
    }
}

static void show_progress(uint32_t done, uint32_t total)
{
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\rlayer %u of %u%s", done, total, done < total ? "" : "\n");
        fflush(stderr);
    }
}

/* Runs all layers, each tensor going back to the pool after its last reader. */
static struct tensor run_model(const struct model *m, struct pool *pool, struct tensor input)
{
    struct tensor *tensors = must_allocate(m->n_layers * sizeof *tensors, m->path);
    uint32_t *holders = must_allocate(m->n_layers * sizeof *holders, m->path);
    uint32_t *users = must_allocate(m->n_layers * sizeof *users, m->path);
    pool->free = must_allocate(m->n_layers * sizeof *pool->free, m->path);
    for (uint32_t i = 0; i < m->n_layers; i++) {
        holders[i] = i;
        users[i] = m->layers[i].n_users;
    }
    for (uint32_t i = 0; i < m->n_layers; i++) {
        uint32_t at = m->order[i];
        const struct layer *l = &m->layers[at];
        show_progress(i, m->n_layers);
        if (l->kind == LAYER_INPUT) {
            tensors[at] = input;
            continue;
        }
        if (l->kind == LAYER_SAME) {
            holders[at] = holders[l->inputs[0]];
            tensors[at] = tensors[l->inputs[0]];
            users[holders[at]] += users[at];
        } else {
            tensors[at] = take_output(pool, m, l, tensors);
            run_layer(l, tensors, &tensors[at]);
        }
        for (uint32_t k = 0; k < l->n_inputs; k++) {
            uint32_t holder = holders[l->inputs[k]];
            if (--users[holder] == 0) {
                pool->free[pool->n_free++] = tensors[holder];
            }
        }
    }
    show_progress(m->n_layers, m->n_layers);
    return tensors[m->output];
}

static struct tensor tensor_of_picture(struct pool *pool, const struct picture *p, float scale)
{
    struct tensor t = take_tensor(pool, p->width, p->height, 3);
    for (uint32_t y = 0; y < p->height; y++) {
        const uint8_t *from = p->rgb + (size_t) y * p->width * 3;
        for (uint32_t x = 0; x < p->width; x++) {
            float *to = t.origin + y * t.row_floats + x * t.pixel_floats;
            for (uint32_t c = 0; c < 3; c++) {
                to[c] = (float) *from++ / 255.0f * scale;
            }
        }
    }
    return t;
}

static struct picture picture_of_tensor(const struct tensor *t, float scale)
{
    struct picture p = {.width = t->width, .height = t->height};
    uint8_t *to = must_allocate((uint64_t) t->width * t->height * 3, "picture");
    p.rgb = to;
    for (uint32_t y = 0; y < t->height; y++) {
        for (uint32_t x = 0; x < t->width; x++) {
            const float *from = t->origin + y * t->row_floats + x * t->pixel_floats;
            for (uint32_t c = 0; c < 3; c++) {
                float sample = from[c] * (255.0f / scale);
                *to++ = sample > 0 ? sample < 255 ? (uint8_t) (sample + 0.5f) : 255 : 0;
            }
        }
    }
    return p;
}

int main(int argc, char **argv)
{
    if (argc != 5 || strcmp(argv[1], "--model") != 0) {
        fputs("upscale: usage: upscale --model FOLDER IN.png OUT.png\n", stderr);
        return 1;
    }
    const char *folder = argv[2], *in_path = argv[3], *out_path = argv[4];
    struct model model = model_load(folder);
    struct picture in = picture_read(in_path);
    file_check_writable(out_path);
    struct pool pool = {.picture_path = in_path, .frame = model.frame};
    struct tensor input = tensor_of_picture(&pool, &in, model.sample_scale);
    struct tensor output = run_model(&model, &pool, input);
    struct picture out = picture_of_tensor(&output, model.sample_scale);
    picture_write_png(out_path, &out);
    return 0;
}
