// Linear memories and tables.
#ifndef RUNTIME_VM_MEMORY_H
#define RUNTIME_VM_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/vm/engine.h"
#include "runtime/vm/instance.h"

// Offsets reach 8 GiB past the base at most: a 32-bit index and a 32-bit offset, and 16 bytes.
// Below the base there is room for what a miscompiled sign extension would reach.
#define WJ_GUARD_BEFORE_BYTES (2ull << 30)
#define WJ_GUARD_AFTER_BYTES ((8ull << 30) + 65536)

// Elements of a table, as on the web.
#define WJ_TABLE_SIZE_MAX 10000000u

bool wj_memory_new(const struct wj_settings *settings, const struct wj_memory_type *type,
                   struct wj_memory **out, struct wj_err *err);
// Where a memory of a pool lies: in address space that stays the pool's. With guard regions all
// around, inaccessible but for the initial size; or without, all of it writable.
struct wj_memory_place {
    uint8_t *base;
    uint64_t reserved_bytes; // from the base on
    bool is_guarded;
};
// In storage that is zeroed and outlives it.
void wj_memory_init_in(struct wj_memory *memory, const struct wj_memory_type *type,
                       uint64_t max_pages, const struct wj_memory_place *place);
// A pool's memory in its initial size again. What was written is gone: the pages are those of the
// file that is mapped there, or zero.
bool wj_memory_reset(struct wj_memory *memory);
struct wj_memory *wj_memory_retain(struct wj_memory *memory);
void wj_memory_release(struct wj_memory *memory);

// A private view of a guarded memory that lies in a file: it shows the memory's bytes but for the
// pages that were written through it. NULL: it cannot be had. Its size follows when it is fitted.
struct wj_memory *wj_memory_view_new(const struct wj_memory *memory);
bool wj_memory_view_fit(struct wj_memory *view, const struct wj_memory *memory);

// The old size in pages, or UINT64_MAX. The base of a memory that is neither guarded nor shared
// may move.
uint64_t wj_memory_grow(struct wj_memory *memory, uint64_t delta_pages);
static inline uint64_t wj_memory_pages(const struct wj_memory *memory)
{
    return atomic_load(&((struct wj_memory *) memory)->size_bytes) >> memory->type.page_size_log2;
}
// So much of a memory is written for the first time soon: from 512 KiB on it is in huge pages.
void wj_memory_expect(struct wj_memory *memory, uint64_t size_bytes);
// True when an access there may fault because it is out of bounds. Takes no lock.
bool wj_memory_is_guard(const struct wj_memory *memory, uint64_t address);

bool wj_table_new(const struct wj_table_type *type, void *init, struct wj_table **out,
                  struct wj_err *err);
void wj_table_free(struct wj_table *table);
// The old size, or UINT64_MAX.
uint64_t wj_table_grow(struct wj_table *table, uint64_t delta, void *init);

#endif
