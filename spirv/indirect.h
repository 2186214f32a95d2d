// Calls through tables, and the calls that turned out to be none for the device.
#ifndef SPIRV_INDIRECT_H
#define SPIRV_INDIRECT_H

#include "spirv/translate.h"

// A call that is not made: of a function that cannot be translated, or that would close a cycle.
struct wj_spv_barred {
    const struct wj_spv_barred *next;
    uint32_t from; // UINT32_MAX: whoever calls
    uint32_t to;
    struct wj_err why;
};

bool wj_spv_is_barred(const struct wj_spv_barred *barred, uint32_t from, uint32_t to);
// False, with the reason, where a direct call is barred.
bool wj_spv_check_barred(struct wj_spv_translator *t, const struct wj_op *op);
// The index of an entry, in 32 bits: one that needs more is one that no table has.
uint32_t wj_spv_table_index(struct wj_spv_translator *t, struct wj_spv_value value);
// A call_indirect on these operands, of which the first is filled in.
bool wj_spv_call_indirect(struct wj_spv_translator *t, const struct wj_op *op, uint32_t *operands,
                          uint32_t index, uint32_t *result);

#endif
