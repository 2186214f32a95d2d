#!/bin/bash
# Drivers clamp what they are asked for, and would hide a check that is missing. wjit_check runs the
# shaders itself, and ends with 99 at the first access outside: examples, random kernels in all
# lowerings, hostile addresses. Faults that are planted must show.
. "$(dirname "$0")/lib.sh"
need wat2wasm python3
check=$WJIT_BUILD/wjit_check
[ -x "$check" ] || skip "no $check"
slow_emulated
spirv=$WJIT_ROOT/tests/spirv

for name in saxpy matmul; do
    wasm=$WJIT_BUILD/examples/$name.wasm
    [ -e "$wasm" ] || { echo "no $wasm"; continue; }
    expect 0 - "$WJIT" --gpu=off "$wasm"
    cp out cpu
    expect 0 ': translated$' "$check" --gpu=any --gpu-explain "$wasm"
    cmp -s out cpu || fail "$name: other output than on the CPU"
done

unset WJIT_AARCH64 # test_gpu_fuzz.sh runs kernels there
seed=${WJIT_FUZZ_SEED:-1}
for device in "" pairs words soft,words,pairs loops,fuel far; do
    export WJIT_CHECK_DEVICE=$device
    run python3 -B "$spirv/fuzz_kernels.py" --wjit "$check" --node "" --seed "$seed" --count 20
    seed=$((seed + 20))
    [ "$code" -eq 0 ] || fail "device '$device': $(head -c 600 out err)"
done
unset WJIT_CHECK_DEVICE
run python3 -B "$spirv/every.py" --wjit "$check" --allow atomic
[ "$code" -eq 0 ] || fail "every operation: $(head -c 600 out err)"
run python3 -B "$spirv/hostile.py" --check "$check" --seed "${WJIT_FUZZ_SEED:-1}" --count 30 \
    --plant 4
cat out
[ "$code" -eq 0 ] || fail "hostile addresses: $(head -c 600 out err)"
WJIT_CHECK_DEVICE=far run python3 -B "$spirv/hostile.py" --check "$check" --count 30 \
    --seed "$((${WJIT_FUZZ_SEED:-1} + 30))"
[ "$code" -eq 0 ] || fail "hostile addresses, by address: $(head -c 600 out err)"

# Lanes of f64 that are only moved: where there is no f64 the kernel stays on the CPU. Once it had a
# shader of no sense, on which SwiftShader crashed.
wat lanes <<'WAT'
(module
  (memory (export "memory") 1) (table funcref (elem $k))
  (func $k (param $x i32) (param i32 i32) (param $args i32)
    (f64.store (local.get $args) (f64x2.extract_lane 1 (v128.load (local.get $args)))))
  (func $for (export "wjit.parallel_for.v1") (param i32 i32 i32) (param $k i32) (param $args i32)
    (call_indirect (param i32 i32 i32 i32) (i32.const 0) (i32.const 0) (i32.const 0)
                   (local.get $args) (local.get $k)))
  (func (export "_start")
    (call $for (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 64))))
WAT
expect 0 ': translated$' "$check" --gpu=any --gpu-explain lanes.wasm
WJIT_CHECK_DEVICE=pairs expect 0 'no 64-bit floats' "$check" --gpu=any --gpu-explain lanes.wasm

# What the device is for: a load without its check is found, by the device and by nothing else.
wat load <<'WAT'
(module
  (memory (export "memory") 1) (table funcref (elem $k))
  (func $k (param $x i32) (param i32 i32) (param $args i32)
    (i32.store (i32.const 16) (i32.load (local.get $args))))
  (func $for (export "wjit.parallel_for.v1") (param i32 i32 i32) (param $k i32) (param $args i32)
    (call_indirect (param i32 i32 i32 i32) (i32.const 0) (i32.const 0) (i32.const 0)
                   (local.get $args) (local.get $k)))
  (func (export "_start")
    (call $for (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 65533))))
WAT
expect 134 'out of bounds memory access' "$check" --gpu=any load.wasm
found=0
for without in $(seq 20); do
    WJIT_CHECK_WITHOUT=$without run "$check" --gpu=any load.wasm
    grep -q 'outside' err && found=$((found + 1))
    grep -q 'no such check' err && break
done
[ "$found" -ge 1 ] || fail "a load without its clamp was not found"
finish
