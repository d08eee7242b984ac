"""Characters, jamo and bytes as tokens."""

from collections.abc import Sequence
from typing import Any

from munjang.runners.tokenizer import TOKENIZERS, Tokenizer
from munjang.text.plain.ids import OOV, UNKNOWN
from munjang.text.plain.jamo import split_syllables
from munjang.text.plain.nfc import normalize_text


class CharacterTokenizer(Tokenizer):
    """One id per character."""

    def encode(self, text: str) -> list[Any]:
        """Return ids."""
        text = normalize_text(text)
        return self.find(map(_lower, text) if self.settings["lower"] else text)

    def join_tokens(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Join characters."""
        return "".join(self.names(ids))


def _lower(character: str) -> str:
    """Return the lower case by Unicode's simple mapping: one character."""
    return {"\u0130": "i", "\u03a3": "\u03c3"}.get(character) or character.lower()


class JamoTokenizer(Tokenizer):
    """Two or three ids per Hangul syllable, one per other character."""

    composes = True

    def encode(self, text: str) -> list[Any]:
        """Return ids."""
        return self.find(split_syllables(normalize_text(text)))

    def join_tokens(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Join jamo to syllables."""
        return normalize_text("".join(self.names(ids)))


class ByteTokenizer(Tokenizer):
    """One id per byte of UTF-8."""

    writing = "any"

    def encode(self, text: str) -> list[Any]:
        """Return ids."""
        return self.find(f"{byte:02x}" for byte in normalize_text(text).encode())

    def join_tokens(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Decode bytes; what is no UTF-8 reads as U+FFFD."""
        parts = (UNKNOWN.encode() if n == OOV else bytes.fromhex(self.tokens[n]) for n in ids)
        return b"".join(parts).decode(errors="replace")


TOKENIZERS["characters"] = CharacterTokenizer
TOKENIZERS["jamo"] = JamoTokenizer
TOKENIZERS["bytes"] = ByteTokenizer
