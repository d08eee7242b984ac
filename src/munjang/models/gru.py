"""Gated recurrent unit (GRU), in one direction or two.

Paper: Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder for
statistical machine translation", in PyTorch's variant: the reset gate acts after the matrix
product. Use instead of `lstm` if a smaller model is wanted; it is not faster. Use `cnn` instead
if short patterns decide.
"""

from typing import Literal

from munjang.models.recurrent import Recurrent, RecurrentConfig


class GruConfig(RecurrentConfig):
    """Settings of `gru`."""

    name: Literal["gru"] = "gru"


class Gru(Recurrent):
    """Stacked GRU layers; the formula is `munjang.layers.cells.gru_step`."""

    def __init__(self, config: GruConfig, vocabulary_size: int) -> None:
        super().__init__("gru", config, vocabulary_size)
