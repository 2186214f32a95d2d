;; div_u -> R 1229782938247303441
;; div_s -> R -3
;; rem_u -> R 15
;; div_u32 -> R 286331153
;; nested -> R 4
;; exchange -> R 42
;; exchange_in_register -> R 84
(module
  ;; The registers that divisions and exchanges insist on: the conditions on them were enum
  ;; constants, which the preprocessor takes for 0.
  (memory 1 1 shared)
  (data (i32.const 8) "\2a\00\00\00")
  (func $u (param i64 i64) (result i64) (i64.div_u (local.get 0) (local.get 1)))
  (func $s (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
  (func $r (param i64 i64) (result i64) (i64.rem_u (local.get 0) (local.get 1)))
  (func $u32 (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
  (func (export "div_u") (result i64) (call $u (i64.const -1) (i64.const 15)))
  (func (export "div_s") (result i64) (call $s (i64.const -47) (i64.const 15)))
  (func (export "rem_u") (result i64) (call $r (i64.const 0xffff) (i64.const 16)))
  (func (export "div_u32") (result i32) (call $u32 (i32.const -1) (i32.const 15)))
  (func $n (param i32 i32 i32) (result i32)
    (i32.div_u (i32.div_u (i32.mul (local.get 0) (local.get 1))
        (i32.rem_u (local.get 0) (local.get 2)))
      (i32.div_s (i32.mul (local.get 1) (local.get 2)) (i32.rem_s (local.get 1) (local.get 2)))))
  (func (export "nested") (result i32) (call $n (i32.const 29) (i32.const 17) (i32.const 6)))
  (func $x (param i32 i32) (result i32)
    (i32.atomic.rmw.cmpxchg (local.get 0) (i32.add (local.get 1) (i32.const 1))
      (i32.sub (local.get 1) (i32.const 1))))
  (func (export "exchange") (result i32) (call $x (i32.const 8) (i32.const 41)))
  (func (export "exchange_in_register") (result i32)
    (i32.atomic.store (i32.const 8) (i32.const 42))
    (i32.add (call $x (i32.mul (i32.const 2) (i32.const 4)) (i32.const 50))
      (i32.atomic.load (i32.const 8)))))
