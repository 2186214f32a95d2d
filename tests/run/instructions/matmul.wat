;; c += a * b for 48 * 48 doubles, ten times, then the sum of c with vectors.
(module
  (memory 2)
  (func (export "run") (result f64)
    (local $n i32) (local $i i32) (local $j i32) (local $k i32) (local $s f64) (local $v v128)
    (loop $fill
      (f64.store (local.get $i)
        (f64.div (f64.convert_i32_u (i32.rem_u (local.get $i) (i32.const 97))) (f64.const 7)))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8)))
          (i32.const 55296))))
    (loop $again
      (local.set $i (i32.const 0))
      (loop $row
        (local.set $j (i32.const 0))
        (loop $column
          (local.set $k (i32.const 0))
          (local.set $s (f64.const 0))
          (loop $inner
            (local.set $s (f64.add (local.get $s) (f64.mul
                (f64.load (i32.shl (i32.add (i32.mul (local.get $i) (i32.const 48))
                      (local.get $k)) (i32.const 3)))
                (f64.load offset=18432 (i32.shl (i32.add (i32.mul (local.get $k) (i32.const 48))
                      (local.get $j)) (i32.const 3))))))
            (br_if $inner (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1)))
                (i32.const 48))))
          (f64.store offset=36864 (i32.shl (i32.add (i32.mul (local.get $i) (i32.const 48))
                (local.get $j)) (i32.const 3))
            (local.get $s))
          (br_if $column (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1)))
              (i32.const 48))))
        (br_if $row (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
            (i32.const 48))))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
          (i32.const 10))))
    (local.set $i (i32.const 0))
    (loop $sum
      (local.set $v (f64x2.add (local.get $v) (v128.load offset=36864 (local.get $i))))
      (br_if $sum (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16)))
          (i32.const 18432))))
    (f64.add (f64x2.extract_lane 0 (local.get $v)) (f64x2.extract_lane 1 (local.get $v)))))
