#!/bin/bash
# Compiled modules: they run as the module does and compile nothing; code of another machine, build
# or setting and damaged files are refused in one line; what is written is written whole.
. "$(dirname "$0")/lib.sh"
need wat2wasm python3

wat all <<'WAT'
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (type $t (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (table 3 funcref) (elem (i32.const 0) $fib $trap)
  (global $g (mut i64) (i64.const 40))
  (data (i32.const 8) "\2a\00\00\00")
  (func $fib (export "fib") (type $t)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $trap (type $t) (i32.div_s (local.get 0) (i32.const 0)))
  (func $at (export "at") (param i32 i32) (result i32)
    (call_indirect (type $t) (local.get 1) (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "grow") (result i32) (drop (memory.grow (i32.const 2))) (memory.size))
  (func (export "global") (result i64)
    (global.set $g (i64.add (global.get $g) (i64.const 2))) (global.get $g))
  (func (export "double") (param f64) (result f64) (f64.sqrt (local.get 0)))
  (func (export "_start") (call $exit (i32.add (call $fib (i32.const 6)) (i32.const 1)))))
WAT

# same ARGS...: the module and the compiled module end in the same way with the same words.
same() {
    run "$WJIT" "$@" --invoke "$call" all.wasm "${args[@]}"
    sed 's/all\.wasm/FILE/' err >err.wasm
    mv out out.wasm
    local want=$code
    run "$WJIT" "$@" --invoke "$call" all.cwasm "${args[@]}"
    sed -i 's/all\.cwasm/FILE/' err
    if [ "$code" != "$want" ] || ! cmp -s out out.wasm || ! cmp -s err err.wasm; then
        fail "$call ${args[*]} $*: $code, not $want: $(cat out err)"
    fi
}

every_call() {
    local line
    while read -r line; do
        read -r call line <<<"$line"
        read -ra args <<<"$line"
        same "$@"
    done <<'CALLS'
fib 20
at 0 15
at 1 7
at 2 7
at 9 7
load 8
load 65533
grow
global
double 2
CALLS
}

# figure NAME: of the last object of figures in err.
figure() {
    tail -n 1 err | python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

expect 0 - "$WJIT" compile all.wasm -o all.cwasm
for _ in 1 2 3; do
    expect 0 - "$WJIT" compile all.wasm -o again.cwasm
    cmp -s all.cwasm again.cwasm || fail "compile: another file from the same module"
done
expect 0 '^wjit: no-ending: runs only under a name that ends in .cwasm$' \
    "$WJIT" compile all.wasm -o no-ending
every_call
expect 9 - "$WJIT" --stats=json all.cwasm
[ "$(figure functions_compiled)" = 0 ] || fail "functions were compiled: $(cat err)"
[ "$(figure compile_ms)" = 0.0 ] || fail "time was spent on compiling: $(cat err)"
# Without address space for guard pages the bounds are checked by code that is not in the file.
(ulimit -v 2000000 && every_call) || fail "with little address space"
expect 0 - "$WJIT" compile --deterministic all.wasm -o all.cwasm
every_call --deterministic
expect 126 'without --deterministic was expected|code without it was expected$' \
    "$WJIT" --invoke grow all.cwasm
expect 0 - "$WJIT" compile all.wasm -o all.cwasm
expect 126 'compiled without --deterministic: code with it was expected$' \
    "$WJIT" --deterministic --invoke grow all.cwasm

# Other machines: whichever this one is, one of the two is another.
for target in x86-64 aarch64; do
    expect 0 - "$WJIT" compile --target "$target" all.wasm -o "$target.cwasm"
    run "$WJIT" "$target.cwasm"
    [ "$code" = 9 ] || { [ "$code" = 126 ] && foreign=$target.cwasm; } || fail "$target: $(cat err)"
done
expect 126 "^wjit: $foreign: it was compiled for [a-z0-9-]+: [a-z0-9-]+ was expected\$" \
    "$WJIT" "$foreign"
if [ -n "${WJIT_AARCH64:-}" ] && [ -z "${WJIT_EMULATED:-}" ]; then
    read -ra aarch64 <<<"$WJIT_AARCH64"
    run "${aarch64[@]}" aarch64.cwasm
    grep -q 'compiled by wjit' err && skip "the AArch64 build is of other sources: $(cat err)"
    expect 9 - "${aarch64[@]}" --stats=json aarch64.cwasm
    [ "$(figure functions_compiled)" = 0 ] || fail "functions were compiled: $(cat err)"
    expect_out 6765 "${aarch64[@]}" --invoke fib aarch64.cwasm 20
    expect 134 'integer divide by zero' "${aarch64[@]}" --invoke at aarch64.cwasm 1 7
    expect 126 'compiled for x86-64: aarch64 was expected' "${aarch64[@]}" x86-64.cwasm
fi

# A file that nobody called a compiled module is none, whatever is in it.
cp all.cwasm all.other
expect 126 'a name that ends in \.cwasm was expected$' "$WJIT" all.other
cp all.wasm wrong.cwasm
expect_out 6765 "$WJIT" --invoke fib wrong.cwasm 20

# Any bit that is flipped, any byte that is missing: one line, and 126. All of the header, and of
# the rest bits spread evenly.
cat >damage.py <<'PYTHON'
import os, subprocess, sys
wjit = sys.argv[1:]
whole = open("all.cwasm", "rb").read()
count = 0
def check(what, data):
    global count
    count += 1
    with open("damaged.cwasm", "wb") as f:
        f.write(data)
    done = subprocess.run(wjit + ["--invoke", "fib", "damaged.cwasm", "20"], capture_output=True)
    lines = done.stderr.decode().splitlines()
    if done.returncode != 126 or done.stdout or len(lines) != 1 or "Traceback" in lines[0]:
        print(f"{what}: {done.returncode}, {done.stdout}, {lines}")
# The magic number says what the file is: without it, it is something else that is refused as well.
places = list(range(0, 64, 3)) + list(range(64, len(whole), max(1, len(whole) // 400)))
if "WJIT_EMULATED" in os.environ:
    places = places[::10]  # a start takes ten times as long
for at in places:
    bit = 1 << at % 8
    check(f"byte {at} of {len(whole)}", whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1:])
for size in list(range(1, 400, 37)) + list(range(400, len(whole), len(whole) // 40)):
    check(f"cut at {size} of {len(whole)}", whole[:size])
check("a byte too many", whole + b"\0")
PYTHON
[ -z "${WJIT_EMULATED:-}" ] || echo "flipped bits: every tenth place, since a start takes longer"
python3 damage.py "$WJIT" >damage.txt || fail "damage.py"
[ -s damage.txt ] && fail "damaged files: $(head -n 5 damage.txt)"
expect 126 - "$WJIT" /dev/null

# Nothing is half done: no room, no file. The old one stays.
cp all.cwasm old.cwasm
{
    printf '(module (memory 10) (data (i32.const 0) "'
    head -c 600000 /dev/zero | tr '\0' x
    printf '"))'
} | wat large
run bash -c 'ulimit -f 512; "$0" compile large.wasm -o old.cwasm' "$WJIT"
[ "$code" = 125 ] || fail "a limit on file sizes: $code: $(cat err)"
cmp -s all.cwasm old.cwasm || fail "the old file is gone"
[ -z "$(ls old.cwasm.* 2>/dev/null)" ] || fail "a temporary file is left: $(ls old.cwasm.*)"

# Dispatch functions are recognised in compiled modules too.
for example in "$WJIT_BUILD"/examples/nbody.wasm; do
    [ -f "$example" ] || continue
    expect 0 - "$WJIT" compile "$example" -o kernels.cwasm
    run "$WJIT" "$example"
    mv out out.wasm
    expect 0 - "$WJIT" --stats=json kernels.cwasm
    [ "$(figure functions_compiled)" = 0 ] || fail "kernels: $(tail -n 1 err)"
done
finish
