"""Units of character n-grams: letters, or the jamo of Hangul syllables."""

from collections.abc import Callable
from typing import Literal

# Units of the n-grams: the letters of a token, or the jamo of its Hangul syllables.
SubwordUnits = Literal["letters", "jamo"]
# First Hangul syllable, number of syllables, and the first of each kind of jamo (The Unicode
# Standard, section 3.12). The code point before the first final consonant stands for "none".
_SYLLABLE, _SYLLABLES, _VOWELS, _FINALS = 0xAC00, 11172, 21, 28
_FIRST_LEAD, _FIRST_VOWEL, _NO_FINAL = 0x1100, 0x1161, 0x11A7


def cut_letters(token: str) -> list[int]:
    """Return the code points of a token."""
    return [ord(letter) for letter in token]


def cut_jamo(token: str) -> list[int]:
    """Return the code points of a token, with three jamo for each Hangul syllable."""
    points: list[int] = []
    for point in map(ord, token):
        number = point - _SYLLABLE
        if not 0 <= number < _SYLLABLES:
            points.append(point)
            continue
        lead, rest = divmod(number, _VOWELS * _FINALS)
        vowel, final = divmod(rest, _FINALS)
        points += (_FIRST_LEAD + lead, _FIRST_VOWEL + vowel, _NO_FINAL + final)
    return points


UNITS: dict[SubwordUnits, Callable[[str], list[int]]] = {
    "letters": cut_letters,
    "jamo": cut_jamo,
}
