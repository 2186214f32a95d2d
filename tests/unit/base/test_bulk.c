// Memory in huge pages: pieces are aligned, apart from each other, and used again when freed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/pages.h"

static const size_t mib = (size_t) 1 << 20;

static bool is_filled(const unsigned char *memory, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i++) {
        if (memory[i] != value) {
            return false;
        }
    }
    return true;
}

// Many sizes, in bulk and by malloc: what is written to one piece is not seen in another.
static void check_apart(struct wj_bulk *bulk)
{
    enum { COUNT = 300 };
    unsigned char *pieces[COUNT];
    size_t sizes[COUNT];
    uint32_t random = 1;
    for (unsigned i = 0; i < COUNT; i++) {
        random = random * 1664525u + 1013904223u;
        sizes[i] = i % 50 == 49 ? 3 * mib : (size_t) 1 << (random >> 28);
        sizes[i] += random >> 4 & 127;
        pieces[i] = wj_bulk_alloc(bulk, sizes[i]);
        assert_non_null(pieces[i]);
        memset(pieces[i], (int) (i & 255), sizes[i]);
    }
    for (unsigned i = 0; i < COUNT; i += 2) {
        assert_true(is_filled(pieces[i], sizes[i], (unsigned char) i));
        wj_bulk_free(bulk, pieces[i]);
    }
    for (unsigned i = 1; i < COUNT; i += 2) {
        pieces[i] = wj_bulk_realloc(bulk, pieces[i], sizes[i] * 3);
        assert_non_null(pieces[i]);
        assert_true(is_filled(pieces[i], sizes[i], (unsigned char) i));
        memset(pieces[i], (int) (i & 255), sizes[i] * 3);
    }
    for (unsigned i = 1; i < COUNT; i += 2) {
        assert_true(is_filled(pieces[i], sizes[i] * 3, (unsigned char) i));
        wj_bulk_free(bulk, pieces[i]);
    }
}

static void test_apart(void **state)
{
    (void) state;
    struct wj_bulk_spare spare = {{NULL}};
    struct wj_bulk *bulk = wj_bulk_new(5, &spare);
    assert_non_null(bulk);
    check_apart(bulk);
    wj_bulk_delete(bulk);
    wj_bulk_spare_clear(&spare);
    check_apart(NULL);
}

static void test_pieces(void **state)
{
    (void) state;
    struct wj_bulk_spare spare = {{NULL}};
    struct wj_bulk *bulk = wj_bulk_new(100000, &spare);
    char *first = wj_bulk_alloc(bulk, 100000);
    char *second = wj_bulk_alloc(bulk, 0);
    assert_int_equal((uintptr_t) first % WJ_PAGES_ALIGN_BYTES, 0);
    assert_int_equal((uintptr_t) second % WJ_PAGES_ALIGN_BYTES, 0);
    // The last piece grows where it is; a freed one is taken by what is as large or smaller.
    assert_ptr_equal(wj_bulk_realloc(bulk, second, 5000), second);
    wj_bulk_free(bulk, first);
    assert_ptr_equal(wj_bulk_alloc(bulk, 90000), first);
    wj_bulk_free(bulk, NULL);
    assert_null(wj_bulk_alloc(bulk, SIZE_MAX));
    assert_null(wj_bulk_realloc(bulk, second, SIZE_MAX));
    wj_bulk_delete(bulk);
    // The block serves the next one.
    bulk = wj_bulk_new(1, &spare);
    assert_ptr_equal(wj_bulk_alloc(bulk, 1), first);
    wj_bulk_delete(bulk);
    wj_bulk_spare_clear(&spare);
    wj_bulk_delete(NULL);
    assert_null(wj_bulk_new(SIZE_MAX, &spare));
}

static size_t resident_bytes(void)
{
    unsigned long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &all, &resident), 2);
    fclose(file);
    return resident * (size_t) sysconf(_SC_PAGESIZE);
}

// An array that grows by doubling takes no more than twice its size, however it grew.
static void test_growth(void **state)
{
    (void) state;
    struct wj_bulk_spare spare = {{NULL}};
    struct wj_bulk *bulk = wj_bulk_new(1, &spare);
    char *array = NULL, *other = NULL;
    size_t before = resident_bytes();
    for (size_t size = 1000; size <= 64 * mib; size *= 2) {
        array = wj_bulk_realloc(bulk, array, size);
        assert_non_null(array);
        memset(array + size / 2, (int) (size & 255), size - size / 2);
        other = wj_bulk_alloc(bulk, 100); // so that it does not grow where it is
        assert_non_null(other);
    }
    size_t taken = resident_bytes() - before;
#ifndef __SANITIZE_ADDRESS__ // which keeps what is freed
    assert_true(taken < 80 * mib);
#endif
    (void) taken;
    wj_bulk_free(bulk, array);
    wj_bulk_delete(bulk);
    wj_bulk_spare_clear(&spare);
}

// What an arena gives out is zero, whatever was in the memory before.
static void test_arena(void **state)
{
    (void) state;
    struct wj_bulk_spare spare = {{NULL}};
    struct wj_bulk *bulk = wj_bulk_new(1, &spare);
    struct wj_arena arena;
    wj_arena_init_in(&arena, bulk);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t size = 1; size < mib; size *= 3) {
            unsigned char *memory = wj_arena_alloc(&arena, size);
            assert_non_null(memory);
            assert_true(is_filled(memory, size, 0));
            memset(memory, 0xa5, size);
        }
        wj_arena_clear(&arena);
    }
    wj_bulk_delete(bulk);
    wj_bulk_spare_clear(&spare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
