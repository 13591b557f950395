"""Features of texts, and a classifier's labels, in padded batches without gradients."""
import json
import sys
import time

import torch

from decoder import Decoder, batches
from device import finish, mixed, settled, wait


def main():
    s = json.load(open(sys.argv[1]))
    device = settled(s)
    model = Decoder(s).to(device)
    wait(device)
    start = time.perf_counter()
    with torch.no_grad(), mixed(s):
        if s["what"] == "features":
            found = torch.cat([model.features(*batch).float() for batch in batches(s["rows"], s["batch"], device)])
        else:
            found = torch.cat([model(*batch).float().softmax(1) for batch in batches(s["rows"], s["batch"], device)])
    found = found.cpu()
    seconds = time.perf_counter() - start
    finish(device, seconds=seconds, rate=sum(map(len, s["rows"])) / seconds, rows=len(found))


main()
