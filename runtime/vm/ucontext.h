// All that the runtime itself knows of the machine it runs on: registers in a signal's context,
// floating-point control, the CPU's features, and making new code visible. The one header of
// runtime/ with #if on the architecture.
#ifndef RUNTIME_VM_UCONTEXT_H
#define RUNTIME_VM_UCONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "runtime/vm/cpu.h"

#if defined(__x86_64__)

#include <sys/platform/x86.h>

#define WJ_CPU_BASELINE "x86-64-v3 (Haswell, Zen or newer)"

// The C library has asked the processor already. To ask it again, by CPUID, leaves a virtual
// machine each time.
static inline void wj_cpu_read(struct wj_cpu *cpu)
{
    enum { EBX = 1, ECX = 2 };
    memset(cpu, 0xff, sizeof *cpu);
    cpu->words[WJ_CPU_LEAF1_ECX] = __x86_get_cpuid_feature_leaf(CPUID_INDEX_1)->cpuid_array[ECX];
    cpu->words[WJ_CPU_LEAF7_EBX] = __x86_get_cpuid_feature_leaf(CPUID_INDEX_7)->cpuid_array[EBX];
    cpu->words[WJ_CPU_EXTENDED_ECX] =
        __x86_get_cpuid_feature_leaf(CPUID_INDEX_80000001)->cpuid_array[ECX];
    cpu->words[WJ_CPU_XCR0] = 0;
    if ((cpu->words[WJ_CPU_LEAF1_ECX] & 1u << 27) != 0) { // OSXSAVE
        uint32_t high;
        __asm__("xgetbv" : "=a"(cpu->words[WJ_CPU_XCR0]), "=d"(high) : "c"(0));
    }
}

static inline uint64_t wj_ucontext_pc(const ucontext_t *context)
{
    return (uint64_t) context->uc_mcontext.gregs[REG_RIP];
}

static inline uint64_t wj_ucontext_sp(const ucontext_t *context)
{
    return (uint64_t) context->uc_mcontext.gregs[REG_RSP];
}

static inline uint64_t wj_ucontext_link(const ucontext_t *context)
{
    (void) context;
    return 0;
}

// Goes on at `pc` with `argument` as the first argument of a C function. The direction flag is
// cleared, as the C convention has it.
static inline void wj_ucontext_resume(ucontext_t *context, uint64_t pc, uint64_t argument)
{
    context->uc_mcontext.gregs[REG_RIP] = (greg_t) pc;
    context->uc_mcontext.gregs[REG_RDI] = (greg_t) argument;
    context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t) 0x400;
}

static inline int wj_code_protection(void)
{
    return PROT_READ | PROT_EXEC;
}

// MXCSR: all exceptions masked, round to nearest, no flushing. The low six bits are sticky flags.
#define WJ_FP_CONTROL_DEFAULT 0x1f80u
#define WJ_FP_CONTROL_MASK 0xffffffc0u

static inline uint64_t wj_fp_control(void)
{
    return __builtin_ia32_stmxcsr() & WJ_FP_CONTROL_MASK;
}

static inline void wj_fp_control_set(uint64_t control)
{
    __builtin_ia32_ldmxcsr((uint32_t) control);
}

// Data written through one mapping is code in another at once; threads that run it got its address
// through memory, after it was written.
static inline void wj_sync_code(void *start, size_t size_bytes)
{
    (void) start, (void) size_bytes;
}

// AVX-512 F, DQ, BW, VL in EBX of leaf 7, each with what the system must save for it. The header's
// own inline function shifts a signed 1 by 31.
static inline bool wj_has_avx512(void)
{
    const uint32_t bits = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    return (__x86_get_cpuid_feature_leaf(CPUID_INDEX_7)->active_array[1] & bits) == bits;
}

static inline bool wj_has_lse(void)
{
    return false;
}

#elif defined(__aarch64__)

#include <linux/membarrier.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WJ_CPU_BASELINE "ARMv8-A"

static inline void wj_cpu_read(struct wj_cpu *cpu)
{
    memset(cpu, 0xff, sizeof *cpu);
    cpu->words[WJ_CPU_HWCAP] = (uint32_t) getauxval(AT_HWCAP);
}

static inline uint64_t wj_ucontext_pc(const ucontext_t *context)
{
    return context->uc_mcontext.pc;
}

static inline uint64_t wj_ucontext_sp(const ucontext_t *context)
{
    return context->uc_mcontext.sp;
}

static inline uint64_t wj_ucontext_link(const ucontext_t *context)
{
    return context->uc_mcontext.regs[30];
}

// BTYPE (PSTATE bits 10 and 11) is cleared: the fault may lie behind an indirect jump, and the
// target of this one is no landing pad.
static inline void wj_ucontext_resume(ucontext_t *context, uint64_t pc, uint64_t argument)
{
    context->uc_mcontext.pc = pc;
    context->uc_mcontext.regs[0] = argument;
    context->uc_mcontext.pstate &= ~(uint64_t) 0xc00;
}

// An indirect jump that leads into code elsewhere than to a landing pad faults, where the processor
// checks that.
static inline int wj_code_protection(void)
{
    bool has_bti = (getauxval(AT_HWCAP2) & HWCAP2_BTI) != 0;
    return PROT_READ | PROT_EXEC | (has_bti ? PROT_BTI : 0);
}

// FPCR: round to nearest, no flushing, no default NaN, no trapping.
#define WJ_FP_CONTROL_DEFAULT 0u

static inline uint64_t wj_fp_control(void)
{
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
}

static inline void wj_fp_control_set(uint64_t control)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory");
}

// Cleans the data cache to the point of unification, invalidates the instruction cache, and makes
// every thread that runs synchronise its pipeline. Kernels before 4.16, and sandboxes, refuse the
// barrier: code is always put where none was executed before, so that a pipeline can hold old words
// of it only behind a guess that it takes back.
static inline void wj_sync_code(void *start, size_t size_bytes)
{
    __builtin___clear_cache((char *) start, (char *) start + size_bytes);
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) != 0) {
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    }
}

static inline bool wj_has_avx512(void)
{
    return false;
}

static inline bool wj_has_lse(void)
{
    return (getauxval(AT_HWCAP) & 1u << 8) != 0; // HWCAP_ATOMICS
}

#else
#error "wjit runs on x86-64 and AArch64"
#endif

#endif
