// Takes the place of runtime/api/ports.c: the command line with the checking device for its GPU.
#include <stddef.h>

#include "runtime/api/internal.h"
#include "spirv/kernel.h"
#include "tests/spirv/check/device.h"

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
    (void) gpu, (void) setup, (void) err;
    return true;
}

static bool select_first(const struct wj_gpu_driver *driver, const struct wj_gpu *gpu,
                         const char *selector, uint32_t *index, struct wj_err *err)
{
    (void) driver, (void) gpu, (void) selector, (void) err;
    *index = 0;
    return true;
}

const struct wj_backend *wj_ports_backend(const char *name)
{
    (void) name;
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
        .gpu_driver = &check_driver, .gpu_translate = translate, .gpu_select = select_first,
        .gpu_set_up = set_up,
    };
}

void wj_ports_serve_gpu(int socket)
{
    (void) socket;
}
