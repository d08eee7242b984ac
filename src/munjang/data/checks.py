"""Checks of the data before training: duplicates, lengths, padding, out-of-vocabulary rates."""

import math

import numpy as np
import polars as pl

from munjang.data.buckets import Bucketing, padding_share
from munjang.data.data_report import DataReport, Lengths, OovRate, Padding, TestReport
from munjang.data.distributions import (
    describe_numbers,
    describe_sets,
    label_counts,
    label_names,
    with_label_names,
)
from munjang.data.readers.class_names import match_known_labels
from munjang.data.repeats import find_conflicts, find_duplicates, find_overlap
from munjang.data.splits import number_distinct_texts
from munjang.data.table import Table
from munjang.text.columns import Int64s, row_lengths
from munjang.text.normalize import normalize
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import RESERVED

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
THRESHOLDS = (1, 2, 3, 5)
BATCH_ROWS = 64
BINS = 20


def check_data(
    table: Table,
    test: Table | None = None,
    tokenizer: Tokenizer | None = None,
    *,
    seed: int = 0,
) -> DataReport:
    """Check a table before training on it.

    Args:
        table: the training rows; its labels are names, numbers or lists of names.
        test: rows of a test set, which should share no text with `table`.
        tokenizer: fitted tokenizer, for `tokens` and `padding`. None counts words.
        seed: random seed of the held-out 10 % and of the batches.
    """
    words = normalize(table.keys).str.extract_all(r"\S+")
    if tokenizer is None:
        lengths, unit = words.list.len().to_numpy().astype(np.int64), "words"
    else:
        lengths, unit = row_lengths(tokenizer.encode(table.keys)), "tokens"
    column, labels, named = table.targets, label_counts(table.targets), with_label_names(table)
    has_one_label = column is not None and column.dtype == pl.String
    return DataReport(
        files=table.files,
        rows=len(table),
        skipped=dict(table.skipped),
        notes=table.notes,
        labels=labels,
        majority=max(labels.values()) / len(table) if labels and has_one_label else None,
        characters=describe_lengths(
            table.keys.str.len_chars().to_numpy().astype(np.int64), "characters"
        ),
        tokens=describe_lengths(lengths, unit),
        duplicates=find_duplicates(named),
        conflicts=find_conflicts(named),
        unknown=measure_oov_rates(words, number_distinct_texts(table.keys), seed),
        padding=measure_padding(lengths, seed),
        test=None if test is None else check_test(table, test),
        numbers=describe_numbers(column) if column is not None and labels is None else None,
        sets=describe_sets(column) if column is not None and column.dtype == pl.List else None,
    )


def describe_lengths(lengths: Int64s, unit: str) -> Lengths:
    """Describe the lengths of texts; the histogram has integer bins up to the 99th percentile.

    Args:
        lengths: length per text [texts], not empty.
        unit: unit of the lengths.
    """
    return describe_histogram(*np.unique(lengths, return_counts=True), unit)


def describe_histogram(lengths: Int64s, counts: Int64s, unit: str) -> Lengths:
    """Describe lengths by how often each occurs, as `describe_lengths`.

    Args:
        lengths: different lengths, ascending, not empty.
        counts: number of texts of each length.
        unit: unit of the lengths.
    """
    width = max(1, int(np.ceil(_quantile(lengths, counts, 0.99) / (BINS - 1))))
    bins = np.bincount(np.minimum(lengths // width, BINS - 1), counts, minlength=BINS)
    return Lengths(
        unit=unit,
        shortest=int(lengths[0]),
        longest=int(lengths[-1]),
        mean=int((lengths * counts).sum()) / int(counts.sum()),
        quantiles={str(q): _quantile(lengths, counts, q) for q in QUANTILES},
        edges=tuple((np.arange(BINS) * width).tolist()),
        counts=tuple(bins.astype(np.int64).tolist()),
    )


def _quantile(lengths: Int64s, counts: Int64s, share: float) -> float:
    """Return a quantile, on a line between the two nearest lengths, as NumPy does by default."""
    place = share * (int(counts.sum()) - 1)
    near = np.array([math.floor(place), math.ceil(place)])
    low, high = lengths[np.searchsorted(np.cumsum(counts), near, side="right")].tolist()
    return float(np.interp(place, near, [low, high])) if low != high else float(low)


def measure_oov_rates(words: pl.Series, texts: Int64s, seed: int) -> tuple[OovRate, ...]:
    """Measure the out-of-vocabulary rate of a held-out 10 % per frequency threshold.

    Args:
        words: list of words per row.
        texts: number per row [rows], shared by equal texts, which are held out together.
        seed: random seed of the held-out rows.
    """
    drawn = np.random.PCG64(seed).random_raw(int(texts.max()) + 1)
    held = np.argsort(np.argsort(drawn, kind="stable"))[texts] < max(1, len(drawn) // 10)
    held_counts = _count_words(words.filter(held), "held")
    train_counts = _count_words(words.filter(~held), "train")
    counts = held_counts.join(train_counts, on="word", how="full", coalesce=True)
    in_train, in_held = counts["train"].fill_null(0), counts["held"].fill_null(0)
    total = int(in_held.sum())
    return tuple(
        OovRate(
            min_frequency=least,
            vocabulary_size=len(RESERVED) + int((in_train >= least).sum()),
            share=int(in_held.filter(in_train < least).sum()) / total if total else 0.0,
        )
        for least in THRESHOLDS
    )


def measure_padding(lengths: Int64s, seed: int = 0, batch_size: int = BATCH_ROWS) -> Padding:
    """Measure the share of padding of three ways of batching.

    Args:
        lengths: tokens per text [texts].
        seed: random seed of the batches.
        batch_size: texts per batch.
    """
    tokens = int(lengths.sum())
    shuffled = lengths[np.random.default_rng(seed).permutation(len(lengths))]
    starts = np.arange(0, len(lengths), batch_size)
    sizes = np.diff(np.append(starts, len(lengths)))
    positions = int((np.maximum.reduceat(shuffled, starts) * sizes).sum())
    groups = Bucketing(batch_size=batch_size).shuffle(lengths, (seed,))
    return Padding(
        longest=1 - tokens / max(1, len(lengths) * int(lengths.max())),
        random=1 - tokens / max(1, positions),
        buckets=padding_share(groups, lengths),
        batch_size=batch_size,
    )


def check_test(train: Table, test: Table) -> TestReport:
    """Compare test rows with the training rows: labels, and rows that are in both."""
    known = label_names(train.targets)
    test = match_known_labels(test, sorted(known))
    labels = label_counts(test.targets)
    unknown = {label: count for label, count in (labels or {}).items() if label not in known}
    in_train = find_overlap(with_label_names(train), with_label_names(test))
    return TestReport(len(test), labels, unknown if known else {}, in_train)


def _count_words(words: pl.Series, name: str) -> pl.DataFrame:
    flat = words.explode().rename("word").drop_nulls()
    return flat.value_counts(name=name)
