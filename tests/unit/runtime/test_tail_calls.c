// Tail calls with more stack arguments than the caller was given: from instance to instance, to the
// host, and what a backtrace sees of them.
#include "tests/unit/runtime/embed.h"

enum { MANY = 20, DEEP = 1000000 };

struct host {
    unsigned calls;
    bool traps;
    wasm_store_t *store;
};

static wasm_trap_t *on_call(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                            wjit_val_t *results)
{
    (void) caller;
    struct host *host = env;
    host->calls++;
    if (host->traps) {
        wasm_message_t message;
        wasm_name_new_from_string_nt(&message, "refused");
        wasm_trap_t *trap = wasm_trap_new(host->store, &message);
        wasm_byte_vec_delete(&message);
        return trap;
    }
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(args[i].of.i32, i);
    }
    results[0].of.i32 = 1000;
    results[1].of.i32 = 1;
    return NULL;
}

static wasm_func_t *new_host(struct host *host)
{
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_new_uninitialized(&params, MANY);
    wasm_valtype_vec_new_uninitialized(&results, 2);
    for (int i = 0; i < MANY; i++) {
        params.data[i] = wasm_valtype_new_i32();
    }
    results.data[0] = wasm_valtype_new_i32();
    results.data[1] = wasm_valtype_new_i32();
    wasm_functype_t *type = wasm_functype_new(&params, &results);
    wasm_func_t *func = wjit_func_new(host->store, type, on_call, host, NULL);
    wasm_functype_delete(type);
    return func;
}

static wasm_table_t *new_table(wasm_store_t *store)
{
    wasm_limits_t limits = {2, 2};
    wasm_tabletype_t *type = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
    wasm_table_t *table = wasm_table_new(store, type, NULL);
    wasm_tabletype_delete(type);
    return table;
}

static void put(wasm_table_t *table, uint32_t at, const wasm_instance_t *instance, const char *name)
{
    wasm_extern_t *export = wjit_instance_export(instance, name, strlen(name));
    assert_true(wasm_table_set(table, at, wasm_func_as_ref(wasm_extern_as_func(export))));
    wasm_extern_delete(export);
}

// Two instances that call each other's functions a million deep; the last one is the host's.
static void test_across(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    struct host host = {.store = e.store};
    wasm_func_t *func = new_host(&host);
    wasm_table_t *table = new_table(e.store);
    wasm_extern_t *imports[] = {wasm_func_as_extern(func), wasm_table_as_extern(table)};
    e.instance = embed_instance(e.store, guest_tails, sizeof guest_tails, imports, 2);
    wasm_instance_t *other = embed_instance(e.store, guest_tails, sizeof guest_tails, imports, 2);
    put(table, 0, e.instance, "few");
    put(table, 1, other, "many");
    assert_int_equal(embed_value(e.instance, "top", 0), 999);
    assert_int_equal(embed_value(e.instance, "top", 1), 999);
    assert_int_equal(embed_value(other, "top", DEEP), 999);
    assert_int_equal(host.calls, 3);

    // The frames of functions that called in tail position are gone, those of others are not.
    host.traps = true;
    int32_t depth = 10;
    wasm_trap_t *trap = embed_call(e.instance, "top", &depth, 1, NULL);
    assert_non_null(trap);
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    assert_int_equal(frames.size, 1);
    wasm_name_t name = wjit_frame_func_name(frames.data[0]);
    assert_int_equal(name.size, 3);
    assert_memory_equal(name.data, "top", 3);
    wasm_frame_vec_delete(&frames);
    embed_expect(trap, WJIT_TRAP_HOST, "refused");

    wasm_instance_delete(other);
    wasm_table_delete(table);
    wasm_func_delete(func);
    embed_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_across)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
