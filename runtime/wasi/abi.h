// WASI preview 1 as the guest sees it: numbers, flags and layouts of records, with the names of the
// specification. Records are read and written by offset, so only their sizes stand here.
#ifndef RUNTIME_WASI_ABI_H
#define RUNTIME_WASI_ABI_H

#include <errno.h>
#include <stdint.h>

// Error numbers in the order of the specification, each with the host's. The last has none.
#define WJ_WASI_ERRNOS(X)                                                                          \
    X(SUCCESS, 0)                                                                                  \
    X(2BIG, E2BIG) X(ACCES, EACCES) X(ADDRINUSE, EADDRINUSE) X(ADDRNOTAVAIL, EADDRNOTAVAIL) X(     \
        AFNOSUPPORT, EAFNOSUPPORT) X(AGAIN, EAGAIN) X(ALREADY, EALREADY) X(BADF, EBADF)            \
        X(BADMSG, EBADMSG) X(BUSY, EBUSY) X(CANCELED, ECANCELED) X(CHILD, ECHILD) X(               \
            CONNABORTED, ECONNABORTED) X(CONNREFUSED, ECONNREFUSED) X(CONNRESET, ECONNRESET)       \
            X(DEADLK, EDEADLK) X(DESTADDRREQ, EDESTADDRREQ) X(DOM, EDOM) X(DQUOT, EDQUOT) X(       \
                EXIST, EEXIST) X(FAULT, EFAULT) X(FBIG, EFBIG) X(HOSTUNREACH, EHOSTUNREACH)        \
                X(IDRM, EIDRM) X(ILSEQ, EILSEQ) X(INPROGRESS, EINPROGRESS) X(INTR, EINTR) X(       \
                    INVAL, EINVAL)                                                                 \
                    X(IO, EIO) X(ISCONN, EISCONN) X(ISDIR, EISDIR) X(LOOP, ELOOP) X(MFILE, EMFILE) \
                        X(MLINK, EMLINK) X(MSGSIZE, EMSGSIZE) X(MULTIHOP, EMULTIHOP) X(            \
                            NAMETOOLONG, ENAMETOOLONG) X(NETDOWN, ENETDOWN)                        \
                            X(NETRESET, ENETRESET) X(NETUNREACH, ENETUNREACH) X(                   \
                                NFILE, ENFILE) X(NOBUFS, ENOBUFS)                                  \
                                X(NODEV, ENODEV) X(NOENT, ENOENT) X(NOEXEC, ENOEXEC) X(            \
                                    NOLCK, ENOLCK) X(NOLINK, ENOLINK)                              \
                                    X(NOMEM, ENOMEM) X(NOMSG, ENOMSG) X(NOPROTOOPT, ENOPROTOOPT)   \
                                        X(NOSPC, ENOSPC) X(NOSYS, ENOSYS) X(NOTCONN, ENOTCONN)     \
                                            X(NOTDIR, ENOTDIR) X(NOTEMPTY, ENOTEMPTY)              \
                                                X(NOTRECOVERABLE, ENOTRECOVERABLE) X(              \
                                                    NOTSOCK, ENOTSOCK) X(NOTSUP,                   \
                                                                         ENOTSUP) X(NOTTY, ENOTTY) \
                                                    X(NXIO, ENXIO) X(OVERFLOW, EOVERFLOW) X(       \
                                                        OWNERDEAD, EOWNERDEAD) X(PERM, EPERM)      \
                                                        X(PIPE, EPIPE) X(PROTO, EPROTO)            \
                                                            X(PROTONOSUPPORT, EPROTONOSUPPORT) X(  \
                                                                PROTOTYPE, EPROTOTYPE)             \
                                                                X(RANGE, ERANGE) X(ROFS, EROFS) X( \
                                                                    SPIPE, ESPIPE) X(SRCH, ESRCH)  \
                                                                    X(STALE, ESTALE) X(TIMEDOUT,   \
                                                                                       ETIMEDOUT)  \
                                                                        X(TXTBSY, ETXTBSY)         \
                                                                            X(XDEV, EXDEV)         \
                                                                                X(NOTCAPABLE, -1)

enum wj_wasi_errno {
#define WJ_WASI_ERRNO_ENUM(name, host) WASI_E##name,
    WJ_WASI_ERRNOS(WJ_WASI_ERRNO_ENUM)
#undef WJ_WASI_ERRNO_ENUM
    // Beyond what the guest can see: the call does not return to it.
    WASI_INTERRUPTED = 0x10000,
    WASI_EXITED,
};
_Static_assert(WASI_EFAULT == 21 && WASI_ENOENT == 44 && WASI_ENOTCAPABLE == 76,
               "error numbers follow the specification");

// Rights in the order of the specification, one bit each.
#define WJ_WASI_RIGHTS(X)                                                                         \
    X(FD_DATASYNC)                                                                                \
    X(FD_READ) X(FD_SEEK) X(FD_FDSTAT_SET_FLAGS) X(FD_SYNC) X(FD_TELL) X(FD_WRITE) X(FD_ADVISE)   \
        X(FD_ALLOCATE) X(PATH_CREATE_DIRECTORY) X(PATH_CREATE_FILE) X(PATH_LINK_SOURCE)           \
            X(PATH_LINK_TARGET) X(PATH_OPEN) X(FD_READDIR) X(PATH_READLINK) X(PATH_RENAME_SOURCE) \
                X(PATH_RENAME_TARGET) X(PATH_FILESTAT_GET) X(PATH_FILESTAT_SET_SIZE)              \
                    X(PATH_FILESTAT_SET_TIMES) X(FD_FILESTAT_GET) X(FD_FILESTAT_SET_SIZE)         \
                        X(FD_FILESTAT_SET_TIMES) X(PATH_SYMLINK) X(PATH_REMOVE_DIRECTORY)         \
                            X(PATH_UNLINK_FILE) X(POLL_FD_READWRITE) X(SOCK_SHUTDOWN)             \
                                X(SOCK_ACCEPT)

enum wj_wasi_right_bit {
#define WJ_WASI_RIGHT_BIT(name) WASI_RIGHT_BIT_##name,
    WJ_WASI_RIGHTS(WJ_WASI_RIGHT_BIT)
#undef WJ_WASI_RIGHT_BIT
        WASI_RIGHT_BIT_COUNT,
};
enum wj_wasi_right {
#define WJ_WASI_RIGHT_ENUM(name) WASI_RIGHT_##name = 1 << WASI_RIGHT_BIT_##name,
    WJ_WASI_RIGHTS(WJ_WASI_RIGHT_ENUM)
#undef WJ_WASI_RIGHT_ENUM
        WASI_RIGHTS_ALL = (1 << WASI_RIGHT_BIT_COUNT) - 1,
};
_Static_assert(WASI_RIGHT_BIT_SOCK_ACCEPT == 29, "rights follow the specification");

enum wj_wasi_filetype {
    WASI_FILETYPE_UNKNOWN, // pipes too
    WASI_FILETYPE_BLOCK_DEVICE,
    WASI_FILETYPE_CHARACTER_DEVICE,
    WASI_FILETYPE_DIRECTORY,
    WASI_FILETYPE_REGULAR_FILE,
    WASI_FILETYPE_SOCKET_DGRAM,
    WASI_FILETYPE_SOCKET_STREAM,
    WASI_FILETYPE_SYMBOLIC_LINK,
};

enum wj_wasi_fdflags {
    WASI_FDFLAG_APPEND = 1,
    WASI_FDFLAG_DSYNC = 2,
    WASI_FDFLAG_NONBLOCK = 4,
    WASI_FDFLAG_RSYNC = 8,
    WASI_FDFLAG_SYNC = 16,
    WASI_FDFLAGS_ALL = 31,
};

enum wj_wasi_oflags {
    WASI_OFLAG_CREAT = 1,
    WASI_OFLAG_DIRECTORY = 2,
    WASI_OFLAG_EXCL = 4,
    WASI_OFLAG_TRUNC = 8,
    WASI_OFLAGS_ALL = 15,
};

enum wj_wasi_fstflags {
    WASI_FST_ATIM = 1,
    WASI_FST_ATIM_NOW = 2,
    WASI_FST_MTIM = 4,
    WASI_FST_MTIM_NOW = 8,
    WASI_FST_ALL = 15,
};

enum wj_wasi_whence { WASI_WHENCE_SET, WASI_WHENCE_CUR, WASI_WHENCE_END };

enum wj_wasi_advice {
    WASI_ADVICE_NORMAL,
    WASI_ADVICE_SEQUENTIAL,
    WASI_ADVICE_RANDOM,
    WASI_ADVICE_WILLNEED,
    WASI_ADVICE_DONTNEED,
    WASI_ADVICE_NOREUSE,
};

enum wj_wasi_clock {
    WASI_CLOCK_REALTIME,
    WASI_CLOCK_MONOTONIC,
    WASI_CLOCK_PROCESS_CPUTIME,
    WASI_CLOCK_THREAD_CPUTIME,
};

enum wj_wasi_event { WASI_EVENT_CLOCK, WASI_EVENT_FD_READ, WASI_EVENT_FD_WRITE };

#define WASI_LOOKUP_SYMLINK_FOLLOW 1u
#define WASI_SUBCLOCK_ABSTIME 1u
#define WASI_EVENT_HANGUP 1u
#define WASI_SHUT_RD 1u
#define WASI_SHUT_WR 2u
#define WASI_RECV_PEEK 1u
#define WASI_RECV_WAITALL 2u
#define WASI_RECV_DATA_TRUNCATED 1u

#define WASI_IOVEC_BYTES 8u
#define WASI_FDSTAT_BYTES 24u
#define WASI_FILESTAT_BYTES 64u
#define WASI_DIRENT_BYTES 24u
#define WASI_PRESTAT_BYTES 8u
#define WASI_SUBSCRIPTION_BYTES 48u
#define WASI_EVENT_BYTES 32u

#endif
