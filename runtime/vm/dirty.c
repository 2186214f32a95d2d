// PAGEMAP_SCAN (Linux 6.7, Documentation/admin-guide/mm/pagemap.rst), spelled out since the headers
// of older systems do not have it.
#include "runtime/vm/dirty.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    PAGES_MAX = 16,
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

bool wj_dirty_find(int fd, const void *start, uint64_t bytes, uint32_t pages_max,
                   struct wj_dirty_range ranges[], uint32_t *count)
{
    struct page_region regions[PAGES_MAX];
    int found = 0;
    *count = 0;
    if (bytes == 0) {
        return true;
    }
    pages_max = pages_max < PAGES_MAX - 1 ? pages_max : PAGES_MAX - 1;
    // One more than wanted, so that as many as wanted do not stop the walk.
    if (!scan(fd, start, bytes, pages_max + 1, regions, &found) || (uint32_t) found > pages_max) {
        return false;
    }
    uint64_t pages = 0, page_bytes = (uint64_t) sysconf(_SC_PAGESIZE);
    for (int i = 0; i < found; i++) {
        ranges[i].offset = regions[i].start - (uint64_t) (uintptr_t) start;
        ranges[i].bytes = regions[i].end - regions[i].start;
        pages += ranges[i].bytes / page_bytes;
    }
    *count = (uint32_t) found;
    return pages <= pages_max;
}
