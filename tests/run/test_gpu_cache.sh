#!/bin/bash
# Verdicts and pipelines are kept in the cache folder: the next process has them again, whole; what
# is damaged, or others could have written, is made anew; --no-cache keeps nothing. A layer plays a
# driver that keeps pipelines, which the software ones do not.
. "$(dirname "$0")/lib.sh"
slow_emulated
. "$(dirname "$0")/gpu.sh"
need wat2wasm gcc python3
[ -e /usr/include/vulkan/vk_layer.h ] || skip "no vulkan/vk_layer.h (Debian: libvulkan-dev)"
program kept <<'WAT'
    (i32.store (local.get $at) (i32.mul (local.get $x) (i32.const 3)))
WAT
folder=$XDG_CACHE_HOME/wjit
layer=$scratch/layer
rm -rf "$folder" # verdicts that an emulated test begins with
# ran KEPT [OPTIONS...]: the right bytes, and so many pipeline caches that came with data.
ran() {
    expect 0 'kernel [^:]*: translated$' "$WJIT_ROOT/tests/vk/with_layer" "$layer" "$WJIT" \
        --gpu=any --gpu-explain "${@:2}" kept.wasm
    cmp -s out cpu || fail "$*: other output than on the CPU"
    grep -qx "kept_caches $1" "$layer/log" || fail "$*: $(grep caches "$layer/log" | tr '\n' ' ')"
    grep -qx 'wrong_caches 0' "$layer/log" || fail "$*: the driver was given what it did not make"
}
# files FOLDER COUNT
files() {
    local found
    found=$(find "$1" -name 'd*' 2>/dev/null | wc -l)
    [ "$found" -eq "$2" ] || fail "$1: $found files, not $2"
}
# change FILE HOW: a byte flips, or the end is cut off.
change() {
    python3 - "$1" "$2" <<'PY'
import sys
path, how = sys.argv[1:]
data = bytearray(open(path, "rb").read())
if how == "cut":
    del data[-1:]
else:
    data[int(how)] ^= 0x10
open(path, "r+b").truncate(0)
open(path, "r+b").write(data)
PY
}

expect 0 - "$WJIT" --gpu=off kept.wasm
cp out cpu
# As the driver is: lavapipe and SwiftShader give a header alone, and the verdicts' file is the one.
ran 0
files "$folder" 1
modules=$(grep -c '^module ' "$layer/log")
ran 0
[ "$(grep -c '^module ' "$layer/log")" -lt "$modules" ] || fail "the self-test ran again"
[ "$(grep -c '^module ' "$layer/log")" -eq 1 ] || fail "more shaders than the kernel's"

export WJIT_LAYER_PIPELINE_BYTES=5000
ran 0
files "$folder" 2
ran 1
entry=$(find "$folder" -name 'd*' -size +4k)
[ "$(stat -c %a "$entry")" = 600 ] || fail "$entry: mode $(stat -c %a "$entry")"
for how in 0 20 50 3000 -1 cut; do
    change "$entry" "$how"
    ran 0
    ran 1
done
chmod g+w "$entry"
ran 0
mv "$entry" elsewhere
ln -s "$scratch/elsewhere" "$entry"
ran 0
[ ! -L "$entry" ] || fail "the link is still there"
ran 1
ran 1 --gpu-isolate

ran 0 --no-cache
ran 0 --no-cache --gpu-isolate
files "$folder" 2
ran 0 --cache "$scratch/other" --gpu-isolate
files "$scratch/other" 2
ran 1 --cache "$scratch/other"
ran 1
# Another device, driver or version has another name: that of the first driver stays as it is.
if [ -e "${WJIT_SWIFTSHADER_ICD:-}" ]; then
    VK_ICD_FILENAMES=$WJIT_SWIFTSHADER_ICD ran 0
    ran 1
fi
finish
