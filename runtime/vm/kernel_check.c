// --check-kernels: a dispatch in the portable, the reversed and a shuffled order, in lanes where it
// would run so, and on the device. Bytes that differ are a race in the guest, or a fault of the
// device or its driver.
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/vm/kernel_state.h"

#define PAGE_BYTES 4096u

// The memories of an instance at one time.
struct image {
    uint32_t count;
    struct {
        struct wj_memory *memory;
        uint8_t *bytes;
        uint64_t size_bytes;
    } parts[];
};

struct wj_memory *const *wj_kernel_memories(const struct wj_instance *instance)
{
    struct wj_instance_layout layout = wj_instance_layout(instance->module);
    const char *at = (const char *) instance + layout.memories;
    return (struct wj_memory *const *) (const void *) at;
}

static void image_free(struct image *image)
{
    for (uint32_t i = 0; image != NULL && i < image->count; i++) {
        if (image->parts[i].bytes != NULL) {
            munmap(image->parts[i].bytes, image->parts[i].size_bytes);
        }
    }
    free(image);
}

static struct image *image_take(const struct wj_instance *instance)
{
    uint32_t count = instance->module->memory_count;
    struct image *image = calloc(1, sizeof *image + count * sizeof image->parts[0]);
    if (image == NULL) {
        return NULL;
    }
    for (; image->count < count; image->count++) {
        struct wj_memory *memory = wj_kernel_memories(instance)[image->count];
        uint64_t size_bytes = atomic_load(&memory->size_bytes);
        uint8_t *bytes = NULL;
        if (size_bytes != 0) {
            bytes = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (bytes == MAP_FAILED) {
                image_free(image);
                return NULL;
            }
            wj_kernel_copy_pages(bytes, memory->base, size_bytes, size_bytes);
        }
        image->parts[image->count].memory = memory;
        image->parts[image->count].bytes = bytes;
        image->parts[image->count].size_bytes = size_bytes;
    }
    return image;
}

static void image_restore(const struct image *image)
{
    for (uint32_t i = 0; i < image->count; i++) {
        wj_kernel_copy_pages(image->parts[i].memory->base, image->parts[i].bytes,
                             image->parts[i].size_bytes, 0);
    }
}

struct difference {
    uint32_t memory;
    uint64_t address;
    uint8_t expected, found;
};

static bool differs_in(const uint8_t *expected, const uint8_t *found, uint64_t first, uint64_t end,
                       struct difference *difference)
{
    for (uint64_t at = first; at < end;) {
        uint64_t bytes = end - at < PAGE_BYTES ? end - at : PAGE_BYTES;
        if (memcmp(expected + at, found + at, bytes) == 0) {
            at += bytes;
            continue;
        }
        while (expected[at] == found[at]) {
            at++;
        }
        difference->address = at;
        difference->expected = expected[at];
        difference->found = found[at];
        return true;
    }
    return false;
}

// Whether the memories hold other bytes than the image, but for the part [dead, dead_end) of
// memory 0.
static bool image_differs(const struct image *image, uint64_t dead, uint64_t dead_end,
                          struct difference *difference)
{
    for (uint32_t i = 0; i < image->count; i++) {
        const uint8_t *bytes = image->parts[i].bytes, *base = image->parts[i].memory->base;
        uint64_t size_bytes = image->parts[i].size_bytes;
        uint64_t gap = i == 0 ? dead : 0, gap_end = i == 0 ? dead_end : 0;
        difference->memory = i;
        if (differs_in(bytes, base, 0, gap, difference) ||
            differs_in(bytes, base, gap_end, size_bytes, difference)) {
            return true;
        }
    }
    return false;
}

// A check under way.
struct check {
    const struct wj_dispatch *dispatch;
    struct image *before, *after; // in the portable order
    uint64_t dead, dead_end;
    struct wj_trap *trap; // of the portable order
    char message[600];    // what differs; "" for nothing
};

// Compares what another run left with the portable order's. `where` and `why` go into the message.
static void compare(struct check *check, const struct wj_trap *trap, const char *where,
                    const char *why)
{
    const struct wj_kernel_report *report = &check->dispatch->kernel->report;
    struct difference found;
    char what[300] = "";
    if ((trap == NULL) != (check->trap == NULL)) {
        snprintf(what, sizeof what, "%s in the portable order, %s",
                 check->trap != NULL ? check->trap->message : "no trap",
                 trap != NULL ? trap->message : "no trap");
    } else if (trap == NULL && image_differs(check->after, check->dead, check->dead_end, &found)) {
        snprintf(what, sizeof what,
                 "the byte at address 0x%" PRIx64 "%s is 0x%02x in the portable order, 0x%02x",
                 found.address, found.memory != 0 ? " of another memory" : "", found.expected,
                 found.found);
    }
    if (what[0] != '\0') {
        snprintf(check->message, sizeof check->message,
                 "kernel %s, dispatch %" PRIu64 ": %s %s: %s", report->name, report->dispatches + 1,
                 what, where, why);
    }
}

// The trap says that something stopped the run, not the kernel.
static bool is_stop(const struct wj_trap *trap)
{
    return trap != NULL && (trap->kind == WJ_TRAP_INTERRUPTED || trap->kind == WJ_TRAP_HOST);
}

// The other orders. False: something stopped the run, which *stop says.
static bool check_orders(struct check *check, struct wj_trap **stop)
{
    static const struct {
        enum wj_kernel_order order;
        const char *where, *why;
    } others[] = {
        {WJ_ORDER_REVERSED, "in the reversed order", "its items depend on each other"},
        {WJ_ORDER_SHUFFLED, "in a shuffled order", "its items depend on each other"},
        {WJ_ORDER_LANES, "with several items at a time",
         "its items depend on each other, or the code for lanes is at fault"},
    };
    const unsigned count = sizeof others / sizeof others[0];
    for (unsigned i = 0; i < count && check->message[0] == '\0'; i++) {
        struct wj_trap *other = NULL;
        image_restore(check->before);
        if (!wj_kernel_run_ordered(check->dispatch, others[i].order, &other)) {
            continue;
        }
        if (is_stop(other)) {
            *stop = other;
            return false;
        }
        compare(check, other, others[i].where, others[i].why);
        wj_trap_release(other);
    }
    return true;
}

static bool check_device(struct check *check, bool *on_gpu, struct wj_trap **stop)
{
    struct wj_trap *other = NULL;
    char where[300];
    if (check->message[0] != '\0') {
        return true;
    }
    image_restore(check->before);
    *on_gpu = wj_kernel_run_gpu(check->dispatch, &other);
    if (is_stop(other)) {
        *stop = other;
        return false;
    }
    if (*on_gpu) {
        snprintf(where, sizeof where, "on %s", check->dispatch->kernels->info.name);
        compare(check, other, where, "the device or its driver is at fault");
    }
    wj_trap_release(other);
    return true;
}

static const char *why_not(const struct wj_dispatch *dispatch)
{
    struct wj_memory *const *memories = wj_kernel_memories(dispatch->instance);
    for (uint32_t i = 0; i < dispatch->instance->module->memory_count; i++) {
        if (memories[i]->type.limits.is_shared) {
            return "its memory is shared with other threads";
        }
    }
    return dispatch->kernel->facts.is_pure ? NULL : dispatch->kernel->why_alone;
}

// The portable order, which is kept, and what is compared with it.
static void run_check(struct check *check, bool *on_gpu, struct wj_trap **trap)
{
    struct wj_trap *stop = NULL;
    check->after = image_take(check->dispatch->instance);
    if (check->after == NULL) {
        return;
    }
    wj_kernel_dead_stack(check->dispatch, &check->dead, &check->dead_end);
    if (check_orders(check, &stop) && check_device(check, on_gpu, &stop) &&
        check->message[0] == '\0') {
        check->dispatch->kernel->report.checked++;
    }
    image_restore(check->after);
    if (check->message[0] != '\0') {
        stop = wj_trap_new(WJ_TRAP_HOST, check->message, strlen(check->message));
    }
    if (stop != NULL) {
        wj_trap_release(check->trap);
        *trap = stop;
    }
}

bool wj_kernel_check(const struct wj_dispatch *dispatch, bool *on_gpu, struct wj_trap **trap)
{
    struct wj_kernel_report *report = &dispatch->kernel->report;
    struct check check = {.dispatch = dispatch};
    const char *why = why_not(dispatch);
    check.before = why == NULL ? image_take(dispatch->instance) : NULL;
    if (why == NULL && check.before == NULL) {
        why = "there is no room for a copy of its memory";
    }
    if (why == NULL && !wj_kernel_run_ordered(dispatch, WJ_ORDER_PORTABLE, &check.trap)) {
        why = "the shadow stack has no room for it";
    }
    snprintf(report->why_unchecked, sizeof report->why_unchecked, "%s", why == NULL ? "" : why);
    if (why == NULL) {
        *trap = check.trap;
        if (!is_stop(check.trap)) {
            run_check(&check, on_gpu, trap);
        }
    }
    image_free(check.before);
    image_free(check.after);
    return why == NULL;
}
