// A heap in blocks of huge pages: pieces are cut off the newest block, and lists keep the freed
// ones by size, four sizes for each power of two. A large piece that does not fit has a block of
// its own, which the system gets back: arrays that grow by doubling would leave as much as they
// take.
#include "base/bulk.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

#define LINE_BYTES ((size_t) WJ_PAGES_ALIGN_BYTES)
#define SIZE_BYTES_MAX ((size_t) 1 << 40)
#define OWN_LINES_MIN ((size_t) WJ_HUGE_BYTES / 2 / LINE_BYTES)

enum { CLASS_COUNT = 160 };

// Stands in the line before the memory that it describes.
struct piece {
    size_t line_count; // behind this one
    struct piece *next;
    struct block *own; // NULL: it shares a block
};

struct block {
    struct block *next, **link; // what points to it
    size_t size_bytes;
};

struct wj_bulk {
    pthread_mutex_t lock;
    struct wj_bulk_spare *spare;
    struct block *blocks;
    char *cursor; // in the newest block, at a line
    char *limit;
    struct piece *free[CLASS_COUNT];
};

_Static_assert(sizeof(struct piece) <= WJ_PAGES_ALIGN_BYTES, "a piece's header takes a line");

static unsigned size_log2(size_t line_count)
{
    return 63u - (unsigned) __builtin_clzll(line_count);
}

// The class whose pieces have as many lines or fewer.
static unsigned class_of(size_t line_count)
{
    unsigned log2 = size_log2(line_count);
    return log2 < 2 ? (unsigned) line_count - 1
                    : 4 * (log2 - 2) + (unsigned) (line_count >> (log2 - 2)) - 1;
}

// To the next class, but for large pieces: what follows one is in the page that it ends in.
static size_t round_lines(size_t size_bytes)
{
    size_t lines = size_bytes == 0 ? 1 : (size_bytes + LINE_BYTES - 1) / LINE_BYTES;
    if (lines >= OWN_LINES_MIN) {
        return lines;
    }
    unsigned log2 = size_log2(lines);
    size_t step = log2 < 2 ? 1 : (size_t) 1 << (log2 - 2);
    return (lines + step - 1) & ~(step - 1);
}

static struct piece *piece_of(void *memory)
{
    return (struct piece *) (void *) ((char *) memory - LINE_BYTES);
}

static void *memory_of(struct piece *piece)
{
    return (char *) piece + LINE_BYTES;
}

static char *end_of(struct piece *piece)
{
    return (char *) piece + (piece->line_count + 1) * LINE_BYTES;
}

static void keep_free(struct wj_bulk *bulk, struct piece *piece)
{
    struct piece **list = &bulk->free[class_of(piece->line_count)];
    piece->next = *list;
    *list = piece;
}

static struct block *take_spare(struct wj_bulk_spare *spare)
{
    void *block = NULL;
    for (unsigned i = 0; i < WJ_BULK_SPARE_BLOCKS && block == NULL; i++) {
        block = atomic_exchange(&spare->blocks[i], NULL);
    }
    return block;
}

static void give_spare(struct wj_bulk_spare *spare, struct block *block)
{
    void *given = block;
    for (unsigned i = 0; i < WJ_BULK_SPARE_BLOCKS && given != NULL; i++) {
        given = atomic_exchange(&spare->blocks[i], given);
    }
    if (given != NULL) {
        wj_pages_unmap(given, WJ_HUGE_BYTES);
    }
}

void wj_bulk_spare_clear(struct wj_bulk_spare *spare)
{
    for (unsigned i = 0; i < WJ_BULK_SPARE_BLOCKS; i++) {
        void *block = atomic_exchange(&spare->blocks[i], NULL);
        if (block != NULL) {
            wj_pages_unmap(block, WJ_HUGE_BYTES);
        }
    }
}

static size_t block_bytes(size_t line_count)
{
    size_t bytes = (line_count + 2) * LINE_BYTES;
    return (bytes + WJ_HUGE_BYTES - 1) & ~(size_t) (WJ_HUGE_BYTES - 1);
}

// With room for a piece of so many lines.
static struct block *new_block(struct wj_bulk *bulk, size_t line_count)
{
    size_t bytes = block_bytes(line_count);
    struct block *block = bytes == WJ_HUGE_BYTES ? take_spare(bulk->spare) : NULL;
    if (block == NULL) {
        block = wj_pages_map(bytes);
    }
    if (block != NULL) {
        *block = (struct block){bulk->blocks, &bulk->blocks, bytes};
        if (block->next != NULL) {
            block->next->link = &block->next;
        }
        bulk->blocks = block;
    }
    return block;
}

static void give_back(struct wj_bulk *bulk, struct block *block)
{
    *block->link = block->next;
    if (block->next != NULL) {
        block->next->link = block->link;
    }
    if (block->size_bytes == WJ_HUGE_BYTES) {
        give_spare(bulk->spare, block);
    } else {
        wj_pages_unmap(block, block->size_bytes);
    }
}

// A block that pieces are cut off from now on, the next one of so many lines.
static bool add_block(struct wj_bulk *bulk, size_t line_count)
{
    struct block *block = new_block(bulk, line_count);
    if (block == NULL) {
        return false;
    }
    size_t rest = (size_t) (bulk->limit - bulk->cursor) / LINE_BYTES;
    if (rest >= 2) {
        struct piece *piece = (struct piece *) (void *) bulk->cursor;
        piece->line_count = rest - 1;
        piece->own = NULL;
        keep_free(bulk, piece);
    }
    bulk->cursor = (char *) block + LINE_BYTES;
    bulk->limit = (char *) block + block->size_bytes;
    return true;
}

static struct piece *take_free(struct wj_bulk *bulk, size_t line_count)
{
    unsigned first = class_of(line_count);
    for (unsigned i = first; i <= first + 4 && i < CLASS_COUNT; i++) {
        struct piece *piece = bulk->free[i];
        if (piece != NULL && piece->line_count >= line_count) {
            bulk->free[i] = piece->next;
            return piece;
        }
    }
    return NULL;
}

// All of a block of its own.
static struct piece *piece_in(struct block *own)
{
    struct piece *piece = (struct piece *) (void *) ((char *) own + LINE_BYTES);
    piece->line_count = own->size_bytes / LINE_BYTES - 2;
    piece->own = own;
    return piece;
}

static struct piece *take(struct wj_bulk *bulk, size_t line_count)
{
    struct piece *piece = take_free(bulk, line_count);
    if (piece != NULL) {
        return piece;
    }
    bool fits = (size_t) (bulk->limit - bulk->cursor) >= (line_count + 1) * LINE_BYTES;
    if (!fits && line_count >= OWN_LINES_MIN) {
        struct block *own = new_block(bulk, line_count);
        return own == NULL ? NULL : piece_in(own);
    }
    if (!fits && !add_block(bulk, line_count)) {
        return NULL;
    }
    piece = (struct piece *) (void *) bulk->cursor;
    piece->line_count = line_count;
    piece->own = NULL;
    bulk->cursor = end_of(piece);
    return piece;
}

struct wj_bulk *wj_bulk_new(size_t first_bytes, struct wj_bulk_spare *spare)
{
    struct wj_bulk *bulk = calloc(1, sizeof *bulk);
    if (bulk == NULL) {
        return NULL;
    }
    pthread_mutex_init(&bulk->lock, NULL);
    bulk->spare = spare;
    if (first_bytes > SIZE_BYTES_MAX || !add_block(bulk, round_lines(first_bytes))) {
        wj_bulk_delete(bulk);
        return NULL;
    }
    return bulk;
}

void wj_bulk_delete(struct wj_bulk *bulk)
{
    if (bulk == NULL) {
        return;
    }
    while (bulk->blocks != NULL) {
        give_back(bulk, bulk->blocks);
    }
    pthread_mutex_destroy(&bulk->lock);
    free(bulk);
}

void *wj_bulk_alloc(struct wj_bulk *bulk, size_t size_bytes)
{
    if (bulk == NULL) {
        return malloc(size_bytes == 0 ? 1 : size_bytes);
    }
    if (size_bytes > SIZE_BYTES_MAX) {
        return NULL;
    }
    pthread_mutex_lock(&bulk->lock);
    struct piece *piece = take(bulk, round_lines(size_bytes));
    pthread_mutex_unlock(&bulk->lock);
    return piece == NULL ? NULL : memory_of(piece);
}

// Makes the newest piece larger, where it is.
static bool extend(struct wj_bulk *bulk, struct piece *piece, size_t line_count)
{
    pthread_mutex_lock(&bulk->lock);
    bool is_last = piece->own == NULL && end_of(piece) == bulk->cursor &&
                   (size_t) (bulk->limit - (char *) piece) >= (line_count + 1) * LINE_BYTES;
    if (is_last) {
        piece->line_count = line_count;
        bulk->cursor = end_of(piece);
    }
    pthread_mutex_unlock(&bulk->lock);
    return is_last;
}

// Makes a piece larger that has a block of its own. NULL: it is as it was.
static void *grow_own(struct wj_bulk *bulk, struct piece *piece, size_t line_count)
{
    size_t bytes = block_bytes(line_count);
    pthread_mutex_lock(&bulk->lock);
    struct block *own = wj_pages_remap(piece->own, piece->own->size_bytes, bytes);
    if (own != NULL) {
        own->size_bytes = bytes;
        *own->link = own;
        if (own->next != NULL) {
            own->next->link = &own->next;
        }
    }
    pthread_mutex_unlock(&bulk->lock);
    return own == NULL ? NULL : memory_of(piece_in(own));
}

void *wj_bulk_realloc(struct wj_bulk *bulk, void *memory, size_t size_bytes)
{
    if (bulk == NULL) {
        return realloc(memory, size_bytes == 0 ? 1 : size_bytes);
    }
    if (memory == NULL || size_bytes > SIZE_BYTES_MAX) {
        return memory == NULL ? wj_bulk_alloc(bulk, size_bytes) : NULL;
    }
    struct piece *piece = piece_of(memory);
    size_t old_bytes = piece->line_count * LINE_BYTES;
    if (size_bytes <= old_bytes || extend(bulk, piece, round_lines(size_bytes))) {
        return memory;
    }
    void *grown = piece->own == NULL ? NULL : grow_own(bulk, piece, round_lines(size_bytes));
    if (grown != NULL) {
        return grown;
    }
    grown = wj_bulk_alloc(bulk, size_bytes);
    if (grown != NULL) {
        memcpy(grown, memory, old_bytes);
        wj_bulk_free(bulk, memory);
    }
    return grown;
}

void wj_bulk_free(struct wj_bulk *bulk, void *memory)
{
    if (bulk == NULL) {
        free(memory);
        return;
    }
    if (memory == NULL) {
        return;
    }
    struct piece *piece = piece_of(memory);
    pthread_mutex_lock(&bulk->lock);
    if (piece->own != NULL) {
        give_back(bulk, piece->own);
    } else if (end_of(piece) == bulk->cursor) {
        bulk->cursor = (char *) piece;
    } else {
        keep_free(bulk, piece);
    }
    pthread_mutex_unlock(&bulk->lock);
}
