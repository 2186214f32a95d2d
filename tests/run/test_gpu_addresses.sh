#!/bin/bash
# Memories that no binding of the device takes: kernels reach them by their address, with the same
# bits and the same traps. WJIT_GPU_RANGE makes the largest binding small.
. "$(dirname "$0")/lib.sh"
slow_emulated
need wat2wasm
. "$WJIT_ROOT/tests/run/gpu.sh"
export WJIT_GPU_RANGE=65536
unset WJIT_SWIFTSHADER_ICD # which has no such addresses
# Words, bytes, vectors, bulk operations, unaligned accesses, atomic operations.
program words <<'WAT'
(local.set $w (i32.add (i32.const 64) (i32.mul (local.get $x) (i32.const 7))))
(i32.store (local.get $at) (i32.load align=1 (local.get $w)))
(i32.store8 offset=5 (local.get $at) (i32.load8_s (local.get $w)))
(i32.store16 offset=6 align=1 (local.get $at) (local.get $x))
(i64.store offset=8 (local.get $at) (i64.load align=1 (local.get $w)))
(if (i32.and (local.get $x) (i32.const 1)) (then
  (v128.store (local.get $at) (v128.load (i32.add (i32.const 1024)
    (i32.shl (local.get $x) (i32.const 4)))))
  (i32.store16 offset=1 align=1 (local.get $at) (local.get $x))))
(memory.copy (i32.add (local.get $at) (i32.const 12)) (local.get $w) (i32.const 3))
(i32.store8 (i32.const 131071) (i32.const 7))
WAT
both words
program atomics <<'WAT'
(drop (i32.atomic.rmw.add (i32.const 8192) (local.get $x)))
(drop (i32.atomic.rmw8.sub_u (i32.const 8197) (local.get $x)))
(drop (i64.atomic.rmw.add (i32.const 8200) (i64.const 0x100000003)))
WAT
both atomics
# The last bytes, and all that lies behind: other memory of the process is not reached.
for place in 131068 131069 131072 196608 -4 -2147483648; do
    program edge <<WAT
(i32.store (select (i32.const $place) (local.get \$at) (i32.eq (local.get \$x) (i32.const 17)))
  (i32.add (local.get \$x) (i32.load (select (i32.const $place) (local.get \$at)
    (i32.eq (local.get \$x) (i32.const 33))))))
WAT
    [ "$place" = 131068 ] && both edge || both edge 134
done
program last <<<'(v128.store align=1 (i32.const 131057) (v128.const i32x4 1 2 3 4))'
both last 134
# A copy on the device, and a memory that grows beyond the largest binding.
program grows <<<'(i32.store (local.get $at) (i32.load (i32.shl (local.get $x) (i32.const 2))))'
sed 's/(memory (export "memory") 2)/(memory (export "memory") 1)/
    s/(call $fill (i32.const 2))/&(call $dispatch (i32.const 9) (i32.const 1) (i32.const 1) \
      (i32.const 0) (i32.const 8192)) (drop (memory.grow (i32.const 3)))/' grows.wat >grows.t
tr '\n' ' ' <grows.t | wat grows
both grows
for mode in mirror import; do
    expect 0 'translated' "$WJIT" --gpu=any --gpu-memory=$mode --gpu-explain grows.wasm
    cmp -s out cpu || fail "grows, $mode: other output than on the CPU"
done
# The memory of groups and stacks beside it, in C; a memory of 200 MiB.
command -v clang-22 >/dev/null || { echo "no clang-22: no programs in C"; finish; }
guest large -I"$WJIT_ROOT/include" --no-wasm-opt -Wl,--initial-memory=209715200 <<'C'
#include <stdio.h>
#include <wjit/gpu.h>
enum { WORDS = 48 << 20 };
static unsigned words[WORDS];
static void spread(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase,
                   void *shared, void *own, const void *p)
{
    unsigned *s = shared, local[4] = {gx, item, 3, 4};
    (void) gy, (void) gz, (void) own, (void) p;
    if (phase == 0) {
        ((volatile unsigned *) local)[item & 3] += 5;
        s[item] = local[item & 1] * 77;
    } else {
        words[(gx * 16u + item) * 3000001u % WORDS] += s[15 - item];
    }
}
int main(void)
{
    unsigned long long sum = 0;
    wjit_parallel_groups(32, 1, 1, 16, 2, 64, 0, spread, 0);
    for (unsigned i = 0; i < WORDS; i += 64) { sum = sum * 31 + words[i]; }
    for (unsigned i = 0; i < 512; i++) { sum = sum * 31 + words[i * 3000001u % WORDS]; }
    printf("%llx\n", sum);
    return 0;
}
C
WJIT_GPU_RANGE=134217728 both large
# Beyond 2 GiB, where few bindings reach: of 3 GiB, most of it never touched.
unset WJIT_GPU_RANGE
guest huge -I"$WJIT_ROOT/include" --no-wasm-opt -Wl,--initial-memory=3221225472 <<'C'
#include <stdio.h>
#include <wjit/gpu.h>
static void far(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    (void) y, (void) z, (void) p;
    *(volatile unsigned *) (0xc0000000u - 4096u * (x + 1)) = x * 7 + 1;
    *(volatile unsigned *) (0x80000000u - 8192u + x * 64) = x;
}
int main(void)
{
    unsigned sum = 0;
    wjit_parallel_for(200, 1, 1, far, 0);
    for (unsigned x = 0; x < 200; x++) {
        sum = sum * 31 + *(volatile unsigned *) (0xc0000000u - 4096u * (x + 1));
        sum = sum * 31 + *(volatile unsigned *) (0x80000000u - 8192u + x * 64);
    }
    printf("%u\n", sum);
    return 0;
}
C
expect 0 - "$WJIT" --gpu=off huge.wasm
cp out cpu
expect 0 'kernel far: (translated|not translated.*takes)' "$WJIT" --gpu=any --gpu-explain huge.wasm
cmp -s out cpu || fail "huge: other output than on the CPU"
finish
