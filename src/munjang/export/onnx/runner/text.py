"""Texts, and the base of what turns them into ids."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FORMAT = 1
PAD, OOV, GO, EOS = 0, 1, 2, 3
UNKNOWN = "\ufffd"
Array = npt.NDArray[Any]

# What Unicode lets software ignore: a text of nothing else counts as empty.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_VISIBLE = re.compile(rf"[^\s\x00-\x20\x7f-\xa0{_IGNORABLE}]")


def check_text(text: Any) -> str:
    """Return a text, "" for one without visible characters."""
    if not isinstance(text, str):
        raise ValueError(f"expected a string, got {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds half of a surrogate pair, which is no character") from None
    return text if _VISIBLE.search(text) else ""


def compose(text: str) -> str:
    """Normalize to NFC."""
    if len(text) > 1000 and not unicodedata.is_normalized("NFC", text):
        # sorted here, as unicodedata takes quadratic time for a long run of marks
        for mark in "\u0f73\u0f75\u0f81":
            text = text.replace(mark, unicodedata.normalize("NFD", mark))
        runs = groupby(text, key=lambda character: unicodedata.combining(character) > 0)
        text = "".join(
            "".join(sorted(run, key=unicodedata.combining) if are_marks else run)
            for are_marks, run in runs
        )
    return unicodedata.normalize("NFC", text)


class ClassLetters(dict[int, str]):
    """The letter of the class of each character, for `str.translate`."""

    def __init__(self, class_of: Callable[[str], str]) -> None:
        super().__init__()
        self._class_of = class_of

    def __missing__(self, point: int) -> str:
        self[point] = letter = self._class_of(chr(point))
        return letter


class Encoder:
    """Texts to ids. A subclass implements `encode` and `join`.

    Args:
        settings: section `tokenizer` of `munjang.json`.
        folder: holds `vocabulary.json` and, for subwords, `tokenizer.json`.
        prefix: of the names of these files.
    """

    def __init__(self, settings: dict[str, Any], folder: Path, prefix: str = "") -> None:
        self.settings = settings
        vocabulary = (folder / f"{prefix}vocabulary.json").read_text("utf-8")
        self.tokens: list[str] = json.loads(vocabulary)
        self.known = {token: n for n, token in enumerate(self.tokens) if n > EOS}
        self.signs: list[int] = []

    def encode(self, text: str) -> tuple[list[int], list[str]]:
        """Return ids, and the word of each OOV, in order, of a tokenizer of words."""
        raise NotImplementedError

    def find(self, tokens: Iterable[str]) -> list[int]:
        """Return the ids of tokens."""
        return [self.known.get(token, OOV) for token in tokens]

    def decode(self, ids: Sequence[int], *, goes_on: bool = False) -> str:
        """Return the text of ids without PAD, GO and EOS; OOV reads as U+FFFD.

        Args:
            ids: ids.
            goes_on: True if a text stands before them, which keeps the space between.
        """
        return self.join([n for n in ids if n not in (PAD, GO, EOS)], goes_on=goes_on)

    def join(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Return the text of ids."""
        raise NotImplementedError

    def name_of(self, number: int) -> str:
        """Return one token as people read it."""
        token = self.tokens[number]
        text = token.removeprefix("##").replace("\u2581", " ")
        return "\\n" if number == EOS else text.strip() or token

    def names(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of ids; OOV reads as U+FFFD."""
        return [UNKNOWN if number == OOV else self.tokens[number] for number in ids]


# The encoder of each tokenizer, by the name in `munjang.json`.
ENCODERS: dict[str, type[Encoder]] = {}


def pad(rows: Sequence[Sequence[int]]) -> tuple[Array, Array]:
    """Return ids [batch, time], at least one column, and lengths [batch]."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    ids = np.zeros((len(rows), max(1, int(lengths.max(initial=0)))), dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    return ids, lengths
