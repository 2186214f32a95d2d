// What has to hold while threads come and go, and engines stand side by side: types that modules
// share, signal stacks, objects used in the wrong place.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/unit/runtime/embed.h"

// An emulator keeps books of each page that is reserved, which are millions for a memory.
enum { SHORT_THREADS = 10000, SHORT_THREADS_EMULATED = 1000 };
enum { LOADERS = 8, LOADS = 40, LOADS_EMULATED = 2 };

static wasm_trap_t *add_one(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                            wjit_val_t *results)
{
    (void) env, (void) caller;
    results[0].of.i32 = args[0].of.i32 + 1;
    return NULL;
}

static wasm_instance_t *open_calls(wasm_store_t *store)
{
    wasm_func_t *host = embed_host(store, add_one, NULL);
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    wasm_instance_t *instance = embed_instance(store, guest_calls, sizeof guest_calls, imports, 1);
    wasm_func_delete(host);
    return instance;
}

static unsigned count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned lines = 0;
    for (int c; (c = getc(maps)) != EOF;) {
        lines += c == '\n';
    }
    fclose(maps);
    return lines;
}

static void *trap_and_end(void *instance)
{
    int32_t address = -4;
    wasm_trap_t *trap = embed_call(instance, "load", &address, 1, NULL);
    void *code = (void *) (uintptr_t) wjit_trap_code(trap);
    wasm_trap_delete(trap);
    return code;
}

// Each thread that traps has a signal stack, which is gone when the thread is.
static void test_signal_stacks(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    e.instance = open_calls(e.store);
    unsigned before = 0, count = embed_is_emulated() ? SHORT_THREADS_EMULATED : SHORT_THREADS;
    for (unsigned i = 0; i < count; i++) {
        pthread_t thread;
        void *code = NULL;
        assert_int_equal(pthread_create(&thread, NULL, trap_and_end, e.instance), 0);
        pthread_join(thread, &code);
        assert_int_equal((uintptr_t) code, WJIT_TRAP_MEMORY_OUT_OF_BOUNDS);
        before = i == 100 ? count_mappings() : before;
    }
    assert_in_range(count_mappings(), 1, before + 20);
    embed_close(&e);
}

static void *block_all_and_trap(void *instance)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    return trap_and_end(instance);
}

// A thread whose host blocks all signals traps all the same.
static void test_blocked_signals(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    e.instance = open_calls(e.store);
    pthread_t thread;
    void *code = NULL;
    assert_int_equal(pthread_create(&thread, NULL, block_all_and_trap, e.instance), 0);
    pthread_join(thread, &code);
    assert_int_equal((uintptr_t) code, WJIT_TRAP_MEMORY_OUT_OF_BOUNDS);
    embed_close(&e);
}

// Loads, runs and drops modules with the same types as those of all others, over and over.
static void *load_and_drop(void *engine)
{
    uintptr_t good = 1;
    unsigned count = embed_is_emulated() ? LOADS_EMULATED : LOADS;
    for (unsigned i = 0; i < count; i++) {
        wasm_store_t *store = wasm_store_new(engine);
        wasm_instance_t *instance = open_calls(store);
        int32_t args[] = {0, 1, 3}, result = -1;
        wasm_trap_t *trap = embed_call(instance, "indirect", &args[0], 1, &result);
        good &= trap == NULL && result == 13; // fib(7)
        trap = embed_call(instance, "indirect", &args[1], 1, &result);
        good &= trap == NULL && result == 8; // the host's function
        trap = embed_call(instance, "indirect", &args[2], 1, &result);
        good &= trap != NULL && wjit_trap_code(trap) == WJIT_TRAP_INDIRECT_CALL_MISMATCH;
        wasm_trap_delete(trap);
        wasm_instance_delete(instance);
        wasm_store_delete(store);
    }
    return (void *) good;
}

static void test_shared_types(void **state)
{
    (void) state;
    wasm_engine_t *engine = wasm_engine_new();
    wjit_signals_claim();
    pthread_t threads[LOADERS];
    for (unsigned i = 0; i < LOADERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, load_and_drop, engine), 0);
    }
    for (unsigned i = 0; i < LOADERS; i++) {
        void *good = NULL;
        pthread_join(threads[i], &good);
        assert_ptr_equal(good, (void *) 1);
    }
    wasm_engine_delete(engine);
}

// Objects of one engine or store are refused by another one.
static void test_other_engine(void **state)
{
    (void) state;
    struct embed a, b;
    embed_open(&a, NULL);
    embed_open(&b, NULL);
    wasm_module_t *module = embed_module(a.store, guest_calls, sizeof guest_calls);
    wasm_func_t *host_a = embed_host(a.store, add_one, NULL);
    wasm_func_t *host_b = embed_host(b.store, add_one, NULL);
    wasm_extern_t *import_a = wasm_func_as_extern(host_a), *import_b = wasm_func_as_extern(host_b);
    wasm_trap_t *trap = NULL;
    wjit_error_t error = {0};

    wasm_extern_vec_t imports = {1, &import_b};
    assert_null(wjit_instance_new(b.store, module, &imports, &trap, &error));
    assert_null(trap);
    assert_int_equal(error.kind, WJIT_ERROR_USAGE);
    error.kind = WJIT_ERROR_NONE;
    assert_null(wjit_instance_new(a.store, module, &imports, &trap, &error));
    assert_null(trap);
    assert_int_equal(error.kind, WJIT_ERROR_LINK);
    // As is another store of the same engine.
    wasm_store_t *other = wasm_store_new(a.engine);
    imports.data = &import_a;
    error.kind = WJIT_ERROR_NONE;
    assert_null(wjit_instance_new(other, module, &imports, &trap, &error));
    assert_int_equal(error.kind, WJIT_ERROR_LINK);

    wasm_shared_module_t *shared = wasm_module_share(module);
    assert_null(wasm_module_obtain(b.store, shared));
    wasm_shared_module_delete(shared);

    // A function of another store fits no table and no global.
    wasm_limits_t limits = {2, 2};
    wasm_tabletype_t *table_type = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
    wasm_table_t *table = wasm_table_new(b.store, table_type, NULL);
    assert_false(wasm_table_set(table, 0, wasm_func_as_ref(host_a)));
    assert_false(wasm_table_grow(table, 0, wasm_func_as_ref(host_a)));
    assert_null(wasm_table_get(table, 0));
    wasm_globaltype_t *global_type = wasm_globaltype_new(wasm_valtype_new_funcref(), WASM_VAR);
    wjit_val_t value = {.kind = WASM_FUNCREF, .of.ref = wasm_func_as_ref(host_a)};
    assert_null(wjit_global_new(b.store, global_type, &value));

    wasm_globaltype_delete(global_type);
    wasm_table_delete(table);
    wasm_tabletype_delete(table_type);
    wasm_store_delete(other);
    wasm_func_delete(host_a);
    wasm_func_delete(host_b);
    wasm_module_delete(module);
    embed_close(&a);
    embed_close(&b);
}

// With an argument: the tests of this name alone, `*` stands for anything.
int main(int argc, char **argv)
{
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signal_stacks),
        cmocka_unit_test(test_blocked_signals),
        cmocka_unit_test(test_shared_types),
        cmocka_unit_test(test_other_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
