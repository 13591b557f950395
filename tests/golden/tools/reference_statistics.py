"""Reference values for tests/unit/{measures,statistics}_test.cpp, from the standard library alone.

Where it can, it takes another road than the C++: variances from the mean squares of a two-way
analysis of variance, AUROC from all pairs, Student's t by numeric integration.
Run it and compare: python3 tests/golden/tools/reference_statistics.py
"""
import math

SEEDS, EXAMPLES = 3, 40
THRESHOLDS = (52, 83, 70)  # floor, ceiling, student


def score(k, s, i):
    return 1 if (i * 37 + i * i * 7 + s * 29 + k * 11 + (i * s * (k + 1) * 13) % 31) % 100 < THRESHOLDS[k] + 3 * s else 0


X = [[[score(k, s, i) for i in range(EXAMPLES)] for s in range(SEEDS)] for k in range(3)]


def combination(coefficients):
    return [[sum(c * X[k][s][i] for k, c in coefficients.items()) for i in range(EXAMPLES)] for s in range(SEEDS)]


def grand(u):
    return sum(map(sum, u)) / (len(u) * len(u[0]))


def mean_squares(u):
    """Of seeds, examples and their interaction in a two-way table."""
    a, b, g = len(u), len(u[0]), grand(u)
    rows = [sum(r) / b for r in u]
    columns = [sum(u[s][i] for s in range(a)) / a for i in range(b)]
    msa = b * sum((r - g) ** 2 for r in rows) / (a - 1)
    msb = a * sum((c - g) ** 2 for c in columns) / (b - 1)
    msab = sum((u[s][i] - rows[s] - columns[i] + g) ** 2 for s in range(a) for i in range(b)) / ((a - 1) * (b - 1))
    return msa, msb, msab


def spread(coefficients):
    """(value, middle of the interval, half of it, standard error) of a combination of columns."""
    u = combination(coefficients)
    a, b, g = len(u), len(u[0]), grand(u)
    seeds, examples, both = (m / (a * b) for m in mean_squares(u))
    pooled = sum((x - g) ** 2 for r in u for x in r) / (a * b)
    worth = min(max(pooled / examples * b / (b - 1), b), a * b)
    added = 4 if len(coefficients) == 1 else 2
    middle = sum(coefficients.values()) / 2
    centre = (worth * g + added * middle) / (worth + added)
    squares = worth * (pooled + (g - centre) ** 2)
    squares += added * (sum(c * c for c in coefficients.values()) / 4 + (middle - centre) ** 2)
    examples = squares / (worth + added) ** 2
    half = math.sqrt(T_SEEDS ** 2 * max(seeds - .4 * both, 0) + T_EXAMPLES ** 2 * examples)
    return g, centre, half, math.sqrt(max(seeds + examples - both, seeds, examples))


def t_upper(t, df, steps=200000):
    """P(T > t) by Simpson's rule after x = tan(u)."""
    c = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)
    lo, hi = math.atan(t), math.pi / 2

    def f(u):
        if u >= hi - 1e-15:
            return 0.0
        x = math.tan(u)
        return c * (1 + x * x / df) ** (-(df + 1) / 2) * (1 + x * x)

    h = (hi - lo) / steps
    if df <= 1:
        return 0.5 - math.atan(t) / math.pi
    return h / 3 * (f(lo) + f(hi) + 4 * sum(f(lo + h * j) for j in range(1, steps, 2)) + 2 * sum(f(lo + h * j) for j in range(2, steps, 2)))


def t_quantile(p, df):
    lo, hi = 0.0, 1000.0
    for _ in range(60):
        m = (lo + hi) / 2
        lo, hi = (m, hi) if t_upper(m, df, 4000) > 1 - p else (lo, m)
    return lo


T_SEEDS, T_EXAMPLES, Z = t_quantile(.975, SEEDS - 1), t_quantile(.975, EXAMPLES - 1), 1.959963985


def df_of(critical):
    lo, hi = 1.0, 1e6
    for _ in range(60):
        m = math.sqrt(lo * hi)
        lo, hi = (m, hi) if t_upper(critical, m, 4000) > .025 else (lo, m)
    return lo


def beta_cdf(p, a, b, steps=2000):
    """By Simpson's rule; a, b of 1 and more."""
    c = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b))

    def f(x):
        return c * x ** (a - 1) * (1 - x) ** (b - 1)
    h = p / steps
    return h / 3 * (f(0) + f(p) + 4 * sum(f(h * j) for j in range(1, steps, 2)) + 2 * sum(f(h * j) for j in range(2, steps, 2)))


def share_interval(share, n):
    """Wilson's interval, or mid-p of the binomial where fewer than ten are right or wrong."""
    right = share * n
    if min(right, n - right) >= 10:
        centre = (right + Z * Z / 2) / (n + Z * Z)
        half = Z / (n + Z * Z) * math.sqrt(right * (n - right) / n + Z * Z / 4)
        return centre - half, centre + half

    def lower(x):
        lo, hi = 0.0, 1.0
        for _ in range(50):
            m = (lo + hi) / 2
            lo, hi = (m, hi) if (beta_cdf(m, x, n - x + 1) + beta_cdf(m, x + 1, n - x)) / 2 < .025 else (lo, m)
        return lo
    return lower(right), 1 - lower(n - right)


def interval(name, coefficients):
    value, centre, half, se = spread(coefficients)
    print(f"{name}: value {value:.9f} se {se:.9f} df {df_of(half / se):.5f} ci [{centre - half:.6f}, {centre + half:.6f}]")
    if len(coefficients) == 1:
        n = max(centre * (1 - centre) * Z * Z / half ** 2 - 4, 1)
        if n > 5:  # the density that is integrated has no poles
            print(f"  as a share, worth {n:.4f} answers: [%.6f, %.6f]" % share_interval(value, n))


def end_of(start, direction):
    """Where student − floor − r (ceiling − floor) stops being compatible with 0."""
    def inside(r):
        _, centre, half, _ = spread({2: 1, 0: r - 1, 1: -r})
        return abs(centre) <= half
    lo, hi = start, start + direction
    while inside(hi):
        hi += direction
    for _ in range(50):
        m = (lo + hi) / 2
        lo, hi = (m, hi) if inside(m) else (lo, m)
    return lo


def statistics():
    for k, name in enumerate(("floor", "ceiling", "student")):
        interval(name, {k: 1})
    interval("gap", {1: 1, 0: -1})
    f, c, s = (grand(X[k]) for k in range(3))
    pgr = (s - f) / (c - f)
    _, _, half, se = spread({2: 1 / (c - f), 0: (pgr - 1) / (c - f), 1: -pgr / (c - f)})
    print(f"pgr: value {pgr:.9f} se {se:.9f} df {df_of(half / se):.5f} ci [{end_of(pgr, -1):.6f}, {end_of(pgr, 1):.6f}]")
    value, centre, half, se = spread({2: 1, 0: -1})
    print(f"student against floor: {value:.6f}, p {2 * t_upper(abs(centre) / se, df_of(half / se)):.9f}")
    print("pgr per seed:", [sum(X[2][j][i] - X[0][j][i] for i in range(EXAMPLES)) / sum(X[1][j][i] - X[0][j][i] for i in range(EXAMPLES)) for j in range(SEEDS)])

    def mid_p(b, c):
        n = b + c
        pmf = [math.comb(n, j) / 2 ** n for j in range(n + 1)]
        return 2 * sum(pmf[:min(b, c) + 1]) - pmf[min(b, c)]
    print("mcnemar mid-p 3/11:", mid_p(3, 11), " 0/6:", mid_p(0, 6), " 40/60:", mid_p(40, 60))


def bootstrap(replicates=60000):
    """Percentile intervals of hierarchical resampling, as docs/measures.md defines a replicate; another generator
    and another order of draws than the C++, so they agree up to the replicates' own noise."""
    import random
    draw = random.Random(20240501)
    stretch = math.sqrt(SEEDS / (SEEDS - 1))
    m = [grand(x) for x in X]
    seed_off = [[sum(r) / EXAMPLES - m[k] for r in X[k]] for k in range(3)]
    example_off = [[sum(X[k][s][i] for s in range(SEEDS)) / SEEDS - m[k] for i in range(EXAMPLES)] for k in range(3)]
    means, pgrs = [[], [], []], []
    for _ in range(replicates):
        seeds = draw.choices(range(SEEDS), k=SEEDS)
        examples = draw.choices(range(EXAMPLES), k=EXAMPLES)
        r = [m[k] + stretch * sum(seed_off[k][s] for s in seeds) / SEEDS +
             sum(example_off[k][i] for i in examples) / EXAMPLES for k in range(3)]
        for k in range(3):
            means[k].append(r[k])
        pgrs.append((r[2] - r[0]) / (r[1] - r[0]) if r[1] > r[0] else math.copysign(math.inf, r[2] - r[0]))
    for name, values in (("floor", means[0]), ("ceiling", means[1]), ("student", means[2]), ("pgr", pgrs)):
        values.sort()
        print(f"bootstrap {name}: [{values[round(.025 * (replicates - 1))]:.4f}, {values[round(.975 * (replicates - 1))]:.4f}]")


def normal_cdf(x):
    return math.erfc(-x / math.sqrt(2)) / 2


def noncentral_t_upper(c, df, shift, steps=4000):
    """P((Z + shift) / sqrt(V / df) > c): Simpson's rule over r = sqrt(V), V chi-squared with df degrees of freedom."""
    log_norm = math.log(2) - df / 2 * math.log(2) - math.lgamma(df / 2)
    top = math.sqrt(df) + 12

    def f(r):
        if r <= 0:
            return 0.0
        return normal_cdf(shift - c * r / math.sqrt(df)) * math.exp(log_norm + (df - 1) * math.log(r) - r * r / 2)

    h = top / steps
    return h / 3 * (f(0) + f(top) + 4 * sum(f(h * j) for j in range(1, steps, 2)) + 2 * sum(f(h * j) for j in range(2, steps, 2)))


def detectable():
    for df in (2, 4.4, 10, 37.3, 250):
        c = t_quantile(0.975, df)
        lo, hi = 0.0, 20.0
        for _ in range(50):
            m = (lo + hi) / 2
            lo, hi = (m, hi) if noncentral_t_upper(c, df, m) < 0.8 else (lo, m)
        print(f"detectable shift, df {df}: {lo:.5f}")


def measures():
    p = [[.9, .1], [.4, .6], [.5, .5], [.2, .8], [.3, .7], [.3, .7]]
    y = [0, 0, 1, 1, 1, 1]
    w = [[.8, .2], [.3, .7], [.1, .9], [.35, .65], [.85, .15], [.45, .55]]

    def hard(q):
        return [r.index(max(r)) for r in q]
    h, g, n = hard(p), hard(w), len(y)
    pos = [p[i][1] for i in range(n) if y[i] == 1]
    neg = [p[i][1] for i in range(n) if y[i] == 0]
    print("auroc", sum((a > b) + .5 * (a == b) for a in pos for b in neg) / (len(pos) * len(neg)))
    print("log_loss", -sum(math.log(p[i][y[i]]) for i in range(n)) / n)
    print("brier", sum((p[i][k] - (y[i] == k)) ** 2 for i in range(n) for k in range(2)) / n)
    bins = {}
    for i in range(n):
        bins.setdefault(math.ceil(max(p[i]) * 15 - 1e-9), []).append(max(p[i]) - (h[i] == y[i]))
    print("ece", sum(abs(sum(b)) for b in bins.values()) / n)
    observed = sum(a == b for a, b in zip(h, g)) / n
    chance = sum(h.count(k) * g.count(k) for k in range(2)) / n ** 2
    print("agreement", observed, "kappa", (observed - chance) / (1 - chance))
    a, b = sum(u == v for u, v in zip(h, y)) / n, sum(u == v for u, v in zip(g, y)) / n
    same = sum((h[i] == y[i]) == (g[i] == y[i]) for i in range(n)) / n
    chance = a * b + (1 - a) * (1 - b)
    print("student", a, "supervisor", b, "error_consistency", (same - chance) / (1 - chance))
    s, t = sum(p[i][y[i]] for i in range(n)) / n, sum(w[i][y[i]] for i in range(n)) / n
    observed = sum(p[i][k] * w[i][k] for i in range(n) for k in range(2)) / n
    chance = s * t + (1 - s) * (1 - t)
    print("capa", (observed - chance) / (1 - chance))
    print("misfit", sum(w[i][k] * math.log(w[i][k] / p[i][k]) for i in range(n) for k in range(2)) / n)
    def cells(f):
        return sum(f(p[i][k], w[i][k], k == y[i]) for i in range(n) for k in range(2)) / n
    reverse, squared = cells(lambda s, t, _: s * math.log(s / t)), cells(lambda s, t, _: (s - t) ** 2)
    gain_log = sum(math.log(p[i][y[i]]) - math.log(w[i][y[i]]) for i in range(n)) / n
    gain_brier = cells(lambda s, t, right: (t - right) ** 2) - cells(lambda s, t, right: (s - right) ** 2)
    print("misfit_reverse", reverse, "misfit_squared", squared, "entropy", cells(lambda s, t, _: -s * math.log(s)))
    print("gain_log_loss", gain_log, "gain_brier", gain_brier, "slack", gain_log - reverse, gain_brier - squared)
    q, z = [[.5, .3, .2], [.2, .5, .3], [.1, .2, .7], [.4, .4, .2], [.3, .3, .4]], [0, 1, 2, 1, 0]
    areas = []
    for k in range(3):
        pos = [r[k] for r, l in zip(q, z) if l == k]
        neg = [r[k] for r, l in zip(q, z) if l != k]
        areas.append(sum((u > v) + .5 * (u == v) for u in pos for v in neg) / (len(pos) * len(neg)))
    print("auroc_macro_ovr", sum(areas) / 3)


measures()
statistics()
bootstrap()
detectable()
