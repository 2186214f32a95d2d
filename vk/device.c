// Opens a device: features, queue, and the objects that all dispatches share. The self-test runs
// last, through the same calls that kernels take.
#include <stdlib.h>
#include <string.h>

#include "vk/impl.h"

enum { TIMESTAMP_COUNT = 2 };

static bool look_up_device(struct wj_gpu_device *device, struct wj_err *err)
{
    const struct wj_vk_instance_api *vki = &device->gpu->vk;
    const char *missing = NULL;
#define WJ_VK_INSTANCE(name)
#define WJ_VK_DEVICE(name)                                                                       \
    device->vk.name = (PFN_vk##name)(void *) vki->GetDeviceProcAddr(device->device, "vk" #name); \
    missing = device->vk.name == NULL ? "vk" #name : missing;
#define WJ_VK_DEVICE_OPTIONAL(name) \
    device->vk.name = (PFN_vk##name)(void *) vki->GetDeviceProcAddr(device->device, "vk" #name);
#include "vk/functions.def"
    return missing == NULL ||
           wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "Vulkan: the driver has no %s", missing);
}

static bool pick_queue(struct wj_gpu_device *device, struct wj_err *err)
{
    const struct wj_vk_instance_api *vki = &device->gpu->vk;
    VkQueueFamilyProperties families[32];
    uint32_t count = sizeof families / sizeof *families;
    vki->GetPhysicalDeviceQueueFamilyProperties(device->found->physical, &count, families);
    for (uint32_t i = 0; i < count; i++) {
        if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0 && families[i].queueCount > 0) {
            const uint32_t bits = families[i].timestampValidBits;
            device->queue_family = i;
            device->tick_mask = bits >= 64 ? UINT64_MAX : ((uint64_t) 1 << bits) - 1;
            return true;
        }
    }
    return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "%s: no queue for compute",
                      device->found->info.name);
}

static void read_limits(struct wj_gpu_device *device)
{
    VkPhysicalDeviceFloatControlsProperties floats = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES};
    VkPhysicalDeviceSubgroupProperties subgroup = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES, .pNext = &floats};
    VkPhysicalDeviceProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                       .pNext = &subgroup};
    device->gpu->vk.GetPhysicalDeviceProperties2(device->found->physical, &all);
    const VkPhysicalDeviceLimits *limits = &all.properties.limits;
    struct wj_gpu_caps *caps = &device->caps;
    caps->subgroup_size = subgroup.subgroupSize;
    caps->storage_range_max_bytes = limits->maxStorageBufferRange;
    // A set each, of BINDING_COUNT buffers.
    caps->memories_max = limits->maxPerStageDescriptorStorageBuffers / BINDING_COUNT;
    caps->memories_max = caps->memories_max < limits->maxBoundDescriptorSets
                             ? caps->memories_max
                             : limits->maxBoundDescriptorSets;
    caps->memories_max =
        caps->memories_max < WJ_GPU_MEMORIES_MAX ? caps->memories_max : WJ_GPU_MEMORIES_MAX;
    if (device->found->driver_id == VK_DRIVER_ID_MESA_LLVMPIPE) {
        // It advertises 128 MiB, enforces nothing, and computes offsets in signed 32 bits: what
        // ends below 2 GiB works (docs/gpu-drivers.md), what lies beyond crashes the driver.
        caps->storage_range_max_bytes = INT32_MAX & ~(uint64_t) (BLOCK_BYTES - 1);
    }
    memcpy(caps->workgroup_count_max, limits->maxComputeWorkGroupCount,
           sizeof caps->workgroup_count_max);
    caps->workgroup_size_max = limits->maxComputeWorkGroupInvocations;
    if (caps->workgroup_size_max > limits->maxComputeWorkGroupSize[0]) {
        caps->workgroup_size_max = limits->maxComputeWorkGroupSize[0];
    }
    caps->shared_bytes_max = limits->maxComputeSharedMemorySize;
    device->workgroup_size = WORKGROUP_SIZE;
    if (device->workgroup_size > caps->workgroup_size_max) {
        device->workgroup_size = caps->workgroup_size_max;
    }
    device->tick_ms = (double) limits->timestampPeriod * 1e-6;

    // Where 32 and 64 bits cannot differ, a mode is asked for only if both widths have it.
    struct wj_vk_float_controls *controls = &device->float_controls;
    const bool denorm[2] = {floats.shaderDenormPreserveFloat32, floats.shaderDenormPreserveFloat64};
    const bool round[2] = {floats.shaderRoundingModeRTEFloat32,
                           floats.shaderRoundingModeRTEFloat64};
    for (unsigned i = 0; i < 2; i++) {
        controls->denorm_preserve[i] =
            denorm[i] &&
            (floats.denormBehaviorIndependence != VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE ||
             denorm[1 - i]);
        controls->round_to_even[i] = round[i] && (floats.roundingModeIndependence !=
                                                      VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE ||
                                                  round[1 - i]);
    }
    controls->keep_special[0] = floats.shaderSignedZeroInfNanPreserveFloat32;
    controls->keep_special[1] = floats.shaderSignedZeroInfNanPreserveFloat64;
}

// Asks for what kernels may use, of what there is. Robustness stays off: kernels check for
// themselves, since what robust accesses do is not what WebAssembly does.
static bool make_device(struct wj_gpu_device *device, struct wj_err *err)
{
    const struct wj_vk_instance_api *vki = &device->gpu->vk;
    const struct wj_vk_found *found = device->found;
    const bool is_1_3 = found->api_version >= VK_API_VERSION_1_3;
    VkPhysicalDeviceVulkan13Features has13 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
    VkPhysicalDeviceVulkan12Features has12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .pNext = is_1_3 ? &has13 : NULL};
    VkPhysicalDeviceVulkan11Features has11 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &has12};
    VkPhysicalDeviceFeatures2 has = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                     .pNext = &has11};
    vki->GetPhysicalDeviceFeatures2(found->physical, &has);

    VkPhysicalDeviceVulkan13Features use13 = {.sType = has13.sType,
                                              .maintenance4 = has13.maintenance4};
    VkPhysicalDeviceVulkan12Features use12 = {
        .sType = has12.sType,
        .pNext = is_1_3 ? &use13 : NULL,
        .storageBuffer8BitAccess = has12.storageBuffer8BitAccess,
        .shaderInt8 = has12.shaderInt8,
        .bufferDeviceAddress = has12.bufferDeviceAddress,
        .shaderBufferInt64Atomics = has12.shaderBufferInt64Atomics};
    VkPhysicalDeviceVulkan11Features use11 = {.sType = has11.sType,
                                              .pNext = &use12,
                                              .storageBuffer16BitAccess =
                                                  has11.storageBuffer16BitAccess};
    VkPhysicalDeviceFeatures2 use = {.sType = has.sType,
                                     .pNext = &use11,
                                     .features = {.shaderInt64 = has.features.shaderInt64,
                                                  .shaderFloat64 = has.features.shaderFloat64,
                                                  .shaderInt16 = has.features.shaderInt16}};
    device->caps.has_int64 = has.features.shaderInt64;
    device->caps.has_float64 = has.features.shaderFloat64;
    device->caps.has_storage8 = has12.storageBuffer8BitAccess && has12.shaderInt8;
    device->caps.has_addresses = has12.bufferDeviceAddress && has.features.shaderInt64;
    device->caps.has_atomic64 = has12.shaderBufferInt64Atomics && has.features.shaderInt64;
    device->caps.has_storage16 = has11.storageBuffer16BitAccess && has.features.shaderInt16;

    const float priority = 1.0f;
    const VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                           .queueFamilyIndex = device->queue_family,
                                           .queueCount = 1,
                                           .pQueuePriorities = &priority};
    const char *const extensions[] = {VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME};
    const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                     .pNext = &use,
                                     .queueCreateInfoCount = 1,
                                     .pQueueCreateInfos = &queue,
                                     .enabledExtensionCount = found->info.can_import ? 1 : 0,
                                     .ppEnabledExtensionNames = extensions};
    VkResult result = vki->CreateDevice(found->physical, &info, NULL, &device->device);
    if (result != VK_SUCCESS) {
        device->device = VK_NULL_HANDLE;
        return wj_vk_fail(err, "vkCreateDevice", result);
    }
    if (!look_up_device(device, err)) {
        return false;
    }
    device->vk.GetDeviceQueue(device->device, device->queue_family, 0, &device->queue);
    return true;
}

static bool make_layouts(struct wj_gpu_device *device, struct wj_err *err)
{
    VkDescriptorSetLayoutBinding bindings[BINDING_COUNT] = {0};
    for (uint32_t i = 0; i < BINDING_COUNT; i++) {
        bindings[i] = (VkDescriptorSetLayoutBinding){
            .binding = i,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    }
    const VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = BINDING_COUNT,
        .pBindings = bindings};
    VkResult result =
        device->vk.CreateDescriptorSetLayout(device->device, &set, NULL, &device->set_layout);
    if (result != VK_SUCCESS) {
        return wj_vk_fail(err, "vkCreateDescriptorSetLayout", result);
    }
    const VkPushConstantRange push = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
                                      .size = sizeof(struct wj_gpu_push)};
    VkDescriptorSetLayout sets[WJ_GPU_MEMORIES_MAX];
    for (uint32_t i = 0; i < WJ_GPU_MEMORIES_MAX; i++) {
        sets[i] = device->set_layout;
    }
    const VkPipelineLayoutCreateInfo layout = {.sType =
                                                   VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                               .setLayoutCount = device->caps.memories_max,
                                               .pSetLayouts = sets,
                                               .pushConstantRangeCount = 1,
                                               .pPushConstantRanges = &push};
    result =
        device->vk.CreatePipelineLayout(device->device, &layout, NULL, &device->pipeline_layout);
    return result == VK_SUCCESS || wj_vk_fail(err, "vkCreatePipelineLayout", result);
}

static bool make_commands(struct wj_gpu_device *device, struct wj_err *err)
{
    const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                          .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                          .queueFamilyIndex = device->queue_family};
    VkResult result =
        device->vk.CreateCommandPool(device->device, &pool, NULL, &device->command_pool);
    if (result != VK_SUCCESS) {
        return wj_vk_fail(err, "vkCreateCommandPool", result);
    }
    const VkCommandBufferAllocateInfo buffer = {.sType =
                                                    VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                .commandPool = device->command_pool,
                                                .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                                .commandBufferCount = 1};
    result = device->vk.AllocateCommandBuffers(device->device, &buffer, &device->commands);
    if (result != VK_SUCCESS) {
        return wj_vk_fail(err, "vkAllocateCommandBuffers", result);
    }
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    result = device->vk.CreateFence(device->device, &fence, NULL, &device->fence);
    if (result != VK_SUCCESS) {
        return wj_vk_fail(err, "vkCreateFence", result);
    }
    const VkQueryPoolCreateInfo queries = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                           .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                           .queryCount = TIMESTAMP_COUNT};
    if (device->tick_mask != 0 && device->vk.CreateQueryPool(device->device, &queries, NULL,
                                                             &device->timestamps) != VK_SUCCESS) {
        device->timestamps = VK_NULL_HANDLE; // times are taken by the host's clock then
    }
    return true;
}

static bool make_buffers(struct wj_gpu_device *device, struct wj_err *err)
{
    const VkMemoryPropertyFlags host =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    return wj_vk_buffer_new(device, sizeof(struct wj_gpu_trap), VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                            host, VK_MEMORY_PROPERTY_HOST_CACHED_BIT, &device->trap, err) &&
           // Kernels clamp what lies outside to an address in here, 16 bytes at most.
           wj_vk_buffer_new(device, 256, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, host, 0,
                            &device->empty, err);
}

// Tests need no large memories for the ways of large memories.
static void limit_range(struct wj_gpu_caps *caps)
{
    const char *text = getenv("WJIT_GPU_RANGE"); // bytes
    const unsigned long long bytes = text != NULL ? strtoull(text, NULL, 10) : 0;
    if (bytes != 0 && bytes < caps->storage_range_max_bytes) {
        caps->storage_range_max_bytes = bytes;
    }
}

bool wj_vk_open(struct wj_gpu *gpu, uint32_t index, struct wj_gpu_device **device_out,
                struct wj_err *err)
{
    if (index >= gpu->device_count) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "no GPU with index %u: there are %u",
                          index, gpu->device_count);
    }
    const struct wj_vk_found *found = &gpu->devices[index];
    if (found->api_version < VK_API_VERSION_1_2) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET,
                          "%s: its driver has Vulkan %u.%u, 1.2 is needed", found->info.name,
                          VK_API_VERSION_MAJOR(found->api_version),
                          VK_API_VERSION_MINOR(found->api_version));
    }
    struct wj_gpu_device *device = calloc(1, sizeof *device);
    if (device == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory for a device");
    }
    device->gpu = gpu;
    device->found = found;
    pthread_mutex_init(&device->lock, NULL);
    if (gpu->cache_folder == NULL || !wj_cache_open(gpu->cache_folder, &device->cache, NULL)) {
        device->cache = NULL; // a cache that cannot be had is no error
    }
    gpu->vk.GetPhysicalDeviceMemoryProperties(found->physical, &device->memory_types);
    read_limits(device);
    if (!pick_queue(device, err) || !make_device(device, err) || !make_layouts(device, err) ||
        !make_commands(device, err) || !make_buffers(device, err) || !wj_vk_selftest(device, err)) {
        wj_vk_close(device);
        return false;
    }
    device->keeps_pipelines = device->cache != NULL;
    limit_range(&device->caps);
    *device_out = device;
    return true;
}

void wj_vk_close(struct wj_gpu_device *device)
{
    if (device == NULL) {
        return;
    }
    const struct wj_vk_device_api *vk = &device->vk;
    // Work may still run on a device that was given up: its objects are left to it, and the driver
    // stays loaded.
    device->gpu->has_lost |= device->is_lost;
    if (device->device != VK_NULL_HANDLE && vk->DestroyDevice != NULL && !device->is_lost) {
        wj_vk_buffer_free(device, &device->trap);
        wj_vk_buffer_free(device, &device->empty);
        vk->DestroyQueryPool(device->device, device->timestamps, NULL);
        vk->DestroyFence(device->device, device->fence, NULL);
        vk->DestroyCommandPool(device->device, device->command_pool, NULL);
        vk->DestroyPipelineLayout(device->device, device->pipeline_layout, NULL);
        vk->DestroyDescriptorSetLayout(device->device, device->set_layout, NULL);
        vk->DestroyDevice(device->device, NULL);
    }
    pthread_mutex_destroy(&device->lock);
    wj_cache_close(device->cache);
    free(device);
}

const struct wj_gpu_caps *wj_vk_caps(const struct wj_gpu_device *device)
{
    return &device->caps;
}
