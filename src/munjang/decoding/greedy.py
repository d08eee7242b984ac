"""Greedy decoding: the likeliest token at each step."""

from torch import Tensor

from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from munjang.decoding.walk import walk
from munjang.models.encoder_decoder import EncoderDecoder


def greedy(
    model: EncoderDecoder,
    source: Tensor,
    source_mask: Tensor,
    settings: DecodingSettings,
    *,
    with_attention: bool = False,
) -> list[list[Hypothesis]]:
    """One answer to each source. Arguments as those of `munjang.decoding.walk.walk`."""
    return walk(model, source, source_mask, settings, _likeliest, with_attention=with_attention)


def _likeliest(log_chances: Tensor, places: Tensor, time: int) -> Tensor:
    # of equals the lowest id: PyTorch promises the first maximum
    return log_chances.argmax(2)
