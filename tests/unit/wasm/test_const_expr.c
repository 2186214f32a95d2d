// Constant expressions: what is accepted, and the values they evaluate to.
#include <stdlib.h>

#include "builder.h"

#include "wasm/const_expr.h"

static bool get_global(void *context, uint32_t index, struct wj_const_value *value,
                       struct wj_err *err)
{
    const struct wj_const_value *globals = context;
    (void) err;
    *value = globals[index];
    return true;
}

static bool get_func(void *context, uint32_t index, uint64_t *bits, struct wj_err *err)
{
    (void) context;
    (void) err;
    *bits = 0x1000 + index;
    return true;
}

static void test_eval(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    struct wj_types *types = wj_types_new();
    struct wj_err err;
    begin_module(b);
    put_functype(b, 0, 0);
    SECTION(b, 2, 1, 1, 'm', 1, 'g', 3, 0x7f, 0);
    SECTION(b, 3, 1, 0);
    SECTION(b, 6, 6, 0x7f, 0, 0x23, 0, 0x41, 0x7e, 0x6c, 0x41, 3, 0x6a, 0x0b, // g0 * -2 + 3
            0x7e, 0, 0x42, 1, 0x42, 2, 0x7d, 0x0b,                            // 1 - 2
            0x7d, 0, 0x43, 1, 0, 0x80, 0x7f, 0x0b, // a NaN keeps its bits
            0x7b, 0, 0xfd, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x0b, 0x6f, 0,
            0xd0, 0x6f, 0x0b, 0x70, 0, 0xd2, 0, 0x0b);
    BODY(b, 0, 0x0b);
    struct wj_module *m = load(types, ALL_FEATURES, b->bytes, b->size, &err);
    assert_string_equal(err.message, "");
    struct wj_const_value globals[7] = {{.type = WJ_TYPE_I32, .bits = 10}};
    const struct wj_const_env env = {globals, get_global, get_func};
    for (uint32_t i = 1; i < m->global_count; i++) {
        assert_true(wj_const_expr_eval(m, &m->globals[i].init, &env, &globals[i], &err));
    }
    assert_int_equal(globals[1].type, WJ_TYPE_I32);
    assert_true(globals[1].bits == (uint32_t) -17);
    assert_true(globals[2].bits == UINT64_MAX);
    assert_true(globals[3].bits == 0x7f800001);
    assert_int_equal(globals[4].v128[15], 16);
    assert_int_equal(globals[5].type, WJ_TYPE_EXTERNREF);
    assert_true(globals[5].bits == 0);
    assert_true(globals[6].bits == 0x1000);
    assert_true(m->funcs[0].is_declared);
    wj_module_free(m);
    wj_types_free(types);
    free(b);
}

static void refuse(const uint8_t *section, size_t size, uint32_t features, const char *word)
{
    struct builder *b = malloc(sizeof *b);
    struct wj_types *types = wj_types_new();
    struct wj_err err;
    begin_module(b);
    put_section(b, 6, section, size);
    assert_null(load(types, features, b->bytes, b->size, &err));
    if (strstr(err.message, word) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", word, err.message);
    }
    wj_types_free(types);
    free(b);
}

#define REFUSE(features, word, ...)                                                            \
    refuse((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), (features), \
           (word))

static void test_refused(void **state)
{
    (void) state;
    REFUSE(ALL_FEATURES, "type mismatch", 1, 0x7f, 0, 0x42, 1, 0x0b);
    REFUSE(ALL_FEATURES, "leaves 0 values", 1, 0x7f, 0, 0x0b);
    REFUSE(ALL_FEATURES, "leaves 2 values", 1, 0x7f, 0, 0x41, 1, 0x41, 1, 0x0b);
    REFUSE(ALL_FEATURES, "unknown global 0", 1, 0x7f, 0, 0x23, 0, 0x0b); // itself
    REFUSE(ALL_FEATURES, "is mutable", 2, 0x7f, 1, 0x41, 1, 0x0b, 0x7f, 0, 0x23, 0, 0x0b);
    REFUSE(ALL_FEATURES, "constant expression required, not i32.eqz", 1, 0x7f, 0, 0x41, 1, 0x45,
           0x0b);
    REFUSE(ALL_FEATURES, "unknown function 0", 1, 0x70, 0, 0xd2, 0, 0x0b);
    REFUSE(ALL_FEATURES, "operands of i32.add", 1, 0x7f, 0, 0x41, 1, 0x6a, 0x0b);
    REFUSE(ALL_FEATURES, "ref.i31: not yet supported", 1, 0x6c, 0, 0x41, 1, 0xfb, 28, 0x0b);
    REFUSE(WJ_FEATURE_MVP, "extended-const", 1, 0x7f, 0, 0x41, 1, 0x41, 1, 0x6a, 0x0b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eval),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
