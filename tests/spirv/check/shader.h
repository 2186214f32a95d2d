// SPIR-V as the checking device runs it: decoded once, then interpreted for one invocation at a
// time, every access to memory checked against the bounds of what it reaches. It knows what the
// translator emits and no more: another instruction ends the process, as does an access outside.
#ifndef CHECK_SHADER_H
#define CHECK_SHADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/vm/gpu.h"

#define CHECK_COMPONENTS_MAX 4u
#define CHECK_MEMBERS_MAX 32u
#define CHECK_CALLS_MAX 64u
#define CHECK_INPUTS 4u

// Where the shader finds the memory of a slot: so far apart that none reaches into another. The low
// word is near its end, for sums that forget the carry.
#define CHECK_ADDRESS(slot) (((uint64_t) (slot) + 1) << 44 | 0xffffe000u)

// Components from the lowest on, each in the low bits; of a pointer the variable and the offset, or
// none and the address.
struct check_value {
    uint64_t c[CHECK_COMPONENTS_MAX];
};

struct check_type {
    uint16_t op; // 0: no type
    uint32_t bits;
    uint32_t count;   // components, members or elements
    uint32_t element; // type of components, of elements, or that is pointed to
    uint32_t stride;
    uint32_t size_bytes;
    uint32_t storage_class;
    uint32_t members[CHECK_MEMBERS_MAX];
    uint32_t offsets[CHECK_MEMBERS_MAX];
};

struct check_variable {
    uint32_t storage_class; // enum SpvStorageClass_
    uint32_t type;          // that it holds
    uint32_t set, binding, built_in;
    uint32_t at; // place in what an invocation, or a group, has for itself
    uint32_t size_bytes;
    bool is_variable;
};

struct check_inst {
    uint16_t op;
    uint16_t count;  // operands
    uint8_t n, bits; // of the result: components, and the bits of each
    uint32_t type, result;
    const uint32_t *operands;
    uint32_t word; // place in the module
};

struct check_shader {
    uint32_t *words;
    size_t word_count;
    uint32_t bound;
    struct check_type *types;         // by id
    struct check_variable *variables; // by id
    uint32_t *type_of;                // by id of a value
    struct check_value *constants;    // by id
    uint32_t *code_of;                // by id of a label or function: its first instruction
    struct check_inst *code;
    size_t code_count;
    uint32_t main_code;
    uint32_t own_bytes, shared_bytes;
    uint32_t workgroup_size;
    bool has_barriers;
    uint32_t without; // the word of a check that is left out; 0: none
};

struct check_buffer {
    uint8_t *bytes;
    uint64_t size_bytes;
};

// What invocations of a dispatch share.
struct check_run {
    const struct check_shader *shader;
    struct check_buffer memories[WJ_GPU_MEMORIES_MAX]; // by set
    struct check_buffer trap;                          // binding 1 of set 0
    struct wj_gpu_push push;
    uint32_t groups[3]; // how many
    uint32_t group[3];  // that is run
    uint8_t *shared;
};

struct check_invocation {
    const struct check_run *run;
    struct check_value *values; // by id
    uint8_t *own;               // private and function variables
    uint32_t local;             // its number in the group
    uint32_t pc;
    uint32_t depth;
    uint32_t returns[CHECK_CALLS_MAX]; // instructions that called
    bool is_done;
};

// Decodes the words, of which it keeps a copy. The process ends where it cannot.
struct check_shader *check_shader_new(const struct wj_gpu_code *code, uint32_t workgroup_size);
void check_shader_free(struct check_shader *shader);

// Runs a workgroup.
void check_run_group(struct check_run *run);

// ops.c: an instruction that computes. False: it is none of those.
bool check_compute(struct check_invocation *in, const struct check_inst *inst);
// memory.c: an instruction that reaches memory.
bool check_access(struct check_invocation *in, const struct check_inst *inst);

// Says what is wrong, and ends the process with CHECK_STATUS.
#define CHECK_STATUS 99
_Noreturn void check_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline uint64_t check_mask(unsigned bits)
{
    return bits >= 64 ? UINT64_MAX : ((uint64_t) 1 << bits) - 1;
}

#endif
