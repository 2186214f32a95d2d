#!/usr/bin/env python3
"""Runs random kernels on the GPU, on the CPU, every fourth on AArch64 where $WJIT_AARCH64 is a
command that does so, and on V8 where node is: same bytes, same traps.

    tests/spirv/fuzz_kernels.py [--wjit PATH] [--device any] [--seed N] [--count N] [--seconds N]
                                 [--node PATH]
"""
import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import kernels

NODE = """
import fs from 'fs';
const bytes = fs.readFileSync(process.argv[2]);
if (!WebAssembly.validate(bytes)) { process.exit(3); } // an older one
const module = new WebAssembly.Module(bytes);
let exports;
const fd_write = (fd, iovs) => {
  const [at, size] = new Uint32Array(exports.memory.buffer, iovs, 2);
  fs.writeSync(1, new Uint8Array(exports.memory.buffer, at, size));
  return 0;
};
({ exports } = new WebAssembly.Instance(module, { wasi_snapshot_preview1: { fd_write } }));
try { exports._start(); } catch (e) { process.exit(134); }
"""


def run(command, **variables):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600,
                          check=False, env=dict(os.environ, **variables))
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wjit", default="build/release/wjit")
    parser.add_argument("--device", default="any")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seconds", type=int, help="begin no kernel after this time")
    parser.add_argument("--node", default=shutil.which("node"))
    parser.add_argument("--deterministic", action="store_true", help="NaNs have their bits, too")
    parser.add_argument("--keep", help="a folder for the modules that differ")
    options = parser.parse_args()
    more = ["--deterministic"] if options.deterministic else []
    kernels.Kernel.keeps_nans = options.deterministic
    aarch64 = shlex.split(os.environ.get("WJIT_AARCH64", ""))
    failures = 0
    on_device = 0
    done = 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "run.mjs")
        wat = os.path.join(folder, "kernel.wat")
        wasm = os.path.join(folder, "kernel.wasm")
        with open(script, "w", encoding="ascii") as file:
            file.write(NODE)
        for seed in range(options.seed, options.seed + options.count):
            if options.seconds and time.monotonic() - start > options.seconds:
                break
            done += 1
            # Most kernels run through; some trap; some find none of their addresses aligned; some
            # have addresses of 64 bits, or a second memory.
            args = kernels.ARGS + (1 if seed % 5 == 4 else 0)
            with open(wat, "w", encoding="ascii") as file:
                file.write(kernels.module(seed, seed % 3 == 0, args,
                                          a="i64" if seed % 7 == 6 else "i32",
                                          b={2: "i32", 7: "i64"}.get(seed % 11)))
            subprocess.run(["wat2wasm", "--enable-threads", "--enable-memory64",
                            "--enable-multi-memory", wat, "-o", wasm], check=True)
            # Some reach memory by its address, as if no binding of the device took it.
            limits = {"WJIT_GPU_RANGE": "4096"} if seed % 4 == 3 else {}
            runs = {
                "cpu": run([options.wjit, *more, "--gpu=off", wasm]),
                "gpu": run([options.wjit, *more, "--gpu-explain",
                            f"--gpu={options.device}", wasm], **limits),
            }
            if aarch64 and seed % 4 == 0:
                runs["aarch64"] = run([*aarch64, *more, "--gpu=off", wasm])
            if options.node and not options.deterministic:
                runs["node"] = run([options.node, script, wasm])
                if runs["node"][0] == 3:
                    del runs["node"]
            on_device += ": translated" in runs["gpu"][2]
            if len({(code, out) for code, out, _ in runs.values()}) != 1:
                failures += 1
                codes = {name: result[0] for name, result in runs.items()}
                print(f"seed {seed}: exit codes {codes}: results differ")
                if options.keep:
                    shutil.copy(wasm, os.path.join(options.keep, f"{seed}.wasm"))
    print(f"{done - failures} passed, {failures} failed, 0 skipped "
          f"({on_device} ran on the device)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
