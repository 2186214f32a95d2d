// Keeps the self-test's verdicts in the cache folder: the test costs pipelines, its answer stays
// the same for a device, its driver and the lowerings. What is not exactly what was kept is not
// believed, and the test runs again.
#include <stdlib.h>
#include <string.h>

#include "vk/impl.h"

enum { VERDICTS_VERSION = 2 };

#define COUNT_ONE(name) +1
enum { QUIRK_COUNT = 0 WJ_GPU_QUIRKS(COUNT_ONE) };
#undef COUNT_ONE

struct record {
    uint32_t loop_iterations_max;
    uint32_t loop_group_size;
    uint8_t verdicts[QUIRK_COUNT];
};

uint64_t wj_vk_hash(uint64_t hash, const void *bytes, size_t size)
{
    return wj_hash64_seeded(bytes, size, hash);
}

struct wj_hash128 wj_vk_cache_name(const struct wj_gpu_device *device, const char *what,
                                   const void *else_bytes, size_t else_size)
{
    const struct wj_vk_found *found = device->found;
    struct {
        char what[16];
        struct wj_gpu_info info;
        uint8_t cache_uuid[16];
        uint32_t api_version, driver_version;
        struct wj_hash128 rest;
    } all;
    memset(&all, 0, sizeof all);
    strncpy(all.what, what, sizeof all.what - 1);
    memcpy(all.info.name, found->info.name, sizeof all.info.name);
    memcpy(all.info.driver, found->info.driver, sizeof all.info.driver);
    memcpy(all.info.device_uuid, found->info.device_uuid, sizeof all.info.device_uuid);
    memcpy(all.info.driver_uuid, found->info.driver_uuid, sizeof all.info.driver_uuid);
    memcpy(all.cache_uuid, found->cache_uuid, sizeof all.cache_uuid);
    all.api_version = found->api_version;
    all.driver_version = found->driver_version;
    all.rest = wj_cache_hash(device->cache, else_bytes, else_size);
    return wj_cache_hash(device->cache, (const uint8_t *) &all, sizeof all);
}

static struct wj_hash128 name_of(const struct wj_gpu_device *device, uint64_t lowerings)
{
    const uint64_t tested[2] = {VERDICTS_VERSION, lowerings};
    return wj_vk_cache_name(device, "verdicts", tested, sizeof tested);
}

static bool read_record(const struct record *record, struct wj_gpu_caps *caps)
{
    for (unsigned i = 0; i < QUIRK_COUNT; i++) {
        if (record->verdicts[i] > WJ_GPU_REFUSED) {
            return false;
        }
    }
    unsigned i = 0;
#define READ(name) caps->name = (enum wj_gpu_verdict) record->verdicts[i++];
    WJ_GPU_QUIRKS(READ)
#undef READ
    caps->loop_iterations_max = record->loop_iterations_max;
    caps->loop_group_size = record->loop_group_size;
    return true;
}

bool wj_vk_verdicts_load(struct wj_gpu_device *device, uint64_t lowerings)
{
    struct record record;
    uint8_t *bytes = NULL;
    size_t size_bytes = 0;
    if (device->cache == NULL) {
        return false;
    }
    const struct wj_hash128 name = name_of(device, lowerings);
    bool is_read = wj_cache_load_data(device->cache, &name, &bytes, &size_bytes) &&
                   size_bytes == sizeof record;
    if (is_read) {
        memcpy(&record, bytes, sizeof record);
        is_read = read_record(&record, &device->caps);
    }
    free(bytes);
    return is_read;
}

void wj_vk_verdicts_save(const struct wj_gpu_device *device, uint64_t lowerings)
{
    if (device->cache == NULL) {
        return;
    }
    struct record record;
    memset(&record, 0, sizeof record);
    const struct wj_gpu_caps *caps = &device->caps;
    unsigned i = 0;
#define WRITE(name) record.verdicts[i++] = (uint8_t) caps->name;
    WJ_GPU_QUIRKS(WRITE)
#undef WRITE
    record.loop_iterations_max = caps->loop_iterations_max;
    record.loop_group_size = caps->loop_group_size;
    const struct wj_hash128 name = name_of(device, lowerings);
    wj_cache_save_data(device->cache, &name, (const uint8_t *) &record, sizeof record);
}
