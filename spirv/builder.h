// Builds one SPIR-V module: a word vector per section, types and constants made once, ids, and the
// state of the block that instructions go to. Emission cannot fail; `finish` tells.
#ifndef SPIRV_BUILDER_H
#define SPIRV_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spirv/unified1/spirv.h>

#include "spirv/words.h"

// Sections in the order of the SPIR-V specification, "Logical Layout of a Module". Of a function
// the declarations of its variables are gathered apart, since they open its first block.
enum wj_spv_section {
    WJ_SPV_CAPABILITIES,
    WJ_SPV_IMPORTS,
    WJ_SPV_MEMORY_MODEL,
    WJ_SPV_ENTRY_POINTS,
    WJ_SPV_EXECUTION_MODES,
    WJ_SPV_ANNOTATIONS,
    WJ_SPV_GLOBALS, // types, constants, module variables
    WJ_SPV_FUNCTIONS,
    WJ_SPV_SECTION_COUNT,
};

// Where an interned instruction lies in WJ_SPV_GLOBALS.
struct wj_spv_interned {
    uint32_t hash;
    uint32_t position; // plus 1; 0: an empty slot
};

struct wj_spv_builder {
    struct wj_spv_words sections[WJ_SPV_SECTION_COUNT];
    // Of the function being built.
    struct wj_spv_words head; // OpFunction, parameters
    struct wj_spv_words variables;
    struct wj_spv_words prologue; // of the first block, behind the variables
    struct wj_spv_words body;     // what follows
    bool is_terminated;           // the current block has ended: a label must come next
    uint32_t next_id;
    uint32_t glsl;                    // the imported GLSL.std.450
    struct wj_spv_interned *interned; // open-addressed
    size_t interned_capacity;
    size_t interned_count;
    bool has_failed;
};

void wj_spv_builder_init(struct wj_spv_builder *b);
void wj_spv_builder_clear(struct wj_spv_builder *b);

static inline uint32_t wj_spv_id(struct wj_spv_builder *b)
{
    return b->next_id++;
}

// An instruction without result, or with everything in `operands`.
void wj_spv_raw(struct wj_spv_words *words, SpvOp op, const uint32_t *operands, size_t count);

// An instruction of the current function with a result of `type`; returns its id.
uint32_t wj_spv_result(struct wj_spv_builder *b, SpvOp op, uint32_t type, const uint32_t *operands,
                       size_t count);

// The same in the function's first block, so that it dominates everything.
uint32_t wj_spv_early(struct wj_spv_builder *b, SpvOp op, uint32_t type, const uint32_t *operands,
                      size_t count);

#define WJ_SPV_ARGS(...) \
    ((const uint32_t[]){__VA_ARGS__}), (sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define WJ_SPV_OP(b, op, type, ...) wj_spv_result((b), (op), (type), WJ_SPV_ARGS(__VA_ARGS__))
#define WJ_SPV_EARLY(b, op, type, ...) wj_spv_early((b), (op), (type), WJ_SPV_ARGS(__VA_ARGS__))
#define WJ_SPV_DO(b, op, ...) wj_spv_raw(&(b)->body, (op), WJ_SPV_ARGS(__VA_ARGS__))
#define WJ_SPV_IN(b, section, op, ...) \
    wj_spv_raw(&(b)->sections[section], (op), WJ_SPV_ARGS(__VA_ARGS__))

// An extended instruction of GLSL.std.450.
uint32_t wj_spv_glsl(struct wj_spv_builder *b, uint32_t instruction, uint32_t type,
                     const uint32_t *operands, size_t count);
#define WJ_SPV_GLSL(b, instruction, type, ...) \
    wj_spv_glsl((b), (instruction), (type), WJ_SPV_ARGS(__VA_ARGS__))

// Types and constants: the same id for the same request.
uint32_t wj_spv_type(struct wj_spv_builder *b, SpvOp op, const uint32_t *operands, size_t count);
uint32_t wj_spv_type_void(struct wj_spv_builder *b);
uint32_t wj_spv_type_bool(struct wj_spv_builder *b);
uint32_t wj_spv_type_int(struct wj_spv_builder *b, unsigned bits); // unsigned
uint32_t wj_spv_type_float(struct wj_spv_builder *b, unsigned bits);
uint32_t wj_spv_type_vector(struct wj_spv_builder *b, uint32_t element, unsigned count);
uint32_t wj_spv_type_pointer(struct wj_spv_builder *b, SpvStorageClass class, uint32_t pointee);
uint32_t wj_spv_const(struct wj_spv_builder *b, SpvOp op, uint32_t type, const uint32_t *operands,
                      size_t count);
uint32_t wj_spv_const_u32(struct wj_spv_builder *b, uint32_t value);
uint32_t wj_spv_const_u64(struct wj_spv_builder *b, uint64_t value);
uint32_t wj_spv_const_f32(struct wj_spv_builder *b, uint32_t bits);
uint32_t wj_spv_const_f64(struct wj_spv_builder *b, uint64_t bits);
uint32_t wj_spv_const_bool(struct wj_spv_builder *b, bool value);
uint32_t wj_spv_const_null(struct wj_spv_builder *b, uint32_t type);
// A vector whose `count` components are all `component`.
uint32_t wj_spv_const_splat(struct wj_spv_builder *b, uint32_t type, uint32_t component,
                            unsigned count);

// Blocks. A label opens the next block; the one before must have ended.
void wj_spv_label(struct wj_spv_builder *b, uint32_t label);
void wj_spv_branch(struct wj_spv_builder *b, uint32_t label);
void wj_spv_branch_if(struct wj_spv_builder *b, uint32_t condition, uint32_t yes, uint32_t no);
void wj_spv_selection(struct wj_spv_builder *b, uint32_t merge);
void wj_spv_unreachable(struct wj_spv_builder *b);

// Functions. `begin` starts one; `variable` declares a zeroed one in it; `end` puts it together.
void wj_spv_function_begin(struct wj_spv_builder *b, uint32_t id, uint32_t type, uint32_t result);
uint32_t wj_spv_function_parameter(struct wj_spv_builder *b, uint32_t type);
uint32_t wj_spv_function_variable(struct wj_spv_builder *b, uint32_t type);
void wj_spv_function_end(struct wj_spv_builder *b);

// A state to go back to, to build a function again. Types and constants stay.
struct wj_spv_mark {
    size_t functions;
    size_t annotations;
};
struct wj_spv_mark wj_spv_mark(const struct wj_spv_builder *b);
void wj_spv_rewind(struct wj_spv_builder *b, struct wj_spv_mark mark);

// Puts the sections together; false when memory ran out anywhere. The caller frees *words.
bool wj_spv_finish(struct wj_spv_builder *b, uint32_t **words, size_t *word_count);

#endif
