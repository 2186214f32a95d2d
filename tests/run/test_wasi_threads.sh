#!/bin/bash
# wasi-threads: many threads on one memory, and all the ways in which one of them ends the program.
. "$(dirname "$0")/lib.sh"
need wat2wasm

# program NAME: a program with threads. On stdin: what main does after it made $n threads, what a
# thread does, with its local 0 for its number and local 1 for the argument.
program() {
    local name=$1 n=$2 main=$3 thread=$4
    wat "$name" <<WAT
(module
  (import "wasi" "thread-spawn" (func \$spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func \$write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func \$read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func \$close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func \$exit (param i32)))
  (import "env" "memory" (memory 1 4 shared))
  (export "memory" (memory 0))
  (global \$mine (mut i32) (i32.const 0))
  (func \$print (param \$text i32) (param \$bytes i32)
    ;; Each caller has its own place, as threads print at the same time.
    (i32.store (local.get \$text) (i32.add (local.get \$text) (i32.const 16)))
    (i32.store offset=4 (local.get \$text) (local.get \$bytes))
    (drop (call \$write (i32.const 1) (local.get \$text) (i32.const 1)
      (i32.add (local.get \$text) (i32.const 8)))))
  (func \$forever (loop (br 0)))
  (func \$sleep (drop (memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const -1))))
  (func \$add (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))
  (func (export "wasi_thread_start") (param i32 i32) (local \$i i32) $thread)
  (func (export "_start") (local \$i i32) (local \$n i32)
    (loop \$again
      (if (i32.le_s (call \$spawn (i32.add (local.get \$i) (i32.const 100))) (i32.const 0))
        (then (call \$exit (i32.const 99))))
      (br_if \$again (i32.lt_u
        (local.tee \$i (i32.add (local.get \$i) (i32.const 1))) (i32.const $n))))
    $main))
WAT
}

# Waits until the counter at 0 has reached a value.
await() {
    echo "(loop \$w (local.set \$n (i32.atomic.load (i32.const 0)))
      (if (i32.lt_u (local.get \$n) (i32.const $1)) (then
        (drop (memory.atomic.wait32 (i32.const 0) (local.get \$n) (i64.const -1))) (br \$w))))"
}

# Every addition counts, the last one of a thread wakes whoever waits; globals are a thread's own.
program count 8 "$(await 80000)
    (i32.store8 (i32.const 1040) (i32.add (i32.const 48) (i32.atomic.load (i32.const 4))))
    (call \$print (i32.const 1024) (i32.const 1))
    (if (i32.ne (global.get \$mine) (i32.const 0)) (then unreachable))" \
    '(if (i32.ne (global.get $mine) (i32.const 0)) (then unreachable))
    (global.set $mine (local.get 0))
    (if (i32.lt_u (local.get 1) (i32.const 100)) (then unreachable))
    (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1)))
    (loop $l (call $add) (br_if $l (i32.lt_u
      (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000))))
    (drop (memory.atomic.notify (i32.const 0) (i32.const -1)))'
for _ in 1 2 3; do
    expect_out 8 "$WJIT" count.wasm
done
expect_out 8 "$WJIT" --timeout 100s --stats count.wasm

# A trap in a thread ends the program, whatever the others do.
for others in sleep forever; do
    program "trap_$others" 3 "(call \$$others)" "(if (i32.eq (local.get 1) (i32.const 102))
        (then (drop (i32.load (i32.const 0x7fffffff))))) (call \$$others)"
    expect 134 'trap: out of bounds memory access' "$WJIT" "trap_$others.wasm"
    grep -q 'wasi_thread_start' err || fail "no backtrace of the thread: $(cat err)"
    program "exit_$others" 3 "(call \$$others)" "(if (i32.eq (local.get 1) (i32.const 101))
        (then (call \$exit (i32.const 7)))) (call \$$others)"
    expect 7 - "$WJIT" "exit_$others.wasm"
    [ ! -s err ] || fail "exit_$others: $(cat err)"
    # So does a trap, an exit, or the end of main.
    program "main_trap_$others" 3 unreachable "(call \$$others)"
    expect 134 'trap: unreachable' "$WJIT" "main_trap_$others.wasm"
    program "main_exit_$others" 3 '(call $exit (i32.const 5))' "(call \$$others)"
    expect 5 - "$WJIT" "main_exit_$others.wasm"
    program "main_end_$others" 3 '' "(call \$$others)"
    expect 0 - "$WJIT" "main_end_$others.wasm"
    # The time limit stops all of them.
    program "time_$others" 3 "(call \$$others)" "(call \$$others)"
    expect 124 'time limit' timeout 60 "$WJIT" --timeout 300ms "time_$others.wasm"
done

# Threads print while another one reads, and one closes what another waits for.
program wait_stdin 2 "$(await 2)" \
    '(if (i32.eq (local.get 1) (i32.const 100))
      (then (call $add) (drop (memory.atomic.notify (i32.const 0) (i32.const -1)))
        (i32.store (i32.const 2048) (i32.const 4096))
        (i32.store (i32.const 2052) (i32.const 16))
        (if (i32.eqz (call $read (i32.const 0) (i32.const 2048) (i32.const 1) (i32.const 2056)))
          (then unreachable))) ;; nothing comes; closed before, it fails
      (else (i32.store (i32.const 1040) (i32.const 0x00006b6f)) (call $print (i32.const 1024)
        (i32.const 2)) (drop (call $close (i32.const 0))) (call $add)
        (drop (memory.atomic.notify (i32.const 0) (i32.const -1)))))'
mkfifo nothing
exec 9<>nothing
code=0
timeout 60 "$WJIT" --timeout 50s wait_stdin.wasm <nothing >out 2>err || code=$?
[ "$code" -eq 0 ] && [ "$(cat out)" = ok ] || fail "wait_stdin: $code: $(cat out err)"

# Short threads, one after another, are forgotten: more of them than there may be at a time.
wat many <<'WAT'
(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "env" "memory" (memory 1 1 shared))
  (export "memory" (memory 0))
  (func (export "wasi_thread_start") (param i32 i32)
    (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))
  (func (export "_start") (local $i i32)
    (loop $l
      (if (i32.ne (call $spawn (i32.const 0)) (i32.add (local.get $i) (i32.const 1)))
        (then (call $exit (i32.const 3))))
      (loop $w
        (drop (memory.atomic.wait32 (i32.const 0) (local.get $i) (i64.const 1000000)))
        (br_if $w (i32.eq (i32.atomic.load (i32.const 0)) (local.get $i))))
      (br_if $l (i32.lt_u
        (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 500))))))
WAT
expect 0 - "$WJIT" many.wasm

# As many threads as there can be: the time limit does not wait for each of them to end.
wat bomb <<'WAT'
(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (func (export "wasi_thread_start") (param i32 i32)
    (loop $l (drop (call $spawn (i32.const 0))) (br $l)))
  (func (export "_start") (loop $l (drop (call $spawn (i32.const 0))) (br $l))))
WAT
if [ -z "${WJIT_EMULATED:-}" ]; then
    TIMEFORMAT='%U %S'
    { time expect 124 'time limit' "$WJIT" --timeout 500ms bomb.wasm; } 2>used
    awk '{ exit $1 + $2 > 5 }' used || fail "a bomb of threads took $(cat used) s of processor"
fi

# Modules that cannot have threads.
wat nostart <<'WAT'
(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "env" "memory" (memory 1 1 shared))
  (export "memory" (memory 0))
  (func (export "_start") (drop (call $spawn (i32.const 0))) (loop (br 0))))
WAT
expect 134 'no function wasi_thread_start' "$WJIT" nostart.wasm
sed 's/1 1 shared/1/' nostart.wat | wat unshared
expect 126 'env.memory' "$WJIT" unshared.wasm
sed 's/1 1 shared/9 9 shared/' nostart.wat | wat large
expect 137 - "$WJIT" --max-memory 64K large.wasm
sed 's/(param i32) (result i32)))/(param i64) (result i32)))/; s/i32.const 0/i64.const 0/' \
    nostart.wat | wat wrongtype
expect 126 'thread-spawn' "$WJIT" wrongtype.wasm
finish
