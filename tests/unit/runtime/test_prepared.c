// Calls prepared once: signatures, every type, traps, host functions, nesting, other threads.
#include <fenv.h>
#include <pthread.h>

#include "tests/unit/runtime/embed.h"

struct fixture {
    struct embed embed;
    wasm_instance_t *types;
    wjit_call_t *again; // that the host function calls
    int32_t depth_left;
};

static wasm_trap_t *host_function(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                                  wjit_val_t *results)
{
    struct fixture *f = env;
    if (args[0].of.i32 == -1) {
        wasm_message_t message;
        wasm_name_new_from_string_nt(&message, "refused");
        wasm_trap_t *trap = wasm_trap_new(wjit_caller_store(caller), &message);
        wasm_byte_vec_delete(&message);
        return trap;
    }
    results[0].of.i32 = args[0].of.i32 + 1;
    if (f->depth_left > 0) {
        f->depth_left--;
        wjit_cell_t cells[1] = {{.i32 = args[0].of.i32}};
        wasm_trap_t *trap = wjit_call_run(f->again, cells);
        results[0].of.i32 += cells[0].i32;
        return trap;
    }
    return NULL;
}

static wjit_call_t *prepare(wasm_instance_t *instance, const char *name, const char *signature,
                            wjit_error_t *error)
{
    wasm_extern_t *export = wjit_instance_export(instance, name, strlen(name));
    assert_non_null(export);
    wjit_call_t *call = wjit_call_new(wasm_extern_as_func(export), signature, error);
    wasm_extern_delete(export);
    return call;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    embed_open(&f->embed, NULL);
    wasm_func_t *host = embed_host(f->embed.store, host_function, f);
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    f->embed.instance = embed_instance(f->embed.store, guest_calls, sizeof guest_calls, imports, 1);
    f->types = embed_instance(f->embed.store, guest_types, sizeof guest_types, NULL, 0);
    wasm_func_delete(host);
    f->again = prepare(f->embed.instance, "call_host", "i:i", NULL);
    assert_non_null(f->again);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    wjit_call_delete(f->again);
    wasm_instance_delete(f->types);
    embed_close(&f->embed);
    free(f);
    return 0;
}

static void test_signatures(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {"",     ":",    "i",  "i:",  ":i",   "l:i", "i:l",
                                        "ii:i", "i:ii", "ii", "i i", "i:i ", "x:i", "i::i"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        wjit_error_t error = {0};
        assert_null(prepare(f->embed.instance, "fib", wrong[i], &error));
        assert_int_equal(error.kind, WJIT_ERROR_USAGE);
        assert_non_null(strstr(error.message, wrong[i]));
    }
    assert_null(prepare(f->types, "null", "r:", NULL));
    static const struct {
        const char *name, *signature;
    } right[] = {{"fib", "i:i"}, {"unreachable", ":"}, {"spin_host", "i:"}};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        wjit_call_t *call = prepare(f->embed.instance, right[i].name, right[i].signature, NULL);
        assert_non_null(call);
        wjit_call_delete(call);
    }
}

static void test_every_type(void **state)
{
    struct fixture *f = *state;
    wjit_call_t *call = prepare(f->types, "reverse", "lfdv:vdfl", NULL);
    assert_non_null(call);
    for (int i = 0; i < 3; i++) {
        wjit_cell_t cells[4] = {{.i64 = INT64_MIN + i}, {.f32 = 1.5f}, {.f64 = -2.25}};
        memcpy(cells[3].v128, "0123456789abcdef", 16);
        assert_null(wjit_call_run(call, cells));
        assert_memory_equal(cells[0].v128, "0123456789abcdef", 16);
        assert_true(cells[1].f64 == -2.25 && cells[2].f32 == 1.5f);
        assert_int_equal(cells[3].i64, INT64_MIN + i);
    }
    wjit_call_delete(call);
}

// After a trap, and after code that left to C, the next call finds all as it was.
static void test_traps(void **state)
{
    struct fixture *f = *state;
    wjit_signals_claim(); // cmocka installs its own for each test
    wjit_call_t *divide = prepare(f->embed.instance, "divide", "i:i", NULL);
    wjit_call_t *deep = prepare(f->embed.instance, "deep", "i:i", NULL);
    for (int i = 0; i < 5; i++) {
        wjit_cell_t cells[1] = {{.i32 = 0}};
        wasm_trap_t *trap = wjit_call_run(divide, cells);
        wasm_frame_vec_t frames;
        wasm_trap_trace(trap, &frames);
        assert_int_equal(frames.size, 1);
        wasm_frame_vec_delete(&frames);
        embed_expect(trap, WJIT_TRAP_INTEGER_DIVIDE_BY_ZERO, "integer divide by zero");
        cells[0].i32 = -1;
        embed_expect(wjit_call_run(f->again, cells), WJIT_TRAP_HOST, "refused");
        cells[0].i32 = 1;
        assert_null(wjit_call_run(f->again, cells));
        assert_int_equal(cells[0].i32, 102);
        embed_expect(wjit_call_run(deep, cells), WJIT_TRAP_CALL_STACK_EXHAUSTED,
                     "call stack exhausted");
        cells[0].i32 = 5;
        assert_null(wjit_call_run(divide, cells));
        assert_int_equal(cells[0].i32, 2);
    }
    wjit_call_delete(divide);
    wjit_call_delete(deep);
}

static void test_host_function(void **state)
{
    struct fixture *f = *state;
    wjit_call_t *call = prepare(f->embed.instance, "host", "i:i", NULL);
    assert_non_null(call);
    wjit_cell_t cells[1] = {{.i32 = 41}};
    assert_null(wjit_call_run(call, cells));
    assert_int_equal(cells[0].i32, 42);
    cells[0].i32 = -1;
    embed_expect(wjit_call_run(call, cells), WJIT_TRAP_HOST, "refused");
    wjit_call_delete(call);
}

static void test_nested(void **state)
{
    struct fixture *f = *state;
    f->depth_left = 50;
    wjit_cell_t cells[1] = {{.i32 = 7}};
    assert_null(wjit_call_run(f->again, cells));
    assert_int_equal(cells[0].i32, 108 * 51);
}

static void test_interrupted(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        wjit_cell_t cells[1] = {{.i32 = 1}};
        wjit_interrupt(f->embed.store);
        embed_expect(wjit_call_run(f->again, cells), WJIT_TRAP_INTERRUPTED, "interrupted");
        cells[0].i32 = 1;
        assert_null(wjit_call_run(f->again, cells));
        assert_int_equal(cells[0].i32, 102);
    }
}

static void *call_there(void *context)
{
    wjit_call_t *call = context;
    wjit_cell_t cells[1];
    for (int i = 0; i < 100; i++) {
        cells[0].i32 = i;
        if (wjit_call_run(call, cells) != NULL || cells[0].i32 != i + 101) {
            return NULL;
        }
    }
    return context;
}

// A store may move from thread to thread, and back.
static void test_threads(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        void *result;
        assert_int_equal(pthread_create(&thread, NULL, call_there, f->again), 0);
        pthread_join(thread, &result);
        assert_ptr_equal(result, f->again);
        assert_ptr_equal(call_there(f->again), f->again);
    }
}

// The other ways to call round as the specification has it, whatever the host does.
static void test_rounding(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(embed_value(f->embed.instance, "fib", 10), 55);
    fesetround(FE_UPWARD);
    assert_int_equal(embed_value(f->embed.instance, "fib", 10), 55);
    assert_int_equal(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_signatures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_type, setup, teardown),
        cmocka_unit_test_setup_teardown(test_traps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_host_function, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nested, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rounding, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
