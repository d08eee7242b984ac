"""Faults of bad rows: raised at the first row, or counted by reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from munjang.errors import DataError
from munjang.reporting import pluralize
from munjang.text.columns import Int64s

MAX_LISTED_ROWS = 5  # row numbers that a note lists per reason
SKIP_HINT = "fix it, or leave such rows out with --skip-bad-rows (skip_bad_rows=True)"


@dataclass(frozen=True)
class Fault:
    """Kind of bad row in one file.

    Attributes:
        reason: the key in `Table.skipped`, such as "empty text".
        rows: line or row numbers in the file, ascending.
        message: function from `k` to the message about the k-th of `rows`.
    """

    reason: str
    rows: Int64s
    message: Callable[[int], str]


@dataclass(frozen=True)
class BadRow:
    """Defect of a single row.

    Attributes:
        reason: as in `Fault`.
        message: description of the defect.
        raw: content of the row, if it is known; invalid bytes are lone surrogates.
    """

    reason: str
    message: str
    raw: str | None = None


def group_bad_rows(bad_rows: Sequence[tuple[int, BadRow]]) -> list[Fault]:
    """Return one fault per reason.

    Args:
        bad_rows: row numbers, ascending, each with what is wrong.
    """
    by_reason: dict[str, list[tuple[int, str]]] = {}
    for row, bad in bad_rows:
        by_reason.setdefault(bad.reason, []).append((row, bad.message))
    faults = []
    for reason, entries in by_reason.items():
        rows, messages = zip(*entries, strict=True)
        faults.append(Fault(reason, np.array(rows, dtype=np.int64), messages.__getitem__))
    return faults


def settle(faults: Sequence[Fault], *, file: str, skip: bool) -> dict[str, int]:
    """Count bad rows by reason, or raise about the first.

    Args:
        faults: faults of one file.
        file: name of the file, for messages.
        skip: count bad rows instead of raising.

    Returns:
        Number of bad rows per reason.

    Raises:
        DataError: there is a bad row, and `skip` is false; names the first row of the file.
    """
    nonempty = [fault for fault in faults if len(fault.rows)]
    if nonempty and not skip:
        first = min(nonempty, key=lambda fault: int(fault.rows[0]))
        more = sum(len(fault.rows) for fault in nonempty) - 1
        others = f" ({pluralize(more, 'more bad row')} after it)" if more else ""
        raise DataError(
            f"{first.message(0)}{others}; {SKIP_HINT}", file=file, row=int(first.rows[0])
        )
    counts: dict[str, int] = {}
    for fault in nonempty:
        counts[fault.reason] = counts.get(fault.reason, 0) + len(fault.rows)
    return counts


def describe_skipped(reason: str, rows: Int64s, file: str) -> str:
    """Return a note on skipped rows that lists the numbers of the first ones.

    Args:
        reason: as in `Table.skipped`.
        rows: one or more row numbers, ascending.
        file: name of their file.
    """
    listed = ", ".join(f"{row:,}" for row in rows[:MAX_LISTED_ROWS].tolist())
    more = f" and {len(rows) - MAX_LISTED_ROWS:,} more" if len(rows) > MAX_LISTED_ROWS else ""
    return f"{file}, row{'s' if len(rows) > 1 else ''} {listed}{more}: {reason}, left out"


def shorten(value: object, limit: int = 40) -> str:
    """Return the `repr` of a value, cut to `limit` characters, for an error message."""
    shown = repr(value)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."
