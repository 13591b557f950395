"""Losses on logits z [B, C] and soft labels y [B, C], each a value per example [B], with the usual parameters.

s is the fraction of the training that is done; index are the examples' places among all, for losses with a memory.
"""
import math

import torch
from torch.nn import functional as F


def cross_entropy(log_p, y):
    return -(y * log_p).sum(-1)


def one_hot(scores):
    return F.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype)


def ramp(s, warmup):
    return min(1.0, s / warmup)


def focal_terms(log_p, gamma):
    return -(1 - log_p.exp()).clamp_min(1e-30) ** gamma * log_p


def reverse(log_p, y):
    return -(log_p.exp() * y.clamp(1e-4, 1).log()).sum(-1)


def kl(y, log_p):
    return (torch.xlogy(y, y) - y * log_p).sum(-1)


def aux_confidence(log_p, y, s, alpha_max=0.5, warmup=0.2):
    p1 = log_p.detach()[:, 1].exp()
    positive = (p1 > torch.quantile(p1, 1 - y[:, 1].mean())).to(y.dtype)
    alpha = alpha_max * ramp(s, warmup)
    own = torch.stack([1 - positive, positive], 1)
    return (1 - alpha) * cross_entropy(log_p, y) + alpha * cross_entropy(log_p, own)


def logconf(log_p, y, s, aux_coef=0.5, warmup_frac=0.1):
    k = aux_coef * (s if s <= warmup_frac else 1.0)
    p0 = log_p.detach()[:, 0].exp()
    first = (p0 >= torch.quantile(p0, y[:, 1].mean())).to(y.dtype)
    return cross_entropy(log_p, (1 - k) * y + k * torch.stack([first, 1 - first], 1))


def adaptive_confidence(log_p, y, tau=0.5):
    own, taught = cross_entropy(log_p, one_hot(log_p)), cross_entropy(log_p, one_hot(y))
    a = torch.sigmoid((own - taught).detach() / tau)
    return (1 - a) * kl(y, log_p) + a * own


def active_passive(log_p, y, alpha=1, beta=1):
    return alpha * cross_entropy(log_p, y) / -log_p.sum(-1) + beta * reverse(log_p, y)


def confidence_window(log_p, y, radius=0.15):
    return cross_entropy(log_p, y) * (log_p.detach().amax(-1).exp() < 0.5 + radius)


def generalized_js(log_p, y, pi=0.5):
    p = log_p.exp()
    log_m = (pi * y + (1 - pi) * p).clamp_min(1e-30).log()
    value = pi * kl(y, log_m) + (1 - pi) * (p * (log_p - log_m)).sum(-1)
    return value / (-(1 - pi) * math.log1p(-pi))


def truncated_gce(log_p, y, q=0.7, k=0.5):
    chosen = (log_p * one_hot(y)).sum(-1)
    return (k**q - (q * chosen).exp()) / q * (chosen.detach() > math.log(k))


def soft_confidence(log_p, y, s, alpha_max=0.5, warmup=0.2):
    alpha = alpha_max * ramp(s, warmup)
    return cross_entropy(log_p, (1 - alpha) * y + alpha * log_p.detach().exp())


class EarlyLearning:
    def __init__(self, examples, classes, beta=0.7, weight=3):
        self.beta, self.weight, self.average = beta, weight, torch.zeros(examples, classes)

    def __call__(self, log_p, y, index):
        p = log_p.exp().clamp(1e-4, 1 - 1e-4)
        own = p.detach()
        t = self.beta * self.average[index] + (1 - self.beta) * own / own.sum(-1, keepdim=True)
        self.average[index] = t
        return cross_entropy(log_p, y) + self.weight * torch.log1p(-(p * t).sum(-1))


def make(name, parameters, examples, classes):
    """f(logits, y, s, index) -> losses [B]."""
    if name == "early_learning":
        memory = EarlyLearning(examples, classes)
        return lambda z, y, s, index: memory(z.log_softmax(-1), y, index)
    if "transition" in parameters:
        matrix = torch.tensor(parameters["transition"])
        inverse, log_matrix = torch.linalg.inv(matrix), matrix.log().clamp_min(-1e5)
    plain = {
        "active_passive": active_passive,
        "adaptive_confidence": adaptive_confidence,
        "backward_correction": lambda log_p, y: cross_entropy(log_p, y @ inverse),
        "bootstrap_hard": lambda log_p, y: cross_entropy(log_p, 0.8 * y + 0.2 * one_hot(log_p)),
        "bootstrap_soft": lambda log_p, y: cross_entropy(log_p, 0.95 * y + 0.05 * log_p.exp()),
        "confidence_window": confidence_window,
        "cross_entropy": cross_entropy,
        "focal": lambda log_p, y: (y * focal_terms(log_p, 2)).sum(-1),
        "forward_correction": lambda log_p, y: cross_entropy((log_p.unsqueeze(2) + log_matrix).logsumexp(1), y),
        "gce": lambda log_p, y: (y * (1 - (0.7 * log_p).exp())).sum(-1) / 0.7,
        "generalized_js": generalized_js,
        "kl": lambda log_p, y: kl(y, log_p),
        "mae": lambda log_p, y: 1 - (y * log_p.exp()).sum(-1),
        "product": lambda log_p, y: cross_entropy(log_p, (log_p.detach() + y.log()).softmax(-1)),
        "symmetric_cross_entropy": lambda log_p, y: 0.1 * cross_entropy(log_p, y) + reverse(log_p, y),
        "truncated_gce": truncated_gce,
    }
    if name in plain:
        return lambda z, y, s, index: plain[name](z.log_softmax(-1), y)
    timed = {"aux_confidence": aux_confidence, "logconf": logconf, "soft_confidence": soft_confidence}[name]
    return lambda z, y, s, index: timed(z.log_softmax(-1), y, s)
