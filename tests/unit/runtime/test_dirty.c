// Values of 32 bits in cells of 64 whose upper half holds something: between host and wasm, in
// registers and on the stack. As an address such a value would reach outside of memory.
#include "tests/unit/runtime/embed.h"

enum { MANY = 20 };

static const uint64_t DIRT = 0x5555555500000000;

static wjit_val_t dirty(int32_t value)
{
    wjit_val_t v = {.kind = WASM_I32};
    v.of.i64 = (int64_t) (DIRT | (uint32_t) value);
    return v;
}

// Checks its arguments, gives the one in the middle back.
static wasm_trap_t *on_call(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                            wjit_val_t *results)
{
    (void) env, (void) caller;
    for (int i = 0; i < MANY; i++) {
        assert_true(i == 10 || args[i].of.i32 == i - 5);
    }
    results[0] = dirty(args[10].of.i32);
    return NULL;
}

static wasm_func_t *new_host(wasm_store_t *store)
{
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_new_uninitialized(&params, MANY);
    for (int i = 0; i < MANY; i++) {
        params.data[i] = wasm_valtype_new_i32();
    }
    wasm_valtype_t *result = wasm_valtype_new_i32();
    wasm_valtype_vec_new(&results, 1, &result);
    wasm_functype_t *type = wasm_functype_new(&params, &results);
    wasm_func_t *func = wjit_func_new(store, type, on_call, NULL, NULL);
    wasm_functype_delete(type);
    return func;
}

// Calls an export whose last argument is an address; the byte there, or -1 for a trap.
static int32_t byte_at(const wasm_instance_t *instance, const char *name, size_t count, int32_t at)
{
    wjit_val_t args[MANY], result;
    wasm_extern_t *export = wjit_instance_export(instance, name, strlen(name));
    for (size_t i = 0; i < count; i++) {
        args[i] = dirty(i + 1 == count ? at : -7);
    }
    wjit_signals_claim();
    wasm_trap_t *trap = wjit_func_call(wasm_extern_as_func(export), args, count, &result, 1);
    wasm_extern_delete(export);
    if (trap == NULL) {
        return result.of.i32;
    }
    embed_expect(trap, WJIT_TRAP_MEMORY_OUT_OF_BOUNDS, "out of bounds memory access");
    return -1;
}

// The same by a prepared call.
static int32_t prepared_byte_at(const wasm_instance_t *instance, const char *name,
                                const char *signature, size_t count, int32_t at)
{
    wjit_cell_t cells[MANY];
    wasm_extern_t *export = wjit_instance_export(instance, name, strlen(name));
    wjit_call_t *call = wjit_call_new(wasm_extern_as_func(export), signature, NULL);
    assert_non_null(call);
    memset(cells, 0x55, sizeof cells);
    for (size_t i = 0; i < count; i++) {
        cells[i].i32 = i + 1 == count ? at : -7;
    }
    wasm_trap_t *trap = wjit_call_run(call, cells);
    wjit_call_delete(call);
    wasm_extern_delete(export);
    if (trap == NULL) {
        return cells[0].i32;
    }
    embed_expect(trap, WJIT_TRAP_MEMORY_OUT_OF_BOUNDS, "out of bounds memory access");
    return -1;
}

static void test_addresses(void **state)
{
    const char *bounds = *state;
    static const struct {
        int32_t at, byte;
    } cases[] = {{16, 42}, {17, 0}, {65535, 0}, {65536, -1}, {-32, -1}, {INT32_MIN, -1}};
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_explicit_bounds(config, strcmp(bounds, "explicit") == 0);
    struct embed e;
    embed_open(&e, config);
    wasm_func_t *host = new_host(e.store);
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    e.instance = embed_instance(e.store, guest_dirty, sizeof guest_dirty, imports, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t at = cases[i].at;
        assert_int_equal(byte_at(e.instance, "by_host", 1, at), cases[i].byte);
        assert_int_equal(byte_at(e.instance, "by_param", 1, at), cases[i].byte);
        assert_int_equal(byte_at(e.instance, "by_stack", MANY, at), cases[i].byte);
        assert_int_equal(prepared_byte_at(e.instance, "by_host", "i:i", 1, at), cases[i].byte);
        assert_int_equal(prepared_byte_at(e.instance, "by_param", "i:i", 1, at), cases[i].byte);
        assert_int_equal(
            prepared_byte_at(e.instance, "by_stack", "iiiiiiiiiiiiiiiiiiii:i", MANY, at),
            cases[i].byte);
    }
    wasm_func_delete(host);
    embed_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"addresses with guard pages", test_addresses, NULL, NULL, "guarded"},
        {"addresses with explicit bounds", test_addresses, NULL, NULL, "explicit"},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
