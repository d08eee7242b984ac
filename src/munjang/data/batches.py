"""Batches: padded tensors of the rows that a bucket puts together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from munjang.data.buckets import Bucketing, Group
from munjang.text.columns import Int32s, Int64s, TokenColumn, token_column, values_and_offsets
from munjang.text.segmentation.codepoints import Bools, bounds_of
from munjang.text.vocabulary import PAD


@dataclass(frozen=True)
class Batch:
    """What a model sees of some rows.

    Attributes:
        ids: [batch, time] int64, PAD on the right.
        lengths: [batch] int64, real tokens of each row.
        mask: [batch, time], True = real token.
        rows: [batch] int64, where each row stands in its column.
        targets: [batch], [batch, labels] or None.
    """

    ids: Tensor
    lengths: Tensor
    mask: Tensor
    rows: Tensor
    targets: Tensor | None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What a text network is called with: `ids` and `mask`."""
        return self.ids, self.mask

    @property
    def size(self) -> int:
        """Real tokens, padding not counted."""
        return int(self.lengths.sum())

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on another device."""
        if device.type == "cpu":
            return self
        return Batch(
            ids=self.ids.to(device),
            lengths=self.lengths.to(device),
            mask=self.mask.to(device),
            rows=self.rows.to(device),
            targets=None if self.targets is None else self.targets.to(device),
        )


@dataclass(frozen=True)
class TextDataset:
    """A token column with one target a row.

    Attributes:
        column: token column.
        targets: [rows] or [rows, labels], or None for prediction.
    """

    column: TokenColumn
    targets: npt.NDArray[Any] | None = None
    unit: ClassVar[str] = "tokens"

    def __len__(self) -> int:
        return len(self.column)

    @property
    def lengths(self) -> Int64s:
        """Tokens of each row."""
        return np.diff(values_and_offsets(self.column)[1])

    def take(self, places: Int64s) -> "TextDataset":
        """Return the rows at some places, in that order."""
        targets = None if self.targets is None else self.targets[places]
        return TextDataset(self.column.take(pa.array(places)), targets)

    def batches(self, groups: Iterable[Group]) -> Iterator[Batch]:
        """Yield the batch of each group, made when it is asked for."""
        values, offsets = values_and_offsets(self.column)
        for group in groups:
            yield pad(values, offsets, group, self.targets)

    def in_order_of_length(self, batch_size: int = 256) -> Iterator[Batch]:
        """Yield all rows once, the shortest first, for evaluation and prediction."""
        yield from self.batches(Bucketing(batch_size).in_order_of_length(self.lengths))


def pad(
    values: npt.NDArray[np.int32],
    offsets: Int64s,
    group: Group,
    targets: npt.NDArray[Any] | None,
) -> Batch:
    """Return the padded batch of the rows of a group."""
    starts = offsets[group.rows]
    lengths = offsets[group.rows + 1] - starts
    place = np.arange(group.time)
    mask = place < lengths[:, None]
    # places behind the end of a row read what stands there, which counts as nothing: PAD is 0
    found = values.take(starts[:, None] + place, mode="clip") if len(values) else PAD
    ids = np.multiply(found, mask, dtype=np.int64)
    return Batch(
        ids=torch.from_numpy(ids),
        lengths=torch.from_numpy(lengths),
        mask=torch.from_numpy(mask),
        rows=torch.from_numpy(group.rows),
        targets=None if targets is None else torch.from_numpy(targets[group.rows]),
    )


def truncate(
    column: TokenColumn, max_length: int, *, signs: Sequence[int] = ()
) -> tuple[TokenColumn, int]:
    """Keep the first `max_length` tokens of each row, without a sign in the last place.

    Returns:
        The column, and how many rows it cut.
    """
    column, cut = truncate_rows(column, max_length, signs=signs, max_tokens=max_length)
    return column, int(cut.sum())


def truncate_rows(
    column: TokenColumn, max_length: int, *, signs: Sequence[int] = (), max_tokens: int | None = None
) -> tuple[TokenColumn, Bools]:
    """Keep the first `max_length` tokens of each row, signs not counted.

    Args:
        column: token column.
        max_length: tokens of a row, signs not counted.
        signs: ids of tokens that say something of the next one, see `munjang.text.capitals`. None
            is kept without the token that it belongs to.
        max_tokens: tokens of a row, signs counted; None = any number.

    Returns:
        The column, and which rows were cut [rows].
    """
    values, offsets = values_and_offsets(column)
    lengths = np.diff(offsets)
    if lengths.max(initial=0) <= (max_length if max_tokens is None else min(max_length, max_tokens)):
        return column, np.zeros(len(lengths), dtype=np.bool_)
    kept = mask_kept_tokens(values, offsets, max_length, signs=signs, max_tokens=max_tokens)
    before = bounds_of(kept)
    cut: Bools = np.diff(before[offsets]) < lengths
    return (token_column(values[kept], before[offsets]), cut) if cut.any() else (column, cut)


def mask_kept_tokens(
    values: Int32s,
    offsets: Int64s,
    max_length: int,
    *,
    signs: Sequence[int] = (),
    max_tokens: int | None = None,
) -> Bools:
    """Return True for each token that `truncate_rows` keeps, [tokens]."""
    starts = np.repeat(offsets[:-1], np.diff(offsets))
    place = np.arange(len(values)) - starts
    are_signs = np.isin(values, signs) if signs else np.zeros(len(values), dtype=np.bool_)
    words = bounds_of(~are_signs)
    kept: Bools = words[:-1] - words[starts] < max_length
    if max_tokens is not None:
        # a sign in the last place would stand there without its word
        kept &= (place < max_tokens) & ~(are_signs & (place == max_tokens - 1))
    return kept
