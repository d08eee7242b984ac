"""Language model of gated recurrent units (GRU).

Paper: Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder for statistical
machine translation". Like `lstm`, with three quarters of the weights.
"""

from typing import Literal

from munjang.models.language.recurrent import RecurrentLanguageConfig, RecurrentLanguageModel


class GruLanguageConfig(RecurrentLanguageConfig):
    """Settings of the language model `gru`."""

    name: Literal["gru"] = "gru"


class GruLanguage(RecurrentLanguageModel):
    """Stacked GRU layers; the formula is `munjang.layers.cells.gru_step`."""

    def __init__(self, config: GruLanguageConfig, vocabulary_size: int) -> None:
        super().__init__("gru", config, vocabulary_size)
