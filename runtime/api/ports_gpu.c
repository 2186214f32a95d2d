// The GPU's part of the ports: the Vulkan driver, in this process or in another. A program that
// has a definition of its own is linked without the driver.
#include "remote/remote.h"
#include "runtime/api/internal.h"
#include "vk/vk.h"

static bool set_up(struct wj_gpu *gpu, const struct wj_gpu_setup *setup, struct wj_err *err)
{
    wj_vk_set_cache_folder(gpu, setup->cache_folder);
    return wj_vk_set_memory_mode(gpu, (enum wj_vk_memory_mode) setup->memory_mode, err);
}

void wj_ports_fill_gpu(struct wj_ports *ports)
{
    ports->gpu_driver = &wj_vk_driver;
    ports->gpu_select = wj_vk_select;
    ports->gpu_set_up = set_up;
    ports->gpu_remote_driver = &wj_remote_driver;
    ports->gpu_remote_load = wj_remote_load;
}

void wj_ports_serve_gpu(int socket)
{
    wj_remote_serve(socket, &wj_vk_driver, set_up);
}
