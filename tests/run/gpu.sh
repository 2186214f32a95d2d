# Sourced by tests of kernels on devices, after lib.sh: a program around a kernel's body, run on the
# CPU, on the usual software driver and on the one that WJIT_SWIFTSHADER_ICD names.
# shellcheck shell=bash
need_driver

# The portable body, of one dimension.
# shellcheck disable=SC2016 # the names are WebAssembly's
parallel_for='(func $dispatch (export "wjit.parallel_for.v1")
    (param $nx i32) (param $ny i32) (param $nz i32) (param $k i32) (param $args i32)
    (local $x i32)
    (loop $again
      (call_indirect (param i32 i32 i32 i32) (local.get $x) (i32.const 0) (i32.const 0)
                     (local.get $args) (local.get $k))
      (local.set $x (i32.add (local.get $x) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $x) (local.get $nx)))))'

# program NAME [FUNCTIONS]: kernel body on stdin; what 100 items store at args, 16 bytes each, is
# printed.
# Locals: $at (where the item stores), $i, $v, $w (i32), $q (i64).
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
  ${2:-}
  (func \$fill (param \$i i32)
    (loop \$again
      (i32.store (i32.shl (local.get \$i) (i32.const 2))
                 (i32.mul (i32.add (local.get \$i) (i32.const 1)) (i32.const 0x01010101)))
      (local.set \$i (i32.add (local.get \$i) (i32.const 1)))
      (br_if \$again (i32.lt_u (local.get \$i) (i32.const 1024)))))
  $parallel_for
  (func (export "_start")
    (call \$fill (i32.const 2))
    (call \$dispatch (i32.const 100) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 8192))
    (i32.store (i32.const 0) (i32.const 8192)) (i32.store (i32.const 4) (i32.const 1600))
    (drop (call \$write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
WAT
}
# both NAME [CODE [LACK]]: the same on the CPU and on each device; the second may have no LACK, and
# leave the kernel to the CPU.
both() {
    local icd verdict=translated
    expect "${2:-0}" - "$WJIT" --gpu=off "$1.wasm"
    cp out cpu
    for icd in "$VK_ICD_FILENAMES" "${WJIT_SWIFTSHADER_ICD:-}"; do
        [ -e "$icd" ] || continue
        VK_ICD_FILENAMES=$icd expect "${2:-0}" "kernel [^:]*: ($verdict)$" \
            "$WJIT" --gpu=any --gpu-explain "$1.wasm"
        cmp -s cpu out || fail "$1 on $icd: other output than on the CPU"
        verdict=translated${3:+"|not translated.*no $3"}
    done
}
