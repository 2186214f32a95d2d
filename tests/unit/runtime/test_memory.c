// Memories and tables: sizes, limits, zero pages, moving, guards.
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/pages.h"
#include "runtime/vm/memory.h"

static const struct wj_settings guarded = {.memory_bytes_max = UINT64_MAX, .threads = 1};
static const struct wj_settings checked = {
    .memory_bytes_max = UINT64_MAX, .threads = 1, .explicit_bounds = true,
};

static struct wj_memory *make(const struct wj_settings *settings, uint64_t min, uint64_t max,
                              bool is_64, uint8_t page_size_log2)
{
    struct wj_memory_type type = {
        .limits = {.min = min, .max = max, .has_max = max != UINT64_MAX, .is_64 = is_64},
        .page_size_log2 = page_size_log2,
    };
    struct wj_memory *memory = NULL;
    struct wj_err err;
    wj_err_clear(&err);
    assert_true(wj_memory_new(settings, &type, &memory, &err));
    return memory;
}

static void test_growth(void **state)
{
    (void) state;
    const struct wj_settings *const kinds[] = {&guarded, &checked};
    for (unsigned i = 0; i < 2; i++) {
        struct wj_memory *memory = make(kinds[i], 1, 3, false, 16);
        assert_int_equal(memory->is_guarded, i == 0);
        memory->base[65535] = 7;
        assert_int_equal(wj_memory_grow(memory, 0), 1);
        assert_true(wj_memory_grow(memory, 3) == UINT64_MAX);
        assert_true(wj_memory_grow(memory, UINT64_MAX) == UINT64_MAX);
        assert_int_equal(wj_memory_grow(memory, 2), 1);
        assert_true(wj_memory_grow(memory, 1) == UINT64_MAX);
        assert_int_equal(wj_memory_pages(memory), 3);
        assert_int_equal(memory->base[65535], 7);
        assert_int_equal(memory->base[3 * 65536 - 1], 0);
        wj_memory_release(memory);
    }
}

// What was written stays, the rest is zero, and neither what lies behind nor growth changes.
static void test_expected(void **state)
{
    (void) state;
    const uint64_t sizes[] = {1, 100000, 1 << 20, 5 << 20, 6 << 20};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct wj_memory *memory = make(i & 1 ? &checked : &guarded, 96, 200, false, 16);
        const uint64_t bytes = 96 * 65536, at = bytes - sizes[i];
        memory->base[at] = 7;
        wj_memory_expect(memory, sizes[i]);
        wj_memory_expect(memory, sizes[i]);
        assert_int_equal(memory->base[at], 7);
        memory->base[at] = 0;
        for (uint64_t k = 0; k < bytes; k += 8) {
            uint64_t word;
            memcpy(&word, memory->base + k, sizeof word);
            assert_int_equal(word, 0);
        }
        assert_int_equal(wj_memory_is_guard(memory, (uint64_t) (uintptr_t) memory->base + bytes),
                         memory->is_guarded);
        assert_int_equal(wj_memory_grow(memory, 1), 96);
        assert_int_equal(memory->base[bytes], 0);
        wj_memory_release(memory);
    }
}

static unsigned resident_pages(uint8_t *at, size_t size_bytes)
{
    uint8_t *from = (uint8_t *) ((uintptr_t) at & ~(uintptr_t) 4095);
    size_t count = (size_t) (at + size_bytes - from + 4095) / 4096;
    unsigned char pages[512];
    unsigned found = 0;
    assert_true(count <= sizeof pages);
    assert_int_equal(mincore(from, count * 4096, pages), 0);
    for (size_t i = 0; i < count; i++) {
        found += pages[i] & 1;
    }
    return found;
}

// Emulators answer both questions without looking.
static bool can_tell_residence(void)
{
    uint8_t *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char before = 1, after = 0;
    bool can = at != MAP_FAILED && mincore(at, 4096, &before) == 0 &&
               madvise(at, 4096, MADV_POPULATE_WRITE) == 0 && mincore(at, 4096, &after) == 0;
    munmap(at, 4096);
    return can && (before & 1) == 0 && (after & 1) == 1;
}

// A large memory grows by what it asks for, where the system can, as long as it writes that; others
// by what they write.
static void test_growth_is_resident(void **state)
{
    (void) state;
    bool can_tell = can_tell_residence();
    for (uint64_t min = 1; min <= 128; min += 127) {
        struct wj_memory *memory = make(&guarded, min, 400, false, 16);
        uint8_t *grown = memory->base + min * 65536;
        assert_int_equal(wj_memory_grow(memory, 4), min);
        if (can_tell) {
            assert_int_equal(resident_pages(grown, 4 * 65536), min == 1 ? 0 : 64);
        }
        assert_int_equal(wj_memory_grow(memory, 4), min + 4);
        grown[8] = 1; // of the first four pages
        assert_int_equal(wj_memory_grow(memory, 4), min + 8);
        if (can_tell) {
            assert_int_equal(resident_pages(grown + 4 * 65536, 4 * 65536), 0);
            assert_int_equal(resident_pages(grown + 8 * 65536, 4 * 65536), min == 1 ? 0 : 64);
        }
        assert_int_equal(wj_memory_grow(memory, 100), min + 12); // huge pages, if there are some
        grown[8] = 0;
        for (uint64_t k = 0; k < 112 * 65536; k += 4096) {
            assert_int_equal(grown[k], 0);
            grown[k] = 1;
        }
        assert_true(wj_memory_is_guard(memory, (uint64_t) (uintptr_t) grown + 112 * 65536));
        wj_memory_release(memory);
    }
}

static void test_empty(void **state)
{
    (void) state;
    struct wj_memory *memory = make(&guarded, 0, 0, false, 16);
    assert_true(wj_memory_grow(memory, 1) == UINT64_MAX);
    assert_true(wj_memory_is_guard(memory, (uint64_t) (uintptr_t) memory->base));
    wj_memory_release(memory);
}

static void test_small_pages(void **state)
{
    (void) state;
    struct wj_memory *memory = make(&guarded, 10, 100000, false, 0);
    assert_false(memory->is_guarded);
    assert_int_equal(memory->size_bytes, 10);
    assert_int_equal(wj_memory_grow(memory, 99990), 10);
    memory->base[99999] = 1;
    assert_true(wj_memory_grow(memory, 1) == UINT64_MAX);
    wj_memory_release(memory);
}

// A 64-bit memory without a maximum outgrows its reservation and moves, with its contents.
// How many mappings the process has there; UINT_MAX: it cannot tell.
static unsigned mappings_of(const uint8_t *at, uint64_t size_bytes)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    if (maps == NULL) {
        return UINT_MAX;
    }
    char line[512];
    unsigned count = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long long from, to;
        if (sscanf(line, "%llx-%llx", &from, &to) == 2) {
            count += from < (uintptr_t) at + size_bytes && to > (uintptr_t) at;
        }
    }
    fclose(maps);
    return count;
}

// What is written stays, what is new is zero, and the committed bytes are one mapping: no other can
// be moved before Linux 6.17, and a process has no more than some 65,000.
static void test_moves(void **state)
{
    (void) state;
    struct wj_memory *memory = make(&guarded, 1, UINT64_MAX, true, 16);
    memcpy(memory->base, "contents", 8);
    uint64_t pages = 1;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *base = memory->base;
        assert_int_equal(wj_memory_grow(memory, 33), pages); // more than 2 MiB, less
        assert_int_equal(wj_memory_grow(memory, 1), pages + 33);
        memory->base[(pages + 33) << 16] = 1;
        pages += 34;
        uint64_t more = (memory->reserved_bytes >> 16) - pages + 1;
        assert_int_equal(wj_memory_grow(memory, more), pages);
        assert_ptr_not_equal(memory->base, base);
        memory->base[pages << 16] = 1;
        assert_int_equal(memory->base[(pages << 16) + 65535], 0);
        assert_memory_equal(memory->base, "contents", 8);
        assert_int_equal(memory->base[(pages - 1) << 16], 1);
        pages += more;
        unsigned mappings = mappings_of(memory->base, pages << 16);
        assert_true(mappings == 1 || mappings == UINT_MAX);
        assert_true(mappings_of(memory->base, memory->mapping_bytes) <= 3 || mappings == UINT_MAX);
    }
    wj_memory_release(memory);
}

// A guest that grows by turns in small pieces and large ones has no more mappings for it.
static void test_mappings(void **state)
{
    (void) state;
    struct wj_memory *memory = make(&guarded, 0, UINT64_MAX, false, 0);
    while (wj_memory_pages(memory) < 1u << 26) {
        for (unsigned i = 0; i < 36; i++) {
            assert_true(wj_memory_grow(memory, 60000) != UINT64_MAX);
        }
        assert_true(wj_memory_grow(memory, (2u << 20) + 1) != UINT64_MAX);
    }
    unsigned mappings = mappings_of(memory->base, wj_memory_pages(memory));
    assert_true(mappings == 1 || mappings == UINT_MAX);
    wj_memory_release(memory);
}

static void test_limit(void **state)
{
    (void) state;
    struct wj_settings settings = guarded;
    settings.memory_bytes_max = 3 * 65536 + 100;
    struct wj_memory_type type = {.limits = {.min = 4}, .page_size_log2 = 16};
    struct wj_memory *memory = NULL;
    struct wj_err err;
    wj_err_clear(&err);
    assert_false(wj_memory_new(&settings, &type, &memory, &err));
    assert_int_equal(err.kind, WJ_ERR_LIMIT);
    memory = make(&settings, 3, UINT64_MAX, false, 16);
    assert_true(wj_memory_grow(memory, 1) == UINT64_MAX);
    wj_memory_release(memory);
}

static void test_guards(void **state)
{
    (void) state;
    struct wj_memory *memory = make(&guarded, 1, UINT64_MAX, false, 16);
    uint64_t base = (uint64_t) (uintptr_t) memory->base;
    assert_true(wj_memory_is_guard(memory, base + (8ull << 30) + 15));
    assert_true(wj_memory_is_guard(memory, base - (2ull << 30)));
    assert_false(wj_memory_is_guard(memory, base - (2ull << 30) - 1));
    assert_false(wj_memory_is_guard(memory, base + WJ_GUARD_AFTER_BYTES));
    wj_memory_release(memory);
}

static void test_tables(void **state)
{
    (void) state;
    struct wj_table_type type = {
        .element = WJ_TYPE_FUNCREF, .limits = {.min = 2, .max = 9, .has_max = true},
    };
    struct wj_table *table = NULL;
    int object;
    assert_true(wj_table_new(&type, &object, &table, NULL));
    assert_ptr_equal(table->elements[1], &object);
    assert_int_equal(wj_table_grow(table, 5, NULL), 2);
    assert_null(table->elements[6]);
    assert_ptr_equal(table->elements[0], &object);
    assert_true(wj_table_grow(table, 3, NULL) == UINT64_MAX);
    assert_int_equal(wj_table_grow(table, 2, &object), 7);
    assert_ptr_equal(table->elements[8], &object);
    assert_int_equal(wj_table_grow(table, 0, NULL), 9);
    wj_table_free(table);
    struct wj_err err;
    wj_err_clear(&err);
    type.limits = (struct wj_limits){.min = WJ_TABLE_SIZE_MAX + 1ull};
    assert_false(wj_table_new(&type, NULL, &table, &err));
    assert_int_equal(err.kind, WJ_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth),      cmocka_unit_test(test_growth_is_resident),
        cmocka_unit_test(test_expected),    cmocka_unit_test(test_empty),
        cmocka_unit_test(test_small_pages), cmocka_unit_test(test_moves),
        cmocka_unit_test(test_mappings),    cmocka_unit_test(test_limit),
        cmocka_unit_test(test_guards),      cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
