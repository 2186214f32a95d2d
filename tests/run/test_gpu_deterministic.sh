#!/bin/bash
# --deterministic: the same bytes from the CPU and from devices, NaNs included. Every operation on
# floats, on signalling NaNs, signs and payloads; random kernels that keep what they make. Where
# $WJIT_SWIFTSHADER_ICD names SwiftShader's ICD, there too.
. "$(dirname "$0")/lib.sh"
slow_emulated
. "$(dirname "$0")/gpu.sh"
need wat2wasm python3
spirv=$WJIT_ROOT/tests/spirv
# every WJIT [OPTIONS...]; kernels WJIT COUNT
every() {
    run python3 -B "$spirv/every.py" --deterministic --wjit "$1" "${@:2}"
    [ "$code" -eq 0 ] || fail "$* on $VK_ICD_FILENAMES: $(head -c 600 out err)"
}
kernels() {
    run python3 -B "$spirv/fuzz_kernels.py" --deterministic --wjit "$1" --count "$2" --seed 1000
    [ "$code" -eq 0 ] || fail "$* on $VK_ICD_FILENAMES: $(head -c 600 out err)"
}

floats='^f(32|64)|(from|trunc|convert|reinterpret).*_f(32|64)'
if [ -x "$WJIT_BUILD/wjit_check" ]; then # tests/spirv/check
    every "$WJIT_BUILD/wjit_check" --match "$floats"
    kernels "$WJIT_BUILD/wjit_check" 40
fi
every "$WJIT" --match "$floats"
kernels "$WJIT" 8
if [ -e "${WJIT_SWIFTSHADER_ICD:-}" ]; then
    VK_ICD_FILENAMES=$WJIT_SWIFTSHADER_ICD every "$WJIT" --match "$floats" --allow .
    VK_ICD_FILENAMES=$WJIT_SWIFTSHADER_ICD kernels "$WJIT" 8
fi

# Without the option the translation is what it was; with it, a shader has the canonical NaN.
program nan <<'WAT'
    (f32.store (local.get $at) (f32.div (f32.convert_i32_s (local.get $v))
                                        (f32.convert_i32_s (local.get $v))))
WAT
expect 0 - "$WJIT" dump --emit=spirv nan.wasm
grep -q '7fc00000' out && fail "a NaN is made canonical where nobody asked for it"
expect 0 - "$WJIT" dump --emit=spirv --deterministic nan.wasm
grep -q '7fc00000' out || fail "no NaN is made canonical"
expect 0 ': translated$' "$WJIT" --gpu=any --gpu-explain --deterministic nan.wasm
[ "$(head -c 4 out | od -An -tx4 | tr -d ' ')" = 7fc00000 ] || fail "not the canonical NaN"
finish
