#!/bin/bash
# Kernels on all cores, through the command; what --gpu-explain says of the dispatch functions.
. "$(dirname "$0")/lib.sh"
need wat2wasm

# explained PATTERN: what --gpu-explain said on the last run.
explained() {
    grep -qE -- "$1" err || fail "--gpu-explain does not say '$1': $(head -c 400 err)"
}

# A first global that is no stack pointer, though it could be one by its type and value: a kernel
# that reads it gets what is in it, on every thread.
wat counter <<'WAT'
(module
  (global $g (mut i32) (i32.const 131072))
  (memory (export "memory") 16)
  (data (i32.const 131072) "above")
  (type $k (func (param i32 i32 i32 i32)))
  (table 2 funcref)
  (elem (i32.const 1) $kernel)
  (func $kernel (param i32 i32 i32 i32)
    (i32.store (i32.add (local.get 3) (i32.shl (local.get 0) (i32.const 2))) (global.get $g)))
  (func $for (export "wjit.parallel_for.v1") (param i32 i32 i32 i32 i32) (local i32)
    (loop
      (call_indirect (type $k) (local.get 5) (local.get 1) (local.get 2) (local.get 4)
        (local.get 3))
      (br_if 0 (i32.lt_u (local.tee 5 (i32.add (local.get 5) (i32.const 1))) (local.get 0)))))
  (func (export "sum") (result i32) (local i32 i32)
    (global.set $g (i32.sub (global.get $g) (i32.const 16)))
    (call $for (i32.const 65536) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 262144))
    (loop
      (local.set 1 (i32.or (local.get 1)
        (i32.ne (i32.const 131056) (i32.load offset=262144 (local.get 0)))))
      (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 4)))
        (i32.const 262144))))
    (local.get 1)))
WAT
for threads in 1 2 7; do
    expect_out 0 "$WJIT" --threads "$threads" --gpu-explain --invoke sum counter.wasm
done
explained 'uses the stack, which is not known'

# Names that cannot hold a dot.
sed 's/wjit\.parallel_for\.v1/wjit_parallel_for_v1/' counter.wat | wat underscores
expect_out 0 "$WJIT" --gpu-explain --invoke sum underscores.wasm
explained 'dispatch function .*: recognised'

command -v clang-22 >/dev/null || { echo "no clang-22: no programs in C"; finish; }
cat >source.c <<'C'
#include <stdio.h>
#include <wjit/gpu.h>

static uint32_t out[4096];

static void adds(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    (void) y, (void) z;
    ((uint32_t *) p)[x] += x * 3 + 1;
}

static void subtracts(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    (void) y, (void) z;
    ((uint32_t *) p)[x] -= x * 3 + 1;
}

static void swaps(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase,
                  void *shared, void *own, const void *p)
{
    uint32_t *tile = shared, *at = (uint32_t *) p + gx * 32, *mine = own;
    (void) gy, (void) gz;
    if (phase == 0) {
        tile[item] = at[item];
    } else if (phase == 1) {
        *mine += tile[31 - item];
    } else {
        at[item] = *mine + gx;
    }
}

int main(int argc, char **argv)
{
    static wjit_kernel *volatile const kernels[] = {subtracts, adds};
    uint32_t sum = 0;
    (void) argv;
    wjit_parallel_for(4096, 1, 1, kernels[argc & 1], out);
    if (argc < 9) {
        wjit_parallel_groups(128, 1, 1, 32, 3, 128, 4, swaps, out);
    }
    for (unsigned i = 0; i < 4096; i++) {
        sum = sum * 31 + out[i];
    }
    printf("%u\n", sum);
}
C
guest program "-I$WJIT_ROOT/include" --no-wasm-opt <source.c
expect_out 2451400704 "$WJIT" --threads 1 program.wasm
expect_out 2451400704 "$WJIT" --threads 5 --gpu-explain program.wasm
explained 'dispatch function wjit_parallel_for: recognised$'
explained 'dispatch function wjit_parallel_groups: recognised$'
if [ -n "${WJIT_AARCH64:-}" ]; then
    read -ra aarch64 <<<"$WJIT_AARCH64"
    for threads in 1 3; do
        expect_out 2451400704 "${aarch64[@]}" --threads $threads program.wasm
    done
fi
# There, but not called in this run.
expect 0 'dispatch function wjit_parallel_groups: not used$' "$WJIT" --gpu-explain program.wasm \
    1 2 3 4 5 6 7 8

# Inlined: the right results, and the place is named.
mkdir -p inlined/wjit
sed 's/weak, noinline, used, export_name/used, export_name/' \
    "$WJIT_ROOT/include/wjit/gpu.h" >inlined/wjit/gpu.h
guest inlined -Iinlined --no-wasm-opt <source.c
expect_out 2451400704 "$WJIT" --gpu-explain inlined.wasm
explained 'wjit_parallel_for: not recognised \(byte [0-9]+\): it was inlined into func [0-9]+'
# With its kernel.
guest unused "-I$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <wjit/gpu.h>
int main(void)
{
    return 0;
}
C
expect 0 'wjit_parallel_for: not used: no function calls it' "$WJIT" --gpu-explain unused.wasm

# Functions that items call through a table have frames on the shadow stack, too: each thread's
# items in its own slice.
guest calls "-I$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <stdio.h>
#include <wjit/gpu.h>
enum { ITEMS = 100000, WORDS = 24 };
typedef uint32_t mix(uint32_t x, float more);
static uint32_t out[ITEMS];

__attribute__((noinline)) static uint32_t mixed(uint32_t x, uint32_t by, uint32_t sum)
{
    volatile uint32_t on_stack[WORDS];
    for (uint32_t i = 0; i < WORDS; i++) {
        on_stack[i] = x * (i + by);
    }
    for (uint32_t i = 0; i < WORDS; i++) {
        sum = sum * 31 + on_stack[(i * 7 + x) % WORDS];
    }
    return sum;
}

static uint32_t first(uint32_t x, float more)
{
    return mixed(x, 1, (uint32_t) more);
}

static uint32_t second(uint32_t x, float more)
{
    return mixed(x, 5, (uint32_t) more + 1);
}

static mix *const mixes[] = {first, second};

static void picks(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    (void) y, (void) z, (void) p;
    out[x] += mixes[x % 3 & 1](x, 2.5f);
}

int main(void)
{
    uint32_t sum = 0;
    for (int i = 0; i < 3; i++) {
        wjit_parallel_for(ITEMS, 1, 1, picks, 0);
    }
    for (unsigned i = 0; i < ITEMS; i++) {
        sum = sum * 31 + out[i];
    }
    printf("%u\n", sum);
}
C
expect 0 - "$WJIT" --threads 1 calls.wasm
sum=$(cat out)
for command in "$WJIT" "${WJIT_AARCH64:-}"; do
    [ -n "$command" ] || continue
    read -ra words <<<"$command"
    for threads in 2 4; do
        expect_out "$sum" "${words[@]}" --threads $threads calls.wasm
    done
done
# No thread copies a table that its kernel does not call through: a hundred copies of this one would
# take a minute.
wat tables <<'WAT'
(module (memory (export "memory") 2)
  (table $called 3 funcref) (table $large 10000000 funcref)
  (elem (table $called) (i32.const 0) func $kernel $triple $more)
  (type $f (func (param i32) (result i32)))
  (func $triple (type $f) (i32.mul (local.get 0) (i32.const 3)))
  (func $more (type $f) (i32.add (local.get 0) (i32.const 3)))
  (func $kernel (param $x i32) (param i32 i32 i32)
    (i32.store (i32.shl (local.get $x) (i32.const 2)) (call_indirect $called (type $f)
      (local.get $x) (i32.add (i32.const 1) (i32.and (local.get $x) (i32.const 1))))))
  (func $dispatch (export "wjit.parallel_for.v1") (param $nx i32) (param i32 i32) (param $k i32)
    (param $args i32) (local $x i32)
    (loop $again
      (call_indirect $called (param i32 i32 i32 i32) (local.get $x) (i32.const 0) (i32.const 0)
                     (local.get $args) (local.get $k))
      (br_if $again (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1)))
                              (local.get $nx)))))
  (func (export "run") (result i32) (local $i i32)
    (loop $again
      (call $dispatch (i32.const 32768) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                              (i32.const 100))))
    (i32.add (i32.load offset=128 (i32.const 0)) (i32.load offset=131068 (i32.const 0)))))
WAT
expect_out 32866 timeout 20 "$WJIT" --threads 2 --invoke run tables.wasm
finish
