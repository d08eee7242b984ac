"""Batches of texts: padded tensors of rows with similar lengths."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.data.buckets import Bucketing, Group
from munjang.text.columns import (
    Int32s,
    Int64s,
    TokenColumn,
    arrow_array,
    token_column,
    values_and_offsets,
)
from munjang.text.segmentation.codepoints import Bools, bounds_of
from munjang.text.vocabulary import PAD


@dataclass(frozen=True)
class Batch:
    """Some rows as padded tensors.

    Attributes:
        ids: [batch, time] int64, PAD on the right.
        lengths: [batch] int64, number of tokens of each row, padding not counted.
        mask: [batch, time], True for tokens and False for padding.
        rows: [batch] int64, index of each row in its dataset.
        targets: [batch], [batch, labels] or None.
    """

    ids: Tensor
    lengths: Tensor
    mask: Tensor
    rows: Tensor
    targets: Tensor | None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The arguments of a text network: `ids` and `mask`."""
        return self.ids, self.mask

    @property
    def size(self) -> int:
        """Number of tokens, padding not counted."""
        return int(self.lengths.sum())

    @property
    def row_sizes(self) -> Tensor:
        """Number of tokens of each row, [batch]."""
        return self.lengths

    def take(self, rows: Tensor) -> "Batch":
        """Return the rows at some places, in that order, padded as the batch is."""
        return Batch(
            ids=self.ids[rows],
            lengths=self.lengths[rows],
            mask=self.mask[rows],
            rows=self.rows[rows],
            targets=None if self.targets is None else self.targets[rows],
        )

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
    """Dataset of a token column, with one target per row.

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
        """Number of tokens per row, [rows]."""
        return np.diff(values_and_offsets(self.column)[1])

    def take(self, indices: Int64s) -> "TextDataset":
        """Return the rows at some indices, in that order."""
        targets = None if self.targets is None else self.targets[indices]
        return TextDataset(self.column.take(arrow_array(indices)), targets)

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
    positions = np.arange(group.time)
    mask = positions < lengths[:, None]
    # positions after the end of a row read tokens of the next one; times the mask they are PAD, 0
    tokens = values.take(starts[:, None] + positions, mode="clip") if len(values) else PAD
    ids = np.multiply(tokens, mask, dtype=np.int64)
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
    """Keep the first `max_length` tokens of each row, without a sign at the end.

    Returns:
        The column, and the number of truncated rows.
    """
    column, truncated = truncate_rows(column, max_length, signs=signs, max_tokens=max_length)
    return column, int(truncated.sum())


def truncate_rows(
    column: TokenColumn,
    max_length: int,
    *,
    signs: Sequence[int] = (),
    max_tokens: int | None = None,
) -> tuple[TokenColumn, Bools]:
    """Keep the first `max_length` tokens of each row, signs not counted.

    Args:
        column: token column.
        max_length: most tokens of a row, signs not counted.
        signs: ids of tokens that mark the next one (`munjang.text.capitals`). No sign is kept
            without the token that it belongs to.
        max_tokens: most tokens of a row, signs counted; None: no limit.

    Returns:
        The column, and True for each row that was truncated [rows].
    """
    values, offsets = values_and_offsets(column)
    lengths = np.diff(offsets)
    if lengths.max(initial=0) <= (
        max_length if max_tokens is None else min(max_length, max_tokens)
    ):
        return column, np.zeros(len(lengths), dtype=np.bool_)
    kept = mask_kept_tokens(values, offsets, max_length, signs=signs, max_tokens=max_tokens)
    kept_before = bounds_of(kept)
    truncated: Bools = np.diff(kept_before[offsets]) < lengths
    if not truncated.any():
        return column, truncated
    return token_column(values[kept], kept_before[offsets]), truncated


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
    position = np.arange(len(values)) - starts
    are_signs = np.isin(values, signs) if signs else np.zeros(len(values), dtype=np.bool_)
    words_before = bounds_of(~are_signs)
    kept: Bools = words_before[:-1] - words_before[starts] < max_length
    if max_tokens is not None:
        # a sign in the last position would be kept without its word
        kept &= (position < max_tokens) & ~(are_signs & (position == max_tokens - 1))
    return kept
