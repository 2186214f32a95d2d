// The function as an array of operations, and which locals are live where blocks begin and end.
#include <string.h>

#include "lanes/translate.h"
#include "wasm/walk.h"

_Static_assert((int) WJ_TYPE_V128 - (int) WJ_TYPE_I32 == (int) NUM_V128, "types are in one order");

struct scan {
    struct lanes *l;
    uint32_t *open; // the operations that opened the blocks around
    uint32_t open_count;
};

static void count_branch(struct scan *scan, uint32_t depth)
{
    if (depth < scan->open_count) {
        scan->l->facts[scan->open[scan->open_count - 1 - depth]].branch_count++;
    }
}

static void count_branches(struct scan *scan, const struct wj_op *op)
{
    const uint8_t *at = op->br_table.targets;
    for (uint32_t i = 0; i <= op->br_table.count; i++) {
        count_branch(scan, wj_leb_u32_trusted(&at));
    }
}

// The operation before the end of a block.
static bool is_last_branch(const struct wj_op *op)
{
    return op->family == FAM_CONTROL && op->sub == CONTROL_BR_IF && op->index == 0;
}

static bool scan_op(void *context, const struct wj_op *op)
{
    struct scan *scan = context;
    struct lanes *l = scan->l;
    if (l->op_count == l->op_capacity) {
        l->at = l->op_count - 1;
        return lanes_refuse(l, "has more than %d operations", LANES_OPS_MAX);
    }
    uint32_t at = l->op_count++;
    l->ops[at] = *op;
    if (op->family != FAM_CONTROL) {
        return true;
    }
    switch ((enum wj_control) op->sub) {
    case CONTROL_BLOCK:
    case CONTROL_LOOP:
    case CONTROL_IF:
        l->at = at;
        if (op->block.param_count != 0) {
            return lanes_refuse(l, "a block with parameters");
        }
        l->facts[at].else_at = LANES_NONE;
        l->facts[at].result_count = op->block.result_count;
        l->facts[at].result_var = l->var_count;
        for (uint32_t i = 0; i < op->block.result_count; i++) {
            if (l->var_count == LANES_VARS_MAX || op->block.results[i] > WJ_TYPE_V128) {
                return lanes_refuse(l, "the results of a block");
            }
            l->vars[l->var_count++].num = (uint8_t) (op->block.results[i] - WJ_TYPE_I32);
        }
        scan->open[scan->open_count++] = at;
        return true;
    case CONTROL_ELSE:
        l->ops[at].index = scan->open[scan->open_count - 1];
        l->facts[l->ops[at].index].else_at = at;
        return true;
    case CONTROL_END:
        l->ops[at].index = scan->open_count != 0 ? scan->open[--scan->open_count] : l->op_capacity;
        l->facts[l->ops[at].index].end_at = at;
        l->facts[l->ops[at].index].is_direct =
            l->facts[l->ops[at].index].branch_count == 1 && is_last_branch(&l->ops[at - 1]);
        return true;
    case CONTROL_BR:
    case CONTROL_BR_IF: count_branch(scan, op->index); return true;
    case CONTROL_BR_TABLE: count_branches(scan, op); return true;
    case CONTROL_UNREACHABLE:
    case CONTROL_NOP:
    case CONTROL_RETURN: return true;
    case CONTROL_BR_ON_NULL:
    case CONTROL_BR_ON_NON_NULL: break;
    }
    l->at = at;
    return lanes_refuse(l, "a reference");
}

static bool scan_begin(void *context, const struct wj_walk_func *func)
{
    struct lanes *l = ((struct scan *) context)->l;
    if (func->local_count > LANES_VARS_MAX / 2) {
        return lanes_refuse(l, "has more than %d locals", LANES_VARS_MAX / 2);
    }
    l->local_count = l->var_count = func->local_count;
    for (uint32_t i = 0; i < func->local_count; i++) {
        if (func->local_types[i] > WJ_TYPE_V128) {
            return lanes_refuse(l, "a local that is a reference");
        }
        l->vars[i].num = (uint8_t) (func->local_types[i] - WJ_TYPE_I32);
    }
    return true;
}

static const struct wj_sink scan_sink = {scan_begin, scan_op, NULL};

static bool decode(struct lanes *l, uint32_t func_index)
{
    struct scan scan = {.l = l, .open = WJ_ARENA_ARRAY(&l->arena, uint32_t, l->op_capacity)};
    struct wj_walk_scratch scratch;
    wj_walk_scratch_init(&scratch);
    struct wj_walk_request request = {
        .module = l->module, .func_index = func_index, .scratch = &scratch};
    bool ok = scan.open != NULL ? wj_walk_func_body(&request, &scan_sink, &scan, l->reason, false)
                                : lanes_refuse(l, "out of memory");
    wj_walk_scratch_clear(&scratch);
    return ok;
}

// ---- Liveness, backwards ------------------------------------------------------------------------

struct liveness {
    struct lanes *l;
    uint64_t *live;
    uint32_t *open; // facts of the blocks around
    uint32_t open_count;
    bool has_changed;
};

static void live_add(const struct lanes *l, uint64_t *into, const uint64_t *from)
{
    for (uint32_t i = 0; i < l->live_words; i++) {
        into[i] |= from[i];
    }
}

static void live_copy(const struct lanes *l, uint64_t *into, const uint64_t *from)
{
    memcpy(into, from, l->live_words * sizeof *into);
}

// What is live where a branch of this depth leads to.
static const uint64_t *label_live(const struct liveness *s, uint32_t depth)
{
    uint32_t open = s->open[s->open_count - 1 - depth];
    const struct facts *facts = &s->l->facts[open];
    bool is_loop = open != s->l->op_capacity && s->l->ops[open].sub == CONTROL_LOOP;
    return is_loop ? facts->live_start : facts->live_end;
}

static void live_branches(struct liveness *s, const struct wj_op *op)
{
    const uint8_t *at = op->br_table.targets;
    memset(s->live, 0, s->l->live_words * sizeof *s->live);
    for (uint32_t i = 0; i <= op->br_table.count; i++) {
        live_add(s->l, s->live, label_live(s, wj_leb_u32_trusted(&at)));
    }
}

static void live_open(struct liveness *s, uint32_t at)
{
    struct lanes *l = s->l;
    struct facts *facts = &l->facts[at];
    s->open_count--;
    if (l->ops[at].sub == CONTROL_IF) {
        live_add(l, s->live, facts->else_at != LANES_NONE ? facts->live_start : facts->live_end);
    }
    if (l->ops[at].sub == CONTROL_LOOP) {
        for (uint32_t i = 0; i < l->live_words; i++) {
            s->has_changed = s->has_changed || (s->live[i] & ~facts->live_start[i]) != 0;
        }
        live_add(l, facts->live_start, s->live);
    }
}

static void live_control(struct liveness *s, const struct wj_op *op, uint32_t at)
{
    struct lanes *l = s->l;
    switch ((enum wj_control) op->sub) {
    case CONTROL_END:
        s->open[s->open_count++] = op->index;
        live_copy(l, l->facts[op->index].live_end, s->live);
        return;
    case CONTROL_ELSE:
        live_copy(l, l->facts[op->index].live_start, s->live);
        live_copy(l, s->live, l->facts[op->index].live_end);
        return;
    case CONTROL_BLOCK:
    case CONTROL_LOOP:
    case CONTROL_IF: live_open(s, at); return;
    case CONTROL_BR: live_copy(l, s->live, label_live(s, op->index)); return;
    case CONTROL_BR_IF: live_add(l, s->live, label_live(s, op->index)); return;
    case CONTROL_BR_TABLE: live_branches(s, op); return;
    case CONTROL_RETURN:
    case CONTROL_UNREACHABLE: memset(s->live, 0, l->live_words * sizeof *s->live); return;
    case CONTROL_NOP:
    case CONTROL_BR_ON_NULL:
    case CONTROL_BR_ON_NON_NULL: return;
    }
}

static void live_pass(struct liveness *s)
{
    struct lanes *l = s->l;
    memset(s->live, 0, l->live_words * sizeof *s->live);
    s->open_count = 0;
    s->has_changed = false;
    for (uint32_t at = l->op_count; at-- > 0;) {
        const struct wj_op *op = &l->ops[at];
        if (op->family == FAM_CONTROL) {
            live_control(s, op, at);
        } else if (op->family == FAM_LOCAL) {
            uint64_t bit = 1ull << (op->index % 64);
            if (op->sub == LOCAL_GET) {
                s->live[op->index / 64] |= bit;
            } else {
                s->live[op->index / 64] &= ~bit;
            }
        }
    }
}

// Room for what is known of a block, and its results are live at its end.
static bool prepare_facts(struct lanes *l, struct facts *facts)
{
    facts->live_end = WJ_ARENA_ARRAY(&l->arena, uint64_t, l->live_words);
    facts->live_start = WJ_ARENA_ARRAY(&l->arena, uint64_t, l->live_words);
    facts->end = WJ_ARENA_ARRAY(&l->arena, struct form, l->var_count);
    facts->start = WJ_ARENA_ARRAY(&l->arena, struct form, l->var_count);
    facts->resume = WJ_ARENA_ARRAY(&l->arena, struct form, l->var_count);
    return facts->live_end != NULL && facts->live_start != NULL && facts->end != NULL &&
           facts->start != NULL && facts->resume != NULL;
}

static bool is_opening(const struct wj_op *op)
{
    return op->family == FAM_CONTROL &&
           (op->sub == CONTROL_BLOCK || op->sub == CONTROL_LOOP || op->sub == CONTROL_IF);
}

static bool find_live(struct lanes *l)
{
    l->live_words = l->var_count / 64 + 1;
    struct liveness s = {
        .l = l,
        .live = WJ_ARENA_ARRAY(&l->arena, uint64_t, l->live_words),
        .open = WJ_ARENA_ARRAY(&l->arena, uint32_t, l->op_capacity + 1),
    };
    bool has_room = s.live != NULL && s.open != NULL && prepare_facts(l, &l->facts[l->op_capacity]);
    for (uint32_t i = 0; has_room && i < l->op_count; i++) {
        has_room = !is_opening(&l->ops[i]) || prepare_facts(l, &l->facts[i]);
    }
    if (!has_room) {
        return lanes_refuse(l, "out of memory");
    }
    do {
        live_pass(&s);
    } while (s.has_changed);
    for (uint32_t i = 0; i < l->op_count; i++) {
        for (uint32_t k = 0; is_opening(&l->ops[i]) && k < l->facts[i].result_count; k++) {
            uint32_t var = l->facts[i].result_var + k;
            l->facts[i].live_end[var / 64] |= 1ull << (var % 64);
        }
    }
    return true;
}

bool lanes_scan(struct lanes *l, uint32_t func_index)
{
    uint32_t bytes = l->module->funcs[func_index].code_size_bytes;
    l->op_capacity = bytes < LANES_OPS_MAX ? bytes : LANES_OPS_MAX;
    l->ops = WJ_ARENA_ARRAY(&l->arena, struct wj_op, l->op_capacity);
    l->facts = WJ_ARENA_ARRAY(&l->arena, struct facts, l->op_capacity + 1);
    l->vars = WJ_ARENA_ARRAY(&l->arena, struct var, LANES_VARS_MAX);
    if (l->ops == NULL || l->facts == NULL || l->vars == NULL) {
        return lanes_refuse(l, "out of memory");
    }
    return decode(l, func_index) && find_live(l);
}
