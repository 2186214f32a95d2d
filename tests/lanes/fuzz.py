#!/usr/bin/env python3
"""Random kernels with several items at a time and with one: the same bytes, the same traps.

    tests/lanes/fuzz.py [--wjit "COMMAND..."] [--seed N] [--count N] [--seconds N] [--keep FOLDER]

The kernels are those of tests/spirv/kernels.py: nests of blocks, loops and branches that part
items, loads and stores at any address of the item's own. A last line says how many had lanes.
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../spirv"))
import kernels  # pylint: disable=wrong-import-position

TYPES = [["i32"], ["i32", "f32"], ["i32", "f32", "i64", "f64"], ["i32", "i64"], ["i32", "f64"]]


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600,
                          check=False)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wjit", default="build/release/wjit", help="the command and its options")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seconds", type=int, help="begin no kernel after this time")
    parser.add_argument("--keep", help="a folder for the modules that differ")
    options = parser.parse_args()
    failures = done = in_lanes = 0
    reasons = {}
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        wat = os.path.join(folder, "kernel.wat")
        wasm = os.path.join(folder, "kernel.wasm")
        for seed in range(options.seed, options.seed + options.count):
            if options.seconds and time.monotonic() - start > options.seconds:
                break
            done += 1
            items = random.Random(seed).randrange(1, 34) if seed % 3 else kernels.ITEMS
            with open(wat, "w", encoding="ascii") as file:
                file.write(kernels.module(seed, seed % 4 == 0, kernels.ARGS + (seed % 7 == 6),
                                          TYPES[seed % len(TYPES)], items))
            subprocess.run(["wat2wasm", "--enable-all", wat, "-o", wasm], check=True)
            base = options.wjit.split() + ["--no-cache", "--threads", "1", "--stats=json"]
            single = run(base + ["--lanes=off", wasm])
            several = run(base + ["--lanes=all", wasm])
            in_lanes += '"lanes": 8' in several[2]
            for reason in re.findall(r'"why_single": "([^"]+)"', several[2]):
                reasons[reason] = reasons.get(reason, 0) + 1
            if single[:2] != several[:2]:
                failures += 1
                print(f"seed {seed}: {items} items: results differ, exit codes {single[0]} and "
                      f"{several[0]}")
                if options.keep:
                    shutil.copy(wasm, os.path.join(options.keep, f"{seed}.wasm"))
                    shutil.copy(wat, os.path.join(options.keep, f"{seed}.wat"))
    for reason, count in reasons.items():
        print(f"one at a time: {count}: {reason}")
    print(f"{done - failures} passed, {failures} failed, 0 skipped ({in_lanes} had lanes)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
