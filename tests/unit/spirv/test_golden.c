// The shaders of tests/spirv/*.wat against the disassembly beside them. WJIT_BLESS=1 writes the
// disassembly anew; read the difference before committing it.
#include "translate.h"

static void check(const char *name)
{
    struct temp_files t;
    struct wj_gpu_code code = {0};
    struct wj_err reason;
    const struct wj_gpu_caps caps = full_caps();
    char path[128];
    char command[512];
    size_t size;
    temp_open(&t);
    snprintf(path, sizeof path, "tests/spirv/%s.wat", name);
    char *wat = read_all(path, &size);
    assert_non_null(wat);
    if (!translate_wat(&t, wat, &caps, &code, &reason)) {
        fail_msg("%s: %s", name, reason.message);
    }
    assert_valid(&t, &code);
    const bool is_bless = getenv("WJIT_BLESS") != NULL;
    snprintf(path, sizeof path, "tests/spirv/%s.spvasm", name);
    snprintf(command, sizeof command, "spirv-dis --no-header --raw-id %s -o %s", t.spv,
             is_bless ? path : t.text);
    assert_int_equal(system(command), 0);
    if (!is_bless) {
        snprintf(command, sizeof command, "diff -u %s %s", path, t.text);
        assert_int_equal(system(command), 0);
    }
    free((void *) code.words);
    free(wat);
    temp_close(&t);
}

static void test_saxpy(void **state)
{
    (void) state;
    check("saxpy");
}

static void test_exits(void **state)
{
    (void) state;
    check("exits");
}

static void test_values(void **state)
{
    (void) state;
    check("values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saxpy),
        cmocka_unit_test(test_exits),
        cmocka_unit_test(test_values),
    };
    if (!has_tool("wat2wasm") || !has_tool("spirv-val") || !has_tool("spirv-dis")) {
        puts("skipped: wat2wasm or spirv-tools are missing");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
