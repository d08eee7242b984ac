"""Classes of characters as regular expressions, which name every character.

They are those of this Python's Unicode tables; the ones that the library tokenizers has may be of
another version of Unicode.
"""

import sys
from collections.abc import Callable, Iterable
from functools import lru_cache


def list_characters() -> Iterable[str]:
    """Yield all characters but surrogates."""
    yield from map(chr, range(0xD800))
    yield from map(chr, range(0xE000, sys.maxunicode + 1))


@lru_cache(maxsize=8)
def class_ranges(letter_of: Callable[[str], str]) -> dict[str, str]:
    """Return the inside of a bracket expression for each class, by its letter.

    Args:
        letter_of: the letter of a character's class.
    """
    ranges: dict[str, list[list[int]]] = {}
    for character in list_characters():
        point, found = ord(character), ranges.setdefault(letter_of(character), [])
        if found and found[-1][1] == point - 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return {letter: "".join(map(_write_range, found)) for letter, found in ranges.items()}


def _write_range(bounds: list[int]) -> str:
    first, last = bounds
    written = f"\\x{{{first:X}}}"
    return written if first == last else f"{written}-\\x{{{last:X}}}"
