// --deterministic on machines whose arithmetic gives other NaNs than the canonical one: before each
// operation, the raw values whose bits it sees become canonical; after it, its result is marked
// where arithmetic made it. Nothing here runs without the option.
#ifndef JIT_CANON_H
#define JIT_CANON_H

#include "jit/control.h"
#include "jit/memory.h"
#include "jit/raw.h"

#define CANONICAL_F32 UINT32_C(0x7fc00000)
#define CANONICAL_F64 UINT64_C(0x7ff8000000000000)

static inline uint8_t raw_of(enum wj_num num)
{
    return num == NUM_F32 ? WJ_RAW_F32 : WJ_RAW_F64;
}

// WJ_RAW_NONE for lanes of integers.
static inline uint8_t raw_of_shape(enum wj_shape shape)
{
    return shape == SHAPE_F32X4 ? WJ_RAW_F32 : shape == SHAPE_F64X2 ? WJ_RAW_F64 : WJ_RAW_NONE;
}

static inline struct value *stack_from_top(struct jit *j, uint32_t below)
{
    return &j->stack[j->depth - 1 - below];
}

static inline uint8_t value_raw(const struct value *v)
{
    return v->aux & WJ_RAW_ANY;
}

static struct nan_path *nan_path_push(struct jit *j)
{
    if (j->nan_path_count == j->nan_path_capacity) {
        uint32_t capacity = j->nan_path_capacity * 2 + 16;
        struct nan_path *grown = WJ_ARENA_ARRAY(j->arena, struct nan_path, capacity);
        if (grown == NULL) {
            j->failed = true;
            return NULL;
        }
        if (j->nan_path_count != 0) {
            memcpy(grown, j->nan_paths, j->nan_path_count * sizeof *grown);
        }
        j->nan_paths = grown;
        j->nan_path_capacity = capacity;
    }
    struct nan_path *path = &j->nan_paths[j->nan_path_count++];
    path->from = wj_codebuf_label(&j->m.buf);
    path->back = wj_codebuf_label(&j->m.buf);
    return path;
}

// A branch that is never taken while there are no NaNs: cheaper than a blend, for which all that
// uses the value would wait.
static void canon_rare(struct jit *j, enum wj_num num, wj_reg reg)
{
    struct nan_path *path = nan_path_push(j);
    if (path != NULL) {
        path->reg = reg;
        path->num = (uint8_t) num;
        masm_jump_if_nan(&j->m, num, reg, path->from);
        masm_bind(&j->m, path->back);
    }
}

static void emit_nan_paths(struct jit *j)
{
    for (uint32_t i = 0; i < j->nan_path_count; i++) {
        const struct nan_path *path = &j->nan_paths[i];
        enum wj_num num = (enum wj_num) path->num;
        masm_room(&j->m);
        masm_bind(&j->m, path->from);
        if (path->reg != WJ_REG_NONE) {
            masm_canon(&j->m, num, path->reg, path->reg);
        } else if (num == NUM_F32) {
            masm_store_imm(&j->m, STORE_I32, CANONICAL_F32, path->stored);
        } else {
            masm_store_imm(&j->m, STORE_I64, CANONICAL_F64, path->stored);
        }
        masm_jmp(&j->m, path->back);
    }
}

static void canon_reg(struct jit *j, enum wj_num num, uint8_t raw, wj_reg d, wj_reg a)
{
    masm_room(&j->m); // there may be many
    if (num == NUM_V128) {
        masm_vcanon(&j->m, raw == WJ_RAW_F32 ? SHAPE_F32X4 : SHAPE_F64X2, d, a);
    } else if (stack_from_top(j, 0)->kind == VALUE_FLAGS) {
        masm_canon(&j->m, num, d, a);
    } else {
        if (d != a) {
            masm_mov(&j->m, num, d, a);
        }
        canon_rare(j, num, d);
    }
}

// Makes an entry of the operand stack canonical. Keeps flags.
static void canon_entry(struct jit *j, uint32_t position)
{
    struct value *v = &j->stack[position];
    uint8_t raw = value_raw(v);
    enum wj_num num = (enum wj_num) v->num;
    if (raw == WJ_RAW_NONE) {
        return;
    }
    if (v->kind == VALUE_REG) {
        canon_reg(j, num, raw, v->reg, v->reg);
    } else {
        wj_reg reg = reg_alloc(j, true);
        wj_reg from = reg;
        if (value_in_reg(v)) {
            from = v->reg;
        } else {
            value_into(j, v, reg);
        }
        canon_reg(j, num, raw, reg, from);
        if (v->kind == VALUE_SLOT) { // it may have to stay there
            masm_store_slot(&j->m, num, reg, spill_slot(j, position));
            reg_free(j, reg);
        } else {
            j->locals[v->local].aliases--;
            v->kind = VALUE_REG;
            v->reg = reg;
            if (position < j->first_reg[1]) {
                j->first_reg[1] = position;
            }
        }
    }
    v->aux &= (uint8_t) ~WJ_RAW_ANY;
}

// The top `count` entries but for the `below` last ones.
static void canon_entries(struct jit *j, uint32_t below, uint32_t count)
{
    uint32_t end = j->depth > below ? j->depth - below : 0;
    uint32_t first = end > count ? end - count : 0;
    for (uint32_t i = first; i < end; i++) {
        canon_entry(j, i);
    }
}

// The operation takes its `count` operands as floats of one kind, raw or not.
static void canon_others(struct jit *j, uint32_t count, uint8_t accepted)
{
    for (uint32_t i = 0; i < count; i++) {
        if (value_raw(stack_from_top(j, i)) != accepted) {
            canon_entry(j, j->depth - 1 - i);
        }
    }
}

// ---- By family --------------------------------------------------------------------------------

// A label's values may come from elsewhere too, where they were not raw.
static void canon_control(struct jit *j, const struct wj_op *op)
{
    const struct label *label = label_at(j, 0);
    switch ((enum wj_control) op->sub) {
    case CONTROL_UNREACHABLE:
    case CONTROL_NOP:
    case CONTROL_BLOCK: return;
    case CONTROL_LOOP: canon_entries(j, 0, op->block.param_count); return;
    case CONTROL_IF: canon_entries(j, 1, op->block.param_count); return;
    case CONTROL_ELSE:
    case CONTROL_END:
        if (op->is_live && label->kind != CONTROL_LOOP &&
            (op->sub == CONTROL_ELSE || j->label_depth == 1 || op->is_branched ||
             label->is_joined || label->kind == CONTROL_IF)) {
            canon_entries(j, 0, label->type.result_count);
        }
        return;
    case CONTROL_BR: canon_entries(j, 0, label_arity(label_at(j, op->index))); return;
    case CONTROL_BR_IF:
    case CONTROL_BR_ON_NULL:
    case CONTROL_BR_ON_NON_NULL: canon_entries(j, 1, label_arity(label_at(j, op->index))); return;
    case CONTROL_BR_TABLE: {
        const uint8_t *at = op->br_table.targets;
        canon_entries(j, 1, label_arity(label_at(j, wj_leb_u32_trusted(&at))));
        return;
    }
    case CONTROL_RETURN: canon_entries(j, 0, j->func->type->result_count); return;
    }
}

static bool value_is_neutral(const struct value *v)
{
    return v->kind == VALUE_CONST && wj_raw_is_neutral(v->num, v->bits, v->v128);
}

static uint8_t canon_select(struct jit *j)
{
    const struct value *b = stack_from_top(j, 1);
    const struct value *a = stack_from_top(j, 2);
    uint8_t raw = value_raw(a) | value_raw(b);
    bool a_fits = value_raw(a) == raw || value_is_neutral(a);
    bool b_fits = value_raw(b) == raw || value_is_neutral(b);
    if (a_fits && b_fits) {
        return raw;
    }
    canon_entries(j, 1, 2);
    return WJ_RAW_NONE;
}

static uint8_t canon_set(struct jit *j, const struct wj_op *op)
{
    if (wj_raw_begins_life(op, j->label_depth)) {
        j->locals[op->index].raw = *j->raw_lives_next++;
    }
    uint8_t raw = j->locals[op->index].raw;
    if (raw == WJ_RAW_UNSEEN) { // but what sees the value that a tee leaves is not told
        return op->sub == LOCAL_TEE ? value_raw(stack_from_top(j, 0)) : WJ_RAW_NONE;
    }
    canon_others(j, 1, raw);
    return WJ_RAW_NONE;
}

static uint8_t canon_convert(struct jit *j, const struct wj_op *op)
{
    switch ((enum wj_cvt) op->sub) {
    case CVT_I32_REINTERPRET_F32:
    case CVT_I64_REINTERPRET_F64: canon_entries(j, 0, 1); return WJ_RAW_NONE;
    case CVT_F32_DEMOTE_F64: return WJ_RAW_F32;
    case CVT_F64_PROMOTE_F32: return WJ_RAW_F64;
    default: return WJ_RAW_NONE; // to integers, which no NaN survives, or from them
    }
}

static uint8_t canon_vunary(struct jit *j, const struct wj_op *op)
{
    uint8_t raw = raw_of_shape((enum wj_shape) op->type);
    switch ((enum wj_vunop) op->sub) {
    case VUN_CEIL:
    case VUN_FLOOR:
    case VUN_TRUNC:
    case VUN_NEAREST:
    case VUN_SQRT: canon_others(j, 1, raw); return raw;
    case VUN_PROMOTE_LOW: canon_others(j, 1, WJ_RAW_F32); return raw;
    case VUN_DEMOTE_ZERO: canon_others(j, 1, WJ_RAW_F64); return raw;
    default: canon_entries(j, 0, 1); return WJ_RAW_NONE;
    }
}

static bool vbin_makes_nan(enum wj_vbinop op)
{
    return op == VBIN_ADD || op == VBIN_SUB || op == VBIN_MUL || op == VBIN_DIV || op == VBIN_MIN ||
           op == VBIN_MAX || op == VBIN_RELAXED_MIN || op == VBIN_RELAXED_MAX;
}

static uint8_t canon_vbinary(struct jit *j, const struct wj_op *op)
{
    uint8_t raw = raw_of_shape((enum wj_shape) op->type);
    if (raw == WJ_RAW_NONE || op->sub == VBIN_PMIN || op->sub == VBIN_PMAX) {
        canon_entries(j, 0, 2); // pmin and pmax pass the bits of an operand on
        return WJ_RAW_NONE;
    }
    canon_others(j, 2, raw);
    return vbin_makes_nan((enum wj_vbinop) op->sub) ? raw : WJ_RAW_NONE;
}

static uint8_t canon_vreplace(struct jit *j, const struct wj_op *op)
{
    uint8_t raw = raw_of_shape((enum wj_shape) op->type);
    if (raw != WJ_RAW_NONE && value_raw(stack_from_top(j, 0)) == raw &&
        value_raw(stack_from_top(j, 1)) == raw) {
        return raw;
    }
    canon_entries(j, 0, 2);
    return WJ_RAW_NONE;
}

static uint8_t canon_vector(struct jit *j, const struct wj_op *op)
{
    uint8_t raw = raw_of_shape((enum wj_shape) op->type);
    switch ((enum wj_family) op->family) {
    case FAM_VUNARY: return canon_vunary(j, op);
    case FAM_VBINARY: return canon_vbinary(j, op);
    case FAM_VREPLACE: return canon_vreplace(j, op);
    case FAM_VTERNARY:
        if (op->sub == VTERN_RELAXED_MADD || op->sub == VTERN_RELAXED_NMADD) {
            canon_others(j, 3, raw);
            return raw;
        }
        canon_entries(j, 0, 3);
        return WJ_RAW_NONE;
    case FAM_VSPLAT: return value_raw(stack_from_top(j, 0)); // of a float; integers never are
    case FAM_VEXTRACT:
        if (raw != WJ_RAW_NONE && value_raw(stack_from_top(j, 0)) == raw) {
            return raw;
        }
        canon_entries(j, 0, 1);
        return WJ_RAW_NONE;
    default: canon_entries(j, 0, 2); return WJ_RAW_NONE; // shuffles, shifts, tests, lane accesses
    }
}

// Makes canonical what `op` sees the bits of; answers what is raw in its result. What is not told
// apart here sees all bits.
static __attribute__((noinline)) uint8_t canon_operands(struct jit *j, const struct wj_op *op)
{
    switch ((enum wj_family) op->family) {
    case FAM_CONTROL: canon_control(j, op); return WJ_RAW_NONE;
    case FAM_CALL:
        canon_entries(j, op->sub == CALL_DIRECT || op->sub == CALL_RETURN_DIRECT ? 0 : 1,
                      op->functype->param_count);
        return WJ_RAW_NONE;
    case FAM_PARAMETRIC: return op->sub == PARAMETRIC_SELECT ? canon_select(j) : WJ_RAW_NONE;
    case FAM_LOCAL: return op->sub == LOCAL_GET ? WJ_RAW_NONE : canon_set(j, op);
    case FAM_FUNARY:
        if (op->sub == FUN_ABS || op->sub == FUN_NEG) {
            canon_entries(j, 0, 1);
            return WJ_RAW_NONE;
        }
        return raw_of((enum wj_num) op->type);
    case FAM_FBINARY:
        if (op->sub == FBIN_COPYSIGN) {
            canon_entries(j, 0, 2);
            return WJ_RAW_NONE;
        }
        return raw_of((enum wj_num) op->type);
    case FAM_CONVERT: return canon_convert(j, op);
    case FAM_VSHUFFLE:
    case FAM_VSPLAT:
    case FAM_VEXTRACT:
    case FAM_VREPLACE:
    case FAM_VUNARY:
    case FAM_VBINARY:
    case FAM_VTERNARY:
    case FAM_VTEST:
    case FAM_VSHIFT:
    case FAM_LOAD_LANE:
    case FAM_STORE_LANE: return canon_vector(j, op);
    case FAM_GLOBAL: canon_entries(j, 0, op->sub == GLOBAL_SET ? 1 : 0); return WJ_RAW_NONE;
    case FAM_STORE: canon_entries(j, 0, 1); return WJ_RAW_NONE;
    case FAM_FCOMPARE:
    case FAM_TABLE:
    case FAM_MEMORY:
    case FAM_REF:
    case FAM_CONST:
    case FAM_LOAD:
    case FAM_IUNARY:
    case FAM_IBINARY:
    case FAM_IEQZ:
    case FAM_ICOMPARE:
    case FAM_WIDE:
    case FAM_ATOMIC_LOAD:
    case FAM_ATOMIC_STORE:
    case FAM_ATOMIC_RMW:
    case FAM_ATOMIC_OTHER: return WJ_RAW_NONE; // no float among the operands, or no bits seen
    case FAM_EXCEPTION:
    case FAM_GC:
    case FAM_COUNT: canon_entries(j, 0, j->depth); return WJ_RAW_NONE;
    }
    return WJ_RAW_NONE;
}

// A float that is stored raw is made canonical on the way, or else where it lies, before anything
// but threads that share the memory sees it.
static bool is_raw_store(struct jit *j, const struct wj_op *op)
{
    return op->family == FAM_STORE && (op->sub == STORE_F32 || op->sub == STORE_F64) &&
           value_raw(stack_from_top(j, 0)) != WJ_RAW_NONE &&
           (masm_has_store_canon(&j->m) ||
            !j->module->memories[op->memarg.memory].type.limits.is_shared);
}

// Of many stores in a row, all but the first are checked by reading again what was stored: on Zen 5
// nbody, with six in a row, costs 19 % instead of 41 % then, while loops with one or two of them
// cost more than with comparisons (bench/run deterministic).
enum { RAW_STORES_COMPARED = 2 };

static void raw_store(struct jit *j, const struct wj_op *op)
{
    enum wj_store_op store = (enum wj_store_op) op->sub;
    j->m.wasm_offset = (uint32_t) (op->at - j->module->bytes);
    struct value *v = stack_pop(j);
    enum wj_num num = (enum wj_num) v->num;
    wj_reg reg = value_reg(j, v);
    struct address a = pop_address(j, &op->memarg, store_width_log2(store));
    struct nan_path *path = NULL;
    if (masm_has_store_canon(&j->m)) {
        masm_store_canon(&j->m, num, reg, a.addr);
    } else {
        masm_store(&j->m, store, reg, a.addr);
        path = nan_path_push(j);
    }
    if (path != NULL) {
        path->reg = WJ_REG_NONE;
        path->num = (uint8_t) num;
        path->stored = a.addr; // whose registers hold the same on the way there and back
        if (j->raw_stores++ < RAW_STORES_COMPARED) {
            masm_jump_if_nan(&j->m, num, reg, path->from);
        } else {
            masm_jump_if_nan_stored(&j->m, num, a.addr, path->from);
        }
        masm_bind(&j->m, path->back);
    }
    address_release(j, &a);
    value_release(j, v);
}

// The result of the operation, on top of the stack, is raw: of a tee, where the local's values
// in general need not be.
static inline void mark_raw(struct jit *j, uint8_t raw)
{
    struct value *top = stack_from_top(j, 0);
    if (top->kind == VALUE_REG || top->kind == VALUE_LOCAL) {
        top->aux |= raw;
    }
}

#endif
