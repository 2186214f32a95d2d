#!/bin/bash
# What the command does when all goes well: invoke, figures, dumps, compiled files, pipes.
. "$(dirname "$0")/lib.sh"
need wat2wasm python3

wat math <<'WAT'
(module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "add64") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
  (func (export "half") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5)))
  (func (export "id32") (param f32) (result f32) (local.get 0))
  (func (export "two") (result i32 i64) (i32.const -1) (i64.const 5))
  (func (export "vec") (param v128) (result v128) (i8x16.add (local.get 0) (local.get 0)))
  (func (export "none"))
  (func (export "null") (param externref) (result externref funcref) (local.get 0) (ref.null func))
  (func $bad (export "bad") unreachable))
WAT
wat reactor <<'WAT'
(module (global $g (mut i32) (i32.const 1))
  (func (export "_initialize") (global.set $g (i32.const 42)))
  (func (export "get") (result i32) (global.get $g)))
WAT
wat hello <<'WAT'
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "hello\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 8))
    (i32.store (i32.const 4) (i32.const 6))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))))
WAT
wat yes <<'WAT'
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "y\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 8))
    (i32.store (i32.const 4) (i32.const 2))
    (loop (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100))) (br 0))))
WAT

expect_out 5 "$WJIT" --invoke add math.wasm 2 3
expect_out -1 "$WJIT" --invoke=add math.wasm 0xffffffff 0
expect_out -2147483648 "$WJIT" --invoke add math.wasm 2147483647 1
expect_out 9223372036854775807 "$WJIT" --invoke add64 math.wasm 9223372036854775806 1
expect_out 0 "$WJIT" --invoke add64 math.wasm -1 +1
expect_out 0.75 "$WJIT" --invoke half math.wasm 1.5
expect_out inf "$WJIT" --invoke half math.wasm inf
expect_out nan "$WJIT" --invoke half math.wasm nan
expect_out nan:0x200000 "$WJIT" --invoke id32 math.wasm nan:0x200000
expect_out -0 "$WJIT" --invoke id32 math.wasm -0
expect_out 0.100000001 "$WJIT" --invoke id32 math.wasm 0.1
expect_out "$(printf -- '-1\n5')" "$WJIT" --invoke two math.wasm
expect_out 0x00000000000000000000000000020406 "$WJIT" --invoke vec math.wasm 0x010203
expect_out "" "$WJIT" --invoke none math.wasm
expect_out "$(printf 'null\nnull')" "$WJIT" --invoke null math.wasm null
expect_out 42 "$WJIT" --invoke get reactor.wasm
expect 0 - "$WJIT" reactor.wasm
expect 125 'takes 2 arguments, but 1' "$WJIT" --invoke add math.wasm 1
expect 125 'i32 was expected' "$WJIT" --invoke add math.wasm 1 4294967296
expect 125 'i32 was expected' "$WJIT" --invoke add math.wasm 1 two
expect 125 'i32 was expected' "$WJIT" --invoke add math.wasm 1 ''
expect 125 'i32 was expected' "$WJIT" --invoke add math.wasm 1 -2147483649
expect 134 'trap: unreachable' "$WJIT" --invoke bad math.wasm
grep -q 'bad' err || fail "the backtrace has no name: $(cat err)"

expect_out hello "$WJIT" hello.wasm
code=0
"$WJIT" - <hello.wasm >out 2>err || code=$?
[ "$code" -eq 0 ] && [ "$(cat out)" = hello ] || fail "module from stdin: $code $(cat err)"

# Figures: one object on one line, the last on stderr, after traps too.
check_json() {
    tail -n 1 err | python3 -c '
import json, sys
stats = json.loads(sys.stdin.read())
for key in ("start_ms validate_ms compile_ms code_bytes wasm_bytes functions_compiled "
            "instantiate_us run_ms cache peak_rss_bytes gpu").split():
    assert key in stats, key
assert stats["cache"] in ("hit", "miss", "off")
assert stats["wasm_bytes"] > 0 and stats["peak_rss_bytes"] > 0
for key in "device driver dispatches kernels bytes_to_device bytes_from_device pipeline_ms".split():
    assert key in stats["gpu"], key
' || fail "$1: figures: $(cat err)"
}
run "$WJIT" --stats=json hello.wasm
[ "$(cat out)" = hello ] || fail "figures on stdout"
check_json run
run "$WJIT" --stats=json --invoke bad math.wasm
[ "$code" -eq 134 ] || fail "trap with figures: $code"
check_json trap
# Long enough for the program to start, which the limit also holds for.
run "$WJIT" --stats=json --timeout "${WJIT_EMULATED:+9}50ms" yes.wasm
[ "$code" -eq 124 ] || fail "time limit with figures: $code"
check_json timeout
# Where the processor's time went: 80 % of it at least, on one thread.
wat2wasm - -o spin.wasm <<'EOF'
(module (func (export "spin") (local $i i32)
  (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                               (i32.const 300000000))))))
EOF
python3 - "$WJIT" <<'EOF' || fail "figures: see above"
import json, resource, subprocess, sys
done = subprocess.run([sys.argv[1], "--stats=json", "--invoke", "spin", "spin.wasm"],
                      capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
stats = json.loads(done.stderr.splitlines()[-1])
told_ms = stats["start_ms"] + stats["validate_ms"] + stats["instantiate_us"] / 1e3 + stats["run_ms"]
used_ms = (used.ru_utime + used.ru_stime) * 1e3
assert 0 < stats["start_ms"] < used_ms, (stats, used_ms)
assert told_ms >= 0.8 * used_ms, (stats, used_ms)
EOF
run "$WJIT" --stats hello.wasm
grep -q 'functions compiled' err || fail "figures as text: $(cat err)"

# A reader that goes away ends the program, without a word.
code=0
timeout 20 bash -c '"$WJIT" yes.wasm 2>err | head -n 3 >out; exit "${PIPESTATUS[0]}"' || code=$?
[ "$code" -eq 141 ] && [ ! -s err ] && [ "$(wc -l <out)" -eq 3 ] ||
    fail "closed pipe: exit code $code: $(cat err)"
# A closed stdout is no other file's.
code=0
"$WJIT" hello.wasm >&- 2>err || code=$?
[ "$code" -eq 0 ] || fail "closed stdout: $code $(cat err)"

# Compiled files: whole, and they run.
expect 0 - "$WJIT" compile hello.wasm -o hello.cwasm
expect_out hello "$WJIT" hello.cwasm
ls hello.cwasm.* 2>/dev/null && fail "a temporary file was left"
expect 0 - "$WJIT" compile --stats=json hello.wasm -o /dev/null
check_json compile

for emit in ops code spirv; do
    expect 0 - "$WJIT" dump --emit=$emit math.wasm
    [ -s out ] || fail "dump --emit=$emit printed nothing"
done
expect 0 - "$WJIT" dump --emit=ops --func 0 math.wasm
grep -q 'i32.add' out || fail "dump: $(head -c 300 out)"

expect 0 - "$WJIT" devices
expect 0 - "$WJIT" devices --json
python3 -c 'import json; assert isinstance(json.load(open("out")), list)' ||
    fail "devices --json: $(cat out)"
expect 0 - "$WJIT" devices --verbose --json
python3 -c '
import json
for device in json.load(open("out")):
    verdicts = device["verdicts"]
    assert verdicts["i32_div"] == "native" and len(verdicts) > 15, device
' || fail "devices --verbose: $(cat out)"
finish
