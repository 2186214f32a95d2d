// Code memory: one reservation of address space with a table of pointers first and code behind it.
// The code has two views, one writable and one executable, never both in one; code that was
// published is never changed. Looking up what lies at an address takes no lock, so that the signal
// handler may do it.
#ifndef RUNTIME_VM_REGION_H
#define RUNTIME_VM_REGION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "runtime/vm/backend.h"

struct wj_code_entry {
    uint64_t start; // executable address
    struct wj_code_info info;
};

// A stretch of the region that one thread at a time fills: entries ascend by address.
struct wj_code_chunk {
    size_t start; // offsets in the code part
    size_t end;   // of what is used
    size_t limit; // of what may be used
    size_t laid;  // up to where pages were asked for
    // Code is written to `stage` from offset `stored` on, until wj_region_store; NULL: in place.
    size_t stored;
    uint8_t *stage;
    size_t stage_bytes;
    _Atomic uint32_t entry_count;
    uint32_t entry_capacity;
    struct wj_code_entry *entries;
    struct wj_arena arena; // what entries point to
};

// Chunks are found by their number through blocks of pointers, so that neither moves.
#define WJ_REGION_CHUNKS_MAX 4096u
#define WJ_REGION_BLOCK_CHUNKS 64u

struct wj_region {
    uint8_t *exec;        // the table, then the executable view
    uint8_t *write;       // the writable view of the code part
    size_t table_bytes;   // whole pages
    size_t code_bytes;    // capacity
    bool is_short;        // it was to be more: a limit of the system
    size_t used_bytes;    // of the code part, up to the last chunk's limit
    size_t file_bytes;    // of its start, which is a file's in the executable view alone
    int file;             // that the views map, or -1: only while it is open
    uint32_t process;     // whose views these are: wj_process()
    void *owner;          // struct wj_code, or NULL for the engine's own
    struct wj_bulk *bulk; // of entries and what they point to, or NULL; the owner's
    _Atomic uint32_t chunk_count;
    // Ascending by address. What chunk_count covers is never written again.
    struct wj_code_chunk **blocks[WJ_REGION_CHUNKS_MAX / WJ_REGION_BLOCK_CHUNKS];
};

// Reserves address space: `code_bytes` of it, or less down to 1/16 where it is short.
bool wj_region_init(struct wj_region *region, size_t table_bytes, size_t code_bytes,
                    struct wj_err *err);
void wj_region_clear(struct wj_region *region);

static inline void **wj_region_table(struct wj_region *region)
{
    return (void **) (void *) region->exec;
}

static inline uint64_t wj_region_code_address(const struct wj_region *region)
{
    return (uint64_t) (uintptr_t) region->exec + region->table_bytes;
}

// The chunk with this number, below chunk_count.
static inline struct wj_code_chunk *wj_region_chunk_at(const struct wj_region *region,
                                                       uint32_t index)
{
    return region->blocks[index / WJ_REGION_BLOCK_CHUNKS][index % WJ_REGION_BLOCK_CHUNKS];
}

// A new chunk of at least `min_bytes`, of all that is left when `takes_rest`. NULL: the region or
// memory is exhausted. The caller holds the owner's lock.
struct wj_code_chunk *wj_region_chunk(struct wj_region *region, size_t min_bytes, bool takes_rest,
                                      uint32_t entry_capacity);
// Has the system lay pages under the next `size_bytes` of a chunk at once, which costs a third of
// what faults for each cost; where `wanted_bytes` have them, nothing is done.
void wj_region_populate(struct wj_region *region, struct wj_code_chunk *chunk, size_t wanted_bytes,
                        size_t size_bytes);
// Gives what the last chunk does not use back to the region. The caller holds the owner's lock.
void wj_region_trim(struct wj_region *region, struct wj_code_chunk *chunk);

// Much code is written faster to the file than through a view of it: no page has to be found,
// cleared and mapped by a fault. A new region is open, for whoever writes much at once. To open it
// later puts a new file, which holds the same code, under both views, which are this process's own
// then; so no descriptor is kept for the time between. False, and all is as before: the system
// refuses. The caller holds the owner's lock.
bool wj_region_open(struct wj_region *region);
void wj_region_close(struct wj_region *region);
static inline bool wj_region_is_open(const struct wj_region *region)
{
    return region->file >= 0;
}
// Has the code of a chunk, which is stored so far, be written to a buffer of the caller's; the
// region is open. NULL: in place again.
void wj_region_stage(struct wj_code_chunk *chunk, uint8_t *stage, size_t stage_bytes);
// Fills a new chunk with code that no backtrace sees, which may run from now on.
bool wj_region_fill(struct wj_region *region, struct wj_code_chunk *chunk, const uint8_t *bytes,
                    struct wj_err *err);
// What was published of a staged chunk is in the region from now on, and may run. From any thread
// that owns the chunk. False: the system does not take it.
bool wj_region_store(struct wj_region *region, struct wj_code_chunk *chunk, struct wj_err *err);

// Before code is written: the views are this process's own. A fork leaves both processes with the
// same memory, where each would write over what the other made; what is there is copied then. The
// caller holds the owner's lock. False: the system refuses.
bool wj_region_own(struct wj_region *region, struct wj_err *err);

// The free part of a chunk as the compiler wants it.
struct wj_code_window wj_region_window(const struct wj_region *region,
                                       const struct wj_code_chunk *chunk);
// Takes `used_bytes` of the window's room; from then on the code may run, or, staged, when it is
// stored. `info` NULL: code that no backtrace sees. Returns its address, or 0 when the chunk has no
// entry left.
uint64_t wj_region_publish(struct wj_region *region, struct wj_code_chunk *chunk, size_t used_bytes,
                           const struct wj_code_info *info);

// Code that was compiled for the start of a region. `file` is -1 when the bytes are of no file.
struct wj_code_source {
    const uint8_t *bytes;
    size_t size_bytes;
    uint64_t checksum; // wj_hash64 of the bytes
    int file;
    uint64_t file_offset;
};

// Puts it into an empty region, with room for `entry_count` entries: maps it from its file, or
// copies it. The checksum is that of the mapping or the copy, taken before any of it could be
// entered; that is only after wj_region_adopt_entries. NULL: it does not fit, or *is_damaged.
struct wj_code_chunk *wj_region_adopt(struct wj_region *region, const struct wj_code_source *source,
                                      uint32_t entry_count, bool *is_damaged);
// The chunk's entries are there: from now on its code may run.
void wj_region_adopt_entries(struct wj_region *region, struct wj_code_chunk *chunk);

// The entry that `pc` lies in, or NULL. Takes no lock.
const struct wj_code_entry *wj_region_find(const struct wj_region *region, uint64_t pc);

// The trap site of an entry at `pc`, or NULL.
const struct wj_trap_site *wj_code_entry_site(const struct wj_code_entry *entry, uint64_t pc);

// All regions of an engine, for lookups without a lock.
#define WJ_REGION_SLOTS 64u
struct wj_region_slots {
    struct {
        _Atomic uint64_t start;
        _Atomic uint64_t end;
        struct wj_region *_Atomic region;
    } slots[WJ_REGION_SLOTS];
    struct wj_region_slots *_Atomic next;
};

struct wj_region_registry {
    pthread_mutex_t lock; // of writers
    struct wj_region_slots first;
};

void wj_region_registry_init(struct wj_region_registry *registry);
void wj_region_registry_clear(struct wj_region_registry *registry);
bool wj_region_registry_add(struct wj_region_registry *registry, struct wj_region *region,
                            struct wj_err *err);
void wj_region_registry_remove(struct wj_region_registry *registry, struct wj_region *region);
struct wj_region *wj_region_registry_find(const struct wj_region_registry *registry, uint64_t pc);

#endif
