#!/bin/bash
# Every operation on numbers, loads, stores and atomic ones too, on edge by edge operands in every
# form, and on all values of 8 and 16 bits, against an oracle in C: numeric/README.md.
source "$(dirname "$0")/numeric/compare.sh"
check all "${checks[0]}" &
check more "${checks[0]}" --edges --eager --explicit --narrow
check nans "${checks[0]}" --edges --deterministic
wait
for cc in gcc clang; do
    command -v "$cc" >/dev/null && compare "$cc"
done
finish
