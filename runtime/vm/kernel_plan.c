// Of a module: which of its functions dispatch kernels, and a record of each kernel that was met.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/leb128.h"
#include "runtime/vm/kernel_state.h"

static bool fail_nomem(struct wj_err *err)
{
    return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
}

static struct wj_kernel *record_new(struct wj_kernels *kernels, const struct wj_module *module,
                                    uint32_t func_index)
{
    struct wj_kernel *kernel = calloc(1, sizeof *kernel);
    if (kernel == NULL) {
        return NULL;
    }
    struct wj_kernel_report *report = &kernel->report;
    report->func_index = func_index;
    report->reason_offset = WJ_NO_OFFSET;
    if (module->func_names != NULL && module->func_names[func_index].bytes != NULL) {
        const struct wj_name *name = &module->func_names[func_index];
        uint32_t size =
            name->size_bytes < sizeof report->name - 1 ? name->size_bytes : sizeof report->name - 1;
        memcpy(report->name, name->bytes, size);
    } else {
        snprintf(report->name, sizeof report->name, "func %u", func_index);
    }
    kernel->next = kernels->records;
    kernels->records = kernel;
    return kernel;
}

// What wjit/gpu.h defines. Names of some languages cannot hold a dot.
static const struct dispatch_export {
    const char *names[2];
    uint32_t words; // parameters, before the kernel and its arguments
    const char *type, *type_64;
} dispatch_exports[WJ_DISPATCH_COUNT] = {
    [WJ_DISPATCH_FOR] = {{"wjit.parallel_for.v1", "wjit_parallel_for_v1"},
                         3,
                         "(i32, i32, i32, i32, i32) -> ()",
                         "(i32, i32, i32, i64, i64) -> ()"},
    [WJ_DISPATCH_GROUPS] = {{"wjit.parallel_groups.v1", "wjit_parallel_groups_v1"},
                            7,
                            "(i32, i32, i32, i32, i32, i32, i32, i32, i32) -> ()",
                            "(i32, i32, i32, i32, i32, i32, i32, i64, i64) -> ()"},
};

// An address that is a constant, below 4 GiB.
static bool is_address(const struct wj_module *module, const struct wj_const_expr *expr,
                       uint32_t *value)
{
    enum { I32_CONST = 0x41, I64_CONST = 0x42 };
    const bool is_64 = wj_kernel_is_64(module);
    const uint8_t *at = expr->code;
    if (expr->size_bytes < 3 || *at++ != (is_64 ? I64_CONST : I32_CONST)) {
        return false;
    }
    const uint64_t bits = (uint64_t) wj_leb_s_trusted(&at);
    *value = (uint32_t) bits;
    return at == expr->code + expr->size_bytes - 1 && (!is_64 || bits <= UINT32_MAX);
}

// Where the shadow stack starts when it lies below all data and grows down to address 0, else 0:
// data that no segment shows (zeroed memory) may lie under it.
static uint32_t find_stack_top(const struct wj_module *module)
{
    uint32_t top;
    if (module->global_count == 0 || module->global_import_count != 0 ||
        module->globals[0].type.type != (wj_kernel_is_64(module) ? WJ_TYPE_I64 : WJ_TYPE_I32) ||
        !is_address(module, &module->globals[0].init, &top)) {
        return 0;
    }
    bool has_data = false;
    for (uint32_t i = 0; i < module->data_count; i++) {
        uint32_t offset;
        if (module->datas[i].mode != WJ_SEGMENT_ACTIVE) {
            continue;
        }
        has_data = true;
        if (!is_address(module, &module->datas[i].offset, &offset) || offset < top) {
            return 0;
        }
    }
    return has_data ? top : 0;
}

static const struct wj_export *find_export(const struct wj_module *module,
                                           const struct dispatch_export *wanted)
{
    for (unsigned i = 0; i < 2; i++) {
        const char *name = wanted->names[i];
        const struct wj_export *export = wj_module_find_export(module, name, strlen(name));
        if (export != NULL && export->kind == WJ_EXTERN_FUNC) {
            return export;
        }
    }
    return NULL;
}

// Fills in the dispatcher if the module exports it; out->record is NULL if it is none.
static bool find_dispatcher(struct wj_kernels *kernels, const struct wj_module *module,
                            const struct dispatch_export *wanted, struct wj_dispatcher *out,
                            struct wj_err *err)
{
    const struct wj_export *export = find_export(module, wanted);
    const bool is_64 = wj_kernel_is_64(module);
    if (export == NULL) {
        return true;
    }
    bool is_recognised =
        export->index >= module->func_import_count && module->table_count != 0 &&
        wj_kernel_takes(module->funcs[export->index].type, wanted->words, 2, is_64);
    out->func_index = export->index;
    if (is_recognised &&
        !wj_kernel_scan_inner(module, export->index, &out->func_index, &out->moves_stack, err)) {
        return false;
    }
    pthread_mutex_lock(&kernels->lock);
    struct wj_kernel *record = record_new(kernels, module, out->func_index);
    if (record != NULL) {
        record->report.is_dispatcher = true;
    }
    if (record != NULL && !is_recognised) {
        snprintf(record->report.reason, sizeof record->report.reason,
                 "is no function of type %s beside a table",
                 is_64 ? wanted->type_64 : wanted->type);
    }
    if (record != NULL && is_recognised) {
        record->module = module;
        record->wrapper = export->index;
    }
    pthread_mutex_unlock(&kernels->lock);
    out->record = is_recognised ? record : NULL;
    return record != NULL || fail_nomem(err);
}

bool wj_kernel_plan_reads_bodies(const struct wj_engine *engine, const struct wj_module *module)
{
    bool has_any = false;
    for (unsigned i = 0; engine->settings.runs_kernels && i < WJ_DISPATCH_COUNT; i++) {
        has_any = has_any || find_export(module, &dispatch_exports[i]) != NULL;
    }
    return has_any;
}

bool wj_kernel_plan_new(struct wj_engine *engine, const struct wj_module *module,
                        struct wj_kernel_plan **out, struct wj_err *err)
{
    struct wj_kernel_plan found = {.module = module};
    bool has_any = false;
    *out = NULL;
    for (unsigned i = 0; engine->settings.runs_kernels && i < WJ_DISPATCH_COUNT; i++) {
        struct wj_dispatcher *dispatcher = &found.dispatchers[i];
        if (!find_dispatcher(engine->kernels, module, &dispatch_exports[i], dispatcher, err)) {
            return false;
        }
        has_any = has_any || dispatcher->record != NULL;
    }
    if (!has_any) {
        return true;
    }
    struct wj_kernel_plan *plan = calloc(1, sizeof *plan);
    found.replaced = calloc(module->func_count / 64 + 1, sizeof *found.replaced);
    if (plan == NULL || found.replaced == NULL) {
        free(plan);
        free(found.replaced);
        return fail_nomem(err);
    }
    for (unsigned i = 0; i < WJ_DISPATCH_COUNT; i++) {
        const struct wj_dispatcher *dispatcher = &found.dispatchers[i];
        if (dispatcher->record != NULL) {
            found.replaced[dispatcher->func_index / 64] |= 1ull << (dispatcher->func_index % 64);
        }
    }
    found.stack_top = find_stack_top(module);
    *plan = found;
    *out = plan;
    return true;
}

void wj_kernel_plan_free(struct wj_engine *engine, struct wj_kernel_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    pthread_mutex_lock(&engine->kernels->gpu_lock);
    for (struct wj_kernel *kernel = plan->kernels; kernel != NULL; kernel = kernel->next_in_plan) {
        wj_kernel_gpu_free(engine, kernel);
        wj_kernel_lanes_free(kernel);
    }
    pthread_mutex_unlock(&engine->kernels->gpu_lock);
    pthread_mutex_lock(&engine->kernels->lock);
    for (unsigned i = 0; i < WJ_DISPATCH_COUNT; i++) {
        if (plan->dispatchers[i].record != NULL) {
            plan->dispatchers[i].record->module = NULL;
        }
    }
    pthread_mutex_unlock(&engine->kernels->lock);
    free(plan->replaced);
    free(plan);
}

const uint64_t *wj_kernel_plan_replaced(const struct wj_kernel_plan *plan)
{
    return plan == NULL ? NULL : plan->replaced;
}

void wj_kernel_explain_idle(const struct wj_kernel *dispatcher, struct wj_kernel_report *report)
{
    struct wj_kernel_uses uses;
    struct wj_err err;
    wj_err_clear(&err);
    report->is_unused = true;
    if (dispatcher->module == NULL) {
        return;
    }
    uint32_t inner = report->func_index;
    const bool is_group = dispatcher->module->funcs[inner].type->param_count !=
                          dispatch_exports[WJ_DISPATCH_FOR].words + 2;
    if (!wj_kernel_scan_uses(dispatcher->module, inner, dispatcher->wrapper, is_group, &uses,
                             &err)) {
        return;
    }
    if (uses.call_count == 0 && !uses.is_inlined) {
        snprintf(report->reason, sizeof report->reason,
                 "no function calls it (where one did, it was inlined together with its kernel)");
    }
    if (uses.is_inlined) {
        report->is_unused = false;
        report->reason_offset = uses.inlined_at;
        snprintf(report->reason, sizeof report->reason,
                 "it was inlined into func %u, where items run one after the other: keep the "
                 "optimiser from inlining it",
                 uses.inlined_func);
    }
}

// Looks once at what the module does with its stack pointer.
static void check_stack(struct wj_kernel_plan *plan)
{
    struct wj_err err;
    wj_err_clear(&err);
    bool has_frames = false, is_other = false;
    if (plan->is_stack_checked) {
        return;
    }
    plan->is_stack_checked = true;
    plan->has_stack = wj_kernel_scan_stack(plan->module, &has_frames, &is_other, &err) &&
                      !is_other &&
                      (has_frames || plan->dispatchers[WJ_DISPATCH_GROUPS].moves_stack);
    if (!plan->has_stack) {
        plan->stack_top = 0;
    }
}

static void scan_kernel(struct wj_kernel_plan *plan, struct wj_kernel *kernel, bool has_scratch)
{
    struct wj_kernel_facts *facts = &kernel->facts;
    struct wj_err reason;
    wj_err_clear(&reason);
    if (!wj_kernel_scan(plan->module, kernel->report.func_index, plan->replaced, facts, &reason)) {
        return; // not parallel
    }
    facts->uses_stack = facts->uses_stack || has_scratch;
    if ((facts->is_parallel || facts->is_for_device) && facts->uses_stack) {
        check_stack(plan);
        if (plan->stack_top == 0) {
            facts->is_parallel = facts->is_for_device = false;
            wj_err_set(&reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                       "uses the stack, which is not known to have room for other threads");
        }
    }
    snprintf(kernel->why_alone, sizeof kernel->why_alone, "%s", reason.message);
    kernel->why_alone_offset = reason.offset;
}

struct wj_kernel *wj_kernel_find(struct wj_kernels *kernels, struct wj_kernel_plan *plan,
                                 uint32_t func_index, bool has_scratch)
{
    pthread_mutex_lock(&kernels->lock);
    struct wj_kernel *kernel = plan->kernels;
    while (kernel != NULL && kernel->report.func_index != func_index) {
        kernel = kernel->next_in_plan;
    }
    if (kernel == NULL) {
        kernel = record_new(kernels, plan->module, func_index);
        if (kernel != NULL) {
            scan_kernel(plan, kernel, has_scratch);
            kernel->next_in_plan = plan->kernels;
            plan->kernels = kernel;
        }
    }
    pthread_mutex_unlock(&kernels->lock);
    return kernel;
}
