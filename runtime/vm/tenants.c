// Pools of instances. The memories of a pool lie in one reservation. With guard regions each maps
// the same file, copied when written to: data of any size costs nothing until it is touched, and
// to forget a tenant is one system call. Without, there is one mapping for all, since a process has
// only some 65,000: the data is copied in.
#include "runtime/vm/tenants.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/vm/call.h"
#include "runtime/vm/dirty.h"
#include "runtime/vm/memory.h"
#include "runtime/vm/signals.h"
#include "runtime/vm/trap.h"

#define OS_PAGE_BYTES 65536u
// From one guarded memory to the next: what generated code can reach from the first.
#define GUARDED_STRIDE_BYTES WJ_GUARD_AFTER_BYTES
// Of the stack, cleared when a tenant goes. What lies below is looked at as far as this, and given
// back to the system when something is there.
#define STACK_KEPT_BYTES 4096u
#define STACK_SEEN_BYTES_MAX 32768u
// Of a memory, written to and kept mapped for the next tenant.
#define PAGES_KEPT 4u

struct table_state {
    void **elements;
    uint64_t size;
};

// An instance and what it was like when it was new.
struct tenant {
    struct wj_instance *instance;
    struct wj_memory *memory; // or NULL
    union wj_cell *globals;   // of those that the module defines
    struct table_state *tables;
    uint64_t *dropped; // elems, then datas
    bool is_out;
};

struct wj_tenants {
    struct wj_store *store;
    struct wj_image *image;
    struct wj_extern *imports;
    uint32_t import_count;
    struct wj_tenants_settings settings;
    bool is_guarded;
    uint64_t stride_bytes;
    uint64_t max_pages;
    uint8_t *mapping;
    uint64_t mapping_bytes;
    // The data of a new instance: a file with the whole initial memory, or bytes to copy.
    int file;
    bool has_data;
    uint8_t *data; // [data_bytes]; of a file: its mapping, with as much as the initial memory
    uint64_t data_bytes;
    int pagemap;            // to see what a tenant wrote, or -1
    uint32_t process;       // whose pages it tells of: wj_process()
    struct tenant *tenants; // [count_max], `count` are made
    uint32_t *free_slots;   // [free_count], the last one is taken first
    uint32_t count, free_count;
};

static uint64_t align_up(uint64_t value)
{
    return (value + OS_PAGE_BYTES - 1) & ~(uint64_t) (OS_PAGE_BYTES - 1);
}

static bool fail_nomem(struct wj_err *err)
{
    return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
}

static const struct wj_memory_type *memory_type(const struct wj_tenants *t)
{
    const struct wj_module *module = t->image->module;
    return module->memory_count == 0 ? NULL : &module->memories[0].type;
}

// ---- Making a pool ------------------------------------------------------------------------------

static bool check_module(const struct wj_module *module, struct wj_err *err)
{
    const char *problem = NULL;
    if (module->import_count != module->func_import_count) {
        problem = "a pool's module may import functions only";
    } else if (module->memory_count > 1) {
        problem = "a pool's module may have one memory only";
    } else if (module->memory_count == 1 && module->memories[0].type.limits.is_shared) {
        problem = "a pool's module may not have a shared memory";
    }
    return problem == NULL || wj_err_set(err, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET, "%s", problem);
}

static bool reserve(struct wj_tenants *t, bool is_guarded, uint64_t bytes_each)
{
    uint64_t stride = is_guarded ? GUARDED_STRIDE_BYTES : bytes_each;
    uint64_t bytes;
    if (__builtin_mul_overflow(stride, (uint64_t) t->settings.count_max, &bytes)) {
        return false;
    }
    // A page behind all that nothing may touch, as memories of their own have.
    bytes += is_guarded ? WJ_GUARD_BEFORE_BYTES : OS_PAGE_BYTES;
    uint8_t *mapping =
        mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
        return false;
    }
    if (!is_guarded && bytes > OS_PAGE_BYTES &&
        mprotect(mapping, bytes - OS_PAGE_BYTES, PROT_READ | PROT_WRITE) != 0) {
        munmap(mapping, bytes);
        return false;
    }
    madvise(mapping, bytes, MADV_NOHUGEPAGE); // a tenant that writes one byte holds one page
    t->mapping = mapping;
    t->mapping_bytes = bytes;
    t->is_guarded = is_guarded;
    t->stride_bytes = stride;
    return true;
}

static bool reserve_memories(struct wj_tenants *t, struct wj_err *err)
{
    const struct wj_memory_type *type = memory_type(t);
    if (type == NULL) {
        return true;
    }
    const struct wj_settings *settings = &t->store->engine->settings;
    unsigned log2 = type->page_size_log2;
    uint64_t wanted = t->settings.memory_bytes_max;
    wanted = wanted < settings->memory_bytes_max ? wanted : settings->memory_bytes_max;
    uint64_t max_pages = wanted >> log2;
    max_pages = max_pages > type->limits.min ? max_pages : type->limits.min;
    max_pages = type->limits.has_max && type->limits.max < max_pages ? type->limits.max : max_pages;
    if (!type->limits.is_64 && max_pages > (4ull << 30) >> log2) {
        max_pages = (4ull << 30) >> log2;
    }
    uint64_t initial;
    if (__builtin_mul_overflow(type->limits.min, 1ull << log2, &initial) ||
        initial > settings->memory_bytes_max) {
        return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET,
                          "initial memory of %llu pages exceeds the limit of %llu bytes",
                          (unsigned long long) type->limits.min,
                          (unsigned long long) settings->memory_bytes_max);
    }
    t->max_pages = max_pages;
    bool wants_guard = !settings->explicit_bounds && !t->settings.explicit_bounds &&
                       !type->limits.is_64 && log2 == 16;
    uint64_t bytes_each = align_up(max_pages << log2);
    return (wants_guard && reserve(t, true, bytes_each)) || reserve(t, false, bytes_each) ||
           wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET,
                      "the system has no room for %u memories of %llu bytes", t->settings.count_max,
                      (unsigned long long) bytes_each);
}

bool wj_tenants_new(struct wj_store *store, struct wj_image *image, const struct wj_extern *imports,
                    uint32_t import_count, const struct wj_tenants_settings *settings,
                    struct wj_tenants **out, struct wj_err *err)
{
    if (!check_module(image->module, err)) {
        return false;
    }
    if (store->engine->settings.uses_gpu) {
        return wj_err_set(err, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                          "an engine with a GPU has no pools: the device keeps memories");
    }
    if (settings->count_max == 0 || settings->count_max > WJ_TENANTS_MAX) {
        return wj_err_set(err, WJ_ERR_USAGE, WJ_NO_OFFSET, "a pool has 1 to %u instances",
                          WJ_TENANTS_MAX);
    }
    struct wj_tenants *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return fail_nomem(err);
    }
    t->store = store;
    t->image = wj_image_retain(image);
    t->settings = *settings;
    t->file = -1;
    t->pagemap = wj_dirty_open();
    t->process = wj_process();
    t->import_count = import_count;
    t->imports = malloc((import_count + 1u) * sizeof *t->imports);
    t->tenants = calloc(settings->count_max, sizeof *t->tenants);
    t->free_slots = malloc(settings->count_max * sizeof *t->free_slots);
    bool is_good = t->imports != NULL && t->tenants != NULL && t->free_slots != NULL;
    if (is_good && import_count != 0) {
        memcpy(t->imports, imports, import_count * sizeof *imports);
    }
    if (is_good ? reserve_memories(t, err) : fail_nomem(err)) {
        *out = t;
        return true;
    }
    wj_tenants_free(t);
    return false;
}

void wj_tenants_free(struct wj_tenants *t)
{
    if (t == NULL) {
        return;
    }
    for (uint32_t i = 0; i < t->count; i++) {
        struct tenant *tenant = &t->tenants[i];
        free(tenant->globals);
        free(tenant->dropped);
        for (uint32_t k = 0; tenant->tables != NULL && k < t->image->module->table_count; k++) {
            free(tenant->tables[k].elements);
        }
        free(tenant->tables);
    }
    if (t->pagemap >= 0) {
        close(t->pagemap);
    }
    if (t->file >= 0) {
        close(t->file);
        if (t->data != NULL) {
            munmap(t->data, t->data_bytes);
            t->data = NULL;
        }
    }
    if (t->mapping != NULL) {
        munmap(t->mapping, t->mapping_bytes);
    }
    free(t->data);
    free(t->free_slots);
    free(t->tenants);
    free(t->imports);
    wj_image_release(t->image);
    free(t);
}

// ---- Making an instance -------------------------------------------------------------------------

static bool map_data(const struct wj_tenants *t, const struct wj_memory *memory)
{
    uint64_t bytes = atomic_load(&memory->size_bytes);
    return mmap(memory->base, bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, t->file, 0) != MAP_FAILED;
}

// The bytes of [0, size) up to the last one that is not zero.
static uint64_t used_bytes(const uint8_t *bytes, uint64_t size)
{
    while (size != 0 && bytes[size - 1] == 0) {
        size--;
    }
    return size;
}

// Writes what is not zero; the rest of the file is holes.
static bool write_file(int file, const uint8_t *bytes, uint64_t size)
{
    enum { STEP = 4096 };
    for (uint64_t at = 0; at < size; at += STEP) {
        uint64_t step = size - at < STEP ? size - at : STEP;
        if (used_bytes(bytes + at, step) != 0 &&
            pwrite(file, bytes + at, step, (off_t) at) != (ssize_t) step) {
            return false;
        }
    }
    return true;
}

// The file as the tenants' pages are restored from it.
static bool view_data(struct wj_tenants *t, uint64_t size)
{
    uint8_t *view = mmap(NULL, size, PROT_READ, MAP_SHARED, t->file, 0);
    if (view == MAP_FAILED) {
        return false;
    }
    t->data = view;
    t->data_bytes = size;
    return true;
}

// Keeps what the data segments made of the first instance's memory, for it and all others.
static bool keep_data(struct wj_tenants *t, const struct wj_memory *memory, struct wj_err *err)
{
    uint64_t size = atomic_load(&memory->size_bytes);
    t->data_bytes = used_bytes(memory->base, size);
    if (!t->is_guarded) {
        t->data = malloc(t->data_bytes + 1);
        if (t->data == NULL) {
            return fail_nomem(err);
        }
        memcpy(t->data, memory->base, t->data_bytes);
    } else if (size != 0 && t->data_bytes != 0) {
        t->file = memfd_create("wjit-data", MFD_CLOEXEC);
        if (t->file < 0 || ftruncate(t->file, (off_t) size) != 0 ||
            !write_file(t->file, memory->base, t->data_bytes) || !map_data(t, memory) ||
            !view_data(t, size)) {
            return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET,
                              "the system has no room for a file of %llu bytes of data",
                              (unsigned long long) t->data_bytes);
        }
    }
    t->has_data = true;
    return true;
}

static bool make_memory(struct wj_tenants *t, uint32_t slot, struct wj_memory **out,
                        struct wj_err *err)
{
    const struct wj_memory_type *type = memory_type(t);
    *out = NULL;
    if (type == NULL) {
        return true;
    }
    uint8_t *base =
        t->mapping + (t->is_guarded ? WJ_GUARD_BEFORE_BYTES : 0) + slot * t->stride_bytes;
    uint64_t reserved = align_up(t->max_pages << type->page_size_log2);
    if (!wj_memory_new_in(type, t->max_pages, base, reserved, t->is_guarded, out, err)) {
        return false;
    }
    struct wj_memory *memory = *out;
    bool is_kept = wj_store_adopt_new_memory(t->store, memory, err);
    wj_memory_release(memory); // the store holds it from here on
    uint64_t bytes = atomic_load(&memory->size_bytes);
    if (!is_kept) {
        return false;
    }
    if (t->is_guarded && bytes != 0 &&
        (t->file >= 0 ? !map_data(t, memory)
                      : mprotect(base, bytes, PROT_READ | PROT_WRITE) != 0)) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET,
                          "the system has no room for a memory of %llu bytes",
                          (unsigned long long) bytes);
    }
    return true;
}

static uint32_t bit_words(uint32_t count)
{
    return count / 64 + 1;
}

static union wj_cell *globals_of(const struct tenant *tenant)
{
    struct wj_instance *instance = tenant->instance;
    struct wj_instance_layout layout = wj_instance_layout(instance->module);
    return (union wj_cell *) (void *) ((char *) instance + layout.globals);
}

// Remembers what the instance is like.
static bool keep_state(struct tenant *tenant, struct wj_err *err)
{
    struct wj_instance *instance = tenant->instance;
    const struct wj_module *module = instance->module;
    uint32_t elem_words = bit_words(module->elem_count), data_words = bit_words(module->data_count);
    tenant->globals = malloc((module->global_count + 1u) * sizeof *tenant->globals);
    tenant->dropped = malloc((elem_words + data_words) * sizeof *tenant->dropped);
    tenant->tables = calloc(module->table_count + 1u, sizeof *tenant->tables);
    if (tenant->globals == NULL || tenant->dropped == NULL || tenant->tables == NULL) {
        return fail_nomem(err);
    }
    memcpy(tenant->globals, globals_of(tenant), module->global_count * sizeof *tenant->globals);
    memcpy(tenant->dropped, instance->dropped_elems, elem_words * sizeof(uint64_t));
    memcpy(tenant->dropped + elem_words, instance->dropped_datas, data_words * sizeof(uint64_t));
    for (uint32_t i = 0; i < module->table_count; i++) {
        const struct wj_table *table = wj_instance_table(instance, i);
        tenant->tables[i].size = table->size;
        tenant->tables[i].elements = malloc((table->size + 1) * sizeof(void *));
        if (tenant->tables[i].elements == NULL) {
            return fail_nomem(err);
        }
        memcpy(tenant->tables[i].elements, table->elements, table->size * sizeof(void *));
    }
    return true;
}

static bool make_tenant(struct wj_tenants *t, struct tenant *tenant, struct wj_trap **trap,
                        struct wj_err *err)
{
    struct wj_instance_place place = {.has_data = t->has_data};
    if (!make_memory(t, (uint32_t) (tenant - t->tenants), &place.memory, err)) {
        return false;
    }
    tenant->memory = place.memory;
    if (t->has_data && !t->is_guarded && place.memory != NULL) {
        memcpy(place.memory->base, t->data, t->data_bytes);
    }
    return wj_instance_build(t->store, t->image, t->imports, t->import_count, &place,
                             &tenant->instance, trap, err) &&
           (t->has_data || place.memory == NULL || keep_data(t, place.memory, err)) &&
           keep_state(tenant, err);
}

// ---- Taking and giving --------------------------------------------------------------------------

static bool find_slot(struct wj_tenants *t, uint32_t *slot, struct wj_trap **trap,
                      struct wj_err *err)
{
    if (t->free_count != 0) {
        *slot = t->free_slots[--t->free_count];
        return true;
    }
    if (t->count == t->settings.count_max) {
        return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET, "all %u instances of the pool are out",
                          t->count);
    }
    // A slot whose instance failed stays used: functions of it may have got out.
    *slot = t->count++;
    return make_tenant(t, &t->tenants[*slot], trap, err);
}

bool wj_tenants_take(struct wj_tenants *t, struct wj_instance **out, struct wj_trap **trap,
                     struct wj_err *err)
{
    uint32_t slot = 0;
    *trap = NULL;
    if (!find_slot(t, &slot, trap, err)) {
        return false;
    }
    struct tenant *tenant = &t->tenants[slot];
    tenant->is_out = true;
    tenant->instance->pool_slot = slot;
    if (!wj_instance_start(tenant->instance, trap, err)) {
        wj_tenants_give(t, tenant->instance);
        return false;
    }
    *out = tenant->instance;
    return true;
}

static void reset_tables(struct tenant *tenant)
{
    for (uint32_t i = 0; i < tenant->instance->module->table_count; i++) {
        struct wj_table *table = wj_instance_table(tenant->instance, i);
        const struct table_state *state = &tenant->tables[i];
        memcpy(table->elements, state->elements, state->size * sizeof(void *));
        // Elements beyond the size are null, as growing expects them.
        memset(table->elements + state->size, 0, (table->size - state->size) * sizeof(void *));
        table->size = state->size;
    }
}

static bool is_zero(const uint8_t *bytes, size_t size_bytes)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < size_bytes; i += sizeof seen) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        seen |= word;
    }
    return seen == 0;
}

// How far below some place the next return address lies at most. Between two of them are a frame;
// the area of a tail call's arguments, up to twice as large as the frame that they came from, below
// a record that a later frame may have covered; the gap to a call that the host makes.
static size_t return_distance(struct wj_engine *engine)
{
    size_t most = atomic_load_explicit(&engine->frame_bytes_max, memory_order_relaxed);
    return (3 * most + WJ_STACK_GAP_BYTES + 256 + 63) & ~(size_t) 63;
}

// Nobody reads what lies below the stack pointer; should code ever do, it finds nothing. To give
// the stack back is a system call, and other processors are told: where calls came so far there is
// a return address, which is not zero, in each stretch of that length, and where there is none only
// the last one's frame can reach into it. The stub that makes room for tail calls saves registers
// further down than that.
static void clear_stack(struct wj_tenants *t)
{
    const struct wj_lane *lane = &t->store->lane;
    uint8_t *kept = lane->stack_high - STACK_KEPT_BYTES;
    memset(kept, 0, STACK_KEPT_BYTES);
    size_t distance = return_distance(t->store->engine);
    size_t below = (size_t) (kept - lane->stack_low);
    if (atomic_load(&t->store->engine->has_tail_room) || distance > STACK_SEEN_BYTES_MAX ||
        distance > below || !is_zero(kept - distance, distance)) {
        madvise(lane->stack_low, below, MADV_DONTNEED);
    }
}

// Writes the data over the few pages that the tenant wrote to, which stay mapped: the next tenant
// does not fault on them, and no other processor hears of it. False: there are more.
static bool restore_pages(struct wj_tenants *t, struct wj_memory *memory)
{
    if (t->process != wj_process()) { // the file tells of the pages of the process that opened it
        if (t->pagemap >= 0) {
            close(t->pagemap);
        }
        t->pagemap = wj_dirty_open();
        t->process = wj_process();
    }
    struct wj_dirty_range ranges[PAGES_KEPT];
    uint64_t size = atomic_load(&memory->size_bytes);
    uint32_t count = 0;
    if (t->pagemap < 0 || size != memory->type.limits.min << memory->type.page_size_log2 ||
        !wj_dirty_find(t->pagemap, memory->base, align_up(size), PAGES_KEPT, ranges, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = ranges[i].offset, bytes = ranges[i].bytes;
        uint64_t from_data = at >= t->data_bytes ? 0 : t->data_bytes - at;
        from_data = from_data < bytes ? from_data : bytes;
        if (from_data != 0) {
            memcpy(memory->base + at, t->data + at, from_data);
        }
        memset(memory->base + at + from_data, 0, bytes - from_data);
    }
    return true;
}

static bool reset_memory(struct wj_tenants *t, struct wj_memory *memory)
{
    if (restore_pages(t, memory)) {
        return true;
    }
    if (!wj_memory_reset(memory)) {
        return false;
    }
    if (!t->is_guarded) {
        memcpy(memory->base, t->data, t->data_bytes);
    }
    return true;
}

static bool reset(struct wj_tenants *t, struct tenant *tenant)
{
    struct wj_instance *instance = tenant->instance;
    const struct wj_module *module = instance->module;
    uint32_t elem_words = bit_words(module->elem_count), data_words = bit_words(module->data_count);
    memcpy(globals_of(tenant), tenant->globals, module->global_count * sizeof *tenant->globals);
    memcpy(instance->dropped_elems, tenant->dropped, elem_words * sizeof(uint64_t));
    memcpy(instance->dropped_datas, tenant->dropped + elem_words, data_words * sizeof(uint64_t));
    reset_tables(tenant);
    clear_stack(t);
    return tenant->memory == NULL || reset_memory(t, tenant->memory);
}

bool wj_tenants_give(struct wj_tenants *t, struct wj_instance *instance)
{
    uint32_t slot = instance->pool_slot;
    if (t->store->lane.activation != NULL || slot >= t->count ||
        t->tenants[slot].instance != instance || !t->tenants[slot].is_out) {
        return false;
    }
    struct tenant *tenant = &t->tenants[slot];
    tenant->is_out = false;
    wj_trap_release(t->store->lane.pending);
    t->store->lane.pending = NULL;
    // One that cannot be made new is not taken again.
    if (reset(t, tenant)) {
        t->free_slots[t->free_count++] = slot;
    }
    return true;
}
