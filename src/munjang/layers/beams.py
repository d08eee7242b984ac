"""Tensors of several hypotheses per row: picked by their parents, and joined row after row."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def pick_hypotheses(hypotheses: Tensor, parents: Tensor) -> Tensor:
    """Return, for each row, the hypotheses at `parents`.

    Args:
        hypotheses: [rows, beam, ...].
        parents: [rows, new beam] int64, places in the row's own beam.

    Returns:
        [rows, new beam, ...].
    """
    rows = torch.arange(len(parents), device=parents.device)[:, None]
    return hypotheses[rows, parents]


def join_rows(tensors: Sequence[Tensor], dim: int = 1, *, left: bool = False) -> Tensor:
    """Concatenate rows, zero-padded (False for masks) along `dim` to the longest tensor.

    Args:
        tensors: [rows, ...], of equal shape but for the number of rows and the size of `dim`.
        dim: the dimension to pad, 1 or more.
        left: pad before the values instead of behind them.
    """
    longest = max(tensor.shape[dim] for tensor in tensors)
    padded = []
    for tensor in tensors:
        missing = longest - tensor.shape[dim]
        before, behind = (missing, 0) if left else (0, missing)
        # F.pad counts dimensions from the last one
        widths = [0, 0] * (tensor.dim() - 1 - dim) + [before, behind]
        padded.append(F.pad(tensor, widths) if missing else tensor)
    return torch.cat(padded)
