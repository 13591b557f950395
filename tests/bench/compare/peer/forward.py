"""Features of texts, and a classifier's labels, in padded batches without gradients."""
import json
import sys
import time

import torch

from decoder import Decoder, batches
from measured import finish


def main():
    s = json.load(open(sys.argv[1]))
    torch.set_num_threads(s["threads"])
    torch.manual_seed(0)
    model = Decoder(s)
    start = time.perf_counter()
    with torch.no_grad():
        if s["what"] == "features":
            found = torch.cat([model.features(*batch) for batch in batches(s["rows"], s["batch"])])
        else:
            found = torch.cat([model(*batch).softmax(1) for batch in batches(s["rows"], s["batch"])])
    seconds = time.perf_counter() - start
    finish(seconds=seconds, rate=sum(map(len, s["rows"])) / seconds, rows=len(found))


main()
