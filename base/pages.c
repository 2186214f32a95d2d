// Large pieces of memory.
#include "base/pages.h"

#include <stdlib.h>

#include <sys/resource.h>

#define HUGE_BYTES ((size_t) WJ_HUGE_BYTES)

uint64_t wj_file_bytes_max(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX
                                                                                   : limit.rlim_cur;
}

void *wj_pages_alloc(size_t size_bytes)
{
    void *start = NULL;
    if (size_bytes < HUGE_BYTES / 2) {
        // To the byte, so that a sanitizer sees what is read behind the end.
        size_t bytes = size_bytes == 0 ? 1 : size_bytes;
        if (posix_memalign(&start, WJ_PAGES_ALIGN_BYTES, bytes) != 0) {
            return NULL;
        }
        wj_pages_populate(start, size_bytes);
        return start;
    }
    if (size_bytes > SIZE_MAX - HUGE_BYTES ||
        posix_memalign(&start, HUGE_BYTES, (size_bytes + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1)) !=
            0) {
        return NULL;
    }
    size_t huge_bytes = (size_bytes + HUGE_BYTES / 2) & ~(HUGE_BYTES - 1);
    madvise(start, huge_bytes, MADV_HUGEPAGE);
    if (huge_bytes < size_bytes) {
        wj_pages_populate((char *) start + huge_bytes, size_bytes - huge_bytes);
    }
    return start;
}

void *wj_pages_map(size_t size_bytes)
{
    // As much more as it takes to begin at a huge page.
    size_t reserved = size_bytes + HUGE_BYTES;
    if (size_bytes == 0 || reserved < size_bytes) {
        return NULL;
    }
    char *start = mmap(NULL, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        return NULL;
    }
    size_t before = -(uintptr_t) start & (HUGE_BYTES - 1);
    if (before != 0) {
        munmap(start, before);
    }
    munmap(start + before + size_bytes, HUGE_BYTES - before);
    madvise(start + before, size_bytes, MADV_HUGEPAGE);
    return start + before;
}

void wj_pages_unmap(void *start, size_t size_bytes)
{
    munmap(start, size_bytes);
}

void *wj_pages_remap(void *start, size_t old_bytes, size_t new_bytes)
{
    void *moved = wj_pages_map(new_bytes);
    if (moved == NULL) {
        return NULL;
    }
    if (mremap(start, old_bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == MAP_FAILED) {
        wj_pages_unmap(moved, new_bytes);
        return NULL;
    }
    return moved;
}
