// The process's signals: faults that are not wasm's go to the handler that was there before, from
// whatever thread; threads come and go; no mapping is writable and executable.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include "tests/unit/runtime/embed.h"

static sigjmp_buf escape;
static volatile sig_atomic_t handled;
static volatile int *volatile nowhere;

// The handler of a host that was there before the engine.
static void host_handler(int number, siginfo_t *info, void *context)
{
    (void) info, (void) context;
    handled = number;
    siglongjmp(escape, 1);
}

static wasm_trap_t *faulting_host(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                                  wjit_val_t *results)
{
    (void) env, (void) caller;
    // The fault stays inside this function: no frame of wasm is jumped over.
    if (sigsetjmp(escape, 1) == 0) {
        results[0].of.i32 = *nowhere;
    }
    results[0].of.i32 = args[0].of.i32 + 1;
    return NULL;
}

static void open_calls(struct embed *e)
{
    embed_open(e, NULL);
    wasm_func_t *host = embed_host(e->store, faulting_host, NULL);
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    e->instance = embed_instance(e->store, guest_calls, sizeof guest_calls, imports, 1);
    wasm_func_delete(host);
}

// Of a host that installs its handler after the engine and keeps ours behind it.
static struct sigaction behind;
static volatile sig_atomic_t handed_on;

static void late_handler(int number, siginfo_t *info, void *context)
{
    handed_on++;
    behind.sa_sigaction(number, info, context);
}

static void install(int number, void (*handler)(int, siginfo_t *, void *), int flags,
                    struct sigaction *old)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | flags};
    action.sa_sigaction = handler;
    assert_int_equal(sigaction(number, &action, old), 0);
}

static void test_late_handler(void **state)
{
    (void) state;
    install(SIGSEGV, host_handler, 0, NULL);
    struct embed e;
    open_calls(&e);
    install(SIGSEGV, late_handler, SA_ONSTACK, &behind);
    const int32_t arg = -4;
    wasm_extern_t *load = wjit_instance_export(e.instance, "load", 4);
    wjit_val_t value = {.kind = WASM_I32, .of.i32 = arg}, result;
    handed_on = 0;
    embed_expect(wjit_func_call(wasm_extern_as_func(load), &value, 1, &result, 1),
                 WJIT_TRAP_MEMORY_OUT_OF_BOUNDS, "out of bounds memory access");
    assert_int_equal(handed_on, 1);
    handled = 0;
    if (sigsetjmp(escape, 1) == 0) {
        (void) *nowhere;
    }
    assert_int_equal(handled, SIGSEGV);
    wasm_extern_delete(load);
    embed_close(&e);
}

static void test_chained(void **state)
{
    (void) state;
    install(SIGSEGV, host_handler, 0, NULL);
    struct embed e;
    open_calls(&e);
    for (unsigned i = 0; i < 3; i++) {
        handled = 0;
        assert_int_equal(embed_value(e.instance, "call_host", 1), 102); // faults inside
        assert_int_equal(handled, SIGSEGV);
        const int32_t arg = -4;
        embed_expect(embed_call(e.instance, "load", &arg, 1, NULL), WJIT_TRAP_MEMORY_OUT_OF_BOUNDS,
                     "out of bounds memory access");
        handled = 0;
        if (sigsetjmp(escape, 1) == 0) { // a fault without any wasm
            (void) *nowhere;
        }
        assert_int_equal(handled, SIGSEGV);
    }
    embed_close(&e);
}

static void *trap_once(void *context)
{
    wasm_engine_t *engine = context;
    struct embed e = {.engine = engine, .store = wasm_store_new(engine)};
    wasm_func_t *host = embed_host(e.store, faulting_host, NULL);
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    e.instance = embed_instance(e.store, guest_calls, sizeof guest_calls, imports, 1);
    const int32_t args[] = {-4, 0};
    uintptr_t good = 1;
    for (unsigned i = 0; i < 20; i++) {
        wasm_trap_t *trap = embed_call(e.instance, "load", &args[0], 1, NULL);
        good &= wjit_trap_code(trap) == WJIT_TRAP_MEMORY_OUT_OF_BOUNDS;
        wasm_trap_delete(trap);
        trap = embed_call(e.instance, "divide", &args[1], 1, NULL);
        good &= wjit_trap_code(trap) == WJIT_TRAP_INTEGER_DIVIDE_BY_ZERO;
        wasm_trap_delete(trap);
    }
    wasm_func_delete(host);
    wasm_instance_delete(e.instance);
    wasm_store_delete(e.store);
    return (void *) good;
}

static void test_threads(void **state)
{
    (void) state;
    wasm_engine_t *engine = wasm_engine_new();
    unsigned rounds = embed_is_emulated() ? 2 : 40;
    for (unsigned round = 0; round < rounds; round++) {
        pthread_t threads[8];
        for (unsigned i = 0; i < 8; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, trap_once, engine), 0);
        }
        for (unsigned i = 0; i < 8; i++) {
            void *good = NULL;
            pthread_join(threads[i], &good);
            assert_ptr_equal(good, (void *) 1);
        }
    }
    wasm_engine_delete(engine);
}

static void test_no_writable_code(void **state)
{
    (void) state;
    struct embed e;
    open_calls(&e);
    assert_int_equal(embed_value(e.instance, "fib", 10), 55);
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    char line[512];
    unsigned executable = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        assert_null(strstr(line, "rwx"));
        assert_null(strstr(line, "-wx"));
        executable += strstr(line, "memfd:wjit-code") != NULL && strstr(line, "r-x") != NULL;
    }
    fclose(maps);
    assert_true(executable >= 2); // the engine's stubs and the module
    embed_close(&e);
}

int main(void)
{
    nowhere = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chained),
        cmocka_unit_test(test_late_handler),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_no_writable_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
