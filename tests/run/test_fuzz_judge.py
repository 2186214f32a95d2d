#!/usr/bin/env python3
"""What the fuzzer takes for another payload of a NaN, and what for a difference."""
import importlib.machinery
import importlib.util
import os
import struct
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
LOADER = importlib.machinery.SourceFileLoader("fuzz_run",
                                              os.path.join(HERE, "..", "fuzz", "run"))
FUZZ = importlib.util.module_from_spec(importlib.util.spec_from_loader(LOADER.name, LOADER))
LOADER.exec_module(FUZZ)

CANONICAL, PAYLOAD, OTHER = 0x7ff8000000000000, 0xfff800000000beef, 0x7ffc000000000001


def words(*values, before=b""):
    return before + b"".join(struct.pack("<Q", value % 2**64) for value in values)


# Theirs, ours, ours with canonical NaNs, whether it is the same; all else is alike on the sides.
CASES = [
    ("equal", words(1, 2), words(1, 2), words(1, 2), True),
    ("payloads", words(1, PAYLOAD), words(1, OTHER), words(1, CANONICAL), True),
    ("at any address", words(PAYLOAD, before=b"abc"), words(OTHER, before=b"abc"),
     words(CANONICAL, before=b"abc"), True),
    ("the last bytes", words(PAYLOAD), words(OTHER), words(CANONICAL | 1 << 63), True),
    ("of four bytes", words(0x7fc0_0001_0000_0005), words(0xffc1_0000_0000_0005),
     words(0x7fc0_0000_0000_0005), True),
    ("beside a NaN", words(PAYLOAD, 6), words(OTHER, 5), words(CANONICAL, 5), False),
    ("a number for a NaN", words(5), words(PAYLOAD), words(CANONICAL), False),
    ("a NaN that arithmetic did not make", words(PAYLOAD), words(OTHER), words(OTHER), False),
    ("small negative numbers", words(-5), words(-6), words(-6), False),
]
TEXT = """  R f 1
  log-v128:-1,{}
  M 3 0 {}
  M 3 40 00ff
  M 3 0 0000
name.wasm ok 1 0 12345678
"""


def main():
    failures = [name for name, theirs, ours, canonical, same in CASES
                if FUZZ.same_but_nans(theirs, ours, canonical) != same]
    lines, places = FUZZ.contents(TEXT.format(7, "01" * 32))
    if lines != ["  R f 1", "log-v128", "memory 3", "memory 3"] or \
            places != {2: words(-1, 7), 3: b"\1" * 32 + bytes(32) + b"\0\xff", 4: b"\0\0"}:
        failures.append(f"contents: {lines} {places}")
    for failure in failures:
        print("FAIL", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
