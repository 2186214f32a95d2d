// The walk: which operations a sink is given, with which flags, and what the census says.
#include <stdio.h>
#include <stdlib.h>

#include "builder.h"

#include "wasm/walk.h"

// Writes the operations into a string: names, and for else and end `^` when it is reached from
// above, `*` when a branch reaches it.
struct trace {
    char text[1024];
    size_t used;
};

static __attribute__((noinline)) bool trace_op(void *context, const struct wj_op *op)
{
    struct trace *trace = context;
    bool is_end = op->family == FAM_CONTROL && op->sub == CONTROL_END;
    bool is_else = op->family == FAM_CONTROL && op->sub == CONTROL_ELSE;
    assert_true(op->next > op->at);
    int n = snprintf(trace->text + trace->used, sizeof trace->text - trace->used, "%s%s%s%s",
                     trace->used == 0 ? "" : " ", wj_opcode_name(op->opcode),
                     (is_end || is_else) && op->is_live ? "^" : "",
                     is_end && op->is_branched ? "*" : "");
    trace->used += (size_t) n;
    return true;
}

static const struct wj_sink tracing = {NULL, trace_op, NULL};

static bool walk_checking(const struct wj_walk_request *request, struct trace *trace,
                          struct wj_err *err)
{
    return wj_walk_func_body(request, &tracing, trace, err, true);
}

static bool walk_trusting(const struct wj_walk_request *request, struct trace *trace,
                          struct wj_err *err)
{
    return wj_walk_func_body(request, &tracing, trace, err, false);
}

// Both forms must push the same.
static void expect(const struct builder *b, const char *expected)
{
    struct wj_types *types = wj_types_new();
    struct wj_err err;
    struct wj_module *m = load(types, ALL_FEATURES, b->bytes, b->size, &err);
    assert_string_equal(err.message, "");
    struct wj_walk_scratch scratch;
    struct wj_census census;
    wj_walk_scratch_init(&scratch);
    struct wj_walk_request request = {
        .module = m,
        .func_index = 0,
        .scratch = &scratch,
        .census = &census,
    };
    struct trace checked = {.used = 0};
    struct trace trusted = {.used = 0};
    assert_true(walk_checking(&request, &checked, &err));
    assert_true(walk_trusting(&request, &trusted, &err));
    assert_string_equal(checked.text, expected);
    assert_string_equal(trusted.text, expected);
    wj_walk_scratch_clear(&scratch);
    wj_module_free(m);
    wj_types_free(types);
}

static void test_liveness(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    // (block) falls through; nothing branches.
    FUNC_MODULE(b, 0, 0, 0, 0x02, 0x40, 0x01, 0x0b, 0x0b);
    expect(b, "block nop end^ end^");
    // Code behind br is dead; the block's end is reached by it.
    FUNC_MODULE(b, 0, 0, 0, 0x02, 0x40, 0x0c, 0, 0x01, 0x0b, 0x01, 0x0b);
    expect(b, "block br end* nop end^");
    // A whole dead block is not pushed, whatever is in it.
    FUNC_MODULE(b, 0, 0, 0, 0x00, 0x02, 0x40, 0x0c, 0, 0x0b, 0x01, 0x0b);
    expect(b, "unreachable end");
    // A block that is left only outwards: what follows it is dead, though it validates as live.
    FUNC_MODULE(b, 0, 1, 0, 0x02, 0x40, 0x41, 7, 0x0f, 0x0b, 0x41, 1, 0x0b);
    expect(b, "block i32.const return end end");
    // br to the body's own block counts as a branch, return does not.
    FUNC_MODULE(b, 0, 0, 0, 0x0c, 0, 0x0b);
    expect(b, "br end*");
    FUNC_MODULE(b, 0, 0, 0, 0x0f, 0x0b);
    expect(b, "return end");
    free(b);
}

static void test_if(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    // Without else the false edge arrives at the end, even when the arm does not.
    FUNC_MODULE(b, 1, 0, 0, 0x20, 0, 0x04, 0x40, 0x00, 0x0b, 0x0b);
    expect(b, "local.get if unreachable end* end^");
    // Both arms die: what follows is dead.
    FUNC_MODULE(b, 1, 0, 0, 0x20, 0, 0x04, 0x40, 0x00, 0x05, 0x00, 0x0b, 0x01, 0x0b);
    expect(b, "local.get if unreachable else unreachable end end");
    // The first arm alone falls through.
    FUNC_MODULE(b, 1, 0, 0, 0x20, 0, 0x04, 0x40, 0x01, 0x05, 0x00, 0x0b, 0x01, 0x0b);
    expect(b, "local.get if nop else^ unreachable end* nop end^");
    // The second arm alone does.
    FUNC_MODULE(b, 1, 0, 0, 0x20, 0, 0x04, 0x40, 0x00, 0x05, 0x01, 0x0b, 0x01, 0x0b);
    expect(b, "local.get if unreachable else nop end^ nop end^");
    // A dead if with a live-looking else: nothing of it.
    FUNC_MODULE(b, 0, 0, 0, 0x00, 0x41, 1, 0x04, 0x40, 0x01, 0x05, 0x01, 0x0b, 0x0b);
    expect(b, "unreachable end");
    free(b);
}

static void test_loop(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    // A branch to a loop is not one to its end.
    FUNC_MODULE(b, 0, 0, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x01, 0x0b);
    expect(b, "loop br end end");
    // The inner loop branches out of the outer block.
    FUNC_MODULE(b, 1, 0, 0, 0x02, 0x40, 0x03, 0x40, 0x20, 0, 0x0d, 1, 0x0c, 0, 0x0b, 0x01, 0x0b,
                0x01, 0x0b);
    expect(b, "block loop local.get br_if br end end* nop end^");
    // br_table reaches both labels and the default.
    FUNC_MODULE(b, 1, 0, 0, 0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x0e, 1, 0, 1, 0x0b, 0x01, 0x0b, 0x0b);
    expect(b, "block block local.get br_table end* nop end^* end^");
    // Immediates of all kinds in dead code are skipped.
    FUNC_MODULE(b, 0, 0, 0, 0x00, 0x41, 0x0b, 0x28, 2, 0x0b, 0x1a, 0x44, 0x0b, 0x0b, 0x0b, 0x0b,
                0x0b, 0x0b, 0x0b, 0x0b, 0x1a, 0xfd, 0x0c, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x1a, 0x0b);
    expect(b, "unreachable end");
    free(b);
}

// Locals that need no zero: first set, outside of all blocks, where code is live.
static void test_census_set_first(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    struct wj_types *types = wj_types_new();
    struct wj_err err;
    // 0: set, then read. 1: read for its own new value. 2: set in a block. 3: set in dead code,
    // then never. 4: teed after a block that may have been left early.
    FUNC_MODULE(b, 0, 0, 1, 5, 0x7f, 0x41, 1, 0x21, 0, 0x20, 0, 0x20, 1, 0x6a, 0x21, 1, 0x02, 0x40,
                0x20, 0, 0x0d, 0, 0x41, 2, 0x21, 2, 0x0b, 0x20, 2, 0x22, 4, 0x1a, 0x0f, 0x41, 3,
                0x21, 3, 0x0b);
    struct wj_module *m = load(types, ALL_FEATURES, b->bytes, b->size, &err);
    assert_string_equal(err.message, "");
    static const bool expected[] = {true, false, false, false, true};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(m->funcs[0].census.locals[i].is_set_first, expected[i]);
    }
    wj_module_free(m);
    wj_types_free(types);
    free(b);
}

static void test_census(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    struct wj_types *types = wj_types_new();
    struct wj_err err;
    // local 0 read at depth 0 and, 8 times as heavy, in loop 0; local 1 written in loops 0 and 1.
    FUNC_MODULE(b, 1, 0, 1, 1, 0x7f, 0x20, 0, 0x1a, 0x03, 0x40, 0x20, 0, 0x1a, 0x03, 0x40, 0x41, 1,
                0x41, 2, 0x6a, 0x21, 1, 0x0b, 0x0b, 0x0f, 0x20, 0, 0x1a, // dead: not counted
                0x0b);
    struct wj_module *m = load(types, ALL_FEATURES, b->bytes, b->size, &err);
    assert_string_equal(err.message, "");
    const struct wj_census *census = &m->funcs[0].census;
    assert_int_equal(census->local_count, 2);
    assert_int_equal(census->loop_count, 2);
    assert_int_equal(census->label_depth_max, 3);
    assert_int_equal(census->stack_slots_max, 2);
    assert_int_equal(census->locals[0].weight, 9);
    assert_false(census->locals[0].is_set_first);
    assert_int_equal(census->locals[1].weight, 64);
    assert_false(census->locals[1].is_set_first); // in a loop
    assert_true(census->is_leaf);
    assert_false(census->uses_memory);
    wj_module_free(m);
    FUNC_MODULE(b, 2, 1, 0, 0x20, 0, 0x20, 1, 0x10, 0, 0x28, 2, 0, 0x0b);
    m = load(types, ALL_FEATURES, b->bytes, b->size, &err);
    assert_string_equal(err.message, "");
    census = &m->funcs[0].census;
    assert_int_equal(census->call_params_max, 2);
    assert_int_equal(census->call_results_max, 1);
    assert_int_equal(census->call_weight, 1);
    assert_int_equal(census->loop_callees[0], 0);
    assert_false(census->is_leaf);
    assert_true(census->uses_memory);
    wj_module_free(m);
    FUNC_MODULE(b, 0, 0, 0, 0x03, 0x40, 0x10, 0, 0x10, 0, 0x0b, 0x0b);
    m = load(types, ALL_FEATURES, b->bytes, b->size, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(m->funcs[0].census.loop_callees[0], 0 + 1);
    assert_int_equal(m->funcs[0].census.loop_callees[1], 0);
    wj_module_free(m);
    wj_types_free(types);
    free(b);
}

static void refuse(const struct builder *b, enum wj_err_kind kind, const char *message)
{
    struct wj_types *types = wj_types_new();
    struct wj_err err;
    struct wj_module *m = load(types, ALL_FEATURES, b->bytes, b->size, &err);
    assert_null(m);
    assert_int_equal(err.kind, kind);
    assert_string_equal(err.message, message);
    wj_types_free(types);
}

static void test_errors(void **state)
{
    (void) state;
    struct builder *b = malloc(sizeof *b);
    FUNC_MODULE(b, 0, 1, 0, 0x42, 1, 0x0b);
    refuse(b, WJ_ERR_INVALID, "type mismatch: end expects i32, has i64");
    FUNC_MODULE(b, 0, 1, 0, 0x41, 1, 0x6a, 0x0b);
    refuse(b, WJ_ERR_INVALID, "type mismatch: i32.add expects i32, the stack is empty");
    // Operands below a block are out of reach.
    FUNC_MODULE(b, 0, 0, 0, 0x41, 1, 0x02, 0x40, 0x1a, 0x0b, 0x1a, 0x0b);
    refuse(b, WJ_ERR_INVALID, "type mismatch: drop expects a value, the stack is empty");
    FUNC_MODULE(b, 0, 0, 0, 0x0c, 1, 0x0b);
    refuse(b, WJ_ERR_INVALID, "unknown label 1");
    FUNC_MODULE(b, 0, 0, 0, 0x41, 0, 0x28, 3, 0, 0x1a, 0x0b);
    refuse(b, WJ_ERR_INVALID, "i32.load: alignment must not be larger than natural, 2^3 > 2^2");
    // The last byte must be an `end` of its own, not part of an immediate.
    FUNC_MODULE(b, 0, 0, 0, 0x41, 0x0b);
    refuse(b, WJ_ERR_MALFORMED, "unexpected end of function body: END opcode expected");
    FUNC_MODULE(b, 0, 0, 0, 0x0b, 0x0b);
    refuse(b, WJ_ERR_MALFORMED, "function body has bytes after its final end");
    // A prefix and its code at the very end.
    FUNC_MODULE(b, 0, 0, 0, 0xfd, 0x0b);
    refuse(b, WJ_ERR_MALFORMED, "unexpected end of function body: END opcode expected");
    // A prefix is no way to another opcode: 0xfc 0x20000 is not 0xfe 0.
    FUNC_MODULE(b, 0, 0, 0, 0xfc, 0x80, 0x80, 0x08, 0x0b);
    refuse(b, WJ_ERR_MALFORMED, "illegal opcode 0xfc 0x20000");
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_liveness),
        cmocka_unit_test(test_if),
        cmocka_unit_test(test_loop),
        cmocka_unit_test(test_census),
        cmocka_unit_test(test_census_set_first),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
