"""Characters that join the one before them: marks, and letters that complete a Hangul syllable.

    e  ◌́          é
    ᄒ  ᅡ  ᆫ       한

What is shown of a text, or said of it, is never cut before such a character.
"""

import unicodedata
from functools import cache, lru_cache

from munjang.text.plain.inert import BEFORE_INERT

_DECOMPOSED = 0x30000  # no character from here on is composed
# Conjoining jamo, modern and old: what begins a syllable, and what may follow in it.
_INITIALS = (("\u1100", "\u115f"), ("\ua960", "\ua97c"))
_VOWELS = (("\u1160", "\u11a7"), ("\ud7b0", "\ud7c6"))
_FINALS = (("\u11a8", "\u11ff"), ("\ud7cb", "\ud7fb"))


def joins(character: str) -> bool:
    """Return whether a character may be one with the character before it."""
    if BEFORE_INERT.match(character):
        return unicodedata.category(character)[0] == "M"
    return _joins(character)


@lru_cache(maxsize=1 << 16)
def _joins(character: str) -> bool:
    first = unicodedata.normalize("NFD", character)[0]
    if unicodedata.combining(first) or unicodedata.category(first)[0] == "M":
        return True
    return _is_in(first, _VOWELS + _FINALS) or first in _second_parts()


@cache
def _second_parts() -> frozenset[str]:
    """Return the characters that end a canonical decomposition of two; Hangul has none here."""
    parts = (unicodedata.decomposition(chr(point)).split() for point in range(_DECOMPOSED))
    pairs = (pair for pair in parts if len(pair) == 2 and not pair[0].startswith("<"))
    return frozenset(chr(int(second, 16)) for _, second in pairs)


def awaits_jamo(text: str) -> bool:
    """Return whether a text ends in a conjoining jamo that others may follow in its syllable."""
    return _is_in(text[-1:], _INITIALS + _VOWELS)


def _is_in(character: str, ranges: tuple[tuple[str, str], ...]) -> bool:
    return any(first <= character <= last for first, last in ranges)
