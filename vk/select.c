// Chooses a device by what the user wrote. Software drivers are slower than the CPU's own code, so
// that only "any", an index or a name picks one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vk/vk.h"

static unsigned rank(enum wj_gpu_kind kind)
{
    switch (kind) {
    case WJ_GPU_DISCRETE: return 5;
    case WJ_GPU_INTEGRATED: return 4;
    case WJ_GPU_VIRTUAL: return 3;
    case WJ_GPU_OTHER: return 2;
    case WJ_GPU_SOFTWARE: return 1;
    }
    return 0;
}

static bool holds_text(const char *text, const char *part)
{
    const size_t length = strlen(part);
    for (; *text != '\0'; text++) {
        if (strncasecmp(text, part, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_number(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool answers(const struct wj_gpu_info *info, const char *selector)
{
    if (strncasecmp(selector, "pci:", 4) == 0) {
        return info->pci[0] != '\0' && strcasecmp(info->pci, selector) == 0;
    }
    return holds_text(info->name, selector);
}

static bool refuse(const struct wj_gpu_driver *driver, const struct wj_gpu *gpu, const char *what,
                   struct wj_err *err)
{
    char list[200] = "";
    size_t used = 0;
    const uint32_t count = driver->device_count(gpu);
    for (uint32_t i = 0; i < count && used < sizeof list; i++) {
        struct wj_gpu_info info;
        driver->device_info(gpu, i, &info);
        int wrote = snprintf(list + used, sizeof list - used, "%s%u %.40s", i == 0 ? "" : ", ", i,
                             info.name);
        used += wrote > 0 ? (size_t) wrote : 0;
    }
    return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "%s; devices: %s", what,
                      count == 0 ? "none" : list);
}

bool wj_vk_select(const struct wj_gpu_driver *driver, const struct wj_gpu *gpu,
                  const char *selector, uint32_t *index, struct wj_err *err)
{
    const uint32_t count = driver->device_count(gpu);
    const bool wants_best = *selector == '\0' || strcmp(selector, "best") == 0;
    const bool wants_any = strcmp(selector, "any") == 0;
    unsigned best = 0;
    // Digits are an index and nothing else: "5" is part of a software driver's version.
    const bool is_index = is_number(selector);
    if (is_index && strtoul(selector, NULL, 10) < count) {
        *index = (uint32_t) strtoul(selector, NULL, 10);
        return true;
    }
    for (uint32_t i = 0; !is_index && i < count; i++) {
        struct wj_gpu_info info;
        driver->device_info(gpu, i, &info);
        const bool fits = wants_best  ? info.kind != WJ_GPU_SOFTWARE
                          : wants_any ? true
                                      : answers(&info, selector);
        if (fits && rank(info.kind) > best) {
            best = rank(info.kind);
            *index = i;
        }
    }
    if (best != 0) {
        return true;
    }
    char what[64];
    if (wants_best || wants_any) {
        snprintf(what, sizeof what, "no %sGPU", wants_best ? "hardware " : "");
    } else {
        snprintf(what, sizeof what, "no GPU answers to \"%.40s\"", selector);
    }
    return refuse(driver, gpu, what, err);
}
