#!/usr/bin/env python3
"""Compile bombs: each is refused, or compiled in time and memory that grow no faster than it. Times
are those of the processor, with room for a slow machine."""
import os
import resource
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SLACK = 3
STATUS_REFUSED = 126
# Milliseconds and MiB of shapes with a bar of their own, the linear ones at four times their size.
# Of a million functions the compiled form alone has 64 MB, a row and an empty function's code for
# each. What is fixed takes little more than the start of the process, some 10 ms.
BARS = {"nested_blocks": (500, 200), "empty_functions": (1000, 280), "br_ifs": (250, 60),
        "deep_stack": (200, 60), "types": (300, 60), "locals_50k": (20, 40),
        "params_1000": (20, 40)}
GROWTH = 4 * 2.3 # for four times the size
NOISE_MS = 60


def compile_module(path, scratch):
    """(exit status, milliseconds, MiB, the error's text)"""
    with open(os.path.join(scratch, "err"), "w+") as err:
        child = subprocess.Popen([os.environ["WJIT"], "compile", path, "-o",
                                  os.path.join(scratch, "out.cwasm")], stderr=err,
                                 stdout=subprocess.DEVNULL,
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU,
                                                                       (60, 60)))
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        text = err.read().strip()
    return (child.returncode, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024,
            text)


def main():
    if not os.access(os.environ.get("WJIT", ""), os.X_OK):
        print("no wjit command at the place that WJIT names")
        return 77
    if os.environ.get("WJIT_EMULATED"):
        print("times of an emulator say nothing")
        return 77
    failures = []
    with tempfile.TemporaryDirectory() as scratch:
        for factor in ("1", "4"):
            subprocess.run([sys.executable, os.path.join(HERE, "bombs.py"), scratch, factor],
                           check=True)
        figures = {}
        for name in sorted(os.listdir(scratch)):
            if not name.endswith(".wasm"):
                continue
            kind, shape, factor, _ = name.split(".")
            status, ms, mib, text = compile_module(os.path.join(scratch, name), scratch)
            if factor == "4" and ms > GROWTH * figures[shape, "1"] + NOISE_MS:
                # A virtual machine's host may have had to find the pages: not twice.
                ms = min(ms, compile_module(os.path.join(scratch, name), scratch)[1])
            print(f"{name}: status {status}, {ms:.0f} ms, {mib:.0f} MiB {text[:100]}")
            figures[shape, factor] = ms
            if status not in (0, STATUS_REFUSED) or (status != 0) != (text != ""):
                failures.append(f"{name}: status {status}: {text[:300]}")
            if kind == "refused" and (status == 0 or ms > 100 * SLACK or mib > 60):
                failures.append(f"{name}: not refused, or not soon")
            if kind == "linear" and status != 0:
                failures.append(f"{name}: refused: {text[:300]}")
            if factor == "4" or kind == "fixed":
                bar_ms, bar_mib = BARS.get(shape, (1000, 200))
                if ms > bar_ms * SLACK or mib > bar_mib:
                    failures.append(f"{name}: {ms:.0f} ms, {mib:.0f} MiB")
            if factor == "4":
                if ms > GROWTH * figures[shape, "1"] + NOISE_MS:
                    failures.append(f"{name}: {ms:.0f} ms, a quarter of it "
                                    f"{figures[shape, '1']:.0f} ms")
    for failure in failures:
        print("FAIL", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
