"""Logits of a whole dataset, without gradients, in the order of its rows."""

import torch
from torch import Tensor, nn

from munjang.data.dataset import Dataset
from munjang.forked import is_forked
from munjang.tasks.room import require_memory


@torch.inference_mode()
def logits_of(model: nn.Module, examples: Dataset, *, batch_rows: int = 256) -> Tensor:
    """Logits [rows, outputs] on the CPU.

    A model in training mode is put into evaluation mode meanwhile. One in evaluation mode is not
    changed, so that several threads may ask it at once.

    Raises:
        DataError: a text is so long that memory does not hold what the network makes of it.
    """
    if model.training:
        model.eval()
        try:
            return logits_of(model, examples, batch_rows=batch_rows)
        finally:
            model.train()
    compute_alone_if_forked()
    device = next(model.parameters()).device
    logits: Tensor | None = None
    for batch in examples.in_order_of_length(batch_rows):
        require_memory(model, batch)
        batch = batch.to(device)
        part = model(*batch.inputs).float()
        if logits is None and len(batch.rows) == len(examples) == 1:
            alone: Tensor = part.cpu()
            return alone
        if logits is None:
            logits = torch.empty(len(examples), part.shape[1])
        logits[batch.rows] = part.cpu()
    return torch.empty(0, 1) if logits is None else logits


def compute_alone_if_forked() -> None:
    """Compute on one thread in a forked process: those of OpenMP are not there any more."""
    if is_forked() and torch.get_num_threads() > 1:
        torch.set_num_threads(1)
