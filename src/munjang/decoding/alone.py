"""Steps of a single hypothesis, whose numbers are Python's until another row joins it.

Operations on tensors of one number take longer to begin than to compute, and a step of
`munjang.decoding.continuous.ContinuousBatch` has dozens of them. Here the logits are read by NumPy.
Tokens, scores and random draws are those of the batch.
"""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from munjang.decoding.active import ActiveHypotheses, broken_weights
from munjang.decoding.sampling import draw_one, uniform_one
from munjang.decoding.settings import DecodingSettings
from munjang.text.vocabulary import EOS, GO, OOV, PAD


class LoneHypothesis:
    """The only hypothesis of the only row.

    Args:
        active: that hypothesis; see `can_be_alone`.
        settings: method greedy, sample, or beam with a beam of 1.

    Attributes:
        last_ids: the token that the model reads next, [1, 1].
    """

    def __init__(self, active: ActiveHypotheses, settings: DecodingSettings) -> None:
        self._active = active
        self._settings = settings
        self._forbidden = [PAD, GO] if settings.allow_unknown else [PAD, GO, OOV]
        self._stream = int(active.streams)
        self._taken = int(active.steps)
        self._limit = int(active.limits)
        self._log_probability = float(active.log_probability)
        self._ids: list[int] = []
        self.last_ids = active.last_ids

    def extend(self, logits: Tensor) -> bool:
        """Add the next token, and return whether it is the last one.

        Args:
            logits: of the token, [1, 1, vocabulary].

        Raises:
            MunjangError: they are NaN or infinite.
        """
        values = logits.log_softmax(-1, dtype=torch.float32).numpy()[0, 0]
        steps = self._taken + len(self._ids)
        if math.isnan(values[EOS]):  # the sum that is taken off each is NaN
            raise broken_weights(steps + 1)
        for token in self._forbidden:
            values[token] = -math.inf
        if self._settings.method == "sample":
            token = draw_one(values, uniform_one(self._stream, steps), self._settings)
        else:
            token = int(values.argmax())
        self._ids.append(token)
        self._log_probability += float(values[token])
        self.last_ids = torch.from_numpy(np.array([[token]]))
        return token == EOS or steps + 1 >= self._limit

    def to_active(self) -> ActiveHypotheses:
        """Return the hypothesis with all its tokens as tensors."""
        active = self._active
        added = torch.tensor([[self._ids]], dtype=torch.int64)
        return replace(
            active,
            prefix=torch.cat([active.prefix, added], dim=2),
            last_ids=self.last_ids,
            log_probability=torch.full_like(active.log_probability, self._log_probability),
            steps=active.steps + len(self._ids),
        )


def can_be_alone(active: ActiveHypotheses, settings: DecodingSettings) -> bool:
    """Return whether `LoneHypothesis` takes the steps of hypotheses with some settings."""
    return (
        active.last_ids.numel() == 1
        and active.last_ids.device.type == "cpu"
        and active.attention is None
        and settings.nbest == 1
        and not settings.coverage_penalty
        and not settings.min_length
        and not settings.no_repeat_ngram_size
    )
