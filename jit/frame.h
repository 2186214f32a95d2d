// Where in the frame locals lie that have no register for good, and what else a function keeps.
#ifndef JIT_FRAME_H
#define JIT_FRAME_H

#include "jit/state.h"

// Slots lie in groups, in this order: those that are used most come first, since an offset of less
// than FRAME_NEAR_BYTES is a byte in x86-64's code and else four; and those that begin as zero are
// neighbours, which one run of stores clears.
enum slot_group {
    SLOTS_NEAR,
    SLOTS_NEAR_ZEROED,
    SLOTS_FAR_ZEROED,
    SLOTS_FAR,
    SLOT_GROUPS,
};

// In a group larger slots come first, so that each is aligned to its size.
enum slot_size { SLOTS_16, SLOTS_8, SLOTS_4, SLOT_SIZES };

enum { FRAME_NEAR_BYTES = 128 };

static inline int32_t align_slot(int32_t at, int32_t bytes)
{
    return (at + bytes - 1) & -bytes;
}

static inline enum slot_size slot_size_of(enum wj_num num)
{
    return num == NUM_V128 ? SLOTS_16 : num == NUM_I32 || num == NUM_F32 ? SLOTS_4 : SLOTS_8;
}

static inline uint32_t slot_bytes(enum slot_size size)
{
    return 16u >> size;
}

// A home that calls clobber is kept there meanwhile.
static inline bool needs_slot(const struct jit *j, uint32_t index)
{
    const struct wj_census *census = &j->func->census;
    const struct local *local = &j->locals[index];
    return census->locals[index].weight != 0 &&
           (local->home == WJ_REG_NONE ||
            (!census->is_leaf && (reg_bit(local->home) & j->caller_homes) != 0));
}

// The least weight with which a local is near.
static uint32_t near_weight_min(const struct jit *j)
{
    int32_t room = FRAME_NEAR_BYTES - (int32_t) j->outgoing_bytes;
    if ((int64_t) j->local_count * 8 <= room) {
        return 0;
    }
    const struct wj_local_census *census = j->func->census.locals;
    uint32_t bytes[32] = {0}; // of the slots whose weight has so many bits behind its first
    for (uint32_t i = 0; i < j->local_count; i++) {
        if (needs_slot(j, i)) {
            bytes[31 - __builtin_clz(census[i].weight)] +=
                slot_bytes(slot_size_of((enum wj_num) j->locals[i].num));
        }
    }
    for (uint32_t bit = 32; bit-- > 0;) {
        room -= (int32_t) bytes[bit];
        if (room < 0) {
            return bit == 31 ? UINT32_MAX : 2u << bit;
        }
    }
    return 0;
}

enum { SLOT_BINS = SLOT_GROUPS * SLOT_SIZES };

// Where each bin begins, with so many slots, from `at` on; returns their end.
static int32_t place_bins(struct jit *j, const uint32_t *counts, int32_t *next, int32_t at)
{
    for (uint32_t bin = 0; bin < SLOT_BINS; bin++) {
        int32_t bytes = (int32_t) slot_bytes((enum slot_size)(bin % SLOT_SIZES));
        at = counts[bin] != 0 ? align_slot(at, bytes) : at;
        next[bin] = at;
        at += bytes * (int32_t) counts[bin];
        if (bin == SLOTS_NEAR * SLOT_SIZES + SLOTS_4) {
            at = align_slot(at, 8);
            j->zeroed_base = at;
        } else if (bin == SLOTS_FAR_ZEROED * SLOT_SIZES + SLOTS_4) {
            at = align_slot(at, 8);
            j->zeroed_bytes = (uint32_t) (at - j->zeroed_base);
        }
    }
    return align_slot(at, 8);
}

// Places locals from `at` on and returns the end of them.
static int32_t place_locals(struct jit *j, int32_t at)
{
    const struct wj_local_census *census = j->func->census.locals;
    uint32_t weight_min = near_weight_min(j);
    uint32_t counts[SLOT_BINS] = {0}, placed = 0;
    uint32_t param_count = j->func->type->param_count;
    for (uint32_t i = 0; i < j->local_count; i++) {
        struct local *local = &j->locals[i];
        uint32_t weight = census[i].weight;
        if (weight == 0) {
            continue;
        }
        bool is_zeroed = i >= param_count && !census[i].is_set_first;
        if (local->home != WJ_REG_NONE) {
            j->zeroed_homes |= is_zeroed ? reg_bit(local->home) : 0;
            if (!needs_slot(j, i)) {
                continue;
            }
            j->home_locals[j->home_local_clobbered_count++] = i;
            is_zeroed = false;
        }
        enum slot_group group = weight >= weight_min ? (is_zeroed ? SLOTS_NEAR_ZEROED : SLOTS_NEAR)
                                                     : (is_zeroed ? SLOTS_FAR_ZEROED : SLOTS_FAR);
        uint32_t bin = group * SLOT_SIZES + slot_size_of((enum wj_num) local->num);
        local->slot = (int32_t) ~bin; // until the bins have their places
        counts[bin]++;
        placed++;
    }
    if (placed == 0) {
        return at;
    }
    int32_t next[SLOT_BINS];
    int32_t end = place_bins(j, counts, next, at);
    for (struct local *local = j->locals; placed != 0; local++) {
        if (local->slot < 0) {
            uint32_t bin = ~(uint32_t) local->slot;
            local->slot = next[bin];
            next[bin] += (int32_t) slot_bytes((enum slot_size)(bin % SLOT_SIZES));
            placed--;
        }
    }
    return end;
}

// Frame, from SP up: outgoing stack arguments and results, locals, operand stack, saved registers,
// the instance.
static void lay_out_frame(struct jit *j)
{
    const struct wj_census *census = &j->func->census;
    // Whatever the classes, this many parameters go in registers.
    uint32_t in_regs =
        MASM_GPR_ARGS_COUNT < MASM_VEC_ARGS_COUNT ? MASM_GPR_ARGS_COUNT : MASM_VEC_ARGS_COUNT;
    uint32_t stack_args = census->call_params_max > in_regs ? census->call_params_max - in_regs : 0;
    uint32_t stack_results = census->call_results_max > 1 ? census->call_results_max - 1 : 0;
    j->outgoing_bytes = (stack_args + stack_results) * 16;
    int32_t at = place_locals(j, (int32_t) j->outgoing_bytes);
    j->spill_bytes = census->uses_v128 ? 16 : 8;
    at = align_slot(at, (int32_t) j->spill_bytes);
    j->spill_base = at;
    at += (int32_t) ((census->stack_slots_max + 1) * j->spill_bytes);
    // General registers are saved first, vector registers behind them.
    int32_t gprs_bytes = 8 * __builtin_popcountll(j->callee_used & class_mask(false));
    at = j->callee_used > class_mask(false) ? align_slot(at + gprs_bytes, 16) - gprs_bytes : at;
    j->save_base = at;
    for (uint64_t left = j->callee_used; left != 0; left &= left - 1) {
        at += wj_reg_is_vec((wj_reg) __builtin_ctzll(left)) ? 16 : 8;
    }
    j->instance_slot = at;
    at += 8;
    at += 8; // the link register, where a target keeps it there
    uint32_t bytes = (uint32_t) at;
    bytes = ((bytes + MASM_CALL_PUSH_BYTES + 15) & ~15u) - MASM_CALL_PUSH_BYTES;
    j->frame_bytes = bytes;
}

#endif
