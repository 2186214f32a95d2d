// Validation walks plain operations by a way of its own: on random bodies, good and damaged, it
// must say and count what the ordinary handlers do, which a sink makes the checking walk take.
#include <stdlib.h>

#include "builder.h"

#include "wasm/walk.h"

enum { MODULES = 6000, STACK_MAX = 64, LABELS_MAX = 100, LOCALS_MAX = 800 };

struct gen {
    struct builder *out;
    uint64_t seed;
    uint32_t local_count;
    uint8_t locals[LOCALS_MAX];
    uint8_t stack[STACK_MAX];
    uint32_t height;
    uint32_t floors[LABELS_MAX];
    uint8_t results[LABELS_MAX]; // of each label's block; 0: none
    bool is_loop[LABELS_MAX];
    bool is_dead[LABELS_MAX];
    uint32_t depth;
    uint32_t damage; // one decision of so many is wrong; 0: none is
};

static uint32_t below(struct gen *g, uint32_t limit)
{
    g->seed ^= g->seed << 13;
    g->seed ^= g->seed >> 7;
    g->seed ^= g->seed << 17;
    return (uint32_t) (g->seed >> 32) % limit;
}

static bool is_wrong(struct gen *g)
{
    return g->damage != 0 && below(g, g->damage) == 0;
}

// An integer, sometimes with more bytes than it needs.
static void put_padded(struct gen *g, uint64_t value, bool is_signed, unsigned bytes_max)
{
    unsigned padding = below(g, 8) == 0 ? below(g, bytes_max + 1) : 0;
    for (unsigned count = 1;; count++) {
        uint64_t rest = is_signed ? (uint64_t) ((int64_t) value >> 7) : value >> 7;
        bool is_last = rest == (is_signed && (value & 0x40) ? UINT64_MAX : 0) && count >= padding;
        put_byte(g->out, (uint8_t) ((value & 0x7f) | (is_last ? 0 : 0x80)));
        if (is_last) {
            return;
        }
        value = rest;
    }
}

static uint64_t number(struct gen *g, unsigned bits)
{
    uint64_t value = (uint64_t) below(g, UINT32_MAX) << 32 | below(g, UINT32_MAX);
    return value >> (64 - 1 - below(g, bits));
}

static uint8_t top(const struct gen *g, uint32_t below_top)
{
    uint32_t floor = g->floors[g->depth];
    return g->height > floor + below_top ? g->stack[g->height - 1 - below_top] : 0;
}

// Dead code has whatever it needs.
static bool has(const struct gen *g, uint32_t below_top, uint8_t type)
{
    uint8_t found = top(g, below_top);
    return found == type || (found == 0 && g->is_dead[g->depth]);
}

static void push(struct gen *g, uint8_t type)
{
    if (type != 0 && g->height < STACK_MAX) {
        g->stack[g->height++] = type;
    }
}

static void pop(struct gen *g, uint32_t count)
{
    uint32_t floor = g->floors[g->depth];
    g->height = g->height >= floor + count ? g->height - count : floor;
}

static void put_local_op(struct gen *g)
{
    uint32_t index = below(g, g->local_count + is_wrong(g));
    uint8_t type = g->locals[index];
    uint8_t op = (uint8_t) (0x20 + below(g, 3));
    if (op != 0x20 && !has(g, 0, type) && !is_wrong(g)) {
        op = 0x20;
    }
    put_byte(g->out, op);
    put_padded(g, index, false, 5);
    pop(g, op == 0x20 ? 0 : 1);
    push(g, op == 0x21 ? 0 : type);
}

// A constant, arithmetic, a load or a store whose operands are there.
static void put_fixed_op(struct gen *g)
{
    uint8_t code = (uint8_t) (0x28 + below(g, 0xc5 - 0x28));
    if (code == 0x3f || code == 0x40) {
        code = (uint8_t) (0x41 + below(g, 4));
    }
    const struct wj_opcode_info *info = &wj_opcode_infos[wj_opcode_find(0, code)];
    uint32_t pops = wj_sig_count(info->pops);
    for (uint32_t i = 0; i < pops; i++) {
        uint8_t want = (uint8_t) wj_sig_at(info->pops, i);
        want = want == WJ_SIG_ADDR ? WJ_TYPE_I32 : want;
        if (!has(g, pops - 1 - i, want) && !is_wrong(g)) {
            return;
        }
    }
    put_byte(g->out, code);
    switch ((enum wj_imm) info->imm) {
    case WJ_IMM_MEMARG:
        put_byte(g->out, (uint8_t) below(g, info->width_log2 + 1u + is_wrong(g)));
        put_padded(g, number(g, g->damage != 0 ? 33 : 32), false, is_wrong(g) ? 11 : 10);
        break;
    case WJ_IMM_I32:
        put_padded(g, (uint64_t) (int64_t) (int32_t) number(g, 32), true, is_wrong(g) ? 6 : 5);
        break;
    case WJ_IMM_I64: put_padded(g, number(g, 64), true, is_wrong(g) ? 11 : 10); break;
    case WJ_IMM_F32:
    case WJ_IMM_F64:
        for (unsigned i = 0; i < (code == 0x43 ? 4 : 8); i++) {
            put_byte(g->out, (uint8_t) below(g, 256));
        }
        break;
    default: break;
    }
    pop(g, pops);
    push(g, (uint8_t) wj_sig_at(info->results, 0));
}

static void enter(struct gen *g, uint8_t result)
{
    g->floors[++g->depth] = g->height;
    g->results[g->depth] = result;
    g->is_dead[g->depth] = g->is_loop[g->depth] = false;
}

static void open_block(struct gen *g)
{
    if (g->depth + 1 == LABELS_MAX) {
        return;
    }
    uint8_t op = (uint8_t) (0x02 + below(g, 3));
    if (op == 0x04 && !has(g, 0, WJ_TYPE_I32)) {
        op = 0x03;
    }
    bool has_result = op != 0x04 && below(g, 4) == 0;
    pop(g, op == 0x04);
    put_byte(g->out, op);
    put_byte(g->out, has_result ? 0x7f : 0x40);
    enter(g, has_result ? WJ_TYPE_I32 : 0);
    g->is_loop[g->depth] = op == 0x03;
}

static void close_block(struct gen *g)
{
    uint32_t floor = g->floors[g->depth];
    uint8_t result = g->results[g->depth];
    while (g->height > floor) {
        put_byte(g->out, 0x1a);
        g->height--;
    }
    if (result != 0) {
        PUT(g->out, 0x41, 0x2a);
    }
    put_byte(g->out, 0x0b);
    g->depth -= g->depth != 0;
    push(g, result);
}

static void put_branch(struct gen *g)
{
    uint32_t label = below(g, g->depth + 1 + is_wrong(g));
    bool takes_value =
        label <= g->depth && g->results[g->depth - label] != 0 && !g->is_loop[g->depth - label];
    if (takes_value && !is_wrong(g)) {
        return;
    }
    if (below(g, 4) == 0) {
        put_byte(g->out, 0x0c);
        put_padded(g, label, false, 5);
        g->height = g->floors[g->depth];
        g->is_dead[g->depth] = true;
    } else if (has(g, 0, WJ_TYPE_I32) || is_wrong(g)) {
        put_byte(g->out, 0x0d);
        put_padded(g, label, false, 5);
        pop(g, 1);
    }
}

static void put_op(struct gen *g)
{
    switch (below(g, 16)) {
    case 0: open_block(g); break;
    case 1:
        if (g->depth != 0 || is_wrong(g)) {
            close_block(g);
        }
        break;
    case 2: put_branch(g); break;
    case 3:
        if (top(g, 0) != 0 || is_wrong(g)) {
            put_byte(g->out, 0x1a);
            pop(g, 1);
        }
        break;
    case 4:
    case 5:
    case 6:
    case 7: put_local_op(g); break;
    default: put_fixed_op(g); break;
    }
}

static void put_locals(struct gen *g)
{
    static const uint8_t types[] = {0x7f, 0x7e, 0x7d, 0x7c, 0x7b};
    uint32_t groups = 1 + below(g, 6);
    g->local_count = 2;
    g->locals[0] = g->locals[1] = WJ_TYPE_I32; // parameters
    put_u32(g->out, groups);
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t kind = below(g, 5);
        uint32_t count = below(g, 10) == 0 ? 1 + below(g, 120) : 1 + below(g, 4);
        put_u32(g->out, count);
        put_byte(g->out, types[kind]);
        for (; count > 0; count--) {
            g->locals[g->local_count++] = (uint8_t) (WJ_TYPE_I32 + kind);
        }
    }
    g->locals[g->local_count] = WJ_TYPE_I32;
}

static void put_random_body(struct gen *g)
{
    put_locals(g);
    g->height = g->depth = 0;
    g->floors[0] = 0;
    g->results[0] = 0;
    g->is_dead[0] = g->is_loop[0] = false;
    bool is_nested = below(g, 8) == 0; // weights grow with loops
    for (uint32_t left = below(g, 120); left > 0; left--) {
        put_op(g);
        if (is_nested && below(g, 2) == 0 && g->depth + 1 < LABELS_MAX) {
            bool is_loop = below(g, 2) == 0;
            PUT(g->out, (uint8_t) (is_loop ? 0x03 : 0x02), 0x40);
            enter(g, 0);
            g->is_loop[g->depth] = is_loop;
        }
    }
    while (g->depth > 0) {
        close_block(g);
    }
    close_block(g);
}

static void put_random_module(struct gen *g, struct builder *module)
{
    static struct builder body;
    body.size = 0;
    g->out = &body;
    put_random_body(g);
    if (g->damage != 0 && below(g, 2) == 0) {
        body.bytes[below(g, (uint32_t) body.size)] = (uint8_t) below(g, 256);
    }
    if (g->damage != 0 && below(g, 3) == 0) {
        body.size -= below(g, (uint32_t) body.size);
        body.bytes[body.size - 1] = 0x0b;
    }
    begin_module(module);
    put_functype(module, 2, 0);
    SECTION(module, 3, 1, 0);
    switch (below(g, 8)) {
    case 0: break;
    case 1: SECTION(module, 5, 1, 4, 1); break; // its addresses are i64
    default: SECTION(module, 5, 1, 0, 1); break;
    }
    put_body(module, body.bytes, body.size);
    if (below(g, 2) == 0) { // bytes behind the body, which are none of its operations
        SECTION(module, 0, 1, 'x', 0x20, 0, 0x20, 1, 0x6a, 0x21, 0, 0x20, 0, 0x21, 1, 0x01);
    }
}

static __attribute__((noinline)) bool ignore_op(void *context, const struct wj_op *op)
{
    (void) context;
    (void) op;
    return true;
}

static const struct wj_sink ignoring = {NULL, ignore_op, NULL};

static bool walk_ordinary(const struct wj_walk_request *request, struct wj_err *err)
{
    return wj_walk_func_body(request, &ignoring, NULL, err, true);
}

static void assert_same_census(const struct wj_census *a, const struct wj_census *b,
                               const struct wj_local_census *a_locals)
{
    assert_int_equal(a->local_count, b->local_count);
    assert_int_equal(a->stack_slots_max, b->stack_slots_max);
    assert_int_equal(a->label_depth_max, b->label_depth_max);
    assert_int_equal(a->loop_count, b->loop_count);
    assert_int_equal(a->call_weight, b->call_weight);
    assert_int_equal(a->loop_callees[0], b->loop_callees[0]);
    assert_int_equal(a->loop_callees[1], b->loop_callees[1]);
    assert_int_equal(a->is_leaf, b->is_leaf);
    assert_int_equal(a->uses_memory, b->uses_memory);
    assert_int_equal(a->uses_v128, b->uses_v128);
    for (uint32_t i = 0; i < a->local_count; i++) {
        assert_int_equal(a_locals[i].weight, b->locals[i].weight);
        assert_int_equal(a_locals[i].is_set_first, b->locals[i].is_set_first);
    }
}

// True when the function is valid.
static bool compare(struct wj_module *m, struct wj_walk_scratch *scratch)
{
    static struct wj_local_census locals[LOCALS_MAX];
    struct wj_err ordinary_err;
    struct wj_err err;
    struct wj_census ordinary;
    wj_err_clear(&ordinary_err);
    wj_err_clear(&err);
    struct wj_walk_request request = {
        .module = m, .func_index = 0, .scratch = scratch, .census = &ordinary};
    bool is_valid = walk_ordinary(&request, &ordinary_err);
    memcpy(locals, m->funcs[0].census_locals, m->funcs[0].local_count * sizeof *locals);
    assert_int_equal(wj_module_validate_funcs(m, 0, 1, &err), is_valid);
    assert_string_equal(err.message, ordinary_err.message);
    assert_int_equal(err.kind, ordinary_err.kind);
    assert_int_equal(err.offset, ordinary_err.offset);
    if (is_valid) {
        assert_same_census(&ordinary, &m->funcs[0].census, locals);
    }
    return is_valid;
}

static void compare_random(uint32_t damage, unsigned valid_min, unsigned valid_max)
{
    struct builder *b = malloc(sizeof *b);
    struct wj_types *types = wj_types_new();
    struct wj_walk_scratch scratch;
    wj_walk_scratch_init(&scratch);
    struct gen g = {.seed = 0x9e3779b97f4a7c15u + damage, .damage = damage};
    unsigned valid = 0;
    for (unsigned i = 0; i < MODULES; i++) {
        struct wj_module *m;
        struct wj_err err;
        wj_err_clear(&err);
        put_random_module(&g, b);
        if (wj_module_decode(types, ALL_FEATURES, b->bytes, b->size, &m, &err)) {
            valid += compare(m, &scratch);
            wj_module_free(m);
        }
    }
    assert_in_range(valid, valid_min, valid_max);
    wj_walk_scratch_clear(&scratch);
    wj_types_free(types);
    free(b);
}

static void test_good(void **state)
{
    (void) state;
    compare_random(0, MODULES / 2, MODULES);
}

static void test_damaged(void **state)
{
    (void) state;
    compare_random(200, MODULES / 20, MODULES - MODULES / 4);
}

// Labels move to larger buffers before they end. A plain branch goes to the first: what follows it
// is live, unlike what follows the second.
static void test_many_labels(void **state)
{
    (void) state;
    enum { BLOCKS = 200 };
    struct builder *b = malloc(sizeof *b);
    struct builder *body = malloc(sizeof *body);
    struct wj_types *types = wj_types_new();
    struct wj_err err;
    body->size = 0;
    PUT(body, 0, 0x02, 0x40, 0x20, 0, 0x0d, 0);
    for (unsigned i = 0; i < BLOCKS; i++) {
        PUT(body, 0x02, 0x40);
    }
    put_byte(body, 0x00);
    for (unsigned i = 0; i < BLOCKS; i++) {
        put_byte(body, 0x0b);
    }
    PUT(body, 0x20, 1, 0x1a, 0x0b, 0x20, 1, 0x1a, 0x0b);
    begin_module(b);
    put_functype(b, 2, 0);
    SECTION(b, 3, 1, 0);
    put_body(b, body->bytes, body->size);
    struct wj_module *m = load(types, ALL_FEATURES, b->bytes, b->size, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(m->funcs[0].census.locals[1].weight, 1);
    wj_module_free(m);
    wj_types_free(types);
    free(body);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_many_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
