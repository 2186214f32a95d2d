#!/usr/bin/env python3
"""Instructions executed (callgrind) on fixed inputs: more than 5 % above instructions/baseline.txt
fails. `--bless` writes the baseline anew: after a change that is meant to cost more, or that saves
something worth keeping. Counts hold for the compiler that the baseline names; with another one the
test is left out. A process that says hello must also stay within 4 MiB."""
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions")
BASELINE = os.path.join(HERE, "baseline.txt")
SLACK = 1.05
HELLO_BYTES_MAX = 4 << 20
# What a program prints; compiling prints nothing.
PROGRAMS = {"hello": "hello", "sieve": "17984", "calls": "67711", "matmul": "5203227.7142857164"}
FUNCS = 1500


def make_large():
    """Text of a module with many functions of what compilers make of C: loops, addresses, calls."""
    state = 12345

    def pick(n):
        nonlocal state
        state = (state * 1103515245 + 12345) & 0x7fffffff
        return (state >> 8) % n
    ops = ["add", "sub", "mul", "and", "or", "xor", "shl", "shr_u", "lt_s", "eq", "rotl"]

    def value(depth):
        kind = pick(6 if depth else 2)
        if kind == 0:
            return f"(local.get {pick(5)})"
        if kind == 1:
            return f"(i32.const {pick(1 << (1 + pick(20)))})"
        if kind == 2:
            load = ["load", "load8_u", "load16_s"][pick(3)]
            return f"(i32.{load} offset={pick(4096)} {value(depth - 1)})"
        return f"(i32.{ops[pick(len(ops))]} {value(depth - 1)} {value(depth - 1)})"

    def statement(depth):
        kind = pick(7)
        if kind == 0 and depth:
            return f"(if {value(2)} (then {statement(depth - 1)}) (else {statement(depth - 1)}))"
        if kind == 1 and depth:
            return (f"(block (br_if 0 {value(1)}) (loop {statement(depth - 1)} "
                    f"{statement(depth - 1)} (br_if 0 {value(2)})))")
        if kind == 2:
            return f"(i32.store offset={pick(4096)} {value(1)} {value(2)})"
        if kind == 3:
            return f"(local.set {pick(5)} (call {pick(FUNCS)} {value(1)} {value(0)}))"
        if kind == 4:
            return (f"(local.set 5 (f64.add (local.get 5) (f64.mul (f64.load {value(1)}) "
                    f"(f64.convert_i32_s {value(1)}))))")
        return f"(local.set {pick(5)} {value(3)})"
    funcs = [f"(func (param i32 i32) (result i32) (local i32 i32 i32 f64) "
             + " ".join(statement(2) for _ in range(2 + pick(9))) + f" {value(2)})"
             for _ in range(FUNCS)]
    return "(module (memory 1) " + "\n".join(funcs) + ")"


def instructions(command, expected):
    """How many the process executes, all of it; its output must be as expected."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                           *command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0 or done.stdout.strip() != expected:
        raise SystemExit(f"{' '.join(command)}: status {done.returncode}, it said "
                         f"{done.stdout.strip()!r}: {done.stderr[-500:]}")
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def wasm(scratch, name, text=None):
    path = os.path.join(scratch, name)
    if text is not None:
        with open(path + ".wat", "w") as f:
            f.write(text)
    source = path + ".wat" if text is not None else os.path.join(HERE, name + ".wat")
    subprocess.run(["wat2wasm", source, "-o", path + ".wasm"], check=True)
    return path + ".wasm"


def measure(wjit, scratch):
    large = wasm(scratch, "large", make_large())
    out = os.path.join(scratch, "large.cwasm")
    counts = {
        "validate": instructions([wjit, "validate", large], ""),
        "compile": instructions([wjit, "compile", "--threads", "1", "--no-cache", large, "-o", out],
                                ""),
    }
    for name, expected in PROGRAMS.items():
        options = [] if name == "hello" else ["--invoke", "run"]
        counts[name] = instructions([wjit, "--no-cache", *options, wasm(scratch, name)], expected)
    return counts


def hello_bytes(wjit, scratch):
    # Started by a small process: the peak counts what the one that forked had.
    done = subprocess.run(["sh", "-c", '"$@"; exit $?', "sh", wjit, "--no-cache", "--stats=json",
                           os.path.join(scratch, "hello.wasm")],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stderr.strip().splitlines()[-1])["peak_rss_bytes"]


def compiler():
    """The compiler and C library whose code is counted."""
    words = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=True)
    libc = os.confstr("CS_GNU_LIBC_VERSION")
    return f"{words.stdout.splitlines()[0]}; {libc}; {os.uname().machine}"


def read_baseline():
    with open(BASELINE) as f:
        lines = [line.strip() for line in f if line.strip() and not line.startswith("#")]
    return lines[0], {name: int(count) for name, count in map(str.split, lines[1:])}


def bless(counts):
    with open(BASELINE, "w") as f:
        f.write("# Instructions executed, by the compiler named first. Written by --bless.\n"
                f"{compiler()}\n")
        f.writelines(f"{name} {count}\n" for name, count in counts.items())


def main():
    wjit = os.environ.get("WJIT", "")
    is_blessing = sys.argv[1:] == ["--bless"]
    if not os.access(wjit, os.X_OK):
        print("no wjit command at the place that WJIT names")
        return 77
    if os.environ.get("WJIT_EMULATED"):
        print("the command is emulated: it cannot be counted by valgrind")
        return 77
    for tool in ("valgrind", "wat2wasm", "cc"):
        if subprocess.run(["sh", "-c", f"command -v {tool}"], capture_output=True).returncode:
            print(f"no {tool}")
            return 77
    made_by, baseline = (None, {}) if is_blessing else read_baseline()
    if not is_blessing and made_by != compiler():
        print(f"the baseline is of {made_by}, here is {compiler()}")
        return 77
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        counts = measure(wjit, scratch)
        peak = hello_bytes(wjit, scratch)
    if peak > HELLO_BYTES_MAX:
        print(f"FAIL hello: {peak} bytes at most, {HELLO_BYTES_MAX} are the limit")
        failed = True
    for name, count in counts.items():
        ratio = count / baseline[name] if name in baseline else 1
        is_worse = ratio > SLACK
        failed |= is_worse
        print(f"{'FAIL' if is_worse else 'ok  '} {name}: {count} instructions, "
              f"{ratio:.3f} of the baseline")
    if is_blessing:
        bless(counts)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
