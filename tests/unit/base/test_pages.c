// Large memory: what it is asked for is there, aligned, and is given back by free().
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pages.h"

static void test_sizes(void **state)
{
    (void) state;
    const size_t mib = (size_t) 1 << 20;
    const size_t sizes[] = {
        0,       1,       63,          64,          4096,    65536,       mib - 1,     mib,
        mib + 1, 2 * mib, 2 * mib + 1, 3 * mib - 1, 3 * mib, 3 * mib + 1, 5 * mib + 7,
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *memory = wj_pages_alloc(sizes[i]);
        assert_non_null(memory);
        assert_int_equal((uintptr_t) memory % WJ_PAGES_ALIGN_BYTES, 0);
        memset(memory, 1, sizes[i]);
        free(memory);
    }
}

static void test_too_large(void **state)
{
    (void) state;
    assert_null(wj_pages_alloc(SIZE_MAX));
    assert_null(wj_pages_alloc(SIZE_MAX - 64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
