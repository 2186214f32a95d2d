// Runs verbs on the machine: every case is a function that loads all registers from a structure,
// executes some verbs, and stores all registers, so that what must not change is checked as well.
#ifndef TESTS_EMIT_A64_HARNESS_H
#define TESTS_EMIT_A64_HARNESS_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "emit/a64_masm.h"

enum {
    CASE_BYTES = 32 * 1024,
    IO_BASE = 15,  // x15 holds the structure
    GPR_USED = 15, // x0 to x14
    STACK_BYTES = 1088,
};

union lanes {
    uint8_t u8[16];
    int8_t s8[16];
    uint16_t u16[8];
    int16_t s16[8];
    uint32_t u32[4];
    int32_t s32[4];
    uint64_t u64[2];
    int64_t s64[2];
    float f32[4];
    double f64[2];
};

struct registers {
    uint64_t x[GPR_USED];
    uint64_t padding;
    union lanes v[30]; // but v8 to v15, which belong to C
};

struct io {
    struct registers in, out;
};

struct code_case {
    struct wj_masm m;
    uint8_t *memory;
    size_t size;
};

struct harness {
    struct code_case *current; // whose trap sites the signal handler reads
    sigjmp_buf escape;
    volatile uint32_t trap;
    uint32_t trap_wasm_offset;
    unsigned checks, failures;
    bool has_lse;
    bool has_default_nan; // FPCR.DN: NaNs are canonical, to the last bit
    uint64_t fpcr_in_c;   // that C functions are to be called with
};
static struct harness harness;

static bool is_c_vector(unsigned n)
{
    return n >= 8 && n < 16;
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
    (void) signal;
    (void) info;
    ucontext_t *uc = context;
    const struct wj_codebuf *buf = &harness.current->m.buf;
    uint64_t offset = uc->uc_mcontext.pc - buf->address;
    harness.trap = UINT32_MAX;
    for (uint32_t i = 0; i < buf->trap_count; i++) {
        if (buf->traps[i].code_offset == offset) {
            harness.trap = buf->traps[i].kind;
            harness.trap_wasm_offset = buf->traps[i].wasm_offset;
        }
    }
    siglongjmp(harness.escape, 1);
}

static void harness_init(bool has_lse)
{
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGILL, &action, NULL);
    harness.has_lse = has_lse;
}

// Memory is never used twice: qemu 7.2 may run what it translated before.
static struct wj_masm *raw_begin(struct code_case *c, size_t size)
{
    memset(&c->m, 0, sizeof c->m);
    c->size = size;
    c->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (c->memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    wj_codebuf_init(&c->m.buf);
    wj_codebuf_begin(&c->m.buf, c->memory, size, (uint64_t) (uintptr_t) c->memory);
    c->m.features.has_lse = harness.has_lse;
    c->m.wasm_offset = 77;
    return &c->m;
}

static void raw_end(struct code_case *c)
{
    masm_finish(&c->m);
    if (c->m.buf.overflow) {
        printf("FAILED: code buffer overflow\n");
        exit(1);
    }
    __builtin___clear_cache((char *) c->memory, (char *) c->m.buf.cursor);
    mprotect(c->memory, c->size, PROT_READ | PROT_EXEC);
}

static void case_clear(struct code_case *c)
{
    wj_codebuf_clear(&c->m.buf);
    munmap(c->memory, c->size);
}

static void move_registers(struct wj_masm *m, bool is_load, size_t at)
{
    for (unsigned i = 0; i < GPR_USED + 30; i++) {
        bool is_vector = i >= GPR_USED;
        unsigned n = is_vector ? i - GPR_USED : i;
        if (is_vector && is_c_vector(n)) {
            continue;
        }
        size_t disp =
            at + (is_vector ? offsetof(struct registers, v[n]) : offsetof(struct registers, x[n]));
        struct wj_slot slot = {IO_BASE, (int32_t) disp};
        wj_reg reg = is_vector ? WJ_VREG(n) : (wj_reg) n;
        if (is_load) {
            masm_load_slot(m, is_vector ? NUM_V128 : NUM_I64, reg, slot);
        } else {
            masm_store_slot(m, is_vector ? NUM_V128 : NUM_I64, reg, slot);
        }
    }
}

static struct wj_masm *case_begin(struct code_case *c)
{
    struct wj_masm *m = raw_begin(c, CASE_BYTES);
    masm_prologue(m, STACK_BYTES + 16);
    masm_mov(m, NUM_I64, IO_BASE, 0);
    move_registers(m, true, offsetof(struct io, in));
    return m;
}

static void case_end(struct code_case *c)
{
    move_registers(&c->m, false, offsetof(struct io, out));
    masm_epilogue(&c->m, STACK_BYTES + 16);
    masm_ret(&c->m);
    raw_end(c);
}

// The kind of the trap, or 0.
static uint32_t case_run(struct code_case *c, struct io *io)
{
    void (*function)(struct io *) = (void (*)(struct io *))(uintptr_t) c->memory;
    harness.current = c;
    harness.trap = 0;
    const uint64_t default_nan = UINT64_C(1) << 25;
    if (sigsetjmp(harness.escape, 0) == 0) {
        __asm__ volatile("msr fpcr, %0" : : "r"(harness.has_default_nan ? default_nan : 0));
        function(io);
    }
    __asm__ volatile("msr fpcr, xzr");
    return harness.trap;
}

static void io_fill(struct io *io)
{
    for (unsigned i = 0; i < GPR_USED; i++) {
        io->in.x[i] = UINT64_C(0x1111111111111111) * (i + 1);
    }
    for (unsigned i = 0; i < 30; i++) {
        io->in.v[i].u64[0] = UINT64_C(0x0123456789abcdef) * (2 * i + 1);
        io->in.v[i].u64[1] = UINT64_C(0xfedcba9876543210) * (2 * i + 3);
    }
    memset(&io->out, 0xee, sizeof io->out);
}

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void fail(const char *format, ...)
{
    if (harness.failures++ < 60) {
        va_list args;
        va_start(args, format);
        printf("FAILED: ");
        vprintf(format, args);
        printf("\n");
        va_end(args);
    }
}

static void check(bool ok, const char *what)
{
    harness.checks++;
    if (!ok) {
        fail("%s", what);
    }
}

// All registers but `d` (and `d2`) are as they were.
static void check_unchanged(const struct io *io, wj_reg d, wj_reg d2, const char *what)
{
    for (unsigned i = 0; i < GPR_USED; i++) {
        if (i != d && i != d2 && io->in.x[i] != io->out.x[i]) {
            fail("%s: clobbers x%u", what, i);
        }
    }
    for (unsigned i = 0; i < 30; i++) {
        if (!is_c_vector(i) && WJ_VREG(i) != d && WJ_VREG(i) != d2 &&
            memcmp(&io->in.v[i], &io->out.v[i], 16) != 0) {
            fail("%s: clobbers v%u", what, i);
        }
    }
}

// How d, a and b may coincide.
struct alias {
    uint8_t d, a, b;
};
static const struct alias ALIASES[] = {{2, 3, 4}, {3, 3, 4}, {4, 3, 4}, {2, 3, 3}, {3, 3, 3}};
enum { ALIAS_COUNT = sizeof ALIASES / sizeof ALIASES[0] };

#endif
