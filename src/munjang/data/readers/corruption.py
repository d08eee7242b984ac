"""Records with NUL or invalid bytes, which are looked for only where bad rows may be skipped."""

import numpy as np

from munjang.data.readers.faults import BadRow, Fault, group_bad_rows
from munjang.text.columns import Int64s

NUL, INVALID = "NUL byte", "invalid bytes"


def find_invalid_characters(record: str) -> str | None:
    """Return why a record is not text, or None; its invalid bytes are lone surrogates."""
    if "\0" in record:
        return NUL
    try:
        if not record.isascii():
            record.encode()
    except UnicodeEncodeError:
        return INVALID
    return None


def blank_corrupt_rows(
    data: bytes, starts: Int64s, ends: Int64s, rows: Int64s
) -> tuple[bytes, list[Fault], Int64s]:
    """Overwrite damaged records with spaces, so that all bytes are valid UTF-8.

    Args:
        data: content of a file.
        starts: place of the first byte of each record.
        ends: place after the last byte of each record.
        rows: row number of each record.

    Returns:
        The bytes, of the same length; the faults; the indices of the damaged records.
    """
    blanked = bytearray(data)
    damaged: list[int] = []
    bad_rows: list[tuple[int, BadRow]] = []
    spans = zip(starts.tolist(), ends.tolist(), rows.tolist(), strict=True)
    for i, (start, end, row) in enumerate(spans):
        reason = find_invalid_characters(data[start:end].decode(errors="surrogateescape"))
        if reason is not None:
            blanked[start:end] = b" " * (end - start)
            damaged.append(i)
            bad_rows.append((row, BadRow(reason, f"the row holds {reason}")))
    return bytes(blanked), group_bad_rows(bad_rows), np.array(damaged, dtype=np.int64)
