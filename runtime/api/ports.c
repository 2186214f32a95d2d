// Ties implementations to the runtime's ports: the compiler for the machine that this runs on and
// the translators of kernels. The GPU itself is in ports_gpu.c.
#include <string.h>

#include "lanes/kernel.h"
#include "runtime/api/internal.h"
#include "spirv/kernel.h"

extern const struct wj_backend wj_backend_x64;
extern const struct wj_backend wj_backend_a64;
extern const struct wj_backend wj_backend_trace;

static bool translate(const void *module, uint32_t func_index, const struct wj_gpu_shape *shape,
                      const struct wj_gpu_caps *caps, struct wj_gpu_code *code,
                      struct wj_err *reason)
{
    return wj_spirv_translate(module, func_index, shape, caps, code, reason);
}

const struct wj_backend *wj_ports_backend(const char *name)
{
    static const struct wj_backend *const backends[] = {&wj_backend_x64, &wj_backend_a64};
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        if (strcmp(backends[i]->name, name) == 0) {
            return backends[i];
        }
    }
    return NULL;
}

const struct wj_backend *wj_ports_printing_backend(void)
{
    return &wj_backend_trace;
}

void wj_ports_fill(struct wj_ports *ports)
{
    *ports = (struct wj_ports)
    {
#if defined(__aarch64__)
        .backend = &wj_backend_a64,
#else
        .backend = &wj_backend_x64,
#endif
        .lanes = wj_lanes_translate, .gpu_translate = translate,
    };
    wj_ports_fill_gpu(ports);
}
