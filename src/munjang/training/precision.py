"""Note for a device without bfloat16 instructions when `training.precision` asks for them."""

import torch
from torch import nn

from munjang.layers.fast.fused_recurrent import has_kernel
from munjang.training.settings import TrainingSettings


def describe_slow_precision(model: nn.Module, settings: TrainingSettings) -> str | None:
    """Return a note if bfloat16 is set and the device has no instructions for it, else None."""
    if settings.precision == "float32":
        return None
    device = torch.device(settings.device).type
    cells = {type(module) for module in model.modules() if isinstance(module, nn.RNNBase)}
    missing = [cell for cell in cells if not has_kernel(cell, device, torch.bfloat16)]
    # oneDNN has the kernel of an LSTM exactly where it has fast matrix products
    if not missing and (device != "cpu" or has_kernel(nn.LSTM, device, torch.bfloat16)):
        return None
    names = ", ".join(sorted(cell.__name__.lower() for cell in missing))
    kept = f"; layers of {names} train in float32" if names else ""
    where = "this processor" if device == "cpu" else f"the device {settings.device}"
    return (
        f"training.precision: {where} has no instructions for bfloat16{kept}; "
        "training.precision=float32 is usually faster here"
    )
