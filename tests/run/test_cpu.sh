#!/bin/bash
# A CPU without the instructions that generated code uses: one line and exit code 126, never SIGILL.
. "$(dirname "$0")/lib.sh"
need wat2wasm qemu-x86_64
[ "$(uname -m)" = x86_64 ] && [ -z "${WJIT_EMULATED:-}" ] || skip "the command is not for x86-64"

wat ok <<'WAT'
(module (func (export "f") (result i32) (i32.popcnt (i32.const 255))))
WAT

# The emulator warns of what it cannot emulate of a CPU.
on() {
    local cpu=$1
    shift
    qemu-x86_64 -cpu "$cpu" "$WJIT" "$@" 2> >(grep -v 'qemu-x86_64: warning' >&2)
}

expect_out 8 on max --invoke f ok.wasm
for cpu in Nehalem SandyBridge max,avx2=off max,bmi2=off max,abm=off max,fma=off; do
    expect 126 '^wjit: this CPU lacks [A-Za-z0-9.]+: x86-64-v3 .*was expected$' \
        on "$cpu" --invoke f ok.wasm
    [ "$(wc -l <err)" = 1 ] || fail "$cpu: not one line: $(cat err)"
done
finish
