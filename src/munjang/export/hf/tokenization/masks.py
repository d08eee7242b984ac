"""Texts in which [MASK] stands for tokens."""

from pathlib import Path
from typing import Any

from munjang.export.hf.tokenization.tokenizer import MunjangTokenizer
from munjang.export.onnx.runner.masked_text import MASKED, MaskEncoder
from munjang.export.onnx.runner.text import Encoder

MASK = "[MASK]"


class MaskedTextEncoder(MaskEncoder):
    """An encoder that gives the id of the mask for each [MASK] of a text."""

    def encode(self, text: str) -> tuple[list[int], list[str]]:
        """Return ids."""
        if MASK not in text and "<mask>" not in text:
            return self.encoder.encode(text)[0], []
        ids, words = super().encode(text)
        return [self._mask if number == MASKED else number for number in ids], words

    def join(self, ids: Any, *, goes_on: bool) -> str:
        """Return the text of ids."""
        return self.encoder.join(ids, goes_on=goes_on)


class MunjangMaskTokenizer(MunjangTokenizer):
    """A tokenizer that reads [MASK]."""

    def make_encoder(self, settings: dict[str, Any], folder: Path) -> Encoder:
        """Return what cuts a text into tokens, and knows masks."""
        return MaskedTextEncoder(super().make_encoder(settings, folder), settings["masks"])

    def get_vocab(self) -> dict[str, int]:
        """Return the id of each token, and of [MASK]."""
        return {**self.ids, MASK: self.text_encoder.settings["masks"]["id"]}

    def _convert_token_to_id(self, token: str) -> int:
        return self.get_vocab().get(token, 1)
