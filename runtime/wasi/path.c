// Resolution of guest paths below a directory. Everything that could lead out is refused: absolute
// paths and links, `..` above the start, magic links. No name is looked up twice, so swapping a
// directory for a link in between gains nothing.
#include "runtime/wasi/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Directories open at once during a walk: the deepest path that fits a PATH_MAX text.
#define DEPTH_MAX (PATH_MAX / 2)

// The kernel answers EAGAIN when a rename elsewhere meets a `..`; after this many the walk decides.
#define OPENAT2_TRIES_MAX 32

enum wj_wasi_errno wj_wasi_path_errno(int result)
{
    int number = result < 0 ? -result : result;
    return number == EXDEV ? WASI_EPERM : wj_wasi_errno_of(number);
}

// Bytes of the UTF-8 sequence at `at`, 0 if it is none (RFC 3629).
static size_t utf8_length(const unsigned char *at, size_t left)
{
    unsigned lead = at[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < length) {
        return 0;
    }
    unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

enum wj_wasi_errno wj_wasi_path_get(struct wj_wasi_call *call, uint64_t address, uint64_t length,
                                    struct wj_wasi_path *path)
{
    const uint8_t *bytes = wj_wasi_span(call, address, length);
    if (!bytes) {
        return WASI_EFAULT;
    }
    if (length == 0) {
        return WASI_ENOENT;
    }
    if (length >= sizeof(path->text)) {
        return WASI_ENAMETOOLONG;
    }
    memcpy(path->text, bytes, length);
    path->text[length] = '\0';
    path->length = (uint32_t) length;
    if (memchr(path->text, '\0', length)) {
        return WASI_EINVAL;
    }
    for (size_t at = 0; at < length;) {
        size_t step = utf8_length((const unsigned char *) path->text + at, length - at);
        if (step == 0) {
            return WASI_EILSEQ;
        }
        at += step;
    }
    return WASI_ESUCCESS;
}

// ---- The walk ---------------------------------------------------------------------------------

struct walk {
    int dirs[DEPTH_MAX]; // from the start (which is lent) to where we are
    uint32_t depth;
    uint32_t expansions;
    const char *at; // in text: what is left to do
    char text[2 * PATH_MAX];
};

static int walk_top(const struct walk *walk)
{
    return walk->dirs[walk->depth - 1];
}

// Puts the target of a link before what is left of the path.
static int walk_expand(struct walk *walk, const char *target, size_t length)
{
    size_t left = strlen(walk->at);
    if (length == 0) {
        return -ENOENT;
    }
    if (target[0] == '/') {
        return -EXDEV;
    }
    if (++walk->expansions > WASI_SYMLINKS_MAX) {
        return -ELOOP;
    }
    if (length + left >= sizeof(walk->text)) {
        return -ENAMETOOLONG;
    }
    memmove(walk->text + length, walk->at, left + 1);
    memcpy(walk->text, target, length);
    walk->at = walk->text;
    return 0;
}

// Goes into a component that is not the last: a directory, or a link to be followed.
static int walk_step(struct walk *walk, const char *name)
{
    int fd = openat(walk_top(walk), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int result = -ENOTDIR;
    struct stat st;
    if (fstat(fd, &st) != 0) {
        result = -errno;
    } else if (S_ISDIR(st.st_mode)) {
        result = walk->depth < DEPTH_MAX ? 0 : -ENAMETOOLONG;
        if (result == 0) {
            walk->dirs[walk->depth++] = fd;
            return 0;
        }
    } else if (S_ISLNK(st.st_mode)) {
        char target[PATH_MAX];
        ssize_t length = readlinkat(fd, "", target, sizeof(target));
        result = length < 0 ? -errno : walk_expand(walk, target, (size_t) length);
    }
    close(fd);
    return result;
}

static int walk_up(struct walk *walk)
{
    if (walk->depth == 1) {
        return -EXDEV;
    }
    close(walk->dirs[--walk->depth]);
    return 0;
}

// Opens the last component. `*is_link` says that it was a link, whose target is now to be walked.
static int walk_last(struct walk *walk, const char *name, int flags, mode_t mode, bool *is_link)
{
    bool follows = !(flags & O_NOFOLLOW);
    *is_link = false;
    int fd = openat(walk_top(walk), name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0) {
        struct stat st;
        // Only O_PATH opens a link itself.
        if (!(flags & O_PATH) || !follows || fstat(fd, &st) != 0 || !S_ISLNK(st.st_mode)) {
            return fd;
        }
        close(fd);
    } else if (!follows || (error != ELOOP && error != ENOTDIR)) {
        return -error;
    }
    char target[PATH_MAX];
    ssize_t length = readlinkat(walk_top(walk), name, target, sizeof(target));
    if (length < 0) {
        // No link, so the error was about something else; or it is one no longer, as if looping.
        return error ? -error : -ELOOP;
    }
    *is_link = true;
    return walk_expand(walk, target, (size_t) length);
}

// Takes the next component off the path. False: there is none left. `*is_last`: nothing follows it,
// not even a slash.
static bool walk_next(struct walk *walk, char name[NAME_MAX + 1], bool *is_last, int *error)
{
    walk->at += strspn(walk->at, "/");
    size_t length = strcspn(walk->at, "/");
    if (length == 0) {
        return false;
    }
    *error = length > NAME_MAX ? -ENAMETOOLONG : 0;
    if (!*error) {
        memcpy(name, walk->at, length);
        name[length] = '\0';
    }
    walk->at += length;
    *is_last = *walk->at == '\0';
    return true;
}

static int walk_all(struct walk *walk, int flags, mode_t mode)
{
    char name[NAME_MAX + 1];
    bool is_last, is_link;
    int error;
    while (walk_next(walk, name, &is_last, &error)) {
        if (error) {
            return error;
        }
        if (!strcmp(name, ".")) {
            continue;
        }
        if (!strcmp(name, "..")) {
            error = walk_up(walk);
        } else if (!is_last) {
            error = walk_step(walk, name);
        } else {
            int result = walk_last(walk, name, flags, mode, &is_link);
            if (result < 0 || !is_link) {
                return result;
            }
        }
        if (error) {
            return error;
        }
    }
    // The path ended with a dot or a slash: it means the directory where we are.
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        return -EEXIST;
    }
    if (flags & O_CREAT) {
        return -EISDIR;
    }
    int fd = openat(walk_top(walk), ".", (flags & ~O_NOFOLLOW) | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int walk_open(int dir, const char *path, int flags, mode_t mode)
{
    // Too big for a stack that may be small.
    struct walk *walk = malloc(sizeof(*walk));
    if (!walk) {
        return -ENOMEM;
    }
    int result = -ENAMETOOLONG;
    size_t length = strlen(path);
    if (path[0] == '/') {
        result = -EXDEV;
    } else if (length < sizeof(walk->text)) {
        walk->dirs[0] = dir;
        walk->depth = 1;
        walk->expansions = 0;
        memcpy(walk->text, path, length + 1);
        walk->at = walk->text;
        result = walk_all(walk, flags, mode);
        while (walk->depth > 1) {
            close(walk->dirs[--walk->depth]);
        }
    }
    free(walk);
    return result;
}

// ---- The kernel's way -------------------------------------------------------------------------

static int kernel_open(int dir, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (uint64_t) (flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
    return fd < 0 ? -errno : (int) fd;
}

// A filter may answer anything for a system call that it does not know, so success is the only
// proof that it works.
static enum wj_wasi_walk probe(int dir)
{
    int fd = kernel_open(dir, ".", O_PATH | O_DIRECTORY, 0);
    if (fd < 0) {
        return WASI_WALK_COMPONENTS;
    }
    close(fd);
    return WASI_WALK_OPENAT2;
}

int wj_wasi_open_beneath(struct wj_wasi *wasi, int dir, const char *path, int flags, mode_t mode)
{
    if (path[0] == '\0') {
        return -ENOENT;
    }
    if ((flags & O_CREAT) && path[strlen(path) - 1] == '/') {
        return -EISDIR;
    }
    if (wasi->walk == WASI_WALK_AUTO) {
        wasi->walk = probe(dir);
    }
    if (wasi->walk == WASI_WALK_OPENAT2) {
        for (int tries = 0; tries < OPENAT2_TRIES_MAX; tries++) {
            int result = kernel_open(dir, path, flags, mode);
            if (result != -EAGAIN && result != -EINTR) {
                return result;
            }
        }
    }
    return walk_open(dir, path, flags, mode);
}

int wj_wasi_place_open(struct wj_wasi *wasi, int dir, struct wj_wasi_path *path,
                       struct wj_wasi_place *place)
{
    char *text = path->text;
    size_t end = path->length;
    while (end > 0 && text[end - 1] == '/') {
        end--;
    }
    *place = (struct wj_wasi_place){.dir = dir, .has_slash = text[end] == '/'};
    text[end] = '\0';
    size_t start = end;
    while (start > 0 && text[start - 1] != '/') {
        start--;
    }
    place->name = text + start;
    if (end == 0 || text[0] == '/') {
        return -EXDEV;
    }
    if (end - start > NAME_MAX) {
        return -ENAMETOOLONG;
    }
    const char *prefix = text;
    if (!strcmp(place->name, ".") || !strcmp(place->name, "..")) {
        // The directory itself stands for a name that is a step: the kernel refuses to make,
        // remove or rename ".", and to look at it is harmless.
        place->name = ".";
    } else if (start == 0) {
        return 0;
    } else {
        text[start - 1] = '\0';
    }
    int fd = wj_wasi_open_beneath(wasi, dir, prefix, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) {
        return fd;
    }
    place->dir = fd;
    place->owns_dir = true;
    return 0;
}

void wj_wasi_place_close(struct wj_wasi_place *place)
{
    if (place->owns_dir) {
        close(place->dir);
    }
    place->owns_dir = false;
}
