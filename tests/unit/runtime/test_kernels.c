// Dispatch of kernels on the CPU: recognised behind a linker's wrapper, run on several threads with
// the portable body's results; what must run alone does.
#include <pthread.h>
#include <unistd.h>

#include "tests/unit/runtime/embed.h"

enum kernel { SQUARE = 1, TRAPPING, STACK, COUNTING, FILLING, SPINNING };

#define OUT 131072 // where kernels write

static void open_kernels(struct embed *e, uint32_t threads, bool is_on)
{
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_threads(config, threads);
    wjit_config_set_kernels(config, is_on);
    embed_open(e, config);
    e->instance = embed_instance(e->store, guest_kernels, sizeof guest_kernels, NULL, 0);
}

static wasm_trap_t *run(struct embed *e, const char *name, int32_t nx, int32_t ny, int32_t nz,
                        int32_t kernel)
{
    const int32_t args[] = {nx, ny, nz, kernel, OUT};
    return embed_call(e->instance, name, args, 5, NULL);
}

// Copies `count` words from `first` on.
static void words(struct embed *e, uint32_t first, uint32_t count, uint32_t *out)
{
    wasm_extern_t *memory = wjit_instance_export(e->instance, "memory", 6);
    const byte_t *data = wasm_memory_data(wasm_extern_as_memory(memory));
    memcpy(out, data + OUT + 4 * (size_t) first, 4 * (size_t) count);
    wasm_extern_delete(memory);
}

static uint32_t word(struct embed *e, uint32_t index)
{
    uint32_t value;
    words(e, index, 1, &value);
    return value;
}

struct report {
    const char *name;
    bool is_found;
    wjit_kernel_info_t info;
    char reason[240];
};

static void visit(void *env, const wjit_kernel_info_t *info)
{
    struct report *report = env;
    if (strcmp(info->name, report->name) == 0) {
        report->is_found = true;
        report->info = *info;
        strcpy(report->reason, info->reason);
    }
}

static struct report report_of(struct embed *e, const char *name)
{
    struct report report = {.name = name};
    wjit_engine_kernels(e->engine, visit, &report);
    return report;
}

static void test_results(void **state)
{
    (void) state;
    for (uint32_t threads = 1; threads <= 5; threads += 2) {
        struct embed e;
        open_kernels(&e, threads, true);
        assert_null(run(&e, "run", 1000, 300, 1, SQUARE));
        assert_null(run(&e, "wjit.parallel_for.v1", 10, 300, 2, SQUARE));
        static uint32_t out[600000];
        words(&e, 0, 600000, out);
        for (uint32_t i = 0; i < 600000; i++) {
            uint32_t x = i % 1000, z = i / 300000;
            assert_int_equal(out[i], z == 0 || x < 10 ? x * x + z : 0);
        }
        struct report report = report_of(&e, "square");
        assert_true(report.is_found);
        assert_int_equal(report.info.dispatches, 2);
        assert_int_equal(report.info.is_parallel, threads > 1);
        report = report_of(&e, "for"); // looked through the wrapper
        assert_true(report.is_found && report.info.is_dispatcher);
        assert_int_equal(report.info.dispatches, 2);
        embed_close(&e);
    }
}

static void test_stack_slices(void **state)
{
    (void) state;
    struct embed e;
    open_kernels(&e, 4, true);
    assert_null(run(&e, "run", 20000, 1, 1, STACK));
    for (uint32_t i = 0; i < 20000; i++) {
        assert_int_equal(word(&e, i), i * 256);
    }
    assert_true(report_of(&e, "stack").info.is_parallel);
    int32_t sp = 0;
    assert_null(embed_call(e.instance, "sp", NULL, 0, &sp));
    assert_int_equal(sp, 65536);
    embed_close(&e);
}

static void test_library_calls(void **state)
{
    (void) state;
    struct embed e;
    open_kernels(&e, 4, true);
    assert_null(run(&e, "run", 100000, 1, 1, FILLING));
    for (uint32_t i = 0; i < 400000; i++) {
        assert_int_equal(word(&e, i), i / 4 % 256 * 0x01010101u);
    }
    assert_true(report_of(&e, "filling").info.is_parallel);
    embed_close(&e);
}

// Writes to a global: the portable order, and every write seen.
static void test_alone(void **state)
{
    (void) state;
    struct embed e;
    open_kernels(&e, 4, true);
    assert_null(run(&e, "run", 1000, 10, 1, COUNTING));
    assert_int_equal(word(&e, 0), 10000);
    struct report report = report_of(&e, "counting");
    assert_false(report.info.is_parallel);
    assert_string_equal(report.reason, "writes a global");
    assert_int_equal(guest_kernels[report.info.reason_offset], 0x24); // global.set
    embed_close(&e);
}

static void test_traps(void **state)
{
    (void) state;
    for (uint32_t threads = 1; threads <= 4; threads += 3) {
        struct embed e;
        open_kernels(&e, threads, true);
        for (unsigned i = 0; i < 20; i++) {
            embed_expect(run(&e, "run", 100000, 1, 1, TRAPPING), WJIT_TRAP_INTEGER_DIVIDE_BY_ZERO,
                         "integer divide by zero");
            assert_null(run(&e, "run", 7777, 1, 1, TRAPPING));
        }
        embed_expect(run(&e, "run", 1, 1, 1, 0), WJIT_TRAP_UNINITIALIZED_ELEMENT,
                     "uninitialized element");
        embed_expect(run(&e, "run", 1, 1, 1, 8), WJIT_TRAP_UNDEFINED_ELEMENT, "undefined element");
        // Zero items: nothing happens, not even for a bad kernel.
        assert_null(run(&e, "run", 0, 1, 1, 8));
        assert_null(run(&e, "run", 1, 1, 0, 8));
        embed_close(&e);
    }
}

// ---- Groups -------------------------------------------------------------------------------------

enum group_kernel { REVERSE = 1, GROUP_TRAPPING, ZEROS, GROUP_COUNTING, GROUP_SPINNING, BARRIER };

static void open_groups_in(struct embed *e, uint32_t threads, wjit_lanes_t lanes)
{
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_threads(config, threads);
    wjit_config_set_lanes(config, lanes);
    embed_open(e, config);
    e->instance = embed_instance(e->store, guest_groups, sizeof guest_groups, NULL, 0);
}

static void open_groups(struct embed *e, uint32_t threads)
{
    open_groups_in(e, threads, WJIT_LANES_AUTO);
}

struct groups {
    int32_t x, y, z, items, phases, shared_bytes, own_bytes, kernel;
};

static wasm_trap_t *run_groups(struct embed *e, const char *name, struct groups g)
{
    const int32_t args[] = {g.x,         g.y,      g.z,          g.items, g.phases, g.shared_bytes,
                            g.own_bytes, g.kernel, 262144 + 4096};
    return embed_call(e->instance, name, args, 9, NULL);
}

static uint32_t group_word(struct embed *e, uint32_t index)
{
    return word(e, (262144 + 4096 - OUT) / 4 + index);
}

static void test_groups(void **state)
{
    (void) state;
    for (uint32_t threads = 1; threads <= 5; threads += 2) {
        struct embed e;
        open_groups(&e, threads);
        const char *const names[] = {"run", "wjit.parallel_groups.v1"};
        for (unsigned i = 0; i < 2; i++) {
            assert_null(
                run_groups(&e, names[i], (struct groups){1000, 6, 1, 8, 2, 32, 8, REVERSE}));
            for (uint32_t at = 0; at < 6 * 1000 * 8; at++) {
                uint32_t x = at / 8 % 1000, item = at % 8;
                uint32_t expected = 7 - item + x * 100 + (item + 1) * 2 * 1000000;
                assert_int_equal(group_word(&e, at), expected);
            }
        }
        assert_null(run_groups(&e, "run", (struct groups){300, 2, 3, 40, 3, 160, 20, ZEROS}));
        assert_int_equal(group_word(&e, 0), 7 + 2000000);
        int32_t sp = 262144;
        assert_null(embed_call(e.instance, "set_sp", &sp, 1, &sp));
        assert_int_equal(sp, 262144);
        struct report report = report_of(&e, "reverse");
        assert_true(report.is_found);
        assert_int_equal(report.info.is_parallel, threads > 1);
        assert_int_equal(report.info.dispatches, 2);
        report = report_of(&e, "groups"); // looked through the wrapper
        assert_true(report.is_found && report.info.is_dispatcher);
        embed_close(&e);
    }
}

// One item at a time, a group's items come in order in every phase. (In lanes they come together:
// none may look at what others of its phase store, as these do.)
static void test_group_order(void **state)
{
    (void) state;
    for (uint32_t threads = 1; threads <= 5; threads += 2) {
        struct embed e;
        open_groups_in(&e, threads, WJIT_LANES_OFF);
        assert_null(run_groups(&e, "run", (struct groups){5000, 2, 3, 8, 5, 4, 0, BARRIER}));
        assert_int_equal(group_word(&e, 0), 0); // nobody complained
        embed_close(&e);
    }
}

// Each limit at its edge, and beyond it: the portable body traps. Zero of anything: nothing
// happens, not even for a bad kernel or with sizes beyond the limits.
static void test_group_limits(void **state)
{
    (void) state;
    struct embed e;
    open_groups(&e, 4);
    assert_null(run_groups(&e, "run", (struct groups){9, 1, 1, 128, 3, 16384, 128, ZEROS}));
    assert_int_equal(group_word(&e, 0), 0);
    const struct groups beyond[] = {
        {9, 1, 1, 129, 3, 1024, 20, ZEROS},
        {9, 1, 1, 1, 1, 16385, 20, ZEROS},
        {9, 1, 1, 128, 1, 1024, 129, ZEROS},
        {9, 1, 1, 1, 1, 1024, 16385, ZEROS},
    };
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        embed_expect(run_groups(&e, "run", beyond[i]), WJIT_TRAP_UNREACHABLE, "unreachable");
        embed_close(&e);
        open_groups(&e, 4);
    }
    const struct groups nothing[] = {
        {0, 1, 1, 8, 1, 0, 0, 99}, {1, 0, 1, 8, 1, 0, 0, 99},      {1, 1, 0, 8, 1, 0, 0, 99},
        {1, 1, 1, 0, 1, 0, 0, 99}, {1, 1, 1, 500, 0, 99999, 0, 0},
    };
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        assert_null(run_groups(&e, "run", nothing[i]));
    }
    embed_close(&e);
}

static void test_group_traps(void **state)
{
    (void) state;
    for (uint32_t threads = 1; threads <= 4; threads += 3) {
        struct embed e;
        open_groups(&e, threads);
        for (unsigned i = 0; i < 20; i++) {
            int32_t sp = 262144;
            embed_expect(
                run_groups(&e, "run", (struct groups){20000, 1, 1, 4, 2, 8, 0, GROUP_TRAPPING}),
                WJIT_TRAP_INTEGER_DIVIDE_BY_ZERO, "integer divide by zero");
            assert_null(embed_call(e.instance, "set_sp", &sp, 1, &sp));
            assert_true(threads == 1 || sp == 262144);
            assert_null(
                run_groups(&e, "run", (struct groups){777, 1, 1, 4, 2, 8, 0, GROUP_TRAPPING}));
        }
        embed_expect(run_groups(&e, "run", (struct groups){1, 1, 1, 1, 1, 0, 0, 0}),
                     WJIT_TRAP_UNINITIALIZED_ELEMENT, "uninitialized element");
        embed_close(&e);
    }
}

// What writes a global runs alone. So does what has no room for slices of the stack: the scratch
// memory of the portable body still fits.
static void test_groups_alone(void **state)
{
    (void) state;
    struct embed e;
    open_groups(&e, 4);
    assert_null(run_groups(&e, "run", (struct groups){100, 2, 5, 8, 3, 16, 16, GROUP_COUNTING}));
    assert_int_equal(group_word(&e, 0), 24000);
    assert_false(report_of(&e, "counting").info.is_parallel);
    assert_string_equal(report_of(&e, "counting").reason, "writes a global");
    const int32_t pointers[] = {1024, 262144 + 4096};
    for (unsigned i = 0; i < 2; i++) {
        int32_t sp = pointers[i];
        assert_null(embed_call(e.instance, "set_sp", &sp, 1, &sp));
        assert_null(run_groups(&e, "run", (struct groups){1000, 1, 1, 8, 2, 32, 8, REVERSE}));
        assert_false(report_of(&e, "reverse").info.is_parallel);
        assert_int_equal(group_word(&e, 999 * 8), 7 + 99900 + 2000000);
        assert_null(embed_call(e.instance, "set_sp", &sp, 1, &sp));
        assert_int_equal(sp, pointers[i]);
    }
    embed_close(&e);
}

static void test_off(void **state)
{
    (void) state;
    struct embed e;
    open_kernels(&e, 4, false);
    assert_null(run(&e, "run", 1000, 1, 1, SQUARE));
    assert_int_equal(word(&e, 999), 999 * 999);
    assert_false(report_of(&e, "square").is_found);
    embed_close(&e);
}

static void *stop(void *store)
{
    usleep(30000);
    wjit_interrupt(store);
    return NULL;
}

static void test_interrupted(void **state)
{
    (void) state;
    for (uint32_t threads = 1; threads <= 4; threads += 3) {
        struct embed e;
        open_kernels(&e, threads, true);
        for (unsigned i = 0; i < 5; i++) {
            pthread_t thread;
            assert_int_equal(pthread_create(&thread, NULL, stop, e.store), 0);
            wasm_trap_t *trap = run(&e, "run", 100, 1, 1, SPINNING);
            pthread_join(thread, NULL);
            embed_expect(trap, WJIT_TRAP_INTERRUPTED, "interrupted");
            assert_null(run(&e, "run", 1000, 30, 1, SQUARE));
        }
        embed_close(&e);
    }
}

static void test_group_interrupted(void **state)
{
    (void) state;
    struct embed e;
    open_groups(&e, 4);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop, e.store), 0);
    wasm_trap_t *trap =
        run_groups(&e, "run", (struct groups){100, 1, 1, 8, 2, 8, 8, GROUP_SPINNING});
    pthread_join(thread, NULL);
    embed_expect(trap, WJIT_TRAP_INTERRUPTED, "interrupted");
    assert_null(run_groups(&e, "run", (struct groups){1000, 1, 1, 8, 2, 32, 8, REVERSE}));
    embed_close(&e);
}

// One memory under two indices: what goes in by one is read by the other, on the CPU and on a
// device (where there is one), whose buffer of it is one, too.
static void test_memory_twice(void **state)
{
    (void) state;
    const wjit_gpu_memory_t memories[] = {WJIT_GPU_MEMORY_AUTO, WJIT_GPU_MEMORY_MIRROR};
    for (unsigned way = 0; way < 5; way++) {
        struct embed e;
        wasm_config_t *config = wasm_config_new();
        wjit_config_set_threads(config, 2);
        wjit_config_set_check_kernels(config, way == 3);
        wjit_config_set_gpu_verify(config, way == 4 ? 1.0 : 0.0);
        wjit_config_set_gpu_memory(config, memories[way == 2]);
        wjit_config_set_gpu(config, way == 0 ? NULL : "any");
        wjit_error_t error = {0};
        e.engine = wjit_engine_new(config, &error);
        if (e.engine == NULL && way != 0 && error.kind == WJIT_ERROR_DEVICE) {
            print_message("no device: %s\n", error.message);
            break;
        }
        e.store = wasm_store_new(e.engine);
        const wasm_limits_t limits = {2, 2};
        wasm_memorytype_t *type = wasm_memorytype_new(&limits);
        wasm_memory_t *memory = wasm_memory_new(e.store, type);
        wasm_memorytype_delete(type);
        wasm_extern_t *imports[] = {wasm_memory_as_extern(memory), wasm_memory_as_extern(memory)};
        e.instance = embed_instance(e.store, guest_twice, sizeof guest_twice, imports, 2);
        const int32_t args[] = {5000, 1, 1, 0, 4096};
        assert_null(embed_call(e.instance, "wjit.parallel_for.v1", args, 5, NULL));
        for (uint32_t i = 0; i < 5000; i++) {
            uint32_t low = (i & 0xff) | ((i & 0xff) + 7) % 256 << 8;
            uint32_t value;
            memcpy(&value, wasm_memory_data(memory) + 4096 + 4 * i, 4);
            assert_int_equal(value, (low | low << 16) * 3);
        }
        struct report report = report_of(&e, "kernel");
        assert_true(report.is_found && report.info.dispatches == 1);
        assert_true(way == 0 || report.info.on_gpu || report.reason[0] != '\0');
        wasm_memory_delete(memory);
        embed_close(&e);
    }
}

// A GPU process that cannot be started, or that is none: an error of the device, no hang.
static void test_no_gpu_process(void **state)
{
    (void) state;
    const char *const commands[] = {"/nonexistent/wjit", "/bin/false", "/bin/true", "/dev/null"};
    for (unsigned i = 0; i < 4; i++) {
        wasm_config_t *config = wasm_config_new();
        wjit_error_t error = {.kind = WJIT_ERROR_NONE};
        wjit_config_set_gpu(config, "any");
        wjit_config_set_gpu_isolate(config, commands[i]);
        assert_null(wjit_engine_new(config, &error));
        assert_int_equal(error.kind, WJIT_ERROR_DEVICE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        // First, as what qemu does at a fork grows with all that was ever mapped.
        cmocka_unit_test(test_no_gpu_process),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_stack_slices),
        cmocka_unit_test(test_library_calls),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_traps),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_group_order),
        cmocka_unit_test(test_group_limits),
        cmocka_unit_test(test_group_traps),
        cmocka_unit_test(test_groups_alone),
        cmocka_unit_test(test_memory_twice),
        cmocka_unit_test(test_group_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
