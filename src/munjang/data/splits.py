"""Stratified, seeded split into training, validation and test parts that share no text.

The order is drawn from the raw bits of PCG64, whose stream NumPy keeps the same on every machine
and in every version, so that a seed gives the same split everywhere.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.data.labels import count_labels, too_few
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.reporting import pluralize
from munjang.text.columns import Int64s
from munjang.text.normalize import normalize

TRAIN, VALID, TEST = 0, 1, 2

Int8s = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Split:
    """Rows of each part, ascending. Every row is in exactly one part.

    Attributes:
        train, valid, test: indices into the table; empty for a part that was not requested.
    """

    train: Int64s
    valid: Int64s
    test: Int64s


def split(
    table: Table,
    *,
    valid: float = 0.1,
    test: float = 0.0,
    seed: int = 0,
    stratify: bool = True,
) -> Split:
    """Split a table into parts.

    Rows whose texts are equal after NFC and stripping go to the same part. With labels and
    `stratify`, every class is split in the same proportions and has at least one text in every
    part, as far as texts with several labels allow: such a text counts for its rarest label.

    Args:
        table: the rows.
        valid: share of the rows for validation, 0 to 1.
        test: share of the rows for the test, 0 to 1.
        seed: random seed; the same seed and texts give the same parts on every machine.
        stratify: keep the proportions of the classes; no effect without labels.

    Raises:
        ConfigError: the shares leave nothing to train on.
        DataError: there are too few rows, or a class has fewer texts than there are parts.
    """
    if not (0 <= valid < 1 and 0 <= test < 1 and valid + test < 1):
        raise ConfigError(
            "the shares of validation and test are 0 or more and leave something to train on; "
            f"got valid={valid}, test={test}"
        )
    shares = {VALID: valid, TEST: test}
    parts = 1 + sum(share > 0 for share in shares.values())
    texts = number_distinct_texts(table.split_keys)
    distinct = int(texts.max()) + 1
    if distinct < parts:
        raise DataError(
            f"{pluralize(distinct, 'distinct text')} cannot be split into {parts} parts; add rows, "
            "or give each part as its own file",
            file=table.files[0],
        )
    classes = (
        _assign_classes(table, texts, parts) if stratify else np.zeros(len(table), dtype=np.int64)
    )
    part = _assign_parts(texts, classes, shares, seed)[texts]
    if stratify and table.targets is not None:
        _require_train_texts(table, part)
    return Split(*(np.flatnonzero(part == which) for which in (TRAIN, VALID, TEST)))


def number_distinct_texts(texts: pl.Series) -> Int64s:
    """Assign a number to each text; texts that are equal after NFC and stripping share it.

    Returns:
        One number per row [rows], dense from 0, in order of first appearance.
    """
    keys = normalize(texts).str.strip_chars()
    first = pl.DataFrame({"text": keys}).unique("text", keep="first", maintain_order=True)
    numbered = first.with_row_index("number")
    joined = pl.DataFrame({"text": keys}).join(
        numbered, on="text", how="left", maintain_order="left"
    )
    return joined["number"].to_numpy().astype(np.int64)


def _assign_classes(table: Table, texts: Int64s, parts: int) -> Int64s:
    """Return the class of each row for stratification: the rarest label of its text [rows]."""
    if table.targets is None:
        return np.zeros(len(table), dtype=np.int64)
    counts = count_labels(table.targets)
    rows = pl.DataFrame({"text": texts, "label": table.targets})
    distinct = count_labels(rows.unique()["label"])
    for unit, sizes in (("row", counts), ("distinct text", distinct)):
        small = {label: count for label, count in sizes.items() if count < parts}
        if small:
            raise too_few(table, small, parts, unit)
    # The most frequent label is 0: the highest number of a text is its rarest label.
    order = pl.DataFrame({"label": list(counts), "number": np.arange(len(counts))})
    numbers = rows.join(order, on="label", how="left", maintain_order="left")["number"].to_numpy()
    rarest = np.zeros(int(texts.max()) + 1, dtype=np.int64)
    np.maximum.at(rarest, texts, numbers)
    return rarest[texts]


def _assign_parts(texts: Int64s, classes: Int64s, shares: dict[int, float], seed: int) -> Int8s:
    """Return the part of each distinct text."""
    sizes = np.bincount(texts)
    _, first = np.unique(texts, return_index=True)
    kinds = classes[first]
    drawn = np.random.PCG64(seed).random_raw(len(sizes))
    order = np.lexsort((drawn, kinds))
    starts = np.flatnonzero(np.diff(kinds[order], prepend=-1))
    ends = np.append(starts[1:], len(order))
    part = np.full(len(sizes), TRAIN, dtype=np.int8)
    for start, end in zip(starts, ends, strict=True):
        chosen = order[start:end]
        part[chosen] = _assign_class_parts(sizes[chosen], shares)
    return part


def _assign_class_parts(sizes: Int64s, shares: dict[int, float]) -> Int8s:
    """Assign the texts of one class, of `sizes` rows each, to parts in the given order.

    A text goes to the part whose range of rows holds the middle of the text's rows. Then each empty
    part, training first, takes the smallest text of the part with the most texts.
    """
    total = int(sizes.sum())
    middles = np.cumsum(sizes) - sizes / 2
    part = np.full(len(sizes), TRAIN, dtype=np.int8)
    upper = 0.0
    for which, share in sorted(shares.items(), reverse=True):
        lower, upper = upper, upper + (max(1, round(share * total)) if share else 0)
        part[(middles >= lower) & (middles < upper)] = which
    for which in (TRAIN, *(which for which, share in shares.items() if share)):
        donor = np.bincount(part, minlength=3).argmax()
        givers = np.flatnonzero(part == donor)
        if not (part == which).any() and (which == TRAIN or len(givers) > 1):
            part[givers[sizes[givers].argmin()]] = which
    return part


def _require_train_texts(table: Table, part: Int8s) -> None:
    """Raise if a label has no training text, since all its texts also have a rarer label."""
    assert table.targets is not None
    missing = set(table.targets.unique()) - set(table.targets.filter(part == TRAIN).unique())
    if missing:
        label = min(missing)
        index = int(np.flatnonzero((table.targets == label).to_numpy())[0])
        raise table.error(
            index,
            f"no text of the class {label!r} is left for training, because the same texts "
            "also have other labels: give each text one label, or give each part as its own file",
        )
