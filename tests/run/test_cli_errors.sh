#!/bin/bash
# Exit codes and messages: usage, invalid modules, linking, traps, limits of time and memory.
. "$(dirname "$0")/lib.sh"
need wat2wasm python3
one_line='^wjit: '

wat ok <<'WAT'
(module (memory (export "memory") 1) (func (export "_start")))
WAT
wat trap <<'WAT'
(module (func $inner unreachable) (func $outer call $inner) (func (export "_start") call $outer))
WAT
wat oob <<'WAT'
(module (memory 1) (func (export "_start") (drop (i32.load (i32.const 65533)))))
WAT
wat div <<'WAT'
(module (func (export "_start") (drop (i32.div_s (i32.const 1) (i32.const 0)))))
WAT
wat deep <<'WAT'
(module (func $f (export "_start") call $f))
WAT
wat loop <<'WAT'
(module (func (export "_start") (loop br 0)))
WAT
wat startloop <<'WAT'
(module (func $f (loop br 0)) (start $f))
WAT
wat starttrap <<'WAT'
(module (func $f unreachable) (start $f) (func (export "_start")))
WAT
wat startonly <<'WAT'
(module (func $f) (start $f))
WAT
wat library <<'WAT'
(module (func (export "f")))
WAT
wat unknown <<'WAT'
(module (import "env" "foo" (func (param i32))) (func (export "_start")))
WAT
wat unknownwasi <<'WAT'
(module (import "wasi_snapshot_preview1" "fd_bogus" (func)) (func (export "_start")))
WAT
wat mistyped <<'WAT'
(module (import "wasi_snapshot_preview1" "fd_close" (func)) (func (export "_start")))
WAT
wat unknownglobal <<'WAT'
(module (import "env" "g" (global i32)) (func (export "_start")))
WAT
wat exit7 <<'WAT'
(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 7)) unreachable))
WAT
wat big <<'WAT'
(module (memory (export "memory") 100) (func (export "_start")))
WAT
wat grow <<'WAT'
(module (memory (export "memory") 1) (func (export "grow") (param i32) (result i32)
  (memory.grow (local.get 0))))
WAT
wat sleep <<'WAT'
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 60000000000))
    (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))))
WAT
wat read <<'WAT'
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 100))
    (i32.store (i32.const 4) (i32.const 100))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 200)))))
WAT
wat badstart <<'WAT'
(module (func (export "_start") (param i32)))
WAT
printf '\0asm\1\0\0\0\1' >truncated.wasm
printf '\0asm\2\0\0\0' >version.wasm
printf '\0asm\15\0\1\0' >component.wasm
printf 'hello, world' >text.wasm
: >empty.wasm
# (func (result i32)) with an empty body: a type error at a known byte.
printf '\0asm\1\0\0\0\1\5\1\140\0\1\177\3\2\1\0\12\4\1\2\0\13' >invalid.wasm
mkdir dir

# 0
expect 0 - "$WJIT" ok.wasm
expect 0 - "$WJIT" run ok.wasm
expect 0 - "$WJIT" run -- ok.wasm
expect 0 - "$WJIT" startonly.wasm
expect 0 - "$WJIT" --help
grep -q -- --timeout out || fail "--help does not name --timeout"
# Features: what is listed is what is switched.
expect 0 - "$WJIT" --features
grep -qE '^simd +on$' out && grep -qE '^gc +off$' out || fail "--features: $(cat out)"
mapfile -t features < <(awk '{ print $1 }' out)
[ "${features[0]}" = mvp ] && [ "${#features[@]}" -ge 13 ] || fail "--features: ${features[*]}"
for name in "${features[@]:1}"; do
    for switch in "-$name" "+$name" "$name"; do
        state=on
        [ "${switch:0:1}" = - ] && state=off
        run "$WJIT" "--features=$switch" --features=list
        [ "$code" -eq 0 ] && grep -qE "^$name +$state\$" out || fail "$switch: $(cat out)"
    done
done
run "$WJIT" --features=-all,+threads --features
[ "$(grep -c ' on$' out)" -eq 2 ] || fail "--features=-all,+threads: $(cat out)"
for wrong in "" - + , simd, simd,,gc -mvp --simd SIMD nonsense; do
    expect 125 '^wjit: --features: .*expected' "$WJIT" "--features=$wrong" ok.wasm
done
expect 125 'no FILE was expected' "$WJIT" --features ok.wasm
wat twomem <<'WAT'
(module (memory 1) (memory 1) (func (export "_start")))
WAT
wat vector <<'WAT'
(module (func (export "_start") (drop (i32x4.extract_lane 0 (v128.const i64x2 1 2)))))
WAT
expect 0 - "$WJIT" twomem.wasm
expect 0 - "$WJIT" --features=-simd twomem.wasm
for command in run validate dump "compile -o twomem.cwasm"; do
    # shellcheck disable=SC2086 # the command is words
    expect 126 'multi' "$WJIT" $command --features=-multi-memory twomem.wasm
done
expect 126 'the simd feature is off' "$WJIT" --features=-simd vector.wasm
expect 0 - "$WJIT" --features=-simd --features=simd vector.wasm

expect 0 - "$WJIT" --version
grep -qE '^wjit [0-9]+\.[0-9]+' out || fail "--version: $(cat out)"
expect 0 - "$WJIT" validate ok.wasm
expect 7 - "$WJIT" exit7.wasm

# 125
expect 125 "$one_line" "$WJIT"
expect 125 'nosuch.wasm: No such file' "$WJIT" nosuch.wasm
cp ok.wasm same.wasm
expect 125 'is the module itself' "$WJIT" compile same.wasm -o ./same.wasm
cmp -s ok.wasm same.wasm || fail "compile wrote over its input"
expect 125 "$one_line" "$WJIT" validate nosuch.wasm
expect 125 'Is a directory' "$WJIT" dir
expect 125 'no such option' "$WJIT" --bogus ok.wasm
expect 125 "$one_line" "$WJIT" --timeout
expect 125 "$one_line" "$WJIT" --timeout soon ok.wasm
expect 125 "$one_line" "$WJIT" --timeout 0 ok.wasm
expect 125 "$one_line" "$WJIT" --timeout -1s ok.wasm
expect 125 "$one_line" "$WJIT" --max-memory lots ok.wasm
expect 125 "$one_line" "$WJIT" --threads 0 ok.wasm
expect 125 "$one_line" "$WJIT" --threads 1x ok.wasm
expect 125 "$one_line" "$WJIT" --env NAME ok.wasm
expect 125 "$one_line" "$WJIT" --env =x ok.wasm
expect 125 'nosuchdir' "$WJIT" --dir nosuchdir ok.wasm
expect 125 "$one_line" "$WJIT" --dir ok.wasm::/x ok.wasm
expect 125 "$one_line" "$WJIT" --stats=xml ok.wasm
expect 125 "$one_line" "$WJIT" --gpu-memory=none ok.wasm
expect 125 "$one_line" "$WJIT" --gpu-fp=loose ok.wasm
expect 125 "$one_line" "$WJIT" --gpu=no-such-device-anywhere ok.wasm
expect 125 "$one_line" env WJIT_GPU=no-such-device-anywhere "$WJIT" ok.wasm
expect 0 - env WJIT_GPU=no-such-device-anywhere "$WJIT" --gpu=off ok.wasm
expect 0 - env WJIT_GPU=no-such-device-anywhere "$WJIT" validate ok.wasm
expect 125 "$one_line" "$WJIT" bench hello.wasm
expect 125 "$one_line" "$WJIT" bench --gpu=none-such-device
expect 125 "$one_line" "$WJIT" bench --dir .
expect 125 "$one_line" "$WJIT" validate
expect 125 "$one_line" "$WJIT" validate ok.wasm trap.wasm
expect 125 "$one_line" "$WJIT" compile ok.wasm
expect 125 "$one_line" "$WJIT" compile ok.wasm -o nosuchdir/out.cwasm
expect 125 "$one_line" "$WJIT" compile ok.wasm -o ok.cwasm --target vax
expect 125 "$one_line" "$WJIT" dump --emit=runes ok.wasm
expect 125 "$one_line" "$WJIT" devices extra
expect 125 '_start' "$WJIT" library.wasm
expect 125 'no export g' "$WJIT" --invoke g library.wasm
[ -w /dev/full ] && {
    code=0
    "$WJIT" --help >/dev/full 2>err || code=$?
    [ "$code" -eq 125 ] || fail "--help to a full device: exit code $code"
}

# 126
for file in truncated version text empty invalid; do
    expect 126 "^wjit: $file.wasm: .*byte [0-9]+" "$WJIT" $file.wasm
    [ "$(wc -l <err)" -eq 1 ] || fail "$file: more than one line: $(cat err)"
    expect 126 "^wjit: $file.wasm: " "$WJIT" validate $file.wasm
    expect 126 "^wjit: $file.wasm: " "$WJIT" compile $file.wasm -o out.cwasm
done
expect 126 'component' "$WJIT" component.wasm
expect 126 'component' "$WJIT" validate component.wasm
expect 126 'unknown import env\.foo \(func\)' "$WJIT" unknown.wasm
expect 126 'unknown import wasi_snapshot_preview1\.fd_bogus \(func\)' "$WJIT" unknownwasi.wasm
expect 126 'unknown import env\.g \(global\)' "$WJIT" unknownglobal.wasm
expect 126 '"fd_close" is \(i32\) -> \(i32\): \(\) -> \(\) was expected$' "$WJIT" mistyped.wasm
expect 126 '_start' "$WJIT" badstart.wasm
[ ! -e out.cwasm ] || fail "an output was left behind"

# Names are for a terminal: no escapes, no marks that turn text around, and no half characters.
printf '(module (import "env" "\\1b[31m\\c2\\9b2J\\e2\\80\\ae\\e2\\82\\ac" (func)))' | wat escapes
expect 126 'env\.\\x1b\[31m\\xc2\\x9b2J\\xe2\\x80\\xae€ \(func\)' "$WJIT" escapes.wasm
printf '(module (func (export "\\1b]0;x\\07") unreachable))' | wat escapes
expect 134 '0: \\x1b\]0;x\\x07, func 0' "$WJIT" --invoke $'\e]0;x\a' escapes.wasm
is_utf8() {
    iconv -f utf-8 -t utf-8 err >/dev/null 2>&1 ||
        fail "$1: cut inside a character: $(tail -c 40 err | od -c)"
}
for start in x xx xxx; do
    name=$start$(printf '€%.0s' $(seq 400))
    printf '(module (import "env" "%s" (func)))' "$name" | wat long
    expect 126 "unknown import env.$start€€€" "$WJIT" long.wasm
    is_utf8 "an import"
    printf '(module (func (export "%s") unreachable))' "$name" | wat long
    expect 134 "0: $start€€€.*, func 0" "$WJIT" --invoke "$name" long.wasm
    is_utf8 "a backtrace"
done

# 134
expect 134 'trap: unreachable' "$WJIT" trap.wasm
grep -q 'func 0' err && grep -q 'func 1' err && grep -q 'func 2' err || fail "backtrace: $(cat err)"
expect 134 'trap: out of bounds memory access' "$WJIT" oob.wasm
expect 134 'trap: integer divide by zero' "$WJIT" div.wasm
expect 134 'trap: call stack exhausted' "$WJIT" deep.wasm
# Where the guard is met in the prologue, the caller is found: of frames small, large and huge.
for locals in 1 5000 40000; do
    python3 - "$locals" >frames.wat <<'PYTHON'
import sys
ids = range(1, 1 + int(sys.argv[1]))
print("(module (func $deep (export \"deep\") (param i64) (result i64)")
print("(local", "i64 " * len(ids), ")")
for i in ids:
    print(f"(local.set {i} (i64.add (local.get 0) (i64.const {i})))")
print("(drop (call $deep (local.get 0))) (i64.const 0)")
print(*(f"(i64.xor (local.get {i}))" for i in ids), "))")
PYTHON
    wat2wasm frames.wat -o frames.wasm
    expect 134 'trap: call stack exhausted' "$WJIT" --invoke deep frames.wasm 1
    [ "$(grep -cE '^ +[0-9]+: .*func 0' err)" -ge 20 ] || fail "$locals locals: $(cat err)"
done
expect 134 'trap: unreachable' "$WJIT" starttrap.wasm

# 124
# The limit holds while the file is still being read, too.
mkfifo never
expect 124 'time limit' "$WJIT" --timeout 300ms never
expect 124 'time limit' "$WJIT" --timeout 100ms loop.wasm
expect 124 'time limit' "$WJIT" --timeout=0.1 startloop.wasm
expect 124 'time limit' "$WJIT" --timeout 100ms sleep.wasm
code=0
sleep 5 | { timeout 4 "$WJIT" --timeout 100ms read.wasm 2>err; } || code=$?
[ "$code" -eq 124 ] && grep -q 'time limit' err || fail "time limit in a read: $code $(cat err)"
expect 0 - "$WJIT" --timeout 1m ok.wasm

# 137, and growth that only fails
expect 137 "$one_line" "$WJIT" --max-memory 1M big.wasm
expect 137 "$one_line" "$WJIT" --max-memory 0 ok.wasm
expect 0 - "$WJIT" --max-memory 6553600 big.wasm
expect_out 1 "$WJIT" --max-memory 128K --invoke grow grow.wasm 1
expect_out -1 "$WJIT" --max-memory 128K --invoke grow grow.wasm 2

# 143
for options in "" "--stats" "--timeout 50s"; do
    # shellcheck disable=SC2086
    "$WJIT" $options loop.wasm 2>err &
    pid=$!
    sleep 0.5
    kill -TERM $pid
    code=0
    wait $pid || code=$?
    [ "$code" -eq 143 ] || fail "SIGTERM ($options): exit code $code: $(cat err)"
    grep -qE '^wjit: loop.wasm: terminated$' err || fail "SIGTERM ($options): $(cat err)"
done

# A compilation that is killed while it writes leaves nothing behind.
if [ -z "${WJIT_EMULATED:-}" ] && command -v cc >/dev/null && ! ldd "$WJIT" | grep -q asan; then
    printf '#include <signal.h>\nint fsync(int f) { (void) f; return raise(SIGKILL); }\n' >killer.c
    cc -shared -fPIC killer.c -o killer.so || fail "cc killer"
    mkdir killed
    # wjit-gpu is the same program, linked dynamically.
    dynamic=$WJIT_BUILD/wjit-gpu
    [ -x "$dynamic" ] || dynamic=$WJIT
    expect 137 - env LD_PRELOAD="$PWD/killer.so" "$dynamic" compile ok.wasm -o killed/ok.cwasm
    [ -z "$(ls killed)" ] || fail "a killed compilation left $(ls killed)"
    # What it would have replaced stays.
    echo old >killed/ok.cwasm
    expect 137 - env LD_PRELOAD="$PWD/killer.so" "$dynamic" compile ok.wasm -o killed/ok.cwasm
    [ "$(ls killed)" = ok.cwasm ] && [ "$(cat killed/ok.cwasm)" = old ] || fail "$(ls killed)"
    expect 0 - "$WJIT" compile ok.wasm -o killed/ok.cwasm
    [ "$(ls killed)" = ok.cwasm ] || fail "compile left $(ls killed)"
    expect 0 - "$WJIT" killed/ok.cwasm
    [ "$(stat -c %a killed/ok.cwasm)" = "$(printf %o $((0666 & ~$(umask))))" ] ||
        fail "the output's mode is $(stat -c %a killed/ok.cwasm)"
fi

# Limits of the system's: the message says which, and no memory is one exit code.
if [ -z "${WJIT_EMULATED:-}" ] && ! ldd "$WJIT" | grep -q asan; then
    limited() { (ulimit "$1" "$2" && shift 2 && exec "$@"); }
    for kib in 24 48; do
        expect 137 "^wjit: the stack is limited to $((kib * 1024)) bytes: 65536 were expected" \
            limited -s $kib "$WJIT" ok.wasm
        expect 0 - limited -Ss $kib "$WJIT" ok.wasm
    done
    expect 0 - limited -s 64 "$WJIT" ok.wasm
    # One of the four is the module's, then the folder's.
    expect 137 'no file descriptor is left for machine code' limited -n 4 "$WJIT" --dir . ok.wasm
    for kib in $(seq 6000 4700 80000); do
        run limited -v "$kib" "$WJIT" ok.wasm
        case $code in
            0 | 127) ;; # enough; what the loader says of less
            137) grep -qE '^wjit: ok.wasm: ' err || fail "$kib KiB: $(cat err)" ;;
            *) fail "exit code $code with $kib KiB: $(cat err)" ;;
        esac
    done
fi

# What is too large is refused before it is read, and what is no module as soon as that is seen.
truncate -s 3G vast.wasm
expect 126 'has 3221225472 bytes, the limit is 1073741824' timeout 20 "$WJIT" vast.wasm
expect 126 'magic header not detected' timeout 20 "$WJIT" /dev/zero
rm vast.wasm

# A compiled module may come out of a pipe, as others may.
"$WJIT" compile ok.wasm -o piped-from.cwasm
mkfifo piped.cwasm
cat piped-from.cwasm >piped.cwasm &
expect 0 - timeout 20 "$WJIT" piped.cwasm
wait

# The first reason counts, and is said once.
expect 125 'cache folder /sys/nowhere/wjit: (Operation not permitted|Permission denied|Read-only)' \
    "$WJIT" --cache /sys/nowhere/wjit ok.wasm
if [ -c /dev/full ]; then
    cat >numbers.wat <<'WAT'
(module (func (export "one") (result i32) (i32.const 1)))
WAT
    wat2wasm numbers.wat -o numbers.wasm
    code=0
    "$WJIT" --invoke one numbers.wasm >/dev/full 2>err || code=$?
    [ "$code" = 125 ] && [ "$(wc -l <err)" = 1 ] || fail "a full output: $code, $(cat err)"
fi

# Every error is one line on stderr, with nothing on stdout.
for arguments in nosuch.wasm "--bogus x" invalid.wasm unknown.wasm "--max-memory 1 big.wasm"; do
    # shellcheck disable=SC2086
    run "$WJIT" $arguments
    [ "$(wc -l <err)" -eq 1 ] && [ ! -s out ] || fail "$arguments: not one line: $(cat err out)"
done
finish
