// The stack that a store's wasm code runs on.
#ifndef RUNTIME_VM_STACK_H
#define RUNTIME_VM_STACK_H

#include "runtime/vm/store.h"

// Leaves nothing there of calls that have returned; none is running.
void wj_stack_clear(const struct wj_store *store);

// A cleared stack of a store that is no more, or NULL; all of an engine's stores have as much.
uint8_t *wj_stack_take(struct wj_engine *engine);
// Clears a store's stack and keeps it for another. False: there are enough.
bool wj_stack_keep(const struct wj_store *store);
// Gives all that are kept back to the system.
void wj_stacks_clear(struct wj_engine *engine);

#endif
