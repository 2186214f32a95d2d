// Compiled modules through the interface: loaded by another engine, refused when damaged or made
// for something else.
#include "tests/unit/runtime/build.h"
#include "tests/unit/runtime/embed.h"

static wasm_config_t *deterministic(void)
{
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_deterministic(config, true);
    return config;
}

// The module `guest_calls` as `target` runs it.
static wasm_byte_vec_t compiled(wasm_config_t *config, const char *target)
{
    struct embed maker;
    embed_open(&maker, config);
    wasm_module_t *module = embed_module(maker.store, guest_calls, sizeof guest_calls);
    wasm_byte_vec_t bytes;
    wjit_error_t error = {0};
    assert_true(wjit_module_serialize(module, target, &bytes, &error));
    assert_true(bytes.size > sizeof guest_calls);
    wasm_module_delete(module);
    embed_close(&maker);
    return bytes;
}

static wasm_trap_t *add_one(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                            wjit_val_t *results)
{
    (void) env, (void) caller;
    results[0].of.i32 = args[0].of.i32 + 1;
    return NULL;
}

static wasm_extern_t *import_add_one(wasm_store_t *store)
{
    wasm_functype_t *type =
        wasm_functype_new_1_1(wasm_valtype_new(WASM_I32), wasm_valtype_new(WASM_I32));
    wasm_func_t *func = wjit_func_new(store, type, add_one, NULL, NULL);
    wasm_functype_delete(type);
    return wasm_func_as_extern(func);
}

static void assert_runs(struct embed *e, wasm_module_t *module)
{
    wasm_extern_t *import = import_add_one(e->store);
    wasm_extern_vec_t imports = {1, &import};
    wjit_error_t error = {0};
    wasm_trap_t *trap = NULL;
    e->instance = wjit_instance_new(e->store, module, &imports, &trap, &error);
    assert_non_null(e->instance);
    assert_int_equal(embed_value(e->instance, "fib", 15), 610);
    assert_int_equal(embed_value(e->instance, "call_host", 8), 109);
    assert_int_equal(embed_value(e->instance, "indirect", 0), 13);
    int32_t at = 3, result;
    embed_expect(embed_call(e->instance, "indirect", &at, 1, &result),
                 WJIT_TRAP_INDIRECT_CALL_MISMATCH, "indirect call type mismatch");
    wasm_extern_delete(import);
}

// Types get other numbers in the second engine.
static void test_other_engine(void **state)
{
    (void) state;
    wasm_byte_vec_t bytes = compiled(NULL, NULL);
    struct embed e;
    embed_open(&e, NULL);
    wasm_functype_t *type = wasm_functype_new_1_0(wasm_valtype_new(WASM_F64));
    wasm_func_delete(wjit_func_new(e.store, type, add_one, NULL, NULL));
    wasm_functype_delete(type);
    wjit_error_t error = {0};
    wasm_module_t *module = wjit_module_deserialize(e.store, &bytes, &error);
    assert_non_null(module);
    assert_runs(&e, module);
    wjit_stats_t stats;
    wjit_engine_stats(e.engine, &stats);
    assert_int_equal(stats.functions_compiled, 0);
    // Serialised again it is the same but for nothing.
    wasm_byte_vec_t again;
    assert_true(wjit_module_serialize(module, NULL, &again, &error));
    assert_int_equal(again.size, bytes.size);
    assert_memory_equal(again.data, bytes.data, bytes.size);
    wasm_byte_vec_delete(&again);
    wasm_byte_vec_delete(&bytes);
    wasm_module_delete(module);
    embed_close(&e);
}

// Code with explicit bounds is not in the file: the bodies are, and are compiled from.
static void test_explicit_bounds(void **state)
{
    (void) state;
    wasm_byte_vec_t bytes = compiled(NULL, NULL);
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_explicit_bounds(config, true);
    struct embed e;
    embed_open(&e, config);
    wasm_module_t *module = wjit_module_deserialize(e.store, &bytes, NULL);
    assert_non_null(module);
    assert_runs(&e, module);
    wjit_stats_t stats;
    wjit_engine_stats(e.engine, &stats);
    assert_int_not_equal(stats.functions_compiled, 0);
    wasm_byte_vec_delete(&bytes);
    wasm_module_delete(module);
    embed_close(&e);
}

static void assert_refused(wasm_store_t *store, const wasm_byte_vec_t *bytes,
                           wjit_error_kind_t kind, const char *words)
{
    wjit_error_t error = {0};
    assert_null(wjit_module_deserialize(store, bytes, &error));
    assert_int_equal(error.kind, kind);
    assert_non_null(strstr(error.message, words));
}

static void test_unfit(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    unsigned foreign_count = 0;
    static const char *const targets[] = {"x86-64", "aarch64"};
    for (unsigned i = 0; i < 2; i++) {
        wasm_byte_vec_t bytes = compiled(NULL, targets[i]);
        wjit_error_t error = {0};
        wasm_module_t *module = wjit_module_deserialize(e.store, &bytes, &error);
        if (module == NULL) {
            foreign_count++;
            assert_int_equal(error.kind, WJIT_ERROR_UNSUPPORTED);
            assert_non_null(strstr(error.message, targets[i]));
        }
        wasm_module_delete(module);
        wasm_byte_vec_delete(&bytes);
    }
    assert_int_equal(foreign_count, 1);
    wasm_byte_vec_t bytes = compiled(deterministic(), NULL);
    assert_refused(e.store, &bytes, WJIT_ERROR_UNSUPPORTED, "with --deterministic");
    wasm_byte_vec_delete(&bytes);
    bytes = (wasm_byte_vec_t){sizeof guest_calls, (char *) (uintptr_t) guest_calls};
    assert_refused(e.store, &bytes, WJIT_ERROR_MALFORMED, "no compiled module");
    embed_close(&e);
}

// Every byte, and every length.
static void test_damage(void **state)
{
    (void) state;
    wasm_byte_vec_t bytes = compiled(NULL, NULL);
    struct embed e;
    embed_open(&e, NULL);
    for (size_t at = 0; at < bytes.size; at++) {
        bytes.data[at] = (char) (bytes.data[at] ^ 1 << at % 8);
        assert_null(wjit_module_deserialize(e.store, &bytes, NULL));
        bytes.data[at] = (char) (bytes.data[at] ^ 1 << at % 8);
    }
    for (size_t size = 0; size < bytes.size; size += size < 600 ? 1 : 31) {
        wasm_byte_vec_t cut = {size, bytes.data};
        assert_null(wjit_module_deserialize(e.store, &cut, NULL));
    }
    wasm_module_t *module = wjit_module_deserialize(e.store, &bytes, NULL);
    assert_non_null(module);
    wasm_module_delete(module);
    wasm_byte_vec_delete(&bytes);
    embed_close(&e);
}

// Modules of 4,096 functions and more are kept otherwise: what they were loaded from is given back,
// as the sanitizer sees, where they are good and where they are not.
static void test_many_functions(void **state)
{
    (void) state;
    enum { FUNCS = 4100 };
    static uint8_t bodies[2 + 3 * FUNCS], room[64 + 8 * FUNCS];
    struct bytes part = {bodies, 0}, b = {room, 0};
    PUT(&b, 0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3);
    put_u32(&part, FUNCS);
    for (unsigned i = 0; i < FUNCS; i++) {
        PUT(&part, 0);
    }
    put_sized(&b, &part);
    PUT(&b, 10);
    put_u32(&part, FUNCS);
    for (unsigned i = 0; i < FUNCS; i++) {
        PUT(&part, 2, 0, 0x0b);
    }
    put_sized(&b, &part);

    struct embed e;
    embed_open(&e, NULL);
    wasm_module_t *module = embed_module(e.store, b.data, b.size);
    wasm_byte_vec_t bytes;
    wjit_error_t error = {0};
    assert_true(wjit_module_serialize(module, NULL, &bytes, &error));
    wasm_module_delete(module);
    for (unsigned damaged = 0; damaged < 2; damaged++) {
        bytes.data[bytes.size - 1] ^= (char) damaged;
        module = wjit_module_deserialize(e.store, &bytes, &error);
        assert_int_equal(module == NULL, damaged);
        wasm_module_delete(module);
    }
    wasm_byte_vec_delete(&bytes);
    embed_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_engine),   cmocka_unit_test(test_explicit_bounds),
        cmocka_unit_test(test_unfit),          cmocka_unit_test(test_damage),
        cmocka_unit_test(test_many_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
