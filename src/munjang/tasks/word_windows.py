"""Batches for word vectors: tokens are subsampled, windows and negatives are drawn.

Mikolov et al. (2013), "Distributed representations of words and phrases and their
compositionality", sections 2.2 and 2.3. Words that are left out are gone before windows are found,
so that the windows of the others reach further.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from munjang.data.batches import Batch
from munjang.layers.negative_sampling import count_groups
from munjang.tasks.task import Floats, Ints
from munjang.text.vocabulary import OOV

# Exponent of the noise distribution.
_NOISE_POWER = 0.75


@dataclass(frozen=True)
class WindowBatch:
    """The tokens of some rows, one after another.

    Attributes:
        ids: tokens that are left, [tokens] int64.
        lines: number of each token's row in the batch, [tokens].
        windows: window of each token, from 1 to the largest, [tokens].
        noise: ids of the negatives that a group of tokens shares, [groups, shared] int64; see
            `munjang.layers.negative_sampling`.
        rows: index of each row in its dataset, [batch] int64.
        size: number of tokens of the rows before any was left out.
    """

    ids: Tensor
    lines: Tensor
    windows: Tensor
    noise: Tensor
    rows: Tensor
    size: int

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The arguments of the network."""
        return self.ids, self.lines, self.windows, self.noise

    @property
    def targets(self) -> Tensor:
        """The tokens, which predict each other."""
        return self.ids

    def to(self, device: torch.device) -> "WindowBatch":
        """Return the batch on another device."""
        moved: dict[str, Any] = {
            name: value.to(device) if isinstance(value, Tensor) else value
            for name, value in vars(self).items()
        }
        return WindowBatch(**moved)


@dataclass(frozen=True)
class Sampling:
    """Distributions by which tokens are left out, and windows and negatives drawn.

    Attributes:
        keep: probability that a token of each id is kept, [vocabulary size] float32.
        cumulated: cumulated probabilities of negatives by id, [vocabulary size] float64.
        window: the largest window.
        shared: number of negatives per group of tokens.
    """

    keep: Tensor
    cumulated: Tensor
    window: int
    shared: int

    @classmethod
    def of(cls, counts: Ints, *, sample: float, window: int, shared: int) -> "Sampling":
        """Return the sampling for the counts of a vocabulary.

        Args:
            counts: occurrences of each id in training; 0 for reserved ids, [vocabulary size].
            sample: threshold of `keep_probabilities`; 0 keeps all.
            window: as the attribute.
            shared: as the attribute.
        """
        keep = torch.from_numpy(keep_probabilities(counts, sample)).float()
        cumulated = torch.from_numpy(noise_probabilities(counts)).cumsum(0)
        return cls(keep, cumulated, window, shared)

    def draw(self, batch: Batch, generator: torch.Generator) -> WindowBatch:
        """Draw the tokens that are left, their windows, and the negatives.

        Args:
            batch: rows of ids; tokens that no one learns, such as OOV, are left out.
            generator: on the device of the batch.
        """
        device = batch.ids.device
        keep, cumulated = self.keep.to(device), self.cumulated.to(device)
        inside = batch.mask.flatten().nonzero()[:, 0]
        ids = batch.ids.flatten()[inside]
        ids = ids.masked_fill(ids >= len(keep), OOV)
        draws = torch.rand(len(ids), generator=generator, device=device)
        kept = (draws < keep[ids]).nonzero()[:, 0]
        ids, lines = ids[kept], inside[kept] // max(1, batch.ids.shape[1])
        if not len(ids):  # one token that has no neighbor
            ids, lines = batch.ids.new_full((1,), OOV), batch.ids.new_zeros(1)
        windows = torch.randint(
            1, self.window + 1, ids.shape, generator=generator, device=device, dtype=torch.int32
        )
        shape = count_groups(len(ids)), self.shared
        places = torch.rand(shape, generator=generator, device=device, dtype=torch.float64)
        noise = torch.searchsorted(cumulated, places * cumulated[-1], right=True)
        noise = noise.clamp_(max=len(keep) - 1)
        return WindowBatch(ids, lines, windows, noise, batch.rows, batch.size)


def keep_probabilities(counts: Ints, sample: float) -> Floats:
    """Return the probability that a token of each id is kept, [vocabulary size].

    With f the frequency of a word and t = `sample` it is sqrt(t / f) + t / f, at most 1, as in the
    program that came with the paper (the paper has the first term alone). 0 for ids without a
    count.
    """
    frequencies = counts / max(1, counts.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sample / frequencies if sample else np.ones_like(frequencies)
        keep = np.minimum(1.0, np.sqrt(ratio) + ratio)
    result: Floats = np.where(counts > 0, keep, 0.0)
    return result


def noise_probabilities(counts: Ints) -> Floats:
    """Return the noise distribution: counts to the power of 3/4, [vocabulary size]."""
    powers = np.asarray(counts, dtype=np.float64) ** _NOISE_POWER
    result: Floats = powers / max(1.0, powers.sum())
    return result
