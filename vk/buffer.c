// Buffers with memory of their own: made on the device, or host memory that the device imports.
#include <string.h>

#include "vk/impl.h"

enum { NO_TYPE = UINT32_MAX };

static uint32_t find_type(const struct wj_gpu_device *device, uint32_t allowed,
                          VkMemoryPropertyFlags needed)
{
    for (uint32_t i = 0; i < device->memory_types.memoryTypeCount; i++) {
        if ((allowed >> i & 1) != 0 &&
            (device->memory_types.memoryTypes[i].propertyFlags & needed) == needed) {
            return i;
        }
    }
    return NO_TYPE;
}

static bool make_buffer(struct wj_gpu_device *device, const void *next, uint64_t size_bytes,
                        VkBufferUsageFlags usage, struct wj_vk_buffer *buffer,
                        VkMemoryRequirements *needs, struct wj_err *err)
{
    memset(buffer, 0, sizeof *buffer);
    buffer->size_bytes = size_bytes;
    buffer->has_address = (usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT) != 0;
    const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                     .pNext = next,
                                     .size = size_bytes,
                                     .usage = usage,
                                     .sharingMode = VK_SHARING_MODE_EXCLUSIVE};
    VkResult result = device->vk.CreateBuffer(device->device, &info, NULL, &buffer->buffer);
    if (result != VK_SUCCESS) {
        buffer->buffer = VK_NULL_HANDLE;
        return wj_vk_fail(err, "vkCreateBuffer", result);
    }
    device->vk.GetBufferMemoryRequirements(device->device, buffer->buffer, needs);
    return true;
}

static bool bind_memory(struct wj_gpu_device *device, const void *next, uint64_t size_bytes,
                        uint32_t type, struct wj_vk_buffer *buffer, struct wj_err *err)
{
    const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                             .pNext = next,
                                             .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                       .pNext = buffer->has_address ? &flags : next,
                                       .allocationSize = size_bytes,
                                       .memoryTypeIndex = type};
    VkResult result = device->vk.AllocateMemory(device->device, &info, NULL, &buffer->memory);
    if (result != VK_SUCCESS) {
        buffer->memory = VK_NULL_HANDLE;
        return wj_vk_fail(err, "vkAllocateMemory", result);
    }
    result = device->vk.BindBufferMemory(device->device, buffer->buffer, buffer->memory, 0);
    return result == VK_SUCCESS || wj_vk_fail(err, "vkBindBufferMemory", result);
}

bool wj_vk_buffer_new(struct wj_gpu_device *device, uint64_t size_bytes, VkBufferUsageFlags usage,
                      VkMemoryPropertyFlags needed, VkMemoryPropertyFlags wanted,
                      struct wj_vk_buffer *buffer, struct wj_err *err)
{
    VkMemoryRequirements needs;
    if (!make_buffer(device, NULL, size_bytes, usage, buffer, &needs, err)) {
        return false;
    }
    uint32_t type = find_type(device, needs.memoryTypeBits, needed | wanted);
    type = type != NO_TYPE ? type : find_type(device, needs.memoryTypeBits, needed);
    bool ok = type != NO_TYPE ||
              wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "Vulkan: no memory type for a buffer");
    ok = ok && bind_memory(device, NULL, needs.size, type, buffer, err);
    if (ok && (needed & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0) {
        VkResult result = device->vk.MapMemory(device->device, buffer->memory, 0, VK_WHOLE_SIZE, 0,
                                               &buffer->mapped);
        ok = result == VK_SUCCESS || wj_vk_fail(err, "vkMapMemory", result);
        if (ok) {
            // Device memory may come with what it held before.
            memset(buffer->mapped, 0, size_bytes);
        }
    }
    if (!ok) {
        wj_vk_buffer_free(device, buffer);
    }
    return ok;
}

bool wj_vk_buffer_import(struct wj_gpu_device *device, void *base, uint64_t size_bytes,
                         VkBufferUsageFlags usage, struct wj_vk_buffer *buffer, struct wj_err *err)
{
    const uint64_t align = device->found->import_align_bytes;
    if (align == 0 || device->vk.GetMemoryHostPointerPropertiesEXT == NULL) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "%s cannot import host memory",
                          device->found->info.name);
    }
    if (((uintptr_t) base | size_bytes) % align != 0) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET,
                          "%s imports host memory in multiples of %llu bytes only",
                          device->found->info.name, (unsigned long long) align);
    }
    const VkExternalMemoryHandleTypeFlagBits handle =
        VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
    VkMemoryHostPointerPropertiesEXT host = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
    VkResult result =
        device->vk.GetMemoryHostPointerPropertiesEXT(device->device, handle, base, &host);
    if (result != VK_SUCCESS) {
        return wj_vk_fail(err, "vkGetMemoryHostPointerPropertiesEXT", result);
    }
    const VkExternalMemoryBufferCreateInfo external = {
        .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO, .handleTypes = handle};
    VkMemoryRequirements needs;
    if (!make_buffer(device, &external, size_bytes, usage, buffer, &needs, err)) {
        return false;
    }
    // Without coherence every dispatch would have to flush ranges that cannot be mapped.
    const uint32_t type = find_type(device, needs.memoryTypeBits & host.memoryTypeBits,
                                    VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    const VkImportMemoryHostPointerInfoEXT import = {
        .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
        .handleType = handle,
        .pHostPointer = base};
    bool ok =
        (type != NO_TYPE && needs.size <= size_bytes) ||
        wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET,
                   "%s has no coherent memory type for imported memory", device->found->info.name);
    ok = ok && bind_memory(device, &import, size_bytes, type, buffer, err);
    if (!ok) {
        wj_vk_buffer_free(device, buffer);
    }
    return ok;
}

uint64_t wj_vk_buffer_address(struct wj_gpu_device *device, const struct wj_vk_buffer *buffer)
{
    const VkBufferDeviceAddressInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                            .buffer = buffer->buffer};
    return buffer->has_address ? device->vk.GetBufferDeviceAddress(device->device, &info) : 0;
}

void wj_vk_buffer_free(struct wj_gpu_device *device, struct wj_vk_buffer *buffer)
{
    device->vk.DestroyBuffer(device->device, buffer->buffer, NULL);
    device->vk.FreeMemory(device->device, buffer->memory, NULL);
    memset(buffer, 0, sizeof *buffer);
}
