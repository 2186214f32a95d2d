// Functions: host functions as wasm sees them, and calls from the host.
#include <stdlib.h>
#include <string.h>

#include "runtime/api/internal.h"
#include "runtime/vm/call.h"
#include "runtime/vm/code.h"

#define INLINE_CELLS 16u

enum callback_kind { CALLBACK_PLAIN, CALLBACK_ENV, CALLBACK_WJIT };

// What a host function's env points to.
struct closure {
    wasm_store_t *store;
    enum callback_kind kind;
    union {
        wasm_func_callback_t plain;
        wasm_func_callback_with_env_t with_env;
        wjit_func_callback_t wjit;
    } callback;
    void *env;
    void (*finalizer)(void *);
};

static void closure_free(void *env)
{
    struct closure *closure = env;
    if (closure->finalizer != NULL) {
        closure->finalizer(closure->env);
    }
    free(closure);
}

static void delete_refs(wjit_val_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (wasm_valkind_is_ref(values[i].kind)) {
            wasm_ref_delete(values[i].of.ref);
        }
    }
}

// The callbacks of wasm.h take vectors of narrower values.
static wasm_trap_t *call_narrow(const struct closure *closure, const wjit_val_t *args,
                                size_t arg_count, wjit_val_t *results, size_t result_count)
{
    wasm_val_t *values = calloc(arg_count + result_count + 1, sizeof *values);
    if (values == NULL) {
        return wj_api_trap(closure->store, wj_trap_new(WJ_TRAP_OUT_OF_MEMORY, NULL, 0));
    }
    for (size_t i = 0; i < arg_count; i++) {
        wj_api_val_narrow(&args[i], &values[i]);
    }
    for (size_t i = 0; i < result_count; i++) {
        wj_api_val_narrow(&results[i], &values[arg_count + i]);
    }
    wasm_val_vec_t arg_vec = {arg_count, values};
    wasm_val_vec_t result_vec = {result_count, values + arg_count};
    wasm_trap_t *trap = closure->kind == CALLBACK_PLAIN
                            ? closure->callback.plain(&arg_vec, &result_vec)
                            : closure->callback.with_env(closure->env, &arg_vec, &result_vec);
    for (size_t i = 0; trap == NULL && i < result_count; i++) {
        wj_api_val_widen(&values[arg_count + i], &results[i]);
    }
    free(values);
    return trap;
}

static struct wj_trap *call_closure(const struct closure *closure, struct wj_host_call *call,
                                    const struct wj_functype *type, wjit_val_t *values,
                                    union wj_cell *cells)
{
    wasm_store_t *store = closure->store;
    const struct wj_types *types = call->store->engine->types;
    wjit_val_t *results = values + type->param_count;
    for (uint32_t i = 0; i < type->param_count; i++) {
        wj_api_from_cell(store, type->types[i], &cells[i], &values[i]);
    }
    for (uint32_t i = 0; i < type->result_count; i++) {
        memset(&results[i], 0, sizeof results[i]);
        results[i].kind = wj_api_kind(types, type->types[type->param_count + i]);
    }
    wasm_trap_t *trap;
    if (closure->kind == CALLBACK_WJIT) {
        struct wjit_caller_t caller = {store, call->importer};
        trap = closure->callback.wjit(closure->env, &caller, values, results);
    } else {
        trap = call_narrow(closure, values, type->param_count, results, type->result_count);
    }
    delete_refs(values, type->param_count);
    if (trap != NULL) {
        struct wj_trap *inner = wj_trap_retain(trap->ref.object);
        wasm_trap_delete(trap);
        return inner;
    }
    bool is_good = true;
    for (uint32_t i = 0; i < type->result_count; i++) {
        is_good =
            wj_api_to_cell(store, type->types[type->param_count + i], &results[i], &cells[i]) &&
            is_good;
    }
    delete_refs(results, type->result_count);
    static const char message[] = "a host function returned values of other types than its own";
    return is_good ? NULL : wj_trap_new(WJ_TRAP_HOST, message, sizeof message - 1);
}

static struct wj_trap *host_call(struct wj_host_func *func, struct wj_host_call *call,
                                 union wj_cell *cells)
{
    const struct wj_functype *type = &func->funcref.type->func;
    size_t count = (size_t) type->param_count + type->result_count;
    wjit_val_t few[INLINE_CELLS];
    wjit_val_t *values = count <= INLINE_CELLS ? few : malloc(count * sizeof *values);
    if (values == NULL) {
        return wj_trap_new(WJ_TRAP_OUT_OF_MEMORY, NULL, 0);
    }
    struct wj_trap *trap = call_closure(func->env, call, type, values, cells);
    if (values != few) {
        free(values);
    }
    return trap;
}

static wasm_func_t *func_new(wasm_store_t *store, const wasm_functype_t *type,
                             const struct closure *closure)
{
    size_t param_count = type->params.size, result_count = type->results.size;
    wj_valtype *types = calloc(param_count + result_count + 1, sizeof *types);
    struct closure *made = malloc(sizeof *made);
    bool is_good = types != NULL && made != NULL && param_count <= 1000 && result_count <= 1000;
    for (size_t i = 0; is_good && i < param_count + result_count; i++) {
        const wasm_valtype_t *value =
            i < param_count ? type->params.data[i] : type->results.data[i - param_count];
        types[i] = value == NULL ? WJ_TYPE_BOTTOM : value->type;
        is_good = value != NULL && (value->kind != WJIT_V128 || closure->kind == CALLBACK_WJIT);
    }
    struct wj_functype functype = {(uint32_t) param_count, (uint32_t) result_count, types};
    struct wj_host_func host = {.call = host_call, .env = made, .finalizer = closure_free};
    struct wj_host_func *func = NULL;
    if (is_good) {
        *made = *closure;
        is_good = wj_store_host_func(store->store, &functype, &host, &func, NULL);
    }
    free(types);
    if (!is_good) {
        free(made);
        return NULL;
    }
    return (wasm_func_t *) wj_api_handle(store, WJ_REF_FUNC, &func->funcref);
}

wasm_func_t *wasm_func_new(wasm_store_t *store, const wasm_functype_t *type,
                           wasm_func_callback_t callback)
{
    struct closure closure = {.store = store, .kind = CALLBACK_PLAIN, .callback.plain = callback};
    return func_new(store, type, &closure);
}

wasm_func_t *wasm_func_new_with_env(wasm_store_t *store, const wasm_functype_t *type,
                                    wasm_func_callback_with_env_t callback, void *env,
                                    void (*finalizer)(void *))
{
    struct closure closure = {
        .store = store,
        .kind = CALLBACK_ENV,
        .callback.with_env = callback,
        .env = env,
        .finalizer = finalizer,
    };
    return func_new(store, type, &closure);
}

wasm_func_t *wjit_func_new(wasm_store_t *store, const wasm_functype_t *type,
                           wjit_func_callback_t callback, void *env, void (*finalizer)(void *))
{
    struct closure closure = {
        .store = store,
        .kind = CALLBACK_WJIT,
        .callback.wjit = callback,
        .env = env,
        .finalizer = finalizer,
    };
    return func_new(store, type, &closure);
}

wasm_store_t *wjit_caller_store(const wjit_caller_t *caller)
{
    return caller->store;
}

uint8_t *wjit_caller_memory(const wjit_caller_t *caller, uint64_t *size_bytes)
{
    struct wj_memory *memory = caller->importer == NULL ? NULL : caller->importer->host_memory;
    *size_bytes = memory == NULL ? 0 : atomic_load(&memory->size_bytes);
    return memory == NULL ? NULL : memory->base;
}

const wasm_instance_t *wjit_caller_instance(const wjit_caller_t *caller)
{
    return (wasm_instance_t *) wj_api_pin(caller->store, WJ_REF_INSTANCE, caller->importer);
}

static const struct wj_functype *type_of(const wasm_func_t *func)
{
    return &((const struct wj_funcref *) func->ref.object)->type->func;
}

wasm_functype_t *wasm_func_type(const wasm_func_t *func)
{
    return wj_api_functype(func->ref.store->store->engine->types, type_of(func));
}

size_t wasm_func_param_arity(const wasm_func_t *func)
{
    return type_of(func)->param_count;
}

size_t wasm_func_result_arity(const wasm_func_t *func)
{
    return type_of(func)->result_count;
}

static wasm_trap_t *call_cells(const wasm_func_t *func, const wjit_val_t *args, wjit_val_t *results,
                               union wj_cell *cells)
{
    wasm_store_t *store = func->ref.store;
    const struct wj_functype *type = type_of(func);
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (!wj_api_to_cell(store, type->types[i], &args[i], &cells[i])) {
            return wj_api_trap_message(store, "an argument is not of the parameter's type");
        }
    }
    struct wj_trap *trap = wj_call(&store->store->lane, func->ref.object, cells);
    if (trap != NULL) {
        return wj_api_trap(store, trap);
    }
    for (uint32_t i = 0; i < type->result_count; i++) {
        wj_api_from_cell(store, type->types[type->param_count + i], &cells[i], &results[i]);
    }
    return NULL;
}

wasm_trap_t *wjit_func_call(const wasm_func_t *func, const wjit_val_t *args, size_t arg_count,
                            wjit_val_t *results, size_t result_count)
{
    const struct wj_functype *type = type_of(func);
    wasm_store_t *store = func->ref.store;
    if (arg_count != type->param_count || result_count != type->result_count) {
        return wj_api_trap_message(store, "wrong number of arguments or results");
    }
    uint32_t count = wj_call_cells(type);
    union wj_cell few[INLINE_CELLS];
    union wj_cell *cells = count <= INLINE_CELLS ? few : malloc(count * sizeof *cells);
    if (cells == NULL) {
        return wj_api_trap(store, wj_trap_new(WJ_TRAP_OUT_OF_MEMORY, NULL, 0));
    }
    wasm_trap_t *trap = call_cells(func, args, results, cells);
    if (cells != few) {
        free(cells);
    }
    return trap;
}

wasm_trap_t *wasm_func_call(const wasm_func_t *func, const wasm_val_vec_t *args,
                            wasm_val_vec_t *results)
{
    size_t arg_count = args == NULL ? 0 : args->size;
    size_t result_count = results == NULL ? 0 : results->size;
    wjit_val_t few[INLINE_CELLS];
    size_t count = arg_count + result_count;
    wjit_val_t *values = count <= INLINE_CELLS ? few : malloc(count * sizeof *values);
    if (values == NULL) {
        return wj_api_trap(func->ref.store, wj_trap_new(WJ_TRAP_OUT_OF_MEMORY, NULL, 0));
    }
    for (size_t i = 0; i < arg_count; i++) {
        wj_api_val_widen(&args->data[i], &values[i]);
    }
    const wjit_val_t *widened = arg_count != 0 ? values : NULL;
    wasm_trap_t *trap = wjit_func_call(func, widened, arg_count, values + arg_count, result_count);
    for (size_t i = 0; trap == NULL && i < result_count; i++) {
        wj_api_val_narrow(&values[arg_count + i], &results->data[i]);
    }
    if (values != few) {
        free(values);
    }
    return trap;
}

// ---- Prepared calls -----------------------------------------------------------------------------

struct wjit_call_t {
    struct wj_callee callee;
    wasm_store_t *store;
};

_Static_assert(sizeof(wjit_cell_t) == sizeof(union wj_cell) &&
                   _Alignof(wjit_cell_t) >= _Alignof(union wj_cell),
               "the public cells are the internal ones");

static wj_valtype type_of_letter(char letter)
{
    switch (letter) {
    case 'i': return WJ_TYPE_I32;
    case 'l': return WJ_TYPE_I64;
    case 'f': return WJ_TYPE_F32;
    case 'd': return WJ_TYPE_F64;
    case 'v': return WJ_TYPE_V128;
    default: return WJ_TYPE_BOTTOM;
    }
}

static bool is_signature(const struct wj_functype *type, const char *signature)
{
    for (uint32_t i = 0; i < type->param_count + type->result_count; i++) {
        if (i == type->param_count && *signature++ != ':') {
            return false;
        }
        if (*signature == '\0' || type_of_letter(*signature++) != type->types[i]) {
            return false;
        }
    }
    return strcmp(signature, type->result_count == 0 ? ":" : "") == 0;
}

static bool find_callee(struct wj_store *store, struct wj_funcref *funcref,
                        struct wj_callee *callee, struct wj_err *err)
{
    callee->lane = &store->lane;
    callee->instance = funcref->instance;
    if (funcref->host != NULL) {
        callee->enter = wj_call_enter_host;
        callee->code = funcref;
        return true;
    }
    uint64_t code, enter;
    if (!wj_code_compile(funcref->instance->code, funcref->func_index, &code, err) ||
        !wj_engine_enter_code(store->engine, funcref->type, &enter, err)) {
        return false;
    }
    callee->enter = (wj_enter_fn *) (uintptr_t) enter;
    callee->code = (void *) (uintptr_t) code;
    return true;
}

wjit_call_t *wjit_call_new(const wasm_func_t *func, const char *signature, wjit_error_t *error)
{
    wasm_store_t *store = func->ref.store;
    struct wj_funcref *funcref = func->ref.object;
    struct wj_err err;
    wj_err_clear(&err);
    wjit_call_t *call = calloc(1, sizeof *call);
    if (call == NULL) {
        wj_err_set(&err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    } else if (!is_signature(&funcref->type->func, signature)) {
        wj_err_set(&err, WJ_ERR_USAGE, WJ_NO_OFFSET, "the function's type is not \"%s\"",
                   signature);
    } else if (find_callee(store->store, funcref, &call->callee, &err)) {
        call->store = store;
        return call;
    }
    free(call);
    wj_api_error_out(&err, error);
    return NULL;
}

void wjit_call_delete(wjit_call_t *call)
{
    free(call);
}

wasm_trap_t *wjit_call_run(const wjit_call_t *call, wjit_cell_t *cells)
{
    struct wj_trap *trap = wj_call_default_fp(&call->callee, (union wj_cell *) (void *) cells);
    return __builtin_expect(trap == NULL, 1) ? NULL : wj_api_trap(call->store, trap);
}
