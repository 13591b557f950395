"""Greedy generation from prompts of one length, with cached keys and values."""
import json
import sys
import time

import torch

from decoder import Decoder, causal
from device import finish, mixed, settled, wait


def next_tokens(model, ids, past):
    done = 0 if past is None else past[0][0].shape[2]
    x = model.tokens(ids) + model.positions(torch.arange(done, done + ids.shape[1], device=ids.device))
    mask = causal(ids.shape[1], ids.device) if past is None else None
    kept = []
    for i, block in enumerate(model.blocks):
        x, own = block(x, mask, None if past is None else past[i])
        kept.append(own)
    return (model.norm(x[:, -1]) @ model.tokens.weight.T).argmax(-1), kept


def main():
    s = json.load(open(sys.argv[1]))
    device = settled(s)
    model = Decoder(s).to(device)
    tokens = 0
    wait(device)
    start = time.perf_counter()
    with torch.no_grad(), mixed(s):
        for begin in range(0, len(s["rows"]), s["batch"]):
            prompts = torch.tensor(s["rows"][begin : begin + s["batch"]], device=device)
            last, past = next_tokens(model, prompts, None)
            written = [last]
            for _ in range(s["new_tokens"] - 1):
                last, past = next_tokens(model, last[:, None], past)
                written.append(last)
            tokens += torch.stack(written, 1).cpu().numel()
    seconds = time.perf_counter() - start
    finish(device, seconds=seconds, rate=tokens / seconds, tokens=tokens)


main()
