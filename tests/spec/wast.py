"""The script level of .wast files: s-expressions, values and commands. Module text is only cut out
here; convert.py has it encoded. Everything works on bytes, as names need not be UTF-8."""
import bisect
import os
import re
from fractions import Fraction

TOKEN = re.compile(rb'''
   (?P<space>[ \t\r\n]+)
 | (?P<line_comment>;;[^\r\n]*)
 | (?P<block_comment>\(;)
 | (?P<open>\()
 | (?P<close>\))
 | (?P<string>\$?"(?:[^"\\]|\\.)*")
 | (?P<atom>[^\s()";]+(?:"(?:[^"\\]|\\.)*")?)
 | (?P<other>.)
''', re.X | re.S)
COMMENT_EDGE = re.compile(rb"\(;|;\)")
LINE_END = re.compile(rb"\r\n|\n|\r")
ESCAPE = re.compile(rb"\\(?:u\{([0-9a-fA-F_]+)\}|([0-9a-fA-F]{2})|(.))", re.S)
SIMPLE_ESCAPES = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b'"': b'"', b"'": b"'", b"\\": b"\\"}

MODULE_FIELDS = {b"type", b"rec", b"import", b"func", b"table", b"memory", b"global", b"export",
                 b"start", b"elem", b"data", b"tag"}
ON_ACTIONS = ("assert_trap", "assert_exhaustion", "assert_exception", "assert_suspension")
ON_INSTANCES = ("assert_trap", "assert_unlinkable", "assert_uninstantiable")
ON_MODULES = ("assert_invalid", "assert_malformed", "assert_invalid_custom",
              "assert_malformed_custom")
FLOAT_FORMATS = {32: (23, 8), 64: (52, 11)}
LANES = {"i8x16": ("i8", 8, 16), "i16x8": ("i16", 16, 8), "i32x4": ("i32", 32, 4),
         "i64x2": ("i64", 64, 2), "f32x4": ("f32", 32, 4), "f64x2": ("f64", 64, 2)}
NULL_TYPES = {"any": "anyref", "eq": "eqref", "i31": "i31ref", "struct": "structref",
              "array": "arrayref", "func": "funcref", "extern": "externref", "exn": "exnref",
              "cont": "contref", "none": "nullref", "nofunc": "nullfuncref",
              "noextern": "nullexternref", "noexn": "nullexnref", "nocont": "nullcontref"}
NON_NULL = ("ref.func", "ref.any", "ref.eq", "ref.i31", "ref.struct", "ref.array", "ref.exn",
            "ref.cont")


class WastError(Exception):
    pass


class List:
    """A parenthesised list, with the span of source it covers."""

    def __init__(self, start, line):
        self.items, self.start, self.end, self.line = [], start, None, line

    def head(self):
        return self.items[0].text if self.items and isinstance(self.items[0], Atom) else b""


class Atom:
    def __init__(self, text, start, end):
        self.text, self.start, self.end = text, start, end
        self.is_string = text[:1] == b'"'


def parse(source):
    """The top-level items of a script. Annotations, (@id …), are white space."""
    ends = [m.end() for m in LINE_END.finditer(source)]
    at, stack, top = 0, [], []

    def line(position):
        return bisect.bisect_right(ends, position) + 1

    def add(item):
        (stack[-1].items if stack else top).append(item)

    while at < len(source):
        token = TOKEN.match(source, at)
        kind, end = token.lastgroup, token.end()
        if kind == "block_comment":
            end = skip_comment(source, end)
        elif kind == "open":
            stack.append(List(at, line(at)))
        elif kind == "close":
            if not stack:
                raise WastError(f"unbalanced ) at line {line(at)}")
            done = stack.pop()
            done.end = end
            if not done.head().startswith(b"@"):
                add(done)
        elif kind in ("string", "atom", "other"):
            add(Atom(token.group(), at, end))
        at = end
    if stack:
        raise WastError(f"unbalanced ( opened at line {stack[-1].line}")
    return top


def skip_comment(source, at):
    depth = 1
    for edge in COMMENT_EDGE.finditer(source, at):
        depth += 1 if edge.group() == b"(;" else -1
        if depth == 0:
            return edge.end()
    raise WastError("unterminated block comment")


def unquote(token):
    def replace(match):
        if match[1]:
            return chr(int(match[1].replace(b"_", b""), 16)).encode("utf-8", "surrogatepass")
        return bytes([int(match[2], 16)]) if match[2] else SIMPLE_ESCAPES[match[3]]
    return ESCAPE.sub(replace, token[1:-1])


def string(atom):
    if not (isinstance(atom, Atom) and atom.is_string):
        raise WastError("a string is expected")
    return unquote(atom.text).decode("utf-8")


def is_id(item):
    return isinstance(item, Atom) and item.text[:1] == b"$"


def is_word(items, *words):
    return bool(items) and isinstance(items[0], Atom) and items[0].text in words


def identifier(atom):
    name = atom.text[1:]
    return "$" + (unquote(name) if name[:1] == b'"' else name).decode("utf-8")


def parse_int(text, bits):
    digits = text.decode().replace("_", "")
    number = int(digits.lstrip("+-"), 16 if "0x" in digits.lower() else 10)
    number = -number if digits[0] == "-" else number
    if not -(1 << (bits - 1)) <= number < (1 << bits):
        raise WastError(f"integer out of range: {text.decode()}")
    return number & ((1 << bits) - 1)


def round_to_float(exact, bits):
    """The bit pattern of the float nearest to a non-negative fraction, ties to even."""
    mantissa, exponent_bits = FLOAT_FORMATS[bits]
    bias = (1 << (exponent_bits - 1)) - 1
    if exact == 0:
        return 0
    exponent = exact.numerator.bit_length() - exact.denominator.bit_length()
    if Fraction(2) ** exponent > exact:
        exponent -= 1
    exponent = max(exponent, 1 - bias)
    scaled = exact / (Fraction(2) ** (exponent - mantissa))
    number = scaled.numerator // scaled.denominator
    rest = scaled - number
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and number & 1):
        number += 1
    if number == 1 << (mantissa + 1):
        number >>= 1
        exponent += 1
    if number >> mantissa == 0:
        return number  # a subnormal has exponent field 0
    if exponent > bias:
        raise WastError("float out of range")
    return ((exponent + bias) << mantissa) | (number & ((1 << mantissa) - 1))


def parse_float(text, bits):
    """The bit pattern as a decimal string, or the name of a class of NaNs."""
    digits, negative = text.decode().replace("_", ""), False
    if digits[0] in "+-":
        digits, negative = digits[1:], digits[0] == "-"
    mantissa, exponent_bits = FLOAT_FORMATS[bits]
    infinity = ((1 << exponent_bits) - 1) << mantissa
    if digits in ("nan:canonical", "nan:arithmetic"):
        return digits
    if digits == "inf":
        pattern = infinity
    elif digits == "nan":
        pattern = infinity | 1 << (mantissa - 1)
    elif digits.startswith("nan:0x"):
        pattern = infinity | int(digits[6:], 16)
    elif digits[:2] in ("0x", "0X"):
        m = re.fullmatch(r"([0-9a-fA-F]+)\.?([0-9a-fA-F]*)(?:[pP]([+-]?\d+))?", digits[2:])
        exact = Fraction(int(m[1] + m[2], 16)) * Fraction(2) ** (int(m[3] or 0) - 4 * len(m[2]))
        pattern = round_to_float(exact, bits)
    else:
        m = re.fullmatch(r"(\d+)\.?(\d*)(?:[eE]([+-]?\d+))?", digits)
        exact = Fraction(int(m[1] + m[2])) * Fraction(10) ** (int(m[3] or 0) - len(m[2]))
        pattern = round_to_float(exact, bits)
    return str(pattern | (int(negative) << (bits - 1)))


def value(item):
    if not isinstance(item, List):
        raise WastError("a value is expected")
    head, rest = item.head().decode(), item.items[1:]
    if head in ("i32.const", "i64.const"):
        return {"type": head[:3], "value": str(parse_int(rest[0].text, int(head[1:3])))}
    if head in ("f32.const", "f64.const"):
        return {"type": head[:3], "value": parse_float(rest[0].text, int(head[1:3]))}
    if head == "v128.const":
        return vector(rest)
    if head == "either":
        return {"type": "either", "values": [value(x) for x in rest]}
    if head == "ref.null":
        if not rest:
            return {"type": "refnull"}
        return {"type": NULL_TYPES[rest[0].text.decode()], "value": "null"}
    if head in ("ref.extern", "ref.host"):
        result = {"type": "externref" if head == "ref.extern" else "anyref"}
        return dict(result, value=str(parse_int(rest[0].text, 32))) if rest else result
    if head in NON_NULL:
        result = {"type": head[4:] + "ref"}
        return dict(result, value=rest[0].text.decode()) if rest else result
    raise WastError(f"unknown value {head}")


def vector(items):
    lane, bits, count = LANES[items[0].text.decode()]
    if len(items) != count + 1:
        raise WastError("wrong number of lanes")
    read = parse_float if lane[0] == "f" else lambda text, width: str(parse_int(text, width))
    return {"type": "v128", "lane_type": lane, "value": [read(x.text, bits) for x in items[1:]]}


class Module:
    """A module of a script: its file, and either its bytes or the text that is to be encoded."""

    def __init__(self, filename, data=None, text=None):
        self.filename, self.data, self.text = filename, data, text


class Script:
    """One .wast file as wast2json-style commands and modules."""

    def __init__(self, path, name):
        with open(path, "rb") as f:
            self.source = f.read()
        self.name = name
        self.stem = os.path.splitext(os.path.basename(path))[0]
        self.commands, self.modules, self.errors = [], [], []
        try:
            self.convert(parse(self.source))
        except WastError as error:
            self.errors.append((0, str(error)))

    def convert(self, top):
        if any(isinstance(x, List) and x.head() in MODULE_FIELDS for x in top):
            # The file is one inline module.
            text = b"(module " + self.source + b"\n)"
            self.commands.append({"type": "module", "line": 1, **self.add_module(text=text)})
            return
        for item in top:
            line = getattr(item, "line", 0)
            try:
                if not isinstance(item, List):
                    raise WastError(f"stray token {item.text!r}")
                self.commands.append(self.command(item))
            except (WastError, KeyError, ValueError, IndexError, AttributeError) as error:
                self.errors.append((line, repr(error)))

    def add_module(self, data=None, text=None, ending="wasm", kind="binary"):
        module = Module(f"{self.stem}.{len(self.modules)}.{ending}", data, text)
        self.modules.append(module)
        return {"filename": module.filename, "module_type": kind}

    def module(self, item, is_malformed=False):
        """(name, command fields) of a (module …)."""
        items, cut, name = item.items[1:], [], None
        if is_word(items, b"definition"):
            cut.append(items.pop(0))
        if items and is_id(items[0]):
            name = identifier(items.pop(0))
        if is_word(items, b"binary", b"quote"):
            data = b"".join(unquote(x.text) for x in items[1:])
            if items[0].text == b"binary":
                return name, self.add_module(data=data)
            if is_malformed:
                return name, self.add_module(data=data, ending="wat", kind="text")
            return name, self.add_module(text=data)
        raw = bytearray(self.source[item.start:item.end])
        for atom in cut:
            raw[atom.start - item.start:atom.end - item.start] = b" " * (atom.end - atom.start)
        return name, self.add_module(text=bytes(raw))

    def action(self, item):
        kind, items = item.head().decode(), item.items[1:]
        action = {"type": kind}
        if items and is_id(items[0]):
            action["module"] = identifier(items.pop(0))
        action["field"] = string(items.pop(0))
        if kind == "invoke":
            action["args"] = [value(x) for x in items]
        elif kind != "get":
            raise WastError(f"unknown action {kind}")
        return action

    def command(self, item):
        kind, items = item.head().decode(), item.items[1:]
        command = {"type": kind, "line": item.line}
        if kind == "module":
            return self.module_command(item, items, command)
        if kind in ("invoke", "get"):
            return dict(command, type="action", action=self.action(item))
        if kind == "register":
            name = {"name": identifier(items[1])} if len(items) > 1 else {}
            return {**command, **name, "as": string(items[0])}
        if kind == "thread":
            return self.thread_command(items, command)
        if kind == "wait":
            return dict(command, thread=identifier(items[0]))
        return self.assertion(kind, items, command)

    def assertion(self, kind, items, command):
        if kind == "assert_return":
            return dict(command, action=self.action(items[0]),
                        expected=[value(x) for x in items[1:]])
        if kind in ON_ACTIONS and items[0].head() != b"module":
            text = {"text": string(items[1])} if len(items) > 1 else {}
            return {**command, "action": self.action(items[0]), **text}
        if kind in ON_INSTANCES and items[0].head() == b"module":
            command["type"] = "assert_uninstantiable" if kind == "assert_trap" else kind
            inner = items[0].items[1:]
            if is_word(inner, b"instance"):
                command["module"] = identifier(inner[-1])
            else:
                command.update(self.module(items[0])[1])
            return dict(command, text=string(items[1]))
        if kind in ON_MODULES:
            command.update(self.module(items[0], kind.startswith("assert_malformed"))[1])
            return dict(command, text=string(items[1]))
        raise WastError(f"unknown command {kind}")

    def module_command(self, item, items, command):
        if is_word(items, b"instance"):
            names = [identifier(x) for x in items[1:]]
            command["type"] = "module_instance"
            command.update(zip(("instance", "module"), names))
            return command
        if is_word(items, b"definition"):
            command["type"] = "module_definition"
        name, fields = self.module(item)
        if name:
            command["name"] = name
        return {**command, **fields}

    def thread_command(self, items, command):
        command["name"] = identifier(items.pop(0))
        if items and isinstance(items[0], List) and items[0].head() == b"shared":
            shared = items.pop(0).items[1]
            command["shared_module"] = identifier(next(x for x in shared.items if is_id(x)))
        command["commands"] = [self.command(x) for x in items]
        return command
