"""Hangul syllables as jamo. The Unicode Standard, section 3.12, conjoining jamo behavior."""

from collections.abc import Iterator

_SYLLABLE, _SYLLABLES, _VOWELS, _FINALS = 0xAC00, 11172, 21, 28
_LEAD, _VOWEL, _NO_FINAL = 0x1100, 0x1161, 0x11A7


def split_syllables(text: str, *, always_three: bool = False) -> Iterator[str]:
    """Yield two or three jamo for each Hangul syllable, and other characters as they are.

    Args:
        text: NFC text.
        always_three: yield U+11A7, which is no letter, for a missing final consonant.
    """
    for character in text:
        number = ord(character) - _SYLLABLE
        if not 0 <= number < _SYLLABLES:
            yield character
            continue
        lead, rest = divmod(number, _VOWELS * _FINALS)
        vowel, final = divmod(rest, _FINALS)
        yield chr(_LEAD + lead)
        yield chr(_VOWEL + vowel)
        if final or always_three:
            yield chr(_NO_FINAL + final)
