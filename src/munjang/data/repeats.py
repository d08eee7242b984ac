"""Repeated texts: duplicates, conflicting labels, and overlap of train and test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.data.splits import number_distinct_texts
from munjang.data.table import Table
from munjang.text.columns import Int64s

EXAMPLES = 5
MAX_SHOWN = 200


@dataclass(frozen=True)
class Place:
    """Location of a row, and the first 200 characters of its label, if it has one."""

    file: str
    row: int
    label: str | None


@dataclass(frozen=True)
class Repeat:
    """Text that occurs several times.

    Attributes:
        text: first 200 characters of its first occurrence.
        rows: number of its rows.
        labels: rows per label, of which the first 200 characters; empty without labels.
        places: some of its rows: per table the first with each label, then the next.
    """

    text: str
    rows: int
    labels: dict[str, int]
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Repeats:
    """Texts that occur several times.

    Attributes:
        texts: number of distinct texts.
        rows: number of rows concerned.
        examples: the most frequent of the texts.
    """

    texts: int
    rows: int
    examples: tuple[Repeat, ...]


def find_duplicates(table: Table, numbers: Int64s | None = None) -> Repeats:
    """Find texts that occur more than once. `rows` does not count first occurrences.

    Args:
        table: the rows.
        numbers: number per row [rows], dense from 0, shared by equal rows; by default
            `number_distinct_texts` of the texts.
    """
    numbers = number_distinct_texts(table.keys) if numbers is None else numbers
    counts = np.bincount(numbers)
    repeated = np.flatnonzero(counts > 1)
    by_count = repeated[np.argsort(-counts[repeated], kind="stable")]
    return Repeats(
        texts=len(repeated),
        rows=int(counts[repeated].sum()) - len(repeated),
        examples=_make_examples((table,), (numbers,), by_count),
    )


def find_conflicts(table: Table) -> Repeats:
    """Find texts that occur under two labels or more. `rows` counts all their rows."""
    if table.targets is None:
        return Repeats(0, 0, ())
    numbers = number_distinct_texts(table.keys)
    kinds = (
        pl.DataFrame({"number": numbers, "label": table.targets})
        .group_by("number")
        .agg(pl.col("label").n_unique().alias("kinds"), pl.len().alias("rows"))
        .filter(pl.col("kinds") > 1)
        .sort(["rows", "number"], descending=[True, False])
    )
    conflicting = kinds["number"].to_numpy()
    examples = _make_examples((table,), (numbers,), conflicting)
    return Repeats(len(conflicting), int(kinds["rows"].sum()), examples)


def find_overlap(train: Table, test: Table, numbers: Int64s | None = None) -> Repeats:
    """Find texts that are in both tables. `rows` counts the rows of the test.

    Args:
        train: rows of the training file.
        test: rows of the test file.
        numbers: as for `duplicates`, of the rows of `train` and then those of `test`.
    """
    if numbers is None:
        numbers = number_distinct_texts(pl.concat([train.keys, test.keys]))
    in_train, in_test = numbers[: len(train)], numbers[len(train) :]
    is_shared = np.isin(in_test, in_train)
    shared, counts = np.unique(in_test[is_shared], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    examples = _make_examples((train, test), (in_train, in_test), shared[order])
    return Repeats(len(shared), int(is_shared.sum()), examples)


def summarize_texts(table: Table) -> Repeats:
    """Summarize all texts of a table, the most frequent as examples."""
    numbers = number_distinct_texts(table.keys)
    counts = np.bincount(numbers)
    order = np.argsort(-counts, kind="stable")
    return Repeats(len(counts), len(table), _make_examples((table,), (numbers,), order))


def _make_examples(
    tables: Sequence[Table], numbers: Sequence[Int64s], texts: Int64s
) -> tuple[Repeat, ...]:
    return tuple(_make_example(tables, numbers, int(text)) for text in texts[:EXAMPLES])


def _make_example(tables: Sequence[Table], numbers: Sequence[Int64s], number: int) -> Repeat:
    labels: dict[str, int] = {}
    places: list[Place] = []
    texts: list[str] = []
    rows = 0
    for table, column in zip(tables, numbers, strict=True):
        indices = np.flatnonzero(column == number).tolist()
        named = [None if table.targets is None else table.targets[i] for i in indices]
        named = [label if label is None else label[:MAX_SHOWN] for label in named]
        for label in named:
            if label is not None:
                labels[label] = labels.get(label, 0) + 1
        places += [Place(*table.place(indices[k]), named[k]) for k in _choose_rows(named)]
        texts += [table.keys[i] for i in indices[:1]]
        rows += len(indices)
    return Repeat(texts[0][:MAX_SHOWN], rows, dict(sorted(labels.items())), tuple(places))


def _choose_rows(labels: Sequence[str | None]) -> list[int]:
    """Return the indices of a few rows: the first with each label, then the first others."""
    firsts = [labels.index(label) for label in dict.fromkeys(labels)][:EXAMPLES]
    others = [i for i in range(min(len(labels), 2 * EXAMPLES)) if i not in firsts]
    return sorted(firsts + others[: EXAMPLES - len(firsts)])
