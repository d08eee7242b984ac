"""Train, validation and test parts: stratified, seeded, the same text never in two of them.

The order is drawn from the raw bits of PCG64, whose stream NumPy keeps the same on every machine
and in every version, so that a seed names one split for good.
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
from munjang.text.normalise import normalise

TRAIN, VALID, TEST = 0, 1, 2

Int8s = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Split:
    """The rows of each part, ascending. Together they are all rows, each once.

    Attributes:
        train, valid, test: indices into the table; a part that was not asked for is empty.
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
    """Cut a table into parts.

    Rows whose texts are the same after NFC and stripping go together. With labels and `stratify`,
    every class is cut in the same proportions and has at least one text in every part, as far as
    texts with several labels allow: such a text is dealt with the rarest of them.

    Args:
        table: the rows.
        valid: share of the rows for validation, 0 to 1.
        test: share of the rows for the test.
        seed: the same seed and texts give the same parts, whatever the machine.
        stratify: keep the proportions of the classes; without labels there are none to keep.

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
    texts = same_texts(table.texts)
    distinct = int(texts.max()) + 1
    if distinct < parts:
        raise DataError(
            f"{pluralize(distinct, 'different text')} cannot be cut into {parts} "
            "parts; add rows, or give the parts as files of their own",
            file=table.files[0],
        )
    classes = _classes(table, texts, parts) if stratify else np.zeros(len(table), dtype=np.int64)
    part = _deal(texts, classes, shares, seed)[texts]
    if stratify and table.labels is not None:
        _require_training(table, part)
    return Split(*(np.flatnonzero(part == which) for which in (TRAIN, VALID, TEST)))


def same_texts(texts: pl.Series) -> Int64s:
    """Number the texts so that those that are equal after NFC and stripping share a number.

    Returns:
        One number a row, dense from 0, in order of first appearance.
    """
    keys = normalise(texts).str.strip_chars()
    first = pl.DataFrame({"text": keys}).unique("text", keep="first", maintain_order=True)
    numbered = first.with_row_index("number")
    joined = pl.DataFrame({"text": keys}).join(
        numbered, on="text", how="left", maintain_order="left"
    )
    return joined["number"].to_numpy().astype(np.int64)


def _classes(table: Table, texts: Int64s, parts: int) -> Int64s:
    """For each row the class that its text is dealt with: the rarest of the text's labels."""
    if table.labels is None:
        return np.zeros(len(table), dtype=np.int64)
    counts = count_labels(table.labels)
    rows = pl.DataFrame({"text": texts, "label": table.labels})
    distinct = count_labels(rows.unique()["label"])
    for unit, found in (("row", counts), ("different text", distinct)):
        small = {label: count for label, count in found.items() if count < parts}
        if small:
            raise too_few(table, small, parts, unit)
    # The most frequent label is 0: the highest number of a text is its rarest label.
    order = pl.DataFrame({"label": list(counts), "number": np.arange(len(counts))})
    numbers = rows.join(order, on="label", how="left", maintain_order="left")["number"].to_numpy()
    rarest = np.zeros(int(texts.max()) + 1, dtype=np.int64)
    np.maximum.at(rarest, texts, numbers)
    return rarest[texts]


def _deal(texts: Int64s, classes: Int64s, shares: dict[int, float], seed: int) -> Int8s:
    """The part of each different text."""
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
        part[chosen] = _deal_class(sizes[chosen], shares)
    return part


def _deal_class(sizes: Int64s, shares: dict[int, float]) -> Int8s:
    """Deal the texts of one class, of `sizes` rows each, in the order given.

    A text goes to the part into whose range of rows its middle falls; then each part that got
    none takes the smallest text of the part with the most texts, training first.
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


def _require_training(table: Table, part: Int8s) -> None:
    """A label all of whose texts also have a rarer one may have been dealt away from training."""
    assert table.labels is not None
    missing = set(table.labels.unique()) - set(table.labels.filter(part == TRAIN).unique())
    if missing:
        label = min(missing)
        index = int(np.flatnonzero((table.labels == label).to_numpy())[0])
        raise table.error(
            index,
            f"no text of the class {label!r} is left for training, because the same texts stand "
            "under other labels too: give each text one label, or the parts as files of their own",
        )
