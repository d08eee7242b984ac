"""Logits of a whole dataset, without gradients, in the order of its rows."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from munjang.data.dataset import Dataset

# So many logits at most are held at once, of batches of as many rows as suit them.
MOST_LOGITS = 2**24


def logits_in_batches(
    model: nn.Module, examples: Dataset, outputs: int, *, batch_rows: int = 256
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield places of rows [batch] and their logits [batch, outputs] on the CPU, every row once.

    For what needs no logits of all rows together. The model's training mode is put back at the end.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        for batch in examples.in_order_of_length(max(1, min(batch_rows, MOST_LOGITS // outputs))):
            with torch.inference_mode():
                logits = model(*batch.to(device).inputs).float().cpu()
            yield batch.rows.cpu(), logits
    finally:
        model.train(was_training)


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
