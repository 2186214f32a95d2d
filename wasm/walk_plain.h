// Plain operations: constants, locals, arithmetic, loads, stores and br_if, which are five of six.
// What they check differs in numbers only, so validation walks them all with one piece of code: no
// branch in it depends on which one it is, since that is what processors cannot predict. Whatever
// is unusual about one is left to its ordinary handler, with nothing changed. Included by walk.h
// alone.
#ifndef WASM_WALK_PLAIN_H
#define WASM_WALK_PLAIN_H

#include <string.h>

#include "wasm/walk_state.h"

// A constant for each row of opcodes.def.
#define WJ_WALK_IS_PLAIN(family, sub, feature)                                       \
    ((feature) == WJ_FEATURE_MVP &&                                                  \
     ((family) == FAM_LOCAL || ((family) >= FAM_CONST && (family) <= FAM_CONVERT) || \
      ((family) == FAM_CONTROL && (unsigned) (sub) == CONTROL_BR_IF)))

// The immediates that may have more bytes than one, or two with an alignment.
enum wj_walk_plain_long { LONG_I32, LONG_I64, LONG_F32, LONG_F64, LONG_OFFSET };

struct wj_walk_plain_row {
    uint8_t kind;      // enum wj_walk_plain_kind
    uint8_t long_kind; // enum wj_walk_plain_long
    int8_t no_index;   // -1 where the first immediate byte is no index, else 0
    uint8_t result;    // its type; 0 without one, and where it is the local's
    int8_t put;        // where the result goes, from the stack pointer
    int8_t move;       // of the stack pointer
    bool is_push;      // the stack may be deeper than ever afterwards
    uint8_t unused;
};

struct wj_walk_plain_table {
    uint8_t shifts[256];    // 8 * the size: on it depends where the next opcode is
    uint8_t sizes[256];     // in bytes, of the short form
    uint32_t more[256];     // the bit of the first four bytes that says that it is not short
    uint64_t operands[256]; // their types, the upper one in the low half
    uint64_t masks[256];    // of those that there are
    struct wj_walk_plain_row rows[256];
};
extern const struct wj_walk_plain_table wj_walk_plain_table __attribute__((visibility("hidden")));

// The end of an operation with a long immediate; NULL: the ordinary handler finds it.
WJ_WALK_INLINE const uint8_t *wj_walk_plain_end(const struct wj_walk *w, const uint8_t *p,
                                                uint64_t bytes, unsigned long_kind)
{
    static const struct {
        uint64_t stops;     // bits that say that the byte is the last one; 0: of a fixed size
        uint8_t size_bytes; // the fixed one, or the largest one for which every value is good
        uint8_t size_max;   // the largest one for which some are: those whose last byte plus
        uint8_t bias;       // this is, modulo 128, below 16
    } longs[] = {
        [LONG_I32] = {0x8080808080808000u, 5, 6, 8},
        [LONG_I64] = {0x8080808080808000u, 7, 7, 0},
        [LONG_F32] = {0, 5, 5, 0},
        [LONG_F64] = {0, 9, 9, 0},
        [LONG_OFFSET] = {0x8080808080800000u, 6, 7, 0},
    };
    unsigned size = longs[long_kind].size_bytes;
    if (longs[long_kind].stops != 0) {
        // The top bit stands for all ends that are further away.
        uint64_t stops = (~bytes & longs[long_kind].stops) | 1ull << 63;
        size = 1 + ((unsigned) __builtin_ctzll(stops) >> 3);
    }
    const uint8_t *next = p + size;
    bool is_good =
        size <= longs[long_kind].size_bytes ||
        (size <= longs[long_kind].size_max && ((next[-1] + longs[long_kind].bias) & 0x7f) < 16);
    return is_good && next < w->limit ? next : NULL;
}

// Walks the plain operation before h->p, whose opcode is *code, and sets *code to the next one.
// False: nothing was done.
WJ_WALK_INLINE bool wj_walk_plain(struct wj_walk *w, struct wj_walk_hot *h, uint8_t *code)
{
    const uint8_t *p = h->p - 1;
    if (wj_unlikely(p >= w->plain.stop)) {
        return false;
    }
    // The next opcode out of a register: a load of it would have to wait for its address.
    const struct wj_walk_plain_table *table = &wj_walk_plain_table;
    size_t op = *code;
    const struct wj_walk_plain_row *row = &table->rows[op];
    uint64_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    uint8_t next_code = (uint8_t) (bytes >> table->shifts[op]);
    const uint8_t *next = p + table->sizes[op];
    if (wj_unlikely((bytes & table->more[op]) != 0)) {
        next = wj_walk_plain_end(w, p, bytes, row->long_kind);
        if (next == NULL) {
            return false;
        }
        next_code = *next;
    }
    int32_t first = p[1];
    if (wj_unlikely(first > w->plain.first_max[row->kind])) {
        return false;
    }
    struct wj_walk_slot *slot = w->plain.slots[row->kind] + (int64_t) (first | row->no_index);
    wj_valtype *sp = h->sp;
    uint64_t operands = (uint64_t) sp[-2] << 32 | (sp[-1] ^ slot->type);
    if (wj_unlikely(((operands ^ table->operands[op]) & table->masks[op]) != 0)) {
        return false;
    }
    if (wj_unlikely(slot->weight == 0) && w->depth == 0) {
        return false; // is it set first?
    }
    uint32_t weight;
    if (wj_unlikely(__builtin_add_overflow(slot->weight, w->weight, &weight))) {
        weight = UINT32_MAX;
    }
    slot->weight = weight;
    sp[row->put] = row->result | slot->type;
    h->sp = sp + row->move;
    if (wj_unlikely(h->sp > w->stack_high) && row->is_push) {
        w->stack_high = h->sp;
    }
    h->p = next;
    *code = next_code;
    return true;
}

#endif
