// Calls into wasm and out of it: results, every trap with its words, backtraces, host functions,
// re-entry.
#include "tests/unit/runtime/embed.h"

struct host {
    wasm_instance_t *instance;
    int calls;
    int depth_left;
};

// 5: traps with a message; 6: exits; 7: calls back into wasm, depth_left deep; else adds one.
static wasm_trap_t *host_function(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                                  wjit_val_t *results)
{
    struct host *host = env;
    host->calls++;
    uint64_t size_bytes;
    bool has_memory = wjit_caller_memory(caller, &size_bytes) != NULL;
    assert_int_equal(has_memory, wjit_caller_instance(caller) != NULL);
    assert_int_equal(size_bytes % 65536, 0);
    wasm_store_t *store = wjit_caller_store(caller);
    if (args[0].of.i32 == 5) {
        wasm_message_t message;
        wasm_name_new_from_string_nt(&message, "the host says no");
        wasm_trap_t *trap = wasm_trap_new(store, &message);
        wasm_byte_vec_delete(&message);
        return trap;
    }
    if (args[0].of.i32 == 6) {
        return wjit_trap_new_exit(store, 42);
    }
    if (args[0].of.i32 == 7 && host->depth_left-- != 0) {
        int32_t result = 0;
        wasm_trap_t *trap = embed_call(host->instance, "call_host", &args[0].of.i32, 1, &result);
        results[0].of.i32 = result + 1;
        return trap;
    }
    results[0].of.i32 = args[0].of.i32 + 1;
    return NULL;
}

struct fixture {
    struct embed embed;
    struct host host;
};

static int setup_mode(void **state, bool explicit_bounds, wjit_compile_mode_t mode)
{
    struct fixture *f = calloc(1, sizeof *f);
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_explicit_bounds(config, explicit_bounds);
    wjit_config_set_compile_mode(config, mode);
    wjit_config_set_threads(config, 3);
    embed_open(&f->embed, config);
    wasm_func_t *host = embed_host(f->embed.store, host_function, &f->host);
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    f->embed.instance = embed_instance(f->embed.store, guest_calls, sizeof guest_calls, imports, 1);
    f->host.instance = f->embed.instance;
    wasm_func_delete(host);
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_mode(state, false, WJIT_COMPILE_LAZY);
}

static int setup_explicit(void **state)
{
    return setup_mode(state, true, WJIT_COMPILE_EAGER);
}

static int setup_parallel(void **state)
{
    return setup_mode(state, false, WJIT_COMPILE_PARALLEL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    embed_close(&f->embed);
    free(f);
    return 0;
}

static wasm_trap_t *call(struct fixture *f, const char *name, int32_t arg)
{
    return embed_call(f->embed.instance, name, &arg, 1, NULL);
}

static void test_results(void **state)
{
    struct fixture *f = *state;
    wasm_instance_t *instance = f->embed.instance;
    assert_int_equal(embed_value(instance, "fib", 20), 6765);
    assert_int_equal(embed_value(instance, "indirect", 0), 13);
    assert_int_equal(embed_value(instance, "indirect", 1), 8); // the host function
    assert_int_equal(embed_value(instance, "call_host", 1), 102);
    assert_int_equal(embed_value(instance, "fill", 100), 0x07070707);
    assert_int_equal(embed_value(instance, "host", 1), 2); // exported again
    assert_int_equal(embed_value(instance, "grow", 2), 1);
    assert_int_equal(embed_value(instance, "grow", 65536), -1);
    assert_int_equal(embed_value(instance, "load", 3 * 65536 - 4), 0);
}

static void test_traps(void **state)
{
    static const struct {
        const char *name;
        int32_t arg;
        wjit_trap_code_t code;
        const char *message;
    } rows[] = {
        {"load", 65533, WJIT_TRAP_MEMORY_OUT_OF_BOUNDS, "out of bounds memory access"},
        {"load", -1, WJIT_TRAP_MEMORY_OUT_OF_BOUNDS, "out of bounds memory access"},
        {"fill", 65521, WJIT_TRAP_MEMORY_OUT_OF_BOUNDS, "out of bounds memory access"},
        {"divide", 0, WJIT_TRAP_INTEGER_DIVIDE_BY_ZERO, "integer divide by zero"},
        {"divide_min", -1, WJIT_TRAP_INTEGER_OVERFLOW, "integer overflow"},
        {"truncate", INT32_MAX, WJIT_TRAP_INTEGER_OVERFLOW, "integer overflow"},
        {"indirect", 2, WJIT_TRAP_UNINITIALIZED_ELEMENT, "uninitialized element"},
        {"indirect", 3, WJIT_TRAP_INDIRECT_CALL_MISMATCH, "indirect call type mismatch"},
        {"indirect", 4, WJIT_TRAP_UNDEFINED_ELEMENT, "undefined element"},
        {"indirect", -1, WJIT_TRAP_UNDEFINED_ELEMENT, "undefined element"},
        {"deep", 0, WJIT_TRAP_CALL_STACK_EXHAUSTED, "call stack exhausted"},
        {"call_host", 5, WJIT_TRAP_HOST, "the host says no"},
    };
    struct fixture *f = *state;
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            embed_expect(call(f, rows[i].name, rows[i].arg), rows[i].code, rows[i].message);
            assert_int_equal(embed_value(f->embed.instance, "fib", 10), 55);
        }
        embed_expect(embed_call(f->embed.instance, "unreachable", NULL, 0, NULL),
                     WJIT_TRAP_UNREACHABLE, "unreachable");
    }
}

static void test_exit(void **state)
{
    wasm_trap_t *trap = call(*state, "call_host", 6);
    int status = 0;
    assert_non_null(trap);
    assert_int_equal(wjit_trap_code(trap), WJIT_TRAP_EXIT);
    assert_true(wjit_trap_exit_status(trap, &status));
    assert_int_equal(status, 42);
    wasm_trap_delete(trap);
}

static void check_frame(const wasm_frame_t *frame, const char *name)
{
    wasm_name_t got = wjit_frame_func_name(frame);
    assert_int_equal(got.size, strlen(name));
    assert_memory_equal(got.data, name, got.size);
    wasm_name_t module = wjit_frame_module_name(frame);
    assert_int_equal(module.size, 5);
    assert_memory_equal(module.data, "calls", 5);
}

static void test_backtrace(void **state)
{
    struct fixture *f = *state;
    wasm_trap_t *trap = call(f, "outer", -4);
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    assert_int_equal(frames.size, 2);
    check_frame(frames.data[0], "load");
    check_frame(frames.data[1], "outer");
    assert_ptr_equal(wasm_frame_instance(frames.data[0]), f->embed.instance);
    wasm_frame_vec_delete(&frames);
    wasm_trap_delete(trap);

    trap = call(f, "deep", 0);
    wasm_trap_trace(trap, &frames);
    assert_int_equal(frames.size, 1024);
    check_frame(frames.data[1023], "deep");
    wasm_frame_vec_delete(&frames);
    wasm_trap_delete(trap);

    trap = call(f, "divide", 0);
    wasm_frame_t *origin = wasm_trap_origin(trap);
    assert_int_equal(guest_calls[wasm_frame_module_offset(origin)], 0x6d); // i32.div_s
    wasm_frame_delete(origin);
    wasm_trap_delete(trap);
}

// Frames of all activations: wasm, host, wasm, host, ...
static void test_nested_backtrace(void **state)
{
    struct fixture *f = *state;
    f->host.depth_left = 3;
    assert_int_equal(embed_value(f->embed.instance, "call_host", 7), 8 + 100 + 3 * 101);
    assert_int_equal(f->host.calls, 4);
    f->host.depth_left = 100;
    assert_int_equal(embed_value(f->embed.instance, "call_host", 7), 8 + 100 + 100 * 101);
}

// Host and wasm call each other without end: the trap comes before either stack is used up.
static void test_endless_reentry(void **state)
{
    struct fixture *f = *state;
    f->host.depth_left = -1;
    wasm_trap_t *trap = call(f, "call_host", 7);
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    assert_true(frames.size > 50);
    check_frame(frames.data[0], "call_host");
    wasm_frame_vec_delete(&frames);
    embed_expect(trap, WJIT_TRAP_CALL_STACK_EXHAUSTED, "call stack exhausted");
    f->host.depth_left = 0;
    assert_int_equal(embed_value(f->embed.instance, "call_host", 7), 108);
}

static void test_wrong_calls(void **state)
{
    struct fixture *f = *state;
    wasm_extern_t *export = wjit_instance_export(f->embed.instance, "fib", 3);
    wasm_func_t *func = wasm_extern_as_func(export);
    wjit_val_t wide = {.kind = WASM_I64}, result;
    embed_expect(wjit_func_call(func, &wide, 1, &result, 1), WJIT_TRAP_HOST,
                 "an argument is not of the parameter's type");
    embed_expect(wjit_func_call(func, NULL, 0, &result, 1), WJIT_TRAP_HOST,
                 "wrong number of arguments or results");
    wasm_val_t args[] = {WASM_I32_VAL(9)}, results[] = {WASM_INIT_VAL};
    wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args), result_vec = WASM_ARRAY_VEC(results);
    assert_null(wasm_func_call(func, &arg_vec, &result_vec));
    assert_int_equal(results[0].kind, WASM_I32);
    assert_int_equal(results[0].of.i32, 34);
    assert_null(wjit_instance_export(f->embed.instance, "no such export", 14));
    wasm_extern_delete(export);
}

// (module (rec (type $t (sub (func (result i32))))) (table 2 funcref) (elem (i32.const 1) $f)
//   (func $f (type $t) (i32.const 42))
//   (func (export "at") (param i32) (result i32) (call_indirect (type $t) (local.get 0))))
static const uint8_t guest_open_type[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0c, 0x02, 0x50, 0x00, 0x60,
    0x00, 0x01, 0x7f, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x03, 0x03, 0x02, 0x00, 0x01, 0x04,
    0x04, 0x01, 0x70, 0x00, 0x02, 0x07, 0x06, 0x01, 0x02, 0x61, 0x74, 0x00, 0x01, 0x09,
    0x07, 0x01, 0x00, 0x41, 0x01, 0x0b, 0x01, 0x00, 0x0a, 0x0e, 0x02, 0x04, 0x00, 0x41,
    0x2a, 0x0b, 0x07, 0x00, 0x20, 0x00, 0x11, 0x00, 0x00, 0x0b,
};

// A type that may have subtypes is compared by the runtime, null or not.
static void test_open_type(void **state)
{
    (void) state;
    struct embed e;
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_features(config, WJIT_FEATURES_ALL);
    embed_open(&e, config);
    e.instance = embed_instance(e.store, guest_open_type, sizeof guest_open_type, NULL, 0);
    int32_t at = 1, result = 0;
    assert_null(embed_call(e.instance, "at", &at, 1, &result));
    assert_int_equal(result, 42);
    at = 0;
    embed_expect(embed_call(e.instance, "at", &at, 1, &result), WJIT_TRAP_UNINITIALIZED_ELEMENT,
                 "uninitialized element");
    embed_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_results, setup, teardown),
        cmocka_unit_test_setup_teardown(test_results, setup_explicit, teardown),
        cmocka_unit_test_setup_teardown(test_results, setup_parallel, teardown),
        cmocka_unit_test_setup_teardown(test_traps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_traps, setup_explicit, teardown),
        cmocka_unit_test_setup_teardown(test_traps, setup_parallel, teardown),
        cmocka_unit_test_setup_teardown(test_exit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backtrace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nested_backtrace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless_reentry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_calls, setup, teardown),
        cmocka_unit_test(test_open_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
