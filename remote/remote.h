// The port of runtime/vm/gpu.h in a process of its own: a driver that crashes takes that process
// with it, not the program. The next request starts a new one.
#ifndef REMOTE_REMOTE_H
#define REMOTE_REMOTE_H

#include <stdbool.h>

#include "base/err.h"
#include "runtime/vm/gpu.h"

// The client. Memories go by file: memory_add is not for it. An error of a dispatch ends the
// process as a crash does, since nothing may be assumed of it then.
extern const struct wj_gpu_driver wj_remote_driver;

// Starts `command gpu-server`, a program that calls wj_remote_serve with descriptor 3.
bool wj_remote_load(const char *command, const struct wj_gpu_setup *setup, struct wj_gpu **gpu,
                    struct wj_err *err);

// Serves requests until the other end is gone, by means of `driver`.
void wj_remote_serve(int socket, const struct wj_gpu_driver *driver,
                     bool (*set_up)(struct wj_gpu *gpu, const struct wj_gpu_setup *setup,
                                    struct wj_err *err));

#endif
