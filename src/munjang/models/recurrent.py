"""Base of `rnn`, `lstm` and `gru`, which differ in the cell only.

Each has a file of its own with its paper and advice; settings, bag and pooling are shared, so that
a comparison of them compares cells.
"""

from itertools import zip_longest
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.config import DEEPEST, WIDEST
from munjang.layers.fast.dropout import Dropout
from munjang.layers.fast.ngram_row import HashedRow
from munjang.layers.masking import reverse_rows
from munjang.layers.parameters import parameters_of
from munjang.layers.pooling import Pooling
from munjang.layers.recurrent import Cell, StackedRecurrent
from munjang.models.dropout_rate import DropoutRate
from munjang.models.encoder import (
    Bag,
    EncoderOutput,
    PoolingNames,
    WideConfig,
    WideEncoder,
    append_bag,
    pooling_field,
)


def variational_field(default: bool) -> Any:
    """Return the setting `variational`, whose default depends on the cell."""
    return Field(default, description="between layers, drop the same features at every token")


class RecurrentConfig(WideConfig):
    """Settings of every recurrent encoder."""

    not_in_weights: ClassVar[frozenset[str]] = WideConfig.not_in_weights | {"variational_dropout"}

    hidden_dim: int = Field(
        128, ge=1, le=WIDEST, description="width of the hidden state per direction"
    )
    layers: int = Field(1, ge=1, le=DEEPEST, description="number of stacked layers")
    directions: Literal[1, 2] = Field(2, description="1 = left to right, 2 = both")
    ngrams_end: bool = Field(
        False,
        description="n-grams of the embedding end at a token rather than begin at it, as in "
        "language models",
    )
    pooling: PoolingNames = pooling_field()
    embedding_dropout: DropoutRate = Field(0.2, description="dropout rate of the token vectors")
    dropout: DropoutRate = Field(
        0.3, description="dropout rate between layers and of the pooled vector"
    )
    variational_dropout: bool = variational_field(True)

    @model_validator(mode="after")
    def _check_ngrams(self) -> Self:
        if self.ngrams_end and self.ngram_min_frequency > 1:
            raise ValueError(
                "ngrams_end: n-grams are counted from their first token; set ngram_min_frequency "
                "to 1"
            )
        return self


class Recurrent(WideEncoder):
    """Stacked layers of one cell over token vectors, pooled over real tokens."""

    def __init__(self, cell: Cell, config: RecurrentConfig, vocabulary_size: int) -> None:
        super().__init__(config, vocabulary_size)
        self.ngrams_end = config.ngrams_end and config.ngrams > 1
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.recurrent = StackedRecurrent(
            cell,
            config.dim,
            config.hidden_dim,
            layers=config.layers,
            directions=config.directions,
            dropout=config.dropout,
            variational=config.variational_dropout,
        )
        self.states_dim = config.hidden_dim * config.directions
        self.pooling = Pooling(config.pooling, self.states_dim, directions=config.directions)
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = self.pooling.dim + config.bag_dim

    def token_vectors(self, ids: Tensor, mask: Tensor, row: HashedRow | None = None) -> Tensor:
        """Return the input of the layers, [batch, time, dim]; `row` is that of `hash_batch`."""
        if not self.ngrams_end:
            return super().token_vectors(ids, mask, row)
        # the embedding adds the n-grams that begin at a token: so the order is reversed
        reversed_ids = reverse_rows(ids[..., None], mask)[..., 0]
        return reverse_rows(super().token_vectors(reversed_ids, mask), mask)

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the embedding, and of each layer in both directions."""
        stacked = self.recurrent
        layers = zip_longest(stacked.forwards, stacked.backwards)
        return [parameters_of(self.embedding), *(parameters_of(*layer) for layer in layers)]

    def _states(self, vectors: Tensor, mask: Tensor) -> Tensor:
        states: Tensor = self.recurrent(self.embedding_dropout(vectors), mask)
        return states

    def _encode(self, vectors: Tensor, mask: Tensor, bag: Bag, **options: Any) -> EncoderOutput:
        """Compute states [batch, time, hidden x directions] and the pooled vector."""
        states = self._states(vectors, mask)
        pooled, attention = self.pooling(states, mask)
        pooled = append_bag(self.dropout(pooled), bag)
        return EncoderOutput(pooled, mask=mask, states=states, attention=attention)
