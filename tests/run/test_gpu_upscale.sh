#!/bin/bash
# The main job: a real model on the device gives the package's own picture, with the bytes of the
# CPU, every convolution dispatched as a Vulkan layer counts them, in valid SPIR-V, with nothing to
# say for the validation layer. Where $WJIT_SWIFTSHADER_ICD names SwiftShader's ICD, there too.
. "$(dirname "$0")/lib.sh"
slow_emulated
need python3 gcc
need_driver
wasm=$WJIT_BUILD/examples/upscale.wasm
package=${WJIT_NPM:-$WJIT_ROOT/build/npm}/node_modules/@upscalerjs/default-model
[ -e "$wasm" ] || skip "no $wasm"
[ -e "$package/models/model.json" ] || skip "no @upscalerjs/default-model in $package"
[ -e /usr/include/vulkan/vk_layer.h ] || skip "no vulkan/vk_layer.h (Debian: libvulkan-dev)"

# upscale PICTURE OPTIONS... makes PICTURE, by the command in $under (nothing, or a wrapper).
under=()
upscale() {
    local picture=$1
    shift
    expect 0 - "${under[@]}" "$WJIT" "$@" --dir "$package::/package" --dir .::/here "$wasm" \
        --model /package/models /package/assets/fixture.png "/here/$picture"
}

same() {
    cmp -s "$1" "$2" || fail "$1 and $2 differ"
}

upscale cpu.png --gpu=off
if gcc -O2 -w "$WJIT_ROOT/tests/examples/compare_png.c" -o compare_png -lm 2>/dev/null; then
    expect 0 - ./compare_png cpu.png "$package/assets/samples/2x/result.png" 1 20
else
    echo "no stb_image (libstb-dev): the package's picture was not looked at"
fi

# The self-test dispatches too: its verdicts are kept before anything is counted.
expect 0 - "$WJIT" --gpu=any "$WJIT_BUILD/examples/hello.wasm"
under=("$WJIT_ROOT/tests/vk/with_layer" "$scratch/layer")
if [ -n "${WJIT_EMULATED:-}" ]; then
    echo "emulated: the validation layer is of another machine, it was not asked"
elif [ -e /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json ]; then
    export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation
else
    echo "no Khronos validation layer (vulkan-validationlayers): it was not asked"
fi
upscale gpu.png --gpu=any --stats=json
unset VK_INSTANCE_LAYERS
cp err stats
same cpu.png gpu.png
[ "$(cat out)" = "" ] || fail "stdout: $(head -c 300 out)"
grep -vE '^\{' stats | grep -q . && fail "messages: $(grep -vE '^\{' stats | head -c 600)"

python3 "$WJIT_ROOT/tests/run/count_convolutions.py" stats layer/log \
    "$package/models/model.json" || fail "dispatches"

if command -v spirv-val >/dev/null; then
    modules=0
    for module in layer/*.spv; do
        modules=$((modules + 1))
        spirv-val --target-env vulkan1.2 "$module" >val 2>&1 ||
            fail "spirv-val: $(basename "$module"): $(head -n 1 val)"
    done
    [ "$modules" -ge 2 ] || fail "only $modules shader modules reached the driver"
else
    echo "no spirv-val (spirv-tools): the shaders were not judged"
fi

if [ -n "${WJIT_SWIFTSHADER_ICD:-}" ]; then
    # Each kernel runs there with the same bits, or stays on the CPU and says why.
    under=(env VK_ICD_FILENAMES="$WJIT_SWIFTSHADER_ICD")
    upscale swiftshader.png --gpu=any --gpu-explain
    same cpu.png swiftshader.png
    grep -qE '^wjit: kernel conv[^:]*: (translated|not translated.*: .)' err ||
        fail "SwiftShader: nothing is said of the convolutions: $(head -c 300 err)"
fi
finish
