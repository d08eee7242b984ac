"""Texts in which [MASK] stands for tokens."""

import re
from typing import Any

from munjang.export.onnx.runner.text import OOV, Encoder

_MASK = re.compile(r"\[MASK\]|<mask>")
MASKED = -1


class MaskEncoder(Encoder):
    """An encoder that gives the id -1 for each [MASK] of a text.

    Args:
        encoder: of everything else.
        settings: section `masks` of `munjang.json`.
    """

    def __init__(self, encoder: Encoder, settings: dict[str, Any]) -> None:
        self.encoder, self.settings = encoder, encoder.settings
        self.tokens, self.signs = encoder.tokens, encoder.signs
        self._mask, self._owns_spaces = settings["id"], settings["owns_spaces"]
        token = encoder.tokens[self._mask]
        self._token = token if self._mask != OOV and self._mask in self._ids(token) else None

    def name_of(self, number: int) -> str:
        """Return one token as people read it."""
        return self.encoder.name_of(number)

    def _ids(self, text: str) -> list[int]:
        return self.encoder.encode(text)[0]

    def encode(self, text: str) -> tuple[list[int], list[str]]:
        """Return ids; words out of the vocabulary are not spelled."""
        if not text:
            return self._ids(text), []
        pieces = _MASK.split(text)
        if len(pieces) == 1:
            raise ValueError(f"expected [MASK] in the text, got {text!r:.80}")
        if self._token is not None:
            ids = self._ids(self._token.join(pieces))
            return [MASKED if number == self._mask else number for number in ids], []
        row: list[int] = []
        for number, piece in enumerate(pieces):
            row += [MASKED] if number else []
            row += self._piece(piece, follows=number > 0, goes_on=number < len(pieces) - 1)
        return row, []

    def _piece(self, piece: str, *, follows: bool, goes_on: bool) -> list[int]:
        """Return the ids of a text between masks."""
        piece = piece.removesuffix(" ") if goes_on and self._owns_spaces else piece
        if not piece:
            return []
        if follows and self.settings["name"] == "subwords":
            # at the start of a text they would read a space before the first word
            before, ids = self._ids("#"), self._ids("#" + piece)
            if ids[: len(before)] == before:
                return ids[len(before) :]
        return self._ids(piece)
