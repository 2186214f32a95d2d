// Linear memories on a device. Imported: the device works on the pages themselves. Mirrored: a copy
// on the device, kept equal through a staging buffer that remembers what the device has, so that
// only blocks that differ are uploaded.
#include <stdlib.h>
#include <string.h>

#include "vk/impl.h"

static void bind_set(struct wj_gpu_memory *memory)
{
    struct wj_gpu_device *device = memory->device;
    // Kernels that go by the address use no binding.
    const bool is_empty = memory->local.buffer == VK_NULL_HANDLE || memory->local.has_address;
    const VkDescriptorBufferInfo buffers[BINDING_COUNT] = {
        [BINDING_MEMORY] = {.buffer = is_empty ? device->empty.buffer : memory->local.buffer,
                            .range = is_empty ? device->empty.size_bytes : memory->size_bytes},
        [BINDING_TRAP] = {.buffer = device->trap.buffer, .range = sizeof(struct wj_gpu_trap)},
    };
    VkWriteDescriptorSet writes[BINDING_COUNT] = {0};
    for (uint32_t i = 0; i < BINDING_COUNT; i++) {
        writes[i] = (VkWriteDescriptorSet){.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                           .dstSet = memory->set,
                                           .dstBinding = i,
                                           .descriptorCount = 1,
                                           .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                           .pBufferInfo = &buffers[i]};
    }
    device->vk.UpdateDescriptorSets(device->device, BINDING_COUNT, writes, 0, NULL);
}

static bool make_set(struct wj_gpu_memory *memory, struct wj_err *err)
{
    struct wj_gpu_device *device = memory->device;
    const VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                       .descriptorCount = BINDING_COUNT};
    const VkDescriptorPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                             .maxSets = 1,
                                             .poolSizeCount = 1,
                                             .pPoolSizes = &size};
    VkResult result = device->vk.CreateDescriptorPool(device->device, &pool, NULL, &memory->pool);
    if (result != VK_SUCCESS) {
        memory->pool = VK_NULL_HANDLE;
        return wj_vk_fail(err, "vkCreateDescriptorPool", result);
    }
    const VkDescriptorSetAllocateInfo set = {.sType =
                                                 VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                             .descriptorPool = memory->pool,
                                             .descriptorSetCount = 1,
                                             .pSetLayouts = &device->set_layout};
    result = device->vk.AllocateDescriptorSets(device->device, &set, &memory->set);
    return result == VK_SUCCESS || wj_vk_fail(err, "vkAllocateDescriptorSets", result);
}

static bool make_mirror(struct wj_gpu_memory *memory, VkBufferUsageFlags usage, struct wj_err *err)
{
    struct wj_gpu_device *device = memory->device;
    const uint64_t blocks = (memory->size_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
    memory->uploads = calloc(blocks, sizeof *memory->uploads);
    if (memory->uploads == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory for %llu blocks",
                          (unsigned long long) blocks);
    }
    memory->is_mirrored = true;
    memory->is_staged = false;
    const VkBufferUsageFlags transfer =
        VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
    return wj_vk_buffer_new(device, memory->size_bytes, transfer | usage, 0,
                            VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, &memory->local, err) &&
           wj_vk_buffer_new(device, memory->size_bytes, transfer,
                            VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                            VK_MEMORY_PROPERTY_HOST_CACHED_BIT, &memory->staging, err);
}

static void release(struct wj_gpu_memory *memory)
{
    struct wj_gpu_device *device = memory->device;
    memory->is_ready = false;
    for (uint32_t i = 0; i < WJ_GPU_MEMORIES_MAX; i++) {
        if (device->recorded.memories[i] == memory) {
            device->recorded.kernel = NULL;
        }
    }
    if (device->is_lost) {
        return; // work may still use the buffers
    }
    if (memory->is_mirrored && memory->staging.mapped != NULL) {
        // A driver hands freed memory on as it is, to other processes too.
        memset(memory->staging.mapped, 0, memory->size_bytes);
        wj_vk_clear_memory(memory, NULL);
    }
    wj_vk_buffer_free(device, &memory->local);
    wj_vk_buffer_free(device, &memory->staging);
    free(memory->uploads);
    memory->uploads = NULL;
    memory->is_mirrored = false;
}

static bool attach(struct wj_gpu_memory *memory, struct wj_err *err)
{
    struct wj_gpu_device *device = memory->device;
    const uint64_t size = memory->size_bytes;
    if (device->is_lost) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "%s was lost",
                          device->found->info.name);
    }
    const bool has_address = wj_gpu_needs_address(&device->caps, size);
    if (size > device->caps.storage_range_max_bytes && !has_address) {
        return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET,
                          "memory of %llu bytes: %s takes %llu at most", (unsigned long long) size,
                          device->found->info.name,
                          (unsigned long long) device->caps.storage_range_max_bytes);
    }
    VkBufferUsageFlags usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
    usage |= has_address ? VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT : 0;
    const bool wants_mirror = wj_vk_prefers_mirror(device->gpu, device->found);
    bool ok = true;
    if (size != 0 && !wants_mirror) {
        // What a driver refuses to import is mirrored, unless the user asked for the import.
        const bool is_strict = device->gpu->memory_mode == WJ_VK_MEMORY_IMPORT;
        ok = wj_vk_buffer_import(device, memory->base, size, usage, &memory->local,
                                 is_strict ? err : NULL) ||
             (!is_strict && make_mirror(memory, usage, err));
    } else if (size != 0) {
        ok = make_mirror(memory, usage, err);
    }
    if (!ok) {
        release(memory);
        return false;
    }
    bind_set(memory);
    memory->address = wj_vk_buffer_address(device, &memory->local);
    memory->is_ready = true;
    return true;
}

bool wj_vk_memory_add(struct wj_gpu_device *device, void *base, uint64_t size_bytes,
                      struct wj_gpu_memory **memory_out, struct wj_err *err)
{
    struct wj_gpu_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory for a device's memory");
    }
    memory->device = device;
    memory->base = base;
    memory->size_bytes = size_bytes;
    pthread_mutex_lock(&device->lock);
    bool ok = make_set(memory, err) && attach(memory, err);
    pthread_mutex_unlock(&device->lock);
    if (!ok) {
        wj_vk_memory_forget(memory);
        return false;
    }
    *memory_out = memory;
    return true;
}

bool wj_vk_memory_resize(struct wj_gpu_memory *memory, uint64_t size_bytes, struct wj_err *err)
{
    // Every dispatch has been waited for, so that nothing uses the old buffers.
    pthread_mutex_lock(&memory->device->lock);
    bool ok = true;
    if (size_bytes != memory->size_bytes || !memory->is_ready) {
        release(memory);
        memory->size_bytes = size_bytes;
        ok = attach(memory, err);
    }
    pthread_mutex_unlock(&memory->device->lock);
    return ok;
}

void wj_vk_memory_forget(struct wj_gpu_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    struct wj_gpu_device *device = memory->device;
    pthread_mutex_lock(&device->lock);
    release(memory);
    if (!device->is_lost) {
        device->vk.DestroyDescriptorPool(device->device, memory->pool, NULL);
    }
    pthread_mutex_unlock(&device->lock);
    free(memory);
}

void wj_vk_memory_stage(struct wj_gpu_memory *memory)
{
    memory->upload_count = 0;
    for (uint64_t at = 0; at < memory->size_bytes; at += BLOCK_BYTES) {
        const char *from = (const char *) memory->base + at;
        char *to = (char *) memory->staging.mapped + at;
        uint64_t size = memory->size_bytes - at;
        size = size < BLOCK_BYTES ? size : BLOCK_BYTES;
        if (memory->is_staged && memcmp(from, to, size) == 0) {
            continue;
        }
        memcpy(to, from, size);
        VkBufferCopy *last =
            memory->upload_count == 0 ? NULL : &memory->uploads[memory->upload_count - 1];
        if (last != NULL && last->srcOffset + last->size == at) {
            last->size += size;
        } else {
            memory->uploads[memory->upload_count++] =
                (VkBufferCopy){.srcOffset = at, .dstOffset = at, .size = size};
        }
    }
    memory->is_staged = false; // until the device has them
}

void wj_vk_memory_unstage(struct wj_gpu_memory *memory)
{
    // Blocks that did not change are not written, so that their pages stay as they are.
    for (uint64_t at = 0; at < memory->size_bytes; at += BLOCK_BYTES) {
        const char *from = (const char *) memory->staging.mapped + at;
        char *to = (char *) memory->base + at;
        uint64_t size = memory->size_bytes - at;
        size = size < BLOCK_BYTES ? size : BLOCK_BYTES;
        if (memcmp(from, to, size) != 0) {
            memcpy(to, from, size);
        }
    }
    memory->is_staged = true;
}
