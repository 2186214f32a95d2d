// One more walk through a function that is compiled with --deterministic. A value that is set into
// a local is judged by the operation just before: more is seldom needed, and less is never wrong.
// What uses a local is found by a stack of operands that knows of each which local it came from.
#include "jit/raw.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/walk.h"

// Of a local beside WJ_RAW_*: it held something else as well, whose bits count; something may see
// its bits.
#define SEEN_EXACT 0x01u
#define SEEN_BITS 0x02u

enum { ROUNDS_MAX = 8 };

enum { OPERANDS_MAX = 64 };
#define NO_LOCAL UINT32_MAX

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
    uint8_t *seen;  // per life: WJ_RAW_*, SEEN_EXACT, SEEN_BITS
    uint32_t *life; // per local: the current one
    uint32_t life_count;
    uint32_t label_depth;
    uint8_t raw; // of the last operation's result
    uint8_t origin;
    uint32_t local;                  // as the life that it is in, like all below
    uint32_t operands[OPERANDS_MAX]; // the top ones: each a local or NO_LOCAL
    uint32_t operand_count;          // what lies below these counts as seen
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

static void see_bits(struct raw_scan *scan, uint32_t local)
{
    if (local != NO_LOCAL) {
        scan->seen[local] |= SEEN_BITS;
    }
}

static void see_all_operands(struct raw_scan *scan)
{
    while (scan->operand_count != 0) {
        see_bits(scan, scan->operands[--scan->operand_count]);
    }
}

static uint32_t pop_operand(struct raw_scan *scan)
{
    return scan->operand_count == 0 ? NO_LOCAL : scan->operands[--scan->operand_count];
}

static void push_operand(struct raw_scan *scan, uint32_t local)
{
    if (scan->operand_count == OPERANDS_MAX) {
        see_all_operands(scan);
    }
    scan->operands[scan->operand_count++] = local;
}

// An operation with one result, or none.
static void use_operands(struct raw_scan *scan, unsigned count, bool sees_bits, bool has_result)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t local = pop_operand(scan);
        if (sees_bits) {
            see_bits(scan, local);
        }
    }
    if (has_result) {
        push_operand(scan, NO_LOCAL);
    }
}

static void scan_operands(struct raw_scan *scan, const struct wj_op *op)
{
    switch ((enum wj_family) op->family) {
    case FAM_CONST: use_operands(scan, 0, false, true); return;
    case FAM_LOAD:
    case FAM_IUNARY:
    case FAM_IEQZ: use_operands(scan, 1, false, true); return;
    case FAM_IBINARY:
    case FAM_ICOMPARE:
    case FAM_FCOMPARE: use_operands(scan, 2, false, true); return;
    case FAM_STORE: use_operands(scan, 2, true, false); return;
    case FAM_FUNARY: use_operands(scan, 1, op->sub == FUN_ABS || op->sub == FUN_NEG, true); return;
    case FAM_FBINARY: use_operands(scan, 2, op->sub == FBIN_COPYSIGN, true); return;
    case FAM_CONVERT:
        use_operands(scan, 1,
                     op->sub == CVT_I32_REINTERPRET_F32 || op->sub == CVT_I64_REINTERPRET_F64,
                     true);
        return;
    case FAM_PARAMETRIC:
        if (op->sub == PARAMETRIC_SELECT) {
            use_operands(scan, 3, true, true);
        } else {
            pop_operand(scan);
        }
        return;
    default: see_all_operands(scan); return; // its results are among what counts as seen
    }
}

// Of a local that is set: a copy of another one, whose bits it may show.
static void set_operand(struct raw_scan *scan, const struct wj_op *op)
{
    uint32_t from = pop_operand(scan);
    if (scan->origin != ORIGIN_LOCAL || scan->local != from) {
        see_bits(scan, from);
    }
    if (op->sub == LOCAL_TEE) {
        push_operand(scan, from);
    }
}

static bool see_local(struct raw_scan *scan, const struct wj_op *op)
{
    if (op->sub == LOCAL_GET) {
        push_operand(scan, scan->life[op->index]);
    } else {
        set_operand(scan, op);
        if (wj_raw_begins_life(op, scan->label_depth)) {
            scan->life[op->index] = scan->life_count;
            scan->seen[scan->life_count++] = 0;
        }
        uint32_t to = scan->life[op->index];
        uint8_t *seen = &scan->seen[to];
        switch ((enum origin_kind) scan->origin) {
        case ORIGIN_EXACT: *seen |= SEEN_EXACT; break;
        case ORIGIN_NEUTRAL: break;
        case ORIGIN_RAW: *seen |= scan->raw; break;
        case ORIGIN_LOCAL:
            if (scan->local != to && !add_copy(scan, to, scan->local)) {
                scan->failed = true;
                return false;
            }
            break;
        }
    }
    scan->origin = op->sub == LOCAL_SET ? ORIGIN_EXACT : ORIGIN_LOCAL;
    scan->local = scan->life[op->index];
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
    scan_operands(scan, op);
    scan->origin = ORIGIN_EXACT;
    switch ((enum wj_family) op->family) {
    case FAM_CONTROL:
        if (op->sub == CONTROL_BLOCK || op->sub == CONTROL_LOOP || op->sub == CONTROL_IF) {
            scan->label_depth++;
        } else if (op->sub == CONTROL_END) {
            scan->label_depth--;
        }
        break;
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

// What a local held its copies held, and what saw them saw it. Long chains in the wrong order are
// not followed to their end: then all copies count as exact, and as seen.
static void spread(struct raw_scan *scan)
{
    bool is_changed = scan->copy_count != 0;
    for (unsigned round = 0; is_changed && round < ROUNDS_MAX; round++) {
        is_changed = false;
        for (size_t i = 0; i < scan->copy_count; i++) {
            uint8_t *to = &scan->seen[scan->copies[i].to];
            uint8_t *from = &scan->seen[scan->copies[i].from];
            uint8_t held = *from & (uint8_t) ~SEEN_BITS & (uint8_t) ~*to;
            uint8_t saw = *to & SEEN_BITS & (uint8_t) ~*from;
            is_changed |= held != 0 || saw != 0;
            *to |= held;
            *from |= saw;
        }
    }
    for (size_t i = 0; is_changed && i < scan->copy_count; i++) {
        scan->seen[scan->copies[i].to] |= SEEN_EXACT | SEEN_BITS;
        scan->seen[scan->copies[i].from] |= SEEN_BITS;
    }
}

size_t wj_raw_lives_max(const struct wj_func *func)
{
    enum { SET_BYTES_MIN = 2 };
    return (size_t) func->census.local_count + func->code_size_bytes / SET_BYTES_MIN;
}

static uint8_t conclude(uint8_t seen)
{
    uint8_t held = seen & (uint8_t) ~SEEN_BITS;
    if (held == WJ_RAW_F32 || held == WJ_RAW_F64) {
        return held;
    }
    return (held & WJ_RAW_ANY) != 0 && (seen & SEEN_BITS) == 0 ? WJ_RAW_UNSEEN : WJ_RAW_NONE;
}

bool wj_raw_locals(const struct wj_module *module, uint32_t func_index,
                   struct wj_walk_scratch *scratch, uint8_t *raw, struct wj_err *err)
{
    const struct wj_func *func = &module->funcs[func_index];
    uint32_t local_count = func->census.local_count;
    uint32_t *life = malloc(((size_t) local_count + 1) * sizeof *life);
    if (life == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, func->code_offset, "out of memory while compiling");
    }
    for (uint32_t i = 0; i < local_count; i++) {
        life[i] = i;
        raw[i] = i < func->type->param_count ? SEEN_EXACT : 0;
    }
    struct raw_scan scan = {.seen = raw,
                            .life = life,
                            .life_count = local_count,
                            .label_depth = 1,
                            .origin = ORIGIN_EXACT};
    struct wj_walk_request walk = {.module = module, .func_index = func_index, .scratch = scratch};
    bool ok = wj_walk_func_body(&walk, &RAW_SINK, &scan, err, false);
    if (scan.failed) {
        ok = wj_err_set(err, WJ_ERR_NOMEM, func->code_offset, "out of memory while compiling");
    }
    if (ok) {
        spread(&scan);
    }
    free(scan.copies);
    free(life);
    assert(scan.life_count <= wj_raw_lives_max(func));
    for (uint32_t i = 0; i < scan.life_count; i++) {
        raw[i] = conclude(raw[i]);
    }
    return ok;
}
