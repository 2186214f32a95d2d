#!/bin/bash
# --gpu-verify: items that the CPU computes too have the device's bytes; a wrong bit from the device
# and a wrong lowering are found, the memory grows in between, a sample that hangs is stopped.
. "$(dirname "$0")/lib.sh"
need clang-22
need_driver

for rate in 0 -1 1.01 101% x 1%% ''; do
    expect 125 '--gpu-verify' "$WJIT" --gpu-verify="$rate" nothing.wasm
done

guest growing "-I$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <wjit/gpu.h>

static uint32_t out[5000];
struct args { uint32_t *to; const uint32_t *from; };

static void adds(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    const struct args *args = p;
    (void) y, (void) z;
    args->to[x] += args->from[x] * 3 + 1;
}

int main(void)
{
    struct args args = {out, out};
    for (int i = 0; i < 6; i++) {
        wjit_parallel_for(5000, 1, 1, adds, &args);
        args.from = args.to;
        args.to = calloc(5000 << i, 4); /* at last half a megabyte */
    }
    printf("%p %u %u\n", (void *) out, args.from[0], args.from[4999]);
}
C
expect 0 - "$WJIT" --gpu=off growing.wasm
cp out plain_out
for rate in 100% 0.01 0.000001; do
    expect 0 - "$WJIT" --gpu=any --gpu-verify="$rate" growing.wasm
    cmp -s out plain_out || fail "--gpu-verify=$rate: $(cat out)"
    [ $rate = 0.01 ] && items=300 || { [ $rate = 100% ] && items=30000 || items=6; }
    grep -qx "wjit: kernel adds: $items items computed on the CPU too: the same bytes" err ||
        fail "--gpu-verify=$rate: $(head -c 300 err)"
done
# Nothing is computed twice where there is no device; who forgot to ask for one is told.
expect 0 'wjit: --gpu-verify: without --gpu kernels run on the CPU' \
    "$WJIT" --gpu-verify=100% growing.wasm
expect 0 'wjit: --gpu-isolate: without --gpu kernels run on the CPU' \
    "$WJIT" --gpu-isolate growing.wasm
expect 0 - "$WJIT" --gpu=off --gpu-verify=100% growing.wasm
[ ! -s err ] || fail "--gpu=off: $(head -c 300 err)"

guest endless "-I$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <wjit/gpu.h>
static volatile uint32_t flag[4];
static void spins(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    const volatile uint32_t *at = p;
    (void) y, (void) z;
    while (at[x] == 0) {
    }
}
int main(void)
{
    wjit_parallel_for(4, 1, 1, spins, (const void *) flag);
}
C
expect 124 - "$WJIT" --timeout 500ms --gpu=any --gpu-verify=1% endless.wasm

[ -e /usr/include/vulkan/vk_layer.h ] || { echo "no vulkan/vk_layer.h: no faults"; finish; }
address=$(awk '{ print $1 }' plain_out)
faulty() {
    WJIT_LAYER_FAULT=$1 expect 134 "$2" "$WJIT_ROOT/tests/vk/with_layer" "$scratch/layer" \
        "$WJIT" --gpu=any --gpu-memory=import --gpu-verify=100% growing.wasm
}
at=$((address + 4000))
faulty flip:$at "kernel adds, dispatch 1: the byte at address $(printf '0x%x' $at) is 0x01 on the \
CPU, 0x00 on llvmpipe.*: the device or its driver is at fault"
# OpIAdd becomes OpISub.
faulty swap:128:130 'kernel adds, dispatch 1: the byte at address .* on llvmpipe'
finish
