"""Texts in which [MASK] stands for tokens."""

import re
from collections.abc import Sequence
from typing import Any

from munjang.runners.tokenizer import Tokenizer
from munjang.text.plain.ids import OOV

_MASK = re.compile(r"\[MASK\]|<mask>")
MASKED = -1


class MaskTokenizer(Tokenizer):
    """A tokenizer that gives the id -1 for each [MASK] of a text.

    Args:
        tokenizer: of everything else.
        masks: section `masks` of `munjang.json`.
    """

    def __init__(self, tokenizer: Tokenizer, masks: dict[str, Any]) -> None:
        super().__init__(tokenizer.settings, tokenizer.tokens, tokenizer.file)
        self.tokenizer, self.signs = tokenizer, tokenizer.signs
        self._mask, self._owns_spaces = masks["id"], masks["owns_spaces"]
        token = tokenizer.tokens[self._mask]
        is_known = self._mask != OOV and self._mask in tokenizer.encode(token)
        self._token = token if is_known else None

    def name_of(self, number: int) -> str:
        """Return one token as people read it."""
        return self.tokenizer.name_of(number)

    def join_tokens(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Return the text of ids."""
        return self.tokenizer.join_tokens(ids, goes_on=goes_on)

    def encode(self, text: str) -> list[Any]:
        """Return ids."""
        pieces = _MASK.split(text)
        if not text:
            return self.tokenizer.encode(text)
        if len(pieces) == 1:
            raise ValueError(f"expected [MASK] in the text, got {text!r:.80}")
        if self._token is not None:
            ids = self.tokenizer.encode(self._token.join(pieces))
            return [MASKED if number == self._mask else number for number in ids]
        row: list[Any] = []
        for number, piece in enumerate(pieces):
            row += [MASKED] if number else []
            row += self._piece(piece, follows=number > 0, goes_on=number < len(pieces) - 1)
        return row

    def _piece(self, piece: str, *, follows: bool, goes_on: bool) -> list[Any]:
        """Return the ids of a text between masks."""
        encode = self.tokenizer.encode
        piece = piece.removesuffix(" ") if goes_on and self._owns_spaces else piece
        if not piece:
            return []
        if follows and self.settings["name"] == "subwords":
            # at the start of a text they would read a space before the first word
            before, ids = encode("#"), encode("#" + piece)
            if ids[: len(before)] == before:
                return ids[len(before) :]
        return encode(piece)
