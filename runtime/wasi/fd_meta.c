// Descriptors as such: what they are, their flags, rights, sizes and times, closing, renumbering.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/wasi/calls.h"

enum wj_wasi_errno wj_wasi_fd_advise(struct wj_wasi_call *call)
{
    static const int advices[] = {
        [WASI_ADVICE_NORMAL] = POSIX_FADV_NORMAL,
        [WASI_ADVICE_SEQUENTIAL] = POSIX_FADV_SEQUENTIAL,
        [WASI_ADVICE_RANDOM] = POSIX_FADV_RANDOM,
        [WASI_ADVICE_WILLNEED] = POSIX_FADV_WILLNEED,
        [WASI_ADVICE_DONTNEED] = POSIX_FADV_DONTNEED,
        [WASI_ADVICE_NOREUSE] = POSIX_FADV_NOREUSE,
    };
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], WASI_RIGHT_FD_ADVISE, &entry);
    if (error) {
        return error;
    }
    if (call->args[3] >= sizeof(advices) / sizeof(*advices) || call->args[1] > INT64_MAX ||
        call->args[2] > INT64_MAX) {
        return WASI_EINVAL;
    }
    return wj_wasi_errno_of(posix_fadvise(entry->host, (off_t) call->args[1], (off_t) call->args[2],
                                          advices[call->args[3]]));
}

enum wj_wasi_errno wj_wasi_fd_allocate(struct wj_wasi_call *call)
{
    uint64_t offset = call->args[1], length = call->args[2];
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], WASI_RIGHT_FD_ALLOCATE, &entry);
    if (error) {
        return error;
    }
    if (length == 0 || offset > INT64_MAX || length > INT64_MAX) {
        return WASI_EINVAL;
    }
    if (length > INT64_MAX - offset) {
        return WASI_EFBIG;
    }
    // Not posix_fallocate, which writes to every block where the file system cannot allocate.
    if (fallocate(entry->host, 0, (off_t) offset, (off_t) length) != 0) {
        return wj_wasi_errno_of(errno);
    }
    return WASI_ESUCCESS;
}

enum wj_wasi_errno wj_wasi_fd_close(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], 0, &entry);
    if (error) {
        return error;
    }
    int result = 0;
    if (entry->owns_host) {
        result = wj_wasi_close_host(call->wasi, entry->host);
    }
    free(entry->preopen);
    *entry = (struct wj_wasi_fd){.host = -1};
    return wj_wasi_errno_of(result);
}

static enum wj_wasi_errno sync_call(struct wj_wasi_call *call, uint64_t right, int (*sync)(int))
{
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], right, &entry);
    if (error) {
        return error;
    }
    return wj_wasi_errno_of(sync(entry->host) != 0 ? errno : 0);
}

enum wj_wasi_errno wj_wasi_fd_datasync(struct wj_wasi_call *call)
{
    return sync_call(call, WASI_RIGHT_FD_DATASYNC, fdatasync);
}

enum wj_wasi_errno wj_wasi_fd_sync(struct wj_wasi_call *call)
{
    return sync_call(call, WASI_RIGHT_FD_SYNC, fsync);
}

enum wj_wasi_errno wj_wasi_fd_fdstat_get(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], 0, &entry);
    if (error) {
        return error;
    }
    uint8_t *at = wj_wasi_span(call, call->args[1], WASI_FDSTAT_BYTES);
    if (!at) {
        return WASI_EFAULT;
    }
    memset(at, 0, WASI_FDSTAT_BYTES);
    at[0] = entry->filetype;
    wj_wasi_put_u16(at + 2, entry->flags);
    wj_wasi_put_u64(at + 8, entry->rights);
    wj_wasi_put_u64(at + 16, entry->inheriting);
    return WASI_ESUCCESS;
}

enum wj_wasi_errno wj_wasi_fd_fdstat_set_flags(struct wj_wasi_call *call)
{
    uint64_t flags = call->args[1];
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error =
        wj_wasi_fd_get(call, call->args[0], WASI_RIGHT_FD_FDSTAT_SET_FLAGS, &entry);
    if (error) {
        return error;
    }
    if (flags & ~(uint64_t) WASI_FDFLAGS_ALL) {
        return WASI_EINVAL;
    }
    uint64_t changed = flags ^ entry->flags;
    // The host cannot change the others once a file is open.
    if (changed & ~(uint64_t) (WASI_FDFLAG_APPEND | WASI_FDFLAG_NONBLOCK)) {
        return WASI_ENOTSUP;
    }
    // Not waiting is done by asking first, for all streams: a host's stream shares its flags with
    // other processes. Appending can only be done by the file.
    if (changed & WASI_FDFLAG_APPEND) {
        int host_flags = entry->owns_host ? fcntl(entry->host, F_GETFL) : -1;
        if (!entry->owns_host) {
            return WASI_ENOTSUP;
        }
        host_flags = flags & WASI_FDFLAG_APPEND ? host_flags | O_APPEND : host_flags & ~O_APPEND;
        if (fcntl(entry->host, F_SETFL, host_flags) != 0) {
            return wj_wasi_errno_of(errno);
        }
    }
    entry->flags = (uint16_t) flags;
    return WASI_ESUCCESS;
}

// Rights can be given up, never gained.
enum wj_wasi_errno wj_wasi_fd_fdstat_set_rights(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], 0, &entry);
    if (error) {
        return error;
    }
    if ((call->args[1] & ~entry->rights) || (call->args[2] & ~entry->inheriting)) {
        return WASI_ENOTCAPABLE;
    }
    entry->rights = call->args[1];
    entry->inheriting = call->args[2];
    return WASI_ESUCCESS;
}

static uint64_t ns_of(struct timespec time)
{
    // Times before 1970 do not exist in preview 1.
    return time.tv_sec < 0 ? 0 : (uint64_t) time.tv_sec * WASI_NS_PER_S + (uint64_t) time.tv_nsec;
}

void wj_wasi_put_filestat(uint8_t *at, const struct stat *st)
{
    memset(at, 0, WASI_FILESTAT_BYTES);
    wj_wasi_put_u64(at, st->st_dev);
    wj_wasi_put_u64(at + 8, st->st_ino);
    at[16] = (uint8_t) wj_wasi_filetype_of(st->st_mode);
    wj_wasi_put_u64(at + 24, st->st_nlink);
    wj_wasi_put_u64(at + 32, (uint64_t) st->st_size);
    wj_wasi_put_u64(at + 40, ns_of(st->st_atim));
    wj_wasi_put_u64(at + 48, ns_of(st->st_mtim));
    wj_wasi_put_u64(at + 56, ns_of(st->st_ctim));
}

enum wj_wasi_errno wj_wasi_fd_filestat_get(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error =
        wj_wasi_fd_get(call, call->args[0], WASI_RIGHT_FD_FILESTAT_GET, &entry);
    if (error) {
        return error;
    }
    uint8_t *at = wj_wasi_span(call, call->args[1], WASI_FILESTAT_BYTES);
    if (!at) {
        return WASI_EFAULT;
    }
    struct stat st;
    if (fstat(entry->host, &st) != 0) {
        return wj_wasi_errno_of(errno);
    }
    wj_wasi_put_filestat(at, &st);
    at[16] = entry->filetype;
    return WASI_ESUCCESS;
}

enum wj_wasi_errno wj_wasi_fd_filestat_set_size(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error =
        wj_wasi_fd_get(call, call->args[0], WASI_RIGHT_FD_FILESTAT_SET_SIZE, &entry);
    if (error) {
        return error;
    }
    if (call->args[1] > INT64_MAX) {
        return WASI_EFBIG;
    }
    return wj_wasi_errno_of(ftruncate(entry->host, (off_t) call->args[1]) != 0 ? errno : 0);
}

static struct timespec time_of(uint64_t ns, bool is_set, bool is_now)
{
    if (is_now) {
        return (struct timespec){.tv_nsec = UTIME_NOW};
    }
    if (!is_set) {
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    }
    return (struct timespec){.tv_sec = (time_t) (ns / WASI_NS_PER_S),
                             .tv_nsec = (long) (ns % WASI_NS_PER_S)};
}

enum wj_wasi_errno wj_wasi_get_times(uint64_t atim, uint64_t mtim, uint64_t flags,
                                     struct timespec times[2])
{
    if ((flags & ~(uint64_t) WASI_FST_ALL) ||
        (flags & (WASI_FST_ATIM | WASI_FST_ATIM_NOW)) == (WASI_FST_ATIM | WASI_FST_ATIM_NOW) ||
        (flags & (WASI_FST_MTIM | WASI_FST_MTIM_NOW)) == (WASI_FST_MTIM | WASI_FST_MTIM_NOW)) {
        return WASI_EINVAL;
    }
    times[0] = time_of(atim, flags & WASI_FST_ATIM, flags & WASI_FST_ATIM_NOW);
    times[1] = time_of(mtim, flags & WASI_FST_MTIM, flags & WASI_FST_MTIM_NOW);
    return WASI_ESUCCESS;
}

enum wj_wasi_errno wj_wasi_fd_filestat_set_times(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *entry;
    struct timespec times[2];
    enum wj_wasi_errno error =
        wj_wasi_fd_get(call, call->args[0], WASI_RIGHT_FD_FILESTAT_SET_TIMES, &entry);
    if (!error) {
        error = wj_wasi_get_times(call->args[1], call->args[2], call->args[3], times);
    }
    if (error) {
        return error;
    }
    return wj_wasi_errno_of(futimens(entry->host, times) != 0 ? errno : 0);
}

enum wj_wasi_errno wj_wasi_fd_prestat_get(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], 0, &entry);
    if (error) {
        return error;
    }
    // wasi-libc takes EBADF for the end of the preopened directories.
    if (!entry->preopen) {
        return WASI_EBADF;
    }
    uint8_t *at = wj_wasi_span(call, call->args[1], WASI_PRESTAT_BYTES);
    if (!at) {
        return WASI_EFAULT;
    }
    memset(at, 0, WASI_PRESTAT_BYTES); // tag 0: a directory
    wj_wasi_put_u32(at + 4, (uint32_t) strlen(entry->preopen));
    return WASI_ESUCCESS;
}

enum wj_wasi_errno wj_wasi_fd_prestat_dir_name(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], 0, &entry);
    if (error) {
        return error;
    }
    if (!entry->preopen) {
        return WASI_EBADF;
    }
    size_t length = strlen(entry->preopen);
    uint8_t *at = wj_wasi_span(call, call->args[1], call->args[2]);
    if (!at) {
        return WASI_EFAULT;
    }
    if (call->args[2] < length) {
        return WASI_ENAMETOOLONG;
    }
    memcpy(at, entry->preopen, length);
    return WASI_ESUCCESS;
}

// Both must be open. A preopened directory keeps its number: wasi-libc found it there.
enum wj_wasi_errno wj_wasi_fd_renumber(struct wj_wasi_call *call)
{
    struct wj_wasi_fd *from, *to;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], 0, &from);
    if (!error) {
        error = wj_wasi_fd_get(call, call->args[1], 0, &to);
    }
    if (error) {
        return error;
    }
    if (from->preopen || to->preopen) {
        return WASI_ENOTSUP;
    }
    if (from == to) {
        return WASI_ESUCCESS;
    }
    if (to->owns_host) {
        wj_wasi_close_host(call->wasi, to->host);
    }
    *to = *from;
    *from = (struct wj_wasi_fd){.host = -1};
    return WASI_ESUCCESS;
}
