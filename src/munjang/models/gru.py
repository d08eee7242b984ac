"""The gated recurrent unit, in one direction or two.

Paper: Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder for
statistical machine translation", in PyTorch's variant: the reset gate acts after the matrix
product. Use where `lstm` would do and a smaller model is welcome; it is no quicker. Use `cnn`
instead when short patterns decide.
"""

from typing import Literal

from munjang.models.recurrent import Recurrent, RecurrentConfig


class GruConfig(RecurrentConfig):
    """Settings of `gru`."""

    name: Literal["gru"] = "gru"


class Gru(Recurrent):
    """Stacked GRU layers; the step is `layers.cells.gru_step`."""

    def __init__(self, config: GruConfig, vocabulary_size: int) -> None:
        super().__init__("gru", config, vocabulary_size)
