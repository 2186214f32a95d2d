#!/bin/bash
# --gpu-isolate: the same bytes from a driver in another process; when it crashes, loses its device
# or gets broken shaders, the program goes on, and what was interrupted is done on the CPU.
# test_gpu_isolate.sh MUTANTS tries so many broken shaders; when nothing is said 40, or 4 in an
# emulator, where each takes seconds, and all of them by WJIT_EMULATE_ALL=1.
. "$(dirname "$0")/lib.sh"
need clang-22
need_driver

guest program "-I$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <wjit/gpu.h>

static uint32_t out[5000];
struct args { uint32_t *to; const uint32_t *from; };

/* Not the same when it is done twice. */
static void adds(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    const struct args *args = p;
    (void) y, (void) z;
    args->to[x] += args->from[x] * 3 + 1;
}

static void mixes(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    const struct args *args = p;
    uint32_t value = args->to[x];
    (void) y, (void) z;
    for (uint32_t i = 0; i < 9; i++) {
        value = value * 1664525u + 1013904223u;
    }
    args->to[x] = value;
}

int main(void)
{
    struct args args = {out, out};
    uint32_t sum = 0;
    for (int i = 0; i < 6; i++) {
        wjit_parallel_for(5000, 1, 1, adds, &args);
        wjit_parallel_for(5000, 1, 1, mixes, &args);
        args.from = args.to;
        args.to = calloc(5000 << i, 4); /* the memory grows */
    }
    for (int i = 0; i < 5000; i++) {
        sum = sum * 31 + args.from[i];
    }
    printf("%u\n", sum);
}
C
expect 0 - "$WJIT" --gpu=off program.wasm
cp out right
# isolated PATTERN [OPTIONS...]: the right output, and what stderr matches.
isolated() {
    expect 0 "$1" "${under[@]}" "$WJIT" --gpu=any --gpu-isolate --gpu-explain "${@:2}" program.wasm
    cmp -s out right || fail "$*: $(cat out)"
}

under=()
isolated 'kernel adds: translated'
isolated 'kernel mixes: translated' --gpu-memory=mirror
isolated 'kernel mixes: translated' --gpu-verify=100%
isolated 'kernel adds: translated' --threads 1
expect 125 'no GPU answers to' "$WJIT" --gpu=nothing-of-the-kind --gpu-isolate program.wasm

[ -e /usr/include/vulkan/vk_layer.h ] || { echo "no vulkan/vk_layer.h: no faults"; finish; }
under=("$WJIT_ROOT/tests/vk/with_layer" "$scratch/layer")
# Each process crashes at its third dispatch: both kernels meet one.
export WJIT_LAYER_FAULT=crash:3
isolated 'kernel adds: not translated: the GPU process ended while .*\((signal 11|status)'
# Once: the other kernel runs in the next process.
export WJIT_LAYER_ONCE=$scratch/once
isolated 'kernel mixes: translated'
grep -q 'kernel adds: not translated: the GPU process ended' err || fail "$(head -c 300 err)"
rm -f once
WJIT_LAYER_FAULT=lost:4 isolated 'kernel mixes: not translated: .*lost'
grep -q 'kernel adds: translated' err || fail "lost: $(head -c 300 err)"
rm -f once
unset WJIT_LAYER_ONCE
# Without isolation the device is lost to all, and a kernel that has no copy to go back to traps.
WJIT_LAYER_FAULT=lost:3 expect 134 'lost' "${under[@]}" "$WJIT" --gpu=any program.wasm

mutants=${1:-40} ended=0
[ -n "${1:-}" ] || [ -z "${WJIT_EMULATED:-}" ] || [ -n "${WJIT_EMULATE_ALL:-}" ] || mutants=4
for seed in $(seq "$mutants"); do
    export WJIT_LAYER_FAULT=mutate:$seed
    run "${under[@]}" "$WJIT" --gpu=any --gpu-isolate --gpu-explain --timeout 20s program.wasm
    case $code in
    0 | 134 | 124) ;;
    *) fail "mutant $seed: exit code $code: $(head -c 300 err)" ;;
    esac
    grep -q 'GPU process ended' err && ended=$((ended + 1))
done
echo "$mutants broken shaders ended $ended processes, and no program"
finish
