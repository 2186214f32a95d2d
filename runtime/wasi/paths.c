// The calls that take a path. Each resolves below a descriptor of the guest, checks that
// descriptor's rights, and then acts on one name in one directory or on an open descriptor.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/wasi/calls.h"
#include "runtime/wasi/path.h"

// Enough for "/proc/self/fd/" and a number.
#define PROC_NAME_BYTES 40

struct target {
    struct wj_wasi_fd *entry;
    struct wj_wasi_path path;
    struct wj_wasi_place place;
};

// Checks the descriptor and copies the path.
static enum wj_wasi_errno target_get(struct wj_wasi_call *call, struct target *target, uint64_t fd,
                                     uint64_t rights, uint64_t address, uint64_t length)
{
    target->place.owns_dir = false;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, fd, rights, &target->entry);
    if (error) {
        return error;
    }
    if (target->entry->filetype != WASI_FILETYPE_DIRECTORY) {
        return WASI_ENOTDIR;
    }
    return wj_wasi_path_get(call, address, length, &target->path);
}

// The same, and finds the directory of the last component. To be closed with wj_wasi_place_close.
static enum wj_wasi_errno target_place(struct wj_wasi_call *call, struct target *target,
                                       uint64_t fd, uint64_t rights, uint64_t address,
                                       uint64_t length)
{
    enum wj_wasi_errno error = target_get(call, target, fd, rights, address, length);
    if (error) {
        return error;
    }
    int result = wj_wasi_place_open(call->wasi, target->entry->host, &target->path, &target->place);
    return result < 0 ? wj_wasi_path_errno(result) : WASI_ESUCCESS;
}

// A descriptor that stands for the object itself: of a link, or of what it points to.
static int open_object(struct wj_wasi_call *call, struct target *target, bool follows)
{
    return wj_wasi_open_beneath(call->wasi, target->entry->host, target->path.text,
                                O_PATH | (follows ? 0 : O_NOFOLLOW), 0);
}

enum wj_wasi_errno wj_wasi_path_create_directory(struct wj_wasi_call *call)
{
    struct target target;
    enum wj_wasi_errno error =
        target_place(call, &target, call->args[0], WASI_RIGHT_PATH_CREATE_DIRECTORY, call->args[1],
                     call->args[2]);
    if (!error && mkdirat(target.place.dir, target.place.name, 0777) != 0) {
        error = wj_wasi_errno_of(errno);
    }
    wj_wasi_place_close(&target.place);
    return error;
}

enum wj_wasi_errno wj_wasi_path_remove_directory(struct wj_wasi_call *call)
{
    struct target target;
    enum wj_wasi_errno error =
        target_place(call, &target, call->args[0], WASI_RIGHT_PATH_REMOVE_DIRECTORY, call->args[1],
                     call->args[2]);
    if (!error && unlinkat(target.place.dir, target.place.name, AT_REMOVEDIR) != 0) {
        error = wj_wasi_errno_of(errno);
    }
    wj_wasi_place_close(&target.place);
    return error;
}

// A path with a slash at its end names a directory. Says what is wrong when it is something else;
// nothing when it does not exist.
static enum wj_wasi_errno check_slash(const struct wj_wasi_place *place)
{
    struct stat st;
    if (!place->has_slash || fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        S_ISDIR(st.st_mode)) {
        return WASI_ESUCCESS;
    }
    return WASI_ENOTDIR;
}

enum wj_wasi_errno wj_wasi_path_unlink_file(struct wj_wasi_call *call)
{
    struct target target;
    enum wj_wasi_errno error = target_place(
        call, &target, call->args[0], WASI_RIGHT_PATH_UNLINK_FILE, call->args[1], call->args[2]);
    if (!error) {
        error = check_slash(&target.place);
    }
    if (!error && unlinkat(target.place.dir, target.place.name, 0) != 0) {
        error = wj_wasi_errno_of(errno);
    }
    wj_wasi_place_close(&target.place);
    return error;
}

enum wj_wasi_errno wj_wasi_path_filestat_get(struct wj_wasi_call *call)
{
    struct target target;
    struct stat st;
    enum wj_wasi_errno error = target_get(
        call, &target, call->args[0], WASI_RIGHT_PATH_FILESTAT_GET, call->args[2], call->args[3]);
    if (error) {
        return error;
    }
    if (!wj_wasi_span(call, call->args[4], WASI_FILESTAT_BYTES)) {
        return WASI_EFAULT;
    }
    int object = open_object(call, &target, call->args[1] & WASI_LOOKUP_SYMLINK_FOLLOW);
    if (object < 0) {
        return wj_wasi_path_errno(object);
    }
    if (fstat(object, &st) != 0) {
        error = wj_wasi_errno_of(errno);
    } else {
        wj_wasi_put_filestat(wj_wasi_span(call, call->args[4], WASI_FILESTAT_BYTES), &st);
    }
    close(object);
    return error;
}

static void proc_name(char name[PROC_NAME_BYTES], int fd)
{
    snprintf(name, PROC_NAME_BYTES, "/proc/self/fd/%d", fd);
}

enum wj_wasi_errno wj_wasi_path_filestat_set_times(struct wj_wasi_call *call)
{
    struct target target;
    struct timespec times[2];
    enum wj_wasi_errno error =
        target_get(call, &target, call->args[0], WASI_RIGHT_PATH_FILESTAT_SET_TIMES, call->args[2],
                   call->args[3]);
    if (!error) {
        error = wj_wasi_get_times(call->args[4], call->args[5], call->args[6], times);
    }
    if (error) {
        return error;
    }
    int object = open_object(call, &target, call->args[1] & WASI_LOOKUP_SYMLINK_FOLLOW);
    if (object < 0) {
        return wj_wasi_path_errno(object);
    }
    int result = utimensat(object, "", times, AT_EMPTY_PATH);
    if (result != 0 && (errno == EINVAL || errno == ENOENT || errno == EFAULT)) {
        // Kernels before 5.8 take no empty path here.
        char name[PROC_NAME_BYTES];
        proc_name(name, object);
        result = utimensat(AT_FDCWD, name, times, 0);
    }
    error = wj_wasi_errno_of(result != 0 ? errno : 0);
    close(object);
    return error;
}

enum wj_wasi_errno wj_wasi_path_readlink(struct wj_wasi_call *call)
{
    struct target target;
    char text[PATH_MAX];
    uint8_t *buffer = wj_wasi_span(call, call->args[3], call->args[4]);
    enum wj_wasi_errno error = target_place(call, &target, call->args[0], WASI_RIGHT_PATH_READLINK,
                                            call->args[1], call->args[2]);
    if (!error && (!buffer || !wj_wasi_span(call, call->args[5], 4))) {
        error = WASI_EFAULT;
    }
    if (!error) {
        error = check_slash(&target.place);
    }
    if (!error) {
        ssize_t length = readlinkat(target.place.dir, target.place.name, text, sizeof(text));
        if (length < 0) {
            error = wj_wasi_errno_of(errno);
        } else {
            size_t copied =
                (uint64_t) length < call->args[4] ? (size_t) length : (size_t) call->args[4];
            memcpy(buffer, text, copied);
            error = wj_wasi_result_u32(call, call->args[5], (uint32_t) copied);
        }
    }
    wj_wasi_place_close(&target.place);
    return error;
}

enum wj_wasi_errno wj_wasi_path_symlink(struct wj_wasi_call *call)
{
    struct target target;
    struct wj_wasi_path text;
    enum wj_wasi_errno error = wj_wasi_path_get(call, call->args[0], call->args[1], &text);
    if (error) {
        return error;
    }
    // The guest could not follow it, but other programs of the host would.
    if (text.text[0] == '/') {
        return WASI_EPERM;
    }
    error = target_place(call, &target, call->args[2], WASI_RIGHT_PATH_SYMLINK, call->args[3],
                         call->args[4]);
    if (!error && target.place.has_slash) {
        struct stat st;
        bool exists = fstatat(target.place.dir, target.place.name, &st, AT_SYMLINK_NOFOLLOW) == 0;
        error = exists ? WASI_EEXIST : WASI_ENOENT;
    }
    if (!error && symlinkat(text.text, target.place.dir, target.place.name) != 0) {
        error = wj_wasi_errno_of(errno);
    }
    wj_wasi_place_close(&target.place);
    return error;
}

// Two paths of one call.
struct pair {
    struct target from;
    struct target to;
};

static enum wj_wasi_errno pair_place(struct wj_wasi_call *call, struct pair *pair,
                                     const uint64_t *from_args, uint64_t from_right,
                                     const uint64_t *to_args, uint64_t to_right)
{
    pair->to.place.owns_dir = false;
    enum wj_wasi_errno error =
        target_place(call, &pair->from, from_args[0], from_right, from_args[1], from_args[2]);
    if (!error) {
        error = target_place(call, &pair->to, to_args[0], to_right, to_args[1], to_args[2]);
    }
    if (error) {
        return error;
    }
    // A file must not come to lie where the guest has rights to it that it lacks where it lies.
    if (pair->to.entry->inheriting & ~pair->from.entry->inheriting) {
        return WASI_ENOTCAPABLE;
    }
    return check_slash(&pair->from.place);
}

static void pair_close(struct pair *pair)
{
    wj_wasi_place_close(&pair->from.place);
    wj_wasi_place_close(&pair->to.place);
}

// Whether the name in the first place is a directory.
static bool is_directory(const struct wj_wasi_place *place)
{
    struct stat st;
    return fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

enum wj_wasi_errno wj_wasi_path_rename(struct wj_wasi_call *call)
{
    struct pair pair;
    enum wj_wasi_errno error = pair_place(call, &pair, call->args, WASI_RIGHT_PATH_RENAME_SOURCE,
                                          call->args + 3, WASI_RIGHT_PATH_RENAME_TARGET);
    if (!error && pair.to.place.has_slash && !is_directory(&pair.from.place)) {
        error = WASI_ENOTDIR;
    }
    if (!error && renameat(pair.from.place.dir, pair.from.place.name, pair.to.place.dir,
                           pair.to.place.name) != 0) {
        error = wj_wasi_errno_of(errno);
    }
    pair_close(&pair);
    return error;
}

// Links what a link points to: by way of a descriptor, since linkat would follow it anywhere.
static enum wj_wasi_errno link_followed(struct wj_wasi_call *call, struct pair *pair)
{
    struct wj_wasi_path path;
    enum wj_wasi_errno error = wj_wasi_path_get(call, call->args[2], call->args[3], &path);
    if (error) {
        return error;
    }
    int object = wj_wasi_open_beneath(call->wasi, pair->from.entry->host, path.text, O_PATH, 0);
    if (object < 0) {
        return wj_wasi_path_errno(object);
    }
    char name[PROC_NAME_BYTES];
    proc_name(name, object);
    if (linkat(AT_FDCWD, name, pair->to.place.dir, pair->to.place.name, AT_SYMLINK_FOLLOW) != 0) {
        error = wj_wasi_errno_of(errno);
    }
    close(object);
    return error;
}

enum wj_wasi_errno wj_wasi_path_link(struct wj_wasi_call *call)
{
    struct pair pair;
    const uint64_t from[] = {call->args[0], call->args[2], call->args[3]};
    enum wj_wasi_errno error = pair_place(call, &pair, from, WASI_RIGHT_PATH_LINK_SOURCE,
                                          call->args + 4, WASI_RIGHT_PATH_LINK_TARGET);
    if (!error && pair.to.place.has_slash) {
        error = is_directory(&pair.to.place) ? WASI_EEXIST : WASI_ENOENT;
    }
    if (!error && (call->args[1] & WASI_LOOKUP_SYMLINK_FOLLOW)) {
        error = link_followed(call, &pair);
    } else if (!error && linkat(pair.from.place.dir, pair.from.place.name, pair.to.place.dir,
                                pair.to.place.name, 0) != 0) {
        error = wj_wasi_errno_of(errno);
    }
    pair_close(&pair);
    return error;
}
