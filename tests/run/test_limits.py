#!/usr/bin/env python3
"""The limits that the web agreed on, on both sides: a module at a limit is valid, one beyond it is
refused by name, in no time and before memory is taken for what it declares."""
import os
import resource
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from binary import leb, section

STATUS_INVALID, STATUS_TOO_LARGE = 126, 137
REFUSED_MS, REFUSED_MIB = 300, 60 # most of it is the file, which is mapped
HEADER = b"\0asm\1\0\0\0"
NOTHING = b"\x60\0\0"
MILLION = 1_000_000


def repeated(number, count, item):
    """A section of so many equal items; `item` may be a function of the index."""
    items = item * count if isinstance(item, bytes) else b"".join(map(item, range(count)))
    return section(number, leb(count) + items)


def body(code, local_groups=b"\0"):
    contents = local_groups + code + b"\x0b"
    return leb(len(contents)) + contents


def function(code, local_groups=b"\0", functype=NOTHING):
    return HEADER + section(1, b"\1" + functype) + section(3, b"\1\0") + \
        section(10, b"\1" + body(code, local_groups))


TYPE = HEADER + section(1, b"\1" + NOTHING)
MEMORY = section(5, b"\1\0\1")


def subtypes(depth):
    """A chain of types: the last one has so many above it."""
    chain = [b"\x50\0" + NOTHING] + [b"\x50\1" + leb(i) + NOTHING for i in range(depth)]
    return HEADER + section(1, leb(len(chain)) + b"".join(chain))


# Name, limit, module of a count, what the message must say.
LIMITS = [
    ("types", MILLION, lambda n: HEADER + repeated(1, n, NOTHING), "types"),
    ("types in groups", MILLION, lambda n: HEADER + section(
        1, b"\2\x4e" + leb(n // 2) + NOTHING * (n // 2) + b"\x4e" + leb(n - n // 2) +
        NOTHING * (n - n // 2)), "types"),
    ("types in one group", MILLION, lambda n: HEADER + section(
        1, b"\1\x4e" + leb(n) + NOTHING * n), "types"),
    ("groups", MILLION, lambda n: HEADER + repeated(1, n, b"\x4e\0"), "types"),
    ("functions", MILLION, lambda n: TYPE + repeated(3, n, b"\0") +
     repeated(10, n, b"\2\0\x0b"), "functions"),
    ("imports", MILLION, lambda n: TYPE + repeated(2, n, b"\0\0\3\x7f\0"), "imports"),
    ("exports", MILLION, lambda n: HEADER + MEMORY + repeated(
        7, n, lambda i: b"\7%07d\2\0" % i), "exports"),
    ("globals", MILLION, lambda n: HEADER + repeated(6, n, b"\x7f\0\x41\0\x0b"), "globals"),
    ("tags", MILLION, lambda n: TYPE + repeated(13, n, b"\0\0"), "tags"),
    ("data segments", 100_000, lambda n: HEADER + MEMORY + repeated(
        11, n, b"\0\x41\0\x0b\0"), "data segments"),
    ("declared data segments", 100_000, lambda n: HEADER + section(12, leb(n)) +
     repeated(11, n, b"\1\0"), "data segments"),
    ("tables", 100_000, lambda n: HEADER + repeated(4, n, b"\x70\0\0"), "tables"),
    ("elements", 10_000_000, lambda n: TYPE + section(3, b"\1\0") + section(
        9, b"\1\1\0" + leb(n) + b"\0" * n) + section(10, b"\1" + body(b"")), "elements"),
    ("memories", 100, lambda n: HEADER + repeated(5, n, b"\0\0"), "memories"),
    ("parameters", 1000, lambda n: HEADER + section(
        1, b"\1\x60" + leb(n) + b"\x7f" * n + b"\0"), "parameters"),
    ("results", 1000, lambda n: HEADER + section(
        1, b"\1\x60\0" + leb(n) + b"\x7f" * n), "results"),
    ("locals", 50_000, lambda n: function(b"", b"\1" + leb(n) + b"\x7f"), "locals"),
    ("locals in groups", 50_000, lambda n: function(
        b"", b"\2" + leb(n // 2) + b"\x7f" + leb(n - n // 2) + b"\x7e"), "locals"),
    ("locals with parameters", 49_000, lambda n: function(
        b"", b"\1" + leb(n) + b"\x7f", b"\x60" + leb(1000) + b"\x7f" * 1000 + b"\0"), "locals"),
    ("body bytes", 7_654_321, lambda n: function(b"\1" * (n - 2)), "function body"),
    ("fields", 10_000, lambda n: HEADER + section(
        1, b"\1\x5f" + leb(n) + b"\x7f\0" * n), "fields"),
    ("subtypes", 63, subtypes, "deeper"),
    ("br_table targets", 65_520, lambda n: function(
        b"\x41\0\x0e" + leb(n) + b"\0" * (n + 1)), "br_table"),
]

# Valid modules that cannot be instantiated: name, module, what the message must say.
TOO_LARGE = [
    *((f"table of {n}", HEADER + section(4, b"\1\x70" + flags + leb(n)), "limit of 10000000")
      for n, flags in ((10_000_001, b"\0"), (2**32 - 1, b"\0"), (2**37, b"\4"),
                       (2**64 - 1, b"\4"))),
    *((f"memory of {n} pages", HEADER + section(5, b"\1\4" + leb(n)), "exceeds the limit")
      for n in (2**37 - 1, 2**37, 2**48)),
]


def figures(command, path):
    """(exit status, milliseconds of the processor, MiB, the error's text)"""
    child = subprocess.Popen([os.environ["WJIT"], command, "--features=all", path],
                             stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    text = child.stderr.read().decode("utf-8", "replace").strip()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return (child.returncode, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024,
            text)


def main():
    if not os.access(os.environ.get("WJIT", ""), os.X_OK):
        print("no wjit command at the place that WJIT names")
        return 77
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    is_emulated = "WJIT_EMULATED" in os.environ
    failures = []
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "m.wasm")

        def check(name, make, wanted, words, command="validate"):
            written = os.fork()
            if written == 0:  # a process that runs another one counts as its memory
                with open(path, "wb") as file:
                    file.write(make())
                os._exit(0)
            os.waitpid(written, 0)
            examine(name, wanted, words, command)

        def examine(name, wanted, words, command="validate"):
            status, ms, mib, text = figures(command, path)
            print(f"{name}: status {status}, {ms:.0f} ms, {mib:.0f} MiB {text[-90:]}")
            if status != wanted or (wanted != 0 and words not in text):
                failures.append(f"{name}: status {status}: {text}")
            if wanted != 0 and not is_emulated and (ms > REFUSED_MS or mib > REFUSED_MIB):
                failures.append(f"{name}: refused after {ms:.0f} ms with {mib:.0f} MiB")

        for name, limit, make, words in LIMITS:
            if not is_emulated:
                check(f"{name} {limit}", lambda: make(limit), 0, words)
            check(f"{name} {limit + 1}", lambda: make(limit + 1), STATUS_INVALID, words)
        for name, module, words in TOO_LARGE:
            check(name, lambda: module, 0, words)
            check(name, lambda: module, STATUS_TOO_LARGE, words, "run")
        # A file that has no more bytes than this says how many there are to be.
        with open(path, "wb") as file:
            file.write(HEADER)
            file.truncate(2**30 + 1)
        examine("module bytes 2^30 + 1", STATUS_INVALID, "1073741824")
        for number, what in ((1, "types"), (2, "imports"), (3, "functions"), (4, "tables"),
                             (6, "globals"), (7, "exports"), (9, "element"), (11, "data")):
            check(f"section {number} of 2^32 - 1", lambda: HEADER + section(number,
                                                                              leb(2**32 - 1)),
                  STATUS_INVALID, what)
    for failure in failures:
        print("FAIL", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
