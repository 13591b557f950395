#!/usr/bin/env python3
"""w2s against plain PyTorch scripts that do the same work, and against the machine.

Every case is run in turns, ours and theirs, each time in a process of its own, with the same data, settings and
number of threads. Medians are reported: of each side's rate, and of the ratios of neighbours.
"""
import argparse
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


@dataclass
class Case:
    name: str
    what: str
    unit: str
    work: str  # of w2s_compare, or a script beside this one
    peer: str  # a script in peer/
    settings: dict
    wanted: float = 0  # ratio of rates
    peer_settings: dict = field(default_factory=dict)
    alike: dict = field(default_factory=dict)  # figure of both sides -> largest difference that is no mistake
    prepare: str = ""  # work of w2s_compare that makes what both read
    flops_per_token: float = 0  # of the useful products, for the share of the machine's rate
    on_device: bool = True  # else it is work of the CPU whatever --device is


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


DECODER = {"layers": 6, "width": 256, "heads": 4, "positions": 512, "vocabulary": 4096, "lr": 1e-4, "warm_steps": 2,
           "batch": 32}


def flops_per_token(s):
    """Useful floating-point operations of a training step: three times the forward products; causal attention."""
    squares = sum(len(row) * (len(row) + 1) / 2 for row in s["rows"]) / sum(map(len, s["rows"]))
    return 3 * s["layers"] * (2 * 12 * s["width"] ** 2 + 4 * s["width"] * squares)


NOISE = [[0.9, 0.1], [0.1, 0.9]]
LOSSES = {
    **dict.fromkeys(["active_passive", "adaptive_confidence", "aux_confidence", "bootstrap_hard", "bootstrap_soft",
                     "confidence_window", "cross_entropy", "early_learning", "focal", "gce", "generalized_js", "kl",
                     "logconf", "mae", "product", "soft_confidence", "symmetric_cross_entropy", "truncated_gce"], {}),
    "backward_correction": {"transition": NOISE},
    "forward_correction": {"transition": NOISE},
}


def ablation():
    """Texts of words that are tokens, so that both sides read the same ids; the class is that of most words."""
    tokenizer = f"{ROOT}/ladder/tokenizer"
    vocabulary = json.load(open(f"{tokenizer}/tokenizer.json"))["model"]["vocab"]
    words = sorted(word for word in vocabulary if re.fullmatch("Ġ[a-z]{3,}", word))
    rng = random.Random(4)

    def labelled(count):
        rows, labels, texts = [], [], []
        for _ in range(count):
            label = rng.randrange(2)
            half = words[label::2]
            chosen = [rng.choice(half if rng.random() < 0.7 else words) for _ in range(short(rng))]
            rows.append([vocabulary[word] for word in chosen])
            labels.append(label)
            texts.append("".join(" " + word[1:] for word in chosen))
        return rows, labels, texts

    half = 160
    rows, labels, texts = labelled(2 * half)
    test_rows, test_labels, test_texts = labelled(half)
    plain = {"loss": "cross_entropy"}
    return {
        "rows": rows, "labels": labels, "texts": texts, "test_rows": test_rows, "test_labels": test_labels,
        "test_texts": test_texts, "half": half, "seeds": 3, "epochs": 2, "batch": 32, "lr": 1e-3,
        "vocabulary": 1 + max(vocabulary.values()), "positions": 128, "tokenizer": tokenizer,
        "weak": {"layers": 2, "width": 48, "heads": 2}, "strong": {"layers": 4, "width": 160, "heads": 4},
        "methods": [{"name": "naive", **plain}, {"name": "hard_labels", "labels": "hard", **plain},
                    {"name": "confidence_filter", "keep": 0.5, **plain},
                    *({"name": name, "loss": name} for name in
                      ["aux_confidence", "gce", "focal", "symmetric_cross_entropy", "bootstrap_soft"])],
    }


def cases(options):
    sst2 = {**DECODER, **sequences(32 * 22, short, 4096, 1)}
    long = {**DECODER, **sequences(32 * 2, uneven, 4096, 2), "warm_steps": 1}
    full = {**DECODER, **sequences(32 * 3, lambda rng: 128, 4096, 3), "warm_steps": 1}
    prompts = {**DECODER, **sequences(64, lambda rng: 32, 4096, 5), "new_tokens": 64, "batch": 16}
    labels = {**DECODER, "layers": 3, "width": 96, **sequences(32 * 100, short, 4096, 6)}
    tokens = "tokens / s"
    finetune = lambda name, what, s, wanted, **more: Case(
        f"finetune_{name}", what, tokens, "finetune", "finetune", s, wanted, flops_per_token=flops_per_token(s), **more)
    return [
        finetune("short", "decoder of 4.7 M parameters and 1.2 M embeddings, lengths like SST-2's, batch 32", sst2, 2.5),
        finetune("uneven", "the same decoder, 20 to 512 tokens", long, 2.0),
        finetune("full", "the same decoder, 128 tokens each: nothing is padded", full, 1.0),
        finetune("reference", "lengths like SST-2's; the script in micro-batches of 1, accumulating 32", sst2, 6.0,
                 peer_settings={"micro": 1}),
        Case("probes", "20 losses × 10 seeds on 20,000 × 512 features, one epoch in batches of 128", "fits / s", "probes",
             "probes", {"examples": 20000, "width": 512, "losses": LOSSES, "seeds": 10, "epochs": 1, "batch": 128,
                        "lr": 1e-3}, 8.0, alike={"accuracy": 0.01, "fits": 0}, on_device=False),
        Case("ablation", "8 methods × 3 seeds of fine-tuning, from an empty store to the table", "ablations / h",
             "ablation.py", "ablation", ablation(), 4.0, alike={"floor": 0.15, "ceiling": 0.15}),
        Case("features", "the decoder's features of texts of 20 to 512 tokens", tokens, "features", "forward", long,
             peer_settings={"what": "features"}, alike={"rows": 0}),
        Case("weak_labels", "labels by a decoder of .33 M parameters, lengths like SST-2's", tokens, "weak_labels",
             "forward", labels, peer_settings={"what": "labels"}, alike={"rows": 0}),
        Case("generate", "64 tokens after each of 64 prompts of 32 tokens, 16 at a time, cached keys and values", tokens,
             "generate", "generate", prompts),
        Case("tokenize", f"byte-level BPE, {options.tokenizer_name}, on {options.text_name}", "MB / s", "tokenize",
             "tokenize_lines", {"text": options.text, "tokenizer": options.tokenizer}, on_device=False),
        Case("load", "a checkpoint of 299 MB in float32 from the page cache, each weight read once; the script: torch.load", "GB / s", "load",
             "load", {**DECODER, "layers": 12, "width": 704, "heads": 11, "folder": f"{options.folder}/checkpoint"},
             prepare="make_checkpoint", on_device=False),
    ]


def figures(command, settings, options, script=False):
    threads = str(options.threads)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({**settings, "threads": options.threads, "device": options.device, "precision": options.precision}, file)
        file.flush()
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads,
                       "MKL_NUM_THREADS": threads}
        if not (script and options.script_as_started):
            environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as w2s sets it
        done = subprocess.run([*command, file.name], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}{done.stdout}")
    return json.loads(done.stdout.splitlines()[-1])


def see_device(options):
    """Ends the program where one side has no such device."""
    if not re.fullmatch(r"cuda(:\d{1,2})?", options.device):
        sys.exit(f"--device takes cpu, cuda or cuda:N, found '{options.device}'")
    tried = subprocess.run([options.python, "-c", f"import torch; torch.zeros(1, device='{options.device}')"],
                           capture_output=True, text=True)
    if tried.returncode != 0:
        sys.exit(f"{options.python}: torch has no device {options.device}: {tried.stderr.splitlines()[-1]}")


def product_rate(options):
    settings = {"size": product_size(options), "repeats": 20}
    return figures([options.python, f"{HERE}/peer/matrix_product.py"], settings, options)["rate"]


def product_size(options):
    """Matrices of this width keep the device busy."""
    return 1024 if options.device == "cpu" else 8192


def compared(case, options):
    program = [f"{options.build}/bin/w2s_compare", case.work]
    if case.work.endswith(".py"):
        program = [options.python, f"{HERE}/{case.work}", f"{options.build}/bin/w2s"]
    if case.prepare:
        figures([f"{options.build}/bin/w2s_compare", case.prepare], case.settings, options)
    ours, theirs, products = [], [], []
    for _ in range(options.runs):
        ours.append(figures(program, case.settings, options))
        if case.flops_per_token:
            products.append(product_rate(options))
        peer = [options.python, f"{HERE}/peer/{case.peer}.py"]
        theirs.append(figures(peer, {**case.settings, **case.peer_settings}, options, script=True))
        for figure, tolerance in case.alike.items():
            if abs(ours[-1][figure] - theirs[-1][figure]) > tolerance:
                sys.exit(f"{case.name}: not the same work: {figure} is {ours[-1][figure]} here, {theirs[-1][figure]} there")
    median = lambda all, key: statistics.median(each[key] for each in all)
    result = {
        "case": case.name,
        "what": case.what,
        "unit": case.unit,
        "ours": median(ours, "rate"),
        "peer": median(theirs, "rate"),
        "ratio": statistics.median(a["rate"] / b["rate"] for a, b in zip(ours, theirs)),
        "wanted": case.wanted,
        "ours_peak_bytes": median(ours, "peak_bytes") if "peak_bytes" in ours[0] else None,
        "peer_peak_bytes": median(theirs, "peak_bytes"),
        "runs": {"ours": ours, "peer": theirs},
    }
    if products:
        shares = [a["rate"] * case.flops_per_token / rate for a, rate in zip(ours, products)]
        result["share_of_products"] = statistics.median(shares)
        result["product_flops"] = statistics.median(products)
        result["product"] = f"{product_size(options)} × {product_size(options)} matrices in {options.precision}"
    if "copy_rate" in theirs[0]:
        result["copy_rate"] = median(theirs, "copy_rate")
    return result


def shown(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def mebibytes(count):
    return "–" if count is None else f"{count / 2**20:.0f} MiB"


def table(results):
    lines = ["| case | unit | ours | script | ratio | wanted | memory, ours | script |", "|---|---|---|---|---|---|---|---|"]
    for r in results:
        wanted = f"{r['wanted']:g}" if r["wanted"] else "–"
        lines.append(
            f"| `{r['case']}`: {r['what']} | {r['unit']} | {shown(r['ours'])} | {shown(r['peer'])} | {r['ratio']:.2f} | "
            f"{wanted} | {mebibytes(r['ours_peak_bytes'])} | {mebibytes(r['peer_peak_bytes'])} |"
        )
    for r in results:
        if "share_of_products" in r:
            lines.append(f"\n`{r['case']}`: {100 * r['share_of_products']:.0f} % of the {r['product_flops'] / 1e9:.1f} "
                         f"GFLOP/s of a product of {r['product']}, counting useful operations only.")
        if "copy_rate" in r:
            lines.append(f"\n`{r['case']}`: a copy in memory of as many bytes runs at {r['copy_rate']:.1f} GB/s.")
        if "fits" in r["runs"]["ours"][0]:
            counts = [r["runs"][side][0]["fits"] for side in ("ours", "peer")]
            lines.append(f"\n`{r['case']}`: {counts[0]:.0f} fits, the script {counts[1]:.0f}.")
    return "\n".join(lines)


def find_text(options):
    """What the tokenizer case reads, and by which tokenizer."""
    options.tokenizer = os.environ.get("W2S_GPT2_VOCAB", f"{ROOT}/ladder/tokenizer")
    options.tokenizer_name = "GPT-2's vocabulary" if "W2S_GPT2_VOCAB" in os.environ else "the ladder's 4,096 tokens"
    options.text, options.text_name = f"{options.folder}/text", "WordNet's glosses"
    wordnet = "/usr/share/wordnet/data."
    files = [f"{wordnet}{part}" for part in ("noun", "verb", "adj", "adv") if os.path.exists(f"{wordnet}{part}")]
    if not files:
        options.text_name = "the licences that Debian ships"
        licences = "/usr/share/common-licenses"
        files = sorted(f"{licences}/{name}" for name in os.listdir(licences) if not os.path.islink(f"{licences}/{name}"))
    with open(options.text, "w") as out:
        for name in files:
            for line in open(name, encoding="utf-8"):
                text = line.partition(" | ")[2] if name.startswith(wordnet) else line
                if text.strip():
                    out.write(text.strip() + "\n")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("cases", nargs="*", help="names, or their beginnings; default all")
    parser.add_argument("--list", action="store_true", help="print the cases")
    parser.add_argument("--runs", type=int, default=5, help="of each side (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="of each side (default 1)")
    parser.add_argument("--device", default="cpu", help="of each side: cpu, cuda or cuda:N (default cpu); the work of GPUs only")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"],
                        help="of each side's matrix products (default float32)")
    parser.add_argument("--script-as-started", action="store_true",
                        help="without OMP_WAIT_POLICY=PASSIVE, which both sides have else and which matters from two threads on")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--python", default="/usr/bin/python3", help="one that has torch (default Debian's)")
    parser.add_argument("--build", default="build", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as options.folder:
        find_text(options)
        run(options)


def run(options):
    known = cases(options)
    if options.list:
        for case in known:
            print(f"{case.name:20}{case.what}")
        return
    if (options.device, options.precision) != ("cpu", "float32"):
        known = [c for c in known if c.on_device]
    chosen = [c for c in known if not options.cases or any(c.name.startswith(n) for n in options.cases)]
    unknown = [n for n in options.cases if not any(c.name.startswith(n) for c in known)]
    if unknown:
        where = f" on {options.device} in {options.precision}"
        sys.exit(f"no case is called {' or '.join(unknown)}{where}; known: {', '.join(c.name for c in known)}")
    if options.device != "cpu":
        see_device(options)
    results = []
    for case in chosen:
        results.append(compared(case, options))
        print(f"{case.name}: {results[-1]['ratio']:.2f} times the script", file=sys.stderr)
    print(table(results))
    load = os.getloadavg()[0]
    started = ", the script as usually started" if options.script_as_started else ""
    print(f"\nMedians of {options.runs} runs of each side in turns, {options.threads} thread(s), {options.device}, "
          f"{options.precision}{started}, load {load:.1f} at the end.")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": platform.platform(), "threads": options.threads, "device": options.device,
                       "precision": options.precision, "script_as_started": options.script_as_started, "load": load,
                       "results": results}, file, indent=1)


main()
