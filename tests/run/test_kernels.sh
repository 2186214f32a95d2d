#!/bin/bash
# Kernels on all cores, through the command.
. "$(dirname "$0")/lib.sh"
need wat2wasm

# explained PATTERN: what --gpu-explain said on the last run.
explained() {
    grep -qE -- "$1" err || fail "--gpu-explain does not say '$1': $(head -c 400 err)"
}

# A first global that is no stack pointer, though it could be one by its type and value: a kernel
# that reads it gets what is in it, on every thread.
wat counter <<'WAT'
(module
  (global $g (mut i32) (i32.const 131072))
  (memory (export "memory") 16)
  (data (i32.const 131072) "above")
  (type $k (func (param i32 i32 i32 i32)))
  (table 2 funcref)
  (elem (i32.const 1) $kernel)
  (func $kernel (param i32 i32 i32 i32)
    (i32.store (i32.add (local.get 3) (i32.shl (local.get 0) (i32.const 2))) (global.get $g)))
  (func $for (export "wjit.parallel_for.v1") (param i32 i32 i32 i32 i32) (local i32)
    (loop
      (call_indirect (type $k) (local.get 5) (local.get 1) (local.get 2) (local.get 4)
        (local.get 3))
      (br_if 0 (i32.lt_u (local.tee 5 (i32.add (local.get 5) (i32.const 1))) (local.get 0)))))
  (func (export "sum") (result i32) (local i32 i32)
    (global.set $g (i32.sub (global.get $g) (i32.const 16)))
    (call $for (i32.const 65536) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 262144))
    (loop
      (local.set 1 (i32.or (local.get 1)
        (i32.ne (i32.const 131056) (i32.load offset=262144 (local.get 0)))))
      (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 4)))
        (i32.const 262144))))
    (local.get 1)))
WAT
for threads in 1 2 7; do
    expect_out 0 "$WJIT" --threads "$threads" --gpu-explain --invoke sum counter.wasm
done
explained 'uses the stack, which is not known'
finish
