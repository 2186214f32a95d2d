#!/bin/bash
# --deterministic: every bit of every result is as deterministic/*.expected has it, on both
# machines.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
need wat2wasm python3

# check NAME COMMAND...: the results of the export `all` against NAME.expected, line by line.
check() {
    local name=$1
    shift
    expect 0 - "$@" --deterministic --no-cache --invoke all "$name.wasm"
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

for name in scalar vector; do
    wat "$name" <"$here/deterministic/$name.wat"
    check "$name" "$WJIT"
    if [ -n "${WJIT_AARCH64:-}" ]; then
        # shellcheck disable=SC2086
        check "$name" $WJIT_AARCH64
    fi
done
finish
