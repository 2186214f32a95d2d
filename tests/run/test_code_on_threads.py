#!/usr/bin/env python3
"""Code that one thread compiles is executed by others that already run, and a thread that runs is
stopped: with the kernel's membarrier, and where the kernel does not have it or refuses it. Both
machines, where there is a build for the other one."""
import ctypes
import errno
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

FUNCTIONS, THREADS = 150, 3
SYSCALLS = {"x86_64": 324, "aarch64": 283}  # of membarrier
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL = 0x7fff0000, 0x00050000, 0x80000000
KILLS = "kills"
LIBC = ctypes.CDLL(None, use_errno=True)


def refuse(error):
    """From here on, membarrier gives this error, or ends the process (KILLS), in what is executed
    too: qemu asks the host's kernel."""
    instructions = [
        (0x20, 0, 0, 0),                                   # A = number of the system call
        (0x15, 0, 1, SYSCALLS[os.uname().machine]),        # if it is this one
        (0x06, 0, 0, SECCOMP_RET_KILL if error is KILLS else SECCOMP_RET_ERRNO | error),
        (0x06, 0, 0, SECCOMP_RET_ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *i) for i in instructions))
    program = ctypes.create_string_buffer(
        struct.pack("<H6xQ", len(instructions), ctypes.addressof(code)))
    if LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
            LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    if error is KILLS:
        return
    if LIBC.syscall(SYSCALLS[os.uname().machine], 0, 0, 0) != -1 or ctypes.get_errno() != error:
        raise OSError(0, "membarrier is not refused")


# The main thread calls each function, which compiles it, then tells its number; the others wait for
# that in a loop of plain wasm code, without any system call, and call the same function at once.
def program():
    functions = "\n".join(
        f"(func $f{i} (param i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const {i + 3}))"
        f" (i32.const {i * i})))" for i in range(FUNCTIONS))
    total = sum((5 * (i + 3) + i * i) for i in range(FUNCTIONS)) * THREADS
    return f"""(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "env" "memory" (memory 1 1 shared))
  (export "memory" (memory 0))
  (type $f (func (param i32) (result i32)))
  (table funcref (elem {" ".join(f"$f{i}" for i in range(FUNCTIONS))}))
  {functions}
  (func (export "wasi_thread_start") (param i32 i32) (local $i i32)
    (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1)))
    (loop $next
      (loop $wait (br_if $wait (i32.le_u (i32.atomic.load (i32.const 0)) (local.get $i))))
      (drop (i32.atomic.rmw.add (i32.const 8)
        (call_indirect (type $f) (i32.const 5) (local.get $i))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
        (i32.const {FUNCTIONS}))))
    (drop (i32.atomic.rmw.add (i32.const 12) (i32.const 1))))
  (func (export "_start") (local $i i32)
    (loop $more (drop (call $spawn (i32.const 0)))
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
        (i32.const {THREADS}))))
    (loop $all (br_if $all (i32.lt_u (i32.atomic.load (i32.const 4)) (i32.const {THREADS}))))
    (local.set $i (i32.const 0))
    (loop $next
      (drop (call_indirect (type $f) (i32.const 5) (local.get $i)))
      (i32.atomic.store (i32.const 0) (local.tee $i (i32.add (local.get $i) (i32.const 1))))
      (br_if $next (i32.lt_u (local.get $i) (i32.const {FUNCTIONS}))))
    (loop $ended (br_if $ended (i32.lt_u (i32.atomic.load (i32.const 12)) (i32.const {THREADS}))))
    (call $exit (i32.ne (i32.atomic.load (i32.const 8)) (i32.const {total})))))"""


FOREVER = """(module (func (export "_start") (local $i i32)
  (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l))))"""


def main():
    if not shutil.which("wat2wasm"):
        print("no wat2wasm (Debian: wabt)")
        sys.exit(77)
    commands = {"this build": os.environ["WJIT"].split()}
    if "WJIT_AARCH64" in os.environ and "WJIT_EMULATED" not in os.environ:
        commands["AArch64"] = os.environ["WJIT_AARCH64"].split()
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for name, text in (("threads", program()), ("forever", FOREVER)):
            with open(f"{name}.wat", "w", encoding="utf-8") as f:
                f.write(text)
            subprocess.run(["wat2wasm", "--enable-all", f"{name}.wat", "-o", f"{name}.wasm"],
                           check=True)
        for name, command in commands.items():
            threads, forever = ["threads.wasm"], ["--timeout", "100ms", "forever.wasm"]
            runs = [(error, wanted, args) for error in (None, errno.ENOSYS, errno.EPERM)
                    for wanted, args in ((0, threads), (124, forever))]
            # On AArch64 the barrier is what makes code of one thread that of all: it is asked for.
            if name == "AArch64" or "WJIT_EMULATED" in os.environ or \
                    os.uname().machine == "aarch64":
                runs.append((KILLS, -signal.SIGSYS, threads))
            for error, wanted, args in runs:
                done = subprocess.run([*command, *args], capture_output=True, timeout=120,
                                      check=False,
                                      preexec_fn=(lambda e=error: refuse(e)) if error else None)
                if done.returncode != wanted:
                    print(f"FAIL {name}, membarrier {error}, {args}: {done.returncode}, not "
                          f"{wanted}: {done.stderr[:300]}")
                    failures += 1
    sys.exit(failures != 0)


main()
