// What wasm code asks of the runtime while it runs. Bounds are checked before anything is written;
// long work looks at the interruption on its way.
#include "runtime/vm/libcalls.h"

#include <stdatomic.h>
#include <string.h>

#include "base/pages.h"
#include "base/trap.h"
#include "runtime/vm/call.h"
#include "runtime/vm/engine.h"
#include "runtime/vm/link.h"
#include "runtime/vm/memory.h"
#include "runtime/vm/store.h"
#include "runtime/vm/trap.h"
#include "runtime/vm/ucontext.h"
#include "runtime/vm/wait.h"

// Between two looks at the interruption: about a millisecond of memory bandwidth.
#define STEP_BYTES (8u * 1024u * 1024u)

static uint64_t fail(struct wj_instance *instance, enum wj_trap_kind kind)
{
    atomic_store(&(*instance->activation_slot)->trap, kind);
    return 0;
}

// True, with the trap set, when the lane was asked to stop.
static bool is_interrupted(struct wj_instance *instance)
{
    struct wj_activation *activation = *instance->activation_slot;
    if (atomic_load_explicit(&activation->lane->interrupt, memory_order_relaxed) == 0) {
        return false;
    }
    atomic_store(&activation->trap, WJ_TRAP_INTERRUPTED);
    return true;
}

static struct wj_memory *memory_at(struct wj_instance *instance, uint64_t index)
{
    struct wj_instance_layout layout = wj_instance_layout(instance->module);
    return ((struct wj_memory **) (void *) ((char *) instance + layout.memories))[index];
}

static struct wj_table *table_at(struct wj_instance *instance, uint64_t index)
{
    struct wj_instance_layout layout = wj_instance_layout(instance->module);
    return ((struct wj_table **) (void *) ((char *) instance + layout.tables))[index];
}

static bool is_within(uint64_t at, uint64_t count, uint64_t size)
{
    return count <= size && at <= size - count;
}

static bool is_dropped(const uint64_t *bits, uint64_t segment)
{
    return (bits[segment / 64] >> (segment % 64) & 1) != 0;
}

static void drop(uint64_t *bits, uint64_t segment)
{
    bits[segment / 64] |= 1ull << (segment % 64);
}

// ---- Memory -------------------------------------------------------------------------------------

void wj_memory_moved(struct wj_store *store, struct wj_memory *memory)
{
    for (struct wj_instance *instance = store->instances; instance != NULL;
         instance = instance->next) {
        if (instance->memory0 == memory) {
            instance->memory0_base = memory->base;
        }
    }
}

static uint64_t libcall_memory_grow(struct wj_instance *instance, uint64_t index, uint64_t delta)
{
    struct wj_memory *memory = memory_at(instance, index);
    uint8_t *base = memory->base;
    uint64_t old_pages = wj_memory_grow(memory, delta);
    if (memory->base != base) {
        wj_memory_moved(instance->store, memory);
    }
    is_interrupted(instance);
    return old_pages;
}

static uint64_t libcall_memory_fill(struct wj_instance *instance, uint64_t index, uint64_t at,
                                    uint64_t value, uint64_t count)
{
    struct wj_memory *memory = memory_at(instance, index);
    if (!is_within(at, count, atomic_load(&memory->size_bytes))) {
        return fail(instance, WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    while (count != 0 && !is_interrupted(instance)) {
        uint64_t step = count < STEP_BYTES ? count : STEP_BYTES;
        memset(memory->base + at, (int) (value & 0xff), step);
        at += step;
        count -= step;
    }
    return 0;
}

static uint64_t libcall_memory_copy(struct wj_instance *instance, uint64_t indexes, uint64_t to,
                                    uint64_t from, uint64_t count)
{
    struct wj_memory *target = memory_at(instance, indexes >> 32);
    struct wj_memory *source = memory_at(instance, indexes & UINT32_MAX);
    if (!is_within(to, count, atomic_load(&target->size_bytes)) ||
        !is_within(from, count, atomic_load(&source->size_bytes))) {
        return fail(instance, WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    // Overlapping ranges are copied from the end that is not overwritten first.
    bool is_forward = target->base + to <= source->base + from;
    while (count != 0 && !is_interrupted(instance)) {
        uint64_t step = count < STEP_BYTES ? count : STEP_BYTES;
        uint64_t skip = is_forward ? 0 : count - step;
        memmove(target->base + to + skip, source->base + from + skip, step);
        to += is_forward ? step : 0;
        from += is_forward ? step : 0;
        count -= step;
    }
    return 0;
}

bool wj_memory_init_range(struct wj_memory *memory, uint64_t to, const uint8_t *bytes,
                          uint64_t size_bytes, uint64_t from, uint64_t count)
{
    if (!is_within(to, count, atomic_load(&memory->size_bytes)) ||
        !is_within(from, count, size_bytes)) {
        return false;
    }
    if (count != 0) {
        wj_memory_expect(memory, count);
        wj_pages_populate(memory->base + to, count);
        memcpy(memory->base + to, bytes + from, count);
    }
    return true;
}

static uint64_t libcall_memory_init(struct wj_instance *instance, uint64_t indexes, uint64_t to,
                                    uint64_t from, uint64_t count)
{
    uint32_t segment = (uint32_t) indexes;
    const struct wj_data *data = &instance->module->datas[segment];
    uint64_t size_bytes = is_dropped(instance->dropped_datas, segment) ? 0 : data->size_bytes;
    if (!wj_memory_init_range(memory_at(instance, indexes >> 32), to, data->bytes, size_bytes, from,
                              count)) {
        return fail(instance, WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    is_interrupted(instance);
    return 0;
}

static uint64_t libcall_data_drop(struct wj_instance *instance, uint64_t segment)
{
    drop(instance->dropped_datas, segment);
    return 0;
}

// ---- Tables -------------------------------------------------------------------------------------

static uint64_t libcall_table_grow(struct wj_instance *instance, uint64_t index, uint64_t value,
                                   uint64_t delta)
{
    uint64_t old_size = wj_table_grow(table_at(instance, index), delta, (void *) (uintptr_t) value);
    is_interrupted(instance);
    return old_size;
}

static uint64_t libcall_table_fill(struct wj_instance *instance, uint64_t index, uint64_t at,
                                   uint64_t value, uint64_t count)
{
    struct wj_table *table = table_at(instance, index);
    if (!is_within(at, count, table->size)) {
        return fail(instance, WJ_TRAP_TABLE_OUT_OF_BOUNDS);
    }
    for (uint64_t i = 0; i < count; i++) {
        table->elements[at + i] = (void *) (uintptr_t) value;
    }
    is_interrupted(instance);
    return 0;
}

static uint64_t libcall_table_copy(struct wj_instance *instance, uint64_t indexes, uint64_t to,
                                   uint64_t from, uint64_t count)
{
    struct wj_table *target = table_at(instance, indexes >> 32);
    struct wj_table *source = table_at(instance, indexes & UINT32_MAX);
    if (!is_within(to, count, target->size) || !is_within(from, count, source->size)) {
        return fail(instance, WJ_TRAP_TABLE_OUT_OF_BOUNDS);
    }
    if (count != 0) {
        memmove(target->elements + to, source->elements + from, count * sizeof(void *));
    }
    is_interrupted(instance);
    return 0;
}

bool wj_table_init_range(struct wj_table *table, uint64_t to, void *const *items, uint64_t size,
                         uint64_t from, uint64_t count)
{
    if (!is_within(to, count, table->size) || !is_within(from, count, size)) {
        return false;
    }
    if (count != 0) {
        memcpy(table->elements + to, items + from, count * sizeof(void *));
    }
    return true;
}

static uint64_t libcall_table_init(struct wj_instance *instance, uint64_t indexes, uint64_t to,
                                   uint64_t from, uint64_t count)
{
    uint32_t segment = (uint32_t) indexes;
    uint64_t size =
        is_dropped(instance->dropped_elems, segment) ? 0 : instance->module->elems[segment].count;
    if (!wj_table_init_range(table_at(instance, indexes >> 32), to, instance->elem_items[segment],
                             size, from, count)) {
        return fail(instance, WJ_TRAP_TABLE_OUT_OF_BOUNDS);
    }
    is_interrupted(instance);
    return 0;
}

static uint64_t libcall_elem_drop(struct wj_instance *instance, uint64_t segment)
{
    drop(instance->dropped_elems, segment);
    return 0;
}

// ---- Functions ----------------------------------------------------------------------------------

static uint64_t libcall_ref_func(struct wj_instance *instance, uint64_t func_index)
{
    struct wj_funcref *funcref = wj_instance_func(instance, (uint32_t) func_index);
    if (funcref == NULL) {
        return fail(instance, WJ_TRAP_OUT_OF_MEMORY);
    }
    return (uint64_t) (uintptr_t) funcref;
}

static uint64_t libcall_type_check(struct wj_instance *instance, uint64_t funcref,
                                   uint64_t type_index)
{
    const struct wj_funcref *ref = (const struct wj_funcref *) (uintptr_t) funcref;
    if (ref == NULL) {
        return fail(instance, WJ_TRAP_UNINITIALIZED_ELEMENT);
    }
    if (!wj_types_is_subtype_id(instance->store->engine->types, ref->type_id,
                                instance->module->type_list[type_index]->id)) {
        return fail(instance, WJ_TRAP_INDIRECT_CALL_MISMATCH);
    }
    return funcref;
}

// `instance` is the host function's context. Floating-point control is the host's while it runs.
static uint64_t libcall_host_call(struct wj_instance *instance, uint64_t funcref, uint64_t cells)
{
    struct wj_activation *activation = *instance->activation_slot;
    struct wj_lane *lane = activation->lane;
    if (activation->host_fp != WJ_FP_CONTROL_DEFAULT) {
        wj_fp_control_set(activation->host_fp);
    }
    struct wj_trap *trap =
        wj_call_host(lane, instance->importer, (struct wj_funcref *) (uintptr_t) funcref,
                     (union wj_cell *) (uintptr_t) cells);
    if (wj_fp_control() != WJ_FP_CONTROL_DEFAULT) {
        wj_fp_control_set(WJ_FP_CONTROL_DEFAULT);
    }
    if (trap != NULL) {
        wj_trap_release(lane->pending);
        lane->pending = trap;
        atomic_store(&activation->trap, WJ_TRAP_HOST);
    } else {
        is_interrupted(instance);
    }
    return 0;
}

// ---- Atomics ------------------------------------------------------------------------------------

static uint64_t libcall_atomic_notify(struct wj_instance *instance, uint64_t index,
                                      uint64_t address, uint64_t count)
{
    struct wj_memory *memory = memory_at(instance, index);
    if (address % 4 != 0) {
        return fail(instance, WJ_TRAP_UNALIGNED_ATOMIC);
    }
    if (!is_within(address, 4, atomic_load(&memory->size_bytes))) {
        return fail(instance, WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    if (!memory->type.limits.is_shared) {
        return 0; // nobody can wait there
    }
    return wj_waits_notify(&instance->store->engine->waits, memory->base + address,
                           (uint32_t) count);
}

static uint64_t atomic_wait(struct wj_instance *instance, uint64_t index, uint64_t address,
                            unsigned width, uint64_t expected, int64_t timeout_ns)
{
    struct wj_memory *memory = memory_at(instance, index);
    if (address % width != 0) {
        return fail(instance, WJ_TRAP_UNALIGNED_ATOMIC);
    }
    if (!is_within(address, width, atomic_load(&memory->size_bytes))) {
        return fail(instance, WJ_TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    if (!memory->type.limits.is_shared) {
        return fail(instance, WJ_TRAP_UNSHARED_WAIT);
    }
    struct wj_lane *lane = (*instance->activation_slot)->lane;
    enum wj_wait_result result =
        wj_waits_wait(&instance->store->engine->waits, memory->base + address, width, expected,
                      timeout_ns, &lane->interrupt);
    if (result == WJ_WAIT_INTERRUPTED) {
        return fail(instance, WJ_TRAP_INTERRUPTED);
    }
    return result;
}

static uint64_t libcall_atomic_wait32(struct wj_instance *instance, uint64_t index,
                                      uint64_t address, uint64_t expected, uint64_t timeout_ns)
{
    return atomic_wait(instance, index, address, 4, expected, (int64_t) timeout_ns);
}

static uint64_t libcall_atomic_wait64(struct wj_instance *instance, uint64_t index,
                                      uint64_t address, uint64_t expected, uint64_t timeout_ns)
{
    return atomic_wait(instance, index, address, 8, expected, (int64_t) timeout_ns);
}

void wj_libcalls_fill(void *libcalls[WJ_LIBCALL_COUNT])
{
#define FILL(name) libcalls[WJ_LIBCALL_##name] = (void *) (uintptr_t) libcall_##name;
    WJ_LIBCALLS(FILL)
#undef FILL
}
