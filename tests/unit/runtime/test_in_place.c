// Modules whose bytes stay where the host has them: used there, and given back exactly once.
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/runtime/embed.h"

// Bytes that end where their allocation does, so that a read behind them is found.
struct loan {
    char *bytes;
    int released;
};

static void release(void *env)
{
    struct loan *loan = env;
    loan->released++;
    free(loan->bytes);
    loan->bytes = NULL;
}

static wasm_module_t *lend(struct embed *e, struct loan *loan, const uint8_t *bytes, size_t size,
                           wjit_error_t *error)
{
    *loan = (struct loan){.bytes = malloc(size + 1)};
    assert_non_null(loan->bytes);
    loan->bytes = realloc(loan->bytes, size);
    memcpy(loan->bytes, bytes, size);
    return wjit_module_new_in_place(e->store, loan->bytes, size, release, loan, error);
}

static void instantiate(struct embed *e, wasm_module_t *module)
{
    wasm_extern_vec_t none = {0, NULL};
    wjit_error_t error = {0};
    wasm_trap_t *trap = NULL;
    e->instance = wjit_instance_new(e->store, module, &none, &trap, &error);
    assert_non_null(e->instance);
}

static void assert_runs(struct embed *e)
{
    int32_t result = 0;
    assert_null(embed_call(e->instance, "sp", NULL, 0, &result));
    assert_int_not_equal(result, 0);
}

static void test_lent_as_long_as_used(void **state)
{
    (void) state;
    struct embed e;
    struct loan loan;
    wjit_error_t error = {0};
    embed_open(&e, NULL);
    wasm_module_t *module = lend(&e, &loan, guest_kernels, sizeof guest_kernels, &error);
    assert_non_null(module);
    instantiate(&e, module);
    wasm_module_delete(module);
    assert_int_equal(loan.released, 0); // functions are yet to be compiled
    assert_runs(&e);
    embed_close(&e);
    assert_int_equal(loan.released, 1);
}

// All functions, whose last bytes are the module's.
static void test_compiled_from_there(void **state)
{
    (void) state;
    struct embed e;
    struct loan loan;
    wjit_error_t error = {0};
    embed_open(&e, NULL);
    wasm_module_t *module = lend(&e, &loan, guest_calls, sizeof guest_calls, &error);
    assert_true(wjit_module_compile(module, &error));
    wasm_byte_vec_t compiled;
    assert_true(wjit_module_serialize(module, NULL, &compiled, &error));
    assert_true(compiled.size > sizeof guest_calls);
    wasm_byte_vec_delete(&compiled);
    wasm_module_delete(module);
    assert_int_equal(loan.released, 1);
    embed_close(&e);
}

static void test_given_back_on_failure(void **state)
{
    (void) state;
    struct embed e;
    struct loan loan;
    wjit_error_t error = {0};
    embed_open(&e, NULL);
    // Beginnings of a module: the first eight bytes are one, too, the others end in a section.
    for (size_t size = 1; size < sizeof guest_calls; size += 7) {
        wasm_module_t *module = lend(&e, &loan, guest_calls, size, &error);
        assert_int_equal(module != NULL, size == 8);
        assert_int_equal(loan.released, size != 8);
        wasm_module_delete(module);
        assert_int_equal(loan.released, 1);
    }
    assert_null(wjit_module_new_in_place(e.store, NULL, 0, NULL, NULL, &error));
    assert_int_equal(error.kind, WJIT_ERROR_MALFORMED);
    embed_close(&e);
}

static wasm_config_t *with_cache(const char *folder)
{
    wasm_config_t *config = wasm_config_new();
    assert_true(wjit_config_set_cache(config, folder, 0));
    return config;
}

static void remove_folder(const char *folder)
{
    char path[512];
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    closedir(dir);
    rmdir(folder);
}

// What the cache has needs no bytes any more.
static void test_given_back_for_the_cache(void **state)
{
    (void) state;
    char folder[] = "/tmp/wjit-in-place-XXXXXX";
    assert_non_null(mkdtemp(folder));
    for (int round = 0; round < 2; round++) {
        struct embed e;
        struct loan loan;
        wjit_error_t error = {0};
        embed_open(&e, with_cache(folder));
        wasm_module_t *module = lend(&e, &loan, guest_kernels, sizeof guest_kernels, &error);
        assert_non_null(module);
        assert_int_equal(loan.released, round);
        instantiate(&e, module);
        assert_runs(&e);
        wasm_module_delete(module);
        embed_close(&e);
        assert_int_equal(loan.released, 1);
    }
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lent_as_long_as_used),
        cmocka_unit_test(test_compiled_from_there),
        cmocka_unit_test(test_given_back_on_failure),
        cmocka_unit_test(test_given_back_for_the_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
