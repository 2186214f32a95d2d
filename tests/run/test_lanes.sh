#!/bin/bash
# Kernels that do several items at a time: the bytes, traps and messages of one at a time.
. "$(dirname "$0")/lib.sh"
need wat2wasm python3

# every operation on edge values, and random kernels whose items part in loops and blocks
several() {
    local what=$1
    shift
    run python3 -B "$WJIT_ROOT/tests/$what" "$@"
    cat out
    [ "$code" -eq 0 ] || fail "$what: exit code $code: $(head -c 600 err)"
}
if [ -n "${WJIT_EMULATED:-}" ]; then
    echo "every operation and random kernels: the native build's run has them on AArch64"
else
    several spirv/every.py --wjit "$WJIT" --lanes --allow 'vectors itself|atomic|no form'
    grep -q '^1[6-9]. passed, 0 failed' out || fail "too few operations ran in lanes"
    several lanes/fuzz.py --wjit "$WJIT" --seed "${WJIT_FUZZ_SEED:-1}" --count 150 --seconds 30
    several lanes/fuzz.py --wjit "$WJIT --deterministic" --seed 500 --count 20 --seconds 10
fi
if [ -n "${WJIT_AARCH64:-}" ]; then
    several spirv/every.py --wjit "$WJIT_AARCH64" --lanes --allow 'vectors itself|atomic|no form'
    several lanes/fuzz.py --wjit "$WJIT_AARCH64" --seed 700 --count 40 --seconds 30
fi

# same MODULE [ARGS...]: one at a time and in lanes, on one thread and on several.
same() {
    local want expected
    run "$WJIT" --lanes=off --threads 1 "$@"
    want=$code expected=$(cat out)
    for threads in 1 3; do
        run "$WJIT" --lanes=all --threads $threads --stats=json "$@"
        [ "$code $(cat out)" = "$want $expected" ] ||
            fail "$* on $threads threads: exit code $code, not $want, and: $(head -c 200 out)"
    done
}

# in_lanes KERNEL: the last run did several of its items at a time. single KERNEL REASON: why not.
in_lanes() {
    grep -q "\"name\": \"$1\"[^}]*\"lanes\": 8, \"why_single\": \"\"" err ||
        fail "$1 ran one at a time: $(tail -n 1 err)"
}
single() {
    grep -qE "\"name\": \"$1\"[^}]*\"lanes\": 0, \"why_single\": \"$2" err ||
        fail "$1: '$2' was expected: $(tail -n 1 err)"
}

# program NAME BODY: kernel $k over the first argument's number of items, then a sum over memory.
program() {
    wat "$1" <<WAT
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func \$exit (param i32)))
  (memory (export "memory") 2 3)
  (type \$kernel (func (param i32 i32 i32 i32)))
  (table 2 funcref)
  (elem (i32.const 1) \$k)
  (func \$k (param \$x i32) (param i32 i32) (param \$args i32)
    (local \$i i32) (local \$j i32) (local \$f f32)
    $2)
  (func \$for (export "wjit.parallel_for.v1")
    (param \$nx i32) (param i32 i32) (param \$k i32) (param \$args i32) (local \$x i32)
    (block \$none
      (br_if \$none (i32.eqz (local.get \$nx)))
      (loop \$next
        (call_indirect (type \$kernel) (local.get \$x) (i32.const 0) (i32.const 0)
          (local.get \$args) (local.get \$k))
        (br_if \$next (i32.lt_u (local.tee \$x (i32.add (local.get \$x) (i32.const 1)))
          (local.get \$nx))))))
  (func (export "run") (param \$items i32) (result i32) (local \$at i32) (local \$sum i32)
    (call \$for (local.get \$items) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 4096))
    (loop \$next
      (local.set \$sum (i32.add (i32.mul (local.get \$sum) (i32.const 31))
        (i32.load (local.get \$at))))
      (br_if \$next (i32.lt_u (local.tee \$at (i32.add (local.get \$at) (i32.const 4)))
        (i32.const 131072))))
    (local.get \$sum)))
WAT
}
own='(i32.add (local.get $args) (i32.shl (local.get $x) (i32.const 2)))'

# Every count of items up to two calls' worth and the odd ones around them; none at all.
program counts "(i32.store $own (i32.add (i32.mul (local.get \$x) (i32.const 3)) (i32.const 1)))"
counts=(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 23 24 25 31 32 33 1000)
[ -z "${WJIT_EMULATED:-}" ] || counts=(0 1 7 8 9 33) # a start takes ten times as long
for items in "${counts[@]}"; do
    same --invoke run counts.wasm "$items"
done
in_lanes 'func 1'

# A loop that items leave one by one; what it leaves in locals.
program parting "
  (local.set \$i (i32.and (i32.mul (local.get \$x) (i32.const 37)) (i32.const 63)))
  (block \$out
    (loop \$again
      (local.set \$j (i32.add (local.get \$j) (local.get \$i)))
      (br_if \$out (i32.gt_u (local.get \$j) (i32.const 200)))
      (br_if \$again (i32.lt_u (local.tee \$i (i32.add (local.get \$i) (i32.const 3)))
        (i32.const 90)))))
  (i32.store $own (i32.add (i32.shl (local.get \$i) (i32.const 16)) (local.get \$j)))"
for items in 8 33 64; do
    same --invoke run parting.wasm $items
done
in_lanes 'func 1'

# The first arm of an `if` ends by branches to its own label: the other arm still comes.
program arms "
  (block \$all
    (if \$if (i32.and (local.get \$x) (i32.const 1))
      (then
        (local.set \$i (i32.mul (local.get \$x) (i32.const 5)))
        (br_if \$if (i32.const 1))
        (br \$if))
      (else
        (br_if \$all (i32.eq (local.get \$x) (i32.const 6)))
        (local.set \$i (i32.add (local.get \$x) (i32.const 100)))))
    (i32.store $own (local.get \$i)))"
same --invoke run arms.wasm 33
in_lanes 'func 1'

# A comparison of floats as a number, where no vector instruction takes it.
program compared "
  (i32.store $own (i32.shr_s
    (select (f32.gt (f32.convert_i32_u (local.get \$x)) (f32.const 3)) (local.get \$x)
      (i32.and (local.get \$x) (i32.const 2)))
    (local.get \$x)))"
same --invoke run compared.wasm 33
in_lanes 'func 1'

# Items that are elsewhere hold wild addresses, divide by zero and convert what no integer holds.
program wild "
  (local.set \$i (select (i32.const -4) $own (i32.and (local.get \$x) (i32.const 1))))
  (if (i32.eqz (i32.and (local.get \$x) (i32.const 1)))
    (then
      (i32.store (local.get \$i) (i32.add (i32.load (local.get \$i))
        (i32.div_s (i32.const -2147483648)
          (select (i32.const 3) (i32.const -1) (i32.eqz (i32.and (local.get \$x) (i32.const 1)))))))
      (f32.store offset=8192 (local.get \$i) (f32.convert_i32_s (i32.trunc_f32_s
        (f32.mul (f32.convert_i32_u (local.get \$x)) (f32.const 1.5)))))
      (i32.store8 offset=16384 (local.get \$i)
        (i32.load8_u offset=130000 (i32.sub (local.get \$i) (local.get \$args))))))"
for items in 16 41; do
    same --invoke run wild.wasm $items
done
in_lanes 'func 1'

# traps MODULE MESSAGE: the kernel's trap and its place are those of one at a time.
traps() {
    run "$WJIT" --lanes=off --threads 1 --invoke run "$1.wasm" 40
    [ "$code" -eq 134 ] || fail "$1 did not trap: exit code $code"
    head -n 2 err >single
    for threads in 1 3; do
        run "$WJIT" --lanes=all --threads $threads --invoke run "$1.wasm" 40
        [ "$code" -eq 134 ] || fail "$1 on $threads threads: exit code $code"
        # The same item traps first; frames further out are the runtime's.
        [ $threads -ne 1 ] || head -n 2 err | diff single - >/dev/null ||
            fail "$1: $(cat single err)"
        grep -q "$2" err || fail "$1: no '$2': $(head -c 300 err)"
    done
}
program out_of_bounds "(i32.store offset=126900 $own (i32.const 1))"
traps out_of_bounds 'out of bounds memory access'
program some_out "
  (if (i32.ge_u (local.get \$x) (i32.const 13))
    (then (i32.store (i32.shl (local.get \$x) (i32.const 15)) (i32.const 1))))"
traps some_out 'out of bounds memory access'
program loads_out "(i32.store $own (i32.load (i32.shl (local.get \$x) (i32.const 14))))"
traps loads_out 'out of bounds memory access'
program divides "
  (i32.store $own (i32.div_u (i32.const 9) (i32.sub (local.get \$x) (i32.const 21))))"
traps divides 'integer divide by zero'
program overflows "
  (i32.store $own (i32.div_s (i32.shl (local.get \$x) (i32.const 31))
    (i32.sub (i32.const -1) (i32.and (local.get \$x) (i32.const 2)))))"
traps overflows 'integer overflow'
program converts "
  (i32.store $own (i32.trunc_f32_s (f32.sqrt (f32.convert_i32_s
    (i32.sub (i32.const 30) (local.get \$x))))))"
traps converts 'invalid conversion to integer'
program gives_up "(if (i32.eq (local.get \$x) (i32.const 30)) (then (unreachable)))"
traps gives_up 'unreachable'

# An endless loop of some of the items is stopped.
program endless "(loop \$again (br_if \$again (i32.eq (local.get \$x) (i32.const 5))))"
for threads in 1 3; do
    expect 124 - "$WJIT" --lanes=all --threads $threads --timeout 200ms --invoke run endless.wasm 9
done

# Without guard regions, and from a compiled module.
(
    failures=0
    ulimit -v 4000000
    same --invoke run wild.wasm 41
    in_lanes 'func 1'
    [ "$failures" -eq 0 ]
) || fail "with explicit bounds"
"$WJIT" compile parting.wasm -o parting.cwasm
same --invoke run parting.cwasm 33
in_lanes 'func 1'

# Why some run one at a time.
program vectors '(i32.store (local.get $args) (i32x4.extract_lane 0
  (i32x4.splat (local.get $x))))'
same --invoke run vectors.wasm 16
single 'func 1' 'it computes with vectors itself'
program atomics "(drop (i32.atomic.rmw.add $own (i32.const 1)))"
same --invoke run atomics.wasm 16
single 'func 1' 'an atomic operation'
# By itself, what pays: not for a few items.
run "$WJIT" --stats=json --invoke run counts.wasm 64
single 'func 1' '"'
run "$WJIT" --stats=json --invoke run counts.wasm 4096
in_lanes 'func 1'
run "$WJIT" --lanes=off --stats=json --invoke run counts.wasm 4096
single 'func 1' '"'
expect 125 'auto, off or all was expected' "$WJIT" --lanes=some counts.wasm
expect 0 - "$WJIT" dump --emit=lanes counts.wasm
grep -q 'v128.store' out || fail "the dump shows no vectors"

command -v clang-22 >/dev/null || { echo "no clang-22: no programs in C"; finish; }
for example in mandelbrot nbody matmul saxpy; do
    [ -f "$WJIT_ROOT/build/release/examples/$example.wasm" ] || continue
    same "$WJIT_ROOT/build/release/examples/$example.wasm"
    [ $example = nbody ] && in_lanes pull
    [ $example = mandelbrot ] && in_lanes mandelbrot
done
finish
