// Stopping wasm code from another thread, wherever it is.
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/runtime/embed.h"

static wasm_trap_t *host_function(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                                  wjit_val_t *results)
{
    (void) env, (void) caller;
    if (args[0].of.i32 == 1) { // blocks; a signal ends it early
        struct timespec long_time = {.tv_sec = 20};
        nanosleep(&long_time, NULL);
    }
    results[0].of.i32 = 0;
    return NULL;
}

static int setup(void **state)
{
    struct embed *e = calloc(1, sizeof *e);
    embed_open(e, NULL);
    wasm_func_t *host = embed_host(e->store, host_function, NULL);
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    e->instance = embed_instance(e->store, guest_calls, sizeof guest_calls, imports, 1);
    wasm_func_delete(host);
    *state = e;
    return 0;
}

static int teardown(void **state)
{
    embed_close(*state);
    free(*state);
    return 0;
}

struct stopper {
    wasm_store_t *store;
    useconds_t delay_us;
};

static void *stop(void *context)
{
    const struct stopper *stopper = context;
    usleep(stopper->delay_us);
    wjit_interrupt(stopper->store);
    return NULL;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

// Runs an endless function and stops it.
static void expect_stopped(struct embed *e, const char *name, const int32_t *args, size_t count,
                           useconds_t delay_us)
{
    struct stopper stopper = {e->store, delay_us};
    pthread_t thread;
    double start = seconds();
    assert_int_equal(pthread_create(&thread, NULL, stop, &stopper), 0);
    wasm_trap_t *trap = embed_call(e->instance, name, args, count, NULL);
    pthread_join(thread, NULL);
    assert_true(seconds() - start < 10);
    embed_expect(trap, WJIT_TRAP_INTERRUPTED, "interrupted");
    assert_int_equal(embed_value(e->instance, "fib", 10), 55);
}

static void test_loop(void **state)
{
    for (useconds_t i = 0; i < 40; i++) {
        expect_stopped(*state, "spin", NULL, 0, i * 50);
    }
}

static void test_bulk_loop(void **state)
{
    for (useconds_t i = 0; i < 20; i++) {
        expect_stopped(*state, "spin_fill", NULL, 0, i * 50);
    }
}

static void test_host_loop(void **state)
{
    const int32_t args[] = {0};
    for (useconds_t i = 0; i < 40; i++) {
        expect_stopped(*state, "spin_host", args, 1, i * 50);
    }
}

static void test_blocked_host(void **state)
{
    const int32_t args[] = {1};
    expect_stopped(*state, "spin_host", args, 1, 20000);
}

// Asked for while nothing runs: the next call stops, the one after it runs.
static void test_pending(void **state)
{
    struct embed *e = *state;
    wjit_interrupt(e->store);
    embed_expect(embed_call(e->instance, "spin", NULL, 0, NULL), WJIT_TRAP_INTERRUPTED,
                 "interrupted");
    assert_int_equal(embed_value(e->instance, "fib", 10), 55);
    wjit_interrupt(e->store);
    wjit_interrupt_clear(e->store);
    assert_int_equal(embed_value(e->instance, "fib", 10), 55);
}

// Short calls against interruptions at random times: each call either ends or is stopped.
static void test_race(void **state)
{
    struct embed *e = *state;
    unsigned stopped = 0;
    for (useconds_t i = 0; i < 100; i++) {
        struct stopper stopper = {e->store, i * 7 % 300};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, stop, &stopper), 0);
        for (unsigned k = 0; k < 200; k++) {
            const int32_t arg = 8;
            wasm_trap_t *trap = embed_call(e->instance, "fib", &arg, 1, NULL);
            if (trap != NULL) {
                embed_expect(trap, WJIT_TRAP_INTERRUPTED, "interrupted");
                stopped++;
            }
        }
        pthread_join(thread, NULL);
        wjit_interrupt_clear(e->store);
    }
    assert_true(stopped <= 100);
    assert_int_equal(embed_value(e->instance, "fib", 10), 55);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bulk_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_host_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blocked_host, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending, setup, teardown),
        cmocka_unit_test_setup_teardown(test_race, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
