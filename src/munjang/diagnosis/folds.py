"""Folds of a table: equal texts are never in two of them, and each class is spread over all."""

import numpy as np
import numpy.typing as npt

from munjang.data.readers.faults import shorten
from munjang.data.splits import number_distinct_texts
from munjang.data.table import Table
from munjang.reporting import pluralize

Ints = npt.NDArray[np.int64]


def assign_folds(
    table: Table, targets: Ints, folds: int, seed: int = 0, *, fewest: int = 1
) -> Ints:
    """Return the fold of each row, 0 to `folds` - 1, [rows].

    Texts that are equal after NFC and stripping share a fold. The texts of each class are dealt out
    in random order, so that every fold has as many as any other, or one more. A text with several
    labels counts for that of its first row.

    Args:
        table: the rows.
        targets: class numbers [rows].
        folds: number of folds.
        seed: random seed.
        fewest: distinct texts of each class that the model of a fold has to be shown.

    Raises:
        DataError: the model of a fold would be shown fewer texts of a class.
    """
    texts = number_distinct_texts(table.split_keys)
    _, first = np.unique(texts, return_index=True)
    classes = targets[first]
    order = np.lexsort((np.random.default_rng(seed).permutation(len(first)), classes))
    fold_of_text = np.empty(len(first), dtype=np.int64)
    # one deal over all classes in turn: classes of few texts do not all begin with the first fold
    fold_of_text[order] = np.arange(len(first)) % folds
    fold = fold_of_text[texts]
    _require_spread(table, targets, texts, fold, fewest)
    return fold


def _require_spread(table: Table, targets: Ints, texts: Ints, fold: Ints, fewest: int) -> None:
    """Refuse a class of which the other folds have fewer distinct texts than `fewest`."""
    _, first = np.unique(np.stack((targets, texts)), axis=1, return_index=True)
    counts = np.zeros((int(targets.max()) + 1, int(fold.max()) + 1), dtype=np.int64)
    np.add.at(counts, (targets[first], fold[first]), 1)
    shown = counts.sum(1) - counts.max(1)
    short = np.flatnonzero(shown < fewest)
    if not len(short):
        return
    assert table.targets is not None
    index = int(np.flatnonzero(targets == short[0])[0])
    others = f"; {len(short) - 1:,} more classes likewise" if len(short) > 1 else ""
    raise table.error(
        index,
        f"the class {shorten(table.targets[index])} has "
        f"{pluralize(int(counts[short[0]].sum()), 'distinct text')}, and the model that judges one "
        f"fold would learn from {shown[short[0]]} of them, but needs {fewest}: give the class "
        f"another label, or leave it out{others}",
    )
