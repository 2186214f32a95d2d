// A bump allocator: many small allocations, one release. Memory comes zeroed.
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bulk.h"

struct wj_arena_chunk;

struct wj_arena {
    struct wj_arena_chunk *chunks; // newest first
    char *cursor;
    char *limit;
    size_t reserved_bytes;
    size_t expected_bytes; // soon
    struct wj_bulk *bulk;  // where chunks come from, NULL: from malloc
};

void wj_arena_init(struct wj_arena *arena);
void wj_arena_init_in(struct wj_arena *arena, struct wj_bulk *bulk);
void wj_arena_clear(struct wj_arena *arena); // releases everything; the arena can be used again

// As much will be wanted soon, in small pieces. Of 2 MiB and more each 2 MiB are asked for at once,
// as one huge page: the first use of a piece is no fault then, nor any use a miss of the TLB.
void wj_arena_expect(struct wj_arena *arena, size_t size_bytes);

// Zeroed, 16-byte aligned memory, or NULL when the system has none left. Size 0 gives a valid
// pointer to nothing.
void *wj_arena_alloc(struct wj_arena *arena, size_t size_bytes);

// The same for `count` items; NULL also when the product overflows.
void *wj_arena_alloc_array(struct wj_arena *arena, size_t count, size_t item_bytes);

#define WJ_ARENA_NEW(arena, type) ((type *) wj_arena_alloc((arena), sizeof(type)))
#define WJ_ARENA_ARRAY(arena, type, count) \
    ((type *) wj_arena_alloc_array((arena), (count), sizeof(type)))

#endif
