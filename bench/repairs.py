"""What it costs when a driver's own instruction gives other bits than WebAssembly's, and kernels
compute by integers instead: the same kernel on one device, which is told from a driver that errs by
a layer that replaces the instruction (tests/vk/with_layer)."""
import os
import tempfile

import common
from common import ROOT, Broken, Missing

# Name, what an item does with $a and $b over and over, and how the layer breaks the instruction.
OPERATIONS = [
    ("f32.add", "(f32.add (local.get $a) (local.get $b))", "swap:129:131"),  # OpFAdd: OpFSub
    ("f32.mul", "(f32.mul (local.get $a) (local.get $b))", "swap:133:129"),  # OpFMul: OpFAdd
    ("f32.div", "(f32.div (local.get $b) (local.get $a))", "swap:136:133"),  # OpFDiv: OpFMul
    ("f32.sqrt", "(f32.sqrt (local.get $a))", "extended:31:4"),  # Sqrt: FAbs
    ("f32.floor", "(f32.floor (local.get $a))", "extended:8:9"),  # Floor: Ceil
    ("f32.lt, select", "(select (local.get $a) (local.get $b)"
     " (f32.lt (local.get $a) (local.get $b)))", "swap:184:186"),  # OpFOrdLessThan: ...GreaterThan
    ("f32.convert_i32_u", "(f32.convert_i32_u (i32.reinterpret_f32 (local.get $a)))",
     "swap:112:111"),  # OpConvertUToF: OpConvertSToF
]
TIMES = 64  # of the operation, in an iteration
MODULE = """
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 8) (table funcref (elem $kernel))
  (func $kernel (param $x i32) (param i32 i32) (param $args i32)
    (local $at i32) (local $i i32) (local $a f32) (local $b f32)
    (local.set $at (i32.add (local.get $args) (i32.shl (local.get $x) (i32.const 2))))
    (local.set $a (f32.load (local.get $at)))
    (local.set $b (f32.const 1.0625))
    (loop $again
      OPERATIONS
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 50))))
    (f32.store (local.get $at) (local.get $a)))
  (func $dispatch (export "wjit.parallel_for.v1")
    (param $nx i32) (param i32 i32) (param $k i32) (param $args i32) (local $x i32)
    (loop $again
      (call_indirect (param i32 i32 i32 i32) (local.get $x) (i32.const 0) (i32.const 0)
                     (local.get $args) (local.get $k))
      (local.set $x (i32.add (local.get $x) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $x) (local.get $nx)))))
  (func (export "_start") (local $i i32)
    (loop $again
      (f32.store (i32.add (i32.const 1024) (i32.shl (local.get $i) (i32.const 2)))
                 (f32.add (f32.const 0.5) (f32.convert_i32_u (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 65536))))
    (call $dispatch (i32.const 65536) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 262144))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""


def make_module(folder, number, operation):
    path = os.path.join(folder, f"{number}.wat")
    with open(path, "w", encoding="ascii") as file:
        file.write(MODULE.replace("OPERATIONS", f"(local.set $a {operation})\n" * TIMES))
    wasm = os.path.join(folder, f"{number}.wasm")
    common.run(["wat2wasm", path, "-o", wasm])
    return wasm


def device_seconds(command, outputs, kernel_seconds, devices, **more):
    """Of the dispatch; its output has to be that of all others in `outputs`."""
    stdout, stderr, _, _ = common.run(command, encoding="latin-1", **more)
    if stdout != outputs.setdefault("", stdout):
        raise Broken("the results differ")
    return kernel_seconds(common.stats_of(stderr), devices)


def measure(args, tools, rounds, kernel_seconds):
    if "wjit" not in tools:
        raise Missing("the repairs are wjit's own")
    if not os.path.exists("/usr/include/vulkan/vk_layer.h"):
        raise Missing("no vulkan/vk_layer.h (Debian: libvulkan-dev)")
    layer = os.path.join(ROOT, "tests", "vk", "with_layer")
    devices = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, operation, fault) in enumerate(OPERATIONS):
            wasm = make_module(folder, number, operation)
            command = [layer, os.path.join(folder, "layer"), tools["wjit"], "--no-cache",
                       f"--gpu={args.device}", "--stats=json", wasm]
            outputs = {}
            for _ in range(args.rounds):
                for side, variables in (("native", {}), ("repaired", {"WJIT_LAYER_FAULT": fault})):
                    rounds.take((name, side), lambda: device_seconds(
                        command, outputs, kernel_seconds, devices,
                        env=dict(os.environ, **variables)))
    return devices


def report(tools, rounds, devices, broken):
    rows = []
    for name, _, _ in OPERATIONS:
        native, repaired = (rounds.least.get((name, side)) for side in ("native", "repaired"))
        rows.append([name, common.number(native, 4), common.number(repaired, 4),
                     common.number(repaired / native if native and repaired else None, 1)])
    text = (f"65,536 items that do an operation 3,200 times, on {devices.get('wjit')}: seconds of "
            "the dispatch on the device, by the driver's instruction and by integers.\n\n"
            + common.table(["operation", "native", "repaired", "repaired / native"], rows) + broken)
    common.report("repairs", tools, {"seconds": {" ".join(k): v for k, v in rounds.least.items()},
                                     "devices": devices}, text)
