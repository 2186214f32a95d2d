// A bump allocator over chunks that double up to 1 MiB.
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

struct wj_arena_chunk {
    struct wj_arena_chunk *next;
    size_t size_bytes;
};

enum { CHUNK_MIN_BYTES = 4096, CHUNK_MAX_BYTES = 1 << 20, ALIGN_BYTES = 16 };

void wj_arena_init(struct wj_arena *arena)
{
    wj_arena_init_in(arena, NULL);
}

void wj_arena_init_in(struct wj_arena *arena, struct wj_bulk *bulk)
{
    *arena = (struct wj_arena){.bulk = bulk};
}

void wj_arena_clear(struct wj_arena *arena)
{
    struct wj_arena_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct wj_arena_chunk *next = chunk->next;
        wj_bulk_free(arena->bulk, chunk);
        chunk = next;
    }
    wj_arena_init_in(arena, arena->bulk);
}

void wj_arena_expect(struct wj_arena *arena, size_t size_bytes)
{
    arena->expected_bytes = size_bytes;
}

// calloc leaves large chunks to the kernel's zero pages: nothing is touched before its use. In a
// bulk it is memory that was given out which is zeroed, no more.
static struct wj_arena_chunk *alloc_chunk(const struct wj_arena *arena, size_t size)
{
    return arena->bulk == NULL ? calloc(1, size) : wj_bulk_alloc(arena->bulk, size);
}

static struct wj_arena_chunk *alloc_huge_chunk(void)
{
    struct wj_arena_chunk *chunk = wj_pages_alloc(WJ_HUGE_BYTES);
    if (chunk != NULL) {
        memset(chunk, 0, WJ_HUGE_BYTES);
    }
    return chunk;
}

static bool add_chunk(struct wj_arena *arena, size_t payload_bytes)
{
    size_t size = arena->reserved_bytes < CHUNK_MIN_BYTES   ? CHUNK_MIN_BYTES
                  : arena->reserved_bytes > CHUNK_MAX_BYTES ? CHUNK_MAX_BYTES
                                                            : arena->reserved_bytes;
    size_t header = (sizeof(struct wj_arena_chunk) + ALIGN_BYTES - 1) & ~(size_t) (ALIGN_BYTES - 1);
    if (payload_bytes > SIZE_MAX - header) {
        return false;
    }
    if (size < payload_bytes + header) {
        size = payload_bytes + header;
    }
    bool is_huge =
        arena->bulk == NULL && arena->expected_bytes >= WJ_HUGE_BYTES && size <= WJ_HUGE_BYTES;
    struct wj_arena_chunk *chunk = is_huge ? alloc_huge_chunk() : NULL;
    if (chunk != NULL) {
        size = WJ_HUGE_BYTES;
    } else {
        chunk = alloc_chunk(arena, size);
    }
    if (chunk == NULL) {
        return false;
    }
    arena->expected_bytes -= size < arena->expected_bytes ? size : arena->expected_bytes;
    chunk->next = arena->chunks;
    chunk->size_bytes = size;
    arena->chunks = chunk;
    arena->cursor = (char *) chunk + header;
    arena->limit = (char *) chunk + size;
    arena->reserved_bytes += size;
    return true;
}

void *wj_arena_alloc(struct wj_arena *arena, size_t size_bytes)
{
    if (size_bytes > SIZE_MAX - ALIGN_BYTES) {
        return NULL;
    }
    size_t rounded = (size_bytes + ALIGN_BYTES - 1) & ~(size_t) (ALIGN_BYTES - 1);
    if (arena->cursor == NULL || rounded > (size_t) (arena->limit - arena->cursor)) {
        if (!add_chunk(arena, rounded)) {
            return NULL;
        }
    }
    void *result = arena->cursor;
    arena->cursor += rounded;
    if (arena->bulk != NULL) {
        memset(result, 0, rounded);
    }
    return result;
}

void *wj_arena_alloc_array(struct wj_arena *arena, size_t count, size_t item_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, item_bytes, &bytes)) {
        return NULL;
    }
    return wj_arena_alloc(arena, bytes);
}
