"""Filter of pairs whose lengths are too different to belong together."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.data.readers.faults import SKIP_HINT, describe_skipped
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.reporting import pluralize

MAX_RATIO = 9.0
REASON = "absurd ratio of lengths"

# Ratios of short texts vary by chance: "네." is a complete answer.
_SMOOTHING = 10


def length_ratios(sources: pl.Series, targets: pl.Series) -> npt.NDArray[np.float64]:
    """Return (characters of target + 10) / (characters of source + 10) for each pair.

    Characters are counted, as Korean and English words are not comparable; 10 is added, as a single
    word may answer a sentence.
    """
    first, second = (texts.str.len_chars().to_numpy() + _SMOOTHING for texts in (sources, targets))
    ratios: npt.NDArray[np.float64] = second / first
    return ratios


def filter_by_length_ratio(table: Table, max_length_ratio: float | None, *, skip: bool) -> Table:
    """Refuse or leave out pairs whose ratio of lengths is far from the median.

    The median of the table is the reference rather than 1: Korean takes half the characters of
    English, and a headline a quarter of those of its article.

    Args:
        table: pairs; returned as it is if it has no targets.
        max_length_ratio: largest factor above or below the median; None keeps all.
        skip: count such pairs in `Table.skipped` instead of raising.

    Raises:
        ConfigError: `max_length_ratio` is not above 1.
        DataError: a pair is too far from the median, and `skip` is false.
    """
    if max_length_ratio is not None and not max_length_ratio > 1:
        raise ConfigError(
            f"expected max_length_ratio above 1, or None to take all, got {max_length_ratio}"
        )
    if max_length_ratio is None or table.targets is None:
        return table
    ratios = length_ratios(table.keys, table.targets)
    # the lower of two in the middle: a ratio that occurs, so that at least one pair is kept
    median = float(np.quantile(ratios, 0.5, method="lower"))
    factors = np.maximum(ratios / median, median / ratios)
    unlikely = np.flatnonzero(factors > max_length_ratio)
    if not len(unlikely):
        return table
    if not skip:
        raise _length_error(table, unlikely.tolist(), median, max_length_ratio)
    kept = table.take(np.flatnonzero(factors <= max_length_ratio))
    skipped = tuple(
        describe_skipped(REASON, table.rows[unlikely[table.file_index[unlikely] == number]], file)
        for number, file in enumerate(table.files)
        if (table.file_index[unlikely] == number).any()
    )
    notes = (*table.notes, *skipped)
    return replace(kept, notes=notes, skipped={**table.skipped, REASON: len(unlikely)})


def _length_error(
    table: Table, unlikely: list[int], median: float, max_length_ratio: float
) -> DataError:
    assert table.targets is not None
    first = unlikely[0]
    lengths = [len(texts[first]) for texts in (table.keys, table.targets)]
    more = len(unlikely) - 1
    others = f" ({pluralize(more, 'more such row')} after it)" if more else ""
    return table.error(
        first,
        f"the source has {lengths[0]:,} characters and the target {lengths[1]:,}, where a target "
        f"usually has {median:.2g} times those of its source: more than "
        f"max_length_ratio={max_length_ratio:g} times off, so they hardly belong "
        f"together{others}; {SKIP_HINT}, or take them with "
        "data.max_length_ratio: null (max_length_ratio=None)",
    )
