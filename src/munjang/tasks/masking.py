"""Masking of tokens that a model learns to predict.

Devlin et al. (2018), section 3.1: of the chosen tokens 80 % are replaced by [MASK] and 10 % by a
random token; 10 % stay as they are, so that a state never knows that its token is right. The choice
is drawn anew in every step ("dynamic masking", Liu et al. 2019), of tokens or of whole words (the
"whole word masking" of Devlin's later checkpoints).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from munjang.data.batches import Batch
from munjang.text.vocabulary import RESERVED

# Sorts behind every draw, which are below 1.
_NEVER = 2.0


@dataclass(frozen=True)
class MaskedBatch:
    """Some rows with masked tokens.

    Attributes:
        ids: [batch, time] int64, some of them masked, PAD on the right.
        mask: [batch, time], True for tokens and False for padding.
        places: chosen places of the flattened ids, [chosen] int64.
        rows: index of each row in its dataset, [batch] int64.
        targets: the ids before masking at the chosen places, [chosen] int64; then a label per row
            where pairs of texts are judged (`munjang.tasks.sentence_pairs`), [chosen + batch].
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

    @property
    def row_sizes(self) -> Tensor:
        """Number of tokens of each row, [batch]."""
        return self.mask.sum(1)

    def take(self, rows: Tensor) -> "MaskedBatch":
        """Return the rows at some places, in that order."""
        count = len(self.places)
        is_chosen = torch.zeros_like(self.mask).flatten()
        is_chosen[self.places] = True
        originals = torch.zeros_like(self.ids).flatten()
        originals[self.places] = self.targets[:count]
        chosen = is_chosen.view_as(self.mask)[rows]
        targets = originals.view_as(self.ids)[rows][chosen]
        labels = self.targets[count:]  # one per row, or none
        return MaskedBatch(
            ids=self.ids[rows],
            mask=self.mask[rows],
            places=chosen.flatten().nonzero()[:, 0],
            rows=self.rows[rows],
            targets=torch.cat([targets, labels[rows]]) if len(labels) else targets,
            size=int(self.mask[rows].sum()),
        )

    def to(self, device: torch.device) -> "MaskedBatch":
        """Return the batch on another device."""
        moved: dict[str, Any] = {
            name: value.to(device) if isinstance(value, Tensor) else value
            for name, value in vars(self).items()
        }
        return MaskedBatch(**moved)


@dataclass(frozen=True)
class Masking:
    """How tokens are chosen and replaced.

    Attributes:
        mask_id: id of [MASK].
        vocabulary_size: number of ids; ids from there on are OOV words.
        masked_share: share of the chosen tokens that [MASK] replaces.
        random_share: share of the chosen tokens that a random token replaces; the rest stays.
        continues: True for ids that continue a word [vocabulary size], to choose whole words; None
            chooses tokens.
        excluded: further ids that are never chosen, such as those of capital markers.
    """

    mask_id: int
    vocabulary_size: int
    masked_share: float = 0.8
    random_share: float = 0.1
    continues: Tensor | None = None
    excluded: tuple[int, ...] = ()

    def mask(self, batch: Batch, generator: torch.Generator, rate: float) -> MaskedBatch:
        """Choose tokens to predict, at least one per row that has any, and mask them.

        Args:
            batch: the rows.
            generator: draws the choice; on the device of the batch.
            rate: share of the tokens to choose, 0 to 1.
        """
        places = self.choose(batch.ids, generator, rate).flatten().nonzero()[:, 0]
        flat = batch.ids.flatten()
        targets = flat[places]
        draws = torch.rand(len(places), generator=generator, device=places.device)
        others = torch.randint(
            len(RESERVED),
            max(self.vocabulary_size, len(RESERVED) + 1),
            places.shape,
            generator=generator,
            device=places.device,
        )
        replaced = torch.where(draws < self.masked_share + self.random_share, others, targets)
        replaced = replaced.masked_fill_(draws < self.masked_share, self.mask_id)
        ids = flat.index_copy(0, places, replaced).view_as(batch.ids)
        return MaskedBatch(ids, batch.mask, places, batch.rows, targets, batch.size)

    def choose(self, ids: Tensor, generator: torch.Generator, rate: float) -> Tensor:
        """Choose a share of the tokens of each row, rounded, but at least one if there is any.

        Reserved tokens, [MASK] itself, OOV words and `excluded` ids are never chosen. Whole words
        come as near to the share as they can: words are drawn until the middle of the next one lies
        beyond it. A word of more than twice the share is left out; if a row has no other, single
        tokens of it are chosen.

        Returns:
            True for chosen tokens, [batch, time].
        """
        is_token = (ids >= len(RESERVED)) & (ids < self.vocabulary_size)
        for number in (self.mask_id, *self.excluded):
            is_token &= ids != number
        tokens = is_token.sum(1, keepdim=True)
        wanted = (tokens * rate).round().long().clamp_(min=1).minimum(tokens)
        if self.continues is None or not ids.numel():
            return _choose_tokens(is_token, wanted, generator)
        words = self._number_words(ids)
        chosen = _choose_words(words, is_token, wanted, generator)
        # drawn for all rows, so that a row's tokens do not depend on its neighbors' words
        singly = _choose_tokens(is_token, wanted, generator)
        return torch.where(chosen.any(1, keepdim=True), chosen, singly)

    def _number_words(self, ids: Tensor) -> Tensor:
        """Return the number of each token's word among those of all rows, [batch, time]."""
        assert self.continues is not None
        continues = self.continues.to(ids.device)[ids.clamp(max=self.vocabulary_size - 1)]
        begins = ~(continues & (ids < self.vocabulary_size))
        begins[:, 0] = True
        # what follows a reserved token, such as GO, begins a word
        begins[:, 1:] |= ids[:, :-1] < len(RESERVED)
        return begins.flatten().cumsum(0).sub_(1).view_as(ids)


def _choose_tokens(is_token: Tensor, wanted: Tensor, generator: torch.Generator) -> Tensor:
    """Choose `wanted` [batch, 1] tokens of each row at random, [batch, time]."""
    if not is_token.numel():
        return is_token
    draws = torch.rand(is_token.shape, generator=generator, device=is_token.device)
    draws = draws.masked_fill_(~is_token, _NEVER)
    last = draws.sort(1).values.gather(1, (wanted - 1).clamp(min=0))
    return (draws <= last) & is_token


def _choose_words(
    words: Tensor, is_token: Tensor, wanted: Tensor, generator: torch.Generator
) -> Tensor:
    """Choose words of about `wanted` [batch, 1] tokens in each row, [batch, time].

    Args:
        words: number of each token's word, [batch, time].
        is_token: True for tokens that may be chosen, [batch, time].
        wanted: number of tokens to choose, [batch, 1].
        generator: draws the order of the words.
    """
    count = int(words[-1, -1]) + 1
    lengths = torch.bincount(words[is_token], minlength=count)[words]
    draws = torch.rand(count, generator=generator, device=words.device, dtype=torch.float64)
    draws = draws[words].masked_fill_(~is_token | (lengths > 2 * wanted), _NEVER)
    # of the tokens in the order of the draws, those of a word stand together
    before = torch.searchsorted(draws.sort(1).values, draws)
    return (draws < _NEVER) & (2 * before + lengths <= 2 * wanted)
