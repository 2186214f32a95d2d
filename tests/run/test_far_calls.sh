#!/bin/bash
# Functions that call each other with more machine code between them than a branch of AArch64
# reaches, which is 128 MiB. It is compiled here and run there.
. "$(dirname "$0")/lib.sh"
need python3
[ -z "${WJIT_EMULATED:-}" ] || skip "the native build's run has AArch64 in it"
if [ "$(uname -m)" = aarch64 ]; then
    WJIT_AARCH64=$WJIT
fi
[ -n "${WJIT_AARCH64:-}" ] || skip "no build for AArch64"

"$(dirname "$0")/attacks/far_calls.py" far.wasm
expect 0 - "$WJIT" compile far.wasm -o far.cwasm --target aarch64
[ "$(stat -c %s far.cwasm)" -gt $((144 << 20)) ] || fail "too little code: $(stat -c %s far.cwasm)"
# shellcheck disable=SC2086 # the command is words
run $WJIT_AARCH64 --invoke g far.cwasm
if grep -q 'of other sources\|was compiled by' err; then
    skip "the AArch64 build is of other sources"
fi
[ "$code" -eq 0 ] && [ "$(cat out)" = 42 ] || fail "code $code, $(cat out): $(cat err)"
finish
