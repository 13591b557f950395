#!/usr/bin/env python3
"""w2s against plain PyTorch scripts that do the same work, and against the machine.

Every case is run in turns, ours and theirs, each time in a process of its own, with the same data, settings and
number of threads. What is reported is the median rate of each and the median of the ratios of neighbours.
"""
import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Case:
    name: str
    what: str
    work: str  # of w2s_compare
    peer: str  # script in peer/
    settings: dict
    unit: str
    wanted: float  # ratio of rates
    peer_settings: dict = field(default_factory=dict)


def sequences(count, lengths, vocabulary, seed):
    rng = random.Random(seed)
    rows = [[rng.randrange(vocabulary) for _ in range(lengths(rng))] for _ in range(count)]
    return {"rows": rows, "labels": [rng.randrange(2) for _ in range(count)]}


def short(rng):
    """Lengths like those of SST-2's training phrases: 13 tokens on average, a long tail to 64."""
    return max(2, min(64, round(rng.lognormvariate(2.25, 0.8))))


def uneven(rng):
    """Long and uneven: 20 to 512 tokens, 150 on average."""
    return max(20, min(512, round(rng.lognormvariate(4.75, 0.75))))


DECODER = {"layers": 6, "width": 256, "heads": 4, "positions": 512, "vocabulary": 4096, "lr": 1e-4, "warm_steps": 2}


def cases():
    sst2 = {**DECODER, "batch": 32, **sequences(32 * 22, short, 4096, 1)}
    long = {**DECODER, "batch": 32, **sequences(32 * 6, uneven, 4096, 2)}
    full = {**DECODER, "batch": 32, **sequences(32 * 6, lambda rng: 128, 4096, 3)}
    tokens = "tokens / s"
    return [
        Case("finetune_short", "decoder, 4.7 M + embeddings, lengths like SST-2's, batch 32", "finetune", "finetune",
             sst2, tokens, 2.5),
        Case("finetune_uneven", "the same decoder, 20 to 512 tokens", "finetune", "finetune", long, tokens, 2.0),
        Case("finetune_full", "the same decoder, 128 tokens each: nothing is padded", "finetune", "finetune", full,
             tokens, 1.0),
        Case("finetune_reference", "lengths like SST-2's; the script in micro-batches of 1, accumulating 32", "finetune",
             "finetune", sst2, tokens, 6.0, {"micro": 1}),
    ]


def figures(command, settings, threads):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({**settings, "threads": threads}, file)
        file.flush()
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        done = subprocess.run([*command, file.name], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def compared(case, options):
    ours, theirs = [], []
    for _ in range(options.runs):
        ours.append(figures([options.program, case.work], case.settings, options.threads))
        peer = [options.python, f"{HERE}/peer/{case.peer}.py"]
        theirs.append(figures(peer, {**case.settings, **case.peer_settings}, options.threads))
    median = lambda all, key: statistics.median(each[key] for each in all)
    return {
        "case": case.name,
        "what": case.what,
        "unit": case.unit,
        "ours": median(ours, "rate"),
        "peer": median(theirs, "rate"),
        "ratio": statistics.median(a["rate"] / b["rate"] for a, b in zip(ours, theirs)),
        "wanted": case.wanted,
        "ours_peak_bytes": median(ours, "peak_bytes"),
        "peer_peak_bytes": median(theirs, "peak_bytes"),
        "runs": {"ours": ours, "peer": theirs},
    }


def shown(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(results):
    lines = ["| case | unit | ours | script | ratio | wanted | memory, ours | script |", "|---|---|---|---|---|---|---|---|"]
    for r in results:
        lines.append(
            f"| `{r['case']}`: {r['what']} | {r['unit']} | {shown(r['ours'])} | {shown(r['peer'])} | {r['ratio']:.2f} | "
            f"{r['wanted']:g} | {r['ours_peak_bytes'] / 2**20:.0f} MiB | {r['peer_peak_bytes'] / 2**20:.0f} MiB |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("cases", nargs="*", help="names, or their beginnings; default all")
    parser.add_argument("--list", action="store_true", help="print the cases")
    parser.add_argument("--runs", type=int, default=5, help="of each side (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="of each side (default 1)")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--python", default="/usr/bin/python3", help="one that has torch (default Debian's)")
    parser.add_argument("--program", default=os.environ.get("W2S_COMPARE", "build/bin/w2s_compare"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    known = cases()
    if options.list:
        for case in known:
            print(f"{case.name:24}{case.what}")
        return
    chosen = [c for c in known if not options.cases or any(c.name.startswith(n) for n in options.cases)]
    if not chosen:
        sys.exit(f"no case is called {' or '.join(options.cases)}; known: {', '.join(c.name for c in known)}")
    results = []
    for case in chosen:
        results.append(compared(case, options))
        print(f"{case.name}: {results[-1]['ratio']:.2f} times the script", file=sys.stderr)
    product = figures([options.python, f"{HERE}/peer/matrix_product.py"],
                      {"rows": 1024, "inner": 1024, "columns": 1024, "repeats": 20}, options.threads)
    print(table(results))
    print(f"\nmatrix products: {product['rate'] / 1e9:.1f} GFLOP/s on {options.threads} thread(s); "
          f"medians of {options.runs} runs in turns; load {os.getloadavg()[0]:.1f}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": platform.platform(), "threads": options.threads, "load": os.getloadavg(),
                       "matrix_product_flops": product["rate"], "results": results}, file, indent=1)


main()
