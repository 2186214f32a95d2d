#!/bin/bash
# The default model on a picture of 16 x 16 pixels: the same bytes from x86-64, from AArch64 under
# qemu, on one thread and on several.
. "$(dirname "$0")/lib.sh"
need python3
[ -z "${WJIT_EMULATED:-}" ] || skip "the native build's run has AArch64 in it"
[ -n "${WJIT_AARCH64:-}" ] || skip "no build/aarch64/wjit, or no qemu-aarch64"
wasm=$WJIT_BUILD/examples/upscale.wasm
package=${WJIT_NPM:-$WJIT_ROOT/build/npm}/node_modules/@upscalerjs/default-model
[ -e "$wasm" ] || skip "no $wasm"
[ -e "$package/models/model.json" ] || skip "no @upscalerjs/default-model in $package"
python3 "$WJIT_ROOT/tests/run/small_picture.py" small.png

# upscale RESULT COMMAND...
upscale() {
    expect 0 - "${@:2}" --dir "$package::/package" --dir .::/here "$wasm" \
        --model /package/models /here/small.png "/here/$1"
}

upscale here.png "$WJIT"
read -ra aarch64 <<<"$WJIT_AARCH64"
for threads in 1 3; do
    upscale there.png "${aarch64[@]}" --threads $threads
    cmp here.png there.png || fail "other bytes on AArch64 with $threads threads"
done
finish
