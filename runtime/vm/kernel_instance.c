// Copies of the dispatching instance, which kernels run with on other threads and on other
// memories. A reference to a function has an instance in it: a copy whose kernel calls through
// tables has tables of its own, of functions that run with the copy.
#include <stdlib.h>
#include <string.h>

#include "runtime/vm/kernel_state.h"

static struct wj_table **tables_of(const struct wj_instance *instance)
{
    struct wj_instance_layout layout = wj_instance_layout(instance->module);
    return (struct wj_table **) (void *) ((char *) instance + layout.tables);
}

static bool is_called(const struct wj_dispatch *dispatch, uint32_t table)
{
    const struct wj_module *module = dispatch->instance->module;
    return (dispatch->kernel->facts.called_tables & wj_kernel_table_bit(table)) != 0 &&
           wj_types_is_subtype(module->types, module->tables[table].type.element, WJ_TYPE_FUNCREF);
}

// A table, its elements, a reference for each.
static size_t table_bytes(uint64_t size)
{
    return sizeof(struct wj_table) + size * (sizeof(void *) + sizeof(struct wj_funcref));
}

// Puts a table whose functions run with `copy` at `place`.
static void copy_table(struct wj_instance *copy, const struct wj_instance *original,
                       struct wj_table **table, char *place)
{
    struct wj_table *own = (struct wj_table *) (void *) place;
    struct wj_funcref *refs = (struct wj_funcref *) (void *) (place + sizeof *own);
    *own = **table;
    own->elements = (void **) (void *) (refs + own->size);
    for (uint64_t i = 0; i < own->size; i++) {
        struct wj_funcref *ref = (*table)->elements[i];
        own->elements[i] = ref;
        if (ref != NULL && ref->instance == original) {
            refs[i] = (struct wj_funcref){
                .code = __atomic_load_n(&ref->code, __ATOMIC_ACQUIRE),
                .instance = copy,
                .type_id = ref->type_id,
                .func_index = ref->func_index,
                .type = ref->type,
            };
            own->elements[i] = &refs[i];
        }
    }
    *table = own;
}

struct wj_instance *wj_kernel_instance_copy(const struct wj_dispatch *dispatch)
{
    const struct wj_instance *original = dispatch->instance;
    const struct wj_module *module = original->module;
    const size_t size_bytes = wj_instance_layout(module).size_bytes;
    size_t all_bytes = (size_bytes + 63u) & ~(size_t) 63;
    for (uint32_t i = 0; i < module->table_count; i++) {
        if (is_called(dispatch, i)) {
            all_bytes += table_bytes(tables_of(original)[i]->size);
        }
    }
    struct wj_instance *copy = aligned_alloc(64, (all_bytes + 63u) & ~(size_t) 63);
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, original, size_bytes);
    char *place = (char *) copy + ((size_bytes + 63u) & ~(size_t) 63);
    for (uint32_t i = 0; i < module->table_count; i++) {
        if (is_called(dispatch, i)) {
            struct wj_table **table = &tables_of(copy)[i];
            const size_t used_bytes = table_bytes((*table)->size);
            copy_table(copy, original, table, place);
            place += used_bytes;
        }
    }
    return copy;
}
