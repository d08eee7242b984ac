"""Conversion of texts from Python to a column."""

from collections.abc import Iterable

import polars as pl

from munjang.data.collection import collect_texts
from munjang.text.blank import without_blanks


def text_column(texts: str | Iterable[str]) -> pl.Series:
    """Return the texts of a collection (`munjang.data.collection`) as a column; empty ones are "".

    Raises:
        DataError: `texts` is no collection of texts, or an entry is no text; its index is named.
    """
    if isinstance(texts, pl.Series) and texts.dtype == pl.String and not texts.null_count():
        return without_blanks(texts)
    return pl.Series("text", collect_texts(texts), dtype=pl.String)
