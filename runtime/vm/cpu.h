// What generated code asks of the CPU on top of its architecture's first version: x86-64-v3 (which
// the x64 emitter uses without asking), floating point and SIMD on AArch64.
#ifndef RUNTIME_VM_CPU_H
#define RUNTIME_VM_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum wj_cpu_word {
    WJ_CPU_LEAF1_ECX,    // cpuid 1
    WJ_CPU_LEAF7_EBX,    // cpuid 7, 0
    WJ_CPU_EXTENDED_ECX, // cpuid 0x80000001
    WJ_CPU_XCR0,         // registers that the system saves; 0 without OSXSAVE
    WJ_CPU_HWCAP,        // AArch64: of the auxiliary vector
    WJ_CPU_WORD_COUNT,
};

// As read from the machine; words of the other architecture are all ones.
struct wj_cpu {
    uint32_t words[WJ_CPU_WORD_COUNT];
};

// The name of a feature that generated code needs and that is not in the words; NULL: all are.
const char *wj_cpu_lacks(const struct wj_cpu *cpu);

// False, WJ_ERR_UNSUPPORTED, when this machine lacks one.
bool wj_cpu_check(struct wj_err *err);

#endif
