// Memories as reservations of address space that grow in place; tables as arrays.
#include "runtime/vm/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/pages.h"
#include "base/trap.h"

#define OS_PAGE_BYTES 65536u // the largest page size of the machines we run on
// Reserved for an unguarded memory whose maximum is larger or absent; beyond it the base moves.
#define RESERVE_BYTES_MAX (4ull << 30)
// The most that a memory grows by at once without being thought to be a reserve.
#define DENSE_BYTES_MAX (512ull << 20)
// What a process can map at all (47 bits), less the code.
#define ADDRESS_BYTES_MAX (1ull << 46)

static uint64_t align_up(uint64_t value)
{
    return (value + OS_PAGE_BYTES - 1) & ~(uint64_t) (OS_PAGE_BYTES - 1);
}

static void *reserve(uint64_t size_bytes)
{
    void *mapping =
        mmap(NULL, size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return mapping == MAP_FAILED ? NULL : mapping;
}

static bool reserve_guarded(struct wj_memory *memory)
{
    uint64_t bytes = WJ_GUARD_BEFORE_BYTES + WJ_GUARD_AFTER_BYTES;
    memory->mapping = reserve(bytes);
    if (memory->mapping == NULL) {
        return false;
    }
    memory->mapping_bytes = bytes;
    memory->base = (uint8_t *) memory->mapping + WJ_GUARD_BEFORE_BYTES;
    memory->reserved_bytes = 4ull << 30;
    memory->is_guarded = true;
    return true;
}

// An unguarded memory has a page behind it that nothing may touch, so that the slack of vector
// accesses in host code is found.
static bool reserve_checked(struct wj_memory *memory, uint64_t initial_bytes, uint64_t max_bytes)
{
    uint64_t wanted = max_bytes;
    if (!memory->type.limits.is_shared && wanted > RESERVE_BYTES_MAX) {
        wanted = initial_bytes > RESERVE_BYTES_MAX ? initial_bytes : RESERVE_BYTES_MAX;
    }
    for (;;) {
        uint64_t bytes = align_up(wanted) + OS_PAGE_BYTES;
        memory->mapping = reserve(bytes);
        if (memory->mapping != NULL) {
            memory->mapping_bytes = bytes;
            memory->base = memory->mapping;
            memory->reserved_bytes = bytes - OS_PAGE_BYTES;
            return true;
        }
        if (wanted <= initial_bytes) {
            return false;
        }
        // A shared memory cannot move: what is reserved is all that it can grow to.
        wanted = wanted / 2 > initial_bytes ? wanted / 2 : initial_bytes;
    }
}

// Makes the first `size_bytes` accessible; what is new is zero.
static bool commit(struct wj_memory *memory, uint64_t old_bytes, uint64_t size_bytes)
{
    uint64_t from = align_up(old_bytes);
    uint64_t to = align_up(size_bytes);
    if (memory->file >= 0 && to > from) {
        return ftruncate(memory->file, (off_t) to) == 0 &&
               mmap(memory->base + from, to - from, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                    memory->file, (off_t) from) != MAP_FAILED;
    }
    return to <= from || mprotect(memory->base + from, to - from, PROT_READ | PROT_WRITE) == 0;
}

// Private views, and other processes, map a file.
static bool needs_file(const struct wj_settings *settings)
{
    return settings->gpu_verify_rate > 0 || settings->gpu_command[0] != '\0';
}

// Zeroed before; with a reference, without pages, and without a file.
static void memory_init(struct wj_memory *memory, const struct wj_memory_type *type,
                        uint64_t max_pages)
{
    atomic_init(&memory->references, 1);
    pthread_mutex_init(&memory->grow_lock, NULL);
    memory->type = *type;
    memory->max_pages = max_pages;
    memory->file = -1;
}

bool wj_memory_new(const struct wj_settings *settings, const struct wj_memory_type *type,
                   struct wj_memory **out, struct wj_err *err)
{
    unsigned page_log2 = type->page_size_log2;
    uint64_t limit_bytes = settings->memory_bytes_max < ADDRESS_BYTES_MAX
                               ? settings->memory_bytes_max
                               : ADDRESS_BYTES_MAX;
    if (!type->limits.is_64 && limit_bytes > 4ull << 30) {
        limit_bytes = 4ull << 30;
    }
    uint64_t max_pages = limit_bytes >> page_log2;
    if (type->limits.min > max_pages) {
        return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET,
                          "initial memory of %llu pages exceeds the limit of %llu bytes",
                          (unsigned long long) type->limits.min, (unsigned long long) limit_bytes);
    }
    if (type->limits.has_max && type->limits.max < max_pages) {
        max_pages = type->limits.max;
    }
    struct wj_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    memory_init(memory, type, max_pages);
    if (needs_file(settings)) {
        memory->file = memfd_create("wjit-memory", MFD_CLOEXEC);
    }
    uint64_t initial_bytes = type->limits.min << page_log2;
    bool wants_guard = !settings->explicit_bounds && !type->limits.is_64 && page_log2 == 16;
    if (((wants_guard && reserve_guarded(memory)) ||
         reserve_checked(memory, initial_bytes, max_pages << page_log2)) &&
        commit(memory, 0, initial_bytes)) {
        atomic_store(&memory->size_bytes, initial_bytes);
        *out = memory;
        return true;
    }
    wj_memory_release(memory);
    return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET,
                      "the system has no room for a memory of %llu bytes",
                      (unsigned long long) initial_bytes);
}

void wj_memory_init_in(struct wj_memory *memory, const struct wj_memory_type *type,
                       uint64_t max_pages, const struct wj_memory_place *place)
{
    memory_init(memory, type, max_pages);
    memory->base = place->base;
    memory->reserved_bytes = place->reserved_bytes;
    memory->mapping = place->is_guarded ? place->base - WJ_GUARD_BEFORE_BYTES : place->base;
    memory->mapping_bytes =
        place->is_guarded ? WJ_GUARD_BEFORE_BYTES + WJ_GUARD_AFTER_BYTES : place->reserved_bytes;
    memory->is_guarded = place->is_guarded;
    memory->is_of_pool = true;
    atomic_init(&memory->size_bytes, type->limits.min << type->page_size_log2);
}

bool wj_memory_reset(struct wj_memory *memory)
{
    uint64_t initial = memory->type.limits.min << memory->type.page_size_log2;
    uint64_t size = atomic_load(&memory->size_bytes);
    if (size != 0 && madvise(memory->base, align_up(size), MADV_DONTNEED) != 0) {
        return false;
    }
    if (align_up(size) > align_up(initial) && memory->is_guarded &&
        mprotect(memory->base + align_up(initial), align_up(size) - align_up(initial), PROT_NONE) !=
            0) {
        return false;
    }
    atomic_store(&memory->size_bytes, initial);
    return true;
}

// The whole reservation: pieces of it would be mappings of their own, of which a process has some
// 65,000, and a memory of several cannot be moved by older kernels.
static void advise_huge(uint8_t *base, uint64_t reserved_bytes)
{
    madvise(base, reserved_bytes, MADV_HUGEPAGE);
}

void wj_memory_expect(struct wj_memory *memory, uint64_t size_bytes)
{
    if (size_bytes >= WJ_HUGE_BYTES / 4 && !memory->is_huge && memory->file < 0 &&
        !memory->is_of_pool) {
        memory->is_huge = true;
        advise_huge(memory->base, memory->reserved_bytes);
    }
}

struct wj_memory *wj_memory_retain(struct wj_memory *memory)
{
    atomic_fetch_add(&memory->references, 1);
    return memory;
}

void wj_memory_release(struct wj_memory *memory)
{
    if (memory == NULL || atomic_fetch_sub(&memory->references, 1) != 1) {
        return;
    }
    if (memory->mapping != NULL && !memory->is_of_pool) {
        munmap(memory->mapping, memory->mapping_bytes);
    }
    if (memory->file >= 0) {
        close(memory->file);
    }
    pthread_mutex_destroy(&memory->grow_lock);
    if (!memory->is_of_pool) {
        free(memory);
    }
}

struct wj_memory *wj_memory_view_new(const struct wj_memory *memory)
{
    struct wj_memory *view = calloc(1, sizeof *view);
    if (view == NULL) {
        return NULL;
    }
    atomic_init(&view->references, 1);
    pthread_mutex_init(&view->grow_lock, NULL);
    view->type = memory->type;
    view->file = -1;
    if (!memory->is_guarded || memory->file < 0 || !reserve_guarded(view)) {
        wj_memory_release(view);
        return NULL;
    }
    return view;
}

bool wj_memory_view_fit(struct wj_memory *view, const struct wj_memory *memory)
{
    uint64_t size_bytes = atomic_load(&((struct wj_memory *) memory)->size_bytes);
    if (size_bytes == atomic_load(&view->size_bytes)) {
        return true;
    }
    if (mmap(view->base, size_bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, memory->file, 0) == MAP_FAILED) {
        return false;
    }
    atomic_store(&view->size_bytes, size_bytes);
    return true;
}

static void take_mapping(struct wj_memory *memory, uint8_t *mapping, uint64_t reserved_bytes)
{
    memory->mapping = mapping;
    memory->base = mapping;
    memory->reserved_bytes = reserved_bytes;
    memory->mapping_bytes = reserved_bytes + OS_PAGE_BYTES;
}

// The committed bytes at the start of a larger reservation; NULL: it cannot be had. Made larger by
// the move they stay one mapping for good, which a later move wants: that is so before Linux 6.17.
// But the rest may be written for a moment, which a limit on data can forbid.
static uint8_t *move_to(const struct wj_memory *memory, uint64_t committed, uint64_t reserved_bytes)
{
    uint64_t bytes = reserved_bytes + OS_PAGE_BYTES;
    if (committed != 0) {
        uint8_t *moved = mremap(memory->base, committed, bytes, MREMAP_MAYMOVE);
        if (moved != MAP_FAILED) {
            mprotect(moved + committed, bytes - committed, PROT_NONE);
            return moved;
        }
    }
    uint8_t *mapping = reserve(bytes);
    if (mapping != NULL && memory->is_huge) {
        advise_huge(mapping, reserved_bytes);
    }
    if (mapping != NULL && committed != 0 &&
        mremap(memory->base, committed, committed, MREMAP_MAYMOVE | MREMAP_FIXED, mapping) ==
            MAP_FAILED) {
        // What it would have replaced may be unmapped, and another thread's by now.
        munmap(mapping + committed, bytes - committed);
        return NULL;
    }
    return mapping;
}

// Moves an unguarded memory to a larger reservation; doubled, so that growing is linear in all.
static bool move(struct wj_memory *memory, uint64_t old_bytes, uint64_t new_bytes)
{
    uint64_t max_bytes = memory->max_pages << memory->type.page_size_log2;
    uint64_t committed = align_up(old_bytes);
    uint64_t more = new_bytes, wanted;
    uint8_t *mapping;
    do { // where there is less room, half as much in advance
        wanted = align_up(more < max_bytes - new_bytes ? new_bytes + more : max_bytes);
        mapping = move_to(memory, committed, wanted);
        more = more > OS_PAGE_BYTES ? more / 2 : 0;
    } while (mapping == NULL && wanted > align_up(new_bytes));
    if (mapping == NULL) {
        return false;
    }
    if (memory->mapping_bytes > committed) {
        munmap((uint8_t *) memory->mapping + committed, memory->mapping_bytes - committed);
    }
    take_mapping(memory, mapping, wanted);
    return true;
}

// Whether something was written at the start of a piece, while other threads may write.
static bool is_written(const uint8_t *at, uint64_t size_bytes)
{
    const uint64_t *words = (const void *) (((uintptr_t) at + 7) & ~(uintptr_t) 7);
    const uint64_t *end = (const void *) (at + (size_bytes < 65536 ? size_bytes : 65536));
    while (words + 1 <= end && __atomic_load_n(words, __ATOMIC_RELAXED) == 0) {
        words++;
    }
    return words + 1 <= end;
}

// What a guest asks for it writes soon. A piece that is small beside the memory is had with one
// system call, if the last such piece was written; a large one in huge pages, but for one that may
// be asked for to be used here and there: ESRGAN-slim takes half the time so.
static void expect_growth(struct wj_memory *memory, uint64_t old_bytes, uint64_t new_bytes)
{
    uint64_t delta_bytes = new_bytes - old_bytes;
    if (delta_bytes > WJ_HUGE_BYTES) {
        if (delta_bytes <= DENSE_BYTES_MAX) {
            wj_memory_expect(memory, delta_bytes);
        }
    } else if (delta_bytes >= 65536 && old_bytes >= 4ull * WJ_HUGE_BYTES && memory->file < 0 &&
               !memory->is_of_pool &&
               (memory->populated_bytes == 0 ||
                is_written(memory->base + memory->populated_from, memory->populated_bytes))) {
        wj_pages_populate(memory->base + old_bytes, delta_bytes);
        memory->populated_from = old_bytes;
        memory->populated_bytes = delta_bytes;
    }
}

uint64_t wj_memory_grow(struct wj_memory *memory, uint64_t delta_pages)
{
    unsigned page_log2 = memory->type.page_size_log2;
    pthread_mutex_lock(&memory->grow_lock);
    uint64_t old_bytes = atomic_load(&memory->size_bytes);
    uint64_t old_pages = old_bytes >> page_log2;
    uint64_t result = UINT64_MAX;
    if (delta_pages <= memory->max_pages - old_pages) {
        uint64_t new_bytes = (old_pages + delta_pages) << page_log2;
        if ((new_bytes <= memory->reserved_bytes ||
             (!memory->type.limits.is_shared && !memory->is_of_pool &&
              move(memory, old_bytes, new_bytes))) &&
            commit(memory, old_bytes, new_bytes)) {
            atomic_store(&memory->size_bytes, new_bytes);
            result = old_pages;
            expect_growth(memory, old_bytes, new_bytes);
        }
    }
    pthread_mutex_unlock(&memory->grow_lock);
    return result;
}

bool wj_memory_is_guard(const struct wj_memory *memory, uint64_t address)
{
    // The whole mapping counts: what is committed by now was not when the access faulted, if
    // another thread grew a shared memory in between.
    return memory->is_guarded &&
           address - (uint64_t) (uintptr_t) memory->mapping < memory->mapping_bytes;
}

bool wj_table_new(const struct wj_table_type *type, void *init, struct wj_table **out,
                  struct wj_err *err)
{
    uint64_t size_max = WJ_TABLE_SIZE_MAX;
    if (type->limits.min > size_max) {
        return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET,
                          "initial table of %llu elements exceeds the limit of %u",
                          (unsigned long long) type->limits.min, WJ_TABLE_SIZE_MAX);
    }
    if (type->limits.has_max && type->limits.max < size_max) {
        size_max = type->limits.max;
    }
    struct wj_table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    table->type = *type;
    table->size_max = size_max;
    if (wj_table_grow(table, type->limits.min, init) == UINT64_MAX) {
        wj_table_free(table);
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    *out = table;
    return true;
}

void wj_table_free(struct wj_table *table)
{
    if (table != NULL) {
        free(table->elements);
        free(table);
    }
}

uint64_t wj_table_grow(struct wj_table *table, uint64_t delta, void *init)
{
    uint64_t old_size = table->size;
    if (delta > table->size_max - old_size) {
        return UINT64_MAX;
    }
    uint64_t size = old_size + delta;
    if (size > table->capacity || table->elements == NULL) {
        uint64_t capacity = table->capacity == 0 ? size : size + size / 2;
        capacity = capacity < table->size_max ? capacity : table->size_max;
        capacity = capacity < 1 ? 1 : capacity;
        // calloc and not realloc: large tables of nulls then cost nothing until they are used.
        void **elements = calloc(capacity, sizeof *elements);
        if (elements == NULL) {
            return UINT64_MAX;
        }
        if (old_size != 0) {
            memcpy(elements, table->elements, old_size * sizeof *elements);
        }
        free(table->elements);
        table->elements = elements;
        table->capacity = capacity;
    }
    for (uint64_t i = old_size; init != NULL && i < size; i++) {
        table->elements[i] = init;
    }
    // Growth within the capacity meets what an earlier shrink cannot have left: tables never
    // shrink.
    table->size = size;
    return old_size;
}
