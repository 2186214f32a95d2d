// Sockets. Preview 1 cannot make any: there are those that the host gives as standard streams.
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/wasi/calls.h"
#include "runtime/wasi/iovec.h"

static enum wj_wasi_errno socket_get(struct wj_wasi_call *call, uint64_t right,
                                     struct wj_wasi_fd **entry)
{
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], 0, entry);
    if (error) {
        return error;
    }
    if ((*entry)->filetype != WASI_FILETYPE_SOCKET_STREAM &&
        (*entry)->filetype != WASI_FILETYPE_SOCKET_DGRAM) {
        return WASI_ENOTSOCK;
    }
    return right & ~(*entry)->rights ? WASI_ENOTCAPABLE : WASI_ESUCCESS;
}

// Waits as the guest's flags say, then lets `run` do the transfer, which must not wait itself.
static enum wj_wasi_errno transfer(struct wj_wasi_call *call, const struct wj_wasi_fd *entry,
                                   short events, ssize_t (*run)(int, struct msghdr *, int),
                                   struct msghdr *message, int flags, ssize_t *done)
{
    bool may_wait = !(entry->flags & WASI_FDFLAG_NONBLOCK);
    for (;;) {
        enum wj_wasi_errno error = wj_wasi_wait_ready(call, entry->host, events, may_wait);
        if (error) {
            return error;
        }
        *done = run(entry->host, message, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
        if (*done >= 0) {
            return WASI_ESUCCESS;
        }
        if (errno != EINTR && !(errno == EAGAIN && may_wait)) {
            return wj_wasi_errno_of(errno);
        }
    }
}

static ssize_t send_message(int host, struct msghdr *message, int flags)
{
    return sendmsg(host, message, flags);
}

enum wj_wasi_errno wj_wasi_sock_recv(struct wj_wasi_call *call)
{
    const uint64_t *args = call->args;
    struct wj_wasi_fd *entry;
    struct wj_wasi_iovecs iovecs;
    enum wj_wasi_errno error = socket_get(call, WASI_RIGHT_FD_READ, &entry);
    if (!error && (args[3] & ~(uint64_t) (WASI_RECV_PEEK | WASI_RECV_WAITALL))) {
        error = WASI_EINVAL;
    }
    if (!error && (!wj_wasi_span(call, args[4], 4) || !wj_wasi_span(call, args[5], 2))) {
        error = WASI_EFAULT;
    }
    if (!error) {
        error = wj_wasi_gather(call, args[1], args[2], &iovecs);
    }
    if (error) {
        return error;
    }
    // WAITALL is a wish: a shorter transfer is allowed, and does not block for ever.
    int flags = args[3] & WASI_RECV_PEEK ? MSG_PEEK : 0;
    struct msghdr message = {.msg_iov = iovecs.items, .msg_iovlen = iovecs.count};
    ssize_t done;
    error = transfer(call, entry, POLLIN, recvmsg, &message, flags, &done);
    if (!error) {
        wj_wasi_put_u16(wj_wasi_span(call, args[5], 2),
                        message.msg_flags & MSG_TRUNC ? WASI_RECV_DATA_TRUNCATED : 0);
        error = wj_wasi_result_u32(call, args[4], (uint32_t) done);
    }
    return error;
}

enum wj_wasi_errno wj_wasi_sock_send(struct wj_wasi_call *call)
{
    const uint64_t *args = call->args;
    struct wj_wasi_fd *entry;
    struct wj_wasi_iovecs iovecs;
    enum wj_wasi_errno error = socket_get(call, WASI_RIGHT_FD_WRITE, &entry);
    if (!error && args[3]) {
        error = WASI_EINVAL;
    }
    if (!error && !wj_wasi_span(call, args[4], 4)) {
        error = WASI_EFAULT;
    }
    if (!error) {
        error = wj_wasi_gather(call, args[1], args[2], &iovecs);
    }
    if (error) {
        return error;
    }
    struct msghdr message = {.msg_iov = iovecs.items, .msg_iovlen = iovecs.count};
    ssize_t done;
    error = transfer(call, entry, POLLOUT, send_message, &message, 0, &done);
    return error ? error : wj_wasi_result_u32(call, args[4], (uint32_t) done);
}

enum wj_wasi_errno wj_wasi_sock_shutdown(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = socket_get(call, WASI_RIGHT_SOCK_SHUTDOWN, &entry);
    if (error) {
        return error;
    }
    int how;
    switch (call->args[1]) {
    case WASI_SHUT_RD: how = SHUT_RD; break;
    case WASI_SHUT_WR: how = SHUT_WR; break;
    case WASI_SHUT_RD | WASI_SHUT_WR: how = SHUT_RDWR; break;
    default: return WASI_EINVAL;
    }
    return wj_wasi_errno_of(shutdown(entry->host, how) != 0 ? errno : 0);
}

enum wj_wasi_errno wj_wasi_sock_accept(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = socket_get(call, WASI_RIGHT_SOCK_ACCEPT, &entry);
    if (!error && (call->args[1] & ~(uint64_t) WASI_FDFLAG_NONBLOCK)) {
        error = WASI_EINVAL;
    }
    if (!error && !wj_wasi_span(call, call->args[2], 4)) {
        error = WASI_EFAULT;
    }
    if (!error) {
        error =
            wj_wasi_wait_ready(call, entry->host, POLLIN, !(entry->flags & WASI_FDFLAG_NONBLOCK));
    }
    if (error) {
        return error;
    }
    int host = accept4(entry->host, NULL, NULL, SOCK_CLOEXEC);
    if (host < 0) {
        return wj_wasi_errno_of(errno);
    }
    struct wj_wasi_fd accepted = {
        .host = host,
        .owns_host = true,
        .filetype = WASI_FILETYPE_SOCKET_STREAM,
        .flags = (uint16_t) call->args[1],
        .rights = entry->rights,
    };
    uint32_t fd;
    error = wj_wasi_fds_add(&call->wasi->fds, &accepted, &fd);
    if (error) {
        close(host);
        return error;
    }
    return wj_wasi_result_u32(call, call->args[2], fd);
}
