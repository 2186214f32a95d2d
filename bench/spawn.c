/* spawn REPEATS COMMAND...: runs a command, its output thrown away, and prints a line for each run:
 * wall and CPU microseconds and peak KiB. It is small and static, since a child's peak counts the
 * memory of the process that started it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec * 1e6 + (double) now.tv_nsec * 1e-3;
}

static double cpu_us(const struct rusage *usage)
{
    return (double) (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e6 +
           (double) (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

static int run_once(char **command, int null)
{
    int status;
    struct rusage usage;
    double start = now_us();
    pid_t pid = vfork();
    if (pid == 0) {
        dup2(null, 0);
        dup2(null, 1);
        execv(command[0], command);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
        fprintf(stderr, "spawn: %s\n", strerror(errno));
        return 1;
    }
    double wall = now_us() - start;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "spawn: %s: wait status %d\n", command[0], status);
        return 1;
    }
    printf("%.1f %.1f %ld\n", wall, cpu_us(&usage), usage.ru_maxrss);
    return 0;
}

int main(int argc, char **argv)
{
    int null = open("/dev/null", O_RDWR);
    if (argc < 3 || null < 0) {
        fprintf(stderr, "usage: spawn REPEATS COMMAND...\n");
        return 2;
    }
    for (int i = 0; i < atoi(argv[1]); i++) {
        if (run_once(argv + 2, null) != 0) {
            return 1;
        }
    }
    return 0;
}
