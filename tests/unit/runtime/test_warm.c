// Pages that tenants of a pool write to are ready for those after them: which are chosen, that they
// are forgotten again, and that they are in new memories, with the data that belongs there.
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/api/internal.h"
#include "runtime/vm/dirty.h"
#include "runtime/vm/warm.h"
#include "tests/unit/runtime/embed.h"

enum { PAGE = 65536, PAGES = 8 };

static uint8_t *map_pages(void)
{
    uint8_t *base =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(base, MAP_FAILED);
    return base;
}

// A memory of its own where a tenant wrote to one page.
static void learn(struct wj_warm *warm, uint32_t page)
{
    const struct wj_dirty_pages none = {.count = 0}, one = {.pages = {page}, .count = 1};
    wj_warm_learn(warm, &none, &one);
}

// How many pages are made ready in a memory where `kept` are; *first is the first of them.
static uint32_t apply(const struct wj_warm *warm, uint32_t kept, uint32_t *first)
{
    uint8_t *base = map_pages();
    struct wj_dirty_pages pages = {.pages = {7, 6, 5, 4}, .count = kept};
    wj_warm_apply(warm, base, PAGE, &pages);
    munmap(base, PAGES * PAGE);
    *first = pages.count > kept ? pages.pages[kept] : UINT32_MAX;
    return pages.count - kept;
}

static void test_choice(void **state)
{
    (void) state;
    uint32_t first;
    struct wj_warm warm = {.scores = {0}};
    learn(&warm, 3);
    assert_int_equal(apply(&warm, 0, &first), 0);
    learn(&warm, 3);
    if (apply(&warm, 0, &first) == 0) {
        skip(); // Linux before 5.14
    }
    assert_int_equal(first, 3);
    // Not where all that are kept are there, nor twice.
    assert_int_equal(apply(&warm, WJ_DIRTY_MAX, &first), 0);
    learn(&warm, 7);
    learn(&warm, 7);
    assert_int_equal(apply(&warm, 0, &first), 2);
    assert_int_equal(apply(&warm, 1, &first), 1);
    assert_int_equal(first, 3);
    // One that was ready is no news.
    const struct wj_dirty_pages both = {.pages = {3, 1}, .count = 2};
    wj_warm_learn(&warm, &both, &both);
    wj_warm_learn(&warm, &both, &both);
    assert_int_equal(apply(&warm, 0, &first), 2);
}

static void test_forgotten(void **state)
{
    (void) state;
    uint32_t first;
    struct wj_warm warm = {.scores = {0}};
    for (int i = 0; i < 1000; i++) {
        learn(&warm, 3);
    }
    if (apply(&warm, 0, &first) == 0) {
        skip();
    }
    for (int i = 0; i < 4; i++) {
        wj_warm_doubt(&warm);
    }
    assert_int_equal(apply(&warm, 0, &first), 0);
    wj_warm_doubt(&warm);
    learn(&warm, 1);
    learn(&warm, 1);
    assert_int_equal(apply(&warm, 0, &first), 1);
    assert_int_equal(first, 1);
}

// Whether a page of the memory can be written to without a fault.
static bool is_ready(int pagemap, const wasm_instance_t *instance, uint64_t at)
{
    const struct wj_instance *inner = instance->ref.object;
    uint64_t page_bytes = (uint64_t) sysconf(_SC_PAGESIZE);
    struct wj_dirty_pages pages;
    assert_true(wj_dirty_find(pagemap, inner->memory0_base, 65536, page_bytes, &pages));
    for (uint32_t i = 0; i < pages.count; i++) {
        if (pages.pages[i] == at / page_bytes) {
            return true;
        }
    }
    return false;
}

static void test_pool(wjit_pool_config_t config)
{
    enum { AT = 3 * 16384 + 5 };
    struct embed e;
    wasm_instance_t *all[5];
    config.instances = 5;
    embed_open(&e, NULL);
    // A larger page would have both the data and AT.
    int pagemap = sysconf(_SC_PAGESIZE) <= 16384 ? wj_dirty_open() : -1;
    wasm_module_t *module = embed_module(e.store, guest_tenant, sizeof guest_tenant);
    wjit_pool_t *pool = wjit_pool_new(e.store, module, NULL, &config, NULL);
    wasm_module_delete(module);
    for (int i = 0; pagemap >= 0 && i < 5; i++) {
        wasm_trap_t *trap;
        all[i] = wjit_pool_take(pool, &trap, NULL);
        assert_int_equal(is_ready(pagemap, all[i], AT), i >= 2);
        // The data is there, whatever is ready.
        const struct wj_instance *inner = all[i]->ref.object;
        assert_memory_equal(inner->memory0_base + 7, "\0abc", 5);
        assert_int_equal(inner->memory0_base[AT], 0);
        assert_null(embed_run(all[i], "touch", "i:", &(wjit_cell_t){.i32 = AT}));
    }
    wjit_pool_delete(pool);
    embed_close(&e);
    if (pagemap >= 0) {
        close(pagemap);
    }
}

static void test_guarded(void **state)
{
    (void) state;
    test_pool((wjit_pool_config_t){.explicit_checks = false});
}

static void test_checked(void **state)
{
    (void) state;
    test_pool((wjit_pool_config_t){.explicit_checks = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_guarded),
        cmocka_unit_test(test_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
