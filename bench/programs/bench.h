/* The frame of every benchmark program: runs the kernel BENCH_REPEATS times and prints the least
 * time and a value that every engine and compiler must agree on, to the last bit. The time is the
 * thread's CPU time, so that other processes, or an engine's other threads, do not count. */
#ifndef BENCH_H
#define BENCH_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#ifdef __wasi__
#include <wasi/api.h>
#endif

#ifndef BENCH_REPEATS
#define BENCH_REPEATS 3
#endif

static inline double bench_wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* wasi-libc has no CLOCK_THREAD_CPUTIME_ID, WASI has the clock. */
static inline double bench_cpu_seconds(void)
{
#ifdef __wasi__
    __wasi_timestamp_t now = 0;
    if (__wasi_clock_time_get(__WASI_CLOCKID_THREAD_CPUTIME_ID, 1, &now) != 0) {
        fputs("no clock for the thread's CPU time\n", stderr);
    }
    return (double) now * 1e-9;
#else
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
#endif
}

static inline uint64_t bench_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* xorshift64*: the same numbers everywhere, and never 0 for a state that is not 0. */
static inline uint64_t bench_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

/* In [0, 1). */
static inline double bench_random_double(uint64_t *state)
{
    return (double) (bench_random(state) >> 11) * 0x1p-53;
}

/* A kernel makes its own input, so that each repetition does the same work. */
static inline int bench_main(uint64_t (*kernel)(void))
{
    /* Volatile, or a compiler that sees a kernel to be pure calls it once, before the timing. */
    uint64_t (*volatile run)(void) = kernel;
    double best = 1e30;
    uint64_t check = 0;
    for (int i = 0; i < BENCH_REPEATS; i++) {
        double start = bench_cpu_seconds();
        uint64_t value = run();
        double seconds = bench_cpu_seconds() - start;
        if (i > 0 && value != check) {
            fprintf(stderr, "repetition %d gave another result\n", i);
            return 1;
        }
        check = value;
        best = seconds < best ? seconds : best;
    }
    printf("KERNEL_SECONDS %.6f\nCHECK %016" PRIx64 "\n", best, check);
    return 0;
}

#endif
