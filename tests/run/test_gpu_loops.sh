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
finish
