"""Recurrent encoder-decoder without attention (Sutskever et al. 2014; Cho et al. 2014)."""

from typing import Any

from torch import Tensor

from munjang.export.hf.modelling.recurrent_encoder_decoder import RecurrentEncoderDecoder


class EncoderDecoder(RecurrentEncoderDecoder):
    """Encoder and decoder, connected by the decoder's first state alone."""

    def decode(self, vectors: Tensor, source: Any) -> Tensor:
        """Return states [batch, time, out_dim] of decoder inputs [batch, time, dim]."""
        return self.to_output(self.decoder(vectors, self.begin(source))[0])
