"""In spirv/ and lanes/ no expression emits in two places whose order C leaves open, such as two
arguments of a call: the same kernel would become other bytes by which compiler built wjit."""
import re

import tree

FOLDERS = ("spirv/", "lanes/")
# What holds the output and its numbers; a function that gets one to change is taken to emit.
OUTPUT = re.compile(r"(?<!const )struct (?:wj_spv_translator|wj_spv_builder|wj_spv_words|lanes|"
                    r"wj_lanes_body)\s*\*")
MACROS = {"WJ_SPV_OP", "WJ_SPV_EARLY", "WJ_SPV_DO", "WJ_SPV_IN", "WJ_SPV_GLSL"}
WORDS = {"if", "for", "while", "switch", "return", "sizeof", "case", "else", "do"}
TOKEN = re.compile(r"\w+|&&|\|\||[^\s\w]")
CLOSES = {"(": ")", "[": "]", "{": "}"}


def emitting(texts):
    """Names of the functions, and of pointers to functions, that get output to change."""
    names = set(MACROS)
    for text in texts:
        for head, _, _ in tree.top_level(text):
            called = re.search(r"(\w+)\s*\(", head)
            if called and OUTPUT.search(head, called.end()):
                names.add(called[1])
        names.update(name for name, params in re.findall(r"\(\*(\w+)\)\s*\(([^)]*)\)", text)
                     if OUTPUT.search(params))
    return names


class Reader:
    """Reads bare C text by its brackets: notes the lines of what has no one order."""

    def __init__(self, text, names):
        self.tokens = [(m[0], m.start()) for m in TOKEN.finditer(text)] + [("", len(text))]
        self.names, self.at, self.found = names, 0, []

    def group(self, close, is_unordered):
        """Reads up to `close`; whether anything in there emits. Between && and the like there is an
        order; between commas there is none where they separate arguments or initialisers."""
        parts, here, start = 0, 0, self.tokens[self.at][1]
        before, opened, any_emits = "", "", False  # the tokens before, and before the last (
        while True:
            token, place = self.tokens[self.at]
            self.at += 1
            is_end = token in (close, "")
            if is_end or token in (",", ";", "&&", "||", "?", ":"):
                if here > 1:
                    self.found.append(start)
                any_emits = any_emits or here > 0
                if is_unordered and any_emits and (is_end or token == ","):
                    parts, any_emits = parts + 1, False
                    if parts > 1:
                        self.found.append(place)
                if is_end:
                    return parts > 0 or any_emits
                here, start = 0, self.tokens[self.at][1]
            elif token in CLOSES:
                here += self.bracket(token, before, opened, is_unordered)
                opened = before if token == "(" else ""
                if token == "{" and before not in ("=", ",") and not is_unordered:
                    here = 0  # a block, or an initialiser whose statement is over
                token = CLOSES[token]
            before = token

    def bracket(self, token, before, opened, is_unordered):
        """Reads a bracket; 1 when it, or the function that it calls, emits."""
        is_name = bool(re.match(r"[A-Za-z_]", before)) and before not in WORDS
        if token == "(":
            emits = self.group(")", is_name)
            return int(emits or before in self.names)
        if token == "[":
            return int(self.group("]", False))
        # Behind = or a type in parentheses there is an initialiser, else a block.
        is_cast = before == ")" and (opened == "return" or not re.match(r"\w", opened))
        return int(self.group("}", before == "=" or is_cast or is_unordered))


def one_order():
    sources = {name: tree.bare_c(tree.read(name)) for name in tree.c_files()
               if name.startswith(FOLDERS)}
    names = emitting(sources.values())
    for name, text in sources.items():
        reader = Reader(text, names)
        reader.group("", False)
        for line in sorted({text.count("\n", 0, at) + 1 for at in reader.found}):
            yield (f"{name}:{line}: two parts of an expression emit, in an order that is the "
                   "compiler's choice: give the first a name")


CHECKS = [("order of evaluation", one_order)]
