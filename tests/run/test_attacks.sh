#!/bin/bash
# What broke other runtimes: addresses with dirty halves, sizes at their edges, tables, recycled
# memory, tail calls, far branches.
source "$(dirname "$0")/trace.sh"
need wat2wasm python3
scratch=$(mktemp -d) && trap 'rm -rf "$scratch"' EXIT
"$here/attacks/gen.py" "$scratch" && check_outcomes "$scratch"/*.wat
