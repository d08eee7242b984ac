"""Slices of data: rows that have something in common, and whether a model is worse on them.

Each slice is tested against all other rows, one-sided: right answers by Fisher's exact test (1935,
the hypergeometric distribution), absolute errors by the rank test of Mann and Whitney (1947). Holm
(1979) corrects for the number of slices: the probability that any slice is called worse by chance
is 5 % at most.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.diagnosis.intervals import wilson_interval
from munjang.tasks.row_judgments import RowJudgments

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Smaller slices are not tested, and of many labels or files those with the most rows are.
FEWEST_ROWS, MOST_OF_A_KIND = 10, 100
LEVEL = 0.05

_LENGTHS = (10, 20, 50, 100, 200, 500, 1000, 5000)
_RATES = (0.0, 0.1, 0.3, 1.0)
_SCRIPTS = {
    "Hangul": r"\p{Hangul}",
    "Latin": r"\p{Latin}",
    "Han and kana": r"[\p{Han}\p{Hiragana}\p{Katakana}]",
    "Cyrillic": r"\p{Cyrillic}",
    "Arabic": r"\p{Arabic}",
}
_OTHER, _NONE = "other letters", "no letters"


@dataclass(frozen=True, eq=False)
class Group:
    """Rows with something in common.

    Attributes:
        kind: what the rows are grouped by, such as "length".
        name: what they have in common.
        rows: their indices.
    """

    kind: str
    name: str
    rows: Ints


@dataclass(frozen=True)
class Slice:
    """The score of a model on a slice.

    Attributes:
        kind: what the rows are grouped by: length, OOV rate, script, file, label, or cut.
        name: what they have in common.
        rows: number of rows.
        score: accuracy, or mean absolute error.
        low: lower end of its 95 % interval (Wilson; of numbers Student).
        high: upper end.
        rest: score on all other rows.
        p_value: probability of a slice so bad if it were like the rest, corrected by Holm; NaN if
            there are too few rows to test.
        is_worse: True if the slice is worse than the rest beyond chance.
    """

    kind: str
    name: str
    rows: int
    score: float
    low: float
    high: float
    rest: float
    p_value: float
    is_worse: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        values = asdict(self)
        return {key: None if value != value else value for key, value in values.items()}


def group_by_length(texts: pl.Series) -> Iterator[Group]:
    """Group rows by the number of characters of their text [rows]."""
    lengths = texts.str.len_chars().to_numpy()
    low = 1
    for high in _LENGTHS:
        rows = np.flatnonzero((lengths >= low) & (lengths <= high))
        yield Group("length", f"{low:,} to {high:,} characters", rows)
        low = high + 1
    yield Group("length", f"{low:,} characters or more", np.flatnonzero(lengths >= low))


def group_by_oov_rate(rates: Floats) -> Iterator[Group]:
    """Group rows by the share of their tokens that are out of vocabulary, [rows]."""
    if rates.any():
        yield Group("OOV rate", "none", np.flatnonzero(rates == 0))
        for low, high in pairwise(_RATES):
            name = f"up to {high:.0%}" if low == 0 else f"{low:.0%} to {high:.0%}"
            yield Group("OOV rate", name, np.flatnonzero((rates > low) & (rates <= high)))


def group_by_script(texts: pl.Series) -> Iterator[Group]:
    """Group rows by the script that most letters of their text [rows] are of."""
    letters = texts.str.count_matches(r"\p{L}").to_numpy()
    counts = [texts.str.count_matches(pattern).to_numpy() for pattern in _SCRIPTS.values()]
    table = np.stack([*counts, np.maximum(letters - np.sum(counts, axis=0), 0)], axis=1)
    best = np.where(table.sum(1) == 0, len(_SCRIPTS) + 1, table.argmax(1))
    for number, name in enumerate([*_SCRIPTS, _OTHER, _NONE]):
        yield Group("script", name, np.flatnonzero(best == number))


def group_by_file(files: Sequence[str], file_index: npt.NDArray[np.int32]) -> Iterator[Group]:
    """Group rows by their file [rows], unless all are of one, or each has its own."""
    if 1 < len(files) <= max(1, len(file_index) // FEWEST_ROWS):
        names = [PurePath(file).name for file in files]
        shown = names if len(set(names)) == len(names) else files
        for number, name in enumerate(shown):
            yield Group("file", name, np.flatnonzero(file_index == number))


def group_by_cut(truncated: Bools) -> Iterator[Group]:
    """Group the rows whose text is longer than the model reads, [rows]."""
    yield Group("length", "longer than the model reads", np.flatnonzero(truncated))


def group_by_label(judgments: RowJudgments) -> Iterator[Group]:
    """Group rows by their true labels."""
    for name, rows in judgments.groups:
        yield Group("label", name, rows)


def score_slices(judgments: RowJudgments, groups: Iterable[Group]) -> tuple[Slice, ...]:
    """Score groups of rows, the worse ones first, then by their kind.

    Empty groups, and those that hold all rows, are left out.

    Args:
        judgments: judged answers of all rows.
        groups: the groups.
    """
    kept = _limit([group for group in groups if 0 < len(group.rows) < len(judgments)])
    p_values = correct_by_holm([_test(judgments, group.rows) for group in kept])
    slices = [_score(judgments, group, p) for group, p in zip(kept, p_values, strict=True)]
    return tuple(sorted(slices, key=lambda part: (not part.is_worse, _order(part))))


def _order(part: Slice) -> float:
    # within the worse ones by the p-value; the others stay in their order
    return part.p_value if part.is_worse else 0.0


def _limit(groups: list[Group]) -> list[Group]:
    """Return the groups with the most rows of each kind, in their order."""
    kept: list[Group] = []
    for kind in dict.fromkeys(group.kind for group in groups):
        same = [group for group in groups if group.kind == kind]
        sizes = sorted((len(group.rows) for group in same), reverse=True)
        least = sizes[MOST_OF_A_KIND - 1] if len(sizes) > MOST_OF_A_KIND else 1
        kept += [group for group in same if len(group.rows) >= least][:MOST_OF_A_KIND]
    return kept


def _test(judgments: RowJudgments, rows: Ints) -> float:
    """Return the p-value of rows against all others; NaN if there are too few of either."""
    if min(len(rows), len(judgments) - len(rows)) < FEWEST_ROWS:
        return math.nan
    if judgments.right is not None:
        from scipy.stats import hypergeom

        wrong = ~judgments.right
        total, all_wrong = len(wrong), int(wrong.sum())
        return float(hypergeom.sf(int(wrong[rows].sum()) - 1, total, all_wrong, len(rows)))
    from scipy.stats import mannwhitneyu

    rest = np.delete(judgments.loss, rows)
    return float(mannwhitneyu(judgments.loss[rows], rest, alternative="greater").pvalue)


def correct_by_holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Holm (1979); NaN stays, and counts as none.

    The k-th smallest of m is multiplied by m - k + 1, and is no smaller than the one before.
    """
    corrected = list(p_values)
    order = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    least = 0.0
    for rank, (p, place) in enumerate(order):
        least = max(least, min(1.0, p * (len(order) - rank)))
        corrected[place] = least
    return corrected


def _score(judgments: RowJudgments, group: Group, p_value: float) -> Slice:
    is_rest = np.ones(len(judgments), dtype=np.bool_)
    is_rest[group.rows] = False
    score, low, high = score_rows(judgments, group.rows)
    rest, _, _ = score_rows(judgments, np.flatnonzero(is_rest))
    return Slice(
        group.kind,
        group.name,
        len(group.rows),
        score,
        low,
        high,
        rest,
        p_value,
        bool(p_value <= LEVEL),
    )


def score_rows(judgments: RowJudgments, rows: Ints) -> tuple[float, float, float]:
    """Return the score of some rows, one at least, with its 95 % interval."""
    if judgments.right is not None:
        hits = int(judgments.right[rows].sum())
        return hits / len(rows), *wilson_interval(hits, len(rows))
    errors = judgments.loss[rows]
    mean = float(errors.mean())
    if len(rows) < 2:
        return mean, 0.0, math.inf
    from scipy.stats import t

    half = float(t.isf(0.025, len(rows) - 1) * errors.std(ddof=1) / math.sqrt(len(rows)))
    return mean, max(0.0, mean - half), mean + half
