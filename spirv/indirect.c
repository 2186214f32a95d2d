// Calls through a table that nobody writes: a switch over its entries. What the device cannot run
// it leaves to the CPU when an item comes to it: the whole dispatch is done again there.
#include "spirv/indirect.h"

#include "runtime/vm/kernel_scan.h"
#include "runtime/vm/kernel_table.h"
#include "spirv/u32.h"

// Drivers inline each function at each call.
enum { TARGETS_MAX = 32, CASES_MAX = 256, RUNS_MAX = 32 };

// ---- What has been found out --------------------------------------------------------------------

bool wj_spv_is_barred(const struct wj_spv_barred *barred, uint32_t from, uint32_t to)
{
    for (; barred != NULL; barred = barred->next) {
        if (barred->to == to && (barred->from == UINT32_MAX || barred->from == from)) {
            return true;
        }
    }
    return false;
}

bool wj_spv_check_barred(struct wj_spv_translator *t, const struct wj_op *op)
{
    for (const struct wj_spv_barred *barred = t->barred; barred != NULL; barred = barred->next) {
        if (barred->to == op->index && barred->from == UINT32_MAX) {
            return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, barred->why.offset, "%s",
                              barred->why.message);
        }
    }
    return true;
}

// ---- Calls --------------------------------------------------------------------------------------

enum entry { ENTRY_NULL, ENTRY_OTHER_TYPE, ENTRY_BARRED, ENTRY_TARGET };

enum { SCANNED_FOR = 1, SCANNED_AGAINST };

// Where there are too many to choose from, most are a library's, which print or allocate: what
// calls the host, directly or not, need not be tried.
static bool is_weed(struct wj_spv_translator *t, uint32_t func)
{
    struct wj_kernel_facts facts;
    struct wj_err ignored;
    if (t->scanned == NULL) {
        t->scanned = WJ_ARENA_ARRAY(t->kept, uint8_t, t->module->func_count);
    }
    if (t->scanned == NULL) {
        t->has_failed = true;
        return false;
    }
    if (t->scanned[func] == 0) {
        wj_err_clear(&ignored);
        const bool is_good = wj_kernel_scan(t->module, func, NULL, &facts, &ignored);
        t->scanned[func] = is_good && facts.is_for_device ? SCANNED_FOR : SCANNED_AGAINST;
    }
    return t->scanned[func] == SCANNED_AGAINST;
}

static enum entry entry_of(struct wj_spv_translator *t, const struct wj_op *op, uint32_t i)
{
    const uint32_t func = t->table.funcs[i];
    if (func == WJ_TABLE_ENTRY_NULL) {
        return ENTRY_NULL;
    }
    if (!wj_kernel_table_matches(&t->table, i, op->index)) {
        return ENTRY_OTHER_TYPE;
    }
    const bool is_barred = t->module->funcs[func].is_imported ||
                           wj_spv_is_barred(t->barred, t->current->index, func) ||
                           (t->weeds_out && is_weed(t, func));
    return is_barred ? ENTRY_BARRED : ENTRY_TARGET;
}

// Says why that function is barred, in the words of a direct call of it.
static void explain(struct wj_spv_translator *t, const struct wj_op *op, uint32_t func)
{
    struct wj_kernel_facts facts;
    struct wj_err *why = &t->left->why;
    const struct wj_spv_barred *barred = t->barred;
    wj_err_clear(why);
    if (t->module->funcs[func].is_imported) {
        wj_err_set(why, WJ_ERR_UNSUPPORTED, wj_spv_offset(t, op),
                   "calls imported function %u: no device can call the host", func);
        return;
    }
    while (barred != NULL && !(barred->to == func &&
                               (barred->from == UINT32_MAX || barred->from == t->current->index))) {
        barred = barred->next;
    }
    if (barred != NULL) {
        *why = barred->why;
        return;
    }
    struct wj_err scan;
    wj_err_clear(&scan);
    wj_kernel_scan(t->module, func, NULL, &facts, &scan);
    wj_err_set(why, WJ_ERR_UNSUPPORTED, scan.offset, "calls function %u (%s)", func, scan.message);
}

static bool find_table(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_err why;
    wj_err_clear(&why);
    if (t->table.funcs != NULL && t->table_index == op->index2) {
        return true;
    }
    wj_kernel_table_clear(&t->table);
    t->table_index = op->index2;
    return wj_kernel_table_read(t->module, op->index2, &t->table, &why) ||
           wj_spv_refuse(t, op, "indirect call: %s", why.message);
}

// The index lies in one of the runs of entries of this kind. False: there are too many runs.
static bool test_runs(struct wj_spv_translator *t, const struct wj_op *op, enum entry kind,
                      uint32_t index, uint32_t *condition)
{
    uint32_t run_count = 0;
    *condition = 0;
    for (uint32_t i = 0; i < t->table.count;) {
        const uint32_t first = i;
        while (i < t->table.count && entry_of(t, op, i) == kind) {
            i++;
        }
        if (i == first) {
            i++;
            continue;
        }
        if (++run_count > RUNS_MAX) {
            return wj_spv_refuse(t, op, "indirect call through a table with many gaps");
        }
        const uint32_t at = u32_op(t, SpvOpISub, index, u32_const(t, first));
        const uint32_t is_in = u32_test(t, SpvOpULessThan, at, u32_const(t, i - first));
        *condition = *condition == 0
                         ? is_in
                         : WJ_SPV_OP(&t->b, SpvOpLogicalOr, t->types[REPR_BOOL], *condition, is_in);
    }
    return true;
}

// The item stops, and with it the dispatch is void.
static void leave_to_host(struct wj_spv_translator *t, const struct wj_op *op, uint32_t condition,
                          uint32_t index)
{
    wj_spv_trap_if(t, op, condition, WJ_GPU_LEFT_TO_HOST);
    const uint32_t old = WJ_SPV_OP(&t->b, SpvOpLoad, t->types[REPR_U32], t->stop_address);
    WJ_SPV_DO(&t->b, SpvOpStore, t->stop_address, u32_choose(t, condition, index, old));
    t->leaves_to_host = true;
}

// What the index is when it is no target's.
static bool stop_others(struct wj_spv_translator *t, const struct wj_op *op, uint32_t index)
{
    const uint32_t is_outside =
        u32_test(t, SpvOpUGreaterThanEqual, index, u32_const(t, t->table.count));
    uint32_t is_null, is_barred;
    if (!test_runs(t, op, ENTRY_NULL, index, &is_null) ||
        !test_runs(t, op, ENTRY_BARRED, index, &is_barred)) {
        return false;
    }
    wj_spv_trap_if(t, op, is_outside, WJ_TRAP_UNDEFINED_ELEMENT);
    if (is_null != 0) {
        wj_spv_trap_if(t, op, is_null, WJ_TRAP_UNINITIALIZED_ELEMENT);
    }
    if (t->left != NULL && t->left->call_at == wj_spv_offset(t, op) &&
        t->left->entry < t->table.count && entry_of(t, op, t->left->entry) == ENTRY_BARRED) {
        explain(t, op, t->table.funcs[t->left->entry]);
    }
    if (is_barred != 0) {
        leave_to_host(t, op, is_barred, index);
    }
    wj_spv_trap_if(t, op, wj_spv_const_bool(&t->b, true), WJ_TRAP_INDIRECT_CALL_MISMATCH);
    return true;
}

// A switch in the making.
struct cases {
    uint32_t words[2 + 2 * CASES_MAX]; // of OpSwitch
    uint32_t word_count;
    uint32_t funcs[TARGETS_MAX], labels[TARGETS_MAX];
    uint32_t func_count;
};

// How many functions there are to choose from.
static uint32_t count_targets(struct wj_spv_translator *t, const struct wj_op *op)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->table.count && count <= TARGETS_MAX; i++) {
        count += entry_of(t, op, i) == ENTRY_TARGET && !wj_kernel_table_repeats(&t->table, i);
    }
    return count;
}

static bool gather(struct wj_spv_translator *t, const struct wj_op *op, struct cases *cases)
{
    t->weeds_out = t->weeds_out || count_targets(t, op) > TARGETS_MAX;
    for (uint32_t i = 0; i < t->table.count; i++) {
        if (entry_of(t, op, i) != ENTRY_TARGET) {
            continue;
        }
        uint32_t k = 0;
        while (k < cases->func_count && cases->funcs[k] != t->table.funcs[i]) {
            k++;
        }
        if (k == TARGETS_MAX || cases->word_count + 2 > sizeof cases->words / 4) {
            return wj_spv_refuse(t, op, "indirect call with more than %d functions to choose from",
                                 TARGETS_MAX);
        }
        if (k == cases->func_count) {
            cases->funcs[k] = t->table.funcs[i];
            cases->labels[k] = wj_spv_id(&t->b);
            cases->func_count++;
        }
        cases->words[cases->word_count++] = i;
        cases->words[cases->word_count++] = cases->labels[k];
    }
    return true;
}

// A function of the table and what becomes of its results.
static bool call_target(struct wj_spv_translator *t, const struct wj_op *op, uint32_t func_index,
                        uint32_t *operands, uint32_t variable)
{
    const uint32_t id = wj_spv_note_callee(t, op, func_index, true);
    if (id == 0) {
        return false;
    }
    const struct wj_functype *type = op->functype;
    const uint32_t result_type = wj_spv_result_type(t, type);
    operands[0] = id;
    const uint32_t result =
        wj_spv_result(&t->b, SpvOpFunctionCall, result_type, operands, type->param_count + 1);
    if (variable != 0) {
        WJ_SPV_DO(&t->b, SpvOpStore, variable, result);
    }
    return true;
}

uint32_t wj_spv_table_index(struct wj_spv_translator *t, struct wj_spv_value value)
{
    uint32_t is_beyond;
    if (value.repr != REPR_U64 && value.repr != REPR_F64) {
        return wj_spv_as(t, value, REPR_U32);
    }
    const uint32_t index = wj_spv_narrow(t, wj_spv_as(t, value, REPR_U64), &is_beyond);
    return u32_choose(t, is_beyond, u32_const(t, UINT32_MAX), index);
}

bool wj_spv_call_indirect(struct wj_spv_translator *t, const struct wj_op *op, uint32_t *operands,
                          uint32_t index, uint32_t *result)
{
    struct wj_spv_builder *b = &t->b;
    struct cases *cases = WJ_ARENA_NEW(&t->pass_arena, struct cases);
    if (cases == NULL) {
        t->has_failed = true;
        return false;
    }
    cases->word_count = 2;
    if (!find_table(t, op) || !gather(t, op, cases)) {
        return false;
    }
    t->has_indirect = true;
    t->branch_count += cases->func_count;
    const uint32_t type = wj_spv_result_type(t, op->functype);
    const bool has_result = op->functype->result_count != 0;
    const uint32_t variable = has_result ? wj_spv_function_variable(b, type) : 0;
    if (has_result) {
        WJ_SPV_DO(b, SpvOpStore, variable, wj_spv_const_null(b, type));
    }
    const uint32_t merge = wj_spv_id(b), others = wj_spv_id(b);
    cases->words[0] = index;
    cases->words[1] = others;
    wj_spv_selection(b, merge);
    wj_spv_raw(&b->body, SpvOpSwitch, cases->words, cases->word_count);
    b->is_terminated = true;
    for (uint32_t i = 0; i < cases->func_count; i++) {
        wj_spv_open(t, cases->labels[i], true);
        if (!call_target(t, op, cases->funcs[i], operands, variable)) {
            return false;
        }
        wj_spv_branch(b, merge);
    }
    wj_spv_open(t, others, true);
    if (!stop_others(t, op, index)) {
        return false;
    }
    wj_spv_branch(b, merge);
    wj_spv_open(t, merge, true);
    *result = has_result ? WJ_SPV_OP(b, SpvOpLoad, type, variable) : 0;
    return true;
}
