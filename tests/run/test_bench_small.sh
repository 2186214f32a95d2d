#!/bin/bash
# The benchmark harness works, on one small program: builds it, runs wjit and its peers, checks that
# all give one result, and writes its numbers. The numbers themselves are not judged here.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
wjit=${WJIT:-$root/build/release/wjit}

skip() {
    echo "$1"
    exit 77
}

fail() {
    echo "FAIL: $1"
    exit 1
}

for tool in python3 gcc clang-22 wasm-ld-22; do
    command -v "$tool" >/dev/null || skip "$tool: not installed"
done
[ -d /usr/include/wasm32-wasi ] || skip "wasi-libc: not installed"
[ -x "$wjit" ] || skip "wjit: not built"
PYTHONPATH=$root/bench python3 -c 'import common; common.find_node()' 2>/dev/null ||
    skip "node: not installed"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ -n "${WJIT_EMULATED:-}" ]; then # without its library, which is of another machine
    mkdir "$scratch/alone"
    ln -s "$wjit" "$scratch/alone/wjit"
    wjit=$scratch/alone/wjit
fi
export WJIT=$wjit WJIT_BENCH_OUT=$scratch/out

for kind in code compile; do
    "$root/bench/run" "$kind" --wjit-needed --rounds 1 --only sha256 >"$scratch/$kind.txt" 2>&1 ||
        { cat "$scratch/$kind.txt"; fail "bench/run $kind"; }
    grep -q '^| sha256 ' "$scratch/$kind.txt" || fail "$kind: no row for the program"
    grep -q '^| geomean' "$scratch/$kind.txt" || fail "$kind: no geomean"
done

python3 - "$WJIT_BENCH_OUT" <<'EOF' || fail "the numbers in JSON"
import json
import sys

with open(sys.argv[1] + "/code.json") as f:
    code = json.load(f)
with open(sys.argv[1] + "/compile.json") as f:
    compiled = json.load(f)
assert not code["broken"] and not compiled["broken"]
assert all(r > 0 for r in code["ratios"]["sha256"].values())
assert code["checks"]["sha256"] == "b334ecbb679fedac", code["checks"]
assert compiled["modules"]["sha256"]["wjit_mb_s"] > 0
assert compiled["modules"]["sha256"]["speed_vs_liftoff"] > 0
EOF

# A program that says something else than its twins is an error, not a number.
cat >"$scratch/wrong.sh" <<'EOF'
#!/bin/sh
[ "$1" = --version ] && exec echo wrong
printf 'KERNEL_SECONDS 0.1\nCHECK 0000000000000000\n'
EOF
chmod +x "$scratch/wrong.sh"
export WJIT=$scratch/wrong.sh
if "$root/bench/run" code --rounds 1 --only sha256 >"$scratch/wrong.txt" 2>&1; then
    fail "a wrong result was taken for a right one"
fi
grep -q 'sha256 wjit: CHECK 0000000000000000, expected' "$scratch/wrong.txt" ||
    fail "no word of the wrong result"
echo "bench: code and compile"
