#!/usr/bin/env python3
"""Looks whether the modules in FOLDER have every operation on numbers, vectors and memory that the
table of opcodes has: covered.py FOLDER. Prints those that they lack."""
import glob
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
FAMILIES = re.compile("FAM_(CONVERT|F(BINARY|COMPARE|UNARY)|I(BINARY|COMPARE|EQZ|UNARY)|V[A-Z]+|"
                      "WIDE|(LOAD|STORE)(_LANE)?|ATOMIC_(LOAD|STORE|RMW))")
# Debian's assembler has older names.
OLDER = {"i16x8.relaxed_dot_i8x16_i7x16_s": "i16x8.dot_i8x16_i7x16_s",
         "i32x4.relaxed_dot_i8x16_i7x16_add_s": "i32x4.dot_i8x16_i7x16_add_s"}


def main():
    used = set()
    for path in glob.glob(os.path.join(sys.argv[1], "*.wa[tn]*")): # wanted ones too
        with open(path, encoding="ascii") as file:
            used.update(re.findall(r"[a-z]+[0-9x]*(?:\.[a-z0-9_]+)+", file.read()))
    with open(os.path.join(ROOT, "wasm", "opcodes.def"), encoding="ascii") as file:
        rows = re.findall(r'^OP\w*\(\w+, \w+, "([^"]+)", .*?, (FAM_\w+),', file.read(), re.M)
    wanted = [text for text, family in rows if FAMILIES.fullmatch(family)]
    lacking = [text for text in wanted if OLDER.get(text, text) not in used]
    print("\n".join(lacking) or f"all {len(wanted)}")
    return 1 if lacking or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
