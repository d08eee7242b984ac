"""Logits of a dataset without gradients."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from munjang.data.dataset import Dataset
from munjang.forked import is_forked
from munjang.tasks.memory_check import require_memory

# Most logits in memory at once; the batch size follows from it.
MOST_LOGITS = 2**24


def logits_in_batches(
    model: nn.Module, examples: Dataset, outputs: int, *, batch_size: int = 256
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield indices of rows [batch] and their logits [batch, outputs] on the CPU, each row once.

    For uses that need not hold the logits of all rows at once.
    """
    device = next(model.parameters()).device
    with evaluating(model):
        for batch in examples.in_order_of_length(max(1, min(batch_size, MOST_LOGITS // outputs))):
            require_memory(model, batch)
            with torch.inference_mode():
                logits = model(*batch.to(device).inputs).float().cpu()
            yield batch.rows.cpu(), logits


@torch.inference_mode()
def compute_logits(model: nn.Module, examples: Dataset, *, batch_size: int = 256) -> Tensor:
    """Return logits [rows, outputs] on the CPU, in the order of the rows.

    Raises:
        DataError: a text is too long for the memory that is free.
    """
    device = device_of(model)
    logits: Tensor | None = None
    with evaluating(model):
        for batch in examples.in_order_of_length(batch_size):
            require_memory(model, batch)
            batch = batch.to(device)
            part: Tensor = model(*batch.inputs).float()
            if logits is None and len(batch.rows) == len(examples) == 1:
                return part.cpu()
            if logits is None:
                logits = torch.empty(len(examples), part.shape[1])
            logits[batch.rows] = part.cpu()
    return torch.empty(0, 1) if logits is None else logits


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the first parameter; `parameters` prepares for a walk over all."""
    device = _first_device(model)
    return next(model.parameters()).device if device is None else device


def _first_device(module: nn.Module) -> torch.device | None:
    for parameter in module._parameters.values():
        if parameter is not None:
            return parameter.device
    for child in module._modules.values():
        device = None if child is None else _first_device(child)
        if device is not None:
            return device
    return None


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model in training mode into evaluation mode for the duration of the block.

    A model in evaluation mode is not touched, so that several threads can use it at once.
    """
    limit_threads_if_forked()
    if not model.training:
        yield
        return
    model.eval()
    try:
        yield
    finally:
        model.train()


def limit_threads_if_forked() -> None:
    """Use one thread in a forked process, in which the threads of OpenMP no longer exist."""
    if is_forked() and torch.get_num_threads() > 1:
        torch.set_num_threads(1)
