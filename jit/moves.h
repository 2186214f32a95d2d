// Where a function type passes its values, and moves that happen at once.
#ifndef JIT_MOVES_H
#define JIT_MOVES_H

#include "jit/state.h"

enum { REG_MOVES_MAX = 48 };

// Places of the parameters and results of a function type. The callee's incoming area holds the
// results after the first, then the parameters beyond the registers: 8 bytes each, a v128 16.
// Results come first so that a tail call, which has the same results, finds them in place.
struct call_layout {
    const wj_reg *regs;     // [param_count]; WJ_REG_NONE: on the stack
    const int32_t *offsets; // from the start of the area; of parameters before stack_first: unset
    int32_t size_bytes;     // of the area
    uint32_t stack_first;   // parameters before it are in registers
};

static inline int32_t stack_value_bytes(enum wj_num num)
{
    return num == NUM_V128 ? 16 : 8;
}

// The offset of result i >= 1 in the area; of one past the last: the size of the results.
static int32_t result_offset(const struct wj_functype *type, uint32_t i)
{
    int32_t at = 0;
    for (uint32_t k = 1; k < i; k++) {
        at += stack_value_bytes(num_of(type->types[type->param_count + k]));
    }
    return at;
}

// Most types take a few integers: parameter i is in general register i.
static inline bool params_are_gprs(const struct wj_functype *type)
{
    bool are_gprs = type->param_count <= MASM_GPR_ARGS_COUNT;
    for (uint32_t i = 0; are_gprs && i < type->param_count; i++) {
        are_gprs = !num_is_vec(num_of(type->types[i]));
    }
    return are_gprs;
}

// Fills in a layout of any type; `regs` and `offsets` have room for its parameters.
static void call_layout_make(const struct wj_functype *type, wj_reg *regs, int32_t *offsets,
                             struct call_layout *layout)
{
    uint32_t gprs = 0;
    uint32_t vecs = 0;
    uint32_t i = 0;
    int32_t at = result_offset(type, type->result_count);
    layout->regs = regs;
    layout->offsets = offsets;
    layout->stack_first = type->param_count;
    for (; i < type->param_count; i++) {
        bool is_vec = num_is_vec(num_of(type->types[i]));
        if (is_vec ? vecs == MASM_VEC_ARGS_COUNT : gprs == MASM_GPR_ARGS_COUNT) {
            layout->stack_first = i;
            break;
        }
        regs[i] = is_vec ? MASM_VEC_ARGS[vecs++] : MASM_GPR_ARGS[gprs++];
    }
    for (; i < type->param_count; i++) {
        enum wj_num num = num_of(type->types[i]);
        regs[i] = WJ_REG_NONE;
        offsets[i] = 0;
        if (num_is_vec(num) && vecs < MASM_VEC_ARGS_COUNT) {
            regs[i] = MASM_VEC_ARGS[vecs++];
        } else if (!num_is_vec(num) && gprs < MASM_GPR_ARGS_COUNT) {
            regs[i] = MASM_GPR_ARGS[gprs++];
        } else {
            offsets[i] = at;
            at += stack_value_bytes(num);
        }
    }
    layout->size_bytes = at;
}

struct reg_moves {
    uint32_t count;
    struct {
        wj_reg d, s;
        uint8_t num;
    } list[REG_MOVES_MAX];
};

static void reg_moves_add(struct reg_moves *moves, enum wj_num num, wj_reg d, wj_reg s)
{
    if (d != s) {
        assert(moves->count < REG_MOVES_MAX);
        moves->list[moves->count].d = d;
        moves->list[moves->count].s = s;
        moves->list[moves->count++].num = (uint8_t) num;
    }
}

// Emits the moves as if they happened at once. `scratch` is a slot of the operand stack's size
// that may be overwritten: one value of a cycle waits there until the others have moved.
static void reg_moves_emit(struct jit *j, struct reg_moves *moves, struct wj_slot scratch)
{
    wj_reg waiting = WJ_REG_NONE; // destination of the value in `scratch`
    enum wj_num waiting_num = NUM_I64;
    while (moves->count != 0) {
        uint64_t sources = 0;
        for (uint32_t i = 0; i < moves->count; i++) {
            sources |= reg_bit(moves->list[i].s);
        }
        bool progress = false;
        for (uint32_t i = 0; i < moves->count;) {
            if ((sources & reg_bit(moves->list[i].d)) == 0) {
                masm_mov(&j->m, (enum wj_num) moves->list[i].num, moves->list[i].d,
                         moves->list[i].s);
                moves->list[i] = moves->list[--moves->count];
                progress = true;
            } else {
                i++;
            }
        }
        if (progress) {
            continue;
        }
        // Only whole cycles are left. One that was opened before is complete by now.
        if (waiting != WJ_REG_NONE) {
            masm_load_slot(&j->m, waiting_num, waiting, scratch);
        }
        waiting = moves->list[0].d;
        waiting_num = (enum wj_num) moves->list[0].num;
        masm_store_slot(&j->m, waiting_num, moves->list[0].s, scratch);
        moves->list[0] = moves->list[--moves->count];
    }
    if (waiting != WJ_REG_NONE) {
        masm_load_slot(&j->m, waiting_num, waiting, scratch);
    }
}

#endif
