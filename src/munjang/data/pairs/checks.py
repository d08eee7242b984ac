"""A look at pairs before training: how long both sides are, and what stands more than once."""

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
from munjang.text.normalise import normalise

SHOWN = 200


@dataclass(frozen=True)
class SideLengths:
    """How long the texts of one side are, in code points and in words between white space."""

    characters: Lengths
    words: Lengths


@dataclass(frozen=True)
class FarPair:
    """A pair whose sides are far apart in length.

    Attributes:
        ratio: of its lengths, as in `Ratios`.
        file, row: where it stands.
        source, target: their first 200 characters.
    """

    ratio: float
    file: str
    row: int
    source: str
    target: str


@dataclass(frozen=True)
class Ratios:
    """Characters of targets over those of their sources, ten added to both.

    Attributes:
        median: of all pairs.
        smallest, largest: the first pair with the shortest target for its source, and with the
            longest.
    """

    median: float
    smallest: FarPair
    largest: FarPair


@dataclass(frozen=True)
class PairTestReport:
    """The test pairs against the training pairs.

    Attributes:
        rows: of the test.
        pairs: that stand in both.
        sources: that stand in both, whatever their targets.
        skipped: bad rows of the test that were left out, by reason.
    """

    rows: int
    pairs: Repeats
    sources: Repeats
    skipped: dict[str, int]


@dataclass(frozen=True)
class PairReport:
    """Everything that `check_pairs` found. Texts are the same after NFC and stripping.

    Attributes:
        files: that were read.
        rows: usable ones.
        skipped: bad rows that were left out, by reason.
        notes: what was guessed when reading.
        source_column, target_column: what the two sides are called.
        source, target: how long they are.
        ratios: of the two lengths.
        duplicates: pairs that stand more than once. Of an example `text` is the source, and
            `labels` counts its targets, here and below.
        several: sources that stand with two targets or more.
        copies: pairs whose target is its source.
        test: the test pairs against these, if there are any.
        tokens: as a training would read them; filled in by who knows its settings.
        estimate: memory and time of a training; filled in by who knows the models.
    """

    files: tuple[str, ...]
    rows: int
    skipped: dict[str, int]
    notes: tuple[str, ...]
    source_column: str
    target_column: str
    source: SideLengths
    target: SideLengths
    ratios: Ratios
    duplicates: Repeats
    several: Repeats
    copies: Repeats
    test: PairTestReport | None = None
    tokens: PairTokens | None = None
    estimate: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: dictionaries, lists, strings and numbers."""
        return to_plain(asdict(self))


def check_pairs(table: Table, test: Table | None = None) -> PairReport:
    """Look at pairs before training on them.

    Args:
        table: the training pairs, as `read_pairs` gives them.
        test: pairs held out elsewhere, which should share none with `table`.

    Raises:
        DataError: a table has no targets.
    """
    sources, targets = _sides(table)
    tidy = table.with_targets(targets)
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
        duplicates=find_duplicates(tidy, same_pairs(sources, targets)),
        several=find_conflicts(tidy),
        copies=summarize_texts(tidy.take(same)),
        test=None if test is None else _check_test(tidy, test),
    )


def same_pairs(sources: pl.Series, targets: pl.Series) -> Int64s:
    """Number the pairs so that those that are equal share a number.

    Returns:
        One number a row, dense from 0, in order of first appearance.
    """
    first, second = number_distinct_texts(sources), number_distinct_texts(targets)
    keys = first * (int(second.max(initial=0)) + 1) + second
    _, places, numbers = np.unique(keys, return_index=True, return_inverse=True)
    ranks: Int64s = np.argsort(np.argsort(places))[numbers]
    return ranks


def _check_test(train: Table, test: Table) -> PairTestReport:
    _, targets = _sides(test)
    tidy = test.with_targets(targets)
    sources = pl.concat([train.keys, test.keys])
    numbers = same_pairs(sources, pl.concat([_targets(train), targets]))
    return PairTestReport(
        rows=len(test),
        pairs=find_overlap(train, tidy, numbers),
        sources=find_overlap(train, tidy),
        skipped=dict(test.skipped),
    )


def _sides(table: Table) -> tuple[pl.Series, pl.Series]:
    """Sources and targets as they are compared."""
    first, second = (normalise(texts).str.strip_chars() for texts in (table.keys, _targets(table)))
    return first, second


def _targets(table: Table) -> pl.Series:
    if table.targets is None:
        raise DataError("expected pairs, got sources without targets", file=table.files[0])
    return table.targets


def _measure(texts: pl.Series) -> SideLengths:
    words = normalise(texts).str.count_matches(r"\S+")
    characters = texts.str.len_chars()
    return SideLengths(
        describe_lengths(characters.to_numpy().astype(np.int64), "characters"),
        describe_lengths(words.to_numpy().astype(np.int64), "words"),
    )


def _ratios(table: Table) -> Ratios:
    targets = _targets(table)
    ratios = length_ratios(table.keys, targets)

    def pair(index: int) -> FarPair:
        shown = (texts[index][:SHOWN] for texts in (table.keys, targets))
        return FarPair(float(ratios[index]), *table.place(index), *shown)

    return Ratios(float(np.median(ratios)), pair(int(ratios.argmin())), pair(int(ratios.argmax())))
