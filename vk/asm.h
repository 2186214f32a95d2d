// A small SPIR-V assembler for the device's self-test: modules with the interface of kernels
// (runtime/vm/gpu.h). Emission cannot fail; `end` tells. The translator has a larger builder.
#ifndef VK_ASM_H
#define VK_ASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spirv/unified1/GLSL.std.450.h>
#include <spirv/unified1/spirv.h>

#include "base/err.h"
#include "runtime/vm/gpu.h"

enum wj_vk_section {
    SECTION_HEAD, // capabilities to execution modes
    SECTION_DECORATIONS,
    SECTION_GLOBALS,   // types, constants, module variables
    SECTION_VARIABLES, // the function's first block up to its variables
    SECTION_BODY,
    SECTION_COUNT,
};

struct wj_vk_words {
    uint32_t *data;
    size_t count;
    size_t capacity;
};

struct wj_vk_types {
    uint32_t boolean, u32, f32, u64, f64;
};

struct wj_vk_asm {
    struct wj_vk_words sections[SECTION_COUNT];
    uint32_t next_id;
    bool has_failed; // out of memory
    uint32_t type_void;
    uint32_t type_bool, type_u32, type_f32, type_u64, type_f64; // of the shape
    unsigned lanes;                                             // of the shape
    struct wj_vk_types scalars, vectors;
    uint32_t type_pair;   // a struct of two words
    uint32_t type_words2; // a vector of two words, where there are 64-bit integers
    uint32_t pointer_word, pointer_push, pointer_variable;
    uint32_t glsl, memory, trap, push;
    uint32_t end_label;
    uint32_t item; // the number of this invocation's item
};

// Starts a module whose "main" has done what kernels do first: items past the end are out.
void wj_vk_asm_begin(struct wj_vk_asm *a, bool has_int64, bool has_float64);
// Ends it; the caller frees code->words. False: out of memory. The assembler is cleared either way.
bool wj_vk_asm_end(struct wj_vk_asm *a, struct wj_gpu_code *code, struct wj_err *err);

uint32_t wj_vk_asm_result(struct wj_vk_asm *a, SpvOp op, uint32_t type, const uint32_t *operands,
                          size_t count);
void wj_vk_asm_emit(struct wj_vk_asm *a, enum wj_vk_section section, SpvOp op,
                    const uint32_t *operands, size_t count);
// Types and constants are those of vectors now: four lanes of 32 bits, or two of 64; or, with 1, of
// scalars again. Whoever computes by them computes lane by lane.
void wj_vk_asm_shape(struct wj_vk_asm *a, unsigned lanes);
uint32_t wj_vk_asm_u32(struct wj_vk_asm *a, uint32_t value);
uint32_t wj_vk_asm_u64(struct wj_vk_asm *a, uint64_t value);
// 64-bit integers as shaders make them of words, and take them apart.
uint32_t wj_vk_asm_join(struct wj_vk_asm *a, uint32_t low, uint32_t high);
uint32_t wj_vk_asm_half(struct wj_vk_asm *a, uint32_t value, uint32_t which);
uint32_t wj_vk_asm_widen(struct wj_vk_asm *a, uint32_t word, bool is_signed);
uint32_t wj_vk_asm_glsl(struct wj_vk_asm *a, uint32_t instruction, uint32_t type, uint32_t operand);
// Float arithmetic that must not be contracted.
uint32_t wj_vk_asm_exact(struct wj_vk_asm *a, SpvOp op, uint32_t type, uint32_t x, uint32_t y);

// A word of linear memory, by its number; a member of the push constants, by its place.
uint32_t wj_vk_asm_load(struct wj_vk_asm *a, uint32_t word);
void wj_vk_asm_store(struct wj_vk_asm *a, uint32_t word, uint32_t value);
void wj_vk_asm_atomic_add(struct wj_vk_asm *a, uint32_t word, uint32_t value, uint32_t semantics);
uint32_t wj_vk_asm_push(struct wj_vk_asm *a, uint32_t member);
// A member of the trap record as an address for atomics.
uint32_t wj_vk_asm_trap(struct wj_vk_asm *a, uint32_t member);
// A u32 variable of the function.
uint32_t wj_vk_asm_variable(struct wj_vk_asm *a);

static inline uint32_t wj_vk_asm_id(struct wj_vk_asm *a)
{
    return a->next_id++;
}

// Blocks: a label, a branch, and a structured test whose merge block is `merge`.
void wj_vk_asm_label(struct wj_vk_asm *a, uint32_t label);
void wj_vk_asm_branch(struct wj_vk_asm *a, uint32_t label);
void wj_vk_asm_test(struct wj_vk_asm *a, uint32_t condition, uint32_t yes, uint32_t no,
                    uint32_t merge);

struct wj_vk_loop {
    uint32_t header, next, merge;
};
// for (; variable < end; variable++): the body follows `begin`.
struct wj_vk_loop wj_vk_asm_loop_begin(struct wj_vk_asm *a, uint32_t variable, uint32_t end);
void wj_vk_asm_loop_end(struct wj_vk_asm *a, struct wj_vk_loop loop, uint32_t variable);

#define ASM_ARGS(...) \
    ((const uint32_t[]){__VA_ARGS__}), (sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define ASM_OP(a, op, type, ...) wj_vk_asm_result((a), (op), (type), ASM_ARGS(__VA_ARGS__))
#define ASM_DO(a, op, ...) wj_vk_asm_emit((a), SECTION_BODY, (op), ASM_ARGS(__VA_ARGS__))

#endif
