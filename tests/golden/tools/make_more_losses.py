"""Reference values of losses that have none in the fixtures, from the published formulas, in float64.

    python3 tests/golden/tools/make_more_losses.py > tests/golden/fixtures/losses_more.json      (numpy)

[{"loss", "params", "calls": [{"logits" [B][C], "targets" [B][C], "index", "step_frac", "loss", "grad" [B][C]}]}]:
the mean over the batch and its gradient, by complex steps. loss_golden_test.cpp walks all of them.
"""
import json

import numpy as np

STEP = 1e-30


def log_softmax(z):
    z = z - z.real.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def cross_entropy(z, y):
    return -(y * log_softmax(z)).sum(-1)


def absolute(x):
    return np.where(x.real >= 0, x, -x)


def xlogx(y):
    return np.where(y > 0, y * np.log(np.where(y > 0, y, 1)), 0)


def reverse_kl(z, y, s):
    log_p = log_softmax(z)
    return (np.exp(log_p) * (log_p - np.log(np.clip(y, 1e-4, 1)))).sum(-1)


def f_divergence(z, y, s, kind="hellinger", alpha=0.5):
    p, q = np.exp(log_softmax(z)), np.clip(y, 1e-4, 1)
    m = (p + y) / 2
    return {
        "hellinger": lambda: ((np.sqrt(p) - np.sqrt(y)) ** 2).sum(-1) / 2,
        "chi2": lambda: ((p - q) ** 2 / q).sum(-1),
        "jeffreys": lambda: ((p - q) * (np.log(p) - np.log(q))).sum(-1),
        "js": lambda: ((p * np.log(p / m)).sum(-1) + (xlogx(y) - y * np.log(m)).sum(-1)) / 2,
        "total_variation": lambda: absolute(p - y).sum(-1) / 2,
        "alpha": lambda: ((p**alpha * q ** (1 - alpha)).sum(-1) - 1) / (alpha * (alpha - 1)),
    }[kind]()


def cores2(z, y, s, beta=0.3):
    return cross_entropy(z, y) - beta * -log_softmax(z).mean(-1)


def peer_loss(z, y, s, alpha=0.5):
    """The mean over every pair of a prediction and a peer's label."""
    pairs = np.stack([cross_entropy(z, np.broadcast_to(peer, y.shape)) for peer in y])
    return cross_entropy(z, y) - alpha * pairs.mean(0)


def logit_clip(z, y, s, delta=2.0):
    norm = np.sqrt((z**2).sum(-1, keepdims=True))
    return cross_entropy(z * np.where(norm.real > delta, delta / np.where(norm == 0, 1, norm), 1), y)


def agce(z, y, s, a=0.6, q=0.6):
    return (y * ((a + 1) ** q - (a + np.exp(log_softmax(z))) ** q) / q).sum(-1)


def truncated_gce(z, y, s, q=0.7, k=0.5, warmup=0.05):
    p = (np.exp(log_softmax(z)) * np.eye(y.shape[1])[y.argmax(1)]).sum(-1)
    return ((p.real > k) | (s < warmup)) * ((1 - p**q) / q - (1 - k**q) / q)


def one_row(z, p):
    """Auxiliary confidence and logconf of one row: its likeliest class."""
    return cross_entropy(z, np.eye(z.shape[1])[p.argmax(1)])


def aux_confidence(z, y, s, alpha_max=0.5, warmup=0.2, prior="weak_labels"):
    assert len(z) == 1
    a = alpha_max * min(1, s / warmup)
    return (1 - a) * cross_entropy(z, y) + a * one_row(z, z.real)


def logconf(z, y, s, aux_coef=0.5, warmup_frac=0.1):
    assert len(z) == 1
    k = aux_coef * (s if s <= warmup_frac else 1)
    return (1 - k) * cross_entropy(z, y) + k * one_row(z, z.real)


KINDS = ["hellinger", "chi2", "jeffreys", "js", "total_variation", "alpha"]
PLANS = (
    [(reverse_kl, {}), (cores2, {}), (cores2, {"beta": 0.7}), (peer_loss, {}), (peer_loss, {"alpha": 0.9})]
    + [(f_divergence, {"kind": kind}) for kind in KINDS] + [(f_divergence, {"kind": "alpha", "alpha": 1.5})]
    + [(logit_clip, {}), (logit_clip, {"delta": 0.5}), (agce, {}), (agce, {"a": 6, "q": 1.5})]
    + [(truncated_gce, {}), (truncated_gce, {"warmup": 0.5, "k": 0.3})]
    + [(aux_confidence, {}), (aux_confidence, {"prior": "half"}), (logconf, {})]
)


def main():
    draw = np.random.default_rng(4)
    cases = []
    for function, params in PLANS:
        alone = function in (aux_confidence, logconf)
        for classes in [2] if alone else [2, 4]:
            calls = []
            for s in (0.02, 0.13, 0.9):
                rows = 1 if alone else 6
                z0 = np.round(draw.normal(size=(rows, classes)) * 128) / 64
                y = np.round(draw.dirichlet(np.full(classes, 0.6), rows) * 256) / 256
                y[np.arange(rows), y.argmax(1)] += 1 - y.sum(1)
                if not alone:
                    y[0] = np.eye(classes)[1]  # one-hot
                    z0[1] = 0
                grad = np.zeros_like(z0)
                for place in np.ndindex(*z0.shape):
                    z = z0.astype(complex)
                    z[place] += 1j * STEP
                    grad[place] = function(z, y, s, **params).mean().imag / STEP
                calls.append({"logits": z0.tolist(), "targets": y.tolist(), "index": list(range(rows)),
                              "step_frac": s, "loss": float(function(z0 + 0j, y, s, **params).mean().real),
                              "grad": grad.tolist()})
            cases.append({"loss": function.__name__, "params": params, "calls": calls})
    print(json.dumps(cases))


main()
