"""Pieces of the library tokenizers: BPE, unigram and WordPiece."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tokenizers

from munjang.export.onnx.runner.text import (
    ENCODERS,
    EOS,
    GO,
    OOV,
    PAD,
    ClassLetters,
    Encoder,
    compose,
)

_LONGEST_PRETOKEN = 64
_SWAPPED = {ord(" "): "\u2581", ord("\u2581"): " "}
_PRETOKEN = re.compile(r"(?:_m*)?(?:L[Lm]*|N[Nm]*|P[Pm]*|S[Sm]*|B[Bm]*|#m*)|_m*")


def piece_class(character: str) -> str:
    """Return the class of a character; _ is the sign of a space, m a mark."""
    if character in "\u2581#":
        return "_" if character == "\u2581" else "#"
    category = unicodedata.category(character)
    if category == "So":
        return "S"
    if category in ("Cf", "Sk"):
        return "P" if character.isascii() else "m"
    if category[0] == "S":
        return "P"
    return {"L": "L", "N": "N", "M": "m", "P": "P", "Z": "B"}.get(category[0], "B")


_piece_classes = ClassLetters(piece_class)


def _pretokens(text: str) -> list[str]:
    """Split a text into runs of one class, each with the space before it."""
    if not text:
        return []
    swapped = "\u2581" + text.translate(_SWAPPED)
    spans = (found.span() for found in _PRETOKEN.finditer(swapped.translate(_piece_classes)))
    return [
        swapped[place : min(place + _LONGEST_PRETOKEN, end)]
        for start, end in spans
        for place in range(start, end, _LONGEST_PRETOKEN)
    ]


class SubwordEncoder(Encoder):
    """A model that munjang trained, on pre-tokens of its own."""

    def __init__(self, settings: dict[str, Any], folder: Path, prefix: str = "") -> None:
        super().__init__(settings, folder, prefix)
        self.library = tokenizers.Tokenizer.from_file(str(folder / f"{prefix}tokenizer.json"))

    def encode(self, text: str) -> tuple[list[int], list[str]]:
        """Return ids."""
        pieces = _pretokens(compose(text))
        found = self.library.encode(pieces, is_pretokenized=True, add_special_tokens=False)
        return list(found.ids), []

    def join(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Join pieces; the sign of a space becomes one."""
        mark = self.settings["continuation"]
        pieces = (name.removeprefix(mark).replace("\u2581", " ") for name in self.names(ids))
        text = "".join(pieces)
        return text if goes_on else text.removeprefix(" ")


class LibraryEncoder(SubwordEncoder):
    """A tokenizer of the library as it is; its ids are translated."""

    def __init__(self, settings: dict[str, Any], folder: Path, prefix: str = "") -> None:
        super().__init__(settings, folder, prefix)
        self.library.encode_special_tokens = True  # those that a text spells are text

    def encode(self, text: str) -> tuple[list[int], list[str]]:
        """Return ids."""
        adds = self.settings["post_process"]
        found = self.library.encode(text, add_special_tokens=adds)
        ours, ids = self.settings["ids"], []
        for number, is_added in zip(found.ids, found.special_tokens_mask, strict=True):
            known = ours[number]
            # a special token that is spelled in a text is none
            is_spelled = known in (PAD, GO, EOS) and not (adds and is_added)
            ids.append(OOV if is_spelled else known)
        return ids, []

    def join(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Decode as the library does, without special tokens."""
        hidden = self.settings["hidden"]
        tokens = self.names(number for number in ids if number not in hidden)
        decoder = self.library.decoder
        return " ".join(tokens) if decoder is None else str(decoder.decode(tokens))

    def name_of(self, number: int) -> str:
        """Return one token as people read it."""
        if number == EOS or not self.settings["decodes"]:
            return super().name_of(number)
        text = self.join([number], goes_on=False).removeprefix("##")
        return text.strip() or self.tokens[number]


ENCODERS |= {"subwords": SubwordEncoder, "library": LibraryEncoder}
