// Runs single verbs of the x86-64 target: every register is loaded from a record, the verb's code
// follows, and every register is stored again. Traps are caught and told by their sites.
#ifndef TESTS_UNIT_EMIT_X64_HARNESS_H
#define TESTS_UNIT_EMIT_X64_HARNESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE // REG_RIP
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include "emit/x64_masm.h"
#include "oracle_simd.h"

struct x64_state {
    uint64_t gpr[16];
    uint8_t vec[16][16];
    uint8_t memory[512];
};

struct x64_run {
    struct wj_masm m;
    uint8_t *code;
    struct x64_state before, after;
    enum wj_trap_kind trap; // of the last run
};

enum { X64_RUN_BYTES = 1 << 16 };

// The signal handler's way back; one run at a time.
static struct x64_harness {
    sigjmp_buf back;
    uint64_t pc;
    int signal;
} harness;

static void on_trap(int signal, siginfo_t *info, void *context)
{
    (void) info;
    const ucontext_t *uc = context;
    harness.pc = (uint64_t) uc->uc_mcontext.gregs[REG_RIP];
    harness.signal = signal;
    siglongjmp(harness.back, 1);
}

X64_INLINE void x64_run_init(struct x64_run *run)
{
    memset(run, 0, sizeof *run);
    wj_codebuf_init(&run->m.buf);
    run->code =
        mmap(NULL, X64_RUN_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(run->code != MAP_FAILED);
    static uint8_t stack[1 << 16];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternative, NULL);
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    uint64_t state = 1;
    for (unsigned i = 0; i < 16; i++) {
        run->before.gpr[i] = oracle_random(&state);
        for (unsigned k = 0; k < 16; k++) {
            run->before.vec[i][k] = (uint8_t) oracle_random(&state);
        }
    }
}

X64_INLINE void x64_run_clear(struct x64_run *run)
{
    munmap(run->code, X64_RUN_BYTES);
    wj_codebuf_clear(&run->m.buf);
}

static const wj_reg x64_saved[] = {RBX, RBP, R12, R13, R14, R15};

// Returns the masm to emit the verb with.
X64_INLINE struct wj_masm *x64_run_begin(struct x64_run *run)
{
    struct wj_masm *m = &run->m;
    mprotect(run->code, X64_RUN_BYTES, PROT_READ | PROT_WRITE);
    wj_codebuf_begin(&m->buf, run->code, X64_RUN_BYTES, (uint64_t) (uintptr_t) run->code);
    for (unsigned i = 0; i < 6; i++) {
        x64_push(m, x64_saved[i]);
    }
    x64_push(m, RDI);
    for (unsigned i = 0; i < 16; i++) {
        x64_vrm(m, VEX_MOVUPS_LOAD, XMM0 + i, 0,
                x64_at(RDI, (int32_t) (offsetof(struct x64_state, vec) + 16 * i)));
    }
    for (unsigned i = 0; i < 16; i++) {
        if (i != RSP && i != RDI) {
            x64_mov_load(m, (wj_reg) i, RDI, 8 * i);
        }
    }
    x64_mov_load(m, RDI, RDI, 8 * RDI);
    return m;
}

X64_INLINE void x64_run_end(struct x64_run *run)
{
    struct wj_masm *m = &run->m;
    x64_rm(m, 0x87 | X64_W, RDI, x64_at(RSP, 0)); // xchg
    for (unsigned i = 0; i < 16; i++) {
        if (i != RSP && i != RDI) {
            x64_mov_store(m, (wj_reg) i, RDI, 8 * i);
        }
        x64_vrm(m, VEX_MOVUPS_STORE, XMM0 + i, 0,
                x64_at(RDI, (int32_t) (offsetof(struct x64_state, vec) + 16 * i)));
    }
    x64_pop(m, RAX);
    x64_mov_store(m, RAX, RDI, 8 * RDI);
    for (unsigned i = 6; i-- > 0;) {
        x64_pop(m, x64_saved[i]);
    }
    masm_ret(m);
    masm_finish(m);
    assert_false(m->buf.overflow);
    mprotect(run->code, X64_RUN_BYTES, PROT_READ | PROT_EXEC);
}

X64_INLINE enum wj_trap_kind x64_trap_at(const struct wj_masm *m, uint64_t pc)
{
    for (uint32_t i = 0; i < m->buf.trap_count; i++) {
        if (i > 0) {
            assert_true(m->buf.traps[i - 1].code_offset <= m->buf.traps[i].code_offset);
        }
        if (m->buf.address + m->buf.traps[i].code_offset == pc) {
            assert_int_equal(m->buf.traps[i].wasm_offset, m->wasm_offset);
            return m->buf.traps[i].kind;
        }
    }
    fail_msg("signal %d at offset %llu without a trap site", harness.signal,
             (unsigned long long) (pc - m->buf.address));
    return WJ_TRAP_NONE;
}

// `after` is `before` with the verb's changes, or run->trap says why not.
X64_INLINE void x64_run_go(struct x64_run *run)
{
    run->after = run->before;
    run->trap = WJ_TRAP_NONE;
    if (sigsetjmp(harness.back, 1) != 0) {
        run->trap = x64_trap_at(&run->m, harness.pc);
        return;
    }
    void (*function)(struct x64_state *);
    memcpy(&function, &run->code, sizeof function);
    function(&run->after);
}

// Nothing changed but the registers of `changed` (bits by number) and the temporaries.
X64_INLINE void x64_run_check_kept(const struct x64_run *run, uint64_t changed)
{
    for (unsigned i = 0; i < 16; i++) {
        if (i != RSP && i != RCX && i != R11 && (changed >> i & 1) == 0 &&
            run->before.gpr[i] != run->after.gpr[i]) {
            fail_msg("general register %u was clobbered", i);
        }
        if (i < 14 && (changed >> (32 + i) & 1) == 0 &&
            memcmp(run->before.vec[i], run->after.vec[i], 16) != 0) {
            fail_msg("vector register %u was clobbered", i);
        }
    }
}

#define X64_BIT(reg) ((uint64_t) 1 << (reg))

// Destination and operands: distinct, equal in every way, with registers that need prefixes and
// those that are special in addresses.
static const wj_reg x64_triples[][3] __attribute__((unused)) = {
    {RAX, RDX, RSI}, {RAX, RAX, RSI}, {RAX, RDX, RAX}, {RAX, RDX, RDX},
    {RAX, RAX, RAX}, {R8, R9, R10},   {R13, R13, RBP}, {RBP, R12, R13},
    {R12, RBP, R12}, {RSI, R14, RDI}, {RDI, RDI, RSI}, {R10, RBX, RBX},
};
enum { X64_TRIPLES = sizeof x64_triples / sizeof x64_triples[0] };

static const wj_reg x64_vtriples[][3] __attribute__((unused)) = {
    {XMM0, XMM1, XMM2},   {XMM0, XMM0, XMM2},  {XMM0, XMM1, XMM0},
    {XMM0, XMM1, XMM1},   {XMM0, XMM0, XMM0},  {XMM8, XMM9, XMM10},
    {XMM13, XMM5, XMM13}, {XMM4, XMM4, XMM12}, {XMM3, XMM12, XMM12},
};
enum { X64_VTRIPLES = sizeof x64_vtriples / sizeof x64_vtriples[0] };

X64_INLINE void x64_set_float(struct x64_run *run, enum wj_num num, wj_reg reg, uint64_t bits)
{
    memcpy(run->before.vec[reg & 15], &bits, num == NUM_F32 ? 4 : 8);
}

X64_INLINE uint64_t x64_get_float(const struct x64_run *run, enum wj_num num, wj_reg reg)
{
    uint64_t bits = 0;
    memcpy(&bits, run->after.vec[reg & 15], num == NUM_F32 ? 4 : 8);
    return bits;
}

// Registers that conversions and other verbs of mixed classes are tried with.
X64_INLINE void x64_set(struct x64_run *run, enum wj_num num, wj_reg reg, uint64_t bits)
{
    if (num == NUM_I32 || num == NUM_I64) {
        run->before.gpr[reg] = bits;
    } else {
        x64_set_float(run, num, reg, bits);
    }
}

X64_INLINE uint64_t x64_get(const struct x64_run *run, enum wj_num num, wj_reg reg)
{
    return num == NUM_I32 || num == NUM_I64 ? run->after.gpr[reg] : x64_get_float(run, num, reg);
}

#endif
