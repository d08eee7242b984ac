"""Texts from Python, of whatever kind of iterable, to one column."""

from collections.abc import Iterable

import polars as pl

from munjang.errors import DataError


def text_column(texts: str | Iterable[str]) -> pl.Series:
    """A column of texts from any iterable of strings; one string is a column of one.

    Raises:
        DataError: an entry is None, not a string, or holds half of a surrogate pair.
    """
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, Iterable):
        raise DataError(f"expected a string or strings, got {type(texts).__name__}")
    if isinstance(texts, pl.Series) and texts.dtype == pl.String and not texts.null_count():
        return texts
    listed = list(texts)
    for place, text in enumerate(listed):
        if not isinstance(text, str):
            raise DataError(f"texts[{place}]: expected a string, got {type(text).__name__}")
    try:
        return pl.Series("text", listed, dtype=pl.String)
    except UnicodeEncodeError:
        place = next(i for i, text in enumerate(listed) if not _is_unicode(text))
        raise DataError(
            f"texts[{place}]: holds half of a surrogate pair, which is no character; decode the "
            "text with errors='replace'"
        ) from None


def listed_texts(texts: str | Iterable[str]) -> list[str]:
    """As `text_column`, as a list; of plain strings without a column between."""
    if isinstance(texts, str):
        texts = [texts]
    if isinstance(texts, list | tuple) and all(type(text) is str for text in texts):
        try:
            for text in texts:
                if not text.isascii():
                    text.encode("utf-16-le")
            return list(texts)
        except UnicodeEncodeError:
            pass  # told below
    listed: list[str] = text_column(texts).to_list()
    return listed


def _is_unicode(text: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
