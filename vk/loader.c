// Loads the Vulkan loader at run time and makes an instance: without Vulkan there is no GPU, and
// everything else works. Function pointers live in the instance's own table.
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vk/impl.h"

static const struct {
    VkResult result;
    const char *name;
} result_names[] = {
    {VK_NOT_READY, "not ready"},
    {VK_TIMEOUT, "timeout"},
    {VK_INCOMPLETE, "incomplete"},
    {VK_ERROR_OUT_OF_HOST_MEMORY, "out of host memory"},
    {VK_ERROR_OUT_OF_DEVICE_MEMORY, "out of device memory"},
    {VK_ERROR_INITIALIZATION_FAILED, "initialisation failed"},
    {VK_ERROR_DEVICE_LOST, "the device is lost"},
    {VK_ERROR_MEMORY_MAP_FAILED, "memory cannot be mapped"},
    {VK_ERROR_LAYER_NOT_PRESENT, "a layer that the environment asks for is missing"},
    {VK_ERROR_EXTENSION_NOT_PRESENT, "an extension is missing"},
    {VK_ERROR_FEATURE_NOT_PRESENT, "a feature is missing"},
    {VK_ERROR_INCOMPATIBLE_DRIVER, "no compatible driver is installed"},
    {VK_ERROR_TOO_MANY_OBJECTS, "too many objects"},
    {VK_ERROR_OUT_OF_POOL_MEMORY, "out of pool memory"},
    {VK_ERROR_INVALID_EXTERNAL_HANDLE, "the host pointer cannot be imported"},
    {VK_ERROR_UNKNOWN, "unknown error"},
};

bool wj_vk_fail(struct wj_err *err, const char *what, VkResult result)
{
    for (size_t i = 0; i < sizeof result_names / sizeof *result_names; i++) {
        if (result_names[i].result == result) {
            return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "Vulkan: %s: %s", what,
                              result_names[i].name);
        }
    }
    return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "Vulkan: %s: result %d", what,
                      (int) result);
}

double wj_vk_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec * 1e3 + (double) now.tv_nsec * 1e-6;
}

static bool look_up_instance(struct wj_gpu *gpu, struct wj_err *err)
{
    const char *missing = NULL;
#define WJ_VK_INSTANCE(name)                                                                      \
    gpu->vk.name = (PFN_vk##name)(void *) gpu->vk.GetInstanceProcAddr(gpu->instance, "vk" #name); \
    missing = gpu->vk.name == NULL ? "vk" #name : missing;
#define WJ_VK_DEVICE(name)
#define WJ_VK_DEVICE_OPTIONAL(name)
#include "vk/functions.def"
    return missing == NULL ||
           wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "Vulkan: the loader has no %s", missing);
}

static bool make_instance(struct wj_gpu *gpu, struct wj_err *err)
{
    PFN_vkEnumerateInstanceVersion get_version =
        (PFN_vkEnumerateInstanceVersion) (void *) gpu->vk.GetInstanceProcAddr(
            NULL, "vkEnumerateInstanceVersion");
    PFN_vkCreateInstance create =
        (PFN_vkCreateInstance) (void *) gpu->vk.GetInstanceProcAddr(NULL, "vkCreateInstance");
    uint32_t version = VK_API_VERSION_1_0;
    if (get_version == NULL || get_version(&version) != VK_SUCCESS || create == NULL ||
        version < VK_API_VERSION_1_1) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET,
                          "Vulkan: the loader is older than version 1.1");
    }
    const VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "wjit",
        .pEngineName = "wjit",
        .apiVersion = VK_API_VERSION_1_3,
    };
    const VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pApplicationInfo = &application,
    };
    VkResult result = create(&info, NULL, &gpu->instance);
    if (result != VK_SUCCESS) {
        gpu->instance = VK_NULL_HANDLE;
        return wj_vk_fail(err, "vkCreateInstance", result);
    }
    return look_up_instance(gpu, err);
}

bool wj_vk_load_from(const char *library, struct wj_gpu **gpu_out, struct wj_err *err)
{
    struct wj_gpu *gpu = calloc(1, sizeof *gpu);
    if (gpu == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory for the Vulkan loader");
    }
    wj_vk_set_cache_folder(gpu, "");
    gpu->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (gpu->library == NULL) {
        const char *reason = dlerror();
        wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "no Vulkan loader: %s",
                   reason != NULL ? reason : library);
        goto failed;
    }
    gpu->vk.GetInstanceProcAddr =
        (PFN_vkGetInstanceProcAddr) dlsym(gpu->library, "vkGetInstanceProcAddr");
    if (gpu->vk.GetInstanceProcAddr == NULL) {
        wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "%s is no Vulkan loader", library);
        goto failed;
    }
    if (!make_instance(gpu, err) || !wj_vk_find_devices(gpu, err)) {
        goto failed;
    }
    *gpu_out = gpu;
    return true;

failed:
    wj_vk_unload(gpu);
    return false;
}

void wj_vk_unload(struct wj_gpu *gpu)
{
    if (gpu == NULL) {
        return;
    }
    if (gpu->instance != VK_NULL_HANDLE && gpu->vk.DestroyInstance != NULL && !gpu->has_lost) {
        gpu->vk.DestroyInstance(gpu->instance, NULL);
    }
    if (gpu->library != NULL && !gpu->has_lost) {
        dlclose(gpu->library);
    }
    free(gpu->devices);
    free(gpu->cache_folder);
    free(gpu);
}

uint32_t wj_vk_device_count(const struct wj_gpu *gpu)
{
    return gpu->device_count;
}

bool wj_vk_prefers_mirror(const struct wj_gpu *gpu, const struct wj_vk_found *found)
{
    switch (gpu->memory_mode) {
    case WJ_VK_MEMORY_AUTO: return !found->info.can_import || !found->has_unified_memory;
    case WJ_VK_MEMORY_IMPORT: return false;
    case WJ_VK_MEMORY_MIRROR: return true;
    }
    return true;
}

void wj_vk_device_info(const struct wj_gpu *gpu, uint32_t index, struct wj_gpu_info *info)
{
    memset(info, 0, sizeof *info);
    if (index < gpu->device_count) {
        *info = gpu->devices[index].info;
        info->is_mirrored = wj_vk_prefers_mirror(gpu, &gpu->devices[index]);
    }
}

void wj_vk_set_cache_folder(struct wj_gpu *gpu, const char *folder)
{
    free(gpu->cache_folder);
    gpu->cache_folder = folder != NULL ? strdup(folder) : NULL;
}

bool wj_vk_set_memory_mode(struct wj_gpu *gpu, enum wj_vk_memory_mode mode, struct wj_err *err)
{
    bool can = mode != WJ_VK_MEMORY_IMPORT || gpu->device_count == 0;
    for (uint32_t i = 0; i < gpu->device_count; i++) {
        can |= gpu->devices[i].info.can_import;
    }
    if (!can) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET,
                          "no device can import host memory (VK_EXT_external_memory_host)");
    }
    gpu->memory_mode = mode;
    return true;
}
