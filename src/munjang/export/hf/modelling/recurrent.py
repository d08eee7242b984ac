"""Recurrent layers of the cells rnn (Elman 1990), lstm (Hochreiter 1997) and gru (Cho 2014)."""

from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from munjang.export.hf.modelling.base import Tokens
from munjang.export.hf.modelling.embedding import embed_ending_ngrams
from munjang.export.hf.modelling.text_encoder import TextEncoder

LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Encoder(TextEncoder):
    """Stacked layers over token vectors, in one direction or two, pooled over the real tokens."""

    def __init__(self, config: Any) -> None:
        super().__init__(config, config.hidden_dim * config.directions, config.directions)
        self.ngrams_end = config.ngrams_end
        self.recurrent = LAYERS[config.cell](
            config.embedding["dim"],
            config.hidden_dim,
            config.layers,
            batch_first=True,
            bidirectional=config.directions == 2,
        )

    def states(self, tokens: Tokens) -> Tensor:
        """Return the hidden states of the highest layer, [batch, time, hidden x directions]."""
        if self.ngrams_end:
            vectors = embed_ending_ngrams(self.embedding, tokens)
        else:
            vectors = self.embedding(tokens)
        # packed, so that no direction reads padding; an empty row is read as one of padding
        lengths = tokens.lengths.clamp(min=1).cpu()
        packed = pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
        outputs, _ = self.recurrent(packed)
        states, _ = pad_packed_sequence(outputs, batch_first=True, total_length=vectors.shape[1])
        return states
