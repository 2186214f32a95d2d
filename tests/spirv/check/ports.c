// Takes the place of runtime/api/ports_gpu.c: the command line with the checking device for its
// GPU.
#include <stddef.h>

#include "runtime/api/internal.h"
#include "tests/spirv/check/device.h"

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

void wj_ports_fill_gpu(struct wj_ports *ports)
{
    ports->lanes = NULL; // an item at a time, as the device has them
    ports->gpu_driver = &check_driver;
    ports->gpu_select = select_first;
    ports->gpu_set_up = set_up;
}

void wj_ports_serve_gpu(int socket)
{
    (void) socket;
}
