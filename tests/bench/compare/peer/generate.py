"""Greedy generation from prompts of one length, with cached keys and values."""
import json
import sys
import time

import torch

from decoder import Decoder, causal
from measured import finish


def next_tokens(model, ids, past):
    done = 0 if past is None else past[0][0].shape[2]
    x = model.tokens(ids) + model.positions(torch.arange(done, done + ids.shape[1]))
    mask = causal(ids.shape[1]) if past is None else None
    kept = []
    for i, block in enumerate(model.blocks):
        x, own = block(x, mask, None if past is None else past[i])
        kept.append(own)
    return (model.norm(x[:, -1]) @ model.tokens.weight.T).argmax(-1), kept


def main():
    s = json.load(open(sys.argv[1]))
    torch.set_num_threads(s["threads"])
    torch.manual_seed(0)
    model = Decoder(s)
    tokens = 0
    start = time.perf_counter()
    with torch.no_grad():
        for begin in range(0, len(s["rows"]), s["batch"]):
            prompts = torch.tensor(s["rows"][begin : begin + s["batch"]])
            last, past = next_tokens(model, prompts, None)
            written = [last]
            for _ in range(s["new_tokens"] - 1):
                last, past = next_tokens(model, last[:, None], past)
                written.append(last)
            tokens += torch.stack(written, 1).numel()
    seconds = time.perf_counter() - start
    finish(seconds=seconds, rate=tokens / seconds, tokens=tokens)


main()
