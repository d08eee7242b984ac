"""Header of a delimited file, and faults of records that do not match it."""

from collections.abc import Sequence

from munjang.data.readers.corruption import find_invalid_characters
from munjang.data.readers.faults import Fault
from munjang.errors import DataError
from munjang.reporting import pluralize
from munjang.text.columns import Int64s

WRONG_FIELDS = "wrong number of fields"


def parse_header(fields: Sequence[str], *, file: str, row: int) -> tuple[str, ...]:
    """Return the column names: the fields of the header without surrounding space.

    Raises:
        DataError: all names are empty, or they hold NUL or invalid bytes.
    """
    reason = find_invalid_characters("".join(fields))
    if reason:
        raise DataError(
            f"the header holds {reason}, and no row can be read without it", file=file, row=row
        )
    names = tuple(field.strip() for field in fields)
    if not any(names):
        raise DataError("expected a header with column names, got an empty one", file=file, row=row)
    return names


def is_quoted(header: bytes, delimiter: bytes) -> bool:
    """Return whether every field of a header line is in double quotes."""
    names = header.removesuffix(b"\r").split(delimiter)
    return all(len(name) > 1 and name[:1] == name[-1:] == b'"' for name in names)


def no_rows_error(names: Sequence[str], *, file: str, row: int) -> DataError:
    """Return the error about a file that has a header but no rows."""
    return DataError(
        f"there is only a header ({join_names(names)}) and no row after it", file=file, row=row
    )


def note_blank_lines(count: int) -> tuple[str, ...]:
    """Return the note on blank lines that were left out, if there were any."""
    return (f"{pluralize(count, 'blank line')} left out",) if count else ()


def join_names(names: Sequence[str]) -> str:
    """Return the first names on one line, separated by commas, for a message."""
    return ", ".join(" ".join(name.split()) for name in names[:12]) + (
        ", ..." if len(names) > 12 else ""
    )


def field_count_fault(rows: Int64s, counts: Int64s, names: Sequence[str], delimiter: str) -> Fault:
    """Return the fault of records that have more or fewer fields than the header.

    Args:
        rows: row number of each of these records.
        counts: number of fields of each.
        names: column names.
        delimiter: separator of the fields.
    """
    return Fault(
        WRONG_FIELDS, rows, lambda k: describe_wrong_fields(int(counts[k]), names, delimiter)
    )


def describe_wrong_fields(count: int, names: Sequence[str], delimiter: str) -> str:
    """Return the message about a record with more or fewer fields than the header."""
    expected = f"expected {len(names)} fields as in the header ({join_names(names)}), got {count}"
    if count < len(names):
        return expected
    character = {"\t": "a tab", ",": "a comma"}.get(delimiter, f"a {delimiter!r}")
    if delimiter == "\t":
        return f"{expected}; no text may hold {character}"
    return f"{expected}; put double quotes around a text that holds {character}"
