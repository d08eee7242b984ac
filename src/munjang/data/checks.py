"""A look at the data before training: what would mislead a model, and what would slow it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from munjang.data.buckets import Bucketing, padding_share
from munjang.data.distributions import (
    Numbers,
    describe_numbers,
    describe_sets,
    known_labels,
    label_counts,
    with_names,
)
from munjang.data.readers.class_names import known_names
from munjang.data.repeats import Repeats, conflicts, duplicates, overlap
from munjang.data.splits import same_texts
from munjang.data.table import Table
from munjang.text.columns import Int64s, row_lengths
from munjang.text.normalise import normalise
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import RESERVED

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
THRESHOLDS = (1, 2, 3, 5)
BATCH_ROWS = 64
BINS = 20


@dataclass(frozen=True)
class Lengths:
    """How long the texts are.

    Attributes:
        unit: "characters" (code points), "words" (split at white space), or "tokens".
        shortest, longest, mean: of the texts.
        quantiles: length below which a share of the texts stays, by share ("0.5").
        edges: of a histogram with one bin more than `edges` has gaps: the last is open.
        counts: texts in each bin: `edges[i]` up to below `edges[i + 1]`.
    """

    unit: str
    shortest: int
    longest: int
    mean: float
    quantiles: dict[str, float]
    edges: tuple[int, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Unknown:
    """Words of a held-out tenth that a vocabulary of the rest would not have.

    Attributes:
        min_frequency: rarer words of the rest are left out of the vocabulary.
        vocabulary_size: its ids, the reserved ones included.
        share: of the held-out words that are out of it, 0 to 1.
    """

    min_frequency: int
    vocabulary_size: int
    share: float


@dataclass(frozen=True)
class Padding:
    """Share of padding among all places of all batches, 0 to 1, three ways of batching.

    Attributes:
        longest: every text padded to the longest of all.
        random: random batches, each padded to its longest.
        buckets: batches of texts of about the same length.
        batch_rows: texts in a batch.
    """

    longest: float
    random: float
    buckets: float
    batch_rows: int = BATCH_ROWS


@dataclass(frozen=True)
class TestReport:
    """The test file against the training file.

    Attributes:
        rows: of the test.
        labels: rows of each label; None without labels.
        unknown_labels: rows of each label that the training file does not have.
        in_train: texts that stand in both.
    """

    __test__ = False  # pytest takes the name for a test's

    rows: int
    labels: dict[str, int] | None
    unknown_labels: dict[str, int]
    in_train: Repeats


@dataclass(frozen=True)
class DataReport:
    """Everything that `check_data` found.

    Attributes:
        files: that were read.
        rows: usable ones.
        skipped: bad rows that were left out, by reason.
        notes: what was guessed when reading.
        labels: rows of each label, the most frequent first; None without labels, and for numbers.
        majority: share of the most frequent label: what a model that always answers it would
            reach; None unless each row has one label.
        numbers: of what size they are, where the labels are numbers.
        sets: rows by how many labels they have, where a row has any number of them.
        characters: lengths in characters.
        tokens: lengths in tokens of the tokenizer, or in words without one.
        duplicates: texts that stand more than once.
        conflicts: texts that stand under two labels or more.
        unknown: words out of vocabulary at several thresholds.
        padding: what padding would cost, from `tokens`.
        test: the test file against this one, if there is one.
        estimate: memory and time of a model; filled in by who knows the models.
    """

    files: tuple[str, ...]
    rows: int
    skipped: dict[str, int]
    notes: tuple[str, ...]
    labels: dict[str, int] | None
    majority: float | None
    characters: Lengths
    tokens: Lengths
    duplicates: Repeats
    conflicts: Repeats
    unknown: tuple[Unknown, ...]
    padding: Padding
    test: TestReport | None = None
    estimate: dict[str, Any] | None = None
    numbers: Numbers | None = None
    sets: dict[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: dictionaries, lists, strings and numbers."""
        return plain(asdict(self))


def check_data(
    table: Table,
    test: Table | None = None,
    tokenizer: Tokenizer | None = None,
    *,
    seed: int = 0,
) -> DataReport:
    """Look at a table before training on it.

    Args:
        table: the training rows; its labels are names, numbers or lists of names.
        test: rows held out elsewhere, which should share no text with `table`.
        tokenizer: fitted; its tokens are counted for `tokens` and `padding`. None counts words.
        seed: of the held-out tenth and of the batches.
    """
    words = normalise(table.keys).str.extract_all(r"\S+")
    if tokenizer is None:
        lengths, unit = words.list.len().to_numpy().astype(np.int64), "words"
    else:
        lengths, unit = row_lengths(tokenizer.encode(table.keys)), "tokens"
    column, labels, named = table.targets, label_counts(table.targets), with_names(table)
    one_each = column is not None and column.dtype == pl.String
    return DataReport(
        files=table.files,
        rows=len(table),
        skipped=dict(table.skipped),
        notes=table.notes,
        labels=labels,
        majority=max(labels.values()) / len(table) if labels and one_each else None,
        characters=measure(table.keys.str.len_chars().to_numpy().astype(np.int64), "characters"),
        tokens=measure(lengths, unit),
        duplicates=duplicates(named),
        conflicts=conflicts(named),
        unknown=unknown_words(words, same_texts(table.keys), seed),
        padding=padding(lengths, seed),
        test=None if test is None else _check_test(table, test),
        numbers=describe_numbers(column) if column is not None and labels is None else None,
        sets=describe_sets(column) if column is not None and column.dtype == pl.List else None,
    )


def measure(lengths: Int64s, unit: str) -> Lengths:
    """Describe some lengths; the histogram has whole-number bins up to the 99th percentile."""
    top = float(np.quantile(lengths, 0.99))
    width = max(1, int(np.ceil(top / (BINS - 1))))
    edges = np.arange(BINS) * width
    counts = np.bincount(np.minimum(lengths // width, BINS - 1), minlength=BINS)
    values = np.quantile(lengths, QUANTILES)
    return Lengths(
        unit=unit,
        shortest=int(lengths.min()),
        longest=int(lengths.max()),
        mean=float(lengths.mean()),
        quantiles={str(q): float(v) for q, v in zip(QUANTILES, values, strict=True)},
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
    )


def unknown_words(words: pl.Series, texts: Int64s, seed: int) -> tuple[Unknown, ...]:
    """Out-of-vocabulary shares of a held-out tenth.

    Args:
        words: a list of words a row.
        texts: a number a row, shared by equal texts, which are held out together.
        seed: chooses the tenth.
    """
    drawn = np.random.PCG64(seed).random_raw(int(texts.max()) + 1)
    held = np.argsort(np.argsort(drawn, kind="stable"))[texts] < max(1, len(drawn) // 10)
    asked = _counts(words.filter(held), "asked")
    known = asked.join(_counts(words.filter(~held), "seen"), on="word", how="full", coalesce=True)
    seen, wanted = known["seen"].fill_null(0), known["asked"].fill_null(0)
    total = int(wanted.sum())
    return tuple(
        Unknown(
            min_frequency=least,
            vocabulary_size=len(RESERVED) + int((seen >= least).sum()),
            share=int(wanted.filter(seen < least).sum()) / total if total else 0.0,
        )
        for least in THRESHOLDS
    )


def padding(lengths: Int64s, seed: int = 0, batch_rows: int = BATCH_ROWS) -> Padding:
    """What padding costs, three ways of batching texts of some lengths."""
    tokens = int(lengths.sum())
    shuffled = lengths[np.random.default_rng(seed).permutation(len(lengths))]
    starts = np.arange(0, len(lengths), batch_rows)
    sizes = np.diff(np.append(starts, len(lengths)))
    places = int((np.maximum.reduceat(shuffled, starts) * sizes).sum())
    groups = Bucketing(batch_rows=batch_rows).shuffled(lengths, (seed,))
    return Padding(
        longest=1 - tokens / max(1, len(lengths) * int(lengths.max())),
        random=1 - tokens / max(1, places),
        buckets=padding_share(groups, lengths),
        batch_rows=batch_rows,
    )


def _check_test(train: Table, test: Table) -> TestReport:
    known = known_labels(train.targets)
    test = known_names(test, sorted(known))
    labels = label_counts(test.targets)
    unknown = {label: count for label, count in (labels or {}).items() if label not in known}
    in_train = overlap(with_names(train), with_names(test))
    return TestReport(len(test), labels, unknown if known else {}, in_train)


def _counts(words: pl.Series, name: str) -> pl.DataFrame:
    flat = words.explode().rename("word").drop_nulls()
    return flat.value_counts(name=name)


def plain(value: dict[Any, Any]) -> dict[str, Any]:
    """A dictionary as JSON has them: keys are strings, tuples are lists."""
    return {str(key): _plain(item) for key, item in value.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return plain(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
