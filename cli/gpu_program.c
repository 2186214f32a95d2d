#include "cli/gpu_program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/report.h"

#ifdef WJIT_CLI_GPU_FOLDER // where it is installed, from the folder of wjit

static bool wants_gpu(const struct options *options)
{
    switch (options->command) {
    case COMMAND_DEVICES:
    case COMMAND_GPU_SERVER: return true;
    case COMMAND_BENCH: return !options->is_gpu_off;
    default: return options->gpu != NULL;
    }
}

int gpu_program_become(const struct options *options, char **argv)
{
    static const char *const folders[] = {"", WJIT_CLI_GPU_FOLDER "/"};
    if (!wants_gpu(options)) {
        return 0;
    }
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = '\0';
    char *name = strrchr(self, '/');
    if (name == NULL) {
        return report(EXIT_USAGE, "wjit-gpu", "cannot be found without /proc/self/exe");
    }
    name[1] = '\0';
    char path[PATH_MAX + sizeof WJIT_CLI_GPU_FOLDER + sizeof "/wjit-gpu"];
    int number = ENOENT;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && number == ENOENT; i++) {
        snprintf(path, sizeof path, "%s%swjit-gpu", self, folders[i]);
        execv(path, argv);
        number = errno;
    }
    return report(EXIT_USAGE, path,
                  "%s: the program for runs with a GPU was expected there or beside wjit",
                  strerror(number));
}

#else

int gpu_program_become(const struct options *options, char **argv)
{
    (void) options, (void) argv;
    return 0;
}

#endif
