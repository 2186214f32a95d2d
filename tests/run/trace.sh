# Sourced by tests that run modules by fuzz_trace. Sets `traces`, commands that run them in all the
# ways that the code generator has, here and, where it was built, on AArch64.
# shellcheck shell=bash
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${WJIT_BUILD:?the build to test}"

skip() {
    printf '%s\n' "$*"
    exit 77
}

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || skip "no $tool"
    done
}

[ -z "${WJIT_EMULATED:-}" ] || skip "the native build's run has AArch64 in it"
[ -x "$WJIT_BUILD/fuzz_trace" ] || skip "no fuzz_trace in $WJIT_BUILD"
traces=("$WJIT_BUILD/fuzz_trace")
cross=$(dirname "$WJIT_BUILD")/aarch64/fuzz_trace
if [ -n "${WJIT_AARCH64:-}" ] && [ -x "$cross" ]; then
    traces+=("$WJIT_ROOT/scripts/qemu-aarch64 $cross")
fi

# check_outcomes FILE.wat...
check_outcomes() {
    local trace runs=()
    for trace in "${traces[@]}"; do
        runs+=(--run "$trace" --run "$trace --eager --explicit" --run "$trace --narrow")
    done
    "$here/check_outcomes.py" "${runs[@]}" "$@"
}
