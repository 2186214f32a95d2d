// memory.atomic.wait and notify: threads that sleep until another one names their address.
#ifndef RUNTIME_VM_WAIT_H
#define RUNTIME_VM_WAIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct wj_waiter;

struct wj_waits {
    pthread_mutex_t lock;
    struct wj_waiter *first; // in the order in which they came
    struct wj_waiter *last;
};

void wj_waits_init(struct wj_waits *waits);
void wj_waits_clear(struct wj_waits *waits);

enum wj_wait_result { WJ_WAIT_OK, WJ_WAIT_NOT_EQUAL, WJ_WAIT_TIMED_OUT, WJ_WAIT_INTERRUPTED };

// Sleeps while *address (4 or 8 bytes, aligned) is `expected`, at most `timeout_ns` (negative: no
// limit), until notified or until *interrupt is not zero and wj_waits_interrupt was called.
enum wj_wait_result wj_waits_wait(struct wj_waits *waits, const void *address, unsigned width,
                                  uint64_t expected, int64_t timeout_ns,
                                  const _Atomic uint32_t *interrupt);

// Wakes at most `count` sleepers at the address, those that came first; returns how many.
uint32_t wj_waits_notify(struct wj_waits *waits, const void *address, uint32_t count);

// Wakes the sleepers whose `interrupt` this is.
void wj_waits_interrupt(struct wj_waits *waits, const _Atomic uint32_t *interrupt);

#endif
