#!/usr/bin/env python3
"""Flips one expectation in each of five passing files of a copy of the converted suite, and checks
that the runner loses exactly these five. A runner that passes anything would pass everything."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def is_number(command):
    expected = command.get("expected", [])
    return len(expected) == 1 and expected[0]["type"] in ("i32", "i64")


def other_number(command):
    expected = command["expected"][0]
    expected["value"] = str(int(expected["value"]) ^ 1)


def is_vector(command):
    expected = command.get("expected", [])
    return len(expected) == 1 and expected[0].get("lane_type") in ("i8", "i16", "i32", "i64")


def other_lane(command):
    lanes = command["expected"][0]["value"]
    lanes[-1] = str(int(lanes[-1]) ^ 1)


def other_message(command):
    is_unreachable = command["text"] == "unreachable"
    command["text"] = "integer overflow" if is_unreachable else "unreachable"


def no_trap(command):
    command.update(type="assert_return", expected=[])


def no_defect(command):
    command["type"] = "module"


# (what to flip, which commands it can be done to, how)
FLIPS = [
    ("a number", is_number, other_number),
    ("a lane", is_vector, other_lane),
    ("a message", lambda c: c["type"] == "assert_trap", other_message),
    ("a trap", lambda c: c["type"] == "assert_trap", no_trap),
    ("a verdict", lambda c: c["type"] == "assert_invalid", no_defect),
]


def run_suite(build, converted):
    command = [os.path.join(HERE, "run"), "--json", "--build", build, "--converted", converted]
    run = subprocess.run(command, capture_output=True, text=True)
    if not run.stdout.strip():
        sys.exit(f"test_flipped: the runner gave no answer: {run.stderr.strip()[-300:]}")
    groups = json.loads(run.stdout.splitlines()[-1])["groups"]
    return {name for group in groups.values() for name in group["failed"]}


def flip_all(folder, names):
    """One flip for each row of FLIPS, each in another of the named files; returns those."""
    changed = []
    for what, matches, flip in FLIPS:
        for name in names:
            path = os.path.join(folder, name, os.path.basename(name) + ".json")
            with open(path) as f:
                script = json.load(f)
            command = next((c for c in script["commands"] if matches(c)), None)
            if name in changed or not command:
                continue
            flip(command)
            with open(path, "w") as f:
                json.dump(script, f)
            print(f"{what}: {name}.wast:{command['line']}")
            changed.append(name)
            break
        else:
            sys.exit(f"test_flipped: no passing file in which to flip {what}")
    return changed


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "release")
    newest = max(glob.glob(os.path.join(ROOT, "build", "spec-cache", "*", "listing.json")),
                 key=os.path.getmtime, default=None)
    if not newest:
        sys.exit("test_flipped: no converted suite in build/spec-cache; run tests/spec/run first")
    converted = os.path.dirname(newest)
    with open(newest) as f:
        all_names = [e["name"].removesuffix(".wast") for e in json.load(f)]
    before = run_suite(build, converted)
    with tempfile.TemporaryDirectory(prefix="wjit-flipped-") as scratch:
        copy = os.path.join(scratch, "suite")
        shutil.copytree(converted, copy)
        flipped = set(flip_all(copy, [n for n in all_names if n not in before]))
        after = run_suite(build, copy)
    for name in sorted((before | flipped) ^ after):
        what = "lost without a flip" if name in after else "passes in spite of its flip"
        print(f"test_flipped: {name}: {what}")
    is_right = after == before | flipped
    print("1 passed, 0 failed" if is_right else "0 passed, 1 failed")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
