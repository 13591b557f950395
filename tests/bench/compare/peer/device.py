"""Where and in which precision a script computes."""
import torch

import measured


def settled(s):
    """Sets the threads and the seed; returns the device."""
    torch.set_num_threads(s["threads"])
    torch.manual_seed(0)
    return torch.device(s["device"])


def mixed(s):
    """Mixed precision, where asked for."""
    kind = torch.device(s["device"]).type
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=s["precision"] == "bfloat16")


def moved(tensor, device):
    """To a GPU from pinned memory, without waiting."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def wait(device):
    """Until the device has done all of its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def adamw(parameters, s):
    """In its fused form on a GPU, else in its foreach form."""
    form = {"fused": True} if torch.device(s["device"]).type == "cuda" else {"foreach": True}
    return torch.optim.AdamW(parameters, lr=s["lr"], weight_decay=0.01, **form)


def finish(device, **figures):
    """Ends the script with its figures; memory is that of the device."""
    if device.type == "cuda":
        figures["peak_bytes"] = torch.cuda.max_memory_allocated(device)
    measured.finish(**figures)
