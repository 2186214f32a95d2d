// The translator's state, shared by its files: values, labels, facts, the functions of a kernel.
//
// A function is translated again and again until its facts hold: what one pass learns (labels that
// are branched to, alignment of locals) the next one uses. Two or three passes are usual.
#ifndef SPIRV_TRANSLATE_H
#define SPIRV_TRANSLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/trap.h"
#include "runtime/vm/gpu.h"
#include "runtime/vm/kernel_table.h"
#include "spirv/builder.h"
#include "wasm/module.h"
#include "wasm/op.h"

struct wj_spv_translator;

// How a value is held. The first of each width is the one that variables have.
enum wj_spv_repr {
    REPR_BOOL, // an i32 that is 0 or 1
    REPR_U32,  // i32, bits of f32
    REPR_F32,
    REPR_U64, // i64, bits of f64
    REPR_F64,
    REPR_U32X4, // v128
    REPR_F32X4,
    REPR_U64X2,
    REPR_F64X2,
    REPR_COUNT,
};

// A value on the operand stack or in a local. Alignment: it is a sum of multiples of
// 2^align_log2 and of the values that the bits of `roots` number.
struct wj_spv_value {
    uint32_t id;
    uint8_t repr; // enum wj_spv_repr
    uint8_t align_log2;
    bool is_const;
    bool is_dynamic; // as a float: nothing that a driver's compiler can compute
    uint64_t bits;   // when is_const
    uint64_t roots;
};

enum { ALIGN_LOG2_MAX = 4, ROOTS_MAX = 64 };

// Addresses of memory are words, of 64 bits too: it has so many bytes at most.
#define WJ_SPV_BYTES_MAX (UINT64_C(1) << 32)

// What is known of a function from the passes before.
enum wj_spv_flag {
    FLAG_BRANCHED = 1, // a label: some branch goes to it
    FLAG_EFFECTS = 2,  // a loop: it stores, or calls what stores
    FLAG_ROOT = 4,     // an operation: its result is the root that roots_at[] says
    FLAG_ENDLESS = 8,  // a loop: nothing in it leaves it
};

struct wj_spv_alignment {
    uint64_t roots;
    uint8_t align_log2;
};

// What locals hold anywhere inside of a loop: what they held when it was entered, and all that is
// assigned to them in it.
struct wj_spv_region {
    struct wj_spv_region *outer;
    struct wj_spv_alignment locals[];
};

struct wj_spv_facts {
    uint8_t *flags;    // [code bytes], by offset from the function's code
    uint8_t *roots_at; // [code bytes]
    uint64_t *extents; // [code bytes]; an access: the end of what its check covers;
                       // a loop: tail ends in the low half, loops inside in the high one
    struct wj_spv_alignment *locals; // [locals], anywhere in the function
    struct wj_spv_region **regions;  // [code bytes], of loops
    uint32_t region_cells;           // locals of all regions
    uint8_t root_aligns[ROOTS_MAX];  // log2 of the alignment that a root has at least
    uint8_t root_needs[ROOTS_MAX];   // log2 of the alignment that accesses rely on
    uint64_t revoked;                // roots that may be made after a store: not relied on
    uint32_t root_count;
    bool has_changed;
    bool gives_up; // too many passes: no more assumptions about alignment
};

enum wj_spv_label_kind { LABEL_FUNCTION, LABEL_BLOCK, LABEL_LOOP, LABEL_IF, LABEL_ELSE };

// A branch that leaves a construct for a label beyond the next one.
struct wj_spv_exit {
    struct wj_spv_exit *next;
    uint32_t label; // index in the label stack
};

struct wj_spv_label {
    uint8_t kind;      // enum wj_spv_label_kind
    bool is_breakable; // its merge block can be branched to
    bool is_exit_used; // a loop: its merge block stands for the end of a block around it
    bool is_dead_else; // an if whose arm ended without falling through
    uint32_t at;       // of the operation, from the function's code
    uint32_t merge;
    uint32_t target; // a loop's continue target
    uint32_t header;
    uint32_t else_label;
    uint32_t if_merge;
    uint32_t height; // of the operand stack, without the parameters
    uint32_t loops_before;
    uint32_t loads_before;
    uint8_t *assigned; // a loop's, where the device loses values: of locals
    bool is_left;      // a loop: something branches to its merge block
    uint32_t checked_count;
    uint32_t tail; // ends that follow right behind the loop's
    bool had_effects;
    bool has_region; // a loop's
    struct wj_block_type block;
    const uint32_t *result_vars;
    const uint32_t *param_vars;
    const struct wj_spv_value *params; // an if's, for its else
    struct wj_spv_exit *exits;
};

// An address that was checked: [base, base + end) lies in memory, or the item has stopped.
struct wj_spv_checked {
    uint32_t slot; // of the memory
    uint32_t base; // as the function has it, in 32 bits or 64
    uint32_t safe; // the clamped base
    uint64_t end;
    uint32_t leader; // offset of the access that made the check
};

// The bounds for accesses that end `end` bytes behind their base.
struct wj_spv_limit {
    uint32_t slot;
    uint64_t end;
    uint32_t limit;    // the highest base
    uint32_t is_never; // a bool: memory is smaller than `end`; 0: it cannot be
};

enum wj_spv_mode {
    // Nothing is assumed: any alignment works, an access outside stops the item.
    MODE_GENERAL,
    // Until the first store, accesses outside and unaligned roots only make the item start again in
    // the general version: no check in there says where or why.
    MODE_FAST,
};

// A driver takes half a second for 40 blocks in each other or as many branches out of one, and
// minutes for 400; and nobody can stop it. It puts functions where they are called, as often as
// they are: so do their branches count.
enum { WJ_SPV_LABELS_MAX = 64, WJ_SPV_BRANCHES_MAX = 96 };

struct wj_spv_callee {
    uint32_t func; // index in wj_spv_translator.funcs
    bool is_indirect;
    uint32_t sites; // that call it
};

struct wj_spv_func {
    uint32_t index;
    uint32_t id;
    uint32_t type;
    bool has_loops;
    uint8_t visit; // of the search for recursion
    uint32_t callee_count;
    uint32_t callee_capacity;
    struct wj_spv_callee *callees;
    uint32_t call_at;      // byte offset of the first call to it
    uint64_t branch_count; // conditional ones; in the end with those of all that it calls
};

enum { WJ_SPV_ATOMICS = 9 }; // operations of atomic.c

// A view of linear memory: see view.c.
enum wj_spv_view_kind {
    VIEW_WORDS,
    VIEW_VECTORS, // of four words
    VIEW_BYTES,   // where the device can
    VIEW_PAIRS,   // of 64 bits, where atomic operations need them
    WJ_SPV_VIEWS,
};

struct wj_spv_view_type {
    uint32_t block; // 0: not made yet
    uint32_t block_pointer;
    uint32_t pointer; // to an element
};

// What reaches the memory that the kernel uses as number `slot`. Functions are made at the end when
// they were called.
struct wj_spv_memory {
    uint32_t index; // of the module
    bool is_64;     // addresses of 64 bits: below 4 GiB or outside
    bool is_far;    // no buffer that is bound, but an address
    uint64_t bytes_min;
    uint32_t variables[WJ_SPV_VIEWS]; // where it is bound; 0: none of this kind
    uint32_t bytes_low, bytes_high;   // its size, in the function that is made; 0: not there yet
    uint32_t store_byte, store_word;
    uint32_t fill, copies[WJ_GPU_MEMORIES_MAX]; // from that slot
    uint32_t atomics[WJ_SPV_ATOMICS][4];
};

// Members of the push constants: the size's low word and high one, the address's.
enum { WJ_SPV_PUSH_BYTES = 6, WJ_SPV_PUSH_ADDRESS = 11, WJ_SPV_PUSH_MORE = 14 };

// Where a word lies: see window.c.
enum wj_spv_place { PLACE_PRIVATE, PLACE_SHARED, PLACE_MEMORY };

struct wj_spv_where {
    enum wj_spv_place place;
    uint32_t pointer;
    uint32_t index; // in its place, in words
};

// What is done to a word, in a block for each place that it may lie in.
struct wj_spv_work {
    void (*emit)(struct wj_spv_translator *t, const struct wj_spv_work *work,
                 const struct wj_spv_where *where);
    uint32_t value;
    uint32_t mask;
    uint32_t address, byte; // of a byte, beside the bits of its word
    uint32_t result;        // a variable
};

// Addresses that are variables of the shader: see window.c. Private: the stack, then `own`.
struct wj_spv_window {
    uint32_t stack_bytes;
    uint32_t private_words, shared_words;
    uint32_t private_array, shared_array;
    uint32_t stack_pointer; // a private variable
    uint32_t load, store;   // functions
};

// f32 operations by integers.
enum wj_spv_soft {
    SOFT_ADD,
    SOFT_SUB,
    SOFT_MUL,
    SOFT_DIV,
    SOFT_SQRT,
    SOFT_CEIL,
    SOFT_FLOOR,
    SOFT_TRUNC,
    SOFT_NEAREST,
    SOFT_COUNT,
};

struct wj_spv_translator {
    struct wj_spv_builder b;
    struct wj_arena arena;      // of the whole translation
    struct wj_arena pass_arena; // of one pass
    const struct wj_module *module;
    const struct wj_gpu_caps *caps;
    struct wj_err *reason;
    struct wj_arena *kept; // of all tries
    uint32_t kernel_index;
    bool is_64;           // pointers, which are addresses of memory 0
    uint32_t offset_base; // byte offset that the ones in `stop` count from
    bool has_loops;
    bool has_memory;
    bool is_group;   // a kernel of groups
    bool uses_pairs; // i64 is a vector of two words
    bool has_atomics;
    uint32_t loop_total; // in all versions of all functions

    // Types and module variables.
    uint32_t types[REPR_COUNT];
    uint32_t bool_types[REPR_COUNT];                     // what comparing gives
    uint32_t elements[WJ_SPV_VIEWS];                     // types; 0: no such view
    struct wj_spv_view_type view_types[2][WJ_SPV_VIEWS]; // of bound memories, of far ones
    struct wj_spv_memory memories[WJ_GPU_MEMORIES_MAX];  // by slot; memory 0 has the first
    uint32_t memory_count;
    struct wj_spv_memory *m; // that an access is made to
    uint32_t far_memories;   // a bit for each of the module that is reached by its address
    uint32_t trap_record, push, push_pointer;
    uint32_t stop, stop_address, fuel; // private variables
    struct wj_spv_window window;
    // Functions, made at the end when they were called.
    uint32_t divide_pairs, soft[SOFT_COUNT];

    // Calls through tables: what was found out before, and the table that was read last.
    const struct wj_spv_barred *barred;
    struct wj_gpu_left *left; // of which entry is asked why it is barred; or NULL
    bool weeds_out;           // what scans find to be nothing for a device is barred from the start
    uint8_t *scanned;         // [functions], of all tries: SCANNED_FOR or _AGAINST; NULL: none yet
    struct wj_kernel_table table;
    uint32_t table_index;
    bool has_indirect;
    bool leaves_to_host;

    // The functions of the kernel.
    struct wj_spv_func *funcs;
    uint32_t func_count, func_capacity;

    // The function being translated.
    enum wj_spv_mode mode;
    struct wj_spv_func *current;
    const struct wj_func *func;
    struct wj_spv_facts *facts;
    bool has_effects;        // a store may have run before here
    uint32_t early_accesses; // made while none had
    uint32_t loop_count;
    uint32_t branch_count; // conditional ones
    uint32_t window_count; // accesses that may go to the item's own memory: branches, too
    uint32_t load_count;   // and calls
    uint32_t brk;          // variable: label index + 1 of a branch under way
    bool uses_brk;
    uint32_t local_count;
    const wj_valtype *local_types;
    uint32_t *local_vars;
    struct wj_spv_value *local_cache;
    uint32_t *local_epochs;
    uint32_t epoch;               // a cached local holds while this stays
    struct wj_spv_region *region; // of the innermost loop that has one
    uint32_t zero;                // 0, but no compiler knows it
    uint32_t never;               // false, the same
    uint32_t opaque_count;
    struct wj_spv_value *stack;
    uint32_t stack_count, stack_capacity;
    struct wj_spv_label *labels;
    uint32_t label_count, label_capacity;
    struct wj_spv_checked *checked;
    uint32_t checked_count, checked_capacity;
    struct wj_spv_limit *limits;
    uint32_t limit_count, limit_capacity;
    bool has_failed; // memory, or a limit of the translator
};

// translate.c
bool wj_spv_refuse(struct wj_spv_translator *t, const struct wj_op *op, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));
uint32_t wj_spv_offset(const struct wj_spv_translator *t, const struct wj_op *op);
void wj_spv_push(struct wj_spv_translator *t, struct wj_spv_value value);
struct wj_spv_value wj_spv_pop(struct wj_spv_translator *t);
struct wj_spv_value wj_spv_value(uint32_t id, enum wj_spv_repr repr);
// The low word of an i64. *is_beyond: a bool, whether there is something in the other one.
uint32_t wj_spv_narrow(struct wj_spv_translator *t, uint32_t id, uint32_t *is_beyond);
// The low word of an i32 or i64.
uint32_t wj_spv_low(struct wj_spv_translator *t, struct wj_spv_value value);
struct wj_spv_value wj_spv_value_u32(struct wj_spv_translator *t, uint32_t bits);
enum wj_spv_repr wj_spv_repr_of(wj_valtype type);
bool wj_spv_check_type(struct wj_spv_translator *t, const struct wj_op *op, wj_valtype type);
// A zero of the form, of which the driver's compiler does not know that it is one: some take any
// product with a constant 0 for 0, whatever the sign, and divide by a constant 0 as they like.
uint32_t wj_spv_zero(struct wj_spv_translator *t, enum wj_spv_repr repr);
// Makes t->zero and t->never for the function that is being built.
void wj_spv_make_zero(struct wj_spv_translator *t);
uint32_t wj_spv_const_i64(struct wj_spv_translator *t, uint64_t bits);
// The same value, but no constant to the driver.
uint32_t wj_spv_opaque(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t id);
// The value in another form: the same bits, or the same number for REPR_BOOL.
uint32_t wj_spv_as(struct wj_spv_translator *t, struct wj_spv_value value, enum wj_spv_repr repr);
void *wj_spv_grow(struct wj_spv_translator *t, void *items, uint32_t *capacity, uint32_t count,
                  size_t item_bytes);
bool wj_spv_translate_func(struct wj_spv_translator *t, struct wj_spv_func *func, uint32_t id,
                           enum wj_spv_mode mode, bool *is_useful);
struct wj_spv_func *wj_spv_find_func(struct wj_spv_translator *t, uint32_t index, uint32_t call_at);
bool wj_spv_op(struct wj_spv_translator *t, const struct wj_op *op);
// The id of a function that the current one calls, 0 when memory ran out.
uint32_t wj_spv_note_callee(struct wj_spv_translator *t, const struct wj_op *op,
                            uint32_t func_index, bool is_indirect);
uint32_t wj_spv_result_type(struct wj_spv_translator *t, const struct wj_functype *type);

// control.c
bool wj_spv_control(struct wj_spv_translator *t, const struct wj_op *op);
void wj_spv_control_begin(struct wj_spv_translator *t);
void wj_spv_open(struct wj_spv_translator *t, uint32_t label, bool keeps_locals);
// Records a trap where `condition` (a bool) holds; the item goes on without effects.
void wj_spv_trap_if(struct wj_spv_translator *t, const struct wj_op *op, uint32_t condition,
                    enum wj_trap_kind kind);
void wj_spv_restart_if(struct wj_spv_translator *t, uint32_t condition);
void wj_spv_effect(struct wj_spv_translator *t);
// Leaves the function with what is on the stack.
void wj_spv_return(struct wj_spv_translator *t);
// A local is assigned.
void wj_spv_note_local(struct wj_spv_translator *t, uint32_t local);

// align.c
struct wj_spv_alignment wj_spv_align_join(struct wj_spv_alignment a, struct wj_spv_alignment b);
// A result that may be relied on to be aligned once it was tested: gives it a root.
void wj_spv_align_root(struct wj_spv_translator *t, const struct wj_op *op,
                       struct wj_spv_value *value);
void wj_spv_align_param(struct wj_spv_translator *t, unsigned param, struct wj_spv_value *value);
void wj_spv_align_binary(struct wj_spv_translator *t, const struct wj_op *op,
                         const struct wj_spv_value *a, const struct wj_spv_value *b,
                         struct wj_spv_value *result);
void wj_spv_align_local(struct wj_spv_translator *t, uint32_t local,
                        const struct wj_spv_value *value);
// What is known of a local that is not cached.
struct wj_spv_alignment wj_spv_align_of_local(const struct wj_spv_translator *t, uint32_t local);
// A loop begins, before the block that its branches go back to; false: it is not told apart.
bool wj_spv_align_enter(struct wj_spv_translator *t, uint32_t at);
// How aligned the value is without any test.
unsigned wj_spv_align_known(const struct wj_spv_translator *t, const struct wj_spv_value *value);
// How aligned the value is, at most `wanted_log2`; the roots' tests are asked for.
unsigned wj_spv_align_use(struct wj_spv_translator *t, const struct wj_spv_value *value,
                          unsigned wanted_log2);

// numeric.c: operations on ids of any component count.
bool wj_spv_numeric(struct wj_spv_translator *t, const struct wj_op *op);
uint32_t wj_spv_int(struct wj_spv_translator *t, enum wj_spv_repr repr, uint64_t value);
uint32_t wj_spv_icompare(struct wj_spv_translator *t, enum wj_spv_repr repr, enum wj_icmp cmp,
                         uint32_t a, uint32_t b);
uint32_t wj_spv_fcompare(struct wj_spv_translator *t, enum wj_spv_repr repr, enum wj_fcmp cmp,
                         struct wj_spv_value a, struct wj_spv_value b);
uint32_t wj_spv_select(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t condition,
                       uint32_t yes, uint32_t no);
uint32_t wj_spv_exact(struct wj_spv_translator *t, SpvOp op, enum wj_spv_repr repr, uint32_t a,
                      uint32_t b);
bool wj_spv_funary(struct wj_spv_translator *t, const struct wj_op *op, enum wj_spv_repr repr,
                   enum wj_funop sub, struct wj_spv_value a, struct wj_spv_value *result);
// A result of float arithmetic, lanes too, whose NaNs are canonical where they must be.
uint32_t wj_spv_arithmetic(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t id);
bool wj_spv_fbinary(struct wj_spv_translator *t, const struct wj_op *op, enum wj_spv_repr repr,
                    enum wj_fbinop sub, struct wj_spv_value a, struct wj_spv_value b,
                    struct wj_spv_value *result);
uint32_t wj_spv_extend(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t a,
                       unsigned bits);
uint32_t wj_spv_popcnt(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t a);
uint32_t wj_spv_clz32(struct wj_spv_translator *t, uint32_t a);

// convert.c
bool wj_spv_convert(struct wj_spv_translator *t, const struct wj_op *op);
uint32_t wj_spv_trunc_sat(struct wj_spv_translator *t, enum wj_spv_repr from, enum wj_spv_repr to,
                          bool is_signed, uint32_t a);
uint32_t wj_spv_from_u32(struct wj_spv_translator *t, enum wj_spv_repr to, uint32_t a);

// view.c
// Chooses the memory that accesses are made to from now on. False: it cannot be reached.
bool wj_spv_use_memory(struct wj_spv_translator *t, const struct wj_op *op, uint32_t index);
static inline uint32_t wj_spv_slot(const struct wj_spv_translator *t)
{
    return (uint32_t) (t->m - t->memories);
}
// At the end: declares the views of all memories.
void wj_spv_view_finish(struct wj_spv_translator *t);
// Of all views.
void wj_spv_view_decorate(struct wj_spv_translator *t, SpvDecoration decoration);
uint32_t wj_spv_view_pointer(struct wj_spv_translator *t, enum wj_spv_view_kind kind,
                             uint32_t index);
// Plain accesses through such a pointer.
uint32_t wj_spv_view_read(struct wj_spv_translator *t, enum wj_spv_view_kind kind, uint32_t type,
                          uint32_t pointer);
void wj_spv_view_write(struct wj_spv_translator *t, enum wj_spv_view_kind kind, uint32_t pointer,
                       uint32_t value);

// memory.c
bool wj_spv_memory(struct wj_spv_translator *t, const struct wj_op *op);
// Pops an address and checks the access. What lies outside has stopped the item, and the address
// is another one, in bounds.
bool wj_spv_open_access(struct wj_spv_translator *t, const struct wj_op *op, uint32_t size,
                        uint32_t *address);
// Makes the functions that stores called.
void wj_spv_memory_helpers(struct wj_spv_translator *t);

// Stores a byte through the view of bytes.
void wj_spv_store_byte_view(struct wj_spv_translator *t, uint32_t address, uint32_t byte);

// In functions made at the end: words by their address; of stores it is a multiple of 4.
uint32_t wj_spv_load_word_at(struct wj_spv_translator *t, uint32_t address);
void wj_spv_store_word_at(struct wj_spv_translator *t, uint32_t address, uint32_t word);
void wj_spv_store_byte_at(struct wj_spv_translator *t, uint32_t address, uint32_t byte);

// bulk.c
bool wj_spv_bulk(struct wj_spv_translator *t, const struct wj_op *op);
// Makes the functions that were called.
void wj_spv_bulk_helpers(struct wj_spv_translator *t);

// atomic.c
bool wj_spv_atomic(struct wj_spv_translator *t, const struct wj_op *op);
// Makes the functions that were called.
void wj_spv_atomic_helpers(struct wj_spv_translator *t);

// window.c
bool wj_spv_window_plan(struct wj_spv_translator *t, const struct wj_gpu_shape *shape);
void wj_spv_window_declare(struct wj_spv_translator *t);
bool wj_spv_has_window(const struct wj_spv_translator *t);
// The first address of the window.
uint32_t wj_spv_window_base(struct wj_spv_translator *t);
// global.get or global.set of the shadow stack's pointer.
bool wj_spv_window_global(struct wj_spv_translator *t, const struct wj_op *op);
// Words, by their index in memory; the caller has checked that it lies in there.
uint32_t wj_spv_window_load(struct wj_spv_translator *t, uint32_t index);
void wj_spv_window_store(struct wj_spv_translator *t, uint32_t index, uint32_t value);
void wj_spv_window_store_byte(struct wj_spv_translator *t, uint32_t address, uint32_t byte);
// Finds the place of the word and has the work done there.
void wj_spv_at_place(struct wj_spv_translator *t, const struct wj_spv_work *work, uint32_t index);
// A pointer to a word of the item's own part.
uint32_t wj_spv_private_word(struct wj_spv_translator *t, uint32_t index);
// Makes the functions that were called.
void wj_spv_window_helpers(struct wj_spv_translator *t);

// soft.c: on bits, of one f32 or of four. Operations of one operand ignore b.
uint32_t wj_spv_soft(struct wj_spv_translator *t, enum wj_spv_repr bits, enum wj_spv_soft what,
                     uint32_t a, uint32_t b);
// Makes the functions that were called.
void wj_spv_soft_helpers(struct wj_spv_translator *t);

// pair.c: i64 as two words, the low one first.
void wj_spv_split64(struct wj_spv_translator *t, uint32_t a, uint32_t words[2]);
uint32_t wj_spv_join64(struct wj_spv_translator *t, const uint32_t words[2]);
void wj_spv_multiply_wide(struct wj_spv_translator *t, uint32_t a, uint32_t b, bool is_signed,
                          uint32_t words[2]);
// Between i32 and i64.
uint32_t wj_spv_resize(struct wj_spv_translator *t, enum wj_spv_repr to, uint32_t a,
                       bool is_signed);
// What the instruction does to 64-bit integers, done to pairs.
uint32_t wj_spv_pair_op(struct wj_spv_translator *t, SpvOp op, uint32_t a, uint32_t b);
uint32_t wj_spv_pair_test(struct wj_spv_translator *t, SpvOp op, uint32_t a, uint32_t b);
uint32_t wj_spv_pair_to_f32(struct wj_spv_translator *t, uint32_t a, bool is_signed);
uint32_t wj_spv_pair_from_f32(struct wj_spv_translator *t, uint32_t bits, bool is_signed);
bool wj_spv_wide(struct wj_spv_translator *t, const struct wj_op *op);
// Makes the functions that were called.
void wj_spv_pair_helpers(struct wj_spv_translator *t);

// vector.c, lanes.c, lanes_wide.c
bool wj_spv_vector(struct wj_spv_translator *t, const struct wj_op *op);
bool wj_spv_lanes_unary(struct wj_spv_translator *t, const struct wj_op *op);
bool wj_spv_lanes_binary(struct wj_spv_translator *t, const struct wj_op *op);
bool wj_spv_lanes_shift(struct wj_spv_translator *t, const struct wj_op *op);
// False: the operation is none of these.
bool wj_spv_wide_unary(struct wj_spv_translator *t, const struct wj_op *op, bool *is_good);
bool wj_spv_wide_binary(struct wj_spv_translator *t, const struct wj_op *op);
void wj_spv_relaxed_dot_add(struct wj_spv_translator *t);

static inline enum wj_spv_repr wj_spv_float_of(enum wj_spv_repr bits)
{
    return (enum wj_spv_repr)(bits + 1);
}

static inline enum wj_spv_repr wj_spv_bits_of(enum wj_spv_repr real)
{
    return (enum wj_spv_repr)(real - 1);
}

static inline unsigned wj_spv_width(enum wj_spv_repr repr)
{
    return repr == REPR_U64 || repr == REPR_F64 || repr == REPR_U64X2 || repr == REPR_F64X2 ? 64
                                                                                            : 32;
}

static inline unsigned wj_spv_components(enum wj_spv_repr repr)
{
    return repr < REPR_U32X4 ? 1 : repr < REPR_U64X2 ? 4 : 2;
}

#endif
