"""Perplexity of the models in ladder/ on a few texts: GPT-2's formula in PyTorch, byte-level BPE in Python.

    python3 tests/golden/tools/make_ladder.py      writes tests/golden/ladder.json, which ladder_test.cpp reads
"""
import json
import math
import re
import struct
from pathlib import Path

import numpy
import torch
from torch.nn.functional import gelu, layer_norm

HERE = Path(__file__).resolve().parent.parent
LADDER = HERE.parent.parent / "ladder"
MODELS = ["nano", "mini", "base", "large"]
# Five lines of what the models read, and two that are not in it.
TEXTS = [
    'hunk, lump: a large piece of something without definite shape; "a hunk of bread"; "a lump of coal"',
    "Hudson Bay: an inland sea in northern Canada",
    "hydrogen ion: a positively charged atom of hydrogen; that is to say, a normal hydrogen atomic nucleus",
    'enclose, close in, inclose, shut in: surround completely; "Darkness enclosed him"',
    "difficult, hard: not easy; requiring great physical or mental effort to accomplish or comprehend or endure",
    "lemon tree: a small evergreen tree that bears sour yellow fruit",
    "harbour master: an officer who is in charge of the ships in a port",
]


def weights_of(path):
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F16"
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(raw[8 + size + begin:8 + size + end], numpy.float16).astype(numpy.float32)
        tensors[name.removeprefix("transformer.")] = torch.from_numpy(values.reshape(entry["shape"]))
    return tensors


class Tokenizer:
    def __init__(self, path):
        model = json.loads(path.read_text())["model"]
        self.vocabulary = model["vocab"]
        merges = [m.split(" ") if isinstance(m, str) else m for m in model["merges"]]
        self.ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
        printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [b for b in range(256) if b not in printable]
        self.letters = {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}

    def word(self, word):
        parts = [self.letters[b] for b in word.encode()]
        while len(parts) > 1:
            rank, i = min((self.ranks.get(pair, math.inf), i) for i, pair in enumerate(zip(parts, parts[1:])))
            if rank == math.inf:
                break
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        return [self.vocabulary[part] for part in parts]

    def __call__(self, text):  # ASCII only
        words = re.findall(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+", text)
        return [token for word in words for token in self.word(word)]


def log_probabilities(w, config, ids):
    width, heads, eps = config["n_embd"], config["n_head"], config["layer_norm_epsilon"]
    length = len(ids)
    norm = lambda x, name: layer_norm(x, (width,), w[name + ".weight"], w[name + ".bias"], eps)
    linear = lambda x, name: x @ w[name + ".weight"] + w[name + ".bias"]
    x = w["wte.weight"][ids] + w["wpe.weight"][:length]
    future = torch.ones(length, length).triu(1).bool()
    for layer in range(config["n_layer"]):
        block = f"h.{layer}."
        q, k, v = (t.view(length, heads, -1).transpose(0, 1)
                   for t in linear(norm(x, block + "ln_1"), block + "attn.c_attn").split(width, 1))
        scores = (q @ k.transpose(1, 2) / math.sqrt(width // heads)).masked_fill(future, -math.inf)
        x = x + linear((scores.softmax(2) @ v).transpose(0, 1).reshape(length, width), block + "attn.c_proj")
        inner = gelu(linear(norm(x, block + "ln_2"), block + "mlp.c_fc"), approximate="tanh")
        x = x + linear(inner, block + "mlp.c_proj")
    return (norm(x, "ln_f") @ w["wte.weight"].T).log_softmax(1)


def perplexity(folder):
    config = json.loads((folder / "config.json").read_text())
    weights, tokenizer = weights_of(folder / "model.safetensors"), Tokenizer(folder / "tokenizer.json")
    surprise, predicted = 0.0, 0
    for text in TEXTS:
        ids = tokenizer(text) + [config["eos_token_id"]]
        log_p = log_probabilities(weights, config, ids)
        surprise -= sum(log_p[t, ids[t + 1]].item() for t in range(len(ids) - 1))
        predicted += len(ids) - 1
    parameters = sum(tensor.numel() for tensor in weights.values())
    return {"parameters": parameters, "perplexity": math.exp(surprise / predicted)}


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    models = {name: perplexity(LADDER / name) for name in MODELS if (LADDER / name).exists()}
    (HERE / "ladder.json").write_text(json.dumps({"texts": TEXTS, "models": models}, indent=2) + "\n")
