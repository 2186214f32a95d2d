;; Branches out of two loops at once, to an outer loop from an inner one, and to the end of a block
;; right behind a loop.
(module
  (memory 1)
  (func (export "kernel") (param $x i32) (param $y i32) (param $z i32) (param $args i32)
    (local $i i32) (local $j i32)
    (block $all
      (block $rest
        (loop $outer
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (loop $inner
            (local.set $j (i32.add (local.get $j) (local.get $i)))
            (br_if $all (i32.eq (local.get $j) (local.get $x)))
            (br_if $outer (i32.and (local.get $j) (i32.const 4)))
            (br_if $rest (i32.gt_u (local.get $j) (i32.const 100)))
            (br $inner))))
      (i32.store (i32.shl (local.get $x) (i32.const 2)) (local.get $i)))))
