/* A convolutional network in the TensorFlow.js layers format: model.json and its weight files,
 * as a list of layers in an order in which they can run. */
#ifndef UPSCALE_MODEL_H
#define UPSCALE_MODEL_H

#include "kernels.h"

#include <stdbool.h>
#include <stdint.h>

enum layer_kind {
    LAYER_INPUT,
    LAYER_CONV,
    LAYER_RELU,
    LAYER_SAME, /* the value of its input: linear, or a ReLU that the convolution has done */
    LAYER_CONCAT,
    LAYER_ADD,
    LAYER_SCALE,
    LAYER_UPSAMPLE,
    LAYER_DEPTH_TO_SPACE,
};

struct layer {
    enum layer_kind kind;
    const char *name;
    uint32_t *inputs; /* layers, by index */
    uint32_t n_inputs;
    uint32_t n_users; /* inputs of other layers that it is, and 1 for the output of the network */
    uint32_t channels;
    bool placed; /* has its place in the order */

    struct conv_weights weights; /* LAYER_CONV */
    bool relu, valid;
    float factor;              /* LAYER_SCALE */
    uint32_t times_x, times_y; /* LAYER_UPSAMPLE, LAYER_DEPTH_TO_SPACE */
};

struct model {
    const char *path; /* of model.json, for messages */
    struct layer *layers;
    uint32_t n_layers;
    uint32_t *order; /* indices of layers: each comes after its inputs */
    uint32_t input, output;
    uint32_t frame;     /* pixels that a kernel reaches beyond its own, at most */
    float sample_scale; /* what the network takes and makes for the sample 255 */
};

/* Ends the program with a message where the model cannot be read, is no such model, or has a layer
 * that this program does not know. The network takes and makes 3 channels. */
struct model model_load(const char *folder);

#endif
