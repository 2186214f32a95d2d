// Devices through Vulkan, on a software driver: dispatches of odd grids, the trap record, growing,
// mirrored memory, errors, and silence of the validation layer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vk/asm.h"
#include "vk/impl.h"
#include "vk/vk.h"

enum { EXIT_SKIPPED = 77, RESERVED_BYTES = 64 << 20 };

static const struct wj_gpu_driver *const driver = &wj_vk_driver;

struct fixture {
    struct wj_gpu *gpu;
    struct wj_gpu_device *device;
    uint32_t *words; // RESERVED_BYTES of them, zeroed
    struct wj_err err;
};

static void open_fixture(struct fixture *f, enum wj_vk_memory_mode mode)
{
    memset(f, 0, sizeof *f);
    if (!driver->load(&f->gpu, &f->err)) {
        fail_msg("%s", f->err.message);
    }
    wj_vk_set_cache_folder(f->gpu, NULL); // no verdicts of another day
    assert_true(wj_vk_set_memory_mode(f->gpu, mode, &f->err));
    if (!driver->open(f->gpu, 0, &f->device, &f->err)) {
        fail_msg("%s", f->err.message);
    }
    f->words = mmap(NULL, RESERVED_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(f->words != MAP_FAILED);
}

static void close_fixture(struct fixture *f)
{
    driver->close(f->device);
    driver->unload(f->gpu);
    munmap(f->words, RESERVED_BYTES);
}

static struct wj_gpu_memory *add_memory(struct fixture *f, uint64_t size_bytes)
{
    struct wj_gpu_memory *memory = NULL;
    if (!driver->memory_add(f->device, f->words, size_bytes, &memory, &f->err)) {
        fail_msg("%s", f->err.message);
    }
    return memory;
}

static struct wj_gpu_kernel *finish_kernel(struct wj_gpu_device *device, struct wj_vk_asm *a)
{
    struct wj_err err = {0};
    struct wj_gpu_code code;
    assert_true(wj_vk_asm_end(a, &code, &err));
    struct wj_gpu_kernel *kernel = NULL;
    double pipeline_ms = -1;
    if (!driver->kernel_new(device, &code, &kernel, &pipeline_ms, &err)) {
        fail_msg("%s", err.message);
    }
    assert_true(pipeline_ms >= 0);
    free((void *) code.words);
    return kernel;
}

// words[item] += item + args
static struct wj_gpu_kernel *make_add(struct wj_gpu_device *device)
{
    struct wj_vk_asm a;
    wj_vk_asm_begin(&a, false, false);
    const uint32_t args = wj_vk_asm_push(&a, offsetof(struct wj_gpu_push, args) / 4);
    const uint32_t more = ASM_OP(&a, SpvOpIAdd, a.type_u32, a.item, args);
    const uint32_t old = wj_vk_asm_load(&a, a.item);
    wj_vk_asm_store(&a, a.item, ASM_OP(&a, SpvOpIAdd, a.type_u32, old, more));
    return finish_kernel(device, &a);
}

// The item whose number is args traps with kind 7; every item stores args + 1.
static struct wj_gpu_kernel *make_trap(struct wj_gpu_device *device)
{
    struct wj_vk_asm a;
    wj_vk_asm_begin(&a, false, false);
    const uint32_t args = wj_vk_asm_push(&a, offsetof(struct wj_gpu_push, args) / 4);
    const uint32_t yes = wj_vk_asm_id(&a);
    const uint32_t merge = wj_vk_asm_id(&a);
    wj_vk_asm_store(&a, a.item, ASM_OP(&a, SpvOpIAdd, a.type_u32, args, wj_vk_asm_u32(&a, 1)));
    wj_vk_asm_test(&a, ASM_OP(&a, SpvOpIEqual, a.type_bool, a.item, args), yes, merge, merge);
    wj_vk_asm_label(&a, yes);
    const uint32_t scope = wj_vk_asm_u32(&a, SpvScopeDevice);
    const uint32_t relaxed = wj_vk_asm_u32(&a, SpvMemorySemanticsMaskNone);
    (void) ASM_OP(&a, SpvOpAtomicCompareExchange, a.type_u32, wj_vk_asm_trap(&a, 0), scope, relaxed,
                  relaxed, wj_vk_asm_u32(&a, 7), wj_vk_asm_u32(&a, 0));
    ASM_DO(&a, SpvOpStore, wj_vk_asm_trap(&a, offsetof(struct wj_gpu_trap, item) / 4), a.item);
    ASM_DO(&a, SpvOpStore, wj_vk_asm_trap(&a, offsetof(struct wj_gpu_trap, address) / 4),
           wj_vk_asm_u32(&a, 0xfffffffc));
    wj_vk_asm_branch(&a, merge);
    wj_vk_asm_label(&a, merge);
    return finish_kernel(device, &a);
}

// words[n] = the push constant's n-th member, by item 0.
static struct wj_gpu_kernel *make_echo(struct wj_gpu_device *device)
{
    struct wj_vk_asm a;
    wj_vk_asm_begin(&a, false, false);
    for (uint32_t i = 0; i < sizeof(struct wj_gpu_push) / 4; i++) {
        wj_vk_asm_store(&a, wj_vk_asm_u32(&a, i), wj_vk_asm_push(&a, i));
    }
    return finish_kernel(device, &a);
}

static bool dispatch(struct wj_gpu_kernel *kernel, struct wj_gpu_memory *memory, uint32_t nx,
                     uint32_t ny, uint32_t nz, uint32_t args, uint32_t fuel,
                     struct wj_gpu_trap *trap, double *gpu_ms, struct wj_err *err)
{
    // The high word of 64-bit pointers goes beside the low one.
    const struct wj_gpu_work work = {nx, ny, nz, .args = args | UINT64_C(0x123) << 32,
                                     .fuel = fuel};
    return driver->dispatch(kernel, &memory, &work, trap, gpu_ms, err);
}

static void run(struct fixture *f, struct wj_gpu_kernel *kernel, struct wj_gpu_memory *memory,
                uint32_t nx, uint32_t ny, uint32_t nz, uint32_t args)
{
    struct wj_gpu_trap trap;
    double gpu_ms = -1;
    if (!dispatch(kernel, memory, nx, ny, nz, args, 1000, &trap, &gpu_ms, &f->err)) {
        fail_msg("%s", f->err.message);
    }
    assert_true(gpu_ms >= 0);
    assert_int_equal(trap.kind, 0);
}

static void check_grid(struct fixture *f, struct wj_gpu_kernel *kernel,
                       struct wj_gpu_memory *memory, uint32_t nx, uint32_t ny, uint32_t nz)
{
    const uint32_t items = nx * ny * nz;
    memset(f->words, 0, memory->size_bytes);
    run(f, kernel, memory, nx, ny, nz, 5);
    run(f, kernel, memory, nx, ny, nz, 5); // the same again, as recorded
    for (uint32_t i = 0; i < items; i++) {
        if (f->words[i] != 2 * (i + 5)) {
            fail_msg("%u x %u x %u: item %u gave %u", nx, ny, nz, i, f->words[i]);
        }
    }
    for (uint32_t i = items; i < items + 256 && i < memory->size_bytes / 4; i++) {
        assert_int_equal(f->words[i], 0);
    }
}

static void check_grids(enum wj_vk_memory_mode mode)
{
    struct fixture f;
    open_fixture(&f, mode);
    struct wj_gpu_memory *memory = add_memory(&f, 32 << 20);
    assert_int_equal(memory->is_mirrored, mode == WJ_VK_MEMORY_MIRROR);
    struct wj_gpu_kernel *kernel = make_add(f.device);
    static const uint32_t grids[][3] = {
        {1, 1, 1},      {3, 5, 7},      {63, 1, 1},    {64, 1, 1},         {65, 1, 1},
        {100000, 1, 1}, {1, 1, 70000},  {1, 70000, 1}, {65535 * 64, 1, 1}, {65535 * 64 + 1, 1, 1},
        {2, 1, 1},      {1000, 1000, 2}};
    for (size_t i = 0; i < sizeof grids / sizeof *grids; i++) {
        check_grid(&f, kernel, memory, grids[i][0], grids[i][1], grids[i][2]);
    }
    // A device of small limits: many parts, full rows and remainders.
    const uint32_t small[3] = {3, 2, 1};
    memcpy(f.device->caps.workgroup_count_max, small, sizeof small);
    for (uint32_t groups = 1; groups < 20; groups++) {
        check_grid(&f, kernel, memory, groups * 64 - 1, 1, 1);
    }
    driver->kernel_free(kernel);
    driver->memory_forget(memory);
    close_fixture(&f);
}

static void test_grids_imported(void **state)
{
    (void) state;
    check_grids(WJ_VK_MEMORY_AUTO);
}

static void test_grids_mirrored(void **state)
{
    (void) state;
    check_grids(WJ_VK_MEMORY_MIRROR);
}

static void test_grid_limits(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f, WJ_VK_MEMORY_AUTO);
    struct wj_gpu_memory *memory = add_memory(&f, 65536);
    struct wj_gpu_kernel *kernel = make_add(f.device);
    struct wj_gpu_trap trap;
    double gpu_ms;
    static const uint32_t too_large[][3] = {
        {65536, 65536, 1}, {UINT32_MAX, 2, 1}, {UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    for (size_t i = 0; i < 3; i++) {
        wj_err_clear(&f.err);
        assert_false(dispatch(kernel, memory, too_large[i][0], too_large[i][1], too_large[i][2], 0,
                              0, &trap, &gpu_ms, &f.err));
        assert_int_equal(f.err.kind, WJ_ERR_LIMIT);
    }
    wj_err_clear(&f.err);
    run(&f, kernel, memory, 0, 5, 5, 1);
    run(&f, kernel, memory, 5, 5, 0, 1);
    assert_int_equal(f.words[0], 0);
    driver->kernel_free(kernel);
    driver->memory_forget(memory);
    close_fixture(&f);
}

static void test_push_constants(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f, WJ_VK_MEMORY_AUTO);
    struct wj_gpu_memory *memory = add_memory(&f, 3 * 65536);
    struct wj_gpu_kernel *kernel = make_echo(f.device);
    run(&f, kernel, memory, 1, 1, 1, 0xdeadbeef);
    const struct wj_gpu_push expected = {.nx = 1,
                                         .ny = 1,
                                         .nz = 1,
                                         .args = 0xdeadbeef,
                                         .item_end = 1,
                                         .memory_bytes_low = 3 * 65536,
                                         .fuel = 1000,
                                         .args_high = 0x123};
    assert_memory_equal(f.words, &expected, sizeof expected);
    driver->kernel_free(kernel);
    driver->memory_forget(memory);
    close_fixture(&f);
}

static void test_trap_record(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f, WJ_VK_MEMORY_AUTO);
    struct wj_gpu_memory *memory = add_memory(&f, 1 << 20);
    struct wj_gpu_kernel *kernel = make_trap(f.device);
    for (uint32_t at = 0; at < 3; at++) {
        struct wj_gpu_trap trap;
        double gpu_ms;
        assert_true(dispatch(kernel, memory, 500, 1, 1, at * 211, 0, &trap, &gpu_ms, &f.err));
        assert_int_equal(trap.kind, 7);
        assert_int_equal(trap.item, at * 211);
        assert_int_equal(trap.address, 0xfffffffc);
        assert_int_equal(f.words[499], at * 211 + 1);
    }
    run(&f, kernel, memory, 500, 1, 1, 500); // no item has that number
    driver->kernel_free(kernel);
    driver->memory_forget(memory);
    close_fixture(&f);
}

static void check_resize(enum wj_vk_memory_mode mode)
{
    struct fixture f;
    open_fixture(&f, mode);
    struct wj_gpu_memory *memory = add_memory(&f, 0);
    struct wj_gpu_kernel *kernel = make_add(f.device);
    static const uint32_t sizes[] = {65536, 3 * 65536, 3 * 65536, 1 << 20, 0, 4096, 16 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (!driver->memory_resize(memory, sizes[i], &f.err)) {
            fail_msg("%s", f.err.message);
        }
        const uint32_t count = sizes[i] / 4;
        memset(f.words, 0, sizes[i]);
        run(&f, kernel, memory, count, 1, 1, 9);
        for (uint32_t j = 0; j < count; j++) {
            assert_int_equal(f.words[j], j + 9);
        }
    }
    driver->kernel_free(kernel);
    driver->memory_forget(memory);
    close_fixture(&f);
}

static void test_resize(void **state)
{
    (void) state;
    check_resize(WJ_VK_MEMORY_AUTO);
    check_resize(WJ_VK_MEMORY_MIRROR);
}

// The host writes here and there between dispatches; the device's stores must not hide or undo it.
static void test_mirror_follows_the_host(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f, WJ_VK_MEMORY_MIRROR);
    const uint32_t count = (1 << 20) / 4;
    struct wj_gpu_memory *memory = add_memory(&f, count * 4);
    struct wj_gpu_kernel *kernel = make_add(f.device);
    uint32_t *expected = calloc(count, sizeof *expected);
    assert_non_null(expected);
    uint32_t seed = 1;
    for (uint32_t round = 0; round < 50; round++) {
        for (uint32_t i = 0; i < round % 4; i++) {
            seed = seed * 1664525u + 1013904223u;
            f.words[seed % count] = expected[seed % count] = seed;
        }
        const uint32_t items = round % 3 == 0 ? count : 1000;
        run(&f, kernel, memory, items, 1, 1, round);
        for (uint32_t i = 0; i < items; i++) {
            expected[i] += i + round;
        }
        assert_memory_equal(f.words, expected, count * 4);
    }
    free(expected);
    driver->kernel_free(kernel);
    driver->memory_forget(memory);
    close_fixture(&f);
}

static void test_two_devices(void **state)
{
    (void) state;
    struct fixture f;
    struct fixture g;
    open_fixture(&f, WJ_VK_MEMORY_AUTO);
    open_fixture(&g, WJ_VK_MEMORY_AUTO);
    struct wj_gpu_device *third = NULL; // of the same instance
    assert_true(driver->open(f.gpu, 0, &third, &f.err));
    struct wj_gpu_memory *memory_f = add_memory(&f, 1 << 20);
    struct wj_gpu_memory *memory_g = add_memory(&g, 1 << 20);
    struct wj_gpu_kernel *kernel_f = make_add(f.device);
    struct wj_gpu_kernel *kernel_g = make_add(g.device);
    run(&f, kernel_f, memory_f, 1000, 1, 1, 1);
    run(&g, kernel_g, memory_g, 1000, 1, 1, 2);
    run(&f, kernel_f, memory_f, 1000, 1, 1, 3);
    assert_int_equal(f.words[999], 2 * 999 + 4);
    assert_int_equal(g.words[999], 999 + 2);
    struct wj_gpu_trap trap;
    double gpu_ms;
    assert_false(dispatch(kernel_f, memory_g, 1, 1, 1, 0, 0, &trap, &gpu_ms, &f.err));
    assert_int_equal(f.err.kind, WJ_ERR_USAGE);
    driver->kernel_free(kernel_f);
    driver->kernel_free(kernel_g);
    driver->memory_forget(memory_f);
    driver->memory_forget(memory_g);
    driver->close(third);
    close_fixture(&f);
    close_fixture(&g);
}

struct worker {
    struct fixture *f;
    struct wj_gpu_kernel *kernel;
    struct wj_gpu_memory *memory;
    uint32_t *words;
    bool ok;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    w->ok = true;
    for (uint32_t i = 0; i < 100 && w->ok; i++) {
        struct wj_gpu_trap trap;
        double gpu_ms;
        struct wj_err err = {0};
        w->ok = dispatch(w->kernel, w->memory, 1000, 1, 1, i, 0, &trap, &gpu_ms, &err);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f, WJ_VK_MEMORY_AUTO);
    struct wj_gpu_kernel *kernel = make_add(f.device);
    struct worker workers[3];
    pthread_t threads[3];
    for (unsigned i = 0; i < 3; i++) {
        workers[i] = (struct worker){.f = &f, .kernel = kernel, .words = f.words + (i << 20)};
        assert_true(
            driver->memory_add(f.device, workers[i].words, 65536, &workers[i].memory, &f.err));
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_true(workers[i].ok);
        assert_int_equal(workers[i].words[999], 100 * 999 + 4950);
        driver->memory_forget(workers[i].memory);
    }
    driver->kernel_free(kernel);
    close_fixture(&f);
}

static void test_memory_errors(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f, WJ_VK_MEMORY_AUTO);
    struct wj_gpu_memory *memory = NULL;
    // What cannot be imported is mirrored, unless the import was asked for.
    assert_true(driver->memory_add(f.device, f.words + 4, 65536, &memory, &f.err));
    assert_true(memory->is_mirrored);
    struct wj_gpu_kernel *kernel = make_add(f.device);
    run(&f, kernel, memory, 16384, 1, 1, 0);
    assert_int_equal(f.words[4 + 16383], 16383);
    driver->memory_forget(memory);
    if (f.device->found->info.can_import) {
        assert_true(wj_vk_set_memory_mode(f.gpu, WJ_VK_MEMORY_IMPORT, &f.err));
        assert_false(driver->memory_add(f.device, f.words + 4, 65536, &memory, &f.err));
        assert_int_equal(f.err.kind, WJ_ERR_DEVICE);
    }
    wj_err_clear(&f.err);
    f.device->caps.storage_range_max_bytes = 1 << 20;
    struct wj_gpu_trap trap;
    double gpu_ms;
    if (f.device->caps.has_addresses) {
        // There by its address: a kernel that goes by the binding is refused.
        assert_true(driver->memory_add(f.device, f.words, (1 << 20) + 65536, &memory, &f.err));
        assert_false(dispatch(kernel, memory, 1, 1, 1, 0, 0, &trap, &gpu_ms, &f.err));
        assert_int_equal(f.err.kind, WJ_ERR_USAGE);
        driver->memory_forget(memory);
        wj_err_clear(&f.err);
    }
    f.device->caps.has_addresses = false;
    assert_false(driver->memory_add(f.device, f.words, (1 << 20) + 65536, &memory, &f.err));
    assert_int_equal(f.err.kind, WJ_ERR_LIMIT);
    memory = add_memory(&f, 1 << 20);
    wj_err_clear(&f.err);
    assert_false(driver->memory_resize(memory, (1 << 20) + 65536, &f.err));
    wj_err_clear(&f.err);
    assert_false(dispatch(kernel, memory, 1, 1, 1, 0, 0, &trap, &gpu_ms, &f.err));
    wj_err_clear(&f.err);
    assert_true(driver->memory_resize(memory, 65536, &f.err));
    run(&f, kernel, memory, 1, 1, 1, 0);
    driver->memory_forget(memory);
    driver->kernel_free(kernel);
    close_fixture(&f);
}

static void test_kernel_errors(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f, WJ_VK_MEMORY_AUTO);
    static const uint32_t garbage[] = {1, 2, 3, 4, 5, 6};
    static const uint32_t newer[] = {SpvMagicNumber, 0x00020000, 0, 1, 0};
    static const uint32_t empty[] = {SpvMagicNumber, 0x00010300, 0, 1, 0};
    static const uint32_t cut[] = {SpvMagicNumber, 0x00010300, 0, 1, 0, 0x00090011};
    static const uint32_t zero[] = {SpvMagicNumber, 0x00010300, 0, 1, 0, 0};
    const struct wj_gpu_code codes[] = {
        {.words = garbage, .word_count = 6}, {.words = newer, .word_count = 5},
        {.words = empty, .word_count = 5},   {.words = cut, .word_count = 6},
        {.words = zero, .word_count = 6},    {.words = empty, .word_count = 3}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct wj_gpu_kernel *kernel = NULL;
        wj_err_clear(&f.err);
        assert_false(driver->kernel_new(f.device, &codes[i], &kernel, NULL, &f.err));
        assert_int_equal(f.err.kind, WJ_ERR_DEVICE);
    }
    driver->kernel_free(NULL);
    driver->memory_forget(NULL);
    close_fixture(&f);
}

// words[args] = 77, by item 0.
static struct wj_gpu_kernel *make_poke(struct wj_gpu_device *device)
{
    struct wj_vk_asm a;
    wj_vk_asm_begin(&a, false, false);
    wj_vk_asm_store(&a, wj_vk_asm_push(&a, offsetof(struct wj_gpu_push, args) / 4),
                    wj_vk_asm_u32(&a, 77));
    return finish_kernel(device, &a);
}

// Up to the largest memory that the device says it takes, also beyond what lavapipe advertises.
static void test_large_memory(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f, WJ_VK_MEMORY_AUTO);
    static const uint64_t sizes[] = {128 << 20, 300 << 20, 1 << 30, 0x7fff0000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (sizes[i] > driver->caps(f.device)->storage_range_max_bytes) {
            break;
        }
        uint32_t *words = mmap(NULL, sizes[i], PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert_true(words != MAP_FAILED);
        struct wj_gpu_memory *memory = NULL;
        const bool ok = driver->memory_add(f.device, words, sizes[i], &memory, &f.err);
        if (!ok && sizes[i] >= 1 << 30) { // SwiftShader allocates less than 1 GiB at once
            assert_int_equal(f.err.kind, WJ_ERR_DEVICE);
            munmap(words, sizes[i]);
            break;
        }
        if (!ok) {
            fail_msg("%llu bytes: %s", (unsigned long long) sizes[i], f.err.message);
        }
        if (!memory->is_mirrored) { // a mirror of this size would need twice the memory
            struct wj_gpu_kernel *kernel = make_poke(f.device);
            const uint32_t last = (uint32_t) (sizes[i] / 4 - 1);
            run(&f, kernel, memory, 1, 1, 1, last);
            run(&f, kernel, memory, 1, 1, 1, last / 2);
            assert_int_equal(words[last], 77);
            assert_int_equal(words[last / 2], 77);
            driver->kernel_free(kernel);
        }
        driver->memory_forget(memory);
        munmap(words, sizes[i]);
    }
    close_fixture(&f);
}

static void test_load_errors(void **state)
{
    (void) state;
    struct wj_gpu *gpu = NULL;
    struct wj_err err = {0};
    assert_false(wj_vk_load_from("libvulkan-that-is-not-there.so", &gpu, &err));
    assert_int_equal(err.kind, WJ_ERR_DEVICE);
    assert_non_null(strstr(err.message, "no Vulkan loader"));
    wj_err_clear(&err);
    assert_false(wj_vk_load_from("libm.so.6", &gpu, &err));
    assert_non_null(strstr(err.message, "is no Vulkan loader"));

    // A loader without drivers: either it says so, or it has no devices.
    char *drivers = strdup(getenv("VK_ICD_FILENAMES"));
    setenv("VK_ICD_FILENAMES", "/nonexistent.json", 1);
    wj_err_clear(&err);
    if (driver->load(&gpu, &err)) {
        assert_int_equal(driver->device_count(gpu), 0);
        struct wj_gpu_device *device = NULL;
        assert_false(driver->open(gpu, 0, &device, &err));
        driver->unload(gpu);
    }
    assert_int_equal(err.kind, WJ_ERR_DEVICE);
    setenv("VK_ICD_FILENAMES", drivers, 1);
    free(drivers);
}

static void test_info_and_caps(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f, WJ_VK_MEMORY_AUTO);
    struct wj_gpu_info info;
    driver->device_info(f.gpu, 0, &info);
    assert_true(info.name[0] != '\0' && info.driver[0] != '\0');
    assert_int_equal(info.index, 0);
    struct wj_gpu_device *none = NULL;
    assert_false(driver->open(f.gpu, driver->device_count(f.gpu), &none, &f.err));
    const struct wj_gpu_caps *caps = driver->caps(f.device);
    assert_true(caps->workgroup_size_max >= 64);
    assert_true(caps->storage_range_max_bytes >= 128 << 20);
    // Integer operations have no excuse.
    assert_int_equal(caps->i32_arith, WJ_GPU_NATIVE);
    assert_int_equal(caps->i32_div, WJ_GPU_NATIVE);
    assert_int_equal(caps->i32_shift, WJ_GPU_NATIVE);
    assert_int_equal(caps->i32_bits, WJ_GPU_NATIVE);
    assert_int_equal(caps->i32_wide, WJ_GPU_NATIVE);
    assert_int_equal(caps->f32_min_max, WJ_GPU_NATIVE);
    if (strstr(info.driver, "llvmpipe") != NULL) {
        assert_int_equal(info.kind, WJ_GPU_SOFTWARE);
        assert_true(info.can_import && !info.is_mirrored);
        // It masks loads, and does them again for the items that stay in a loop.
        assert_true(caps->loop_values != WJ_GPU_REFUSED);
        struct wj_gpu_caps others = *caps;
        others.loop_values = WJ_GPU_NATIVE;
        // It takes the order of memory for a barrier of control.
        assert_true(caps->memory_order != WJ_GPU_REFUSED);
        others.memory_order = WJ_GPU_NATIVE;
#define ASSERT_NATIVE(name) assert_int_equal(others.name, WJ_GPU_NATIVE);
        WJ_GPU_QUIRKS(ASSERT_NATIVE)
#undef ASSERT_NATIVE
    }
    if (strstr(info.driver, "Mesa 22.") != NULL) {
        assert_int_equal(caps->loop_iterations_max, 65535);
        assert_int_equal(caps->loop_group_size, 8);
        assert_int_equal(caps->loop_values, WJ_GPU_REPAIRED);
        assert_int_equal(caps->memory_order, WJ_GPU_REPAIRED);
    }
    if (strstr(info.driver, "SwiftShader") != NULL) { // it flushes denormals
        assert_int_equal(caps->f32_arith, WJ_GPU_REPAIRED);
        assert_int_equal(caps->f32_compare, WJ_GPU_REPAIRED);
        assert_int_equal(caps->f32_from_u32, WJ_GPU_REPAIRED);
        assert_int_equal(caps->loop_iterations_max, 0);
        assert_int_equal(caps->loop_values, WJ_GPU_REPAIRED);
    }
    close_fixture(&f);
}

// The verdicts that a damaged or foreign file holds are not believed.
static void test_verdicts(void **state)
{
    (void) state;
    char folder[] = "/tmp/wjit-verdicts-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char pattern[64], secret[64];
    snprintf(pattern, sizeof pattern, "%s/d*", folder);
    snprintf(secret, sizeof secret, "%s/secret", folder);
    struct wj_gpu_caps caps[4];
    for (unsigned i = 0; i < 4; i++) {
        struct wj_gpu *gpu = NULL;
        struct wj_gpu_device *device = NULL;
        struct wj_err err = {0};
        assert_true(driver->load(&gpu, &err));
        wj_vk_set_cache_folder(gpu, folder);
        assert_true(driver->open(gpu, 0, &device, &err));
        caps[i] = *driver->caps(device);
        driver->close(device);
        driver->unload(gpu);
        assert_memory_equal(&caps[i], &caps[0], sizeof caps[0]);

        glob_t files;
        assert_int_equal(glob(pattern, 0, NULL, &files), 0);
        assert_int_equal(files.gl_pathc, 1);
        struct stat status;
        assert_int_equal(stat(files.gl_pathv[0], &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        FILE *file = fopen(files.gl_pathv[0], "r+b");
        assert_non_null(file);
        if (i == 1) { // a verdict flips
            assert_int_equal(fseek(file, -3, SEEK_END), 0);
            const int byte = fgetc(file);
            assert_int_equal(fseek(file, -3, SEEK_END), 0);
            fputc(byte ^ 2, file);
        } else if (i == 2) { // it ends early
            assert_int_equal(ftruncate(fileno(file), 20), 0);
        }
        fclose(file);
        if (i == 3) {
            unlink(files.gl_pathv[0]);
        }
        globfree(&files);
    }
    unlink(secret);
    assert_int_equal(rmdir(folder), 0);
}

// Runs this program again under the validation layer; what it prints is in `output`.
static int run_validated(const char *mode, char *output, size_t size)
{
    char self[1024];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = '\0';
    char command[1400];
    snprintf(command, sizeof command, "VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation '%s' %s 2>&1",
             self, mode);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t got = fread(output, 1, size - 1, pipe);
    output[got] = '\0';
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_validation(void **state)
{
    (void) state;
    glob_t layer;
    if (glob("/usr/share/vulkan/explicit_layer.d/*khronos_validation.json", 0, NULL, &layer) != 0) {
        print_message("skip  the validation layer is not installed\n");
        skip();
    }
    globfree(&layer);
    if (getenv("WJIT_EMULATED") != NULL) {
        print_message("skip  the validation layer is of another machine\n");
        skip();
    }
    static char output[1 << 16];
    // The layer reports what is wrong, else its silence would mean nothing.
    run_validated("--child-wrong", output, sizeof output);
    assert_non_null(strstr(output, "VUID"));
    const int status = run_validated("--child", output, sizeof output);
    if (status != 0 || strstr(output, "VUID") != NULL || strstr(output, "alidation") != NULL) {
        fail_msg("status %d: %.2000s", status, output);
    }
}

// Under the validation layer: all the calls, once.
static int child(bool is_wrong)
{
    struct fixture f;
    static const enum wj_vk_memory_mode modes[] = {WJ_VK_MEMORY_AUTO, WJ_VK_MEMORY_MIRROR};
    for (unsigned i = 0; i < 2; i++) {
        memset(&f, 0, sizeof f);
        if (!driver->load(&f.gpu, &f.err)) {
            return 1;
        }
        wj_vk_set_cache_folder(f.gpu, NULL); // so that the self-test runs
        wj_vk_set_memory_mode(f.gpu, modes[i], &f.err);
        if (!driver->open(f.gpu, 0, &f.device, &f.err)) {
            return 1;
        }
        f.words =
            mmap(NULL, RESERVED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (is_wrong) {
            struct wj_vk_buffer buffer;
            if (wj_vk_buffer_new(f.device, 0, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, 0, 0, &buffer,
                                 &f.err)) {
                wj_vk_buffer_free(f.device, &buffer);
            }
        }
        struct wj_gpu_memory *memory = add_memory(&f, 1 << 20);
        struct wj_gpu_kernel *kernel = make_add(f.device);
        struct wj_gpu_kernel *trapping = make_trap(f.device);
        struct wj_gpu_trap trap;
        double gpu_ms;
        bool ok = true;
        for (unsigned j = 0; j < 3; j++) {
            ok &= dispatch(kernel, memory, 777, 3, 5, j / 2, 0, &trap, &gpu_ms, &f.err);
            ok &= dispatch(trapping, memory, 777, 3, 5, j, 0, &trap, &gpu_ms, &f.err);
            ok &= trap.kind == 7;
        }
        ok &= driver->memory_resize(memory, 2 << 20, &f.err);
        ok &= dispatch(kernel, memory, 777, 3, 5, 0, 0, &trap, &gpu_ms, &f.err);
        ok &= driver->memory_resize(memory, 0, &f.err);
        driver->kernel_free(kernel);
        driver->kernel_free(trapping);
        driver->memory_forget(memory);
        close_fixture(&f);
        if (!ok) {
            return 1;
        }
    }
    return 0;
}

// For builds with sanitizers: lavapipe leaks 128 bytes a device. It is kept loaded, so that it has
// a name when leaks are looked for.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libvulkan_lvp\nleak:libLLVM\n";
}

int main(int argc, char **argv)
{
    (void) dlopen("libvulkan_lvp.so", RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    if (getenv("VK_ICD_FILENAMES") == NULL) {
        struct utsname machine;
        char driver_file[128];
        uname(&machine);
        snprintf(driver_file, sizeof driver_file, "/usr/share/vulkan/icd.d/lvp_icd.%s.json",
                 machine.machine);
        if (access(driver_file, R_OK) != 0) {
            print_message("no software Vulkan driver (Debian: mesa-vulkan-drivers)\n");
            return EXIT_SKIPPED;
        }
        setenv("VK_ICD_FILENAMES", driver_file, 1);
    }
    unsetenv("CUDA_VISIBLE_DEVICES");
    if (argc > 1) {
        return child(strcmp(argv[1], "--child-wrong") == 0);
    }
    if (getenv("WJIT_EMULATED") != NULL && getenv("WJIT_EMULATE_ALL") == NULL) {
        print_message("skip  an emulator takes a minute for it, but by hand: WJIT_EMULATE_ALL=1\n");
        return EXIT_SKIPPED;
    }
    struct wj_gpu *gpu = NULL;
    struct wj_err err = {0};
    if (!driver->load(&gpu, &err)) {
        print_message("%s\n", err.message);
        return EXIT_SKIPPED;
    }
    driver->unload(gpu);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_errors),
        cmocka_unit_test(test_info_and_caps),
        cmocka_unit_test(test_grids_imported),
        cmocka_unit_test(test_grids_mirrored),
        cmocka_unit_test(test_grid_limits),
        cmocka_unit_test(test_push_constants),
        cmocka_unit_test(test_trap_record),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_mirror_follows_the_host),
        cmocka_unit_test(test_two_devices),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_large_memory),
        cmocka_unit_test(test_memory_errors),
        cmocka_unit_test(test_kernel_errors),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_validation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
