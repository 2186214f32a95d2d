#!/bin/bash
# 100 random kernels, or those of 200 seconds, on the device, on the CPU, some on AArch64 and, where
# node is, on V8: same bytes, same traps.
# More by hand: tests/spirv/fuzz_kernels.py --count N --seed N.
. "$(dirname "$0")/lib.sh"
slow_emulated
need wat2wasm python3
need_driver
run python3 -B "$WJIT_ROOT/tests/spirv/fuzz_kernels.py" --wjit "$WJIT" --device any \
    --seed "${WJIT_FUZZ_SEED:-1}" --count 100 --seconds 200
cat out
[ "$code" -eq 0 ] || fail "exit code $code: $(head -c 600 err)"
passed=$(sed -nE 's/^([0-9]+) passed, 0 failed, 0 skipped \(([0-9]+) ran .*/\2/p' out)
[ "${passed:-0}" -ge 12 ] || fail "${passed:-none} ran on the device"
finish
