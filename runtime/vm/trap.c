// Trap objects: the specification's words, and the backtrace taken from the wasm stack.
#include "runtime/vm/trap.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/vm/code.h"
#include "runtime/vm/store.h"

// What there is when memory is exhausted; never written to.
static const struct wj_trap out_of_memory = {.kind = WJ_TRAP_OUT_OF_MEMORY};

const char *wj_trap_words(enum wj_trap_kind kind)
{
    switch (kind) {
    case WJ_TRAP_NONE: return "none";
    case WJ_TRAP_UNREACHABLE: return "unreachable";
    case WJ_TRAP_MEMORY_OUT_OF_BOUNDS: return "out of bounds memory access";
    case WJ_TRAP_TABLE_OUT_OF_BOUNDS: return "out of bounds table access";
    case WJ_TRAP_UNDEFINED_ELEMENT: return "undefined element";
    case WJ_TRAP_UNINITIALIZED_ELEMENT: return "uninitialized element";
    case WJ_TRAP_INDIRECT_CALL_MISMATCH: return "indirect call type mismatch";
    case WJ_TRAP_INTEGER_OVERFLOW: return "integer overflow";
    case WJ_TRAP_INTEGER_DIVIDE_BY_ZERO: return "integer divide by zero";
    case WJ_TRAP_INVALID_CONVERSION: return "invalid conversion to integer";
    case WJ_TRAP_NULL_REFERENCE: return "null reference";
    case WJ_TRAP_UNALIGNED_ATOMIC: return "unaligned atomic";
    case WJ_TRAP_CALL_STACK_EXHAUSTED: return "call stack exhausted";
    case WJ_TRAP_UNSHARED_WAIT: return "expected shared memory";
    case WJ_TRAP_INTERRUPTED: return "interrupted";
    case WJ_TRAP_HOST: return "host error";
    case WJ_TRAP_OUT_OF_MEMORY: return "out of memory";
    }
    return "unknown trap";
}

struct wj_trap *wj_trap_new(enum wj_trap_kind kind, const char *message, size_t message_bytes)
{
    if (message == NULL) {
        message = wj_trap_words(kind);
        message_bytes = strlen(message);
    }
    if (message_bytes > UINT32_MAX) {
        message_bytes = UINT32_MAX;
    }
    struct wj_trap *trap = calloc(1, sizeof *trap + message_bytes + 1);
    if (trap == NULL) {
        return (struct wj_trap *) &out_of_memory;
    }
    atomic_init(&trap->references, 1);
    trap->kind = kind;
    trap->message_bytes = (uint32_t) message_bytes;
    memcpy(trap->message, message, message_bytes);
    return trap;
}

struct wj_trap *wj_trap_retain(struct wj_trap *trap)
{
    if (trap != &out_of_memory) {
        atomic_fetch_add(&trap->references, 1);
    }
    return trap;
}

void wj_trap_release(struct wj_trap *trap)
{
    if (trap != NULL && trap != &out_of_memory && atomic_fetch_sub(&trap->references, 1) == 1) {
        free(trap->frames);
        free(trap);
    }
}

// ---- Backtraces ---------------------------------------------------------------------------------

struct tracer {
    struct wj_trap_frame *frames;
    uint32_t count;
    const struct wj_lane *lane;
};

static bool read_stack(const struct wj_lane *lane, uint64_t address, uint64_t *value)
{
    uint64_t low = (uint64_t) (uintptr_t) lane->stack_low;
    uint64_t high = (uint64_t) (uintptr_t) lane->stack_high;
    if (address < low || address > high - sizeof *value || address % 8 != 0) {
        return false;
    }
    *value = *(const uint64_t *) (uintptr_t) address;
    return true;
}

static void add_frame(struct tracer *tracer, const struct wj_region *region,
                      const struct wj_code_entry *entry, uint64_t pc)
{
    const struct wj_code *code = region->owner;
    struct wj_instance *instance = tracer->lane->store->instances;
    while (instance != NULL && instance->code != code) {
        instance = instance->next;
    }
    if (tracer->count == WJ_TRAP_FRAMES_MAX || instance == NULL) {
        return;
    }
    const struct wj_trap_site *site = wj_code_entry_site(entry, pc);
    tracer->frames[tracer->count++] = (struct wj_trap_frame){
        .instance = instance,
        .func_index = entry->info.func_index,
        .wasm_offset = site == NULL ? 0 : site->wasm_offset,
    };
}

// How far the frame reaches from SP at `pc`, where the activation trapped; SP is moved to where it
// begins. A jump to a function, which has no entry, is outside of all frames.
static uint32_t frame_at(const struct wj_backend *backend, const struct wj_code_entry *entry,
                         uint64_t pc, uint64_t *sp)
{
    if (entry == NULL) {
        return 0;
    }
    const uint8_t *start = (const uint8_t *) (uintptr_t) entry->start;
    const uint8_t *stop = (const uint8_t *) (uintptr_t) pc;
    if (pc - entry->start < entry->info.prologue_bytes) {
        *sp += backend->sp_moved(start, stop);
        return 0;
    }
    return backend->frame_left(&entry->info, start, stop);
}

// The frames of one activation, from where it trapped or left to C.
static void trace_activation(struct tracer *tracer, const struct wj_activation *activation)
{
    const struct wj_lane *lane = tracer->lane;
    const struct wj_engine *engine = lane->store->engine;
    const struct wj_backend *backend = engine->ports.backend;
    bool is_exact = activation->trap_pc != 0; // else pc is a return address
    uint64_t pc = is_exact ? activation->trap_pc : activation->wasm_pc;
    uint64_t sp = is_exact ? activation->trap_sp : activation->wasm_sp;
    while (pc != 0) {
        uint64_t at = is_exact ? pc : pc - 1;
        const struct wj_region *region = wj_region_registry_find(&engine->regions, at);
        const struct wj_code_entry *entry = region == NULL ? NULL : wj_region_find(region, at);
        bool is_module_code = region != NULL && region->owner != NULL;
        if (entry == NULL && !(is_exact && is_module_code)) {
            return; // the enter function: the activation's outer end
        }
        if (entry != NULL && is_module_code) {
            add_frame(tracer, region, entry, at);
        }
        uint32_t frame_bytes =
            is_exact ? frame_at(backend, entry, at, &sp) : entry->info.frame_bytes;
        if (frame_bytes != 0 || !is_exact) {
            sp += frame_bytes;
            if (!read_stack(lane, sp + (uint64_t) (int64_t) backend->return_address_offset, &pc)) {
                return;
            }
        } else if (backend->caller_sp_offset == 0) {
            pc = activation->trap_link;
        } else if (!read_stack(lane, sp, &pc)) {
            return;
        }
        sp += backend->caller_sp_offset;
        is_exact = false;
    }
}

void wj_trap_trace(struct wj_trap *trap, const struct wj_activation *activation)
{
    if (trap == &out_of_memory || trap->has_frames || activation == NULL) {
        return;
    }
    struct wj_trap_frame *frames = calloc(WJ_TRAP_FRAMES_MAX, sizeof *frames);
    if (frames == NULL) {
        return;
    }
    struct tracer tracer = {.frames = frames, .lane = activation->lane};
    for (; activation != NULL; activation = activation->previous) {
        trace_activation(&tracer, activation);
    }
    trap->has_frames = true;
    trap->frame_count = tracer.count;
    struct wj_trap_frame *fitted = realloc(frames, (tracer.count + 1) * sizeof *frames);
    trap->frames = fitted != NULL ? fitted : frames;
}

// The words for a trap whose kind stands for several: the operation tells them apart.
static const char *words_at(enum wj_trap_kind kind, const struct wj_activation *activation)
{
    const struct wj_engine *engine = activation->lane->store->engine;
    uint64_t pc = activation->trap_pc;
    const struct wj_region *region = wj_region_registry_find(&engine->regions, pc);
    const struct wj_code_entry *entry =
        region == NULL || region->owner == NULL ? NULL : wj_region_find(region, pc);
    const struct wj_trap_site *site = entry == NULL ? NULL : wj_code_entry_site(entry, pc);
    if (site == NULL) {
        return wj_trap_words(kind);
    }
    const struct wj_module *module = ((const struct wj_code *) region->owner)->image->module;
    uint8_t opcode = site->wasm_offset < module->size_bytes ? module->bytes[site->wasm_offset] : 0;
    if (kind == WJ_TRAP_NULL_REFERENCE && (opcode == 0x14 || opcode == 0x15)) {
        return "null function reference"; // call_ref, return_call_ref
    }
    return wj_trap_words(kind);
}

struct wj_trap *wj_trap_of_activation(struct wj_lane *lane, struct wj_activation *activation)
{
    enum wj_trap_kind kind = (enum wj_trap_kind) atomic_load(&activation->trap);
    struct wj_trap *trap = lane->pending;
    lane->pending = NULL;
    if (kind != WJ_TRAP_HOST || trap == NULL) {
        wj_trap_release(trap);
        const char *words = words_at(kind, activation);
        trap = wj_trap_new(kind, words, strlen(words));
    }
    wj_trap_trace(trap, activation);
    return trap;
}
