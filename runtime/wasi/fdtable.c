// The guest's descriptors: which are open, what they are and what may be done with them.
#include "runtime/wasi/fdtable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/wasi/context.h"

#define RIGHTS_ANY                                                                                \
    ((uint64_t) (WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_FILESTAT_GET |                    \
                 WASI_RIGHT_FD_FILESTAT_SET_TIMES | WASI_RIGHT_FD_SYNC | WASI_RIGHT_FD_DATASYNC | \
                 WASI_RIGHT_POLL_FD_READWRITE))
#define RIGHTS_STREAM (RIGHTS_ANY | WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE)
#define RIGHTS_FILE                                                                   \
    (RIGHTS_STREAM | WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL | WASI_RIGHT_FD_ADVISE | \
     WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE)
// What changes a directory, or what a file in it holds.
#define RIGHTS_CHANGE                                                                             \
    ((uint64_t) (WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE | \
                 WASI_RIGHT_FD_FILESTAT_SET_TIMES | WASI_RIGHT_FD_DATASYNC | RIGHTS_CHANGE_PATH))
#define RIGHTS_CHANGE_PATH                                                                       \
    (WASI_RIGHT_PATH_CREATE_DIRECTORY | WASI_RIGHT_PATH_CREATE_FILE |                            \
     WASI_RIGHT_PATH_LINK_SOURCE | WASI_RIGHT_PATH_LINK_TARGET | WASI_RIGHT_PATH_RENAME_SOURCE | \
     WASI_RIGHT_PATH_RENAME_TARGET | WASI_RIGHT_PATH_FILESTAT_SET_SIZE |                         \
     WASI_RIGHT_PATH_FILESTAT_SET_TIMES | WASI_RIGHT_PATH_SYMLINK |                              \
     WASI_RIGHT_PATH_REMOVE_DIRECTORY | WASI_RIGHT_PATH_UNLINK_FILE)
#define RIGHTS_DIRECTORY                                                              \
    (RIGHTS_ANY | RIGHTS_CHANGE_PATH | WASI_RIGHT_PATH_OPEN | WASI_RIGHT_FD_READDIR | \
     WASI_RIGHT_PATH_READLINK | WASI_RIGHT_PATH_FILESTAT_GET)

void wj_wasi_fds_init(struct wj_wasi_fds *fds)
{
    *fds = (struct wj_wasi_fds){.entries = NULL};
}

void wj_wasi_fds_clear(struct wj_wasi_fds *fds)
{
    for (uint32_t i = 0; i < fds->count; i++) {
        struct wj_wasi_fd *entry = &fds->entries[i];
        if (entry->host >= 0 && entry->owns_host) {
            close(entry->host);
        }
        free(entry->preopen);
    }
    free(fds->entries);
    wj_wasi_fds_init(fds);
}

// Makes room for the entry at index count. The table has room for all from the start, in address
// space alone, so that entries never move while a call of another thread looks at them.
static bool reserve_one(struct wj_wasi_fds *fds)
{
    if (!fds->entries) {
        fds->entries = calloc(WASI_FDS_MAX, sizeof(*fds->entries));
    }
    return fds->entries && fds->count < WASI_FDS_MAX;
}

enum wj_wasi_errno wj_wasi_fds_add(struct wj_wasi_fds *fds, const struct wj_wasi_fd *entry,
                                   uint32_t *fd)
{
    uint32_t at = 0;
    while (at < fds->count && fds->entries[at].host >= 0) {
        at++;
    }
    if (at >= WASI_FDS_MAX) {
        return WASI_EMFILE;
    }
    if (at == fds->count) {
        if (!reserve_one(fds)) {
            return WASI_ENOMEM;
        }
        fds->count++;
    }
    fds->entries[at] = *entry;
    *fd = at;
    return WASI_ESUCCESS;
}

enum wj_wasi_filetype wj_wasi_filetype_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return WASI_FILETYPE_REGULAR_FILE;
    case S_IFDIR: return WASI_FILETYPE_DIRECTORY;
    case S_IFLNK: return WASI_FILETYPE_SYMBOLIC_LINK;
    case S_IFCHR: return WASI_FILETYPE_CHARACTER_DEVICE;
    case S_IFBLK: return WASI_FILETYPE_BLOCK_DEVICE;
    case S_IFSOCK: return WASI_FILETYPE_SOCKET_STREAM;
    default: return WASI_FILETYPE_UNKNOWN;
    }
}

uint64_t wj_wasi_rights_of(int host, enum wj_wasi_filetype filetype)
{
    switch (filetype) {
    case WASI_FILETYPE_REGULAR_FILE:
    case WASI_FILETYPE_BLOCK_DEVICE: return RIGHTS_FILE;
    case WASI_FILETYPE_DIRECTORY: return RIGHTS_DIRECTORY;
    case WASI_FILETYPE_CHARACTER_DEVICE:
        // That a terminal cannot seek is how wasi-libc recognises one.
        return isatty(host) ? RIGHTS_STREAM
                            : RIGHTS_STREAM | WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL;
    case WASI_FILETYPE_SOCKET_DGRAM:
    case WASI_FILETYPE_SOCKET_STREAM:
        return RIGHTS_STREAM | WASI_RIGHT_SOCK_ACCEPT | WASI_RIGHT_SOCK_SHUTDOWN;
    case WASI_FILETYPE_UNKNOWN:
    case WASI_FILETYPE_SYMBOLIC_LINK: return RIGHTS_STREAM;
    }
    return 0;
}

enum wj_wasi_errno wj_wasi_fds_add_stream(struct wj_wasi_fds *fds, int host)
{
    if (!reserve_one(fds)) {
        return WASI_ENOMEM;
    }
    struct wj_wasi_fd entry = {.host = -1};
    struct stat st;
    if (host >= 0 && fstat(host, &st) == 0) {
        enum wj_wasi_filetype filetype = wj_wasi_filetype_of(st.st_mode);
        uint64_t rights = wj_wasi_rights_of(host, filetype);
        int flags = fcntl(host, F_GETFL);
        int access = flags & O_ACCMODE;
        if (access == O_RDONLY) {
            rights &= ~(uint64_t) WASI_RIGHT_FD_WRITE;
        } else if (access == O_WRONLY) {
            rights &= ~(uint64_t) WASI_RIGHT_FD_READ;
        }
        // A directory as a stream gives no access below it.
        if (filetype == WASI_FILETYPE_DIRECTORY) {
            rights = WASI_RIGHT_FD_FILESTAT_GET;
        }
        entry = (struct wj_wasi_fd){.host = host, .filetype = filetype, .rights = rights};
        entry.flags = flags & O_APPEND ? WASI_FDFLAG_APPEND : 0;
    }
    fds->entries[fds->count++] = entry;
    return WASI_ESUCCESS;
}

bool wj_wasi_fds_add_preopen(struct wj_wasi_fds *fds, const char *host_path, const char *name,
                             bool is_read_only)
{
    uint64_t removed = is_read_only ? RIGHTS_CHANGE : 0;
    struct wj_wasi_fd entry = {
        .owns_host = true,
        .filetype = WASI_FILETYPE_DIRECTORY,
        .rights = RIGHTS_DIRECTORY & ~removed,
        .inheriting = (uint64_t) WASI_RIGHTS_ALL & ~removed,
    };
    entry.host = open(host_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (entry.host < 0 && errno == EACCES) {
        // A directory that may be passed through but not listed.
        entry.host = open(host_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    if (entry.host < 0) {
        return false;
    }
    entry.preopen = strdup(name);
    if (!entry.preopen || !reserve_one(fds)) {
        free(entry.preopen);
        close(entry.host);
        errno = ENOMEM;
        return false;
    }
    fds->entries[fds->count++] = entry;
    return true;
}

enum wj_wasi_errno wj_wasi_fd_get(const struct wj_wasi_call *call, uint64_t fd, uint64_t rights,
                                  struct wj_wasi_fd **entry)
{
    const struct wj_wasi_fds *fds = &call->wasi->fds;
    if (fd >= fds->count || fds->entries[fd].host < 0) {
        return WASI_EBADF;
    }
    if (rights & ~fds->entries[fd].rights) {
        return WASI_ENOTCAPABLE;
    }
    *entry = &fds->entries[fd];
    return WASI_ESUCCESS;
}
