"""Texts in which [MASK] stands for tokens."""

from pathlib import Path
from typing import Any

from munjang.export.hf.tokenization.tokenizer import MunjangTokenizer
from munjang.runners.masks import MASKED, MaskTokenizer
from munjang.runners.tokenizer import Tokenizer

MASK = "[MASK]"


class MaskIdTokenizer(MaskTokenizer):
    """A tokenizer that gives the id of the mask for each [MASK] of a text."""

    def encode(self, text: str) -> list[Any]:
        """Return ids."""
        if MASK not in text and "<mask>" not in text:
            return self.tokenizer.encode(text)
        return [self._mask if number == MASKED else number for number in super().encode(text)]


class MunjangMaskTokenizer(MunjangTokenizer):
    """A tokenizer that reads [MASK]."""

    def make_tokenizer(self, settings: dict[str, Any], folder: Path) -> Tokenizer:
        """Return what cuts a text into tokens, and knows masks."""
        return MaskIdTokenizer(super().make_tokenizer(settings, folder), settings["masks"])

    def get_vocab(self) -> dict[str, int]:
        """Return the id of each token, and of [MASK]."""
        return {**self.ids, MASK: self.text_tokenizer.settings["masks"]["id"]}

    def _convert_token_to_id(self, token: str) -> int:
        return self.get_vocab().get(token, 1)
