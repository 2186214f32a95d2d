// What a script's modules import from: the module "spectest", and instances under registered names.
#ifndef SPEC_LINK_H
#define SPEC_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <wasm.h>

#include "tests/spec/script.h"

// Named externals. The names and the externals belong to it.
struct exports {
    wasm_name_t *names;
    wasm_extern_t **externs;
    size_t count;
};

void exports_clear(struct exports *exports);
void exports_add(struct exports *exports, const wasm_name_t *name, wasm_extern_t *external);
const wasm_extern_t *exports_find(const struct exports *exports, const wasm_name_t *name);

// Everything that an instance of the module exports.
void exports_of_instance(struct exports *exports, const wasm_module_t *module,
                         const wasm_instance_t *instance);
// The host's module "spectest", with shared_memory where the engine has threads.
void exports_of_spectest(struct exports *exports, wasm_store_t *store, bool has_threads);

#endif
