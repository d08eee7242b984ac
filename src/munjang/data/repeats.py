"""Texts that stand more than once: under one label, under two, or in train and test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.data.splits import same_texts
from munjang.data.table import Table
from munjang.text.columns import Int64s

EXAMPLES = 5
LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Place:
    """Where a row stands, and its label, if it has one: its first 200 characters."""

    file: str
    row: int
    label: str | None


@dataclass(frozen=True)
class Repeat:
    """One text that stands several times.

    Attributes:
        text: as it stands first; its first 200 characters.
        rows: how often it stands.
        labels: how often it has each label, cut likewise; empty without labels.
        places: some of its rows: of each table the first with each label, then the next.
    """

    text: str
    rows: int
    labels: dict[str, int]
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Repeats:
    """Texts that stand several times.

    Attributes:
        texts: how many different texts are such.
        rows: how many rows they concern.
        examples: the most frequent of them.
    """

    texts: int
    rows: int
    examples: tuple[Repeat, ...]


def duplicates(table: Table, numbers: Int64s | None = None) -> Repeats:
    """Texts that stand more than once. `rows` counts those after each first one.

    Args:
        table: the rows.
        numbers: one a row, dense from 0, shared by rows that are the same; `same_texts` of the
            texts when left out.
    """
    numbers = same_texts(table.keys) if numbers is None else numbers
    counts = np.bincount(numbers)
    found = np.flatnonzero(counts > 1)
    return Repeats(
        texts=len(found),
        rows=int(counts[found].sum()) - len(found),
        examples=_examples((table,), (numbers,), found[np.argsort(-counts[found], kind="stable")]),
    )


def conflicts(table: Table) -> Repeats:
    """Texts that stand under two labels or more. `rows` counts all their rows."""
    if table.targets is None:
        return Repeats(0, 0, ())
    numbers = same_texts(table.keys)
    kinds = (
        pl.DataFrame({"number": numbers, "label": table.targets})
        .group_by("number")
        .agg(pl.col("label").n_unique().alias("kinds"), pl.len().alias("rows"))
        .filter(pl.col("kinds") > 1)
        .sort(["rows", "number"], descending=[True, False])
    )
    found = kinds["number"].to_numpy()
    return Repeats(len(found), int(kinds["rows"].sum()), _examples((table,), (numbers,), found))


def overlap(train: Table, test: Table, numbers: Int64s | None = None) -> Repeats:
    """Texts that stand in both tables. `rows` counts those of the test.

    Args:
        train, test: the rows.
        numbers: as for `duplicates`, of the rows of `train` and then those of `test`.
    """
    if numbers is None:
        numbers = same_texts(pl.concat([train.keys, test.keys]))
    seen, asked = numbers[: len(train)], numbers[len(train) :]
    both = np.isin(asked, seen)
    found, counts = np.unique(asked[both], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    examples = _examples((train, test), (seen, asked), found[order])
    return Repeats(len(found), int(both.sum()), examples)


def all_texts(table: Table) -> Repeats:
    """Every text of a table of rows that have something in common."""
    numbers = same_texts(table.keys)
    counts = np.bincount(numbers)
    order = np.argsort(-counts, kind="stable")
    return Repeats(len(counts), len(table), _examples((table,), (numbers,), order))


def _examples(
    tables: Sequence[Table], numbers: Sequence[Int64s], found: Int64s
) -> tuple[Repeat, ...]:
    return tuple(_example(tables, numbers, int(which)) for which in found[:EXAMPLES])


def _example(tables: Sequence[Table], numbers: Sequence[Int64s], which: int) -> Repeat:
    labels: dict[str, int] = {}
    places: list[Place] = []
    texts: list[str] = []
    rows = 0
    for table, column in zip(tables, numbers, strict=True):
        indices = np.flatnonzero(column == which).tolist()
        named = [None if table.targets is None else table.targets[i] for i in indices]
        named = [label if label is None else label[:LONGEST_SHOWN] for label in named]
        for label in named:
            if label is not None:
                labels[label] = labels.get(label, 0) + 1
        places += [Place(*table.place(indices[k]), named[k]) for k in _telling(named)]
        texts += [table.keys[i] for i in indices[:1]]
        rows += len(indices)
    return Repeat(texts[0][:LONGEST_SHOWN], rows, dict(sorted(labels.items())), tuple(places))


def _telling(labels: Sequence[str | None]) -> list[int]:
    """Indices of a few rows: the first with each label, then the first of the others."""
    firsts = [labels.index(label) for label in dict.fromkeys(labels)][:EXAMPLES]
    others = [i for i in range(min(len(labels), 2 * EXAMPLES)) if i not in firsts]
    return sorted(firsts + others[: EXAMPLES - len(firsts)])
