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

// (i32, i32, i32, i32, i32) -> ()
static bool is_dispatch_type(const struct wj_functype *type)
{
    bool is_match = type->param_count == 5 && type->result_count == 0;
    for (uint32_t i = 0; is_match && i < 5; i++) {
        is_match = type->types[i] == WJ_TYPE_I32;
    }
    return is_match;
}

static bool is_i32_const(const struct wj_const_expr *expr, uint32_t *value)
{
    const uint8_t *at = expr->code;
    if (expr->size_bytes < 3 || *at++ != 0x41) { // i32.const
        return false;
    }
    *value = (uint32_t) wj_leb_s_trusted(&at);
    return at == expr->code + expr->size_bytes - 1;
}

// True when the shadow stack grows down to address 0: it starts below all data. Elsewhere data
// that no segment shows (zeroed memory) may lie under it.
static bool is_stack_first(const struct wj_module *module)
{
    uint32_t top;
    if (module->global_count == 0 || module->global_import_count != 0 ||
        module->globals[0].type.type != WJ_TYPE_I32 ||
        !is_i32_const(&module->globals[0].init, &top)) {
        return false;
    }
    bool has_data = false;
    for (uint32_t i = 0; i < module->data_count; i++) {
        uint32_t offset;
        if (module->datas[i].mode != WJ_SEGMENT_ACTIVE) {
            continue;
        }
        has_data = true;
        if (!is_i32_const(&module->datas[i].offset, &offset) || offset < top) {
            return false;
        }
    }
    return has_data;
}

static const struct wj_export *find_dispatch(const struct wj_module *module)
{
    static const char *const names[] = {"wjit.parallel_for.v1", "wjit_parallel_for_v1"};
    for (unsigned i = 0; i < 2; i++) {
        const struct wj_export *export = wj_module_find_export(module, names[i], strlen(names[i]));
        if (export != NULL && export->kind == WJ_EXTERN_FUNC) {
            return export;
        }
    }
    return NULL;
}

bool wj_kernel_plan_new(struct wj_engine *engine, const struct wj_module *module,
                        struct wj_kernel_plan **out, struct wj_err *err)
{
    *out = NULL;
    const struct wj_export *export = engine->settings.runs_kernels ? find_dispatch(module) : NULL;
    if (export == NULL) {
        return true;
    }
    struct wj_kernels *kernels = engine->kernels;
    bool is_recognised = export->index >= module->func_import_count &&
                         is_dispatch_type(module->funcs[export->index].type) &&
                         module->table_count != 0;
    uint32_t inner = export->index;
    if (is_recognised && !wj_kernel_scan_inner(module, export->index, &inner, err)) {
        return false;
    }
    pthread_mutex_lock(&kernels->lock);
    struct wj_kernel *dispatcher = record_new(kernels, module, inner);
    pthread_mutex_unlock(&kernels->lock);
    if (dispatcher == NULL) {
        return fail_nomem(err);
    }
    dispatcher->report.is_dispatcher = true;
    if (!is_recognised) {
        snprintf(dispatcher->report.reason, sizeof dispatcher->report.reason,
                 "is no function of type (i32, i32, i32, i32, i32) -> () beside a table");
        return true;
    }
    struct wj_kernel_plan *plan = calloc(1, sizeof *plan);
    uint64_t *replaced = calloc(module->func_count / 64 + 1, sizeof *replaced);
    if (plan == NULL || replaced == NULL) {
        free(plan);
        free(replaced);
        return fail_nomem(err);
    }
    replaced[inner / 64] |= 1ull << (inner % 64);
    *plan = (struct wj_kernel_plan){
        .module = module,
        .dispatch_func = inner,
        .replaced = replaced,
        .stack_is_first = is_stack_first(module),
        .dispatcher = dispatcher,
    };
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
        if (kernel->gpu != NULL) {
            engine->ports.gpu_driver->kernel_free(kernel->gpu);
            kernel->gpu = NULL;
        }
    }
    pthread_mutex_unlock(&engine->kernels->gpu_lock);
    free(plan->replaced);
    free(plan);
}

const uint64_t *wj_kernel_plan_replaced(const struct wj_kernel_plan *plan)
{
    return plan == NULL ? NULL : plan->replaced;
}

struct wj_kernel *wj_kernel_find(struct wj_kernels *kernels, struct wj_kernel_plan *plan,
                                 uint32_t func_index)
{
    pthread_mutex_lock(&kernels->lock);
    struct wj_kernel *kernel = plan->kernels;
    while (kernel != NULL && kernel->report.func_index != func_index) {
        kernel = kernel->next_in_plan;
    }
    if (kernel == NULL) {
        kernel = record_new(kernels, plan->module, func_index);
        struct wj_err reason;
        wj_err_clear(&reason);
        if (kernel != NULL &&
            wj_kernel_scan(plan->module, func_index, plan->replaced, &kernel->facts, &reason)) {
            if (kernel->facts.is_parallel && kernel->facts.uses_stack && !plan->stack_is_first) {
                kernel->facts.is_parallel = false;
                wj_err_set(&reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                           "uses the stack, which is not known to have room for other threads");
            }
            snprintf(kernel->why_alone, sizeof kernel->why_alone, "%s", reason.message);
            kernel->why_alone_offset = reason.offset;
        }
        if (kernel != NULL) {
            kernel->next_in_plan = plan->kernels;
            plan->kernels = kernel;
        }
    }
    pthread_mutex_unlock(&kernels->lock);
    return kernel;
}
