#!/bin/bash
# Kernels of a module whose memory has 64-bit addresses: pointers are i64, and an address of more
# than 32 bits is outside like any other.
. "$(dirname "$0")/lib.sh"
slow_emulated
need wat2wasm
. "$WJIT_ROOT/tests/run/gpu.sh"
# wide NAME: a kernel's body on stdin, as for `program` of gpu.sh, with 64-bit addresses: $at is an
# i64, and so is $p.
wide() {
    cat >"$1.body"
    wat "$1" <<WAT
(module
  (import "wasi_snapshot_preview1" "fd_write" (func \$write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") i64 2) (table funcref (elem \$kernel))
  (func \$kernel (param \$x i32) (param i32 i32) (param \$args i64) (local \$at i64) (local \$p i64)
    (local \$i i32)
    (local.set \$at (i64.add (local.get \$args)
      (i64.shl (i64.extend_i32_u (local.get \$x)) (i64.const 4))))
    $(cat "$1.body"))
  (func \$fill (param \$i i64)
    (loop \$again
      (i32.store (i64.shl (local.get \$i) (i64.const 2))
                 (i32.mul (i32.wrap_i64 (local.get \$i)) (i32.const 0x01010101)))
      (local.set \$i (i64.add (local.get \$i) (i64.const 1)))
      (br_if \$again (i64.lt_u (local.get \$i) (i64.const 1024)))))
  (func \$dispatch (export "wjit.parallel_for.v1")
    (param \$nx i32) (param \$ny i32) (param \$nz i32) (param \$k i64) (param \$args i64)
    (local \$x i32)
    (loop \$again
      (call_indirect (param i32 i32 i32 i64) (local.get \$x) (i32.const 0) (i32.const 0)
                     (local.get \$args) (i32.wrap_i64 (local.get \$k)))
      (local.set \$x (i32.add (local.get \$x) (i32.const 1)))
      (br_if \$again (i32.lt_u (local.get \$x) (local.get \$nx)))))
  (func (export "_start")
    ${2:-}
    (call \$fill (i64.const 2))
    (call \$dispatch (i32.const 100) (i32.const 1) (i32.const 1) (i64.const 0) (i64.const 8192))
    (i32.store (i64.const 0) (i32.const 8192)) (i32.store (i64.const 4) (i32.const 1600))
    (drop (call \$write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
WAT
}
wide words <<'WAT'
(local.set $p (i64.add (i64.const 64) (i64.mul (i64.extend_i32_u (local.get $x)) (i64.const 7))))
(i32.store (local.get $at) (i32.load align=1 (local.get $p)))
(i32.store8 offset=5 (local.get $at) (i32.load8_s (local.get $p)))
(i64.store offset=8 (local.get $at) (i64.add (memory.size) (i64.load align=1 (local.get $p))))
(if (i32.and (local.get $x) (i32.const 1)) (then
  (v128.store (local.get $at) (v128.load (i64.add (i64.const 1024)
    (i64.shl (i64.extend_i32_u (local.get $x)) (i64.const 4)))))
  (i32.store16 offset=1 align=1 (local.get $at) (local.get $x))))
(memory.copy (i64.add (local.get $at) (i64.const 12)) (local.get $p) (i64.const 3))
(memory.fill (i64.add (local.get $at) (i64.const 11)) (local.get $x) (i64.const 1))
WAT
both words
WJIT_GPU_RANGE=65536 expect 0 'translated' "$WJIT" --gpu=any \
    --gpu-explain words.wasm
cmp -s out cpu || fail "words, by address: other output than on the CPU"
for mode in mirror import; do
    expect 0 'translated' "$WJIT" --gpu=any --gpu-memory=$mode --gpu-explain words.wasm
    cmp -s out cpu || fail "words, $mode: other output than on the CPU"
done
wide atomics <<'WAT'
(drop (i32.atomic.rmw.add (i64.const 8192) (local.get $x)))
(drop (i32.atomic.rmw8.sub_u (i64.const 8197) (local.get $x)))
WAT
both atomics
# The end of memory, and addresses whose low word alone would lie in it.
edge() { # PLACE STATEMENT
    wide edge <<WAT
(local.set \$p (select (i64.const $1) (i64.const 64) (i32.eq (local.get \$x) (i32.const 17))))
$2
WAT
}
edge 131068 '(i32.store (local.get $p) (i32.const 3))'
both edge
for place in 131069 4294967296 -4 -9223372036854775808; do
    edge $place '(i32.store align=1 (local.get $p) (i32.const 3))'
    both edge 134
done
while read -r statement; do
    edge 4294975488 "$statement"
    both edge 134
done <<'WAT'
(drop (i32.load (local.get $p)))
(drop (i32.atomic.rmw.add (local.get $p) (i32.const 1)))
(memory.fill (local.get $p) (i32.const 3) (i64.const 4))
(memory.copy (i64.const 64) (local.get $p) (i64.const 4))
WAT
wide count <<<'(memory.fill (i64.const 64) (i32.const 3) (i64.const 0x100000004))'
both count 134
# An offset that takes the sum over 64 bits: assemblers write it in 10 bytes, wabt in none.
wide over <<<'(local.set $p (i64.const 8)) (i32.store offset=4059165441 align=1
  (local.get $p) (i32.const 1)) (nop) (nop) (nop) (nop) (nop)'
python3 - <<'PY'
raw = open("over.wasm", "rb").read()
old = b"\x36\x00\x81\xe6\xc7\x8f\x0f" + b"\x01" * 5 # i32.store, and nops
assert raw.count(old) == 1
offset = 2**64 - 8
leb = bytes(offset >> 7 * i & 0x7f | (0x80 if i < 9 else 0) for i in range(10))
open("over.wasm", "wb").write(raw.replace(old, b"\x36\x00" + leb))
PY
both over 134
# Memories that only addresses of more than 32 bits reach the end of.
wide large '(drop (memory.grow (i64.const 65534)))' <<<'(i32.store (local.get $at) (local.get $x))'
expect 0 - "$WJIT" --gpu=off large.wasm
cp out cpu
expect 0 'kernel [^:]*: not translated: its memory has 4 GiB or more' "$WJIT" --gpu=any \
    --gpu-explain large.wasm
cmp -s out cpu || fail "large: other output than on the CPU"

# In C: pointers of 64 bits, a table with such indexes, stacks, groups. On one core, on several
# and on the device.
command -v clang-22 >/dev/null || { echo "no clang-22: no programs in C"; finish; }
cat >wide.c <<'C'
#include <wjit/gpu.h>
enum { N = 3000 };
static unsigned words[N], sums[N];
struct args { const unsigned *from; unsigned *to; unsigned (*change)(unsigned); };
static unsigned twice(unsigned a) { return 2 * a; }
static unsigned flip(unsigned a) { return ~a; }
static void local_array(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    const struct args *args = p;
    volatile unsigned a[4] = {x, y, z, args->from[x]};
    a[x & 3] += a[3];
    args->to[x] += a[0] * 3 + a[1] + a[2] + args->change(a[3]);
}
static void spread(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase,
                   void *shared, void *own, const void *p)
{
    unsigned *s = shared, *o = own;
    const struct args *args = p;
    (void) gy, (void) gz;
    if (phase == 0) {
        s[item] = args->from[gx * 16 + item];
        o[1] = item;
    } else {
        args->to[gx * 16 + item] += s[15 - item] + o[1];
    }
}
__attribute__((export_name("run"))) int run(void)
{
    for (unsigned i = 0; i < N; i++) { words[i] = i * 2654435761u; }
    struct args args = {words, sums, twice};
    wjit_parallel_for(N, 1, 1, local_array, &args);
    args.change = flip;
    wjit_parallel_for(N, 1, 1, local_array, &args);
    wjit_parallel_groups(N / 16, 1, 1, 16, 2, 64, 8, spread, &args);
    unsigned sum = 0;
    for (unsigned i = 0; i < N; i++) { sum = sum * 31 + sums[i]; }
    return (int) sum;
}
C
clang-22 --target=wasm64 -O2 -nostdlib -I"$WJIT_ROOT/include" -Wl,--no-entry --no-wasm-opt wide.c \
    -o wide.wasm || fail "clang-22 wide"
expect 0 - "$WJIT" --threads 1 --lanes=off --invoke run wide.wasm
cp out cpu
for threads in 1 4; do
    expect 0 - "$WJIT" --threads $threads --check-kernels --stats=json --invoke run wide.wasm
    cmp -s out cpu || fail "wide, $threads threads: $(cat out), not $(cat cpu)"
done
expect 0 - "$WJIT" --threads 4 --gpu-explain --invoke run wide.wasm
cmp -s out cpu || fail "wide, in parallel: $(cat out), not $(cat cpu)"
[ "$(grep -cE '^wjit: kernel (spread|local_array): on the CPU$' err)" -eq 2 ] ||
    fail "kernels do not run in parallel: $(cat err)"
for icd in "$VK_ICD_FILENAMES" "${WJIT_SWIFTSHADER_ICD:-}"; do
    [ -e "$icd" ] || continue
    VK_ICD_FILENAMES=$icd expect 0 'kernel spread: translated' "$WJIT" --gpu=any --gpu-explain \
        --invoke run wide.wasm
    grep -q 'kernel local_array: translated' err || fail "$icd: $(cat err)"
    cmp -s out cpu || fail "wide, $icd: $(cat out), not $(cat cpu)"
done
finish
