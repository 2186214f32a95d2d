// Stops at the instructions of an engine's modules, one after the other: by the processor's trap
// flag on x86-64, elsewhere by breakpoints that are each taken away when it is reached.
#ifndef TESTS_UNIT_RUNTIME_STEP_H
#define TESTS_UNIT_RUNTIME_STEP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/vm/engine.h"
#include "runtime/vm/ucontext.h"

// Called in a signal handler, before the instruction at the context's pc is executed.
typedef void step_function(const struct wj_region *region, const ucontext_t *context);

static struct {
    struct wj_engine *engine;
    step_function *look;
    bool is_on;
} step;

// Before `look`, which is to find the code as it is, and after it.
static void step_stop(const struct wj_region *region);
static void step_go_on(const struct wj_region *region, ucontext_t *context);

static void step_on_trap(int number, siginfo_t *info, void *context)
{
    (void) number, (void) info;
    const uint64_t pc = wj_ucontext_pc(context);
    const struct wj_region *region = wj_region_registry_find(&step.engine->regions, pc);
    if (region != NULL && region->owner == NULL) {
        region = NULL;
    }
    step_stop(region);
    if (step.is_on && region != NULL) {
        step.look(region, context);
    }
    step_go_on(region, context);
}

#if defined(__x86_64__)

static void step_stop(const struct wj_region *region)
{
    (void) region;
}

static void step_go_on(const struct wj_region *region, ucontext_t *context)
{
    (void) region;
    const greg_t trap_flag = 0x100;
    greg_t *flags = &context->uc_mcontext.gregs[REG_EFL];
    *flags = step.is_on ? *flags | trap_flag : *flags & ~trap_flag;
}

static void step_prepare(void)
{
    raise(SIGTRAP); // and one more after each instruction from there
}

#else

enum { STEP_BREAKPOINT = (int) 0xd4200000, STEP_WORDS_MAX = 4096 }; // brk #0

static bool step_is_done[STEP_WORDS_MAX]; // by place in the code

static void step_stop(const struct wj_region *region)
{
    memcpy(region->exec + region->table_bytes, region->write, region->used_bytes);
}

static void step_plant(const struct wj_region *region, const struct wj_code_entry *entry)
{
    const uint32_t breakpoint = (uint32_t) STEP_BREAKPOINT;
    const uint64_t first = entry->start - wj_region_code_address(region);
    for (uint32_t at = 0; at < entry->info.code_bytes; at += sizeof breakpoint) {
        assert_true((first + at) / 4 < STEP_WORDS_MAX);
        if (!step_is_done[(first + at) / 4]) {
            memcpy((uint8_t *) (uintptr_t) entry->start + at, &breakpoint, sizeof breakpoint);
        }
    }
}

static void step_plant_all(const struct wj_region *region)
{
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        const struct wj_code_chunk *chunk = wj_region_chunk_at(region, i);
        for (uint32_t k = 0; k < chunk->entry_count; k++) {
            step_plant(region, &chunk->entries[k]);
        }
    }
    char *code = (char *) region->exec + region->table_bytes;
    __builtin___clear_cache(code, code + region->used_bytes);
}

static void step_go_on(const struct wj_region *region, ucontext_t *context)
{
    step_is_done[(wj_ucontext_pc(context) - wj_region_code_address(region)) / 4] = true;
    step_plant_all(region);
}

// The executable view gets pages of its own, which may be written: the other view keeps the code.
static void step_prepare_region(const struct wj_region *region)
{
    uint8_t *code = region->exec + region->table_bytes;
    const size_t bytes = (region->used_bytes + 4095) & ~(size_t) 4095;
    assert_ptr_equal(mmap(code, bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     code);
    step_stop(region);
    step_plant_all(region);
}

static void step_prepare(void)
{
    memset(step_is_done, 0, sizeof step_is_done);
    for (unsigned i = 0; i < WJ_REGION_SLOTS; i++) {
        const struct wj_region *region = step.engine->regions.first.slots[i].region;
        if (region != NULL && region->owner != NULL) {
            step_prepare_region(region);
        }
    }
}

#endif

// From here on the code that is there calls `look`, until step_end.
static void step_begin(struct wj_engine *engine, step_function *look)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    action.sa_sigaction = step_on_trap;
    assert_int_equal(sigaction(SIGTRAP, &action, NULL), 0);
    step.engine = engine;
    step.look = look;
    step.is_on = true;
    step_prepare();
}

static void step_end(void)
{
    step.is_on = false;
}

#endif
