// The one place that ties implementations to the runtime's ports: the compiler for the machine
// that this runs on, the GPU driver and the translator of kernels.
#include <string.h>

#include "lanes/kernel.h"
#include "remote/remote.h"
#include "runtime/api/internal.h"
#include "spirv/kernel.h"
#include "vk/vk.h"

extern const struct wj_backend wj_backend_x64;
extern const struct wj_backend wj_backend_a64;
extern const struct wj_backend wj_backend_trace;

static bool translate(const void *module, uint32_t func_index, const struct wj_gpu_shape *shape,
                      const struct wj_gpu_caps *caps, struct wj_gpu_code *code,
                      struct wj_err *reason)
{
    return wj_spirv_translate(module, func_index, shape, caps, code, reason);
}

static bool set_up(struct wj_gpu *gpu, const struct wj_gpu_setup *setup, struct wj_err *err)
{
    wj_vk_set_cache_folder(gpu, setup->cache_folder);
    return wj_vk_set_memory_mode(gpu, (enum wj_vk_memory_mode) setup->memory_mode, err);
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
        .lanes = wj_lanes_translate,
        .gpu_driver = &wj_vk_driver, .gpu_translate = translate, .gpu_select = wj_vk_select,
        .gpu_set_up = set_up, .gpu_remote_driver = &wj_remote_driver,
        .gpu_remote_load = wj_remote_load,
    };
}

void wj_ports_serve_gpu(int socket)
{
    wj_remote_serve(socket, &wj_vk_driver, set_up);
}
