// Preloaded into programs under qemu-aarch64: the kernel cannot start one of AArch64 (binfmt_misc
// aside), so where a program starts itself the emulator, which $WJIT_EMULATED names, is put before.
#include <dlfcn.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 8 };

typedef int spawn_function(pid_t *, const char *, const posix_spawn_file_actions_t *,
                           const posix_spawnattr_t *, char *const[], char *const[]);

// The emulator is of another machine, and its loader would complain of this file.
__attribute__((constructor)) static void hide(void)
{
    unsetenv("LD_PRELOAD");
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const arguments[],
                char *const environment[])
{
    spawn_function *next = (spawn_function *) dlsym(RTLD_NEXT, "posix_spawn");
    char *emulator = getenv("WJIT_EMULATED");
    if (emulator == NULL || strcmp(path, "/proc/self/exe") != 0) {
        return next(pid, path, actions, attributes, arguments, environment);
    }
    char *program = realpath(path, NULL);
    char *emulated[ARGUMENTS_MAX + 3] = {emulator, program};
    for (int i = 1; i < ARGUMENTS_MAX && arguments[i - 1] != NULL; i++) {
        emulated[i + 1] = arguments[i];
    }
    const int status = next(pid, emulator, actions, attributes, emulated, environment);
    free(program);
    return status;
}
