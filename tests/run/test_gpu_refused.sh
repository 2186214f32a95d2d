#!/bin/bash
# A driver that runs out of memory, or refuses a pipeline, at any moment: the program goes on with
# the right result, on the CPU where it must, and says so. What the driver gets back is clear.
. "$(dirname "$0")/lib.sh"
slow_emulated
need clang-22
need_driver
[ -e /usr/include/vulkan/vk_layer.h ] || skip "no vulkan/vk_layer.h (Debian: libvulkan-dev)"
under=("$WJIT_ROOT/tests/vk/with_layer" "$scratch/layer")

guest program "-I$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <wjit/gpu.h>

static void adds(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    uint32_t *to = *(uint32_t *const *) p;
    (void) y, (void) z;
    to[x] += x * 3 + 1;
}

static void mixes(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    uint32_t *to = *(uint32_t *const *) p;
    (void) y, (void) z;
    to[x] = to[x] * 1664525u + 1013904223u;
}

int main(void)
{
    uint32_t sum = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t *to = calloc(50000 << i, 4); /* the memory grows */
        wjit_parallel_for(5000, 1, 1, adds, &to);
        wjit_parallel_for(5000, 1, 1, mixes, &to);
        for (int k = 0; k < 5000; k++) {
            sum = sum * 31 + to[k];
        }
    }
    printf("%u\n", sum);
}
C
expect 0 - "$WJIT" --gpu=off program.wasm
cp out right
run "$WJIT" --gpu=any program.wasm # the device's verdicts are there from here on

total() {
    awk -v name="$1" '$1 == name { print $2 }' layer/log
}

for mode in import mirror; do
    expect 0 'kernel adds: translated' "${under[@]}" "$WJIT" --gpu=any --gpu-memory=$mode \
        --gpu-explain program.wasm
    cmp -s out right || fail "$mode: $(cat out)"
    [ "$(total freed)" -gt 0 ] && [ "$(total dirty)" = 0 ] ||
        fail "$mode: $(total dirty) of $(total freed) pieces of memory came back with something"
    on_cpu=0
    for fault in memory:{1,2,3,5,7,8,10,13} pipeline:{1,2}; do
        export WJIT_LAYER_FAULT=$fault
        run "${under[@]}" "$WJIT" --gpu=any --gpu-memory=$mode --gpu-explain program.wasm
        unset WJIT_LAYER_FAULT
        if [ "$code" = 125 ]; then # the device could not even be opened
            grep -q '^wjit: --gpu: Vulkan: .*out of device memory$' err ||
                fail "$mode, $fault: $(head -c 300 err)"
            continue
        fi
        [ "$code" = 0 ] && cmp -s out right ||
            fail "$mode, $fault: exit code $code, $(cat out) $(head -c 300 err)"
        grep -q 'not translated: Vulkan: vk[A-Za-z]*: out of' err && on_cpu=$((on_cpu + 1))
        [ "$(total dirty)" = 0 ] || fail "$mode, $fault: memory was given back with something in it"
    done
    [ "$on_cpu" -ge 4 ] || fail "$mode: only $on_cpu faults were met"
    echo "$mode: $on_cpu faults sent kernels to the CPU"
done
finish
