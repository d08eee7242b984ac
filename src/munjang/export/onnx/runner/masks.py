"""The likeliest tokens of each [MASK] of a text."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from munjang.export.onnx.runner.model import MODELS, Model
from munjang.export.onnx.runner.text import EOS, GO, OOV, PAD, Array, Encoder
from munjang.export.onnx.runner.tokens import name_likeliest

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


class MaskedModel(Model):
    """A masked language model."""

    def make_encoder(self, folder: Path) -> Encoder:
        """Return the encoder of texts with masks."""
        return MaskEncoder(super().make_encoder(folder), self.card["masks"])

    def mask_logits(self, text: Any) -> tuple[Array, bool]:
        """Return the logits of each [MASK], [masks, vocabulary], and whether the text was cut."""
        (row,), _, is_cut = self.reader.row(text)
        places = [place for place, number in enumerate(row) if number == MASKED]
        if not places:
            return np.zeros((0, len(self.encoder.tokens)), np.float32), is_cut
        ids = [self.card["masks"]["id"] if number == MASKED else number for number in row]
        feeds = self.feeds([([ids], [], is_cut)])
        feeds["rows"] = np.zeros(len(places), dtype=np.int64)
        feeds["places"] = np.array(places, dtype=np.int64)
        return self.graphs["masked"].run(None, feeds)[0], is_cut

    def answers(
        self, values: list[Any], *, top: int = 5, **options: Any
    ) -> Iterator[dict[str, Any]]:
        """Yield the `top` likeliest tokens of each mask."""
        hidden = [PAD, OOV, GO, EOS, self.card["masks"]["id"], *self.encoder.signs]
        for value in values:
            logits, is_cut = self.mask_logits(value)
            logits[:, hidden] = -np.inf
            masks = [name_likeliest(self.encoder, row, top) for row in logits]
            yield {"masks": masks, "truncated": is_cut}


MODELS["masked_lm"] = MaskedModel
