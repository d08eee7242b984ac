"""Folds of a table: equal texts are never in two of them, and each class is spread over all."""

import numpy as np
import numpy.typing as npt

from munjang.data.readers.faults import shorten
from munjang.data.splits import number_distinct_texts
from munjang.data.table import Table

Ints = npt.NDArray[np.int64]


def assign_folds(table: Table, targets: Ints, folds: int, seed: int = 0) -> Ints:
    """Return the fold of each row, 0 to `folds` - 1, [rows].

    Texts that are equal after NFC and stripping share a fold. The texts of each class are dealt out
    in random order, so that every fold has as many as any other, or one more. A text with several
    labels counts for that of its first row.

    Args:
        table: the rows.
        targets: class numbers [rows].
        folds: number of folds.
        seed: random seed.

    Raises:
        DataError: a class has one distinct text, so that a model would be asked for a class that
            it was not shown.
    """
    texts = number_distinct_texts(table.split_keys)
    _, first = np.unique(texts, return_index=True)
    classes = targets[first]
    order = np.lexsort((np.random.default_rng(seed).permutation(len(first)), classes))
    fold_of_text = np.empty(len(first), dtype=np.int64)
    # one deal over all classes in turn: classes of few texts do not all begin with the first fold
    fold_of_text[order] = np.arange(len(first)) % folds
    fold = fold_of_text[texts]
    _require_spread(table, targets, fold, folds)
    return fold


def _require_spread(table: Table, targets: Ints, fold: Ints, folds: int) -> None:
    """Refuse a class whose rows are all in one fold: its model is shown no row of it."""
    spread = np.bincount(np.unique(targets * folds + fold) // folds)
    alone = np.flatnonzero(spread == 1)
    if not len(alone):
        return
    assert table.targets is not None
    index = int(np.flatnonzero(targets == alone[0])[0])
    others = f"; {len(alone) - 1:,} more classes likewise" if len(alone) > 1 else ""
    raise table.error(
        index,
        f"the class {shorten(table.targets[index])} has one distinct text, and a model that has "
        f"not seen it knows nothing of the class: give it another label, or leave it out{others}",
    )
