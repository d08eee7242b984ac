"""Keys and values of a text that is being written, with room for those of later tokens.

A new token's are written into the room instead of copied together with all earlier ones:

    rows x heads    a b c d . . . .        . = room
                          ^ the new token

`munjang.layers.key_value_cache` says how rows of different lengths are padded.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import torch
from torch import Tensor

from munjang.layers.attention import KeysValues
from munjang.layers.fast.causal_row import CausalRow
from munjang.layers.fast.causal_row_weights import RowWeights
from munjang.layers.fast.causal_weights import LayerWeights, pair_features, unpair_features
from munjang.layers.key_value_cache import KeyValueCache
from munjang.layers.position import rotary_tables

# Fewest tokens that there is room for: the buffer grows by at least as many, or to twice its size.
_ROOM = 64


@dataclass
class KeyValueBuffer:
    """Keys and values of every layer, and what the attention needs of each place.

    Attributes:
        weights: of each layer, the lowest one first; empty with a `row`.
        heads: number of attention heads.
        columns: keys and values, [layers, hypotheses x heads, 2, room, dim / heads]; features of
            keys in the order of `pair_features`.
        bias: added to the scores of each place, -inf at padding and else 0, [hypotheses x heads,
            1, room]; None without padding.
        rotation: complex number of each place and pair of features, [hypotheses x heads or 1,
            room, 1, dim / heads / 2].
        filled: number of places that hold tokens or padding.
        row: takes the steps if there is one hypothesis; None if there are more, or padding.
    """

    weights: Sequence[LayerWeights]
    heads: int
    columns: Tensor
    bias: Tensor | None
    rotation: Tensor
    filled: int
    row: CausalRow | None = None

    @property
    def room(self) -> int:
        """Number of places."""
        return self.columns.shape[3]


class BufferedLayers(Sequence[KeysValues]):
    """Keys and values per layer, as `KeyValueCache.layers` has them: a view of a buffer.

    Args:
        buffer: may be filled further than `width`, by states that follow this one.
        width: number of places that are seen.
    """

    def __init__(self, buffer: KeyValueBuffer, width: int) -> None:
        self.buffer = buffer
        self.width = width

    def __len__(self) -> int:
        return len(self.buffer.columns)

    @overload
    def __getitem__(self, index: int) -> KeysValues: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[KeysValues]: ...
    def __getitem__(self, index: int | slice) -> KeysValues | Sequence[KeysValues]:
        if isinstance(index, slice):
            return [self[number] for number in range(len(self))[index]]
        seen = self.buffer.columns[index, :, :, : self.width]
        shape = -1, self.buffer.heads, *seen.shape[2:]
        keys, values = seen.unbind(1)
        return unpair_features(keys, 2).reshape(shape), values.reshape(shape)

    @property
    def has_room(self) -> bool:
        """True if the place behind those that are seen is free."""
        return self.width == self.buffer.filled < self.buffer.room


def make_buffer(
    cache: KeyValueCache,
    weights: Sequence[LayerWeights] | Sequence[RowWeights],
    heads: int,
    most: int,
) -> KeyValueBuffer:
    """Copy a cache into a buffer with room for at least one more token.

    Args:
        cache: of fewer than `most` places.
        weights: of each layer; those of a row for one hypothesis without padding.
        heads: number of attention heads.
        most: places after which no room is needed.
    """
    # made in inference mode, the buffer could be written to in no other mode
    with torch.inference_mode(False), torch.no_grad():
        return _copy(cache, weights, heads, min(most, cache.width + max(_ROOM, cache.width)))


def _copy(
    cache: KeyValueCache,
    weights: Sequence[LayerWeights] | Sequence[RowWeights],
    heads: int,
    room: int,
) -> KeyValueBuffer:
    like = weights[0].join
    rows, head_dim = cache.rows * cache.beam * heads, len(like) // heads
    columns = like.new_zeros(len(weights), rows, 2, room, head_dim)
    for layer, (keys, values) in zip(columns, cache.layers, strict=False):
        layer[:, 0, : cache.width] = pair_features(keys, 3).flatten(0, 1)
        layer[:, 1, : cache.width] = values.flatten(0, 1)
    places, bias = torch.arange(room)[None], None
    if cache.lengths is not None:
        padding = (cache.width - cache.lengths).repeat_interleave(cache.beam * heads)
        places = places - padding[:, None]
        bias = like.new_zeros(rows, 1, room).masked_fill_((places < 0)[:, None], -math.inf)
    rotary = rotary_tables(room, head_dim, like)
    rotation = torch.complex(rotary.cos, rotary.sin)[places.clamp(min=0)]
    of_row = [each for each in weights if isinstance(each, RowWeights)]
    return KeyValueBuffer(
        weights=[each for each in weights if isinstance(each, LayerWeights)],
        heads=heads,
        columns=columns,
        bias=bias,
        rotation=rotation[:, :, None],
        filled=cache.width,
        row=CausalRow(of_row, columns, rotation[0]) if of_row else None,
    )
