"""State of the language model `transformer`."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from munjang.layers.beams import pick_hypotheses
from munjang.layers.key_value_cache import KeyValueCache
from munjang.models.language.lone_text import LoneText


@dataclass(frozen=True)
class TransformerLanguageState:
    """State of the language model.

    Attributes:
        cache: keys and values of the tokens of the present window.
        earlier: the last tokens before those of `text`, [rows, beam, context + before]; PAD on the
            left where there are fewer.
        text: takes the steps that follow if there is one hypothesis, or None. It may have read
            more tokens, by states that follow this one.
        read: number of the tokens of `text` that this state has read.
    """

    cache: KeyValueCache
    earlier: Tensor
    text: LoneText | None = None
    read: int = 0

    @property
    def recent(self) -> Tensor:
        """The last tokens, [rows, beam, context + before]; PAD on the left."""
        if self.text is None or not self.read:
            return self.earlier
        added = self.earlier.new_tensor(self.text.ids[: self.read])[None, None]
        return torch.cat([self.earlier, added], dim=2)[..., self.read :]

    def pick(self, parents: Tensor) -> "TransformerLanguageState":
        """Return the state of new hypotheses: see `State.pick`."""
        return TransformerLanguageState(
            self.cache.pick(parents), pick_hypotheses(self.recent, parents)
        )

    def keep(self, rows: Tensor) -> "TransformerLanguageState":
        """Return the state of some rows: see `State.keep`."""
        return TransformerLanguageState(self.cache.keep(rows), self.recent[rows])

    def join(self, others: Sequence["TransformerLanguageState"]) -> "TransformerLanguageState":
        """Return one state of all rows: see `State.join`."""
        return TransformerLanguageState(
            self.cache.join([other.cache for other in others]),
            torch.cat([self.recent, *(other.recent for other in others)]),
        )
