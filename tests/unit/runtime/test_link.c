// Linking: what may stand for what, what a failed instance leaves behind, whose objects may be
// used where.
#include "tests/unit/runtime/embed.h"

static wasm_trap_t *host_function(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                                  wjit_val_t *results)
{
    (void) env, (void) caller;
    results[0].of.i32 = args[0].of.i32;
    return NULL;
}

static wasm_memory_t *new_memory(wasm_store_t *store, uint32_t min, uint32_t max)
{
    wasm_limits_t limits = {min, max};
    wasm_memorytype_t *type = wasm_memorytype_new(&limits);
    wasm_memory_t *memory = wjit_memory_new(store, type, NULL);
    wasm_memorytype_delete(type);
    return memory;
}

static wasm_table_t *new_table(wasm_store_t *store, uint32_t min)
{
    wasm_limits_t limits = {min, wasm_limits_max_default};
    wasm_tabletype_t *type = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
    wasm_table_t *table = wasm_table_new(store, type, NULL);
    wasm_tabletype_delete(type);
    return table;
}

// Tries to link; the error's message, or "trap", or "".
static const char *link_error(wasm_store_t *store, const uint8_t *bytes, size_t size,
                              wasm_extern_t **imports, size_t count, wjit_error_t *error)
{
    wasm_module_t *module = embed_module(store, bytes, size);
    wasm_extern_vec_t vec = {count, imports};
    wasm_trap_t *trap;
    memset(error, 0, sizeof *error);
    wasm_instance_t *instance = wjit_instance_new(store, module, &vec, &trap, error);
    wasm_module_delete(module);
    const char *result = instance != NULL ? "" : trap != NULL ? "trap" : error->message;
    wasm_trap_delete(trap);
    wasm_instance_delete(instance);
    return result;
}

// Earlier segments stay; the function in the table of a failed instance can still be called.
static void test_failed_segments(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    wasm_memory_t *memory = new_memory(e.store, 1, 1);
    wasm_table_t *table = new_table(e.store, 2);
    wasm_extern_t *imports[] = {wasm_memory_as_extern(memory), wasm_table_as_extern(table)};
    wjit_error_t error;
    assert_string_equal(
        link_error(e.store, guest_segments, sizeof guest_segments, imports, 2, &error), "trap");
    assert_memory_equal(wasm_memory_data(memory), "kept", 4);
    wasm_ref_t *ref = wasm_table_get(table, 0);
    wjit_val_t result;
    assert_null(wjit_func_call(wasm_ref_as_func(ref), NULL, 0, &result, 1));
    assert_int_equal(result.of.i32, 42);
    wasm_ref_delete(ref);
    wasm_memory_delete(memory);
    wasm_table_delete(table);
    embed_close(&e);
}

static void test_start_traps(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    wasm_module_t *module = embed_module(e.store, guest_start, sizeof guest_start);
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_trap_t *trap;
    wjit_error_t error = {0};
    assert_null(wjit_instance_new(e.store, module, &none, &trap, &error));
    assert_int_equal(error.kind, WJIT_ERROR_NONE);
    embed_expect(trap, WJIT_TRAP_UNREACHABLE, "unreachable");
    wasm_module_delete(module);
    embed_close(&e);
}

static void test_mismatches(void **state)
{
    (void) state;
    struct embed e, other;
    embed_open(&e, NULL);
    embed_open(&other, NULL);
    wasm_memory_t *memory = new_memory(e.store, 1, 1), *small = new_memory(e.store, 0, 1);
    wasm_table_t *table = new_table(e.store, 2), *foreign = new_table(other.store, 2);
    wjit_error_t error;
    wasm_extern_t *imports[] = {wasm_memory_as_extern(small), wasm_table_as_extern(table)};
    assert_string_equal(
        link_error(e.store, guest_segments, sizeof guest_segments, imports, 2, &error),
        "incompatible import type: \"env\" \"memory\" is memory 0 1: memory 1 was expected");
    assert_int_equal(error.kind, WJIT_ERROR_LINK);
    imports[0] = wasm_memory_as_extern(memory);
    assert_string_equal(
        link_error(e.store, guest_segments, sizeof guest_segments, imports, 1, &error),
        "unknown import: \"env\" \"table\": table 2 funcref was expected");
    imports[1] = wasm_memory_as_extern(memory);
    assert_string_equal(
        link_error(e.store, guest_segments, sizeof guest_segments, imports, 2, &error),
        "incompatible import type: \"env\" \"table\" is memory 1 1: table 2 funcref was expected");
    imports[1] = wasm_table_as_extern(foreign); // of another store
    assert_string_equal(
        link_error(e.store, guest_segments, sizeof guest_segments, imports, 2, &error),
        "unknown import: \"env\" \"table\": table 2 funcref was expected");
    wasm_module_t *module = embed_module(other.store, guest_start, sizeof guest_start);
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_trap_t *trap;
    assert_null(wjit_instance_new(e.store, module, &none, &trap, &error));
    assert_null(trap);
    assert_int_equal(error.kind, WJIT_ERROR_USAGE);
    wasm_module_delete(module);
    wasm_memory_delete(memory);
    wasm_memory_delete(small);
    wasm_table_delete(table);
    wasm_table_delete(foreign);
    embed_close(&e);
    embed_close(&other);
}

// A function is one object on every way that it comes to the host.
static void test_identity(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    wasm_func_t *host = embed_host(e.store, host_function, NULL);
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    e.instance = embed_instance(e.store, guest_calls, sizeof guest_calls, imports, 1);
    wasm_extern_t *again = wjit_instance_export(e.instance, "host", 4);
    assert_true(wasm_func_same(wasm_extern_as_func(again), host));
    wasm_extern_t *table = wjit_instance_export(e.instance, "table", 5);
    wasm_ref_t *element = wasm_table_get(wasm_extern_as_table(table), 1);
    assert_true(wasm_func_same(wasm_ref_as_func(element), host));
    wasm_extern_t *fib = wjit_instance_export(e.instance, "fib", 3);
    wasm_ref_t *first = wasm_table_get(wasm_extern_as_table(table), 0);
    assert_true(wasm_func_same(wasm_ref_as_func(first), wasm_extern_as_func(fib)));
    assert_true(wasm_table_set(wasm_extern_as_table(table), 2, first));
    assert_int_equal(embed_value(e.instance, "indirect", 2), 13);
    assert_false(wasm_table_set(wasm_extern_as_table(table), 4, first));
    wasm_ref_delete(first);
    wasm_ref_delete(element);
    wasm_extern_delete(fib);
    wasm_extern_delete(table);
    wasm_extern_delete(again);
    wasm_func_delete(host);
    embed_close(&e);
}

static void count_call(void *info)
{
    ++*(int *) info;
}

static void test_host_info(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    int finalized = 0;
    wasm_foreign_t *foreign = wasm_foreign_new(e.store);
    wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_call);
    assert_ptr_equal(wasm_foreign_get_host_info(foreign), &finalized);
    wasm_foreign_delete(foreign);
    assert_int_equal(finalized, 1);
    wasm_memory_t *memory = new_memory(e.store, 1, 1);
    wasm_memory_set_host_info_with_finalizer(memory, &finalized, count_call);
    wasm_memory_delete(memory);
    assert_int_equal(finalized, 1); // the memory lives on
    embed_close(&e);
    assert_int_equal(finalized, 2);
}

// References in globals and tables outlive the host's handles.
static void test_externref(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    wasm_globaltype_t *type = wasm_globaltype_new(wasm_valtype_new_externref(), WASM_VAR);
    wasm_foreign_t *foreign = wasm_foreign_new(e.store);
    wasm_foreign_set_host_info(foreign, &e);
    wjit_val_t value = {.kind = WASM_EXTERNREF, .of.ref = wasm_foreign_as_ref(foreign)};
    wasm_global_t *global = wjit_global_new(e.store, type, &value);
    assert_non_null(global);
    wasm_foreign_delete(foreign);
    wjit_val_t got;
    wjit_global_get(global, &got);
    assert_ptr_equal(wasm_ref_get_host_info(got.of.ref), &e);
    wasm_ref_delete(got.of.ref);
    wjit_val_t number = {.kind = WASM_I32};
    assert_false(wjit_global_set(global, &number));
    wjit_val_t null = {.kind = WASM_EXTERNREF};
    assert_true(wjit_global_set(global, &null));
    wasm_globaltype_delete(type);
    wasm_global_delete(global);
    embed_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed_segments), cmocka_unit_test(test_start_traps),
        cmocka_unit_test(test_mismatches),      cmocka_unit_test(test_identity),
        cmocka_unit_test(test_host_info),       cmocka_unit_test(test_externref),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
