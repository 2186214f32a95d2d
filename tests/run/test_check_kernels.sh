#!/bin/bash
# --check-kernels: right kernels pass in every order and on the device; races between items, a
# wrong bit from the device and a wrong lowering are found, and the kernel is named.
. "$(dirname "$0")/lib.sh"
need clang-22

check() {
    expect "$1" "$2" "$WJIT" --check-kernels "${@:3}"
}

guest right "-I$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <stdio.h>
#include <wjit/gpu.h>

static uint32_t out[1000];

__attribute__((noinline)) static void rows(uint32_t *row, uint32_t x)
{
    for (volatile uint32_t i = 0; i < 32; i++) {
        row[i] = x * i;
    }
}

static void plain(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    (void) y, (void) z;
    ((uint32_t *) args)[x] = x * 3 + 1;
}

/* What it leaves on the shadow stack is no result. */
static void stacked(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    uint32_t row[32];
    (void) y, (void) z;
    rows(row, x);
    ((uint32_t *) args)[x] += row[x % 32];
}

static void grouped(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase,
                    void *shared, void *own, const void *args)
{
    uint32_t *tile = shared, *mine = own;
    (void) gy, (void) gz;
    if (phase == 0) {
        mine[0] = tile[item] = gx * 10 + item;
    } else {
        ((uint32_t *) args)[gx * 10 + item] += tile[9 - item] + mine[0];
    }
}

static void printing(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    (void) y, (void) z, (void) args;
    printf("item %u\n", x);
}

int main(void)
{
    wjit_parallel_for(1000, 1, 1, plain, out);
    wjit_parallel_for(1000, 1, 1, stacked, out);
    wjit_parallel_groups(100, 1, 1, 10, 2, 40, 4, grouped, out);
    wjit_parallel_for(2, 1, 1, printing, out);
    printf("%p %u %u %u\n", (void *) out, out[0], out[500], out[999]);
}
C
expect 0 - "$WJIT" --gpu=off right.wasm
cp out plain_out
check 0 'kernel plain: 1 of 1 dispatches checked: the same bytes in every order$' right.wasm
cmp -s out plain_out || fail "checked: $(cat out)"
for line in 'stacked: 1 of 1 dispatches checked' 'grouped: 1 of 1 dispatches checked' \
    'printing: not checked: calls'; do
    grep -q "kernel $line" err || fail "stderr does not say '$line': $(head -c 600 err)"
done

# races NAME: a kernel NAME(x, args) on stdin whose items depend on each other.
racy() {
    { printf '#include <wjit/gpu.h>\nstatic uint32_t out[4096];\n'
      cat
      printf 'int main(void) { wjit_parallel_for(4000, 1, 1, %s, out);\n' "$1"
      printf 'return out[0] == 12345; }\n'; } >code.c
    guest racy "-I$WJIT_ROOT/include" --no-wasm-opt <code.c
    check 134 "kernel $1, dispatch 1: the byte at address 0x[0-9a-f]+ is 0x.. in the portable \
order, 0x.. in $2 order: its items depend on each other" racy.wasm
}

racy running_sum 'the reversed' <<'C'
static void running_sum(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    uint32_t *p = (uint32_t *) args;
    (void) y, (void) z;
    p[x + 1] = p[x] + x;
}
C
racy last_wins 'the reversed' <<'C'
static void last_wins(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    (void) y, (void) z;
    *(uint32_t *) args = x;
}
C
# The same bytes forwards and backwards.
racy palindrome 'a shuffled' <<'C'
static void palindrome(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    uint32_t *p = (uint32_t *) args, edge = x < 2000 ? x : 3999 - x;
    (void) y, (void) z;
    if (p[1] == edge) {
        p[1] = edge + 1;
    } else if (p[1] < 2000) {
        p[2] = 1;
    }
}
C
guest racy_group "-I$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <wjit/gpu.h>
static uint32_t out[64];
static void neighbours(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase,
                       void *shared, void *own, const void *args)
{
    uint32_t *tile = shared;
    (void) gx, (void) gy, (void) gz, (void) phase, (void) own;
    tile[item] = item;
    ((uint32_t *) args)[item] = tile[(item + 1) % 8];
}
int main(void)
{
    wjit_parallel_groups(1, 1, 1, 8, 1, 64, 0, neighbours, out);
    return out[0] == 12345;
}
C
check 134 'kernel neighbours, dispatch 1: .*reversed order: its items depend' racy_group.wasm
guest racy_trap "-I$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <wjit/gpu.h>
static uint32_t out[64];
static void traps(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    uint32_t *p = (uint32_t *) args;
    (void) y, (void) z;
    if (p[63] != 0) {
        __builtin_trap();
    }
    p[x] = x == 63;
}
int main(void)
{
    wjit_parallel_for(64, 1, 1, traps, out);
    return out[0] == 12345;
}
C
check 134 'traps, dispatch 1: no trap in the portable order, unreachable in the reversed order' \
    racy_trap.wasm

# Each order counts right, as long as one item comes after the other.
guest racy_count "-I$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <wjit/gpu.h>
static uint32_t out[100];
static void counts(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    (void) y, (void) z, (void) args;
    out[0] += x >= 8;
    out[64] += x >= 16;
}
int main(void)
{
    wjit_parallel_for(64, 1, 1, counts, 0);
    return out[0] == 12345;
}
C
check 0 'kernel counts: 1 of 1 dispatches checked' --lanes=off racy_count.wasm
check 134 'counts, dispatch 1: the byte at address 0x.* in the portable order, .* with several '\
'items at a time: its items depend on each other' --lanes=all racy_count.wasm

find_driver
if [ -z "$VK_ICD_FILENAMES" ] || [ ! -e /usr/include/vulkan/vk_layer.h ]; then
    echo "no software Vulkan driver, or no vulkan/vk_layer.h: the device was not checked"
    finish
fi
check 0 'kernel plain: 1 of 1 dispatches checked: the same bytes in every order and on llvmpipe' \
    --gpu=any right.wasm
cmp -s out plain_out || fail "checked on the device: $(cat out)"
# The verdicts of the device's self-test are kept by now: the faults below hit the kernel alone.
address=$(awk '/^0x/ { print $1 }' plain_out)
layer() {
    WJIT_LAYER_FAULT=$1 check 134 "$2" --gpu=any --gpu-memory=import right.wasm
}
WJIT_BARE=$WJIT
printf '#!/bin/bash\nexec "%s" "%s" "%s" "$@"\n' "$WJIT_ROOT/tests/vk/with_layer" "$scratch/layer" \
    "$WJIT_BARE" >layered
chmod +x layered
WJIT=$scratch/layered
layer "flip:$((address + 2))" "kernel plain, dispatch 1: the byte at address \
$(printf '0x%x' $((address + 2))) is 0x00 in the portable order, 0x01 on llvmpipe.*: the device or"
# OpIMul becomes OpIAdd.
layer swap:132:128 'kernel plain, dispatch 1: .* on llvmpipe.*: the device or its driver is at'
finish
