// A sink that collects what a function calls and changes, and the walk over a kernel's call graph.
#include "runtime/vm/kernel_scan.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/vm/kernel_table.h"
#include "wasm/walk.h"

#define CALLEES_MAX 2048u // calls, and functions, of one kernel
#define RECENT_COUNT 12u  // operations looked back at

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
    // Calls met, as function indexes: direct ones, and all that a table may lead to.
    uint32_t callees[CALLEES_MAX];
    bool is_indirect[CALLEES_MAX];
    uint32_t callee_count;
    bool has_too_many;
    bool uses_atomics; // so far
    // The table that was read last.
    bool reads_tables;
    uint64_t called_tables;
    bool has_table; // one was read, perhaps in vain
    uint32_t table_index;
    struct wj_kernel_table table;
    struct wj_err table_reason;
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

static void add_callee(struct scan *scan, uint32_t func_index, bool is_indirect)
{
    if (scan->callee_count == CALLEES_MAX) {
        scan->has_too_many = true;
        return;
    }
    scan->callees[scan->callee_count] = func_index;
    scan->is_indirect[scan->callee_count++] = is_indirect;
}

// All that the call can reach, where the table is known.
static void scan_indirect(struct scan *scan, const struct wj_op *op)
{
    if (!scan->reads_tables || (op->sub != CALL_INDIRECT && op->sub != CALL_RETURN_INDIRECT)) {
        refuse(scan, op, "calls through a table or a reference");
        return;
    }
    scan->called_tables |= wj_kernel_table_bit(op->index2);
    if (!scan->has_table || scan->table_index != op->index2) {
        wj_kernel_table_clear(&scan->table);
        wj_err_clear(&scan->table_reason);
        scan->has_table = true;
        scan->table_index = op->index2;
        wj_kernel_table_read(scan->module, op->index2, &scan->table, &scan->table_reason);
    }
    if (scan->table_reason.kind != WJ_ERR_NONE) {
        wj_err_set(scan->reason, WJ_ERR_UNSUPPORTED, (size_t) (op->at - scan->module->bytes),
                   "calls through a table: %s", scan->table_reason.message);
        return;
    }
    for (uint32_t i = 0; i < scan->table.count && !scan->has_too_many; i++) {
        if (wj_kernel_table_matches(&scan->table, i, op->index) &&
            !wj_kernel_table_repeats(&scan->table, i)) {
            add_callee(scan, scan->table.funcs[i], true);
        }
    }
}

static void scan_call(struct scan *scan, const struct wj_op *op)
{
    if (op->sub != CALL_DIRECT && op->sub != CALL_RETURN_DIRECT) {
        scan->has_control = true;
        scan_indirect(scan, op);
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
    } else {
        add_callee(scan, op->index, false);
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
                            module->globals[op->index].type.type ==
                                (wj_kernel_is_64(module) ? WJ_TYPE_I64 : WJ_TYPE_I32);
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
    uint32_t func_index, inner, wrapper;
    bool is_group;
};

bool wj_kernel_is_64(const struct wj_module *module)
{
    return module->memory_count != 0 && module->memories[0].type.limits.is_64;
}

bool wj_kernel_takes(const struct wj_functype *type, uint32_t words, uint32_t pointers, bool is_64)
{
    bool is_match = type->param_count == words + pointers && type->result_count == 0;
    for (uint32_t i = 0; is_match && i < words + pointers; i++) {
        is_match = type->types[i] == (is_64 && i >= words ? WJ_TYPE_I64 : WJ_TYPE_I32);
    }
    return is_match;
}

bool wj_kernel_is_kernel(const struct wj_functype *type, bool is_group, bool is_64)
{
    // x, y, z and args; or x, y, z, item, phase and shared, own, args.
    return is_group ? wj_kernel_takes(type, 5, 3, is_64) : wj_kernel_takes(type, 3, 1, is_64);
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
               wj_kernel_is_kernel(op->functype, scan->is_group, wj_kernel_is_64(scan->module))) {
        scan->uses->is_inlined = true;
        scan->uses->inlined_at = (size_t) (op->at - scan->module->bytes);
        scan->uses->inlined_func = scan->func_index;
    }
    return true;
}

bool wj_kernel_scan_uses(const struct wj_module *module, uint32_t inner, uint32_t wrapper,
                         bool is_group, struct wj_kernel_uses *uses, struct wj_err *err)
{
    static const struct wj_sink sink = {on_use_begin, on_use_op, NULL};
    struct uses_scan scan = {
        .module = module,
        .uses = uses,
        .inner = inner,
        .wrapper = wrapper,
        .is_group = is_group,
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
    bool is_direct; // direct calls lead to it
    bool is_bad;    // it, or what it calls directly, does what kernels may not
    struct wj_err why;
};

struct graph {
    struct scan scan;
    struct graph_func funcs[CALLEES_MAX];
    uint32_t func_count;
    uint32_t callees[CALLEES_MAX]; // as positions in funcs
    bool is_cyclic;
};

static uint32_t position_of(struct graph *graph, uint32_t func_index)
{
    uint32_t i = 0;
    while (i < graph->func_count && graph->funcs[i].func_index != func_index) {
        i++;
    }
    if (i == graph->func_count && i < CALLEES_MAX) {
        struct graph_func *func = &graph->funcs[graph->func_count++];
        *func = (struct graph_func){.func_index = func_index};
        wj_err_clear(&func->why);
    }
    return i;
}

// Depth first, at most CALLEES_MAX deep. What is bad is not called on a device.
static void measure(struct graph *graph, uint32_t position)
{
    struct graph_func *func = &graph->funcs[position];
    func->is_open = true;
    uint64_t deepest = 0;
    for (uint32_t i = func->first_callee; i < func->end_callee; i++) {
        struct graph_func *callee = &graph->funcs[graph->callees[i]];
        if (callee->is_open) {
            graph->is_cyclic = true;
            continue;
        }
        if (callee->is_bad) {
            continue;
        }
        if (!callee->is_done) {
            measure(graph, graph->callees[i]);
        }
        deepest = callee->depth_bytes > deepest ? callee->depth_bytes : deepest;
    }
    deepest += func->frame_bytes;
    func->depth_bytes = deepest > INT32_MAX ? INT32_MAX : (uint32_t) deepest;
    func->is_open = false;
    func->is_done = true;
}

static bool walk_func(struct graph *graph, struct wj_walk_scratch *scratch, struct graph_func *func,
                      struct wj_err *err)
{
    struct scan *scan = &graph->scan;
    scan->reason = &func->why;
    func->first_callee = func->end_callee = scan->callee_count;
    if (func->func_index < scan->module->func_import_count) {
        wj_err_set(&func->why, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET, "calls the host");
        return true;
    }
    if (is_replaced(scan, func->func_index)) {
        wj_err_set(&func->why, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET, "dispatches another kernel");
        return true;
    }
    const bool is_walked = walk(scan, scratch, func->func_index, err);
    func->end_callee = scan->callee_count;
    func->frame_bytes = scan->frame_bytes;
    return is_walked;
}

static bool walk_graph(struct graph *graph, uint32_t func_index, struct wj_kernel_facts *facts,
                       struct wj_err *err)
{
    struct scan *scan = &graph->scan;
    struct wj_walk_scratch scratch;
    wj_walk_scratch_init(&scratch);
    graph->funcs[position_of(graph, func_index)].is_direct = true;
    bool is_walked = true;
    for (uint32_t i = 0; is_walked && i < graph->func_count; i++) {
        struct graph_func *func = &graph->funcs[i];
        is_walked = walk_func(graph, &scratch, func, err);
        facts->uses_stack = facts->uses_stack || scan->uses_stack;
        facts->called_tables = scan->called_tables;
        for (uint32_t k = func->first_callee; k < func->end_callee; k++) {
            graph->callees[k] = position_of(graph, scan->callees[k]);
            scan->has_too_many = scan->has_too_many || graph->callees[k] == CALLEES_MAX;
            if (!scan->has_too_many && func->is_direct && !scan->is_indirect[k]) {
                graph->funcs[graph->callees[k]].is_direct = true;
            }
        }
        if (scan->has_too_many || (func->is_direct && func->why.kind != WJ_ERR_NONE)) {
            break;
        }
    }
    wj_walk_scratch_clear(&scratch);
    wj_kernel_table_clear(&scan->table);
    facts->uses_atomics = scan->uses_atomics;
    return is_walked;
}

// Who calls directly what is bad is bad; *reason is that of the first.
static void spread(struct graph *graph, struct wj_err *reason)
{
    bool has_changed = true;
    for (uint32_t i = 0; i < graph->func_count; i++) {
        struct graph_func *func = &graph->funcs[i];
        func->is_bad = func->why.kind != WJ_ERR_NONE;
        if (func->is_bad && reason->kind == WJ_ERR_NONE) {
            *reason = func->why;
        }
    }
    while (has_changed) {
        has_changed = false;
        for (uint32_t i = 0; i < graph->func_count; i++) {
            struct graph_func *func = &graph->funcs[i];
            for (uint32_t k = func->first_callee; k < func->end_callee && !func->is_bad; k++) {
                func->is_bad =
                    !graph->scan.is_indirect[k] && graph->funcs[graph->callees[k]].is_bad;
                has_changed = has_changed || func->is_bad;
            }
        }
    }
}

static void judge(struct graph *graph, struct wj_kernel_facts *facts, struct wj_err *reason)
{
    spread(graph, reason);
    if (reason->kind == WJ_ERR_NONE && graph->scan.has_too_many) {
        wj_err_set(reason, WJ_ERR_LIMIT, WJ_NO_OFFSET, "makes more than %u calls", CALLEES_MAX);
    }
    if (graph->funcs[0].is_bad || graph->scan.has_too_many) {
        return;
    }
    measure(graph, 0);
    uint64_t all_bytes = 0;
    for (uint32_t i = 0; i < graph->func_count; i++) {
        all_bytes += graph->funcs[i].is_bad ? 0 : graph->funcs[i].frame_bytes;
    }
    if (graph->is_cyclic) {
        wj_err_set(reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET, "calls itself");
    }
    facts->is_pure = facts->is_parallel = reason->kind == WJ_ERR_NONE;
    facts->stack_bytes = graph->funcs[0].depth_bytes + WJ_STACK_RED_ZONE_BYTES;
    facts->is_for_device = all_bytes < INT32_MAX / 2;
    facts->device_stack_bytes = facts->stack_bytes;
    if (graph->is_cyclic && facts->is_for_device) {
        // Wherever the translator breaks the cycle, no function is on the stack twice.
        facts->device_stack_bytes = (uint32_t) all_bytes + WJ_STACK_RED_ZONE_BYTES;
    }
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
    graph->scan.reads_tables = true;
    bool is_walked = walk_graph(graph, func_index, facts, &err);
    if (is_walked) {
        judge(graph, facts, reason);
    }
    free(graph);
    return is_walked;
}

bool wj_kernel_scan_func(const struct wj_module *module, uint32_t func_index, struct wj_err *reason)
{
    struct scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL) {
        return wj_err_set(reason, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    scan->module = module;
    scan->reason = reason;
    scan->reads_tables = true;
    struct wj_walk_scratch scratch;
    wj_walk_scratch_init(&scratch);
    const bool is_walked = walk(scan, &scratch, func_index, reason);
    wj_walk_scratch_clear(&scratch);
    wj_kernel_table_clear(&scan->table);
    free(scan);
    return is_walked && reason->kind == WJ_ERR_NONE;
}
