// Requests and replies on a stream socket.
#include "remote/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool wj_remote_write(int socket, const void *bytes, size_t size_bytes)
{
    const char *at = bytes;
    while (size_bytes != 0) {
        ssize_t size = send(socket, at, size_bytes, MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return false;
        }
        at += size;
        size_bytes -= (size_t) size;
    }
    return true;
}

bool wj_remote_read(int socket, void *bytes, size_t size_bytes)
{
    char *at = bytes;
    while (size_bytes != 0) {
        ssize_t size = recv(socket, at, size_bytes, 0);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return false;
        }
        at += size;
        size_bytes -= (size_t) size;
    }
    return true;
}

// Room for one file descriptor.
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

// The descriptor goes with the first byte, whatever the system takes of the rest.
bool wj_remote_write_request(int socket, const struct wj_remote_request *request, int file)
{
    union control control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *) request, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (file >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof file);
        memcpy(CMSG_DATA(header), &file, sizeof file);
    }
    ssize_t size;
    do {
        size = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (size < 0 && errno == EINTR);
    return size == 1 && wj_remote_write(socket, (const char *) request + 1, sizeof *request - 1);
}

bool wj_remote_read_request(int socket, struct wj_remote_request *request, int *file)
{
    union control control;
    struct iovec part = {.iov_base = request, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t size;
    do {
        size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    *file = -1;
    struct cmsghdr *header = size == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof *file)) {
        memcpy(file, CMSG_DATA(header), sizeof *file);
    }
    if (size != 1 || !wj_remote_read(socket, (char *) request + 1, sizeof *request - 1)) {
        if (*file >= 0) {
            close(*file);
        }
        return false;
    }
    return true;
}
