/* Reads model.json, orders the layers, finds the number of channels of each, and then takes the
 * weights from their files, repacked as the kernels want them. */
#include "model.h"

#include "fail.h"
#include "file.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

#define LAYERS_MAX 4096
#define CHANNELS_MAX 4096
#define KERNEL_MAX 31
#define TIMES_MAX 16

/* A number in the description of a layer that must be whole and in 1..max. */
static uint32_t read_count(const struct model *m, const struct layer *l, const struct json *value,
                           const char *what, uint32_t max)
{
    double number = json_number(value, 0);
    if (!(number >= 1 && number <= max) || number != (uint32_t) number) {
        fail(m->path, "layer %s: bad %s: expected a whole number from 1 to %u", l->name, what, max);
    }
    return (uint32_t) number;
}

/* A list such as [1, 1] that this program knows in no other form. */
static void expect_ones(const struct model *m, const struct layer *l, const struct json *config,
                        const char *key)
{
    const struct json *list = json_get(config, key);
    if (json_number(json_at(list, 0), 1) != 1 || json_number(json_at(list, 1), 1) != 1) {
        fail(m->path, "layer %s: unknown %s: expected [1, 1]", l->name, key);
    }
}

/* True for ReLU, false for none. */
static bool read_activation(const struct model *m, const struct layer *l, const struct json *config)
{
    const char *activation = json_string(json_get(config, "activation"), "linear");
    if (strcmp(activation, "relu") == 0) {
        return true;
    }
    if (strcmp(activation, "linear") != 0) {
        fail(m->path, "layer %s: unknown activation %s: expected relu or linear", l->name,
             activation);
    }
    return false;
}

static void read_conv(struct model *m, struct layer *l, const struct json *config)
{
    const struct json *size = json_get(config, "kernel_size");
    const char *padding = json_string(json_get(config, "padding"), "valid");
    l->kind = LAYER_CONV;
    l->channels = read_count(m, l, json_get(config, "filters"), "filters", CHANNELS_MAX);
    l->weights.kernel_height = read_count(m, l, json_at(size, 0), "kernel_size", KERNEL_MAX);
    l->weights.kernel_width = read_count(m, l, json_at(size, 1), "kernel_size", KERNEL_MAX);
    l->relu = read_activation(m, l, config);
    l->valid = strcmp(padding, "valid") == 0;
    if (!l->valid && strcmp(padding, "same") != 0) {
        fail(m->path, "layer %s: unknown padding %s: expected same or valid", l->name, padding);
    }
    expect_ones(m, l, config, "strides");
    expect_ones(m, l, config, "dilation_rate");
    if (json_number(json_get(config, "groups"), 1) != 1) {
        fail(m->path, "layer %s: unknown groups: expected 1", l->name);
    }
    uint32_t reach_y = l->weights.kernel_height / 2, reach_x = l->weights.kernel_width / 2;
    m->frame = reach_y > m->frame ? reach_y : m->frame;
    m->frame = reach_x > m->frame ? reach_x : m->frame;
}

static void read_upsample(struct model *m, struct layer *l, const struct json *config)
{
    const struct json *size = json_get(config, "size");
    const char *interpolation = json_string(json_get(config, "interpolation"), "nearest");
    l->kind = LAYER_UPSAMPLE;
    l->times_y = read_count(m, l, json_at(size, 0), "size", TIMES_MAX);
    l->times_x = read_count(m, l, json_at(size, 1), "size", TIMES_MAX);
    if (strcmp(interpolation, "nearest") != 0) {
        fail(m->path, "layer %s: unknown interpolation %s: expected nearest", l->name,
             interpolation);
    }
}

/* The class of a layer and what it says about itself. The layers MultiplyBeta and PixelShuffle are
 * not of Keras; the models that have them take samples from 0 to 1, as their packages say. */
static void read_layer_class(struct model *m, struct layer *l, const struct json *json)
{
    const char *class_name = json_string(json_get(json, "class_name"), "without class_name");
    const struct json *config = json_get(json, "config");
    const char *format = json_string(json_get(config, "data_format"), "channels_last");
    if (strcmp(format, "channels_last") != 0) {
        fail(m->path, "layer %s: unknown data_format %s: expected channels_last", l->name, format);
    }
    if (strcmp(class_name, "InputLayer") == 0) {
        l->kind = LAYER_INPUT;
        l->channels = (uint32_t) json_number(json_at(json_get(config, "batch_input_shape"), 3), 0);
    } else if (strcmp(class_name, "Conv2D") == 0) {
        read_conv(m, l, config);
    } else if (strcmp(class_name, "Activation") == 0) {
        l->kind = read_activation(m, l, config) ? LAYER_RELU : LAYER_SAME;
    } else if (strcmp(class_name, "ReLU") == 0) {
        l->kind = LAYER_RELU;
    } else if (strcmp(class_name, "Concatenate") == 0) {
        double axis = json_number(json_get(config, "axis"), -1);
        l->kind = LAYER_CONCAT;
        if (axis != 3 && axis != -1) {
            fail(m->path, "layer %s: unknown axis: expected the channels, 3", l->name);
        }
    } else if (strcmp(class_name, "Add") == 0) {
        l->kind = LAYER_ADD;
    } else if (strcmp(class_name, "UpSampling2D") == 0) {
        read_upsample(m, l, config);
    } else if (strcmp(class_name, "MultiplyBeta") == 0) {
        l->kind = LAYER_SCALE;
        l->factor = (float) json_number(json_get(config, "beta"), 0.2);
        m->sample_scale = 1.0f;
    } else if (strncmp(class_name, "PixelShuffle", 12) == 0) {
        l->kind = LAYER_DEPTH_TO_SPACE;
        l->times_x = read_count(m, l, json_get(config, "scale"), "scale", TIMES_MAX);
        l->times_y = l->times_x;
        m->sample_scale = 1.0f;
    } else {
        fail(m->path, "layer %s: unknown class %s: expected a layer that this program knows",
             l->name, class_name);
    }
}

static uint32_t find_layer(const struct model *m, const char *name, const char *user)
{
    for (uint32_t i = 0; i < m->n_layers; i++) {
        if (strcmp(m->layers[i].name, name) == 0) {
            return i;
        }
    }
    fail(m->path, "%s names the layer %s: expected one that exists", user, name);
}

/* "inbound_nodes": one call of the layer, each input as [name, 0, 0, {}]. */
static void read_inputs(struct model *m, struct layer *l, const struct json *json)
{
    const struct json *calls = json_get(json, "inbound_nodes");
    const struct json *inputs = json_at(calls, 0);
    size_t n_inputs = json_count(inputs);
    bool many = l->kind == LAYER_CONCAT || l->kind == LAYER_ADD;
    bool right = l->kind == LAYER_INPUT ? n_inputs == 0
                 : many                 ? n_inputs >= 1 && n_inputs <= LAYERS_MAX
                                        : n_inputs == 1;
    if (!right || json_count(calls) > 1) {
        fail(m->path, "layer %s: bad inbound_nodes: expected one call with %s", l->name,
             l->kind == LAYER_INPUT ? "no input"
             : many                 ? "inputs"
                                    : "one input");
    }
    l->inputs = must_allocate(n_inputs * sizeof *l->inputs, m->path);
    for (const struct json *input = json_at(inputs, 0); input != NULL; input = input->next) {
        uint32_t at = find_layer(m, json_string(json_at(input, 0), ""), l->name);
        l->inputs[l->n_inputs++] = at;
        m->layers[at].n_users++;
    }
}

static void read_layers(struct model *m, const struct json *config)
{
    const struct json *list = json_get(config, "layers");
    size_t n_layers = json_count(list);
    if (n_layers == 0 || n_layers > LAYERS_MAX) {
        fail(m->path, "%zu layers: expected 1 to %d", n_layers, LAYERS_MAX);
    }
    m->layers = must_allocate(n_layers * sizeof *m->layers, m->path);
    memset(m->layers, 0, n_layers * sizeof *m->layers);
    for (const struct json *json = json_at(list, 0); json != NULL; json = json->next) {
        struct layer *l = &m->layers[m->n_layers++];
        l->name = json_string(json_get(json, "name"), "without name");
        read_layer_class(m, l, json);
    }
    struct layer *l = m->layers;
    for (const struct json *json = json_at(list, 0); json != NULL; json = json->next) {
        read_inputs(m, l++, json);
    }
    const struct json *ins = json_get(config, "input_layers");
    const struct json *outs = json_get(config, "output_layers");
    m->input = find_layer(m, json_string(json_at(json_at(ins, 0), 0), ""), "input_layers");
    m->output = find_layer(m, json_string(json_at(json_at(outs, 0), 0), ""), "output_layers");
    m->layers[m->output].n_users++;
    if (json_count(ins) != 1 || json_count(outs) != 1 || m->layers[m->input].kind != LAYER_INPUT ||
        m->layers[m->input].channels != 3) {
        fail(m->path, "unknown inputs or outputs: expected one of each, the input of 3 channels");
    }
}

/* Each round places the layers whose inputs have their places; files are nearly always in order, so
 * that one round does it. */
static void order_layers(struct model *m)
{
    uint32_t n_placed = 0, n_before = UINT32_MAX;
    m->order = must_allocate(m->n_layers * sizeof *m->order, m->path);
    while (n_placed < m->n_layers && n_placed != n_before) {
        n_before = n_placed;
        for (uint32_t i = 0; i < m->n_layers; i++) {
            struct layer *l = &m->layers[i];
            bool ready = !l->placed;
            for (uint32_t k = 0; ready && k < l->n_inputs; k++) {
                ready = m->layers[l->inputs[k]].placed;
            }
            if (ready) {
                l->placed = true;
                m->order[n_placed++] = i;
            }
        }
    }
    if (n_placed < m->n_layers) {
        fail(m->path, "the layers form a cycle: expected an order in which they can run");
    }
}

/* A ReLU that is the only reader of a convolution is done by it. */
static void fuse_relu(struct model *m)
{
    for (uint32_t i = 0; i < m->n_layers; i++) {
        struct layer *l = &m->layers[i];
        struct layer *input = l->kind == LAYER_RELU ? &m->layers[l->inputs[0]] : NULL;
        if (input != NULL && input->kind == LAYER_CONV && input->n_users == 1) {
            input->relu = true;
            l->kind = LAYER_SAME;
        }
    }
}

static void infer_channels(const struct model *m, struct layer *l)
{
    const struct layer *first = l->n_inputs > 0 ? &m->layers[l->inputs[0]] : NULL;
    switch (l->kind) {
    case LAYER_INPUT:
    case LAYER_CONV: break;
    case LAYER_RELU:
    case LAYER_SAME:
    case LAYER_SCALE:
    case LAYER_UPSAMPLE: l->channels = first->channels; break;
    case LAYER_CONCAT:
        for (uint32_t i = 0; i < l->n_inputs && l->channels <= CHANNELS_MAX; i++) {
            l->channels += m->layers[l->inputs[i]].channels;
        }
        break;
    case LAYER_ADD:
        l->channels = first->channels;
        for (uint32_t i = 1; i < l->n_inputs; i++) {
            uint32_t channels = m->layers[l->inputs[i]].channels;
            if (channels != l->channels) {
                fail(m->path, "layer %s: adds %u to %u channels: expected the same number", l->name,
                     channels, l->channels);
            }
        }
        break;
    case LAYER_DEPTH_TO_SPACE:
        l->channels = first->channels / (l->times_x * l->times_y);
        if (first->channels % (l->times_x * l->times_y) != 0) {
            fail(m->path, "layer %s: %u channels: expected a multiple of %u", l->name,
                 first->channels, l->times_x * l->times_y);
        }
        break;
    }
    if (l->channels == 0 || l->channels > CHANNELS_MAX) {
        fail(m->path, "layer %s: too many channels: expected 1 to %d", l->name, CHANNELS_MAX);
    }
}

/* The weights as the manifest lists them: tensors one after the other, across the files. */
struct weights {
    const struct json *entry; /* the next tensor: {"name", "shape", "dtype"} */
    const unsigned char *data;
    size_t size_bytes;
    const char *last_path;
};

static struct weights read_weight_files(const struct model *m, const char *folder,
                                        const struct json *group)
{
    struct weights w = {.entry = json_at(json_get(group, "weights"), 0), .last_path = m->path};
    unsigned char *data = NULL;
    const struct json *path = json_at(json_get(group, "paths"), 0);
    for (; path != NULL; path = path->next) {
        char *name = file_path(folder, json_string(path, ""));
        struct bytes bytes = file_read(name, "weights of the model");
        data = realloc(data, w.size_bytes + bytes.count + 1);
        if (data == NULL) {
            fail(name, "out of memory: expected to get %zu more bytes", bytes.count);
        }
        memcpy(data + w.size_bytes, bytes.data, bytes.count);
        w.size_bytes += bytes.count;
        w.last_path = name;
        free(bytes.data);
    }
    w.data = data;
    return w;
}

/* What the manifest says of a tensor must be what its layer has. */
static void check_entry(const struct model *m, const struct layer *l, const struct weights *w,
                        bool is_bias)
{
    const struct json *shape = json_get(w->entry, "shape");
    const char *name = json_string(json_get(w->entry, "name"), "");
    const char *type = json_string(json_get(w->entry, "dtype"), "");
    double want[4] = {l->weights.kernel_height, l->weights.kernel_width,
                      m->layers[l->inputs[0]].channels, l->channels};
    size_t first = is_bias ? 3 : 0;
    bool right = json_count(shape) == 4 - first;
    for (size_t i = first; i < 4; i++) {
        right = right && json_number(json_at(shape, i - first), 0) == want[i];
    }
    if (!right) {
        fail(m->path, "weights %s: bad shape: expected [%g, %g, %g, %g]%s", name, want[0], want[1],
             want[2], want[3], is_bias ? ", the last of it for the bias" : "");
    }
    if (strcmp(type, "float32") != 0 || json_get(w->entry, "quantization") != NULL) {
        fail(m->path, "weights %s: unknown dtype %s: expected plain float32", name, type);
    }
}

static const unsigned char *take_weights(struct weights *w, size_t n_floats)
{
    const unsigned char *data = w->data;
    if (n_floats > w->size_bytes / sizeof(float)) {
        fail(w->last_path, "too short for %s: expected %zu more bytes",
             json_string(json_get(w->entry, "name"), ""), n_floats * sizeof(float) - w->size_bytes);
    }
    w->data += n_floats * sizeof(float);
    w->size_bytes -= n_floats * sizeof(float);
    return data;
}

static float *zeroed_floats(const struct model *m, uint64_t n_floats)
{
    float *data = must_allocate(n_floats * sizeof *data, m->path);
    memset(data, 0, n_floats * sizeof *data);
    return data;
}

/* [kernel_height][kernel_width][in][out], the last two padded to a multiple of 4. */
static void pack_kernel(const struct model *m, struct layer *l, struct weights *w)
{
    struct conv_weights *c = &l->weights;
    uint32_t in = m->layers[l->inputs[0]].channels, out = l->channels;
    uint32_t taps = c->kernel_height * c->kernel_width;
    const unsigned char *from = take_weights(w, (size_t) taps * in * out);
    c->data = zeroed_floats(m, (uint64_t) taps * c->in_floats * c->out_floats);
    for (uint32_t tap = 0; tap < taps; tap++) {
        for (uint32_t i = 0; i < in; i++) {
            float *to = c->data + ((size_t) tap * c->in_floats + i) * c->out_floats;
            memcpy(to, from, out * sizeof *to);
            from += out * sizeof *to;
        }
    }
}

/* "layer/kernel" or "layer/bias", for the convolution of that name; all else is not ours. */
static void read_weights(struct model *m, struct weights *w)
{
    const char *name = json_string(json_get(w->entry, "name"), "");
    const char *slash = strrchr(name, '/');
    bool is_bias = slash != NULL && strcmp(slash, "/bias") == 0;
    struct layer *l = NULL;
    for (uint32_t i = 0; slash != NULL && i < m->n_layers && l == NULL; i++) {
        struct layer *candidate = &m->layers[i];
        size_t length = strlen(candidate->name);
        bool same = length == (size_t) (slash - name) && memcmp(candidate->name, name, length) == 0;
        l = same && candidate->kind == LAYER_CONV ? candidate : NULL;
    }
    if (l == NULL || (!is_bias && strcmp(slash, "/kernel") != 0)) {
        fail(m->path, "weights %s: expected kernel or bias of a layer", name);
    }
    check_entry(m, l, w, is_bias);
    struct conv_weights *c = &l->weights;
    c->in_floats = (m->layers[l->inputs[0]].channels + 3) & ~3u;
    c->out_floats = (l->channels + 3) & ~3u;
    if (is_bias) {
        const unsigned char *from = take_weights(w, l->channels);
        c->bias = c->bias == NULL ? zeroed_floats(m, c->out_floats) : c->bias;
        memcpy(c->bias, from, l->channels * sizeof(float));
    } else if (c->data == NULL) {
        pack_kernel(m, l, w);
    } else {
        fail(m->path, "weights %s: expected once", name);
    }
}

/* A convolution without a bias has one of zeros. */
static void finish_weights(struct model *m)
{
    for (uint32_t i = 0; i < m->n_layers; i++) {
        struct layer *l = &m->layers[i];
        if (l->kind == LAYER_CONV && l->weights.data == NULL) {
            fail(m->path, "layer %s: no weights: expected %s/kernel", l->name, l->name);
        }
        if (l->kind == LAYER_CONV && l->weights.bias == NULL) {
            l->weights.bias = zeroed_floats(m, l->weights.out_floats);
        }
    }
}

struct model model_load(const char *folder)
{
    char *path = file_path(folder, "model.json");
    struct model m = {.path = path, .sample_scale = 255.0f};
    const char *error = NULL;
    size_t offset = 0;
    struct bytes text = file_read(path, "a TensorFlow.js layers model");
    const struct json *json = json_parse((char *) text.data, &error, &offset);
    if (json == NULL) {
        fail(path, "no JSON at byte %zu: expected %s", offset, error);
    }
    const struct json *config = json_get(json_get(json, "modelTopology"), "model_config");
    const char *class_name = json_string(json_get(config, "class_name"), "none");
    if (strcmp(class_name, "Functional") != 0 && strcmp(class_name, "Model") != 0) {
        fail(path, "model class %s: expected a layers model of class Functional", class_name);
    }
    read_layers(&m, json_get(config, "config"));
    order_layers(&m);
    fuse_relu(&m);
    for (uint32_t i = 0; i < m.n_layers; i++) {
        infer_channels(&m, &m.layers[m.order[i]]);
    }
    if (m.layers[m.output].channels != 3) {
        fail(path, "%u channels come out: expected 3", m.layers[m.output].channels);
    }
    const struct json *group = json_at(json_get(json, "weightsManifest"), 0);
    for (; group != NULL; group = group->next) {
        struct weights w = read_weight_files(&m, folder, group);
        for (; w.entry != NULL; w.entry = w.entry->next) {
            read_weights(&m, &w);
        }
        if (w.size_bytes != 0) {
            fail(w.last_path, "%zu bytes too many: expected an end after the last weights",
                 w.size_bytes);
        }
    }
    finish_weights(&m);
    return m;
}
