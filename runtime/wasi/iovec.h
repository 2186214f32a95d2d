// The guest's vectors of buffers, checked and turned into the host's.
#ifndef RUNTIME_WASI_IOVEC_H
#define RUNTIME_WASI_IOVEC_H

#include <sys/uio.h>

#include "runtime/wasi/context.h"

#define WASI_IOVECS_MAX 1024u // what a host takes at once (IOV_MAX)

struct wj_wasi_iovecs {
    uint32_t count;
    struct iovec items[WASI_IOVECS_MAX];
};

// The first vectors at a guest address, as many as fit. None of them is empty.
enum wj_wasi_errno wj_wasi_gather(struct wj_wasi_call *call, uint64_t address, uint64_t count,
                                  struct wj_wasi_iovecs *iovecs);

#endif
