#!/bin/bash
# Two devices, by two copies of the software driver's file: each by index, either by name, and one
# that is not there. CUDA_VISIBLE_DEVICES is about NVIDIA's devices and turns none on.
. "$(dirname "$0")/lib.sh"
need wat2wasm
. "$(dirname "$0")/gpu.sh"
cp "$VK_ICD_FILENAMES" one.json && cp "$VK_ICD_FILENAMES" two.json || exit 1
program numbers <<'WAT'
(i32.store (local.get $at) (i32.mul (local.get $x) (i32.const 7)))
WAT
expect 0 - "$WJIT" --gpu=off numbers.wasm
cp out cpu
export VK_ICD_FILENAMES=$PWD/one.json:$PWD/two.json
expect 0 - "$WJIT" devices
[ "$(grep -c '^[01] ' out)" = 2 ] || fail "devices: $(cat out)"
name=$(sed -nE 's/^0  ([^ ]+) .*/\1/p' out)
for device in 0 1 "$name" any; do
    expect 0 'kernel [^:]*: translated$' "$WJIT" --gpu="$device" --gpu-explain numbers.wasm
    cmp -s cpu out || fail "--gpu=$device: other output than on the CPU"
done
for device in 2 99999999999999999999 "no $name"; do
    expect 125 'no GPU answers to .*devices: 0 .*, 1 ' "$WJIT" --gpu="$device" numbers.wasm
done
for visible in 0 1 '' nonsense; do
    export CUDA_VISIBLE_DEVICES=$visible
    expect 0 - "$WJIT" --stats=json numbers.wasm
    cmp -s cpu out && ! grep -q '"gpu_dispatches": [1-9]' err || fail "a GPU that nobody asked for"
    expect 0 'kernel [^:]*: translated$' "$WJIT" --gpu=1 --gpu-explain numbers.wasm
done
finish
