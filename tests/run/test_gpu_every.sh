#!/bin/bash
# Every pure operation, on edge values: the device's bits are the CPU's, and the self-test asked for
# each instruction that the kernels' shaders compute with. And on a second driver, which has pairs
# for i64 and f32 by integers, but no f64, where WJIT_SWIFTSHADER_ICD names it.
. "$(dirname "$0")/lib.sh"
slow_emulated
need wat2wasm python3
need_driver
export XDG_CACHE_HOME=$scratch/cache # holds the verdicts before kernels are translated
layer=$WJIT_ROOT/tests/vk/with_layer
if [ ! -e /usr/include/vulkan/vk_layer.h ] || ! command -v spirv-dis cc >/dev/null; then
    echo "no vulkan/vk_layer.h, spirv-dis or cc: what the self-test asks for was not looked at"
    layer=
fi
every() {
    local name=$1
    shift
    expect 0 - ${layer:+"$layer" "selftest-$name"} "$WJIT" devices --verbose
    run ${layer:+"$layer" "kernels-$name"} \
        python3 -B "$WJIT_ROOT/tests/spirv/every.py" --wjit "$WJIT" "$@"
    cat out
    [ "$code" -eq 0 ] || fail "exit code $code: $(head -c 600 err)"
    grep -q '^[34]..* passed, 0 failed' out || fail "$name: too few ran on the device"
    [ -n "$layer" ] || return
    run python3 -B "$WJIT_ROOT/tests/vk/covered.py" "selftest-$name" "kernels-$name"
    cat out
    [ "$code" -eq 0 ] || fail "$name: the self-test tries too little"
}
every first
if [ -e "${WJIT_SWIFTSHADER_ICD:-}" ]; then
    export VK_ICD_FILENAMES=$WJIT_SWIFTSHADER_ICD
    every second --allow 'no 64-bit floats|no 64-bit atomic'
fi
finish
