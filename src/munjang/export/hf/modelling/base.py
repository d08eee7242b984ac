"""The configuration, and batches of tokens."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

PAD, OOV, GO, EOS = 0, 1, 2, 3


class MunjangConfig(PreTrainedConfig):
    """Sizes of the network, and labels: the values of config.json."""

    model_type = "munjang"


class MunjangPreTrainedModel(PreTrainedModel):
    """Base of all models here."""

    config_class = MunjangConfig
    base_model_prefix = "network"


class Tokens(NamedTuple):
    """A batch of texts; the real tokens of each row come first.

    Attributes:
        ids: [batch, time], PAD at padding.
        mask: [batch, time], True = real token.
        letters: letters of words out of the vocabulary, [batch, time, letters], zeros for other
            tokens; None without such words.
    """

    ids: Tensor
    mask: Tensor
    letters: Tensor | None = None

    @property
    def lengths(self) -> Tensor:
        """Number of real tokens of each row, [batch]."""
        return self.mask.sum(1)

    def take(self, places: Tensor) -> "Tokens":
        """Return the tokens at `places` [batch, time], with the mask as it is."""
        letters = self.letters
        if letters is not None:
            letters = letters.gather(1, places[..., None].expand_as(letters))
        return Tokens(self.ids.gather(1, places), self.mask, letters)


def read_batch(
    input_ids: Tensor, attention_mask: Tensor | None, letters: Tensor | None = None
) -> tuple[Tokens, Tensor]:
    """Return the tokens of a batch that is padded on any side, and where each came from.

    The second result is for `put_back`, [batch, time].
    """
    ids = input_ids.long()
    mask = ids != PAD
    if attention_mask is not None:
        mask &= attention_mask.bool()
    if not ids.shape[1]:  # nothing but empty texts
        ids, mask, letters = F.pad(ids, (0, 1)), F.pad(mask, (0, 1)), None
    places = (~mask).long().argsort(dim=1, stable=True)
    tokens = Tokens(ids * mask, mask.gather(1, places), letters)
    return tokens.take(places), places


def put_back(states: Tensor, places: Tensor) -> Tensor:
    """Return states [batch, time, dim] in the order of the tokens as they were given."""
    return torch.empty_like(states).scatter(1, places[..., None].expand_as(states), states)
