"""Language model of a simple recurrent network (RNN).

Papers: Elman (1990), "Finding structure in time"; Mikolov et al. (2010), "Recurrent neural network
based language model". Use it to see what a single state without gates can remember. Use `lstm` or
`gru` instead for everything else.
"""

from typing import Literal

from munjang.models.language.recurrent import RecurrentLanguageConfig, RecurrentLanguageModel


class RnnLanguageConfig(RecurrentLanguageConfig):
    """Settings of the language model `rnn`."""

    name: Literal["rnn"] = "rnn"


class RnnLanguage(RecurrentLanguageModel):
    """Stacked RNN layers; the formula is `munjang.layers.cells.rnn_step`."""

    def __init__(self, config: RnnLanguageConfig, vocabulary_size: int) -> None:
        super().__init__("rnn", config, vocabulary_size)
