// Code memory: pages that are laid under a chunk before code is written to them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/vm/region.h"

enum { CODE_BYTES = 256 * 1024, STEP_BYTES = 64 * 1024 };

static size_t laid_bytes(const struct wj_region *region)
{
    unsigned char pages[CODE_BYTES / 4096];
    size_t page_bytes = (size_t) sysconf(_SC_PAGESIZE), count = 0;
    assert_int_equal(mincore(region->write, CODE_BYTES, pages), 0);
    for (size_t i = 0; i < CODE_BYTES / page_bytes; i++) {
        count += pages[i] & 1;
    }
    return count * page_bytes;
}

static void test_populate(void **state)
{
    (void) state;
    struct wj_region region;
    struct wj_err err;
    wj_err_clear(&err);
    assert_true(wj_region_init(&region, 0, CODE_BYTES, &err));
    struct wj_code_chunk *chunk = wj_region_chunk(&region, 64, true, 8);
    assert_non_null(chunk);
    wj_region_populate(&region, chunk, 5000, STEP_BYTES);
    if (laid_bytes(&region) == 0) {
        print_message("the system lays no pages ahead (Linux 5.14)\n");
        wj_region_clear(&region);
        skip();
    }
    assert_int_equal(laid_bytes(&region), STEP_BYTES);
    // Enough are there, to the byte; then one too few.
    assert_true(wj_region_publish(&region, chunk, STEP_BYTES - 6000, NULL) != 0);
    wj_region_populate(&region, chunk, 6000, STEP_BYTES);
    assert_int_equal(laid_bytes(&region), STEP_BYTES);
    wj_region_populate(&region, chunk, 6001, STEP_BYTES);
    assert_int_equal(laid_bytes(&region), 2 * STEP_BYTES);
    // None beyond the chunk.
    wj_region_populate(&region, chunk, CODE_BYTES, CODE_BYTES);
    wj_region_populate(&region, chunk, CODE_BYTES, CODE_BYTES);
    assert_int_equal(laid_bytes(&region), CODE_BYTES);
    wj_region_clear(&region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_populate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
