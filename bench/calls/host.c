/* What it costs to cross from the host into wasm and back: nanoseconds of one call, the least of
 * many rounds. Prints a line NAME NANOSECONDS for each way to call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wasm.h>
#include <wjit.h>

enum { ROUNDS = 40, CALLS = 100000 };

/* (module (import "" "host" (func $host (param i32) (result i32)))
 *   (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
 *   (func (export "out") (param i32) (result i32) local.get 0 call $host)) */
static const uint8_t guest[] = {
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 12, 2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 2, 0x7f, 0x7f, 1,
    0x7f, 2, 9, 1, 0, 4, 'h', 'o', 's', 't', 0, 0, 3, 3, 2, 1, 0, 7, 13, 2, 3, 'a', 'd', 'd', 0, 1,
    3, 'o', 'u', 't', 0, 2, 10, 16, 2, 7, 0, 0x20, 0, 0x20, 1, 0x6a, 0x0b, 6, 0, 0x20, 0, 0x10, 0,
    0x0b,
};

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec * 1e9 + (double) now.tv_nsec;
}

static wasm_trap_t *host(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                         wjit_val_t *results)
{
    (void) env, (void) caller;
    results[0].of.i32 = args[0].of.i32 + 1;
    return NULL;
}

static __attribute__((noinline)) int32_t native_add(int32_t a, int32_t b)
{
    return a + b;
}

struct session {
    wasm_func_t *add, *out;
    wjit_call_t *add_call, *out_call;
};

static int32_t by_pointer(const struct session *s, int32_t sum)
{
    (void) s;
    int32_t (*volatile add)(int32_t, int32_t) = native_add;
    for (int i = 0; i < CALLS; i++) {
        sum = add(sum, i);
    }
    return sum;
}

static int32_t prepared(const struct session *s, int32_t sum)
{
    for (int i = 0; i < CALLS; i++) {
        wjit_cell_t cells[2] = {{.i32 = sum}, {.i32 = i}};
        if (wjit_call_run(s->add_call, cells) != NULL) {
            abort();
        }
        sum = cells[0].i32;
    }
    return sum;
}

static int32_t prepared_and_out(const struct session *s, int32_t sum)
{
    for (int i = 0; i < CALLS; i++) {
        wjit_cell_t cells[1] = {{.i32 = sum}};
        if (wjit_call_run(s->out_call, cells) != NULL) {
            abort();
        }
        sum = cells[0].i32;
    }
    return sum;
}

static int32_t by_values(const struct session *s, int32_t sum)
{
    for (int i = 0; i < CALLS; i++) {
        wjit_val_t args[2] = {{.kind = WASM_I32, .of.i32 = sum}, {.kind = WASM_I32, .of.i32 = i}};
        wjit_val_t result;
        if (wjit_func_call(s->add, args, 2, &result, 1) != NULL) {
            abort();
        }
        sum = result.of.i32;
    }
    return sum;
}

static int32_t by_vectors(const struct session *s, int32_t sum)
{
    for (int i = 0; i < CALLS; i++) {
        wasm_val_t args[2] = {WASM_I32_VAL(sum), WASM_I32_VAL(i)};
        wasm_val_t results[1] = {WASM_INIT_VAL};
        wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args), result_vec = WASM_ARRAY_VEC(results);
        if (wasm_func_call(s->add, &arg_vec, &result_vec) != NULL) {
            abort();
        }
        sum = results[0].of.i32;
    }
    return sum;
}

static const struct {
    const char *name;
    int32_t (*run)(const struct session *s, int32_t sum);
    int32_t step; /* of the sum: 0 for the sum of the numbers counted */
} ways[] = {
    {"native_by_pointer", by_pointer, 0},
    {"wjit_call_run", prepared, 0},
    {"wjit_func_call", by_values, 0},
    {"wasm_func_call", by_vectors, 0},
    {"wjit_call_run_to_host", prepared_and_out, 1},
};

static void measure(const struct session *s)
{
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        double best = 1e30;
        int32_t expected = 7;
        for (int i = 0; i < CALLS; i++) {
            expected = (int32_t) ((uint32_t) expected + (uint32_t) (ways[k].step ? 1 : i));
        }
        for (int round = 0; round < ROUNDS; round++) {
            double start = now_ns();
            int32_t sum = ways[k].run(s, 7);
            double ns = (now_ns() - start) / CALLS;
            best = ns < best ? ns : best;
            if (sum != expected) {
                fprintf(stderr, "%s: %d instead of %d\n", ways[k].name, sum, expected);
                exit(1);
            }
        }
        printf("%s %.3f\n", ways[k].name, best);
    }
}

static wasm_func_t *export_of(wasm_instance_t *instance, const char *name)
{
    wasm_extern_t *export = wjit_instance_export(instance, name, strlen(name));
    return export == NULL ? NULL : wasm_extern_as_func(export);
}

int main(void)
{
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_byte_vec_t bytes = {sizeof guest, (char *) (uintptr_t) guest};
    wasm_module_t *module = wjit_module_new(store, &bytes, &error);
    wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t *imported = wjit_func_new(store, type, host, NULL, NULL);
    wasm_extern_t *externs[] = {wasm_func_as_extern(imported)};
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(externs);
    wasm_trap_t *trap = NULL;
    wasm_instance_t *instance =
        module == NULL ? NULL : wjit_instance_new(store, module, &imports, &trap, &error);
    if (instance == NULL) {
        fprintf(stderr, "host: %s\n", error.message);
        return 1;
    }
    struct session s = {.add = export_of(instance, "add"), .out = export_of(instance, "out")};
    s.add_call = wjit_call_new(s.add, "ii:i", &error);
    s.out_call = wjit_call_new(s.out, "i:i", &error);
    if (s.add_call == NULL || s.out_call == NULL) {
        fprintf(stderr, "host: %s\n", error.message);
        return 1;
    }
    measure(&s);
    wjit_call_delete(s.add_call);
    wjit_call_delete(s.out_call);
    wasm_func_delete(s.add);
    wasm_func_delete(s.out);
    wasm_func_delete(imported);
    wasm_functype_delete(type);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
