#!/usr/bin/env python3
"""Cuts the modules of the official suite at every byte: test_truncated.py [--build D] [--bytes N].
Each piece must be refused with an error, or be valid, and not be read past its end. Modules of more
than N bytes are left out, as they take long. The last line is `N passed, N failed`."""
import argparse
import glob
import hashlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def modules(bytes_max):
    """The modules of the converted suite, each but once."""
    suites = glob.glob(os.path.join(ROOT, "build", "spec-cache", "*"))
    if not suites:
        sys.exit("test_truncated: no converted suite: tests/spec/run makes one")
    newest = max(suites, key=os.path.getmtime)
    seen = {}
    for path in sorted(glob.glob(os.path.join(newest, "**", "*.wasm"), recursive=True)):
        with open(path, "rb") as file:
            data = file.read(bytes_max + 1)
        if len(data) <= bytes_max:
            seen.setdefault(hashlib.sha256(data).digest(), path)
    return list(seen.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--bytes", type=int, default=2000)
    args = parser.parse_args()
    command = [os.path.join(args.build, "truncate_modules"), *modules(args.bytes)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
