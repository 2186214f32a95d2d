// Guest paths, resolved below one directory and never out of it: by openat2 where the kernel has
// it, else component by component. Results are descriptors and negative error numbers of the host;
// -EXDEV says that a path led out.
#ifndef RUNTIME_WASI_PATH_H
#define RUNTIME_WASI_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/wasi/context.h"

#define WASI_SYMLINKS_MAX 40 // as the kernel has it, path_resolution(7)

struct wj_wasi_path {
    char text[PATH_MAX];
    uint32_t length;
};

// Copies a path out of the guest's memory: valid UTF-8, without zeros, not empty, not too long.
enum wj_wasi_errno wj_wasi_path_get(struct wj_wasi_call *call, uint64_t address, uint64_t length,
                                    struct wj_wasi_path *path);

// Opens a path below `dir`. A last symbolic link is followed unless flags has O_NOFOLLOW.
int wj_wasi_open_beneath(struct wj_wasi *wasi, int dir, const char *path, int flags, mode_t mode);

// Where the last component of a path is: a directory and one name in it, for system calls that take
// no more than that and follow nothing.
struct wj_wasi_place {
    int dir;
    bool owns_dir;
    bool has_slash;   // the path ends with one: it must name a directory
    const char *name; // a part of the path, or "."
};

// Splits the path in place. 0, or a negative error number.
int wj_wasi_place_open(struct wj_wasi *wasi, int dir, struct wj_wasi_path *path,
                       struct wj_wasi_place *place);
void wj_wasi_place_close(struct wj_wasi_place *place);

// The error number for a failed resolution (negative or positive).
enum wj_wasi_errno wj_wasi_path_errno(int result);

#endif
