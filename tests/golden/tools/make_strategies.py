"""Reference values of the strategies that have public code, from the published formulas, in float64.

    python3 tests/golden/tools/make_strategies.py > tests/golden/strategies.json      (numpy, scipy, scikit-learn)

strategy_golden_test.cpp walks all of them.

"steps": one step of a rule. [{"strategy", "params", "hard", "logits" [S][N][C], "targets" [N][C], "weights" [N],
"batch", "fraction", "partners" and "shares" of each student's mix, "loss", "grad" [S][N][C]}]. Gradients are by
complex steps: none of the formulas is derived by hand. What is constant in a formula is computed from the real
logits. partners and shares are what w2s::Stream(7, "golden") draws.
"mixtures": posteriors of the lower of two Gaussians. "filters": rows kept of features and labels.
"joints": confident joints.
"""
import json

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

STEP = 1e-30
# What w2s::Stream(7, "golden") draws: a permutation of 8, Beta(1, 1); a permutation, Beta(4, 4), twice.
PARTNERS = [[4, 0, 6, 1, 2, 5, 7, 3], [0, 2, 1, 7, 3, 4, 5, 6]]
MIXUP_SHARES = [0.41451058383265388]
DIVIDE_MIX_SHARES = [0.73423321935888564, 0.52549864213424458]


def log_softmax(z):
    z = z - z.real.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def softmax(z):
    return np.exp(log_softmax(z))


def cross_entropy(z, y):
    return -(y * log_softmax(z)).sum(-1)


def hard(y):
    return np.eye(y.shape[-1])[y.argmax(-1)]


def easiest(z, y, count):
    """Co-teaching: `count` rows with the smallest cross entropy of the hard label."""
    return np.argsort(cross_entropy(z, hard(y)), kind="stable")[:count]


def left_out(case):
    noise = case["params"].get("noise", 1 - case["confidence"].mean())
    return noise * min(1, case["fraction"] / case["params"].get("ramp", 0.05))


def kept(share, count):
    return max(1, int(np.ceil((1 - share) * count - 1e-9)))


def co_teaching(z, z0, y, w, case):
    """Han et al. 2018, algorithm 1; R(T) rises linearly over the first 5 % of training."""
    count = kept(left_out(case), len(y))
    a, b = easiest(z0[0], y, count), easiest(z0[1], y, count)
    return (w * cross_entropy(z[0], y))[b].mean() + (w * cross_entropy(z[1], y))[a].mean()


def co_teaching_plus(z, z0, y, w, case):
    """Yu et al. 2019: after the warm-up among the rows that the two predict differently."""
    if case["fraction"] < case["params"].get("warmup", 0.1):
        return co_teaching(z, z0, y, w, case)
    differ = np.flatnonzero(z0[0].argmax(1) != z0[1].argmax(1))
    losses = [w * cross_entropy(each, y) for each in z]
    if len(differ) == 0:
        return losses[0].mean() + losses[1].mean()
    count = kept(left_out(case), len(differ))
    a, b = (differ[easiest(each[differ], y[differ], count)] for each in z0)
    return (losses[0][b].sum() + losses[1][a].sum()) / len(y)


def sharpen(p, temperature):
    p = p ** (1 / temperature)
    return p / p.sum(-1, keepdims=True)


def lower(values):
    """P(lower component), as DivideMix asks scikit-learn for it, but for the start: two means from the extremes
    instead of two drawn values, so that the posterior is a function of the losses."""
    values = np.asarray(values)[:, None]
    start = KMeans(2, init=np.array([values.min(0), values.max(0)]), n_init=1).fit(values).labels_
    parts = [values[start == k] for k in (0, 1)]
    mixture = GaussianMixture(
        2, max_iter=10, tol=1e-2, reg_covar=5e-4, weights_init=[len(part) / len(values) for part in parts],
        means_init=[part.mean(0) for part in parts],
        precisions_init=[[[1 / (part.var() + 5e-4)]] for part in parts]).fit(values)
    return mixture.predict_proba(values)[:, mixture.means_.argmin()]


def divide_mix(z, z0, y, w, case):
    """Li et al. 2020: MixMatch on the split that the other student's losses make; batch = all rows."""
    warmup = case["params"].get("warmup", 0.2)
    if case["fraction"] < warmup:
        return sum((w * cross_entropy(each, y)).mean() for each in z)
    clean = []
    for each in z0:
        loss = cross_entropy(each, hard(y))
        clean.append(lower((loss - loss.min()) / (loss.max() - loss.min())))
    p = [softmax(each) for each in z0]
    guessed = sharpen((p[0] + p[1]) / 2, 0.5)
    total = 0
    for k in (0, 1):
        posterior = clean[1 - k][:, None]
        labels = np.where(posterior >= 0.5, sharpen(posterior * y + (1 - posterior) * p[k], 0.5), guessed)
        share, partner = case["shares"][k], case["partners"][k]
        mixed_z = share * z[k] + (1 - share) * z[k][partner]
        mixed_y = share * labels + (1 - share) * labels[partner]
        labelled, other = w * (posterior[:, 0] >= 0.5), w * (posterior[:, 0] < 0.5)
        q = softmax(mixed_z)
        supervised = (labelled * cross_entropy(mixed_z, mixed_y)).sum() / max(labelled.sum(), 1)
        consistent = (other * ((q - mixed_y) ** 2).mean(1)).sum() / max(other.sum(), 1)
        rise = min(1, (case["fraction"] - warmup) / (16 / 300 * (1 - warmup)))
        prior, mean = 1 / y.shape[1], q.mean(0)
        total += supervised + 25 * rise * consistent + (prior * np.log(prior / mean)).sum()
    return total


def mixup(z, z0, y, w, case):
    """Zhang et al. 2018."""
    share, partner = case["shares"][0], case["partners"][0]
    mixed = cross_entropy(share * z[0] + (1 - share) * z[0][partner], share * y + (1 - share) * y[partner])
    return ((share * w + (1 - share) * w[partner]) * mixed).mean()


def divdis(z, z0, y, w, case):
    """Lee et al. 2022: the surest half of each class is labelled; means over heads and over pairs of heads."""
    sure = np.zeros(len(y), bool)
    for c in range(y.shape[1]):
        rows = np.flatnonzero(y.argmax(1) == c)
        sure[rows[np.argsort(-case["confidence"][rows], kind="stable")][: int(np.ceil(len(rows) / 2))]] = True
    entropy = np.mean([(w * cross_entropy(each, y))[sure].sum() / sure.sum() for each in z])
    p = [softmax(each)[~sure] for each in z]
    information = []
    for a in range(len(p)):
        for b in range(a):
            joint = np.einsum("nc,nd->cd", p[a], p[b]) / len(p[a])
            product = np.outer(p[a].mean(0), p[b].mean(0))
            information.append((joint * (np.log(joint) - np.log(product))).sum())
    balance = np.mean([(q.mean(0) * np.log(q.mean(0) / y.mean(0))).sum() for q in p])
    return entropy + 10 * np.mean(information) + 10 * balance


def exact(y):
    """Distributions whose entries float32 holds exactly."""
    y = np.round(y * 256) / 256
    y[np.arange(len(y)), y.argmax(1)] += 1 - y.sum(1)
    return y


def steps():
    draw = np.random.default_rng(5)
    partners = {"mixup": PARTNERS[:1], "divide_mix": PARTNERS}
    shares = {"mixup": MIXUP_SHARES, "divide_mix": DIVIDE_MIX_SHARES}
    plans = [
        (co_teaching, {"noise": 0.4}, 0.02, 2), (co_teaching, {"noise": 0.4}, 0.5, 2), (co_teaching, {}, 0.5, 2),
        (co_teaching, {"noise": 0.4, "ramp": 0.5}, 0.25, 2),
        (co_teaching_plus, {"noise": 0.4}, 0.05, 2), (co_teaching_plus, {"noise": 0.4}, 0.1, 2),
        (co_teaching_plus, {}, 0.6, 2), (co_teaching_plus, {"noise": 0.4, "agree": True}, 0.6, 2),
        (divide_mix, {}, 0.1, 2), (divide_mix, {}, 0.22, 2), (divide_mix, {}, 0.9, 2),
        (mixup, {}, 0.3, 1), (divdis, {}, 0.3, 2), (divdis, {"heads": 4}, 0.3, 4),
    ]
    cases = []
    for function, params, fraction, students in plans:
        for label_kind in ("soft", "hard"):
            params = dict(params)
            agree = params.pop("agree", False)
            n, c = 8, 3
            soft = draw.dirichlet(np.full(c, 0.7), n)
            soft[:c] = 0.8 * np.eye(c) + 0.2 / 3  # every class occurs
            soft = exact(soft)
            y = hard(soft) if label_kind == "hard" else soft
            w = np.round(draw.uniform(0.5, 1.5, n) * 64) / 64
            z0 = np.round(draw.normal(size=(students, n, c)) * 1.5 * 64) / 64
            if agree:
                z0[1] = 2 * z0[0]
            name = function.__name__
            case = {"strategy": name, "params": params, "fraction": fraction, "labels": label_kind,
                    "confidence": soft.max(1), "partners": [np.array(p) for p in partners.get(name, [])],
                    "shares": shares.get(name, [])}
            grad = np.zeros_like(z0)
            for place in np.ndindex(*z0.shape):
                z = z0.astype(complex)
                z[place] += 1j * STEP
                grad[place] = function(z, z0, y, w, case).imag / STEP
            case.update(loss=float(function(z0, z0, y, w, case)), grad=grad.tolist(), logits=z0.tolist(),
                        targets=soft.tolist(), weights=w.tolist(), partners=[p.tolist() for p in case["partners"]])
            del case["confidence"]
            cases.append(case)
    return cases


def mixtures():
    draw = np.random.default_rng(11)
    cases = []
    for shape, share in ((0.05, 0.7), (0.15, 0.5), (0.02, 0.9)):
        n = 60
        values = np.where(draw.uniform(size=n) < share, draw.normal(0.15, shape, n), draw.normal(0.7, 0.15, n))
        values = (values - values.min()) / (values.max() - values.min())
        cases.append({"values": values.tolist(), "posterior": lower(values).tolist()})
    return cases


def neighbors(x, k):
    distance = np.linalg.norm(x[:, None] - x[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    return np.argsort(distance, axis=1)[:, :k]


def knn_filter(x, y, k, contamination):
    """EleutherAI/w2s: |mean over neighbours of y − y_i|, the farthest contamination · N go."""
    far = np.abs(y[neighbors(x, k)].mean(1) - y).sum(1) / 2
    drop = int(np.floor(contamination * len(x)))
    return sorted(np.argsort(far)[: len(x) - drop].tolist())


def topo_filter(x, y, k, contamination):
    """Largest strongly connected component of each label in the directed kNN graph; contamination counts what
    that has lost already."""
    near, label = neighbors(x, k), y.argmax(1)
    same = label[near] == label[:, None]
    n = len(x)
    rows = np.repeat(np.arange(n), k)[same.ravel()]
    graph = csr_matrix((np.ones(len(rows)), (rows, near.ravel()[same.ravel()])), shape=(n, n))
    core = []
    for c in range(y.shape[1]):
        members = np.flatnonzero(label == c)
        if len(members) == 0:
            continue
        _, component = connected_components(graph[members][:, members], directed=True, connection="strong")
        core += members[component == np.bincount(component).argmax()].tolist()
    core = np.array(core)
    more = max(0, int(np.floor(contamination * n)) - (n - len(core)))
    votes = same.sum(1)
    return np.sort(core[np.argsort(-votes[core])[: len(core) - more]]), votes, core.tolist()


def filters():
    draw = np.random.default_rng(3)
    cases = []
    for contamination in (0.0, 0.1, 0.3):
        n, c, k = 90, 3, 7
        truth = np.arange(n) % c
        x = np.float32(draw.normal(size=(n, 2)) + 2.2 * np.stack([np.cos(truth * 2.1), np.sin(truth * 2.1)], 1))
        label = np.where(draw.uniform(size=n) < 0.15, (truth + 1) % c, truth)
        y = 0.7 * np.eye(c)[label] + 0.3 * draw.dirichlet(np.ones(c), n)
        x, y = np.round(x.astype(float) * 1024) / 1024, exact(y)
        case = {"features": x.tolist(), "targets": y.tolist(), "k": k, "contamination": contamination,
                "knn_filter": knn_filter(x, y, k, contamination)}
        rows, votes, core = topo_filter(x, y, k, contamination)
        # Ties of votes are broken by w2s in an order of its own: only how many votes are kept is fixed.
        case["topo_filter"] = {"core": core, "votes_kept": sorted(votes[rows].tolist()), "votes": votes.tolist()}
        cases.append(case)
    return cases


def joints():
    """Northcutt et al. 2021, eq. 1-3: counts of p >= mean p of the class among those labelled so."""
    draw = np.random.default_rng(8)
    cases = []
    for n in (12, 60):
        c = 3
        truth = draw.integers(0, c, n)
        given = np.where(draw.uniform(size=n) < 0.25, draw.integers(0, c, n), truth)
        given[:c] = np.arange(c)
        p = np.exp(draw.normal(size=(n, c)) + 2 * np.eye(c)[truth])
        p /= p.sum(1, keepdims=True)
        threshold = np.array([p[given == j, j].mean() for j in range(c)])
        counts = np.zeros((c, c))
        for i in range(n):
            sure = np.flatnonzero(p[i] >= threshold)
            if len(sure) > 0:
                counts[given[i], sure[p[i, sure].argmax()]] += 1
        for j in range(c):
            if counts[j].sum() == 0:
                counts[j, j] = 1
        joint = counts / counts.sum(1, keepdims=True) * np.bincount(given, minlength=c)[:, None]
        cases.append({"labels": given.tolist(), "probabilities": p.tolist(), "joint": (joint / joint.sum()).tolist(),
                      "thresholds": threshold.tolist()})
    return cases


print(json.dumps({"steps": steps(), "mixtures": mixtures(), "filters": filters(), "joints": joints()}))
