// What a pool's tenant left on the stack of wasm code is gone when it is given back, however its
// frames look: small and many, large and full of zeros, with hundreds of arguments, tail calls, and
// calls that the host makes in turn.
#include "runtime/api/internal.h"
#include "tests/unit/runtime/build.h"
#include "tests/unit/runtime/embed.h"

// Locals of wide functions, and parameters of those with many; and with some.
enum { WIDE = 600, SOME = 20, STACK_BYTES = 1 << 20 };

static void put_i64s(struct bytes *b, uint32_t count)
{
    put_u32(b, count);
    for (uint32_t i = 0; i < count; i++) {
        PUT(b, 0x7e);
    }
}

enum { HOST, DEEP, WIDE_LEAF, WIDE_CALL, MANY, TAIL, FEW, FEW_TAIL, NESTED, FUNCS };
static const char *const names[FUNCS] = {
    "", "deep", "wide_leaf", "wide_call", "many", "tail", "few", "few_tail", "nested",
};

// (n, x) -> n == 0 ? x : deep(n - 1, x) + x
static void put_deep(struct bytes *b)
{
    PUT(b, 0x00, 0x20, 0x00, 0x45, 0x04, 0x7e, 0x20, 0x01, 0x05, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x20,
        0x01, 0x10, DEEP, 0x20, 0x01, 0x7c, 0x0b, 0x0b);
}

// (n, x) -> 600 locals that are x, with a call in between or not, and their sum.
static void put_wide(struct bytes *b, bool calls)
{
    PUT(b, 0x01);
    put_u32(b, WIDE);
    PUT(b, 0x7e);
    for (uint32_t i = 0; i < WIDE; i++) {
        PUT(b, 0x20, 0x01, 0x21);
        put_u32(b, 2 + i);
    }
    PUT(b, 0x20, 0x01);
    if (calls) {
        PUT(b, 0x20, 0x00, 0x20, 0x01, 0x10, DEEP, 0x7c);
    }
    for (uint32_t i = 0; i < WIDE; i++) {
        PUT(b, 0x20);
        put_u32(b, 2 + i);
        PUT(b, 0x7c);
    }
    PUT(b, 0x0b);
}

// (n, x, 600 others) -> deep(n, x)
static void put_many(struct bytes *b)
{
    PUT(b, 0x00, 0x20, 0x00, 0x20, 0x01, 0x10, DEEP, 0x0b);
}

// (n, x) -> func(n, x, x ...), by a tail call
static void put_tail(struct bytes *b, uint8_t func, uint32_t others)
{
    PUT(b, 0x00, 0x20, 0x00);
    for (uint32_t i = 0; i <= others; i++) {
        PUT(b, 0x20, 0x01);
    }
    PUT(b, 0x12, func, 0x0b);
}

// (n, x) -> n == 0 ? host(0, x) : nested(n - 1, x) + x
static void put_nested(struct bytes *b)
{
    PUT(b, 0x00, 0x20, 0x00, 0x45, 0x04, 0x7e, 0x41, 0x00, 0x20, 0x01, 0x10, HOST, 0x05, 0x20, 0x00,
        0x41, 0x01, 0x6b, 0x20, 0x01, 0x10, NESTED, 0x20, 0x01, 0x7c, 0x0b, 0x0b);
}

// The type of functions that take so many more.
static void put_type(struct bytes *b, uint32_t others)
{
    PUT(b, 0x60);
    put_u32(b, 2 + others);
    PUT(b, 0x7f, 0x7e);
    for (uint32_t i = 0; i < others; i++) {
        PUT(b, 0x7e);
    }
    put_i64s(b, 1);
}

static struct bytes build(void)
{
    struct bytes b = {malloc(100000), 0}, section = {malloc(100000), 0}, body = {malloc(100000), 0};
    PUT(&b, 0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01);
    PUT(&section, 0x03);
    put_type(&section, 0);
    put_type(&section, WIDE);
    put_type(&section, SOME);
    put_sized(&b, &section);
    PUT(&b, 0x02, 0x07, 0x01, 0x01, 'e', 0x01, 'h', 0x00, 0x00);
    PUT(&b, 0x03, FUNCS, FUNCS - 1, 0, 0, 0, 1, 0, 2, 0, 0);
    PUT(&b, 0x07);
    PUT(&section, FUNCS - 1);
    for (uint8_t i = DEEP; i < FUNCS; i++) {
        put_u32(&section, (uint32_t) strlen(names[i]));
        put(&section, names[i], strlen(names[i]));
        PUT(&section, 0x00, i);
    }
    put_sized(&b, &section);
    PUT(&b, 0x0a);
    PUT(&section, FUNCS - 1);
    put_deep(&body);
    put_sized(&section, &body);
    put_wide(&body, false);
    put_sized(&section, &body);
    put_wide(&body, true);
    put_sized(&section, &body);
    put_many(&body);
    put_sized(&section, &body);
    put_tail(&body, MANY, WIDE);
    put_sized(&section, &body);
    put_many(&body);
    put_sized(&section, &body);
    put_tail(&body, FEW, SOME);
    put_sized(&section, &body);
    put_nested(&body);
    put_sized(&section, &body);
    put_sized(&b, &section);
    free(section.data);
    free(body.data);
    return b;
}

static bool is_clear(const wasm_store_t *store)
{
    const struct wj_lane *lane = &store->store->lane;
    for (const uint8_t *at = lane->stack_low; at < lane->stack_high; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        if (word != 0) {
            print_error("%zu bytes below the top\n", (size_t) (lane->stack_high - at));
            return false;
        }
    }
    return true;
}

static wasm_instance_t *tenant;

// The host goes on in the instance that called it.
static wasm_trap_t *on_call(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                            wjit_val_t *results)
{
    (void) env, (void) caller;
    wjit_val_t inner[2] = {{.kind = WASM_I32, .of.i32 = 100}, args[1]};
    wasm_extern_t *deep = wjit_instance_export(tenant, "deep", 4);
    wasm_trap_t *trap = wjit_func_call(wasm_extern_as_func(deep), inner, 2, results, 1);
    wasm_extern_delete(deep);
    return trap;
}

static void call(wasm_instance_t *instance, const char *name, int32_t n, int64_t x)
{
    tenant = instance;
    wasm_extern_t *export = wjit_instance_export(instance, name, strlen(name));
    wasm_func_t *func = wasm_extern_as_func(export);
    wjit_val_t args[2 + WIDE], results[1];
    args[0] = (wjit_val_t){.kind = WASM_I32, .of.i32 = n};
    for (uint32_t i = 1; i < 2 + WIDE; i++) {
        args[i] = (wjit_val_t){.kind = WASM_I64, .of.i64 = x};
    }
    wjit_signals_claim(); // cmocka installs its own for each test
    assert_null(wjit_func_call(func, args, wasm_func_param_arity(func), results, 1));
    wasm_extern_delete(export);
}

static void run(wjit_pool_t *pool, const char *name, int32_t n, int64_t x)
{
    wasm_trap_t *trap = NULL;
    wasm_instance_t *instance = wjit_pool_take(pool, &trap, NULL);
    assert_non_null(instance);
    call(instance, name, n, x);
    assert_true(wjit_pool_give(pool, instance));
}

static wasm_func_t *new_host(wasm_store_t *store)
{
    wasm_functype_t *type = wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_i64(),
                                                  wasm_valtype_new_i64());
    wasm_func_t *host = wjit_func_new(store, type, on_call, NULL, NULL);
    wasm_functype_delete(type);
    return host;
}

static void test_left_behind(void **state)
{
    (void) state;
    static const int32_t depths[] = {100, 150, 200, 400, 3000};
    struct bytes b = build();
    for (unsigned f = DEEP; f < FUNCS; f++) {
        // An engine each: what one function's frames are like is not known for the next.
        struct embed e;
        wasm_config_t *config = wasm_config_new();
        wjit_config_set_stack_bytes(config, STACK_BYTES);
        embed_open(&e, config);
        wasm_module_t *module = embed_module(e.store, b.data, b.size);
        wjit_pool_config_t pool_config = {.instances = 1};
        wasm_func_t *host = new_host(e.store);
        wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
        wasm_extern_vec_t vec = {1, imports};
        wjit_pool_t *pool = wjit_pool_new(e.store, module, &vec, &pool_config, NULL);
        assert_non_null(pool);
        for (unsigned i = 0; i < 80 + sizeof depths / sizeof *depths; i++) {
            int32_t depth = i < 80 ? (int32_t) i : depths[i - 80];
            for (int64_t x = -1; x <= 0; x++) {
                run(pool, names[f], depth, x);
                if (!is_clear(e.store)) {
                    fail_msg("%s of depth %d with %lld", names[f], depth, (long long) x);
                }
            }
        }
        wasm_func_delete(host);
        wjit_pool_delete(pool);
        wasm_module_delete(module);
        embed_close(&e);
    }
    free(b.data);
}

// A store is given the stack of one that is no more.
static void test_next_store(void **state)
{
    (void) state;
    struct bytes b = build();
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_stack_bytes(config, STACK_BYTES);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    for (unsigned f = DEEP; f < FUNCS; f++) {
        for (int32_t depth = 1; depth <= 1000; depth *= 10) {
            wasm_store_t *store = wasm_store_new(engine);
            wasm_func_t *host = new_host(store);
            wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
            wasm_instance_t *instance = embed_instance(store, b.data, b.size, imports, 1);
            const uint8_t *stack = store->store->lane.stack_low;
            call(instance, names[f], depth, -1);
            wasm_func_delete(host);
            wasm_instance_delete(instance);
            wasm_store_delete(store);
            store = wasm_store_new(engine);
            assert_ptr_equal(store->store->lane.stack_low, stack);
            assert_true(is_clear(store));
            wasm_store_delete(store);
        }
    }
    // More than are kept.
    wasm_store_t *stores[2 * WJ_STACKS_KEPT];
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 2 * WJ_STACKS_KEPT; i++) {
            stores[i] = wasm_store_new(engine);
            assert_non_null(stores[i]);
        }
        for (unsigned i = 0; i < 2 * WJ_STACKS_KEPT; i++) {
            wasm_store_delete(stores[i]);
        }
    }
    wasm_engine_delete(engine);
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left_behind),
        cmocka_unit_test(test_next_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
