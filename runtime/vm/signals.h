// Signals: faults of wasm code become traps, and a signal stops a thread at any instruction.
// Everything else goes to the handlers that were there before.
#ifndef RUNTIME_VM_SIGNALS_H
#define RUNTIME_VM_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/vm/instance.h"

// Puts the handlers in front of those that are there, unless they are ours. Done for every engine
// and store, since the host may have installed its own in between.
bool wj_signals_install(struct wj_err *err);

// What the runtime keeps of a thread.
struct wj_thread {
    struct wj_activation *activation; // innermost of this thread, over all stores
    uint64_t stack_low;               // of the thread's own stack, with a margin for C functions
    int32_t id;                       // for tgkill
    bool is_ready;
};

// The calling thread's record, ready or not.
extern __thread struct wj_thread wj_thread_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

// The same, with its signal stack set up; NULL: no memory for that.
struct wj_thread *wj_thread_get(void);

// False near the end of the thread's own stack: no further call from wasm into C and back.
bool wj_thread_has_stack(const struct wj_thread *self);

// Sends the interruption to a thread of this process.
void wj_signals_interrupt(int32_t thread_id);
// The signal's number, for timers.
int wj_signals_interrupt_number(void);

// Which process this is: a number that is another one in a process that was forked off after it was
// first asked for. What one has of the system (mappings that it shares, files that stand for it, a
// driver's threads) is not its child's. Costs a load. Forks past the C library are not seen.
uint32_t wj_process(void);

#endif
