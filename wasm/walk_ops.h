// The handlers of the walk for all families but control and calls. Included by walk.h alone.
#ifndef WASM_WALK_OPS_H
#define WASM_WALK_OPS_H

#include <string.h>

#include "wasm/walk_state.h"

// True for operations that take or give a v128: a constant in each case of the walk.
WJ_WALK_INLINE bool wj_walk_row_has_v128(const struct wj_walk_row *row)
{
    return (row->family >= FAM_VSHUFFLE && row->family <= FAM_STORE_LANE) ||
           ((row->family == FAM_CONST || row->family == FAM_LOAD || row->family == FAM_STORE) &&
            row->type == NUM_V128);
}

// False for validation alone: nobody reads immediates that the checks do not need.
WJ_WALK_INLINE bool wj_walk_has_sink(const struct wj_walk_hot *h)
{
    return h->sink->op != NULL;
}

WJ_WALK_INLINE bool wj_walk_is_validation(const struct wj_walk_hot *h)
{
    return h->is_checking && !wj_walk_has_sink(h);
}

// Hands the operation to the sink. Its immediates are in w->op already.
WJ_WALK_INLINE bool wj_walk_emit(struct wj_walk *w, const struct wj_walk_hot *h,
                                 const struct wj_walk_row *row)
{
    if (h->is_checking && wj_walk_row_has_v128(row)) {
        w->census.uses_v128 = true;
    }
    if (h->sink->op == NULL || (h->is_checking && !h->is_live)) {
        return true;
    }
    w->op.opcode = (uint16_t) row->opcode;
    w->op.family = (uint8_t) row->family;
    w->op.sub = (uint8_t) row->sub;
    w->op.type = (uint8_t) row->type;
    w->op.at = h->at;
    w->op.next = h->p;
    return h->sink->op(h->context, &w->op);
}

// Integers that validation has seen. Copies of the cursor are what keeps h out of memory.
WJ_WALK_INLINE uint64_t wj_walk_trusted_u(struct wj_walk_hot *h)
{
    const uint8_t *p = h->p;
    uint64_t value = wj_leb_u64_trusted(&p);
    h->p = p;
    return value;
}

// Integers. The first byte of an operation's first immediate always lies in the body, because the
// body ends with an opcode that has none; `is_first` says that it is such an immediate.
WJ_WALK_INLINE bool wj_walk_u32(struct wj_walk *w, struct wj_walk_hot *h, bool is_first,
                                uint32_t *value)
{
    if (!h->is_checking) {
        *value = (uint32_t) wj_walk_trusted_u(h);
        return true;
    }
    const uint8_t *p = h->p;
    if (wj_likely((is_first || p < h->limit) && *p < 0x80)) {
        *value = *p;
        h->p = p + 1;
        return true;
    }
    if (wj_likely(h->limit - p >= 2 && p[1] < 0x80)) {
        *value = (p[0] & 0x7f) | (uint32_t) p[1] << 7;
        h->p = p + 2;
        return true;
    }
    struct wj_leb leb = wj_walk_u32_slow(w, h->p);
    *value = (uint32_t) leb.value;
    h->p = leb.next;
    return leb.next != NULL;
}

// The same for indexes that linkers may have padded to five bytes.
WJ_WALK_INLINE bool wj_walk_linked_u32(struct wj_walk *w, struct wj_walk_hot *h, bool is_first,
                                       uint32_t *value)
{
    const uint8_t *p = h->p;
    if (h->is_checking && h->limit - p > 5 && (p[0] & p[1] & p[2] & p[3]) >= 0x80 && p[4] < 0x10) {
        *value = (p[0] & 0x7fu) | (p[1] & 0x7fu) << 7 | (p[2] & 0x7fu) << 14 |
                 (p[3] & 0x7fu) << 21 | (uint32_t) p[4] << 28;
        h->p = p + 5;
        return true;
    }
    return wj_walk_u32(w, h, is_first, value);
}

WJ_WALK_INLINE bool wj_walk_s(struct wj_walk *w, struct wj_walk_hot *h, unsigned bits,
                              int64_t *value)
{
    if (!h->is_checking) {
        const uint8_t *p = h->p;
        *value = wj_leb_s_trusted(&p);
        h->p = p;
        return true;
    }
    const uint8_t *p = h->p;
    if (wj_likely(*p < 0x80)) {
        *value = (int64_t) ((uint64_t) *p << 57) >> 57;
        h->p = p + 1;
        return true;
    }
    if (wj_likely(h->limit - p >= 2 && p[1] < 0x80)) {
        *value = (int64_t) (((uint64_t) p[1] << 7 | (p[0] & 0x7f)) << 50) >> 50;
        h->p = p + 2;
        return true;
    }
    struct wj_leb leb = wj_walk_s_slow(w, h->p, bits);
    *value = (int64_t) leb.value;
    h->p = leb.next;
    return leb.next != NULL;
}

// Copies `count` raw bytes.
WJ_WALK_INLINE bool wj_walk_raw(struct wj_walk *w, struct wj_walk_hot *h, void *to, size_t count)
{
    if (h->is_checking && wj_unlikely((size_t) (h->limit - h->p) < count)) {
        return wj_walk_fail(w, h->at, WJ_ERR_MALFORMED, "unexpected end of function body");
    }
    memcpy(to, h->p, count);
    h->p += count;
    return true;
}

// The type stack.
WJ_WALK_INLINE void wj_walk_push(struct wj_walk *w, struct wj_walk_hot *h, wj_valtype type)
{
    *h->sp++ = type;
    if (wj_unlikely(h->sp > w->stack_high)) {
        w->stack_high = h->sp;
    }
}

WJ_WALK_INLINE bool wj_walk_pop(struct wj_walk *w, struct wj_walk_hot *h, wj_valtype type)
{
    if (wj_likely(h->sp[-1] == type)) {
        h->sp--;
        return true;
    }
    h->sp = wj_walk_pop_slow(w, h->at, h->sp, type);
    return h->sp != NULL;
}

WJ_WALK_INLINE bool wj_walk_pop_list(struct wj_walk *w, struct wj_walk_hot *h,
                                     const wj_valtype *types, uint32_t count)
{
    if (wj_likely(count == 0)) {
        return true;
    }
    // Compared from the top, so that the floor is met before memory below it is read.
    for (uint32_t i = count; i > 0; i--) {
        if (wj_unlikely(h->sp[(ptrdiff_t) i - 1 - (ptrdiff_t) count] != types[i - 1])) {
            h->sp = wj_walk_pop_list_slow(w, h->at, h->sp, types, count);
            return h->sp != NULL;
        }
    }
    h->sp -= count;
    return true;
}

// One or two results have room, because the instruction has as many bytes.
WJ_WALK_INLINE bool wj_walk_push_results(struct wj_walk *w, struct wj_walk_hot *h,
                                         const wj_valtype *types, uint32_t count)
{
    if (wj_likely(count <= 1)) {
        if (count == 1) {
            wj_walk_push(w, h, types[0]);
        }
        return true;
    }
    h->sp = wj_walk_push_list(w, h->at, h->sp, types, count);
    return h->sp != NULL;
}

// Pops and pushes a row's fixed types. Two types are compared at once.
WJ_WALK_INLINE bool wj_walk_types(struct wj_walk *w, struct wj_walk_hot *h, uint32_t pops,
                                  uint32_t results)
{
    if (!h->is_checking) {
        return true;
    }
    unsigned pop_count = wj_sig_count(pops);
    bool is_equal = true;
    unsigned i = 0;
    for (; i + 2 <= pop_count; i += 2) {
        // Little-endian, as all machines that this is for.
        uint64_t pair;
        memcpy(&pair, h->sp + i - pop_count, sizeof pair);
        is_equal &= pair == (wj_sig_at(pops, i) | (uint64_t) wj_sig_at(pops, i + 1) << 32);
    }
    if (i < pop_count) {
        is_equal &= h->sp[(ptrdiff_t) i - (ptrdiff_t) pop_count] == wj_sig_at(pops, i);
    }
    if (wj_likely(is_equal)) {
        h->sp -= pop_count;
    } else {
        h->sp = wj_walk_pop_sig(w, h->at, h->sp, pops);
        if (h->sp == NULL) {
            return false;
        }
    }
    for (i = 0; i < wj_sig_count(results); i++) {
        *h->sp++ = wj_sig_at(results, i);
    }
    if (wj_sig_count(results) > pop_count && wj_unlikely(h->sp > w->stack_high)) {
        w->stack_high = h->sp;
    }
    return true;
}

WJ_WALK_INLINE bool wj_walk_check_feature(struct wj_walk *w, const struct wj_walk_hot *h,
                                          const struct wj_walk_row *row)
{
    if (h->is_checking && row->feature != WJ_FEATURE_MVP &&
        wj_unlikely((w->module->features & row->feature) == 0)) {
        return wj_walk_fail_feature(w, h->at, row->opcode);
    }
    return true;
}

// The operation calls the runtime: what is in caller-saved registers does not survive it.
WJ_WALK_INLINE void wj_walk_note_call(struct wj_walk *w, const struct wj_walk_hot *h)
{
    if (h->is_checking) {
        uint32_t sum = w->census.call_weight + w->weight;
        w->census.call_weight = sum < w->weight ? UINT32_MAX : sum;
        w->census.is_leaf = false;
    }
}

WJ_WALK_INLINE bool wj_walk_fixed(struct wj_walk *w, struct wj_walk_hot *h,
                                  const struct wj_walk_row *row)
{
    return wj_walk_types(w, h, row->pops, row->results) && wj_walk_emit(w, h, row);
}

WJ_WALK_INLINE bool wj_walk_const(struct wj_walk *w, struct wj_walk_hot *h,
                                  const struct wj_walk_row *row)
{
    int64_t number = 0;
    switch (row->imm) {
    case WJ_IMM_I32:
        if (!wj_walk_s(w, h, 32, &number)) {
            return false;
        }
        if (wj_walk_has_sink(h)) {
            w->op.bits = (uint32_t) number;
        }
        break;
    case WJ_IMM_I64:
        if (!wj_walk_s(w, h, 64, &number)) {
            return false;
        }
        if (wj_walk_has_sink(h)) {
            w->op.bits = (uint64_t) number;
        }
        break;
    case WJ_IMM_F32:
        w->op.bits = 0;
        if (!wj_walk_raw(w, h, &w->op.bits, 4)) {
            return false;
        }
        break;
    case WJ_IMM_F64:
        if (!wj_walk_raw(w, h, &w->op.bits, 8)) {
            return false;
        }
        break;
    default:
        if (!wj_walk_raw(w, h, w->op.v128, 16)) {
            return false;
        }
        break;
    }
    return wj_walk_fixed(w, h, row);
}

// Alignment in one byte and offset in one or two, for memory 0: without a branch on the length. The
// three bytes lie in the body, as an `end` at least follows the offset.
WJ_WALK_INLINE void wj_walk_memarg_fast(struct wj_walk *w, struct wj_walk_hot *h)
{
    const uint8_t *p = h->p;
    unsigned has_more = p[1] >> 7;
    if (wj_walk_has_sink(h)) {
        struct wj_memarg *memarg = &w->op.memarg;
        memarg->align_log2 = p[0];
        memarg->memory = 0;
        memarg->offset = (p[1] & 0x7fu) | (p[2] & (0u - has_more)) << 7;
    }
    h->p = p + 2 + has_more;
}

// Alignment and offset. *address_type is the memory's, meaningful in the checking form.
WJ_WALK_INLINE bool wj_walk_memarg(struct wj_walk *w, struct wj_walk_hot *h,
                                   const struct wj_walk_row *row, wj_valtype *address_type)
{
    bool is_atomic = row->feature == WJ_FEATURE_THREADS;
    const uint8_t *p = h->p;
    if (!h->is_checking) {
        *address_type = WJ_TYPE_BOTTOM;
        if (wj_likely(p[0] < 0x40 && (p[1] & p[2]) < 0x80)) {
            wj_walk_memarg_fast(w, h);
            return true;
        }
        struct wj_memarg *memarg = &w->op.memarg;
        uint32_t flags = (uint32_t) wj_walk_trusted_u(h);
        memarg->align_log2 = flags & 0x3f;
        memarg->memory = wj_unlikely(flags & 0x40) ? (uint32_t) wj_walk_trusted_u(h) : 0;
        memarg->offset = wj_walk_trusted_u(h);
        return true;
    }
    if (wj_unlikely(!w->census.uses_memory)) {
        wj_walk_note_memory(w);
    }
    bool is_align_good = is_atomic ? p[0] == row->width_log2 : p[0] <= row->width_log2;
    if (wj_likely(is_align_good && h->limit - p >= 3 && (p[1] & p[2]) < 0x80 &&
                  w->address_type != WJ_TYPE_BOTTOM)) {
        *address_type = w->address_type;
        wj_walk_memarg_fast(w, h);
        return true;
    }
    struct wj_leb leb = wj_walk_memarg_slow(w, h->at, p, row->width_log2, is_atomic);
    *address_type = (wj_valtype) leb.value;
    h->p = leb.next;
    return leb.next != NULL;
}

// Pops what lies above the address, then the address, and pushes the result. An address is always
// the first operand.
WJ_WALK_INLINE bool wj_walk_access_types(struct wj_walk *w, struct wj_walk_hot *h,
                                         const struct wj_walk_row *row, wj_valtype address_type)
{
    if (!h->is_checking) {
        return true;
    }
    unsigned pop_count = wj_sig_count(row->pops);
    bool is_equal = h->sp[-(ptrdiff_t) pop_count] == address_type;
    for (unsigned i = 1; i < pop_count; i++) {
        is_equal &= h->sp[(ptrdiff_t) i - (ptrdiff_t) pop_count] == wj_sig_at(row->pops, i);
    }
    if (wj_likely(is_equal)) {
        h->sp -= pop_count;
    } else {
        uint32_t sig = (row->pops & ~0xf0u) | address_type << 4;
        h->sp = wj_walk_pop_sig(w, h->at, h->sp, sig);
        if (h->sp == NULL) {
            return false;
        }
    }
    if (wj_sig_count(row->results) != 0) {
        *h->sp++ = wj_sig_at(row->results, 0);
    }
    return true;
}

WJ_WALK_INLINE unsigned wj_walk_lane_count(unsigned shape)
{
    switch ((enum wj_shape) shape) {
    case SHAPE_I8X16: return 16;
    case SHAPE_I16X8: return 8;
    case SHAPE_I32X4:
    case SHAPE_F32X4: return 4;
    case SHAPE_I64X2:
    case SHAPE_F64X2: return 2;
    }
    return 0;
}

WJ_WALK_INLINE bool wj_walk_lane(struct wj_walk *w, struct wj_walk_hot *h,
                                 const struct wj_walk_row *row)
{
    if (!wj_walk_raw(w, h, &w->op.lane, 1)) {
        return false;
    }
    if (h->is_checking && wj_unlikely(w->op.lane >= wj_walk_lane_count(row->type))) {
        return wj_walk_fail(w, h->at, WJ_ERR_INVALID, "%s: invalid lane index %u",
                            wj_opcode_name(row->opcode), w->op.lane);
    }
    return true;
}

// Loads, stores, atomics, with or without a lane.
WJ_WALK_INLINE bool wj_walk_access(struct wj_walk *w, struct wj_walk_hot *h,
                                   const struct wj_walk_row *row)
{
    wj_valtype address_type;
    if (!wj_walk_memarg(w, h, row, &address_type)) {
        return false;
    }
    if (row->imm == WJ_IMM_MEMARG_LANE && !wj_walk_lane(w, h, row)) {
        return false;
    }
    if (wj_walk_has_sink(h)) {
        w->op.width_log2 = (uint8_t) row->width_log2;
    }
    return wj_walk_access_types(w, h, row, address_type) && wj_walk_emit(w, h, row);
}

WJ_WALK_INLINE bool wj_walk_atomic_other(struct wj_walk *w, struct wj_walk_hot *h,
                                         const struct wj_walk_row *row)
{
    if (row->imm != WJ_IMM_ZERO) {
        wj_walk_note_call(w, h);
        return wj_walk_access(w, h, row);
    }
    uint8_t zero = 0;
    if (!wj_walk_raw(w, h, &zero, 1)) {
        return false;
    }
    if (h->is_checking && zero != 0) {
        return wj_walk_fail(w, h->at, WJ_ERR_MALFORMED, "zero byte expected, not 0x%02x", zero);
    }
    return wj_walk_emit(w, h, row);
}

WJ_WALK_INLINE bool wj_walk_lane_access(struct wj_walk *w, struct wj_walk_hot *h,
                                        const struct wj_walk_row *row)
{
    return wj_walk_lane(w, h, row) && wj_walk_fixed(w, h, row);
}

WJ_WALK_INLINE bool wj_walk_shuffle(struct wj_walk *w, struct wj_walk_hot *h,
                                    const struct wj_walk_row *row)
{
    if (!wj_walk_raw(w, h, w->op.v128, 16)) {
        return false;
    }
    if (h->is_checking) {
        for (unsigned i = 0; i < 16; i++) {
            if (wj_unlikely(w->op.v128[i] >= 32)) {
                return wj_walk_fail(w, h->at, WJ_ERR_INVALID,
                                    "i8x16.shuffle: invalid lane index %u", w->op.v128[i]);
            }
        }
    }
    return wj_walk_fixed(w, h, row);
}

WJ_WALK_INLINE bool wj_walk_parametric(struct wj_walk *w, struct wj_walk_hot *h,
                                       const struct wj_walk_row *row)
{
    if (row->sub == PARAMETRIC_DROP) {
        if (h->is_checking) {
            if (wj_likely(h->sp[-1] != WJ_WALK_FLOOR)) {
                h->sp--;
            } else {
                wj_valtype type;
                h->sp = wj_walk_pop_any(w, h->at, h->sp, &type);
                if (h->sp == NULL) {
                    return false;
                }
            }
        }
        return wj_walk_emit(w, h, row);
    }
    w->op.valtype = WJ_TYPE_BOTTOM;
    if (row->imm == WJ_IMM_SELECT_TYPES) {
        h->p = wj_walk_select_type(w, h->p);
        if (h->p == NULL) {
            return false;
        }
    }
    if (h->is_checking) {
        wj_valtype type = h->sp[-2];
        if (wj_likely(row->imm == WJ_IMM_NONE && h->sp[-1] == WJ_TYPE_I32 && type == h->sp[-3] &&
                      type >= WJ_TYPE_I32 && type <= WJ_TYPE_V128)) {
            h->sp -= 2;
        } else {
            h->sp = wj_walk_select_slow(w, h->at, h->sp);
            if (h->sp == NULL) {
                return false;
            }
        }
    }
    return wj_walk_emit(w, h, row);
}

WJ_WALK_INLINE void wj_walk_note_local(struct wj_walk *w, uint32_t index, bool is_write)
{
    struct wj_walk_slot *slot = &w->scratch->slots[index];
    if (is_write && slot->weight == 0 && w->depth == 0) {
        w->census_locals[index].is_set_first = w->weight != 0;
    }
    uint32_t sum = slot->weight + w->weight;
    slot->weight = sum < w->weight ? UINT32_MAX : sum;
}

WJ_WALK_INLINE bool wj_walk_local_index(struct wj_walk *w, struct wj_walk_hot *h, uint32_t *index)
{
    if (!wj_walk_u32(w, h, true, index)) {
        return false;
    }
    if (wj_walk_has_sink(h)) {
        w->op.index = *index;
    }
    if (h->is_checking && wj_unlikely(*index >= w->local_count)) {
        return wj_walk_fail_index(w, h->at, "local", *index);
    }
    return true;
}

WJ_WALK_INLINE bool wj_walk_local_get(struct wj_walk *w, struct wj_walk_hot *h,
                                      const struct wj_walk_row *row)
{
    uint32_t index;
    if (!wj_walk_local_index(w, h, &index)) {
        return false;
    }
    if (h->is_checking) {
        wj_walk_note_local(w, index, false);
        wj_valtype type = w->locals[index];
        if (wj_unlikely(type == WJ_TYPE_BOTTOM)) {
            return wj_walk_fail(w, h->at, WJ_ERR_INVALID, "uninitialized local %u", index);
        }
        wj_walk_push(w, h, type);
    }
    return wj_walk_emit(w, h, row);
}

// A quarter of all operations: half of them are followed by another or by a constant, and so go on
// without dispatch.
WJ_WALK_INLINE bool wj_walk_local_gets(struct wj_walk *w, struct wj_walk_hot *h,
                                       const struct wj_walk_row *row)
{
    static const struct wj_walk_row i32_const = {
        .opcode = WJ_OP_I32_CONST,
        .imm = WJ_IMM_I32,
        .results = 1 | WJ_SIG_I32 << 4,
        .family = FAM_CONST,
        .type = NUM_I32,
    };
    for (;;) {
        if (!wj_walk_local_get(w, h, row)) {
            return false;
        }
        if (h->is_checking && wj_unlikely(h->p >= h->limit)) {
            return true; // which fails at the next step
        }
        if (*h->p == WJ_WALK_CODE_I32_CONST) {
            h->at = h->p++;
            return wj_walk_const(w, h, &i32_const);
        }
        if (*h->p != WJ_WALK_CODE_LOCAL_GET) {
            return true;
        }
        h->at = h->p++;
    }
}

WJ_WALK_INLINE bool wj_walk_local(struct wj_walk *w, struct wj_walk_hot *h,
                                  const struct wj_walk_row *row)
{
    if (row->sub == LOCAL_GET) {
        return wj_walk_local_gets(w, h, row);
    }
    uint32_t index;
    if (!wj_walk_local_index(w, h, &index)) {
        return false;
    }
    if (h->is_checking) {
        wj_walk_note_local(w, index, true);
        wj_valtype type = w->local_types[index];
        if (!wj_walk_pop(w, h, type)) {
            return false;
        }
        if (wj_unlikely(w->locals[index] == WJ_TYPE_BOTTOM)) {
            w->locals[index] = type;
            w->scratch->inits[w->init_count++] = index;
        }
        if (row->sub == LOCAL_TEE) {
            wj_walk_push(w, h, type);
        }
    }
    return wj_walk_emit(w, h, row);
}

WJ_WALK_INLINE bool wj_walk_global(struct wj_walk *w, struct wj_walk_hot *h,
                                   const struct wj_walk_row *row)
{
    uint32_t index;
    if (!wj_walk_linked_u32(w, h, true, &index)) {
        return false;
    }
    w->op.index = index;
    if (h->is_checking) {
        if (wj_unlikely(index >= w->module->global_count)) {
            return wj_walk_fail_index(w, h->at, "global", index);
        }
        const struct wj_global_type *type = &w->module->globals[index].type;
        w->census.uses_v128 |= type->type == WJ_TYPE_V128;
        if (row->sub == GLOBAL_GET) {
            wj_walk_push(w, h, type->type);
        } else {
            if (wj_unlikely(!type->is_mutable)) {
                return wj_walk_fail(w, h->at, WJ_ERR_INVALID, "global %u is immutable", index);
            }
            if (!wj_walk_pop(w, h, type->type)) {
                return false;
            }
        }
    }
    return wj_walk_emit(w, h, row);
}

WJ_WALK_INLINE bool wj_walk_ref(struct wj_walk *w, struct wj_walk_hot *h,
                                const struct wj_walk_row *row)
{
    wj_valtype type = WJ_TYPE_BOTTOM;
    if (row->sub == REF_NULL) {
        h->p = wj_walk_heap_type(w, h->p);
        if (h->p == NULL) {
            return false;
        }
    } else if (row->sub == REF_FUNC) {
        if (!wj_walk_u32(w, h, true, &w->op.index)) {
            return false;
        }
        wj_walk_note_call(w, h);
    }
    if (!h->is_checking) {
        return wj_walk_emit(w, h, row);
    }
    switch ((enum wj_ref_op) row->sub) {
    case REF_NULL: wj_walk_push(w, h, (wj_valtype) w->op.bits); break;
    case REF_IS_NULL:
        h->sp = wj_walk_pop_ref(w, h->at, h->sp, &type);
        if (h->sp == NULL) {
            return false;
        }
        wj_walk_push(w, h, WJ_TYPE_I32);
        break;
    case REF_FUNC: {
        uint32_t index = w->op.index;
        if (index >= w->module->func_count) {
            return wj_walk_fail_index(w, h->at, "function", index);
        }
        if (!w->module->funcs[index].is_declared) {
            return wj_walk_fail(w, h->at, WJ_ERR_INVALID, "undeclared function reference %u",
                                index);
        }
        wj_walk_push(w, h, WJ_TYPE_CONCRETE_REF(w->module->funcs[index].type_id, false));
        break;
    }
    case REF_AS_NON_NULL:
        h->sp = wj_walk_pop_ref(w, h->at, h->sp, &type);
        if (h->sp == NULL) {
            return false;
        }
        wj_walk_push(w, h, type & ~WJ_TYPE_NULLABLE_BIT);
        break;
    case REF_EQ:
        if (!wj_walk_pop(w, h, WJ_TYPE_ABSTRACT_REF(WJ_HEAP_EQ, true)) ||
            !wj_walk_pop(w, h, WJ_TYPE_ABSTRACT_REF(WJ_HEAP_EQ, true))) {
            return false;
        }
        wj_walk_push(w, h, WJ_TYPE_I32);
        break;
    }
    return wj_walk_emit(w, h, row);
}

// Exceptions and GC: known, so that the message names the instruction, and refused.
WJ_WALK_INLINE bool wj_walk_unsupported(struct wj_walk *w, struct wj_walk_hot *h,
                                        const struct wj_walk_row *row)
{
    return wj_walk_fail(w, h->at, WJ_ERR_UNSUPPORTED, "%s: not yet supported",
                        wj_opcode_name(row->opcode));
}

#endif
