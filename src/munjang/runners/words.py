"""Words as tokens."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from munjang.runners.tokenizer import TOKENIZERS, Tokenizer
from munjang.text.plain.capitals import SIGNS, restore_capitals
from munjang.text.plain.nfc import normalize_text
from munjang.text.plain.punctuation import attach_punctuation
from munjang.text.plain.words import keras_words, unicode_words


class WordTokenizer(Tokenizer):
    """Words of letters, numbers and marks; other symbols stand alone."""

    loose_punctuation = True

    def encode(self, text: str) -> list[Any]:
        """Return ids."""
        text = normalize_text(text) if self.settings["nfc"] else text
        return self.find(unicode_words(text, lower=self.settings["lower"]).strings())

    def join_tokens(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Join words by spaces."""
        joined = " ".join(self.names(ids))
        return f" {joined}" if goes_on and joined else joined

    def write(self, ids: Iterable[int]) -> str:
        """Return the text of the ids of an answer, with punctuation attached."""
        return attach_punctuation(self.decode(ids))


class KerasTokenizer(WordTokenizer):
    """Words as Keras cuts them."""

    def encode(self, text: str) -> list[Any]:
        """Return ids."""
        text = normalize_text(text) if self.settings["nfc"] else text
        return self.find(keras_words(text, lower=self.settings["lower"]))


class CapitalsTokenizer(WordTokenizer):
    """Words in lower case, with markers of their capitals."""

    def __init__(self, settings: dict[str, Any], tokens: Sequence[str], file: Path) -> None:
        super().__init__(settings, tokens, file)
        self.signs = [self.known[sign] for sign in SIGNS if sign in self.known]

    def encode(self, text: str) -> list[Any]:
        """Return ids."""
        words = unicode_words(normalize_text(text) if self.settings["nfc"] else text, lower=True)
        signs = [None, *(self.known.get(sign) for sign in SIGNS)]
        marks, ids = [signs[kind] for kind in words.capitals()], self.find(words.strings())
        pairs = zip(marks, ids, strict=True)
        return [number for pair in pairs for number in pair if number is not None]

    def names(self, ids: Iterable[int]) -> list[str]:
        """Return words with the capitals that the markers say."""
        return list(restore_capitals(super().names(ids)))


TOKENIZERS["words"] = WordTokenizer
TOKENIZERS["words of Keras"] = KerasTokenizer
TOKENIZERS["words with capitals"] = CapitalsTokenizer
