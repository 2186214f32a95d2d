// The choice of a device by words and by CUDA_VISIBLE_DEVICES, and the float controls that are
// added to kernels: no device is needed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <spirv/unified1/spirv.h>
#include <stdlib.h>
#include <string.h>

#include "vk/impl.h"
#include "vk/vk.h"

// A driver with devices of a list.
struct wj_gpu_list {
    uint32_t count;
    const struct wj_gpu_info *infos;
};

static uint32_t list_count(const struct wj_gpu *gpu)
{
    return ((const struct wj_gpu_list *) (const void *) gpu)->count;
}

static void list_info(const struct wj_gpu *gpu, uint32_t index, struct wj_gpu_info *info)
{
    *info = ((const struct wj_gpu_list *) (const void *) gpu)->infos[index];
}

static const struct wj_gpu_driver list_driver = {.device_count = list_count,
                                                 .device_info = list_info};

static const struct wj_gpu_info infos[] = {
    {.name = "llvmpipe (LLVM 15.0.6, 256 bits)", .kind = WJ_GPU_SOFTWARE},
    {.name = "Intel(R) UHD Graphics", .pci = "pci:0000:00:02.0", .kind = WJ_GPU_INTEGRATED},
    {.name = "NVIDIA GeForce RTX 4090", .pci = "pci:0000:01:00.0", .kind = WJ_GPU_DISCRETE},
    {.name = "NVIDIA GeForce RTX 4090", .pci = "pci:0000:81:00.0", .kind = WJ_GPU_DISCRETE},
    {.name = "Some vGPU", .kind = WJ_GPU_VIRTUAL},
};

enum { NONE = 999 };

static uint32_t choose(uint32_t count, const char *selector, struct wj_err *err)
{
    const struct wj_gpu_list list = {count, infos};
    uint32_t index = NONE;
    wj_err_clear(err);
    const bool ok = wj_vk_select(&list_driver, (const struct wj_gpu *) (const void *) &list,
                                 selector, &index, err);
    assert_int_equal(ok, err->kind == WJ_ERR_NONE);
    return ok ? index : NONE;
}

static void test_select(void **state)
{
    (void) state;
    struct wj_err err;
    assert_int_equal(choose(5, "", &err), 2);
    assert_int_equal(choose(5, "best", &err), 2);
    assert_int_equal(choose(5, "any", &err), 2);
    assert_int_equal(choose(2, "", &err), 1);
    assert_int_equal(choose(1, "any", &err), 0);
    assert_int_equal(choose(5, "0", &err), 0);
    assert_int_equal(choose(5, "4", &err), 4);
    assert_int_equal(choose(5, "llvm", &err), 0);
    assert_int_equal(choose(5, "geforce", &err), 2);
    assert_int_equal(choose(5, "4090", &err), NONE); // digits are an index
    assert_int_equal(choose(5, "rtx 4090", &err), 2);
    assert_int_equal(choose(5, "pci:0000:81:00.0", &err), 3);
    assert_int_equal(choose(5, "PCI:0000:81:00.0", &err), 3);
    assert_int_equal(choose(5, "uhd", &err), 1);

    // A CPU driver is never taken unasked.
    assert_int_equal(choose(1, "", &err), NONE);
    assert_non_null(strstr(err.message, "no hardware GPU"));
    assert_non_null(strstr(err.message, "0 llvmpipe"));
    assert_int_equal(choose(0, "any", &err), NONE);
    assert_non_null(strstr(err.message, "devices: none"));
    assert_int_equal(choose(5, "5", &err), NONE);
    assert_int_equal(choose(5, "99999999999999999999", &err), NONE);
    assert_int_equal(choose(5, "radeon", &err), NONE);
    assert_non_null(strstr(err.message, "radeon"));
    assert_non_null(strstr(err.message, "2 NVIDIA GeForce RTX 4090"));
    assert_int_equal(choose(5, "pci:", &err), NONE);
    assert_int_equal(choose(5, "pci:0000:82:00.0", &err), NONE);
}

static const struct wj_vk_candidate candidates[] = {
    {.is_nvidia = true, .uuid = {0xab, 0xcd, 1}, .pci = "pci:0000:81:00.0"},
    {.is_nvidia = false, .pci = "pci:0000:00:02.0"},
    {.is_nvidia = true, .uuid = {0xab, 0xce, 2}, .pci = "pci:0000:01:00.0"},
    {.is_nvidia = true, .uuid = {0x12, 0x34, 3}, .pci = "pci:0000:41:00.0"},
};

// The visible devices as digits.
static void check_visible(const char *list, bool is_pci_order, const char *expected)
{
    uint32_t order[4];
    const uint32_t count = wj_vk_visible(list, is_pci_order, candidates, 4, order);
    char seen[5] = "";
    for (uint32_t i = 0; i < count; i++) {
        seen[i] = (char) ('0' + order[i]);
    }
    assert_string_equal(seen, expected);
}

static void test_visible(void **state)
{
    (void) state;
    check_visible(NULL, false, "0123");
    check_visible("0", false, "01");
    check_visible("2", false, "31");
    check_visible("2,0", false, "310");
    check_visible("2, 0", false, "310");
    check_visible("0,1,2", true, "2130"); // bus order: 01, 41, 81
    check_visible("0", true, "21");
    check_visible("", false, "1");
    check_visible("-1", false, "1");
    check_visible("0,-1,1", false, "01"); // what is invalid ends the list
    check_visible("0,0", false, "01");
    check_visible("7", false, "1");
    check_visible("NoDevFiles", false, "1");
    check_visible("99999999999999999999", false, "1");
    check_visible("GPU-12", false, "31");
    check_visible("GPU-1234-03", false, "31");
    check_visible("GPU-1234-04", false, "1");
    check_visible("GPU-abce", false, "21");
    check_visible("GPU-ab", false, "1"); // two devices start so
    check_visible("GPU-", false, "1");
    check_visible("GPU-ABCD0100", false, "01");
}

#define WORDS(count, op) ((uint32_t) (count) << SpvWordCountShift | (op))

static void test_float_controls(void **state)
{
    (void) state;
    uint32_t name[2] = {0};
    memcpy(name, "main", 5);
    const uint32_t module[] = {
        SpvMagicNumber,
        0x00010300,
        0,
        9,
        0,
        WORDS(2, SpvOpCapability),
        SpvCapabilityShader,
        WORDS(3, SpvOpMemoryModel),
        SpvAddressingModelLogical,
        SpvMemoryModelGLSL450,
        WORDS(5, SpvOpEntryPoint),
        SpvExecutionModelGLCompute,
        4,
        name[0],
        name[1],
        WORDS(6, SpvOpExecutionMode),
        4,
        SpvExecutionModeLocalSize,
        1,
        1,
        1,
    };
    const struct wj_gpu_code code = {.words = module, .word_count = sizeof module / 4};
    struct wj_err err = {0};
    uint32_t *words = NULL;
    size_t count = 0;

    const struct wj_vk_float_controls none = {0};
    assert_true(wj_vk_float_controls_add(&none, &code, &words, &count, &err));
    assert_int_equal(count, code.word_count);
    assert_memory_equal(words, module, sizeof module);
    free(words);

    // f64 is not used, so that its mode is not asked for.
    const struct wj_vk_float_controls some = {.denorm_preserve = {true, true},
                                              .round_to_even = {true, false}};
    assert_true(wj_vk_float_controls_add(&some, &code, &words, &count, &err));
    assert_int_equal(count, code.word_count + 2 * 2 + 7 + 2 * 4);
    const uint32_t capabilities[] = {WORDS(2, SpvOpCapability), SpvCapabilityDenormPreserve,
                                     WORDS(2, SpvOpCapability), SpvCapabilityRoundingModeRTE};
    assert_memory_equal(words + 7, capabilities, sizeof capabilities);
    assert_int_equal(words[11], WORDS(7, SpvOpExtension));
    assert_string_equal((const char *) (words + 12), "SPV_KHR_float_controls");
    const uint32_t modes[] = {WORDS(4, SpvOpExecutionMode), 4, SpvExecutionModeDenormPreserve,  32,
                              WORDS(4, SpvOpExecutionMode), 4, SpvExecutionModeRoundingModeRTE, 32};
    assert_memory_equal(words + 7 + 4 + 7 + 3 + 5, modes, sizeof modes);
    free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_visible),
        cmocka_unit_test(test_float_controls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
