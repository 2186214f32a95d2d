// Validates the bodies of a module, on several threads where that pays.
#ifndef RUNTIME_VM_VALIDATE_H
#define RUNTIME_VM_VALIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wasm/module.h"

// The error is that of the first bad body, whatever the number of threads. *busy_ns: the time of
// all threads together.
bool wj_validate_bodies(struct wj_module *module, uint32_t threads, uint64_t *busy_ns,
                        struct wj_err *err);

#endif
