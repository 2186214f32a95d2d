#!/bin/bash
# Atomic operations in kernels: counts and tickets of items that meet in one word, on all cores and
# on the device; in memory, in the memory of groups and on the stack; what traps and what must stay
# on the CPU. tests/spirv/every.py has each operation on edge values.
. "$(dirname "$0")/lib.sh"
need wat2wasm
. "$WJIT_ROOT/tests/run/gpu.sh"

# Unaligned accesses trap, also those that are in bounds; so do aligned ones outside.
program unaligned <<<'(drop (i32.atomic.rmw.add (i32.add (local.get $at) (local.get $x))
    (i32.const 1)))'
both unaligned 134
grep -q 'unaligned atomic' err || fail "unaligned: $(head -c 300 err)"
program offset <<<'(drop (i32.atomic.rmw16.or_u offset=1 (local.get $at) (i32.const 1)))'
both offset 134
program outside <<<'(i64.atomic.store (i32.shl (local.get $x) (i32.const 12)) (i64.const 1))'
both outside 134 "64-bit atomic operations"
# Fences, a chain of operations in a loop, values that differ by item; the last byte.
program mixed <<'WAT'
(loop $again
  (local.set $v (i32.add (local.get $v) (i32.atomic.rmw8.add_u
    (i32.add (local.get $at) (i32.and (local.get $i) (i32.const 3))) (local.get $x))))
  (atomic.fence)
  (local.set $q (i64.atomic.rmw16.xchg_u offset=8 (local.get $at)
    (i64.extend_i32_u (local.get $v))))
  (local.set $w (i32.atomic.rmw.cmpxchg offset=4 (local.get $at) (local.get $w) (local.get $i)))
  (local.set $i (i32.add (local.get $i) (i32.const 1)))
  (br_if $again (i32.lt_u (local.get $i) (i32.and (local.get $x) (i32.const 15)))))
(i32.atomic.store8 offset=10 (local.get $at) (local.get $v))
(i32.atomic.store16 offset=12 (local.get $at) (i32.wrap_i64 (local.get $q)))
(i32.store8 offset=14 (local.get $at) (local.get $w))
(drop (i32.atomic.rmw8.or_u (i32.const 131071) (i32.const 1)))
WAT
both mixed
# These stay on the CPU, with the reason.
for op in '(drop (memory.atomic.wait32 (local.get $at) (i32.const 1) (i64.const 0)))=wait: items' \
    '(drop (memory.atomic.notify (local.get $at) (i32.const 1)))=notify: wake'; do
    program stays '' <<<"(if (local.get \$w) (then ${op%=*}))"
    expect 0 "not translated.*${op##*=}" "$WJIT" --gpu=any --gpu-explain stays.wasm
done

command -v clang-22 >/dev/null || { echo "no clang-22: no programs in C"; finish; }
# Counts that many items add to, of each width; tickets, each given once; the last to arrive adds
# up what the others left.
cat >source.c <<'C'
#include <stdio.h>
#include <string.h>
#include <wjit/gpu.h>
enum { ITEMS = 20000, GROUPS = 64, GROUP_ITEMS = 48, BINS = 16 };
static unsigned words[BINS], tickets[ITEMS], next, arrived, sum, seen, partial[ITEMS];
static unsigned char bytes[BINS + 3], least;
static unsigned short halves[BINS];
static unsigned long long wide[BINS];
#define ADD(p, v) __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
static void count(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    const unsigned h = (x * 2654435761u) >> 28;
    (void) y, (void) z, (void) p;
    ADD(&words[h], x);
    ADD(&bytes[h + (x & 1)], x);
    __atomic_fetch_sub(&halves[h], h + 1, __ATOMIC_SEQ_CST);
    ADD(&wide[h], 0x100000001ull * x);
    __atomic_fetch_xor(&least, x, __ATOMIC_SEQ_CST);
    tickets[ADD(&next, 1)] = x;
    unsigned char old = __atomic_load_n(&bytes[BINS + 2], __ATOMIC_SEQ_CST);
    while (old < (unsigned char) x &&
           !__atomic_compare_exchange_n(&bytes[BINS + 2], &old, x, 0, 5, 5)) { }
}
static void last(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    (void) y, (void) z, (void) p;
    partial[x] = x * x;
    if (ADD(&arrived, 1) == ITEMS - 1) {
        unsigned s = 0;
        for (unsigned i = 0; i < ITEMS; i++) { s += partial[i]; }
        sum = s;
    }
}
static void group(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase,
                  void *shared, void *own, const void *p)
{
    unsigned *bins = shared;
    unsigned short *small = (unsigned short *) (bins + BINS), local[4] = {1, 2, 3, 4};
    (void) gy, (void) gz, (void) p;
    if (phase == 0) {
        ADD(&bins[(item * 7 + gx) % BINS], item);
        ADD(&small[item % 3], gx);
        ADD((unsigned char *) &small[4] + item % 2, 3);
        ADD(&local[item & 3], item);
        *(unsigned *) own = __atomic_exchange_n(&local[item & 3], 5, __ATOMIC_SEQ_CST);
    } else if (item < BINS) {
        ADD(&words[item], bins[item] + small[item % 5] + *(unsigned *) own);
    }
}
int main(void)
{
    wjit_parallel_for(ITEMS, 1, 1, count, 0);
    wjit_parallel_for(ITEMS, 1, 1, last, 0);
    wjit_parallel_groups(GROUPS, 1, 1, GROUP_ITEMS, 2, BINS * 4 + 12, 4, group, 0);
    for (unsigned i = 0; i < ITEMS; i++) { seen += tickets[i] * 3 + 1; }
    for (unsigned i = 0; i < BINS; i++) { printf("%u %u %llx\n", words[i], halves[i], wide[i]); }
    for (unsigned i = 0; i < BINS + 3; i++) { printf("%u ", bytes[i]); }
    printf("%u %u %u %u\n", least, next, sum, seen);
    return 0;
}
C
# check NAME: the counts of one thread on several, and on each device.
check() {
    local icd n verdict=translated
    expect 0 - "$WJIT" --gpu=off --threads 1 "$1.wasm"
    cp out one
    for n in 1 2 3; do
        expect 0 - "$WJIT" --gpu=off --threads 2 "$1.wasm"
        cmp -s out one || fail "$1: two threads count $(diff out one | head -n 4)"
    done
    for icd in "$VK_ICD_FILENAMES" "${WJIT_SWIFTSHADER_ICD:-}"; do
        [ -e "$icd" ] || continue
        VK_ICD_FILENAMES=$icd expect 0 - "$WJIT" --gpu=any --gpu-explain "$1.wasm"
        cmp -s out one || fail "$1 on $icd: counts $(diff out one | head -n 4)"
        kernels=$(grep -cE "kernel [a-z]*: $verdict$" err)
        [ "$kernels" = 3 ] || fail "$1 on $icd: $kernels of 3 kernels: $(head -c 600 err)"
        verdict='(translated|.*no 64-bit atomic operations)'
    done
}
guest counts -matomics -I"$WJIT_ROOT/include" --no-wasm-opt <source.c
check counts
# No sample of such items can be computed alone.
expect 0 'cannot run alone' "$WJIT" --gpu=any --gpu-verify=10% counts.wasm
cmp -s out one || fail "--gpu-verify: counts $(diff out one | head -n 4)"
# Memory that is shared, but nobody else there.
program shared <<'WAT'
(drop (i64.atomic.rmw32.add_u (i32.const 8192) (i64.const 3)))
(i32.atomic.store16 offset=10 (local.get $at) (local.get $x))
WAT
sed 's/(memory (export "memory") 2)/(memory (export "memory") 2 2 shared)/' shared.wat | wat lone
both lone
# Shared with a thread that is there: on the CPU.
imports='(import "env" "memory" (memory 2 2 shared))'
imports+='(import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))'
thread='(func (export "wasi_thread_start") (param i32 i32)'
thread+='(drop (memory.atomic.wait32 (i32.const 16) (i32.const 0) (i64.const -1))))'
sed -e "s/(memory (export \"memory\") 2)/$imports (export \"memory\" (memory 0))/" \
    -e 's/(call $fill (i32.const 2))/(drop (call $spawn (i32.const 0)))/' \
    -e "s/(func (export \"_start\")/$thread &/" shared.wat | wat threads
expect 0 'not translated: other threads may be using' "$WJIT" --gpu=any --gpu-explain threads.wasm
cmp -s out cpu || fail "threads: other output than alone"
finish
