// A kernel function for several items at a time.
#include "lanes/translate.h"

#include <stdlib.h>
#include <string.h>

#include "lanes/kernel.h"

static void do_local(struct lanes *l, const struct wj_op *op)
{
    if (op->sub != LOCAL_GET) {
        lanes_set_var(l, op->index, lanes_pop(l), LANES_NONE);
    }
    if (op->sub != LOCAL_SET) {
        lanes_push(l, lanes_var_node(l, op->index));
    }
}

static void do_const(struct lanes *l, const struct wj_op *op)
{
    bool is_vector = op->opcode == WJ_OP_V128_CONST;
    struct node *node = lanes_const_node(l, is_vector ? NUM_V128 : (enum wj_num) op->type,
                                         is_vector ? 0 : op->bits);
    node->v128 = op->v128; // in l->ops
    lanes_push(l, node);
}

// A value that the whole instance shares, and that no kernel changes.
static void do_shared(struct lanes *l, const struct wj_op *op, enum wj_num num)
{
    struct node *node = lanes_node(l, NODE_OP, num);
    node->opcode = op->opcode;
    node->bits = op->index;
    lanes_push(l, node);
    lanes_count(l, 1, 1);
}

static void do_global(struct lanes *l, const struct wj_op *op)
{
    wj_valtype type = l->module->globals[op->index].type.type;
    // One of those that change is the stack's pointer, and what is there must be each item's own.
    if (op->sub != GLOBAL_GET || l->module->globals[op->index].type.is_mutable) {
        lanes_refuse(l, "it has memory of its own on the stack, or uses a global that may change");
        return;
    }
    if (type > WJ_TYPE_V128) {
        lanes_refuse(l, "a reference");
        return;
    }
    do_shared(l, op, (enum wj_num)(type - WJ_TYPE_I32));
}

static void do_op(struct lanes *l, const struct wj_op *op)
{
    switch ((enum wj_family) op->family) {
    case FAM_CONTROL: lanes_control(l, op); return;
    case FAM_PARAMETRIC:
        if (op->sub == PARAMETRIC_SELECT) {
            lanes_select(l);
        } else {
            lanes_release(l, lanes_pop(l));
        }
        return;
    case FAM_LOCAL: do_local(l, op); return;
    case FAM_GLOBAL: do_global(l, op); return;
    case FAM_MEMORY:
        if (op->sub == MEMORY_SIZE) {
            do_shared(l, op, NUM_I32);
            return;
        }
        break;
    case FAM_CONST: do_const(l, op); return;
    case FAM_LOAD: lanes_load(l, op); return;
    case FAM_STORE: lanes_store(l, op); return;
    case FAM_IUNARY:
    case FAM_IBINARY:
    case FAM_IEQZ:
    case FAM_ICOMPARE:
    case FAM_FUNARY:
    case FAM_FBINARY:
    case FAM_FCOMPARE:
    case FAM_CONVERT: lanes_numeric(l, op); return;
    case FAM_CALL: lanes_refuse(l, "it calls a function"); return;
    case FAM_TABLE:
    case FAM_REF:
    case FAM_EXCEPTION:
    case FAM_GC: break;
    case FAM_VSHUFFLE:
    case FAM_VSPLAT:
    case FAM_VEXTRACT:
    case FAM_VREPLACE:
    case FAM_VUNARY:
    case FAM_VBINARY:
    case FAM_VTERNARY:
    case FAM_VTEST:
    case FAM_VSHIFT:
    case FAM_LOAD_LANE:
    case FAM_STORE_LANE: lanes_refuse(l, "it computes with vectors itself"); return;
    case FAM_ATOMIC_LOAD:
    case FAM_ATOMIC_STORE:
    case FAM_ATOMIC_RMW:
    case FAM_ATOMIC_OTHER: lanes_refuse(l, "an atomic operation"); return;
    case FAM_WIDE:
    case FAM_COUNT: break;
    }
    lanes_refuse(l, "%s has no form for several items", wj_opcode_name(op->opcode));
}

// What the parameters are to the items of a call.
static void set_params(struct lanes *l)
{
    enum { FOR_X = 0, GROUP_ITEM = 3, GROUP_SHARED = 5, GROUP_OWN = 6 };
    uint32_t item = l->shape->is_group ? GROUP_ITEM : FOR_X;
    l->forms[item].stride = 1;
    l->forms[item].align = (uint8_t) __builtin_ctz(WJ_LANES);
    if (l->shape->is_group) { // both are aligned to 16
        l->forms[GROUP_SHARED].align = 4;
        l->forms[GROUP_OWN].align = 4;
        l->forms[GROUP_OWN].stride = (int32_t) l->shape->own_stride_bytes;
    }
}

static void run_pass(struct lanes *l)
{
    uint32_t param_count = l->func->type->param_count;
    wj_arena_clear(&l->nodes);
    wj_lanes_body_begin(&l->body, param_count);
    memset(l->free_count, 0, sizeof l->free_count);
    for (uint32_t i = 0; i < l->var_count; i++) {
        struct var *var = &l->vars[i];
        l->forms[i] = form_uniform();
        l->forms[i].is_known = i < l->local_count;
        var->vector = LANES_NONE;
        var->scalar = i < param_count      ? i
                      : i < l->local_count ? wj_lanes_local(&l->body, (enum wj_num) var->num, 1)
                                           : LANES_NONE;
    }
    set_params(l);
    l->has_changed = l->is_dead = false;
    l->depth = 0;
    l->loops = 0;
    l->cost = l->cost_single = 0;
    lanes_begin(l);
    // Vectors of parameters that are wanted: those of other locals start as the zero they need.
    for (uint32_t i = 0; i < param_count; i++) {
        if (l->vars[i].wants_splat) {
            lanes_set_var(l, i, lanes_var_node(l, i), LANES_NONE);
        }
    }
    for (l->at = 0; l->at < l->op_count && !l->has_failed; l->at++) {
        wj_lanes_place(&l->body, (uint32_t) (l->ops[l->at].at - l->module->bytes));
        do_op(l, &l->ops[l->at]);
    }
}

static bool check_func(struct lanes *l)
{
    const struct wj_module *module = l->module;
    l->at = UINT32_MAX;
    if ((module->features & WJ_FEATURE_SIMD) == 0) {
        return lanes_refuse(l, "vectors are switched off");
    }
    if (module->memory_count == 0 || module->memories[0].type.limits.is_64) {
        return lanes_refuse(l, "no memory with 32-bit addresses");
    }
    const struct wj_memory_type *memory = &module->memories[0].type;
    l->memory_bytes_min = memory->limits.min << memory->page_size_log2;
    return true;
}

static bool translate(struct lanes *l, uint32_t func_index, struct wj_lanes_code *code)
{
    if (!check_func(l) || !lanes_scan(l, func_index)) {
        return false;
    }
    l->forms = WJ_ARENA_ARRAY(&l->arena, struct form, l->var_count);
    l->stack = WJ_ARENA_ARRAY(&l->arena, struct node *, l->op_count + 1);
    l->frames = WJ_ARENA_ARRAY(&l->arena, struct frame, l->op_count + 2);
    if (l->forms == NULL || l->stack == NULL || l->frames == NULL) {
        return lanes_refuse(l, "out of memory");
    }
    for (unsigned passes = 0; passes == 0 || l->has_changed; passes++) {
        if (passes == LANES_PASSES_MAX) {
            return lanes_refuse(l, "its control flow is too involved");
        }
        run_pass(l);
        if (l->has_failed) {
            return false;
        }
    }
    l->at = UINT32_MAX;
    if (l->shape->must_pay && l->cost + l->cost / 4 >= l->cost_single) {
        return lanes_refuse(l, "too little of it is the same work for neighbouring items");
    }
    return wj_lanes_body_finish(&l->body, code) || lanes_refuse(l, "out of memory, or locals");
}

bool wj_lanes_translate(const struct wj_module *module, uint32_t func_index,
                        const struct wj_lanes_shape *shape, struct wj_lanes_code *code,
                        struct wj_err *reason)
{
    struct lanes *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return wj_err_set(reason, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    l->module = module;
    l->func = &module->funcs[func_index];
    l->shape = shape;
    l->reason = reason;
    wj_arena_init(&l->arena);
    wj_arena_init(&l->nodes);
    bool is_translated = translate(l, func_index, code);
    wj_lanes_body_clear(&l->body);
    wj_arena_clear(&l->arena);
    wj_arena_clear(&l->nodes);
    free(l);
    return is_translated;
}
