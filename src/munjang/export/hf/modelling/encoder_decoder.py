"""Interface of an encoder-decoder, for which that of the model stands in."""

from typing import Any

from torch import Tensor, nn

from munjang.export.hf.modelling.base import Tokens


class EncoderDecoder(nn.Module):
    """Layers that read a source, and layers that read what was written so far.

    Args:
        config: content of config.json.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()

    def encode(self, vectors: Tensor, tokens: Tokens) -> dict[str, Tensor]:
        """Return `last_hidden_state` and what else of `Source` the decoder reads.

        Args:
            vectors: of the source, [batch, time, dim].
            tokens: the source.
        """
        raise NotImplementedError

    def decode(self, vectors: Tensor, source: Any) -> Tensor:
        """Return states [batch, time, dim] of the output layer.

        Args:
            vectors: of the decoder inputs, [batch, time, dim].
            source: of `encode`, with its mask.
        """
        raise NotImplementedError
