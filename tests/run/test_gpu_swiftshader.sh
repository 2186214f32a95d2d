#!/bin/bash
# A second driver, which flushes denormals and has neither 8-bit storage nor i64: each kernel runs
# there exactly, by integers where it must, or stays on the CPU with a reason.
# $WJIT_SWIFTSHADER_ICD names SwiftShader's vk_swiftshader_icd.json (docs/gpu-drivers.md says where
# it is to be had).
. "$(dirname "$0")/lib.sh"
need wat2wasm
[ -e "${WJIT_SWIFTSHADER_ICD:-}" ] || skip "no WJIT_SWIFTSHADER_ICD (Debian: chromium-common)"
export VK_ICD_FILENAMES=$WJIT_SWIFTSHADER_ICD
kernels=0
for name in saxpy mandelbrot nbody matmul; do
    wasm=$WJIT_BUILD/examples/$name.wasm
    [ -e "$wasm" ] || skip "no $wasm"
    expect 0 - "$WJIT" --gpu=off "$wasm"
    cp out cpu
    expect 0 - "$WJIT" --gpu=any --gpu-explain "$wasm"
    cmp -s out cpu || fail "$name: other output than on the CPU"
    kernels=$((kernels + $(grep -cE '^wjit: kernel [^:]*: ' err)))
    grep -E '^wjit: kernel ' err | grep -vqE ': translated$|: not translated.*: .' &&
        fail "$name: a kernel without a verdict: $(head -c 300 err)"
done
[ "$kernels" -ge 2 ] || fail "only $kernels kernels were spoken of"

# Integers alone: these run there.
wat integers <<'WAT'
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2) (table funcref (elem $kernel))
  (func $kernel (param $x i32) (param i32 i32) (param $args i32) (local $v i32) (local $i i32)
    (local.set $v (local.get $x))
    (loop $again
      (local.set $v (i32.xor (i32.rotl (i32.mul (local.get $v) (i32.const 1664525)) (i32.const 7))
                             (i32.div_u (i32.const -5) (i32.or (local.get $i) (i32.const 1)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.add (i32.const 50) (local.get $x)))))
    (i32.store (i32.add (local.get $args) (i32.shl (local.get $x) (i32.const 2))) (local.get $v)))
  (func $dispatch (export "wjit.parallel_for.v1")
    (param $nx i32) (param $ny i32) (param $nz i32) (param $k i32) (param $args i32) (local $x i32)
    (loop $again
      (call_indirect (param i32 i32 i32 i32) (local.get $x) (i32.const 0) (i32.const 0)
                     (local.get $args) (local.get $k))
      (local.set $x (i32.add (local.get $x) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $x) (local.get $nx)))))
  (func (export "_start")
    (call $dispatch (i32.const 1000) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 4000))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
WAT
expect 0 - "$WJIT" --gpu=off integers.wasm
cp out cpu
expect 0 '^wjit: kernel [^:]*: translated$' "$WJIT" --gpu=any --gpu-explain integers.wasm
cmp -s out cpu || fail "integers: other output than on the CPU"
finish
