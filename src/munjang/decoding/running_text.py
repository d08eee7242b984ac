"""Decoding of running text, in which a line break is a token like any other.

Decoding ends a text at EOS, and running text has EOS for a line break. The step of a language
model is therefore given to decoding with two ids exchanged: a line break stands at OOV, which no
text gets, and EOS is impossible.
"""

import math
from typing import Any

import torch
from torch import Tensor

from munjang.models.decoder import Step, StepOutput
from munjang.text.vocabulary import EOS, OOV


def running_step(step: Step) -> Step:
    """Return the step of a language model on running text, as decoding calls it."""

    def exchanged(state: Any, ids: Tensor) -> StepOutput:
        output = step(state, to_running(ids))
        logits = output.logits.clone()
        values = _as_array(logits)
        values[..., OOV] = values[..., EOS]
        values[..., EOS] = -math.inf
        return StepOutput(logits, output.state, output.attention)

    return exchanged


def to_running(ids: Tensor) -> Tensor:
    """Return ids of decoding as those of running text: OOV and the line break are exchanged."""
    return _exchange(ids)


def to_running_id(token: int) -> int:
    """Return the id of running text of an id that decoding has chosen, which is not EOS."""
    return EOS if token == OOV else token


def to_decoding(ids: Tensor) -> Tensor:
    """Return ids of running text as decoding has them.

    A word out of the vocabulary, which only a prompt has, stands at EOS.
    """
    return _exchange(ids)


def _as_array(logits: Tensor) -> Any:
    """Return the same memory for NumPy, which reads and writes sooner; logits if it cannot."""
    is_plain = logits.device.type == "cpu" and logits.dtype == torch.float32
    return logits.numpy() if is_plain and not logits.requires_grad else logits


def _exchange(ids: Tensor) -> Tensor:
    if ids.numel() == 1 and int(ids) not in (OOV, EOS):
        return ids
    return torch.where(ids == OOV, EOS, torch.where(ids == EOS, OOV, ids))
