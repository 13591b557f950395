"""Reference values of the losses, computed in float64 from the published formulas (docs/methods.md).

usage: make_losses.py OUT.json [heldout]
[{"loss", "params", "calls": [{"logits" [B,C], "targets" [B,C], "index" [B], "step_frac", "loss", "grad" [B,C]}]}]
Calls of one case go to one loss object, in order (matters for stateful losses).
"""
import sys, json, torch
held = len(sys.argv) > 2
torch.manual_seed(99 if held else 3); torch.set_default_dtype(torch.float64)
lse = torch.log_softmax

def ce(z, y): return -(y * lse(z, -1)).sum(-1)
def hard(y): return torch.nn.functional.one_hot(y.argmax(-1), y.shape[-1]).to(y.dtype)
def clamp_log(y): return y.clamp(1e-4, 1).log()

def cross_entropy(z, y, c, label_smoothing=0.0):
    y = (1 - label_smoothing) * y + label_smoothing / y.shape[1]; return ce(z, y).mean()
def kl(z, y, c): return (torch.special.xlogy(y, y).sum(-1) + ce(z, y)).mean()
def threshold_labels(p, prior):
    t = torch.quantile(p[:, 1], 1 - prior); h = (p[:, 1] > t).to(p.dtype); return torch.stack([1 - h, h], 1)
def aux_confidence(z, y, c, alpha_max=0.5, warmup=0.2, prior='weak_labels'):
    a = alpha_max * min(1.0, c['step_frac'] / warmup) if warmup > 0 else alpha_max
    p = z.softmax(-1).detach()
    h = threshold_labels(p, y[:, 1].mean() if prior == 'weak_labels' else torch.tensor(.5)) if z.shape[1] == 2 else hard(p)
    return ((1 - a) * ce(z, y) + a * ce(z, h)).mean()
def logconf(z, y, c, aux_coef=0.5, warmup_frac=0.1):
    k = (1.0 if c['step_frac'] > warmup_frac else c['step_frac']) * aux_coef
    p = z.softmax(-1); t = torch.quantile(p[:, 0], y[:, 1].mean())
    h = torch.stack([p[:, 0] >= t, p[:, 0] < t], 1).to(p.dtype)
    return ce(z, y * (1 - k) + h.detach() * k).mean()
def product(z, y, c, alpha=1.0, beta=1.0):
    t = z.softmax(-1) ** beta * y ** alpha; t = (t / t.sum(-1, keepdim=True)).detach(); return ce(z, t).mean()
def soft_confidence(z, y, c, alpha_max=0.5, warmup=0.2):
    a = alpha_max * min(1.0, c['step_frac'] / warmup); return ce(z, (1 - a) * y + a * z.softmax(-1).detach()).mean()
def gce(z, y, c, q=0.7): p = z.softmax(-1); return (y * (1 - p ** q) / q).sum(-1).mean()
def truncated_gce(z, y, c, q=0.7, k=0.5):
    p = (z.softmax(-1) * hard(y)).sum(-1); w = (p > k).to(p.dtype).detach()
    return (w * ((1 - p ** q) / q - (1 - k ** q) / q)).mean()
def rce(z, y): return -(z.softmax(-1) * clamp_log(y)).sum(-1)
def symmetric_cross_entropy(z, y, c, alpha=0.1, beta=1.0): return (alpha * ce(z, y) + beta * rce(z, y)).mean()
def nce(z, y): return ce(z, y) / -lse(z, -1).sum(-1)
def mae_(z, y): return 1 - (y * z.softmax(-1)).sum(-1)
def focal_terms(z, g): p = z.softmax(-1); return -((1 - p) ** g) * lse(z, -1)
def focal(z, y, c, gamma=2.0): return (y * focal_terms(z, gamma)).sum(-1).mean()
def nfl(z, y, g): f = focal_terms(z, g); return (y * f).sum(-1) / f.sum(-1)
def active_passive(z, y, c, active='nce', passive='rce', alpha=1.0, beta=1.0, gamma=0.5):
    a = nce(z, y) if active == 'nce' else nfl(z, y, gamma); b = rce(z, y) if passive == 'rce' else mae_(z, y)
    return (alpha * a + beta * b).mean()
def mae(z, y, c): return mae_(z, y).mean()
def bootstrap_soft(z, y, c, beta=0.95): return ce(z, beta * y + (1 - beta) * z.softmax(-1)).mean()
def bootstrap_hard(z, y, c, beta=0.8): return ce(z, beta * y + (1 - beta) * hard(z.detach())).mean()
def forward_correction(z, y, c, transition): return -(y * (z.softmax(-1) @ torch.tensor(transition)).log()).sum(-1).mean()
def backward_correction(z, y, c, transition): return -((y @ torch.linalg.inv(torch.tensor(transition))) * lse(z, -1)).sum(-1).mean()
def early_learning(z, y, c, beta=0.7, lambda_=3.0):
    p = z.softmax(-1).clamp(1e-4, 1 - 1e-4); s = c['state']; d = p.detach(); d = d / d.sum(-1, keepdim=True)
    for i, k in enumerate(c['index']): s[k] = beta * s.get(k, torch.zeros_like(d[i])) + (1 - beta) * d[i]
    t = torch.stack([s[k] for k in c['index']])
    return ce(z, y).mean() + lambda_ * (1 - (p * t).sum(-1)).log().mean()
def generalized_js(z, y, c, pi=0.5):
    p = z.softmax(-1); m = pi * y + (1 - pi) * p; k = lambda a, b: (torch.special.xlogy(a, a) - a * b.log()).sum(-1)
    zed = -(1 - pi) * torch.log(torch.tensor(1 - pi)); return ((pi * k(y, m) + (1 - pi) * k(p, m)) / zed).mean()

def adaptive_confidence(z, y, c, tau=0.5):
    own, weak = ce(z, hard(z.detach())), ce(z, hard(y))
    a = (own / tau).exp() / ((own / tau).exp() + (weak / tau).exp()); a = a.detach()
    return ((1 - a) * (torch.special.xlogy(y, y).sum(-1) + ce(z, y)) + a * own).mean()
def confidence_window(z, y, c, radius=0.15):
    p = z.softmax(-1).detach(); w = (p.max(-1).values < 0.5 + radius).to(p.dtype); return (w * ce(z, y)).sum() / len(z)

T2 = [[.8, .2], [.3, .7]]; T4 = (torch.eye(4) * .6 + .1).tolist()
variants = [(cross_entropy, {}), (cross_entropy, {'label_smoothing': .1}), (kl, {}), (aux_confidence, {}), (aux_confidence, {'alpha_max': .75, 'prior': 'half'}),
  (logconf, {}), (product, {}), (product, {'alpha': .5, 'beta': .7}), (soft_confidence, {}), (gce, {}), (gce, {'q': .3}), (truncated_gce, {}), (truncated_gce, {'q': .5, 'k': .3}),
  (symmetric_cross_entropy, {}), (symmetric_cross_entropy, {'alpha': 6., 'beta': .1}), (active_passive, {}), (active_passive, {'active': 'nfl', 'passive': 'mae', 'alpha': 10., 'beta': .1}),
  (mae, {}), (focal, {}), (focal, {'gamma': .5}), (bootstrap_soft, {}), (bootstrap_hard, {}), (forward_correction, {}), (backward_correction, {}),
  (early_learning, {}), (early_learning, {'beta': .9, 'lambda_': 1.}), (adaptive_confidence, {}), (adaptive_confidence, {'tau': 4.}), (confidence_window, {}), (confidence_window, {'radius': .4}), (generalized_js, {}), (generalized_js, {'pi': .3})]
cases = []
for fn, par in variants:
    for C in ([2] if fn is logconf else [2, 4]):
        par2 = dict(par)
        if fn in (forward_correction, backward_correction): par2['transition'] = T2 if C == 2 else T4
        state, calls = {}, []
        fracs = [.05, .13, .9] if not held else [.0, .0999, .2, .5, 1.]
        for f in fracs:
            B = 7 if not held else 13
            z = (torch.randn(B, C) * (2 if not held else 6)).requires_grad_()
            y = torch.softmax(torch.randn(B, C) * 2, -1)
            if f == fracs[1]: y = hard(y)
            if f == fracs[-1]: y[0] = 0; y[0, 1] = 1.
            idx = torch.randperm(9 if not held else 17)[:B].tolist()
            L = fn(z, y, {'step_frac': f, 'index': idx, 'state': state}, **par2); g, = torch.autograd.grad(L, z)
            calls.append({'logits': z.tolist(), 'targets': y.tolist(), 'index': idx, 'step_frac': f, 'loss': L.item(), 'grad': g.tolist()})
            assert torch.isfinite(L) and torch.isfinite(g).all(), (fn.__name__, f)
        pj = {('lambda' if k == 'lambda_' else k): v for k, v in par2.items()}
        cases.append({'loss': fn.__name__, 'params': pj, 'calls': calls})
json.dump(cases, open(sys.argv[1], 'w'))
print(len(cases), 'cases')
