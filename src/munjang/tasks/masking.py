"""Masking of tokens that a model learns to predict.

Devlin et al. (2018), section 3.1: of the chosen tokens 80 % are replaced by [MASK] and 10 % by a
random token; 10 % stay as they are, so that a state never knows that its token is right. The choice
is drawn anew in every step ("dynamic masking", Liu et al. 2019).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from munjang.data.batches import Batch
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary

# Tokens that stand for a masked place, if the vocabulary has one.
MASK_TOKENS = ("[MASK]", "<mask>")


@dataclass(frozen=True)
class MaskedBatch:
    """Some rows with masked tokens.

    Attributes:
        ids: [batch, time] int64, some of them masked, PAD on the right.
        mask: [batch, time], True for tokens and False for padding.
        places: chosen places of the flattened ids, [chosen] int64.
        rows: index of each row in its dataset, [batch] int64.
        targets: the ids before masking at the chosen places, [chosen] int64.
        size: number of tokens, padding not counted.
    """

    ids: Tensor
    mask: Tensor
    places: Tensor
    rows: Tensor
    targets: Tensor
    size: int

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The arguments of the network."""
        return self.ids, self.mask, self.places

    def to(self, device: torch.device) -> "MaskedBatch":
        """Return the batch on another device."""
        moved: dict[str, Any] = {
            name: value.to(device) if isinstance(value, Tensor) else value
            for name, value in vars(self).items()
        }
        return MaskedBatch(**moved)


def find_mask_id(vocabulary: Vocabulary) -> int:
    """Return the id of [MASK]; OOV if the vocabulary has no such token."""
    tokens = vocabulary.tokens
    return next((tokens.index(token) for token in MASK_TOKENS if token in tokens), OOV)


def mask_batch(
    batch: Batch,
    generator: torch.Generator,
    *,
    rate: float,
    mask_id: int,
    vocabulary_size: int,
) -> MaskedBatch:
    """Choose tokens to predict, at least one per row that has any, and mask them.

    Args:
        batch: the rows.
        generator: draws the choice.
        rate: share of the tokens to choose, 0 to 1.
        mask_id: id of [MASK].
        vocabulary_size: random tokens are drawn from the ids after the reserved ones below it.
    """
    chosen = choose_tokens(batch.ids, generator, rate=rate, mask_id=mask_id)
    places = chosen.flatten().nonzero()[:, 0]
    targets = batch.ids.flatten()[places]
    draws = torch.rand(len(places), generator=generator, device=places.device)
    others = torch.randint(
        len(RESERVED), vocabulary_size, places.shape, generator=generator, device=places.device
    )
    replaced = torch.where(draws < 0.9, others, targets).masked_fill(draws < 0.8, mask_id)
    ids = batch.ids.flatten().index_copy(0, places, replaced).view_as(batch.ids)
    return MaskedBatch(ids, batch.mask, places, batch.rows, targets, batch.size)


def choose_tokens(ids: Tensor, generator: torch.Generator, *, rate: float, mask_id: int) -> Tensor:
    """Choose a share of the tokens of each row, rounded, but at least one if there is any.

    Reserved tokens and [MASK] itself are never chosen.

    Returns:
        True for chosen tokens, [batch, time].
    """
    is_token = (ids >= len(RESERVED)) & (ids != mask_id)
    draws = torch.rand(ids.shape, generator=generator, device=ids.device)
    ranks = draws.masked_fill(~is_token, 2.0).argsort(1).argsort(1)
    tokens = is_token.sum(1, keepdim=True)
    wanted = (tokens * rate).round().clamp(min=1).minimum(tokens)
    return (ranks < wanted) & is_token
