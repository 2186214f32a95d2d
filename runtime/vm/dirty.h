// Which pages of a private mapping were written to, as the kernel's page tables have it.
#ifndef RUNTIME_VM_DIRTY_H
#define RUNTIME_VM_DIRTY_H

#include <stdbool.h>
#include <stdint.h>

#define WJ_DIRTY_MAX 4u

struct wj_dirty_pages {
    uint32_t pages[WJ_DIRTY_MAX]; // numbers, from the start
    uint32_t count;
};

static inline bool wj_dirty_has(const struct wj_dirty_pages *pages, uint32_t page)
{
    for (uint32_t i = 0; i < pages->count; i++) {
        if (pages->pages[i] == page) {
            return true;
        }
    }
    return false;
}

// A descriptor to ask with, or -1 where the system cannot tell: Linux before 6.7, or no /proc.
int wj_dirty_open(void);

// The pages of [start, start + bytes) that differ, or may, from what was mapped there: those that
// were written to since. False: there are more than WJ_DIRTY_MAX, or the system does not say.
bool wj_dirty_find(int fd, const void *start, uint64_t bytes, uint64_t page_bytes,
                   struct wj_dirty_pages *out);

#endif
