// Pools of instances. The memories of a pool lie in one reservation. With guard regions each maps
// the same file, copied when written to: data of any size costs nothing until it is touched, and
// to forget a tenant is one system call. Without, there is one mapping for all, since a process has
// only some 65,000: the data is copied in.
#include "runtime/vm/tenants.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/vm/dirty.h"
#include "runtime/vm/initial.h"
#include "runtime/vm/memory.h"
#include "runtime/vm/signals.h"
#include "runtime/vm/stack.h"
#include "runtime/vm/trap.h"
#include "runtime/vm/warm.h"

#define OS_PAGE_BYTES 65536u
// From one guarded memory to the next: what generated code can reach from the first.
#define GUARDED_STRIDE_BYTES WJ_GUARD_AFTER_BYTES
// What an instance takes of the store's arena, roughly: of a module without tables.
#define INSTANCE_BYTES 1024
#define CACHE_LINE_BYTES 64

// An instance and what it was like when it was new. In the store's arena, as are memory and
// instance, which follow: a cycle of one among very many touches few pages and cache lines.
struct wj_tenant {
    struct wj_tenants *pool; // NULL: it is no more
    struct wj_instance *instance;
    struct wj_memory *memory;     // or NULL
    const union wj_cell *globals; // of those that the module defines
    void ***tables;               // [table_count] elements, as many as the initial size
    struct wj_tenant *next;       // of the pool's
    struct wj_tenant *next_free;
    struct wj_dirty_pages kept; // of the memory, ready to be written to
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
    bool has_initial;
    struct wj_initial initial;
    uint64_t page_bytes; // the system's
    int pagemap;         // to see what a tenant wrote, or -1
    uint32_t process;    // whose pages it tells of: wj_process()
    // Of a new instance, whichever it is: NULL where references are among the globals, else the
    // first one's.
    const union wj_cell *globals;
    const uint64_t *dropped; // elems, then datas
    struct wj_arena states;  // what the tenants' point to
    struct wj_warm warm;
    struct wj_tenant *tenants; // newest first
    struct wj_tenant *free;    // the last one that came back is taken first
    uint32_t count;            // that are made
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
    wj_initial_init(&t->initial);
    t->page_bytes = (uint64_t) sysconf(_SC_PAGESIZE);
    wj_arena_init(&t->states);
    t->pagemap = wj_dirty_open();
    t->process = wj_process();
    t->import_count = import_count;
    t->imports = malloc((import_count + 1u) * sizeof *t->imports);
    bool is_good = t->imports != NULL;
    if (is_good && import_count != 0) {
        memcpy(t->imports, imports, import_count * sizeof *imports);
    }
    if (is_good ? reserve_memories(t, err) : fail_nomem(err)) {
        wj_arena_expect(&store->arena, (size_t) settings->count_max * INSTANCE_BYTES);
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
    for (struct wj_tenant *tenant = t->tenants; tenant != NULL; tenant = tenant->next) {
        tenant->pool = NULL;
    }
    if (t->pagemap >= 0) {
        close(t->pagemap);
    }
    wj_initial_clear(&t->initial);
    if (t->mapping != NULL) {
        munmap(t->mapping, t->mapping_bytes);
    }
    wj_arena_clear(&t->states);
    free(t->imports);
    wj_image_release(t->image);
    free(t);
}

// ---- Making an instance -------------------------------------------------------------------------

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
    struct wj_memory *memory = WJ_ARENA_NEW(&t->store->arena, struct wj_memory);
    if (memory == NULL) {
        return fail_nomem(err);
    }
    const struct wj_memory_place place = {base, reserved, t->is_guarded};
    wj_memory_init_in(memory, type, t->max_pages, &place);
    *out = memory;
    bool is_kept = wj_store_adopt_new_memory(t->store, memory, err);
    wj_memory_release(memory); // the store holds it from here on
    uint64_t bytes = atomic_load(&memory->size_bytes);
    if (!is_kept) {
        return false;
    }
    if (t->is_guarded && bytes != 0 &&
        (t->initial.file >= 0 ? !wj_initial_map(&t->initial, base, bytes)
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

static union wj_cell *globals_of(const struct wj_tenant *tenant)
{
    struct wj_instance *instance = tenant->instance;
    struct wj_instance_layout layout = wj_instance_layout(instance->module);
    return (union wj_cell *) (void *) ((char *) instance + layout.globals);
}

static void *copy_of(struct wj_tenants *t, const void *items, size_t size_bytes)
{
    void *copy = wj_arena_alloc(&t->states, size_bytes);
    if (copy != NULL && size_bytes != 0) {
        memcpy(copy, items, size_bytes);
    }
    return copy;
}

static bool keep_globals(struct wj_tenants *t, struct wj_tenant *tenant, struct wj_err *err)
{
    const struct wj_module *module = tenant->instance->module;
    bool has_refs = false;
    for (uint32_t i = 0; i < module->global_count; i++) {
        has_refs |= wj_valtype_is_ref(module->globals[i].type.type);
    }
    tenant->globals = t->globals;
    if (tenant->globals == NULL) {
        tenant->globals =
            copy_of(t, globals_of(tenant), module->global_count * sizeof(union wj_cell));
        t->globals = has_refs ? NULL : tenant->globals;
    }
    return tenant->globals != NULL || fail_nomem(err);
}

static bool keep_dropped(struct wj_tenants *t, const struct wj_instance *instance,
                         struct wj_err *err)
{
    const struct wj_module *module = instance->module;
    uint32_t elem_words = bit_words(module->elem_count), data_words = bit_words(module->data_count);
    if (t->dropped != NULL) {
        return true;
    }
    uint64_t *dropped = WJ_ARENA_ARRAY(&t->states, uint64_t, elem_words + data_words);
    if (dropped == NULL) {
        return fail_nomem(err);
    }
    memcpy(dropped, instance->dropped_elems, elem_words * sizeof(uint64_t));
    memcpy(dropped + elem_words, instance->dropped_datas, data_words * sizeof(uint64_t));
    t->dropped = dropped;
    return true;
}

// Remembers what the instance is like.
static bool keep_state(struct wj_tenants *t, struct wj_tenant *tenant, struct wj_err *err)
{
    struct wj_instance *instance = tenant->instance;
    uint32_t count = instance->module->table_count;
    tenant->tables = WJ_ARENA_ARRAY(&t->states, void **, count);
    if (tenant->tables == NULL || !keep_globals(t, tenant, err) ||
        !keep_dropped(t, instance, err)) {
        return fail_nomem(err);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct wj_table *table = wj_instance_table(instance, i);
        tenant->tables[i] = copy_of(t, table->elements, table->size * sizeof(void *));
        if (tenant->tables[i] == NULL) {
            return fail_nomem(err);
        }
    }
    return true;
}

// The pages that are not as mapped. False: there are more than are kept, or the memory has grown,
// or the system does not say.
static bool see_pages(struct wj_tenants *t, struct wj_memory *memory, struct wj_dirty_pages *out)
{
    if (t->process != wj_process()) { // the file tells of the pages of the process that opened it
        if (t->pagemap >= 0) {
            close(t->pagemap);
        }
        t->pagemap = wj_dirty_open();
        t->process = wj_process();
    }
    uint64_t size = atomic_load(&memory->size_bytes);
    return t->pagemap >= 0 && size == memory->type.limits.min << memory->type.page_size_log2 &&
           wj_dirty_find(t->pagemap, memory->base, align_up(size), t->page_bytes, out);
}

// Makes a memory ready for what others were used for. Looks at one of them each time that there are
// twice as many: at first none has been given back.
static void warm_up(struct wj_tenants *t, struct wj_tenant *tenant)
{
    struct wj_tenant *last = t->tenants;
    struct wj_dirty_pages now;
    uint32_t others = t->count - 1;
    if (last != NULL && (others & (others - 1)) == 0 && last->is_out &&
        see_pages(t, last->memory, &now)) {
        wj_warm_learn(&t->warm, &last->kept, &now);
        last->kept = now;
    }
    wj_warm_apply(&t->warm, tenant->memory->base, t->page_bytes, &tenant->kept);
}

// Puts the data into a memory that has none; with the first one it is made.
static bool fill_memory(struct wj_tenants *t, struct wj_tenant *tenant, struct wj_trap **trap,
                        struct wj_err *err)
{
    struct wj_memory *memory = tenant->memory;
    uint64_t bytes = atomic_load(&memory->size_bytes);
    bool is_first = !t->has_initial;
    if (is_first) {
        wj_initial_clear(&t->initial);
        if (!wj_initial_make(&t->initial, tenant->instance, bytes, t->is_guarded, trap, err)) {
            return false;
        }
        t->has_initial = true;
    }
    if (!t->is_guarded) {
        wj_initial_copy(&t->initial, memory->base, t->page_bytes, &tenant->kept);
    } else if (is_first && t->initial.file >= 0 &&
               !wj_initial_map(&t->initial, memory->base, bytes)) {
        return fail_nomem(err);
    }
    warm_up(t, tenant);
    return true;
}

static bool make_in_slot(struct wj_tenants *t, uint32_t slot, struct wj_tenant *tenant,
                         struct wj_trap **trap, struct wj_err *err)
{
    struct wj_instance_place place = {.is_filled = true};
    if (!make_memory(t, slot, &place.memory, err)) {
        return false;
    }
    tenant->memory = place.memory;
    return wj_instance_build(t->store, t->image, t->imports, t->import_count, &place,
                             &tenant->instance, trap, err) &&
           (place.memory == NULL || fill_memory(t, tenant, trap, err)) &&
           keep_state(t, tenant, err);
}

static bool make_tenant(struct wj_tenants *t, struct wj_tenant **out, struct wj_trap **trap,
                        struct wj_err *err)
{
    struct wj_tenant *tenant = WJ_ARENA_NEW(&t->store->arena, struct wj_tenant);
    if (tenant == NULL) {
        return fail_nomem(err);
    }
    // A slot whose instance failed stays used: functions of it may have got out.
    uint32_t slot = t->count++;
    if (!make_in_slot(t, slot, tenant, trap, err)) {
        return false;
    }
    tenant->pool = t;
    tenant->instance->tenant = tenant;
    tenant->next = t->tenants;
    t->tenants = tenant;
    *out = tenant;
    return true;
}

// ---- Taking and giving --------------------------------------------------------------------------

static bool find_tenant(struct wj_tenants *t, struct wj_tenant **out, struct wj_trap **trap,
                        struct wj_err *err)
{
    if (t->free != NULL) {
        *out = t->free;
        t->free = t->free->next_free;
        return true;
    }
    return t->count == t->settings.count_max
               ? wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET, "all %u instances of the pool are out",
                            t->count)
               : make_tenant(t, out, trap, err);
}

bool wj_tenants_take(struct wj_tenants *t, struct wj_instance **out, struct wj_trap **trap,
                     struct wj_err *err)
{
    struct wj_tenant *tenant = NULL;
    *trap = NULL;
    if (!find_tenant(t, &tenant, trap, err)) {
        return false;
    }
    tenant->is_out = true;
    if (!wj_instance_start(tenant->instance, trap, err)) {
        wj_tenants_give(t, tenant->instance);
        return false;
    }
    *out = tenant->instance;
    return true;
}

static void reset_tables(struct wj_tenant *tenant)
{
    for (uint32_t i = 0; i < tenant->instance->module->table_count; i++) {
        struct wj_table *table = wj_instance_table(tenant->instance, i);
        uint64_t size = table->type.limits.min;
        memcpy(table->elements, tenant->tables[i], size * sizeof(void *));
        // Elements beyond the size are null, as growing expects them.
        memset(table->elements + size, 0, (table->size - size) * sizeof(void *));
        table->size = size;
    }
}

// Writes the data over the few pages that the tenant wrote to, which stay mapped: the next tenant
// does not fault on them, and no other processor hears of it. False: there are more.
static bool restore_pages(struct wj_tenants *t, struct wj_tenant *tenant)
{
    struct wj_memory *memory = tenant->memory;
    struct wj_dirty_pages now;
    if (!see_pages(t, memory, &now)) {
        return false;
    }
    for (uint32_t i = 0; i < now.count; i++) {
        wj_initial_restore(&t->initial, memory->base, now.pages[i] * t->page_bytes, t->page_bytes);
    }
    wj_warm_learn(&t->warm, &tenant->kept, &now);
    tenant->kept = now;
    wj_warm_apply(&t->warm, memory->base, t->page_bytes, &tenant->kept);
    return true;
}

// Forgets all pages at once.
static bool reset_memory(struct wj_tenants *t, struct wj_tenant *tenant)
{
    struct wj_memory *memory = tenant->memory;
    if (wj_memory_pages(memory) == memory->type.limits.min) {
        wj_warm_doubt(&t->warm);
    }
    if (!wj_memory_reset(memory)) {
        return false;
    }
    tenant->kept.count = 0;
    if (!t->is_guarded) {
        wj_initial_copy(&t->initial, memory->base, t->page_bytes, &tenant->kept);
    }
    wj_warm_apply(&t->warm, memory->base, t->page_bytes, &tenant->kept);
    return true;
}

static bool reset(struct wj_tenants *t, struct wj_tenant *tenant)
{
    struct wj_instance *instance = tenant->instance;
    const struct wj_module *module = instance->module;
    uint32_t elem_words = bit_words(module->elem_count), data_words = bit_words(module->data_count);
    memcpy(globals_of(tenant), tenant->globals, module->global_count * sizeof *tenant->globals);
    memcpy(instance->dropped_elems, t->dropped, elem_words * sizeof(uint64_t));
    memcpy(instance->dropped_datas, t->dropped + elem_words, data_words * sizeof(uint64_t));
    reset_tables(tenant);
    wj_stack_clear(t->store);
    return tenant->memory == NULL || restore_pages(t, tenant) || reset_memory(t, tenant);
}

// Where there are very many, an instance is in no cache: asked for at once, its parts come while
// the system looks for pages.
static void prefetch(const void *start)
{
    for (int i = 0; i < INSTANCE_BYTES; i += CACHE_LINE_BYTES) {
        __builtin_prefetch((const char *) start + i, 1);
    }
}

bool wj_tenants_give(struct wj_tenants *t, struct wj_instance *instance)
{
    struct wj_tenant *tenant = instance->tenant;
    if (tenant == NULL) {
        return false;
    }
    prefetch(tenant);
    if (tenant->pool != t || !tenant->is_out || t->store->lane.activation != NULL) {
        return false;
    }
    tenant->is_out = false;
    wj_trap_release(t->store->lane.pending);
    t->store->lane.pending = NULL;
    // One that cannot be made new is not taken again.
    if (reset(t, tenant)) {
        tenant->next_free = t->free;
        t->free = tenant;
    }
    return true;
}
