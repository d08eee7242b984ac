"""Long short-term memory (LSTM), in one direction or two.

Papers: Hochreiter and Schmidhuber (1997), "Long short-term memory"; Graves and Schmidhuber (2005)
for two directions. Use if word order and distance matter, and about a millisecond per text is
fine. Use `gru` instead for nearly the same with three quarters of the weights, `cnn` if short
patterns decide.
"""

from typing import Literal

from munjang.models.recurrent import Recurrent, RecurrentConfig, variational_field


class LstmConfig(RecurrentConfig):
    """Settings of `lstm`."""

    name: Literal["lstm"] = "lstm"
    # off, so that runs from before this setting can be repeated
    variational_dropout: bool = variational_field(False)


class Lstm(Recurrent):
    """Stacked LSTM layers; the formula is `munjang.layers.cells.lstm_step`."""

    def __init__(self, config: LstmConfig, vocabulary_size: int) -> None:
        super().__init__("lstm", config, vocabulary_size)
