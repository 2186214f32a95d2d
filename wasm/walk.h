// The one walk through a function body. The checking form validates and takes the census; the
// trusting form only decodes a body that was validated. Both push live operations into a sink.
//
//     static const struct wj_sink my_sink = {my_begin, my_op, my_end};
//     return wj_walk_func_body(&request, &my_sink, my_context, err, false);
//
// instantiates it; with my_op inlined, family, sub and type of each operation are constants there.
#ifndef WASM_WALK_H
#define WASM_WALK_H

#include "wasm/walk_control.h"
#include "wasm/walk_plain.h"

// Which handler walks a family.
#define WJ_WALK_FAM_CONTROL wj_walk_control
#define WJ_WALK_FAM_CALL wj_walk_call
#define WJ_WALK_FAM_PARAMETRIC wj_walk_parametric
#define WJ_WALK_FAM_LOCAL wj_walk_local
#define WJ_WALK_FAM_GLOBAL wj_walk_global
#define WJ_WALK_FAM_TABLE wj_walk_table
#define WJ_WALK_FAM_MEMORY wj_walk_memory
#define WJ_WALK_FAM_REF wj_walk_ref
#define WJ_WALK_FAM_CONST wj_walk_const
#define WJ_WALK_FAM_LOAD wj_walk_access
#define WJ_WALK_FAM_STORE wj_walk_access
#define WJ_WALK_FAM_IUNARY wj_walk_fixed
#define WJ_WALK_FAM_IBINARY wj_walk_fixed
#define WJ_WALK_FAM_IEQZ wj_walk_fixed
#define WJ_WALK_FAM_ICOMPARE wj_walk_fixed
#define WJ_WALK_FAM_FUNARY wj_walk_fixed
#define WJ_WALK_FAM_FBINARY wj_walk_fixed
#define WJ_WALK_FAM_FCOMPARE wj_walk_fixed
#define WJ_WALK_FAM_CONVERT wj_walk_fixed
#define WJ_WALK_FAM_VSHUFFLE wj_walk_shuffle
#define WJ_WALK_FAM_VSPLAT wj_walk_fixed
#define WJ_WALK_FAM_VEXTRACT wj_walk_lane_access
#define WJ_WALK_FAM_VREPLACE wj_walk_lane_access
#define WJ_WALK_FAM_VUNARY wj_walk_fixed
#define WJ_WALK_FAM_VBINARY wj_walk_fixed
#define WJ_WALK_FAM_VTERNARY wj_walk_fixed
#define WJ_WALK_FAM_VTEST wj_walk_fixed
#define WJ_WALK_FAM_VSHIFT wj_walk_fixed
#define WJ_WALK_FAM_LOAD_LANE wj_walk_access
#define WJ_WALK_FAM_STORE_LANE wj_walk_access
#define WJ_WALK_FAM_ATOMIC_LOAD wj_walk_access
#define WJ_WALK_FAM_ATOMIC_STORE wj_walk_access
#define WJ_WALK_FAM_ATOMIC_RMW wj_walk_access
#define WJ_WALK_FAM_ATOMIC_OTHER wj_walk_atomic_other
#define WJ_WALK_FAM_WIDE wj_walk_fixed
#define WJ_WALK_FAM_EXCEPTION wj_walk_unsupported

// One case of the walk's switch: the handler with the row's constants.
#define WJ_WALK_CASE(name, code, text, imm, pops, results, family, sub, type, width, feature)  \
    case code: {                                                                               \
        if (wj_walk_is_validation(h) && WJ_WALK_IS_PLAIN(family, sub, WJ_FEATURE_##feature)) { \
            goto plain;                                                                        \
        }                                                                                      \
        static const struct wj_walk_row row = {                                                \
            WJ_OP_##name, WJ_IMM_##imm,         pops, results, family, sub, type,              \
            width,        WJ_FEATURE_##feature,                                                \
        };                                                                                     \
        is_good = wj_walk_check_feature(w, h, &row) && WJ_WALK_##family(w, h, &row);           \
        break;                                                                                 \
    }
#define WJ_WALK_NO_CASE(name, ...)

// The operations behind a prefix byte are many and rare. One function walks them all, by the rows
// of a table; a case for each would take compilers minutes. Another walks what a run of plain ones
// leaves.
struct wj_walk_cursor {
    const uint8_t *p; // NULL: the walk has failed
    wj_valtype *sp;
};

// The code may have been the body's last byte, where `end` should be.
WJ_WALK_INLINE bool wj_walk_prefix_code(struct wj_walk *w, struct wj_walk_hot *h, uint32_t *code)
{
    if (!wj_walk_u32(w, h, true, code)) {
        return false;
    }
    if (h->is_checking && wj_unlikely(h->p >= h->limit)) {
        return wj_walk_fail_end(w, h->p);
    }
    return true;
}

WJ_WALK_INLINE bool wj_walk_prefixed(struct wj_walk *w, struct wj_walk_hot *h, uint8_t prefix)
{
    uint32_t code;
    if (!wj_walk_prefix_code(w, h, &code)) {
        return false;
    }
    const struct wj_walk_row *row = wj_walk_prefix_row(prefix, code);
    if (row == NULL) {
        return wj_walk_fail_opcode(w, h->at);
    }
    if (!wj_walk_check_feature(w, h, row)) {
        return false;
    }
    switch (row->family) {
    case FAM_CONST: return wj_walk_const(w, h, row);
    case FAM_LOAD:
    case FAM_STORE:
    case FAM_LOAD_LANE:
    case FAM_STORE_LANE:
    case FAM_ATOMIC_LOAD:
    case FAM_ATOMIC_STORE:
    case FAM_ATOMIC_RMW: return wj_walk_access(w, h, row);
    case FAM_CONVERT:
    case FAM_VSPLAT:
    case FAM_VUNARY:
    case FAM_VBINARY:
    case FAM_VTERNARY:
    case FAM_VTEST:
    case FAM_VSHIFT:
    case FAM_WIDE: return wj_walk_fixed(w, h, row);
    case FAM_TABLE: return wj_walk_table(w, h, row);
    case FAM_MEMORY: return wj_walk_memory(w, h, row);
    case FAM_VSHUFFLE: return wj_walk_shuffle(w, h, row);
    case FAM_VEXTRACT:
    case FAM_VREPLACE: return wj_walk_lane_access(w, h, row);
    case FAM_ATOMIC_OTHER: return wj_walk_atomic_other(w, h, row);
    case FAM_CONTROL:
    case FAM_CALL:
    case FAM_PARAMETRIC:
    case FAM_LOCAL:
    case FAM_GLOBAL:
    case FAM_REF:
    case FAM_IUNARY:
    case FAM_IBINARY:
    case FAM_IEQZ:
    case FAM_ICOMPARE:
    case FAM_FUNARY:
    case FAM_FBINARY:
    case FAM_FCOMPARE:
    case FAM_EXCEPTION:
    case FAM_GC:
    case FAM_COUNT: break;
    }
    return wj_walk_fail_opcode(w, h->at);
}

// A plain operation by its ordinary handler.
WJ_WALK_INLINE bool wj_walk_left(struct wj_walk *w, struct wj_walk_hot *h, uint8_t code)
{
    const struct wj_walk_row *row = wj_walk_prefix_row(0, code);
    switch (row->family) {
    case FAM_CONTROL: return wj_walk_branch(w, h, row);
    case FAM_LOCAL: return wj_walk_local(w, h, row);
    case FAM_CONST: return wj_walk_const(w, h, row);
    case FAM_LOAD:
    case FAM_STORE: return wj_walk_access(w, h, row);
    default: return wj_walk_fixed(w, h, row);
    }
}

#define WJ_WALK_OUTLINE(name, is_checking_, walk_one)                                    \
    static __attribute__((noinline, unused)) struct wj_walk_cursor name(                 \
        struct wj_walk *w, const struct wj_sink *sink, const uint8_t *p, wj_valtype *sp, \
        bool is_live)                                                                    \
    {                                                                                    \
        struct wj_walk_hot hot = {                                                       \
            .sink = sink,                                                                \
            .context = w->context,                                                       \
            .at = p - 1,                                                                 \
            .p = p,                                                                      \
            .sp = sp,                                                                    \
            .limit = w->limit,                                                           \
            .is_checking = (is_checking_),                                               \
            .is_live = is_live,                                                          \
        };                                                                               \
        bool is_good = walk_one(w, &hot, p[-1]);                                         \
        return (struct wj_walk_cursor){is_good ? hot.p : NULL, hot.sp};                  \
    }
WJ_WALK_OUTLINE(wj_walk_prefix_checking, true, wj_walk_prefixed)
WJ_WALK_OUTLINE(wj_walk_prefix_trusting, false, wj_walk_prefixed)
WJ_WALK_OUTLINE(wj_walk_left_checking, true, wj_walk_left)

// Continues behind such a function.
WJ_WALK_INLINE bool wj_walk_resume(struct wj_walk_hot *h, struct wj_walk_cursor cursor)
{
    h->p = cursor.p;
    h->sp = cursor.sp;
    return cursor.p != NULL;
}

// False at the end of the body, where no frame is left, and when the walk has failed.
WJ_WALK_INLINE bool wj_walk_step(struct wj_walk *w, struct wj_walk_hot *h)
{
    bool is_good = false;
    uint8_t code = *h->p;
next:
    h->p++;
    switch (code) {
#define OP WJ_WALK_CASE
#define OP_FB WJ_WALK_NO_CASE
#define OP_FC WJ_WALK_NO_CASE
#define OP_FD WJ_WALK_NO_CASE
#define OP_FE WJ_WALK_NO_CASE
#include "wasm/opcodes.def"
    case 0xfc:
    case 0xfd:
    case 0xfe:
        return wj_walk_resume(
            h, h->is_checking ? wj_walk_prefix_checking(w, h->sink, h->p, h->sp, h->is_live)
                              : wj_walk_prefix_trusting(w, h->sink, h->p, h->sp, h->is_live));
    case 0xff: // no opcode; with a case for the last byte, no bound is compared
        return wj_walk_no_opcode(w, h->p - 1);
    default: // 0xfb too: all of it is GC, which is known there and refused
        return wj_walk_fail_opcode(w, h->at);
    }
    return is_good;
plain:
    if (wj_likely(wj_walk_plain(w, h, &code))) {
        h->at = h->p; // in the body still
        goto next;
    }
    return wj_walk_resume(h, wj_walk_left_checking(w, h->sink, h->p, h->sp, h->is_live));
}
#undef WJ_WALK_CASE
#undef WJ_WALK_OUTLINE
#undef WJ_WALK_NO_CASE

// Walks a defined function's body into the sink. False: the error is recorded, or a function of the
// sink returned false. Afterwards the census, in the checking form, is in *request->census.
WJ_WALK_INLINE bool wj_walk_func_body(const struct wj_walk_request *request,
                                      const struct wj_sink *sink, void *context, struct wj_err *err,
                                      const bool is_checking)
{
    struct wj_walk walk;
    struct wj_walk *w = &walk;
    const uint8_t *code;
    if (!wj_walk_prepare(w, request, err, is_checking, &code)) {
        return false;
    }
    w->context = context;
    if (sink->begin != NULL) {
        const struct wj_walk_func func = {
            request->module, request->func_index, w->func, w->local_count, w->local_types,
        };
        if (!sink->begin(context, &func)) {
            return false;
        }
    }
    struct wj_walk_hot hot = {
        .sink = sink,
        .context = context,
        .p = code,
        .sp = w->scratch->stack + w->frames[0].floor + 1,
        .limit = w->limit,
        .is_checking = is_checking,
        .is_live = true,
    };
    do {
        hot.at = hot.p;
        if (is_checking && wj_unlikely(hot.p >= hot.limit)) {
            return wj_walk_fail_end(w, hot.p);
        }
    } while (wj_walk_step(w, &hot));
    if (w->depth != UINT32_MAX) {
        return false;
    }
    if (is_checking) {
        if (hot.p != hot.limit) {
            return wj_walk_fail(w, hot.p, WJ_ERR_MALFORMED,
                                "function body has bytes after its final end");
        }
        wj_walk_end_census(w);
        *request->census = w->census;
    }
    return sink->end == NULL || sink->end(context);
}

#endif
