#!/usr/bin/env python3
"""Compares what modules do with what they say of themselves: check_outcomes.py [--run COMMAND]...
FILE.wat... The first lines of a file say `;; EXPORT -> OUTCOME`, as attacks/gen.py explains; one
may be `;; tables of i64`. Each command is a fuzz_trace with its options. The last line is `N
passed, N failed`."""
import argparse
import os
import re
import subprocess
import sys
import tempfile

# Not all that the assembler knows: with typed references it refuses valid modules.
FEATURES = ["--enable-tail-call", "--enable-extended-const", "--enable-multi-memory",
            "--enable-memory64", "--enable-threads", "--enable-relaxed-simd"]
# Tables with indexes of 64 bits the assembler does not know: it encodes the module unchecked, and
# the tables' limits are marked so afterwards.
WIDE_TABLES = ";; tables of i64\n"
SECTION_TABLE, LIMITS_I64 = 4, 4
EXPECTATION = re.compile(r"^;; (\S+) -> (.*)$", re.M)
NOT_SHOWN = 10


def leb(data, at):
    """(value, where it ends)"""
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def widen_tables(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    at = 8
    while at < len(data):
        number = data[at]
        size, start = leb(data, at + 1)
        at = start + size
        if number == SECTION_TABLE:
            count, place = leb(data, start)
            for _ in range(count):
                data[place + 1] |= LIMITS_I64 # after the type, which is one byte
                has_max = data[place + 1] & 1
                _, place = leb(data, place + 2)
                if has_max:
                    _, place = leb(data, place)
    with open(path, "wb") as file:
        file.write(data)


def assemble(path, module):
    """The assembler's complaint, or None."""
    with open(path, encoding="utf-8") as file:
        has_wide_tables = file.read().startswith(WIDE_TABLES)
    unchecked = ["--no-check"] if has_wide_tables else []
    done = subprocess.run(["wat2wasm", *FEATURES, *unchecked, path, "-o", module],
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return done.stderr
    if has_wide_tables:
        widen_tables(module)
    return None


def outcomes(command, modules):
    """module name -> {export: outcome}, in one process. Of those after a crash none is known."""
    done = subprocess.run(command + ["--text"] + modules, stdout=subprocess.PIPE, text=True,
                          errors="replace")
    said, of_module = {}, {}
    for line in done.stdout.splitlines():
        match = re.match(r"  ([RT]) (\S+) ?(.*)$", line)
        if match:
            of_module[match[2]] = f"{match[1]} {match[3]}".strip()
        elif not line.startswith(" "):
            said[line.split()[0]] = of_module
            of_module = {}
    if done.returncode != 0:
        for module in modules:
            said.setdefault(os.path.basename(module), {None: f"died with {done.returncode}"})
    return said


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", action="append", required=True)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    passed, failures = 0, []
    with tempfile.TemporaryDirectory() as folder:
        modules, wanted = [], {}
        for path in args.files:
            name = os.path.basename(path)[:-4] + ".wasm"
            module = os.path.join(folder, name)
            complaint = assemble(path, module)
            if complaint is not None:
                failures.append(f"{path}: {complaint[:300]}")
                continue
            modules.append(module)
            with open(path, encoding="utf-8") as file:
                wanted[name] = EXPECTATION.findall(file.read())
            if not wanted[name]:
                failures.append(f"{path}: expects nothing")
        for command in args.run:
            said = outcomes(command.split(), modules)
            for name, expectations in wanted.items():
                for export, outcome in expectations:
                    got = said[name].get(export, said[name].get(None, "nothing"))
                    if got == outcome or (outcome == "R *" and got.startswith("R")):
                        passed += 1
                    else:
                        failures.append(f"{command} {name} {export}: {got}, not {outcome}")
    for failure in failures[:NOT_SHOWN]:
        print("FAIL", failure)
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
