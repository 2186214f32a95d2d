# Sourced by the two tests of numbers, one for each machine. Sets `checks`, the commands that run
# numeric_check on them.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/../trace.sh"
need python3
scratch=$(mktemp -d) && trap 'rm -rf "$scratch"' EXIT
checks=("${traces[@]/%fuzz_trace/numeric_check}")
[ -x "$WJIT_BUILD/numeric_check" ] || skip "no numeric_check in $WJIT_BUILD"
status=0

fail() {
    echo "FAIL $*"
    status=1
}

# check NAME COMMAND...: leaves what it printed in $scratch/NAME, and nothing in NAME.failed if all
# was right. For the background.
check() {
    "${@:2}" >"$scratch/$1" 2>&1 && return
    {
        echo "FAIL ${*:2}" | cut -c 1-300
        grep -A 1 '^FAIL' "$scratch/$1" | head -n 12
        tail -n 1 "$scratch/$1"
    } >"$scratch/$1.failed"
}

# compare CC: what was expected in $scratch/all is what the oracle expects that this compiler made.
compare() {
    "$1" -std=gnu11 -O2 -ffp-contract=off -I "$here/../.." -o "$scratch/oracle_$1" \
        "$here/numeric/oracle.c" "$here/../../wasm/opcode.c" -lm || fail "$1: the oracle"
    "$scratch/oracle_$1" >"$scratch/$1.wanted" || fail "$1: the oracle ended"
    awk 'NF == 3 && $3 ~ /^[0-9]+$/ { print $1, $2 }' "$scratch/all" |
        diff "$scratch/$1.wanted" - | head -n 6 | grep . && fail "$1: another oracle"
}

# Prints what failed; ends the test.
finish() {
    local failed lacking
    lacking=$("$here/numeric/covered.py" "$scratch/all") || fail "operations not compared: $lacking"
    for failed in "$scratch"/*.failed; do
        [ -e "$failed" ] && cat "$failed" && status=1
    done
    exit "$status"
}
