// Keeps the self-test's verdicts in the user's cache folder: the test costs pipelines, its answer
// stays the same for a device, its driver and the lowerings. A file that is not exactly what was
// written by this user is not believed.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vk/impl.h"

enum { PATH_MAX_BYTES = 4096, VERDICTS_VERSION = 1 };

#define COUNT_ONE(name) +1
enum { QUIRK_COUNT = 0 WJ_GPU_QUIRKS(COUNT_ONE) };
#undef COUNT_ONE

// What a file holds. `key` tells which device, driver and lowerings it is of.
struct record {
    char magic[8];
    uint64_t key;
    uint32_t loop_iterations_max;
    uint32_t loop_group_size;
    uint8_t verdicts[QUIRK_COUNT];
    uint8_t unused[(8 - QUIRK_COUNT % 8) % 8];
    uint64_t checksum;
};

static const char magic[8] = {'w', 'j', 'i', 't', 'g', 'p', 'u', VERDICTS_VERSION};

uint64_t wj_vk_hash(uint64_t hash, const void *bytes, size_t size)
{
    // FNV-1a, 64 bits: it finds accidents; who can write the user's files needs no collision.
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t key_of(const struct wj_gpu_device *device, uint64_t lowerings)
{
    const struct wj_vk_found *found = device->found;
    uint64_t hash = wj_vk_hash(lowerings, found->info.device_uuid, 16);
    hash = wj_vk_hash(hash, found->info.driver_uuid, 16);
    hash = wj_vk_hash(hash, found->info.name, strlen(found->info.name));
    hash = wj_vk_hash(hash, found->info.driver, strlen(found->info.driver));
    hash = wj_vk_hash(hash, &found->driver_version, sizeof found->driver_version);
    return wj_vk_hash(hash, &found->api_version, sizeof found->api_version);
}

static bool file_path(const struct wj_gpu_device *device, uint64_t key, const char *suffix,
                      char path[PATH_MAX_BYTES])
{
    const char *folder = device->gpu->cache_folder;
    if (folder == NULL) {
        return false;
    }
    const int length = snprintf(path, PATH_MAX_BYTES, "%s/gpu-%016llx%s", folder,
                                (unsigned long long) key, suffix);
    return length > 0 && length < PATH_MAX_BYTES;
}

static bool is_ours(int file, size_t size)
{
    struct stat status;
    return fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 && (size_t) status.st_size == size;
}

bool wj_vk_verdicts_load(struct wj_gpu_device *device, uint64_t lowerings)
{
    const uint64_t key = key_of(device, lowerings);
    char path[PATH_MAX_BYTES];
    if (!file_path(device, key, "", path)) {
        return false;
    }
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) {
        return false;
    }
    struct record record;
    bool ok = is_ours(file, sizeof record) &&
              read(file, &record, sizeof record) == (ssize_t) sizeof record &&
              memcmp(record.magic, magic, sizeof magic) == 0 && record.key == key &&
              record.checksum == wj_vk_hash(key, &record, offsetof(struct record, checksum));
    close(file);
    for (unsigned i = 0; ok && i < QUIRK_COUNT; i++) {
        ok = record.verdicts[i] <= WJ_GPU_REFUSED;
    }
    if (ok) {
        struct wj_gpu_caps *caps = &device->caps;
        unsigned i = 0;
#define READ(name) caps->name = (enum wj_gpu_verdict) record.verdicts[i++];
        WJ_GPU_QUIRKS(READ)
#undef READ
        caps->loop_iterations_max = record.loop_iterations_max;
        caps->loop_group_size = record.loop_group_size;
    }
    return ok;
}

// Makes the folder and the one it lies in; what is missing beyond is not ours to make.
static bool make_folder(const char *folder)
{
    char parent[PATH_MAX_BYTES];
    const char *slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder && (size_t) (slash - folder) < sizeof parent) {
        memcpy(parent, folder, (size_t) (slash - folder));
        parent[slash - folder] = '\0';
        (void) mkdir(parent, 0700);
    }
    return mkdir(folder, 0700) == 0 || errno == EEXIST;
}

void wj_vk_verdicts_save(const struct wj_gpu_device *device, uint64_t lowerings)
{
    const uint64_t key = key_of(device, lowerings);
    char path[PATH_MAX_BYTES];
    char temporary[PATH_MAX_BYTES];
    if (!file_path(device, key, "", path) || !file_path(device, key, ".XXXXXX", temporary) ||
        !make_folder(device->gpu->cache_folder)) {
        return; // a cache that cannot be written is no error
    }
    struct record record;
    memset(&record, 0, sizeof record);
    memcpy(record.magic, magic, sizeof magic);
    record.key = key;
    const struct wj_gpu_caps *caps = &device->caps;
    unsigned i = 0;
#define WRITE(name) record.verdicts[i++] = (uint8_t) caps->name;
    WJ_GPU_QUIRKS(WRITE)
#undef WRITE
    record.loop_iterations_max = caps->loop_iterations_max;
    record.loop_group_size = caps->loop_group_size;
    record.checksum = wj_vk_hash(key, &record, offsetof(struct record, checksum));
    const int file = mkstemp(temporary);
    if (file < 0) {
        return;
    }
    const bool ok =
        write(file, &record, sizeof record) == (ssize_t) sizeof record && fsync(file) == 0;
    close(file);
    if (!ok || rename(temporary, path) != 0) {
        (void) unlink(temporary);
    }
}

static bool join(char **folder, const char *first, const char *second)
{
    free(*folder);
    *folder = NULL;
    // Relative paths are invalid by the XDG specification, and would differ by working directory.
    if (first == NULL || first[0] != '/') {
        return false;
    }
    const size_t size = strlen(first) + strlen(second) + 1;
    *folder = malloc(size);
    if (*folder != NULL) {
        snprintf(*folder, size, "%s%s", first, second);
    }
    return *folder != NULL;
}

void wj_vk_default_cache_folder(struct wj_gpu *gpu)
{
    if (!join(&gpu->cache_folder, getenv("XDG_CACHE_HOME"), "/wjit")) {
        join(&gpu->cache_folder, getenv("HOME"), "/.cache/wjit");
    }
}

void wj_vk_set_cache_folder(struct wj_gpu *gpu, const char *folder)
{
    free(gpu->cache_folder);
    gpu->cache_folder = folder != NULL ? strdup(folder) : NULL;
}
