;; One item, one element: y[x] += a * x[x]. Pointers are tested for alignment once, bounds by a
;; clamp; the store is what makes the general version necessary at all.
(module
  (memory 1)
  (func (export "kernel") (param $x i32) (param $y i32) (param $z i32) (param $args i32)
    (local $at i32)
    (local.set $at
      (i32.add (i32.load offset=8 (local.get $args)) (i32.shl (local.get $x) (i32.const 2))))
    (f32.store (local.get $at)
      (f32.add (f32.load (local.get $at))
        (f32.mul (f32.load (local.get $args))
          (f32.load
            (i32.add (i32.load offset=4 (local.get $args))
              (i32.shl (local.get $x) (i32.const 2)))))))))
