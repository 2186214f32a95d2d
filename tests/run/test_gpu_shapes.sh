#!/bin/bash
# What kernels are made of, in the shapes that compilers give it: switches by br_table, as a nest of
# blocks and as the state of a loop; unaligned accesses of every width; bytes and halves of one word
# that neighbouring items store. (Grids beyond the limits of a dispatch: test_gpu_bad.)
. "$(dirname "$0")/lib.sh"
need wat2wasm
. "$WJIT_ROOT/tests/run/gpu.sh"
# A nest of blocks: cases that end, that fall through, one target twice, the default in between.
program switch <<'WAT'
(block $end
  (block $d (block $c (block $b (block $a
    (br_table $a $b $a $d $c $end (i32.sub (local.get $x) (i32.const 3))))
    (local.set $v (i32.const 11)) (br $end))
    (local.set $v (i32.const 22)))
    (local.set $v (i32.add (local.get $v) (i32.const 33))) (br $end))
  (local.set $v (i32.add (local.get $v) (i32.load offset=16 (local.get $x)))))
(i32.store (local.get $at) (local.get $v))
WAT
both switch
# With a value, to a block and to the function.
program value <<'WAT'
(i32.store (local.get $at)
  (block $two (result i32)
    (block $one (result i32)
      (br_table $one $two $one (i32.mul (local.get $x) (i32.const 5))
        (i32.and (local.get $x) (i32.const 3))))
    (i32.xor (i32.const 0x5a))))
(block (br_table 0 1 (i32.eq (local.get $x) (i32.const 9))))
(i32.store offset=4 (local.get $at) (local.get $x))
WAT
both value
# A loop over a state: each case picks the next one, the loop is a target of the table, too.
program states <<'WAT'
(local.set $w (i32.rem_u (local.get $x) (i32.const 5)))
(block $end
  (loop $next
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $end (i32.gt_u (local.get $i) (i32.const 40)))
    (block $c (block $b (block $a
      (br_table $a $b $c $next $end (local.get $w)))
      (local.set $v (i32.add (i32.mul (local.get $v) (i32.const 3)) (local.get $i)))
      (local.set $w (i32.and (i32.shr_u (local.get $v) (i32.const 2)) (i32.const 3)))
      (br $next))
      (local.set $v (i32.xor (local.get $v) (i32.load offset=64 (i32.shl (local.get $i)
        (i32.const 2)))))
      (local.set $w (i32.add (i32.const 1) (i32.and (local.get $v) (i32.const 1))))
      (br $next))
    (local.set $v (i32.add (local.get $v) (local.get $x)))
    (local.set $w (i32.rem_u (local.get $v) (i32.const 6)))
    (br $next)))
(i32.store (local.get $at) (local.get $v))
(i32.store offset=4 (local.get $at) (local.get $i))
WAT
both states
# Loads from anywhere; stores into the item's own bytes, not aligned to their width.
program unaligned <<'WAT'
(local.set $w (i32.add (i32.const 64) (i32.mul (local.get $x) (i32.const 7))))
(i32.store16 offset=1 align=1 (local.get $at) (i32.load16_s align=1 (local.get $w)))
(i64.store offset=5 align=1 (local.get $at) (i64.load align=1 (local.get $w)))
(i32.store offset=3 align=1 (local.get $at) (i32.load offset=3 align=1 (local.get $w)))
(f32.store offset=10 align=2 (local.get $at) (f32.load offset=9 align=1 (local.get $w)))
(i32.store8 offset=15 (local.get $at) (i32.load8_s offset=5 (local.get $w)))
WAT
both unaligned
program vector <<'WAT'
(v128.store align=1 (i32.add (i32.const 8193) (i32.shl (local.get $x) (i32.const 4)))
  (v128.load align=1 (i32.add (i32.const 64) (i32.mul (local.get $x) (i32.const 13)))))
WAT
both vector
# Items 4n to 4n + 3 own a byte each of every fourth word, items 2n and 2n + 1 a half.
program neighbours <<'WAT'
(local.set $v (i32.add (i32.const 8192) (i32.shl (i32.shr_u (local.get $x) (i32.const 2))
  (i32.const 4))))
(loop $again
  (i32.store8 (i32.add (local.get $v) (i32.and (local.get $x) (i32.const 3)))
    (i32.add (local.get $x) (local.get $i)))
  (i32.store16 offset=4 (i32.add (local.get $v) (i32.shl (i32.and (local.get $x) (i32.const 3))
    (i32.const 1))) (i32.mul (local.get $x) (i32.const 259)))
  (i32.store8 offset=12 (i32.add (local.get $v) (i32.xor (i32.and (local.get $x) (i32.const 3))
    (i32.const 1))) (local.get $x))
  (local.set $i (i32.add (local.get $i) (i32.const 1)))
  (br_if $again (i32.lt_u (local.get $i) (i32.const 50))))
WAT
both neighbours

# Numbers of 32 bits widened to 64 and compared with constants: lavapipe compares what OpSConvert
# gives wrongly.
program widened <<'WAT'
(local.set $v (i32.mul (i32.sub (local.get $x) (i32.const 50)) (i32.const 50331653)))
(local.set $q (i64.extend_i32_s (local.get $v)))
(i32.store8 (local.get $at) (i64.gt_s (local.get $q) (i64.const 0)))
(i32.store8 offset=1 (local.get $at) (i64.lt_s (local.get $q) (i64.const 0)))
(i32.store8 offset=2 (local.get $at) (i64.ge_s (i64.extend_i32_s (local.get $v)) (i64.const 5)))
(i32.store8 offset=3 (local.get $at) (i64.lt_u (i64.extend_i32_u (local.get $v)) (i64.const 1000)))
(i32.store offset=4 (local.get $at) (local.get $v))
(i32.store8 offset=8 (local.get $at)
  (i64.gt_s (i64.load8_s offset=4 (local.get $at)) (i64.const 0)))
(i32.store8 offset=9 (local.get $at) (i64.gt_s (i64.load32_s offset=4 (local.get $at))
  (i64.const 7)))
(i32.store8 offset=10 (local.get $at) (i64.gt_u (i64.extend_i32_u (local.get $v)) (i64.const 9)))
WAT
both widened
finish
