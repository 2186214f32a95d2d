// Prints what a back end is given: the live operations of a function.
#ifndef WASM_DUMP_H
#define WASM_DUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "wasm/module.h"

// One line per operation: byte offset in the module, name, immediates; blocks are indented. The
// function must be defined by the module and valid. False: writing failed, or no memory.
bool wj_dump_ops(const struct wj_module *module, uint32_t func_index, FILE *out);

#endif
