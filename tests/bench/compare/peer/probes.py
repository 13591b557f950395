"""Linear probes on cached features in plain PyTorch: a loop over losses and seeds."""
import json
import sys
import time

import torch
from torch import nn

import losses
from device import finish, settled


def fit(features, labels, loss, s, seed):
    torch.manual_seed(seed)
    count = len(features)
    head = nn.Linear(features.shape[1], 2, bias=False)
    nn.init.zeros_(head.weight)
    optimizer = torch.optim.AdamW(head.parameters(), lr=s["lr"], weight_decay=0.01, foreach=True)
    total, step = s["epochs"] * -(-count // s["batch"]), 0
    for _ in range(s["epochs"]):
        for index in torch.randperm(count).split(s["batch"]):
            value = loss(head(features[index]), labels[index], step / total, index).mean()
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
            step += 1
    return head


def main():
    s = json.load(open(sys.argv[1]))
    device = settled(s)  # the CPU: ours trains probes there
    features = torch.randn(s["examples"], s["width"])
    scores = features @ (torch.randn(s["width"], 2) / s["width"] ** 0.5)
    truth = scores.argmax(1)
    fits, right = 0, 0.0
    start = time.perf_counter()
    for name, parameters in s["losses"].items():
        for seed in range(s["seeds"]):
            labels = (3 * scores + torch.randn(scores.shape, generator=torch.Generator().manual_seed(seed))).softmax(1)
            loss = losses.make(name, parameters, len(features), 2)
            head = fit(features, labels, loss, s, seed)
            with torch.no_grad():
                right += (head(features).argmax(1) == truth).float().mean().item()
            fits += 1
    seconds = time.perf_counter() - start
    finish(device, seconds=seconds, rate=fits / seconds, fits=fits, accuracy=right / fits)


main()
