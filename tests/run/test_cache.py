#!/usr/bin/env python3
"""The cache of compiled code: what is found in it runs as what was compiled, and whatever is done
to its files, a module is compiled anew or the error is one line; never is a wrong byte run."""
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from binary import leb

WJIT = os.environ["WJIT"]
IS_EMULATED = "WJIT_EMULATED" in os.environ
ROUNDS = 4 if IS_EMULATED else 40
random.seed(20)

TEXT = """(module
  (type $t (func (param i32) (result i32)))
  (memory (export "memory") 2)
  (table 2 funcref) (elem (i32.const 0) $fib $mix)
  (data (i32.const 16) "a segment of data that the results depend on")
  (func $fib (type $t)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $mix (type $t)
    (i32.xor (i32.load (i32.add (i32.const 16) (i32.and (local.get 0) (i32.const 31))))
             (i32.mul (local.get 0) (i32.const 0x9e3779b1))))
  (func (export "f") (type $t)
    (i32.add (call_indirect (type $t) (local.get 0) (i32.const 0))
             (call_indirect (type $t) (local.get 0) (i32.const 1))))
  (func (export "late") (type $t) (i32.mul (call $mix (local.get 0)) (i32.const 7)))
  (func (export "trap") (type $t) (i32.div_u (local.get 0) (i32.const 0))))
"""

failures = []


def check(is_right, *words):
    if not is_right:
        failures.append(" ".join(map(str, words)))
        print("FAIL", failures[-1])


class Run:
    """One run of the command, with its figures."""

    def __init__(self, *args, cache="cache", **options):
        how = ["--no-cache"] if cache is None else ["--cache", cache] if cache else []
        done = subprocess.run([WJIT, "--stats=json", *how, *args], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, **options)
        lines = done.stderr.splitlines()
        self.code, self.out = done.returncode, done.stdout
        self.errors = lines
        self.figures = {}
        if lines and lines[-1].startswith("{"):
            self.figures = json.loads(lines[-1])
            self.errors = lines[:-1]
        self.cache = self.figures.get("cache")

    def __repr__(self):
        return f"{self.code} {self.out!r} {self.cache} {self.errors}"


def make_modules():
    with open("m.wat", "w") as f:
        f.write(TEXT)
    subprocess.run(["wat2wasm", "m.wat", "-o", "m.wasm"], check=True)
    with open("m.wasm", "rb") as f:
        small = f.read()
    contents = b"\x03pad" + random.randbytes(5 << 20)
    with open("large.wasm", "wb") as f:
        f.write(small + b"\0" + leb(len(contents)) + contents)


def entries(folder="cache"):
    return [os.path.join(folder, n) for n in sorted(os.listdir(folder)) if n[0] == "c"]


def right(run, words, **wanted):
    check(run.code == 0 and run.out == WANTED, words, run)
    for name, value in wanted.items():
        found = run.figures.get(name)
        check(found == value, words, name, "is", found, "not", value)


def call(**options):
    return Run("--invoke", "f", "m.wasm", "18", **options)


def test_hits():
    right(call(), "first", cache="miss")
    right(call(), "second", cache="hit", functions_compiled=0)
    right(call(cache=None), "--no-cache", cache="off")
    check(os.stat("cache").st_mode & 0o777 == 0o700, "the folder's mode")
    for name in os.listdir("cache"):
        check(os.stat(f"cache/{name}").st_mode & 0o777 == 0o600, "the mode of", name)
    # A function that was not needed before is compiled, and found the next time.
    late = Run("--invoke", "late", "m.wasm", "5")
    check(late.cache == "hit" and late.figures["functions_compiled"] == 1, "late", late)
    late = Run("--invoke", "late", "m.wasm", "5")
    check(late.cache == "hit" and late.figures["functions_compiled"] == 0, "late again", late)
    right(call(), "third", cache="hit", functions_compiled=0)
    trap = Run("--invoke", "trap", "m.wasm", "1")
    again = Run("--invoke", "trap", "m.wasm", "1")
    check(trap.code == again.code == 134 and trap.errors == again.errors, "traps", trap, again)
    # Other settings are other code.
    check(Run("--deterministic", "--invoke", "f", "m.wasm", "18").cache == "miss", "settings")
    piped = subprocess.run(f"'{WJIT}' --cache cache --stats=json --invoke f - 18 <m.wasm",
                           shell=True, capture_output=True, text=True)
    check('"cache": "hit"' in piped.stderr and piped.stdout == WANTED, "standard input", piped)
    done = subprocess.run([WJIT, "compile", "--cache", "cache", "--stats=json", "m.wasm", "-o",
                           "m.cwasm"], capture_output=True, text=True)
    check('"cache": "hit"' in done.stderr, "compile", done)


def test_users_folder():
    """The default folder is for modules that are worth it, and need not be there."""
    env = dict(os.environ, XDG_CACHE_HOME=os.path.abspath("xdg"))
    right(call(cache="", env=env), "a small module", cache="off")
    check(not os.path.exists("xdg"), "a small module made the user's folder")
    large = [Run("--invoke", "f", "large.wasm", "18", cache="", env=env) for _ in range(2)]
    check([r.cache for r in large] == ["miss", "hit"], "a large module", large)
    check(os.path.isdir("xdg/wjit"), "the user's folder")
    env = {k: v for k, v in env.items() if k not in ("XDG_CACHE_HOME", "HOME")}
    run = Run("--invoke", "f", "large.wasm", "18", cache="", env=env)
    right(run, "no home", cache="off")
    env["XDG_CACHE_HOME"] = "/proc/none"
    right(Run("--invoke", "f", "large.wasm", "18", cache="", env=env), "no folder", cache="off")


def test_changed_module():
    """A file is known again only as long as it is the same one."""
    changed = TEXT.replace("data that", "data THAT")
    with open("n.wat", "w") as f:
        f.write(changed)
    subprocess.run(["wat2wasm", "n.wat", "-o", "n.wasm"], check=True)
    os.utime("m.wasm", (1e9, 1e9))
    time.sleep(4)  # until its times would show another change
    shutil.copy("m.wasm", "o.wasm")
    times = os.stat("o.wasm")
    time.sleep(4)
    runs = [Run("--invoke", "f", "o.wasm", "18") for _ in range(2)]
    check(runs[1].cache == "hit", "a settled file", runs)
    wanted = Run("--invoke", "f", "n.wasm", "18", cache=None).out
    check(wanted != WANTED, "the changed module is to give another result")
    with open("n.wasm", "rb") as f, open("o.wasm", "r+b") as g:
        g.write(f.read())
    os.utime("o.wasm", ns=(times.st_atime_ns, times.st_mtime_ns))
    run = Run("--invoke", "f", "o.wasm", "18")
    check(run.out == wanted, "the same place, size and time, other bytes", run)
    check(Run("--invoke", "f", "o.wasm", "18").out == wanted, "and again")


def fresh():
    shutil.rmtree("cache", ignore_errors=True)
    right(call(), "a fresh folder", cache="miss")
    names = entries()
    check(len(names) == 1, "one entry", names)
    with open(names[0], "rb") as f:
        return names[0], f.read()


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o600)


def test_damage():
    path, whole = fresh()
    places = list(range(0, 320, 1 if not IS_EMULATED else 40))
    places += random.sample(range(320, len(whole)), 5 * ROUNDS)
    for at in places:
        put(path, whole[:at] + bytes([whole[at] ^ 1 << random.randrange(8)]) + whole[at + 1:])
        right(call(), f"bit flipped in byte {at} of {len(whole)}", cache="miss")
    for size in [0, 1, 7, 100, 319, 320, 1000, len(whole) - 1]:
        put(path, whole[:size])
        right(call(), f"cut at {size}", cache="miss")
    put(path, whole + b"\0")
    right(call(), "a byte too many", cache="miss")
    put(path, bytes(len(whole)))
    right(call(), "zeros", cache="miss")
    right(call(), "mended", cache="hit")


def test_late_damage():
    """Bodies of a large module are looked at when one is needed: then the error is one line, and
    the entry is gone."""
    shutil.rmtree("cache")
    Run("--invoke", "f", "large.wasm", "18")
    path = entries()[0]
    with open(path, "rb") as f:
        whole = f.read()
    at = whole.index(bytes.fromhex("41 07 6c 0b"))  # i32.const 7, i32.mul, end
    put(path, whole[:at + 1] + b"\x08" + whole[at + 2:])
    right(Run("--invoke", "f", "large.wasm", "18"), "without the body", cache="hit")
    late = Run("--invoke", "late", "large.wasm", "5")
    check(late.code != 0 and "damaged" in late.errors[0] and not late.out, "a damaged body", late)
    late = Run("--invoke", "late", "large.wasm", "5")
    check(late.cache == "miss" and late.out == Run("--invoke", "late", "m.wasm", "5").out,
          "after a damaged body", late)


def test_other_files():
    path, whole = fresh()
    os.rename(path, "entry")
    os.symlink(os.path.abspath("entry"), path)
    right(call(), "a link", cache="miss")
    os.remove(path) if os.path.islink(path) else None
    put(path, whole)
    os.chmod(path, 0o666)
    right(call(), "a file that others may write", cache="miss")
    os.remove(path)
    os.mkfifo(path)
    right(call(), "a pipe", cache="miss")
    if os.path.exists(path):
        os.remove(path)
    os.mkdir(path)
    right(call(), "a folder", cache="miss")
    os.rmdir(path)
    put(path, whole)
    right(call(), "put back", cache="hit")
    for secret in b"", b"x" * 191, b"y" * 192:
        put("cache/secret", secret)
        right(call(), f"another secret of {len(secret)}", cache="miss")
        right(call(), f"another secret of {len(secret)}", cache="hit")
    os.remove("cache/secret")
    os.symlink("/dev/zero", "cache/secret")
    right(call(), "a linked secret", cache="miss")
    check(not os.path.islink("cache/secret"), "the secret is still a link")
    if os.geteuid() == 0:
        path, whole = fresh()
        os.chown(path, 65534, 65534)
        right(call(), "another owner's file", cache="miss")
        check(os.stat(path).st_uid == 0, "another owner's file is still there")
        os.chown("cache", 65534, 65534)
        refused(call(), "another owner's folder")
        os.chown("cache", 0, 0)
    os.chmod("cache", 0o777)
    refused(call(), "a folder that others may write to")
    shutil.rmtree("cache")
    put("cache", b"")
    refused(call(), "a file for a folder")
    os.remove("cache")


def refused(run, words):
    check(run.code == 125 and len(run.errors) == 1 and "--cache" in run.errors[0], words, run)


def test_no_room():
    """Where an entry cannot be written nothing is left of it, and the program does not notice."""
    shutil.rmtree("cache", ignore_errors=True)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    for _ in range(2):
        run = Run("--invoke", "f", "large.wasm", "18", preexec_fn=limit)
        right(run, "a limit on file sizes", cache="miss")
    check(not [n for n in os.listdir("cache") if n[0] in "ct"], "left", os.listdir("cache"))
    shutil.rmtree("cache")
    os.mkdir("full")
    mount = "mount -t tmpfs -o size=64k,mode=700 none full"
    script = f"{mount} && for i in 1 2; do '{WJIT}' --cache full --stats=json --invoke f " \
             "large.wasm 18; done; ls full | grep -c '^[ct]'"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True)
    if "mount:" in done.stderr or "unshare" in done.stderr or not done.stdout:
        print("notice: no small file system can be mounted here: a full disk is not tested")
        return
    check(done.stdout == 2 * WANTED + "0\n" and done.stderr.count('"cache": "miss"') == 2,
          "a full disk", done)


def test_kill():
    """Killed at any time, the next run finds a whole entry or none."""
    shutil.rmtree("cache", ignore_errors=True)
    start = time.monotonic()
    right(Run("--invoke", "f", "large.wasm", "18"), "before it is killed", cache="miss")
    seconds = time.monotonic() - start
    states = set()
    for _ in range(ROUNDS):
        shutil.rmtree("cache", ignore_errors=True)
        child = subprocess.Popen([WJIT, "--cache", "cache", "--invoke", "f", "large.wasm", "18"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.random() * seconds * 1.2)
        child.send_signal(signal.SIGKILL)
        child.wait()
        run = Run("--invoke", "f", "large.wasm", "18")
        right(run, "after a kill")
        states.add(run.cache)
        right(Run("--invoke", "f", "large.wasm", "18"), "and again", cache="hit")
    print("notice: after a kill the entry was", " or ".join(sorted(states)))
    # What a writer that died has left goes when it is old.
    put("cache/t" + "0" * 32, b"left")
    os.utime("cache/t" + "0" * 32, (1e9, 1e9))
    for path in entries():
        os.remove(path)
    call()
    check(not os.path.exists("cache/t" + "0" * 32), "an old unfinished file is still there")


def test_many():
    """64 processes on one key, with and without an entry."""
    shutil.rmtree("cache", ignore_errors=True)
    count = 8 if IS_EMULATED else 64
    with ThreadPoolExecutor(count) as pool:
        for words in "at once", "again":
            for run in pool.map(lambda _: call(), range(count)):
                right(run, f"{count} processes {words}")
    check(len(entries()) == 1, "entries of one key", entries())
    check(not [n for n in os.listdir("cache") if n[0] == "t"], "unfinished files are left")
    right(call(), "after them", cache="hit")


def main():
    global WANTED
    if not shutil.which("wat2wasm"):
        print("no wat2wasm")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        make_modules()
        run = call(cache=None)
        WANTED = run.out
        check(run.code == 0 and run.out, "without a cache", run)
        for test in (test_hits, test_users_folder, test_changed_module, test_damage,
                     test_late_damage, test_other_files, test_no_room, test_kill, test_many):
            test()
        os.chdir("/")
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
