// Calls an export with arguments given as text, and prints its results.
#ifndef CLI_INVOKE_H
#define CLI_INVOKE_H

#include <stddef.h>

#include <wjit.h>

struct invocation {
    const char *file;
    const char *name; // of the export
    wasm_func_t *func;
    wjit_val_t *args;
    size_t arg_count;
    wjit_val_t *results;
    size_t result_count;
};

// Finds the function and parses its arguments. 0, or the code of what was reported.
int invocation_init(struct invocation *invocation, const wasm_instance_t *instance,
                    const char *const *texts, size_t text_count);
void invocation_clear(struct invocation *invocation);

#endif
