// The process's signal handlers, and the one place with mutable static state: what the handlers
// must find without being told. The fault handler runs on its own stack, takes no lock, allocates
// nothing.
#include "runtime/vm/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/vm/engine.h"
#include "runtime/vm/memory.h"
#include "runtime/vm/store.h"
#include "runtime/vm/ucontext.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

// Enough for the handlers that were there before us, on top of what the kernel saves.
#define SIGNAL_STACK_BYTES 65536u
#define SIGNAL_STACK_GUARD_BYTES 65536u
// Of a main thread without a limit, and the most that is believed of one.
#define MAIN_STACK_BYTES (8u << 20)
#define MAIN_STACK_BYTES_MAX (64u << 20)
// A load through a null reference touches this much of the address space at most.
#define NULL_PAGE_BYTES 65536u
// "wjitpass", in the last bytes of a siginfo_t.
#define PASSED_ON 0x737361707469776aull

enum { SIGNAL_COUNT = 6 };

struct signal_slot {
    int number;
    struct sigaction previous;
};

static struct {
    pthread_once_t once;
    pthread_mutex_t lock; // of installing
    int error;            // errno of a failed installation
    pthread_key_t key;
    struct signal_slot slots[SIGNAL_COUNT]; // the last one is the interruption
    _Atomic uint32_t forks;                 // that lie between the first process and this one
} state = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

__thread struct wj_thread wj_thread_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

static __thread struct {
    uint64_t stack_high;
    void *signal_stack; // of ours, or NULL
    size_t signal_stack_bytes;
    int passed_on;         // the signal that an earlier handler has now, or 0
    const void *passed_at; // the frame that handed it on
} thread __attribute__((tls_model("initial-exec")));

// ---- The handlers -------------------------------------------------------------------------------

static const struct sigaction *previous_action(int number)
{
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        if (state.slots[i].number == number) {
            return &state.slots[i].previous;
        }
    }
    return NULL;
}

// The default action, at the true place: the instruction faults again, or the signal that somebody
// sent is sent again.
static void pass_on_to_default(int number, const siginfo_t *info)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(number, &action, NULL);
    if (info->si_code <= 0) {
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
    }
}

// Whether the handler that has this signal from us put ours back in its place and sent the signal
// again, for the default action, as Python's does.
static bool is_sent_again(const siginfo_t *info)
{
    return info->si_code == SI_TKILL && info->si_pid == getpid();
}

// Hands a signal on as if we were not there.
static void pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction *previous = previous_action(number);
    // A handler that was installed after ours may hand on to us what we have handed on to it: then
    // the record of this very signal carries our mark, in padding that the kernel zeroes. Emulators
    // may leave there what was: a mark counts below the frame that made it, which is still there.
    uint64_t *mark = (uint64_t *) ((char *) info + sizeof *info - sizeof *mark);
    const void *frame = __builtin_frame_address(0);
    bool is_inside = thread.passed_on == number && (uintptr_t) frame < (uintptr_t) thread.passed_at;
    if (is_inside && (*mark == PASSED_ON || is_sent_again(info))) {
        *mark = 0;
        pass_on_to_default(number, info);
        return;
    }
    bool is_siginfo = (previous->sa_flags & SA_SIGINFO) != 0;
    if (!is_siginfo && previous->sa_handler == SIG_IGN && info->si_code <= 0) {
        return;
    }
    if (!is_siginfo && (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN)) {
        pass_on_to_default(number, info);
        return;
    }
    *mark = PASSED_ON;
    thread.passed_on = number;
    thread.passed_at = frame;
    sigset_t blocked = previous->sa_mask;
    if ((previous->sa_flags & SA_NODEFER) == 0) {
        sigaddset(&blocked, number);
    }
    sigset_t saved;
    pthread_sigmask(SIG_BLOCK, &blocked, &saved);
    if ((previous->sa_flags & SA_NODEFER) != 0) {
        sigset_t self;
        sigemptyset(&self);
        sigaddset(&self, number);
        pthread_sigmask(SIG_UNBLOCK, &self, NULL);
    }
    if (is_siginfo) {
        previous->sa_sigaction(number, info, context);
    } else {
        previous->sa_handler(number);
    }
    *mark = 0;
    thread.passed_on = 0;
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
}

static void resume_with_trap(struct wj_activation *activation, ucontext_t *context,
                             enum wj_trap_kind kind, uint64_t pc, uint64_t address)
{
    activation->trap_pc = pc;
    activation->trap_sp = wj_ucontext_sp(context);
    activation->trap_link = wj_ucontext_link(context);
    activation->trap_address = address;
    atomic_store(&activation->trap, kind);
    void *unwind = activation->lane->store->engine->stubs[WJ_STUB_UNWIND];
    wj_ucontext_resume(context, (uint64_t) (uintptr_t) unwind, (uint64_t) (uintptr_t) activation);
}

// The guard that a data address lies in, as the trap that it means.
static enum wj_trap_kind guard_at(const struct wj_lane *lane, uint64_t address, bool is_module_code)
{
    uint64_t stack = (uint64_t) (uintptr_t) lane->mapping;
    if (address - stack < (uint64_t) (lane->stack_low - lane->mapping)) {
        return WJ_TRAP_CALL_STACK_EXHAUSTED;
    }
    const struct wj_store *store = lane->store;
    for (uint32_t i = 0; is_module_code && i < store->memory_count; i++) {
        if (wj_memory_is_guard(store->memories[i], address)) {
            return WJ_TRAP_MEMORY_OUT_OF_BOUNDS;
        }
    }
    return WJ_TRAP_NONE;
}

// True when the fault is one that wasm code may have: the context then goes on at the unwind stub.
static bool claim_fault(int number, const siginfo_t *info, ucontext_t *context)
{
    struct wj_activation *activation = wj_thread_self.activation;
    if (activation == NULL || info->si_code <= 0) {
        return false;
    }
    const struct wj_lane *lane = activation->lane;
    uint64_t pc = wj_ucontext_pc(context);
    const struct wj_region *region = wj_region_registry_find(&lane->store->engine->regions, pc);
    if (region == NULL) {
        return false;
    }
    bool is_module_code = region->owner != NULL;
    bool has_address = number == SIGSEGV || number == SIGBUS;
    uint64_t address = has_address ? (uint64_t) (uintptr_t) info->si_addr : 0;
    enum wj_trap_kind kind = has_address ? guard_at(lane, address, is_module_code) : WJ_TRAP_NONE;
    if (kind == WJ_TRAP_NONE && is_module_code && address < NULL_PAGE_BYTES) {
        // A breakpoint instruction may have been stepped over already.
        uint64_t back = number == SIGTRAP ? 1 : 0;
        for (uint64_t at = pc; kind == WJ_TRAP_NONE && at + back >= pc; at--) {
            const struct wj_code_entry *entry = wj_region_find(region, at);
            const struct wj_trap_site *site = entry == NULL ? NULL : wj_code_entry_site(entry, at);
            if (site != NULL) {
                kind = site->kind;
                pc = at;
            }
        }
    }
    if (kind == WJ_TRAP_NONE) {
        return false;
    }
    resume_with_trap(activation, context, kind, pc, address);
    return true;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    if (!claim_fault(number, info, context)) {
        pass_on(number, info, context);
    }
    errno = saved_errno;
}

static void on_interrupt(int number, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    struct wj_activation *activation = wj_thread_self.activation;
    if (activation != NULL && atomic_load(&activation->lane->interrupt) != 0) {
        // In the module's code the stack can be unwound from every instruction. In stubs and in C
        // nothing is done: the flag is looked at on the way back, and the timer asks again.
        uint64_t pc = wj_ucontext_pc(context);
        const struct wj_region *region =
            wj_region_registry_find(&activation->lane->store->engine->regions, pc);
        if (region != NULL && region->owner != NULL) {
            resume_with_trap(activation, context, WJ_TRAP_INTERRUPTED, pc, 0);
        }
    } else {
        const struct sigaction *previous = previous_action(number);
        bool is_handled = (previous->sa_flags & SA_SIGINFO) != 0 ||
                          (previous->sa_handler != SIG_DFL && previous->sa_handler != SIG_IGN);
        if (is_handled) { // by default it would end the process, for an interruption that came late
            pass_on(number, info, context);
        }
    }
    errno = saved_errno;
}

// ---- Installation -------------------------------------------------------------------------------

static void free_signal_stack(void *unused)
{
    (void) unused;
    if (thread.signal_stack != NULL) {
        stack_t off = {.ss_flags = SS_DISABLE};
        sigaltstack(&off, NULL);
        munmap(thread.signal_stack, thread.signal_stack_bytes);
        thread.signal_stack = NULL;
        wj_thread_self.is_ready = false;
    }
}

// No child finds the lock taken by a thread that it does not have.
static void before_fork(void)
{
    pthread_mutex_lock(&state.lock);
}

static void after_fork_here(void)
{
    pthread_mutex_unlock(&state.lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&state.lock);
    wj_thread_self.id = (int32_t) syscall(SYS_gettid);
    atomic_fetch_add_explicit(&state.forks, 1, memory_order_relaxed);
}

// Puts our handler in front of whatever is there, if it is not there already.
static int claim(struct signal_slot *slot, bool is_interrupt)
{
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    struct sigaction current;
    if (sigaction(slot->number, NULL, &current) != 0) {
        return errno;
    }
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    action.sa_sigaction = is_interrupt ? on_interrupt : on_fault;
    if ((current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == action.sa_sigaction) {
        return 0;
    }
    if (!is_interrupt) {
        action.sa_flags |= SA_NODEFER; // a fault inside a previous handler is that one's own
    }
    sigfillset(&action.sa_mask);
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        sigdelset(&action.sa_mask, faults[i]);
    }
    slot->previous = current; // known before ours can run
    return sigaction(slot->number, &action, NULL) == 0 ? 0 : errno;
}

static void prepare(void)
{
    const int numbers[SIGNAL_COUNT] = {
        SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, wj_signals_interrupt_number(),
    };
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        state.slots[i].number = numbers[i];
    }
    state.error = pthread_key_create(&state.key, free_signal_stack);
    if (state.error == 0) {
        state.error = pthread_atfork(before_fork, after_fork_here, after_fork);
    }
}

uint32_t wj_process(void)
{
    pthread_once(&state.once, prepare);
    return atomic_load_explicit(&state.forks, memory_order_relaxed);
}

bool wj_signals_install(struct wj_err *err)
{
    pthread_once(&state.once, prepare);
    pthread_mutex_lock(&state.lock);
    int error = state.error;
    for (unsigned i = 0; error == 0 && i < SIGNAL_COUNT; i++) {
        error = claim(&state.slots[i], i == SIGNAL_COUNT - 1);
    }
    pthread_mutex_unlock(&state.lock);
    return error == 0 || wj_err_set(err, WJ_ERR_IO, WJ_NO_OFFSET,
                                    "signal handlers cannot be installed: %s", strerror(error));
}

// ---- Threads ------------------------------------------------------------------------------------

// A fault whose signal is blocked ends the process, whatever handler there is; hosts block all of
// them in their threads.
static void unblock_faults(void)
{
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    sigset_t set;
    sigemptyset(&set);
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        sigaddset(&set, faults[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

// Keeps a signal stack that the host made, if it is large enough.
static bool make_signal_stack(void)
{
    unblock_faults();
    size_t least = (size_t) getauxval(AT_MINSIGSTKSZ) + 8192;
    least = least > 16384 ? least : 16384;
    stack_t old;
    if (sigaltstack(NULL, &old) == 0 && (old.ss_flags & SS_DISABLE) == 0 && old.ss_size >= least) {
        return true;
    }
    size_t bytes = least + SIGNAL_STACK_BYTES + SIGNAL_STACK_GUARD_BYTES;
    bytes = (bytes + 65535) & ~(size_t) 65535;
    uint8_t *stack = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        return false;
    }
    stack_t new = {
        .ss_sp = stack + SIGNAL_STACK_GUARD_BYTES,
        .ss_size = bytes - SIGNAL_STACK_GUARD_BYTES,
    };
    if (mprotect(new.ss_sp, new.ss_size, PROT_READ | PROT_WRITE) != 0 ||
        sigaltstack(&new, NULL) != 0) {
        munmap(stack, bytes);
        return false;
    }
    thread.signal_stack = stack;
    thread.signal_stack_bytes = bytes;
    pthread_setspecific(state.key, stack);
    return true;
}

// The main thread's stack ends at the strings that the kernel put there, and grows down to its
// limit: nothing is mapped within 128 MiB of it. The C library would find the same by reading
// /proc/self/maps.
static bool find_main_stack(uint64_t *low, size_t *bytes)
{
    struct rlimit limit;
    uint64_t high = getauxval(AT_EXECFN);
    if (high == 0 || getpid() != wj_thread_self.id || getrlimit(RLIMIT_STACK, &limit) != 0) {
        return false;
    }
    if (limit.rlim_cur == RLIM_INFINITY) {
        limit.rlim_cur = MAIN_STACK_BYTES;
    }
    *bytes = limit.rlim_cur < MAIN_STACK_BYTES_MAX ? limit.rlim_cur : MAIN_STACK_BYTES_MAX;
    *low = high - *bytes;
    return true;
}

static bool find_thread_stack(uint64_t *low, size_t *bytes)
{
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return false;
    }
    void *start;
    bool is_found = pthread_attr_getstack(&attributes, &start, bytes) == 0;
    *low = (uint64_t) (uintptr_t) start;
    pthread_attr_destroy(&attributes);
    return is_found;
}

static void find_stack(void)
{
    uint64_t low;
    size_t bytes;
    if (find_main_stack(&low, &bytes) || find_thread_stack(&low, &bytes)) {
        size_t margin = bytes / 8;
        margin = margin > 262144 ? 262144 : margin;
        wj_thread_self.stack_low = low + margin;
        thread.stack_high = low + bytes;
    }
}

struct wj_thread *wj_thread_get(void)
{
    if (!wj_thread_self.is_ready) {
        if (!make_signal_stack()) {
            return NULL;
        }
        wj_thread_self.id = (int32_t) syscall(SYS_gettid);
        find_stack();
        wj_thread_self.is_ready = true;
    }
    return &wj_thread_self;
}

bool wj_thread_has_stack(const struct wj_thread *self)
{
    uint64_t here = (uint64_t) (uintptr_t) __builtin_frame_address(0);
    // On a stack that is not the thread's own (a coroutine's) nothing is known.
    return here >= thread.stack_high || here >= self->stack_low ||
           self->stack_low - here > thread.stack_high - self->stack_low;
}

int wj_signals_interrupt_number(void)
{
    return SIGRTMAX - 3;
}

void wj_signals_interrupt(int32_t thread_id)
{
    syscall(SYS_tgkill, getpid(), thread_id, wj_signals_interrupt_number());
}
