// The AArch64 emitter's verbs, executed: a program for that machine, which test_a64_run builds and
// runs (by an emulator where need be). Prints what failed.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "a64_harness.h"
#include "a64_run_call.h"
#include "a64_run_memory.h"
#include "a64_run_scalar.h"
#include "a64_run_simd.h"

int main(void)
{
    harness_init(false);
    static uint8_t arena[ARENA] __attribute__((aligned(64)));
    test_moves();
    test_slots(arena);
    test_zero_slots();
    test_ibin();
    test_ibin_imm();
    test_iun();
    test_conditions();
    test_compare_imm();
    test_wide();
    test_fbin();
    test_fun();
    test_cvt();
    test_loads(arena);
    test_stores(arena);
    test_memory_lanes(arena);
    test_vun();
    test_vbin();
    test_vtern();
    test_vshift();
    test_vtest();
    test_lanes();
    test_shuffle();
    test_atomics(arena);
    harness.has_lse = true;
    test_atomics(arena);
    test_calls();
    // --deterministic: the machine makes all NaNs canonical.
    harness.has_default_nan = true;
    test_fbin();
    test_fun();
    test_cvt();
    test_vun();
    test_vbin();
    test_vtern();
    printf("%u checks, %u failed\n", harness.checks, harness.failures);
    return harness.failures != 0;
}
