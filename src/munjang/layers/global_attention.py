"""Attention of a recurrent decoder to every state of its source.

Bahdanau et al. (2015), "Neural machine translation by jointly learning to align and translate";
Luong et al. (2015), "Effective approaches to attention-based neural machine translation". With the
decoder's state q and the source's states k_1 ... k_n,

    a = softmax over i of score(q, k_i),    context = a_1 k_1 + ... + a_n k_n

    dot        q · k                       no weights
    general    q · W k                     Luong
    additive   v · tanh(W q + U k + b)     Bahdanau; Luong's concat, v · tanh(W' [q; k]), is the
                                           same, for W' [q; k] is the sum of two products
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from munjang.layers.masking import masked_softmax

Score = Literal["dot", "general", "additive"]


@dataclass(frozen=True)
class Memory:
    """What is kept of the source, once a sentence.

    Attributes:
        states: of the encoder, [sentences, source time, width].
        keys: what they are compared by, of the same shape.
        mask: [sentences, source time], True = real token.
    """

    states: Tensor
    keys: Tensor
    mask: Tensor

    def keep(self, sentences: Tensor) -> "Memory":
        """Some sentences alone, in their order; `sentences` [kept]."""
        return Memory(self.states[sentences], self.keys[sentences], self.mask[sentences])


class GlobalAttention(nn.Module):
    """Scores, weights and the weighted mean of the source's states.

    What the score makes of the source alone is made once a sentence (`remember`). Additive scores
    need [sentences, queries, time, width] numbers; the others are one product of matrices.

    Args:
        score: dot, general or additive.
        width: of queries and of the source's states.
    """

    def __init__(self, score: Score, width: int) -> None:
        super().__init__()
        self.score = score
        self.of_source = None if score == "dot" else nn.Linear(width, width, score == "additive")
        self.of_query = nn.Linear(width, width, bias=False) if score == "additive" else None
        self.sum = nn.Linear(width, 1, bias=False) if score == "additive" else None

    def remember(self, states: Tensor, mask: Tensor) -> Memory:
        """The memory of `states` [sentences, source time, width] and their `mask`."""
        keys = states if self.of_source is None else self.of_source(states)
        return Memory(states, keys, mask)

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        """`queries` [sentences, queries, width] to scores [sentences, queries, source time]."""
        if self.of_query is None or self.sum is None:
            return queries @ keys.transpose(1, 2)
        scores: Tensor = self.sum((self.of_query(queries)[:, :, None] + keys[:, None]).tanh())
        return scores[..., 0]

    def forward(self, queries: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """What each query takes from the source.

        Args:
            queries: [sentences, queries, width].
            memory: of `remember`.

        Returns:
            The context [sentences, queries, width], and the weights [sentences, queries, source
            time]: 1 in all and 0 at padding. A source without any real token gives zeros in both.
        """
        weights = masked_softmax(self.scores(queries, memory.keys), memory.mask[:, None])
        return weights @ memory.states, weights
