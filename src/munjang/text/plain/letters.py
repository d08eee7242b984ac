"""Texts with each character replaced by the letter of its class, for regular expressions."""

from collections.abc import Callable


class ClassLetters(dict[int, str]):
    """A table from code point to the letter of its class, for `str.translate`, filled on demand.

    Args:
        letter_of: function from a character to the letter of its class.
    """

    def __init__(self, letter_of: Callable[[str], str]) -> None:
        super().__init__()
        self._letter_of = letter_of

    def __missing__(self, point: int) -> str:
        self[point] = letter = self._letter_of(chr(point))
        return letter
