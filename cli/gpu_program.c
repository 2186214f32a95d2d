#include "cli/gpu_program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/report.h"

// Who was run by wjit finds wjit's version there.
#define STARTED_BY "WJIT_STARTED_BY"

#ifdef WJIT_CLI_GPU_FOLDER // where it is installed: an absolute path, or from the folder of wjit

static bool wants_gpu(const struct options *options)
{
    switch (options->command) {
    case COMMAND_DEVICES:
    case COMMAND_GPU_SERVER: return true;
    case COMMAND_BENCH: return !options->is_gpu_off;
    default: return options->gpu != NULL;
    }
}

#define PATH_BYTES (PATH_MAX + sizeof WJIT_CLI_GPU_FOLDER + sizeof "/wjit-gpu")

// Puts into `path` where it was not found; there was no such file, or errno says what else.
static void run_beside(char *self, char **argv, char path[PATH_BYTES])
{
    strrchr(self, '/')[1] = '\0';
    snprintf(path, PATH_BYTES, "%swjit-gpu", self);
    execv(path, argv);
    if (errno == ENOENT) {
        bool is_absolute = WJIT_CLI_GPU_FOLDER[0] == '/';
        snprintf(path, PATH_BYTES, "%s%s/wjit-gpu", is_absolute ? "" : self, WJIT_CLI_GPU_FOLDER);
        execv(path, argv);
    }
}

int gpu_program_become(struct options *options, char **argv)
{
    if (!wants_gpu(options)) {
        return 0;
    }
    if (getenv(STARTED_BY) != NULL) {
        return report(EXIT_USAGE, "wjit-gpu", "is wjit, which cannot load a driver");
    }
    setenv(STARTED_BY, wjit_version(), true);
    char self[PATH_MAX], path[PATH_BYTES] = "wjit-gpu";
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = '\0';
        run_beside(self, argv, path);
    }
    int number = errno;
    unsetenv(STARTED_BY);
    bool is_named = options->gpu != NULL && *options->gpu != '\0';
    if (number != ENOENT || is_named || options->command == COMMAND_GPU_SERVER) {
        return report(EXIT_USAGE, path, "%s: runs with a GPU need it, here or beside wjit",
                      strerror(number));
    }
    // As where no GPU is found.
    report(0, path, "%s: no GPU without it, here or beside wjit", strerror(number));
    options->gpu = NULL;
    return 0;
}

#else

int gpu_program_become(struct options *options, char **argv)
{
    (void) options, (void) argv;
    const char *version = getenv(STARTED_BY);
    int code = 0;
    if (version != NULL && strcmp(version, wjit_version()) != 0) {
        code = report(EXIT_USAGE, "wjit-gpu", "is of version %s: %s was expected, as wjit is",
                      wjit_version(), version);
    }
    unsetenv(STARTED_BY);
    return code;
}

#endif
