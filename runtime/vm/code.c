// When and where the functions of a module are compiled.
#include "runtime/vm/code.h"

#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "runtime/vm/kernel.h"
#include "runtime/vm/store.h"
#include "runtime/vm/trap.h"
#include "runtime/vm/ucontext.h"

// Address space for machine code, of which a region cannot get more: per byte of wasm it is far
// more than WJ_CODE_BYTES_USUAL. A br_table whose labels take several values makes some 100.
#define CODE_BYTES_PER_WASM_BYTE 128u
#define CODE_BYTES_PER_FUNC 256u
#define CODE_BYTES_SLACK (4u * 1024u * 1024u)
#define REGION_BYTES_MAX (1ull << 30)
// Pages of code that lazy compilation asks for at once.
#define LAZY_BYTES_STEP 65536u
// Lazily, a function that a loop calls is compiled before its caller if it has no more bytes of
// wasm, and so is what its own loops call, so deep.
#define CALLEE_BYTES_MAX 1024u
#define CALLEE_DEPTH_MAX 3u
// Arguments and results of what it calls: each is some bytes of code.
#define CALLEE_VALUES_MAX 16u

static bool fail_nomem(struct wj_err *err)
{
    return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
}

void wj_code_free(struct wj_code *code)
{
    if (code == NULL) {
        return;
    }
    if (code->region != NULL) {
        wj_region_registry_remove(&code->engine->regions, code->region);
        wj_region_clear(code->region);
        free(code->region);
    }
    if (code->scratch != NULL) {
        code->backend->scratch_free(code->scratch);
    }
    wj_bulk_free(wj_code_bulk(code), code->addresses);
    pthread_mutex_destroy(&code->lock);
    free(code);
}

static size_t region_bytes(const struct wj_module *module)
{
    uint64_t bytes = module->code_section_bytes * CODE_BYTES_PER_WASM_BYTE +
                     (uint64_t) module->func_count * CODE_BYTES_PER_FUNC + CODE_BYTES_SLACK;
    uint64_t table = (uint64_t) module->func_count * 8 + WJ_HUGE_BYTES; // rounded up
    uint64_t most = REGION_BYTES_MAX - table;
    return (size_t) (bytes < most ? bytes : most);
}

bool wj_code_new_for(struct wj_image *image, const struct wj_backend *backend,
                     const struct wj_compile_settings *settings, struct wj_code **out,
                     struct wj_err *err)
{
    struct wj_engine *engine = image->engine;
    uint32_t func_count = image->module->func_count;
    struct wj_code *code = calloc(1, sizeof *code);
    if (code == NULL) {
        return fail_nomem(err);
    }
    pthread_mutex_init(&code->lock, NULL);
    code->image = image;
    code->engine = engine;
    code->backend = backend;
    code->layout = wj_instance_layout(image->module);
    code->settings = *settings;
    size_t address_bytes = (func_count + 1u) * sizeof *code->addresses;
    code->addresses = wj_bulk_alloc(wj_code_bulk(code), address_bytes);
    struct wj_region *region = calloc(1, sizeof *region);
    if (code->addresses == NULL || region == NULL) {
        free(region);
        wj_code_free(code);
        return fail_nomem(err);
    }
    memset(code->addresses, 0, address_bytes);
    if (!wj_region_init(region, (size_t) func_count * 8, region_bytes(image->module), err)) {
        free(region);
        wj_code_free(code);
        return false;
    }
    code->region = region;
    region->owner = code;
    region->bulk = wj_code_bulk(code);
    wj_pages_populate(region->exec, (size_t) func_count * sizeof(void *));
    for (uint32_t i = 0; i < func_count; i++) {
        wj_region_table(region)[i] = engine->stubs[WJ_STUB_LAZY_DIRECT];
    }
    *out = code;
    return true;
}

struct wj_compile_settings wj_code_settings(const struct wj_engine *engine, bool explicit_bounds)
{
    return (struct wj_compile_settings){
        .is_deterministic = engine->settings.is_deterministic,
        .explicit_bounds = explicit_bounds,
        .has_avx512 = wj_has_avx512(),
        .has_lse = wj_has_lse(),
    };
}

bool wj_code_new(struct wj_image *image, bool explicit_bounds, struct wj_code **out,
                 struct wj_err *err)
{
    struct wj_engine *engine = image->engine;
    struct wj_compile_settings settings = wj_code_settings(engine, explicit_bounds);
    struct wj_code *code;
    if (!wj_code_new_for(image, engine->ports.backend, &settings, &code, err)) {
        return false;
    }
    bool has_funcs = image->module->func_count > image->module->func_import_count;
    if (engine->settings.compile_mode == WJ_COMPILE_LAZY || !has_funcs) {
        wj_region_close(code->region); // nothing is compiled soon
    }
    if (!wj_region_registry_add(&engine->regions, code->region, err)) {
        wj_code_free(code);
        return false;
    }
    *out = code;
    return true;
}

// Offsets in a body that was made from a function become those of what it was made from.
static bool move_traps(struct wj_code_chunk *chunk, const struct wj_lanes_code *lanes,
                       struct wj_code_info *info, struct wj_err *err)
{
    struct wj_trap_site *traps =
        WJ_ARENA_ARRAY(&chunk->arena, struct wj_trap_site, info->trap_count);
    if (traps == NULL) {
        return fail_nomem(err);
    }
    for (uint32_t i = 0; i < info->trap_count; i++) {
        traps[i] = info->traps[i];
        traps[i].wasm_offset = wj_lanes_origin(lanes, info->traps[i].wasm_offset);
    }
    info->traps = traps;
    return true;
}

static void note_frame(struct wj_code *code, uint32_t frame_bytes, bool has_tail_room)
{
    wj_engine_note_frame(code->engine, frame_bytes);
    if (has_tail_room) {
        atomic_store(&code->has_tail_room, true);
        atomic_store(&code->engine->has_tail_room, true);
    }
}

// Compiles one function of `module` into a chunk that this thread alone writes. `needs_room` tells
// a full chunk from other failures.
static bool compile_body(struct wj_code *code, const struct wj_module *module,
                         struct wj_code_chunk *chunk, struct wj_compile_scratch *scratch,
                         uint32_t func_index, const uint64_t *addresses, struct wj_code_info *info,
                         bool *needs_room, struct wj_err *err)
{
    struct wj_compile_request request = {
        .module = module,
        .func_index = func_index,
        .settings = code->settings,
        .layout = code->layout,
        .window = wj_region_window(code->region, chunk),
        .func_addresses = addresses,
        .jumps_address = code->jumps_address,
        .replaced_funcs = wj_kernel_plan_replaced(code->image->kernels),
        .arena = &chunk->arena,
        .scratch = scratch,
    };
    size_t wanted = WJ_WINDOW_BYTES_MIN;
    if (chunk->stage != NULL && chunk->end > chunk->stored) {
        // Rather an early write than a function that is begun twice.
        wanted += module->funcs[func_index].code_size_bytes * WJ_CODE_BYTES_USUAL;
    }
    *needs_room = request.window.room_bytes < wanted;
    if (*needs_room) {
        return false;
    }
    if (!code->backend->compile(&request, info, needs_room, err)) {
        return false;
    }
    info->func_index = func_index;
    note_frame(code, info->frame_bytes, info->has_tail_room);
    return true;
}

// A body that stands beside a function's own.
struct variant {
    const struct wj_module *module; // the image's, but for this body
    const struct wj_lanes_code *lanes;
    uint64_t address;
};

static bool compile_variant(struct wj_code *code, struct wj_code_chunk *chunk, uint32_t func_index,
                            struct variant *variant, bool *needs_room, struct wj_err *err)
{
    struct wj_code_info info = {.is_variant = true};
    if (!compile_body(code, variant->module, chunk, code->scratch, func_index, code->addresses,
                      &info, needs_room, err) ||
        !move_traps(chunk, variant->lanes, &info, err)) {
        return false;
    }
    info.is_variant = true;
    variant->address = wj_region_publish(code->region, chunk, info.code_bytes, &info);
    *needs_room = variant->address == 0;
    atomic_fetch_add_explicit(&code->engine->stats.code_bytes, info.code_bytes,
                              memory_order_relaxed);
    return !*needs_room;
}

bool wj_code_compile_into(struct wj_code *code, struct wj_code_chunk *chunk,
                          struct wj_compile_scratch *scratch, uint32_t func_index,
                          uint64_t *addresses, bool *needs_room, struct wj_err *err)
{
    struct wj_code_info info = {0};
    if (!compile_body(code, code->image->module, chunk, scratch, func_index, addresses, &info,
                      needs_room, err)) {
        return false;
    }
    uint64_t address = wj_region_publish(code->region, chunk, info.code_bytes, &info);
    if (address == 0) {
        *needs_room = true;
        return false;
    }
    __atomic_store_n(&addresses[func_index], address, __ATOMIC_RELEASE);
    atomic_fetch_add_explicit(&code->compiled_bytes, info.code_bytes, memory_order_relaxed);
    struct wj_engine_stats *stats = &code->engine->stats;
    atomic_fetch_add_explicit(&stats->code_bytes, info.code_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->funcs_compiled, 1, memory_order_relaxed);
    return true;
}

void wj_code_set_address(struct wj_code *code, uint32_t func_index, uint64_t address)
{
    __atomic_store_n(&wj_region_table(code->region)[func_index], (void *) (uintptr_t) address,
                     __ATOMIC_RELEASE);
    __atomic_store_n(&code->addresses[func_index], address, __ATOMIC_RELEASE);
}

void wj_code_add_compile_time(struct wj_code *code, uint64_t start_ns)
{
    atomic_fetch_add_explicit(&code->engine->stats.compile_ns, wj_now_ns() - start_ns,
                              memory_order_relaxed);
}

bool wj_code_fail_no_room(const struct wj_code *code, struct wj_err *err)
{
    if (code->region->is_short) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET,
                          "the limit on file sizes or on address space leaves %zu bytes for "
                          "machine code: more are needed",
                          code->region->code_bytes);
    }
    return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET,
                      "machine code of the module exceeds %zu bytes", code->region->code_bytes);
}

// Pages for this function's code and that of some after it, but for no more than the module has.
static void populate(struct wj_code *code, uint32_t func_index)
{
    const struct wj_module *module = code->image->module;
    uint64_t all = module->code_section_bytes * WJ_CODE_BYTES_USUAL;
    uint64_t func = (uint64_t) module->funcs[func_index].code_size_bytes * WJ_CODE_BYTES_USUAL;
    uint64_t step = func < LAZY_BYTES_STEP ? LAZY_BYTES_STEP : func;
    wj_region_populate(code->region, code->chunk, (size_t) func,
                       (size_t) (step < all ? step : all));
}

static bool compile_lazily(struct wj_code *code, uint32_t func_index, bool *needs_room,
                           struct wj_err *err)
{
    if (!wj_code_compile_into(code, code->chunk, code->scratch, func_index, code->addresses,
                              needs_room, err)) {
        return false;
    }
    wj_code_set_address(code, func_index, code->addresses[func_index]);
    return true;
}

// With code->lock held: the chunk of lazy compilation is all that is left of the region.
static bool compile_locked(struct wj_code *code, uint32_t func_index, struct variant *variant,
                           struct wj_err *err)
{
    if (!wj_image_prepare(code->image, func_index, err) || !wj_region_own(code->region, err)) {
        return false;
    }
    if (code->scratch == NULL) {
        code->scratch = code->backend->scratch_new(wj_code_bulk(code));
        if (code->scratch == NULL) {
            return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
        }
    }
    for (unsigned tries = 0; tries < 2; tries++) {
        if (code->chunk == NULL) {
            code->chunk = wj_region_chunk(code->region, 64, true, code->image->module->func_count);
            if (code->chunk == NULL) {
                return wj_code_fail_no_room(code, err);
            }
        }
        populate(code, func_index);
        bool needs_room;
        struct wj_err failure;
        wj_err_clear(&failure);
        if (variant != NULL
                ? compile_variant(code, code->chunk, func_index, variant, &needs_room, &failure)
                : compile_lazily(code, func_index, &needs_room, &failure)) {
            return true;
        }
        if (!needs_room) {
            return wj_err_set(err, failure.kind, failure.offset, "%s", failure.message);
        }
        if (atomic_load(&code->chunk->entry_count) < code->chunk->entry_capacity) {
            break; // it is the code that is too large, and there is no more room
        }
        wj_region_trim(code->region, code->chunk);
        code->chunk = NULL;
    }
    return wj_code_fail_no_room(code, err);
}

// A small function that is not yet compiled, whose code is no large multiple of it, and there is
// plenty of room.
static bool is_small_callee(const struct wj_code *code, uint32_t func_index, struct wj_err *err)
{
    const struct wj_func *func = &code->image->module->funcs[func_index];
    const uint64_t *replaced = wj_kernel_plan_replaced(code->image->kernels);
    return code->addresses[func_index] == 0 && func->code_size_bytes <= CALLEE_BYTES_MAX &&
           (code->chunk == NULL || code->chunk->end < code->region->code_bytes / 2) &&
           (replaced == NULL || (replaced[func_index / 64] >> (func_index % 64) & 1) == 0) &&
           wj_image_prepare(code->image, func_index, err) &&
           func->census.call_params_max <= CALLEE_VALUES_MAX &&
           func->census.call_results_max <= CALLEE_VALUES_MAX;
}

// With code->lock held. What the function's loops call is compiled first, so that it is called
// directly there, and not through the table.
static bool compile_with_callees(struct wj_code *code, uint32_t func_index, unsigned depth,
                                 struct wj_err *err)
{
    if (!wj_image_prepare(code->image, func_index, err)) {
        return false;
    }
    const uint32_t *callees = code->image->module->funcs[func_index].census.loop_callees;
    for (unsigned i = 0; i < 2 && depth < CALLEE_DEPTH_MAX && !code->skips_callees; i++) {
        struct wj_err ignored; // whoever calls it hears of it
        wj_err_clear(&ignored);
        if (callees[i] != 0 && is_small_callee(code, callees[i] - 1, &ignored) &&
            !compile_with_callees(code, callees[i] - 1, depth + 1, &ignored)) {
            code->skips_callees = true;
        }
    }
    return code->addresses[func_index] != 0 || compile_locked(code, func_index, NULL, err);
}

bool wj_code_compile(struct wj_code *code, uint32_t func_index, uint64_t *address,
                     struct wj_err *err)
{
    *address = __atomic_load_n(&code->addresses[func_index], __ATOMIC_ACQUIRE);
    if (*address != 0) {
        return true;
    }
    pthread_mutex_lock(&code->lock);
    uint64_t start_ns = wj_now_ns();
    bool is_compiled =
        code->addresses[func_index] != 0 || compile_with_callees(code, func_index, 0, err);
    wj_code_add_compile_time(code, start_ns);
    *address = code->addresses[func_index];
    pthread_mutex_unlock(&code->lock);
    return is_compiled;
}

struct wj_module *wj_lanes_module(const struct wj_module *module, uint32_t func_index,
                                  const struct wj_lanes_code *lanes, struct wj_arena *arena,
                                  struct wj_err *err)
{
    struct wj_module *copy = WJ_ARENA_NEW(arena, struct wj_module);
    struct wj_func *funcs = WJ_ARENA_ARRAY(arena, struct wj_func, module->func_count);
    struct wj_local_census *census =
        WJ_ARENA_ARRAY(arena, struct wj_local_census, lanes->local_count);
    if (copy == NULL || funcs == NULL || census == NULL) {
        fail_nomem(err);
        return NULL;
    }
    *copy = *module;
    memcpy(funcs, module->funcs, module->func_count * sizeof *funcs);
    struct wj_func *func = &funcs[func_index];
    func->code = lanes->body;
    func->code_size_bytes = lanes->body_bytes;
    func->code_offset = 0;
    func->local_count = lanes->local_count;
    func->census_locals = census;
    func->census = (struct wj_census){.locals = NULL};
    copy->funcs = funcs;
    copy->bytes = lanes->body;
    copy->size_bytes = lanes->body_bytes;
    copy->body_bytes_max = lanes->body_bytes;
    copy->local_count_max = lanes->local_count;
    return wj_module_validate_funcs(copy, func_index - module->func_import_count, 1, err) ? copy
                                                                                          : NULL;
}

bool wj_code_compile_lanes(struct wj_code *code, uint32_t func_index,
                           const struct wj_lanes_code *lanes, uint64_t *address, struct wj_err *err)
{
    struct wj_arena arena;
    wj_arena_init(&arena);
    struct variant variant = {
        .module = wj_lanes_module(code->image->module, func_index, lanes, &arena, err),
        .lanes = lanes,
    };
    bool is_compiled = false;
    if (variant.module != NULL) {
        pthread_mutex_lock(&code->lock);
        uint64_t start_ns = wj_now_ns();
        is_compiled = compile_locked(code, func_index, &variant, err);
        wj_code_add_compile_time(code, start_ns);
        pthread_mutex_unlock(&code->lock);
    }
    wj_arena_clear(&arena);
    *address = variant.address;
    return is_compiled;
}

// ---- Compiled modules ---------------------------------------------------------------------------

bool wj_code_adopt(struct wj_code *code, const struct wj_blob *file, struct wj_err *err)
{
    const struct wj_cwasm_header *header = wj_cwasm_header(file->bytes);
    const struct wj_cwasm_part *part = &header->parts[WJ_CWASM_CODE];
    const struct wj_cwasm_func *funcs = (const void *) wj_cwasm_part(file->bytes, WJ_CWASM_FUNCS);
    const struct wj_trap_site *traps = (const void *) wj_cwasm_part(file->bytes, WJ_CWASM_TRAPS);
    uint32_t count = (uint32_t) (header->parts[WJ_CWASM_FUNCS].size_bytes / sizeof *funcs);
    struct wj_region *region = code->region;
    struct wj_code_source source = {
        .bytes = file->bytes + part->offset,
        .size_bytes = part->size_bytes,
        .checksum = part->checksum,
        .file = file->is_mapped ? file->file : -1,
        .file_offset = part->offset,
    };
    bool is_damaged = header->table_bytes != region->table_bytes;
    struct wj_code_chunk *chunk =
        is_damaged ? NULL : wj_region_adopt(region, &source, count, &is_damaged);
    if (is_damaged) {
        return wj_err_set(err, WJ_ERR_MALFORMED, WJ_NO_OFFSET,
                          "the compiled module is damaged: the checksum of its code differs: "
                          "compile it again");
    }
    if (chunk == NULL) {
        return wj_code_fail_no_room(code, err);
    }
    uint64_t start = wj_region_code_address(region);
    for (uint32_t i = 0; i < count; i++) {
        chunk->entries[i] = (struct wj_code_entry){
            .start = start + funcs[i].code_offset,
            .info = {.func_index = funcs[i].func_index,
                     .code_bytes = funcs[i].code_bytes,
                     .frame_bytes = funcs[i].frame_bytes,
                     .prologue_bytes = funcs[i].prologue_bytes,
                     .trap_count = funcs[i].trap_count,
                     .home_count = funcs[i].home_count,
                     .traps = traps + funcs[i].trap_first},
        };
        note_frame(code, funcs[i].frame_bytes, header->has_tail_room != 0);
    }
    wj_region_adopt_entries(region, chunk);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = chunk->entries[i].start;
        wj_region_table(region)[funcs[i].func_index] = (void *) (uintptr_t) address;
        code->addresses[funcs[i].func_index] = address;
    }
    atomic_store(&code->compiled_bytes, part->size_bytes);
    atomic_fetch_add(&code->engine->stats.code_bytes, part->size_bytes);
    return true;
}

// ---- What the lazy stubs call -------------------------------------------------------------------

static uint64_t compile_or_trap(struct wj_activation *activation, struct wj_code *code,
                                uint32_t func_index)
{
    uint64_t address = 0;
    struct wj_err err;
    wj_err_clear(&err);
    if (!wj_code_compile(code, func_index, &address, &err)) {
        struct wj_lane *lane = activation->lane;
        wj_trap_release(lane->pending);
        lane->pending = wj_trap_new(WJ_TRAP_HOST, err.message, strlen(err.message));
        atomic_store(&activation->trap, WJ_TRAP_HOST);
    } else if (atomic_load(&activation->lane->interrupt) != 0) {
        atomic_store(&activation->trap, WJ_TRAP_INTERRUPTED);
    }
    return address;
}

uint64_t wj_code_compile_direct(struct wj_instance *instance, uint64_t func_index)
{
    return compile_or_trap(*instance->activation_slot, instance->code, (uint32_t) func_index);
}

uint64_t wj_code_compile_indirect(struct wj_instance *instance, uint64_t funcref)
{
    struct wj_funcref *ref = (struct wj_funcref *) (uintptr_t) funcref;
    uint64_t address =
        compile_or_trap(*instance->activation_slot, ref->instance->code, ref->func_index);
    if (address != 0) {
        __atomic_store_n(&ref->code, (void *) (uintptr_t) address, __ATOMIC_RELEASE);
    }
    return address;
}
