// Calls from C into wasm.
#ifndef RUNTIME_VM_CALL_H
#define RUNTIME_VM_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/vm/instance.h"
#include "runtime/vm/store.h"
#include "runtime/vm/trap.h"

// What lies between an activation's last wasm SP and the next activation: room for what the stubs
// save there.
#define WJ_STACK_GAP_BYTES 2048u
// Calls are refused when the stack has less than this left.
#define WJ_STACK_RESERVE_BYTES 65536u

// Calls a function with cells[0 .. larger count): arguments, afterwards results. NULL, or a trap
// that the caller owns.
struct wj_trap *wj_call(struct wj_lane *lane, struct wj_funcref *funcref, union wj_cell *cells);

// The same for code of which the entry is known; `enter` is the enter function of its type.
struct wj_trap *wj_call_code(struct wj_lane *lane, uint64_t enter, void *code,
                             struct wj_instance *instance, union wj_cell *cells);

// One activation for many calls, of the same code on the same lane.
typedef uint64_t wj_enter_fn(struct wj_activation *activation, void *code,
                             struct wj_instance *instance, union wj_cell *cells);
struct wj_trap *wj_call_begin(struct wj_lane *lane, struct wj_activation *activation,
                              struct wj_activation **thread_previous);
// `is_trapped`: the enter function returned 1.
struct wj_trap *wj_call_end(struct wj_lane *lane, struct wj_activation *activation,
                            struct wj_activation *thread_previous, bool is_trapped);

// Calls a host function's C function from C code that wasm called or from the host.
struct wj_trap *wj_call_host(struct wj_lane *lane, struct wj_instance *importer,
                             struct wj_funcref *funcref, union wj_cell *cells);

// Number of cells that a call of the type needs.
static inline uint32_t wj_call_cells(const struct wj_functype *type)
{
    return type->param_count > type->result_count ? type->param_count : type->result_count;
}

#endif
