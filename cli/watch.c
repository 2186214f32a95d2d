// The thread that interrupts. Interruption is asked for again and again until it has come to pass,
// so that no moment between a look at a flag and a system call that waits is missed.
#include "cli/watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/report.h"

#define NS_PER_S 1000000000u
#define AGAIN_NS 10000000u   // between two interruptions
#define GRACE_NS 1000000000u // of them all, until the process is ended as it is

struct line {
    size_t size_bytes;
    char text[1024];
};

// What the handler of SIGTERM says: it can be handed nothing, and format nothing.
static struct line terminated;

static void end_process(int signal_number)
{
    (void) signal_number;
    // There is nobody left to tell when this fails.
    if (write(STDERR_FILENO, terminated.text, terminated.size_bytes) < 0) {
        _exit(EXIT_TERMINATED);
    }
    _exit(EXIT_TERMINATED);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * NS_PER_S + (uint64_t) now.tv_nsec;
}

void watch_init(struct watch *watch, const char *file, uint64_t timeout_ns, bool needs_thread)
{
    *watch = (struct watch){.file = file, .has_thread = timeout_ns > 0 || needs_thread};
    pthread_mutex_init(&watch->lock, NULL);
    if (timeout_ns > 0) {
        watch->timeout_ns = timeout_ns + now_ns();
    }
    struct sigaction old;
    if (watch->has_thread) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
    } else if (sigaction(SIGTERM, NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
        terminated.size_bytes =
            report_line(terminated.text, sizeof(terminated.text), file, "terminated");
        struct sigaction action = {.sa_handler = end_process, .sa_flags = SA_ONSTACK};
        sigaction(SIGTERM, &action, NULL);
    }
}

// Waits for SIGTERM, or until the time is up.
static enum watch_cause wait_for_cause(const struct watch *watch)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    for (;;) {
        struct timespec left = {0};
        uint64_t now = now_ns();
        if (watch->timeout_ns > now) {
            left.tv_sec = (time_t) ((watch->timeout_ns - now) / NS_PER_S);
            left.tv_nsec = (long) ((watch->timeout_ns - now) % NS_PER_S);
        }
        int got = sigtimedwait(&set, NULL, watch->timeout_ns ? &left : NULL);
        if (got == SIGTERM) {
            return WATCH_TERMINATED;
        }
        if (got < 0 && errno == EAGAIN) {
            return WATCH_TIMEOUT;
        }
    }
}

static void *watch_thread(void *env)
{
    struct watch *watch = env;
    enum watch_cause cause = wait_for_cause(watch);
    const struct timespec pause = {.tv_nsec = AGAIN_NS};
    uint64_t end_ns = now_ns() + GRACE_NS;
    do {
        pthread_mutex_lock(&watch->lock);
        bool is_done = watch->is_done;
        if (!is_done && !watch->store) {
            // Nothing runs yet: a file that is waited for, a driver that is opened.
            _exit(watch_report(watch, cause));
        }
        if (!is_done) {
            watch->cause = cause;
            wjit_interrupt(watch->store);
        }
        pthread_mutex_unlock(&watch->lock);
        if (is_done) {
            return NULL;
        }
        nanosleep(&pause, NULL);
    } while (now_ns() < end_ns);
    // Something that cannot be interrupted, the compilation of a big module say, or that takes
    // long to: thousands of threads.
    _exit(watch_report(watch, cause));
}

void watch_attach(struct watch *watch, wasm_store_t *store)
{
    pthread_mutex_lock(&watch->lock);
    watch->store = store;
    pthread_mutex_unlock(&watch->lock);
}

bool watch_start(struct watch *watch)
{
    if (!watch->has_thread) {
        return true;
    }
    watch->has_thread = pthread_create(&watch->thread, NULL, watch_thread, watch) == 0;
    return watch->has_thread;
}

enum watch_cause watch_stop(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->is_done = true;
    enum watch_cause cause = watch->cause;
    pthread_mutex_unlock(&watch->lock);
    if (watch->has_thread) {
        // Takes the thread out of its wait.
        pthread_kill(watch->thread, SIGTERM);
        pthread_join(watch->thread, NULL);
        watch->has_thread = false;
    }
    return cause;
}

int watch_report(const struct watch *watch, enum watch_cause cause)
{
    switch (cause) {
    case WATCH_TIMEOUT: return report(EXIT_TIMEOUT, watch->file, "the time limit is over");
    case WATCH_TERMINATED: return report(EXIT_TERMINATED, watch->file, "terminated");
    case WATCH_NOTHING: break;
    }
    return report(EXIT_TRAP, watch->file, "trap: interrupt");
}
