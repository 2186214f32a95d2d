#!/bin/bash
# Kernels that reach several memories: each is a buffer of its own on the device, with bounds of its
# own, and what a dispatch does to all of them is checked, verified and undone.
. "$(dirname "$0")/lib.sh"
slow_emulated
need wat2wasm
. "$WJIT_ROOT/tests/run/gpu.sh"
# several NAME [OTHERS [FUNCTIONS]]: a kernel's body on stdin, as for `program` of gpu.sh, with
# three memories; what items left in all of them, 16 bytes each at args, is printed. $q is $at in
# 64 bits.
several() {
    cat >"$1.body"
    wat "$1" <<WAT
(module
  (import "wasi_snapshot_preview1" "fd_write" (func \$write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2) ${2:-(memory 1) (memory i64 3)}
  (table funcref (elem \$kernel)) (global \$sp (mut i32) (i32.const 65536))
  (func \$kernel (param \$x i32) (param i32 i32) (param \$args i32) (local \$at i32) (local \$q i64)
    (local \$fp i32) (local \$i i32)
    (local.set \$at (i32.add (local.get \$args) (i32.shl (local.get \$x) (i32.const 4))))
    (local.set \$q (i64.extend_i32_u (local.get \$at)))
    $(cat "$1.body"))
  ${3:-}
  (data (i32.const 70000) "x")
  $parallel_for
  (func \$frame (local \$fp i32)
    (global.set \$sp (local.tee \$fp (i32.sub (global.get \$sp) (i32.const 16))))
    (global.set \$sp (i32.add (local.get \$fp) (i32.const 16))))
  (func (export "_start") (local \$i i32)
    (loop \$again
      (i32.store (i32.add (i32.const 4096) (local.get \$i))
                 (i32.mul (local.get \$i) (i32.const 33)))
      (br_if \$again (i32.lt_u (local.tee \$i (i32.add (local.get \$i) (i32.const 4)))
                              (i32.const 1600))))
    (memory.copy 1 0 (i32.const 5000) (i32.const 4096) (i32.const 1600))
    (call \$dispatch (i32.const 100) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 8192))
    (memory.copy 0 1 (i32.const 9792) (i32.const 8192) (i32.const 1600))
    (memory.copy 0 2 (i32.const 11392) (i64.const 8192) (i32.const 1600))
    (i32.store (i32.const 0) (i32.const 8192)) (i32.store (i32.const 4) (i32.const 4800))
    (drop (call \$write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
WAT
}
several words <<'WAT'
(i32.store 1 offset=1 align=1 (local.get $at) (i32.load 1 offset=4096 align=1 (local.get $x)))
(i64.store 2 (local.get $q) (i64.load offset=4096 align=1 (local.get $x)))
(i32.store8 2 offset=9 (local.get $q) (i32.load16_u 1 offset=5000 (local.get $x)))
(i32.store (local.get $at) (i32.load8_s 1 offset=5001 (local.get $x)))
(memory.copy 0 1 (i32.add (local.get $at) (i32.const 4)) (i32.add (local.get $x) (i32.const 5003))
  (i32.const 5))
(memory.copy 2 0 (i64.add (local.get $q) (i64.const 12)) (local.get $at) (i32.const 4))
(memory.fill 1 (i32.add (local.get $at) (i32.const 8)) (local.get $x) (i32.const 3))
(if (i32.and (local.get $x) (i32.const 1)) (then
  (v128.store 1 (local.get $at) (v128.load 2 offset=65536 (local.get $q)))))
(i32.store offset=12 (local.get $at) (i32.add (memory.size 1) (i32.wrap_i64 (memory.size 2))))
WAT
both words
for more in --gpu-memory=mirror --gpu-memory=import --gpu-isolate --gpu-verify=100% --check-kernels
do
    expect 0 'translated' "$WJIT" --gpu=any $more --gpu-explain words.wasm
    cmp -s out cpu || fail "words, $more: other output than on the CPU"
done
WJIT_GPU_RANGE=65536 expect 0 'translated' "$WJIT" --gpu=any --gpu-explain words.wasm
cmp -s out cpu || fail "words, some by address: other output than on the CPU"
expect 0 'another memory than the first' "$WJIT" --lanes=all --stats=json words.wasm
several atomics <<'WAT'
(drop (i32.atomic.rmw.add 1 (i32.const 8192) (local.get $x)))
(drop (i32.atomic.rmw8.xor_u 2 (i64.const 8195) (local.get $x)))
WAT
both atomics
# Bounds: each memory has its own. Word 30000 of the first would be outside of the second, of which
# the last bytes are there; the third is larger than both.
several bounds <<'WAT'
(i32.store (i32.const 120000) (i32.const 1)) (i32.store 1 (i32.const 65532) (i32.const 1))
(i32.store 2 (i64.const 196604) (i32.const 1))
WAT
both bounds
while read -r statement; do
    several beyond <<<"(if (i32.eq (local.get \$x) (i32.const 70)) (then $statement))"
    both beyond 134
done <<'WAT'
(i32.store 1 align=1 (i32.add (local.get $at) (i32.const 56221)) (i32.const 1))
(drop (i32.load 1 offset=65532 (local.get $x)))
(memory.copy 0 1 (i32.const 4096) (i32.const 65530) (i32.const 7))
(memory.copy 1 2 (i32.const 65530) (i64.const 65530) (i32.const 7))
(memory.fill 2 (i64.const 0x100000000) (i32.const 0) (i64.const 1))
(i32.store 2 (i64.add (local.get $q) (i64.const 0x100000000)) (i32.const 1))
WAT
# A frame on the shadow stack is the item's; the same addresses of another memory are everyone's.
several frame <<'WAT'
(global.set $sp (local.tee $fp (i32.sub (global.get $sp) (i32.const 16))))
(i32.store (local.get $fp) (local.get $x))
(drop (i32.atomic.rmw.add 1 (local.get $fp) (i32.const 1)))
(i32.store (local.get $at) (i32.load (local.get $fp)))
(i32.store 2 (local.get $q) (i32.load 1 offset=5000 (local.get $x)))
(global.set $sp (i32.add (local.get $fp) (i32.const 16)))
WAT
both frame
# What has to be undone is undone in all memories: an item calls the host, or loops too often for
# lavapipe.
# undone NAME REASON: the device gave up, and what is printed is the CPU's all the same.
undone() {
    expect 0 - "$WJIT" --gpu=off "$1.wasm"
    cp out cpu
    expect 0 "$2" "$WJIT" --gpu=any --gpu-explain "$1.wasm"
    cmp -s out cpu || fail "$1: other output than on the CPU"
}
several leaves '' '(type $f (func)) (table $t funcref (elem $good $bad))
  (func $good (type $f)) (func $bad (type $f)
    (drop (call $write (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 16))))' <<'WAT'
(i32.store 1 (local.get $at) (i32.add (i32.load 1 (local.get $at)) (i32.const 3)))
(i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 3)))
(call_indirect $t (type $f) (i32.eq (local.get $x) (i32.const 50)))
WAT
undone leaves 'which cannot run on the device'
several loops <<'WAT'
(i32.store 1 (local.get $at) (i32.add (i32.load 1 (local.get $at)) (i32.const 3)))
(loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                         (i32.const 100000))))
(i32.store 2 (local.get $q) (local.get $i))
WAT
undone loops 'its loops make more iterations than this driver allows'
# Items that depend on each other, through another memory: who checks and who verifies says so.
several races <<'WAT'
(i32.store 1 offset=1024 (i32.shl (local.get $x) (i32.const 2))
  (i32.add (i32.const 1) (i32.load 1 offset=1020 (i32.shl (local.get $x) (i32.const 2)))))
WAT
grep -v 'memory.copy 0 2' races.wat | sed 's/(memory i64 3)//' >two.wat
wat races <two.wat
expect 134 'at address 0x[0-9a-f]* of another memory is .* in the reversed order' "$WJIT" \
    --check-kernels races.wasm
expect 134 'at address 0x[0-9a-f]* of another memory is .* on the CPU, ' "$WJIT" --gpu=any \
    --gpu-verify=100% races.wasm
# More than a device takes, one that may be empty, and no such page size.
several many '(memory 1) (memory i64 3) (memory 1) (memory 1)' <<'WAT'
(i32.store 1 (local.get $at) (i32.load 3 (local.get $at)))
(i32.store 2 (local.get $q) (i32.load 4 (local.get $at)))
WAT
expect 0 'not translated \(byte [0-9]+\): memory [24]: the device takes 4 memories of a kernel' \
    "$WJIT" --gpu=any --gpu-explain many.wasm
several empty '(memory 1) (memory i64 3) (memory 0)' <<<'(drop (memory.size 3))'
expect 0 'not translated \(byte [0-9]+\): memory 3 may be empty' "$WJIT" --gpu=any --gpu-explain \
    empty.wasm
finish
