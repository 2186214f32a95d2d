// What the files of the C interface share: the structures behind its opaque types.
#ifndef RUNTIME_API_INTERNAL_H
#define RUNTIME_API_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <wjit.h>

#include "base/err.h"
#include "runtime/vm/code.h"
#include "runtime/vm/engine.h"
#include "runtime/vm/link.h"
#include "runtime/vm/store.h"
#include "runtime/vm/trap.h"

struct wasm_config_t {
    struct wj_settings settings;
    char *cache_folder; // or NULL
};

struct wasm_engine_t {
    struct wj_engine *engine;
};

// Types. A value type is canonical once it comes from a module; from kinds it is abstract.
struct wasm_valtype_t {
    wj_valtype type;
    wasm_valkind_t kind;
};

struct wasm_externtype_t {
    wasm_externkind_t kind;
};

struct wasm_functype_t {
    struct wasm_externtype_t base;
    wasm_valtype_vec_t params;
    wasm_valtype_vec_t results;
};

struct wasm_globaltype_t {
    struct wasm_externtype_t base;
    wasm_valtype_t *content;
    wasm_mutability_t mutability;
};

struct wasm_tabletype_t {
    struct wasm_externtype_t base;
    wasm_valtype_t *element;
    wasm_limits_t limits; // what fits of `full`
    struct wj_limits full;
};

struct wasm_memorytype_t {
    struct wasm_externtype_t base;
    wasm_limits_t limits;
    struct wj_memory_type full;
};

struct wasm_importtype_t {
    wasm_name_t module;
    wasm_name_t name;
    wasm_externtype_t *type;
};

struct wasm_exporttype_t {
    wasm_name_t name;
    wasm_externtype_t *type;
};

// References. One handle per object and store, counted; objects live as long as the store, those
// of modules and traps as long as their handles.
enum wj_ref_kind {
    WJ_REF_FUNC,
    WJ_REF_GLOBAL,
    WJ_REF_TABLE,
    WJ_REF_MEMORY,
    WJ_REF_TAG,
    WJ_REF_INSTANCE,
    WJ_REF_FOREIGN,
    WJ_REF_MODULE,
    WJ_REF_TRAP,
};

struct wasm_ref_t {
    enum wj_ref_kind kind;
    uint32_t references;
    wasm_store_t *store;
    void *object;   // wj_funcref, wj_global, ..., wj_image, wj_trap; foreign: the handle
    bool is_pinned; // wasm may hold it: it stays until the store goes
    void *host_info;
    void (*finalizer)(void *);
    struct wasm_ref_t *next; // in its bucket
    wasm_module_t *module;   // of an instance, made on demand
};

struct wasm_func_t {
    struct wasm_ref_t ref;
};
struct wasm_global_t {
    struct wasm_ref_t ref;
};
struct wasm_table_t {
    struct wasm_ref_t ref;
};
struct wasm_memory_t {
    struct wasm_ref_t ref;
};
struct wasm_extern_t {
    struct wasm_ref_t ref;
};
struct wasm_instance_t {
    struct wasm_ref_t ref;
};
struct wasm_foreign_t {
    struct wasm_ref_t ref;
};
struct wasm_module_t {
    struct wasm_ref_t ref;
};
struct wasm_trap_t {
    struct wasm_ref_t ref;
};

struct wasm_shared_module_t {
    struct wj_image *image;
};

struct wasm_frame_t {
    wasm_store_t *store;
    struct wj_trap_frame frame;
};

struct wasm_store_t {
    struct wj_store *store;
    wasm_engine_t *engine;
    struct wasm_ref_t **buckets; // by object
    uint32_t bucket_count;       // a power of two
    uint32_t handle_count;
    struct wasm_ref_t last_trap; // handed out when there is no memory for another
};

struct wjit_caller_t {
    wasm_store_t *store;
    struct wj_instance *importer;
};

// The handle of an object, counted once more; made if need be. NULL: out of memory, or object NULL.
struct wasm_ref_t *wj_api_handle(wasm_store_t *store, enum wj_ref_kind kind, void *object);
// The same, and it stays until the store goes: for what is lent to the host or held by wasm.
struct wasm_ref_t *wj_api_pin(wasm_store_t *store, enum wj_ref_kind kind, void *object);
// A handle that no bucket holds: modules and traps. Takes over the object's reference.
struct wasm_ref_t *wj_api_loose_handle(wasm_store_t *store, enum wj_ref_kind kind, void *object);
void wj_api_handles_clear(wasm_store_t *store);

// A handle as what the runtime links; object NULL for one that is missing or of another store.
struct wj_extern wj_api_extern_in(const wasm_store_t *store, const wasm_extern_t *handle);

// A trap as the interface hands it out; takes over `trap`.
wasm_trap_t *wj_api_trap(wasm_store_t *store, struct wj_trap *trap);
wasm_trap_t *wj_api_trap_message(wasm_store_t *store, const char *message);

// Types between the worlds.
wasm_valtype_t *wj_api_valtype(const struct wj_types *types, wj_valtype type);
wasm_valkind_t wj_api_kind(const struct wj_types *types, wj_valtype type);
wasm_functype_t *wj_api_functype(const struct wj_types *types, const struct wj_functype *type);
wasm_globaltype_t *wj_api_globaltype(const struct wj_types *types,
                                     const struct wj_global_type *type);
wasm_tabletype_t *wj_api_tabletype(const struct wj_types *types, const struct wj_table_type *type);
wasm_memorytype_t *wj_api_memorytype(const struct wj_memory_type *type);
wasm_externtype_t *wj_api_tagtype(void);

// Values between the worlds. To a cell: false when the value is not of the type.
bool wj_api_to_cell(wasm_store_t *store, wj_valtype type, const wjit_val_t *value,
                    union wj_cell *cell);
void wj_api_from_cell(wasm_store_t *store, wj_valtype type, const union wj_cell *cell,
                      wjit_val_t *value);
void wj_api_val_widen(const wasm_val_t *from, wjit_val_t *to);
void wj_api_val_narrow(const wjit_val_t *from, wasm_val_t *to); // v128 becomes i64 0
// A reference for a table element or a global of the type.
bool wj_api_ref_to_cell(wasm_store_t *store, wj_valtype type, wasm_ref_t *ref, void **out);

// The module of an image, whose reference it takes over. NULL: out of memory.
wasm_module_t *wj_api_module(wasm_store_t *store, struct wj_image *image);
// The same for what may have failed before: NULL, and *error as *err has it. `image` may be NULL.
wasm_module_t *wj_api_module_or_error(wasm_store_t *store, struct wj_image *image,
                                      struct wj_err *err, wjit_error_t *error);

void wj_api_error_out(const struct wj_err *from, wjit_error_t *to);

// Which machine: runtime/api/ports.c.
void wj_ports_fill(struct wj_ports *ports);
// Which GPU: runtime/api/ports_gpu.c, or what a program has in its place.
void wj_ports_fill_gpu(struct wj_ports *ports);
// The GPU work of another process, until it closes the socket.
void wj_ports_serve_gpu(int socket);
// The compiler for the machine of this name; NULL: there is none.
const struct wj_backend *wj_ports_backend(const char *name);
// The compiler whose machine is a text file.
const struct wj_backend *wj_ports_printing_backend(void);

#endif
