// Canonical types: equal groups get equal ids, unequal ones do not; subtyping; use by many threads.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wasm/types.h"

#define SELF(position, nullable) WJ_TYPE_CONCRETE_REF(WJ_TYPE_GROUP_BIT | (position), nullable)

static struct wj_type_draft struct_draft(const struct wj_field *field, bool is_final)
{
    return (struct wj_type_draft){
        .composite = WJ_COMPOSITE_STRUCT,
        .is_final = is_final,
        .supertype_id = WJ_TYPE_ID_NONE,
        .field_count = 1,
        .fields = field,
    };
}

static uint32_t intern(struct wj_types *types, const struct wj_type_draft *drafts, uint32_t count)
{
    uint32_t ids[4];
    struct wj_err err;
    wj_err_clear(&err);
    assert_true(wj_types_intern_group(types, drafts, count, ids, &err));
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(ids[i], ids[0] + i);
        assert_int_equal(wj_types_get(types, ids[i])->id, ids[i]);
    }
    return ids[0];
}

static uint32_t intern_func(struct wj_types *types, wj_valtype param, wj_valtype result)
{
    wj_valtype valtypes[2] = {param, result};
    struct wj_functype func = {1, 1, valtypes};
    uint32_t id;
    struct wj_err err;
    wj_err_clear(&err);
    assert_true(wj_types_intern_func(types, &func, &id, &err));
    return id;
}

static void test_functions(void **state)
{
    (void) state;
    struct wj_types *types = wj_types_new();
    uint32_t a = intern_func(types, WJ_TYPE_I32, WJ_TYPE_I64);
    uint32_t b = intern_func(types, WJ_TYPE_I64, WJ_TYPE_I32);
    assert_int_not_equal(a, b);
    assert_int_equal(a, intern_func(types, WJ_TYPE_I32, WJ_TYPE_I64));
    const struct wj_type *type = wj_types_get(types, a);
    assert_true(type->is_final);
    assert_int_equal(type->func.types[0], WJ_TYPE_I32);
    assert_int_equal(type->func.types[1], WJ_TYPE_I64);
    wj_types_free(types);
}

static void test_recursion(void **state)
{
    (void) state;
    struct wj_types *types = wj_types_new();
    struct wj_field self = {SELF(0, true), false};
    struct wj_type_draft alone = struct_draft(&self, true);
    uint32_t list = intern(types, &alone, 1);
    assert_int_equal(list, intern(types, &alone, 1));
    assert_int_equal(wj_types_get(types, list)->fields[0].type, WJ_TYPE_CONCRETE_REF(list, true));

    // The same type unrolled once is another type.
    struct wj_field unrolled = {WJ_TYPE_CONCRETE_REF(list, true), false};
    struct wj_type_draft outer = struct_draft(&unrolled, true);
    assert_int_not_equal(list, intern(types, &outer, 1));

    // A group of two is not the group of one, though its first member looks the same.
    struct wj_field number = {WJ_TYPE_I32, true};
    struct wj_type_draft pair[2] = {alone, struct_draft(&number, true)};
    uint32_t first = intern(types, pair, 2);
    assert_int_not_equal(first, list);
    assert_int_equal(first, intern(types, pair, 2));

    // Order and mutability count.
    struct wj_type_draft swapped[2] = {pair[1], pair[0]};
    assert_int_not_equal(first, intern(types, swapped, 2));
    number.is_mutable = false;
    assert_int_not_equal(first, intern(types, pair, 2));
    wj_types_free(types);
}

static void test_subtypes(void **state)
{
    (void) state;
    struct wj_types *types = wj_types_new();
    struct wj_field field = {WJ_TYPE_I32, false};
    struct wj_type_draft draft = struct_draft(&field, false);
    uint32_t chain[64];
    for (unsigned i = 0; i < 64; i++) {
        chain[i] = intern(types, &draft, 1);
        assert_int_equal(wj_types_get(types, chain[i])->depth, i);
        assert_true(wj_types_matches_supertype(types, chain[i]));
        draft.supertype_id = chain[i];
    }
    for (unsigned i = 0; i < 64; i++) {
        for (unsigned j = 0; j < 64; j++) {
            assert_int_equal(wj_types_is_subtype_id(types, chain[i], chain[j]), i >= j);
        }
    }
    uint32_t id;
    struct wj_err err;
    wj_err_clear(&err);
    assert_false(wj_types_intern_group(types, &draft, 1, &id, &err));
    assert_int_equal(err.kind, WJ_ERR_LIMIT);

    struct wj_field other = {WJ_TYPE_I64, false};
    draft = struct_draft(&other, false);
    draft.supertype_id = chain[0];
    assert_false(wj_types_matches_supertype(types, intern(types, &draft, 1)));
    wj_types_free(types);
}

static void test_references(void **state)
{
    (void) state;
    struct wj_types *types = wj_types_new();
    uint32_t func = intern_func(types, WJ_TYPE_I32, WJ_TYPE_I32);
    wj_valtype some = WJ_TYPE_CONCRETE_REF(func, false);
    wj_valtype maybe = WJ_TYPE_CONCRETE_REF(func, true);
    wj_valtype nofunc = WJ_TYPE_ABSTRACT_REF(WJ_HEAP_NOFUNC, true);
    assert_true(wj_types_is_subtype(types, some, maybe));
    assert_false(wj_types_is_subtype(types, maybe, some));
    assert_true(wj_types_is_subtype(types, maybe, WJ_TYPE_FUNCREF));
    assert_false(wj_types_is_subtype(types, maybe, WJ_TYPE_EXTERNREF));
    assert_false(wj_types_is_subtype(types, WJ_TYPE_FUNCREF, maybe));
    assert_true(wj_types_is_subtype(types, nofunc, maybe));
    assert_false(wj_types_is_subtype(types, nofunc, some));
    assert_true(wj_types_is_subtype(types, WJ_TYPE_BOTTOM, WJ_TYPE_I32));
    assert_false(wj_types_is_subtype(types, WJ_TYPE_I32, WJ_TYPE_I64));
    assert_true(wj_types_is_subtype(types, WJ_TYPE_ABSTRACT_REF(WJ_HEAP_I31, false),
                                    WJ_TYPE_ABSTRACT_REF(WJ_HEAP_ANY, true)));
    assert_false(
        wj_types_is_subtype(types, WJ_TYPE_FUNCREF, WJ_TYPE_ABSTRACT_REF(WJ_HEAP_ANY, true)));
    wj_types_free(types);
}

static void test_print(void **state)
{
    char text[32];
    (void) state;
    assert_string_equal(wj_valtype_print(WJ_TYPE_V128, text, sizeof text), "v128");
    assert_string_equal(wj_valtype_print(WJ_TYPE_FUNCREF, text, sizeof text), "funcref");
    assert_string_equal(wj_valtype_print(WJ_TYPE_CONCRETE_REF(7, true), text, sizeof text),
                        "(ref null 7)");
    assert_string_equal(
        wj_valtype_print(WJ_TYPE_ABSTRACT_REF(WJ_HEAP_EXTERN, false), text, sizeof text),
        "(ref extern)");
    assert_string_equal(
        wj_valtype_print(WJ_TYPE_ABSTRACT_REF(WJ_HEAP_NOFUNC, true), text, sizeof text),
        "nullfuncref");
}

enum { THREADS = 4, TYPES_PER_THREAD = 20000 };

struct worker {
    struct wj_types *types;
    uint32_t ids[TYPES_PER_THREAD];
    bool is_good;
};

// Types of up to 15 parameters, spelled by the bits of i.
static void *intern_many(void *context)
{
    struct worker *worker = context;
    worker->is_good = true;
    for (uint32_t i = 0; i < TYPES_PER_THREAD; i++) {
        wj_valtype params[15];
        for (unsigned bit = 0; bit < 15; bit++) {
            params[bit] = i >> bit & 1 ? WJ_TYPE_I64 : WJ_TYPE_I32;
        }
        struct wj_functype func = {15, 0, params};
        struct wj_err err;
        wj_err_clear(&err);
        worker->is_good &= wj_types_intern_func(worker->types, &func, &worker->ids[i], &err);
        worker->is_good &= wj_types_get(worker->types, worker->ids[i])->func.types[0] == params[0];
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void) state;
    static struct worker workers[THREADS];
    pthread_t threads[THREADS];
    struct wj_types *types = wj_types_new();
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].types = types;
        assert_int_equal(pthread_create(&threads[i], NULL, intern_many, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(workers[i].is_good);
        assert_memory_equal(workers[i].ids, workers[0].ids, sizeof workers[i].ids);
    }
    wj_types_free(types);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions), cmocka_unit_test(test_recursion),
        cmocka_unit_test(test_subtypes),  cmocka_unit_test(test_references),
        cmocka_unit_test(test_print),     cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
