// The features that every engine's code takes for granted, looked for once per engine: without the
// check an older CPU would end the process by SIGILL in the middle of a program.
#include "runtime/vm/cpu.h"

#include <stddef.h>

#include "runtime/vm/ucontext.h"

struct feature {
    const char *name;
    enum wj_cpu_word word;
    uint32_t bits; // all of them
};

// x86-64 psABI, table 3.1 (micro-architecture level 3); the bits: Intel SDM volume 2, CPUID.
// AArch64: Linux, Documentation/arch/arm64/elf_hwcaps.rst.
static const struct feature features[] = {
    {"SSE4.2", WJ_CPU_LEAF1_ECX, 1u << 20 | 1u << 19 | 1u << 9 | 1u << 0}, // with all below it
    {"MOVBE", WJ_CPU_LEAF1_ECX, 1u << 22},
    {"POPCNT", WJ_CPU_LEAF1_ECX, 1u << 23},
    {"LZCNT", WJ_CPU_EXTENDED_ECX, 1u << 5},
    {"BMI1", WJ_CPU_LEAF7_EBX, 1u << 3},
    {"BMI2", WJ_CPU_LEAF7_EBX, 1u << 8},
    {"AVX", WJ_CPU_LEAF1_ECX, 1u << 28},
    {"AVX saved by the system", WJ_CPU_XCR0, 1u << 2 | 1u << 1},
    {"FMA", WJ_CPU_LEAF1_ECX, 1u << 12},
    {"AVX2", WJ_CPU_LEAF7_EBX, 1u << 5},
    {"floating point", WJ_CPU_HWCAP, 1u << 0},
    {"Advanced SIMD", WJ_CPU_HWCAP, 1u << 1},
};

const char *wj_cpu_lacks(const struct wj_cpu *cpu)
{
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if ((cpu->words[features[i].word] & features[i].bits) != features[i].bits) {
            return features[i].name;
        }
    }
    return NULL;
}

bool wj_cpu_check(struct wj_err *err)
{
    struct wj_cpu cpu;
    wj_cpu_read(&cpu);
    const char *lacking = wj_cpu_lacks(&cpu);
    return lacking == NULL ||
           wj_err_set(err, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET, "this CPU lacks %s: %s was expected",
                      lacking, WJ_CPU_BASELINE);
}
