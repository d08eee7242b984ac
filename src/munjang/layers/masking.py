"""Masks: True = real token. Padding is on the right and never changes a result."""

from typing import Any, cast

import torch
from torch import Tensor


def mask_from_lengths(lengths: Tensor, time: int) -> Tensor:
    """Return the mask [batch, time] of `lengths` [batch], True = real token."""
    return torch.arange(time, device=lengths.device)[None, :] < lengths[:, None]


def has_no_padding(mask: Tensor) -> bool:
    """Return whether every token is real."""
    if mask.device.type == "cpu":  # NumPy starts sooner
        return bool(mask.numpy().all())
    return bool(mask.all())


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the real places of `states` [batch, time, dim], [batch, dim].

    A row without any real token gives zeros.
    """
    if mask.device.type == "cpu" and has_no_padding(mask):
        return states.sum(1) / max(1, states.shape[1])
    kept = states.masked_fill(~mask[..., None], 0.0)
    return kept.sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


def max_and_shortest(states: Tensor, mask: Tensor) -> tuple[Tensor, int]:
    """Return the maximum over real places, [batch, dim], and the length of the shortest row.

    A row without any real token gives the lowest number of the type. Rows of a batch are about
    equally long, so only the places after the shortest row are masked.
    """
    time = states.shape[1]
    if time and mask.device.type == "cpu" and has_no_padding(mask):
        return states.amax(1), time
    shortest = int(mask.sum(1).min())
    lowest = torch.finfo(states.dtype).min
    highest = states.new_full((states.shape[0], states.shape[2]), lowest)
    if shortest:
        highest = states[:, :shortest].amax(1)
    if shortest < states.shape[1]:
        tail = states[:, shortest:].masked_fill(~mask[:, shortest:, None], lowest)
        highest = torch.maximum(highest, tail.amax(1))
    return highest, shortest


class _MaskedMax(torch.autograd.Function):
    """Autograd function: maximum over real places, whose gradient ties share.

    No index is stored for the gradient: on a CPU that saves a whole pass over `states`.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, mask: Tensor) -> Tensor:
        highest, shortest = max_and_shortest(states, mask)
        ctx.save_for_backward(states, mask, highest)
        ctx.shortest = shortest
        return highest.masked_fill(~mask.any(1, keepdim=True), 0.0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        states, mask, highest = ctx.saved_tensors
        # as numbers instead of booleans: both the sum and the product are faster
        reached = (states == highest[:, None]).to(states.dtype)
        if ctx.shortest < states.shape[1]:
            reached[:, ctx.shortest :].masked_fill_(~mask[:, ctx.shortest :, None], 0.0)
        share = grads[0] / reached.sum(1).clamp_(min=1)
        return reached.mul_(share[:, None]), None


def masked_max(states: Tensor, mask: Tensor) -> Tensor:
    """Return the maximum over the real places of `states` [batch, time, dim], [batch, dim].

    A row without any real token gives zeros. Places that tie share the gradient, as in
    `torch.amax`: a token that occurs thirty times must not count thirty times.
    """
    if not torch.is_grad_enabled():
        highest, shortest = max_and_shortest(states, mask)
        return highest if shortest else highest.masked_fill(~mask.any(1, keepdim=True), 0.0)
    return cast(Tensor, _MaskedMax.apply(states, mask))  # type: ignore[no-untyped-call]


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Compute the softmax over the real places of `scores` [..., time]; 0 at padding.

    `mask` is broadcast to the shape of `scores`. A row without any real token gives zeros.
    """
    # the lowest number rather than -inf, which would make an empty row and its gradient NaN
    lowest = torch.finfo(scores.dtype).min
    return scores.masked_fill(~mask, lowest).softmax(-1).masked_fill(~mask, 0.0)


def last_state(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state at the last real place of `states` [batch, time, dim], [batch, dim].

    A row without any real token gives zeros.
    """
    last = (mask.sum(1) - 1).clamp(min=0)
    last_of_rows = states[torch.arange(len(states), device=states.device), last]
    return last_of_rows.masked_fill(~mask.any(1, keepdim=True), 0.0)


def first_state(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state at the first place of `states` [batch, time, dim], [batch, dim].

    A row without any real token gives zeros.
    """
    return states[:, 0].masked_fill(~mask[:, :1], 0.0)


def last_states(states: Tensor, mask: Tensor) -> Tensor:
    """Return the final state of each direction of `states` [batch, time, 2 x hidden].

    The left-to-right half is taken at the last real place, the right-to-left half at the first,
    since at the last it has read one token only.
    """
    ahead, back = states.chunk(2, dim=-1)
    return torch.cat([last_state(ahead, mask), first_state(back, mask)], dim=1)


def reverse_rows(states: Tensor, mask: Tensor) -> Tensor:
    """Reverse every row of `states` [batch, time, dim] within its own length.

    Padding stays on the right, so a right-to-left layer needs no packing.
    """
    time = states.shape[1]
    place = torch.arange(time, device=states.device)[None, :]
    mirrored = mask.sum(1, keepdim=True) - 1 - place
    source = torch.where(mask, mirrored, place)
    return states.gather(1, source[..., None].expand_as(states))
