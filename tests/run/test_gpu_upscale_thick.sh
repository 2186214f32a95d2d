#!/bin/bash
# The thick model on the device: every convolution dispatched there as a Vulkan layer counts them,
# and the bytes of the CPU. On a picture of 16 x 16; with --whole on the package's own too, which
# must give the package's result (minutes of CPU time on a software driver).
. "$(dirname "$0")/lib.sh"
slow_emulated
need python3 cc
need_driver
wasm=$WJIT_BUILD/examples/upscale.wasm
package=${WJIT_NPM:-$WJIT_ROOT/build/npm}/node_modules/@upscalerjs/esrgan-thick
model=$package/models/x2/model.json
[ -e "$wasm" ] || skip "no $wasm"
[ -e "$model" ] || skip "no @upscalerjs/esrgan-thick in $package"
[ -e /usr/include/vulkan/vk_layer.h ] || skip "no vulkan/vk_layer.h (Debian: libvulkan-dev)"

# upscale PICTURE RESULT OPTIONS..., by the command in $under (nothing, or a wrapper).
under=()
upscale() {
    expect 0 - "${under[@]}" "$WJIT" "${@:3}" --dir "$package::/package" --dir .::/here "$wasm" \
        --model /package/models/x2 "$1" "/here/$2"
}

# on_both PICTURE NAME: the same bytes on the CPU and on the device, and all of it there.
on_both() {
    upscale "$1" "$2-cpu.png" --gpu=off
    under=("$WJIT_ROOT/tests/vk/with_layer" "$scratch/layer")
    upscale "$1" "$2-gpu.png" --gpu=any --stats=json
    under=()
    cmp -s "$2-cpu.png" "$2-gpu.png" || fail "$2: CPU and device differ"
    python3 "$WJIT_ROOT/tests/run/count_convolutions.py" err layer/log "$model" ||
        fail "$2: dispatches"
}

# The self-test dispatches too: its verdicts are kept before anything is counted.
expect 0 - "$WJIT" --gpu=any "$WJIT_BUILD/examples/hello.wasm"
python3 "$WJIT_ROOT/tests/run/small_picture.py" small.png
on_both /here/small.png small
if [ "${1:-}" = --whole ]; then
    on_both /package/assets/fixture.png whole
    cc -O2 -w "$WJIT_ROOT/tests/examples/compare_png.c" -o compare_png -lm || fail "compare_png"
    expect 0 - ./compare_png whole-gpu.png "$package/assets/samples/2x/result.png" 1 20
fi
finish
