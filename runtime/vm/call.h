// Calls from C into wasm.
#ifndef RUNTIME_VM_CALL_H
#define RUNTIME_VM_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/vm/instance.h"
#include "runtime/vm/signals.h"
#include "runtime/vm/store.h"
#include "runtime/vm/trap.h"

// What lies between an activation's last wasm SP and the next activation. Nothing is written there.
#define WJ_STACK_GAP_BYTES 2048u
// Calls are refused when the stack has less than this left.
#define WJ_STACK_RESERVE_BYTES 65536u

// Calls a function with cells[0 .. larger count): arguments, afterwards results. NULL, or a trap
// that the caller owns.
struct wj_trap *wj_call(struct wj_lane *lane, struct wj_funcref *funcref, union wj_cell *cells);

typedef uint64_t wj_enter_fn(struct wj_activation *activation, void *code,
                             struct wj_instance *instance, union wj_cell *cells);

// Code whose entry is known, and the enter function of its type.
struct wj_callee {
    struct wj_lane *lane;
    wj_enter_fn *enter;
    void *code;
    struct wj_instance *instance;
};
struct wj_trap *wj_call_code(const struct wj_callee *callee, union wj_cell *cells);
// The parts that few calls need: with an activation of its own; after a trap or an interruption.
struct wj_trap *wj_call_nested(const struct wj_callee *callee, union wj_cell *cells);
struct wj_trap *wj_call_end_outermost(struct wj_lane *lane);

// wj_call_code where the floating-point control is known to be the default: to read it takes longer
// than all the rest. Most calls come from a thread that runs no wasm, into a store where none runs.
// What they cost is the number of stores, hence an activation that is always ready.
static inline struct wj_trap *wj_call_default_fp(const struct wj_callee *callee,
                                                 union wj_cell *cells)
{
    struct wj_lane *lane = callee->lane;
    if (__builtin_expect(wj_thread_self.activation != NULL || lane->activation != NULL ||
                             atomic_load_explicit(&lane->thread_id, memory_order_relaxed) !=
                                 wj_thread_self.id,
                         0)) {
        return wj_call_nested(callee, cells);
    }
    lane->activation = &lane->outermost;
    atomic_signal_fence(memory_order_seq_cst);
    wj_thread_self.activation = &lane->outermost;
    uint64_t is_trapped = 0;
    if (__builtin_expect(atomic_load_explicit(&lane->interrupt, memory_order_relaxed) == 0, 1)) {
        is_trapped = callee->enter(&lane->outermost, callee->code, callee->instance, cells);
    }
    uint32_t interrupt = atomic_load_explicit(&lane->interrupt, memory_order_relaxed);
    if (__builtin_expect((is_trapped | interrupt) != 0, 0)) {
        return wj_call_end_outermost(lane);
    }
    if (lane->outermost.wasm_pc != 0) { // wasm code has left to C
        lane->outermost.wasm_pc = 0;
        lane->outermost.wasm_sp = (uint64_t) (uintptr_t) lane->stack_high;
    }
    wj_thread_self.activation = NULL;
    lane->activation = NULL;
    return NULL;
}

// The enter function of host functions; `funcref` is the function's, `instance` its context.
wj_enter_fn wj_call_enter_host;

// One activation for many calls, of the same code on the same lane.
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
