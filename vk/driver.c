// The table of functions by which the runtime reaches Vulkan.
#include "vk/vk.h"

#include "vk/impl.h"

static bool load(struct wj_gpu **gpu, struct wj_err *err)
{
    return wj_vk_load_from("libvulkan.so.1", gpu, err);
}

const struct wj_gpu_driver wj_vk_driver = {
    .load = load,
    .unload = wj_vk_unload,
    .device_count = wj_vk_device_count,
    .device_info = wj_vk_device_info,
    .open = wj_vk_open,
    .close = wj_vk_close,
    .caps = wj_vk_caps,
    .memory_add = wj_vk_memory_add,
    .memory_resize = wj_vk_memory_resize,
    .memory_forget = wj_vk_memory_forget,
    .kernel_new = wj_vk_kernel_new,
    .kernel_free = wj_vk_kernel_free,
    .dispatch = wj_vk_dispatch,
};
