"""Tokens that may not come next, and the number of steps of an answer."""

import math

import torch
from torch import Tensor

from munjang.decoding.settings import DecodingSettings
from munjang.text.vocabulary import EOS, GO, OOV, PAD


def max_steps(source_lengths: Tensor, settings: DecodingSettings) -> Tensor:
    """Return the limit of steps for answers to source texts, EOS included: [rows] int64.

    min(max_length, max_length_ratio · source length + extra_steps), rounded down, 1 or more.
    """
    relative = (source_lengths.double() * settings.max_length_ratio).floor() + settings.extra_steps
    return relative.clamp(max=settings.max_length).long()


def mask_forbidden(
    log_probabilities: Tensor, prefix: Tensor, steps: Tensor, settings: DecodingSettings
) -> None:
    """Set forbidden tokens to -inf, in place.

    Forbidden are PAD and GO, OOV unless it is allowed, EOS before `min_length` tokens, and the
    last token of an n-gram that the prefix has already. Where no token would be left, EOS is
    allowed.

    Args:
        log_probabilities: [rows, beam, vocabulary].
        prefix: [rows, beam, time] generated so far; rows of fewer steps begin with PAD.
        steps: tokens of each row's prefix, [rows].
        settings: `allow_unknown`, `min_length` and `no_repeat_ngram_size`.
    """
    log_probabilities[..., PAD] = -math.inf
    log_probabilities[..., GO] = -math.inf
    if not settings.allow_unknown:
        log_probabilities[..., OOV] = -math.inf
    may_be_short = settings.min_length > 0 and bool((steps < settings.min_length).any())
    may_repeat = 0 < settings.no_repeat_ngram_size <= prefix.shape[2]
    if not may_be_short and not may_repeat:
        return
    ending = log_probabilities[..., EOS].clone()
    if may_be_short:
        is_short = (steps < settings.min_length)[:, None]
        log_probabilities[..., EOS] = ending.masked_fill(is_short, -math.inf)
    if may_repeat:
        _mask_repeats(log_probabilities, prefix, settings.no_repeat_ngram_size)
    is_stuck = log_probabilities.amax(-1) == -math.inf
    log_probabilities[..., EOS] = torch.where(is_stuck, ending, log_probabilities[..., EOS])


def _mask_repeats(log_probabilities: Tensor, prefix: Tensor, n: int) -> None:
    """Forbid tokens that would repeat an n-gram of `prefix`.

    PAD before a short prefix does no harm: it comes before no token but the first, which has no
    n-gram before it, and is itself forbidden.
    """
    ngrams = prefix.unfold(2, n, 1)
    beginning = prefix[:, :, prefix.shape[2] - n + 1 :]
    repeats = (ngrams[..., :-1] == beginning[:, :, None]).all(-1)
    row, hypothesis, place = repeats.nonzero(as_tuple=True)
    log_probabilities[row, hypothesis, ngrams[row, hypothesis, place, -1]] = -math.inf
