#!/usr/bin/env python3
"""covered.py SELFTEST_FOLDER KERNELS_FOLDER: every computing instruction of the kernels' shaders,
by opcode and types of result and operand, is one that the self-test's shaders have, too.

The folders hold *.spv, as tests/vk/with_layer leaves them.
"""
import glob
import os
import re
import subprocess
import sys

# What names, moves and holds values.
IGNORED = """Label Load Store Constant ConstantNull ConstantComposite SpecConstant ConstantFalse
SpecConstantComposite Variable AccessChain Function FunctionParameter FunctionCall Undef Phi Bitcast
CompositeConstruct CompositeExtract CompositeInsert VectorShuffle VectorExtractDynamic""".split()
# No verdict is about these: tests/run/test_gpu_every.sh has compared what they give. Pairs for i64
# are vectors of two words.
ELSEWHERE = re.compile(r"Atomic\w+ .*|(All|Any) bool boolx4|UConvert (u8|u64) u32|Select bool bool"
                       r"|(Bitwise\w+|Select) u32x2 (u32|bool)x2")


def instructions(path):
    text = subprocess.run(["spirv-dis", "--raw-id", "--no-color", path], check=True,
                          stdout=subprocess.PIPE, encoding="ascii").stdout
    types, results, found = {}, {}, set()
    for line in text.splitlines():
        match = re.match(r"\s*(%\w+) = Op(\w+) ?(.*)", line)
        if not match:
            continue
        result, opcode, operands = match[1], match[2], match[3].split()
        if opcode in ("TypeInt", "TypeFloat"):
            types[result] = ("u" if opcode == "TypeInt" else "f") + operands[0]
        elif opcode == "TypeVector":
            types[result] = f"{types[operands[0]]}x{operands[1]}"
        elif opcode.startswith("Type"):
            types[result] = opcode[4:].lower()
        elif operands and operands[0] in types:
            results[result] = types[operands[0]]
            if opcode == "ExtInst":
                opcode = operands[2]
            known = [results[name] for name in operands[1:] if name in results]
            if opcode not in IGNORED:
                found.add(" ".join([opcode, types[operands[0]]] + known[:1]))
    return found


def of_folder(folder):
    return set().union(*map(instructions, glob.glob(os.path.join(folder, "*.spv"))))


def main():
    tested, used = of_folder(sys.argv[1]), of_folder(sys.argv[2])
    lacking = {one for one in used - tested if not ELSEWHERE.fullmatch(one)}
    for one in sorted(lacking):
        print(f"not in the self-test: {one}")
    print(f"{len(used - lacking)} of {len(used)} kinds of instructions are tried")
    return 1 if lacking or not used else 0


if __name__ == "__main__":
    sys.exit(main())
