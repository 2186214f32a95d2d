// Arenas: what is expected comes in large parts, zeroed as ever, and only then.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/pages.h"

static void expect_zeros(const char *bytes, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++) {
        assert_int_equal(bytes[i], 0);
    }
}

static void test_expected(void **state)
{
    (void) state;
    // What free memory holds is not zero.
    void *used = wj_pages_alloc(WJ_HUGE_BYTES);
    assert_non_null(used);
    memset(used, 0xff, WJ_HUGE_BYTES);
    free(used);
    struct wj_arena arena;
    wj_arena_init(&arena);
    wj_arena_expect(&arena, WJ_HUGE_BYTES + 4096);
    for (int round = 0; round < 2; round++) {
        char *piece = wj_arena_alloc(&arena, WJ_HUGE_BYTES / 2);
        assert_non_null(piece);
        expect_zeros(piece, WJ_HUGE_BYTES / 2);
        memset(piece, 0xff, WJ_HUGE_BYTES / 2);
        // The first part is large; of what else is expected nothing is worth a huge page.
        assert_true(round == 0 ? arena.reserved_bytes == WJ_HUGE_BYTES
                               : arena.reserved_bytes < 2 * WJ_HUGE_BYTES);
    }
    wj_arena_clear(&arena);
    assert_non_null(wj_arena_alloc(&arena, 1));
    assert_true(arena.reserved_bytes < 65536);
    wj_arena_clear(&arena);
}

static void test_little_expected(void **state)
{
    (void) state;
    struct wj_arena arena;
    wj_arena_init(&arena);
    wj_arena_expect(&arena, WJ_HUGE_BYTES - 1);
    assert_non_null(wj_arena_alloc(&arena, 1));
    assert_true(arena.reserved_bytes < 65536);
    // Larger than a huge page.
    wj_arena_expect(&arena, 4 * (size_t) WJ_HUGE_BYTES);
    char *piece = wj_arena_alloc(&arena, WJ_HUGE_BYTES + 1);
    assert_non_null(piece);
    expect_zeros(piece, WJ_HUGE_BYTES + 1);
    assert_null(wj_arena_alloc(&arena, SIZE_MAX));
    wj_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_little_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
