// A pool of instances of one module in one store: made once, then taken and given back. What comes
// out of it is as new: no byte of the tenant before is left in memory, tables, globals or stack.
#ifndef RUNTIME_VM_TENANTS_H
#define RUNTIME_VM_TENANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/vm/link.h"
#include "runtime/vm/store.h"

struct wj_tenants;

#define WJ_TENANTS_MAX 1000000u

struct wj_tenants_settings {
    uint32_t count_max;
    uint64_t memory_bytes_max; // of an instance; 0: what the module's initial size is
    bool explicit_bounds;      // no guard regions: little address space, and every access checked
};

// The module may import functions only, and define one memory at most, which is not shared.
// The pool lives no longer than the store.
bool wj_tenants_new(struct wj_store *store, struct wj_image *image, const struct wj_extern *imports,
                    uint32_t import_count, const struct wj_tenants_settings *settings,
                    struct wj_tenants **out, struct wj_err *err);
// The instances stay the store's, but may not be used any more.
void wj_tenants_free(struct wj_tenants *tenants);

// False: *trap or *err says why; WJ_ERR_LIMIT when all are out.
bool wj_tenants_take(struct wj_tenants *tenants, struct wj_instance **out, struct wj_trap **trap,
                     struct wj_err *err);
// False: not an instance that is out, or wasm code of the store is running.
bool wj_tenants_give(struct wj_tenants *tenants, struct wj_instance *instance);

#endif
