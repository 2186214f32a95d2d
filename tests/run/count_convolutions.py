"""STATS LAYER-LOG MODEL-JSON: every convolution of the network was dispatched to the device, by the
program's figures and by what the counting layer saw."""
import json
import sys

with open(sys.argv[1]) as file:
    gpu = json.loads(file.read().splitlines()[-1])["gpu"]
with open(sys.argv[2]) as file:
    counted = next(int(line.split()[1]) for line in file if line.startswith("dispatches "))
with open(sys.argv[3]) as file:
    layers = json.load(file)["modelTopology"]["model_config"]["config"]["layers"]
wanted = sum(layer["class_name"] == "Conv2D" for layer in layers)
convs = [k for k in gpu["kernels"] if k["name"].startswith("conv")]
on_gpu = sum(k["gpu_dispatches"] for k in convs)
where = {k["name"]: (k["dispatches"], k["gpu_dispatches"], k["reason"]) for k in gpu["kernels"]}
print(f"{wanted} convolutions, {counted} dispatches counted, said {gpu['dispatches']}: {where}")
sys.exit(not (wanted > 0 and on_gpu == sum(k["dispatches"] for k in convs) == wanted
              and counted == gpu["dispatches"] >= wanted))
