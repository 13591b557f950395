"""Methods by seeds as a script does it: for each of them floor, labels, student, ceiling, and their scores."""
import json
import sys
import time

import torch

import losses
from decoder import Decoder, batches, padded
from device import adamw, finish, mixed, settled


def fit(model, rows, targets, loss, s):
    optimizer, device = adamw(model.parameters(), s), targets.device
    total, step = s["epochs"] * -(-len(rows) // s["batch"]), 0
    for _ in range(s["epochs"]):
        for index in torch.randperm(len(rows)).split(s["batch"]):
            with mixed(s):
                logits = model(*padded([rows[i] for i in index], device))
            value = loss(logits.float(), targets[index], step / total, index).mean()
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
            step += 1


def probabilities(model, rows, s):
    device = torch.device(s["device"])
    with torch.no_grad(), mixed(s):
        return torch.cat([model(*batch).float().softmax(1) for batch in batches(rows, s["batch"], device)])


def accuracy(model, rows, labels, s):
    return (probabilities(model, rows, s).argmax(1).cpu() == torch.tensor(labels)).float().mean().item()


def surest(labels, keep):
    """The share of each labelled class with the highest probability."""
    chosen = []
    for c in range(labels.shape[1]):
        own = (labels.argmax(1) == c).nonzero()[:, 0]
        order = labels[own, c].argsort(descending=True)
        chosen.append(own[order[: max(1, round(keep * len(own)))]])
    return torch.cat(chosen)


def experiment(method, seed, s):
    torch.manual_seed(seed)
    order = torch.randperm(len(s["rows"])).tolist()
    part = lambda begin, end: ([s["rows"][i] for i in order[begin:end]], [s["labels"][i] for i in order[begin:end]])
    first, second = part(0, s["half"]), part(s["half"], 2 * s["half"])
    test = s["test_rows"], s["test_labels"]
    truth = lambda labels: torch.nn.functional.one_hot(torch.tensor(labels), 2).float().to(s["device"])
    plain = losses.make("cross_entropy", {}, s["half"], 2)

    weak = Decoder({**s, **s["weak"]}).to(s["device"])
    fit(weak, first[0], truth(first[1]), plain, s)
    floor = accuracy(weak, *test, s)
    labels = probabilities(weak, second[0], s)

    rows = second[0]
    if method.get("labels") == "hard":
        labels = truth(labels.argmax(1).tolist())
    if "keep" in method:
        kept = surest(labels, method["keep"])
        rows, labels = [rows[i] for i in kept], labels[kept]
    student = Decoder({**s, **s["strong"]}).to(s["device"])
    fit(student, rows, labels, losses.make(method["loss"], {}, len(rows), 2), s)
    ceiling = Decoder({**s, **s["strong"]}).to(s["device"])
    fit(ceiling, second[0], truth(second[1]), plain, s)
    return floor, accuracy(student, *test, s), accuracy(ceiling, *test, s)


def main():
    s = json.load(open(sys.argv[1]))
    device = settled(s)
    start = time.perf_counter()
    scores = [experiment(method, seed, s) for method in s["methods"] for seed in range(s["seeds"])]
    seconds = time.perf_counter() - start
    means = [sum(column) / len(scores) for column in zip(*scores)]
    finish(device, seconds=seconds, rate=3600 / seconds, fits=3 * len(scores), floor=means[0], student=means[1],
           ceiling=means[2])


main()
