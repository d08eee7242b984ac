"""Some rows of data as ids, for views that run a network themselves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from munjang.data.batches import Batch, TextDataset
from munjang.data.streams.dataset import StreamDataset
from munjang.data.streams.text import RunningText
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.explain.attention import EOS_LABEL, GO_LABEL
from munjang.inputs.text import EncodedText
from munjang.model import Model
from munjang.reporting import Report, discard, pluralize
from munjang.text.columns import Int64s, values_and_offsets
from munjang.text.jamo import compatibility_jamo
from munjang.text.vocabulary import EOS, GO, OOV, PAD

# Reserved ids as they are displayed.
_SIGNS = {PAD: "·", OOV: "⟨oov⟩", GO: GO_LABEL, EOS: EOS_LABEL}
# Tokens of a window of running text that are read before those that are looked at.
WARM_UP = 64


def read_rows(
    model: Model,
    data: Any,
    reading: Mapping[str, Any] | None = None,
    report: Report = discard,
    *,
    labeled: bool = False,
) -> Any:
    """Read data as a model's training did.

    Args:
        model: a model of texts.
        data: a path, several, or values of Python.
        reading: settings of the section `data` that differ, such as `text_column`.
        report: called with lines for people.
        labeled: read the labels too, where the task has a column of them.

    Raises:
        ConfigError: the model reads no texts that fit into memory.
        DataError: a row cannot be used.
    """
    rows = model.read(data, reading, report, labeled=labeled)
    if not isinstance(rows, Table | RunningText):
        raise ConfigError(
            f"this view reads texts in memory, and the input {model.recipe.input} reads a stream "
            "of them"
        )
    return rows


@dataclass(frozen=True)
class TokenRows:
    """Rows of ids.

    Attributes:
        adapt: returns a network with vectors for the OOV words of these rows.
        values: ids of all rows, one after another, [tokens].
        offsets: row i is `values[offsets[i]:offsets[i + 1]]`, [rows + 1].
        places: index of each row in what it was drawn from, [rows].
        vocabulary: tokens by id.
        oov_words: words of the ids that follow those of the vocabulary.
    """

    adapt: Callable[[nn.Module], nn.Module]
    values: Int64s
    offsets: Int64s
    places: Int64s
    vocabulary: Sequence[str]
    oov_words: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.places)

    def row(self, number: int) -> Int64s:
        """Return the ids of a row, [tokens]."""
        return self.values[self.offsets[number] : self.offsets[number + 1]]

    @property
    def lengths(self) -> Int64s:
        """Number of tokens of each row, [rows]."""
        return np.diff(self.offsets)

    def token(self, number: int) -> str:
        """Return the token of an id as it is displayed; that of padding is a middle dot."""
        size = len(self.vocabulary)
        if number >= size:
            return self.oov_words[number - size]
        return _SIGNS.get(number) or compatibility_jamo(self.vocabulary[number])

    def batches(self, most_tokens: int) -> Iterator[Batch]:
        """Yield all rows with a token once, the shortest first.

        Args:
            most_tokens: most tokens of a batch, padding included, unless one row has more.
        """
        lengths = self.lengths
        order = np.argsort(lengths, kind="stable")
        order = order[lengths[order] > 0]
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and (end + 1 - start) * lengths[order[end]] <= most_tokens:
                end += 1
            yield self._pad(order[start:end])
            start = end

    def _pad(self, numbers: Int64s) -> Batch:
        rows = [self.row(number) for number in numbers.tolist()]
        lengths = torch.tensor([len(row) for row in rows])
        ids = torch.zeros(len(rows), int(lengths.max()), dtype=torch.int64)
        for padded, row in zip(ids, rows, strict=True):
            padded[: len(row)] = torch.from_numpy(row)
        mask: Tensor = torch.arange(ids.shape[1]) < lengths[:, None]
        return Batch(ids, lengths, mask, torch.from_numpy(numbers))


def encode_rows(model: Model, rows: Any, *, most: int, seed: int = 0, window: int = 0) -> TokenRows:
    """Encode at most so many rows, drawn by a seed and in their order.

    Args:
        model: a model of texts.
        rows: what `read_rows` returned.
        most: rows at most.
        seed: random seed of the draw.
        window: tokens of a row of running text; not used for texts.

    Raises:
        DataError: there is no row with a token.
        ConfigError: the model reads the texts of a row apart.
    """
    if isinstance(rows, RunningText):
        return _windows(model, rows, most, seed, window)
    places = _draw(len(rows), most, seed)
    encoded = model.input.encode(rows.take(places))
    dataset = encoded.dataset()
    if not isinstance(encoded, EncodedText) or not isinstance(dataset, TextDataset):
        raise ConfigError(
            f"the input {model.recipe.input} has no single row of tokens to look at; expected one "
            "text per row, or two texts with two_texts.reading=joined"
        )
    values, offsets = values_and_offsets(dataset.column)
    if not len(values):
        raise DataError(
            f"expected texts with words in them; {pluralize(len(rows), 'row')} have none"
        )
    return TokenRows(
        encoded.adapt,
        values.astype(np.int64),
        offsets.astype(np.int64),
        places,
        model.input.tokenizer.vocabulary.tokens,  # type: ignore[attr-defined]
        encoded.encoded.oov_words,
    )


def _windows(model: Model, rows: RunningText, most: int, seed: int, window: int) -> TokenRows:
    """Return windows of running text, each after some tokens that are read before it."""
    fitted: Any = model.input
    stream = fitted.encode(rows).dataset()
    assert isinstance(stream, StreamDataset)
    longest = getattr(model.network, "context", None) or len(stream.ids)
    time = min(window + WARM_UP, longest, len(stream.ids))
    starts = _draw(len(stream.ids) - time + 1, most, seed)
    values = stream.ids[starts[:, None] + np.arange(time)].astype(np.int64)
    offsets = np.arange(len(starts) + 1, dtype=np.int64) * time
    tokens = fitted.tokenizer.vocabulary.tokens
    return TokenRows(lambda network: network, values.flatten(), offsets, starts, tokens)


def _draw(count: int, most: int, seed: int) -> Int64s:
    """Return at most so many of the numbers below `count`, rising."""
    if count <= most:
        return np.arange(count, dtype=np.int64)
    chosen = np.random.default_rng(seed).choice(count, most, replace=False)
    return np.sort(chosen).astype(np.int64)
