"""Fine-tuning a decoder with a classification head, in plain PyTorch.

Good practice: padded batches of the whole size, the head on the last real token only, AdamW's foreach form,
gradients set to None. With "micro" below the batch it accumulates gradients over micro-batches of that many rows,
as the reference code does.
"""
import json
import sys
import time

import torch
from torch.nn import functional as F

from decoder import Decoder, padded
from measured import finish


def main():
    s = json.load(open(sys.argv[1]))
    torch.set_num_threads(s["threads"])
    torch.manual_seed(0)
    model = Decoder(s)
    optimizer = torch.optim.AdamW(model.parameters(), lr=s["lr"], weight_decay=0.01, foreach=True)
    rows, labels, batch = s["rows"], torch.tensor(s["labels"]), s["batch"]
    micro = s.get("micro", batch)
    tokens = 0
    for step in range(0, (len(rows) + batch - 1) // batch):
        if step == s["warm_steps"]:
            start = time.perf_counter()
        begin, end = step * batch, min(len(rows), (step + 1) * batch)
        total = 0.0
        for first in range(begin, end, micro):
            last = min(end, first + micro)
            ids, lengths = padded(rows[first:last])
            loss = F.cross_entropy(model(ids, lengths), labels[first:last], reduction="sum") / (end - begin)
            loss.backward()
            total += loss.item()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step >= s["warm_steps"]:
            tokens += sum(len(row) for row in rows[begin:end])
    seconds = time.perf_counter() - start
    finish(seconds=seconds, tokens=tokens, rate=tokens / seconds, loss=total)


main()
