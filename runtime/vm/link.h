// Instantiation: imports matched and bound, segments applied, the start function run; and what an
// instance exports.
#ifndef RUNTIME_VM_LINK_H
#define RUNTIME_VM_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/vm/code.h"
#include "runtime/vm/instance.h"
#include "runtime/vm/store.h"
#include "runtime/vm/trap.h"

// What crosses the border of an instance.
struct wj_extern {
    enum wj_extern_kind kind;
    union {
        void *object; // NULL: missing
        struct wj_funcref *func;
        struct wj_table *table;
        struct wj_memory *memory;
        struct wj_global *global;
        struct wj_tag_object *tag;
    };
};

// False: *trap is set when a segment or the start function trapped, else *err. The effects of
// what ran before stay.
bool wj_instance_new(struct wj_store *store, struct wj_image *image,
                     const struct wj_extern *imports, uint32_t import_count,
                     struct wj_instance **out, struct wj_trap **trap, struct wj_err *err);

// The same in two steps, for pools: without the start function, which runs later, and in a memory
// that is there (NULL: as usual), which gets its data from somebody else where `is_filled`.
struct wj_instance_place {
    struct wj_memory *memory; // the one that the module defines
    bool is_filled;
};
bool wj_instance_build(struct wj_store *store, struct wj_image *image,
                       const struct wj_extern *imports, uint32_t import_count,
                       const struct wj_instance_place *place, struct wj_instance **out,
                       struct wj_trap **trap, struct wj_err *err);
// Where an active data segment belongs.
bool wj_instance_data_offset(struct wj_instance *instance, const struct wj_data *data, uint64_t *at,
                             struct wj_err *err);
bool wj_instance_start(struct wj_instance *instance, struct wj_trap **trap, struct wj_err *err);

// True when `given` may stand for the import.
bool wj_link_matches(const struct wj_module *module, const struct wj_import *import,
                     const struct wj_extern *given);

// Says what the import expects and what `given`, if anything, is. Always returns false.
bool wj_link_fail(const struct wj_module *module, const struct wj_import *import,
                  const struct wj_extern *given, struct wj_err *err);

// Functions and globals of an instance as objects, made when first asked for; NULL: out of memory.
struct wj_funcref *wj_instance_func(struct wj_instance *instance, uint32_t func_index);
struct wj_global *wj_instance_global(struct wj_instance *instance, uint32_t global_index);
struct wj_memory *wj_instance_memory(struct wj_instance *instance, uint32_t memory_index);
struct wj_table *wj_instance_table(struct wj_instance *instance, uint32_t table_index);
// Where a global's value lies.
union wj_cell *wj_instance_global_cell(struct wj_instance *instance, uint32_t global_index);

// The object behind an export; object NULL: out of memory.
struct wj_extern wj_instance_export(struct wj_instance *instance, const struct wj_export *export);

// A host function as this instance calls it: with a context that names the instance.
struct wj_funcref *wj_instance_bind_host(struct wj_instance *instance, struct wj_host_func *host,
                                         struct wj_err *err);

#endif
