"""Values that a model cannot use, such as images that cannot be decoded."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from munjang.data.readers.faults import BadRow
from munjang.data.readers.stream import OnBadRow

# From values to the places of those that can be used, and counts of the others by reason.
Usable = Callable[[Sequence[Any]], tuple[list[int], Mapping[str, int]]]


def keep_usable(
    usable: Usable, rows: Sequence[int], values: Sequence[Any], on_bad_row: OnBadRow | None
) -> tuple[Sequence[int], Sequence[Any]]:
    """Return the rows that can be used.

    Args:
        usable: method of an input.
        rows: row numbers.
        values: the value of each row.
        on_bad_row: called for each of the others; None keeps all rows.
    """
    if on_bad_row is None:
        return rows, values
    places, _ = usable(values)
    if len(places) == len(values):
        return rows, values
    for place in sorted(set(range(len(values))) - set(places)):
        _, reasons = usable([values[place]])
        reason = next(iter(reasons), "unusable")
        on_bad_row(rows[place], BadRow(reason, reason, str(values[place])))
    return [rows[place] for place in places], [values[place] for place in places]
