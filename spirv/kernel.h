// Kernels as compute shaders: what runtime/vm/gpu.h asks for, made from a function of a module.
#ifndef SPIRV_KERNEL_H
#define SPIRV_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/vm/gpu.h"
#include "wasm/module.h"

// Translates the function and all that it calls. The module has been validated. False: `reason`
// says what keeps the function off the device, with the operation's byte offset. The caller frees
// code->words. Of *code only `left` is read.
bool wj_spirv_translate(const struct wj_module *module, uint32_t func_index,
                        const struct wj_gpu_shape *shape, const struct wj_gpu_caps *caps,
                        struct wj_gpu_code *code, struct wj_err *reason);

#endif
