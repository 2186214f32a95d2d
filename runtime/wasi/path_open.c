// path_open: the one way to new descriptors, and the place where rights are handed down.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/wasi/calls.h"
#include "runtime/wasi/path.h"

#define RIGHTS_READ ((uint64_t) (WASI_RIGHT_FD_READ | WASI_RIGHT_FD_READDIR))
#define RIGHTS_WRITE                                                                     \
    ((uint64_t) (WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_DATASYNC | WASI_RIGHT_FD_ALLOCATE | \
                 WASI_RIGHT_FD_FILESTAT_SET_SIZE))

struct request {
    bool follows;
    uint64_t oflags;
    uint64_t rights;
    uint64_t inheriting;
    uint64_t fdflags;
};

// The rights that the directory's descriptor needs for what is asked of it.
static uint64_t rights_needed(const struct request *request)
{
    uint64_t needed = WASI_RIGHT_PATH_OPEN;
    if (request->oflags & WASI_OFLAG_CREAT) {
        needed |= WASI_RIGHT_PATH_CREATE_FILE;
    }
    if (request->oflags & WASI_OFLAG_TRUNC) {
        needed |= WASI_RIGHT_PATH_FILESTAT_SET_SIZE;
    }
    return needed;
}

static int host_flags(const struct request *request)
{
    bool reads = request->rights & RIGHTS_READ;
    bool writes = request->rights & RIGHTS_WRITE;
    int flags = writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
    if (request->oflags & WASI_OFLAG_DIRECTORY) {
        // Rights to write mean the files below it.
        flags = O_RDONLY | O_DIRECTORY;
    }
    // A pipe without a partner or a device must not hold us up, nor a terminal become ours.
    flags |= O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    flags |= request->follows ? 0 : O_NOFOLLOW;
    flags |= request->oflags & WASI_OFLAG_CREAT ? O_CREAT : 0;
    flags |= request->oflags & WASI_OFLAG_EXCL ? O_EXCL : 0;
    flags |= request->oflags & WASI_OFLAG_TRUNC ? O_TRUNC : 0;
    flags |= request->fdflags & WASI_FDFLAG_APPEND ? O_APPEND : 0;
    flags |= request->fdflags & WASI_FDFLAG_DSYNC ? O_DSYNC : 0;
    flags |= request->fdflags & (WASI_FDFLAG_SYNC | WASI_FDFLAG_RSYNC) ? O_SYNC : 0;
    return flags;
}

static enum wj_wasi_errno check(const struct wj_wasi_fd *dir, const struct request *request)
{
    if (dir->filetype != WASI_FILETYPE_DIRECTORY) {
        return WASI_ENOTDIR;
    }
    if ((request->oflags & ~(uint64_t) WASI_OFLAGS_ALL) ||
        (request->fdflags & ~(uint64_t) WASI_FDFLAGS_ALL)) {
        return WASI_EINVAL;
    }
    uint64_t both = WASI_OFLAG_DIRECTORY | WASI_OFLAG_CREAT;
    if ((request->oflags & both) == both) {
        return WASI_EINVAL;
    }
    // A descriptor never has more rights than the one it comes from hands down.
    uint64_t asked = (request->rights | request->inheriting) & WASI_RIGHTS_ALL;
    return asked & ~dir->inheriting ? WASI_ENOTCAPABLE : WASI_ESUCCESS;
}

// Makes the entry of an open file: what it is, and those of the rights that mean something for it.
static enum wj_wasi_errno make_entry(struct wj_wasi_call *call, int host,
                                     const struct request *request, uint32_t *fd)
{
    struct stat st;
    if (fstat(host, &st) != 0) {
        return wj_wasi_errno_of(errno);
    }
    enum wj_wasi_filetype filetype = wj_wasi_filetype_of(st.st_mode);
    struct wj_wasi_fd entry = {
        .host = host,
        .owns_host = true,
        .filetype = filetype,
        .flags = (uint16_t) request->fdflags,
        .rights = request->rights & wj_wasi_rights_of(host, filetype),
        .inheriting = filetype == WASI_FILETYPE_DIRECTORY ? request->inheriting : 0,
    };
    if (wj_wasi_is_stream(&entry)) {
        // Whether reads wait is for us to say, by asking first.
        int flags = fcntl(host, F_GETFL);
        if (flags < 0 || fcntl(host, F_SETFL, flags & ~O_NONBLOCK) != 0) {
            return wj_wasi_errno_of(errno);
        }
    }
    return wj_wasi_fds_add(&call->wasi->fds, &entry, fd);
}

enum wj_wasi_errno wj_wasi_path_open(struct wj_wasi_call *call)
{
    const uint64_t *args = call->args;
    struct request request = {
        .follows = args[1] & WASI_LOOKUP_SYMLINK_FOLLOW,
        .oflags = args[4],
        .rights = args[5] & WASI_RIGHTS_ALL,
        .inheriting = args[6] & WASI_RIGHTS_ALL,
        .fdflags = args[7],
    };
    struct wj_wasi_fd *dir;
    struct wj_wasi_path path;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, args[0], 0, &dir);
    if (!error) {
        error = check(dir, &request);
    }
    if (!error && (rights_needed(&request) & ~dir->rights)) {
        error = WASI_ENOTCAPABLE;
    }
    if (!error) {
        error = wj_wasi_path_get(call, args[2], args[3], &path);
    }
    if (!error && !wj_wasi_span(call, args[8], 4)) {
        error = WASI_EFAULT;
    }
    if (error) {
        return error;
    }
    int host = wj_wasi_open_beneath(call->wasi, dir->host, path.text, host_flags(&request), 0666);
    if (host < 0) {
        return wj_wasi_path_errno(host);
    }
    uint32_t fd = 0;
    error = make_entry(call, host, &request, &fd);
    if (error) {
        close(host);
        return error;
    }
    return wj_wasi_result_u32(call, args[8], fd);
}
