// poll_oneoff: waits for descriptors and clocks. Subscriptions are copied before anything is
// written, so that the two arrays may overlap.
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/wasi/calls.h"

// A bound on what a guest makes us allocate; no host polls more descriptors than it may open.
#define SUBSCRIPTIONS_MAX 65536u

// The longest time without a look whether the guest has been interrupted.
#define SLICE_NS 100000000u

// Offsets in a subscription and an event.
enum {
    SUB_USERDATA = 0,
    SUB_TAG = 8,
    SUB_CLOCK_ID = 16,
    SUB_CLOCK_TIMEOUT = 24,
    SUB_CLOCK_FLAGS = 40,
    SUB_FD = 16,
    EVENT_USERDATA = 0,
    EVENT_ERROR = 8,
    EVENT_TYPE = 10,
    EVENT_BYTES = 16,
    EVENT_FLAGS = 24,
};

struct subscription {
    uint64_t userdata;
    enum wj_wasi_event type;
    enum wj_wasi_errno error; // found while it was read
    clockid_t clock;
    uint64_t deadline_ns; // of the clock
    struct wj_wasi_fd *entry;
    bool is_ready; // without asking the host
};

struct wait {
    struct wj_wasi_call *call;
    struct subscription *subscriptions;
    struct pollfd *poll_fds; // one for each; those of clocks are -1
    uint32_t count;
    bool is_any_ready; // of the subscriptions as read
    bool has_clock;
};

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t) now.tv_sec * WASI_NS_PER_S + (uint64_t) now.tv_nsec;
}

static void read_clock(struct subscription *to, const uint8_t *from)
{
    uint32_t id = wj_wasi_get_u32(from + SUB_CLOCK_ID);
    uint64_t timeout = wj_wasi_get_u64(from + SUB_CLOCK_TIMEOUT);
    uint16_t flags = (uint16_t) (from[SUB_CLOCK_FLAGS] | from[SUB_CLOCK_FLAGS + 1] << 8);
    switch (id) {
    case WASI_CLOCK_REALTIME: to->clock = CLOCK_REALTIME; break;
    case WASI_CLOCK_MONOTONIC: to->clock = CLOCK_MONOTONIC; break;
    case WASI_CLOCK_PROCESS_CPUTIME:
    case WASI_CLOCK_THREAD_CPUTIME: to->error = WASI_ENOTSUP; return;
    default: to->error = WASI_EINVAL; return;
    }
    if (flags & ~WASI_SUBCLOCK_ABSTIME) {
        to->error = WASI_EINVAL;
        return;
    }
    if (flags & WASI_SUBCLOCK_ABSTIME) {
        to->deadline_ns = timeout;
        return;
    }
    // A span of time is not moved by setting the clock.
    to->clock = CLOCK_MONOTONIC;
    uint64_t now = now_ns(CLOCK_MONOTONIC);
    to->deadline_ns = timeout > UINT64_MAX - now ? UINT64_MAX : now + timeout;
}

static void read_fd(struct wait *wait, struct subscription *to, const uint8_t *from,
                    struct pollfd *poll_fd)
{
    bool is_write = to->type == WASI_EVENT_FD_WRITE;
    uint64_t right = is_write ? WASI_RIGHT_FD_WRITE : WASI_RIGHT_FD_READ;
    to->error = wj_wasi_fd_get(wait->call, wj_wasi_get_u32(from + SUB_FD),
                               WASI_RIGHT_POLL_FD_READWRITE, &to->entry);
    // Waiting needs the right to poll, or the one to do what is waited for.
    if (to->error == WASI_ENOTCAPABLE) {
        to->error = wj_wasi_fd_get(wait->call, wj_wasi_get_u32(from + SUB_FD), right, &to->entry);
    }
    if (to->error) {
        return;
    }
    to->is_ready = !wj_wasi_is_stream(to->entry);
    if (!to->is_ready) {
        *poll_fd = (struct pollfd){.fd = to->entry->host, .events = is_write ? POLLOUT : POLLIN};
    }
}

static void read_all(struct wait *wait, const uint8_t *at)
{
    for (uint32_t i = 0; i < wait->count; i++, at += WASI_SUBSCRIPTION_BYTES) {
        struct subscription *to = &wait->subscriptions[i];
        wait->poll_fds[i].fd = -1;
        to->userdata = wj_wasi_get_u64(at + SUB_USERDATA);
        to->type = (enum wj_wasi_event) at[SUB_TAG];
        if (to->type == WASI_EVENT_CLOCK) {
            read_clock(to, at);
            wait->has_clock |= !to->error;
        } else if (at[SUB_TAG] <= WASI_EVENT_FD_WRITE) {
            read_fd(wait, to, at, &wait->poll_fds[i]);
        } else {
            to->error = WASI_EINVAL;
        }
        wait->is_any_ready |= to->is_ready || to->error;
    }
}

static bool is_due(const struct subscription *subscription)
{
    return subscription->type == WASI_EVENT_CLOCK && !subscription->error &&
           now_ns(subscription->clock) >= subscription->deadline_ns;
}

// How long to wait at most before looking again.
static uint64_t slice_ns(const struct wait *wait)
{
    uint64_t least = SLICE_NS;
    if (wait->is_any_ready) {
        return 0;
    }
    for (uint32_t i = 0; wait->has_clock && i < wait->count; i++) {
        const struct subscription *subscription = &wait->subscriptions[i];
        if (subscription->type == WASI_EVENT_CLOCK && !subscription->error) {
            uint64_t now = now_ns(subscription->clock);
            uint64_t left = subscription->deadline_ns > now ? subscription->deadline_ns - now : 0;
            least = left < least ? left : least;
        }
    }
    return least;
}

// Until a descriptor is ready or a clock is due.
static enum wj_wasi_errno wait_for_one(struct wait *wait)
{
    for (;;) {
        uint64_t ns = slice_ns(wait);
        struct timespec timeout = {.tv_nsec = (long) ns};
        wj_wasi_wait_begin(wait->call);
        int ready = ppoll(wait->poll_fds, wait->count, &timeout, NULL);
        wj_wasi_wait_end(wait->call);
        if (ready < 0 && errno != EINTR) {
            return wj_wasi_errno_of(errno);
        }
        if (wj_wasi_is_interrupted(wait->call)) {
            return WASI_INTERRUPTED;
        }
        if (ready > 0 || wait->is_any_ready) {
            return WASI_ESUCCESS;
        }
        for (uint32_t i = 0; wait->has_clock && i < wait->count; i++) {
            if (is_due(&wait->subscriptions[i])) {
                return WASI_ESUCCESS;
            }
        }
    }
}

// The bytes that can be read at once, as far as the host says.
static uint64_t bytes_ready(const struct subscription *subscription)
{
    int host = subscription->entry->host;
    if (subscription->type == WASI_EVENT_FD_WRITE) {
        return 0;
    }
    if (subscription->entry->filetype == WASI_FILETYPE_REGULAR_FILE) {
        struct stat st;
        off_t at = lseek(host, 0, SEEK_CUR);
        return at >= 0 && fstat(host, &st) == 0 && st.st_size > at ? (uint64_t) (st.st_size - at)
                                                                   : 0;
    }
    int bytes = 0;
    return ioctl(host, FIONREAD, &bytes) == 0 && bytes > 0 ? (uint64_t) bytes : 0;
}

// Writes the event of a subscription, if it has come to pass.
static bool put_event(const struct subscription *subscription, short revents, uint8_t *at)
{
    enum wj_wasi_errno error = subscription->error;
    bool is_fd = !error && subscription->type != WASI_EVENT_CLOCK;
    if (!error && !subscription->is_ready && !revents && !is_due(subscription)) {
        return false;
    }
    if (revents & POLLNVAL) {
        error = WASI_EBADF;
    } else if (revents & POLLERR) {
        error = subscription->type == WASI_EVENT_FD_WRITE ? WASI_EPIPE : WASI_EIO;
    }
    memset(at, 0, WASI_EVENT_BYTES);
    wj_wasi_put_u64(at + EVENT_USERDATA, subscription->userdata);
    wj_wasi_put_u16(at + EVENT_ERROR, (uint16_t) error);
    at[EVENT_TYPE] = (uint8_t) subscription->type;
    if (is_fd && !error) {
        wj_wasi_put_u64(at + EVENT_BYTES, bytes_ready(subscription));
        wj_wasi_put_u16(at + EVENT_FLAGS, revents & POLLHUP ? WASI_EVENT_HANGUP : 0);
    }
    return true;
}

enum wj_wasi_errno wj_wasi_poll_oneoff(struct wj_wasi_call *call)
{
    uint64_t count = call->args[2];
    const uint8_t *in = wj_wasi_span(call, call->args[0], count * WASI_SUBSCRIPTION_BYTES);
    uint8_t *out = wj_wasi_span(call, call->args[1], count * WASI_EVENT_BYTES);
    if (!in || !out || !wj_wasi_span(call, call->args[3], 4)) {
        return WASI_EFAULT;
    }
    if (count == 0 || count > SUBSCRIPTIONS_MAX) {
        return WASI_EINVAL;
    }
    struct wait wait = {.call = call, .count = (uint32_t) count};
    wait.subscriptions = calloc(count, sizeof(*wait.subscriptions));
    wait.poll_fds = calloc(count, sizeof(*wait.poll_fds));
    enum wj_wasi_errno error = WASI_ENOMEM;
    if (wait.subscriptions && wait.poll_fds) {
        read_all(&wait, in);
        error = wait_for_one(&wait);
    }
    if (!error) {
        uint32_t events = 0;
        for (uint32_t i = 0; i < wait.count; i++) {
            if (put_event(&wait.subscriptions[i], wait.poll_fds[i].revents, out)) {
                out += WASI_EVENT_BYTES;
                events++;
            }
        }
        error = wj_wasi_result_u32(call, call->args[3], events);
    }
    free(wait.subscriptions);
    free(wait.poll_fds);
    return error;
}
