"""Values that cannot be used are told with their row and reason, and left out."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from munjang.data.readers.faults import BadRow
from munjang.many_files.usable import keep_usable


def even(values: Sequence[Any]) -> tuple[list[int], Counter[str]]:
    kept = [place for place, value in enumerate(values) if value % 2 == 0]
    bad = len(values) - len(kept)
    return kept, Counter({"odd": bad} if bad else {})


def test_unusable_values_are_left_out() -> None:
    told: list[tuple[int, BadRow]] = []
    rows, values = keep_usable(even, [5, 6, 7], [1, 2, 3], lambda *bad: told.append(bad))
    assert (list(rows), list(values)) == ([6], [2])
    assert [(row, bad.reason, bad.raw) for row, bad in told] == [(5, "odd", "1"), (7, "odd", "3")]


def test_all_are_kept_if_none_may_be_left_out() -> None:
    assert keep_usable(even, [5, 6], [1, 3], None) == ([5, 6], [1, 3])
