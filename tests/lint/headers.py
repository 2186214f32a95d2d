"""Includes follow deps.txt, and each header compiles alone."""
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import tree

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<((?:wjit|wasm)[\w./]*\.h)>)', re.M)


def read_deps():
    allowed, never = {}, {}
    for line in tree.read("tests/lint/deps.txt").splitlines():
        line = line.split("#")[0].strip()
        if match := re.fullmatch(r"(\S+):(.*)", line):
            allowed[match[1]] = set(match[2].split())
        elif match := re.fullmatch(r"(\S+) never (.*)", line):
            never[match[1]] = set(match[2].split())
    return allowed, never


def layer_of(name, allowed):
    """The longest folder of deps.txt that holds the file."""
    folder = os.path.dirname(name)
    while folder and folder not in allowed:
        folder = os.path.dirname(folder)
    return folder


def resolve(name, quoted, public):
    """The file of the project that an include means, or None."""
    if public:
        places = ["include/" + public]
    else:
        beside = os.path.normpath(os.path.join(os.path.dirname(name), quoted))
        places = [quoted, "include/" + quoted, beside]
    return next((p for p in places if os.path.isfile(os.path.join(tree.ROOT, p))), None)


def arrows():
    """(failures): includes that deps.txt does not allow, direct or, for "never", at any depth."""
    allowed, never = read_deps()
    graph = {}
    for name in tree.c_files(".c", ".h", ".def"):
        text = re.sub(r"/\*.*?\*/", "", tree.read(name), flags=re.S)
        graph[name] = [resolve(name, *m.groups()) for m in INCLUDE.finditer(text)]
        graph[name] = [t for t in graph[name] if t]
    for name, targets in graph.items():
        layer = layer_of(name, allowed)
        if not layer:
            yield f"{name}: no row in tests/lint/deps.txt for its folder"
            continue
        may = allowed[layer] | allowed.get(name, set()) | {layer}
        for target in targets:
            to = layer_of(target, allowed)
            if to not in may:
                yield f"{name}: includes {target}, but {layer} may not include {to}"
    for name in graph:
        layer = layer_of(name, allowed)
        for target, path in reach(graph, name):
            if layer_of(target, allowed) in never.get(layer, ()):
                yield f"{name}: reaches {target} by {' > '.join(path)}, which {layer} never may"


def reach(graph, name):
    """Every file reached from name over at least one other header, with the way there."""
    seen, todo = {name}, [(t, []) for t in graph[name]]
    while todo:
        at, path = todo.pop()
        for target in graph.get(at, ()):
            if target not in seen:
                seen.add(target)
                yield target, path + [at]
                todo.append((target, path + [at]))


def compiles(name):
    """A failure line, or None. Headers of guest code are compiled by the guest's compiler."""
    command = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-I.", "-Iinclude", "-Wall", "-Wextra",
               "-Werror", "-Wno-unused-function", "-fsyntax-only", "-x", "c"]
    if name == "include/wjit/gpu.h":
        command[0] = shutil.which("clang-22") or "clang"
        command[1:1] = ["--target=wasm32-wasi", "-Wno-deprecated"]
    if name.startswith("jit/"):
        # Included after a target's masm, by the file that binds the compiler to it, which also
        # defines what a header only declares: a warning that no flag of gcc turns off.
        command.remove("-Werror")
        command += ["-include", "emit/trace_masm.h"]
    # The header is included, not compiled, so that its guard is tried as well.
    text = f'#include "{name}"\n#include "{name}"\n'
    run = subprocess.run(command + ["-"], input=text, cwd=tree.ROOT, capture_output=True, text=True)
    if run.returncode == 0:
        return None
    first = next((l for l in run.stderr.splitlines() if "error" in l), run.stderr[:200])
    return f"{name}: does not compile alone: {first}"


def alone():
    names = [n for n in tree.c_files(".h") if not n.startswith(("tests/", "examples/"))]
    with ThreadPoolExecutor(2) as pool:
        yield from (f for f in pool.map(compiles, names) if f)


CHECKS = [("include arrows", arrows), ("headers compile alone", alone)]
