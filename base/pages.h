// Memory that is about to be written from end to end.
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 // Linux 5.14
#endif

// Asks for the pages at once: one system call where a fault for each would cost a microsecond or
// two, in a virtual machine ten. Small pieces are not worth it; a system that does not know the
// question lets the faults come.
static inline void wj_pages_populate(void *start, size_t size_bytes)
{
    const uintptr_t page = 4096;
    uintptr_t low = ((uintptr_t) start + page - 1) & ~(page - 1);
    uintptr_t high = ((uintptr_t) start + size_bytes) & ~(page - 1);
    if (size_bytes >= 16 * page && high > low) {
        madvise((void *) low, high - low, MADV_POPULATE_WRITE);
    }
}

enum { WJ_PAGES_ALIGN_BYTES = 64, WJ_HUGE_BYTES = 2 << 20 };

// RLIMIT_FSIZE, memfds included: the attempt to exceed it is a signal, which ends the process.
uint64_t wj_file_bytes_max(void);

// Memory for that, aligned to WJ_PAGES_ALIGN_BYTES, which free() gives back; NULL: there is none.
// The system is asked for huge pages (2 MiB), the last of which may be half empty, and for smaller
// ones all at once.
void *wj_pages_alloc(size_t size_bytes);

// Zeroed memory of a multiple of WJ_HUGE_BYTES, aligned to that, in huge pages where there are
// some, which wj_pages_unmap gives back to the system at once, or part of it; NULL: there is none.
void *wj_pages_map(size_t size_bytes);
void wj_pages_unmap(void *start, size_t size_bytes);
// Makes such memory larger by moving its pages, not their bytes. NULL: it is as it was.
void *wj_pages_remap(void *start, size_t old_bytes, size_t new_bytes);

#endif
