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

// Writes a file beside the output and renames it. False with errno set, and nothing is left.
static bool write_file(const char *path, const wasm_byte_vec_t *bytes)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        // A device or a pipe cannot be replaced, only written.
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        bool is_written = fd >= 0 && write_all(fd, bytes->data, bytes->size);
        return fd >= 0 && close(fd) == 0 && is_written;
    }
    size_t length = strlen(path) + sizeof(".XXXXXX");
    char *temporary = malloc(length);
    if (!temporary) {
        return false;
    }
    snprintf(temporary, length, "%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        free(temporary);
        return false;
    }
    // As open would have made it; the mask can only be read by setting it.
    mode_t mask = umask(0);
    umask(mask);
    bool is_written =
        write_all(fd, bytes->data, bytes->size) && fchmod(fd, 0666 & ~mask) == 0 && fsync(fd) == 0;
    is_written = close(fd) == 0 && is_written;
    is_written = is_written && rename(temporary, path) == 0;
    int number = errno;
    if (!is_written) {
        unlink(temporary);
    }
    free(temporary);
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

int command_compile(const struct options *options)
{
    struct session session;
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
    if (session.store && options->stats != STATS_NONE) {
        stats_print(&session);
    }
    session_close(&session);
    return code;
}
