#!/usr/bin/python3
"""Reference features of AlexNet for alexnet_golden_test.cpp: python3 tools/make_alexnet.py > alexnet_features.json

Layer by layer in PyTorch's functional form, as the architecture is published (torchvision's numbers of channels).
Weights and images come from an integer hash of (position, salt), which the test computes for itself; the sizes of
the weights keep activations near 1.
"""
import json

import numpy as np
import torch
import torch.nn.functional as F

CONVOLUTIONS = [(0, 64, 3, 11, 4, 2, True), (3, 192, 64, 5, 1, 2, True), (6, 384, 192, 3, 1, 1, False),
                (8, 256, 384, 3, 1, 1, False), (10, 256, 256, 3, 1, 1, True)]
LINEARS = [(1, 4096, 9216), (4, 4096, 4096)]


def hashed(count, salt):
    """Numbers in [-0.5, 0.5)."""
    x = (np.arange(count, dtype=np.uint64) * 2654435761 + salt * 40503) % 2**32
    x = ((x ^ (x >> np.uint64(15))) * 2246822519) % 2**32
    x = x ^ (x >> np.uint64(13))
    return x.astype(np.float64) / 2**32 - 0.5


def weight(shape, salt):
    fan_in = int(np.prod(shape[1:]))
    return torch.from_numpy((hashed(int(np.prod(shape)), salt) * np.sqrt(24 / fan_in)).astype(np.float32)).view(shape)


def bias(size, salt):
    return torch.from_numpy((hashed(size, salt) * 0.2).astype(np.float32))


def features(x):
    for index, out, inner, kernel, stride, padding, pooled in CONVOLUTIONS:
        x = F.relu(F.conv2d(x, weight((out, inner, kernel, kernel), 2 * index), bias(out, 2 * index + 1), stride,
                            padding))
        if pooled:
            x = F.max_pool2d(x, 3, 2)
    x = F.adaptive_avg_pool2d(x, 6).flatten(1)
    for index, out, inner in LINEARS:
        x = F.relu(F.linear(x, weight((out, inner), 100 + 2 * index), bias(out, 101 + 2 * index)))
    return x


torch.set_num_threads(1)
cases = []
for size in (224, 96):
    image = torch.from_numpy((hashed(2 * 3 * size * size, 1000 + size) * 4).astype(np.float32)).view(2, 3, size, size)
    found = features(image)
    assert (found > 0).float().mean() > 0.2
    cases.append({"size": size, "first": [[round(v, 6) for v in row[:24].tolist()] for row in found],
                  "sum": [round(v, 3) for v in found.double().sum(1).tolist()]})
print(json.dumps({"torch": torch.__version__, "cases": cases}, indent=1))
