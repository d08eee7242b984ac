"""Checks of pairs before training: lengths of both sides, and repeats."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from munjang.data.checks import describe_lengths
from munjang.data.data_report import Lengths, to_plain
from munjang.data.pairs.lengths import length_ratios
from munjang.data.pairs.tokens import PairTokens
from munjang.data.repeats import (
    Repeats,
    find_conflicts,
    find_duplicates,
    find_overlap,
    summarize_texts,
)
from munjang.data.splits import number_distinct_texts
from munjang.data.table import Table
from munjang.errors import DataError
from munjang.text.columns import Int64s
from munjang.text.normalize import normalize

EXAMPLE_LENGTH = 200


@dataclass(frozen=True)
class SideLengths:
    """Lengths of the texts of one side, in code points and in words between white space."""

    characters: Lengths
    words: Lengths


@dataclass(frozen=True)
class RatioExtreme:
    """The pair with the smallest or largest ratio of lengths.

    Attributes:
        ratio: its ratio of lengths, as in `LengthRatios`.
        file, row: where it was read.
        source, target: the first 200 characters of both sides.
    """

    ratio: float
    file: str
    row: int
    source: str
    target: str


@dataclass(frozen=True)
class LengthRatios:
    """Characters of targets divided by those of their sources, ten added to both.

    Attributes:
        median: median of all pairs.
        smallest, largest: the first pair with the smallest ratio, and with the largest.
    """

    median: float
    smallest: RatioExtreme
    largest: RatioExtreme


@dataclass(frozen=True)
class PairTestReport:
    """The test pairs compared with the training pairs.

    Attributes:
        rows: number of test pairs.
        pairs: pairs that occur in both.
        sources: sources that occur in both, whatever their targets.
        skipped: bad rows of the test that were left out, by reason.
    """

    rows: int
    pairs: Repeats
    sources: Repeats
    skipped: dict[str, int]


@dataclass(frozen=True)
class PairReport:
    """The result of `check_pairs`. Texts are equal if they are so after NFC and stripping.

    Attributes:
        files: names of the files.
        rows: number of usable pairs.
        skipped: bad rows that were left out, by reason.
        notes: lines about what was inferred while reading.
        source_column, target_column: names of the two sides.
        source, target: lengths of the two sides.
        ratios: target length divided by source length.
        duplicates: pairs that occur more than once. The `text` of an example is the source, and
            `labels` counts its targets, here and below.
        several: sources with two targets or more.
        copies: pairs whose target equals the source.
        test: the test pairs compared with these, if there are any.
        tokens: its tokens in a training; filled in by `munjang.checking`.
        estimate: memory and time of a training; filled in by `munjang.checking`.
    """

    files: tuple[str, ...]
    rows: int
    skipped: dict[str, int]
    notes: tuple[str, ...]
    source_column: str
    target_column: str
    source: SideLengths
    target: SideLengths
    ratios: LengthRatios
    duplicates: Repeats
    several: Repeats
    copies: Repeats
    test: PairTestReport | None = None
    tokens: PairTokens | None = None
    estimate: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return to_plain(asdict(self))


def check_pairs(table: Table, test: Table | None = None) -> PairReport:
    """Measure lengths and repeats of pairs before training.

    Args:
        table: the training pairs, as `read_pairs` returns them.
        test: held-out pairs, which should share none with `table`.

    Raises:
        DataError: a table has no targets.
    """
    sources, targets = _normalize_sides(table)
    normalized = table.with_targets(targets)
    same = np.flatnonzero((sources == targets).to_numpy())
    return PairReport(
        files=table.files,
        rows=len(table),
        skipped=dict(table.skipped),
        notes=table.notes,
        source_column=table.key_name,
        target_column=table.target_name or "target",
        source=_measure(table.keys),
        target=_measure(_targets(table)),
        ratios=_ratios(table),
        duplicates=find_duplicates(normalized, number_distinct_pairs(sources, targets)),
        several=find_conflicts(normalized),
        copies=summarize_texts(normalized.take(same)),
        test=None if test is None else _check_test(normalized, test),
    )


def number_distinct_pairs(sources: pl.Series, targets: pl.Series) -> Int64s:
    """Return numbers of pairs; equal pairs share one.

    Returns:
        One number per row, contiguous from 0, in order of first appearance.
    """
    first, second = number_distinct_texts(sources), number_distinct_texts(targets)
    keys = first * (int(second.max(initial=0)) + 1) + second
    _, places, numbers = np.unique(keys, return_index=True, return_inverse=True)
    ranks: Int64s = np.argsort(np.argsort(places))[numbers]
    return ranks


def _check_test(train: Table, test: Table) -> PairTestReport:
    _, targets = _normalize_sides(test)
    normalized = test.with_targets(targets)
    sources = pl.concat([train.keys, test.keys])
    numbers = number_distinct_pairs(sources, pl.concat([_targets(train), targets]))
    return PairTestReport(
        rows=len(test),
        pairs=find_overlap(train, normalized, numbers),
        sources=find_overlap(train, normalized),
        skipped=dict(test.skipped),
    )


def _normalize_sides(table: Table) -> tuple[pl.Series, pl.Series]:
    """Return sources and targets in NFC without surrounding white space."""
    first, second = (normalize(texts).str.strip_chars() for texts in (table.keys, _targets(table)))
    return first, second


def _targets(table: Table) -> pl.Series:
    if table.targets is None:
        raise DataError("expected pairs, got sources without targets", file=table.files[0])
    return table.targets


def _measure(texts: pl.Series) -> SideLengths:
    words = normalize(texts).str.count_matches(r"\S+")
    characters = texts.str.len_chars()
    return SideLengths(
        describe_lengths(characters.to_numpy().astype(np.int64), "characters"),
        describe_lengths(words.to_numpy().astype(np.int64), "words"),
    )


def _ratios(table: Table) -> LengthRatios:
    targets = _targets(table)
    ratios = length_ratios(table.keys, targets)

    def pair(index: int) -> RatioExtreme:
        sides = (texts[index][:EXAMPLE_LENGTH] for texts in (table.keys, targets))
        return RatioExtreme(float(ratios[index]), *table.place(index), *sides)

    return LengthRatios(
        float(np.median(ratios)), pair(int(ratios.argmin())), pair(int(ratios.argmax()))
    )
