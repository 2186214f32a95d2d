"""Ceilings: 120 lines a function, 1,500 lines a file, 100 columns."""
import re

import tree

FUNCTION_LINES_MAX = 120
FILE_LINES_MAX = 1500
COLUMNS_MAX = 100


def functions():
    excused = tree.Exceptions("function")
    for name in tree.c_files():
        for head, line, lines in tree.top_level(tree.bare_c(tree.read(name))):
            if lines is None or lines <= FUNCTION_LINES_MAX:
                continue
            called = re.findall(r"(\w+)\s*\(", head)
            func = called[0] if called else "?"
            if not excused.excuse(f"{name}:{func}"):
                yield f"{name}:{line}: {func}: {lines} lines, {FUNCTION_LINES_MAX} is the ceiling"
    yield from excused.stale()


def lengths():
    excused = tree.Exceptions("file")
    for name in tree.c_files(".c", ".h", ".def", ".py", ".mjs", ".sh"):
        lines = tree.read(name).count("\n")
        if lines > FILE_LINES_MAX and not excused.excuse(name):
            yield f"{name}: {lines} lines, {FILE_LINES_MAX} is the ceiling"
    yield from excused.stale()


def format_of_lines():
    excused = tree.Exceptions("line")
    for name in tree.c_files(".c", ".h", ".def", ".py", ".mjs", ".sh", ".cmake", ".comp"):
        text = tree.read(name)
        if excused.excuse(name):
            continue
        if text and not text.endswith("\n"):
            yield f"{name}: no newline at the end of the file"
        for number, line in enumerate(text.splitlines(), 1):
            if "\t" in line and name.endswith((".c", ".h", ".def")):
                yield f"{name}:{number}: a tab"
            if line != line.rstrip():
                yield f"{name}:{number}: white space at the end of the line"
            # A table of a row per line is as wide as its rows.
            if len(line) > COLUMNS_MAX and not name.endswith(".def"):
                yield f"{name}:{number}: {len(line)} columns, {COLUMNS_MAX} are the limit"
    yield from excused.stale()


CHECKS = [("function sizes", functions), ("file sizes", lengths), ("columns", format_of_lines)]
