"""The rate of matrix products of the size and precision that matter here, in FLOP/s: the best of many."""
import json
import sys
import time

import torch

from device import settled, wait

s = json.load(open(sys.argv[1]))
device = settled(s)
kind = torch.bfloat16 if s["precision"] == "bfloat16" else torch.float32
a, b = (torch.randn(s["size"], s["size"], device=device, dtype=kind) for _ in range(2))
out = a @ b
best = float("inf")
for _ in range(s["repeats"]):
    wait(device)
    start = time.perf_counter()
    torch.mm(a, b, out=out)
    wait(device)
    best = min(best, time.perf_counter() - start)
print(json.dumps({"rate": 2 * s["size"] ** 3 / best}))
