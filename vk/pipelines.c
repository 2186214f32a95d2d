// Keeps what drivers make of kernels from process to process: one entry of the cache folder for
// each kernel, by device, driver and the kernel's own words. A driver that keeps nothing, as
// software ones do, gives a header alone, which is not worth a file.
#include <stdlib.h>
#include <string.h>

#include "vk/impl.h"

enum {
    HEADER_BYTES = 32, // struct VkPipelineCacheHeaderVersionOne
    KEPT_BYTES_MAX = 64 << 20,
};

_Static_assert(sizeof(VkPipelineCacheHeaderVersionOne) == HEADER_BYTES, "as Vulkan lays it out");

// Whether the driver would know the data for its own. It is to check this itself; not all do.
static bool is_of_device(const struct wj_gpu_device *device, const uint8_t *bytes, size_t size)
{
    VkPipelineCacheHeaderVersionOne header;
    if (size <= sizeof header) {
        return false;
    }
    memcpy(&header, bytes, sizeof header);
    return header.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE &&
           header.headerSize >= sizeof header &&
           memcmp(header.pipelineCacheUUID, device->found->cache_uuid,
                  sizeof header.pipelineCacheUUID) == 0;
}

static VkPipelineCache make_cache(const struct wj_gpu_device *device, const uint8_t *bytes,
                                  size_t size)
{
    const VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                                            .initialDataSize = size,
                                            .pInitialData = bytes};
    VkPipelineCache cache = VK_NULL_HANDLE;
    VkResult result = device->vk.CreatePipelineCache(device->device, &info, NULL, &cache);
    return result == VK_SUCCESS ? cache : VK_NULL_HANDLE;
}

void wj_vk_kept_open(struct wj_gpu_device *device, const uint32_t *words, size_t word_count,
                     uint32_t size, struct wj_vk_kept *kept)
{
    *kept = (struct wj_vk_kept){.cache = VK_NULL_HANDLE};
    if (!device->keeps_pipelines) {
        return;
    }
    struct {
        struct wj_hash128 words;
        uint32_t size;
    } kernel = {wj_cache_hash(device->cache, (const uint8_t *) words, word_count * sizeof *words),
                size};
    kept->name = wj_vk_cache_name(device, "pipeline", &kernel, sizeof kernel);
    uint8_t *bytes = NULL;
    if (wj_cache_load_data(device->cache, &kept->name, &bytes, &kept->size_bytes) &&
        is_of_device(device, bytes, kept->size_bytes)) {
        kept->cache = make_cache(device, bytes, kept->size_bytes);
    }
    free(bytes);
    if (kept->cache == VK_NULL_HANDLE) {
        kept->size_bytes = 0;
        kept->cache = make_cache(device, NULL, 0);
    }
}

static void save(struct wj_gpu_device *device, const struct wj_vk_kept *kept)
{
    size_t size = 0;
    VkResult result = device->vk.GetPipelineCacheData(device->device, kept->cache, &size, NULL);
    if (result != VK_SUCCESS || size <= HEADER_BYTES || size > KEPT_BYTES_MAX ||
        size == kept->size_bytes) {
        return;
    }
    uint8_t *bytes = malloc(size);
    if (bytes != NULL &&
        device->vk.GetPipelineCacheData(device->device, kept->cache, &size, bytes) == VK_SUCCESS) {
        wj_cache_save_data(device->cache, &kept->name, bytes, size);
    }
    free(bytes);
}

void wj_vk_kept_close(struct wj_gpu_device *device, struct wj_vk_kept *kept, bool is_made)
{
    if (kept->cache != VK_NULL_HANDLE) {
        if (is_made) {
            save(device, kept);
        }
        device->vk.DestroyPipelineCache(device->device, kept->cache, NULL);
    }
}
