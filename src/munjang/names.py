"""Keys of names of labels, columns and files, by which they are compared.

The same Hangul can be written as syllables or as jamo (Unicode's normal forms NFC and NFD; macOS
writes file names in the latter), and the same label as `True` and `true`, or as `1` and `1.0`.
A key depends on one name only, never on others. Names are shown as they were given.
"""

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")
_BOOLEANS = ("true", "false")


@lru_cache(maxsize=1 << 12)
def normalize_name(name: str) -> str:
    """Return a name in NFC without surrounding space: the key of a column."""
    return unicodedata.normalize("NFC", name).strip()


def column_key(name: str) -> str:
    """Return the key that a column's name shares with usual names: lower-cased, too."""
    return normalize_name(name).lower()


def label_key(name: str) -> str:
    """Return the key of a label: NFC, lower-case booleans, integers without their `.0`."""
    name = normalize_name(name)
    if name.lower() in _BOOLEANS:
        return name.lower()
    whole = _WHOLE.fullmatch(name)
    return whole[1] if whole else name


class KnownLabels:
    """Known labels, found by name or key.

    Args:
        names: names of the labels; the first of several with the same key stands for all.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = dict.fromkeys(names)
        self._by_key: dict[str, str] = {}
        for name in self._names:
            self._by_key.setdefault(label_key(name), name)

    def find(self, name: str) -> str | None:
        """Return the known name of a label, or None."""
        return name if name in self._names else self._by_key.get(label_key(name))


def nearest_name(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known name most like a wrong one, ignoring case and normal form, or None."""
    by_key = {column_key(other): other for other in reversed(list(known))}
    close = difflib.get_close_matches(column_key(name), list(by_key), n=1, cutoff=cutoff)
    return by_key[close[0]] if close else None


def find_existing_path(path: str | Path) -> Path:
    """Return the path, or an existing one that differs only in its normal form."""
    path = Path(path)
    if str(path).isascii() or os.path.lexists(path):
        return path
    existing = Path(path.anchor)
    for part in path.parts[len(existing.parts) :]:
        if os.path.lexists(existing / part):
            existing = existing / part
            continue
        key = unicodedata.normalize("NFC", part)
        try:
            names = sorted(child.name for child in existing.iterdir())
        except OSError:
            return path
        same = [name for name in names if unicodedata.normalize("NFC", name) == key]
        if not same:
            return path
        existing = existing / same[0]
    return existing


def join_names(names: Iterable[str], word: str = "and") -> str:
    """Return names as in a sentence: "a, b and c"."""
    *others, last = [*names] or [""]
    return f"{', '.join(others)} {word} {last}" if others else last
