// The host's side of linking: growing lists of named externals, and the contents of "spectest".
#include "tests/spec/link.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wjit.h>

void exports_clear(struct exports *exports)
{
    for (size_t i = 0; i < exports->count; i++) {
        wasm_name_delete(&exports->names[i]);
        wasm_extern_delete(exports->externs[i]);
    }
    free(exports->names);
    free(exports->externs);
    *exports = (struct exports){0};
}

void exports_add(struct exports *exports, const wasm_name_t *name, wasm_extern_t *external)
{
    size_t n = exports->count + 1;
    exports->names = realloc(exports->names, n * sizeof *exports->names);
    exports->externs = realloc(exports->externs, n * sizeof *exports->externs);
    wasm_name_copy(&exports->names[exports->count], name);
    exports->externs[exports->count] = external;
    exports->count = n;
}

const wasm_extern_t *exports_find(const struct exports *exports, const wasm_name_t *name)
{
    for (size_t i = exports->count; i-- > 0;) {
        if (name_equals(&exports->names[i], name)) {
            return exports->externs[i];
        }
    }
    return NULL;
}

void exports_of_instance(struct exports *exports, const wasm_module_t *module,
                         const wasm_instance_t *instance)
{
    wasm_exporttype_vec_t types;
    wasm_extern_vec_t externs;
    wasm_module_exports(module, &types);
    wasm_instance_exports(instance, &externs);
    for (size_t i = 0; i < types.size && i < externs.size; i++) {
        exports_add(exports, wasm_exporttype_name(types.data[i]), externs.data[i]);
        externs.data[i] = NULL;
    }
    wasm_exporttype_vec_delete(&types);
    wasm_extern_vec_delete(&externs);
}

static void add(struct exports *exports, const char *name, wasm_extern_t *external)
{
    wasm_name_t text;
    wasm_name_new_from_string(&text, name);
    if (external) {
        exports_add(exports, &text, external);
    }
    wasm_name_delete(&text);
}

// print and its relatives: what they print is not looked at.
static wasm_trap_t *print_nothing(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void) args;
    (void) results;
    return NULL;
}

static void add_print(struct exports *exports, wasm_store_t *store, const char *name,
                      const wasm_valkind_t *kinds, size_t kind_count)
{
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_new_uninitialized(&params, kind_count);
    for (size_t i = 0; i < kind_count; i++) {
        params.data[i] = wasm_valtype_new(kinds[i]);
    }
    wasm_valtype_vec_new_empty(&results);
    wasm_functype_t *type = wasm_functype_new(&params, &results);
    add(exports, name, wasm_func_as_extern(wasm_func_new(store, type, print_nothing)));
    wasm_functype_delete(type);
}

static void add_global(struct exports *exports, wasm_store_t *store, const char *name,
                       wasm_val_t value)
{
    wasm_globaltype_t *type = wasm_globaltype_new(wasm_valtype_new(value.kind), WASM_CONST);
    add(exports, name, wasm_global_as_extern(wasm_global_new(store, type, &value)));
    wasm_globaltype_delete(type);
}

static void add_table(struct exports *exports, wasm_store_t *store, const char *name, bool is_64)
{
    wjit_limits_t limits = {.min = 10, .max = 20, .has_max = true, .is_64 = is_64};
    wasm_tabletype_t *type = wjit_tabletype_new(wasm_valtype_new(WASM_FUNCREF), &limits);
    add(exports, name, wasm_table_as_extern(wasm_table_new(store, type, NULL)));
    wasm_tabletype_delete(type);
}

static void add_memory(struct exports *exports, wasm_store_t *store, const char *name,
                       bool is_shared)
{
    wjit_limits_t limits = {.min = 1, .max = 2, .has_max = true, .page_size_log2 = 16};
    limits.is_shared = is_shared;
    wasm_memorytype_t *type = wjit_memorytype_new(&limits);
    add(exports, name, wasm_memory_as_extern(wjit_memory_new(store, type, NULL)));
    wasm_memorytype_delete(type);
}

void exports_of_spectest(struct exports *exports, wasm_store_t *store, bool has_threads)
{
    static const struct {
        const char *name;
        wasm_valkind_t kinds[2];
        size_t kind_count;
    } prints[] = {
        {"print", {0}, 0},
        {"print_i32", {WASM_I32}, 1},
        {"print_i64", {WASM_I64}, 1},
        {"print_f32", {WASM_F32}, 1},
        {"print_f64", {WASM_F64}, 1},
        {"print_i32_f32", {WASM_I32, WASM_F32}, 2},
        {"print_f64_f64", {WASM_F64, WASM_F64}, 2},
    };
    for (size_t i = 0; i < sizeof prints / sizeof *prints; i++) {
        add_print(exports, store, prints[i].name, prints[i].kinds, prints[i].kind_count);
    }
    add_global(exports, store, "global_i32", (wasm_val_t){WASM_I32, .of.i32 = 666});
    add_global(exports, store, "global_i64", (wasm_val_t){WASM_I64, .of.i64 = 666});
    add_global(exports, store, "global_f32", (wasm_val_t){WASM_F32, .of.f32 = 666.6F});
    add_global(exports, store, "global_f64", (wasm_val_t){WASM_F64, .of.f64 = 666.6});

    add_table(exports, store, "table", false);
    add_table(exports, store, "table64", true);
    add_memory(exports, store, "memory", false);
    if (has_threads) {
        add_memory(exports, store, "shared_memory", true);
    }
}
