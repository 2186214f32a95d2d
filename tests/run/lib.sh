# Sourced by tests of the command. Counts failures, keeps a scratch folder, compiles small guests.
# shellcheck shell=bash
set -u
: "${WJIT:?the command to test}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wjit-test-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0

fail() {
    printf 'FAIL %s\n' "$*"
    failures=$((failures + 1))
}

skip() {
    printf '%s\n' "$*"
    exit 77
}

[ -x "$WJIT" ] || skip "no wjit command at the place that WJIT names"
# slow_emulated: what an emulator takes minutes for is left out there.
slow_emulated() {
    [ -z "${WJIT_EMULATED:-}" ] || [ -n "${WJIT_EMULATE_ALL:-}" ] ||
        skip "an emulator takes minutes for it, but by hand: WJIT_EMULATE_ALL=1"
}

# An emulated driver's self-test takes long: each test begins with a copy of what one of them found.
copy_verdicts() {
    printf '\0asm\1\0\0\0' >empty.wasm
    (
        flock 9
        [ -e "$WJIT_VERDICTS" ] || {
            mkdir "$WJIT_VERDICTS"
            XDG_CACHE_HOME=$WJIT_VERDICTS "$WJIT" --gpu=any empty.wasm
        }
    ) 9>"$WJIT_VERDICTS.lock" >out 2>&1
    mkdir -p "$XDG_CACHE_HOME"
    cp -r "$WJIT_VERDICTS/wjit" "$XDG_CACHE_HOME" ||
        echo "no verdicts were kept for the emulated driver: $(tail -n 1 out)"
}

# The software driver for the command's machine, unless the environment names one, goes to
# VK_ICD_FILENAMES; nothing where there is none.
find_driver() {
    local machine file
    machine=$(uname -m)
    [ -z "${WJIT_EMULATED:-}" ] || machine=aarch64
    for file in /usr/share/vulkan/icd.d/lvp_icd.{"$machine.",}json; do
        [ -n "${VK_ICD_FILENAMES:-}" ] || [ ! -e "$file" ] || VK_ICD_FILENAMES=$file
    done
    export VK_ICD_FILENAMES=${VK_ICD_FILENAMES:-}
    [ -z "$VK_ICD_FILENAMES" ] || [ -z "${WJIT_VERDICTS:-}" ] || copy_verdicts
}

need_driver() {
    find_driver
    [ -n "$VK_ICD_FILENAMES" ] || skip "no software Vulkan driver (Debian: mesa-vulkan-drivers)"
}

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || skip "no $tool"
    done
}

# run COMMAND...: leaves its exit code in $code, its output in the files out and err.
run() {
    code=0
    "$@" >out 2>err </dev/null || code=$?
}

# expect CODE PATTERN COMMAND...: the exit code, and what stderr must match (- for anything).
expect() {
    local want=$1 pattern=$2
    shift 2
    run "$@"
    if [ "$code" -ne "$want" ]; then
        fail "$*: exit code $code, $want was expected: $(head -c 300 err)"
    elif [ "$pattern" != - ] && ! grep -qE -- "$pattern" err; then
        fail "$*: stderr does not match '$pattern': $(head -c 300 err)"
    fi
}

# expect_out TEXT COMMAND...: exit code 0 and exactly this on stdout.
expect_out() {
    local text=$1
    shift
    expect 0 - "$@"
    [ "$(cat out)" = "$text" ] || fail "$*: printed '$(head -c 300 out)', not '$text'"
}

# wat NAME: assembles stdin to NAME.wasm.
wat() {
    cat >"$1.wat" && wat2wasm --enable-all "$1.wat" -o "$1.wasm" || fail "wat2wasm $1"
}

# guest NAME [OPTIONS...]: compiles the C on stdin to NAME.wasm.
guest() {
    local name=$1
    shift
    cat >"$name.c" && clang-22 --target=wasm32-wasi -Wno-deprecated -O2 "$@" "$name.c" \
        -o "$name.wasm" || fail "clang-22 $name"
}

finish() {
    [ "$failures" -eq 0 ] || exit 1
    exit 0
}
