"""A checkpoint of the same tensors, saved by torch.save, loaded into a model and read once; and a plain copy's rate."""
import json
import os
import sys
import tempfile
import time

import torch

from decoder import Decoder
from measured import finish


def main():
    s = json.load(open(sys.argv[1]))
    torch.set_num_threads(s["threads"])
    model = Decoder(s)
    with tempfile.TemporaryDirectory() as folder:
        torch.save(model.state_dict(), f"{folder}/model.pt")
        os.sync()
        start = time.perf_counter()
        model.load_state_dict(torch.load(f"{folder}/model.pt"))
        with torch.no_grad():
            total = sum(p.sum().item() for p in model.parameters())
        seconds = time.perf_counter() - start
    size = sum(p.numel() * 4 for p in model.parameters())
    block = torch.ones(size // 4)
    target = torch.empty_like(block)
    target.copy_(block)
    start = time.perf_counter()
    target.copy_(block)
    copying = time.perf_counter() - start
    finish(seconds=seconds, sum=total, rate=size / 1e9 / seconds, bytes=size, copy_rate=size / 1e9 / copying)


main()
