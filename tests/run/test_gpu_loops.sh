#!/bin/bash
# Loops on the device: what was loaded in one and is used behind it, by items that left it early.
# Drivers that mask loads lose it when the load is done again for the items that go on.
. "$(dirname "$0")/lib.sh"
need wat2wasm
: "${VK_ICD_FILENAMES:=$(compgen -G '/usr/share/vulkan/icd.d/lvp_icd.*.json' | head -n 1)}"
[ -n "$VK_ICD_FILENAMES" ] || skip "no software Vulkan driver (Debian: mesa-vulkan-drivers)"
export VK_ICD_FILENAMES
# program NAME TYPE COUNT: kernel body on stdin; what COUNT items store at args is printed.
program() {
    cat >"$1.body"
    wat "$1" <<WAT
(module
  (import "wasi_snapshot_preview1" "fd_write" (func \$write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2) (table funcref (elem \$kernel))
  (func \$kernel (param \$x i32) (param i32 i32) (param \$args i32) (local \$at i32) (local \$i i32)
    (local \$v i32) (local \$w i32) (local \$q i64)
    (local.set \$at (i32.add (local.get \$args) (i32.shl (local.get \$x) (i32.const 4))))
    $(cat "$1.body"))
  (func \$fill (param \$i i32)
    (loop \$again
      (i32.store (i32.shl (local.get \$i) (i32.const 2))
                 (i32.mul (i32.add (local.get \$i) (i32.const 1)) (i32.const 0x01010101)))
      (local.set \$i (i32.add (local.get \$i) (i32.const 1)))
      (br_if \$again (i32.lt_u (local.get \$i) (i32.const 1024)))))
  (func \$dispatch (export "wjit.parallel_for.v1")
    (param \$nx i32) (param \$ny i32) (param \$nz i32) (param \$k i32) (param \$args i32)
    (local \$x i32)
    (loop \$again
      (call_indirect (param i32 i32 i32 i32) (local.get \$x) (i32.const 0) (i32.const 0)
                     (local.get \$args) (local.get \$k))
      (local.set \$x (i32.add (local.get \$x) (i32.const 1)))
      (br_if \$again (i32.lt_u (local.get \$x) (local.get \$nx)))))
  (func (export "_start")
    (call \$fill (i32.const 2))
    (call \$dispatch (i32.const 100) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 8192))
    (i32.store (i32.const 0) (i32.const 8192)) (i32.store (i32.const 4) (i32.const 1600))
    (drop (call \$write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
WAT
}
# both NAME [CODE]: the same on the CPU and on each device.
both() {
    local icd
    expect "${2:-0}" - "$WJIT" --gpu=off "$1.wasm"
    cp out cpu
    for icd in "$VK_ICD_FILENAMES" "${WJIT_SWIFTSHADER_ICD:-}"; do
        [ -e "$icd" ] || continue
        VK_ICD_FILENAMES=$icd expect "${2:-0}" ': translated$' "$WJIT" --gpu=any --gpu-explain \
            "$1.wasm"
        cmp -s cpu out || fail "$1 on $icd: other output than on the CPU"
    done
}
# One way out.
program once <<'WAT'
(loop $again
  (local.set $i (i32.add (local.get $i) (i32.const 1)))
  (local.set $v (i32.load offset=16 (i32.shl (local.get $i) (i32.const 2))))
  (br_if $again (i32.lt_u (local.get $i) (i32.and (local.get $x) (i32.const 7)))))
(i32.store (local.get $at) (local.get $v))
WAT
both once
# Several, out of several blocks, with a result and in a loop inside a loop.
program several <<'WAT'
(i32.store (local.get $at)
  (block $out (result i32)
    (loop $outer (result i32)
      (local.set $w (i32.load offset=64 (i32.shl (local.get $i) (i32.const 2))))
      (loop $inner
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (local.set $q (i64.load offset=16 (i32.shl (local.get $i) (i32.const 3))))
        (drop (br_if $out (i32.load8_u offset=33 (local.get $i))
                     (i32.eq (local.get $i) (i32.rem_u (local.get $x) (i32.const 13)))))
        (br_if $inner (i32.and (local.get $i) (i32.const 3))))
      (br_if $outer (i32.lt_u (local.get $i) (i32.and (local.get $x) (i32.const 31))))
      (i32.load offset=128 (i32.shl (local.get $i) (i32.const 2))))))
(i32.store offset=4 (local.get $at) (local.get $w))
(i64.store offset=8 (local.get $at) (local.get $q))
WAT
both several
# The trap of an item that has left, too.
program trap <<'WAT'
(loop $again
  (local.set $i (i32.add (local.get $i) (i32.const 1)))
  (local.set $v (i32.load offset=16 (i32.shl (local.get $i) (i32.const 2))))
  (local.set $w (i32.load (i32.mul (i32.eq (local.get $x) (i32.const 17)) (local.get $v))))
  (br_if $again (i32.lt_u (local.get $i) (i32.and (local.get $x) (i32.const 7)))))
(i32.store (local.get $at) (local.get $v))
WAT
both trap 134
# Endless but for its trap.
program endless <<'WAT'
(loop $again
  (local.set $i (i32.add (local.get $i) (i32.const 4)))
  (local.set $w (i32.or (i32.const 8) (i32.and (local.get $x) (i32.const 7))))
  (local.set $v (i32.load (i32.shl (local.get $i) (local.get $w))))
  (br $again))
WAT
both endless 134
finish
