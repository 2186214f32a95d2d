// What an interruption sees, whichever instruction it hits: no caller is missing in prologues and
// epilogues, of small frames and large ones, nor on the way from a function into its tail call.
#include "runtime/api/internal.h"
#include "runtime/vm/signals.h"
#include "runtime/vm/trap.h"
#include "tests/unit/runtime/embed.h"
#include "tests/unit/runtime/step.h"

enum { MANY = 20, MODULE_BYTES_MAX = 1 << 17 };

// In the order of the module. LEAF is called first, and so compiled before KNOWN; LAST is not when
// UNKNOWN is. Compiled all at once, UNKNOWN and FORWARD reach it by a jump, and so does MORE its
// own.
enum {
    LEAF,
    LARGE,      // a frame of 5 KiB
    LARGE_TAIL, // the same, with a tail call
    HUGE,       // of 40 KiB
    HUGE_TAIL,
    KNOWN,    // a tail call of a compiled function,
    UNKNOWN,  // of one that is not,
    FORWARD,  // a call of one that is not
    INDIRECT, // a tail call through a table,
    MORE,     // with more arguments than it has itself
    MANY_ARGS,
    TO_MANY, // calls MORE's target with its arguments on the stack
    RUN,     // calls them all
    LAST,
    COUNT,
};

struct bytes {
    uint8_t data[MODULE_BYTES_MAX];
    size_t count;
};

#define PUT(bytes, ...) put(bytes, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static void put(struct bytes *b, const uint8_t *from, size_t count)
{
    assert_true(count <= sizeof b->data - b->count);
    memcpy(b->data + b->count, from, count);
    b->count += count;
}

// A size that is known at size_end, in five bytes.
static size_t size_begin(struct bytes *b)
{
    PUT(b, 0x80, 0x80, 0x80, 0x80, 0x00);
    return b->count;
}

static void size_end(struct bytes *b, size_t start)
{
    size_t size = b->count - start;
    for (unsigned i = 0; i < 4; i++) {
        b->data[start - 5 + i] = (uint8_t) (0x80 | (size >> 7 * i & 0x7f));
    }
}

// A body that has so many entries on its operand stack, and then these instructions.
static void body(struct bytes *b, unsigned depth, const uint8_t *rest, size_t count)
{
    size_t start = size_begin(b);
    PUT(b, 0); // locals
    for (unsigned i = 0; i < depth; i++) {
        PUT(b, 0x41, 0); // i32.const
    }
    for (unsigned i = 0; i < depth; i++) {
        PUT(b, 0x1a); // drop
    }
    put(b, rest, count);
    PUT(b, 0x0b);
    size_end(b, start);
}

#define BODY(bytes, depth, ...) \
    body(bytes, depth, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

enum { GET = 0x20, CALL = 0x10, TAIL = 0x12, TAIL_INDIRECT = 0x13, CONST = 0x41, DROP = 0x1a };

// (param i32 × params) (result i32)
static void functype(struct bytes *b, uint8_t params)
{
    PUT(b, 0x60, params);
    for (unsigned i = 0; i < params; i++) {
        PUT(b, 0x7f);
    }
    PUT(b, 1, 0x7f);
}

static void many_args(struct bytes *b, uint8_t call)
{
    size_t start = size_begin(b);
    PUT(b, 0);
    for (uint8_t i = 0; i < MANY; i++) {
        PUT(b, CONST, i);
    }
    PUT(b, call, MANY_ARGS, 0x0b);
    size_end(b, start);
}

static void code(struct bytes *b)
{
    const unsigned large = 700, huge = 6000; // entries of 8 bytes
    PUT(b, 10);
    size_t section = size_begin(b);
    PUT(b, COUNT);
    BODY(b, 0, GET, 0);
    BODY(b, large, GET, 0);
    BODY(b, large, GET, 0, TAIL, LEAF);
    BODY(b, huge, GET, 0);
    BODY(b, huge, GET, 0, TAIL, LEAF);
    BODY(b, 0, GET, 0, TAIL, LEAF);
    BODY(b, 0, GET, 0, TAIL, LAST);
    BODY(b, 0, GET, 0, CALL, LAST);
    BODY(b, 0, GET, 0, CONST, 0, TAIL_INDIRECT, 0, 0);
    many_args(b, TAIL);
    BODY(b, 0, GET, MANY - 1);
    many_args(b, CALL);
    size_t start = size_begin(b);
    PUT(b, 0);
    for (uint8_t i = 0; i < COUNT; i++) {
        if (i != MANY_ARGS && i != RUN && i != LAST) {
            PUT(b, GET, 0, CALL, i, DROP);
        }
    }
    PUT(b, GET, 0, 0x0b);
    size_end(b, start);
    BODY(b, 0, GET, 0);
    size_end(b, section);
}

static void make_module(struct bytes *b)
{
    b->count = 0;
    PUT(b, 0, 'a', 's', 'm', 1, 0, 0, 0, 1);
    size_t section = size_begin(b);
    PUT(b, 2);
    functype(b, 1);
    functype(b, MANY);
    size_end(b, section);
    PUT(b, 3, COUNT + 1, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        PUT(b, i == MANY_ARGS);
    }
    PUT(b, 4, 4, 1, 0x70, 0, 1);                 // a table of one function
    PUT(b, 7, 7, 1, 3, 'r', 'u', 'n', 0, RUN);   // export
    PUT(b, 9, 7, 1, 0, CONST, 0, 0x0b, 1, LEAF); // its element
    code(b);
}

static struct {
    unsigned seen[COUNT]; // instructions
    unsigned jumps;
    unsigned wrong;
} found;

// RUN is called from outside, TO_MANY and the others by RUN, and MANY_ARGS and LAST by others, too.
static bool is_right(const struct wj_trap *trap, uint32_t func)
{
    const struct wj_trap_frame *frames = trap->frames;
    const uint32_t count = trap->frame_count;
    if (count == 0 || frames[0].func_index != func || frames[count - 1].func_index != RUN) {
        return false;
    }
    return count == (func == RUN ? 1 : 2) ||
           (func == MANY_ARGS && count == 3 && frames[1].func_index == TO_MANY) ||
           (func == LAST && count == 3 && frames[1].func_index == FORWARD);
}

// Of a jump: FORWARD calls by one; UNKNOWN and MORE go on by one, with no frame of their own.
static bool is_right_in_jump(const struct wj_trap *trap)
{
    const struct wj_trap_frame *frames = trap->frames;
    const uint32_t count = trap->frame_count;
    return (count == 1 || (count == 2 && frames[0].func_index == FORWARD)) &&
           frames[count - 1].func_index == RUN;
}

static void look(const struct wj_region *region, const ucontext_t *context)
{
    struct wj_activation *activation = wj_thread_self.activation;
    const uint64_t pc = wj_ucontext_pc(context);
    const struct wj_code_entry *entry = wj_region_find(region, pc);
    activation->trap_pc = pc;
    activation->trap_sp = wj_ucontext_sp(context);
    activation->trap_link = wj_ucontext_link(context);
    struct wj_trap *trap = wj_trap_new(WJ_TRAP_INTERRUPTED, NULL, 0);
    wj_trap_trace(trap, activation);
    activation->trap_pc = 0;
    if (entry == NULL) {
        found.jumps++;
        found.wrong += !is_right_in_jump(trap);
    } else {
        const uint32_t func = entry->info.func_index;
        found.seen[func]++;
        if (!is_right(trap, func)) {
            found.wrong++;
            print_message("function %u, byte %u: %u frames\n", func, (uint32_t) (pc - entry->start),
                          trap->frame_count);
        }
    }
    wj_trap_release(trap);
}

static void check_every_instruction(wjit_compile_mode_t mode)
{
    static struct bytes module;
    make_module(&module);
    struct embed e;
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_compile_mode(config, mode);
    embed_open(&e, config);
    memset(&found, 0, sizeof found);
    e.instance = embed_instance(e.store, module.data, module.count, NULL, 0);
    assert_int_equal(embed_value(e.instance, "run", 7), 7); // compiles
    wasm_extern_t *export = wjit_instance_export(e.instance, "run", 3);
    wjit_val_t argument = {.kind = WASM_I32, .of.i32 = 7}, result;
    step_begin(e.engine->engine, look);
    wasm_trap_t *trap = wjit_func_call(wasm_extern_as_func(export), &argument, 1, &result, 1);
    step_end();
    assert_null(trap);
    assert_int_equal(result.of.i32, 7);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_true(found.seen[i] >= 2);
    }
    assert_int_equal(found.wrong, 0);
    wasm_extern_delete(export);
    embed_close(&e);
}

static void test_lazily(void **state)
{
    (void) state;
    check_every_instruction(WJIT_COMPILE_LAZY);
    assert_int_equal(found.jumps, 0);
}

// Breakpoints are for functions alone.
static void test_eagerly(void **state)
{
    (void) state;
    check_every_instruction(WJIT_COMPILE_EAGER);
#if defined(__x86_64__)
    assert_int_equal(found.jumps, 3);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lazily),
                                       cmocka_unit_test(test_eagerly)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
