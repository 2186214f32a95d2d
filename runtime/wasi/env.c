// What a guest knows of its surroundings: arguments, environment, clocks, random bytes, its end.
#include <errno.h>
#include <sched.h>
#include <sys/random.h>
#include <time.h>

#include "runtime/wasi/calls.h"

// Random bytes are made in pieces, so that a request for all of memory can be interrupted.
#define RANDOM_PIECE_BYTES (1u << 20)

static enum wj_wasi_errno strings_get(struct wj_wasi_call *call,
                                      const struct wj_wasi_strings *strings)
{
    uint64_t pointers = call->args[0], bytes = call->args[1];
    uint8_t *pointers_at = wj_wasi_span(call, pointers, (uint64_t) strings->count * 4);
    uint8_t *bytes_at = wj_wasi_span(call, bytes, strings->size_bytes);
    if (!pointers_at || !bytes_at) {
        return WASI_EFAULT;
    }
    uint32_t offset = 0;
    for (uint32_t i = 0; i < strings->count; i++) {
        wj_wasi_put_u32(pointers_at + (size_t) i * 4, (uint32_t) bytes + offset);
        offset += (uint32_t) strlen(strings->bytes + offset) + 1;
    }
    if (strings->size_bytes > 0) {
        memcpy(bytes_at, strings->bytes, strings->size_bytes);
    }
    return WASI_ESUCCESS;
}

static enum wj_wasi_errno strings_sizes_get(struct wj_wasi_call *call,
                                            const struct wj_wasi_strings *strings)
{
    if (!wj_wasi_span(call, call->args[0], 4) || !wj_wasi_span(call, call->args[1], 4)) {
        return WASI_EFAULT;
    }
    wj_wasi_result_u32(call, call->args[0], strings->count);
    return wj_wasi_result_u32(call, call->args[1], strings->size_bytes);
}

enum wj_wasi_errno wj_wasi_args_get(struct wj_wasi_call *call)
{
    return strings_get(call, &call->wasi->args);
}

enum wj_wasi_errno wj_wasi_args_sizes_get(struct wj_wasi_call *call)
{
    return strings_sizes_get(call, &call->wasi->args);
}

enum wj_wasi_errno wj_wasi_environ_get(struct wj_wasi_call *call)
{
    return strings_get(call, &call->wasi->environ);
}

enum wj_wasi_errno wj_wasi_environ_sizes_get(struct wj_wasi_call *call)
{
    return strings_sizes_get(call, &call->wasi->environ);
}

static bool clock_of(uint64_t id, clockid_t *clock)
{
    static const clockid_t clocks[] = {
        [WASI_CLOCK_REALTIME] = CLOCK_REALTIME,
        [WASI_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
        [WASI_CLOCK_PROCESS_CPUTIME] = CLOCK_PROCESS_CPUTIME_ID,
        [WASI_CLOCK_THREAD_CPUTIME] = CLOCK_THREAD_CPUTIME_ID,
    };
    if (id >= sizeof(clocks) / sizeof(*clocks)) {
        return false;
    }
    *clock = clocks[id];
    return true;
}

enum wj_wasi_errno wj_wasi_clock_res_get(struct wj_wasi_call *call)
{
    clockid_t clock;
    struct timespec resolution;
    if (!clock_of(call->args[0], &clock)) {
        return WASI_EINVAL;
    }
    if (clock_getres(clock, &resolution) != 0) {
        return wj_wasi_errno_of(errno);
    }
    uint64_t ns = (uint64_t) resolution.tv_sec * WASI_NS_PER_S + (uint64_t) resolution.tv_nsec;
    return wj_wasi_result_u64(call, call->args[1], ns);
}

// The precision, args[1], asks for less than the host gives: it is not needed.
enum wj_wasi_errno wj_wasi_clock_time_get(struct wj_wasi_call *call)
{
    clockid_t clock;
    struct timespec now;
    if (!clock_of(call->args[0], &clock)) {
        return WASI_EINVAL;
    }
    if (clock_gettime(clock, &now) != 0) {
        return wj_wasi_errno_of(errno);
    }
    uint64_t ns = (uint64_t) now.tv_sec * WASI_NS_PER_S + (uint64_t) now.tv_nsec;
    return wj_wasi_result_u64(call, call->args[2], ns);
}

enum wj_wasi_errno wj_wasi_random_get(struct wj_wasi_call *call)
{
    uint64_t left = call->args[1];
    uint8_t *at = wj_wasi_span(call, call->args[0], left);
    if (!at) {
        return WASI_EFAULT;
    }
    while (left > 0) {
        size_t piece = left < RANDOM_PIECE_BYTES ? left : RANDOM_PIECE_BYTES;
        ssize_t got = getrandom(at, piece, 0);
        if (got < 0 && errno != EINTR) {
            return wj_wasi_errno_of(errno);
        }
        if (got > 0) {
            at += got;
            left -= (uint64_t) got;
        }
        if (left > 0 && wj_wasi_is_interrupted(call)) {
            return WASI_INTERRUPTED;
        }
    }
    return WASI_ESUCCESS;
}

enum wj_wasi_errno wj_wasi_sched_yield(struct wj_wasi_call *call)
{
    wj_wasi_wait_begin(call);
    sched_yield();
    wj_wasi_wait_end(call);
    return WASI_ESUCCESS;
}

enum wj_wasi_errno wj_wasi_proc_exit(struct wj_wasi_call *call)
{
    call->wasi->exit_code = (uint32_t) call->args[0];
    return WASI_EXITED;
}

// A guest must not raise signals in the host's process.
enum wj_wasi_errno wj_wasi_proc_raise(struct wj_wasi_call *call)
{
    (void) call;
    return WASI_ENOTSUP;
}
