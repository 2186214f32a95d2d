#!/bin/bash
# Kernels where something is wrong: no loader, no device, traps, endless and very long loops,
# kernels that must stay on the CPU. Exit codes, words and results are those of the CPU.
. "$(dirname "$0")/lib.sh"
slow_emulated
need clang-22 python3
need_driver

# clang would run wasm-opt where it is installed, which takes the names of the kernels away.
guest kernels -msimd128 --no-wasm-opt -I"$WJIT_ROOT/include" <<'C'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wasi/api.h>
#include <wjit/gpu.h>

enum { ITEMS = 100, WORDS = 1 << 16 };

static volatile uint32_t flag;
static uint32_t out[WORDS];
static int32_t numbers[ITEMS];
static float floats[ITEMS];
static uint32_t most = 20000;

#define KERNEL(name) \
    static void name(uint32_t x, uint32_t y, uint32_t z, const void *args)
#define UNUSED (void) y, (void) z, (void) args

KERNEL(store_out)
{
    UNUSED;
    *(volatile uint32_t *) (x == 17 ? 0xfffffff0u : (uintptr_t) &out[x]) = x;
}
KERNEL(load_out) { UNUSED; out[x] = *(volatile uint32_t *) (x * 0x1000000u); }
KERNEL(unreachable) { UNUSED; out[x] = x; if (x == 17) { __builtin_trap(); } }
KERNEL(divide) { UNUSED; out[x] = (uint32_t) (1000 / numbers[x]); }
KERNEL(remainder_) { UNUSED; out[x] = 1000u % (uint32_t) numbers[x]; }
KERNEL(overflow) { UNUSED; out[x] = (uint32_t) (INT32_MIN / (numbers[x] - 1)); }
KERNEL(truncate) { UNUSED; out[x] = (uint32_t) __builtin_wasm_trunc_s_i32_f32(floats[x]); }
KERNEL(endless) { UNUSED; while (flag == 0) { out[x] += 1; } }

KERNEL(long_loop)
{
    UNUSED;
    uint32_t v = x;
    for (uint32_t i = 0; i < 70000 + x; i++) {
        v = v * 1664525u + 1013904223u;
        v ^= v >> 13;
    }
    out[x] += v;
}

/* Within the limit of lavapipe for one item, beyond it for a group of items that take turns. */
KERNEL(turns)
{
    UNUSED;
    uint32_t v = x;
    for (uint32_t i = 0; i < (x % 8 == most % 8 ? most : x); i++) {
        v = (v ^ i) * 2654435761u;
    }
    out[x] += v;
}

KERNEL(nested)
{
    UNUSED;
    uint32_t v = x, rounds = 0;
    for (uint32_t i = 0; i < x % 13; i++) {
        for (uint32_t j = i; j < 40; j += 1 + (v & 3)) {
            v = v * 1664525u + j;
            if ((v & 63) == 5) {
                break;
            }
            if (v & 64) {
                for (uint32_t k = 0; k < (v >> 28); k++) {
                    v += k ^ i;
                    if (k == 9) {
                        goto done;
                    }
                }
            } else {
                do {
                    v = v * 3 + 1;
                } while ((v & 7) != 0 && ++rounds < 200);
            }
        }
    }
done:
    out[x] = v + rounds;
}

static __attribute__((noinline)) uint32_t deep(uint32_t n)
{
    return n < 2 ? n : (deep(n - 1) * 3) ^ (deep(n - 2) >> 1);
}
KERNEL(recursion) { UNUSED; out[x] = deep(x % 12); }
KERNEL(host_call) { UNUSED; out[x] = __wasi_sched_yield(); }
KERNEL(prints) { UNUSED; printf("%u\n", (unsigned) x); }
KERNEL(grows) { UNUSED; if (x == 3) { out[x] = (uint32_t) __builtin_wasm_memory_grow(0, 1); } }

/* An array of the item's own, on the shadow stack. */
KERNEL(private_array)
{
    UNUSED;
    volatile uint32_t own[16];
    for (uint32_t i = 0; i < 16; i++) {
        own[i] = x * i;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 16; i++) {
        sum += own[(i * 7 + x) % 16] * (i + 1);
    }
    out[x] = sum;
}

KERNEL(plain) { UNUSED; out[x % WORDS] = (x % WORDS) * 2654435761u; }
KERNEL(through) { UNUSED; ((uint32_t *const *) args)[0][x] = x * x + 7; }

static const struct {
    const char *name;
    wjit_kernel *kernel;
    uint32_t items;
} kernels[] = {
    {"store_out", store_out, ITEMS}, {"load_out", load_out, ITEMS},
    {"unreachable", unreachable, ITEMS}, {"divide", divide, ITEMS},
    {"remainder", remainder_, ITEMS}, {"overflow", overflow, ITEMS},
    {"truncate", truncate, ITEMS}, {"endless", endless, 8}, {"long_loop", long_loop, ITEMS},
    {"turns", turns, ITEMS}, {"nested", nested, 5000}, {"recursion", recursion, ITEMS},
    {"host_call", host_call, 5}, {"prints", prints, 5}, {"grows", grows, 5},
    {"private_array", private_array, ITEMS},
    {"plain", plain, 4500000},
};

static uint32_t sum(void)
{
    uint32_t s = 0;
    for (uint32_t i = 0; i < WORDS; i++) {
        s = (s ^ out[i]) * 16777619u;
    }
    return s;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    most = argc > 2 ? (uint32_t) atoi(argv[2]) : most;
    for (int i = 0; i < ITEMS; i++) {
        numbers[i] = 42 - i;
        floats[i] = (float) i * 5e7f;
    }
    if (strcmp(name, "zero_items") == 0) {
        wjit_parallel_for(0, 1, 1, (wjit_kernel *) 12345, NULL);
        wjit_parallel_for(1, 1, 0, (wjit_kernel *) 12345, NULL);
    } else if (strcmp(name, "vast") == 0) { // 2^33 items, of which one of the first traps
        wjit_parallel_for(1u << 16, 1u << 16, 2, unreachable, NULL);
    } else if (strcmp(name, "no_kernel") == 0) {
        wjit_parallel_for(1, 1, 1, (wjit_kernel *) (uintptr_t) most, NULL);
    } else if (strcmp(name, "wrong_type") == 0) {
        wjit_parallel_for(1, 1, 1, (wjit_kernel *) (void (*)(void)) deep, NULL);
    } else if (strcmp(name, "grown") == 0) {
        for (uint32_t i = 0; i < 4; i++) {
            size_t at = __builtin_wasm_memory_grow(0, 17) * 65536u;
            uint32_t *words[] = {(uint32_t *) at + i};
            wjit_parallel_for(1000, 1, 1, through, words);
            memcpy(out + i * 1000, words[0], 4000);
        }
    }
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        if (strcmp(name, kernels[i].name) == 0) {
            wjit_parallel_for(kernels[i].items, 1, 1, kernels[i].kernel, NULL);
        }
    }
    printf("%08x\n", (unsigned) sum());
    return 0;
}
C

# What the last run said first, figures aside.
message() { grep -v '^{' err | head -n 1; }

# Where kernels ran, as `name: gpu 1 of 1, reason`.
places() {
    tail -n 1 err | python3 -c '
import json, sys
for k in json.load(sys.stdin)["gpu"]["kernels"]:
    print("%s: gpu %d of %d, %s" % (k["name"], k["gpu_dispatches"], k["dispatches"], k["reason"]))'
}

# both CODE WHERE NAME [ARG]: the same end, words and results on the CPU and on the device; WHERE
# the kernel ran there (- for anywhere).
both() {
    local want=$1 where=$2 words printed
    shift 2
    expect "$want" - "$WJIT" --gpu=off kernels.wasm "$@"
    words=$(message) printed=$(cat out)
    [ "$want" -eq 0 ] || [ -n "$words" ] || fail "$*: says nothing on the CPU"
    expect "$want" - "$WJIT" --gpu=any --stats=json kernels.wasm "$@"
    [ "$(cat out)" = "$printed" ] || fail "$*: on the CPU $printed, on the device $(cat out)"
    [ "$(message)" = "$words" ] || fail "$*: '$words' on the CPU, '$(message)' on the device"
    [ "$where" = - ] || places | grep -qE -- "$where" ||
        fail "$*: not at '$where': $(places)"
}

on_device='gpu 1 of 1, $'
both 134 "^store_out: $on_device" store_out
both 134 "^load_out: $on_device" load_out
both 134 "^unreachable: $on_device" unreachable
both 134 '^unreachable: gpu 0 of 1, has more items than a device numbers' vast
both 134 "^divide: $on_device" divide
both 134 "^remainder_: $on_device" remainder
both 134 "^overflow: $on_device" overflow
both 134 "^truncate: $on_device" truncate
both 134 - no_kernel 0
both 134 - no_kernel 123456789
both 134 - wrong_type
both 0 - zero_items
both 0 "^nested: $on_device" nested
both 0 "^plain: $on_device" plain
both 0 'gpu 4 of 4, $' grown
both 0 "^turns: $on_device" turns 100
# lavapipe ends long loops silently: they are found there, undone, and done again by the CPU.
undone='gpu (1 of 1, $|0 of 1, its loops make more iterations than this driver allows)'
both 0 "^turns: $undone" turns 20000
both 0 "^long_loop: $undone" long_loop
both 0 - private_array
both 0 '^recursion: gpu 0 of 1, .*recursive' recursion
both 0 '^host_call: gpu 0 of 1, .*imported' host_call
both 0 '^prints: gpu 0 of 1, .' prints
both 0 '^grows: gpu 0 of 1, .*memory.grow' grows

expect 124 'time limit' "$WJIT" --gpu=off --timeout 1s kernels.wasm endless
expect 124 'time limit' "$WJIT" --gpu=any --timeout 2s kernels.wasm endless

# No device, no loader, and a loader that is none: --gpu alone says so and goes on with the CPU, a
# device that is asked for has to be there.
expect 0 - "$WJIT" --gpu=off kernels.wasm nested
printed=$(cat out)
without() {
    local device
    expect_out "$printed" env "$@" "$WJIT" --gpu kernels.wasm nested
    [ "$(cat err)" = 'wjit: no GPU found: kernels run on the CPU' ] ||
        fail "$* --gpu: $(head -c 300 err)"
    for device in any 0 nothing-of-the-kind; do
        expect 125 '^wjit: --gpu: ' env "$@" "$WJIT" "--gpu=$device" kernels.wasm nested
        [ "$(grep -c '' err)" = 1 ] || fail "$* --gpu=$device: no line: $(head -c 300 err)"
        [ ! -s out ] || fail "$* --gpu=$device: ran without the device that was named"
    done
}
mkdir hidden
: >hidden/libvulkan.so.1
without VK_ICD_FILENAMES=/nowhere.json VK_DRIVER_FILES=/nowhere.json
without LD_LIBRARY_PATH="$scratch/hidden"
if command -v "${CC:-gcc}" >/dev/null; then
    mkdir none
    echo 'int wjit_no_loader;' | "${CC:-gcc}" -shared -x c - -o none/libvulkan.so.1
    without LD_LIBRARY_PATH="$scratch/none"
fi
finish
