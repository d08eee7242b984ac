"""Logits of a whole dataset, without gradients, in the order of its rows."""

import torch
from torch import Tensor, nn

from munjang.data.dataset import Dataset


@torch.inference_mode()
def logits_of(model: nn.Module, examples: Dataset, *, batch_rows: int = 256) -> Tensor:
    """Logits [rows, outputs] on the CPU. The model's training mode is put back afterwards."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    logits: Tensor | None = None
    try:
        for batch in examples.in_order_of_length(batch_rows):
            batch = batch.to(device)
            part = model(*batch.inputs).float()
            if logits is None:
                logits = torch.empty(len(examples), part.shape[1])
            logits[batch.rows] = part.cpu()
    finally:
        model.train(was_training)
    return torch.empty(0, 1) if logits is None else logits
