// CUDA_VISIBLE_DEVICES as CUDA reads it: a list of indexes or UUIDs ("GPU-" and leading hexadecimal
// digits) of NVIDIA devices; the first entry that names none ends the list. Batch systems set it.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "vk/impl.h"

enum { NVIDIA_MAX = 64 };

static bool uuid_starts(const uint8_t uuid[16], const char *text, size_t length)
{
    size_t nibble = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '-') {
            continue;
        }
        if (nibble == 32 || !isxdigit((unsigned char) text[i])) {
            return false;
        }
        const unsigned digit = isdigit((unsigned char) text[i])
                                   ? (unsigned) (text[i] - '0')
                                   : (unsigned) (tolower((unsigned char) text[i]) - 'a' + 10);
        if (digit != (nibble % 2 == 0 ? uuid[nibble / 2] >> 4 : uuid[nibble / 2] & 15)) {
            return false;
        }
        nibble++;
    }
    return nibble > 0;
}

// The place in `nvidia` of the device that an entry names, or `count`.
static uint32_t find_entry(const char *entry, size_t length, const struct wj_vk_candidate *devices,
                           const uint32_t *nvidia, uint32_t count)
{
    while (length > 0 && isspace((unsigned char) *entry)) {
        entry++;
        length--;
    }
    while (length > 0 && isspace((unsigned char) entry[length - 1])) {
        length--;
    }
    if (length > 4 && strncmp(entry, "GPU-", 4) == 0) {
        uint32_t found = count;
        for (uint32_t i = 0; i < count; i++) {
            if (uuid_starts(devices[nvidia[i]].uuid, entry + 4, length - 4)) {
                found = found == count ? i : UINT32_MAX; // CUDA refuses ambiguous prefixes
            }
        }
        return found < count ? found : count;
    }
    uint32_t index = 0;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char) entry[i]) || index >= NVIDIA_MAX) {
            return count;
        }
        index = index * 10 + (uint32_t) (entry[i] - '0');
    }
    return length > 0 && index < count ? index : count;
}

static void sort_by_pci(const struct wj_vk_candidate *devices, uint32_t *nvidia, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t j = i; j > 0; j--) {
            // The digits of a PCI address are of fixed width, so that text order is bus order.
            if (strcmp(devices[nvidia[j - 1]].pci, devices[nvidia[j]].pci) <= 0) {
                break;
            }
            uint32_t other = nvidia[j];
            nvidia[j] = nvidia[j - 1];
            nvidia[j - 1] = other;
        }
    }
}

// Fills `chosen` with the devices that the list names, in its order.
static uint32_t read_list(const char *list, const struct wj_vk_candidate *devices,
                          const uint32_t *nvidia, uint32_t nvidia_count, uint32_t *chosen)
{
    bool is_taken[NVIDIA_MAX] = {false};
    uint32_t count = 0;
    for (const char *entry = list;; entry++) {
        const size_t length = strcspn(entry, ",");
        const uint32_t at = find_entry(entry, length, devices, nvidia, nvidia_count);
        if (at == nvidia_count || is_taken[at]) {
            return count;
        }
        is_taken[at] = true;
        chosen[count++] = nvidia[at];
        entry += length;
        if (*entry == '\0') {
            return count;
        }
    }
}

uint32_t wj_vk_visible(const char *list, bool is_pci_order, const struct wj_vk_candidate *devices,
                       uint32_t count, uint32_t *order)
{
    uint32_t nvidia[NVIDIA_MAX] = {0};
    uint32_t chosen[NVIDIA_MAX];
    uint32_t nvidia_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (devices[i].is_nvidia && nvidia_count < NVIDIA_MAX) {
            nvidia[nvidia_count++] = i;
        }
    }
    uint32_t chosen_count = nvidia_count;
    memcpy(chosen, nvidia, sizeof chosen);
    if (list != NULL) {
        if (is_pci_order) {
            sort_by_pci(devices, nvidia, nvidia_count);
        }
        chosen_count = read_list(list, devices, nvidia, nvidia_count, chosen);
    }
    // Devices of other makers keep their places; NVIDIA's places are filled in the list's order.
    uint32_t used = 0;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!devices[i].is_nvidia) {
            order[used++] = i;
        } else if (taken < chosen_count) {
            order[used++] = chosen[taken++];
        }
    }
    return used;
}
