// Large pieces of memory.
#include "base/pages.h"

#include <stdlib.h>

#define HUGE_BYTES ((size_t) 2 << 20)

void *wj_pages_alloc(size_t size_bytes)
{
    size_t align = size_bytes < HUGE_BYTES / 2 ? WJ_PAGES_ALIGN_BYTES : HUGE_BYTES;
    if (size_bytes > SIZE_MAX - align) {
        return NULL;
    }
    size_t reserved_bytes = size_bytes == 0 ? align : (size_bytes + align - 1) & ~(align - 1);
    char *start = aligned_alloc(align, reserved_bytes);
    if (start != NULL) {
        size_t huge_bytes = (size_bytes + HUGE_BYTES / 2) & ~(HUGE_BYTES - 1);
        if (huge_bytes != 0) {
            madvise(start, huge_bytes, MADV_HUGEPAGE);
        }
        if (huge_bytes < size_bytes) {
            wj_pages_populate(start + huge_bytes, size_bytes - huge_bytes);
        }
    }
    return start;
}
