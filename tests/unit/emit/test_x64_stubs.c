// The x86-64 stubs between C and wasm code, with an activation and an instance of the test's own.
#include "x64_harness.h"

struct activation {
    uint64_t pad, host_sp, wasm_sp, wasm_pc;
    uint32_t trap;
};

struct instance {
    uint64_t pad[3];
    uint8_t *memory0;
    struct activation **slot;
    // What the test's own code and functions leave.
    uint64_t seen[16];
    uint64_t target;
};

struct world {
    struct wj_masm m;
    uint8_t *code;
    uint8_t *stack;
    struct activation activation, *current;
    struct instance instance;
    struct wj_stub_layout layout;
    uint64_t unwind, call_c, lazy, lazy_indirect, enter;
};

enum { CODE_BYTES = 1 << 16, STACK_BYTES = 1 << 16, OUTGOING = 32 };

static uint64_t here(const struct world *w)
{
    return w->m.buf.address + wj_codebuf_offset(&w->m.buf);
}

static bool is_on_host_stack(void)
{
    uint8_t local;
    uint8_t *frame = __builtin_frame_address(0);
    (void) local;
    // C code must find its stack aligned, or vector spills fault.
    return ((uintptr_t) frame & 15) == 0;
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static void clobber_avx512(void)
{
    if (has_avx512()) {
        __asm__ volatile("vpxord %xmm30, %xmm30, %xmm30; vpxord %xmm31, %xmm31, %xmm31");
    }
}

static uint64_t sum_in_c(struct instance *instance, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                         uint64_t e)
{
    assert_true(is_on_host_stack());
    // Everything that C may clobber, it does.
    __asm__ volatile("vpcmpeqd %%xmm8, %%xmm8, %%xmm8; vpcmpeqd %%xmm9, %%xmm9, %%xmm9;"
                     "vpcmpeqd %%xmm13, %%xmm13, %%xmm13; vpcmpeqd %%xmm0, %%xmm0, %%xmm0;"
                     "mov $77, %%r10; mov $78, %%r11; mov $79, %%rcx; mov $80, %%rdi" ::
                         : "xmm0", "xmm8", "xmm9", "xmm13", "r10", "r11", "rcx", "rdi", "memory");
    clobber_avx512();
    instance->seen[0]++;
    if (a == 666) {
        (*instance->slot)->trap = 9;
    }
    return a + 10 * b + 100 * c + 1000 * d + 10000 * e;
}

static uint64_t compile(struct instance *instance, uint64_t what)
{
    instance->seen[1] = what;
    if (what == 13) {
        (*instance->slot)->trap = 2;
    }
    __asm__ volatile("vpcmpeqd %%xmm0, %%xmm0, %%xmm0; vpcmpeqd %%xmm7, %%xmm7, %%xmm7;"
                     "vpcmpeqd %%xmm12, %%xmm12, %%xmm12; mov $1, %%esi; mov $2, %%edx" ::
                         : "xmm0", "xmm7", "xmm12", "rsi", "rdx");
    clobber_avx512();
    return instance->target;
}

static uint64_t address_of(uint64_t (*function)(struct instance *, uint64_t))
{
    uint64_t address;
    memcpy(&address, &function, sizeof address);
    return address;
}

static void world_begin(struct world *w, bool keeps_nans)
{
    memset(w, 0, sizeof *w);
    w->m.is_deterministic = w->m.features.has_avx512 = keeps_nans;
    wj_codebuf_init(&w->m.buf);
    w->code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    w->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(w->code != MAP_FAILED && w->stack != MAP_FAILED);
    w->current = &w->activation;
    w->instance.slot = &w->current;
    w->instance.memory0 = w->stack;
    w->layout = (struct wj_stub_layout){
        .activation_host_sp = offsetof(struct activation, host_sp),
        .activation_wasm_sp = offsetof(struct activation, wasm_sp),
        .activation_wasm_pc = offsetof(struct activation, wasm_pc),
        .activation_trap = offsetof(struct activation, trap),
        .instance_memory0_base = offsetof(struct instance, memory0),
        .instance_activation_slot = offsetof(struct instance, slot),
        .compile_direct = address_of(compile),
        .compile_indirect = address_of(compile),
    };
    struct wj_masm *m = &w->m;
    wj_codebuf_begin(&m->buf, w->code, CODE_BYTES, (uint64_t) (uintptr_t) w->code);
    w->layout.unwind_stub = w->unwind = here(w);
    masm_stub_unwind(m, &w->layout);
    w->call_c = here(w);
    masm_stub_call_c(m, &w->layout);
    w->lazy = here(w);
    masm_stub_lazy(m, false, &w->layout);
    w->lazy_indirect = here(w);
    masm_stub_lazy(m, true, &w->layout);
    // enter: one i64 argument in the first register, one result.
    w->enter = here(w);
    masm_enter_begin(m, OUTGOING, &w->layout);
    masm_load_slot(m, NUM_I64, RAX, (struct wj_slot){RSP, OUTGOING});
    masm_load_slot(m, NUM_I64, RDI, (struct wj_slot){RAX, 0});
    masm_call_slot(m, (struct wj_slot){RSP, OUTGOING + 8});
    masm_load_slot(m, NUM_I64, RDX, (struct wj_slot){RSP, OUTGOING});
    masm_store_slot(m, NUM_I64, RAX, (struct wj_slot){RDX, 0});
    masm_enter_end(m, OUTGOING, &w->layout);
}

static void world_init(struct world *w)
{
    world_begin(w, false);
}

static void world_ready(struct world *w)
{
    masm_finish(&w->m);
    assert_false(w->m.buf.overflow);
    mprotect(w->code, CODE_BYTES, PROT_READ | PROT_EXEC);
}

static int world_enter(struct world *w, uint64_t code, uint64_t *values)
{
    w->activation.wasm_sp = (uint64_t) (uintptr_t) (w->stack + STACK_BYTES);
    w->activation.trap = 0;
    int (*enter)(struct activation *, uint64_t, struct instance *, uint64_t *);
    memcpy(&enter, &w->enter, sizeof enter);
    return enter(&w->activation, code, &w->instance, values);
}

static void world_clear(struct world *w)
{
    munmap(w->code, CODE_BYTES);
    munmap(w->stack, STACK_BYTES);
    wj_codebuf_clear(&w->m.buf);
}

static void test_enter(void **unused)
{
    (void) unused;
    struct world w;
    world_init(&w);
    uint64_t function = here(&w);
    masm_prologue(&w.m, 24);
    // Clobber all that C wants to keep; give back the argument plus what memory 0 begins with.
    for (unsigned i = 0; i < MASM_GPR_CALLEE_COUNT; i++) {
        masm_mov_imm(&w.m, NUM_I64, MASM_GPR_CALLEE[i], i);
    }
    masm_load_slot(&w.m, NUM_I64, RAX, (struct wj_slot){MASM_MEMBASE, 0});
    masm_ibin(&w.m, IBIN_ADD, NUM_I64, RAX, RAX, RDI);
    masm_mov(&w.m, NUM_I64, RDX, RSP);
    masm_store_slot(&w.m, NUM_I64, RDX,
                    (struct wj_slot){MASM_INST, offsetof(struct instance, seen) + 16});
    masm_mov_imm(&w.m, NUM_I64, MASM_INST, 1);
    masm_mov_imm(&w.m, NUM_I64, MASM_MEMBASE, 1);
    masm_epilogue(&w.m, 24);
    masm_ret(&w.m);
    world_ready(&w);
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t values[1] = {i};
        memset(w.stack, 0x11, 8);
        assert_int_equal(world_enter(&w, function, values), 0);
        assert_int_equal(values[0], i + 0x1111111111111111);
        uint64_t sp = w.instance.seen[2];
        assert_int_equal(sp % 16, 0);
        assert_int_equal(sp + 24 + 8, (uint64_t) (uintptr_t) w.stack + STACK_BYTES - OUTGOING - 32);
    }
    world_clear(&w);
}

// A function that sets what wasm calls preserve, calls C, and tells what became of it.
static uint64_t emit_caller(struct world *w, uint64_t *return_address)
{
    struct wj_masm *m = &w->m;
    uint64_t (*function)(struct instance *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) =
        sum_in_c;
    uint64_t sum, start = here(w);
    memcpy(&sum, &function, sizeof sum);
    masm_prologue(m, 40);
    for (unsigned i = 0; i < MASM_GPR_CALLEE_COUNT; i++) {
        masm_mov_imm(m, NUM_I64, MASM_GPR_CALLEE[i], 5000 + i);
    }
    for (unsigned i = 0; i < MASM_VEC_CALLEE_COUNT; i++) {
        masm_vsplat(m, SHAPE_I8X16, MASM_VEC_CALLEE[i], RDI);
    }
    masm_mov(m, NUM_I64, RSI, RDI);
    masm_mov(m, NUM_I64, RDI, MASM_INST);
    for (unsigned i = 2; i < MASM_C_ARGS_COUNT; i++) {
        masm_mov_imm(m, NUM_I64, MASM_C_ARGS[i], i);
    }
    masm_mov_imm(m, NUM_I64, MASM_GPR_TARGET, sum);
    masm_call_addr(m, w->call_c);
    *return_address = here(w);
    for (unsigned i = 0; i < MASM_GPR_CALLEE_COUNT; i++) {
        masm_ibin(m, IBIN_ADD, NUM_I64, RAX, RAX, MASM_GPR_CALLEE[i]);
    }
    for (unsigned i = 0; i < MASM_VEC_CALLEE_COUNT; i++) {
        masm_vextract(m, SHAPE_I8X16, true, 15, RDX, MASM_VEC_CALLEE[i]);
        masm_ibin(m, IBIN_ADD, NUM_I64, RAX, RAX, RDX);
    }
    masm_epilogue(m, 40);
    masm_ret(m);
    return start;
}

static void test_call_c(void **unused)
{
    (void) unused;
    struct world w;
    world_init(&w);
    uint64_t return_address;
    uint64_t function = emit_caller(&w, &return_address);
    world_ready(&w);
    uint64_t values[1] = {3};
    assert_int_equal(world_enter(&w, function, values), 0);
    assert_int_equal(values[0], 3 + 20 + 300 + 4000 + 50000 + 4 * 5000 + 6 + 6 * 3);
    assert_int_equal(w.instance.seen[0], 1);
    assert_int_equal(w.activation.wasm_pc, return_address);
    uint64_t top = (uint64_t) (uintptr_t) w.stack + STACK_BYTES;
    assert_int_equal(w.activation.wasm_sp, top - OUTGOING - 32 - 8 - 40);
    // The C function traps: the enter function returns 1, with C's registers as they were.
    values[0] = 666;
    assert_int_equal(world_enter(&w, function, values), 1);
    assert_int_equal(w.activation.trap, 9);
    assert_int_equal(values[0], 666);
    values[0] = 3;
    assert_int_equal(world_enter(&w, function, values), 0);
    world_clear(&w);
}

// All argument registers through the lazy stub, to a callee that adds them up.
static void emit_lazy_caller(struct world *w, uint64_t stub)
{
    struct wj_masm *m = &w->m;
    masm_prologue(m, 24);
    masm_mov(m, NUM_I64, MASM_GPR_TARGET, RDI);
    for (unsigned i = 0; i < MASM_GPR_ARGS_COUNT; i++) {
        masm_mov_imm(m, NUM_I64, MASM_GPR_ARGS[i], 100 + i);
    }
    masm_mov_imm(m, NUM_I64, RBP, 7);
    for (unsigned i = 0; i < MASM_VEC_ARGS_COUNT; i++) {
        masm_vsplat(m, SHAPE_I16X8, MASM_VEC_ARGS[i], MASM_GPR_ARGS[i % 6]);
    }
    for (unsigned i = 0; i < MASM_VEC_CALLEE_COUNT; i++) {
        masm_vsplat(m, SHAPE_I16X8, MASM_VEC_CALLEE[i], RBP);
    }
    masm_call_addr(m, stub);
    masm_epilogue(m, 24);
    masm_ret(m);
}

static uint64_t emit_lazy_callee(struct world *w)
{
    struct wj_masm *m = &w->m;
    uint64_t start = here(w);
    masm_prologue(m, 24);
    masm_mov(m, NUM_I64, RAX, RBP);
    for (unsigned i = 0; i < MASM_GPR_ARGS_COUNT; i++) {
        masm_ibin(m, IBIN_ADD, NUM_I64, RAX, RAX, MASM_GPR_ARGS[i]);
    }
    for (unsigned i = 0; i < MASM_VEC_ARGS_COUNT; i++) {
        masm_vextract(m, SHAPE_I16X8, true, 7, RBP, MASM_VEC_ARGS[i]);
        masm_ibin(m, IBIN_ADD, NUM_I64, RAX, RAX, RBP);
    }
    for (unsigned i = 0; i < MASM_VEC_CALLEE_COUNT; i++) {
        masm_vextract(m, SHAPE_I16X8, true, 7, RBP, MASM_VEC_CALLEE[i]);
        masm_ibin(m, IBIN_ADD, NUM_I64, RAX, RAX, RBP);
    }
    masm_epilogue(m, 24);
    masm_ret(m);
    return start;
}

static void test_lazy(void **unused)
{
    (void) unused;
    for (unsigned is_indirect = 0; is_indirect < 2; is_indirect++) {
        struct world w;
        world_init(&w);
        uint64_t function = here(&w);
        emit_lazy_caller(&w, is_indirect ? w.lazy_indirect : w.lazy);
        w.instance.target = emit_lazy_callee(&w);
        world_ready(&w);
        uint64_t values[1] = {42};
        assert_int_equal(world_enter(&w, function, values), 0);
        assert_int_equal(w.instance.seen[1], 42);
        assert_int_equal(values[0], 7 + 615 + (615 + 100 + 101) + 6 * 7);
        values[0] = 13; // cannot be compiled
        assert_int_equal(world_enter(&w, function, values), 1);
        assert_int_equal(w.activation.trap, 2);
        world_clear(&w);
    }
}

// Stores the NaN of the argument's bits twice, as memory 0 has them then.
static void emit_canonical_stores(struct world *w, uint64_t offset)
{
    masm_store_canon(&w->m, NUM_F64, XMM8, (struct wj_addr){MASM_MEMBASE, WJ_REG_NONE, offset});
    masm_store_canon(&w->m, NUM_F32, XMM8, (struct wj_addr){MASM_MEMBASE, WJ_REG_NONE, offset + 8});
}

// Wasm code finds the canonical NaNs in their registers whenever C code ran, which uses them.
static void test_canonical_nans(void **unused)
{
    (void) unused;
    if (!has_avx512()) {
        skip();
    }
    clobber_avx512();
    struct world w;
    world_begin(&w, true);
    uint64_t (*c)(struct instance *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) = sum_in_c;
    uint64_t sum, function = here(&w);
    memcpy(&sum, &c, sizeof sum);
    masm_prologue(&w.m, 24);
    masm_cvt(&w.m, CVT_F64_REINTERPRET_I64, XMM8, RDI);
    emit_canonical_stores(&w, 0);
    masm_mov(&w.m, NUM_I64, RDI, MASM_INST);
    masm_mov_imm(&w.m, NUM_I64, MASM_GPR_TARGET, sum);
    masm_call_addr(&w.m, w.call_c);
    emit_canonical_stores(&w, 16);
    masm_mov_imm(&w.m, NUM_I64, MASM_GPR_TARGET, 42);
    masm_call_addr(&w.m, w.lazy);
    masm_epilogue(&w.m, 24);
    masm_ret(&w.m);
    w.instance.target = here(&w);
    masm_prologue(&w.m, 24);
    emit_canonical_stores(&w, 32);
    masm_epilogue(&w.m, 24);
    masm_ret(&w.m);
    world_ready(&w);
    uint64_t values[1] = {0xfff8000012345678 | 0xffc00000};
    assert_int_equal(world_enter(&w, function, values), 0);
    for (unsigned i = 0; i < 3; i++) {
        static const uint8_t nans[12] = {[6] = 0xf8, [7] = 0x7f, [10] = 0xc0, [11] = 0x7f};
        assert_memory_equal(w.stack + 16 * i, nans, sizeof nans);
    }
    world_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enter),
        cmocka_unit_test(test_call_c),
        cmocka_unit_test(test_lazy),
        cmocka_unit_test(test_canonical_nans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
