"""Recurrent layers of a language model (Mikolov et al. 2010)."""

from typing import Any

from torch import Tensor, nn

LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Decoder(nn.Module):
    """Stacked recurrent layers, left to right."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.recurrent = LAYERS[config.cell](
            config.embedding["dim"], config.states_dim, config.layers, batch_first=True
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """Return states [batch, time, states dim] of `vectors` [batch, time, dim]."""
        return self.recurrent(vectors)[0]
