// --gpu-verify: a sample of a dispatch's items is computed by the CPU first, on private views of
// the memories, and compared with what the device leaves.
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/vm/kernel_state.h"
#include "runtime/vm/memory.h"

#define PAGE_BYTES 4096u
// Neighbours, which mostly store side by side: each page that the sample writes to costs a fault,
// and in a process with a driver's threads that is dear.
#define RUN_ITEMS 16u
#define MEMORIES_MAX 16u
// Of an entry of /proc/self/pagemap: there is a page, which belongs to the file; it is swapped out.
#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_OF_FILE (1ull << 61)
#define PAGEMAP_SWAPPED (1ull << 62)

// A page of the view that the sample has written.
struct written_page {
    uint32_t memory;
    uint64_t address;
    uint64_t bytes[PAGE_BYTES / 64]; // a bit for each byte that it changed
};

struct wj_kernel_sample {
    struct wj_memory *views[MEMORIES_MAX]; // by the memories' index in the module
    uint32_t view_count;
    uint64_t *numbers; // of items, or groups
    uint64_t count;
    struct written_page *pages;
    size_t page_count, page_capacity;
    bool has_trapped;
};

static uint64_t next_random(struct wj_kernels *kernels)
{
    uint64_t value = atomic_fetch_add(&kernels->random, 0x9e3779b97f4a7c15u);
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static const char *why_not(const struct wj_dispatch *dispatch)
{
    struct wj_memory *const *memories = wj_kernel_memories(dispatch->instance);
    const uint32_t count = dispatch->plan->module->memory_count;
    if (!dispatch->kernel->facts.is_pure) {
        return dispatch->kernel->why_alone;
    }
    if (dispatch->kernel->facts.uses_atomics) {
        return "its items share memory by atomic operations, so that some cannot run alone";
    }
    if (count == 0 || count > MEMORIES_MAX) {
        return count == 0 ? "it has no memory" : "it has too many memories";
    }
    for (uint32_t i = 0; i < count; i++) {
        if (memories[i]->type.limits.is_shared) {
            return "its memory is shared with other threads";
        }
        if (memories[i]->file < 0 || !memories[i]->is_guarded) {
            return "there can be no private view of its memory";
        }
    }
    uint64_t plane = (uint64_t) dispatch->nx * dispatch->ny;
    if (plane > UINT32_MAX || plane * dispatch->nz > UINT32_MAX) {
        return "it has too many items";
    }
    return NULL;
}

// Which items, at least one.
static bool choose(struct wj_kernel_sample *sample, const struct wj_dispatch *dispatch)
{
    double rate = dispatch->kernels->engine->settings.gpu_verify_rate;
    uint64_t total = (uint64_t) dispatch->nx * dispatch->ny * dispatch->nz;
    sample->count = (uint64_t) ((double) total * rate);
    sample->count = sample->count == 0 ? 1 : sample->count;
    sample->numbers = malloc(sample->count * sizeof *sample->numbers);
    if (sample->numbers == NULL) {
        return false;
    }
    // A run from each of so many equal parts: ascending, so that pages are met in their order.
    uint64_t run_max = dispatch->shape.items != 0 ? 1 : RUN_ITEMS;
    uint64_t runs = (sample->count + run_max - 1) / run_max;
    uint64_t chosen = 0;
    for (uint64_t i = 0; i < runs; i++) {
        uint64_t first = (uint64_t) ((__uint128_t) total * i / runs);
        uint64_t end = (uint64_t) ((__uint128_t) total * (i + 1) / runs);
        uint64_t left = sample->count - chosen;
        uint64_t length = left < run_max ? left : run_max;
        length = length < end - first ? length : end - first;
        uint64_t start = first + next_random(dispatch->kernels) % (end - first - length + 1);
        for (uint64_t k = 0; k < length; k++) {
            sample->numbers[chosen++] = start + k;
        }
    }
    sample->count = chosen;
    return true;
}

static struct written_page *add_page(struct wj_kernel_sample *sample, uint32_t memory,
                                     uint64_t address)
{
    if (sample->page_count == sample->page_capacity) {
        size_t capacity = sample->page_capacity * 2 + 64;
        struct written_page *pages = realloc(sample->pages, capacity * sizeof *pages);
        if (pages == NULL) {
            return NULL;
        }
        sample->pages = pages;
        sample->page_capacity = capacity;
    }
    struct written_page *page = &sample->pages[sample->page_count++];
    memset(page, 0, sizeof *page);
    page->memory = memory;
    page->address = address;
    return page;
}

// Which bytes of the page the sample changed.
static bool note_page(struct wj_kernel_sample *sample, uint32_t i, const struct wj_memory *memory,
                      uint64_t address)
{
    const uint8_t *now = sample->views[i]->base + address, *before = memory->base + address;
    struct written_page *page = add_page(sample, i, address);
    if (page == NULL) {
        return false;
    }
    for (uint32_t k = 0; k < PAGE_BYTES; k++) {
        if (k % 64 == 0 && memcmp(now + k, before + k, 64) == 0) {
            k += 63;
            continue;
        }
        page->bytes[k / 64] |= (uint64_t) (now[k] != before[k]) << (k % 64);
    }
    return true;
}

// Finds the pages of the view that are its own by now. Without /proc all are taken for such.
static bool find_pages_of(struct wj_kernel_sample *sample, uint32_t number,
                          const struct wj_memory *memory)
{
    uint64_t entries[512];
    const struct wj_memory *view = sample->views[number];
    uint64_t size_bytes = atomic_load(&((struct wj_memory *) view)->size_bytes);
    uint64_t first_page = (uint64_t) (uintptr_t) view->base / PAGE_BYTES;
    int file =
        sysconf(_SC_PAGESIZE) == PAGE_BYTES ? open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC) : -1;
    bool is_good = true;
    for (uint64_t page = 0; is_good && page < size_bytes / PAGE_BYTES;) {
        uint64_t count =
            size_bytes / PAGE_BYTES - page < 512 ? size_bytes / PAGE_BYTES - page : 512;
        bool is_known =
            file >= 0 && pread(file, entries, count * 8, (off_t) ((first_page + page) * 8)) ==
                             (ssize_t) (count * 8);
        for (uint64_t i = 0; is_good && i < count; i++) {
            uint64_t entry = is_known ? entries[i] : PAGEMAP_PRESENT;
            bool is_own = (entry & PAGEMAP_SWAPPED) != 0 ||
                          ((entry & PAGEMAP_PRESENT) != 0 && (entry & PAGEMAP_OF_FILE) == 0);
            uint64_t address = (page + i) * PAGE_BYTES;
            is_own = is_own && (is_known || memcmp(view->base + address, memory->base + address,
                                                   PAGE_BYTES) != 0);
            is_good = !is_own || note_page(sample, number, memory, address);
        }
        page += count;
    }
    if (file >= 0) {
        close(file);
    }
    return is_good;
}

// Of two memories that are one, the first counts.
static bool is_repeated(const struct wj_kernel_sample *sample, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (sample->views[k] == sample->views[i]) {
            return true;
        }
    }
    return false;
}

static bool find_pages(struct wj_kernel_sample *sample, struct wj_memory *const *memories)
{
    bool is_good = true;
    for (uint32_t i = 0; is_good && i < sample->view_count; i++) {
        is_good = is_repeated(sample, i) || find_pages_of(sample, i, memories[i]);
    }
    return is_good;
}

void wj_kernel_sample_free(struct wj_kernel_sample *sample)
{
    if (sample == NULL) {
        return;
    }
    // The views' own pages go, and they show the memories' again.
    for (size_t i = 0; i < sample->page_count;) {
        size_t end = i + 1;
        while (end < sample->page_count && sample->pages[end].memory == sample->pages[i].memory &&
               sample->pages[end].address == sample->pages[end - 1].address + PAGE_BYTES) {
            end++;
        }
        madvise(sample->views[sample->pages[i].memory]->base + sample->pages[i].address,
                (end - i) * PAGE_BYTES, MADV_DONTNEED);
        i = end;
    }
    free(sample->pages);
    free(sample->numbers);
    free(sample);
}

// The private view of a memory, made when it is first needed.
static struct wj_memory *view_of(const struct wj_dispatch *dispatch, struct wj_memory *memory)
{
    struct wj_err err;
    wj_err_clear(&err);
    if (memory->view == NULL) {
        struct wj_memory *view = wj_memory_view_new(memory);
        // The store keeps it, for faults in it to be traps.
        if (view != NULL && wj_store_adopt_memory(dispatch->instance->store, view, &err)) {
            memory->view = view;
        }
        wj_memory_release(view);
    }
    return memory->view != NULL && wj_memory_view_fit(memory->view, memory) ? memory->view : NULL;
}

static bool make_views(struct wj_kernel_sample *sample, const struct wj_dispatch *dispatch)
{
    struct wj_memory *const *memories = wj_kernel_memories(dispatch->instance);
    const uint32_t count = dispatch->plan->module->memory_count;
    while (sample->view_count < count) {
        struct wj_memory *view = view_of(dispatch, memories[sample->view_count]);
        if (view == NULL) {
            return false;
        }
        sample->views[sample->view_count++] = view;
    }
    return true;
}

static void clear_views(const struct wj_kernel_sample *sample)
{
    for (uint32_t i = 0; i < sample->view_count; i++) {
        madvise(sample->views[i]->base, atomic_load(&sample->views[i]->size_bytes), MADV_DONTNEED);
    }
}

struct wj_kernel_sample *wj_kernel_sample_run(const struct wj_dispatch *dispatch,
                                              struct wj_trap **stop)
{
    struct wj_kernel_report *report = &dispatch->kernel->report;
    const char *why = why_not(dispatch);
    struct wj_kernel_sample *sample = why == NULL ? calloc(1, sizeof *sample) : NULL;
    struct wj_trap *trap = NULL;
    if (why == NULL &&
        (sample == NULL || !make_views(sample, dispatch) || !choose(sample, dispatch))) {
        why = "there is no room for a view of its memory";
    } else if (why == NULL && !wj_kernel_run_numbers(dispatch, sample->views, sample->numbers,
                                                     sample->count, &trap)) {
        why = "the shadow stack has no room for it";
    } else if (why == NULL && !find_pages(sample, wj_kernel_memories(dispatch->instance))) {
        why = "there is no room for what it changed";
    }
    snprintf(report->why_unchecked, sizeof report->why_unchecked, "%s", why == NULL ? "" : why);
    if (sample != NULL) {
        sample->has_trapped = trap != NULL;
    }
    *stop = trap != NULL && trap->kind == WJ_TRAP_INTERRUPTED ? trap : NULL;
    if (*stop == NULL) {
        wj_trap_release(trap);
    }
    if (why != NULL || *stop != NULL) {
        if (sample != NULL) { // not all of their pages are known
            clear_views(sample);
        }
        wj_kernel_sample_free(sample);
        return NULL;
    }
    return sample;
}

// The first byte that the sample changed to another value than the device.
static bool find_difference(const struct wj_kernel_sample *sample,
                            struct wj_memory *const *memories, uint64_t dead, uint64_t dead_end,
                            const struct written_page **where, uint64_t *address)
{
    for (size_t i = 0; i < sample->page_count; i++) {
        const struct written_page *page = &sample->pages[i];
        const uint8_t *ours = sample->views[page->memory]->base + page->address;
        const uint8_t *theirs = memories[page->memory]->base + page->address;
        const bool has_dead = page->memory == 0;
        for (uint32_t k = 0; k < PAGE_BYTES; k++) {
            uint64_t at = page->address + k;
            if (page->bytes[k / 64] == 0) {
                k |= 63;
                continue;
            }
            if ((page->bytes[k / 64] >> (k % 64) & 1) != 0 && ours[k] != theirs[k] &&
                (!has_dead || at < dead || at >= dead_end)) {
                *where = page;
                *address = at;
                return true;
            }
        }
    }
    return false;
}

struct wj_trap *wj_kernel_sample_compare(const struct wj_kernel_sample *sample,
                                         const struct wj_dispatch *dispatch, bool has_trapped)
{
    struct wj_kernel_report *report = &dispatch->kernel->report;
    struct wj_memory *const *memories = wj_kernel_memories(dispatch->instance);
    const struct written_page *page;
    const char *device = dispatch->kernels->info.name;
    uint64_t dead, dead_end, address;
    char message[600] = "";
    wj_kernel_dead_stack(dispatch, &dead, &dead_end);
    if (sample->has_trapped && !has_trapped) {
        snprintf(message, sizeof message,
                 "kernel %s, dispatch %" PRIu64 ": an item traps on the CPU, none on %s",
                 report->name, report->dispatches + 1, device);
    } else if (!has_trapped && find_difference(sample, memories, dead, dead_end, &page, &address)) {
        snprintf(message, sizeof message,
                 "kernel %s, dispatch %" PRIu64 ": the byte at address 0x%" PRIx64
                 "%s is 0x%02x on the CPU, 0x%02x on %s: the device or its driver is at fault, or "
                 "items depend on each other (see --check-kernels)",
                 report->name, report->dispatches + 1, address,
                 page->memory != 0 ? " of another memory" : "",
                 sample->views[page->memory]->base[address], memories[page->memory]->base[address],
                 device);
    }
    if (message[0] == '\0') {
        report->verified += sample->count;
        return NULL;
    }
    return wj_trap_new(WJ_TRAP_HOST, message, strlen(message));
}
