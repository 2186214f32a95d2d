#!/bin/bash
# Every pure operation, on edge values: the device's bits are the CPU's. And on a second driver,
# which has pairs for i64 and f32 by integers, but no f64, where WJIT_SWIFTSHADER_ICD names it.
. "$(dirname "$0")/lib.sh"
slow_emulated
need wat2wasm python3
need_driver
every() {
    run python3 -B "$WJIT_ROOT/tests/spirv/every.py" --wjit "$WJIT" "$@"
    cat out
    [ "$code" -eq 0 ] || fail "exit code $code: $(head -c 600 err)"
}
every
grep -q '^[34]..* passed, 0 failed' out || fail "too few ran on the device"
if [ -e "${WJIT_SWIFTSHADER_ICD:-}" ]; then
    export VK_ICD_FILENAMES=$WJIT_SWIFTSHADER_ICD
    every --allow 'no 64-bit floats|no 64-bit atomic'
    grep -q '^[34]..* passed, 0 failed' out || fail "too few ran on the second driver"
fi
finish
