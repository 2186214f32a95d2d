#!/bin/bash
# wjit bench: every kernel on the CPU and on every device, with the same bytes, as text and as JSON.
. "$(dirname "$0")/lib.sh"
slow_emulated
need python3
find_driver

run "$WJIT" bench --json --threads 2
[ "$code" = 0 ] || fail "bench: exit code $code: $(head -c 300 err)"
python3 - out <<'PYTHON' || fail "bench --json: $(head -c 600 out)"
import json, sys
places = json.load(open(sys.argv[1]))
assert places[0]["device"] == "CPU"
for place in places:
    assert [k["name"] for k in place["kernels"]] == ["scale_add", "multiply_add", "mix"], place
    for kernel in place["kernels"]:
        # What did not run on a device says why.
        assert kernel["same_bytes"] and kernel["rate"] > 0 or kernel["reason"], kernel
assert all(k["ran"] and k["device_ms"] == 0 for k in places[0]["kernels"])
print(len(places) - 1, "devices")
PYTHON
[ "$(wc -l <out)" = 1 ] || fail "bench --json: not one line"

# Without devices, where that is asked for.
expect 0 - "$WJIT" bench --gpu=off --json --threads 2
[ "$(grep -o '"device"' out | wc -l)" = 1 ] || fail "bench --gpu=off: $(head -c 300 out)"

# A device that is not there is said so before anything is measured.
expect 125 'no GPU answers to|no Vulkan loader' "$WJIT" bench --gpu=nothing-of-the-kind
[ ! -s out ] || fail "bench of no device printed: $(head -c 300 out)"
finish
