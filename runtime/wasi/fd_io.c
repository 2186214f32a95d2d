// Reading, writing and seeking in open descriptors.
#include <errno.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/wasi/calls.h"
#include "runtime/wasi/iovec.h"

// The longest time that a waiting call does not look whether it has been interrupted.
#define WAIT_SLICE_MS 100

// How many empty vectors are passed over between looks at the interrupt.
#define GATHER_STRIDE 65536u

enum wj_wasi_errno wj_wasi_gather(struct wj_wasi_call *call, uint64_t address, uint64_t count,
                                  struct wj_wasi_iovecs *iovecs)
{
    const uint8_t *at = wj_wasi_span(call, address, count * WASI_IOVEC_BYTES);
    if (!at) {
        return WASI_EFAULT;
    }
    iovecs->count = 0;
    uint64_t total = 0;
    // Transfers may be partial: what the host takes at once is enough. Empty vectors are left out,
    // so that a transfer of nothing is not taken for the end of a file.
    for (uint64_t i = 0; i < count && iovecs->count < WASI_IOVECS_MAX; i++) {
        uint32_t buffer = wj_wasi_get_u32(at + i * WASI_IOVEC_BYTES);
        uint32_t size = wj_wasi_get_u32(at + i * WASI_IOVEC_BYTES + 4);
        uint8_t *bytes = wj_wasi_span(call, buffer, size);
        if (!bytes) {
            return WASI_EFAULT;
        }
        // The host's count is signed and the guest's is 32 bits.
        uint64_t taken = size < INT32_MAX - total ? size : INT32_MAX - total;
        if (taken > 0) {
            iovecs->items[iovecs->count++] = (struct iovec){.iov_base = bytes, .iov_len = taken};
            total += taken;
        }
        if (i % GATHER_STRIDE == GATHER_STRIDE - 1 && wj_wasi_is_interrupted(call)) {
            return WASI_INTERRUPTED;
        }
    }
    return WASI_ESUCCESS;
}

enum wj_wasi_errno wj_wasi_wait_ready(struct wj_wasi_call *call, int host, short events,
                                      bool may_wait)
{
    struct pollfd poll_fd = {.fd = host, .events = events};
    for (;;) {
        wj_wasi_wait_begin(call);
        int ready = poll(&poll_fd, 1, may_wait ? WAIT_SLICE_MS : 0);
        wj_wasi_wait_end(call);
        if (ready > 0) {
            return WASI_ESUCCESS;
        }
        if (ready < 0 && errno != EINTR) {
            return wj_wasi_errno_of(errno);
        }
        if (wj_wasi_is_interrupted(call)) {
            return WASI_INTERRUPTED;
        }
        if (!may_wait) {
            return WASI_EAGAIN;
        }
    }
}

struct transfer {
    struct wj_wasi_fd *entry;
    struct wj_wasi_iovecs iovecs;
    bool is_write;
    bool has_offset;
    off_t offset;
};

static ssize_t transfer_to(const struct transfer *transfer, int host)
{
    const struct iovec *items = transfer->iovecs.items;
    int count = (int) transfer->iovecs.count;
    if (transfer->has_offset) {
        return transfer->is_write ? pwritev(host, items, count, transfer->offset)
                                  : preadv(host, items, count, transfer->offset);
    }
    return transfer->is_write ? writev(host, items, count) : readv(host, items, count);
}

// Streams may make it wait.
static ssize_t transfer_once(struct wj_wasi_call *call, const struct transfer *transfer)
{
    int host = transfer->entry->host;
    if (!wj_wasi_is_stream(transfer->entry)) {
        return transfer_to(transfer, host);
    }
    wj_wasi_wait_begin(call);
    ssize_t done = transfer_to(transfer, host);
    wj_wasi_wait_end(call);
    return done;
}

// A reader that is gone ends the guest as SIGPIPE would end a program, where the host wants that.
static enum wj_wasi_errno closed_pipe(struct wj_wasi_call *call, const struct wj_wasi_fd *entry)
{
    if (!call->wasi->exits_on_closed_pipe || entry->owns_host) {
        return WASI_EPIPE;
    }
    call->wasi->exit_code = 128 + 13; // SIGPIPE, as shells report it
    return WASI_EXITED;
}

static enum wj_wasi_errno transfer_run(struct wj_wasi_call *call, struct transfer *transfer,
                                       uint64_t result)
{
    struct wj_wasi_fd *entry = transfer->entry;
    enum wj_wasi_errno error;
    // The result is checked before anything is done that cannot be undone.
    if (!wj_wasi_span(call, result, 4)) {
        return WASI_EFAULT;
    }
    error = wj_wasi_gather(call, call->args[1], call->args[2], &transfer->iovecs);
    if (error) {
        return error;
    }
    for (;;) {
        bool may_wait = !(entry->flags & WASI_FDFLAG_NONBLOCK);
        // A transfer of nothing never waits.
        if (wj_wasi_is_stream(entry) && transfer->iovecs.count > 0 &&
            (!transfer->is_write || !may_wait)) {
            error = wj_wasi_wait_ready(call, entry->host, transfer->is_write ? POLLOUT : POLLIN,
                                       may_wait);
            if (error) {
                return error;
            }
        }
        ssize_t done = transfer_once(call, transfer);
        if (done >= 0) {
            return wj_wasi_result_u32(call, result, (uint32_t) done);
        }
        if (errno == EAGAIN && may_wait) {
            // The host made the stream non-blocking; for the guest it is not.
            error =
                wj_wasi_wait_ready(call, entry->host, transfer->is_write ? POLLOUT : POLLIN, true);
            if (error) {
                return error;
            }
            continue;
        }
        if (errno == EPIPE) {
            return closed_pipe(call, entry);
        }
        if (errno != EINTR) {
            return wj_wasi_errno_of(errno);
        }
        if (wj_wasi_is_interrupted(call)) {
            return WASI_INTERRUPTED;
        }
    }
}

static enum wj_wasi_errno transfer_call(struct wj_wasi_call *call, bool is_write, bool has_offset)
{
    // Not cleared: the list has 16 KiB, of which a call uses little.
    struct transfer transfer;
    transfer.iovecs.count = 0;
    transfer.is_write = is_write;
    transfer.has_offset = has_offset;
    transfer.offset = 0;
    uint64_t rights = is_write ? WASI_RIGHT_FD_WRITE : WASI_RIGHT_FD_READ;
    if (has_offset) {
        rights |= WASI_RIGHT_FD_SEEK;
    }
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], 0, &transfer.entry);
    if (error) {
        return error;
    }
    if (transfer.entry->filetype == WASI_FILETYPE_DIRECTORY) {
        return WASI_EISDIR;
    }
    if (rights & ~transfer.entry->rights) {
        return WASI_ENOTCAPABLE;
    }
    if (has_offset) {
        if (call->args[3] > INT64_MAX) {
            return WASI_EINVAL;
        }
        transfer.offset = (off_t) call->args[3];
    }
    return transfer_run(call, &transfer, call->args[has_offset ? 4 : 3]);
}

enum wj_wasi_errno wj_wasi_fd_read(struct wj_wasi_call *call)
{
    return transfer_call(call, false, false);
}

enum wj_wasi_errno wj_wasi_fd_pread(struct wj_wasi_call *call)
{
    return transfer_call(call, false, true);
}

enum wj_wasi_errno wj_wasi_fd_write(struct wj_wasi_call *call)
{
    return transfer_call(call, true, false);
}

enum wj_wasi_errno wj_wasi_fd_pwrite(struct wj_wasi_call *call)
{
    return transfer_call(call, true, true);
}

enum wj_wasi_errno wj_wasi_fd_seek(struct wj_wasi_call *call)
{
    static const int whences[] = {
        [WASI_WHENCE_SET] = SEEK_SET, [WASI_WHENCE_CUR] = SEEK_CUR, [WASI_WHENCE_END] = SEEK_END};
    int64_t delta = (int64_t) call->args[1];
    uint64_t whence = call->args[2];
    // To ask where one is needs no more than the right to ask.
    bool is_tell = delta == 0 && whence == WASI_WHENCE_CUR;
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], 0, &entry);
    if (error) {
        return error;
    }
    if (entry->filetype == WASI_FILETYPE_UNKNOWN) {
        return WASI_ESPIPE;
    }
    uint64_t enough = WASI_RIGHT_FD_SEEK | (is_tell ? WASI_RIGHT_FD_TELL : 0);
    if (!(entry->rights & enough)) {
        return WASI_ENOTCAPABLE;
    }
    if (whence >= sizeof(whences) / sizeof(*whences)) {
        return WASI_EINVAL;
    }
    if (!wj_wasi_span(call, call->args[3], 8)) {
        return WASI_EFAULT;
    }
    off_t at = lseek(entry->host, delta, whences[whence]);
    if (at < 0) {
        return wj_wasi_errno_of(errno);
    }
    return wj_wasi_result_u64(call, call->args[3], (uint64_t) at);
}

enum wj_wasi_errno wj_wasi_fd_tell(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], WASI_RIGHT_FD_TELL, &entry);
    if (error) {
        return error;
    }
    off_t at = lseek(entry->host, 0, SEEK_CUR);
    if (at < 0) {
        return wj_wasi_errno_of(errno);
    }
    return wj_wasi_result_u64(call, call->args[1], (uint64_t) at);
}
