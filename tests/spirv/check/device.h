// The port of runtime/vm/gpu.h to the interpreter of shaders.
#ifndef CHECK_DEVICE_H
#define CHECK_DEVICE_H

#include "runtime/vm/gpu.h"

extern const struct wj_gpu_driver check_driver;

#endif
