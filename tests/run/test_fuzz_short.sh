#!/bin/bash
# Generated modules, some new ones each day, here and in another engine; a few on AArch64.
source "$(dirname "$0")/trace.sh"
need wasm-opt wat2wasm node
day=$(($(date +%s) / 86400))
modules=${WJIT_FUZZ_MODULES:-300}
"$here/../fuzz/run" --modules "$modules" --seed "$day" --build "$WJIT_BUILD" || exit
if [ "${#traces[@]}" -gt 1 ]; then
    "$here/../fuzz/run" --modules 40 --seed "$day" --aarch64
fi
