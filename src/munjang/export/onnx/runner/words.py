"""Words as tokens."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from munjang.export.onnx.runner.text import ENCODERS, OOV, ClassLetters, Encoder, compose

CAPITAL, CAPITALS = "<\u21e7>", "<\u21ea>"
_KERAS = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))
_WORD = re.compile(r"m*w[wmfj]*|m+|s(?:[mfj]|(?<=j)s)*+")


def word_class(character: str) -> str:
    """Return space, w(ord), s(ymbol), m(ark), f(ormat) or j(oiner)."""
    if character == "\u200d":
        return "j"
    if "\U0001f3fb" <= character <= "\U0001f3ff":  # skin tones
        return "m"
    category = unicodedata.category(character)
    if category == "Cf":
        return "f"
    if category == "Cc" or category[0] == "Z":
        return " "
    return {"L": "w", "N": "w", "M": "m"}.get(category[0], "s")


_word_classes = ClassLetters(word_class)


class WordEncoder(Encoder):
    """Words of Unicode or of Keras, perhaps with markers of their capitals."""

    def __init__(self, settings: dict[str, Any], folder: Path, prefix: str = "") -> None:
        super().__init__(settings, folder, prefix)
        self.signs = [self.known[sign] for sign in (CAPITAL, CAPITALS) if sign in self.known]

    def encode(self, text: str) -> tuple[list[int], list[str]]:
        """Return ids, and the word of each OOV, in order."""
        ids: list[int] = []
        unknown = []
        for word, mark in self._cut(compose(text) if self.settings["nfc"] else text):
            if mark in self.known:
                ids.append(self.known[mark])
            ids.append(self.known.get(word, OOV))
            if ids[-1] == OOV:
                unknown.append(word)
        return ids, unknown

    def _cut(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield words, each with the marker of its capitals, "" for none."""
        lower = self.settings["lower"]
        if self.settings["split"] == "keras":
            cut = (text.lower() if lower else text).translate(_KERAS).split(" ")
            yield from ((word, "") for word in cut if word)
            return
        given = text.replace("\u0130", "I\u0307") if lower else text
        lowered, classes, is_first = (
            text.lower() if lower else text,
            given.translate(_word_classes),
            True,
        )
        for found in _WORD.finditer(classes):
            start, end = found.span()
            mark = ""
            if self.settings["capitals"] and classes[start] == "w" and given[start] <= "\uffff":
                mark = _find_marker(given[start:end], lowered[start:end], is_first=is_first)
                is_first = False
            yield lowered[start:end], mark

    def join(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Join words by spaces, with the capitals that the markers say."""
        joined = " ".join(_restore_capitals(self.names(ids)))
        return f" {joined}" if goes_on and joined else joined


def _find_marker(given: str, lowered: str, *, is_first: bool) -> str:
    if given[0] == lowered[0]:
        return ""
    pairs = list(zip(given, lowered, strict=True))
    small = (a == b and a <= "\uffff" and unicodedata.category(a) == "Ll" for a, b in pairs)
    if sum(a != b for a, b in pairs) > 1 and not any(small):
        return CAPITALS
    return "" if is_first else CAPITAL


def _restore_capitals(tokens: Sequence[str]) -> Iterator[str]:
    mark = ""
    for token in tokens:
        if token in (CAPITAL, CAPITALS):
            mark = token
            continue
        if mark:
            token = token.upper() if mark == CAPITALS else token[:1].title() + token[1:]
        yield token
        mark = ""


ENCODERS["words"] = WordEncoder
