// Validation on several threads gives the verdict of one: the first bad body's, wherever others
// are.
#include "tests/unit/runtime/embed.h"

enum { FUNC_COUNT = 4000, BODY_BYTES = 1024 };

static uint8_t *put_leb(uint8_t *at, uint32_t value)
{
    // Five bytes whatever the value, so that sizes are known beforehand.
    for (int i = 0; i < 5; i++) {
        *at++ = (uint8_t) ((value >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
    }
    return at;
}

static uint8_t *put_section(uint8_t *at, uint8_t id, uint32_t size)
{
    *at++ = id;
    return put_leb(at, size);
}

// Functions of nops; the ones from `bad` on, every 700th, add what is not there.
static wasm_byte_vec_t build(uint32_t bad)
{
    static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0};
    size_t size = sizeof head + 6 + 5 + FUNC_COUNT + 6 + 5 + FUNC_COUNT * (5 + BODY_BYTES);
    wasm_byte_vec_t bytes;
    wasm_byte_vec_new_uninitialized(&bytes, size);
    uint8_t *at = (uint8_t *) bytes.data;
    memcpy(at, head, sizeof head);
    at = put_section(at + sizeof head, 3, 5 + FUNC_COUNT);
    at = put_leb(at, FUNC_COUNT);
    memset(at, 0, FUNC_COUNT);
    at = put_section(at + FUNC_COUNT, 10, 5 + FUNC_COUNT * (5 + BODY_BYTES));
    at = put_leb(at, FUNC_COUNT);
    for (uint32_t i = 0; i < FUNC_COUNT; i++) {
        at = put_leb(at, BODY_BYTES);
        memset(at, 1, BODY_BYTES);
        at[0] = 0; // no locals
        at[BODY_BYTES - 1] = 0x0b;
        if (i >= bad && (i - bad) % 700 == 0) {
            at[BODY_BYTES / 2] = 0x6a;
        }
        at += BODY_BYTES;
    }
    assert_ptr_equal(at, bytes.data + size);
    return bytes;
}

static bool validate(const wasm_byte_vec_t *bytes, uint32_t threads, wjit_error_t *error)
{
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_threads(config, threads);
    wasm_engine_t *engine = wjit_engine_new(config, NULL);
    assert_non_null(engine);
    bool is_valid = wjit_validate(engine, bytes, error);
    wasm_engine_delete(engine);
    return is_valid;
}

static void test_same_verdict(void **state)
{
    (void) state;
    static const uint32_t bads[] = {0, 1, 1999, 3999, FUNC_COUNT};
    for (unsigned i = 0; i < sizeof bads / sizeof *bads; i++) {
        wasm_byte_vec_t bytes = build(bads[i]);
        wjit_error_t one = {0}, many = {0};
        bool is_valid = validate(&bytes, 1, &one);
        assert_int_equal(is_valid, bads[i] == FUNC_COUNT);
        for (uint32_t threads = 2; threads <= 8; threads *= 2) {
            assert_int_equal(validate(&bytes, threads, &many), is_valid);
            assert_int_equal(many.kind, one.kind);
            assert_int_equal(many.offset, one.offset);
            assert_string_equal(many.message, one.message);
        }
        wasm_byte_vec_delete(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
