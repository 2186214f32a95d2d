// What generated code needs of the CPU: each feature is missed by its name, and this machine has
// them all.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/vm/cpu.h"

static void assert_lacks(enum wj_cpu_word word, uint32_t bit, const char *name)
{
    struct wj_cpu cpu;
    memset(&cpu, 0xff, sizeof cpu);
    cpu.words[word] &= ~(UINT32_C(1) << bit);
    assert_non_null(wj_cpu_lacks(&cpu));
    assert_string_equal(wj_cpu_lacks(&cpu), name);
}

static void test_each_feature_is_missed(void **state)
{
    (void) state;
    assert_lacks(WJ_CPU_LEAF1_ECX, 19, "SSE4.2"); // SSE4.1 alone
    assert_lacks(WJ_CPU_LEAF1_ECX, 22, "MOVBE");
    assert_lacks(WJ_CPU_LEAF1_ECX, 23, "POPCNT");
    assert_lacks(WJ_CPU_EXTENDED_ECX, 5, "LZCNT");
    assert_lacks(WJ_CPU_LEAF7_EBX, 3, "BMI1");
    assert_lacks(WJ_CPU_LEAF7_EBX, 8, "BMI2");
    assert_lacks(WJ_CPU_LEAF1_ECX, 28, "AVX");
    assert_lacks(WJ_CPU_XCR0, 2, "AVX saved by the system");
    assert_lacks(WJ_CPU_LEAF1_ECX, 12, "FMA");
    assert_lacks(WJ_CPU_LEAF7_EBX, 5, "AVX2");
    assert_lacks(WJ_CPU_HWCAP, 1, "Advanced SIMD");
}

static void test_nothing_else_is_missed(void **state)
{
    (void) state;
    // Exactly what is asked for, and no other bit.
    struct wj_cpu cpu = {.words = {
                             [WJ_CPU_LEAF1_ECX] = 0x10d81201,
                             [WJ_CPU_LEAF7_EBX] = 0x128,
                             [WJ_CPU_EXTENDED_ECX] = 0x20,
                             [WJ_CPU_XCR0] = 6,
                             [WJ_CPU_HWCAP] = 3,
                         }};
    assert_null(wj_cpu_lacks(&cpu));
}

static void test_this_machine(void **state)
{
    (void) state;
    struct wj_err err;
    wj_err_clear(&err);
    assert_true(wj_cpu_check(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_feature_is_missed),
        cmocka_unit_test(test_nothing_else_is_missed),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
