// --invoke: finds the export, and turns text into arguments of its types.
#include "cli/invoke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/parse.h"
#include "cli/report.h"

#define TYPE_TEXT_BYTES 32

static int parse_args(struct invocation *invocation, const wasm_valtype_vec_t *params,
                      const char *const *texts)
{
    for (size_t i = 0; i < params->size; i++) {
        char type[TYPE_TEXT_BYTES];
        if (!parse_value(texts[i], wasm_valtype_kind(params->data[i]), &invocation->args[i])) {
            return report(EXIT_USAGE, invocation->file, "argument %zu of %s: %s: %s was expected",
                          i + 1, invocation->name, texts[i],
                          wjit_valtype_print(params->data[i], type, sizeof(type)));
        }
    }
    return 0;
}

int invocation_init(struct invocation *invocation, const wasm_instance_t *instance,
                    const char *const *texts, size_t text_count)
{
    const char *file = invocation->file, *name = invocation->name;
    wasm_extern_t *export = wjit_instance_export(instance, name, strlen(name));
    wasm_func_t *func = export ? wasm_extern_as_func(export) : NULL;
    if (!func) {
        wasm_extern_delete(export);
        return report(EXIT_USAGE, file, "no export %s that is a function", name);
    }
    invocation->func = func;
    wasm_functype_t *type = wasm_func_type(func);
    const wasm_valtype_vec_t *params = wasm_functype_params(type);
    invocation->arg_count = params->size;
    invocation->result_count = wasm_functype_results(type)->size;
    invocation->args = calloc(invocation->arg_count + 1, sizeof(*invocation->args));
    invocation->results = calloc(invocation->result_count + 1, sizeof(*invocation->results));
    int code = 0;
    if (!invocation->args || !invocation->results) {
        code = report(EXIT_MEMORY, file, "memory exhausted");
    } else if (text_count != params->size) {
        code = report(EXIT_USAGE, file, "%s takes %zu arguments, but %zu were given", name,
                      params->size, text_count);
    } else {
        code = parse_args(invocation, params, texts);
    }
    wasm_functype_delete(type);
    return code;
}

void invocation_clear(struct invocation *invocation)
{
    for (size_t i = 0; invocation->results && i < invocation->result_count; i++) {
        if (wasm_valkind_is_ref(invocation->results[i].kind)) {
            wasm_ref_delete(invocation->results[i].of.ref);
        }
    }
    free(invocation->args);
    free(invocation->results);
    wasm_func_delete(invocation->func);
}
