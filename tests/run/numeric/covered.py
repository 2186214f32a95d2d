#!/usr/bin/env python3
"""Looks whether every operation on numbers, vectors and memory that the table of opcodes has was
compared: covered.py FILE, with what numeric_check printed. Prints those that were not."""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
FAMILIES = re.compile("FAM_(CONVERT|F(BINARY|COMPARE|UNARY)|I(BINARY|COMPARE|EQZ|UNARY)|V[A-Z]+|"
                      "WIDE|(LOAD|STORE)(_LANE)?|ATOMIC_(LOAD|STORE|RMW))")


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        compared = {words[0] for words in map(str.split, file)
                    if len(words) == 3 and words[2].isdigit() and int(words[2]) > 0}
    with open(os.path.join(ROOT, "wasm", "opcodes.def"), encoding="ascii") as file:
        rows = re.findall(r'^OP\w*\(\w+, \w+, "([^"]+)", .*?, (FAM_\w+),', file.read(), re.M)
    wanted = [text for text, family in rows if FAMILIES.fullmatch(family)]
    lacking = [text for text in wanted if text not in compared]
    print("\n".join(lacking) or f"all {len(wanted)}")
    return 1 if lacking or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
