#!/bin/bash
# Calls through tables in kernels: function pointers in C, virtual functions in C++, tail calls, all
# that traps, functions that only the host can run, tables that someone may change.
. "$(dirname "$0")/lib.sh"
slow_emulated
need wat2wasm
. "$WJIT_ROOT/tests/run/gpu.sh"

functions='(type $f (func (param i32) (result i32))) (type $g (func (result i64)))
  (elem (i32.const 2) $triple $negate $triple $recurse $wide) (elem (i32.const 9) $host $square)
  (func $triple (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func $negate (param i32) (result i32) (i32.sub (i32.const 0) (local.get 0)))
  (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
  (func $recurse (param i32) (result i32) (if (result i32) (local.get 0)
    (then (i32.add (i32.const 1) (call_indirect (type $f)
      (i32.shr_u (local.get 0) (i32.const 1)) (i32.const 5)))) (else (i32.const 7))))
  (func $wide (result i64) (i64.const 0x123456789abc))
  (func $host (param i32) (result i32) (call $write (i32.const 1) (i32.const 64) (i32.const 0)
    (i32.const 72)))'
# table NAME: `program`, with a table of 12 entries around the functions.
table() {
    program "$1" "$functions"
    sed 's/(table funcref (elem $kernel))/(table 12 funcref) (elem (i32.const 0) $kernel)/' \
        "$1.wat" >"$1.t" && wat "$1" <"$1.t"
}
table calls <<'WAT'
(local.set $v (call_indirect (type $f) (local.get $x)
  (i32.add (i32.const 2) (i32.rem_u (local.get $x) (i32.const 3)))))
(local.set $q (call_indirect (type $g) (i32.const 6)))
(loop $again
  (local.set $w (i32.add (local.get $w) (call_indirect (type $f) (local.get $i)
    (select (i32.const 10) (i32.const 3) (i32.and (local.get $x) (local.get $i))))))
  (local.set $i (i32.add (local.get $i) (i32.const 1)))
  (br_if $again (i32.lt_u (local.get $i) (i32.and (local.get $x) (i32.const 15)))))
(i32.store (local.get $at) (local.get $v))
(i32.store offset=4 (local.get $at) (local.get $w))
(i64.store offset=8 (local.get $at) (local.get $q))
WAT
both calls
# One item comes to an entry that traps, in the CPU's words.
for entry in 1 7 8 11 6 0 12 -1; do
    table trap <<WAT
(i32.store (local.get \$at) (call_indirect (type \$f) (local.get \$x)
  (select (i32.const $entry) (i32.const 2) (i32.eq (local.get \$x) (i32.const 17)))))
WAT
    both trap 134
    words=$(grep -o 'trap: .*' err | head -n 1)
    expect 134 - "$WJIT" --gpu=off trap.wasm
    [ "$words" = "$(grep -o 'trap: .*' err | head -n 1)" ] || fail "entry $entry: '$words'"
    grep -q 'trap: ' err || fail "entry $entry: $(head -c 300 err)"
done
# What the device cannot run, or may call itself: the dispatch is done again from untouched memory,
# and the reason is that function's.
for entry in 5 9; do
    why='calls function [0-9]* .calls imported function 0: no device can call the host. .byte '
    [ $entry -ne 5 ] || why='function [0-9]* is recursive: use a loop .byte '
    table host <<WAT
(i32.store (local.get \$at) (i32.add (i32.load (local.get \$at)) (i32.const 1)))
(i32.store (local.get \$at) (i32.add (i32.load (local.get \$at))
  (call_indirect (type \$f) (local.get \$x)
    (select (i32.const $entry) (i32.const 2) (i32.gt_u (local.get \$x) (i32.const 80))))))
WAT
    expect 0 - "$WJIT" --gpu=off host.wasm
    cp out cpu
    expect 0 "not translated .byte [0-9]*.: an item called entry $entry of a table.*device: $why" \
        "$WJIT" --gpu=any --gpu-explain host.wasm
    cmp -s out cpu || fail "entry $entry: other output than on the CPU"
done
# Tables that are not the same for good.
refused() {
    expect 0 "not translated.*$1" "$WJIT" --gpu=any --gpu-explain changed.wasm
}
table base <<<'(if (local.get $w) (then (drop (call_indirect (type $f) (local.get $x)
    (local.get $x)))))'
sed 's/(table 12 funcref)/(table (export "t") 12 funcref)/' base.wat | wat changed
refused 'the table is exported'
sed 's/(func $fill/(func (table.set 0 (i32.const 1) (ref.null func))) &/' base.wat | wat changed
refused 'the program writes to the table'
sed 's/(func $fill/(func (table.set 1 (i32.const 1) (ref.null func))) &/
    s/(table 12 funcref)/& (table 3 funcref)/' base.wat | wat changed
expect 0 'kernel [^:]*: translated' "$WJIT" --gpu=any --gpu-explain changed.wasm

command -v clang-22 >/dev/null || { echo "no clang-22: no programs in C"; finish; }
# Pointers in memory, to functions with frames of their own; the table has those of the C library
# beside them, which call the host.
guest pointers -I"$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <stdio.h>
#include <wjit/gpu.h>
typedef int shade(int);
static int plain(int x) { return x * 5 - 3; }
static int mixed(int x)
{
    volatile int v[8];
    for (int i = 0; i < 8; i++) { v[i] = x ^ i * 77; }
    return v[x & 7] + v[(x >> 3) & 7];
}
static int asks(int x) { return printf("%d\n", x); }
static int nested(int x);
static shade *shades[] = {plain, mixed, nested, asks};
static int nested(int x) { return shades[x & 1](x + 1) - 1; }
struct args { shade *const *shades; int *out; int n; };
static void kernel(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    const struct args *a = p;
    int own[4] = {(int) x, 2, 3, 4};
    (void) y, (void) z;
    ((volatile int *) own)[x & 3] += 9;
    a->out[x] = a->shades[x % a->n]((int) x) + own[0];
}
static int out[1000];
int main(int argc, char **argv)
{
    struct args a = {shades, out, 3 + (argc > 1)};
    unsigned sum = 0;
    (void) argv;
    wjit_parallel_for(argc > 1 ? 4 : 1000, 1, 1, kernel, &a);
    for (int i = 0; i < 1000; i++) { sum = sum * 31 + (unsigned) out[i]; }
    printf("%u\n", sum);
    return 0;
}
C
both pointers
expect 0 - "$WJIT" --gpu=off pointers.wasm host
cp out cpu
expect 0 'not translated.*an item called entry.*: calls function .* .byte ' \
    "$WJIT" --gpu=any --gpu-explain pointers.wasm host
cmp -s out cpu || fail "pointers host: other output than on the CPU"
guest virtual -x c++ -fno-exceptions -fno-rtti -I"$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <stdio.h>
#include <wjit/gpu.h>
struct Shape { virtual float area() const { return 0; } virtual int id(int x) { return x; } };
struct Square : Shape { float a; float area() const override { return a * a; } };
struct Circle : Shape { float r; float area() const override { return r * r * 3.14159f; }
    int id(int x) override { return x + 1000; } };
static Square squares[50];
static Circle circles[50];
static Shape *shapes[100];
static float out[200];
static void kernel(uint32_t x, uint32_t, uint32_t, const void *)
{
    out[x] = shapes[x]->area();
    out[x + 100] = (float) shapes[x]->id((int) x);
}
int main()
{
    for (int i = 0; i < 50; i++) {
        squares[i].a = 0.5f * (float) i, circles[i].r = 0.25f * (float) i;
        shapes[i * 2] = &squares[i], shapes[i * 2 + 1] = &circles[i];
    }
    wjit_parallel_for(100, 1, 1, kernel, nullptr);
    fwrite(out, sizeof out, 1, stdout);
}
C
both virtual
# On all cores where no function of the table calls the host.
expect 0 - "$WJIT" --gpu=off --threads 2 --gpu-explain calls.wasm
grep -q 'kernel .*calls the host' err || fail "calls on cores: $(head -c 300 err)"

# Drivers put a function at each place that calls it, and take minutes for many branches.
branches=$(for bit in {1..30}; do
    echo "(block (br_if 0 (i32.and (local.get 0) (i32.const $bit)))
      (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 3)) (local.get 0))))"
done)
call='(call $many (i32.add (local.get $x) (i32.const 5)))'
program few "(func \$many (param i32) (result i32) (local i32) $branches (local.get 1))" \
    <<<"(i32.store (local.get \$at) (i32.add $call $call))"
both few
program many "(func \$many (param i32) (result i32) (local i32) $branches (local.get 1))" \
    <<<"(i32.store (local.get \$at) (i32.add (i32.add $call $call) (i32.add $call $call)))"
expect 0 'not translated: 120 conditional branches, with the functions' "$WJIT" --gpu=any \
    --gpu-explain many.wasm

# What is computed to compare must not reach the program's memory, in functions from a table either.
command -v clang-22 >/dev/null || { echo "no clang-22: no program in C"; finish; }
guest verified "-I$WJIT_ROOT/include" --no-wasm-opt <<'C'
#include <stdio.h>
#include <wjit/gpu.h>
enum { ITEMS = 3000 };
typedef void bump(uint32_t x, float by);
static uint32_t out[ITEMS];

static void up(uint32_t x, float by)
{
    out[x] += x + (uint32_t) by;
}

static void down(uint32_t x, float by)
{
    out[x] = out[x] * 3 - (uint32_t) by;
}

static bump *const bumps[] = {up, down};

static void pick(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    (void) y, (void) z, (void) p;
    bumps[x % 3 & 1](x, 2.5f);
}

int main(void)
{
    uint32_t sum = 0;
    wjit_parallel_for(ITEMS, 1, 1, pick, 0);
    wjit_parallel_for(ITEMS, 1, 1, pick, 0);
    for (unsigned i = 0; i < ITEMS; i++) {
        sum = sum * 31 + out[i];
    }
    printf("%u\n", sum);
}
C
expect 0 - "$WJIT" --gpu=off verified.wasm
sum=$(cat out)
for more in --gpu-verify=100% --check-kernels; do
    expect_out "$sum" "$WJIT" --gpu=any $more --gpu-explain verified.wasm
    grep -q 'kernel pick: translated$' err || fail "$more: $(head -c 300 err)"
done
finish
