"""What may be said next, and how much may be said at all."""

import math

import torch
from torch import Tensor

from munjang.decoding.settings import DecodingSettings
from munjang.text.vocabulary import EOS, GO, OOV, PAD


def most_steps(source_lengths: Tensor, settings: DecodingSettings) -> Tensor:
    """Steps after which each answer is cut, the end among them: [sentences] int64, 1 or more.

    min(max_length, max_ratio · source length + max_extra), rounded down.
    """
    relative = (source_lengths.double() * settings.max_ratio).floor() + settings.max_extra
    return relative.clamp(max=settings.max_length).long()


def forbid(log_chances: Tensor, said: Tensor, settings: DecodingSettings) -> None:
    """Set to -inf, in place, what may not be said next.

    That is PAD and GO, OOV unless it is allowed, EOS before `min_length` tokens, and the last token
    of an n-gram that was said before. Where nothing at all would be left, EOS may be said.

    Args:
        log_chances: [sentences, beam, vocabulary].
        said: [sentences, beam, time] so far.
    """
    log_chances[..., [PAD, GO]] = -math.inf
    if not settings.allow_unknown:
        log_chances[..., OOV] = -math.inf
    early = said.shape[2] < settings.min_length
    repeats = 0 < settings.no_repeat_ngram <= said.shape[2]
    if not early and not repeats:
        return
    ending = log_chances[..., EOS].clone()
    if early:
        log_chances[..., EOS] = -math.inf
    if repeats:
        _forbid_repeats(log_chances, said, settings.no_repeat_ngram)
    stuck = log_chances.amax(-1) == -math.inf
    log_chances[..., EOS] = torch.where(stuck, ending, log_chances[..., EOS])


def _forbid_repeats(log_chances: Tensor, said: Tensor, n: int) -> None:
    """No token that would make an n-gram of `said` once more."""
    ngrams = said.unfold(2, n, 1)
    beginning = said[:, :, said.shape[2] - n + 1 :]
    again = (ngrams[..., :-1] == beginning[:, :, None]).all(-1)
    sentence, hypothesis, place = again.nonzero(as_tuple=True)
    log_chances[sentence, hypothesis, ngrams[sentence, hypothesis, place, -1]] = -math.inf
