// The builder: types and constants are made once, counts fill themselves in, memory is given back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "spirv/builder.h"

static void test_interning(void **state)
{
    (void) state;
    struct wj_spv_builder b;
    wj_spv_builder_init(&b);
    const uint32_t u32 = wj_spv_type_int(&b, 32);
    assert_int_equal(wj_spv_type_int(&b, 32), u32);
    assert_int_not_equal(wj_spv_type_int(&b, 64), u32);
    assert_int_not_equal(wj_spv_type_float(&b, 32), u32);
    uint32_t ids[1000];
    for (uint32_t i = 0; i < 1000; i++) {
        ids[i] = wj_spv_const_u32(&b, i * 7);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(wj_spv_const_u32(&b, i * 7), ids[i]);
    }
    // The same bits of another type are another constant.
    assert_int_not_equal(wj_spv_const_f32(&b, 7), ids[1]);
    wj_spv_builder_clear(&b);
}

static void test_counts(void **state)
{
    (void) state;
    struct wj_spv_builder b;
    wj_spv_builder_init(&b);
    WJ_SPV_IN(&b, WJ_SPV_CAPABILITIES, SpvOpCapability, SpvCapabilityShader);
    const uint32_t void_type = wj_spv_type_void(&b);
    uint32_t *words = NULL;
    size_t count = 0;
    assert_true(wj_spv_finish(&b, &words, &count));
    assert_int_equal(count, 5 + 2 + 2);
    assert_int_equal(words[0], SpvMagicNumber);
    assert_int_equal(words[3], b.next_id);
    assert_int_equal(words[5], 2u << 16 | SpvOpCapability);
    assert_int_equal(words[7], 2u << 16 | SpvOpTypeVoid);
    assert_int_equal(words[8], void_type);
    free(words);
    wj_spv_builder_clear(&b);
}

// A function built twice leaves nothing of the first time but types and constants.
static void test_rewind(void **state)
{
    (void) state;
    struct wj_spv_builder b;
    wj_spv_builder_init(&b);
    const uint32_t void_type = wj_spv_type_void(&b);
    const uint32_t type = wj_spv_type(&b, SpvOpTypeFunction, &void_type, 1);
    const struct wj_spv_mark mark = wj_spv_mark(&b);
    size_t lengths[2];
    for (unsigned i = 0; i < 2; i++) {
        wj_spv_rewind(&b, mark);
        wj_spv_function_begin(&b, wj_spv_id(&b), type, void_type);
        wj_spv_function_variable(&b, wj_spv_type_int(&b, 32));
        wj_spv_raw(&b.body, SpvOpReturn, NULL, 0);
        b.is_terminated = true;
        wj_spv_function_end(&b);
        lengths[i] = b.sections[WJ_SPV_FUNCTIONS].count;
    }
    assert_int_equal(lengths[0], lengths[1]);
    assert_int_equal(lengths[0], 5 + 2 + 5 + 1 + 1);
    wj_spv_builder_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interning),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_rewind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
