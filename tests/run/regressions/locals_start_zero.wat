;; skipped -> R 0
;; set -> R 7
;; loop -> R 10
(module
  ;; A local whose first use in the text is a set starts as zero all the same where that set may not
  ;; run first: a call before leaves other bits in the registers and slots.
  (func $dirty (result i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32)
    (local.set 0 (i32.const -1)) (local.set 1 (i32.const -1)) (local.set 2 (i32.const -1))
    (local.set 3 (i32.const -1)) (local.set 4 (i32.const -1)) (local.set 5 (i32.const -1))
    (local.set 6 (i32.const -1)) (local.set 7 (i32.const -1))
    (i32.add (i32.add (i32.add (local.get 0) (local.get 1)) (i32.add (local.get 2) (local.get 3)))
             (i32.add (i32.add (local.get 4) (local.get 5)) (i32.add (local.get 6) (local.get 7)))))
  (func $in_block (param i32) (result i32) (local i32)
    (block (br_if 0 (local.get 0)) (local.set 1 (i32.const 7)))
    (local.get 1))
  (func $in_loop (param i32) (result i32) (local i32 i32)
    (loop
      (local.set 2 (i32.add (local.get 2) (local.get 1)))
      (local.set 1 (i32.const 5))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 2))
  (func (export "skipped") (result i32) (drop (call $dirty)) (call $in_block (i32.const 1)))
  (func (export "set") (result i32) (drop (call $dirty)) (call $in_block (i32.const 0)))
  (func (export "loop") (result i32) (drop (call $dirty)) (call $in_loop (i32.const 3))))
