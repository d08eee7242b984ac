"""Sampling: tokens drawn by lot, with the model's probabilities or sharper ones.

A token's probability is p_i ∝ exp(log p_i / temperature), among the `top_k` likeliest (Fan et al.
2018), and of these among the fewest that have `top_p` of the probability together (Holtzman et al.
2020, "The curious case of neural text degeneration"). Of equals the lowest ids are taken.

The random number of a token follows from the seed, the number of its row, which sample of the row
it is and its step, and from nothing else: neighbours in a batch change no answer.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from munjang.decoding.top import top
from munjang.decoding.walk import walk
from munjang.models.encoder_decoder import EncoderDecoder

# how many tokens `top_p` looks at first
_FEW = 64


def sample(
    model: EncoderDecoder,
    source: Tensor,
    source_mask: Tensor,
    settings: DecodingSettings,
    *,
    seed: int = 0,
    rows: Sequence[int] | None = None,
    with_attention: bool = False,
) -> list[list[Hypothesis]]:
    """`nbest` answers to each source, the same one twice perhaps, ranked as those of beam search.

    Args:
        model: in evaluation mode.
        source: [batch, source time] ids.
        source_mask: True = real token.
        settings: all but those of beam search count.
        seed: any whole number.
        rows: the number of each source, which decides its draws; None: where it stands.
        with_attention: keep what each token took from the source.
    """
    if rows is None:
        rows = range(len(source))
    if len(rows) != len(source):
        raise ValueError(f"expected one row number a source, {len(source)}, got {len(rows)}")
    numbers = np.array(rows, dtype=np.int64)

    def draw_all(log_chances: Tensor, places: Tensor, time: int) -> Tensor:
        drawn = uniform(seed, numbers[places.cpu().numpy()], time, log_chances.shape[1])
        return draw(log_chances, torch.from_numpy(drawn).to(log_chances.device), settings)

    return walk(model, source, source_mask, settings, draw_all, with_attention=with_attention)


def draw(log_chances: Tensor, drawn: Tensor, settings: DecodingSettings) -> Tensor:
    """The tokens in which `drawn` falls when those of a row are laid end to end, by probability.

    Args:
        log_chances: [sentences, hypotheses, vocabulary]; -inf: never drawn.
        drawn: [sentences, hypotheses] float64 in [0, 1).

    Returns:
        ids, [sentences, hypotheses].
    """
    values, ids = _likely(log_chances / settings.temperature, settings)
    ends = (values - values.amax(-1, keepdim=True)).double().exp().cumsum(-1)
    # `drawn` has 52 bits, so the product lies below the last end
    place = torch.searchsorted(ends, (drawn * ends[..., -1])[..., None], right=True)
    return (place if ids is None else ids.gather(-1, place))[..., 0]


def _likely(values: Tensor, settings: DecodingSettings) -> tuple[Tensor, Tensor | None]:
    """Unnormalised log-probabilities, -inf where a token is out, and their ids; None: in order."""
    vocabulary = values.shape[-1]
    if settings.top_k is None and settings.top_p == 1:
        return values, None
    if settings.top_p == 1:
        return top(values, min(settings.top_k or vocabulary, vocabulary))
    return _nucleus(values, min(settings.top_k or vocabulary, vocabulary), settings.top_p)


def _nucleus(values: Tensor, most: int, share: float) -> tuple[Tensor, Tensor]:
    """The fewest of the `most` likeliest whose probability reaches `share` of that of all these."""
    width = most if most < values.shape[-1] else min(_FEW, most)
    while True:
        best, ids = top(values, width)
        whole = (best if width == most else values).double().logsumexp(-1, keepdim=True)
        reached = (best.double() - whole).exp().cumsum(-1)
        if width == most or bool((reached[..., -1] >= share).all()):
            # a token is in as long as those before it do not suffice: the first always is
            before = F.pad(reached[..., :-1], (1, 0))
            return best.masked_fill(before >= share, -math.inf), ids
        width = min(4 * width, most)


def uniform(
    seed: int, rows: npt.NDArray[np.int64], step: int, samples: int
) -> npt.NDArray[np.float64]:
    """Numbers in [0, 1) with 52 random bits, [rows, samples], each a hash of its four arguments."""
    mixed = _mix(np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64))
    mixed = _mix(mixed + rows.astype(np.uint64))
    mixed = _mix(mixed + np.uint64(step))
    mixed = _mix(np.add.outer(mixed, np.arange(samples, dtype=np.uint64)))
    return (mixed >> np.uint64(12)).astype(np.float64) * 2.0**-52


def _mix(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64 (Steele et al. 2014): one-to-one, and every bit moves half of the others."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
