"""Our side of the ablation: an experiment file and `w2s run` on an empty store."""
import json
import re
import resource
import subprocess
import sys
import tempfile
import time


def method(settings):
    lines = [f"[methods.{settings['name']}]"]
    if settings["loss"] != "cross_entropy":
        lines.append(f'loss = {{ type = "{settings["loss"]}" }}')
    if settings.get("labels"):
        lines.append(f'train = {{ labels = "{settings["labels"]}" }}')
    if "keep" in settings:
        lines.append(f'strategy = [{{ type = "confidence_filter", keep = {settings["keep"]} }}]')
    return "\n".join(lines)


def model(name, sizes, s):
    fields = {**sizes, "positions": s["positions"], "tokenizer": s["tokenizer"]}
    return f"[models.{name}]\ntype = \"gpt\"\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in fields.items())


def experiment(s):
    methods = "\n\n".join(map(method, s["methods"]))
    return f"""name = "ablation"
seeds = {s["seeds"]}

[task]
type = "text_classification"
path = "."
train = ["train.jsonl"]
test = ["test.jsonl"]
template = "{{text}}"

[task.split]
supervisor = {s["half"]}
transfer = {s["half"]}

{model("weak", s["weak"], s)}

{model("strong", s["strong"], s)}

[pairs]
weak = "weak"
strong = "strong"

[train]
epochs = {s["epochs"]}
batch = {s["batch"]}
optimizer = "adamw"
lr = {s["lr"]}
weight_decay = 0.01
schedule = "constant"
precision = "{s["precision"]}"

{methods}
"""


def main():
    program, s = sys.argv[1], json.load(open(sys.argv[2]))
    with tempfile.TemporaryDirectory() as folder:
        for name, texts, labels in [("train", s["texts"], s["labels"]), ("test", s["test_texts"], s["test_labels"])]:
            with open(f"{folder}/{name}.jsonl", "w") as file:
                for text, label in zip(texts, labels):
                    file.write(json.dumps({"text": text, "label": str(label)}) + "\n")
        with open(f"{folder}/ablation.toml", "w") as file:
            file.write(experiment(s))
        start = time.perf_counter()
        done = subprocess.run([program, "run", f"{folder}/ablation.toml", "--runs", f"{folder}/runs", "--jobs",
                               "1", "--threads", str(s["threads"]), "--device", s["device"]], capture_output=True, text=True)
        seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    fits = int(re.search(r"fits: (\d+) computed", done.stdout + done.stderr).group(1))
    floor, ceiling = map(float, re.search(r"floor ([\d.]+).*?ceiling ([\d.]+)", done.stdout).groups())
    figures = {"seconds": seconds, "rate": 3600 / seconds, "fits": fits, "floor": floor, "ceiling": ceiling}
    if s["device"] == "cpu":  # else its jobs hold it, on the device
        figures["peak_bytes"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(json.dumps(figures))


main()
