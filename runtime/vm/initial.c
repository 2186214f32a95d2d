// Data segments as the bytes of a memory. Nothing but data is written: between segments a file has
// holes, and memories stay untouched.
#include "runtime/vm/initial.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/pages.h"
#include "runtime/vm/link.h"

void wj_initial_init(struct wj_initial *initial)
{
    *initial = (struct wj_initial){.file = -1};
}

void wj_initial_clear(struct wj_initial *initial)
{
    if (initial->file < 0) {
        free(initial->bytes);
    } else {
        if (initial->bytes != NULL) {
            munmap(initial->bytes, initial->size_bytes);
        }
        close(initial->file);
    }
    free(initial->parts);
    wj_initial_init(initial);
}

static bool fail_room(const struct wj_initial *initial, struct wj_err *err)
{
    return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET,
                      "the system has no room for a file of %llu bytes of data",
                      (unsigned long long) initial->size_bytes);
}

// Where the active segments lie, all others being empty parts, and how far they reach.
static bool find_parts(struct wj_initial *initial, struct wj_instance *instance,
                       uint64_t memory_bytes, struct wj_trap **trap, struct wj_err *err)
{
    const struct wj_module *module = instance->module;
    for (uint32_t i = 0; i < module->data_count; i++) {
        const struct wj_data *data = &module->datas[i];
        uint64_t at;
        if (data->mode != WJ_SEGMENT_ACTIVE) {
            continue;
        }
        if (!wj_instance_data_offset(instance, data, &at, err)) {
            return false;
        }
        if (at > memory_bytes || data->size_bytes > memory_bytes - at) {
            *trap = wj_trap_new(WJ_TRAP_MEMORY_OUT_OF_BOUNDS, NULL, 0);
            return false;
        }
        initial->parts[i] = (struct wj_initial_part){at, data->size_bytes};
        uint64_t end = data->size_bytes == 0 ? 0 : at + data->size_bytes;
        initial->size_bytes = end > initial->size_bytes ? end : initial->size_bytes;
    }
    return true;
}

// Later segments write over earlier ones.
static bool write_file(struct wj_initial *initial, const struct wj_module *module,
                       uint64_t memory_bytes)
{
    initial->file =
        memory_bytes > wj_file_bytes_max() ? -1 : memfd_create("wjit-data", MFD_CLOEXEC);
    if (initial->file < 0 || ftruncate(initial->file, (off_t) memory_bytes) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < initial->part_count; i++) {
        uint64_t at = initial->parts[i].at, done = 0;
        while (done < initial->parts[i].size_bytes) {
            ssize_t step = pwrite(initial->file, module->datas[i].bytes + done,
                                  initial->parts[i].size_bytes - done, (off_t) (at + done));
            if (step <= 0) {
                return false;
            }
            done += (uint64_t) step;
        }
    }
    initial->size_bytes = memory_bytes;
    void *view = mmap(NULL, memory_bytes, PROT_READ, MAP_SHARED, initial->file, 0);
    initial->bytes = view == MAP_FAILED ? NULL : view;
    return view != MAP_FAILED;
}

static bool write_bytes(struct wj_initial *initial, const struct wj_module *module)
{
    initial->bytes = calloc(1, initial->size_bytes); // what lies between segments is not touched
    if (initial->bytes == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < initial->part_count; i++) {
        const struct wj_initial_part *part = &initial->parts[i];
        if (part->size_bytes != 0) {
            memcpy(initial->bytes + part->at, module->datas[i].bytes, part->size_bytes);
        }
    }
    return true;
}

bool wj_initial_make(struct wj_initial *initial, struct wj_instance *instance,
                     uint64_t memory_bytes, bool as_file, struct wj_trap **trap, struct wj_err *err)
{
    const struct wj_module *module = instance->module;
    initial->part_count = module->data_count;
    initial->parts = calloc(module->data_count + 1u, sizeof *initial->parts);
    if (initial->parts == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    if (!find_parts(initial, instance, memory_bytes, trap, err)) {
        return false;
    }
    return initial->size_bytes == 0 ||
           (as_file ? write_file(initial, module, memory_bytes) : write_bytes(initial, module)) ||
           fail_room(initial, err);
}

bool wj_initial_map(const struct wj_initial *initial, uint8_t *base, uint64_t memory_bytes)
{
    return mmap(base, memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
                initial->file, 0) != MAP_FAILED;
}

// Adds the pages of a part.
static void note_pages(const struct wj_initial_part *part, uint64_t page_bytes,
                       struct wj_dirty_pages *written)
{
    uint64_t end = (part->at + part->size_bytes + page_bytes - 1) / page_bytes;
    for (uint64_t page = part->at / page_bytes; page < end && written->count < WJ_DIRTY_MAX;
         page++) {
        if (!wj_dirty_has(written, (uint32_t) page)) {
            written->pages[written->count++] = (uint32_t) page;
        }
    }
}

void wj_initial_copy(const struct wj_initial *initial, uint8_t *base, uint64_t page_bytes,
                     struct wj_dirty_pages *written)
{
    written->count = 0;
    for (uint32_t i = 0; i < initial->part_count; i++) {
        const struct wj_initial_part *part = &initial->parts[i];
        if (part->size_bytes != 0) {
            wj_pages_populate(base + part->at, part->size_bytes);
            memcpy(base + part->at, initial->bytes + part->at, part->size_bytes);
            note_pages(part, page_bytes, written);
        }
    }
}

void wj_initial_restore(const struct wj_initial *initial, uint8_t *base, uint64_t at,
                        uint64_t size_bytes)
{
    uint64_t from_data = at >= initial->size_bytes ? 0 : initial->size_bytes - at;
    from_data = from_data < size_bytes ? from_data : size_bytes;
    if (from_data != 0) {
        memcpy(base + at, initial->bytes + at, from_data);
    }
    // Not for no bytes: some memset()s store nothing, by a mask, to the next page, which is slow
    // where that is not mapped.
    if (from_data != size_bytes) {
        memset(base + at + from_data, 0, size_bytes - from_data);
    }
}
