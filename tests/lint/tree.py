"""What the lint checks share: the list of the tree's files, C text without comments and strings,
and the exceptions with their reasons."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_CACHE = {}


def files():
    """Every file of the project, relative to its root; nothing that was built."""
    if "files" not in _CACHE:
        git = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True)
        names = git.stdout.splitlines() if git.returncode == 0 else list(_walk())
        _CACHE["files"] = sorted(n for n in names if os.path.isfile(os.path.join(ROOT, n)))
    return _CACHE["files"]


def _walk():
    for folder, folders, names in os.walk(ROOT):
        rel = os.path.relpath(folder, ROOT)
        folders[:] = [d for d in folders if d not in (".git", "__pycache__")
                      and not (rel == "." and d == "build")]
        for name in names:
            yield os.path.normpath(os.path.join(rel, name))


def c_files(*endings):
    return [n for n in files() if n.endswith(endings or (".c", ".h"))]


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def bare_c(text):
    """C text in which comments, literals and preprocessor lines are blank; line numbers stay."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    text = re.sub(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', blank, text,
                  flags=re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.M)


def top_level(text):
    """Declarations and definitions at file level of bare C text: (head, line, body lines or None).
    The head is the text before the outermost braces or the semicolon."""
    depth, start, head, opened = 0, 0, "", 0
    for at, ch in enumerate(text):
        if ch == "{":
            if depth == 0:
                head, opened = text[start:at], at
            depth += 1
        elif ch == "}":
            depth -= 1
            if depth == 0 and is_function(head):
                line = text.count("\n", 0, opened) + 1
                yield head, line, text.count("\n", opened, at) + 1
                start = at + 1
        elif ch == ";" and depth == 0:
            head = text[start:at].split("{")[0]
            lead = len(head) - len(head.lstrip())
            yield head, text.count("\n", 0, start + lead) + 1, None
            start = at + 1


def is_function(head):
    attribute = r"__attribute__\s*\(\(.*\)\)\s*"
    return "=" not in head and bool(re.search(rf"\)\s*(?:{attribute})?$", head, re.S))


class Exceptions:
    """The excused places of one rule. What was asked for is remembered, the rest is stale."""

    def __init__(self, rule):
        self.rule, self.reasons, self.used = rule, {}, set()
        for line in read("tests/lint/exceptions.txt").splitlines():
            match = re.match(r"(\w+) (\S+): \S", line)
            if match and match[1] == rule:
                self.reasons[match[2]] = line

    def excuse(self, place):
        if place in self.reasons:
            self.used.add(place)
            return True
        return False

    def stale(self):
        for place in sorted(set(self.reasons) - self.used):
            yield f"tests/lint/exceptions.txt: {self.rule} {place} excuses nothing"
