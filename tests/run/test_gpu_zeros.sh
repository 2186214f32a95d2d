#!/bin/bash
# Zeros that a driver's compiler can find out for itself: it then takes products with them for 0,
# whatever the other factor, and quotients by them for anything. Each must be as on the CPU.
. "$(dirname "$0")/lib.sh"
need wat2wasm python3
need_driver
python3 >all.wat <<'PY'
ZEROS = ["f32.const 0", "f32.const -0", "f32.const 1e-40 f32.trunc", "f32.const 0.5 f32.floor",
         "f32.const -0.5 f32.ceil", "f32.const 0.25 f32.nearest", "f32.const -0 f32.abs",
         "f32.const 0 f32.sqrt", "f32.const 0 f32.const 3 f32.min",
         "f32.const 1 f32.const 1 f32.sub", "i32.const 0 f32.convert_i32_s",
         "i32.const 0 f32.reinterpret_i32", "i32.const 5 i32.const 5 i32.sub f32.reinterpret_i32",
         "f64.const 1e-300 f32.demote_f64", "f64.const 0.3 f64.floor f32.demote_f64",
         "local.get $zero",
         "f32.const -3 f32.const 0.5 f32.copysign f32.const 3 f32.sub",
         "f32.const 1e-30 f32.abs f32.const 1e-30 f32.mul",
         "local.get $zero local.get $zero f32.sub"]
VECTORS = ["v128.const f32x4 0 0 0 0", "v128.const f32x4 0.5 1e-40 0.3 -0.1 f32x4.trunc",
           "i32.const 0 i32x4.splat", "v128.const i32x4 1 1 1 1 i32.const 0 i32x4.replace_lane 1",
           "i32.const 64 v128.load32_zero",
           "local.get $vector", "local.get $vector local.get $vector f32x4.sub",
           "i64.const 5 i64x2.splat"]
body = []
for i, zero in enumerate(ZEROS):
    for j, op in enumerate(("mul", "div")):
        body.append(f"local.get $at local.get $v {zero} f32.{op} local.tee $r local.get $r f32.ne "
                    f"if (result f32) f32.const nan else local.get $r end "
                    f"f32.store offset={80 * j + 4 * i}")
for i, vector in enumerate(VECTORS):
    for j, op in enumerate(("mul", "div")):
        body.append(f"local.get $at local.get $v f32x4.splat {vector} f32x4.{op} "
                    f"f32x4.extract_lane 1 local.tee $r local.get $r f32.ne "
                    f"if (result f32) f32.const nan else local.get $r end "
                    f"f32.store offset={160 + 32 * j + 4 * i}")
INPUTS = ("00 00 80 7f 00 00 80 ff 00 00 00 00 00 00 00 80 "
          "00 00 80 3f 01 00 00 80 ff ff 7f 7f").split()
print(f"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (table funcref (elem $kernel))
  (data (i32.const 128) "{"".join(chr(92) + b for b in INPUTS)}")
  (func $kernel (param $x i32) (param i32 i32) (param $args i32)
    (local $v f32) (local $r f32) (local $zero f32) (local $vector v128) (local $at i32)
    (local.set $v (f32.load offset=128 (i32.shl (local.get $x) (i32.const 2))))
    (local.set $at (i32.add (local.get $args) (i32.shl (local.get $x) (i32.const 8))))
    {" ".join(body)})
  (func $dispatch (export "wjit.parallel_for.v1")
    (param $nx i32) (param $ny i32) (param $nz i32) (param $k i32) (param $args i32) (local $x i32)
    (loop $again
      (call_indirect (param i32 i32 i32 i32) (local.get $x) (i32.const 0) (i32.const 0)
                     (local.get $args) (local.get $k))
      (local.set $x (i32.add (local.get $x) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $x) (local.get $nx)))))
  (func (export "_start")
    (call $dispatch (i32.const 7) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1792))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))""")
PY
wat2wasm all.wat -o all.wasm || fail "wat2wasm"
expect 0 - "$WJIT" --gpu=off all.wasm
cp out cpu
[ "$(wc -c <cpu)" -eq 1792 ] || fail "$(wc -c <cpu) bytes"
expect 0 ': translated$' "$WJIT" --gpu=any --gpu-explain all.wasm
places=$(cmp -l cpu out | awk '{ print $1 }' | tr '\n' ' ')
[ -z "$places" ] || fail "places that differ, from 1: $places"
finish
