"""Pairs whose sides are too far apart in length to belong together."""

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

# Of short texts chance decides: "네." is a whole answer.
_SMOOTHING = 10


def length_ratios(sources: pl.Series, targets: pl.Series) -> npt.NDArray[np.float64]:
    """Characters of each target over those of its source, ten added to both.

    Characters, since words of Korean are not those of English; ten, since a word may well answer
    a sentence.
    """
    first, second = (texts.str.len_chars().to_numpy() + _SMOOTHING for texts in (sources, targets))
    ratios: npt.NDArray[np.float64] = second / first
    return ratios


def without_absurd(table: Table, max_length_ratio: float | None, *, skip: bool) -> Table:
    """Refuse or leave out pairs whose ratio of lengths is far from what is usual in the table.

    It is held against the median of the table, not against 1: Korean takes half the characters of
    English, and a headline a quarter of its article's.

    Args:
        table: pairs; without targets nothing is looked at.
        max_length_ratio: how many times above or below the median is still taken; None takes all.
        skip: count such pairs in `Table.skipped` instead of raising.

    Raises:
        ConfigError: `max_length_ratio` is not above 1.
        DataError: there is such a pair, and `skip` is false.
    """
    if max_length_ratio is not None and not max_length_ratio > 1:
        raise ConfigError(
            f"expected max_length_ratio above 1, or None to take all, got {max_length_ratio}"
        )
    if max_length_ratio is None or table.targets is None:
        return table
    ratios = length_ratios(table.keys, table.targets)
    # The lower of two in the middle: a ratio that occurs, so that a pair is always left.
    usual = float(np.quantile(ratios, 0.5, method="lower"))
    apart = np.maximum(ratios / usual, usual / ratios)
    absurd = np.flatnonzero(apart > max_length_ratio)
    if not len(absurd):
        return table
    if not skip:
        raise _refusal(table, absurd.tolist(), usual, max_length_ratio)
    kept = table.take(np.flatnonzero(apart <= max_length_ratio))
    told = tuple(
        describe_skipped(REASON, table.rows[absurd[table.file_index[absurd] == number]], file)
        for number, file in enumerate(table.files)
        if (table.file_index[absurd] == number).any()
    )
    notes = (*table.notes, *told)
    return replace(kept, notes=notes, skipped={**table.skipped, REASON: len(absurd)})


def _refusal(table: Table, absurd: list[int], usual: float, max_length_ratio: float) -> DataError:
    assert table.targets is not None
    first = absurd[0]
    lengths = [len(texts[first]) for texts in (table.keys, table.targets)]
    more = len(absurd) - 1
    others = f" ({pluralize(more, 'more such row')} after it)" if more else ""
    return table.error(
        first,
        f"the source has {lengths[0]:,} characters and the target {lengths[1]:,}, where a target "
        f"usually has {usual:.2g} times those of its source: more than max_length_ratio={max_length_ratio:g} "
        f"times off, so they hardly belong together{others}; {SKIP_HINT}, or take them with "
        "data.max_length_ratio: null (max_length_ratio=None)",
    )
