// What a table holds for good, read from the module: which functions a kernel can call through it.
#ifndef RUNTIME_VM_KERNEL_TABLE_H
#define RUNTIME_VM_KERNEL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wasm/module.h"

#define WJ_TABLE_ENTRY_NULL UINT32_MAX

// One table of a module, as every instance has it.
struct wj_kernel_table {
    const struct wj_module *module;
    uint32_t *funcs; // function indexes
    uint32_t count;
};

// False: `reason` says who may change the table, or that it is too large. Walks all functions.
bool wj_kernel_table_read(const struct wj_module *module, uint32_t table,
                          struct wj_kernel_table *out, struct wj_err *reason);
void wj_kernel_table_clear(struct wj_kernel_table *table);

// Whether a call of that type index may go to the entry.
bool wj_kernel_table_matches(const struct wj_kernel_table *table, uint32_t entry,
                             uint32_t type_index);
// Whether an entry before this one is the same.
bool wj_kernel_table_repeats(const struct wj_kernel_table *table, uint32_t entry);

#endif
