// The custom section of branch hints, checked where the feature is on; nothing else reads it.
#ifndef WASM_HINTS_H
#define WASM_HINTS_H

#include "wasm/module.h"

// With the feature on, after the bodies are validated: whether each hint stands at an `if` or a
// `br_if`, hints are in order, and their values are known. A module without the section is right.
bool wj_module_check_hints(const struct wj_module *module, struct wj_err *err);

#endif
