"""Attention of a recurrent decoder to every state of the encoder.

Bahdanau et al. (2015), "Neural machine translation by jointly learning to align and translate";
Luong et al. (2015), "Effective approaches to attention-based neural machine translation". With the
decoder's state q and the encoder's states k_1 ... k_n,

    a = softmax over i of score(q, k_i),    context = a_1 k_1 + ... + a_n k_n

    dot        q · k                       no weights
    general    q · W k                     Luong
    additive   v · tanh(W q + U k + b)     Bahdanau; equal to Luong's concat, v · tanh(W' [q; k]),
                                           as W' [q; k] is the sum of two products
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from munjang.layers.beams import join_rows
from munjang.layers.masking import masked_softmax

Score = Literal["dot", "general", "additive"]


@dataclass(frozen=True)
class EncoderKeysValues:
    """Encoder states as keys and values, once per row.

    Attributes:
        values: the encoder's states, [rows, source time, width].
        keys: the states as the score compares them, of the same shape.
        mask: [rows, source time], True = real token.
    """

    values: Tensor
    keys: Tensor
    mask: Tensor

    def keep(self, rows: Tensor) -> "EncoderKeysValues":
        """Return those of some rows, in the order of `rows` [kept] int64."""
        return EncoderKeysValues(self.values[rows], self.keys[rows], self.mask[rows])

    def join(self, others: Sequence["EncoderKeysValues"]) -> "EncoderKeysValues":
        """Return those of this object's rows, then of `others`; shorter sources are padded."""
        parts = [self, *others]
        values = join_rows([part.values for part in parts])
        # where the score compares the states themselves, they are stored once
        shared = all(part.keys is part.values for part in parts)
        keys = values if shared else join_rows([part.keys for part in parts])
        return EncoderKeysValues(values, keys, join_rows([part.mask for part in parts]))


class GlobalAttention(nn.Module):
    """Scores, weights and the weighted mean of the encoder's states.

    The part of a score that depends on the source alone is computed once per row, by
    `project_keys_values`. Additive scores need [rows, queries, source time, width] numbers; the
    others are one matrix product.

    Args:
        score: dot, general or additive.
        width: of queries and of the encoder's states.
    """

    def __init__(self, score: Score, width: int) -> None:
        super().__init__()
        self.score = score
        is_additive = score == "additive"
        self.key_projection = None if score == "dot" else nn.Linear(width, width, is_additive)
        self.query_projection = nn.Linear(width, width, bias=False) if is_additive else None
        self.score_projection = nn.Linear(width, 1, bias=False) if is_additive else None

    def project_keys_values(self, states: Tensor, mask: Tensor) -> EncoderKeysValues:
        """Return keys and values of `states` [rows, source time, width] and their `mask`."""
        keys = states if self.key_projection is None else self.key_projection(states)
        return EncoderKeysValues(states, keys, mask)

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Score `queries` [rows, queries, width]: [rows, queries, source time]."""
        if self.query_projection is None or self.score_projection is None:
            return queries @ keys.transpose(1, 2)
        hidden = (self.query_projection(queries)[:, :, None] + keys[:, None]).tanh()
        scores: Tensor = self.score_projection(hidden)
        return scores[..., 0]

    def forward(self, queries: Tensor, encoder: EncoderKeysValues) -> tuple[Tensor, Tensor]:
        """Attend with each query to the source of its row.

        Args:
            queries: [rows, queries, width].
            encoder: of `project_keys_values`.

        Returns:
            The context [rows, queries, width], and the weights [rows, queries, source time], which
            sum to 1 and are 0 at padding. A source without any real token gives zeros in both.
        """
        weights = masked_softmax(self.scores(queries, encoder.keys), encoder.mask[:, None])
        return weights @ encoder.values, weights
