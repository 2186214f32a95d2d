// Entering wasm from C: an activation on the C stack, the wasm stack below what is in use, and the
// way back, by return or by trap.
#include "runtime/vm/call.h"

#include <string.h>

#include "runtime/vm/code.h"
#include "runtime/vm/signals.h"
#include "runtime/vm/ucontext.h"

struct wj_trap *wj_call_begin(struct wj_lane *lane, struct wj_activation *activation,
                              struct wj_activation **thread_previous)
{
    struct wj_thread *thread = wj_thread_get();
    if (thread == NULL) {
        return wj_trap_new(WJ_TRAP_OUT_OF_MEMORY, NULL, 0);
    }
    uint64_t top = (uint64_t) (uintptr_t) lane->stack_high;
    if (lane->activation != NULL) {
        top = (lane->activation->wasm_sp - WJ_STACK_GAP_BYTES) & ~(uint64_t) 15;
    }
    if (top < (uint64_t) (uintptr_t) lane->stack_low + WJ_STACK_RESERVE_BYTES ||
        !wj_thread_has_stack(thread)) {
        struct wj_trap *trap = wj_trap_new(WJ_TRAP_CALL_STACK_EXHAUSTED, NULL, 0);
        wj_trap_trace(trap, lane->activation);
        return trap;
    }
    memset(activation, 0, sizeof *activation);
    activation->wasm_sp = top;
    activation->lane = lane;
    activation->previous = lane->activation;
    activation->host_fp = wj_fp_control();
    *thread_previous = thread->activation;
    atomic_store_explicit(&lane->thread_id, thread->id, memory_order_relaxed);
    lane->activation = activation;
    // The handler looks at the thread's activation alone: it is whole before it is seen.
    atomic_signal_fence(memory_order_seq_cst);
    thread->activation = activation;
    if (atomic_load(&lane->interrupt) != 0) {
        atomic_store(&activation->trap, WJ_TRAP_INTERRUPTED);
        return wj_call_end(lane, activation, *thread_previous, true);
    }
    if (activation->host_fp != WJ_FP_CONTROL_DEFAULT) {
        wj_fp_control_set(WJ_FP_CONTROL_DEFAULT);
    }
    return NULL;
}

struct wj_trap *wj_call_end(struct wj_lane *lane, struct wj_activation *activation,
                            struct wj_activation *thread_previous, bool is_trapped)
{
    if (activation->host_fp != WJ_FP_CONTROL_DEFAULT) {
        wj_fp_control_set(activation->host_fp);
    }
    struct wj_trap *trap = NULL;
    if (!is_trapped && atomic_load(&lane->interrupt) != 0) {
        atomic_store(&activation->trap, WJ_TRAP_INTERRUPTED);
        is_trapped = true;
    }
    if (is_trapped) {
        trap = wj_trap_of_activation(lane, activation);
    }
    wj_thread_get()->activation = thread_previous;
    lane->activation = activation->previous;
    if (lane->activation == NULL && trap != NULL && trap->kind == WJ_TRAP_INTERRUPTED) {
        wj_lane_interrupt_clear(lane);
    }
    return trap;
}

struct wj_trap *wj_call_nested(const struct wj_callee *callee, union wj_cell *cells)
{
    struct wj_activation activation;
    struct wj_activation *thread_previous;
    struct wj_trap *trap = wj_call_begin(callee->lane, &activation, &thread_previous);
    if (trap != NULL) {
        return trap;
    }
    uint64_t is_trapped = callee->enter(&activation, callee->code, callee->instance, cells);
    return wj_call_end(callee->lane, &activation, thread_previous, is_trapped != 0);
}

struct wj_trap *wj_call_end_outermost(struct wj_lane *lane)
{
    bool is_trapped = atomic_load(&lane->outermost.trap) != 0;
    struct wj_trap *trap = wj_call_end(lane, &lane->outermost, NULL, is_trapped);
    wj_lane_reset(lane);
    return trap;
}

struct wj_trap *wj_call_code(const struct wj_callee *callee, union wj_cell *cells)
{
    return wj_fp_control() == WJ_FP_CONTROL_DEFAULT ? wj_call_default_fp(callee, cells)
                                                    : wj_call_nested(callee, cells);
}

uint64_t wj_call_enter_host(struct wj_activation *activation, void *funcref,
                            struct wj_instance *instance, union wj_cell *cells)
{
    struct wj_lane *lane = activation->lane;
    struct wj_trap *trap = wj_call_host(lane, instance->importer, funcref, cells);
    if (trap == NULL) {
        return 0;
    }
    wj_trap_release(lane->pending);
    lane->pending = trap;
    atomic_store(&activation->trap, WJ_TRAP_HOST);
    return 1;
}

struct wj_trap *wj_call_host(struct wj_lane *lane, struct wj_instance *importer,
                             struct wj_funcref *funcref, union wj_cell *cells)
{
    struct wj_host_call call = {.store = lane->store, .importer = importer};
    return funcref->host->call(funcref->host, &call, cells);
}

struct wj_trap *wj_call(struct wj_lane *lane, struct wj_funcref *funcref, union wj_cell *cells)
{
    if (funcref->host != NULL) {
        return wj_call_host(lane, funcref->instance->importer, funcref, cells);
    }
    uint64_t code;
    struct wj_err err;
    wj_err_clear(&err);
    if (!wj_code_compile(funcref->instance->code, funcref->func_index, &code, &err) ||
        (funcref->enter == 0 &&
         !wj_engine_enter_code(lane->store->engine, funcref->type, &funcref->enter, &err))) {
        return wj_trap_new(WJ_TRAP_HOST, err.message, strlen(err.message));
    }
    struct wj_callee callee = {lane, (wj_enter_fn *) (uintptr_t) funcref->enter,
                               (void *) (uintptr_t) code, funcref->instance};
    return wj_call_code(&callee, cells);
}
