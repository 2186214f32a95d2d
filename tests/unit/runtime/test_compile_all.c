// All functions compiled at once: the code goes to the file under the region by way of a small
// buffer, on one thread or several, beside threads that run what is there, in a forked child, and
// where the system does not play along.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/api/internal.h"
#include "runtime/vm/cwasm.h"
#include "tests/unit/runtime/build.h"
#include "tests/unit/runtime/embed.h"

// Function i is (x) -> f(i - 1)(x), then STEPS(i) times x = (x ^ c) * 3 with c = 1 to 63. Most are
// small; the code of one exceeds the buffer, that of another the stretch that a thread takes.
enum { FUNCS = 400, LARGE = 100, LARGER = 250 };

static unsigned steps(unsigned func)
{
    return func == LARGE ? 20000 : func == LARGER ? 60000 : 5 + func % 37;
}

static uint32_t expected(uint32_t x)
{
    for (unsigned f = 0; f < FUNCS; f++) {
        for (unsigned i = 0; i < steps(f); i++) {
            x = (x ^ (1 + (f + i) % 63)) * 3;
        }
    }
    return x;
}

static void put_body(struct bytes *b, unsigned func)
{
    struct bytes body = {malloc(16 + 10 * steps(func)), 0};
    PUT(&body, 0x00); // no locals
    if (func != 0) {
        PUT(&body, 0x20, 0x00, 0x10); // local.get 0, call
        put_u32(&body, func - 1);
        PUT(&body, 0x21, 0x00); // local.set 0
    }
    for (unsigned i = 0; i < steps(func); i++) {
        PUT(&body, 0x20, 0x00, 0x41, (uint8_t) (1 + (func + i) % 63), 0x73); // i32.xor
        PUT(&body, 0x41, 0x03, 0x6c, 0x21, 0x00);                            // i32.mul, local.set
    }
    PUT(&body, 0x20, 0x00, 0x0b);
    put_sized(b, &body);
    free(body.data);
}

static struct bytes build(void)
{
    size_t most = 100000;
    for (unsigned f = 0; f < FUNCS; f++) {
        most += 32 + 10 * (size_t) steps(f);
    }
    struct bytes b = {malloc(most), 0};
    struct bytes part = {malloc(most), 0};
    PUT(&b, 0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
    PUT(&b, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f); // type 0: (i32) -> (i32)
    put_u32(&part, FUNCS);
    for (unsigned f = 0; f < FUNCS; f++) {
        put_u32(&part, 0);
    }
    PUT(&b, 0x03);
    put_sized(&b, &part);
    PUT(&part, 0x01, 0x01, 'f', 0x00);
    put_u32(&part, FUNCS - 1);
    PUT(&b, 0x07);
    put_sized(&b, &part);
    put_u32(&part, FUNCS);
    for (unsigned f = 0; f < FUNCS; f++) {
        put_body(&part, f);
    }
    PUT(&b, 0x0a);
    put_sized(&b, &part);
    free(part.data);
    return b;
}

// The module in a store of an engine of its own.
struct fixture {
    struct bytes bytes;
    struct embed e;
    wasm_module_t *module;
};

static void fixture_open(struct fixture *f, wjit_compile_mode_t mode)
{
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_compile_mode(config, mode);
    wjit_config_set_threads(config, 4);
    embed_open(&f->e, config);
    f->bytes = build();
    f->module = embed_module(f->e.store, f->bytes.data, f->bytes.size);
}

static void fixture_close(struct fixture *f)
{
    wasm_module_delete(f->module);
    embed_close(&f->e);
    free(f->bytes.data);
}

static wasm_instance_t *instantiate(wasm_store_t *store, wasm_module_t *module)
{
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_trap_t *trap = NULL;
    wasm_instance_t *instance = wjit_instance_new(store, module, &none, &trap, NULL);
    assert_non_null(instance);
    return instance;
}

static bool is_right(const wasm_instance_t *instance, int32_t x)
{
    int32_t result = 0;
    wasm_trap_t *trap = embed_call(instance, "f", &x, 1, &result);
    if (trap != NULL) {
        wasm_trap_delete(trap);
        return false;
    }
    return (uint32_t) result == expected((uint32_t) x);
}

static void check_mode(wjit_compile_mode_t mode)
{
    struct fixture f;
    fixture_open(&f, mode);
    assert_true(wjit_module_compile(f.module, NULL));
    f.e.instance = instantiate(f.e.store, f.module);
    assert_true(is_right(f.e.instance, 7));
    assert_true(is_right(f.e.instance, -7));
    fixture_close(&f);
}

static void test_eager(void **state)
{
    (void) state;
    check_mode(WJIT_COMPILE_EAGER);
}

static void test_parallel(void **state)
{
    (void) state;
    check_mode(WJIT_COMPILE_PARALLEL);
}

struct runner {
    wasm_engine_t *engine;
    wasm_shared_module_t *shared;
    _Atomic bool ends;
    _Atomic unsigned runs, failures;
};

// New instances all the time, which compile what they call.
static void *run_instances(void *context)
{
    struct runner *runner = context;
    do {
        wasm_store_t *store = wasm_store_new(runner->engine);
        wasm_module_t *module = wasm_module_obtain(store, runner->shared);
        wasm_instance_t *instance = instantiate(store, module);
        runner->failures += !is_right(instance, 3);
        runner->runs++;
        wasm_instance_delete(instance);
        wasm_module_delete(module);
        wasm_store_delete(store);
    } while (!runner->ends);
    return NULL;
}

static void test_beside_others(void **state)
{
    (void) state;
    for (unsigned round = 0; round < (embed_is_emulated() ? 1 : 5); round++) {
        struct fixture f;
        fixture_open(&f, WJIT_COMPILE_LAZY);
        struct runner runner = {.engine = f.e.engine, .shared = wasm_module_share(f.module)};
        pthread_t threads[2];
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, run_instances, &runner), 0);
        }
        assert_true(wjit_module_compile(f.module, NULL));
        runner.ends = true;
        for (unsigned i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
        }
        assert_int_equal(runner.failures, 0);
        assert_true(runner.runs >= 2);
        f.e.instance = instantiate(f.e.store, f.module);
        assert_true(is_right(f.e.instance, 11));
        wasm_shared_module_delete(runner.shared);
        fixture_close(&f);
    }
}

// How many functions of a module are compiled by the first call of its f, with 0.
static uint64_t compiled_by_call(const uint8_t *module, size_t size_bytes)
{
    struct embed e;
    embed_open(&e, NULL);
    e.instance = embed_instance(e.store, module, size_bytes, NULL, 0);
    wasm_extern_t *export = wjit_instance_export(e.instance, "f", 1);
    wjit_val_t argument = {.kind = WASM_I32, .of.i32 = 0};
    assert_null(wjit_func_call(wasm_extern_as_func(export), &argument, 1, NULL, 0));
    uint64_t count = e.engine->engine->stats.funcs_compiled;
    wasm_extern_delete(export);
    embed_close(&e);
    return count;
}

// Lazily, what a function's loops call is compiled before it, called or not; what it calls
// elsewhere is not.
static void test_callees_of_loops(void **state)
{
    (void) state;
    // f(n): while (n) one(n); if (n) three(n). one(n): while (n) two(n)
    static const uint8_t module[] = {
        0,    'a',  's',  'm',  1,    0,    0,    0,    1,    5,    1,    0x60, 1,    0x7f, 0,
        3,    5,    4,    0,    0,    0,    0,    7,    5,    1,    1,    'f',  0,    0,    10,
        50,   4,    25,   0,    3,    0x40, 0x20, 0,    4,    0x40, 0x20, 0,    0x10, 1,    0x0c,
        1,    0x0b, 0x0b, 0x20, 0,    4,    0x40, 0x20, 0,    0x10, 3,    0x0b, 0x0b, 16,   0,
        3,    0x40, 0x20, 0,    4,    0x40, 0x20, 0,    0x10, 2,    0x0c, 1,    0x0b, 0x0b, 0x0b,
        2,    0,    0x0b, 2,    0,    0x0b};
    assert_int_equal(compiled_by_call(module, sizeof module), 3);
    // one(n) calls a function of 17 parameters: its code may be much more than its bytes.
    static const uint8_t wide[] = {
        0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0x19, 2, 0x60, 1, 0x7f, 0, 0x60, 0x11, 0x7f, 0x7f,
        0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f,
        0, 3, 4, 3, 0, 0, 1, 7, 5, 1, 1, 0x66, 0, 0, 0xa, 0x3c, 3, 0x10, 0, 3, 0x40, 0x20, 0, 4,
        0x40, 0x20, 0, 0x10, 1, 0xc, 1, 0xb, 0xb, 0xb, 0x26, 0, 0x20, 0, 0x20, 0, 0x20, 0, 0x20,
        0, 0x20, 0, 0x20, 0, 0x20, 0, 0x20, 0, 0x20, 0, 0x20, 0, 0x20, 0, 0x20, 0, 0x20, 0, 0x20,
        0, 0x20, 0, 0x20, 0, 0x20, 0, 0x10, 2, 0xb, 2, 0, 0xb};
    assert_int_equal(compiled_by_call(wide, sizeof wide), 1);
}

// What goes wrong with the writes of this process, which pass through here: none of them, or all.
static _Atomic int write_error;

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (write_error != 0) {
        errno = write_error;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

// Functions that others call directly are lost when a write fails: none of them may run, and all
// are compiled again when they are called.
static void test_failing_write(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, WJIT_COMPILE_LAZY);
    wjit_error_t error = {0};
    write_error = ENOSPC;
    assert_false(wjit_module_compile(f.module, &error));
    write_error = 0;
    assert_string_equal(error.message, "no memory for machine code: No space left on device");
    f.e.instance = instantiate(f.e.store, f.module);
    assert_true(is_right(f.e.instance, 5));
    wasm_byte_vec_t file;
    assert_true(wjit_module_serialize(f.module, NULL, &file, &error));
    size_t func_bytes = wj_cwasm_header((uint8_t *) file.data)->parts[WJ_CWASM_FUNCS].size_bytes;
    assert_int_equal(func_bytes, FUNCS * sizeof(struct wj_cwasm_func));
    wasm_byte_vec_delete(&file);
    assert_true(is_right(f.e.instance, 6));
    fixture_close(&f);
}

// The backend, but that it does not compile function 1 while `fails_later`.
static const struct wj_backend *whole_backend;
static bool fails_later;

static bool compile_but_later(const struct wj_compile_request *request, struct wj_code_info *info,
                              bool *needs_room, struct wj_err *err)
{
    if (fails_later && request->func_index == 1) {
        *needs_room = false;
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "later is missing");
    }
    return whole_backend->compile(request, info, needs_room, err);
}

// A function that failed is called by way of its stub, by those that were compiled before it: it
// traps, or is compiled after all.
static void test_missing_function(void **state)
{
    (void) state;
    // f(x) = later(x) + 1, later(x) = 3 * x
    static const uint8_t module[] = {
        0, 'a',  's', 'm',  1, 0,    0,    0, 1,   6,    1, 0x60, 1,  0x7f, 1,   0x7f, 3,
        3, 2,    0,   0,    7, 5,    1,    1, 'f', 0,    0, 10,   19, 2,    9,   0,    0x20,
        0, 0x10, 1,   0x41, 1, 0x6a, 0x0b, 7, 0,   0x20, 0, 0x41, 3,  0x6c, 0x0b};
    struct embed e;
    embed_open(&e, NULL);
    struct wj_engine *engine = e.engine->engine;
    whole_backend = engine->ports.backend;
    struct wj_backend backend = *whole_backend;
    backend.compile = compile_but_later;
    engine->ports.backend = &backend;
    fails_later = true;
    wjit_error_t error = {0};
    wasm_module_t *made = embed_module(e.store, module, sizeof module);
    assert_false(wjit_module_compile(made, &error));
    assert_string_equal(error.message, "later is missing");
    assert_int_equal(engine->stats.funcs_compiled, 1); // f stays
    e.instance = instantiate(e.store, made);
    wasm_module_delete(made);
    embed_expect(embed_call(e.instance, "f", &(int32_t){7}, 1, NULL), WJIT_TRAP_HOST,
                 "later is missing");
    fails_later = false;
    assert_int_equal(embed_value(e.instance, "f", 7), 22);
    assert_int_equal(engine->stats.funcs_compiled, 2);
    embed_close(&e);
}

static int next_descriptor(void)
{
    int next = dup(0);
    assert_true(next >= 0);
    close(next);
    return next;
}

// Code memory keeps no descriptor, however it was written.
static void test_descriptors(void **state)
{
    (void) state;
    const wjit_compile_mode_t modes[] = {WJIT_COMPILE_LAZY, WJIT_COMPILE_EAGER,
                                         WJIT_COMPILE_PARALLEL};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct fixture f;
        wasm_byte_vec_t file;
        int before = next_descriptor();
        fixture_open(&f, modes[i]);
        f.e.instance = instantiate(f.e.store, f.module);
        assert_int_equal(next_descriptor(), before);
        assert_true(wjit_module_serialize(f.module, NULL, &file, NULL));
        assert_int_equal(next_descriptor(), before);
        wasm_module_t *loaded = wjit_module_deserialize(f.e.store, &file, NULL);
        wasm_byte_vec_delete(&file);
        assert_int_equal(next_descriptor(), before);
        assert_true(is_right(instantiate(f.e.store, loaded), 7));
        assert_int_equal(next_descriptor(), before);
        static const uint8_t empty[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00};
        wasm_instance_delete(embed_instance(f.e.store, empty, sizeof empty, NULL, 0));
        assert_int_equal(next_descriptor(), before);
        wasm_module_delete(loaded);
        fixture_close(&f);
    }
}

// Code that is compiled to be written is read from the region's file, other code from a view of it.
static void test_serialized(void **state)
{
    (void) state;
    struct fixture f, g;
    fixture_open(&f, WJIT_COMPILE_LAZY);
    fixture_open(&g, WJIT_COMPILE_LAZY);
    int next = next_descriptor();
    wasm_byte_vec_t at_once, later;
    assert_true(wjit_module_serialize(f.module, NULL, &at_once, NULL));
    assert_true(wjit_module_compile(g.module, NULL));
    assert_true(wjit_module_serialize(g.module, NULL, &later, NULL));
    assert_int_equal(at_once.size, later.size);
    assert_memory_equal(at_once.data, later.data, later.size);
    assert_int_equal(next_descriptor(), next); // none is kept
    wasm_byte_vec_delete(&at_once);
    wasm_byte_vec_delete(&later);
    fixture_close(&f);
    fixture_close(&g);
}

enum limits { LIMITS_FILES, LIMITS_FILE_BYTES, LIMITS_ADDRESSES };

static size_t address_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return pages * 4096;
}

static void set_limit(enum limits limits)
{
    if (limits == LIMITS_FILES) {
        rlim_t next = (rlim_t) next_descriptor();
        struct rlimit few = {next, next};
        setrlimit(RLIMIT_NOFILE, &few);
    }
    if (limits == LIMITS_FILE_BYTES) {
        struct rlimit few = {1 << 20, 1 << 20};
        setrlimit(RLIMIT_FSIZE, &few);
    }
    if (limits == LIMITS_ADDRESSES) {
        rlim_t bytes = address_bytes() + (16 << 20);
        struct rlimit few = {bytes, bytes};
        setrlimit(RLIMIT_AS, &few);
    }
}

static void expect_success(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

// In a child, where what the parent compiled is still there, and what it compiles later is not.
static void test_child(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, WJIT_COMPILE_LAZY);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        f.e.instance = instantiate(f.e.store, f.module);
        _exit(wjit_module_compile(f.module, NULL) && is_right(f.e.instance, 9) ? 0 : 1);
    }
    assert_true(wjit_module_compile(f.module, NULL));
    f.e.instance = instantiate(f.e.store, f.module);
    assert_true(is_right(f.e.instance, 9));
    expect_success(child);
    fixture_close(&f);
}

// Limits that came after the module are no reason not to compile it.
static void check_limits(enum limits limits)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct fixture f;
        fixture_open(&f, WJIT_COMPILE_LAZY);
        f.e.instance = instantiate(f.e.store, f.module);
        set_limit(limits);
        wjit_error_t error = {0};
        bool is_ok = wjit_module_compile(f.module, &error) && is_right(f.e.instance, 9);
        if (!is_ok) {
            print_error("%s\n", error.message);
        }
        _exit(is_ok ? 0 : 1);
    }
    expect_success(child);
}

static void test_limits(void **state)
{
    (void) state;
    check_limits(LIMITS_FILES);
    check_limits(LIMITS_FILE_BYTES);
    check_limits(LIMITS_ADDRESSES);
}

// A child has to copy code before it compiles more, for which the limits may leave no room: that is
// an error or none, and no signal.
static void check_limited_child(enum limits limits, bool is_possible)
{
    struct fixture f;
    fixture_open(&f, WJIT_COMPILE_LAZY);
    f.e.instance = instantiate(f.e.store, f.module);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        set_limit(limits);
        _exit(is_right(f.e.instance, 9) == is_possible ? 0 : 1);
    }
    expect_success(child);
    fixture_close(&f);
}

static void test_limited_child(void **state)
{
    (void) state;
    check_limited_child(LIMITS_FILE_BYTES, false);
    check_limited_child(LIMITS_ADDRESSES, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eager),         cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_beside_others), cmocka_unit_test(test_callees_of_loops),
        cmocka_unit_test(test_failing_write), cmocka_unit_test(test_serialized),
        cmocka_unit_test(test_child),         cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limited_child), cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_missing_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
