// Shared memories: one memory in several stores, sleepers woken by notify, by time, by
// interruption.
#include <pthread.h>
#include <unistd.h>

#include "tests/unit/runtime/embed.h"

static wasm_memory_t *new_shared(wasm_store_t *store)
{
    wjit_limits_t limits = {
        .min = 1, .max = 2, .has_max = true, .is_shared = true, .page_size_log2 = 16,
    };
    wasm_memorytype_t *type = wjit_memorytype_new(&limits);
    wasm_memory_t *memory = wjit_memory_new(store, type, NULL);
    wasm_memorytype_delete(type);
    assert_non_null(memory);
    return memory;
}

struct sleeper {
    wasm_engine_t *engine;
    const wasm_memory_t *memory;
    wasm_store_t *_Atomic store;
    int32_t timeout;
    int32_t result;
    bool is_interrupted;
};

static void *sleep_there(void *context)
{
    struct sleeper *sleeper = context;
    wasm_store_t *store = wasm_store_new(sleeper->engine);
    wasm_memory_t *memory = wjit_memory_obtain(store, sleeper->memory);
    wasm_extern_t *imports[] = {wasm_memory_as_extern(memory)};
    wasm_instance_t *instance =
        embed_instance(store, guest_shared, sizeof guest_shared, imports, 1);
    sleeper->store = store;
    wasm_trap_t *trap = embed_call(instance, "wait", &sleeper->timeout, 1, &sleeper->result);
    sleeper->is_interrupted = trap != NULL && wjit_trap_code(trap) == WJIT_TRAP_INTERRUPTED;
    wasm_trap_delete(trap);
    return instance;
}

static void open_shared(struct embed *e, wasm_memory_t **memory)
{
    embed_open(e, NULL);
    *memory = new_shared(e->store);
    wasm_extern_t *imports[] = {wasm_memory_as_extern(*memory)};
    e->instance = embed_instance(e->store, guest_shared, sizeof guest_shared, imports, 1);
}

static void test_notify(void **state)
{
    (void) state;
    struct embed e;
    wasm_memory_t *memory;
    open_shared(&e, &memory);
    struct sleeper sleepers[3];
    pthread_t threads[3];
    for (unsigned i = 0; i < 3; i++) {
        sleepers[i] = (struct sleeper){.engine = e.engine, .memory = memory, .timeout = -1};
        assert_int_equal(pthread_create(&threads[i], NULL, sleep_there, &sleepers[i]), 0);
    }
    int32_t woken = 0;
    while (woken < 3) { // no more than asked for, and none twice
        int32_t now = embed_value(e.instance, "notify", 1);
        assert_in_range(now, 0, 1);
        woken += now;
        usleep(1000);
    }
    assert_int_equal(embed_value(e.instance, "notify", -1), 0);
    for (unsigned i = 0; i < 3; i++) {
        void *instance;
        pthread_join(threads[i], &instance);
        assert_int_equal(sleepers[i].result, 0);
        assert_int_equal(embed_value(instance, "grow", 0), 1);
        wasm_instance_delete(instance);
        wasm_store_delete(sleepers[i].store);
    }
    wasm_memory_delete(memory);
    embed_close(&e);
}

static void test_time_out(void **state)
{
    (void) state;
    struct embed e;
    wasm_memory_t *memory;
    open_shared(&e, &memory);
    assert_int_equal(embed_value(e.instance, "wait", 1000000), 2);
    wasm_memory_data(memory)[64] = 1;
    assert_int_equal(embed_value(e.instance, "wait", -1), 1); // not equal: no sleep
    assert_int_equal(embed_value(e.instance, "grow", 1), 1);
    assert_int_equal(wjit_memory_pages(memory), 2);
    wasm_memory_delete(memory);
    embed_close(&e);
}

static void test_interrupted(void **state)
{
    (void) state;
    struct embed e;
    wasm_memory_t *memory;
    open_shared(&e, &memory);
    struct sleeper sleeper = {.engine = e.engine, .memory = memory, .timeout = -1};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, sleep_there, &sleeper), 0);
    while (sleeper.store == NULL) {
        usleep(1000);
    }
    usleep(5000);
    wjit_interrupt(sleeper.store);
    void *instance;
    pthread_join(thread, &instance);
    assert_true(sleeper.is_interrupted);
    wasm_instance_delete(instance);
    wasm_store_delete(sleeper.store);
    wasm_memory_delete(memory);
    embed_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notify),
        cmocka_unit_test(test_time_out),
        cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
