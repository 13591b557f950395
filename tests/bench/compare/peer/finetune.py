"""Fine-tuning a decoder with a classification head, in plain PyTorch.

Good practice: padded batches of the whole size, the head on the last real token only, AdamW's foreach or fused form,
gradients set to None. With "micro" below the batch it accumulates gradients over micro-batches of that many rows,
as the reference code does.
"""
import json
import sys
import time

import torch
from torch.nn import functional as F

from decoder import Decoder, padded
from device import adamw, finish, mixed, settled, wait


def main():
    s = json.load(open(sys.argv[1]))
    device = settled(s)
    model = Decoder(s).to(device)
    optimizer = adamw(model.parameters(), s)
    rows, labels, batch = s["rows"], torch.tensor(s["labels"], device=device), s["batch"]
    micro = s.get("micro", batch)
    tokens = 0
    for step in range(0, (len(rows) + batch - 1) // batch):
        if step == s["warm_steps"]:
            wait(device)
            start = time.perf_counter()
        begin, end = step * batch, min(len(rows), (step + 1) * batch)
        total = 0.0
        for first in range(begin, end, micro):
            last = min(end, first + micro)
            ids, lengths = padded(rows[first:last], device)
            with mixed(s):
                logits = model(ids, lengths)
            loss = F.cross_entropy(logits.float(), labels[first:last], reduction="sum") / (end - begin)
            loss.backward()
            total += loss.item()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step >= s["warm_steps"]:
            tokens += sum(len(row) for row in rows[begin:end])
    wait(device)
    seconds = time.perf_counter() - start
    finish(device, seconds=seconds, tokens=tokens, rate=tokens / seconds, loss=total)


main()
