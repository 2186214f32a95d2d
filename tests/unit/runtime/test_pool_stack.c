// What a pool's tenant left on the stack of wasm code is gone when it is given back, however its
// frames look: small and many, large and full of zeros, with a thousand arguments, tail calls.
#include "runtime/api/internal.h"
#include "tests/unit/runtime/embed.h"

// Locals of wide functions, and parameters of those with many.
enum { WIDE = 600, STACK_BYTES = 1 << 20 };

struct bytes {
    uint8_t *data;
    size_t size;
};

static void put(struct bytes *b, const void *data, size_t size)
{
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

#define PUT(b, ...) put(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void put_u32(struct bytes *b, uint32_t value)
{
    for (; value >= 0x80; value >>= 7) {
        PUT(b, (uint8_t) (value | 0x80));
    }
    PUT(b, (uint8_t) value);
}

static void put_sized(struct bytes *b, struct bytes *part)
{
    put_u32(b, (uint32_t) part->size);
    put(b, part->data, part->size);
    part->size = 0;
}

static void put_i64s(struct bytes *b, uint32_t count)
{
    put_u32(b, count);
    for (uint32_t i = 0; i < count; i++) {
        PUT(b, 0x7e);
    }
}

enum { DEEP, WIDE_LEAF, WIDE_CALL, MANY, TAIL, FUNCS };
static const char *const names[FUNCS] = {"deep", "wide_leaf", "wide_call", "many", "tail"};

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

// (n, x) -> many(n, x, x ...), by a tail call
static void put_tail(struct bytes *b)
{
    PUT(b, 0x00, 0x20, 0x00);
    for (uint32_t i = 0; i <= WIDE; i++) {
        PUT(b, 0x20, 0x01);
    }
    PUT(b, 0x12, MANY, 0x0b);
}

static struct bytes build(void)
{
    struct bytes b = {malloc(100000), 0}, section = {malloc(100000), 0}, body = {malloc(100000), 0};
    PUT(&b, 0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01);
    PUT(&section, 0x02, 0x60, 0x02, 0x7f, 0x7e, 0x01, 0x7e); // type 0: (i32, i64) -> (i64)
    PUT(&section, 0x60);                                     // type 1: the same and WIDE more
    put_u32(&section, 2 + WIDE);
    PUT(&section, 0x7f, 0x7e);
    for (uint32_t i = 0; i < WIDE; i++) {
        PUT(&section, 0x7e);
    }
    put_i64s(&section, 1);
    put_sized(&b, &section);
    PUT(&b, 0x03, 1 + FUNCS, FUNCS, 0, 0, 0, 1, 0);
    PUT(&b, 0x07);
    PUT(&section, FUNCS);
    for (uint8_t i = 0; i < FUNCS; i++) {
        put_u32(&section, (uint32_t) strlen(names[i]));
        put(&section, names[i], strlen(names[i]));
        PUT(&section, 0x00, i);
    }
    put_sized(&b, &section);
    PUT(&b, 0x0a);
    PUT(&section, FUNCS);
    put_deep(&body);
    put_sized(&section, &body);
    put_wide(&body, false);
    put_sized(&section, &body);
    put_wide(&body, true);
    put_sized(&section, &body);
    put_many(&body);
    put_sized(&section, &body);
    put_tail(&body);
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

static void run(wjit_pool_t *pool, const char *name, int32_t n, int64_t x)
{
    wasm_trap_t *trap = NULL;
    wasm_instance_t *instance = wjit_pool_take(pool, &trap, NULL);
    assert_non_null(instance);
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
    assert_true(wjit_pool_give(pool, instance));
}

static void test_left_behind(void **state)
{
    (void) state;
    static const int32_t depths[] = {0, 1, 2, 30, 60, 100, 150, 200, 400, 3000};
    struct bytes b = build();
    for (unsigned f = 0; f < FUNCS; f++) {
        // An engine each: what one function's frames are like is not known for the next.
        struct embed e;
        wasm_config_t *config = wasm_config_new();
        wjit_config_set_stack_bytes(config, STACK_BYTES);
        embed_open(&e, config);
        wasm_module_t *module = embed_module(e.store, b.data, b.size);
        wjit_pool_config_t pool_config = {.instances = 1};
        wjit_pool_t *pool = wjit_pool_new(e.store, module, NULL, &pool_config, NULL);
        assert_non_null(pool);
        for (unsigned i = 0; i < sizeof depths / sizeof *depths; i++) {
            for (int64_t x = -1; x <= 0; x++) {
                run(pool, names[f], depths[i], x);
                if (!is_clear(e.store)) {
                    fail_msg("%s of depth %d with %lld", names[f], depths[i], (long long) x);
                }
            }
        }
        wjit_pool_delete(pool);
        wasm_module_delete(module);
        embed_close(&e);
    }
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_left_behind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
