"""Records that hold bytes no text has: found only when bad rows may be skipped."""

import numpy as np

from munjang.data.readers.faults import Fault
from munjang.text.columns import Int64s

NUL, INVALID = "NUL byte", "invalid bytes"


def corruption(record: bytes) -> str | None:
    """The reason why a record's bytes are not UTF-8 text, if there is one."""
    if b"\0" in record:
        return NUL
    try:
        record.decode()
    except UnicodeDecodeError:
        return INVALID
    return None


def corruption_faults(reasons: list[str | None], rows: Int64s) -> list[Fault]:
    """One fault for each reason, over the rows that have it."""
    named = np.array([reason or "" for reason in reasons], dtype=object)
    return [
        Fault(NUL, rows[named == NUL], lambda _: f"the row holds a {NUL}"),
        Fault(INVALID, rows[named == INVALID], lambda _: f"the row holds {INVALID}"),
    ]


def blank_corrupt(
    data: bytes, starts: Int64s, ends: Int64s, rows: Int64s
) -> tuple[bytes, list[Fault], Int64s]:
    """Find the damaged records and overwrite them with spaces, so that all bytes are valid.

    Returns:
        The bytes, of the same length; the faults; the indices of the damaged records.
    """
    spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
    reasons = [corruption(data[start:end]) for start, end in spans]
    bad = [i for i, reason in enumerate(reasons) if reason]
    mended = bytearray(data)
    for i in bad:
        start, end = spans[i]
        mended[start:end] = b" " * (end - start)
    return bytes(mended), corruption_faults(reasons, rows), np.array(bad, dtype=np.int64)
