#!/usr/bin/env python3
"""The code of whole modules, disassembled: on AArch64 it uses neither x18, which is the platform's,
nor x29, keeps SP a multiple of 16, and begins with a landing pad wherever a jump by a register can
lead; on x86-64 functions begin with endbr64. Needs llvm-mc of LLVM 22."""
import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = os.environ["WJIT_ROOT"]
HEADER = struct.Struct("<8s16s40s16s16s6IQ")
PART = struct.Struct("<3Q")
FUNC = struct.Struct("<8I")
PARTS = ("module", "bodies", "funcs", "traps", "code")
RISKY = re.compile(r"[wx](?:18|29)\b|^br |sp[,\]]")
BTI_C, BTI_J, ENDBR64 = 0xd503245f, 0xd503249f, 0xfa1e0ff3


def functions(path):
    """(offset, bytes) of each function of a compiled module."""
    with open(path, "rb") as f:
        data = f.read()
    part = {name: PART.unpack_from(data, HEADER.size + i * PART.size)
            for i, name in enumerate(PARTS)}
    code, funcs = part["code"], part["funcs"]
    found = []
    for at in range(funcs[0], funcs[0] + funcs[1], FUNC.size):
        _, offset, size = FUNC.unpack_from(data, at)[:3]
        found.append((offset, data[code[0] + offset:code[0] + offset + size]))
    assert found and all(len(body) > 0 for _, body in found), path
    return found


def literals(words):
    """Indexes of the words that are constants: what loads of literals lead to, 16 bytes each."""
    data = set()
    for i, word in enumerate(words):
        if i not in data and word & 0x3b000000 == 0x18000000:
            distance = word >> 5 & 0x7ffff
            distance -= (distance & 0x40000) << 1
            data.update(range(i + distance, i + distance + 4))
    return data


def disassemble(words):
    text = "\n".join(" ".join(f"0x{byte:02x}" for byte in struct.pack("<I", word))
                     for word in words)
    done = subprocess.run(["llvm-mc-22", "-triple=aarch64", "-mattr=+lse,+bti", "-disassemble"],
                          input=text, capture_output=True, text=True, check=True)
    lines = [re.sub(r"\s+", " ", line).strip() for line in done.stdout.splitlines()]
    lines = [line.split(" //")[0] for line in lines if line and not line.startswith("//")]
    if done.stderr or len(lines) != len(words):
        raise ValueError(f"{len(lines)} of {len(words)} words: {done.stderr[:300]}")
    return lines


def broken_rule(text):
    if not RISKY.search(text):
        return None
    if re.search(r"\b[wx]18\b", text):
        return "x18 is the platform's"
    if re.search(r"\b[wx]29\b", text):
        return "x29 is the host's"
    if re.fullmatch(r"br x\d+", text) and text not in ("br x16", "br x17"):
        return "bti c takes br from x16 and x17 alone"
    moved = re.fullmatch(r"(?:add|sub) sp, sp, #(0x[0-9a-f]+|\d+)(, lsl #12)?", text)
    if moved and not moved[2] and int(moved[1], 0) % 16 != 0:
        return "SP is a multiple of 16"
    if re.search(r"\[sp\], |\[sp.*\]!", text):
        return "SP changes by add and sub alone"
    return None


def table_of(texts, code, end):
    """What is wrong with the jump table behind the br at index `end`, or None: pairs of a landing
    pad and a branch. adr x16, entries; add x16, x16, index, lsl #3; br x16; entries."""
    if not (texts[end - 1].startswith("add x16, x16,") and texts[end - 2].startswith("adr x16")):
        return None
    if code[end + 1] != BTI_J or not texts[end + 2].startswith("b "):
        return f"the first entry of a jump table is {texts[end + 1]}; {texts[end + 2]}"
    return ""  # there is one, and it is right


def check_aarch64(named):
    """Of all modules together: starting a disassembler takes longer than what it does."""
    failures, tables, pieces = [], 0, []
    for name, offset, body in named:
        words = list(struct.unpack(f"<{len(body) // 4}I", body[:len(body) // 4 * 4]))
        if words[0] != BTI_C:
            failures.append(f"{name}: the function at {offset:#x} begins with {words[0]:08x}")
        data = literals(words)
        pieces.append((name, [word for i, word in enumerate(words) if i not in data]))
    texts = disassemble([word for _, code in pieces for word in code])
    at = 0
    for name, code in pieces:
        own = texts[at:at + len(code)]
        at += len(code)
        for i, text in enumerate(own):
            rule = broken_rule(text)
            if text == "br x16" and not rule:
                rule = table_of(own, code, i)
                tables += rule == ""
            if rule:
                failures.append(f"{name}: {text}: {rule}")
    return failures, tables, len(texts)


def check_x86_64(name, found):
    return [f"{name}: the function at {offset:#x} begins with {body[:4].hex()}"
            for offset, body in found if struct.unpack("<I", body[:4])[0] != ENDBR64]


def modules(scratch):
    yield from sorted(glob.glob(os.path.join(os.environ["WJIT_BUILD"], "examples", "*.wasm")))
    texts = sorted(glob.glob(os.path.join(ROOT, "tests", "run", "*", "*.wat")) +
                   glob.glob(os.path.join(ROOT, "tests", "spirv", "*.wat")))
    for text in texts if shutil.which("wat2wasm") else []:
        binary = os.path.join(scratch, os.path.basename(text)[:-4] + ".wasm")
        if subprocess.run(["wat2wasm", "--enable-all", text, "-o", binary],
                          capture_output=True, check=False).returncode == 0:
            yield binary


def main():
    if not shutil.which("llvm-mc-22"):
        print("no llvm-mc-22 (Debian: llvm-22)")
        sys.exit(77)
    failures, named, compiled = [], [], 0
    with tempfile.TemporaryDirectory() as scratch:
        for module in modules(scratch):
            name = os.path.basename(module)
            for target in ("aarch64", "x86-64"):
                output = os.path.join(scratch, "out.cwasm")
                done = subprocess.run([*os.environ["WJIT"].split(), "compile", "--target", target,
                                       module, "-o", output], capture_output=True, check=False)
                if done.returncode == 126:
                    continue  # a module that is not to be valid
                assert done.returncode == 0, (name, done.stderr)
                found = functions(output)
                compiled += 1
                if target == "x86-64":
                    failures += check_x86_64(name, found)
                else:
                    named += [(name, offset, body) for offset, body in found]
    more, tables, words = check_aarch64(named)
    failures += more
    for failure in failures[:20]:
        print("FAIL", failure)
    print(f"{compiled} compiled modules, {words} instructions of AArch64, {tables} jump tables")
    if failures or compiled < 10 or tables == 0:
        sys.exit(1)


main()
