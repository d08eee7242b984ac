"""Bad rows: what is wrong with each, and whether that stops the reading or is counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from munjang.errors import DataError
from munjang.reporting import pluralize
from munjang.text.columns import Int64s

NAMED = 5  # rows of those that are left out for one reason
SKIP_HINT = "fix it, or leave such rows out with --skip-bad-rows (skip_bad_rows=True)"


@dataclass(frozen=True)
class Fault:
    """One kind of bad row in one file.

    Attributes:
        reason: the key in `Table.skipped`, such as "empty text".
        rows: line or row numbers in the file, ascending.
        message: what to say about the k-th of `rows`.
    """

    reason: str
    rows: Int64s
    message: Callable[[int], str]


def one_row(reason: str, row: int, message: str) -> Fault:
    """A fault of a single row."""
    return Fault(reason, np.array([row], dtype=np.int64), lambda _: message)


def settle(faults: Sequence[Fault], *, file: str, skip: bool) -> dict[str, int]:
    """Count the bad rows by reason if they may be skipped; otherwise report the first.

    Raises:
        DataError: about the bad row that stands first in the file, unless `skip`.
    """
    found = [fault for fault in faults if len(fault.rows)]
    if found and not skip:
        first = min(found, key=lambda fault: int(fault.rows[0]))
        more = sum(len(fault.rows) for fault in found) - 1
        others = f" ({pluralize(more, 'more bad row')} after it)" if more else ""
        raise DataError(
            f"{first.message(0)}{others}; {SKIP_HINT}", file=file, row=int(first.rows[0])
        )
    counts: dict[str, int] = {}
    for fault in found:
        counts[fault.reason] = counts.get(fault.reason, 0) + len(fault.rows)
    return counts


def left_out(reason: str, rows: Int64s, file: str) -> str:
    """Which rows are left out, the first of them by number, for people to read.

    Args:
        reason: as in `Table.skipped`.
        rows: one or more numbers, ascending.
        file: that they stand in.
    """
    named = ", ".join(f"{row:,}" for row in rows[:NAMED].tolist())
    more = f" and {len(rows) - NAMED:,} more" if len(rows) > NAMED else ""
    return f"{file}, row{'s' if len(rows) > 1 else ''} {named}{more}: {reason}, left out"


def shorten(value: object, limit: int = 40) -> str:
    """A value as it may stand in an error message: quoted, on one line, not long."""
    shown = repr(value)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."
