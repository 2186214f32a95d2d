// Memory of one owner that lies together, in huge pages: for a module of some size, where a fault
// for each page would be a good part of what its compilation takes. Everywhere NULL stands for
// malloc, which is right for small modules. Any thread may allocate and free.
#ifndef BASE_BULK_H
#define BASE_BULK_H

#include <stdatomic.h>
#include <stddef.h>

struct wj_bulk;

// A few blocks that wait for the next bulk, so that the next module faults for none of them.
enum { WJ_BULK_SPARE_BLOCKS = 2 };
struct wj_bulk_spare {
    void *_Atomic blocks[WJ_BULK_SPARE_BLOCKS];
};
void wj_bulk_spare_clear(struct wj_bulk_spare *spare);

// `first_bytes` of the first allocation; `spare` outlives it. NULL: no memory.
struct wj_bulk *wj_bulk_new(size_t first_bytes, struct wj_bulk_spare *spare);
void wj_bulk_delete(struct wj_bulk *bulk); // with all that is in it; or NULL

// Aligned to WJ_PAGES_ALIGN_BYTES (base/pages.h), not zeroed; NULL: there is none.
void *wj_bulk_alloc(struct wj_bulk *bulk, size_t size_bytes);
void *wj_bulk_realloc(struct wj_bulk *bulk, void *memory, size_t size_bytes);
void wj_bulk_free(struct wj_bulk *bulk, void *memory); // or NULL

#endif
