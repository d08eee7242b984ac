"""`decode`: from sources to answers, by whichever method the settings say."""

from collections.abc import Sequence

import torch
from torch import Tensor

from munjang.decoding.beam import beam_search
from munjang.decoding.greedy import greedy
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.sampling import sample
from munjang.decoding.settings import DecodingSettings
from munjang.models.encoder_decoder import EncoderDecoder


@torch.inference_mode()
def decode(
    model: EncoderDecoder,
    source: Tensor,
    source_mask: Tensor,
    settings: DecodingSettings,
    *,
    seed: int = 0,
    rows: Sequence[int] | None = None,
    with_attention: bool = False,
) -> list[list[Hypothesis]]:
    """Answers to each source, best first: one at least, `settings.nbest` at most.

    Finished answers come before cut ones, and then those of higher score. A beam of 1 is greedy
    decoding. The answers to a source depend on nothing else in the batch.

    Args:
        model: in evaluation mode, or its dropout would draw.
        source: [batch, source time] ids.
        source_mask: True = real token; padding on the right.
        settings: how.
        seed: of sampling: any whole number.
        rows: of sampling: the number of each source, which decides its draws, so that batches may
            be cut anywhere; None: where it stands in this batch.
        with_attention: give `Hypothesis.attention`, where the model attends.

    Raises:
        ConfigError: a coverage penalty for a model that attends to nothing.
        MunjangError: the model's logits are not numbers.
    """
    if not len(source):
        return []
    if settings.method == "sample":
        return sample(
            model,
            source,
            source_mask,
            settings,
            seed=seed,
            rows=rows,
            with_attention=with_attention,
        )
    if settings.method == "greedy" or settings.beam == 1:
        return greedy(model, source, source_mask, settings, with_attention=with_attention)
    return beam_search(model, source, source_mask, settings, with_attention=with_attention)
