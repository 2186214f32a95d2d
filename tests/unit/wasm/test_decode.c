// The decoder: whole modules, their truncations, limits, names, exports, refusals with a reason.
#include <stdlib.h>

#include "builder.h"

// A bit of everything that needs no instruction of GC or exceptions.
static void build_rich(struct builder *b)
{
    begin_module(b);
    SECTION(b, 1, 3, 0x60, 0, 0, 0x4e, 2, 0x50, 0, 0x5f, 1, 0x63, 1, 1, 0x5e, 0x78, 0, 0x60, 2,
            0x7f, 0x7e, 1, 0x7b);
    SECTION(b, 2, 2, 1, 'm', 1, 'f', 0, 0, 1, 'm', 1, 'g', 3, 0x7f, 0);
    SECTION(b, 3, 2, 0, 3);
    SECTION(b, 4, 1, 0x70, 1, 1, 10);
    SECTION(b, 5, 1, 3, 1, 2);
    SECTION(b, 13, 1, 0, 0);
    SECTION(b, 6, 2, 0x7f, 1, 0x23, 0, 0x41, 1, 0x6a, 0x0b, 0x70, 0, 0xd2, 0, 0x0b);
    SECTION(b, 7, 3, 1, 'a', 0, 1, 1, 'b', 2, 0, 0, 0, 2);
    SECTION(b, 8, 1);
    SECTION(b, 9, 2, 0, 0x41, 0, 0x0b, 1, 0, 5, 0x70, 1, 0xd0, 0x70, 0x0b);
    SECTION(b, 12, 1);
    SECTION(b, 10, 2, 2, 0, 0x0b, 25, 1, 2, 0x7b, 0xfd, 12, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
            12, 13, 14, 15, 0x22, 2, 0x0f, 0x0b);
    SECTION(b, 11, 1, 0, 0x41, 0, 0x0b, 2, 'h', 'i');
    SECTION(b, 0, 4, 'n', 'a', 'm', 'e', 0, 3, 2, 'm', 'o', 1, 6, 1, 1, 3, 'f', 'o', 'o');
}

static void test_rich(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    struct wj_types *types = wj_types_new();
    struct wj_err err;
    build_rich(b);
    struct wj_module *m = load(types, ALL_FEATURES, b->bytes, b->size, &err);
    assert_string_equal(err.message, "");
    assert_non_null(m);
    assert_int_equal(m->type_count, 4);
    assert_int_equal(m->type_list[1]->composite, WJ_COMPOSITE_STRUCT);
    assert_int_equal(m->func_count, 3);
    assert_int_equal(m->func_import_count, 1);
    assert_true(m->memories[0].type.limits.is_shared);
    assert_int_equal(m->elems[0].funcs[0], 0);
    assert_int_equal(m->elems[1].mode, WJ_SEGMENT_PASSIVE);
    assert_int_equal(m->elems[1].count, 1);
    assert_non_null(m->elems[1].exprs);
    assert_memory_equal(m->datas[0].bytes, "hi", 2);
    assert_memory_equal(m->module_name.bytes, "mo", 2);
    assert_memory_equal(m->func_names[1].bytes, "foo", 3);
    assert_null(m->func_names[0].bytes);
    assert_int_equal(m->funcs[2].census.local_count, 4);
    assert_ptr_equal(wj_module_find_export(m, "b", 1), &m->exports[1]);
    assert_ptr_equal(wj_module_find_export(m, "", 0), &m->exports[2]);
    assert_null(wj_module_find_export(m, "c", 1));
    wj_module_free(m);
    wj_types_free(types);
    free(b);
}

// An outline is the same but for the bodies, which come when they are asked for.
static void test_outline(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    struct wj_types *types = wj_types_new();
    struct wj_module *whole, *outline;
    struct wj_err err;
    wj_err_clear(&err);
    build_rich(b);
    assert_true(wj_module_decode(types, ALL_FEATURES, b->bytes, b->size, &whole, &err));
    assert_true(
        wj_module_decode_outline(NULL, types, ALL_FEATURES, b->bytes, b->size, &outline, &err));
    assert_null(outline->funcs[2].code);
    assert_int_equal(outline->funcs[2].type_id, whole->funcs[2].type_id);
    assert_int_equal(outline->export_count, whole->export_count);
    assert_true(wj_module_find_bodies(outline, &err));
    assert_ptr_equal(outline->funcs[2].code, whole->funcs[2].code);
    assert_int_equal(outline->funcs[2].local_count, whole->funcs[2].local_count);
    assert_true(wj_module_validate(outline, &err));
    assert_int_equal(outline->funcs[2].census.local_count, 4);
    wj_module_free(outline);
    // A body that does not end where the section ends is found out when bodies are looked for.
    uint8_t *size = (uint8_t *) whole->funcs[whole->func_count - 1].code - 1;
    *size -= 1;
    assert_true(
        wj_module_decode_outline(NULL, types, ALL_FEATURES, b->bytes, b->size, &outline, &err));
    assert_false(wj_module_find_bodies(outline, &err));
    assert_int_equal(err.kind, WJ_ERR_MALFORMED);
    wj_module_free(outline);
    wj_module_free(whole);
    wj_types_free(types);
    free(b);
}

// Cut at any byte but those between sections, the module is malformed; bytes lie at the end of an
// allocation, so that a sanitizer sees reads past them.
static void test_truncation(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    struct wj_types *types = wj_types_new();
    build_rich(b);
    unsigned accepted = 0;
    for (size_t size = 0; size < b->size; size++) {
        uint8_t *bytes = malloc(size != 0 ? size : 1);
        struct wj_err err;
        memcpy(bytes, b->bytes, size);
        struct wj_module *m = load(types, ALL_FEATURES, bytes, size, &err);
        assert_true(m != NULL || err.kind == WJ_ERR_MALFORMED);
        assert_true(m != NULL || err.offset <= size);
        accepted += m != NULL;
        wj_module_free(m);
        free(bytes);
    }
    // Whole modules are the header, with types, with imports; then nothing until the announced code
    // and data have come: all but the name section.
    assert_int_equal(accepted, 4);
    wj_types_free(types);
    free(b);
}

// Any one byte changed: refused or not, never a crash.
static void test_mutation(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    build_rich(b);
    for (size_t at = 8; at < b->size; at++) {
        struct wj_types *types = wj_types_new();
        for (unsigned change = 1; change < 256; change += 6) {
            struct wj_err err;
            b->bytes[at] ^= (uint8_t) change;
            wj_module_free(load(types, ALL_FEATURES, b->bytes, b->size, &err));
            b->bytes[at] ^= (uint8_t) change;
        }
        wj_types_free(types);
    }
    free(b);
}

static enum wj_err_kind refusal(const uint8_t *bytes, size_t size, uint32_t features,
                                const char *word)
{
    struct wj_err err;
    struct wj_types *types = wj_types_new();
    struct wj_module *m = load(types, features, bytes, size, &err);
    if (m == NULL && strstr(err.message, word) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", word, err.message);
    }
    wj_module_free(m);
    wj_types_free(types);
    return err.kind;
}

static void test_component(void **state)
{
    static const uint8_t component[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0, 0};
    static const uint8_t text[] = "(module)";
    (void) state;
    assert_int_equal(refusal(component, sizeof component, ALL_FEATURES, "component"),
                     WJ_ERR_UNSUPPORTED);
    assert_int_equal(refusal(text, sizeof text, ALL_FEATURES, "magic"), WJ_ERR_MALFORMED);
}

static void test_bombs(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    // 50,000 locals load, one more does not, 2^32 and more are no module at all.
    FUNC_MODULE(b, 0, 0, 1, 0xd0, 0x86, 0x03, 0x7f, 0x0b);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, ""), WJ_ERR_NONE);
    FUNC_MODULE(b, 0, 0, 1, 0xd1, 0x86, 0x03, 0x7f, 0x0b);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, "locals"), WJ_ERR_LIMIT);
    FUNC_MODULE(b, 1, 0, 1, 0xd0, 0x86, 0x03, 0x7f, 0x0b); // a parameter is a local
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, "locals"), WJ_ERR_LIMIT);
    FUNC_MODULE(b, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 1, 0x7f, 0x0b);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, "too many locals"), WJ_ERR_MALFORMED);
    // 2^32 - 1 functions, and a br_table of 2^32 - 1 targets.
    begin_module(b);
    put_functype(b, 0, 0);
    SECTION(b, 3, 0xff, 0xff, 0xff, 0xff, 0x0f);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, "length out of bounds"),
                     WJ_ERR_MALFORMED);
    FUNC_MODULE(b, 0, 0, 0, 0x41, 0, 0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0x0b);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, "length out of bounds"),
                     WJ_ERR_MALFORMED);
    free(b);
}

// 4,000 functions of 50,000 locals are 200 million locals in a few bytes.
static void test_many_locals(void **state)
{
    (void) state;
    enum { FUNCS = 4000 };
    struct builder *b = malloc(sizeof *b);
    struct builder *section = malloc(sizeof *section);
    begin_module(b);
    put_functype(b, 0, 0);
    section->size = 0;
    put_u32(section, FUNCS);
    for (unsigned i = 0; i < FUNCS; i++) {
        put_byte(section, 0);
    }
    put_section(b, 3, section->bytes, section->size);
    section->size = 0;
    put_u32(section, FUNCS);
    for (unsigned i = 0; i < FUNCS; i++) {
        PUT(section, 6, 1, 0xd0, 0x86, 0x03, 0x7f, 0x0b);
    }
    put_section(b, 10, section->bytes, section->size);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, "all functions together"),
                     WJ_ERR_LIMIT);
    free(section);
    free(b);
}

static void test_names(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    struct wj_types *types = wj_types_new();
    struct wj_err err;
    // A name section with an absurd count does not matter.
    begin_module(b);
    SECTION(b, 0, 4, 'n', 'a', 'm', 'e', 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f);
    struct wj_module *m = load(types, ALL_FEATURES, b->bytes, b->size, &err);
    assert_non_null(m);
    assert_null(m->func_names);
    assert_int_equal(m->custom_count, 1);
    wj_module_free(m);
    // A custom section's own name must be UTF-8: a surrogate is not.
    begin_module(b);
    SECTION(b, 0, 3, 0xed, 0xa0, 0x80);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, "UTF-8"), WJ_ERR_MALFORMED);
    begin_module(b);
    SECTION(b, 0, 3, 0xed, 0x9f, 0xbf);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, ""), WJ_ERR_NONE);
    // NUL is a character like others, and names that differ behind it differ.
    begin_module(b);
    SECTION(b, 5, 1, 0, 1);
    SECTION(b, 7, 2, 2, 0, 'a', 2, 0, 2, 0, 'b', 2, 0);
    m = load(types, ALL_FEATURES, b->bytes, b->size, &err);
    assert_non_null(m);
    assert_ptr_equal(wj_module_find_export(m, "\0b", 2), &m->exports[1]);
    wj_module_free(m);
    begin_module(b);
    SECTION(b, 5, 1, 0, 1);
    SECTION(b, 7, 2, 1, 'a', 2, 0, 1, 'a', 2, 0);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, "duplicate"), WJ_ERR_INVALID);
    wj_types_free(types);
    free(b);
}

// A function with an `if` at offset 5 and a dead br_if at 11, and this section of hints.
static enum wj_err_kind hinted(const uint8_t *bytes, size_t count, uint32_t features,
                               const char *message)
{
    struct builder *b = malloc(sizeof *b), *section = malloc(sizeof *section);
    const char *name = "metadata.code.branch_hint";
    FUNC_MODULE(b, 1, 0, 1, 1, 0x7f, 0x20, 0, 0x04, 0x40, 0x0c, 0, 0x20, 0, 0x0d, 0, 0x0b, 0x0b);
    section->size = 0;
    put_u32(section, (uint32_t) strlen(name));
    put(section, (const uint8_t *) name, strlen(name));
    put(section, bytes, count);
    put_section(b, 0, section->bytes, section->size);
    enum wj_err_kind kind = refusal(b->bytes, b->size, features, message);
    free(b);
    free(section);
    return kind;
}

#define HINTED(features, message, ...)                                                       \
    hinted((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), features, \
           message)

static void test_hints(void **state)
{
    (void) state;
    const uint32_t off = ALL_FEATURES & ~WJ_FEATURE_BRANCH_HINTS;
    assert_int_equal(HINTED(ALL_FEATURES, "", 0), WJ_ERR_NONE);
    assert_int_equal(HINTED(ALL_FEATURES, "", 1, 0, 0), WJ_ERR_NONE);
    assert_int_equal(HINTED(ALL_FEATURES, "", 1, 0, 1, 5, 1, 0), WJ_ERR_NONE);
    assert_int_equal(HINTED(ALL_FEATURES, "", 1, 0, 2, 5, 1, 0, 11, 1, 1), WJ_ERR_NONE);
    for (uint8_t offset = 0; offset < 40; offset++) {
        bool is_branch = offset == 5 || offset == 11;
        assert_int_equal(
            HINTED(ALL_FEATURES, is_branch ? "" : "invalid target", 1, 0, 1, offset, 1, 0),
            is_branch ? WJ_ERR_NONE : WJ_ERR_INVALID);
        assert_int_equal(HINTED(off, "", 1, 0, 1, offset, 1, 0), WJ_ERR_NONE);
    }
    assert_int_equal(HINTED(ALL_FEATURES, "0 or 1", 1, 0, 1, 5, 1, 2), WJ_ERR_MALFORMED);
    assert_int_equal(HINTED(ALL_FEATURES, "0 or 1", 1, 0, 1, 5, 2, 0, 0), WJ_ERR_MALFORMED);
    assert_int_equal(HINTED(ALL_FEATURES, "order", 1, 0, 2, 11, 1, 0, 5, 1, 1), WJ_ERR_MALFORMED);
    assert_int_equal(HINTED(ALL_FEATURES, "order", 1, 0, 2, 5, 1, 0, 5, 1, 1), WJ_ERR_MALFORMED);
    assert_int_equal(HINTED(ALL_FEATURES, "order", 2, 0, 0, 0, 0), WJ_ERR_MALFORMED);
    assert_int_equal(HINTED(ALL_FEATURES, "no body", 1, 1, 1, 5, 1, 0), WJ_ERR_INVALID);
    assert_int_equal(HINTED(ALL_FEATURES, "left", 1, 0, 1, 5, 1, 0, 0), WJ_ERR_MALFORMED);
    assert_int_equal(HINTED(ALL_FEATURES, "", 1, 0, 1, 5, 1), WJ_ERR_MALFORMED);
    assert_int_equal(HINTED(ALL_FEATURES, "", 0xff, 0xff, 0xff, 0xff, 0x0f), WJ_ERR_MALFORMED);
    assert_int_equal(HINTED(off, "", 0xff, 0xff, 0xff, 0xff, 0x0f), WJ_ERR_NONE);
}

static void test_features(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    begin_module(b);
    SECTION(b, 5, 2, 0, 1, 0, 1);
    assert_int_equal(refusal(b->bytes, b->size, WJ_FEATURE_MVP, "multi-memory"), WJ_ERR_INVALID);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, ""), WJ_ERR_NONE);
    begin_module(b);
    SECTION(b, 5, 1, 4, 1);
    assert_int_equal(refusal(b->bytes, b->size, WJ_FEATURE_MVP, "memory64"), WJ_ERR_INVALID);
    begin_module(b);
    SECTION(b, 4, 1, 0x70, 0, 1);
    assert_int_equal(refusal(b->bytes, b->size, WJ_FEATURE_MVP, ""), WJ_ERR_NONE);
    begin_module(b);
    SECTION(b, 4, 2, 0x70, 0, 1, 0x70, 0, 1);
    assert_int_equal(refusal(b->bytes, b->size, WJ_FEATURE_MVP, "reference"), WJ_ERR_INVALID);
    begin_module(b);
    SECTION(b, 1, 1, 0x60, 1, 0x70, 0);
    assert_int_equal(refusal(b->bytes, b->size, WJ_FEATURE_MVP, "reference"), WJ_ERR_INVALID);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, ""), WJ_ERR_NONE);
    begin_module(b);
    SECTION(b, 1, 1, 0x5f, 0);
    assert_int_equal(refusal(b->bytes, b->size, WJ_FEATURE_MVP, "gc"), WJ_ERR_INVALID);
    begin_module(b);
    SECTION(b, 13, 0);
    assert_int_equal(refusal(b->bytes, b->size, WJ_FEATURE_MVP, "exceptions"), WJ_ERR_INVALID);
    // An instruction of GC is known, and refused by name.
    FUNC_MODULE(b, 0, 0, 0, 0x41, 0, 0xfb, 28, 0x1a, 0x0b);
    assert_int_equal(refusal(b->bytes, b->size, ALL_FEATURES, "ref.i31"), WJ_ERR_UNSUPPORTED);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rich),        cmocka_unit_test(test_outline),
        cmocka_unit_test(test_truncation),  cmocka_unit_test(test_mutation),
        cmocka_unit_test(test_component),   cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_many_locals), cmocka_unit_test(test_names),
        cmocka_unit_test(test_features),    cmocka_unit_test(test_hints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
