"""Keys and values of the tokens that a Transformer's decoder has read, kept from step to step.

Rows that began at different steps, or with prompts of different lengths, stand in one cache. They
are padded on the left, so that the next token of every row is appended as one more column:

    row that has read 3 tokens      a b c
    row that has read 1 token       . . d        . = padding, never visible

Where all rows are equally long there is no padding and nothing to mask.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from munjang.layers.attention import KeysValues
from munjang.layers.beams import join_rows


@dataclass(frozen=True)
class KeyValueCache:
    """Keys and values of [rows, beam] hypotheses in every layer. Immutable.

    Attributes:
        rows: how many.
        beam: hypotheses per row.
        width: columns: the tokens that the longest row has read.
        layers: per layer the keys and values, each [rows x beam, heads, width, dim / heads]; empty
            before the first token.
        lengths: tokens that each row has read, [rows] int64; None: `width` in every row.
    """

    rows: int
    beam: int = 1
    width: int = 0
    layers: Sequence[KeysValues] = ()
    lengths: Tensor | None = None

    def pick(self, parents: Tensor) -> "KeyValueCache":
        """Return the cache of new hypotheses, `parents` [rows, new beam] int64."""
        rows, beam = parents.shape
        if self.beam == beam == 1:
            return self
        first = torch.arange(rows, device=parents.device)[:, None] * self.beam
        layers = self._select((first + parents).flatten())
        return KeyValueCache(rows, beam, self.width, layers, self.lengths)

    def keep(self, rows: Tensor) -> "KeyValueCache":
        """Return the cache of some rows, `rows` [kept] int64, without columns that none needs."""
        places = torch.arange(self.beam, device=rows.device)
        layers = self._select((rows[:, None] * self.beam + places).flatten())
        lengths = None if self.lengths is None else self.lengths[rows]
        return KeyValueCache(len(rows), self.beam, self.width, layers, lengths)._without_padding()

    def join(self, others: Sequence["KeyValueCache"]) -> "KeyValueCache":
        """Return one cache of the rows of this cache, followed by those of `others`.

        Raises:
            ValueError: the beams differ.
        """
        caches = [self, *others]
        if any(cache.beam != self.beam for cache in caches):
            beams = [cache.beam for cache in caches]
            raise ValueError(f"expected states of the same beam to join, got beams {beams}")
        filled = next((cache.layers for cache in caches if cache.layers), ())
        layers = []
        for number, (like, _) in enumerate(filled):
            parts = [cache._layer(number, like) for cache in caches]
            keys = join_rows([keys for keys, _ in parts], 2, left=True)
            layers.append((keys, join_rows([values for _, values in parts], 2, left=True)))
        device = filled[0][0].device if filled else None
        lengths = torch.cat([cache._row_lengths(device) for cache in caches])
        joined = KeyValueCache(
            rows=sum(cache.rows for cache in caches),
            beam=self.beam,
            width=max(cache.width for cache in caches),
            layers=tuple(layers),
            lengths=lengths,
        )
        return joined._without_padding()

    def append(self, layers: Sequence[KeysValues]) -> "KeyValueCache":
        """Return the cache after one more token: `layers` have all columns, the new one last."""
        lengths = None if self.lengths is None else self.lengths + 1
        return KeyValueCache(self.rows, self.beam, self.width + 1, layers, lengths)

    def past(self, layer: int) -> KeysValues | None:
        """Return keys and values of a layer; None before the first token."""
        return self.layers[layer] if self.layers else None

    def visible(self) -> Tensor | None:
        """Return the columns that the next token may attend to; the last one is its own.

        Returns:
            [rows x beam, 1, 1, width + 1], True = visible; None: all.
        """
        if self.lengths is None:
            return None
        columns = torch.arange(self.width + 1, device=self.lengths.device)
        real = columns >= (self.width - self.lengths)[:, None]
        return real.repeat_interleave(self.beam, dim=0)[:, None, None]

    def positions(self) -> Tensor | None:
        """Return the position of each hypothesis' next token, [rows x beam]; None: `width`."""
        return None if self.lengths is None else self.lengths.repeat_interleave(self.beam)

    def _select(self, hypotheses: Tensor) -> tuple[KeysValues, ...]:
        return tuple(
            (keys.index_select(0, hypotheses), values.index_select(0, hypotheses))
            for keys, values in self.layers
        )

    def _layer(self, number: int, like: Tensor) -> KeysValues:
        """Return keys and values of a layer, with no columns where nothing was read yet."""
        if self.layers:
            return self.layers[number]
        none = like.new_zeros(self.rows * self.beam, like.shape[1], 0, like.shape[3])
        return none, none

    def _row_lengths(self, device: torch.device | None) -> Tensor:
        if self.lengths is not None:
            return self.lengths
        return torch.full((self.rows,), self.width, device=device)

    def _without_padding(self) -> "KeyValueCache":
        """Drop columns that are padding in every row; rows of one length need no lengths."""
        if self.lengths is None or not self.rows:
            return self
        shortest, longest = (int(edge) for edge in self.lengths.aminmax())
        lengths = None if shortest == longest else self.lengths
        unused = self.width - longest
        layers = tuple((keys[:, :, unused:], values[:, :, unused:]) for keys, values in self.layers)
        return KeyValueCache(self.rows, self.beam, longest, layers, lengths)
