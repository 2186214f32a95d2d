// Validation: the checking walk with no sink.
#include "wasm/hints.h"
#include "wasm/walk.h"

static const struct wj_sink none = {0};

static bool validate_func(const struct wj_walk_request *request, struct wj_err *err)
{
    return wj_walk_func_body(request, &none, NULL, err, true);
}

bool wj_module_validate_funcs(struct wj_module *module, uint32_t first, uint32_t count,
                              struct wj_err *err)
{
    struct wj_walk_scratch scratch;
    wj_walk_scratch_init_in(&scratch, module->arena.bulk);
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        uint32_t index = module->func_import_count + first + i;
        struct wj_walk_request request = {
            .module = module,
            .func_index = index,
            .scratch = &scratch,
            .census = &module->funcs[index].census,
        };
        ok = validate_func(&request, err);
        if (module->funcs[index].census.has_tail_ref_call) {
            __atomic_store_n(&module->has_tail_ref_calls, true, __ATOMIC_RELAXED);
        }
    }
    wj_walk_scratch_clear(&scratch);
    return ok;
}

bool wj_module_validate(struct wj_module *module, struct wj_err *err)
{
    uint32_t count = module->func_count - module->func_import_count;
    return wj_module_validate_funcs(module, 0, count, err) && wj_module_check_hints(module, err);
}
