// The state of a walk through a function body and its slow paths. Included by walk.h alone.
#ifndef WASM_WALK_STATE_H
#define WASM_WALK_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/leb128.h"
#include "wasm/op.h"
#include "wasm/opcode.h"

#define WJ_WALK_INLINE static inline __attribute__((always_inline))
#define WJ_WALK_COLD __attribute__((cold, noinline))
#define wj_likely(x) __builtin_expect((x) ? 1 : 0, 1)
#define wj_unlikely(x) __builtin_expect((x) ? 1 : 0, 0)

// Lies under the operands of every block, so that one compare finds both a wrong type and an empty
// stack. No value type looks like it.
#define WJ_WALK_FLOOR 0xffffffffu

// Floors below the first one: as many as the most operands of a row, which are read at once.
#define WJ_WALK_SLACK 4u

// Opcodes that the walk looks ahead for, as opcodes.def has them (tests/unit/wasm/test_opcodes.c).
#define WJ_WALK_CODE_LOCAL_GET 0x20
#define WJ_WALK_CODE_I32_CONST 0x41

struct wj_walk_frame {
    struct wj_block_type block;
    uint32_t floor;      // index of its WJ_WALK_FLOOR in the type stack
    uint32_t init_mark;  // locals that were set before it
    uint32_t weight;     // of code around it; 0 when it was entered dead
    uint32_t br_table;   // the last br_table that was checked against its label
    uint8_t control;     // CONTROL_BLOCK, _LOOP, _IF, _ELSE; the body itself is a block
    bool is_unreachable; // the stack is polymorphic
    bool is_live;        // when entered
    bool is_branched;
};

// What the byte behind the opcode of a plain operation is (walk_plain.h).
enum wj_walk_plain_kind {
    PLAIN_OTHER,  // nothing that matters, or no part of it
    PLAIN_LOCAL,  // an index
    PLAIN_LABEL,  // an index
    PLAIN_ACCESS, // an alignment, at most 2^0; the next three kinds: at most 2^1, 2^2, 2^3
    PLAIN_KINDS = PLAIN_ACCESS + 4,
};

// What such an index leads to.
struct wj_walk_slot {
    uint32_t weight; // of its uses, saturating; begins with 1 for labels
    wj_valtype type; // of a local; of a label 0, or WJ_WALK_FLOOR where it takes values
};

// What plain operations depend on besides the stack, by their kind.
struct wj_walk_plain {
    const uint8_t *stop; // none from here on
    int32_t first_max[PLAIN_KINDS];
    struct wj_walk_slot *slots[PLAIN_KINDS];
    struct wj_walk_slot other; // of operations without an index, which comes before slots[kind]
};

// Buffers of a walk, for one thread; reused from function to function.
struct wj_walk_scratch {
    struct wj_bulk *bulk; // or NULL
    wj_valtype *stack;
    size_t stack_capacity;
    struct wj_walk_frame *frames;
    uint32_t frame_capacity;
    struct wj_walk_slot *labels; // [frame_capacity], the body's is the last
    struct wj_walk_slot *slots;  // of locals
    wj_valtype *locals; // twice the capacity: declared types, then those that local.get may read
    uint32_t *inits;
    uint32_t local_capacity;
    struct wj_arena arena; // block types made for one function
};

// Memory comes from `bulk`, or NULL.
void wj_walk_scratch_init_in(struct wj_walk_scratch *scratch, struct wj_bulk *bulk);
void wj_walk_scratch_init(struct wj_walk_scratch *scratch);
void wj_walk_scratch_clear(struct wj_walk_scratch *scratch);

struct wj_walk_request {
    const struct wj_module *module;
    uint32_t func_index; // of a function that the module defines
    struct wj_walk_scratch *scratch;
    struct wj_census *census; // checking form: filled in. Trusting form: NULL
};

// What handlers and slow paths share. Slow paths take the cursor and the stack pointer by value, so
// that the walk keeps them in registers.
struct wj_walk {
    const struct wj_module *module;
    const struct wj_func *func;
    struct wj_walk_scratch *scratch;
    struct wj_err *err;
    void *context; // of the sink
    const uint8_t *limit;
    const wj_valtype *local_types;
    wj_valtype *locals; // as local_types; WJ_TYPE_BOTTOM where a local must not be read yet
    uint32_t local_count;
    wj_valtype address_type; // of memory 0; WJ_TYPE_BOTTOM without one
    struct wj_walk_frame *frames;
    uint32_t depth;  // of the innermost frame
    uint32_t weight; // of the code walked: 8 per loop; 0 when it is dead
    uint32_t init_count;
    uint32_t br_table_count;
    wj_valtype *stack_high; // the deepest stack so far, were only its current floors in it
    struct wj_local_census *census_locals;
    struct wj_walk_plain plain;
    struct wj_census census;
    struct wj_op op;
};

// The part that stays in registers: nothing may take its address but inlined functions.
struct wj_walk_hot {
    const struct wj_sink *sink;
    void *context;
    const uint8_t *at; // the current opcode
    const uint8_t *p;  // the next byte
    wj_valtype *sp;    // the next free slot
    const uint8_t *limit;
    bool is_checking;
    bool is_live;
};

// A row of opcodes.def, all constants.
struct wj_walk_row {
    enum wj_opcode opcode;
    enum wj_imm imm;
    uint32_t pops;
    uint32_t results;
    enum wj_family family;
    unsigned sub;
    unsigned type;
    unsigned width_log2;
    uint32_t feature;
};

// The row of an opcode behind a prefix byte (0xfc, 0xfd, 0xfe), or of a plain one (0,
// walk_plain.h); NULL: there is none.
const struct wj_walk_row *wj_walk_prefix_row(uint8_t prefix, uint32_t code);

// The block types of a single number or v128: &wj_walk_single_types[WJ_TYPE_I32].
extern const wj_valtype wj_walk_single_types[WJ_TYPE_V128 + 1];

// Prepares *w. On success *code is the first instruction.
bool wj_walk_prepare(struct wj_walk *w, const struct wj_walk_request *request, struct wj_err *err,
                     bool is_checking, const uint8_t **code);
// Completes w->census.
void wj_walk_end_census(struct wj_walk *w);

// Slow paths. A pointer that is NULL means that the error is recorded.
struct wj_leb wj_walk_u32_slow(struct wj_walk *w, const uint8_t *p) __attribute__((noinline));
struct wj_leb wj_walk_s_slow(struct wj_walk *w, const uint8_t *p, unsigned bits)
    __attribute__((noinline));

// Fills w->op.memarg and checks it against the row; next is after it, value the address type.
struct wj_leb wj_walk_memarg_slow(struct wj_walk *w, const uint8_t *at, const uint8_t *p,
                                  unsigned width_log2, bool is_atomic) __attribute__((noinline));

// Fills w->op.block; both forms.
const uint8_t *wj_walk_block_type_slow(struct wj_walk *w, const uint8_t *p) WJ_WALK_COLD;
const uint8_t *wj_walk_heap_type(struct wj_walk *w, const uint8_t *p) WJ_WALK_COLD;   // op.bits
const uint8_t *wj_walk_select_type(struct wj_walk *w, const uint8_t *p) WJ_WALK_COLD; // op.valtype
const uint8_t *wj_walk_br_table(struct wj_walk *w, const uint8_t *at, const uint8_t *p,
                                wj_valtype *sp, bool is_live) __attribute__((noinline));

// Pops a signature without ADDR, a list, one type, any type, any reference.
wj_valtype *wj_walk_pop_sig(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                            uint32_t sig) WJ_WALK_COLD;
wj_valtype *wj_walk_pop_list_slow(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                                  const wj_valtype *types, uint32_t count) WJ_WALK_COLD;
wj_valtype *wj_walk_pop_slow(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                             wj_valtype type) WJ_WALK_COLD;
wj_valtype *wj_walk_pop_any(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                            wj_valtype *type) WJ_WALK_COLD;
wj_valtype *wj_walk_pop_ref(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                            wj_valtype *type) WJ_WALK_COLD;
wj_valtype *wj_walk_select_slow(struct wj_walk *w, const uint8_t *at, wj_valtype *sp) WJ_WALK_COLD;
// Pushes a list, for which the stack may have to grow.
wj_valtype *wj_walk_push_list(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                              const wj_valtype *types, uint32_t count) __attribute__((noinline));
bool wj_walk_grow_frames(struct wj_walk *w) WJ_WALK_COLD;
// The function uses memory: loads and stores from memory 0 become plain.
void wj_walk_note_memory(struct wj_walk *w) WJ_WALK_COLD;
void wj_walk_reset_inits(struct wj_walk *w, uint32_t mark) WJ_WALK_COLD;
bool wj_walk_check_tail_call(struct wj_walk *w, const uint8_t *at,
                             const struct wj_functype *callee) WJ_WALK_COLD;

// Dead code, trusting form: the `else` or `end` of the block that p is in.
enum wj_opcode wj_walk_skip_op(const uint8_t **p); // over one instruction of a validated body
const uint8_t *wj_walk_skip_dead(const uint8_t *p) __attribute__((noinline));

// Errors; all return false.
bool wj_walk_fail(struct wj_walk *w, const uint8_t *at, enum wj_err_kind kind, const char *format,
                  ...) __attribute__((format(printf, 4, 5), cold, noinline));
bool wj_walk_fail_end(struct wj_walk *w, const uint8_t *at) WJ_WALK_COLD;
bool wj_walk_fail_index(struct wj_walk *w, const uint8_t *at, const char *what,
                        uint32_t index) WJ_WALK_COLD;
bool wj_walk_fail_feature(struct wj_walk *w, const uint8_t *at, enum wj_opcode opcode) WJ_WALK_COLD;
bool wj_walk_fail_opcode(struct wj_walk *w, const uint8_t *at) WJ_WALK_COLD;
// The same for a byte that is no opcode. Not cold: compilers would take its case out of the table.
bool wj_walk_no_opcode(struct wj_walk *w, const uint8_t *at) __attribute__((noinline));
bool wj_walk_fail_height(struct wj_walk *w, const uint8_t *at, wj_valtype *sp) WJ_WALK_COLD;

#endif
