// A sink that collects what a function calls and changes, and the walk over a kernel's call graph.
#include "runtime/vm/kernel_scan.h"

#include <stdlib.h>
#include <string.h>

#include "wasm/walk.h"

#define CALLEES_MAX 256u // functions of one kernel
#define RECENT_COUNT 12u // operations looked back at

struct recent_op {
    uint8_t family;
    uint8_t sub;
    uint32_t index;
    uint64_t bits;
};

struct scan {
    const struct wj_module *module;
    const uint64_t *replaced_funcs;
    struct wj_err *reason;
    // Direct calls met, as function indexes.
    uint32_t callees[CALLEES_MAX];
    uint32_t callee_count;
    bool has_too_many;
    bool uses_atomics; // so far
    // Of the function that is walked:
    struct recent_op recent[RECENT_COUNT]; // newest last
    uint32_t param_count;
    bool has_control;      // loops or indirect calls: no mere wrapper
    uint32_t passing_call; // the callee that got exactly the parameters
    uint32_t passing_count;
    bool uses_stack;
    bool moves_stack;
    bool has_frame;
    uint32_t frame_bytes;
};

static const struct recent_op *back(const struct scan *scan, unsigned n)
{
    return &scan->recent[RECENT_COUNT - n];
}

static void refuse(struct scan *scan, const struct wj_op *op, const char *why)
{
    wj_err_set(scan->reason, WJ_ERR_UNSUPPORTED, (size_t) (op->at - scan->module->bytes), "%s",
               why);
}

static bool is_replaced(const struct scan *scan, uint32_t func_index)
{
    return scan->replaced_funcs != NULL &&
           (scan->replaced_funcs[func_index / 64] >> (func_index % 64) & 1) != 0;
}

// local.get 0, local.get 1, ... just before the call.
static bool passes_params(const struct scan *scan)
{
    for (uint32_t i = 0; i < scan->param_count; i++) {
        const struct recent_op *op = back(scan, scan->param_count - i);
        if (op->family != FAM_LOCAL || op->sub != LOCAL_GET || op->index != i) {
            return false;
        }
    }
    return true;
}

static void scan_call(struct scan *scan, const struct wj_op *op)
{
    if (op->sub != CALL_DIRECT && op->sub != CALL_RETURN_DIRECT) {
        scan->has_control = true;
        refuse(scan, op, "calls through a table or a reference");
        return;
    }
    if (scan->param_count < RECENT_COUNT && op->functype->param_count == scan->param_count &&
        scan->param_count != 0 && passes_params(scan)) {
        scan->passing_call = op->index;
        scan->passing_count++;
    }
    if (op->index < scan->module->func_import_count) {
        refuse(scan, op, "calls the host");
    } else if (is_replaced(scan, op->index)) {
        refuse(scan, op, "dispatches another kernel");
    } else if (scan->callee_count == CALLEES_MAX) {
        scan->has_too_many = true;
    } else {
        scan->callees[scan->callee_count++] = op->index;
    }
}

// The stack pointer moves by a constant, once: `global.get; i32.const n; i32.sub; local.tee;
// global.set` in and `local.get; i32.const n; i32.add; global.set` out.
static void scan_stack_pointer(struct scan *scan, const struct wj_op *op)
{
    bool has_tee = back(scan, 1)->family == FAM_LOCAL && back(scan, 1)->sub == LOCAL_TEE;
    unsigned at = has_tee ? 2 : 1;
    const struct recent_op *sum = back(scan, at);
    const struct recent_op *amount = back(scan, at + 1);
    const struct recent_op *from = back(scan, at + 2);
    bool is_constant = sum->family == FAM_IBINARY && amount->family == FAM_CONST;
    if (is_constant && sum->sub == IBIN_SUB && from->family == FAM_GLOBAL &&
        from->index == WJ_STACK_POINTER_GLOBAL && !scan->has_frame && amount->bits <= INT32_MAX) {
        scan->has_frame = true;
        scan->frame_bytes = (uint32_t) amount->bits;
        return;
    }
    if (is_constant && sum->sub == IBIN_ADD && from->family == FAM_LOCAL && scan->has_frame &&
        amount->bits == scan->frame_bytes) {
        return;
    }
    refuse(scan, op, "moves its stack by other than a constant");
}

static void scan_global(struct scan *scan, const struct wj_op *op)
{
    const struct wj_module *module = scan->module;
    bool is_stack_pointer = op->index == WJ_STACK_POINTER_GLOBAL &&
                            module->global_import_count == 0 &&
                            module->globals[op->index].type.is_mutable &&
                            module->globals[op->index].type.type == WJ_TYPE_I32;
    if (is_stack_pointer) {
        scan->uses_stack = true;
        if (op->sub == GLOBAL_SET) {
            scan->moves_stack = true;
            scan_stack_pointer(scan, op);
        }
    } else if (op->sub == GLOBAL_SET) {
        refuse(scan, op, "writes a global");
    }
}

static bool on_op(void *context, const struct wj_op *op)
{
    struct scan *scan = context;
    switch (op->family) {
    case FAM_CALL: scan_call(scan, op); break;
    case FAM_GLOBAL: scan_global(scan, op); break;
    case FAM_CONTROL: scan->has_control = scan->has_control || op->sub == CONTROL_LOOP; break;
    case FAM_MEMORY:
        if (op->sub == MEMORY_GROW) {
            refuse(scan, op, "grows memory");
        } else if (op->sub == DATA_DROP) {
            refuse(scan, op, "drops a segment");
        }
        break;
    case FAM_TABLE:
        if (op->sub != TABLE_GET && op->sub != TABLE_SIZE) {
            refuse(scan, op, "writes a table");
        }
        break;
    case FAM_REF:
        if (op->sub == REF_FUNC) {
            refuse(scan, op, "makes a function reference");
        }
        break;
    case FAM_ATOMIC_LOAD:
    case FAM_ATOMIC_STORE:
    case FAM_ATOMIC_RMW: scan->uses_atomics = true; break;
    case FAM_ATOMIC_OTHER:
        if (op->sub == ATOMIC_WAIT32 || op->sub == ATOMIC_WAIT64) {
            refuse(scan, op, "waits for other threads");
        }
        break;
    default: break;
    }
    memmove(scan->recent, scan->recent + 1, sizeof scan->recent - sizeof scan->recent[0]);
    scan->recent[RECENT_COUNT - 1] = (struct recent_op){
        .family = op->family,
        .sub = op->sub,
        .index = op->index,
        .bits = op->family == FAM_CONST ? op->bits : 0,
    };
    return true;
}

static bool walk(struct scan *scan, struct wj_walk_scratch *scratch, uint32_t func_index,
                 struct wj_err *err)
{
    static const struct wj_sink sink = {NULL, on_op, NULL};
    memset(scan->recent, 0xff, sizeof scan->recent);
    scan->param_count = scan->module->funcs[func_index].type->param_count;
    scan->has_control = false;
    scan->passing_count = 0;
    scan->uses_stack = false;
    scan->moves_stack = false;
    scan->has_frame = false;
    scan->frame_bytes = 0;
    struct wj_walk_request request = {
        .module = scan->module,
        .func_index = func_index,
        .scratch = scratch,
    };
    return wj_walk_func_body(&request, &sink, scan, err, false);
}

bool wj_kernel_scan_inner(const struct wj_module *module, uint32_t func_index, uint32_t *inner,
                          bool *moves_stack, struct wj_err *err)
{
    struct wj_err ignored;
    wj_err_clear(&ignored);
    struct scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    scan->module = module;
    scan->reason = &ignored;
    struct wj_walk_scratch scratch;
    wj_walk_scratch_init(&scratch);
    bool is_walked = walk(scan, &scratch, func_index, err);
    *inner = func_index;
    if (is_walked && !scan->has_control && scan->passing_count == 1 &&
        scan->passing_call >= module->func_import_count &&
        module->funcs[scan->passing_call].type_id == module->funcs[func_index].type_id) {
        *inner = scan->passing_call;
        is_walked = walk(scan, &scratch, *inner, err);
    }
    *moves_stack = scan->moves_stack;
    wj_walk_scratch_clear(&scratch);
    free(scan);
    return is_walked;
}

// ---- The shadow stack ---------------------------------------------------------------------------

struct stack_scan {
    struct recent_op recent[4]; // newest last
    bool has_frames;            // functions move it down and back
    bool is_other;              // something is done to the global that is done to no stack pointer
};

static bool is_op(const struct recent_op *op, uint8_t family, uint8_t sub)
{
    return op->family == family && op->sub == sub;
}

// What compilers write to a stack pointer: a local, which holds the sum or difference that is also
// the frame's address, or such a local plus the frame's size. A count would be the global itself
// plus a number.
static void scan_stack_write(struct stack_scan *scan)
{
    const struct recent_op *recent = scan->recent;
    bool is_frame =
        is_op(&recent[3], FAM_LOCAL, LOCAL_TEE) && is_op(&recent[2], FAM_IBINARY, IBIN_SUB);
    bool is_restored =
        is_op(&recent[3], FAM_LOCAL, LOCAL_GET) ||
        (is_op(&recent[3], FAM_IBINARY, IBIN_ADD) &&
         (is_op(&recent[1], FAM_LOCAL, LOCAL_GET) || is_op(&recent[2], FAM_LOCAL, LOCAL_GET)));
    bool is_aligned =
        is_op(&recent[3], FAM_LOCAL, LOCAL_TEE) && is_op(&recent[2], FAM_IBINARY, IBIN_AND);
    scan->has_frames = scan->has_frames || is_frame;
    scan->is_other = scan->is_other || !(is_frame || is_restored || is_aligned);
}

static bool on_stack_op(void *context, const struct wj_op *op)
{
    struct stack_scan *scan = context;
    if (op->family == FAM_GLOBAL && op->sub == GLOBAL_SET && op->index == WJ_STACK_POINTER_GLOBAL) {
        scan_stack_write(scan);
    }
    memmove(scan->recent, scan->recent + 1, sizeof scan->recent - sizeof scan->recent[0]);
    scan->recent[3] = (struct recent_op){.family = op->family, .sub = op->sub, .index = op->index};
    return true;
}

static bool on_stack_begin(void *context, const struct wj_walk_func *func)
{
    (void) func;
    struct stack_scan *scan = context;
    memset(scan->recent, 0xff, sizeof scan->recent);
    return true;
}

// Walks all functions that the module defines.
static bool walk_all(const struct wj_module *module, const struct wj_sink *sink, void *context,
                     struct wj_err *err)
{
    struct wj_walk_scratch scratch;
    wj_walk_scratch_init(&scratch);
    bool is_walked = true;
    for (uint32_t i = module->func_import_count; is_walked && i < module->func_count; i++) {
        struct wj_walk_request request = {
            .module = module,
            .func_index = i,
            .scratch = &scratch,
        };
        is_walked = wj_walk_func_body(&request, sink, context, err, false);
    }
    wj_walk_scratch_clear(&scratch);
    return is_walked;
}

bool wj_kernel_scan_stack(const struct wj_module *module, bool *has_frames, bool *is_other,
                          struct wj_err *err)
{
    static const struct wj_sink sink = {on_stack_begin, on_stack_op, NULL};
    struct stack_scan scan = {.has_frames = false};
    bool is_walked = walk_all(module, &sink, &scan, err);
    *has_frames = scan.has_frames;
    *is_other = scan.is_other;
    return is_walked;
}

// ---- Uses of a dispatch function ----------------------------------------------------------------

struct uses_scan {
    const struct wj_module *module;
    struct wj_kernel_uses *uses;
    uint32_t func_index, inner, wrapper, kernel_params;
};

bool wj_kernel_takes_words(const struct wj_functype *type, uint32_t count)
{
    bool is_match = type->param_count == count && type->result_count == 0;
    for (uint32_t i = 0; is_match && i < count; i++) {
        is_match = type->types[i] == WJ_TYPE_I32;
    }
    return is_match;
}

static bool on_use_begin(void *context, const struct wj_walk_func *func)
{
    struct uses_scan *scan = context;
    scan->func_index = func->func_index;
    return true;
}

static bool on_use_op(void *context, const struct wj_op *op)
{
    struct uses_scan *scan = context;
    bool is_itself = scan->func_index == scan->inner || scan->func_index == scan->wrapper;
    if (op->family != FAM_CALL || is_itself) {
        return true;
    }
    bool is_direct = op->sub == CALL_DIRECT || op->sub == CALL_RETURN_DIRECT;
    if (is_direct && op->index == scan->inner) {
        scan->uses->call_count++;
    } else if (!is_direct && !scan->uses->is_inlined &&
               wj_kernel_takes_words(op->functype, scan->kernel_params)) {
        scan->uses->is_inlined = true;
        scan->uses->inlined_at = (size_t) (op->at - scan->module->bytes);
        scan->uses->inlined_func = scan->func_index;
    }
    return true;
}

bool wj_kernel_scan_uses(const struct wj_module *module, uint32_t inner, uint32_t wrapper,
                         uint32_t kernel_params, struct wj_kernel_uses *uses, struct wj_err *err)
{
    static const struct wj_sink sink = {on_use_begin, on_use_op, NULL};
    struct uses_scan scan = {
        .module = module,
        .uses = uses,
        .inner = inner,
        .wrapper = wrapper,
        .kernel_params = kernel_params,
    };
    *uses = (struct wj_kernel_uses){.call_count = 0};
    bool is_walked = walk_all(module, &sink, &scan, err);
    uses->is_inlined = uses->is_inlined && uses->call_count == 0;
    return is_walked;
}

// ---- The call graph -----------------------------------------------------------------------------

struct graph_func {
    uint32_t func_index;
    uint32_t frame_bytes;
    uint32_t depth_bytes;              // with all that it calls
    uint32_t first_callee, end_callee; // in scan->callees
    bool is_open;                      // on the path that is walked
    bool is_done;
};

struct graph {
    struct scan scan;
    struct graph_func funcs[CALLEES_MAX];
    uint32_t func_count;
    uint32_t callees[CALLEES_MAX]; // as positions in funcs
};

static uint32_t position_of(struct graph *graph, uint32_t func_index)
{
    uint32_t i = 0;
    while (i < graph->func_count && graph->funcs[i].func_index != func_index) {
        i++;
    }
    if (i == graph->func_count && i < CALLEES_MAX) {
        graph->funcs[graph->func_count++] = (struct graph_func){.func_index = func_index};
    }
    return i;
}

// Depth first, at most CALLEES_MAX deep. False: recursion.
static bool measure(struct graph *graph, uint32_t position)
{
    struct graph_func *func = &graph->funcs[position];
    if (func->is_done || func->is_open) {
        return func->is_done;
    }
    func->is_open = true;
    uint64_t deepest = 0;
    for (uint32_t i = func->first_callee; i < func->end_callee; i++) {
        if (!measure(graph, graph->callees[i])) {
            return false;
        }
        uint32_t depth = graph->funcs[graph->callees[i]].depth_bytes;
        deepest = depth > deepest ? depth : deepest;
    }
    deepest += func->frame_bytes;
    func->depth_bytes = deepest > INT32_MAX ? INT32_MAX : (uint32_t) deepest;
    func->is_open = false;
    func->is_done = true;
    return true;
}

static bool walk_graph(struct graph *graph, uint32_t func_index, struct wj_kernel_facts *facts,
                       struct wj_err *err)
{
    struct scan *scan = &graph->scan;
    struct wj_walk_scratch scratch;
    wj_walk_scratch_init(&scratch);
    position_of(graph, func_index);
    bool is_walked = true;
    for (uint32_t i = 0; is_walked && i < graph->func_count; i++) {
        struct graph_func *func = &graph->funcs[i];
        func->first_callee = scan->callee_count;
        is_walked = walk(scan, &scratch, func->func_index, err);
        func->end_callee = scan->callee_count;
        func->frame_bytes = scan->frame_bytes;
        facts->uses_stack = facts->uses_stack || scan->uses_stack;
        for (uint32_t k = func->first_callee; k < func->end_callee; k++) {
            graph->callees[k] = position_of(graph, scan->callees[k]);
            scan->has_too_many = scan->has_too_many || graph->callees[k] == CALLEES_MAX;
        }
        if (scan->has_too_many || scan->reason->kind != WJ_ERR_NONE) {
            break;
        }
    }
    wj_walk_scratch_clear(&scratch);
    facts->uses_atomics = scan->uses_atomics;
    return is_walked;
}

bool wj_kernel_scan(const struct wj_module *module, uint32_t func_index,
                    const uint64_t *replaced_funcs, struct wj_kernel_facts *facts,
                    struct wj_err *reason)
{
    *facts = (struct wj_kernel_facts){.is_parallel = false};
    struct wj_err err;
    wj_err_clear(&err);
    struct graph *graph = calloc(1, sizeof *graph);
    if (graph == NULL) {
        return false;
    }
    graph->scan.module = module;
    graph->scan.replaced_funcs = replaced_funcs;
    graph->scan.reason = reason;
    bool is_walked = walk_graph(graph, func_index, facts, &err);
    if (is_walked && graph->scan.has_too_many) {
        wj_err_set(reason, WJ_ERR_LIMIT, WJ_NO_OFFSET, "makes more than %u calls", CALLEES_MAX);
    } else if (is_walked && reason->kind == WJ_ERR_NONE) {
        if (measure(graph, 0)) {
            facts->is_pure = true;
            facts->is_parallel = true;
            facts->stack_bytes = graph->funcs[0].depth_bytes + WJ_STACK_RED_ZONE_BYTES;
        } else {
            wj_err_set(reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET, "calls itself");
        }
    }
    free(graph);
    return is_walked;
}
