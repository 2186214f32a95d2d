#!/bin/bash
# memory.fill and memory.copy on the device: by words and by bytes, overlapping both ways, of no
# bytes, outside; calls with several results, and tail calls.
. "$(dirname "$0")/lib.sh"
need wat2wasm
. "$WJIT_ROOT/tests/run/gpu.sh"
program fill <<'WAT'
(memory.fill (local.get $at) (local.get $x) (i32.and (local.get $x) (i32.const 15)))
WAT
both fill
program copy <<'WAT'
(memory.copy (local.get $at) (i32.add (i32.const 64) (local.get $x)) (i32.const 16))
(memory.copy (i32.add (local.get $at) (i32.and (local.get $x) (i32.const 7)))
             (i32.add (local.get $at)
                      (i32.and (i32.shr_u (local.get $x) (i32.const 2)) (i32.const 4)))
             (i32.and (local.get $x) (i32.const 8)))
(memory.copy (i32.const 131072) (i32.const 131072) (i32.const 0))
WAT
both copy
program words <<'WAT'
(memory.fill (local.get $at) (i32.const -2) (i32.const 16))
(memory.copy (i32.add (local.get $at) (i32.const 4)) (i32.add (i32.const 64)
             (i32.shl (local.get $x) (i32.const 2))) (i32.const 8))
(memory.copy (local.get $at) (i32.add (local.get $at) (i32.const 4)) (i32.const 12))
WAT
both words
for body in '(memory.fill (i32.const 131071) (i32.const 0) (i32.const 2))' \
    '(memory.fill (i32.const 131073) (i32.const 0) (i32.const 0))' \
    '(memory.copy (local.get $at) (i32.const 131070) (i32.const 3))' \
    '(memory.fill (i32.const 16) (i32.const 0) (i32.const -8))'; do
    program outside <<<"$body"
    both outside 134
done
program results '(func $pair (param i32) (result i32 i64)
    (i32.mul (local.get 0) (i32.const 3)) (i64.extend_i32_s (i32.sub (i32.const 7) (local.get 0))))
  (func $swap (param i64 i32) (result i32 i64) (local.get 1) (local.get 0))
  (func $tail (param i32) (result i32 i64)
    (if (i32.and (local.get 0) (i32.const 1)) (then (return_call $pair (local.get 0))))
    (return_call $swap (i64.const 5) (local.get 0)))' <<'WAT'
(call $tail (local.get $x)) (local.set $q) (local.set $v)
(i32.store (local.get $at) (local.get $v))
(i64.store offset=8 (local.get $at) (local.get $q))
WAT
both results
finish
