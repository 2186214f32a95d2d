#!/bin/bash
# Processes that make it hard: one that may never make memory executable again, one whose language
# has a handler for faults of its own.
. "$(dirname "$0")/lib.sh"
need wat2wasm python3
[ -z "${WJIT_EMULATED:-}" ] || skip "the hosts are Python and an emulator, of another machine"

wat guest <<'WAT'
(module (memory (export "memory") 1)
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $deep (export "deep") (param i32) (result i32)
    (i32.add (i32.const 1) (call $deep (local.get 0))))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))
WAT
cat >denied.py <<'PYTHON'
# Runs a command that can make no memory executable but by mapping it so: denied.py COMMAND...
import ctypes, mmap, os, sys
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
    sys.exit(77)
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    sys.exit(78)
except PermissionError:
    os.execvp(sys.argv[1], sys.argv[1:])
PYTHON
run python3 denied.py true
if [ "$code" -eq 77 ]; then
    echo "this kernel cannot deny executable memory: not tried"
else
    expect_out 6765 python3 denied.py "$WJIT" --invoke fib guest.wasm 20
    expect 134 'out of bounds memory access' python3 denied.py "$WJIT" --invoke load guest.wasm -4
    expect 134 'call stack exhausted' python3 denied.py "$WJIT" --invoke deep guest.wasm 1
    expect 0 - python3 denied.py "$WJIT" compile guest.wasm -o guest.cwasm
    expect_out 6765 python3 denied.py "$WJIT" --invoke fib guest.cwasm 20
    for _ in stored kept; do
        expect_out 6765 python3 denied.py "$WJIT" --cache kept --invoke fib guest.wasm 20
    done
    expect_out 6765 python3 denied.py "$WJIT" --threads 4 --invoke fib guest.wasm 20
fi

library=${WJIT_BUILD:?}/libwjit.so
[ -f "$library" ] || skip "no libwjit.so in $WJIT_BUILD"
cat >host.py <<'PYTHON'
# Python with its faulthandler, which prints where a fault was: host.py LIBRARY MODULE ORDER. Traps
# are none of its business, before and after it is switched on; a fault of the process's own is.
import ctypes, faulthandler, sys, threading
library = ctypes.CDLL(sys.argv[1])
class Vec(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]
def function(name, *arguments):
    f = getattr(library, name)
    f.restype, f.argtypes = ctypes.c_void_p, arguments
    return f
P = ctypes.c_void_p
REF = ctypes.POINTER(Vec)
if sys.argv[3] == "handler first":
    faulthandler.enable()
engine = function("wasm_engine_new")()
store = function("wasm_store_new", P)(engine)
binary = open(sys.argv[2], "rb").read()
text = ctypes.create_string_buffer(binary, len(binary))
module = function("wasm_module_new", P, REF)(store, Vec(len(binary), ctypes.addressof(text)))
instance = function("wasm_instance_new", P, P, REF, P)(store, module, Vec(0, None), None)
exports = Vec()
function("wasm_instance_exports", P, REF)(instance, exports)
externs = (ctypes.c_void_p * exports.size).from_address(exports.data)
memory, fib, deep, load = externs
def call(extern, value):
    """The result, or None for a trap."""
    arguments = (ctypes.c_uint64 * 2)(0, value & 0xffffffff)
    results = (ctypes.c_uint64 * 2)()
    trap = function("wasm_func_call", P, REF, REF)(
        function("wasm_extern_as_func", P)(extern), Vec(1, ctypes.addressof(arguments)),
        Vec(1, ctypes.addressof(results)))
    function("wasm_trap_delete", P)(trap)
    return None if trap else results[1] & 0xffffffff
def use():
    for _ in range(20):
        assert call(fib, 10) == 55
        assert call(load, -4) is None
        assert call(deep, 1) is None
use()
if sys.argv[3] == "handler last":
    faulthandler.enable() # hands nothing on, so it must not be the first to be asked
    function("wjit_signals_claim")()
use()
thread = threading.Thread(target=use)
thread.start()
thread.join()
print("used", flush=True)
ctypes.string_at(8)
PYTHON
for order in "handler first" "handler last"; do
    run python3 host.py "$library" guest.wasm "$order"
    [ "$code" -eq 139 ] || fail "$order: exit code $code, not 139: $(head -c 300 err)"
    [ "$(cat out)" = used ] || fail "$order: $(cat out) $(head -c 300 err)"
    [ "$(grep -c '^Fatal Python error: Segmentation fault' err)" -eq 1 ] ||
        fail "$order: $(head -c 600 err)"
    grep -q 'string_at' err || fail "$order: not where the fault was: $(head -c 600 err)"
done
finish
