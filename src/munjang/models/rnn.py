"""Simple recurrent network (Elman), in one direction or two.

Paper: Elman (1990), "Finding structure in time". Use for very short texts, where it trains
fastest of the recurrent models, or to see the effect of gates. Use `gru` or `lstm` instead if early
words change the meaning of late ones: this one forgets within some tens of tokens.
"""

from typing import Literal

from munjang.models.recurrent import Recurrent, RecurrentConfig


class RnnConfig(RecurrentConfig):
    """Settings of `rnn`."""

    name: Literal["rnn"] = "rnn"


class Rnn(Recurrent):
    """Stacked Elman layers; the formula is `munjang.layers.cells.rnn_step`."""

    def __init__(self, config: RnnConfig, vocabulary_size: int) -> None:
        super().__init__("rnn", config, vocabulary_size)
