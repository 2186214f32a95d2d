#!/bin/bash
# The same as test_numeric.sh on AArch64, under qemu.
source "$(dirname "$0")/numeric/compare.sh"
[ "${#checks[@]}" -gt 1 ] || skip "no build/aarch64/fuzz_trace, or no qemu-aarch64"
read -ra emulated <<<"${checks[1]}"
compiler=$(command -v gcc || command -v clang) || skip "no gcc, no clang"
check all "${emulated[@]}" &
# In all forms again what has code of its own there: bounds, numbers without wide arithmetic, NaNs.
numbers='^OP.*"\K(i(32|64)\.|v128\.(load|store))[^"]*' floats='^OP.*"\Kf(32|64)[^"]*'
mapfile -t names < <(grep -oP "$numbers" "$here/../../wasm/opcodes.def")
check more "${emulated[@]}" --edges --eager --explicit --narrow "${names[@]}"
mapfile -t names < <(grep -oP "$floats" "$here/../../wasm/opcodes.def")
check nans "${emulated[@]}" --edges --deterministic "${names[@]}"
wait
compare "$(basename "$compiler")"
finish
