;; Blocks, branches and a table that carry values; division that may trap.
(module
  (memory 1)
  (func (export "kernel") (param $x i32) (param $y i32) (param $z i32) (param $args i32)
    (i32.store (local.get $args)
      (block $v (result i32)
        (if (result i32) (i32.lt_u (local.get $x) (i32.const 3))
          (then
            (block $a
              (block $b
                (block $c
                  (br_table $a $b $c $b (local.get $x)))
                (br $v (i32.const 30)))
              (br $v (i32.const 20)))
            (i32.const 10))
          (else (i32.div_s (local.get $x) (local.get $y))))))))
