#!/usr/bin/env python3
"""Writes a module whose first and last function, which call each other, have more code between them
than a branch of AArch64 reaches: far_calls.py FILE. Its export `f` gives 42."""
import sys

# Of call_indirect with its checks, some 70 bytes each: 7 bytes of wasm with its index and result.
FILLERS, CALLS = 20, 100_000


def leb(n):
    out = bytearray()
    while True:
        out.append(n & 127 | (128 if n > 127 else 0))
        n >>= 7
        if not n:
            return bytes(out)


def section(number, items):
    contents = leb(len(items)) + b"".join(items)
    return bytes([number]) + leb(len(contents)) + contents


def body(code):
    return leb(len(code) + 2) + b"\0" + code + b"\x0b"


def main():
    last = FILLERS + 1
    filler = body(b"\x41\0\x11\0\0\x1a" * CALLS + b"\x41\x01")
    first = body(b"\x41\x15")                                  # 21
    end = body(b"\x10\0\x10\0\x6a" + b"\x41\0\x04\x40\x10\1\x1a\x0b")  # f() + f()
    with open(sys.argv[1], "wb") as file:
        file.write(b"\0asm\1\0\0\0")
        file.write(section(1, [b"\x60\0\1\x7f"]))
        file.write(section(3, [b"\0"] * (FILLERS + 3)))
        file.write(section(4, [b"\x70\0\1"]))
        file.write(section(7, [b"\1f\0" + leb(last), b"\1g\0" + leb(last + 1)]))
        # g calls f, and comes last; f calls the first function.
        far = body(b"\x10" + leb(last))
        file.write(section(10, [first] + [filler] * FILLERS + [end, far]))


if __name__ == "__main__":
    main()
