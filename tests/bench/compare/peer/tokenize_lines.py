"""GPT-2's byte-level BPE in plain Python, every word merged once and then remembered."""
import json
import re
import sys
import time

from measured import finish

WORDS = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


def byte_characters():
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {b: chr(b) for b in plain}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return table


def read(folder):
    try:
        parts = json.load(open(f"{folder}/tokenizer.json"))["model"]
        merges = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in parts["merges"]]
        return parts["vocab"], merges
    except FileNotFoundError:
        lines = open(f"{folder}/vocab.bpe", encoding="utf-8").read().split("\n")[1:]
        return json.load(open(f"{folder}/encoder.json")), [tuple(line.split()) for line in lines if line]


def merged(symbols, ranks):
    while len(symbols) > 1:
        best = min(zip(symbols, symbols[1:]), key=lambda pair: ranks.get(pair, float("inf")))
        if best not in ranks:
            break
        out, i = [], 0
        while i < len(symbols):
            if i + 1 < len(symbols) and (symbols[i], symbols[i + 1]) == best:
                out.append(symbols[i] + symbols[i + 1])
                i += 2
            else:
                out.append(symbols[i])
                i += 1
        symbols = out
    return symbols


def main():
    s = json.load(open(sys.argv[1]))
    vocabulary, merges = read(s["tokenizer"])
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    characters, known = byte_characters(), {}
    lines = open(s["text"], encoding="utf-8").read().splitlines()
    size = sum(len(line.encode()) for line in lines)
    tokens = 0
    start = time.perf_counter()
    for line in lines:
        ids = []
        for word in WORDS.findall(line):
            found = known.get(word)
            if found is None:
                symbols = merged([characters[b] for b in word.encode()], ranks)
                found = known[word] = [vocabulary[symbol] for symbol in symbols]
            ids += found
        tokens += len(ids)
    seconds = time.perf_counter() - start
    finish(seconds=seconds, rate=size / 1e6 / seconds, tokens=tokens)


main()
