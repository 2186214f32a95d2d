// The guest's descriptors. Their numbers are indexes of a table of ours, never the host's numbers.
#ifndef RUNTIME_WASI_FDTABLE_H
#define RUNTIME_WASI_FDTABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/wasi/abi.h"

// More than a host gives a process by default; it bounds what a guest makes us allocate.
#define WASI_FDS_MAX 65536u

struct wj_wasi_fd {
    int host;       // -1: the entry is free
    bool owns_host; // close it with the entry
    uint8_t filetype;
    uint16_t flags; // enum wj_wasi_fdflags
    uint64_t rights;
    uint64_t inheriting;
    char *preopen; // the guest's name of a preopened directory, or NULL
};

struct wj_wasi_fds {
    struct wj_wasi_fd *entries; // [WASI_FDS_MAX]
    uint32_t count;
};

struct wj_wasi_call;

void wj_wasi_fds_init(struct wj_wasi_fds *fds);
void wj_wasi_fds_clear(struct wj_wasi_fds *fds);

// Puts an entry at the lowest free number. Its host descriptor and name belong to the table only
// when it succeeds.
enum wj_wasi_errno wj_wasi_fds_add(struct wj_wasi_fds *fds, const struct wj_wasi_fd *entry,
                                   uint32_t *fd);

// Puts one of the host's streams at the next number. It stays the host's. A closed one leaves the
// number free.
enum wj_wasi_errno wj_wasi_fds_add_stream(struct wj_wasi_fds *fds, int host);

// Opens a directory of the host and puts it at the next number, under the guest's name for it.
// False with errno set.
bool wj_wasi_fds_add_preopen(struct wj_wasi_fds *fds, const char *host_path, const char *name,
                             bool is_read_only);

// The entry of an open descriptor that has all these rights.
enum wj_wasi_errno wj_wasi_fd_get(const struct wj_wasi_call *call, uint64_t fd, uint64_t rights,
                                  struct wj_wasi_fd **entry);

enum wj_wasi_filetype wj_wasi_filetype_of(mode_t mode);

// The rights that mean something for an open descriptor of the host.
uint64_t wj_wasi_rights_of(int host, enum wj_wasi_filetype filetype);

// Whether reads and writes may have to wait.
static inline bool wj_wasi_is_stream(const struct wj_wasi_fd *entry)
{
    return entry->filetype != WASI_FILETYPE_REGULAR_FILE &&
           entry->filetype != WASI_FILETYPE_DIRECTORY &&
           entry->filetype != WASI_FILETYPE_BLOCK_DEVICE;
}

#endif
