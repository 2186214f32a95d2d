// PAGEMAP_SCAN (Linux 6.7, Documentation/admin-guide/mm/pagemap.rst), spelled out since the headers
// of older systems do not have it.
#include "runtime/vm/dirty.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    PAGE_IS_FILE = 1 << 2,
    PAGE_IS_PRESENT = 1 << 3,
    PAGE_IS_SWAPPED = 1 << 4,
    PAGE_IS_PFNZERO = 1 << 5,
};

struct page_region {
    uint64_t start;
    uint64_t end;
    uint64_t categories;
};

struct scan_arg {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end;
    uint64_t vec;
    uint64_t vec_len;
    uint64_t max_pages;
    uint64_t category_inverted;
    uint64_t category_mask;
    uint64_t category_anyof_mask;
    uint64_t return_mask;
};

#define SCAN _IOWR('f', 16, struct scan_arg)

static bool scan(int fd, const void *start, uint64_t bytes, uint64_t pages_max,
                 struct page_region regions[], int *count)
{
    struct scan_arg arg = {
        .size = sizeof arg,
        .start = (uint64_t) (uintptr_t) start,
        .end = (uint64_t) (uintptr_t) start + bytes,
        .vec = (uint64_t) (uintptr_t) regions,
        .vec_len = pages_max,
        .max_pages = pages_max,
        // Neither a page of the file nor the page of zeros.
        .category_inverted = PAGE_IS_FILE | PAGE_IS_PFNZERO,
        .category_mask = PAGE_IS_FILE | PAGE_IS_PFNZERO,
        .category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
        .return_mask = PAGE_IS_PRESENT,
    };
    *count = ioctl(fd, SCAN, &arg);
    // When it stops at the limit of pages, the walk has not come to the end.
    return *count >= 0 && arg.walk_end == arg.end;
}

int wj_dirty_open(void)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    static const char page[1] = "";
    struct page_region region;
    int count;
    uint64_t start = (uint64_t) (uintptr_t) page & ~(uint64_t) 65535;
    if (fd >= 0 && !scan(fd, (const void *) (uintptr_t) start, 65536, 1, &region, &count) &&
        count < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool wj_dirty_find(int fd, const void *start, uint64_t bytes, uint64_t page_bytes,
                   struct wj_dirty_pages *out)
{
    // One more than wanted, so that as many as wanted do not stop the walk.
    struct page_region regions[WJ_DIRTY_MAX + 1];
    int found = 0;
    out->count = 0;
    if (bytes == 0) {
        return true;
    }
    if (bytes / page_bytes > UINT32_MAX ||
        !scan(fd, start, bytes, WJ_DIRTY_MAX + 1, regions, &found)) {
        return false;
    }
    for (int i = 0; i < found; i++) {
        for (uint64_t at = regions[i].start; at < regions[i].end; at += page_bytes) {
            if (out->count == WJ_DIRTY_MAX) {
                return false;
            }
            out->pages[out->count++] =
                (uint32_t) ((at - (uint64_t) (uintptr_t) start) / page_bytes);
        }
    }
    return true;
}
