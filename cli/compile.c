// wjit compile: compiles every function, for this machine or another, and writes the module with
// its machine code, whole or not at all.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/stats.h"

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        data += done > 0 ? done : 0;
        size -= done > 0 ? (size_t) done : 0;
    }
    return true;
}

static bool fill(int fd, const wasm_byte_vec_t *bytes)
{
    return write_all(fd, bytes->data, bytes->size) && fsync(fd) == 0;
}

// A name beside the output, NULL without memory: FILE.N.new, where N is this process.
static char *name_beside(const char *path)
{
    size_t length = strlen(path) + sizeof(".2147483647.new");
    char *name = malloc(length);
    if (name) {
        snprintf(name, length, "%s.%d.new", path, (int) getpid());
    }
    return name;
}

// A file without a name, in the output's folder: nothing is left of it, however the process ends.
static int open_unnamed(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t) (slash - path) + 1) : strdup(".");
    int fd = folder ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666) : -1;
    free(folder);
    return fd;
}

// Gives an unnamed file the output's name. A file of that name can only be replaced by renaming,
// for which the new one has a name of its own for a moment.
static bool give_name(int fd, const char *path)
{
    char self[32];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0) {
        return true;
    }
    char *beside = errno == EEXIST ? name_beside(path) : NULL;
    if (!beside) {
        return false;
    }
    unlink(beside); // of a process with this number that was killed
    bool is_linked = linkat(AT_FDCWD, self, AT_FDCWD, beside, AT_SYMLINK_FOLLOW) == 0;
    bool is_renamed = is_linked && rename(beside, path) == 0;
    int number = errno;
    if (is_linked && !is_renamed) {
        unlink(beside);
    }
    free(beside);
    errno = number;
    return is_renamed;
}

// For file systems that have no unnamed files, and systems without /proc.
static bool write_named(const char *path, const wasm_byte_vec_t *bytes)
{
    char *beside = name_beside(path);
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
    int fd = beside ? open(beside, flags, 0666) : -1;
    bool is_written = fd >= 0 && fill(fd, bytes);
    is_written = fd >= 0 && close(fd) == 0 && is_written && rename(beside, path) == 0;
    int number = errno;
    if (fd >= 0 && !is_written) {
        unlink(beside);
    }
    free(beside);
    errno = number;
    return is_written;
}

// Writes the output, whole or not at all. False with errno set, and nothing is left.
static bool write_file(const char *path, const wasm_byte_vec_t *bytes)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        // A device or a pipe cannot be replaced, only written.
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        bool is_written = fd >= 0 && write_all(fd, bytes->data, bytes->size);
        return fd >= 0 && close(fd) == 0 && is_written;
    }
    int fd = open_unnamed(path);
    if (fd < 0) {
        return write_named(path, bytes);
    }
    bool is_filled = fill(fd, bytes);
    bool is_written = is_filled && give_name(fd, path);
    int number = errno;
    close(fd);
    if (is_filled && !is_written && number == ENOENT) {
        return write_named(path, bytes);
    }
    errno = number;
    return is_written;
}

static int compile(struct session *session)
{
    const struct options *options = session->options;
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    double start_ms = clock_ms();
    wasm_byte_vec_t bytes;
    if (!wjit_module_serialize(session->module, options->target, &bytes, &error)) {
        return report_error(options->file, &error);
    }
    session->run_ms = clock_ms() - start_ms;
    int code = 0;
    if (!write_file(options->output, &bytes)) {
        code = report(EXIT_USAGE, options->output, "%s", strerror(errno));
    }
    wasm_byte_vec_delete(&bytes);
    return code;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino && S_ISREG(first.st_mode);
}

// Says so where the file cannot be run under the name that it was given.
static void check_name(const char *output)
{
    const char *end = strrchr(output, '.');
    struct stat status;
    if ((end == NULL || strcmp(end, ".cwasm") != 0) && stat(output, &status) == 0 &&
        S_ISREG(status.st_mode)) {
        report(0, output, "runs only under a name that ends in .cwasm");
    }
}

int command_compile(const struct options *given)
{
    struct session session;
    // On one thread unless asked for more: functions are then in their order, and the same module
    // gives the same file.
    struct options own = *given;
    own.threads = own.threads == 0 ? 1 : own.threads;
    const struct options *options = &own;
    if (is_same_file(options->file, options->output)) {
        return report(EXIT_USAGE, options->output,
                      "is the module itself: another file is expected");
    }
    // A full disk or a limit on file sizes is an error to report.
    signal(SIGXFSZ, SIG_IGN);
    int code = session_open(&session, options);
    if (!code) {
        code = session_load(&session);
    }
    if (!code) {
        code = compile(&session);
    }
    if (!code) {
        check_name(options->output);
    }
    if (session.store && options->stats != STATS_NONE) {
        stats_print(&session);
    }
    session_close(&session);
    return code;
}
