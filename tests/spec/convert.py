#!/usr/bin/env python3
"""Converts a folder of .wast scripts to wast2json-style JSON and .wasm files: convert.py SUITE OUT.
Module text is encoded by wasm-tools, out of npm's @bytecodealliance/jco-transpile (found by
JCO_TRANSPILE, or installed below build/npm), and what that refuses by Debian's wat2wasm."""
import argparse
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import wast

PACKAGE = "@bytecodealliance/jco-transpile"
PACKAGE_VERSION = "0.15.0"
GROUPS = {"": "core", "legacy": "legacy", "custom": "custom"}


def group_of(name):
    """The group of a script: its proposal, or its folder, or core."""
    parts = name.split("/")
    if parts[0] == "proposals":
        return parts[1]
    return GROUPS.get("/".join(parts[:-1]), parts[0])


def scripts(suite):
    names = [os.path.relpath(os.path.join(folder, f), suite)
             for folder, _, files in os.walk(suite) for f in files if f.endswith(".wast")]
    return sorted(names)


def fingerprint(suite):
    """A hash of every script and of the converter: equal means that nothing is to be done."""
    digest = hashlib.sha256(PACKAGE_VERSION.encode())
    places = [(n, os.path.join(suite, n)) for n in scripts(suite)]
    places += [(n, os.path.join(HERE, n)) for n in ("convert.py", "wast.py", "encode.mjs")]
    for name, path in places:
        with open(path, "rb") as f:
            digest.update(name.encode() + b"\0" + hashlib.sha256(f.read()).digest())
    return digest.hexdigest()[:16]


def find_package(npm_folder):
    """The folder of the encoder's package; installs it where it is not there."""
    if os.environ.get("JCO_TRANSPILE"):
        return os.environ["JCO_TRANSPILE"]
    folder = os.path.join(npm_folder, "node_modules", PACKAGE)
    if not os.path.isfile(os.path.join(folder, "vendor/wasm-tools.js")):
        os.makedirs(npm_folder, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--ignore-scripts",
                   "--legacy-peer-deps", "--prefix", npm_folder, f"{PACKAGE}@{PACKAGE_VERSION}"]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"convert: npm cannot install {PACKAGE}: {run.stderr.strip()[-300:]}")
    return folder


def encode(modules, package):
    """Fills in the data of all modules that have text; returns the messages of those refused."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as jobs:
        for i, module in enumerate(modules):
            jobs.write(f"{i} {base64.b64encode(module.text).decode()}\n")
        jobs.flush()
        run = subprocess.run(["node", os.path.join(HERE, "encode.mjs"), package, jobs.name],
                             capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"convert: node failed: {run.stderr.strip()[-300:]}")
    refused = {}
    for line in run.stdout.splitlines():
        i, state, data = line.split(" ")
        module, data = modules[int(i)], base64.b64decode(data)
        if state == "ok":
            module.data = data
        elif not encode_by_wabt(module):
            refused[module] = data.decode("utf-8", "replace")
    return refused


def encode_by_wabt(module):
    """wasm-tools has dropped the text of legacy exception handling, wat2wasm still reads it."""
    with tempfile.TemporaryDirectory() as folder:
        text, wasm = os.path.join(folder, "m.wat"), os.path.join(folder, "m.wasm")
        with open(text, "wb") as f:
            f.write(module.text)
        command = ["wat2wasm", "--enable-all", "--no-check", text, "-o", wasm]
        if subprocess.run(command, capture_output=True, timeout=60).returncode:
            return False
        with open(wasm, "rb") as f:
            module.data = f.read()
    return True


def write(script, out):
    folder = os.path.join(out, os.path.splitext(script.name)[0])
    os.makedirs(folder, exist_ok=True)
    for module in script.modules:
        with open(os.path.join(folder, module.filename), "wb") as f:
            f.write(module.data)
    with open(os.path.join(folder, script.stem + ".json"), "w") as f:
        lines = ",\n".join("  " + json.dumps(c) for c in script.commands)
        f.write(f'{{"source_filename": {json.dumps(script.name)},\n "commands": [\n{lines}]}}\n')


def convert(suite, out, npm_folder):
    """Converts into a folder that does not exist yet; it appears whole or not at all."""
    package = find_package(npm_folder)
    all_scripts = [wast.Script(os.path.join(suite, n), n) for n in scripts(suite)]
    owners = {m: s for s in all_scripts for m in s.modules if m.text is not None}
    for module, message in encode(list(owners), package).items():
        # Left as text, which no runtime takes for a module: the file counts as failed.
        module.data = module.text
        owners[module].errors.append((module.filename, f"not encodable: {message[:200]}"))
    partial = f"{out}.{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    for script in all_scripts:
        write(script, partial)
    listing = [{"name": s.name, "group": group_of(s.name)} for s in all_scripts]
    with open(os.path.join(partial, "listing.json"), "w") as f:
        json.dump(listing, f, indent=1)
    try:
        os.rename(partial, out)
    except OSError:  # another process was first
        shutil.rmtree(partial)
    return [(s.name, place, text) for s in all_scripts for place, text in s.errors]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite")
    parser.add_argument("out")
    args = parser.parse_args()
    if os.path.exists(args.out):
        sys.exit(f"convert: {args.out}: exists already")
    errors = convert(args.suite, args.out, os.path.join(ROOT, "build", "npm"))
    for name, place, text in errors:
        print(f"convert: {name}: {place}: {text}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
