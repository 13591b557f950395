"""The machine's rate of float32 matrix products of the sizes that matter here, in FLOP/s."""
import json
import sys
import time

import torch

s = json.load(open(sys.argv[1]))
torch.set_num_threads(s["threads"])
a, b = torch.randn(s["rows"], s["inner"]), torch.randn(s["inner"], s["columns"])
out = a @ b
best = float("inf")
for _ in range(s["repeats"]):
    start = time.perf_counter()
    torch.mm(a, b, out=out)
    best = min(best, time.perf_counter() - start)
print(json.dumps({"rate": 2 * s["rows"] * s["inner"] * s["columns"] / best}))
