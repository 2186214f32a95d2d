// Pools: what comes out of one is as new, whatever its tenant before did (CVE-2022-39393); limits.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/runtime/embed.h"

static wjit_pool_t *open_pool(struct embed *e, const uint8_t *bytes, size_t size,
                              const wjit_pool_config_t *config, wjit_error_t *error)
{
    wasm_module_t *module = embed_module(e->store, bytes, size);
    wjit_pool_t *pool = wjit_pool_new(e->store, module, NULL, config, error);
    wasm_module_delete(module);
    return pool;
}

static wasm_instance_t *take(wjit_pool_t *pool)
{
    wasm_trap_t *trap = NULL;
    wjit_error_t error = {0};
    wasm_instance_t *instance = wjit_pool_take(pool, &trap, &error);
    assert_string_equal(error.message, "");
    assert_null(trap);
    assert_non_null(instance);
    return instance;
}

static void expect_new(wasm_instance_t *instance)
{
    wjit_cell_t cells[5];
    assert_null(embed_run(instance, "state", ":iliil", cells));
    assert_int_equal(cells[0].i32, 1);
    assert_int_equal(cells[1].i64, 'a' + 'b' + 'c');
    assert_int_equal(cells[2].i32, 2);
    assert_int_equal(cells[3].i32, 1); // null, then a function
    assert_int_equal(cells[4].i64, 5);
}

static void test_as_new(wjit_pool_config_t config, int32_t touched)
{
    struct embed e;
    embed_open(&e, NULL);
    wjit_pool_t *pool = open_pool(&e, guest_tenant, sizeof guest_tenant, &config, NULL);
    assert_non_null(pool);
    for (int round = 0; round < 8; round++) {
        wasm_instance_t *a = take(pool);
        wasm_instance_t *b = take(pool);
        expect_new(a);
        expect_new(b);
        assert_null(embed_run(a, "segments", ":", NULL));
        assert_null(embed_run(a, "dirty", ":", NULL));
        expect_new(b);
        for (int32_t i = 0; i < touched; i++) {
            wjit_cell_t at = {.i32 = i * 4096 + 5};
            assert_null(embed_run(b, "touch", "i:", &at));
        }
        assert_true(wjit_pool_give(pool, a));
        assert_true(wjit_pool_give(pool, b));
        // Grown anew, all that is new is zero and null.
        wasm_instance_t *c = take(pool);
        wjit_cell_t cells[5] = {{.i32 = 3}, {.i32 = 8}};
        assert_null(embed_run(c, "grow", "ii:i", cells));
        assert_null(embed_run(c, "state", ":iliil", cells));
        assert_int_equal(cells[0].i32, config.memory_max_bytes != 0 ? 4 : 1);
        assert_int_equal(cells[1].i64, 'a' + 'b' + 'c');
        assert_int_equal(cells[2].i32, 10);
        assert_int_equal(cells[3].i32, 1 << 8);
        embed_expect(embed_run(c, "touch", "i:", &(wjit_cell_t){.i32 = 4 << 16}),
                     WJIT_TRAP_MEMORY_OUT_OF_BOUNDS, "out of bounds memory access");
        assert_null(embed_run(c, "segments", ":", NULL));
        assert_true(wjit_pool_give(pool, c));
    }
    wjit_pool_delete(pool);
    embed_close(&e);
}

static void test_guarded(void **state)
{
    (void) state;
    for (int32_t touched = 0; touched <= 16; touched += 4) {
        test_as_new((wjit_pool_config_t){.instances = 2, .memory_max_bytes = 1 << 20}, touched);
    }
    test_as_new((wjit_pool_config_t){.instances = 2}, 3);
}

static void test_checked(void **state)
{
    (void) state;
    for (int32_t touched = 0; touched <= 16; touched += 4) {
        test_as_new((wjit_pool_config_t){.instances = 2,
                                         .memory_max_bytes = 1 << 20,
                                         .explicit_checks = true},
                    touched);
    }
    test_as_new((wjit_pool_config_t){.instances = 2, .explicit_checks = true}, 3);
}

// The bytes of the memory, and one past them, of neighbours and at both edges of the pool.
static void test_neighbours(void **state)
{
    (void) state;
    for (int is_checked = 0; is_checked < 2; is_checked++) {
        struct embed e;
        embed_open(&e, NULL);
        wjit_pool_config_t config = {.instances = 3, .explicit_checks = is_checked};
        wjit_pool_t *pool = open_pool(&e, guest_tenant, sizeof guest_tenant, &config, NULL);
        wasm_instance_t *all[3];
        for (int i = 0; i < 3; i++) {
            all[i] = take(pool);
        }
        for (int i = 0; i < 3; i++) {
            static const int32_t outside[] = {65536, 65537, 131072, INT32_MAX, INT32_MIN, -1};
            assert_null(embed_run(all[i], "touch", "i:", &(wjit_cell_t){.i32 = 65535}));
            for (size_t k = 0; k < sizeof outside / sizeof *outside; k++) {
                embed_expect(embed_run(all[i], "touch", "i:", &(wjit_cell_t){.i32 = outside[k]}),
                             WJIT_TRAP_MEMORY_OUT_OF_BOUNDS, "out of bounds memory access");
            }
        }
        wjit_error_t error = {0};
        wasm_trap_t *trap;
        assert_null(wjit_pool_take(pool, &trap, &error));
        assert_null(trap);
        assert_int_equal(error.kind, WJIT_ERROR_LIMIT);
        assert_true(wjit_pool_give(pool, all[1]));
        assert_ptr_not_equal(take(pool), NULL);
        wjit_pool_delete(pool);
        embed_close(&e);
    }
}

// Data that does not fit is a trap, each time; the memory's last byte may have some.
static void test_data(void **state)
{
    (void) state;
    for (int is_checked = 0; is_checked < 2; is_checked++) {
        // (memory 1) (data (i32.const 65535) "a"), or "ab"
        uint8_t bytes[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x05,
                           0x03, 0x01, 0x00, 0x01, 0x0b, 0x09, 0x01, 0x00, 0x41,
                           0xff, 0xff, 0x03, 0x0b, 0x01, 0x61, 0x62};
        struct embed e;
        embed_open(&e, NULL);
        wjit_pool_config_t config = {.instances = 3, .explicit_checks = is_checked};
        wjit_pool_t *pool = open_pool(&e, bytes, sizeof bytes - 1, &config, NULL);
        take(pool);
        wjit_pool_delete(pool);
        bytes[14] = 0x0a;
        bytes[22] = 0x02;
        pool = open_pool(&e, bytes, sizeof bytes, &config, NULL);
        for (int i = 0; i < 3; i++) {
            wasm_trap_t *trap;
            assert_null(wjit_pool_take(pool, &trap, NULL));
            embed_expect(trap, WJIT_TRAP_MEMORY_OUT_OF_BOUNDS, "out of bounds memory access");
        }
        wjit_pool_delete(pool);
        embed_close(&e);
    }
}

// The start function runs for each tenant, on a new instance.
static void test_start(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    wjit_pool_config_t config = {.instances = 1};
    wjit_pool_t *pool = open_pool(&e, guest_begin, sizeof guest_begin, &config, NULL);
    for (int i = 0; i < 3; i++) {
        wasm_instance_t *instance = take(pool);
        wjit_cell_t cells[1];
        assert_null(embed_run(instance, "count", ":i", cells));
        assert_int_equal(cells[0].i32, 1);
        assert_true(wjit_pool_give(pool, instance));
    }
    wjit_pool_delete(pool);
    embed_close(&e);
}

static void test_refused(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    wjit_error_t error = {0};
    wjit_pool_config_t config = {.instances = 0};
    assert_null(open_pool(&e, guest_begin, sizeof guest_begin, &config, &error));
    assert_int_equal(error.kind, WJIT_ERROR_USAGE);
    config.instances = 1;
    error = (wjit_error_t){0};
    assert_null(open_pool(&e, guest_shared, sizeof guest_shared, &config, &error));
    assert_int_equal(error.kind, WJIT_ERROR_UNSUPPORTED);
    // An instance that is no pool's, or another's.
    wjit_pool_t *pool = open_pool(&e, guest_begin, sizeof guest_begin, &config, NULL);
    wjit_pool_t *other = open_pool(&e, guest_begin, sizeof guest_begin, &config, NULL);
    wasm_instance_t *instance = take(pool), *there = take(other);
    e.instance = embed_instance(e.store, guest_begin, sizeof guest_begin, NULL, 0);
    assert_false(wjit_pool_give(pool, e.instance));
    assert_false(wjit_pool_give(pool, there));
    assert_false(wjit_pool_give(pool, NULL));
    assert_true(wjit_pool_give(pool, instance));
    assert_true(wjit_pool_give(other, there));
    // One that came back already, and one whose pool is no more.
    instance = take(pool);
    there = take(other);
    wasm_instance_t *again = wasm_instance_copy(instance);
    assert_true(wjit_pool_give(pool, instance));
    assert_false(wjit_pool_give(pool, again));
    wasm_instance_delete(again);
    wjit_pool_delete(other);
    assert_false(wjit_pool_give(pool, there));
    wasm_instance_delete(there);
    wjit_pool_delete(pool);
    embed_close(&e);
}

// Without address space for guard regions a pool checks, and works.
static void test_little_address_space(void **state)
{
    (void) state;
    struct embed e;
    embed_open(&e, NULL);
    wjit_pool_config_t config = {.instances = 100000};
    wjit_pool_t *pool = open_pool(&e, guest_tenant, sizeof guest_tenant, &config, NULL);
    assert_non_null(pool);
    wasm_instance_t *instance = take(pool);
    expect_new(instance);
    assert_null(embed_run(instance, "dirty", ":", NULL));
    assert_true(wjit_pool_give(pool, instance));
    instance = take(pool);
    expect_new(instance);
    assert_true(wjit_pool_give(pool, instance));
    wjit_pool_delete(pool);
    embed_close(&e);
}

// (module (memory 100) (data (i32.const 0) "x"))
static const uint8_t guest_large[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x05, 0x03, 0x01,
    0x00, 0x64, 0x0b, 0x07, 0x01, 0x00, 0x41, 0x00, 0x0b, 0x01, 0x78,
};

// A file of its data would be a signal, which ends the process.
static void test_little_file_size(void **state)
{
    (void) state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {1000000, 1000000};
        struct embed e;
        wjit_pool_config_t config = {.instances = 2};
        wjit_error_t error = {0};
        wasm_trap_t *trap = NULL;
        embed_open(&e, NULL);
        wjit_pool_t *pool = open_pool(&e, guest_large, sizeof guest_large, &config, &error);
        setrlimit(RLIMIT_FSIZE, &limit);
        wasm_instance_t *instance = pool == NULL ? NULL : wjit_pool_take(pool, &trap, &error);
        _exit(pool != NULL && instance == NULL && error.kind == WJIT_ERROR_NOMEM ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guarded),
        cmocka_unit_test(test_checked),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_little_address_space),
        cmocka_unit_test(test_little_file_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
