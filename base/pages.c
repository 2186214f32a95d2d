// Large pieces of memory.
#include "base/pages.h"

#include <stdlib.h>

#define HUGE_BYTES ((size_t) WJ_HUGE_BYTES)

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
