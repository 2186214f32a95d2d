// Frames, calls, jump tables, the stubs, and code so long that branches need islands.
#ifndef TESTS_EMIT_A64_RUN_CALL_H
#define TESTS_EMIT_A64_RUN_CALL_H

#include "a64_harness.h"
#include "oracle.h"

// ---- Frames and calls ---------------------------------------------------------------------------

static void test_frames(void)
{
    static const uint32_t frames[] = {16,    32,    496,    512,    4096,   4112,   32752,  32768,
                                      32784, 65536, 100000, 163840, 163856, 262160, 1000000};
    for (unsigned i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        // f(p): fills its frame at both ends, calls g, which stores SP in *p and returns 5.
        uint32_t frame = frames[i];
        struct code_case c;
        struct wj_masm *m = raw_begin(&c, CASE_BYTES);
        wj_label callee = wj_codebuf_label(&m->buf);
        masm_jmp(m, callee);
        uint64_t g = m->buf.address + wj_codebuf_offset(&m->buf);
        masm_prologue(m, 32);
        masm_mov(m, NUM_I64, 9, MASM_SP);
        masm_store_slot(m, NUM_I64, 9, (struct wj_slot){0, 0});
        masm_mov_imm(m, NUM_I64, 8, 5);
        masm_epilogue(m, 32);
        masm_ret(m);
        masm_bind(m, callee);
        masm_prologue(m, frame);
        masm_mov(m, NUM_I64, 9, MASM_SP);
        masm_store_slot(m, NUM_I64, 9, (struct wj_slot){0, 8});
        masm_zero_slots(m, 0, frame - 8);
        if (i % 3 == 0) {
            masm_call_addr(m, g);
        } else {
            masm_mov_imm(m, NUM_I64, 9, g);
            masm_store_slot(m, NUM_I64, 9, (struct wj_slot){MASM_SP, 0});
            if (i % 3 == 1) {
                masm_call_slot(m, (struct wj_slot){MASM_SP, 0});
            } else {
                masm_call_reg(m, 9);
            }
        }
        masm_mov(m, NUM_I64, 0, 8);
        masm_epilogue(m, frame);
        masm_ret(m);
        raw_end(&c);
        uint64_t seen[2] = {0, 0};
        uint64_t result = ((uint64_t(*)(uint64_t *))(uintptr_t) c.memory)(seen);
        check(result == 5 && seen[1] - seen[0] == 32, "frames and calls");
        check(seen[1] % 16 == 0, "stack alignment");
        case_clear(&c);
    }
}

// Calls and jumps through a table of pointers and to addresses, near and far.
// Neighbouring slots are stored and loaded by one instruction, whichever comes first; `between`
// puts a label between the two.
static void test_pair(enum wj_num num, int32_t first, int32_t second, bool between, bool is_pair)
{
    struct code_case c;
    struct wj_masm *m = case_begin(&c);
    wj_reg base = num == NUM_I64 ? 0 : 32;
    uint32_t start = wj_codebuf_offset(&m->buf);
    for (unsigned is_load = 0; is_load < 2; is_load++) {
        for (unsigned i = 0; i < 2; i++) {
            struct wj_slot slot = {MASM_SP, i == 0 ? first : second};
            if (i == 1 && between) {
                masm_bind(m, wj_codebuf_label(&m->buf));
            }
            if (is_load) {
                masm_load_slot(m, num, (wj_reg) (base + 4 + i), slot);
            } else {
                masm_store_slot(m, num, (wj_reg) (base + 2 + i), slot);
            }
        }
        if (between) {
            masm_bind(m, wj_codebuf_label(&m->buf));
        }
    }
    check(wj_codebuf_offset(&m->buf) - start == (is_pair ? 8u : 16u), "pairs of slots");
    case_end(&c);
    struct io io;
    io_fill(&io);
    case_run(&c, &io);
    size_t bytes = num == NUM_V128 ? 16 : 8;
    for (unsigned i = 0; i < 2; i++) {
        const void *in = num == NUM_I64 ? (void *) &io.in.x[2 + i] : (void *) &io.in.v[2 + i];
        const void *out = num == NUM_I64 ? (void *) &io.out.x[4 + i] : (void *) &io.out.v[4 + i];
        check(memcmp(in, out, bytes) == 0, "values of pairs");
    }
    case_clear(&c);
}

static void test_pairs(void)
{
    const enum wj_num nums[] = {NUM_I64, NUM_F64, NUM_V128};
    for (unsigned i = 0; i < 3; i++) {
        int32_t size = nums[i] == NUM_V128 ? 16 : 8;
        test_pair(nums[i], size, 2 * size, false, true);
        test_pair(nums[i], 2 * size, size, false, true);
        test_pair(nums[i], size, 2 * size, true, false);
        test_pair(nums[i], 4 * size, 2 * size, false, false);
        test_pair(nums[i], 63 * size, 64 * size, false, true);
        test_pair(nums[i], 64 * size, 65 * size, false, false);
    }
    test_pair(NUM_I64, 8, 20, false, false);
}

static void test_far_calls(void)
{
    static const uint32_t gaps[] = {0, 64, 1 << 20, 3 << 20, 127 << 20, 130 << 20, 200 << 20};
    size_t size = (size_t) 256 << 20;
    for (unsigned i = 0; i < 4 * sizeof gaps / sizeof gaps[0]; i++) {
        uint8_t *region = mmap(NULL, size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        check(region != MAP_FAILED, "map");
        struct code_case c;
        struct wj_masm *m = &c.m;
        memset(&c, 0, sizeof c);
        wj_codebuf_init(&m->buf);
        uint8_t *target = region + ((i & 1) != 0 ? 131072 + gaps[i / 4] : 0);
        uint8_t *caller = region + ((i & 1) != 0 ? 65536 : 65536 + gaps[i / 4]);
        uint64_t *entry = (uint64_t *) (region + ((i & 1) != 0 ? 32768 : 40000));
        *entry = (uint64_t) (uintptr_t) target;
        wj_codebuf_begin(&m->buf, target, 16384, (uint64_t) (uintptr_t) target);
        masm_prologue(m, 16);
        masm_ibin_imm(m, IBIN_ADD, NUM_I64, 0, 0, 7);
        masm_epilogue(m, 16);
        masm_ret(m);
        masm_finish(m);
        wj_codebuf_begin(&m->buf, caller, 16384, (uint64_t) (uintptr_t) caller);
        masm_prologue(m, 16);
        masm_call_addr(m, (uint64_t) (uintptr_t) target);
        masm_call_table(m, (uint64_t) (uintptr_t) entry);
        masm_epilogue(m, 16);
        if ((i & 2) != 0) {
            masm_jmp_table(m, (uint64_t) (uintptr_t) entry);
        } else {
            masm_jmp_addr(m, (uint64_t) (uintptr_t) target);
        }
        masm_finish(m);
        check(!m->buf.overflow, "far calls fit");
        mprotect(region, size, PROT_READ | PROT_EXEC);
        __builtin___clear_cache((char *) target, (char *) target + 16384);
        __builtin___clear_cache((char *) caller, (char *) caller + 16384);
        uint64_t result = ((uint64_t(*)(uint64_t))(uintptr_t) caller)(100);
        check(result == 121, "far calls");
        wj_codebuf_clear(&m->buf);
        munmap(region, size);
    }
}

static void test_jump_table(uint32_t count)
{
    struct code_case c;
    struct wj_masm *m = raw_begin(&c, 65536 + (size_t) count * 64);
    wj_label *labels = calloc(count, sizeof *labels);
    wj_label done = wj_codebuf_label(&m->buf), start = wj_codebuf_label(&m->buf);
    masm_prologue(m, 16);
    masm_mov_imm(m, NUM_I64, 8, 0);
    for (uint32_t i = 0; i < count; i++) {
        labels[i] = i % 8 == 7 ? start : wj_codebuf_label(&m->buf);
    }
    wj_label dispatch = wj_codebuf_label(&m->buf);
    masm_jmp(m, dispatch);
    masm_bind(m, start); // reached from the table, behind it
    masm_mov_imm(m, NUM_I64, 8, 7777777);
    masm_jmp(m, done);
    masm_bind(m, dispatch);
    masm_jump_table(m, 0, labels, count);
    for (uint32_t i = 0; i < count; i++) {
        if (i % 8 != 7) {
            masm_room(m);
            masm_bind(m, labels[i]);
            masm_mov_imm(m, NUM_I64, 8, i + 1000);
            masm_jmp(m, done);
        }
    }
    masm_bind(m, done);
    masm_mov(m, NUM_I64, 0, 8);
    masm_epilogue(m, 16);
    masm_ret(m);
    raw_end(&c);
    for (uint32_t i = 0; i<count; i += count> 1000 ? 997 : 1) {
        uint64_t result = ((uint64_t(*)(uint64_t))(uintptr_t) c.memory)(i);
        check(result == (i % 8 == 7 ? 7777777 : i + 1000), "jump_table");
    }
    free(labels);
    case_clear(&c);
}

// ---- Long functions -----------------------------------------------------------------------------

// One function of `operations` steps, each adding to x0: between them are branches that span up to
// the whole function, traps and constants. Every step adds what its constant says.
static void test_long_function(uint32_t operations, uint32_t mode)
{
    struct code_case c;
    struct wj_masm *m = raw_begin(&c, 1 << 16 | (size_t) operations * 160);
    wj_label end = wj_codebuf_label(&m->buf), top = wj_codebuf_label(&m->buf);
    wj_label exit = wj_codebuf_label(&m->buf), window = WJ_LABEL_UNBOUND;
    masm_prologue(m, 16);
    masm_mov_imm(m, NUM_I64, 8, 0);
    masm_mov_imm(m, NUM_I64, 9, 0);
    masm_cbz(m, NUM_I64, true, 0, end); // over all of it
    masm_bind(m, top);
    uint64_t expected = 0;
    for (uint32_t i = 0; i < operations; i++) {
        masm_room(m);
        m->wasm_offset = i;
        if (mode == 0 || i % 1000 == 0) { // constants
            masm_mov_fimm(m, NUM_F64, WJ_VREG(16), (UINT64_C(1) << 40 | i) << 8 | 1);
            masm_cvt(m, CVT_I64_REINTERPRET_F64, 10, WJ_VREG(16));
            masm_ibin(m, IBIN_ADD, NUM_I64, 8, 8, 10);
            expected += (UINT64_C(1) << 40 | i) << 8 | 1;
        }
        if (mode != 2) { // traps: of step x1, when x1 is an odd multiple of 3
            masm_icmp_imm(m, NUM_I64, 1, i);
            if (mode == 0 || i % 3 == 0) {
                masm_trap_if(m, COND_EQ, i & 1 ? WJ_TRAP_UNREACHABLE : WJ_TRAP_INTEGER_OVERFLOW);
            }
        } else { // plain code, which no branch interrupts
            for (unsigned k = 0; k < 16; k++) {
                masm_ibin_imm(m, IBIN_ADD, NUM_I64, 8, 8, k);
                expected += k;
            }
        }
        if (mode == 1 && i % 5 == 0) { // branches that are taken over long stretches
            if (window != WJ_LABEL_UNBOUND && i % 100000 == 0) {
                masm_bind(m, window);
                window = WJ_LABEL_UNBOUND;
            }
            if (window == WJ_LABEL_UNBOUND) {
                window = wj_codebuf_label(&m->buf);
            }
            masm_icmp_imm(m, NUM_I64, 2, 1000);
            masm_jcc(m, COND_EQ, window);
            masm_jcc(m, COND_GT_U, exit);
        }
    }
    if (window != WJ_LABEL_UNBOUND) {
        masm_bind(m, window);
    }
    masm_ibin_imm(m, IBIN_ADD, NUM_I64, 9, 9, 1);
    masm_icmp_imm(m, NUM_I64, 9, 3);
    masm_jcc(m, COND_NE, top); // backward, over all of it
    masm_bind(m, end);
    masm_mov(m, NUM_I64, 0, 8);
    masm_bind(m, exit);
    masm_epilogue(m, 16);
    masm_ret(m);
    raw_end(&c);
    uint64_t (*function)(uint64_t, uint64_t, uint64_t) =
        (uint64_t(*)(uint64_t, uint64_t, uint64_t))(uintptr_t) c.memory;
    harness.current = &c;
    check(function(0, UINT64_MAX, 0) == 0, "long function: branch over it");
    check(function(1, UINT64_MAX, 0) == 3 * expected, "long function: sum");
    if (mode == 1) {
        check(function(9, UINT64_MAX, 2000) == 9, "long function: exit");
        function(1, UINT64_MAX, 1000);
    }
    for (uint32_t i = 0; mode != 2 && i < operations; i += 3 * 4999) {
        harness.trap = 0;
        if (sigsetjmp(harness.escape, 0) == 0) {
            function(1, i, 0);
        }
        uint32_t kind = i & 1 ? WJ_TRAP_UNREACHABLE : WJ_TRAP_INTEGER_OVERFLOW;
        check(harness.trap == kind && harness.trap_wasm_offset == i, "long function: traps");
    }
    bool is_ascending = true;
    for (uint32_t i = 1; i < c.m.buf.trap_count; i++) {
        is_ascending &= c.m.buf.traps[i - 1].code_offset < c.m.buf.traps[i].code_offset;
    }
    check(is_ascending, "trap sites ascend");
    case_clear(&c);
}

// Too little room is told, never written past.
static void test_overflow(void)
{
    for (size_t size = 4096 + 64; size < 40000; size += 260) {
        uint8_t *memory = malloc(size + 64);
        memset(memory + size, 0x77, 64);
        struct wj_masm masm;
        struct wj_masm *m = &masm;
        memset(m, 0, sizeof *m);
        wj_codebuf_init(&m->buf);
        wj_codebuf_begin(&m->buf, memory, size, 0x10000);
        wj_label label = wj_codebuf_label(&m->buf);
        wj_label table[100];
        for (unsigned i = 0; i < 100; i++) {
            table[i] = label;
        }
        for (unsigned i = 0; i < 800; i++) {
            masm_room(m);
            masm_jcc(m, COND_EQ, label);
            masm_trap_if(m, COND_NE, WJ_TRAP_UNREACHABLE);
            masm_mov_fimm(m, NUM_F64, WJ_VREG(16), i * 3 + 1);
            if (i % 100 == 0) {
                masm_jump_table(m, 0, table, 100);
            }
        }
        masm_bind(m, label);
        masm_finish(m);
        bool ok = m->buf.overflow || wj_codebuf_offset(&m->buf) <= size;
        for (unsigned i = 0; i < 64; i++) {
            ok &= memory[size + i] == 0x77;
        }
        check(ok, "overflow");
        wj_codebuf_clear(&m->buf);
        free(memory);
    }
}

// ---- Stubs --------------------------------------------------------------------------------------

struct activation {
    uint64_t padding[3];
    uint64_t host_sp, wasm_sp, wasm_pc;
    uint32_t trap, unused;
};

struct instance {
    uint64_t padding[5];
    uint8_t *memory0_base;
    struct activation **activation_slot;
    uint64_t calls, target, seen_sp;
};

typedef uint32_t enter_function(struct activation *, uint64_t code, struct instance *,
                                uint64_t *values);

static uint64_t get_fpcr(void)
{
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}

// Called on the host's stack; ruins every register that C may.
static uint64_t host_function(struct instance *instance, uint64_t a, uint64_t b)
{
    struct activation *activation = *instance->activation_slot;
    uint64_t here = (uint64_t) (uintptr_t) __builtin_frame_address(0);
    instance->calls++;
    instance->seen_sp = activation->wasm_sp;
    check(here <= activation->host_sp && here > activation->host_sp - 8192, "host stack");
    check(here % 16 == 0, "stack alignment in C");
    check(get_fpcr() == harness.fpcr_in_c, "FPCR in C");
    __asm__ volatile("movi v0.2d, #0\n movi v7.2d, #0\n movi v16.2d, #0\n movi v31.2d, #0\n"
                     "movi v8.2d, #0\n movi v15.2d, #0\n movi v12.2d, #0\n"
                     "mov x1, #0\n mov x7, #0\n mov x9, #0\n mov x15, #0" ::
                         : "v0", "v7", "v16", "v31", "v8", "v15", "v12", "x1", "x7", "x9", "x15");
    if (a == 13) {
        activation->trap = 9;
    }
    return a * 1000 + b;
}

static uint64_t compile_function(struct instance *instance, uint64_t value)
{
    instance->calls += value;
    uint64_t kept = host_function(instance, 1, 2);
    if (value == 13) {
        (*instance->activation_slot)->trap = 9;
    }
    return kept == 1002 ? instance->target : 0;
}

struct stubs {
    struct code_case c;
    uint64_t unwind, call_c, lazy_direct, lazy_indirect, enter, code_call, code_lazy, target;
};

static uint64_t here(const struct wj_masm *m)
{
    return m->buf.address + wj_codebuf_offset(&m->buf);
}

// Wasm functions that use the stubs. Arguments: x0 x1, in outgoing_bytes the sum goes back.
static void emit_users(struct stubs *s, struct wj_masm *m)
{
    s->target = here(m); // x8 = x0 + 2 * x1 + x7 + v7 + v0, v8 and v15 are checked by the caller
    masm_prologue(m, 16);
    masm_lea(m, NUM_I64, 8, 0, 1, 1);
    masm_ibin(m, IBIN_ADD, NUM_I64, 8, 8, 7);
    masm_vextract(m, SHAPE_I64X2, true, 1, 10, WJ_VREG(7));
    masm_ibin(m, IBIN_ADD, NUM_I64, 8, 8, 10);
    masm_vextract(m, SHAPE_I64X2, true, 1, 10, WJ_VREG(0));
    masm_ibin(m, IBIN_ADD, NUM_I64, 8, 8, 10);
    masm_epilogue(m, 16);
    masm_ret(m);
    for (unsigned is_lazy = 0; is_lazy < 2; is_lazy++) {
        *(is_lazy ? &s->code_lazy : &s->code_call) = here(m);
        masm_prologue(m, 48);
        masm_mov_imm(m, NUM_I64, 19, 0x1919);
        masm_mov_imm(m, NUM_I64, 26, 0x2626);
        masm_mov_imm(m, NUM_I64, 10, 0x8888);
        masm_vsplat(m, SHAPE_I64X2, WJ_VREG(8), 10);
        masm_vsplat(m, SHAPE_I64X2, WJ_VREG(15), 10);
        masm_vsplat(m, SHAPE_I64X2, WJ_VREG(0), 10);
        masm_vsplat(m, SHAPE_I64X2, WJ_VREG(7), 10);
        masm_mov(m, NUM_I64, 9, 0);
        if (is_lazy) {
            masm_mov_imm(m, NUM_I64, 7, 5);
            masm_call_addr(m, s->lazy_direct);
        } else {
            masm_mov(m, NUM_I64, 2, 1);
            masm_mov(m, NUM_I64, 1, 0);
            masm_mov(m, NUM_I64, 0, MASM_INST);
            masm_mov_imm(m, NUM_I64, 9, (uint64_t) (uintptr_t) host_function);
            masm_call_addr(m, s->call_c);
        }
        masm_vextract(m, SHAPE_I64X2, true, 1, 10, WJ_VREG(8));
        masm_vextract(m, SHAPE_I64X2, true, 1, 11, WJ_VREG(15));
        masm_ibin(m, IBIN_XOR, NUM_I64, 10, 10, 11); // zero
        masm_ibin(m, IBIN_ADD, NUM_I64, 8, 8, 10);
        masm_ibin(m, IBIN_ADD, NUM_I64, 8, 8, 11);
        masm_ibin(m, IBIN_ADD, NUM_I64, 8, 8, 19);
        masm_ibin(m, IBIN_ADD, NUM_I64, 8, 8, 26);
        a64_put(m, A64_MRS_FPCR | 11);
        masm_store(m, STORE_I64, 11, (struct wj_addr){MASM_MEMBASE, WJ_REG_NONE, 8});
        masm_load(m, LOAD_I64, 11, (struct wj_addr){MASM_MEMBASE, WJ_REG_NONE, 0});
        masm_ibin(m, IBIN_ADD, NUM_I64, 8, 8, 11);
        masm_epilogue(m, 48);
        masm_ret(m);
    }
}

static void emit_all_stubs(struct stubs *s, uint32_t outgoing, bool is_deterministic)
{
    struct wj_stub_layout layout = {
        .activation_host_sp = offsetof(struct activation, host_sp),
        .activation_wasm_sp = offsetof(struct activation, wasm_sp),
        .activation_wasm_pc = offsetof(struct activation, wasm_pc),
        .activation_trap = offsetof(struct activation, trap),
        .instance_memory0_base = offsetof(struct instance, memory0_base),
        .instance_activation_slot = offsetof(struct instance, activation_slot),
        .compile_direct = (uint64_t) (uintptr_t) compile_function,
        .compile_indirect = (uint64_t) (uintptr_t) compile_function,
    };
    struct wj_masm *m = raw_begin(&s->c, CASE_BYTES);
    m->is_deterministic = is_deterministic;
    s->unwind = layout.unwind_stub = here(m);
    masm_stub_unwind(m, &layout);
    s->call_c = here(m);
    masm_stub_call_c(m, &layout);
    s->lazy_direct = here(m);
    masm_stub_lazy(m, false, &layout);
    s->lazy_indirect = here(m);
    masm_stub_lazy(m, true, &layout);
    s->enter = here(m);
    masm_enter_begin(m, outgoing, &layout);
    masm_load_slot(m, NUM_I64, 9, (struct wj_slot){MASM_SP, (int32_t) outgoing});
    masm_load_slot(m, NUM_I64, 0, (struct wj_slot){9, 0});
    masm_load_slot(m, NUM_I64, 1, (struct wj_slot){9, 8});
    masm_call_slot(m, (struct wj_slot){MASM_SP, (int32_t) outgoing + 8});
    masm_load_slot(m, NUM_I64, 9, (struct wj_slot){MASM_SP, (int32_t) outgoing});
    masm_store_slot(m, NUM_I64, 8, (struct wj_slot){9, 0});
    masm_enter_end(m, outgoing, &layout);
    emit_users(s, m);
    raw_end(&s->c);
}

// With the host's own FPCR at first and at the end, whatever lies between.
static uint32_t enter_with_fpcr(const struct stubs *s, uint64_t host_fpcr, uint64_t code,
                                struct instance *instance, uint64_t *values)
{
    enter_function *enter = (enter_function *) (uintptr_t) s->enter;
    __asm__ volatile("msr fpcr, %0" : : "r"(host_fpcr));
    uint32_t unwound = enter(*instance->activation_slot, code, instance, values);
    check(get_fpcr() == host_fpcr, "FPCR afterwards");
    __asm__ volatile("msr fpcr, xzr");
    return unwound;
}

static void test_stubs(uint32_t outgoing, bool is_deterministic, uint64_t host_fpcr)
{
    struct stubs s;
    emit_all_stubs(&s, outgoing, is_deterministic);
    harness.fpcr_in_c = is_deterministic ? host_fpcr : 0;
    uint8_t *stack =
        mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t memory[2] = {0x10000000000, 0};
    struct activation activation = {.wasm_sp = (uint64_t) (uintptr_t) (stack + (1 << 20))};
    struct activation *current = &activation;
    struct instance instance = {
        .memory0_base = (uint8_t *) memory, .activation_slot = &current, .target = s.target};
    uint64_t top = activation.wasm_sp;
    uint64_t constants = 0x1919 + 0x2626 + 0x8888 + memory[0];
    register double kept __asm__("d9") = 1.25; // a callee-saved register of C
    __asm__ volatile("" : "+w"(kept));
    uint64_t values[2] = {40, 2};
    uint32_t unwound = enter_with_fpcr(&s, host_fpcr, s.code_call, &instance, values);
    __asm__ volatile("" : "+w"(kept));
    check(kept == 1.25, "enter keeps the registers of C");
    check(unwound == 0 && values[0] == 40002 + constants, "enter and call_c");
    check(memory[1] == (is_deterministic ? A64_FPCR_DN : 0), "FPCR in wasm after C");
    memory[1] = 1;
    check(instance.calls == 1 && instance.seen_sp == top - outgoing - 32 - 48, "wasm_sp");
    check(activation.wasm_pc > s.code_call && activation.wasm_pc < s.code_lazy, "wasm_pc");

    activation.wasm_sp = top;
    values[0] = 13; // the C function sets a trap
    unwound = enter_with_fpcr(&s, host_fpcr, s.code_call, &instance, values);
    check(unwound == 1 && values[0] == 13, "call_c unwinds");

    activation.wasm_sp = top;
    activation.trap = 0;
    values[0] = 4;
    values[1] = 10;
    instance.calls = 0;
    unwound = enter_with_fpcr(&s, host_fpcr, s.code_lazy, &instance, values);
    check(unwound == 0, "lazy returns");
    check(memory[1] == (is_deterministic ? A64_FPCR_DN : 0), "FPCR in wasm after compilation");
    check(values[0] == 4 + 20 + 5 + 2 * 0x8888 + constants, "lazy keeps arguments");
    check(instance.calls == 5, "lazy calls the compiler");

    activation.wasm_sp = top;
    values[0] = 13;
    unwound = enter_with_fpcr(&s, host_fpcr, s.code_lazy, &instance, values);
    check(unwound == 1, "lazy unwinds");
    munmap(stack, 1 << 20);
    case_clear(&s.c);
}

static void test_calls(void)
{
    test_frames();
    test_pairs();
    test_far_calls();
    test_jump_table(1);
    test_jump_table(9);
    test_jump_table(500);
    test_jump_table(100000);
    test_long_function(100000, 0);
    test_long_function(300000, 1);
    test_long_function(60000, 2);
    test_overflow();
    const uint64_t round_up = UINT64_C(1) << 22;
    test_stubs(0, false, 0);
    test_stubs(48, false, round_up);
    test_stubs(40000, false, 0);
    test_stubs(0, true, 0);
    test_stubs(48, true, round_up);
}

#endif
