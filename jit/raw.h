// With --deterministic, NaNs that arithmetic makes become canonical where bits are seen, not where
// they are made: until then a value is raw. This finds the locals that only ever hold raw values.
#ifndef JIT_RAW_H
#define JIT_RAW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wasm/walk_state.h"

// What is raw, as bits in an entry of the operand stack (`aux`, above what others keep there) and
// in a local. A v128 is raw in the lanes of one shape; its other lanes would not be floats.
enum wj_raw {
    WJ_RAW_NONE = 0,
    WJ_RAW_F32 = 0x40,
    WJ_RAW_F64 = 0x80,
    WJ_RAW_ANY = WJ_RAW_F32 | WJ_RAW_F64,
    // Of a local alone: it may hold raw values and others, since nothing sees their bits.
    WJ_RAW_UNSEEN = 0x01,
};

// No NaN, whichever floats the bits are taken for: raw and canonical at once.
bool wj_raw_is_neutral(unsigned num, uint64_t bits, const uint8_t *v128);

// A local begins a new life where it is set outside of all blocks: no branch leads back before it.
// Compilers give one local to variables that have nothing to do with each other.
static inline bool wj_raw_begins_life(const struct wj_op *op, uint32_t label_depth)
{
    return label_depth == 1 && op->sub != LOCAL_GET;
}

// The most lives that the function's locals may have, all together.
size_t wj_raw_lives_max(const struct wj_func *func);

// Fills in raw[], for the locals of a validated function and then for each life that begins in the
// body, in order: WJ_RAW_NONE where the local may hold a value whose bits count, a parameter or
// what was loaded, and something may see them; WJ_RAW_UNSEEN where nothing does but arithmetic,
// comparisons and conversions of numbers.
bool wj_raw_locals(const struct wj_module *module, uint32_t func_index,
                   struct wj_walk_scratch *scratch, uint8_t *raw, struct wj_err *err);

#endif
