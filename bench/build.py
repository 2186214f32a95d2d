"""Compiles the benchmark programs: to wasm and, for the native peers, from the same sources."""
import glob
import os
import subprocess
from dataclasses import dataclass, field

from common import HERE, NATIVE_FLAGS, OUT, WASM_FLAGS, Broken, need


@dataclass
class Program:
    """A program and its sources; `wasm` and `native` are flags for one side alone."""
    name: str
    sources: list
    flags: list = field(default_factory=list)
    wasm: list = field(default_factory=list)
    native: list = field(default_factory=list)
    wasm_libs: list = field(default_factory=list)
    strip: str = "-Wl,--strip-all"
    native_libs: list = field(default_factory=list)
    depends: list = field(default_factory=list)


def small_programs():
    for path in sorted(glob.glob(os.path.join(HERE, "programs", "*.c"))):
        name = os.path.basename(path)[:-2]
        # Only the programs written for vectors get them: the others compare scalar code.
        yield Program(name, [path], wasm=["-msimd128"] if name.startswith("simd") else [])


def place(kind, name):
    return os.path.join(OUT, kind, name + (".wasm" if kind == "wasm" else ""))


def command_of(program, kind, out):
    common = ["-std=gnu11", *program.flags]
    if kind == "wasm":
        return [*WASM_FLAGS, program.strip, *common, *program.wasm, *program.sources, "-o", out,
                *program.wasm_libs]
    return [*NATIVE_FLAGS[kind], *common, *program.native, *program.sources, "-o", out, "-lm",
            *program.native_libs]


def compile_program(program, kind):
    """The path of the compiled program, made anew if a source or the command is newer than it."""
    out = place(kind, program.name)
    command = command_of(program, kind, out)
    note_path = out + ".command"
    text = "\n".join(command)
    inputs = [*program.sources, *program.depends, *glob.glob(os.path.join(HERE, "programs", "*.h"))]
    if os.path.exists(out) and os.path.exists(note_path):
        with open(note_path) as f:
            same = f.read() == text
        if same and os.path.getmtime(out) >= max(map(os.path.getmtime, inputs)):
            return out
    need(command[0])
    os.makedirs(os.path.dirname(out), exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if "error" in line]
        raise Broken(f"{program.name} for {kind}: {(lines or ['no build'])[0]}")
    with open(note_path, "w") as f:
        f.write(text)
    return out
