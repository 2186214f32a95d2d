// The opcode table: every row is filled, found by its bytes, and refused when its feature is off.
#include <stdlib.h>

#include "builder.h"

#include "wasm/opcode.h"
#include "wasm/walk_state.h"

static void test_rows(void **state)
{
    (void) state;
    for (unsigned i = 0; i < WJ_OP_COUNT; i++) {
        const struct wj_opcode_info *info = &wj_opcode_infos[i];
        assert_true(wj_opcode_name(i)[0] != '\0');
        assert_true(info->family < FAM_COUNT);
        assert_true(info->feature != 0);
        assert_int_equal(wj_opcode_find(info->prefix, info->code), i);
        assert_true(wj_sig_count(info->pops) <= 4);
        assert_true(wj_sig_count(info->results) <= 2);
    }
    assert_int_equal(wj_opcode_infos[WJ_OP_LOCAL_GET].code, WJ_WALK_CODE_LOCAL_GET);
    assert_int_equal(wj_opcode_infos[WJ_OP_I32_CONST].code, WJ_WALK_CODE_I32_CONST);
    assert_int_equal(wj_opcode_find(0, 0xff), WJ_OP_UNKNOWN);
    assert_int_equal(wj_opcode_find(0, 0xfd), WJ_OP_UNKNOWN);
    assert_int_equal(wj_opcode_find(0xfd, 0x9a), WJ_OP_UNKNOWN);
    assert_int_equal(wj_opcode_find(0xfd, UINT32_MAX), WJ_OP_UNKNOWN);
    assert_int_equal(wj_opcode_find(0xfc, 0x20000), WJ_OP_UNKNOWN);
}

// Operations without immediates, in dead code, are valid exactly when their feature is on.
static void test_features(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    struct wj_types *types = wj_types_new();
    for (unsigned i = 0; i < WJ_OP_COUNT; i++) {
        const struct wj_opcode_info *info = &wj_opcode_infos[i];
        if (info->imm != WJ_IMM_NONE || info->family == FAM_CONTROL) {
            continue;
        }
        uint8_t body[16] = {0, 0x00};
        size_t size = 2;
        if (info->prefix != 0) {
            body[size++] = info->prefix;
        }
        if (info->prefix != 0 && info->code >= 0x80) {
            body[size++] = (uint8_t) (info->code | 0x80);
            body[size++] = (uint8_t) (info->code >> 7);
        } else {
            body[size++] = (uint8_t) info->code;
        }
        body[size++] = 0x00; // unreachable again: what is on the stack does not matter
        body[size++] = 0x0b;
        begin_module(b);
        put_functype(b, 0, 0);
        SECTION(b, 3, 1, 0);
        put_body(b, body, size);
        struct wj_err err;
        struct wj_module *module = load(types, ALL_FEATURES, b->bytes, b->size, &err);
        bool is_refused = info->family == FAM_EXCEPTION || info->family == FAM_GC;
        assert_int_equal(err.kind, is_refused ? WJ_ERR_UNSUPPORTED : WJ_ERR_NONE);
        wj_module_free(module);
        module = load(types, ALL_FEATURES & ~info->feature, b->bytes, b->size, &err);
        if (info->feature != WJ_FEATURE_MVP) {
            assert_int_equal(err.kind, WJ_ERR_INVALID);
            assert_non_null(strstr(err.message, wj_feature_name(info->feature)));
        }
        wj_module_free(module);
    }
    wj_types_free(types);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
