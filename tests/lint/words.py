"""What must not stand in the tree: mutable state at file level, calls that end the host's process,
paths of one machine, paths in the documents that do not exist."""
import glob
import os
import re

import tree

LIBRARY = ("base/", "wasm/", "emit/", "jit/", "runtime/", "spirv/", "vk/")
STATE_OWNER = "runtime/vm/signals.c"


def mutable_state():
    excused = tree.Exceptions("state")
    for name in tree.c_files(".c"):
        if name.startswith(("tests/", "examples/", "bench/")) or name == STATE_OWNER:
            continue
        text = tree.bare_c(tree.read(name))
        for head, line, lines in tree.top_level(text):
            variable = None if lines else file_variable(head)
            if variable and not excused.excuse(f"{name}:{variable}"):
                yield f"{name}:{line}: {variable} is mutable state at file level"
        inner = r"^[ \t]+(?:static|_Thread_local)[ \t]+([^;={]*)[;={]"
        for match in re.finditer(inner, text, re.M):
            variable = file_variable("static " + match[1])
            if variable and not excused.excuse(f"{name}:{variable}"):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{name}:{line}: {variable} is mutable state of a function"
    yield from excused.stale()


def file_variable(head):
    """The name that a declaration at file level defines, if it is a variable that can change."""
    head = " ".join(head.split("=")[0].split())
    if not head or re.match(r"(typedef|extern|_Static_assert|_Alignas)\b", head):
        return None
    if "(" in head:  # a prototype, or a pointer to a function
        pointer = re.match(r"[^()]*\(\s*\*\s*(\w+)", head)
        return pointer[1] if pointer and pointer[1] != "const" else None
    match = re.fullmatch(r"(.*?[\s*])(\w+)\s*((?:\[[^\]]*\]\s*)*)(?:__attribute__.*)?", head)
    if not match or match[1].split()[-1:] in (["struct"], ["union"], ["enum"]):
        return None
    after_star = match[1].rsplit("*", 1)[-1]
    return None if re.search(r"\bconst\b", after_star) else match[2]


def process_calls():
    calls = re.compile(r"(?<![\w.>])(exit|_exit|abort|printf|puts|setjmp|longjmp|sigsetjmp)\s*\(")
    excused = tree.Exceptions("call")
    for name in tree.c_files():
        if not name.startswith(LIBRARY):
            continue
        text = tree.bare_c(tree.read(name))
        for match in calls.finditer(text):
            if not excused.excuse(f"{name}:{match[1]}"):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{name}:{line}: {match[1]}() in the library"
    yield from excused.stale()


def machine_paths():
    # The patterns are spelt so that this file does not hold what it looks for.
    hosts = r"registry\.npm" r"js|py" r"pi\.org|crates\." r"io|deb\.debian"
    places = r"(?<![\w.])/(?:wo" r"rk|ro" r"ot|ho" r"me/\w+|me" r"dia|op" r"t)/\w+"
    excused = tree.Exceptions("path")
    for name in tree.files():
        if name.endswith((".png", ".bin", ".wasm", ".jpg")):
            continue
        for number, line in enumerate(tree.read(name).splitlines(), 1):
            match = re.search(f"{hosts}|{places}", line)
            if match and not excused.excuse(name):
                yield f"{name}:{number}: {match[0]} is a place of one machine or a host"
    yield from excused.stale()


def document_paths():
    tops = sorted({n.split("/")[0] for n in tree.files() if "/" in n})
    path = re.compile(r"(?:" + "|".join(map(re.escape, tops)) + r")/[\w./*{},-]*")
    for name in tree.files():
        if not (name == "README.md" or re.fullmatch(r"docs/.*\.md", name)):
            continue
        for number, line in enumerate(tree.read(name).splitlines(), 1):
            for quoted in re.findall(r"`([^`\s]+)`", line):
                # build/ is made, and a word in capitals stands for a name.
                if path.fullmatch(quoted) and not re.search(r"\b[A-Z]{3,}\b(?!\.md)", quoted):
                    yield from (f"{name}:{number}: there is no {p}" for p in expand(quoted)
                                if not glob.glob(os.path.join(tree.ROOT, p)))


def expand(path):
    match = re.search(r"\{([^{}]*)\}", path)
    if not match:
        return [path]
    return [p for word in match[1].split(",")
            for p in expand(path[:match.start()] + word + path[match.end():])]


CHECKS = [("mutable state", mutable_state), ("process calls", process_calls),
          ("machine paths", machine_paths), ("paths in documents", document_paths)]
