// Builds a64_run.c for AArch64 and runs it, by qemu where this machine is another one. Its own
// program, so that the emitter is tested on every host.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static bool succeeds(const char *command)
{
    return system(command) == 0;
}

static void test_run(void **state)
{
    (void) state;
    if (!succeeds("test -f tests/unit/emit/a64_run.c")) {
        print_message("not started in the source tree\n");
        skip();
    }
    const char *compiler = "aarch64-linux-gnu-gcc";
    const char *runner = "scripts/qemu-aarch64";
    if (succeeds("test \"$(cc -dumpmachine 2>/dev/null | cut -d- -f1)\" = aarch64")) {
        compiler = "cc";
        runner = "";
    } else if (!succeeds("command -v aarch64-linux-gnu-gcc qemu-aarch64 >/dev/null")) {
        print_message("no AArch64 machine, and no aarch64-linux-gnu-gcc with qemu-aarch64 "
                      "(Debian: gcc-aarch64-linux-gnu, qemu-user)\n");
        skip();
    }
    char program[] = "/tmp/wjit-a64-run-XXXXXX";
    int descriptor = mkstemp(program);
    assert_true(descriptor >= 0);
    close(descriptor);
    char command[512];
    snprintf(command, sizeof command,
             "%s -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -I. tests/unit/emit/a64_run.c "
             "emit/codebuf.c base/bulk.c base/pages.c -o %s",
             compiler, program);
    assert_true(succeeds(command));
    snprintf(command, sizeof command, "%s %s", runner, program);
    assert_true(succeeds(command));
    unlink(program);
}

int main(void)
{
    if (getenv("WJIT_EMULATED") != NULL) {
        puts("the native build's unit tests run the same");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
