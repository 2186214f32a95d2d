// One list of sleepers per engine: there are few, and each is a thread.
#include "runtime/vm/wait.h"

#include <errno.h>
#include <string.h>
#include <time.h>

struct wj_waiter {
    struct wj_waiter *next;
    struct wj_waiter *previous;
    const void *address;
    const _Atomic uint32_t *interrupt;
    bool is_notified;
    pthread_cond_t wake;
};

void wj_waits_init(struct wj_waits *waits)
{
    memset(waits, 0, sizeof *waits);
    pthread_mutex_init(&waits->lock, NULL);
}

void wj_waits_clear(struct wj_waits *waits)
{
    pthread_mutex_destroy(&waits->lock);
}

static void enqueue(struct wj_waits *waits, struct wj_waiter *waiter)
{
    waiter->previous = waits->last;
    *(waits->last != NULL ? &waits->last->next : &waits->first) = waiter;
    waits->last = waiter;
}

static void dequeue(struct wj_waits *waits, struct wj_waiter *waiter)
{
    *(waiter->previous != NULL ? &waiter->previous->next : &waits->first) = waiter->next;
    *(waiter->next != NULL ? &waiter->next->previous : &waits->last) = waiter->previous;
}

static struct timespec deadline_after(int64_t timeout_ns)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += timeout_ns / 1000000000;
    deadline.tv_nsec += timeout_ns % 1000000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    return deadline;
}

static bool is_equal(const void *address, unsigned width, uint64_t expected)
{
    return width == 4 ? __atomic_load_n((const uint32_t *) address, __ATOMIC_SEQ_CST) ==
                            (uint32_t) expected
                      : __atomic_load_n((const uint64_t *) address, __ATOMIC_SEQ_CST) == expected;
}

enum wj_wait_result wj_waits_wait(struct wj_waits *waits, const void *address, unsigned width,
                                  uint64_t expected, int64_t timeout_ns,
                                  const _Atomic uint32_t *interrupt)
{
    struct wj_waiter waiter = {.address = address, .interrupt = interrupt};
    struct timespec deadline = {0};
    if (timeout_ns >= 0) {
        deadline = deadline_after(timeout_ns);
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&waiter.wake, &attributes);
    pthread_condattr_destroy(&attributes);

    enum wj_wait_result result = WJ_WAIT_NOT_EQUAL;
    pthread_mutex_lock(&waits->lock);
    if (is_equal(address, width, expected)) {
        enqueue(waits, &waiter);
        int status = 0;
        while (!waiter.is_notified && status != ETIMEDOUT && atomic_load(interrupt) == 0) {
            status = timeout_ns < 0 ? pthread_cond_wait(&waiter.wake, &waits->lock)
                                    : pthread_cond_timedwait(&waiter.wake, &waits->lock, &deadline);
        }
        if (waiter.is_notified) { // notify took it off the list
            result = WJ_WAIT_OK;
        } else {
            dequeue(waits, &waiter);
            result = atomic_load(interrupt) != 0 ? WJ_WAIT_INTERRUPTED : WJ_WAIT_TIMED_OUT;
        }
    }
    pthread_mutex_unlock(&waits->lock);
    pthread_cond_destroy(&waiter.wake);
    return result;
}

uint32_t wj_waits_notify(struct wj_waits *waits, const void *address, uint32_t count)
{
    uint32_t woken = 0;
    pthread_mutex_lock(&waits->lock);
    struct wj_waiter *next;
    for (struct wj_waiter *waiter = waits->first; waiter != NULL && woken < count; waiter = next) {
        next = waiter->next;
        if (waiter->address == address) {
            dequeue(waits, waiter);
            waiter->is_notified = true;
            pthread_cond_signal(&waiter->wake);
            woken++;
        }
    }
    pthread_mutex_unlock(&waits->lock);
    return woken;
}

void wj_waits_interrupt(struct wj_waits *waits, const _Atomic uint32_t *interrupt)
{
    pthread_mutex_lock(&waits->lock);
    for (struct wj_waiter *waiter = waits->first; waiter != NULL; waiter = waiter->next) {
        if (waiter->interrupt == interrupt) {
            pthread_cond_signal(&waiter->wake);
        }
    }
    pthread_mutex_unlock(&waits->lock);
}
