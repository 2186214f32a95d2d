"""A module of the operations of wide arithmetic, which Debian's assembler does not know, on edge
values with their operands in all forms; and what each export gives, by this language's integers."""
import itertools
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from binary import HEADER, leb, section, vector

I64, I32, EMPTY = 0x7e, 0x7f, 0x40
HALVES = [0, 1, 2, 0xffffffff, 0x123456789abcdef0, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1]
FACTOR, TURN, MASK = 0x9e3779b97f4a7c15, 7, 2**64 - 1
HASH, OPERAND, LOW, HIGH, OTHER, OTHERS = 0, 1, 5, 6, 7, 16
ZERO = OTHER + OTHERS # an i32 that the compiler does not know
PLACE = 64            # in memory, of operands


def const(value):
    """i64.const of a number of 64 bits, without a sign or with it."""
    value = (value + 2**63) % 2**64 - 2**63
    out = bytearray(b"\x42")
    while True:
        byte, value = value & 127, value >> 7
        if value == -(byte >> 6): # what is left is all sign
            return bytes(out + bytes([byte]))
        out.append(byte | 128)


def get(local):
    return b"\x20" + leb(local)


def put(local):
    return b"\x21" + leb(local)


def signed(value):
    return (value + 2**63) % 2**64 - 2**63


def wide(low, high):
    return high << 64 | low


# Name, code, number of operands, the result of 128 bits.
OPS = [
    ("add128", b"\xfc\x13", 4, lambda a, b, c, d: wide(a, b) + wide(c, d)),
    ("sub128", b"\xfc\x14", 4, lambda a, b, c, d: wide(a, b) - wide(c, d)),
    ("mul_wide_s", b"\xfc\x15", 2, lambda a, b: signed(a) * signed(b)),
    ("mul_wide_u", b"\xfc\x16", 2, lambda a, b: a * b),
]


def in_register(k):
    return get(OPERAND + k) * 2 + get(ZERO) + b"\x1b" # select


def load(k):
    return get(ZERO) + b"\x29\3" + leb(PLACE + 8 * k)


def store(k):
    return get(ZERO) + get(OPERAND + k) + b"\x37\3" + leb(PLACE + 8 * k)


# Each gives the code that leaves the operands, which have their locals' values, on the stack.
FORMS = {
    "const": lambda values: b"".join(map(const, values)),
    "local": lambda values: b"".join(get(OPERAND + k) for k in range(len(values))),
    "const_left": lambda values: const(values[0]) + b"".join(
        get(OPERAND + k) for k in range(1, len(values))),
    "const_right": lambda values: b"".join(
        get(OPERAND + k) for k in range(len(values) - 1)) + const(values[-1]),
    "const_halves": lambda values: b"".join(
        const(v) if k % 2 else get(OPERAND + k) for k, v in enumerate(values)),
    "same": lambda values: None if len(set(values)) > 1 else get(OPERAND) * len(values),
    "register": lambda values: b"".join(in_register(k) for k in range(len(values))),
    "spilled": lambda values: b"".join(in_register(k) for k in range(len(values))) + b"\x10\0",
    "memory": lambda values: store(len(values) - 1) + b"".join(
        in_register(k) for k in range(len(values) - 1)) + load(len(values) - 1),
    "memory_all": lambda values: b"".join(store(k) for k in range(len(values))) + b"".join(
        load(k) for k in range(len(values))),
    "homeless": lambda values: b"".join(get(OPERAND + k) for k in range(len(values))),
    # The results take the places of the first operands.
    "into": lambda values: b"".join(get(OPERAND + k) for k in range(len(values))),
}


def fold(local):
    """hash = rotl(hash * FACTOR, TURN) ^ local"""
    return get(HASH) + const(FACTOR) + b"\x7e" + const(TURN) + b"\x89" + get(local) + b"\x85" + \
        put(HASH)


def folded(hash_, value):
    hash_ = hash_ * FACTOR & MASK
    return (hash_ << TURN | hash_ >> 64 - TURN) & MASK ^ value


def weigh_others():
    """Uses more locals than there are registers, each more often than an operand."""
    adds = b"".join((get(OTHER + i) + get(OTHER + (i + 1) % OTHERS) + b"\x7c" + put(OTHER + i)) * 40
                    for i in range(OTHERS))
    return b"\3\x40" + adds + get(ZERO) + b"\x0d\0\x0b"


def function(op, form):
    """(code, result) of one that hashes the results for all operands."""
    _, code, count, result_of = op
    text, hash_ = weigh_others() if form == "homeless" else b"", 0
    for i, values in enumerate(itertools.product(HALVES, repeat=count)):
        if count > 2 and i % 37 != 0 and len(set(values)) > 1:
            continue
        operands = FORMS[form](values)
        if operands is None:
            continue
        results = (OPERAND, OPERAND + 1) if form == "into" else (LOW, HIGH)
        text += b"".join(const(v) + put(OPERAND + k) for k, v in enumerate(values))
        text += operands + code + put(results[1]) + put(results[0])
        text += fold(results[0]) + fold(results[1])
        result = result_of(*values) % 2**128
        hash_ = folded(folded(hash_, result & MASK), result >> 64)
    return text + get(HASH), signed(hash_)


def module():
    """(bytes, lines that its trace must have)"""
    bodies, exports, lines = [b"\0\x0b"], [], []
    local_groups = b"\2" + leb(ZERO) + bytes([I64]) + b"\1" + bytes([I32])
    for op, form in itertools.product(OPS, FORMS):
        name = f"i64.{op[0]}/{form}"
        text, result = function(op, form)
        exports.append(leb(len(name)) + name.encode() + b"\0" + leb(len(bodies)))
        bodies.append(local_groups + text + b"\x0b")
        lines.append(f"  R {name} {result}")
    types = [b"\x60\0\0", b"\x60\0\1" + bytes([I64])]
    sections = [(1, types), (3, [b"\0"] + [b"\1"] * len(exports)), (5, [b"\0\1"]),
                (7, exports), (10, [leb(len(b)) + b for b in bodies])]
    return HEADER + b"".join(section(n, vector(items)) for n, items in sections), lines
