#!/usr/bin/env python3
"""Writes a module whose first and last function, which call each other, have more code between them
than a branch of AArch64 reaches: far_calls.py FILE. Its export `f` gives 42."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from binary import HEADER, leb, section, vector

# Of call_indirect with its checks, some 70 bytes each: 7 bytes of wasm with its index and result.
FILLERS, CALLS = 20, 100_000


def body(code):
    return leb(len(code) + 2) + b"\0" + code + b"\x0b"


def main():
    last = FILLERS + 1
    filler = body(b"\x41\0\x11\0\0\x1a" * CALLS + b"\x41\x01")
    first = body(b"\x41\x15")                                  # 21
    end = body(b"\x10\0\x10\0\x6a" + b"\x41\0\x04\x40\x10\1\x1a\x0b")  # f() + f()
    with open(sys.argv[1], "wb") as file:
        file.write(HEADER)
        file.write(section(1, vector([b"\x60\0\1\x7f"])))
        file.write(section(3, vector([b"\0"] * (FILLERS + 4))))
        file.write(section(4, vector([b"\x70\0\1"])))
        file.write(section(7, vector([b"\1f\0" + leb(last), b"\1g\0" + leb(last + 1)])))
        # g calls f, which calls the first function, and the last one, which gives 0 and is reached
        # by way of a jump before all other code.
        zero = body(b"\x41\0")
        far = body(b"\x10" + leb(last) + b"\x10" + leb(last + 2) + b"\x6a")
        file.write(section(10, vector([first] + [filler] * FILLERS + [end, far, zero])))


if __name__ == "__main__":
    main()
