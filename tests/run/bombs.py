#!/usr/bin/env python3
"""Writes modules that are small or plain but ask a compiler for much: bombs.py FOLDER [FACTOR]. The
shapes whose cost must grow linearly have FACTOR times their size."""
import os
import sys

from binary import HEADER, leb, section, vector

NOTHING = b"\x60\0\0" # the type of a function of nothing to nothing


def body(code, local_groups=b"\0"):
    contents = local_groups + code + b"\x0b"
    return leb(len(contents)) + contents


def module(code, local_groups=b"\0", functype=NOTHING):
    return HEADER + section(1, vector([functype])) + section(3, b"\1\0") + \
        section(7, b"\1\1f\0\0") + section(10, vector([body(code, local_groups)]))


def linear(factor):
    n = 50_000 * factor
    i32s = b"\x60\0" + leb(200) + b"\x7f" * 200
    yield "nested_blocks", module(b"\x02\x40" * 5 * n + b"\x0b" * 5 * n)
    yield "nested_loops", module(b"\x03\x40" * n + b"\x0b" * n)
    yield "nested_ifs", module(b"\x41\0\x04\x40" * n + b"\x0b" * n)
    yield "empty_functions", HEADER + section(1, vector([NOTHING])) + \
        section(3, leb(5 * n) + b"\0" * 5 * n) + section(10, leb(5 * n) + body(b"") * 5 * n)
    yield "br_ifs", module(b"\x41\0\x0d\0" * 4 * n)
    yield "deep_stack", module(b"\x41\1" * 5 * n + b"\x1a" * 5 * n)
    yield "deep_stack_of_locals", module(b"\x20\0" * n + b"\x02\x40\x0b" + b"\x1a" * n, b"\1\1\x7f")
    yield "set_after_gets", module((b"\x20\0" * 50 + b"\x41\1\x21\0" + b"\x1a" * 50) * (n // 20),
                                   b"\1\1\x7f")
    yield "br_tables", module((b"\x02\x40\x41\0\x0e" + leb(100) + b"\0" * 101 + b"\x0b")
                              * (n // 20))
    yield "large_br_tables", module((b"\x02\x40\x41\0\x0e" + leb(500) + b"\0" * 501 + b"\x0b")
                                    * (n // 20))
    yield "wide_branches", module(b"\x41\1" * 200 + b"\x41\0\x0d\0" * (n // 500), functype=i32s)
    # Branches that carry 1,000 values, by each of the ways that there are.
    thousand = leb(1000) + b"\x7f" * 1000
    many = HEADER + section(1, vector([b"\x60\0" + thousand, b"\x60" + thousand * 2])) + \
        section(3, b"\1\0")
    ones = b"\x41\1" * 1000
    for name, code in (
            ("carrying_br_ifs", b"\x41\0\x0d\0" * (n // 50)),
            ("carrying_inner_br_ifs", b"\x02\1" + b"\x41\0\x0d\0" * (n // 50) + b"\x0b"),
            ("carrying_returns", b"\x41\0\x04\1\x0f\x0b" * (n // 50)),
            ("carrying_blocks", b"\x02\1" * (n // 200) + b"\x41\0\x0d\0" + b"\x0b" * (n // 200)),
            ("carrying_br_tables", b"\x02\1" * 10 + (b"\x02\1\x41\0\x0e" + leb(50) + bytes(
                i % 11 for i in range(51)) + b"\x0b") * (n // 500) + b"\x0b" * 10)):
        yield name, many + section(10, vector([body(ones + code)]))
    yield "br_tables_of_two", HEADER + section(1, vector(
        [b"\x60\0\2\x7f\x7f", b"\x60\2\x7f\x7f\2\x7f\x7f"])) + section(3, b"\1\0") + \
        section(10, vector([body(b"\x41\1\x41\2" + b"\x02\1" * 100 + (
            b"\x02\1\x41\0\x0e" + leb(100) + bytes(range(101)) + b"\x0b") * (n // 500) +
            b"\x0b" * 100)]))
    yield "additions", module(b"\x41\0" + b"\x20\0\x6a" * 4 * n + b"\x1a", b"\1\1\x7f")
    yield "divisions", module(b"\x41\0" + b"\x20\0\x6d" * 2 * n + b"\x1a", b"\1\1\x7f")
    yield "float_constants", module(b"".join(
        b"\x44" + i.to_bytes(8, "little") + b"\x1a" for i in range(n)))
    yield "types", HEADER + section(1, leb(5 * n) + NOTHING * 5 * n)
    yield "calls", module(b"\x10\0" * 4 * n)


def refused():
    yield "br_table_1M", module(b"\x41\0\x0e" + leb(1_000_000) + b"\0" * 1_000_001)
    yield "function_10M", module(b"\1" * 10_000_000)
    yield "locals_4G", module(b"", b"\1" + leb(2**32 - 1) + b"\x7f")
    yield "function_count", HEADER + section(1, vector([NOTHING])) + \
        section(3, leb(2**32 - 1) + b"\0")
    yield "params_1001", module(b"", functype=b"\x60" + leb(1001) + b"\x7f" * 1001 + b"\0")


def fixed():
    yield "locals_50k", module(b"", b"\1" + leb(50_000) + b"\x7e")
    yield "params_1000", module(b"", functype=b"\x60" + leb(1000) + b"\x7f" * 1000 + b"\0")
    yield "deep_flush", deep_flush()
    yield "results_1000", module(b"\x41\1" * 1000 + b"\x41\0\x0d\0" * 3000,
                                 functype=b"\x60\0" + leb(1000) + b"\x7f" * 1000)


def deep_flush(count=60, depth=30_000):
    """Functions one of whose operations makes more code than any other operation does."""
    code = body(b"\x41\5\x21\0" + b"\x20\0" * depth + b"\x02\x40\x0b" + b"\x6a" * (depth - 1),
                b"\1\1\x7f")
    exports = [leb(len(name)) + name + b"\0" + leb(i)
               for i, name in enumerate(f"f{i}".encode() for i in range(count))]
    return HEADER + section(1, vector([b"\x60\0\1\x7f"])) + \
        section(3, leb(count) + b"\0" * count) + section(7, vector(exports)) + \
        section(10, leb(count) + code * count)


def main():
    folder = sys.argv[1]
    factor = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for kind, modules in (("linear", linear(factor)), ("refused", refused()), ("fixed", fixed())):
        if factor != 1 and kind != "linear":
            continue
        for name, data in modules:
            path = os.path.join(folder, f"{kind}.{name}.{factor}.wasm")
            with open(path, "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
