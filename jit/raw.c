// One more walk through a function that is compiled with --deterministic. A value that is set into
// a local is judged by the operation just before: more is seldom needed, and less is never wrong.
#include "jit/raw.h"

#include <stdlib.h>
#include <string.h>

#include "wasm/walk.h"

// A local of which something else was seen as well: its bits count.
#define SEEN_EXACT 0x01u

enum { ROUNDS_MAX = 8 };

enum origin_kind {
    ORIGIN_EXACT,   // bits as they were made or loaded
    ORIGIN_NEUTRAL, // no NaN at all
    ORIGIN_RAW,     // of arithmetic: `raw`
    ORIGIN_LOCAL,   // of another local
};

struct copy {
    uint32_t to, from;
};

struct raw_scan {
    uint8_t *seen; // per local: WJ_RAW_* and SEEN_EXACT
    uint8_t raw;   // of the last operation's result
    uint8_t origin;
    uint32_t local;
    struct copy *copies;
    size_t copy_count, copy_capacity;
    bool failed;
};

static uint8_t raw_of_num(unsigned num)
{
    return num == NUM_F32 ? WJ_RAW_F32 : WJ_RAW_F64;
}

static bool add_copy(struct raw_scan *scan, uint32_t to, uint32_t from)
{
    if (scan->copy_count == scan->copy_capacity) {
        size_t capacity = scan->copy_capacity * 2 + 64;
        struct copy *grown = realloc(scan->copies, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        scan->copies = grown;
        scan->copy_capacity = capacity;
    }
    scan->copies[scan->copy_count++] = (struct copy){to, from};
    return true;
}

static bool see_local(struct raw_scan *scan, const struct wj_op *op)
{
    if (op->sub != LOCAL_GET) {
        uint8_t *seen = &scan->seen[op->index];
        switch ((enum origin_kind) scan->origin) {
        case ORIGIN_EXACT: *seen |= SEEN_EXACT; break;
        case ORIGIN_NEUTRAL: break;
        case ORIGIN_RAW: *seen |= scan->raw; break;
        case ORIGIN_LOCAL:
            if (scan->local != op->index && (*seen & SEEN_EXACT) == 0 &&
                !add_copy(scan, op->index, scan->local)) {
                scan->failed = true;
                return false;
            }
            break;
        }
    }
    scan->origin = op->sub == LOCAL_SET ? ORIGIN_EXACT : ORIGIN_LOCAL;
    scan->local = op->index;
    return true;
}

static bool f32_is_nan(uint32_t bits)
{
    return (bits & 0x7fffffffu) > 0x7f800000u;
}

static bool f64_is_nan(uint64_t bits)
{
    return (bits & INT64_MAX) > UINT64_C(0x7ff0000000000000);
}

bool wj_raw_is_neutral(unsigned num, uint64_t bits, const uint8_t *v128)
{
    if (num == NUM_F32 || num == NUM_F64) {
        return num == NUM_F32 ? !f32_is_nan((uint32_t) bits) : !f64_is_nan(bits);
    }
    for (unsigned i = 0; num == NUM_V128 && i < 2; i++) {
        memcpy(&bits, v128 + 8 * i, 8);
        if (f64_is_nan(bits) || f32_is_nan((uint32_t) bits) ||
            f32_is_nan((uint32_t) (bits >> 32))) {
            return false;
        }
    }
    return num == NUM_V128;
}

static bool cvt_makes_raw(enum wj_cvt cvt)
{
    return cvt == CVT_F32_DEMOTE_F64 || cvt == CVT_F64_PROMOTE_F32;
}

static void see_vector(struct raw_scan *scan, const struct wj_op *op)
{
    bool is_made;
    switch ((enum wj_family) op->family) {
    case FAM_VUNARY:
        is_made = op->sub == VUN_CEIL || op->sub == VUN_FLOOR || op->sub == VUN_TRUNC ||
                  op->sub == VUN_NEAREST || op->sub == VUN_SQRT;
        break;
    case FAM_VBINARY:
        is_made = op->sub == VBIN_ADD || op->sub == VBIN_SUB || op->sub == VBIN_MUL ||
                  op->sub == VBIN_DIV || op->sub == VBIN_MIN || op->sub == VBIN_MAX;
        break;
    default: is_made = op->sub == VTERN_RELAXED_MADD || op->sub == VTERN_RELAXED_NMADD; break;
    }
    if (is_made && (op->type == SHAPE_F32X4 || op->type == SHAPE_F64X2)) {
        scan->origin = ORIGIN_RAW;
        scan->raw = op->type == SHAPE_F32X4 ? WJ_RAW_F32 : WJ_RAW_F64;
    }
}

static __attribute__((noinline)) bool scan_op(void *context, const struct wj_op *op)
{
    struct raw_scan *scan = context;
    if (op->family == FAM_LOCAL) {
        return see_local(scan, op);
    }
    scan->origin = ORIGIN_EXACT;
    switch ((enum wj_family) op->family) {
    case FAM_CONST:
        if (wj_raw_is_neutral(op->type, op->bits, op->v128)) {
            scan->origin = ORIGIN_NEUTRAL;
        }
        break;
    case FAM_FUNARY:
        if (op->sub != FUN_ABS && op->sub != FUN_NEG) {
            scan->origin = ORIGIN_RAW;
            scan->raw = raw_of_num(op->type);
        }
        break;
    case FAM_FBINARY:
        if (op->sub != FBIN_COPYSIGN) {
            scan->origin = ORIGIN_RAW;
            scan->raw = raw_of_num(op->type);
        }
        break;
    case FAM_CONVERT:
        if (cvt_makes_raw((enum wj_cvt) op->sub)) {
            scan->origin = ORIGIN_RAW;
            scan->raw = raw_of_num(op->type);
        } else if (op->sub >= CVT_F32_CONVERT_I32_S && op->sub <= CVT_F64_CONVERT_I64_U) {
            scan->origin = ORIGIN_NEUTRAL;
        }
        break;
    case FAM_VUNARY:
    case FAM_VBINARY:
    case FAM_VTERNARY: see_vector(scan, op); break;
    default: break;
    }
    return true;
}

static const struct wj_sink RAW_SINK = {NULL, scan_op, NULL};

// What was seen of a local was seen of its copies. Long chains in the wrong order are not followed
// to their end: then all copies count as exact.
static void spread(struct raw_scan *scan)
{
    bool is_changed = scan->copy_count != 0;
    for (unsigned round = 0; is_changed && round < ROUNDS_MAX; round++) {
        is_changed = false;
        for (size_t i = 0; i < scan->copy_count; i++) {
            uint8_t *to = &scan->seen[scan->copies[i].to];
            uint8_t both = *to | scan->seen[scan->copies[i].from];
            is_changed |= both != *to;
            *to = both;
        }
    }
    for (size_t i = 0; is_changed && i < scan->copy_count; i++) {
        scan->seen[scan->copies[i].to] |= SEEN_EXACT;
    }
}

bool wj_raw_locals(const struct wj_module *module, uint32_t func_index,
                   struct wj_walk_scratch *scratch, uint8_t *raw, struct wj_err *err)
{
    const struct wj_func *func = &module->funcs[func_index];
    memset(raw, 0, func->census.local_count);
    memset(raw, SEEN_EXACT, func->type->param_count);
    struct raw_scan scan = {.seen = raw, .origin = ORIGIN_EXACT};
    struct wj_walk_request walk = {.module = module, .func_index = func_index, .scratch = scratch};
    bool ok = wj_walk_func_body(&walk, &RAW_SINK, &scan, err, false);
    if (scan.failed) {
        ok = wj_err_set(err, WJ_ERR_NOMEM, func->code_offset, "out of memory while compiling");
    }
    if (ok) {
        spread(&scan);
    }
    free(scan.copies);
    for (uint32_t i = 0; i < func->census.local_count; i++) {
        if (raw[i] != WJ_RAW_F32 && raw[i] != WJ_RAW_F64) {
            raw[i] = WJ_RAW_NONE;
        }
    }
    return ok;
}
