"""The highest values of every unit over texts, found in one pass without keeping states."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.explain.token_network import open_network
from munjang.explain.token_rows import TokenRows
from munjang.tasks.inference import limit_threads_if_forked

# Texts with the highest values of each unit that are kept.
COUNTED = 100
_BATCH_TOKENS = 4096


@dataclass
class Highest:
    """Running maxima and moments over texts.

    Attributes:
        values: highest values of each unit, falling, [counted, units].
        rows: row of each, [counted, units].
        places: token of each, [counted, units].
        counts: texts by class, [classes].
        sums: sum of each unit's maxima by class, [classes, units] float64.
        squares: sum of their squares, [units] float64.
    """

    values: Tensor
    rows: Tensor
    places: Tensor
    counts: Tensor
    sums: Tensor
    squares: Tensor

    @property
    def texts(self) -> int:
        """Number of texts."""
        return int(self.counts.sum())

    def add(self, values: Tensor, places: Tensor, rows: Tensor, classes: Tensor) -> None:
        """Add the maxima of some texts, [texts, units], at their places."""
        joined = torch.cat([self.values, values])
        best = joined.topk(min(COUNTED, len(joined)), dim=0)
        where = torch.cat([self.rows, rows[:, None].expand_as(places)])
        at = torch.cat([self.places, places])
        self.values = best.values
        self.rows, self.places = where.gather(0, best.indices), at.gather(0, best.indices)
        self.counts += torch.bincount(classes, minlength=len(self.counts))
        self.sums.index_add_(0, classes, values.double())
        self.squares += values.double().square().sum(0)

    def variance(self) -> npt.NDArray[np.float64]:
        """Return the variance of the maxima of each unit over the texts, [units]."""
        mean = self.sums.sum(0) / self.texts
        variance: npt.NDArray[np.float64] = (
            (self.squares / self.texts - mean**2).clamp(min=0).numpy()
        )
        return variance

    def separation(self) -> npt.NDArray[np.float64] | None:
        """Return the share of the variance between classes, [units]; None without classes."""
        if len(self.counts) < 2:
            return None
        mean = self.sums.sum(0) / self.texts
        means = self.sums / self.counts[:, None].clamp(min=1)
        between = (self.counts[:, None] * (means - mean) ** 2).sum(0) / self.texts
        variance = self.variance()
        share: npt.NDArray[np.float64] = between.numpy() / np.where(variance > 0, variance, 1.0)
        return np.where(variance > 0, np.clip(share, 0.0, 1.0), 0.0)


@torch.no_grad()
def find_highest(
    network: torch.nn.Module,
    rows: TokenRows,
    classes: npt.NDArray[np.int64] | None,
    labels: int,
) -> Highest:
    """Run a network over all rows and keep the highest values of every unit."""
    limit_threads_if_forked()
    reader = open_network(network)
    width = reader.module.states_dim
    number = torch.zeros(len(rows), dtype=torch.int64)
    if classes is not None:
        number = torch.from_numpy(classes)
    none = torch.zeros(0, width, dtype=torch.int64)
    highest = Highest(
        torch.zeros(0, width),
        none,
        none,
        torch.zeros(max(1, labels), dtype=torch.int64),
        torch.zeros(max(1, labels), width, dtype=torch.float64),
        torch.zeros(width, dtype=torch.float64),
    )
    for batch in rows.batches(_BATCH_TOKENS):
        # the memory cells of an lstm come after its hidden states
        states = reader.states(reader.embed(batch.ids, batch.mask), batch.mask)[..., :width]
        found = states.float().masked_fill(~batch.mask[..., None], -torch.inf).max(1)
        highest.add(found.values, found.indices, batch.rows, number[batch.rows])
    return highest
