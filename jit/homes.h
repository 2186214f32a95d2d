// Which locals live in registers, and the function's edges: the prologue that brings parameters
// home and the epilogue.
#ifndef JIT_HOMES_H
#define JIT_HOMES_H

#include "jit/frame.h"
#include "jit/moves.h"
#include "jit/state.h"

enum {
    // A home that the prologue saves costs a store and a load: fewer uses do not pay for it.
    CALLEE_HOME_WEIGHT_MIN = 3,
    // A home that calls clobber is stored and loaded around each call.
    CALLER_HOME_CALL_FACTOR = 2,
    // The most scratch registers that one operation holds.
    GPR_PINNED_MAX = 5,
};

// The heaviest locals of one register class, heaviest first.
struct ranking {
    uint32_t count;
    uint32_t limit;
    uint32_t locals[HOMES_MAX];
    uint32_t weights[HOMES_MAX];
};

static void ranking_insert(struct ranking *r, uint32_t local, uint32_t weight)
{
    if (r->limit == 0 || (r->count == r->limit && r->weights[r->count - 1] >= weight)) {
        return;
    }
    uint32_t at = r->count < r->limit ? r->count++ : r->count - 1;
    while (at > 0 && r->weights[at - 1] < weight) {
        r->locals[at] = r->locals[at - 1];
        r->weights[at] = r->weights[at - 1];
        at--;
    }
    r->locals[at] = local;
    r->weights[at] = weight;
}

struct home_pools {
    const wj_reg *callee;
    uint32_t callee_count;
    const wj_reg *caller;
    uint32_t caller_count;
};

// A parameter that may stay in the register it comes in.
static wj_reg param_own_reg(const struct jit *j, uint32_t local, const wj_reg *param_regs,
                            const struct home_pools *pools, uint64_t taken)
{
    if (local >= j->func->type->param_count) {
        return WJ_REG_NONE;
    }
    wj_reg reg = param_regs[local];
    for (uint32_t i = 0; reg != WJ_REG_NONE && i < pools->caller_count; i++) {
        if (pools->caller[i] == reg && (taken & reg_bit(reg)) == 0) {
            return reg;
        }
    }
    return WJ_REG_NONE;
}

static wj_reg first_not_taken(const wj_reg *regs, uint32_t count, uint64_t taken)
{
    for (uint32_t i = 0; i < count; i++) {
        if ((taken & reg_bit(regs[i])) == 0) {
            return regs[i];
        }
    }
    return WJ_REG_NONE;
}

static void assign_class(struct jit *j, const struct ranking *ranking,
                         const struct home_pools *pools, const wj_reg *param_regs)
{
    const struct wj_census *census = &j->func->census;
    uint64_t taken = 0;
    for (uint32_t i = 0; i < ranking->count; i++) {
        uint32_t local = ranking->locals[i];
        uint32_t weight = ranking->weights[i];
        bool callee_pays = weight >= CALLEE_HOME_WEIGHT_MIN;
        bool caller_pays =
            census->is_leaf || weight > (uint64_t) CALLER_HOME_CALL_FACTOR * census->call_weight;
        wj_reg reg = WJ_REG_NONE;
        if (census->is_leaf) {
            reg = param_own_reg(j, local, param_regs, pools, taken);
            if (reg == WJ_REG_NONE) {
                reg = first_not_taken(pools->caller, pools->caller_count, taken);
            }
        }
        if (reg == WJ_REG_NONE && callee_pays) {
            reg = first_not_taken(pools->callee, pools->callee_count, taken);
            j->callee_used |= reg == WJ_REG_NONE ? 0 : reg_bit(reg);
        }
        if (reg == WJ_REG_NONE && caller_pays) {
            reg = param_own_reg(j, local, param_regs, pools, taken);
            if (reg == WJ_REG_NONE) {
                reg = first_not_taken(pools->caller, pools->caller_count, taken);
            }
        }
        if (reg != WJ_REG_NONE) {
            taken |= reg_bit(reg);
            j->locals[local].home = reg;
            j->home_count++;
        }
    }
    for (uint32_t i = 0; i < pools->caller_count; i++) {
        if ((taken & reg_bit(pools->caller[i])) != 0) {
            j->caller_homes |= reg_bit(pools->caller[i]);
            j->pool &= ~reg_bit(pools->caller[i]);
        }
    }
}

static void assign_homes(struct jit *j, const wj_reg *param_regs)
{
    struct home_pools gpr = {MASM_GPR_CALLEE, MASM_GPR_CALLEE_COUNT, MASM_GPR_CALLER,
                             MASM_GPR_CALLER_COUNT};
    struct home_pools vec = {MASM_VEC_CALLEE, MASM_VEC_CALLEE_COUNT, MASM_VEC_CALLER,
                             MASM_VEC_CALLER_COUNT};
    // Divisions, 128-bit sums and accesses with checks pin five registers at once.
    uint32_t scratch_count = MASM_GPR_SCRATCH_COUNT;
    if (scratch_count < GPR_PINNED_MAX) {
        gpr.caller_count -= GPR_PINNED_MAX - scratch_count;
    }
#ifdef WJ_JIT_FEW_REGISTERS
    gpr.callee_count = gpr.caller_count = vec.callee_count = vec.caller_count = 1;
#endif
    struct ranking gpr_ranking, vec_ranking; // their arrays hold what `count` says
    gpr_ranking.count = vec_ranking.count = 0;
    gpr_ranking.limit = gpr.callee_count + gpr.caller_count;
    vec_ranking.limit = vec.callee_count + vec.caller_count;
    for (uint32_t i = 0; i < j->local_count; i++) {
        uint32_t weight = j->func->census.locals[i].weight;
        if (weight != 0) {
            bool is_vec = num_is_vec((enum wj_num) j->locals[i].num);
            ranking_insert(is_vec ? &vec_ranking : &gpr_ranking, i, weight);
        }
    }
    assign_class(j, &gpr_ranking, &gpr, param_regs);
    assign_class(j, &vec_ranking, &vec, param_regs);
}

static void save_callee_regs(struct jit *j, bool restore)
{
    int32_t at = j->save_base;
    for (uint64_t left = j->callee_used; left != 0; left &= left - 1) {
        wj_reg reg = (wj_reg) __builtin_ctzll(left);
        enum wj_num num = wj_reg_is_vec(reg) ? NUM_V128 : NUM_I64;
        struct wj_slot slot = {MASM_SP, at};
        if (restore) {
            masm_load_slot(&j->m, num, reg, slot);
        } else {
            masm_store_slot(&j->m, num, reg, slot);
        }
        at += num == NUM_V128 ? 16 : 8;
    }
}

static void zero_reg(struct jit *j, enum wj_num num, wj_reg reg)
{
    if (num_is_vec(num)) {
        masm_vbin(&j->m, VBIN_XOR, SHAPE_I8X16, reg, reg, reg);
    } else {
        masm_ibin(&j->m, IBIN_XOR, NUM_I32, reg, reg, reg);
    }
}

// Brings parameters from where the caller put them to where the body expects them.
static void take_params(struct jit *j, const struct call_layout *layout)
{
    const struct wj_functype *type = j->func->type;
    struct reg_moves moves;
    moves.count = 0;
    int32_t incoming = (int32_t) (j->frame_bytes + MASM_CALL_PUSH_BYTES);
    for (uint32_t i = 0; i < type->param_count; i++) {
        struct local *local = &j->locals[i];
        if (j->func->census.locals[i].weight == 0 || layout->regs[i] == WJ_REG_NONE) {
            continue;
        }
        if (local->home == WJ_REG_NONE) {
            masm_store_slot(&j->m, (enum wj_num) local->num, layout->regs[i], local_slot(j, i));
        } else {
            reg_moves_add(&moves, (enum wj_num) local->num, local->home, layout->regs[i]);
        }
    }
    reg_moves_emit(j, &moves, spill_slot(j, 0));
    for (uint32_t i = 0; i < type->param_count; i++) {
        struct local *local = &j->locals[i];
        if (j->func->census.locals[i].weight == 0 || layout->regs[i] != WJ_REG_NONE) {
            continue;
        }
        masm_room(&j->m);
        enum wj_num num = (enum wj_num) local->num;
        struct wj_slot from = {MASM_SP, incoming + layout->offsets[i]};
        wj_reg reg = local->home != WJ_REG_NONE ? local->home
                     : num_is_vec(num)          ? MASM_VEC_RESULT
                                                : MASM_GPR_RESULT;
        masm_load_slot(&j->m, num, reg, from);
        if (local->home == WJ_REG_NONE) {
            masm_store_slot(&j->m, num, reg, local_slot(j, i));
        }
    }
}

static void zero_locals(struct jit *j)
{
    for (uint64_t left = j->zeroed_homes; left != 0; left &= left - 1) {
        wj_reg reg = (wj_reg) __builtin_ctzll(left);
        zero_reg(j, wj_reg_is_vec(reg) ? NUM_V128 : NUM_I64, reg);
    }
    if (j->zeroed_bytes != 0) {
        masm_zero_slots(&j->m, j->zeroed_base, j->zeroed_bytes);
    }
}

static void emit_prologue(struct jit *j, const struct call_layout *layout)
{
    masm_prologue(&j->m, j->frame_bytes);
    j->prologue_bytes = wj_codebuf_offset(&j->m.buf);
    save_callee_regs(j, false);
    take_params(j, layout);
    zero_locals(j);
}

static void emit_epilogue(struct jit *j)
{
    save_callee_regs(j, true);
    masm_epilogue(&j->m, j->frame_bytes);
    masm_ret(&j->m);
}

#endif
