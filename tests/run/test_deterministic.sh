#!/bin/bash
# --deterministic: every bit of every result is as deterministic/*.expected has it, on both
# machines.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
need wat2wasm python3

# check NAME FILE COMMAND...: the results of FILE's export `all` against NAME.expected, by lines.
check() {
    local name=$1 file=$2
    shift 2
    expect 0 - "$@" --deterministic --no-cache --invoke all "$file"
    python3 - "$here/deterministic/$name.expected" out <<'PYTHON' || fail "$name: $*"
import sys
expected = [line.rsplit(": ", 1) for line in open(sys.argv[1])]
results = [int(line, 0) for line in open(sys.argv[2])]
wrong = [f"{name}: {result & (1 << 128) - 1:x}, not {bits.strip()}"
         for (name, bits), result in zip(expected, results)
         if (result ^ int(bits, 16)) & (1 << 64 if len(bits) < 20 else 1 << 128) - 1]
print("\n".join(wrong))
sys.exit(bool(wrong) or len(expected) != len(results))
PYTHON
}

target=x86-64
[ -z "${WJIT_EMULATED:-}" ] && [ "$(uname -m)" != aarch64 ] || target=aarch64
for name in scalar vector lives; do
    wat "$name" <"$here/deterministic/$name.wat"
    check "$name" "$name.wasm" "$WJIT"
    # For any machine of the kind, without what this one has beyond that.
    expect 0 - "$WJIT" compile --target "$target" --deterministic "$name.wasm" -o "$name.cwasm"
    check "$name" "$name.cwasm" "$WJIT"
    if [ -n "${WJIT_AARCH64:-}" ]; then
        # shellcheck disable=SC2086
        check "$name" "$name.wasm" $WJIT_AARCH64
    fi
done
finish
