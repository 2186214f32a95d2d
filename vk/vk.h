// The Vulkan implementation of runtime/vm/gpu.h, and the choice of a device by the user's words.
#ifndef VK_VK_H
#define VK_VK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/vm/gpu.h"

extern const struct wj_gpu_driver wj_vk_driver;

// How linear memory gets to devices. AUTO imports it where device and host share their memory, and
// mirrors it elsewhere, or where the driver refuses the import.
enum wj_vk_memory_mode { WJ_VK_MEMORY_AUTO, WJ_VK_MEMORY_IMPORT, WJ_VK_MEMORY_MIRROR };

// For memories added from here on; false: IMPORT is asked for and no device can.
bool wj_vk_set_memory_mode(struct wj_gpu *gpu, enum wj_vk_memory_mode mode, struct wj_err *err);

// Where the self-test's verdicts and the drivers' pipelines are kept, from the next device that is
// opened on: "", where it begins, is wjit's folder in the user's cache; NULL: nowhere.
void wj_vk_set_cache_folder(struct wj_gpu *gpu, const char *folder);

// The same as wj_vk_driver.load, with the loader library of that name.
bool wj_vk_load_from(const char *library, struct wj_gpu **gpu, struct wj_err *err);

// Chooses a device of any driver: "" or "best" is the best hardware device, never a software one;
// "any" has software drivers too, after the others; else an index, "pci:...", or part of a name.
// The error of a choice that no device answers lists the devices.
bool wj_vk_select(const struct wj_gpu_driver *driver, const struct wj_gpu *gpu,
                  const char *selector, uint32_t *index, struct wj_err *err);

#endif
