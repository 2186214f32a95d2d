// What ends a program from outside: its time limit, and SIGTERM. A thread waits for both, and only
// where one is needed: without a time limit and figures to print, SIGTERM simply ends the process.
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <wjit.h>

enum watch_cause { WATCH_NOTHING, WATCH_TIMEOUT, WATCH_TERMINATED };

struct watch {
    const char *file;
    uint64_t timeout_ns; // 0: none
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock; // guards the rest
    wasm_store_t *store;
    bool is_done;
    enum watch_cause cause;
};

// To be called before any thread is made. `needs_thread`: SIGTERM ends the program but not the
// process.
void watch_init(struct watch *watch, const char *file, uint64_t timeout_ns, bool needs_thread);
// What is to be interrupted. The time limit is counted from watch_init.
bool watch_start(struct watch *watch);
void watch_attach(struct watch *watch, wasm_store_t *store);
// Nothing is interrupted any more. Why something was.
enum watch_cause watch_stop(struct watch *watch);
// The exit code for a cause, reported.
int watch_report(const struct watch *watch, enum watch_cause cause);

#endif
