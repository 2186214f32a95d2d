#!/bin/bash
# Loops on the device: what was loaded in one and is used behind it, by items that left it early.
# Drivers that mask loads lose it when the load is done again for the items that go on.
. "$(dirname "$0")/lib.sh"
need wat2wasm
. "$WJIT_ROOT/tests/run/gpu.sh"
# One way out.
program once <<'WAT'
(loop $again
  (local.set $i (i32.add (local.get $i) (i32.const 1)))
  (local.set $v (i32.load offset=16 (i32.shl (local.get $i) (i32.const 2))))
  (br_if $again (i32.lt_u (local.get $i) (i32.and (local.get $x) (i32.const 7)))))
(i32.store (local.get $at) (local.get $v))
WAT
both once
# Several, out of several blocks, with a result and in a loop inside a loop.
program several <<'WAT'
(i32.store (local.get $at)
  (block $out (result i32)
    (loop $outer (result i32)
      (local.set $w (i32.load offset=64 (i32.shl (local.get $i) (i32.const 2))))
      (loop $inner
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (local.set $q (i64.load offset=16 (i32.shl (local.get $i) (i32.const 3))))
        (drop (br_if $out (i32.load8_u offset=33 (local.get $i))
                     (i32.eq (local.get $i) (i32.rem_u (local.get $x) (i32.const 13)))))
        (br_if $inner (i32.and (local.get $i) (i32.const 3))))
      (br_if $outer (i32.lt_u (local.get $i) (i32.and (local.get $x) (i32.const 31))))
      (i32.load offset=128 (i32.shl (local.get $i) (i32.const 2))))))
(i32.store offset=4 (local.get $at) (local.get $w))
(i64.store offset=8 (local.get $at) (local.get $q))
WAT
both several
# The trap of an item that has left, too.
program trap <<'WAT'
(loop $again
  (local.set $i (i32.add (local.get $i) (i32.const 1)))
  (local.set $v (i32.load offset=16 (i32.shl (local.get $i) (i32.const 2))))
  (local.set $w (i32.load (i32.mul (i32.eq (local.get $x) (i32.const 17)) (local.get $v))))
  (br_if $again (i32.lt_u (local.get $i) (i32.and (local.get $x) (i32.const 7)))))
(i32.store (local.get $at) (local.get $v))
WAT
both trap 134
# Endless but for its trap.
program endless <<'WAT'
(loop $again
  (local.set $i (i32.add (local.get $i) (i32.const 4)))
  (local.set $w (i32.or (i32.const 8) (i32.and (local.get $x) (i32.const 7))))
  (local.set $v (i32.load (i32.shl (local.get $i) (local.get $w))))
  (br $again))
WAT
both endless 134
# Long ones: right on the device, or on the CPU.
same() {
    local icd
    expect 0 - "$WJIT" --gpu=off "$1.wasm"
    cp out cpu
    for icd in "$VK_ICD_FILENAMES" "${WJIT_SWIFTSHADER_ICD:-}"; do
        [ -e "$icd" ] || continue
        VK_ICD_FILENAMES=$icd expect 0 - "$WJIT" --gpu=any "$1.wasm"
        cmp -s cpu out || fail "$1 on $icd: other output than on the CPU"
    done
}
program long <<'WAT'
(if (i32.eq (local.get $x) (i32.const 42)) (then
  (loop $again
    (local.set $v (i32.add (i32.mul (local.get $v) (i32.const 1664525)) (local.get $i)))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $i) (i32.const 10000000))))))
(i32.store (local.get $at) (local.get $v))
WAT
same long
program arms <<'WAT'
(if (i32.and (local.get $x) (i32.const 1))
  (then (loop $again
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (local.set $v (i32.add (i32.mul (local.get $v) (i32.const 5)) (local.get $i)))
    (br_if $again (i32.lt_u (local.get $i) (i32.mul (local.get $x) (i32.const 700))))))
  (else (loop $outer
    (local.set $w (local.get $x))
    (loop $inner
      (local.set $v (i32.xor (i32.rotl (local.get $v) (i32.const 3)) (local.get $w)))
      (local.set $w (i32.sub (local.get $w) (i32.const 1)))
      (br_if $inner (i32.gt_s (local.get $w) (i32.const 0))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $outer (i32.lt_u (local.get $i) (i32.const 900))))))
(i32.store (local.get $at) (local.get $v))
WAT
same arms
finish
