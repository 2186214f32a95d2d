// The compiler's state for one function: the operand stack of lazy values, the registers, and
// where every local lives. Included after a target's masm, whose verbs it is bound to.
#ifndef JIT_STATE_H
#define JIT_STATE_H

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "emit/masm.h"
#include "runtime/vm/backend.h"
#include "runtime/vm/instance.h"
#include "wasm/features.h"
#include "wasm/op.h"

// What an entry of the operand stack is. FLAGS, ADDRESS and SHIFTED are only made when the next
// operation consumes them, so they are always on top and nothing can come between.
enum value_kind {
    VALUE_LOCAL,   // the current value of a local, wherever that lives
    VALUE_REG,     // a scratch register that belongs to this entry, or a home about to be set
    VALUE_CONST,   // bits; a v128's bytes are in the module
    VALUE_SLOT,    // this entry's own slot in the frame
    VALUE_FLAGS,   // the outcome of a comparison: cond
    VALUE_ADDRESS, // a load not yet done: reg (or none) + bits, from MASM_MEMBASE
    VALUE_SHIFTED, // reg << shift, to be added
};

enum { HOMES_MAX = 32 };

// A handler that is compiled for its most frequent operations by themselves, as constants.
#define JIT_INLINE static inline __attribute__((always_inline))
#define JIT_NOINLINE static __attribute__((noinline))
// Rare operations: out of the way of the walk's frequent cases, which have to share a small cache.
#define JIT_COLD static __attribute__((cold, noinline))

struct value {
    uint8_t kind; // enum value_kind
    uint8_t num;  // enum wj_num
    wj_reg reg;
    uint8_t aux;    // FLAGS: enum wj_cond; SHIFTED: the shift; floats: enum wj_raw
    uint32_t local; // LOCAL: its index
    union {
        uint64_t bits;
        const uint8_t *v128;
    };
};
_Static_assert(sizeof(struct value) == 16, "a position is a difference of pointers, shifted");

// Begins as the stack entry that stands for it does, so that local.get copies one word.
struct local {
    uint8_t kind; // VALUE_LOCAL
    uint8_t num;
    wj_reg home; // or WJ_REG_NONE
    uint8_t raw; // --deterministic: enum wj_raw, of every value that it holds in its current life
    uint32_t index;
    uint32_t aliases; // VALUE_LOCAL entries on the operand stack
    int32_t slot; // SP offset of its place in the frame; homes that calls clobber are kept there
};
enum { LOCAL_HEAD_BYTES = 8 };
_Static_assert(offsetof(struct local, num) == offsetof(struct value, num) &&
                   offsetof(struct local, home) == offsetof(struct value, reg) &&
                   offsetof(struct local, raw) == offsetof(struct value, aux) &&
                   offsetof(struct local, index) == offsetof(struct value, local) &&
                   offsetof(struct value, bits) == LOCAL_HEAD_BYTES,
               "push_local copies the head of one into the other");

// A label of the control stack.
struct label {
    uint8_t kind; // enum wj_control: block, loop, if
    bool has_else;
    bool merges_in_reg; // one result, carried in the result register
    bool is_joined;     // if: the first arm jumps to the end
    bool has_landing;   // of the table being compiled, not yet placed
    uint32_t height;    // of the operand stack below the label's parameters
    wj_label target;
    wj_label else_target; // if
    wj_label landing;
    struct wj_block_type type;
};

// --deterministic: where a NaN becomes canonical, behind the function's code: in `reg`, or where it
// was just stored.
struct nan_path {
    wj_label from, back;
    wj_reg reg; // or WJ_REG_NONE
    uint8_t num;
    struct wj_addr stored;
};

struct jit {
    struct wj_masm m;
    const struct wj_compile_request *request;
    const struct wj_module *module;
    const struct wj_func *func;
    struct wj_arena *arena;   // for the time of this function
    bool memory0_is_explicit; // accesses check bounds; its base can move

    struct value *stack;
    uint32_t depth; // entries in use
    // Marks, true of what lies below depth_low as well; marks_update brings them up to date.
    uint32_t settled;      // entries below are constants or in their slots
    uint32_t first_reg[2]; // by class: entries below own no register of it
    uint32_t depth_low;    // the least depth since then
    struct local *locals;
    uint32_t local_count;
    struct label *labels;
    uint32_t label_depth;

    uint64_t pool;                   // registers that values may take
    uint64_t free;                   // of those, the ones that nobody holds
    uint64_t callee_used;            // homes that the prologue saves
    uint64_t caller_homes;           // homes that calls clobber
    uint64_t homes_saved;            // of those, the ones whose frame slot is up to date
    uint32_t home_locals[HOMES_MAX]; // locals whose home calls clobber
    uint32_t home_local_clobbered_count;
    uint32_t home_count;

    int32_t incoming_bytes;  // where this function's own stack arguments and results are
    uint32_t outgoing_bytes; // stack arguments and results of callees, from SP on
    uint64_t zeroed_homes;   // where locals are that begin as zero
    int32_t zeroed_base;     // of their slots, where they have no home
    uint32_t zeroed_bytes;
    int32_t spill_base;      // SP offset of the operand stack's slots
    uint32_t spill_bytes;    // a slot's size, 8 or 16
    int32_t save_base;       // of the callee's registers
    int32_t instance_slot;
    uint32_t frame_bytes;
    wj_label return_target;
    wj_label wide_return_target; // with the results in the slots of the body's label
    bool has_wide_return;
    struct nan_path *nan_paths; // in the arena
    uint32_t nan_path_count, nan_path_capacity;
    const uint8_t *raw_lives_next; // --deterministic: enum wj_raw, of lives that begin in the body
    uint32_t raw_stores; // --deterministic: of floats, since the last operation of control
    uint32_t prologue_bytes;
    bool has_tail_room;      // masm_tail_room was emitted
    bool failed;             // memory was exhausted
    const char *unsupported; // what the function uses that is not compiled
};

static inline uint64_t reg_bit(wj_reg reg)
{
    return (uint64_t) 1 << reg;
}

static inline enum wj_num num_of(wj_valtype type)
{
    switch (type) {
    case WJ_TYPE_I32: return NUM_I32;
    case WJ_TYPE_F32: return NUM_F32;
    case WJ_TYPE_F64: return NUM_F64;
    case WJ_TYPE_V128: return NUM_V128;
    default: // i64 and references
        return NUM_I64;
    }
}

static inline bool num_is_vec(enum wj_num num)
{
    return num >= NUM_F32;
}

static inline uint64_t class_mask(bool is_vec)
{
    return is_vec ? 0xffffffff00000000u : 0x00000000ffffffffu;
}

static inline struct wj_slot spill_slot(const struct jit *j, uint32_t position)
{
    return (struct wj_slot){MASM_SP, j->spill_base + (int32_t) (position * j->spill_bytes)};
}

static inline struct wj_slot local_slot(const struct jit *j, uint32_t index)
{
    return (struct wj_slot){MASM_SP, j->locals[index].slot};
}

// ---- Registers --------------------------------------------------------------------------------

static inline void reg_free(struct jit *j, wj_reg reg)
{
    j->free |= reg_bit(reg) & j->pool;
}

// Moves entry `position` from its register to its slot.
static void spill_entry(struct jit *j, uint32_t position)
{
    struct value *v = &j->stack[position];
    masm_store_slot(&j->m, (enum wj_num) v->num, v->reg, spill_slot(j, position));
    reg_free(j, v->reg);
    v->kind = VALUE_SLOT;
    v->reg = WJ_REG_NONE;
}

static bool entry_owns(const struct jit *j, const struct value *v, wj_reg reg)
{
    return (v->kind == VALUE_REG || v->kind == VALUE_ADDRESS || v->kind == VALUE_SHIFTED) &&
           v->reg == reg && (reg_bit(reg) & j->pool) != 0;
}

// Entries that were popped and pushed anew since the marks were set are not what the marks say.
static inline void marks_update(struct jit *j)
{
    uint32_t low = j->depth_low;
    j->settled = j->settled < low ? j->settled : low;
    j->first_reg[0] = j->first_reg[0] < low ? j->first_reg[0] : low;
    j->first_reg[1] = j->first_reg[1] < low ? j->first_reg[1] : low;
    j->depth_low = j->depth;
}

// Frees some register of the class by spilling the deepest entry that holds one.
static __attribute__((noinline)) void spill_one(struct jit *j, bool is_vec)
{
    marks_update(j);
    for (uint32_t i = j->first_reg[is_vec]; i < j->depth; i++) {
        struct value *v = &j->stack[i];
        if (v->kind == VALUE_REG && wj_reg_is_vec(v->reg) == is_vec &&
            (reg_bit(v->reg) & j->pool) != 0) {
            spill_entry(j, i);
            j->first_reg[is_vec] = i + 1;
            return;
        }
    }
    assert(!"an operation pins more registers than a target has");
}

JIT_INLINE wj_reg reg_alloc(struct jit *j, bool is_vec)
{
    uint64_t candidates = j->free & class_mask(is_vec);
    if (__builtin_expect(candidates == 0, 0)) {
        spill_one(j, is_vec);
        candidates = j->free & class_mask(is_vec);
    }
    wj_reg reg = (wj_reg) __builtin_ctzll(candidates);
    j->free &= ~reg_bit(reg);
    return reg;
}

// Takes one particular scratch register, moving a stack entry out of it. The caller makes sure
// that no popped operand holds it.
static void reg_claim(struct jit *j, wj_reg reg)
{
    if ((j->free & reg_bit(reg)) == 0) {
        for (uint32_t i = j->depth; i-- > 0;) {
            if (entry_owns(j, &j->stack[i], reg)) {
                spill_entry(j, i);
                break;
            }
        }
    }
    assert((j->free & reg_bit(reg)) != 0);
    j->free &= ~reg_bit(reg);
}

// ---- The operand stack ------------------------------------------------------------------------

static inline struct value *stack_push(struct jit *j, enum value_kind kind, enum wj_num num)
{
    struct value *v = &j->stack[j->depth++];
    v->kind = (uint8_t) kind;
    v->num = (uint8_t) num;
    v->reg = WJ_REG_NONE;
    v->aux = 0;
    return v;
}

static inline void push_reg(struct jit *j, enum wj_num num, wj_reg reg)
{
    stack_push(j, VALUE_REG, num)->reg = reg;
}

static inline void push_const(struct jit *j, enum wj_num num, uint64_t bits)
{
    stack_push(j, VALUE_CONST, num)->bits = bits;
}

static inline void push_local(struct jit *j, uint32_t index)
{
    struct local *local = &j->locals[index];
    memcpy(&j->stack[j->depth++], local, LOCAL_HEAD_BYTES);
    local->aliases++;
}

static inline void push_flags(struct jit *j, enum wj_cond cond)
{
    stack_push(j, VALUE_FLAGS, NUM_I32)->aux = (uint8_t) cond;
}

// Takes the top entry, which stays readable where it is until something is pushed. The register of
// a popped value stays taken until value_release.
static inline struct value *stack_pop(struct jit *j)
{
    uint32_t depth = --j->depth;
    struct value *v = &j->stack[depth];
    if (depth < j->depth_low) {
        j->depth_low = depth;
    }
    if (v->kind == VALUE_LOCAL) {
        j->locals[v->local].aliases--;
    }
    return v;
}

static inline void value_release(struct jit *j, const struct value *v)
{
    if (v->reg != WJ_REG_NONE && v->kind != VALUE_LOCAL) {
        reg_free(j, v->reg);
    }
}

static inline bool value_in_reg(const struct value *v)
{
    _Static_assert(VALUE_LOCAL == 0 && VALUE_REG == 1, "one compare finds both");
    return v->kind <= VALUE_REG && v->reg != WJ_REG_NONE;
}

static inline bool value_in_frame(const struct value *v)
{
    return v->kind == VALUE_SLOT || (v->kind == VALUE_LOCAL && v->reg == WJ_REG_NONE);
}

static inline struct wj_slot value_slot(const struct jit *j, const struct value *v)
{
    return v->kind == VALUE_SLOT ? spill_slot(j, (uint32_t) (v - j->stack))
                                 : local_slot(j, v->local);
}

static inline bool is_const(const struct value *v)
{
    return v->kind == VALUE_CONST;
}

// Puts the value into one particular register. Keeps flags.
static void value_into(struct jit *j, const struct value *v, wj_reg reg)
{
    enum wj_num num = (enum wj_num) v->num;
    switch ((enum value_kind) v->kind) {
    case VALUE_CONST:
        if (num == NUM_V128) {
            masm_mov_vimm(&j->m, reg, v->v128);
        } else if (num_is_vec(num)) {
            masm_mov_fimm(&j->m, num, reg, v->bits);
        } else {
            masm_mov_imm(&j->m, num, reg, v->bits);
        }
        return;
    case VALUE_LOCAL:
    case VALUE_REG:
    case VALUE_SLOT:
        if (v->reg == WJ_REG_NONE) {
            masm_load_slot(&j->m, num, reg, value_slot(j, v));
        } else if (v->reg != reg) {
            masm_mov(&j->m, num, reg, v->reg);
        }
        return;
    case VALUE_FLAGS: masm_setcc(&j->m, (enum wj_cond) v->aux, reg); return;
    case VALUE_ADDRESS:
        masm_load(&j->m, (enum wj_load_op) v->aux, reg,
                  (struct wj_addr){MASM_MEMBASE, v->reg, v->bits});
        return;
    case VALUE_SHIFTED: masm_ibin_imm(&j->m, IBIN_SHL, num, reg, v->reg, v->aux); return;
    }
}

// Loads a value that is in no register into one.
static __attribute__((noinline)) wj_reg value_load(struct jit *j, struct value *v)
{
    wj_reg reg;
    if (value_in_frame(v) && !num_is_vec((enum wj_num) v->num)) { // most of all
        reg = reg_alloc(j, false);
        masm_load_slot(&j->m, (enum wj_num) v->num, reg, value_slot(j, v));
        v->kind = VALUE_REG;
        v->reg = reg;
        return reg;
    }
    if ((v->kind == VALUE_ADDRESS || v->kind == VALUE_SHIFTED) && v->reg != WJ_REG_NONE &&
        (reg_bit(v->reg) & j->pool) != 0 && !num_is_vec((enum wj_num) v->num)) {
        reg = v->reg; // the result replaces the address
    } else {
        reg = reg_alloc(j, num_is_vec((enum wj_num) v->num));
    }
    value_into(j, v, reg);
    if (v->reg != reg) {
        value_release(j, v);
    }
    v->kind = VALUE_REG;
    v->reg = reg;
    return reg;
}

// A register that holds the value and may only be read. The popped value then owns it, unless it
// is a home.
static inline __attribute__((always_inline)) wj_reg value_reg(struct jit *j, struct value *v)
{
    return __builtin_expect(value_in_reg(v), 1) ? v->reg : value_load(j, v);
}

// A scratch register that holds the value and may be overwritten.
static wj_reg value_own(struct jit *j, struct value *v)
{
    if (v->kind == VALUE_REG && (reg_bit(v->reg) & j->pool) != 0) {
        return v->reg;
    }
    if (v->kind == VALUE_LOCAL || v->kind == VALUE_REG) {
        wj_reg reg = reg_alloc(j, num_is_vec((enum wj_num) v->num));
        value_into(j, v, reg);
        v->kind = VALUE_REG;
        v->reg = reg;
        return reg;
    }
    return value_reg(j, v);
}

// ---- Flushing ---------------------------------------------------------------------------------

// Gives entry `position` a life of its own in its slot. Keeps flags.
static void flush_entry(struct jit *j, uint32_t position)
{
    struct value *v = &j->stack[position];
    enum wj_num num = (enum wj_num) v->num;
    if (v->kind == VALUE_REG) {
        spill_entry(j, position);
        return;
    }
    if (v->kind != VALUE_LOCAL) {
        return; // constants and slots stay what they are
    }
    struct value copy = *v;
    j->locals[v->local].aliases--;
    wj_reg reg = copy.reg;
    if (reg == WJ_REG_NONE) {
        reg = reg_alloc(j, num_is_vec(num));
        value_into(j, &copy, reg);
    }
    masm_store_slot(&j->m, num, reg, spill_slot(j, position));
    if (copy.reg == WJ_REG_NONE) {
        reg_free(j, reg);
    }
    v->kind = VALUE_SLOT;
    v->reg = WJ_REG_NONE;
}

// Puts entry `position` into its slot whatever it is. Keeps flags.
static void settle_entry(struct jit *j, uint32_t position)
{
    struct value *v = &j->stack[position];
    if (v->kind != VALUE_CONST) {
        flush_entry(j, position);
        return;
    }
    struct wj_slot to = spill_slot(j, position);
    if (v->num == NUM_V128) {
        wj_reg reg = reg_alloc(j, true);
        masm_mov_vimm(&j->m, reg, v->v128);
        masm_store_slot(&j->m, NUM_V128, reg, to);
        reg_free(j, reg);
    } else {
        masm_store_slot_imm(&j->m, (enum wj_num) v->num, v->bits, to);
    }
    v->kind = VALUE_SLOT;
}

// Before control flow splits or merges: every entry below `end` is a constant or in its slot.
static void flush_below(struct jit *j, uint32_t end)
{
    marks_update(j);
    for (uint32_t i = j->settled; i < end; i++) {
        masm_room(&j->m); // a stack may be deep: here as in all loops over values
        flush_entry(j, i);
    }
    if (end > j->settled) {
        j->settled = end;
    }
}

// Before a call: registers that calls clobber hold nothing.
static void flush_regs(struct jit *j)
{
    marks_update(j);
    for (uint32_t i = j->settled; i < j->depth; i++) {
        if (j->stack[i].kind == VALUE_REG) {
            spill_entry(j, i);
        }
    }
}

// Before a local is written: entries that stand for its old value get copies.
JIT_NOINLINE void flush_aliases(struct jit *j, uint32_t index)
{
    for (uint32_t i = j->depth; i-- > 0 && j->locals[index].aliases != 0;) {
        masm_room(&j->m);
        struct value *v = &j->stack[i];
        if (v->kind == VALUE_LOCAL && v->local == index) {
            bool is_vec = num_is_vec((enum wj_num) v->num);
            if (v->reg != WJ_REG_NONE && (j->free & class_mask(is_vec)) == 0) {
                flush_entry(j, i); // the operands of one operation may hold all registers
                continue;
            }
            wj_reg reg = reg_alloc(j, is_vec);
            value_into(j, v, reg);
            j->locals[index].aliases--;
            v->kind = VALUE_REG;
            v->reg = reg;
            if (i < j->first_reg[wj_reg_is_vec(reg)]) {
                j->first_reg[wj_reg_is_vec(reg)] = i;
            }
        }
    }
}

// ---- Look-ahead -------------------------------------------------------------------------------

// Opcodes that the compiler recognises in the byte after an operation.
enum next_opcode {
    NEXT_IF = 0x04,
    NEXT_BR_IF = 0x0d,
    NEXT_SELECT = 0x1b,
    NEXT_LOCAL_SET = 0x21,
    NEXT_LOCAL_TEE = 0x22,
    NEXT_I32_EQZ = 0x45,
    NEXT_I32_ADD = 0x6a,
    NEXT_I64_ADD = 0x7c,
};

// The next operation consumes a condition as flags. (eqz inverts it for its own consumer.)
static inline bool next_takes_flags(const struct wj_op *op)
{
    uint8_t next = op->next[0];
    if (next == NEXT_I32_EQZ) {
        next = op->next[1];
    }
    return next == NEXT_BR_IF || next == NEXT_IF || next == NEXT_SELECT;
}

// The home of the local that the next operation sets, free to be written; or WJ_REG_NONE. Operands
// must still be held: entries that stand for the local's old value move to other registers.
static inline wj_reg dest_hint(struct jit *j, const struct wj_op *op, bool is_vec)
{
    uint8_t next = op->next[0];
    if ((next != NEXT_LOCAL_SET && next != NEXT_LOCAL_TEE) || op->next[1] >= 0x80) {
        return WJ_REG_NONE;
    }
    struct local *local = &j->locals[op->next[1]];
    if (local->home == WJ_REG_NONE || wj_reg_is_vec(local->home) != is_vec) {
        return WJ_REG_NONE;
    }
    if (local->aliases != 0) {
        flush_aliases(j, op->next[1]);
    }
    return local->home;
}

// Where the result of an operation goes: the home that is set next, or a scratch register. Gives
// up the operands (either may be NULL), so the result may take their place.
static inline wj_reg dest_replacing(struct jit *j, const struct wj_op *op, bool is_vec,
                                    const struct value *a, const struct value *b)
{
    wj_reg hint = dest_hint(j, op, is_vec);
    if (a != NULL) {
        value_release(j, a);
    }
    if (b != NULL) {
        value_release(j, b);
    }
    return hint != WJ_REG_NONE ? hint : reg_alloc(j, is_vec);
}

static inline wj_reg dest_reg(struct jit *j, const struct wj_op *op, bool is_vec)
{
    return dest_replacing(j, op, is_vec, NULL, NULL);
}

#endif
