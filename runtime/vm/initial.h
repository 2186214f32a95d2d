// What the memory of a new instance of a module holds, made once of its data segments: a file that
// memories map, copied when written to, or bytes to copy into them.
#ifndef RUNTIME_VM_INITIAL_H
#define RUNTIME_VM_INITIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/vm/dirty.h"
#include "runtime/vm/instance.h"
#include "runtime/vm/trap.h"

struct wj_initial_part {
    uint64_t at;
    uint64_t size_bytes;
};

struct wj_initial {
    int file;       // with the whole memory, or -1: there is none, or no data
    uint8_t *bytes; // [size_bytes], zero beyond; of a file: its mapping
    uint64_t size_bytes;
    struct wj_initial_part *parts; // where the data lies
    uint32_t part_count;
};

void wj_initial_init(struct wj_initial *initial);
void wj_initial_clear(struct wj_initial *initial);

// Of an instance whose memory, as large as that, has not got its data. False: *trap or *err says
// why.
bool wj_initial_make(struct wj_initial *initial, struct wj_instance *instance,
                     uint64_t memory_bytes, bool as_file, struct wj_trap **trap,
                     struct wj_err *err);

// Maps the file, which there is, as a memory.
bool wj_initial_map(const struct wj_initial *initial, uint8_t *base, uint64_t memory_bytes);
// Writes the data into a memory of zeros. *written are the pages, or as many as it holds.
void wj_initial_copy(const struct wj_initial *initial, uint8_t *base, uint64_t page_bytes,
                     struct wj_dirty_pages *written);
// Makes some bytes of a memory what they were.
void wj_initial_restore(const struct wj_initial *initial, uint8_t *base, uint64_t at,
                        uint64_t size_bytes);

#endif
