// Arguments, clocks, random bytes, waiting, the end of a program, and the error numbers.
#include "tests/unit/wasi/guest.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

// Offsets in subscriptions and events, as the specification has them.
static void put_clock(struct guest *guest, uint64_t at, uint32_t id, uint64_t ns, uint16_t flags)
{
    memset(guest->memory + at, 0, WASI_SUBSCRIPTION_BYTES);
    wj_wasi_put_u64(guest->memory + at, 0x1234 + id);
    guest->memory[at + 8] = WASI_EVENT_CLOCK;
    wj_wasi_put_u32(guest->memory + at + 16, id);
    wj_wasi_put_u64(guest->memory + at + 24, ns);
    wj_wasi_put_u16(guest->memory + at + 40, flags);
}

static void put_fd(struct guest *guest, uint64_t at, uint8_t type, uint32_t fd)
{
    memset(guest->memory + at, 0, WASI_SUBSCRIPTION_BYTES);
    wj_wasi_put_u64(guest->memory + at, 0x5678 + fd);
    guest->memory[at + 8] = type;
    wj_wasi_put_u32(guest->memory + at + 16, fd);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

static void test_arguments(void **state)
{
    struct guest *guest = *state;
    assert_true(wj_wasi_strings_add(&guest->wasi.args, "prog"));
    assert_true(wj_wasi_strings_add(&guest->wasi.args, ""));
    assert_true(wj_wasi_strings_add(&guest->wasi.args, "x y"));
    assert_true(wj_wasi_strings_add(&guest->wasi.environ, "A=1"));
    assert_int_equal(guest_call(guest, "args_sizes_get", U(OUT), U(OUT + 4)), WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 3);
    assert_int_equal(guest_u32(guest, OUT + 4), 10);
    assert_int_equal(guest_call(guest, "args_get", U(OUT), U(BUFFER)), WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT + 8), BUFFER + 6);
    assert_string_equal(guest->memory + BUFFER + 6, "x y");
    assert_int_equal(guest_call(guest, "args_get", U(OUT), U(GUEST_BYTES - 9)), WASI_EFAULT);
    assert_int_equal(guest_call(guest, "args_get", U(GUEST_BYTES - 11), U(BUFFER)), WASI_EFAULT);
    assert_int_equal(guest_call(guest, "environ_sizes_get", U(OUT), U(OUT + 4)), WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 1);
    assert_int_equal(guest_call(guest, "environ_get", U(OUT), U(BUFFER)), WASI_ESUCCESS);
    assert_string_equal(guest->memory + BUFFER, "A=1");
    assert_int_equal(guest_call(guest, "environ_sizes_get", U(OUT), U(UINT32_MAX)), WASI_EFAULT);
}

static void test_clocks(void **state)
{
    struct guest *guest = *state;
    for (uint64_t id = 0; id < 4; id++) {
        assert_int_equal(guest_call(guest, "clock_time_get", id, U(0), U(OUT)), WASI_ESUCCESS);
        assert_true(guest_u64(guest, OUT) > 0);
        assert_int_equal(guest_call(guest, "clock_res_get", id, U(OUT)), WASI_ESUCCESS);
        assert_true(guest_u64(guest, OUT) > 0);
    }
    assert_int_equal(guest_call(guest, "clock_time_get", U(4), U(0), U(OUT)), WASI_EINVAL);
    assert_int_equal(guest_call(guest, "clock_res_get", U(UINT32_MAX), U(OUT)), WASI_EINVAL);
    assert_int_equal(guest_call(guest, "clock_time_get", U(0), U(0), U(GUEST_BYTES - 7)),
                     WASI_EFAULT);
}

static bool is_now(void *host)
{
    (void) host;
    return true;
}

static void test_random(void **state)
{
    struct guest *guest = *state;
    memset(guest->memory + BUFFER, 0, 64);
    assert_int_equal(guest_call(guest, "random_get", U(BUFFER), U(32)), WASI_ESUCCESS);
    static const uint8_t zeros[32];
    assert_memory_not_equal(guest->memory + BUFFER, zeros, 32);
    assert_memory_equal(guest->memory + BUFFER + 32, zeros, 32);
    assert_int_equal(guest_call(guest, "random_get", U(BUFFER), U(0)), WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "random_get", U(BUFFER), U(UINT32_MAX)), WASI_EFAULT);
    // All of a big memory: in pieces, and not to the end once it is interrupted.
    uint8_t *big = calloc(1, 16u << 20);
    assert_non_null(big);
    guest->wasi.is_interrupted = is_now;
    uint64_t args[] = {0, 16u << 20};
    struct wj_wasi_call call = {
        .wasi = &guest->wasi, .base = big, .size_bytes = 16u << 20, .args = args};
    assert_int_equal(wj_wasi_find("random_get", 10)->run(&call), WASI_INTERRUPTED);
    static const uint8_t none[4096];
    assert_memory_equal(big + (15u << 20), none, sizeof(none));
    free(big);
}

static void test_poll_clocks(void **state)
{
    struct guest *guest = *state;
    put_clock(guest, BUFFER, WASI_CLOCK_MONOTONIC, 20000000, 0);
    put_clock(guest, BUFFER + 48, WASI_CLOCK_REALTIME, UINT64_MAX, 0);
    double start = seconds();
    assert_int_equal(guest_call(guest, "poll_oneoff", U(BUFFER), U(SCRATCH), U(2), U(OUT)),
                     WASI_ESUCCESS);
    double took = seconds() - start;
    assert_true(took >= 0.019 && took < 5);
    assert_int_equal(guest_u32(guest, OUT), 1);
    assert_int_equal(guest_u64(guest, SCRATCH), 0x1235);
    assert_int_equal(guest_u32(guest, SCRATCH + 8), 0); // no error, a clock
    // An absolute time that is past, and a clock that cannot be waited for.
    put_clock(guest, BUFFER, WASI_CLOCK_REALTIME, 1, WASI_SUBCLOCK_ABSTIME);
    put_clock(guest, BUFFER + 48, WASI_CLOCK_PROCESS_CPUTIME, 1, 0);
    put_clock(guest, BUFFER + 96, 77, 1, 0);
    assert_int_equal(guest_call(guest, "poll_oneoff", U(BUFFER), U(SCRATCH), U(3), U(OUT)),
                     WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 3);
    assert_int_equal(guest->memory[SCRATCH + 8], 0);
    assert_int_equal(guest->memory[SCRATCH + 32 + 8], WASI_ENOTSUP);
    assert_int_equal(guest->memory[SCRATCH + 64 + 8], WASI_EINVAL);
    // A long wait ends when it is interrupted.
    guest->wasi.is_interrupted = is_now;
    put_clock(guest, BUFFER, WASI_CLOCK_MONOTONIC, UINT64_MAX, 0);
    assert_int_equal(guest_call(guest, "poll_oneoff", U(BUFFER), U(SCRATCH), U(1), U(OUT)),
                     WASI_INTERRUPTED);
}

static void test_poll_descriptors(void **state)
{
    struct guest *guest = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(wj_wasi_fds_add_stream(&guest->wasi.fds, ends[0]), WASI_ESUCCESS);
    assert_int_equal(wj_wasi_fds_add_stream(&guest->wasi.fds, ends[1]), WASI_ESUCCESS);
    put_fd(guest, BUFFER, WASI_EVENT_FD_READ, 4);
    put_fd(guest, BUFFER + 48, WASI_EVENT_FD_WRITE, 5);
    assert_int_equal(guest_call(guest, "poll_oneoff", U(BUFFER), U(SCRATCH), U(2), U(OUT)),
                     WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 1);
    assert_int_equal(guest->memory[SCRATCH + 10], WASI_EVENT_FD_WRITE);
    assert_int_equal(write(ends[1], "four", 4), 4);
    close(ends[1]);
    // The events may lie over the subscriptions.
    put_fd(guest, BUFFER, WASI_EVENT_FD_READ, 99);
    put_fd(guest, BUFFER + 48, WASI_EVENT_FD_READ, 4);
    put_fd(guest, BUFFER + 96, 9, 4);
    assert_int_equal(guest_call(guest, "poll_oneoff", U(BUFFER), U(BUFFER + 8), U(3), U(OUT)),
                     WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 3);
    assert_int_equal(guest->memory[BUFFER + 8 + 8], WASI_EBADF);
    assert_int_equal(guest_u64(guest, BUFFER + 8 + 32), 0x5678 + 4);
    assert_int_equal(guest->memory[BUFFER + 8 + 32 + 8], 0);
    assert_int_equal(guest_u64(guest, BUFFER + 8 + 32 + 16), 4);
    assert_int_equal(guest->memory[BUFFER + 8 + 32 + 24], WASI_EVENT_HANGUP);
    assert_int_equal(guest->memory[BUFFER + 8 + 64 + 8], WASI_EINVAL);
    // Counts: none, more than memory holds.
    assert_int_equal(guest_call(guest, "poll_oneoff", U(BUFFER), U(BUFFER), U(0), U(OUT)),
                     WASI_EINVAL);
    assert_int_equal(guest_call(guest, "poll_oneoff", U(BUFFER), U(BUFFER), U(1u << 28), U(OUT)),
                     WASI_EFAULT);
    close(ends[0]);
}

static void test_poll_too_many(void **state)
{
    struct guest *guest = *state;
    // Memory enough for a count that must not be allocated for.
    uint64_t size = 64u << 20;
    uint8_t *big = calloc(1, size);
    assert_non_null(big);
    uint64_t args[] = {0, 0, 1u << 20, size - 4};
    struct wj_wasi_call call = {
        .wasi = &guest->wasi, .base = big, .size_bytes = size, .args = args};
    assert_int_equal(wj_wasi_find("poll_oneoff", 11)->run(&call), WASI_EINVAL);
    free(big);
}

static void test_exit_and_raise(void **state)
{
    struct guest *guest = *state;
    assert_int_equal(guest_call(guest, "proc_exit", U(42)), WASI_EXITED);
    assert_int_equal(guest->wasi.exit_code, 42);
    assert_int_equal(guest_call(guest, "proc_raise", U(SIGKILL)), WASI_ENOTSUP);
    assert_int_equal(guest_call(guest, "sched_yield"), WASI_ESUCCESS);
}

static void test_functions(void **state)
{
    (void) state;
    assert_null(wj_wasi_find("fd_reads", 8));
    assert_null(wj_wasi_find("fd_rea", 6));
    assert_null(wj_wasi_find("", 0));
    for (size_t i = 0; i < WJ_WASI_FUNCTION_COUNT; i++) {
        const struct wj_wasi_entry *entry = wj_wasi_entry_at(i);
        assert_ptr_equal(wj_wasi_find(entry->name, strlen(entry->name)), entry);
        assert_true(strlen(entry->params) <= WJ_WASI_PARAMS_MAX);
    }
    assert_null(wj_wasi_entry_at(WJ_WASI_FUNCTION_COUNT));
}

// Every call with every argument at its largest, with all rights: errors, never a crash.
static void test_largest_arguments(void **state)
{
    struct guest *guest = *state;
    for (size_t i = 0; i < WJ_WASI_FUNCTION_COUNT; i++) {
        const struct wj_wasi_entry *entry = wj_wasi_entry_at(i);
        for (uint64_t fd = 0; fd < 6; fd++) {
            for (unsigned pattern = 0; pattern < 64; pattern++) {
                uint64_t args[WJ_WASI_PARAMS_MAX];
                for (size_t k = 0; entry->params[k]; k++) {
                    uint64_t largest = entry->params[k] == 'I' ? UINT64_MAX : UINT32_MAX;
                    args[k] = k == 0 && fd < 5         ? fd
                              : pattern >> (k % 6) & 1 ? largest
                                                       : GUEST_BYTES - 1;
                }
                struct wj_wasi_call call = {.wasi = &guest->wasi,
                                            .base = guest->memory,
                                            .size_bytes = GUEST_BYTES,
                                            .args = args};
                // Descriptors that were closed or renumbered on the way are part of it.
                enum wj_wasi_errno error = entry->run(&call);
                assert_true(error <= WASI_ENOTCAPABLE || error == WASI_EXITED);
            }
        }
    }
}

static void test_error_numbers(void **state)
{
    (void) state;
    assert_int_equal(wj_wasi_errno_of(0), WASI_ESUCCESS);
    assert_int_equal(wj_wasi_errno_of(EOPNOTSUPP), WASI_ENOTSUP);
    assert_int_equal(wj_wasi_errno_of(EWOULDBLOCK), WASI_EAGAIN);
    assert_int_equal(wj_wasi_errno_of(EDEADLOCK), WASI_EDEADLK);
    assert_int_equal(wj_wasi_errno_of(EXDEV), WASI_EXDEV);
    assert_int_equal(wj_wasi_errno_of(99999), WASI_EIO);
    for (int number = 1; number < 140; number++) {
        assert_true(wj_wasi_errno_of(number) > WASI_ESUCCESS);
        assert_true(wj_wasi_errno_of(number) < WASI_ENOTCAPABLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE_WALK(test_arguments),
        ONE_WALK(test_clocks),
        ONE_WALK(test_random),
        ONE_WALK(test_poll_clocks),
        ONE_WALK(test_poll_descriptors),
        ONE_WALK(test_poll_too_many),
        ONE_WALK(test_exit_and_raise),
        ONE_WALK(test_functions),
        ONE_WALK(test_largest_arguments),
        ONE_WALK(test_error_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
