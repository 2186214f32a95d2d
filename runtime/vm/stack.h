// The stack that a store's wasm code runs on.
#ifndef RUNTIME_VM_STACK_H
#define RUNTIME_VM_STACK_H

#include "runtime/vm/store.h"

// Leaves nothing there of calls that have returned; none is running.
void wj_stack_clear(const struct wj_store *store);

#endif
