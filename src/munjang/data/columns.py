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


def _is_unicode(text: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
