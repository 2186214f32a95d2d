// Which pages of a private mapping were written to, as the kernel's page tables have it.
#ifndef RUNTIME_VM_DIRTY_H
#define RUNTIME_VM_DIRTY_H

#include <stdbool.h>
#include <stdint.h>

struct wj_dirty_range {
    uint64_t offset; // from the start
    uint64_t bytes;
};

// A descriptor to ask with, or -1 where the system cannot tell: Linux before 6.7, or no /proc.
int wj_dirty_open(void);

// The pages of [start, start + bytes) that differ, or may, from what was mapped there: those that
// were written to since. False: there are more than `pages_max`, or the system does not say.
bool wj_dirty_find(int fd, const void *start, uint64_t bytes, uint32_t pages_max,
                   struct wj_dirty_range ranges[], uint32_t *count);

#endif
