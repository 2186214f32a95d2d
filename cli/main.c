// wjit, the command: runs, compiles, validates and shows WebAssembly modules.
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/pages.h"
#include "cli/commands.h"
#include "cli/gpu_program.h"
#include "cli/report.h"

static int run_command(const struct options *options)
{
    switch (options->command) {
    case COMMAND_RUN: return command_run(options);
    case COMMAND_COMPILE: return command_compile(options);
    case COMMAND_VALIDATE: return command_validate(options);
    case COMMAND_DEVICES: return command_devices(options);
    case COMMAND_DUMP: return command_dump(options);
    case COMMAND_BENCH: return command_bench(options);
    case COMMAND_FEATURES: options_print_features(options); return EXIT_DONE;
    case COMMAND_GPU_SERVER: wjit_gpu_serve(); return EXIT_DONE;
    case COMMAND_HELP: options_print_help(); return EXIT_DONE;
    case COMMAND_VERSION: printf("wjit %s\n", wjit_version()); return EXIT_DONE;
    }
    return EXIT_USAGE;
}

// A standard stream that was closed gets something that cannot be used either: otherwise the next
// file that is opened would take its number, and be written to by mistake.
static void fill_streams(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            // The lowest free number is this one.
            if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) {
                return;
            }
        }
    }
}

// What the command itself needs of its stack, and what is better; the program's is another one.
#define STACK_BYTES_MIN (64u * 1024u)
#define STACK_BYTES (256u * 1024u)

// The main thread's stack grows up to the limit of the moment, so it is not too late to raise it.
static int reserve_stack(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= STACK_BYTES) {
        return 0;
    }
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max < STACK_BYTES ? limit.rlim_max : STACK_BYTES;
    bool is_raised = setrlimit(RLIMIT_STACK, &limit) == 0;
    rlim_t bytes = is_raised ? limit.rlim_cur : before;
    return bytes >= STACK_BYTES_MIN
               ? 0
               : report(EXIT_MEMORY, NULL, "the stack is limited to %llu bytes: %u were expected",
                        (unsigned long long) bytes, STACK_BYTES_MIN);
}

// Most of what a run allocates, laid under the heap at once instead of page by page: 3 to 5 % of
// the time that a small program takes, where faults are dear (bench/run start).
static void populate_heap(void)
{
    enum { HEAP_BYTES = 112 * 1024 }; // glibc's heap begins with 132 KiB
    void *first = malloc(1);
    uintptr_t end = (uintptr_t) sbrk(0);
    if (first != NULL && end - (uintptr_t) first >= HEAP_BYTES) {
        wj_pages_populate(first, HEAP_BYTES);
    }
    free(first);
}

int main(int argc, char **argv)
{
    fill_streams();
    populate_heap();
    struct options options = {.command = COMMAND_HELP};
    int code = reserve_stack();
    if (!code) {
        code = options_parse(&options, argc, argv);
    }
    if (!code) {
        code = gpu_program_become(&options, argv);
    }
    if (!code) {
        code = finish_stdout(run_command(&options));
    }
    options_clear(&options);
    return code;
}
