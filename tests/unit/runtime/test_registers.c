// What the C convention keeps over a call is kept when C calls into wasm: the registers and the
// control of floats, whether the call returns, traps, faults or is stopped. Wasm code rounds to
// nearest whatever C does.
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/runtime/embed.h"

// What is kept, and what the next function finds of it: `general` and `vectors` as the machine
// numbers them, the control words of floats behind them.
#ifdef __x86_64__
enum { GENERAL = 6, VECTORS = 0 };   // rbx, rbp, r12 to r15
#define CONTROL_MASK 0xffffffffffc0u // but the flags of exceptions, in the low bits of mxcsr
static const uint64_t CONTROL = 0x027fu * UINT64_C(0x100000000) + 0xffc0; // x87: 53 bits; mxcsr
#else
enum { GENERAL = 10, VECTORS = 8 };                                    // x19 to x28, d8 to d15
#define CONTROL_MASK UINT64_MAX
static const uint64_t CONTROL = UINT64_C(3) << 22 | UINT64_C(1) << 24; // towards zero, flushing
#endif

struct registers {
    uint64_t general[10];
    uint64_t vectors[8];
    uint64_t control;
};

// registers_call(function, argument, before, after): calls with the registers of `before`, keeps in
// `after` what is left of them.
void registers_call(void (*function)(void *), void *argument, const struct registers *before,
                    struct registers *after);

#ifdef __x86_64__
__asm__(".text\n"
        ".globl registers_call\n"
        ".type registers_call, @function\n"
        "registers_call:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rcx\n"
        "sub $16, %rsp\n"
        "stmxcsr (%rsp); fnstcw 8(%rsp)\n"
        "ldmxcsr 144(%rdx); fldcw 148(%rdx)\n"
        "mov %rdi, %rax; mov %rsi, %rdi\n"
        "mov (%rdx), %rbx; mov 8(%rdx), %rbp; mov 16(%rdx), %r12; mov 24(%rdx), %r13\n"
        "mov 32(%rdx), %r14; mov 40(%rdx), %r15\n"
        "call *%rax\n"
        "mov 16(%rsp), %rcx\n"
        "mov %rbx, (%rcx); mov %rbp, 8(%rcx); mov %r12, 16(%rcx); mov %r13, 24(%rcx)\n"
        "mov %r14, 32(%rcx); mov %r15, 40(%rcx)\n"
        "stmxcsr 144(%rcx); movl $0, 148(%rcx); fnstcw 148(%rcx)\n"
        "ldmxcsr (%rsp); fldcw 8(%rsp)\n"
        "add $24, %rsp\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "ret\n"
        ".size registers_call, . - registers_call\n");
#else
__asm__(".text\n"
        ".globl registers_call\n"
        ".type registers_call, %function\n"
        "registers_call:\n"
        "stp x29, x30, [sp, #-192]!\n"
        "mov x29, sp\n"
        "stp x19, x20, [sp, #16]; stp x21, x22, [sp, #32]; stp x23, x24, [sp, #48]\n"
        "stp x25, x26, [sp, #64]; stp x27, x28, [sp, #80]\n"
        "stp d8, d9, [sp, #96]; stp d10, d11, [sp, #112]\n"
        "stp d12, d13, [sp, #128]; stp d14, d15, [sp, #144]\n"
        "mrs x9, fpcr; stp x3, x9, [sp, #160]\n"
        "ldr x9, [x2, #144]; msr fpcr, x9\n"
        "mov x9, x0; mov x0, x1\n"
        "ldp x19, x20, [x2]; ldp x21, x22, [x2, #16]; ldp x23, x24, [x2, #32]\n"
        "ldp x25, x26, [x2, #48]; ldp x27, x28, [x2, #64]\n"
        "ldp d8, d9, [x2, #80]; ldp d10, d11, [x2, #96]\n"
        "ldp d12, d13, [x2, #112]; ldp d14, d15, [x2, #128]\n"
        "blr x9\n"
        "ldp x3, x10, [sp, #160]\n"
        "mrs x9, fpcr; str x9, [x3, #144]; msr fpcr, x10\n"
        "stp x19, x20, [x3]; stp x21, x22, [x3, #16]; stp x23, x24, [x3, #32]\n"
        "stp x25, x26, [x3, #48]; stp x27, x28, [x3, #64]\n"
        "stp d8, d9, [x3, #80]; stp d10, d11, [x3, #96]\n"
        "stp d12, d13, [x3, #112]; stp d14, d15, [x3, #128]\n"
        "ldp x19, x20, [sp, #16]; ldp x21, x22, [sp, #32]; ldp x23, x24, [sp, #48]\n"
        "ldp x25, x26, [sp, #64]; ldp x27, x28, [sp, #80]\n"
        "ldp d8, d9, [sp, #96]; ldp d10, d11, [sp, #112]\n"
        "ldp d12, d13, [sp, #128]; ldp d14, d15, [sp, #144]\n"
        "ldp x29, x30, [sp], #192\n"
        "ret\n"
        ".size registers_call, . - registers_call\n");
#endif
_Static_assert(offsetof(struct registers, vectors) == 80, "the code above");
_Static_assert(offsetof(struct registers, control) == 144, "the code above");

struct test_call {
    struct embed *embed;
    const char *name;
    int32_t argument;
    int32_t result;
    wasm_trap_t *trap;
};

static wasm_trap_t *host_function(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                                  wjit_val_t *results)
{
    (void) env;
    // Wasm code calls C with the stack that C wants.
    assert_int_equal((uintptr_t) __builtin_frame_address(0) % 16, 0);
    results[0].of.i32 = 0;
    if (args[0].of.i32 != 5) {
        return NULL;
    }
    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, "the host says no");
    wasm_trap_t *trap = wasm_trap_new(wjit_caller_store(caller), &message);
    wasm_byte_vec_delete(&message);
    return trap;
}

static void call_wasm(void *context)
{
    struct test_call *call = context;
    call->trap = embed_call(call->embed->instance, call->name, &call->argument, 1, &call->result);
}

// Calls with every kept register set, and expects to find them.
static void expect_kept(struct test_call *call)
{
    struct registers before = {.control = CONTROL}, after = {.control = 0};
    for (unsigned i = 0; i < GENERAL; i++) {
        before.general[i] = UINT64_C(0x1122334455667788) * (2 * i + 1);
    }
    for (unsigned i = 0; i != VECTORS; i++) {
        before.vectors[i] = UINT64_C(0x8877665544332211) * (2 * i + 1);
    }
    registers_call(call_wasm, call, &before, &after);
    for (unsigned i = 0; i < GENERAL; i++) {
        assert_int_equal(after.general[i], before.general[i]);
    }
    for (unsigned i = 0; i != VECTORS; i++) {
        assert_int_equal(after.vectors[i], before.vectors[i]);
    }
    assert_int_equal(after.control & CONTROL_MASK, before.control & CONTROL_MASK);
}

static int setup_of(void **state, bool is_deterministic)
{
    struct embed *e = calloc(1, sizeof *e);
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_deterministic(config, is_deterministic);
    embed_open(e, config);
    wasm_func_t *host = embed_host(e->store, host_function, NULL);
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    e->instance = embed_instance(e->store, guest_registers, sizeof guest_registers, imports, 1);
    wasm_func_delete(host);
    *state = e;
    return 0;
}

static int setup(void **state)
{
    return setup_of(state, false);
}

static int setup_deterministic(void **state)
{
    return setup_of(state, true);
}

static int teardown(void **state)
{
    embed_close(*state);
    free(*state);
    return 0;
}

// The first call compiles too.
static void test_returns(void **state)
{
    struct test_call call = {.embed = *state, .name = "run"};
    for (unsigned i = 0; i < 3; i++) {
        expect_kept(&call);
        assert_null(call.trap);
        assert_int_equal(call.result, 28 + 7 + 8 + 9 + 10 + 2 + 3 + 4 + 5);
    }
}

static void test_rounds(void **state)
{
    struct test_call call = {.embed = *state, .name = "rounds", .argument = 1};
    for (unsigned i = 0; i < 3; i++) {
        expect_kept(&call);
        assert_null(call.trap);
        assert_int_equal(call.result, 1);
    }
}

static void test_traps(void **state)
{
    static const struct {
        int32_t argument;
        wjit_trap_code_t code;
        const char *message;
    } traps[] = {
        {1, WJIT_TRAP_UNREACHABLE, "unreachable"},
        {2, WJIT_TRAP_MEMORY_OUT_OF_BOUNDS, "out of bounds memory access"},
        {3, WJIT_TRAP_INTEGER_DIVIDE_BY_ZERO, "integer divide by zero"},
        {4, WJIT_TRAP_HOST, "the host says no"},
        {6, WJIT_TRAP_CALL_STACK_EXHAUSTED, "call stack exhausted"},
    };
    for (unsigned i = 0; i < sizeof traps / sizeof traps[0]; i++) {
        struct test_call call = {.embed = *state, .name = "run", .argument = traps[i].argument};
        for (unsigned k = 0; k < 2; k++) {
            expect_kept(&call);
            embed_expect(call.trap, traps[i].code, traps[i].message);
        }
    }
}

static void *stop(void *context)
{
    usleep(5000);
    wjit_interrupt(context);
    return NULL;
}

static void test_interrupted(void **state)
{
    struct embed *e = *state;
    struct test_call call = {.embed = e, .name = "run", .argument = 5};
    for (unsigned i = 0; i < 3; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, stop, e->store), 0);
        expect_kept(&call);
        pthread_join(thread, NULL);
        embed_expect(call.trap, WJIT_TRAP_INTERRUPTED, "interrupted");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_returns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_traps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_returns, setup_deterministic, teardown),
        cmocka_unit_test_setup_teardown(test_rounds, setup_deterministic, teardown),
        cmocka_unit_test_setup_teardown(test_traps, setup_deterministic, teardown),
        cmocka_unit_test_setup_teardown(test_interrupted, setup_deterministic, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
