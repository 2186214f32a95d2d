// An instance and what hangs on it, laid out for generated code: every field above the line
// "runtime only" is read at its fixed offset by code of jit/. Static asserts there pin them.
#ifndef RUNTIME_VM_INSTANCE_H
#define RUNTIME_VM_INSTANCE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wasm/module.h"

struct wj_engine;
struct wj_store;
struct wj_code;
struct wj_image;
struct wj_lane;
struct wj_host_func;
struct wj_instance;
struct wj_activation;
struct wj_tenant;

// A value in memory: cells of arguments, results and globals. i32 and f32 in the low 4 bytes.
union wj_cell {
    uint32_t i32;
    uint64_t i64;
    uint32_t f32; // bits
    uint64_t f64; // bits
    void *ref;    // funcref: struct wj_funcref; externref: struct wj_externref or host's; NULL
    uint8_t v128[16];
};
_Static_assert(sizeof(union wj_cell) == 16, "cells are 16 bytes in generated code");

// A function as a value. Identity is the address: one per function and instance.
struct wj_funcref {
    void *code;                   // entry in the wasm convention
    struct wj_instance *instance; // whose MASM_INST it runs with; a host function's own context
    uint32_t type_id;             // canonical
    uint32_t func_index;          // in its instance's module; host functions: UINT32_MAX
    // runtime only
    const struct wj_type *type;
    struct wj_host_func *host; // NULL for wasm functions
    uint64_t enter;            // the enter function of its type, once the host has called it; or 0
};

struct wj_memory {
    uint8_t *base;               // never moves while guard-page checked
    _Atomic uint64_t size_bytes; // committed
    // runtime only
    struct wj_memory_type type;
    uint64_t max_pages;      // the least of type, page size and limits
    uint64_t reserved_bytes; // address space from base on
    void *mapping;           // of the whole reservation
    uint64_t mapping_bytes;
    bool is_of_pool;             // the reservation is a pool's, and so is this
    bool is_guarded;             // accesses need no check
    bool is_huge;                // in huge pages, where there are some
    uint64_t populated_from;     // what the latest growth with pages at once was of
    uint64_t populated_bytes;
    int file;                    // that the bytes lie in, or -1
    struct wj_memory *view;      // a private view of the file, or NULL
    _Atomic uint32_t references; // stores that hold it: shared memories are in several
    pthread_mutex_t grow_lock;
};

struct wj_table {
    void **elements;
    uint64_t size;
    // runtime only
    struct wj_table_type type;
    uint64_t capacity;
    uint64_t size_max; // the least of type and limits
};

struct wj_global {
    union wj_cell *cell; // in the defining instance, or `own`
    union wj_cell own;
    struct wj_global_type type;
};

// A tag: its identity is its address.
struct wj_tag_object {
    uint32_t type_id;
};

// C functions that generated code calls through masm_stub_call_c. The first argument is the
// instance; the others are 64-bit integers, i32 zero-extended. A function that traps sets
// activation->trap and returns anything. Rows: name, C arguments after the instance.
#define WJ_LIBCALLS(X)                                                                    \
    X(memory_grow)   /* memory index, delta pages → old pages or all ones */            \
    X(memory_fill)   /* memory index, address, value, count */                            \
    X(memory_copy)   /* to index << 32 | from index, to, from, count */                   \
    X(memory_init)   /* memory index << 32 | segment, to, from, count */                  \
    X(data_drop)     /* segment */                                                        \
    X(table_grow)    /* table index, value, delta → old size or all ones */             \
    X(table_fill)    /* table index, at, value, count */                                  \
    X(table_copy)    /* to index << 32 | from index, to, from, count */                   \
    X(table_init)    /* table index << 32 | segment, to, from, count */                   \
    X(elem_drop)     /* segment */                                                        \
    X(ref_func)      /* function index → struct wj_funcref * */                         \
    X(type_check)    /* struct wj_funcref *, type index → the same, or traps */          \
    X(host_call)     /* struct wj_funcref *, union wj_cell *arguments and results */      \
    X(atomic_notify) /* memory index, address, count → woken */                         \
    X(atomic_wait32) /* memory index, address, expected, timeout ns → 0, 1, 2 */        \
    X(atomic_wait64) /* memory index, address, expected, timeout ns → 0, 1, 2 */

enum wj_libcall {
#define WJ_LIBCALL_ENUM(name) WJ_LIBCALL_##name,
    WJ_LIBCALLS(WJ_LIBCALL_ENUM)
#undef WJ_LIBCALL_ENUM
        WJ_LIBCALL_COUNT,
};

enum wj_stub {
    WJ_STUB_CALL_C,
    WJ_STUB_LAZY_DIRECT,
    WJ_STUB_LAZY_INDIRECT,
    WJ_STUB_UNWIND,
    WJ_STUB_TAIL_ROOM,
    WJ_STUB_COUNT,
};

// Followed in memory by the tail, in this order and each 16-byte aligned:
//   union wj_cell globals[defined globals]
//   union wj_cell *imported_globals[imported globals]
//   struct wj_funcref *imported_funcs[imported functions]
//   struct wj_memory *memories[all memories]
//   struct wj_table *tables[all tables]
//   uint32_t type_ids[types]: canonical ids, which differ from engine to engine
// A host function's context is a struct wj_instance without a tail and without a module.
struct wj_instance {
    uint8_t *memory0_base; // of memory 0; NULL without one
    struct wj_memory *memory0;
    struct wj_activation **activation_slot; // &store->activation
    void *stubs[WJ_STUB_COUNT];
    void *libcalls[WJ_LIBCALL_COUNT];
    struct wj_funcref **funcrefs; // [func_count]; made on demand by ref_func, but
                                  // always there for replaced functions
    // runtime only
    struct wj_store *store;
    const struct wj_module *module;
    struct wj_code *code;              // compiled code of the module
    struct wj_tenant *tenant;          // what its pool keeps of it, or NULL
    struct wj_global **global_objects; // [global_count]; made on demand
    struct wj_tag_object **tags;       // [tag_count]
    uint64_t *dropped_elems;           // bit sets
    uint64_t *dropped_datas;
    void ***elem_items;               // [elem_count] evaluated segments: void *[count]
    struct wj_instance *importer;     // a host function's context: who imported it, or NULL
    struct wj_instance *host_context; // made on demand, for the host functions it imports
    struct wj_funcref *funcref_pool;  // [funcref_pool_count] unused ones
    uint32_t funcref_pool_count;
    struct wj_memory *host_memory; // what host functions see: "memory", or memory 0
    struct wj_image *image;        // what `module` and `code` belong to
    struct wj_instance *next;      // in the store
};

// Offsets of the tail's parts, from the start of the instance.
struct wj_instance_layout {
    uint32_t globals;
    uint32_t imported_globals;
    uint32_t imported_funcs;
    uint32_t memories;
    uint32_t tables;
    uint32_t type_ids;
    uint32_t size_bytes;
};

static inline struct wj_instance_layout wj_instance_layout(const struct wj_module *module)
{
    struct wj_instance_layout layout;
    uint32_t at = (uint32_t) (sizeof(struct wj_instance) + 15) & ~15u;
    layout.globals = at;
    at += (module->global_count - module->global_import_count) * (uint32_t) sizeof(union wj_cell);
    layout.imported_globals = at;
    at = (at + module->global_import_count * 8 + 15) & ~15u;
    layout.imported_funcs = at;
    at = (at + module->func_import_count * 8 + 15) & ~15u;
    layout.memories = at;
    at = (at + module->memory_count * 8 + 15) & ~15u;
    layout.tables = at;
    at = (at + module->table_count * 8 + 15) & ~15u;
    layout.type_ids = at;
    at = (at + module->type_count * 4 + 15) & ~15u;
    layout.size_bytes = at;
    return layout;
}

// One entry from C into wasm, on the C stack of the thread. Found by the signal handler through a
// thread-local; by generated code through *instance->activation_slot.
struct wj_activation {
    uint64_t host_sp;      // of the enter function's frame
    uint64_t wasm_sp;      // where wasm code last left to C; at entry: top of the free wasm stack
    uint64_t wasm_pc;      // the return address of that call
    _Atomic uint32_t trap; // enum wj_trap_kind; not zero: unwind on return to wasm
    // runtime only
    uint64_t trap_pc;               // of the faulting instruction, 0 when the trap came from C
    uint64_t trap_sp;               // SP there
    uint64_t trap_link;             // the link register there, on machines that have one
    uint64_t trap_address;          // faulting data address
    uint64_t host_fp;               // the host's floating-point control
    struct wj_activation *previous; // outer one on the same lane
    struct wj_lane *lane;
};

#endif
