"""Fine-tuning a GPT-2-style decoder with a classification head, in plain PyTorch.

Good practice: padded batches of the whole size with an attention mask, the head on the last real token only,
AdamW's foreach form, gradients set to None. With "micro" below the batch it accumulates gradients over
micro-batches of that many rows, as the reference code does.
"""
import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm_1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x, mask):
        rows, length, width = x.shape
        q, k, v = self.qkv(self.norm_1(x)).split(width, 2)
        q, k, v = (t.view(rows, length, self.heads, -1).transpose(1, 2) for t in (q, k, v))
        if hasattr(F, "scaled_dot_product_attention"):
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            scores = q @ k.transpose(2, 3) / (width // self.heads) ** 0.5 + mask
            attended = scores.softmax(-1) @ v
        x = x + self.out(attended.transpose(1, 2).reshape(rows, length, width))
        return x + self.down(F.gelu(self.up(self.norm_2(x)), approximate="tanh"))


class Classifier(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.tokens = nn.Embedding(s["vocabulary"], s["width"])
        self.positions = nn.Embedding(s["positions"], s["width"])
        self.blocks = nn.ModuleList(Block(s["width"], s["heads"]) for _ in range(s["layers"]))
        self.norm = nn.LayerNorm(s["width"])
        self.head = nn.Linear(s["width"], 2, bias=False)
        for p in self.parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)
        nn.init.zeros_(self.head.weight)

    def forward(self, ids, lengths):
        length = ids.shape[1]
        x = self.tokens(ids) + self.positions(torch.arange(length))
        mask = torch.full((length, length), float("-inf")).triu(1)
        for block in self.blocks:
            x = block(x, mask)
        return self.head(self.norm(x[torch.arange(len(ids)), lengths - 1]))


def padded(rows):
    lengths = torch.tensor([len(row) for row in rows])
    ids = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    return ids, lengths


def main():
    s = json.load(open(sys.argv[1]))
    torch.set_num_threads(s["threads"])
    torch.manual_seed(0)
    model = Classifier(s)
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "tokens": tokens, "rate": tokens / seconds, "loss": total, "peak_bytes": peak}))


main()
