// Code memory as a memfd mapped twice: what is written through one view runs through the other.
#include "runtime/vm/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/pages.h"
#include "runtime/vm/signals.h"
#include "runtime/vm/ucontext.h"

#define PAGE_BYTES 65536u // the largest page size of the machines we run on
#define CODE_ALIGN 32u    // of functions, as cores fetch
#define REGION_BYTES_MIN (256u * 1024u)
// Code of a file that is worth a mapping, and what its place in the file is aligned to.
#define MAPPED_BYTES_MIN 65536u
#define MAPPED_PAGE_BYTES 4096u

static size_t align_up(size_t value, size_t align)
{
    return (value + align - 1) & ~(align - 1);
}

// Maps both views of a new memfd, the executable one at `exec` inside the reservation. Leaves the
// region open.
static bool map_views(struct wj_region *region, uint8_t *exec, size_t code_bytes)
{
    int fd = memfd_create("wjit-code", MFD_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool is_mapped = false;
    if (ftruncate(fd, (off_t) code_bytes) == 0) {
        void *write =
            mmap(NULL, code_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
        if (write != MAP_FAILED) {
            is_mapped = mmap(exec, code_bytes, wj_code_protection(),
                             MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0) != MAP_FAILED;
            if (is_mapped) {
                region->write = write;
                region->file = fd;
            } else {
                munmap(write, code_bytes);
            }
        }
    }
    if (!is_mapped) {
        int number = errno;
        close(fd);
        errno = number;
    }
    return is_mapped;
}

// Address space that a table begins; at a huge page, if it is to be in some. NULL with errno set.
static uint8_t *reserve(size_t table_bytes, size_t code_bytes)
{
    bool is_huge = table_bytes >= WJ_HUGE_BYTES;
    size_t size = table_bytes + code_bytes, more = is_huge ? WJ_HUGE_BYTES : 0;
    uint8_t *mapping =
        mmap(NULL, size + more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
        return NULL;
    }
    if (is_huge) {
        size_t before = -(uintptr_t) mapping & (WJ_HUGE_BYTES - 1);
        if (before != 0) {
            munmap(mapping, before);
        }
        mapping += before;
        munmap(mapping + size, more - before);
        madvise(mapping, table_bytes, MADV_HUGEPAGE);
    }
    return mapping;
}

// False with errno set.
static bool try_init(struct wj_region *region, size_t table_bytes, size_t code_bytes)
{
    uint8_t *mapping = reserve(table_bytes, code_bytes);
    if (mapping == NULL) {
        return false;
    }
    if ((table_bytes != 0 && mprotect(mapping, table_bytes, PROT_READ | PROT_WRITE) != 0) ||
        !map_views(region, mapping + table_bytes, code_bytes)) {
        int number = errno;
        munmap(mapping, table_bytes + code_bytes);
        errno = number;
        return false;
    }
    region->exec = mapping;
    region->table_bytes = table_bytes;
    region->code_bytes = code_bytes;
    region->process = wj_process();
    return true;
}

// Where the code ends that the region's chunks have.
static size_t code_end(const struct wj_region *region)
{
    uint32_t count = atomic_load(&region->chunk_count);
    return count == 0 ? 0 : wj_region_chunk_at(region, count - 1)->end;
}

static bool write_all(int fd, const uint8_t *bytes, size_t size_bytes, size_t offset)
{
    while (size_bytes > 0) {
        ssize_t count = pwrite(fd, bytes, size_bytes, (off_t) offset);
        if (count <= 0) {
            return false;
        }
        bytes += count;
        offset += (size_t) count;
        size_bytes -= (size_t) count;
    }
    return true;
}

// A new file with the region's code. Returns it, or -1 with errno set.
static int copy_code(const struct wj_region *region, size_t from)
{
    size_t end = code_end(region);
    if (region->code_bytes > wj_file_bytes_max()) {
        errno = EFBIG;
        return -1;
    }
    int fd = memfd_create("wjit-code", MFD_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    if (ftruncate(fd, (off_t) region->code_bytes) != 0 ||
        (end > from && !write_all(fd, region->write + from, end - from, from))) {
        int number = errno;
        close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

// Maps a file under the executable view from `from` on, where code may be running.
static bool map_exec(const struct wj_region *region, size_t from, int fd)
{
    uint8_t *exec = region->exec + region->table_bytes + from;
    if (mmap(exec, region->code_bytes - from, wj_code_protection(),
             MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, (off_t) from) == MAP_FAILED) {
        return false;
    }
    size_t end = code_end(region);
    if (end > from) {
        wj_sync_code(exec, end - from);
    }
    return true;
}

static void *map_write(const struct wj_region *region, void *where, int fd)
{
    int fixed = where != NULL ? MAP_FIXED : 0;
    return mmap(where, region->code_bytes, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_NORESERVE | fixed, fd, 0);
}

// Lays a copy of the code under both views, the executable one at the address that it has. Returns
// the file, or -1 with errno set: then the views are what they were, unless they `must` be had and
// there was no address space for a second writable one beside the first.
static int copy_views(struct wj_region *region, bool must)
{
    size_t from = align_up(region->file_bytes, MAPPED_PAGE_BYTES);
    int fd = copy_code(region, from);
    if (fd < 0) {
        return -1;
    }
    void *write = map_write(region, NULL, fd);
    bool is_mapped = (write != MAP_FAILED || must) && map_exec(region, from, fd);
    if (is_mapped && write != MAP_FAILED) {
        munmap(region->write, region->code_bytes);
        region->write = write;
    } else if (is_mapped) {
        is_mapped = map_write(region, region->write, fd) != MAP_FAILED;
    } else if (write != MAP_FAILED) {
        int number = errno;
        munmap(write, region->code_bytes);
        errno = number;
    }
    if (!is_mapped) {
        int number = errno;
        close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

bool wj_region_own(struct wj_region *region, struct wj_err *err)
{
    if (region->process == wj_process()) {
        return true;
    }
    wj_region_close(region); // what is written there is the other process's
    int file = copy_views(region, true);
    if (file < 0) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET,
                          "machine code cannot be copied after a fork: %s", strerror(errno));
    }
    close(file);
    region->process = wj_process();
    return true;
}

bool wj_region_open(struct wj_region *region)
{
    if (wj_region_is_open(region) && region->process == wj_process()) {
        return true;
    }
    wj_region_close(region);
    region->file = copy_views(region, false);
    if (!wj_region_is_open(region)) {
        return false;
    }
    region->process = wj_process();
    return true;
}

void wj_region_close(struct wj_region *region)
{
    if (wj_region_is_open(region)) {
        close(region->file);
        region->file = -1;
    }
}

bool wj_region_init(struct wj_region *region, size_t table_bytes, size_t code_bytes,
                    struct wj_err *err)
{
    *region = (struct wj_region){.file = -1};
    // A table of 32,768 functions is worth a huge page, of which it fills an eighth.
    table_bytes =
        align_up(table_bytes, table_bytes >= WJ_HUGE_BYTES / 8 ? WJ_HUGE_BYTES : PAGE_BYTES);
    code_bytes = align_up(code_bytes, PAGE_BYTES);
    size_t wanted_bytes = code_bytes;
    uint64_t most = wj_file_bytes_max();
    if (most < code_bytes) {
        code_bytes = most & ~(size_t) (PAGE_BYTES - 1);
        if (code_bytes < REGION_BYTES_MIN) {
            return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET,
                              "the limit on file sizes (%llu bytes) leaves no room for machine "
                              "code: %u bytes are needed",
                              (unsigned long long) most, REGION_BYTES_MIN);
        }
    }
    size_t least = code_bytes / 16 > REGION_BYTES_MIN ? code_bytes / 16 : REGION_BYTES_MIN;
    for (size_t bytes = code_bytes; bytes >= least; bytes = align_up(bytes / 2, PAGE_BYTES)) {
        if (try_init(region, table_bytes, bytes)) {
            region->is_short = bytes < wanted_bytes;
            return true;
        }
    }
    int number = errno;
    if (number == EMFILE || number == ENFILE) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET,
                          "no file descriptor is left for machine code (%s): one was expected "
                          "below the limit",
                          strerror(number));
    }
    return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET,
                      "no address space for %zu bytes of machine code: %s", code_bytes,
                      strerror(number));
}

void wj_region_clear(struct wj_region *region)
{
    if (region->exec == NULL) {
        return;
    }
    wj_region_close(region);
    munmap(region->exec, region->table_bytes + region->code_bytes);
    munmap(region->write, region->code_bytes);
    uint32_t count = atomic_load(&region->chunk_count);
    for (uint32_t i = 0; i < count; i++) {
        struct wj_code_chunk *chunk = wj_region_chunk_at(region, i);
        wj_arena_clear(&chunk->arena);
        wj_bulk_free(region->bulk, chunk->entries);
        free(chunk);
    }
    for (uint32_t i = 0; i < WJ_REGION_CHUNKS_MAX / WJ_REGION_BLOCK_CHUNKS; i++) {
        free(region->blocks[i]);
    }
    memset(region, 0, sizeof *region);
    region->file = -1;
}

// Makes room for chunk number `index`.
static bool reserve_slot(struct wj_region *region, uint32_t index)
{
    struct wj_code_chunk ***block = &region->blocks[index / WJ_REGION_BLOCK_CHUNKS];
    if (*block == NULL) {
        *block = calloc(WJ_REGION_BLOCK_CHUNKS, sizeof **block);
    }
    return *block != NULL;
}

struct wj_code_chunk *wj_region_chunk(struct wj_region *region, size_t min_bytes, bool takes_rest,
                                      uint32_t entry_capacity)
{
    uint32_t count = atomic_load_explicit(&region->chunk_count, memory_order_relaxed);
    size_t start = align_up(region->used_bytes, CODE_ALIGN);
    if (count == WJ_REGION_CHUNKS_MAX || start > region->code_bytes ||
        region->code_bytes - start < min_bytes || !reserve_slot(region, count)) {
        return NULL;
    }
    struct wj_code_chunk *chunk = calloc(1, sizeof *chunk);
    // Not zeroed, so that only pages with entries are touched.
    struct wj_code_entry *entries =
        wj_bulk_alloc(region->bulk, (size_t) entry_capacity * sizeof *entries);
    if (chunk == NULL || entries == NULL) {
        free(chunk);
        wj_bulk_free(region->bulk, entries);
        return NULL;
    }
    wj_arena_init_in(&chunk->arena, region->bulk);
    chunk->entries = entries;
    chunk->entry_capacity = entry_capacity;
    chunk->start = start;
    chunk->end = start;
    chunk->limit = takes_rest ? region->code_bytes : start + min_bytes;
    region->used_bytes = chunk->limit;
    region->blocks[count / WJ_REGION_BLOCK_CHUNKS][count % WJ_REGION_BLOCK_CHUNKS] = chunk;
    atomic_store_explicit(&region->chunk_count, count + 1, memory_order_release);
    return chunk;
}

void wj_region_populate(struct wj_region *region, struct wj_code_chunk *chunk, size_t wanted_bytes,
                        size_t size_bytes)
{
    size_t from = chunk->laid > chunk->end ? chunk->laid : chunk->end & ~(MAPPED_PAGE_BYTES - 1u);
    size_t left = chunk->limit - from;
    if (from >= chunk->end + wanted_bytes || left == 0) {
        return;
    }
    size_bytes = size_bytes < left ? size_bytes : left;
    wj_pages_populate(region->write + from, size_bytes);
    chunk->laid = from + size_bytes;
}

void wj_region_trim(struct wj_region *region, struct wj_code_chunk *chunk)
{
    if (region->used_bytes == chunk->limit) {
        chunk->limit = chunk->end;
        region->used_bytes = chunk->end;
    }
}

struct wj_code_window wj_region_window(const struct wj_region *region,
                                       const struct wj_code_chunk *chunk)
{
    size_t at = align_up(chunk->end, CODE_ALIGN);
    at = at < chunk->limit ? at : chunk->limit;
    size_t room_bytes = chunk->limit - at;
    uint8_t *write = region->write + at;
    if (chunk->stage != NULL) {
        size_t taken = at - chunk->stored;
        taken = taken < chunk->stage_bytes ? taken : chunk->stage_bytes;
        write = chunk->stage + taken;
        room_bytes =
            chunk->stage_bytes - taken < room_bytes ? chunk->stage_bytes - taken : room_bytes;
    }
    return (struct wj_code_window){
        .write = write,
        .address = wj_region_code_address(region) + at,
        .room_bytes = room_bytes,
        .table_address = (uint64_t) (uintptr_t) region->exec,
    };
}

void wj_region_stage(struct wj_code_chunk *chunk, uint8_t *stage, size_t stage_bytes)
{
    chunk->stage = stage;
    chunk->stage_bytes = stage_bytes;
    chunk->stored = align_up(chunk->end, CODE_ALIGN);
}

// Writes code to the region's file.
static bool store(struct wj_region *region, const uint8_t *bytes, size_t size_bytes, size_t offset,
                  struct wj_err *err)
{
    if (!write_all(region->file, bytes, size_bytes, offset)) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "no memory for machine code: %s",
                          strerror(errno));
    }
    wj_sync_code(region->exec + region->table_bytes + offset, size_bytes);
    return true;
}

bool wj_region_store(struct wj_region *region, struct wj_code_chunk *chunk, struct wj_err *err)
{
    if (chunk->stage == NULL || chunk->end <= chunk->stored) {
        return true;
    }
    if (!store(region, chunk->stage, chunk->end - chunk->stored, chunk->stored, err)) {
        return false;
    }
    chunk->stored = align_up(chunk->end, CODE_ALIGN);
    return true;
}

bool wj_region_fill(struct wj_region *region, struct wj_code_chunk *chunk, const uint8_t *bytes,
                    struct wj_err *err)
{
    size_t size = chunk->limit - chunk->start;
    chunk->end = chunk->limit;
    if (wj_region_is_open(region)) {
        return store(region, bytes, size, chunk->start, err);
    }
    memcpy(region->write + chunk->start, bytes, size);
    wj_sync_code(region->exec + region->table_bytes + chunk->start, size);
    return true;
}

uint64_t wj_region_publish(struct wj_region *region, struct wj_code_chunk *chunk, size_t used_bytes,
                           const struct wj_code_info *info)
{
    struct wj_code_window window = wj_region_window(region, chunk);
    uint32_t count = atomic_load_explicit(&chunk->entry_count, memory_order_relaxed);
    if (info != NULL && count == chunk->entry_capacity) {
        return 0;
    }
    chunk->end = (size_t) (window.address - wj_region_code_address(region)) + used_bytes;
    if (chunk->stage == NULL) {
        wj_sync_code((void *) (uintptr_t) window.address, used_bytes);
    } else if (window.room_bytes > used_bytes) {
        // What was in the buffer before does not become part of the code.
        size_t left = window.room_bytes - used_bytes;
        memset(window.write + used_bytes, 0, left < CODE_ALIGN ? left : CODE_ALIGN);
    }
    if (info != NULL) {
        chunk->entries[count] = (struct wj_code_entry){.start = window.address, .info = *info};
        atomic_store_explicit(&chunk->entry_count, count + 1, memory_order_release);
    }
    return window.address;
}

// Puts a mapping of the file in place of the start of the executable view. False, and nothing is
// changed: the system does not let it be mapped or executed (a file system without execution, say),
// or it is damaged.
static bool map_source(struct wj_region *region, const struct wj_code_source *source,
                       bool *is_damaged)
{
    size_t size = align_up(source->size_bytes, MAPPED_PAGE_BYTES);
    if (source->file < 0 || source->size_bytes < MAPPED_BYTES_MIN ||
        source->file_offset % MAPPED_PAGE_BYTES != 0 ||
        sysconf(_SC_PAGESIZE) > (long) MAPPED_PAGE_BYTES) {
        return false;
    }
    void *code =
        mmap(NULL, size, PROT_READ, MAP_PRIVATE, source->file, (off_t) source->file_offset);
    if (code == MAP_FAILED) {
        return false;
    }
    *is_damaged = wj_hash64(code, source->size_bytes) != source->checksum;
    uint8_t *exec = region->exec + region->table_bytes;
    if (!*is_damaged && mprotect(code, size, wj_code_protection()) == 0 &&
        mremap(code, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, exec) == exec) {
        return true;
    }
    munmap(code, size);
    return false;
}

struct wj_code_chunk *wj_region_adopt(struct wj_region *region, const struct wj_code_source *source,
                                      uint32_t entry_count, bool *is_damaged)
{
    size_t size = source->size_bytes;
    struct wj_code_chunk *chunk = wj_region_chunk(region, size, false, entry_count);
    *is_damaged = false;
    if (chunk == NULL || size == 0) {
        return chunk;
    }
    if (map_source(region, source, is_damaged)) {
        // The two views differ up to the end of the page.
        size_t used_bytes = align_up(chunk->limit, PAGE_BYTES);
        region->used_bytes = used_bytes < region->code_bytes ? used_bytes : region->code_bytes;
        region->file_bytes = size;
    } else if (!*is_damaged) {
        wj_pages_populate(region->write + chunk->start, size);
        memcpy(region->write + chunk->start, source->bytes, size);
        *is_damaged = wj_hash64(region->write + chunk->start, size) != source->checksum;
    }
    return *is_damaged ? NULL : chunk;
}

void wj_region_adopt_entries(struct wj_region *region, struct wj_code_chunk *chunk)
{
    chunk->end = chunk->limit;
    wj_sync_code(region->exec + region->table_bytes + chunk->start, chunk->end - chunk->start);
    atomic_store_explicit(&chunk->entry_count, chunk->entry_capacity, memory_order_release);
}

static const struct wj_code_entry *find_in_chunk(const struct wj_code_chunk *chunk, uint64_t pc)
{
    uint32_t low = 0, high = atomic_load_explicit(&chunk->entry_count, memory_order_acquire);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct wj_code_entry *entry = &chunk->entries[middle];
        if (pc < entry->start) {
            high = middle;
        } else if (pc - entry->start >= entry->info.code_bytes) {
            low = middle + 1;
        } else {
            return entry;
        }
    }
    return NULL;
}

const struct wj_code_entry *wj_region_find(const struct wj_region *region, uint64_t pc)
{
    uint64_t code = wj_region_code_address(region);
    if (pc < code || pc - code >= region->code_bytes) {
        return NULL;
    }
    size_t offset = (size_t) (pc - code);
    uint32_t low = 0, high = atomic_load_explicit(&region->chunk_count, memory_order_acquire);
    while (low < high) { // the first chunk that starts behind the offset
        uint32_t middle = low + (high - low) / 2;
        if ((wj_region_chunk_at(region, middle))->start > offset) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low == 0 ? NULL : find_in_chunk(wj_region_chunk_at(region, low - 1), pc);
}

const struct wj_trap_site *wj_code_entry_site(const struct wj_code_entry *entry, uint64_t pc)
{
    uint32_t offset = (uint32_t) (pc - entry->start);
    uint32_t low = 0, high = entry->info.trap_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct wj_trap_site *site = &entry->info.traps[middle];
        if (site->code_offset == offset) {
            return site;
        }
        if (site->code_offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

void wj_region_registry_init(struct wj_region_registry *registry)
{
    memset(registry, 0, sizeof *registry);
    pthread_mutex_init(&registry->lock, NULL);
}

void wj_region_registry_clear(struct wj_region_registry *registry)
{
    struct wj_region_slots *next;
    for (struct wj_region_slots *slots = atomic_load(&registry->first.next); slots != NULL;
         slots = next) {
        next = atomic_load(&slots->next);
        free(slots);
    }
    pthread_mutex_destroy(&registry->lock);
}

static bool fill_slot(struct wj_region_slots *slots, struct wj_region *region)
{
    for (unsigned i = 0; i < WJ_REGION_SLOTS; i++) {
        if (atomic_load_explicit(&slots->slots[i].region, memory_order_relaxed) == NULL) {
            uint64_t code = wj_region_code_address(region);
            atomic_store(&slots->slots[i].region, region);
            atomic_store(&slots->slots[i].end, code + region->code_bytes);
            atomic_store(&slots->slots[i].start, code);
            return true;
        }
    }
    return false;
}

bool wj_region_registry_add(struct wj_region_registry *registry, struct wj_region *region,
                            struct wj_err *err)
{
    pthread_mutex_lock(&registry->lock);
    struct wj_region_slots *slots = &registry->first;
    bool is_added = fill_slot(slots, region);
    while (!is_added) {
        struct wj_region_slots *next = atomic_load(&slots->next);
        if (next == NULL) {
            next = calloc(1, sizeof *next);
            if (next == NULL) {
                break;
            }
            atomic_store(&slots->next, next);
        }
        slots = next;
        is_added = fill_slot(slots, region);
    }
    pthread_mutex_unlock(&registry->lock);
    return is_added || wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
}

void wj_region_registry_remove(struct wj_region_registry *registry, struct wj_region *region)
{
    pthread_mutex_lock(&registry->lock);
    for (struct wj_region_slots *slots = &registry->first; slots != NULL;
         slots = atomic_load(&slots->next)) {
        for (unsigned i = 0; i < WJ_REGION_SLOTS; i++) {
            if (atomic_load(&slots->slots[i].region) == region) {
                atomic_store(&slots->slots[i].start, 0);
                atomic_store(&slots->slots[i].end, 0);
                atomic_store(&slots->slots[i].region, NULL);
            }
        }
    }
    pthread_mutex_unlock(&registry->lock);
}

struct wj_region *wj_region_registry_find(const struct wj_region_registry *registry, uint64_t pc)
{
    for (const struct wj_region_slots *slots = &registry->first; slots != NULL;
         slots = atomic_load_explicit(&slots->next, memory_order_acquire)) {
        for (unsigned i = 0; i < WJ_REGION_SLOTS; i++) {
            uint64_t start = atomic_load_explicit(&slots->slots[i].start, memory_order_acquire);
            if (start != 0 && pc >= start && pc < atomic_load(&slots->slots[i].end)) {
                return atomic_load(&slots->slots[i].region);
            }
        }
    }
    return NULL;
}
