// The C functions that generated code calls: rows of WJ_LIBCALLS.
#ifndef RUNTIME_VM_LIBCALLS_H
#define RUNTIME_VM_LIBCALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/vm/instance.h"

// Fills in the addresses, by enum wj_libcall.
void wj_libcalls_fill(void *libcalls[WJ_LIBCALL_COUNT]);

// What segments at instantiation share with memory.init and table.init. False: out of bounds.
bool wj_memory_init_range(struct wj_memory *memory, uint64_t to, const uint8_t *bytes,
                          uint64_t size_bytes, uint64_t from, uint64_t count);
bool wj_table_init_range(struct wj_table *table, uint64_t to, void *const *items, uint64_t size,
                         uint64_t from, uint64_t count);

// Tells every instance of the memory's store where the memory is now.
void wj_memory_moved(struct wj_store *store, struct wj_memory *memory);

#endif
