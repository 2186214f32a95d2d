// Finds the devices of an instance and describes them. NVIDIA devices that CUDA_VISIBLE_DEVICES
// keeps from this process are left out, as they are from every CUDA program.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vk/impl.h"

enum { VENDOR_NVIDIA = 0x10de, DEVICES_MAX = 64 };

struct extensions {
    bool has_pci_bus_info;
    bool has_external_memory_host;
};

static bool find_extensions(const struct wj_gpu *gpu, VkPhysicalDevice physical,
                            struct extensions *found, struct wj_err *err)
{
    uint32_t count = 0;
    VkResult result = gpu->vk.EnumerateDeviceExtensionProperties(physical, NULL, &count, NULL);
    VkExtensionProperties *list = calloc(count + 1, sizeof *list);
    if (list == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory for %u extensions",
                          count);
    }
    if (result == VK_SUCCESS) {
        result = gpu->vk.EnumerateDeviceExtensionProperties(physical, NULL, &count, list);
    }
    memset(found, 0, sizeof *found);
    for (uint32_t i = 0; result >= 0 && i < count; i++) {
        const char *name = list[i].extensionName;
        found->has_pci_bus_info |= strcmp(name, VK_EXT_PCI_BUS_INFO_EXTENSION_NAME) == 0;
        found->has_external_memory_host |=
            strcmp(name, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME) == 0;
    }
    free(list);
    return result >= 0 || wj_vk_fail(err, "vkEnumerateDeviceExtensionProperties", result);
}

static enum wj_gpu_kind kind_of(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return WJ_GPU_DISCRETE;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return WJ_GPU_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return WJ_GPU_VIRTUAL;
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return WJ_GPU_SOFTWARE;
    default: return WJ_GPU_OTHER; // a driver may give a value that this build does not know
    }
}

static void describe_driver(const VkPhysicalDeviceProperties *core,
                            const VkPhysicalDeviceDriverProperties *driver,
                            struct wj_gpu_info *info)
{
    if (core->apiVersion < VK_API_VERSION_1_2) {
        snprintf(info->driver, sizeof info->driver, "version 0x%08x", core->driverVersion);
        return;
    }
    // Both are limited to 256 bytes by Vulkan; together they may be cut.
    snprintf(info->driver, sizeof info->driver, "%.120s %.120s", driver->driverName,
             driver->driverInfo);
}

static bool describe(const struct wj_gpu *gpu, VkPhysicalDevice physical, struct wj_vk_found *found,
                     struct wj_err *err)
{
    struct extensions extensions = {0};
    if (!find_extensions(gpu, physical, &extensions, err)) {
        return false;
    }
    VkPhysicalDevicePCIBusInfoPropertiesEXT pci = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT};
    VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
    VkPhysicalDeviceDriverProperties driver = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceIDProperties id = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
    VkPhysicalDeviceProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                       .pNext = &id};
    const VkPhysicalDeviceProperties *core = &all.properties;
    VkPhysicalDeviceProperties plain;
    gpu->vk.GetPhysicalDeviceProperties(physical, &plain);
    if (plain.apiVersion >= VK_API_VERSION_1_2) {
        driver.pNext = all.pNext;
        all.pNext = &driver;
    }
    if (extensions.has_pci_bus_info) {
        pci.pNext = all.pNext;
        all.pNext = &pci;
    }
    if (extensions.has_external_memory_host) {
        host.pNext = all.pNext;
        all.pNext = &host;
    }
    if (plain.apiVersion >= VK_API_VERSION_1_1) {
        gpu->vk.GetPhysicalDeviceProperties2(physical, &all);
    } else {
        all.properties = plain;
    }

    memset(found, 0, sizeof *found);
    found->physical = physical;
    found->api_version = core->apiVersion;
    found->driver_id = driver.driverID;
    found->driver_version = core->driverVersion;
    memcpy(found->cache_uuid, core->pipelineCacheUUID, sizeof found->cache_uuid);
    struct wj_gpu_info *info = &found->info;
    snprintf(info->name, sizeof info->name, "%.255s", core->deviceName);
    describe_driver(core, &driver, info);
    if (extensions.has_pci_bus_info) {
        snprintf(info->pci, sizeof info->pci, "pci:%04x:%02x:%02x.%x", pci.pciDomain & 0xffffu,
                 pci.pciBus & 0xffu, pci.pciDevice & 0xffu, pci.pciFunction & 0xfu);
    }
    memcpy(info->device_uuid, id.deviceUUID, sizeof info->device_uuid);
    memcpy(info->driver_uuid, id.driverUUID, sizeof info->driver_uuid);
    info->kind = kind_of(core->deviceType);
    found->has_unified_memory = info->kind == WJ_GPU_INTEGRATED || info->kind == WJ_GPU_SOFTWARE;
    // MoltenVK advertises the extension, and imports only what Metal itself allocated.
    const uint64_t align = host.minImportedHostPointerAlignment;
    if (extensions.has_external_memory_host && driver.driverID != VK_DRIVER_ID_MOLTENVK &&
        align != 0 && (align & (align - 1)) == 0) {
        info->can_import = true;
        found->import_align_bytes = align;
    }
    return true;
}

static void keep_visible(struct wj_gpu *gpu, const struct wj_vk_found *all, uint32_t count)
{
    struct wj_vk_candidate candidates[DEVICES_MAX] = {0};
    uint32_t order[DEVICES_MAX];
    for (uint32_t i = 0; i < count; i++) {
        VkPhysicalDeviceProperties core;
        gpu->vk.GetPhysicalDeviceProperties(all[i].physical, &core);
        candidates[i].is_nvidia = core.vendorID == VENDOR_NVIDIA;
        memcpy(candidates[i].uuid, all[i].info.device_uuid, sizeof candidates[i].uuid);
        memcpy(candidates[i].pci, all[i].info.pci, sizeof candidates[i].pci);
    }
    const char *cuda_order = getenv("CUDA_DEVICE_ORDER");
    const bool is_pci_order = cuda_order != NULL && strcmp(cuda_order, "PCI_BUS_ID") == 0;
    gpu->device_count =
        wj_vk_visible(getenv("CUDA_VISIBLE_DEVICES"), is_pci_order, candidates, count, order);
    for (uint32_t i = 0; i < gpu->device_count; i++) {
        gpu->devices[i] = all[order[i]];
        gpu->devices[i].info.index = i;
    }
}

bool wj_vk_find_devices(struct wj_gpu *gpu, struct wj_err *err)
{
    VkPhysicalDevice physical[DEVICES_MAX];
    uint32_t count = DEVICES_MAX;
    VkResult result = gpu->vk.EnumeratePhysicalDevices(gpu->instance, &count, physical);
    if (result < 0) {
        return wj_vk_fail(err, "vkEnumeratePhysicalDevices", result);
    }
    struct wj_vk_found *all = calloc(DEVICES_MAX, sizeof *all);
    gpu->devices = calloc(DEVICES_MAX, sizeof *gpu->devices);
    bool ok = all != NULL && gpu->devices != NULL;
    if (!ok) {
        wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory for %u devices", count);
    }
    for (uint32_t i = 0; ok && i < count; i++) {
        ok = describe(gpu, physical[i], &all[i], err);
    }
    if (ok) {
        keep_visible(gpu, all, count);
    }
    free(all);
    return ok;
}
