"""A GPT-2-style decoder in plain PyTorch, for padded batches, with a head on each text's last token."""
import torch
from torch import nn
from torch.nn import functional as F

from device import moved


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

    def forward(self, x, mask, past=None):
        """past: the keys and values of earlier tokens; returns those with x's own as well."""
        rows, length, width = x.shape
        q, k, v = self.qkv(self.norm_1(x)).split(width, 2)
        q, k, v = (t.view(rows, length, self.heads, -1).transpose(1, 2) for t in (q, k, v))
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        if hasattr(F, "scaled_dot_product_attention"):
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=mask is not None)
        else:
            scores = q @ k.transpose(2, 3) / (width // self.heads) ** 0.5
            attended = (scores if mask is None else scores + mask).softmax(-1) @ v
        x = x + self.out(attended.transpose(1, 2).reshape(rows, length, width))
        return x + self.down(F.gelu(self.up(self.norm_2(x)), approximate="tanh")), (k, v)


def causal(length, device):
    return torch.full((length, length), float("-inf"), device=device).triu(1)


class Decoder(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.tokens = nn.Embedding(s["vocabulary"], s["width"])
        self.positions = nn.Embedding(s["positions"], s["width"])
        self.blocks = nn.ModuleList(Block(s["width"], s["heads"]) for _ in range(s["layers"]))
        self.norm = nn.LayerNorm(s["width"])
        self.head = nn.Linear(s["width"], 2, bias=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)
        nn.init.zeros_(self.head.weight)

    def features(self, ids, lengths):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device))
        mask = causal(ids.shape[1], ids.device)
        for block in self.blocks:
            x, _ = block(x, mask)
        return self.norm(x[torch.arange(len(ids), device=ids.device), lengths - 1])

    def forward(self, ids, lengths):
        return self.head(self.features(ids, lengths))


def padded(rows, device):
    lengths = torch.tensor([len(row) for row in rows])
    ids = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    return moved(ids, device), moved(lengths, device)


def batches(rows, size, device):
    for begin in range(0, len(rows), size):
        yield padded(rows[begin : begin + size], device)
