"""Units of character n-grams: letters, or the jamo of Hangul syllables."""

from collections.abc import Callable
from typing import Literal

from munjang.text.plain.jamo import split_syllables

# Units of the n-grams: the letters of a token, or the jamo of its Hangul syllables.
SubwordUnits = Literal["letters", "jamo"]


def cut_letters(token: str) -> list[int]:
    """Return the code points of a token."""
    return [ord(letter) for letter in token]


def cut_jamo(token: str) -> list[int]:
    """Return the code points of a token, with three jamo for each Hangul syllable."""
    return [ord(letter) for letter in split_syllables(token, always_three=True)]


UNITS: dict[SubwordUnits, Callable[[str], list[int]]] = {
    "letters": cut_letters,
    "jamo": cut_jamo,
}
