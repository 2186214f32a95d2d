// The state of a translation, shared by the files of this folder.
//
// A value that is the same for all items, or differs by a known distance from item to item, is
// computed once, as in the original. All others lie in vectors: `parts` of four 32-bit lanes each.
// The translator runs over the function again and again, noting facts (which locals differ from
// item to item, where items part), until a run finds none to add: what that run wrote is right.
#ifndef LANES_TRANSLATE_H
#define LANES_TRANSLATE_H

#include "base/arena.h"
#include "lanes/body.h"
#include "lanes/kernel.h"
#include "wasm/op.h"

enum {
    LANES_PARTS = WJ_LANES / 4, // vectors of a 32-bit value; a 64-bit one takes twice as many
    LANES_OPS_MAX = 6000,
    LANES_VARS_MAX = 1000,
    LANES_PASSES_MAX = 200,
};
#define LANES_NONE UINT32_MAX

// How a value depends on the item.
struct form {
    bool is_known; // false: no value has come this way
    bool is_varying;
    bool is_kept;   // the vectors of a variable hold what items that wait had, and all others have
    uint8_t align;  // low bits that are zero in the first item's value
    uint8_t bits;   // no item's value has more
    int32_t stride; // from item to item; 0: all have the same. When not varying
};

// KEPT is a temporary that is not the expression's own.
enum node_kind { NODE_CONST, NODE_VAR, NODE_TEMP, NODE_KEPT, NODE_OP };

// How a part of a varying operation comes from parts of its operands.
enum node_how {
    HOW_EACH,    // part by part
    HOW_SHIFT,   // by a count that all items share
    HOW_SELECT,  // operands: a, b, mask
    HOW_WIDEN,   // 64-bit lanes from the low or high half of a vector: the opcode is for the low
    HOW_MOVE_UP, // the same where no opcode takes the high half
    HOW_NARROW,  // even words of two vectors
    HOW_PAIR,    // an opcode that leaves two lanes, twice
    HOW_SAME,    // the operand's bits
};

// A value on the operand stack: an expression without effects, written out where it is consumed.
struct node {
    uint8_t kind;    // enum node_kind
    uint8_t how;     // enum node_how, of varying operations
    uint8_t num;     // enum wj_num
    bool is_mask;    // varying, i32: all ones stand for 1
    bool is_splat;   // TEMP: one vector with the value, which is the same for all, in each lane
    uint16_t opcode; // OP: of the vector operation, or the scalar one
    struct form form;
    uint32_t local;  // VAR: its index; TEMP: the first local of the body
    uint32_t origin; // TEMP: the operation that made it
    uint64_t bits;   // CONST; OP: an immediate
    const uint8_t *v128;
    struct node *args[3];
};

// A local of the function, or a result of a block.
struct var {
    uint8_t num;
    bool wants_splat; // vector operations use it where it is the same for all
    uint32_t scalar;  // local of the body, or LANES_NONE; the function's own keep their numbers
    uint32_t vector;  // the first of its parts, or LANES_NONE
};

// Of the operation that opens a block; the one behind the last operation's is the function's.
struct facts {
    bool is_divergent;     // some items may wait for others at its label or end
    bool leaks;            // some items may leave it for a label outside while others stay
    bool wants_splat;      // of a load: see struct var
    bool is_direct;        // a loop whose last operation is its only branch back
    uint32_t branch_count; // to a loop
    uint32_t else_at, end_at;
    uint32_t result_count;
    uint32_t result_var;             // the first
    uint64_t *live_end, *live_start; // what is used after it; at a loop's start or an else
    struct form *end, *start, *resume;
};

// An open block.
struct frame {
    uint8_t control; // enum wj_control
    bool is_split;   // if: items part at it
    bool was_full;   // at its start
    bool has_parked; // so far, in what was written
    uint32_t facts;  // index
    uint32_t height; // of the operand stack
    uint32_t end_level;
    uint32_t start_level;  // loop
    uint32_t resume_level; // where to go on when no item is left in this place
    uint32_t parked;       // mask of items that wait at the end; loop: at its end of body
    uint32_t other;        // if: items of the else part; loop: that left it, or that came to it
    struct form *saved;    // plain if: the forms at its start
};

struct lanes {
    const struct wj_module *module;
    const struct wj_func *func;
    const struct wj_lanes_shape *shape;
    struct wj_err *reason;
    struct wj_arena arena; // for the translation
    struct wj_arena nodes; // for one pass
    struct wj_lanes_body body;
    struct node nowhere; // where there is no memory for another
    bool has_failed;
    bool has_changed; // facts, in this pass
    uint64_t memory_bytes_min;

    struct wj_op *ops;
    uint32_t op_count, op_capacity;
    struct facts *facts;
    struct var *vars; // the function's locals, then results of blocks
    uint32_t var_count, local_count;
    uint32_t live_words;

    uint32_t at; // the operation
    struct form *forms;
    struct node **stack;
    uint32_t depth;
    struct frame *frames;
    uint32_t frame_count;
    bool is_full; // no item waits or is done: the mask is not looked at
    bool is_dead;
    uint32_t mask; // of the items that are here

    uint32_t loops;             // around the operation
    uint64_t cost, cost_single; // estimates, of all items
    uint32_t free_count[5][4];  // unused temporaries, by type and log2 of their number
    uint32_t free_temps[5][4][256];
};

// Records why items run one at a time, once. Returns false.
bool lanes_refuse(struct lanes *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---- scan.c ----
// Decodes the function into l->ops, finds the blocks' ends and what is live there.
bool lanes_scan(struct lanes *l, uint32_t func_index);

static inline bool live_has(const uint64_t *live, uint32_t var)
{
    return (live[var / 64] >> (var % 64) & 1) != 0;
}

// ---- value.c ----
static inline uint32_t parts_of(enum wj_num num)
{
    return num == NUM_V128                    ? WJ_LANES
           : num == NUM_I64 || num == NUM_F64 ? 2 * LANES_PARTS
                                              : LANES_PARTS;
}

static inline bool is_uniform(const struct node *node)
{
    return !node->form.is_varying && node->form.stride == 0;
}

static inline struct form form_varying(void)
{
    return (struct form){.is_known = true, .is_varying = true, .bits = 64};
}

static inline struct form form_uniform(void)
{
    return (struct form){.is_known = true, .bits = 64};
}

// Adds what comes from elsewhere; true when that changes it.
bool form_join(struct form *into, const struct form *from);

struct node *lanes_node(struct lanes *l, enum node_kind kind, enum wj_num num);
struct node *lanes_const_node(struct lanes *l, enum wj_num num, uint64_t bits);
struct node *lanes_var_node(struct lanes *l, uint32_t var);
void lanes_push(struct lanes *l, struct node *node);
struct node *lanes_pop(struct lanes *l);

uint32_t lanes_temp(struct lanes *l, enum wj_num num, uint32_t count);
void lanes_temp_free(struct lanes *l, enum wj_num num, uint32_t first, uint32_t count);
// The expression is done with: gives its temporaries back.
void lanes_release(struct lanes *l, struct node *node);

// Writes the first item's value, of a node that is not varying.
void lanes_emit_scalar(struct lanes *l, struct node *node);
// Writes a part of the value as a vector.
void lanes_emit_part(struct lanes *l, struct node *node, uint32_t part);
// Makes the parts of a node cheap to write, so that it may be an operand of a varying operation.
struct node *lanes_vector(struct lanes *l, struct node *node);
// Computes the value now, into temporaries.
struct node *lanes_force(struct lanes *l, struct node *node);
struct node *lanes_force_vector(struct lanes *l, struct node *node);
void lanes_force_stack(struct lanes *l);
// The same for the entries that depend on a variable which is about to change.
void lanes_force_users(struct lanes *l, uint32_t var);
// A truth value as a mask, from a node that is not uniform.
struct node *lanes_mask_of(struct lanes *l, struct node *node);
// Writes the part of a mask that goes with a part of a value of this type.
void lanes_emit_mask_part(struct lanes *l, struct node *mask, enum wj_num num, uint32_t part);
// The mask that is kept in these locals.
struct node *lanes_mask_node(struct lanes *l, uint32_t first);

// Sets a variable for the items of a mask, or of l->mask for LANES_NONE; consumes the node.
void lanes_set_var(struct lanes *l, uint32_t var, struct node *node, uint32_t mask);
// Writes the vector form of a variable that is not varying yet.
void lanes_spread_var(struct lanes *l, uint32_t var);
uint32_t lanes_var_scalar(struct lanes *l, uint32_t var);
uint32_t lanes_var_vector(struct lanes *l, uint32_t var);

// ---- numeric.c ----
void lanes_numeric(struct lanes *l, const struct wj_op *op);
void lanes_select(struct lanes *l);

// ---- memory.c ----
void lanes_load(struct lanes *l, const struct wj_op *op);
void lanes_store(struct lanes *l, const struct wj_op *op);

// ---- scalar.c ----
// An operation without a vector form, item by item; its operands are forced vectors. `is_trapping`:
// items that are not here take harmless operands.
struct node *lanes_each_item(struct lanes *l, const struct wj_op *op, struct node *a,
                             struct node *b);

// ---- control.c ----
void lanes_control(struct lanes *l, const struct wj_op *op);
void lanes_begin(struct lanes *l);
// Whether items wait somewhere for which the variable is to keep its value.
bool lanes_is_awaited(const struct lanes *l, uint32_t var);
// Writes bits of the mask, the first item's lowest.
void lanes_emit_bits(struct lanes *l);

// Cost of what is written for an operation, in operations of a vector unit, and of the original's.
void lanes_count(struct lanes *l, uint32_t cost, uint32_t cost_single);

#endif
