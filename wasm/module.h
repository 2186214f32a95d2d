// A decoded module: immutable after decoding and validation, shared by threads. Everything in it
// lives in its arena or in the module's bytes, which must outlive it.
#ifndef WASM_MODULE_H
#define WASM_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "wasm/types.h"

// A name as the module has it: UTF-8, may hold NUL, not terminated. Points into the bytes.
struct wj_name {
    const char *bytes;
    uint32_t size_bytes;
};

enum wj_extern_kind {
    WJ_EXTERN_FUNC,
    WJ_EXTERN_TABLE,
    WJ_EXTERN_MEMORY,
    WJ_EXTERN_GLOBAL,
    WJ_EXTERN_TAG,
};

struct wj_limits {
    uint64_t min;
    uint64_t max; // meaningful when has_max
    bool has_max;
    bool is_64;     // addresses are i64
    bool is_shared; // memories
};

struct wj_memory_type {
    struct wj_limits limits; // in pages
    uint8_t page_size_log2;  // 16, or 0 with custom page sizes
};

struct wj_table_type {
    wj_valtype element;
    struct wj_limits limits; // in elements
};

struct wj_global_type {
    wj_valtype type;
    bool is_mutable;
};

// A constant expression, validated: its code with the final `end`. The evaluator in runtime/vm
// walks it again.
struct wj_const_expr {
    const uint8_t *code;
    uint32_t size_bytes;
    uint32_t offset; // of its first byte, from the start of the module
};

struct wj_import {
    struct wj_name module;
    struct wj_name name;
    enum wj_extern_kind kind;
    uint32_t index; // in the index space of its kind
};

struct wj_export {
    struct wj_name name;
    enum wj_extern_kind kind;
    uint32_t index;
};

// What validation learned of a local for the compiler.
struct wj_local_census {
    uint32_t weight; // uses, times 8 per loop around them, saturating
    // Its first use writes it, outside of all blocks: nobody sees the zero that it starts with.
    bool is_set_first;
};

// What validation learned of a function for the compiler.
struct wj_census {
    uint32_t local_count;     // parameters included
    uint32_t stack_slots_max; // deepest operand stack
    uint32_t label_depth_max; // deepest nesting of blocks, the function's own included
    uint32_t loop_count;
    uint32_t call_weight;     // calls, times 8 per loop around them, saturating
    uint32_t call_params_max; // most parameters and most results of a callee
    uint32_t call_results_max;
    uint32_t
        loop_callees[2]; // of the last two of the module's functions that its loops call: index + 1
    bool is_leaf; // calls nothing, and no operation in it calls the runtime
    bool uses_memory;
    bool uses_v128;                       // some local, operand or result is a v128
    bool has_tail_ref_call;               // a tail call through a reference or to an import
    const struct wj_local_census *locals; // [local_count]; NULL for a body never validated
};

struct wj_func {
    uint32_t type_index; // in the module
    uint32_t type_id;    // canonical
    const struct wj_functype *type;
    bool is_imported;
    bool is_declared; // may be named by ref.func
    // Of the body, for functions that the module defines:
    const uint8_t *code; // local declarations, then instructions, to the final `end`
    uint32_t code_size_bytes;
    uint32_t code_offset;                  // of `code`, from the start of the module
    uint32_t local_count;                  // parameters included; census.local_count is the same
    struct wj_local_census *census_locals; // where validation writes census.locals
    struct wj_census census;
};

struct wj_table_def {
    struct wj_table_type type;
    bool is_imported;
    bool has_init;
    struct wj_const_expr init;
};

struct wj_memory_def {
    struct wj_memory_type type;
    bool is_imported;
};

struct wj_global_def {
    struct wj_global_type type;
    bool is_imported;
    struct wj_const_expr init; // of defined ones
};

struct wj_tag {
    uint32_t type_index;
    uint32_t type_id;
    bool is_imported;
};

enum wj_segment_mode { WJ_SEGMENT_PASSIVE, WJ_SEGMENT_ACTIVE, WJ_SEGMENT_DECLARED };

struct wj_elem {
    enum wj_segment_mode mode;
    uint32_t table; // active
    struct wj_const_expr offset;
    wj_valtype type;
    uint32_t count;
    const uint32_t *funcs;             // function indexes, or NULL
    const struct wj_const_expr *exprs; // or expressions
};

struct wj_data {
    enum wj_segment_mode mode;
    uint32_t memory; // active
    struct wj_const_expr offset;
    const uint8_t *bytes;
    uint32_t size_bytes;
};

struct wj_custom {
    struct wj_name name;
    const uint8_t *bytes;
    uint32_t size_bytes;
};

struct wj_module {
    struct wj_arena arena;
    struct wj_types *types; // of the engine; outlives the module
    uint32_t features;      // enum wj_feature bits it was decoded with
    const uint8_t *bytes;
    size_t size_bytes;

    uint32_t type_count; // type index → canonical
    const struct wj_type **type_list;

    // Index spaces: imports first.
    uint32_t func_count, func_import_count;
    struct wj_func *funcs;
    uint32_t table_count, table_import_count;
    struct wj_table_def *tables;
    uint32_t memory_count, memory_import_count;
    struct wj_memory_def *memories;
    uint32_t global_count, global_import_count;
    struct wj_global_def *globals;
    uint32_t tag_count, tag_import_count;
    struct wj_tag *tags;

    uint32_t import_count;
    struct wj_import *imports;
    uint32_t export_count;
    struct wj_export *exports;
    uint32_t elem_count;
    struct wj_elem *elems;
    bool has_data_count;
    uint32_t data_count;
    struct wj_data *datas;
    uint32_t custom_count;
    struct wj_custom *customs;

    bool has_start;
    uint32_t start_func;

    bool has_tail_ref_calls; // of some function, after its validation

    const uint8_t *code_section; // its contents; NULL without one
    uint64_t code_section_bytes;
    uint32_t body_bytes_max;      // of the longest body
    uint32_t local_count_max;     // of the function with most locals
    uint32_t export_slot_count;   // power of two
    const uint32_t *export_slots; // hash table of export names: index + 1, 0 is free
    // From the name section; func_names[i].bytes is NULL where there is none. A bad name section
    // gives no names and no error.
    struct wj_name module_name;
    const struct wj_name *func_names; // NULL or [func_count]
};

// Whether a module may have so many bytes: asked before they are copied. Decoding asks again.
bool wj_module_check_size(size_t size_bytes, struct wj_err *err);

// Decodes the sections; function bodies are found, not yet walked. On success *out is a new
// module that borrows `bytes` and `types`. `features` are enum wj_feature bits.
bool wj_module_decode(struct wj_types *types, uint32_t features, const uint8_t *bytes,
                      size_t size_bytes, struct wj_module **out, struct wj_err *err);
// The same with what is made of the module in `bulk`, which outlives it; or NULL.
bool wj_module_decode_in(struct wj_bulk *bulk, struct wj_types *types, uint32_t features,
                         const uint8_t *bytes, size_t size_bytes, struct wj_module **out,
                         struct wj_err *err);
void wj_module_free(struct wj_module *module);

// The same but for the bodies, which are not looked at: their code, local_count and census are
// unknown. For modules whose code was compiled before.
bool wj_module_decode_outline(struct wj_bulk *bulk, struct wj_types *types, uint32_t features,
                              const uint8_t *bytes, size_t size_bytes, struct wj_module **out,
                              struct wj_err *err);
// Finds the bodies of such a module. One thread at a time, once.
bool wj_module_find_bodies(struct wj_module *module, struct wj_err *err);

// Validates the bodies [first, first + count) of defined functions, counted from
// func_import_count on, and fills in their census. Different ranges may run on different threads.
bool wj_module_validate_funcs(struct wj_module *module, uint32_t first, uint32_t count,
                              struct wj_err *err);

// Validates every body.
bool wj_module_validate(struct wj_module *module, struct wj_err *err);

// The export with this name, or NULL.
const struct wj_export *wj_module_find_export(const struct wj_module *module, const char *name,
                                              size_t name_bytes);

#endif
