;; add -> R 5
;; add_wide -> R 7
;; exchange -> R 9
(module
  ;; The base of a memory other than the first was in the register that the old value came into.
  (memory 1 1 shared) (memory 1 1 shared) (memory i64 1)
  (func $a (param i32 i32) (result i32) (i32.atomic.rmw.add 1 (local.get 0) (local.get 1)))
  (func $x (param i32 i32 i32) (result i32)
    (i32.atomic.rmw8.cmpxchg_u 1 (local.get 0) (local.get 1) (local.get 2)))
  (func $b (param i64 i32) (result i32) (i32.atomic.rmw.add 2 (local.get 0) (local.get 1)))
  (func (export "add") (result i32)
    (drop (call $a (i32.const 8) (i32.const 5))) (call $a (i32.const 8) (i32.const 0)))
  (func (export "add_wide") (result i32)
    (drop (call $b (i64.const 8) (i32.const 7))) (call $b (i64.const 8) (i32.const 0)))
  (func (export "exchange") (result i32)
    (drop (call $x (i32.const 16) (i32.const 0) (i32.const 9)))
    (call $x (i32.const 16) (i32.const 3) (i32.const 1))))
