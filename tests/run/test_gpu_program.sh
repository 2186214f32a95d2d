#!/bin/bash
# The two programs that the command is where it is linked statically: which of them runs, and how
# the first finds the second.
. "$(dirname "$0")/lib.sh"
need wat2wasm
gpu=$WJIT_BUILD/wjit-gpu
[ -x "$gpu" ] || skip "this build's command is one program"

wat2wasm - -o add.wasm <<'EOF'
(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
EOF
ldd "$WJIT" 2>&1 | grep -qE 'statically linked|not a dynamic' || fail "wjit loads libraries"
ldd "$gpu" | grep -q 'libc\.so' || fail "wjit-gpu cannot load a driver"
ldd "$WJIT" "$gpu" | grep -q 'vulkan' && fail "a driver is loaded by runs without a GPU"

# Without a GPU the same line on stderr and the same result.
check() { # COMMAND…: it must be a wjit that has its second program
    code=0
    "$@" --gpu --invoke add add.wasm 40 2 >out 2>err || code=$?
    [ "$code" -eq 0 ] && [ "$(cat out)" = 42 ] || fail "$*: exit code $code: $(cat err)"
    code=0
    "$@" --gpu --invoke add - 40 2 <add.wasm >out 2>err || code=$?
    [ "$code" -eq 0 ] && [ "$(cat out)" = 42 ] || fail "$*, from stdin: $code: $(cat err)"
    code=0
    "$@" devices --json >out 2>err || code=$?
    [ "$code" -eq "$devices_code" ] && cmp -s out devices.out || fail "$* devices: $code $(cat err)"
}
devices_code=0
"$gpu" devices --json >devices.out 2>devices.err || devices_code=$?
check "$WJIT"
check "$gpu"
expect_out 42 env WJIT_GPU=off "$WJIT" --invoke add add.wasm 40 2
expect 0 - env WJIT_GPU= "$WJIT" --invoke add add.wasm 40 2

# Installed, by a link, by a relative path and by the search path.
mkdir -p root/bin root/libexec/wjit elsewhere
cp "$WJIT" root/bin/wjit
cp "$gpu" root/libexec/wjit/wjit-gpu
ln -s ../root/bin/wjit elsewhere/wjit-link
check root/bin/wjit
check elsewhere/wjit-link
check env PATH="$PWD/root/bin:$PATH" wjit

# Without the second program: as without a GPU, and what names one is refused.
mkdir alone
cp "$WJIT" alone/wjit
expect_out 42 alone/wjit --invoke add add.wasm 40 2
expect_out 42 alone/wjit --gpu=off --invoke add add.wasm 40 2
line='wjit-gpu: No such file or directory: no GPU without it'
expect_out 42 env WJIT_GPU= alone/wjit --gpu --invoke add add.wasm 40 2
grep -q "$line" err && [ "$(wc -l <err)" -eq 1 ] || fail "no GPU: $(cat err)"
expect 0 "$line" alone/wjit devices
expect 125 'wjit-gpu: No such file or directory: runs with a GPU need it' \
    alone/wjit --gpu=any --invoke add add.wasm 40 2
[ "$(wc -l <err)" -eq 1 ] || fail "more than a line: $(cat err)"
# Something else in its place.
cp add.wasm alone/wjit-gpu
expect 125 'wjit-gpu: Permission denied' alone/wjit devices
cp "$WJIT" alone/wjit-gpu.new && mv alone/wjit-gpu.new alone/wjit-gpu
expect 125 'wjit-gpu: is wjit, which cannot load a driver' alone/wjit devices
expect 125 'is of version .*: 0.0.1 was expected' env WJIT_STARTED_BY=0.0.1 "$gpu" devices

finish
