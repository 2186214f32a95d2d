// What the runtime's tests share: an engine with a store, modules made from bytes, calls by name.
#ifndef TESTS_UNIT_RUNTIME_EMBED_H
#define TESTS_UNIT_RUNTIME_EMBED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <wjit.h>

#include "tests/unit/runtime/guests.h"

struct embed {
    wasm_engine_t *engine;
    wasm_store_t *store;
    wasm_instance_t *instance;
};

// Where all takes many times as long, tests of numbers of things take fewer.
static inline bool embed_is_emulated(void)
{
    return getenv("WJIT_EMULATED") != NULL;
}

static inline void embed_open(struct embed *e, wasm_config_t *config)
{
    wjit_error_t error = {0};
    e->engine = wjit_engine_new(config, &error);
    assert_string_equal(error.message, "");
    assert_non_null(e->engine);
    e->store = wasm_store_new(e->engine);
    assert_non_null(e->store);
    e->instance = NULL;
}

static inline void embed_close(struct embed *e)
{
    wasm_instance_delete(e->instance);
    wasm_store_delete(e->store);
    wasm_engine_delete(e->engine);
}

static inline wasm_module_t *embed_module(wasm_store_t *store, const uint8_t *bytes, size_t size)
{
    wasm_byte_vec_t binary = {size, (char *) bytes};
    wjit_error_t error = {0};
    wasm_module_t *module = wjit_module_new(store, &binary, &error);
    assert_string_equal(error.message, "");
    assert_non_null(module);
    return module;
}

// Instantiates with these imports, which stay the caller's.
static inline wasm_instance_t *embed_instance(wasm_store_t *store, const uint8_t *bytes,
                                              size_t size, wasm_extern_t **imports, size_t count)
{
    wasm_module_t *module = embed_module(store, bytes, size);
    wasm_extern_vec_t vec = {count, imports};
    wjit_error_t error = {0};
    wasm_trap_t *trap = NULL;
    wasm_instance_t *instance = wjit_instance_new(store, module, &vec, &trap, &error);
    assert_string_equal(error.message, "");
    assert_null(trap);
    assert_non_null(instance);
    wasm_module_delete(module);
    return instance;
}

// A host function (i32) -> (i32).
static inline wasm_func_t *embed_host(wasm_store_t *store, wjit_func_callback_t callback, void *env)
{
    wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t *func = wjit_func_new(store, type, callback, env, NULL);
    wasm_functype_delete(type);
    assert_non_null(func);
    return func;
}

// Calls an export with i32 arguments; its i32 result, if it has one, goes to *result.
static inline wasm_trap_t *embed_call(const wasm_instance_t *instance, const char *name,
                                      const int32_t *args, size_t count, int32_t *result)
{
    wasm_extern_t *export = wjit_instance_export(instance, name, strlen(name));
    assert_non_null(export);
    wjit_signals_claim(); // cmocka installs its own for each test
    wasm_func_t *func = wasm_extern_as_func(export);
    wjit_val_t values[9], results[1];
    for (size_t i = 0; i < count; i++) {
        values[i] = (wjit_val_t){.kind = WASM_I32, .of.i32 = args[i]};
    }
    wasm_trap_t *trap = wjit_func_call(func, values, count, results, wasm_func_result_arity(func));
    if (trap == NULL && result != NULL) {
        *result = results[0].of.i32;
    }
    wasm_extern_delete(export);
    return trap;
}

// The same by the typed call: a signature as in wjit_call_new, arguments and results in the cells.
static inline wasm_trap_t *embed_run(const wasm_instance_t *instance, const char *name,
                                     const char *signature, wjit_cell_t *cells)
{
    wasm_extern_t *export = wjit_instance_export(instance, name, strlen(name));
    assert_non_null(export);
    wjit_call_t *call = wjit_call_new(wasm_extern_as_func(export), signature, NULL);
    assert_non_null(call);
    wjit_signals_claim(); // cmocka installs its own for each test
    wasm_trap_t *trap = wjit_call_run(call, cells);
    wjit_call_delete(call);
    wasm_extern_delete(export);
    return trap;
}

static inline int32_t embed_value(const wasm_instance_t *instance, const char *name, int32_t arg)
{
    int32_t result = 0;
    wasm_trap_t *trap = embed_call(instance, name, &arg, 1, &result);
    assert_null(trap);
    return result;
}

// Checks a trap's code and message, and deletes it.
static inline void embed_expect(wasm_trap_t *trap, wjit_trap_code_t code, const char *message)
{
    assert_non_null(trap);
    wasm_message_t text;
    wasm_trap_message(trap, &text);
    assert_string_equal(text.data, message);
    assert_int_equal(wjit_trap_code(trap), code);
    wasm_byte_vec_delete(&text);
    wasm_trap_delete(trap);
}

#endif
